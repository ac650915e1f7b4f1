"""Roots, sizes and signs."""

from typing import Any

import numpy as np

from symgrad.expr.interval import UNIT, Interval, point
from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.expr.numbers import power_value, sign_of
from symgrad.expr.types import resolve
from symgrad.ops.basic import HALF
from symgrad.ops.cast import cast
from symgrad.ops.comparison import equal
from symgrad.ops.elementwise import Elementwise, as_expr, elementwise
from symgrad.ops.guard import choose
from symgrad.ops.public import public


def _range_of_sign(y: Expr, x: Interval) -> Interval:
    if x.nonzero:
        return point(1 if x.positive else -1)
    return Interval(0, 1) if x.nonnegative else Interval(-1, 0) if x.nonpositive else UNIT


def _range_of_hypot(y: Expr, a: Interval, b: Interval) -> Interval:
    """At least the larger, at most the sum."""
    low, high = abs(a).larger(abs(b)), abs(a) + abs(b)
    return Interval(low.low, high.high, low.open_low)


cbrt = elementwise(
    "cbrt",
    derivative=lambda g, y, x: g / (3 * y**2),
    numpy="np.cbrt({0})",
    scalar="cbrt({0})",
    latex=r"\sqrt[3]{{{0}}}",
    sympy=lambda sp, x: sp.sign(x) * sp.Abs(x) ** sp.Rational(1, 3),
    ufunc=np.cbrt,
    parity="odd",
    exact={0: 0, 1: 1},
    special=(-8.0, 27.0),
    notes="The derivative at 0 is inf.",
    singular=True,
    range=lambda y, x: x.of_sign(),
    cost=8,
)


@public
def fabs(x: Any) -> Expr:
    """`absolute` in floating point: integers become float64, as `numpy.fabs`."""
    a = as_expr(x)
    return absolute(cast(a, resolve(np.true_divide, (a.ty, a.ty))))


hypot = elementwise(
    "hypot",
    derivative=(lambda g, y, a, b: g * a / y, lambda g, y, a, b: g * b / y),
    numpy="np.hypot({0}, {1})",
    scalar="hypot({0}, {1})",
    latex=r"\operatorname{{hypot}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.sqrt(a**2 + b**2),
    ufunc=np.hypot,
    commutative=True,
    domain=((0.2, 3.0), (-3.0, 3.0)),
    notes="The derivatives at the origin are nan.",
    range=_range_of_hypot,
    exact=lambda a, b: power_value(a**2 + b**2, HALF),
    cost=8,
)
absolute = elementwise(
    "absolute",
    derivative=lambda g, y, x: g * sign(x),
    numpy="np.abs({0})",
    scalar="abs({0})",
    text="abs({0})",
    latex=r"\left|{0}\right|",
    sympy=lambda sp, x: sp.Abs(x),
    ufunc=np.absolute,
    parity="even",
    special=(0.0, -2.5),
    notes="The derivative is sign(x), 0 at 0.",
    range=lambda y, x: abs(x),
    exact=abs,
)
sign: Elementwise = elementwise(
    "sign",
    derivative=None,
    numpy="np.sign({0})",
    scalar="(1.0 if {0} > 0.0 else -1.0 if {0} < 0.0 else {0})",
    latex=r"\operatorname{{sign}}\left({0}\right)",
    sympy=lambda sp, x: sp.sign(x),
    ufunc=np.sign,
    parity="odd",
    special=(0.0, -2.5),
    notes="The derivative is 0 everywhere, at the jump too.",
    range=_range_of_sign,
    exact=sign_of,
)
heaviside = elementwise(
    "heaviside",
    derivative=(None, lambda g, y, a, b: choose(equal(a, 0), g, number(0, g.shape))),
    numpy="np.heaviside({0}, {1})",
    scalar="(0.0 if {0} < 0.0 else 1.0 if {0} > 0.0 else {1} if {0} == 0.0 else {0})",
    latex=r"\operatorname{{H}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.Heaviside(a, b),
    ufunc=np.heaviside,
    notes="The derivative by the first operand is 0, at the jump too.",
    range=lambda y, a, b: Interval(0, 1) | b,
    exact=lambda a, b: b if a == 0 else int(a > 0),
)
copysign: Elementwise = elementwise(
    "copysign",
    derivative=(lambda g, y, a, b: g * sign(a) * copysign(1, b), None),
    numpy="np.copysign({0}, {1})",
    scalar="copysign({0}, {1})",
    latex=r"\operatorname{{copysign}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.Abs(a) * sp.Piecewise((1, b >= 0), (-1, True)),
    ufunc=np.copysign,
    domain=((0.2, 3.0), (0.2, 3.0)),
    notes="The derivative by the first operand is 0 at 0.",
    range=lambda y, a, b: abs(a) if b.positive else -abs(a) if b.negative else abs(a) | -abs(a),
    exact=lambda a, b: abs(a) if b >= 0 else -abs(a),
)
