"""`astype`, the op: the same values in another element type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from symgrad.expr.interval import REALS
from symgrad.expr.kinds import Cast
from symgrad.expr.leaves import is_number, number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.expr.types import Ty


def cast(x: Expr, ty: Ty) -> Expr:
    """`x` with entries of type `ty`; `x` itself if they are."""
    if x.ty is ty:
        return x
    if is_number(x):
        return number(ty.dtype.type(x.params[0]).item(), x.shape, ty)
    return make(CAST, (x,), (ty,), x.shape, ty)


def cast_number(x: Expr, ty: Ty) -> Expr:
    """`x`, with the type `ty` if it is made of numbers that have none of their own; these stay exact."""
    if not x.ty.weak:
        return x
    if is_number(x):
        return number(x.params[0], x.shape, ty)
    return x if x.dtype == ty.dtype else cast(x, ty)


def _cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    both_real = y.dtype.kind == "f" and y.args[0].dtype.kind == "f"
    return [cast(g, y.args[0].ty) if both_real else None]


def _image(sp: Any, x: Any, ty: Ty) -> Any:
    if ty.dtype.kind == "b":
        return sp.Ne(x, 0)
    return x if ty.dtype.kind == "f" else sp.sign(x) * sp.floor(sp.Abs(x))


class CastParams(NamedTuple):
    """The type of the entries."""

    ty: Ty


# What is seen of a change of type, by the kinds before and after: truth, whole numbers, and all others
_LATEX: Final = {
    **dict.fromkeys(("bi", "bu", "bf"), r"\mathbf{{1}}\left[{0}\right]"),
    **dict.fromkeys(("ib", "ub", "fb"), r"{0} \neq 0"),
    **dict.fromkeys(("fi", "fu"), r"\operatorname{{trunc}}\left({0}\right)"),
}

CAST: Final = Op(
    name="astype",
    fields=CastParams,
    build=lambda args, params: cast(args[0], *params),
    infer=lambda args, params: (args[0].shape, *params),
    vjp=_cotangent,
    elementwise=True,
    linear=lambda node: node.dtype.kind == "f",
    numpy=lambda node: Cast(node.dtype.name),
    text=lambda node: f"astype({{0}}, {node.dtype.name})",
    latex=lambda node: _LATEX.get(f"{node.args[0].dtype.kind}{node.dtype.kind}", "{0}"),
    sympy=_image,
    domain=((-3.0, 3.0),),
    notes="Between floating types the derivative is 1; integers and booleans have none.",
    range=lambda y, x: x if y.dtype.kind == "f" else REALS,
)
