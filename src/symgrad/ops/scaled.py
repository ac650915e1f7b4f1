"""Sums of squares whose root is taken, safe from overflow and underflow; quotients that stay quotients.

These ops are made on the way to code, by `symgrad.rewrite.scaling`; no formula that a user holds has them.
`NORM` is given the sum of squares as well: where that is an ordinary number its root is the norm; only
elsewhere the entries are scaled first.

Reference: Blue, A portable Fortran program to find the Euclidean norm of a vector, ACM TOMS 4, 1978.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.expr.kinds import Call
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.ops.einsum import einsum_node
from symgrad.ops.elementwise import elementwise
from symgrad.ops.ufuncs import absolute, sign

quotient = elementwise(
    "quotient",
    derivative=(lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b),
    numpy="{0}/{1}",
    scalar="{0}/{1}",
    latex=r"\frac{{{0}}}{{{1}}}",
    text="quotient({0}, {1})",
    sympy=lambda sp, a, b: a / b,
    ufunc=np.true_divide,
    domain=((-3.0, 3.0), (0.2, 3.0)),
    doc="``x/y`` as one division, never taken apart into factors.",
)
benign_square = elementwise(
    "benign_square",
    derivative=lambda g, y, x: 2 * g * x,
    numpy="np.square({0})",
    scalar="{0}*{0}",
    latex=r"{0}^{{2}}",
    text="square({0})",
    sympy=lambda sp, x: x**2,
    ufunc=np.square,
    doc="``x**2`` where an infinite square is right, as in ``1/(1 + x**2)``: no warning of overflow.",
)


def _cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    """``(|x|/norm)**(p - 1) * sign(x)``; the sum of powers is known from x."""
    if not needed[1]:
        return [None, None]
    x, (axes, p) = y.args[1], y.params
    inside = tuple(range(x.ndim))
    left = tuple([i for i in inside if i not in axes])
    full = dict(zip(inside, x.shape, strict=True))
    wide, seed = [einsum_node([a], [left], inside, full) for a in (y, g)]
    return [None, seed * absolute(quotient(x, wide)) ** (p - 1) * sign(x)]


def _kind(node: Expr) -> Call:
    axes, p = node.params
    return Call("_norm", (), (("axis", axes), *([] if p == 2 else [("p", float(p))])))


def norm_of(total: Expr, x: Expr, axes: tuple[int, ...], p: Any = 2) -> Expr:
    """The p-th root of ``total = sum(abs(x)**p, axes)``."""
    return NORM.build((total, x), (axes, p))


def _infer(args: tuple[Expr, ...], params: Params) -> Any:
    return args[0].shape, args[0].ty


def _build(args: tuple[Expr, ...], params: Params) -> Expr:
    return make(NORM, args, params, *_infer(args, params))


NORM: Op = Op(
    name="norm",
    build=_build,
    infer=_infer,
    vjp=_cotangents,
    numpy=_kind,
    text=lambda node: f"norm({{1}}, {node.params[1]}, axis={node.params[0]})",
    latex=r"\left\|{1}\right\|",
    notes="The first operand is the sum of p-th powers of the second, over the axes of the parameters.",
)
