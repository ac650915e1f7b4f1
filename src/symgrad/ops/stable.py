"""Functions that formulas become so that they keep their digits: one where people write two.

``1/cosh(x)`` overflows on the way, ``log(1 - exp(x))`` cancels on one side and loses its small results
on the other. Each record here is such a formula as one function, with code that is right to the last
digits for every argument. In print they are as people write them.

References: Maechler, Accurately computing log(1 - exp(-|a|)), Rmpfr vignette, 2012.
"""

from __future__ import annotations

from typing import Final

from symgrad.expr.interval import INF, NONNEGATIVE, POSITIVE, REALS, Interval
from symgrad.expr.order import SINE
from symgrad.ops.elementwise import Elementwise, elementwise
from symgrad.ops.exponential import exp, expit, expm1
from symgrad.ops.trigonometric import tanh

_SHRUNK: Final = "np.exp(-1.0*np.abs({0}))"  # of an exponential, so that it cannot overflow

sech = elementwise(
    "sech",
    order=SINE,
    derivative=lambda g, y, x: -g * y * tanh(x),
    numpy=f"2.0*{_SHRUNK}/(1.0 + np.square({_SHRUNK}))",
    scalar="2.0*exp(-abs({0}))/(1.0 + exp(-2.0*abs({0})))",
    latex=r"\operatorname{{sech}}\left({0}\right)",
    sympy=lambda sp, x: sp.sech(x),
    parity="even",
    exact={0: 1},
    special=(1e-8, 30.0, -300.0, 800.0),
    doc="``1/cosh(x)``, which is 0 where cosh(x) overflows.",
    range=Interval(0, 1, True),
)
csch: Elementwise = elementwise(
    "csch",
    order=SINE,
    derivative=lambda g, y, x: -g * y / tanh(x),
    numpy=f"np.copysign(2.0*{_SHRUNK}/-np.expm1(-2.0*np.abs({{0}})), {{0}})",
    scalar="copysign(2.0*exp(-abs({0}))/-expm1(-2.0*abs({0})), {0})",
    latex=r"\operatorname{{csch}}\left({0}\right)",
    sympy=lambda sp, x: sp.csch(x),
    domain=(0.2, 3.0),
    parity="odd",
    special=(1e-8, -1e-300, 30.0, -300.0, 800.0),
    doc="``1/sinh(x)``, which is 0 where sinh(x) overflows.",
    range=lambda y, x: x.of_sign(),
)
bose_einstein: Elementwise = elementwise(
    "bose_einstein",
    derivative=lambda g, y, x: g * y * bose_einstein(-x),
    numpy="np.exp(-np.maximum({0}, 0.0))/np.copysign(np.expm1(-np.abs({0})), {0})",
    scalar="(exp(-{0})/-expm1(-{0}) if {0} > 0.0 else 1.0/expm1({0}))",
    latex=r"\operatorname{{n_B}}\left({0}\right)",
    sympy=lambda sp, x: 1 / (sp.exp(x) - 1),
    domain=(0.2, 4.0),
    special=(1e-8, -1e-300, -3.0, 30.0, -300.0, 800.0, -800.0),
    doc="``1/(exp(x) - 1)``, the occupation of a mode by Bose and Einstein, without overflow.",
    range=lambda y, x: (
        POSITIVE if x.nonnegative else Interval(-INF, -1, False, True) if x.nonpositive else REALS
    ),
)
log1mexp = elementwise(
    "log1mexp",
    derivative=lambda g, y, x: g * exp(x) / expm1(x),
    numpy="np.where({0} > -0.6931471805599453, np.log(-np.expm1({0})), np.log1p(-np.exp({0})))",
    scalar="(log(-expm1({0})) if {0} > -0.6931471805599453 else log1p(-exp({0})))",
    text="log(1 - exp({0}))",
    latex=r"\log\left(1 - \exp\left({0}\right)\right)",
    sympy=lambda sp, x: sp.log(1 - sp.exp(x)),
    domain=(-4.0, -0.2),
    special=(-1e-20, -1e-300, -50.0, -700.0, -800.0),
    doc="``log(1 - exp(x))`` for x < 0.",
    range=-POSITIVE,
)
log_cosh = elementwise(
    "log_cosh",
    derivative=lambda g, y, x: g * tanh(x),
    numpy=(
        "np.where(np.abs({0}) < 1.0, np.log1p(2.0*np.square(np.sinh(0.5*{0}))),"
        " np.abs({0}) + np.log1p(np.exp(-2.0*np.abs({0}))) - 0.6931471805599453)"
    ),
    scalar=(
        "(log1p(2.0*sinh(0.5*{0})**2) if abs({0}) < 1.0"
        " else abs({0}) + log1p(exp(-2.0*abs({0}))) - 0.6931471805599453)"
    ),
    text="log(cosh({0}))",
    latex=r"\log\left(\cosh\left({0}\right)\right)",
    sympy=lambda sp, x: sp.log(sp.cosh(x)),
    parity="even",
    exact={0: 0},
    special=(1e-8, -1e-150, 30.0, -800.0),
    doc="``log(cosh(x))``, without overflow and to the last digits near 0.",
    range=NONNEGATIVE,
)
log1p_tanh = elementwise(
    "log1p_tanh",
    derivative=lambda g, y, x: g * 2 * expit(-2 * x),
    numpy=(
        "np.where({0} > -1.0, np.log1p(np.tanh({0})),"
        " 2.0*{0} + 0.6931471805599453 - np.log1p(np.exp(2.0*{0})))"
    ),
    scalar=(
        "(log1p(tanh({0})) if {0} > -1.0 else 2.0*{0} + 0.6931471805599453 - log1p(exp(2.0*{0})))"
    ),
    text="log(1 + tanh({0}))",
    latex=r"\log\left(1 + \tanh\left({0}\right)\right)",
    sympy=lambda sp, x: sp.log(1 + sp.tanh(x)),
    exact={0: 0},
    special=(1e-17, 30.0, -30.0, -300.0),
    doc="``log(1 + tanh(x))``, also where tanh(x) is near -1.",
)
