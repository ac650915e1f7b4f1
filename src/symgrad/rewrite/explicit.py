"""`explicit`: formulas with their named parts written out."""

from __future__ import annotations

from typing import Any, overload

from symgrad.expr.node import Expr
from symgrad.expr.pytrees import mapped
from symgrad.ops.elementwise import as_expr
from symgrad.ops.lifted import Nest, W
from symgrad.ops.public import public_as_typed
from symgrad.rewrite.names import definitions_written_out


@overload
def explicit(e: Nest) -> Nest: ...
@overload
def explicit(e: W) -> W: ...
@overload
def explicit(e: Any) -> Expr: ...
@public_as_typed
def explicit(e: Any) -> Any:
    """`e` with every `named` part replaced by its definition, those inside definitions too.

    Parameters
    ----------
    e : expression, or a nest of lists, tuples and dicts of them, such as ``hessian(f, [x, y])``

    Returns
    -------
    Expr, or the same nest. The values are those of `e`; numbers that had a name are folded.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> gamma = sg.named(sg.sqrt(1 - x**2), "gamma")
    >>> print(sg.explicit(sg.diff(gamma, x)))
    -x/sqrt(1 - x**2)
    """
    return mapped(e, lambda part: definitions_written_out([as_expr(part)])[0])
