"""Exponentials and logarithms, the logistic function and softplus among them."""

import numpy as np

from symgrad.expr.interval import INF, POSITIVE, Interval
from symgrad.expr.numbers import log_of_large
from symgrad.expr.order import EXPONENTIAL, LOGARITHM
from symgrad.ops.elementwise import elementwise

exp = elementwise(
    "exp",
    derivative=lambda g, y, x: g * y,
    numpy="np.exp({0})",
    scalar="exp({0})",
    latex=r"\exp\left({0}\right)",
    sympy=lambda sp, x: sp.exp(x),
    ufunc=np.exp,
    order=EXPONENTIAL,
    exact={0: 1},
    special=(0.0, 700.0, -700.0),
    range=POSITIVE,
    cost=4,
)
log = elementwise(
    "log",
    derivative=lambda g, y, x: g / x,
    numpy="np.log({0})",
    scalar="log({0})",
    latex=r"\log\left({0}\right)",
    sympy=lambda sp, x: sp.log(x),
    ufunc=np.log,
    order=LOGARITHM,
    domain=(0.1, 4.0),
    special=(1e-300, 1e300),
    exact=lambda x: 0 if x == 1 else log_of_large(x),
    cost=4,
)
exp2 = elementwise(
    "exp2",
    derivative=lambda g, y, x: g * y * log(2),
    numpy="np.exp2({0})",
    scalar="exp2({0})",
    latex=r"2^{{{0}}}",
    sympy=lambda sp, x: sp.Integer(2) ** x,
    ufunc=np.exp2,
    order=EXPONENTIAL,
    exact={0: 1},
    special=(0.0, 1000.0),
    range=POSITIVE,
    cost=2,
)
expm1 = elementwise(
    "expm1",
    derivative=lambda g, y, x: g * exp(x),
    numpy="np.expm1({0})",
    scalar="expm1({0})",
    latex=r"\operatorname{{expm1}}\left({0}\right)",
    sympy=lambda sp, x: sp.exp(x) - 1,
    ufunc=np.expm1,
    exact={0: 0},
    special=(1e-12, -1e-18, 100.0),
    range=lambda y, x: x.of_sign(low=-1),
    cost=4,
)
log2 = elementwise(
    "log2",
    derivative=lambda g, y, x: g / (x * log(2)),
    numpy="np.log2({0})",
    scalar="log2({0})",
    latex=r"\log_{{2}}\left({0}\right)",
    sympy=lambda sp, x: sp.log(x, 2),
    ufunc=np.log2,
    domain=(0.1, 4.0),
    special=(8.0,),
    exact=lambda x: 0 if x == 1 else log_of_large(x, 2),
    cost=2,
)
log10 = elementwise(
    "log10",
    derivative=lambda g, y, x: g / (x * log(10)),
    numpy="np.log10({0})",
    scalar="log10({0})",
    latex=r"\log_{{10}}\left({0}\right)",
    sympy=lambda sp, x: sp.log(x, 10),
    ufunc=np.log10,
    domain=(0.1, 4.0),
    special=(1000.0,),
    exact=lambda x: 0 if x == 1 else log_of_large(x, 10),
    cost=4,
)
log1p = elementwise(
    "log1p",
    derivative=lambda g, y, x: g / (x + 1),
    numpy="np.log1p({0})",
    scalar="log1p({0})",
    latex=r"\operatorname{{log1p}}\left({0}\right)",
    sympy=lambda sp, x: sp.log(x + 1),
    ufunc=np.log1p,
    exact={0: 0},
    domain=(-0.9, 4.0),
    special=(1e-18, 1e300),
    range=lambda y, x: x.of_sign(),
    cost=4,
)
expit = elementwise(
    "expit",
    derivative=lambda g, y, x: g * y * (1 - y),
    # exp(-|x|) cannot overflow; it is at most 1, which it becomes where x >= 0
    # (times -1.0, as booleans have no negative)
    numpy="np.maximum(np.exp(-1.0*np.abs({0})), {0} >= 0.0)/(1.0 + np.exp(-1.0*np.abs({0})))",
    scalar="(1.0/(1.0 + exp(-{0})) if {0} > -709.0 else exp({0}))",
    latex=r"\sigma\left({0}\right)",
    sympy=lambda sp, x: 1 / (1 + sp.exp(-x)),
    ufunc=None,
    special=(0.0, 40.0, -40.0, 700.0, -700.0, -740.0, -800.0),
    doc="The logistic sigmoid ``1/(1 + exp(-x))``, safe for any x; as `scipy.special.expit`.",
    range=Interval(0, 1, True, True),
)
logaddexp = elementwise(
    "logaddexp",
    derivative=(lambda g, y, a, b: g * expit(a - b), lambda g, y, a, b: g * expit(b - a)),
    numpy="np.logaddexp({0}, {1})",
    latex=r"\operatorname{{logaddexp}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.log(sp.exp(a) + sp.exp(b)),
    ufunc=np.logaddexp,
    commutative=True,
    special=(500.0, -500.0),
    range=lambda y, a, b: Interval(max(a.low, b.low), INF, True),
    cost=20,
)
logaddexp2 = elementwise(
    "logaddexp2",
    derivative=(
        lambda g, y, a, b: g * expit((a - b) * log(2)),
        lambda g, y, a, b: g * expit((b - a) * log(2)),
    ),
    numpy="np.logaddexp2({0}, {1})",
    latex=r"\operatorname{{logaddexp2}}\left({0}, {1}\right)",
    sympy=lambda sp, a, b: sp.log(sp.Integer(2) ** a + sp.Integer(2) ** b, 2),
    ufunc=np.logaddexp2,
    commutative=True,
    special=(500.0, -500.0),
    range=lambda y, a, b: Interval(max(a.low, b.low), INF, True),
    cost=20,
)
softplus = elementwise(
    "softplus",
    derivative=lambda g, y, x: g * expit(x),
    numpy="np.maximum({0}, 0.0) + np.log1p(np.exp(-1.0*np.abs({0})))",  # np.logaddexp is ten times slower
    scalar="({0} + log1p(exp(-{0})) if {0} > 0.0 else log1p(exp({0})))",
    latex=r"\operatorname{{softplus}}\left({0}\right)",
    sympy=lambda sp, x: sp.log(1 + sp.exp(x)),
    domain=(-30.0, 30.0),
    special=(0.0, 700.0, -700.0),
    doc="``log(1 + exp(x))``, safe for any x.",
    range=POSITIVE,
)
