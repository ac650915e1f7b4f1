"""`astype`, the function: an expression in another element type."""

from __future__ import annotations

from typing import Any

from symgrad.expr.node import Expr
from symgrad.expr.types import as_ty
from symgrad.ops.cast import cast
from symgrad.ops.elementwise import as_expr
from symgrad.ops.public import public


@public
def astype(x: Any, dtype: Any) -> Expr:
    """`x` with entries of another dtype, as `numpy.astype`.

    Raises
    ------
    DTypeError
        If the dtype is not boolean, integer or real floating.

    Examples
    --------
    >>> import symgrad as sg
    >>> sg.astype(sg.vector("x", 3), "float32").dtype
    dtype('float32')
    """
    return cast(as_expr(x), as_ty(dtype))
