"""Trigonometric and hyperbolic functions, their inverses, and angles in degrees."""

from typing import Any

import numpy as np

from symgrad.calls import checked
from symgrad.expr.interval import NONNEGATIVE, UNIT, Interval
from symgrad.expr.leaves import PI
from symgrad.expr.node import Expr
from symgrad.expr.order import COSINE, SINE, TANGENT
from symgrad.ops.basic import multiply, sqrt
from symgrad.ops.elementwise import Elementwise, elementwise
from symgrad.ops.examples import documented

sin = elementwise(
    "sin",
    derivative=lambda g, y, x: g * cos(x),
    numpy="np.sin({0})",
    scalar="sin({0})",
    latex=r"\sin\left({0}\right)",
    sympy=lambda sp, x: sp.sin(x),
    ufunc=np.sin,
    order=SINE,
    parity="odd",
    exact={0: 0},
    range=UNIT,
    cost=20,
)
cos: Elementwise = elementwise(
    "cos",
    derivative=lambda g, y, x: -g * sin(x),
    numpy="np.cos({0})",
    scalar="cos({0})",
    latex=r"\cos\left({0}\right)",
    sympy=lambda sp, x: sp.cos(x),
    ufunc=np.cos,
    order=COSINE,
    parity="even",
    exact={0: 1},
    range=UNIT,
    cost=20,
)
tan = elementwise(
    "tan",
    derivative=lambda g, y, x: g * (y**2 + 1),
    numpy="np.tan({0})",
    scalar="tan({0})",
    latex=r"\tan\left({0}\right)",
    sympy=lambda sp, x: sp.tan(x),
    ufunc=np.tan,
    order=TANGENT,
    parity="odd",
    exact={0: 0},
    domain=(-1.3, 1.3),
    cost=4,
)
arcsin = elementwise(
    "arcsin",
    derivative=lambda g, y, x: g / sqrt(1 - x**2),
    numpy="np.arcsin({0})",
    scalar="asin({0})",
    latex=r"\arcsin\left({0}\right)",
    sympy=lambda sp, x: sp.asin(x),
    ufunc=np.arcsin,
    parity="odd",
    exact={0: 0},
    domain=(-0.9, 0.9),
    range=lambda y, x: x.of_sign(-2, 2),
    cost=8,
)
arccos = elementwise(
    "arccos",
    derivative=lambda g, y, x: -g / sqrt(1 - x**2),
    numpy="np.arccos({0})",
    scalar="acos({0})",
    latex=r"\arccos\left({0}\right)",
    sympy=lambda sp, x: sp.acos(x),
    ufunc=np.arccos,
    exact={1: 0},
    domain=(-0.9, 0.9),
    range=Interval(0, 4),
    cost=8,
)
arctan = elementwise(
    "arctan",
    derivative=lambda g, y, x: g / (x**2 + 1),
    numpy="np.arctan({0})",
    scalar="atan({0})",
    latex=r"\arctan\left({0}\right)",
    sympy=lambda sp, x: sp.atan(x),
    ufunc=np.arctan,
    parity="odd",
    exact={0: 0},
    range=lambda y, x: x.of_sign(-2, 2),
    cost=4,
)
arctan2 = elementwise(
    "arctan2",
    derivative=(
        lambda g, y, a, b: g * b / (a**2 + b**2),
        lambda g, y, a, b: -g * a / (a**2 + b**2),
    ),
    numpy="np.arctan2({0}, {1})",
    scalar="atan2({0}, {1})",
    latex=r"\operatorname{{atan2}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.atan2(a, b),
    ufunc=np.arctan2,
    domain=((0.2, 3.0), (-3.0, 3.0)),
    notes="The derivatives at the origin are nan.",
    range=lambda y, a, b: (
        a.of_sign(-4, 4) if a.nonzero else Interval(-4 if not a.nonnegative else 0, 4)
    ),
    cost=8,
)
sinh = elementwise(
    "sinh",
    derivative=lambda g, y, x: g * cosh(x),
    numpy="np.sinh({0})",
    scalar="sinh({0})",
    latex=r"\sinh\left({0}\right)",
    sympy=lambda sp, x: sp.sinh(x),
    ufunc=np.sinh,
    order=SINE,
    parity="odd",
    exact={0: 0},
    range=lambda y, x: x.of_sign(),
    cost=5,
)
cosh: Elementwise = elementwise(
    "cosh",
    derivative=lambda g, y, x: g * sinh(x),
    numpy="np.cosh({0})",
    scalar="cosh({0})",
    latex=r"\cosh\left({0}\right)",
    sympy=lambda sp, x: sp.cosh(x),
    ufunc=np.cosh,
    order=COSINE,
    parity="even",
    exact={0: 1},
    range=Interval(1),
    cost=5,
)
tanh = elementwise(
    "tanh",
    derivative=lambda g, y, x: g * (1 - y**2),
    numpy="np.tanh({0})",
    scalar="tanh({0})",
    latex=r"\tanh\left({0}\right)",
    sympy=lambda sp, x: sp.tanh(x),
    ufunc=np.tanh,
    order=TANGENT,
    parity="odd",
    exact={0: 0},
    special=(500.0,),
    range=lambda y, x: x.of_sign(-1, 1),
    cost=5,
)
arcsinh = elementwise(
    "arcsinh",
    derivative=lambda g, y, x: g / sqrt(x**2 + 1),
    numpy="np.arcsinh({0})",
    scalar="asinh({0})",
    latex=r"\operatorname{{arsinh}}\left({0}\right)",
    sympy=lambda sp, x: sp.asinh(x),
    ufunc=np.arcsinh,
    parity="odd",
    exact={0: 0},
    range=lambda y, x: x.of_sign(),
    cost=5,
)
arccosh = elementwise(
    "arccosh",
    derivative=lambda g, y, x: g / sqrt(x**2 - 1),
    numpy="np.arccosh({0})",
    scalar="acosh({0})",
    latex=r"\operatorname{{arcosh}}\left({0}\right)",
    sympy=lambda sp, x: sp.acosh(x),
    ufunc=np.arccosh,
    exact={1: 0},
    domain=(1.2, 4.0),
    range=NONNEGATIVE,
    cost=5,
)
arctanh = elementwise(
    "arctanh",
    derivative=lambda g, y, x: g / (1 - x**2),
    numpy="np.arctanh({0})",
    scalar="atanh({0})",
    latex=r"\operatorname{{artanh}}\left({0}\right)",
    sympy=lambda sp, x: sp.atanh(x),
    ufunc=np.arctanh,
    parity="odd",
    exact={0: 0},
    domain=(-0.9, 0.9),
    range=lambda y, x: x.of_sign(),
    cost=5,
)


@documented
@checked
def degrees(x: Any) -> Expr:
    """Radians to degrees: ``x*180/pi``.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.degrees(x))
    180*x/pi
    """
    return multiply(x, 180 / PI)


@documented
@checked
def radians(x: Any) -> Expr:
    """Degrees to radians: ``x*pi/180``.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.radians(x))
    pi*x/180
    """
    return multiply(x, PI / 180)
