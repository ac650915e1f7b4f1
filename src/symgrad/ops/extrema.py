"""The larger and the smaller of two operands."""

import numpy as np

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.ops.basic import HALF
from symgrad.ops.comparison import equal, greater_equal
from symgrad.ops.elementwise import elementwise
from symgrad.ops.guard import choose


def _larger(g: Expr, a: Expr, b: Expr) -> Expr:
    """`g` where a > b, half of it where they are equal, else 0; a guard, whatever `g` is."""
    weight = choose(equal(a, b), number(HALF, g.shape), number(1, g.shape))
    return choose(greater_equal(a, b), g * weight, number(0, g.shape))


_TIE = "Where the operands are equal each derivative is 1/2."

maximum = elementwise(
    "maximum",
    derivative=(lambda g, y, a, b: _larger(g, a, b), lambda g, y, a, b: _larger(g, b, a)),
    numpy="np.maximum({0}, {1})",
    scalar="({0} if {0} > {1} or {0} != {0} else {1})",
    latex=r"\max\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.Max(a, b),
    ufunc=np.maximum,
    commutative=True,
    notes=_TIE,
    range=lambda y, a, b: a.larger(b),
    exact=max,
)
minimum = elementwise(
    "minimum",
    derivative=(lambda g, y, a, b: _larger(g, b, a), lambda g, y, a, b: _larger(g, a, b)),
    numpy="np.minimum({0}, {1})",
    scalar="({0} if {0} < {1} or {0} != {0} else {1})",
    latex=r"\min\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.Min(a, b),
    ufunc=np.minimum,
    commutative=True,
    notes=_TIE,
    range=lambda y, a, b: a.smaller(b),
    exact=min,
)
fmax = elementwise(
    "fmax",
    derivative=(lambda g, y, a, b: _larger(g, a, b), lambda g, y, a, b: _larger(g, b, a)),
    numpy="np.fmax({0}, {1})",
    scalar="({0} if {0} >= {1} or {1} != {1} else {1})",
    latex=r"\operatorname{{fmax}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.Max(a, b),
    ufunc=np.fmax,
    commutative=True,
    notes=_TIE + " Where an operand is nan both derivatives are 0.",
    range=lambda y, a, b: a | b,
    exact=max,
)
fmin = elementwise(
    "fmin",
    derivative=(lambda g, y, a, b: _larger(g, b, a), lambda g, y, a, b: _larger(g, a, b)),
    numpy="np.fmin({0}, {1})",
    scalar="({0} if {0} <= {1} or {1} != {1} else {1})",
    latex=r"\operatorname{{fmin}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.Min(a, b),
    ufunc=np.fmin,
    commutative=True,
    notes=_TIE + " Where an operand is nan both derivatives are 0.",
    range=lambda y, a, b: a | b,
    exact=min,
)
