"""`astype`: the same values in another element type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from symgrad.expr.leaves import is_number, number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.expr.types import Ty, as_ty
from symgrad.ops.elementwise import as_expr
from symgrad.ops.public import public


def cast(x: Expr, ty: Ty) -> Expr:
    """`x` with entries of type `ty`; `x` itself if they are."""
    if x.ty is ty:
        return x
    if is_number(x):
        return number(ty.dtype.type(x.params[0]).item(), x.shape, ty)
    return make(CAST, (x,), (ty,), x.shape, ty)


def _cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    both_real = y.dtype.kind == "f" and y.args[0].dtype.kind == "f"
    return [cast(g, y.args[0].ty) if both_real else None]


def _image(sp: Any, x: Any, ty: Ty) -> Any:
    if ty.dtype.kind == "b":
        return sp.Ne(x, 0)
    return x if ty.dtype.kind == "f" else sp.sign(x) * sp.floor(sp.Abs(x))


CAST: Final = Op(
    name="astype",
    build=lambda args, params: cast(args[0], params[0]),
    infer=lambda args, params: (args[0].shape, params[0]),
    vjp=_cotangent,
    elementwise=True,
    numpy=lambda node, dim: f"np.{node.dtype.name}({{0}})",
    text=lambda node: f"astype({{0}}, {node.dtype.name})",
    latex="{0}",
    sympy=_image,
    domain=((-3.0, 3.0),),
    notes="Between floating types the derivative is 1; integers and booleans have none.",
)


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
