"""A polynomial with known coefficients as one op: the code is Horner's scheme, written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import WEAK_FLOAT, promote
from symgrad.ops.ordered import Numbers


def polyval(coefficients: Sequence[float], x: Expr) -> Expr:
    """``c[0] + c[1]*x + c[2]*x**2 + ...``, entry by entry."""
    return POLYVAL.build((x,), tuple(float(c) for c in coefficients))


def _build(args: tuple[Expr, ...], params: Params) -> Expr:
    (x,) = args
    if len(params) < 2:
        return number(params[0] if params else 0.0, x.shape)
    return make(POLYVAL, args, params, *_infer(args, params))


def _infer(args: tuple[Expr, ...], params: Params) -> Any:
    return args[0].shape, promote(args[0].ty, WEAK_FLOAT)


def _cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    slopes = [k * c for k, c in enumerate(y.params)][1:]
    return [g * polyval(slopes, y.args[0]) if needed[0] else None]


def _horner(node: Expr) -> str:
    """``c[0] + x*(c[1] + x*(...))`` as a template."""
    *rest, last = node.params
    code = repr(last)
    for c in reversed(rest):
        code = f"{c!r} + {{0}}*({code})" if "{" in code else f"{c!r} + {{0}}*{code}"
    return code


def _text(node: Expr) -> str:
    return f"polyval([{', '.join(map(repr, node.params))}], {{0}})"


def _latex(node: Expr) -> str:
    terms = [
        f"{c!r}" + ("" if k == 0 else " {0}" if k == 1 else f" {{0}}^{{{{{k}}}}}")
        for k, c in enumerate(node.params)
    ]
    return rf"\left({' + '.join(terms)}\right)"


POLYVAL: Final = Op(
    name="polyval",
    fields=Numbers,
    build=_build,
    infer=_infer,
    vjp=_cotangents,
    elementwise=True,
    numpy=_horner,
    scalar=_horner,
    text=_text,
    latex=_latex,
    sympy=lambda sp, x, *c: sum(sp.Float(a) * x**k for k, a in enumerate(c)),
    domain=((-1.0, 1.0),),
    special=(0.0,),
    notes="The coefficients are parameters, the constant term first.",
)
