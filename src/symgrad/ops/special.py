"""SciPy's special functions: error functions, the gamma family, entropies.

Every derivative is made of functions of this file and of `symgrad.ops.ufuncs`, so any order works.
The code calls `scipy.special`, which is imported only by formulas that need it.

Formulas: NIST Digital Library of Mathematical Functions, chapters 5 to 7; for Lambert's W 4.13.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from symgrad.errors import ArgumentError
from symgrad.expr.interval import INF, NONNEGATIVE, POSITIVE, REALS, Interval
from symgrad.expr.leaves import PI, number
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops.bessel import (
    BESSEL_OPS,
    i0,
    i0e,
    i1,
    i1e,
    iv,
    ive,
    j0,
    j1,
    jv,
    k0,
    k0e,
    k1,
    k1e,
    kv,
    kve,
    y0,
    y1,
    yv,
)
from symgrad.ops.elementwise import Elementwise, elementwise
from symgrad.ops.families import (
    FAMILIES,
    dawsn_derivative,
    erfcx_derivative,
    log_erfc_derivative,
    log_ndtr_derivative,
)
from symgrad.ops.guard import choose
from symgrad.ops.ordered import cast_code, of_order, ordered
from symgrad.ops.public import public
from symgrad.ops.quotients import exprel
from symgrad.ops.softmax import log_softmax, logsumexp, softmax
from symgrad.ops.ufuncs import (
    exp,
    expit,
    log,
    log1p,
    logical_or,
    negative,
    not_equal,
    softplus,
    sqrt,
)

HALF: Final = Fraction(1, 2)
_UNIT: Final = (0.05, 0.95)
_POSITIVE: Final = (0.2, 4.0)


def _special(name: str, latex: str, derivative: Any, **fields: Any) -> Elementwise:
    """A function of `scipy.special`, with its derivatives and the start of its notation."""
    count = 1 if callable(derivative) else len(derivative)
    places = ", ".join(f"{{{i}}}" for i in range(count))
    fields.setdefault("numpy", f"scipy.special.{name}({places})")
    fields.setdefault("scalar", f"float(scipy.special.{name}({places}))")
    fields.setdefault("doc", f"Elementwise ``{name}``, as `scipy.special.{name}`.")
    return elementwise(
        name, derivative=derivative, latex=rf"{latex}\left({places}\right)", **fields
    )


# Error functions and the normal distribution


def _gauss(x: Expr) -> Expr:
    """``2/sqrt(pi) * exp(-x**2)``, the derivative of erf."""
    return 2 / sqrt(PI) * exp(-(x**2))


def _normal(x: Expr) -> Expr:
    """``exp(-x**2/2) / sqrt(2*pi)``, the standard normal density."""
    return exp(-(x**2) / 2) / sqrt(2 * PI)


erf = _special(
    "erf",
    r"\operatorname{{erf}}",
    lambda g, y, x: g * _gauss(x),
    scalar="erf({0})",
    sympy=lambda sp, x: sp.erf(x),
    parity="odd",
    exact={0: 0},
    special=(0.0, 6.0),
    range=lambda y, x: x.of_sign(-1, 1),
)
erfc = _special(
    "erfc",
    r"\operatorname{{erfc}}",
    lambda g, y, x: -g * _gauss(x),
    scalar="erfc({0})",
    sympy=lambda sp, x: sp.erfc(x),
    exact={0: 1},
    special=(0.0, 6.0, 26.0),
    range=Interval(0, 2, True, True),
)
erfcx = _special(
    "erfcx",
    r"\operatorname{{erfcx}}",
    lambda g, y, x: g * erfcx_derivative(x),
    sympy=lambda sp, x: sp.exp(x**2) * sp.erfc(x),
    exact={0: 1},
    special=(0.0, 50.0),
    range=POSITIVE,
)
erfi = _special(
    "erfi",
    r"\operatorname{{erfi}}",
    lambda g, y, x: g * (2 / sqrt(PI) * exp(x**2)),
    sympy=lambda sp, x: sp.erfi(x),
    parity="odd",
    exact={0: 0},
    range=lambda y, x: x.of_sign(),
)
dawsn = _special(
    "dawsn",
    r"\operatorname{{D}}",
    lambda g, y, x: g * dawsn_derivative(x),
    sympy=lambda sp, x: sp.sqrt(sp.pi) / 2 * sp.exp(-(x**2)) * sp.erfi(x),
    parity="odd",
    exact={0: 0},
    range=lambda y, x: x.of_sign(-1, 1),
)
erfinv = _special(
    "erfinv",
    r"\operatorname{{erf}}^{{-1}}",
    lambda g, y, x: g * (sqrt(PI) / 2 * exp(y**2)),
    sympy=lambda sp, x: sp.erfinv(x),
    domain=(-0.9, 0.9),
    parity="odd",
    exact={0: 0},
    range=lambda y, x: x.of_sign(),
)
ndtr = _special(
    "ndtr",
    r"\Phi",
    lambda g, y, x: g * _normal(x),
    sympy=lambda sp, x: sp.erfc(-x / sp.sqrt(2)) / 2,
    exact={0: HALF},
    special=(0.0, -8.0),
    range=Interval(0, 1, True, True),
)
log_erf = elementwise(
    "log_erf",
    derivative=lambda g, y, x: g * _gauss(x) / erf(x),
    numpy=(
        "np.where({0} < 1.0, np.log(scipy.special.erf({0})), np.log1p(-scipy.special.erfc({0})))"
    ),
    scalar="(log(erf({0})) if {0} < 1.0 else log1p(-erfc({0})))",
    text="log(erf({0}))",
    latex=r"\log\operatorname{{erf}}\left({0}\right)",
    sympy=lambda sp, x: sp.log(sp.erf(x)),
    domain=(0.2, 4.0),
    special=(1e-300, 6.0, 20.0),
    doc="``log(erf(x))``, also where erf(x) is near 1.",
)
log_erfc = elementwise(
    "log_erfc",
    derivative=lambda g, y, x: g * log_erfc_derivative(x),
    numpy=(
        "np.where({0} < 0.5, np.log1p(-scipy.special.erf({0})),"
        " np.log(scipy.special.erfcx({0})) - {0}*{0})"
    ),
    scalar=("(log1p(-erf({0})) if {0} < 0.5 else log(float(scipy.special.erfcx({0}))) - {0}*{0})"),
    text="log(erfc({0}))",
    latex=r"\log\operatorname{{erfc}}\left({0}\right)",
    sympy=lambda sp, x: sp.log(sp.erfc(x)),
    exact={0: 0},
    special=(1e-17, -30.0, 5.0, 27.0),
    doc="``log(erfc(x))``, also where erfc(x) is near 1 or underflows.",
)
log_ndtr = _special(
    "log_ndtr",
    r"\log\Phi",
    lambda g, y, x: g * log_ndtr_derivative(x),
    sympy=lambda sp, x: sp.log(sp.erfc(-x / sp.sqrt(2)) / 2),
    special=(0.0, -20.0, 5.0),
    range=Interval(-INF, 0, False, True),
)
ndtri = _special(
    "ndtri",
    r"\Phi^{{-1}}",
    lambda g, y, x: g * (sqrt(2 * PI) * exp(y**2 / 2)),
    sympy=lambda sp, x: sp.sqrt(2) * sp.erfinv(2 * x - 1),
    domain=_UNIT,
)

# Logistic functions, beside `expit` and `softplus`

logit = _special(
    "logit",
    r"\operatorname{{logit}}",
    lambda g, y, x: g / (x * (1 - x)),
    numpy="np.log({0}/(1.0 - {0}))",
    scalar="(log({0}) - log1p(-{0}))",
    sympy=lambda sp, x: sp.log(x / (1 - x)),
    domain=_UNIT,
)


def log_expit(x: Any) -> Any:
    """``log(expit(x))`` for any x without overflow: ``-softplus(-x)``."""
    return negative(softplus(negative(x)))


# The gamma family

gamma = _special(
    "gamma",
    r"\Gamma",
    lambda g, y, x: g * y * digamma(x),
    scalar="gamma({0})",
    sympy=lambda sp, x: sp.gamma(x),
    domain=_POSITIVE,
    exact={1: 1, 2: 1, 3: 2, 4: 6},
    special=(5.0, 20.5),
    range=lambda y, x: POSITIVE if x.nonnegative else REALS,
)
gammaln = _special(
    "gammaln",
    r"\log\Gamma",
    lambda g, y, x: g * digamma(x),
    scalar="lgamma({0})",
    sympy=lambda sp, x: sp.loggamma(x),
    domain=_POSITIVE,
    exact={1: 0, 2: 0},
    special=(100.0, 1e10),
    doc="Logarithm of the absolute value of `gamma`, as `scipy.special.gammaln`.",
)
gammasgn = _special(
    "gammasgn",
    r"\operatorname{{sign}}\Gamma",
    (None,),
    sympy=lambda sp, x: sp.sign(sp.gamma(x)),
    domain=_POSITIVE,
    special=(-0.5, -1.5, 200.0),
    doc="The sign of `gamma`, as `scipy.special.gammasgn`; its derivative is 0.",
)
digamma: Elementwise = _special(
    "digamma",
    r"\psi",
    lambda g, y, x: g * polygamma(1, x),
    sympy=lambda sp, x: sp.digamma(x),
    domain=_POSITIVE,
    special=(100.0,),
)
beta = _special(
    "beta",
    r"\operatorname{{B}}",
    (
        lambda g, y, a, b: g * y * (digamma(a) - digamma(a + b)),
        lambda g, y, a, b: g * y * (digamma(b) - digamma(a + b)),
    ),
    sympy=lambda sp, a, b: sp.beta(a, b),
    domain=_POSITIVE,
    commutative=True,
    range=lambda y, a, b: POSITIVE if a.nonnegative and b.nonnegative else REALS,
)
betaln = _special(
    "betaln",
    r"\log\operatorname{{B}}",
    (
        lambda g, y, a, b: g * (digamma(a) - digamma(a + b)),
        lambda g, y, a, b: g * (digamma(b) - digamma(a + b)),
    ),
    sympy=lambda sp, a, b: sp.loggamma(a) + sp.loggamma(b) - sp.loggamma(a + b),
    domain=_POSITIVE,
    commutative=True,
)

POLYGAMMA: Final = ordered(
    "polygamma",
    lambda n, y, x: polygamma(n + 1, x),
    lambda node: f"scipy.special.polygamma({node.params[0]}, {{0}}){cast_code(node)}",
    r"\psi^{{({})}}",
    lambda sp, x, n: sp.polygamma(n, x),
    _POSITIVE,
)


@public
def polygamma(n: Any, x: Any) -> Expr:
    """The n-th derivative of `digamma`, as `scipy.special.polygamma`; n is an int.

    Raises
    ------
    ArgumentError
        If `n` is no non-negative int.
    """
    if not is_exact(n) or n != int(n) or n < 0:
        raise ArgumentError(f"the order of polygamma must be a non-negative int, not {n!r}")
    return digamma(x) if n == 0 else of_order(POLYGAMMA, n, x)


# Entropies: x*log(y) and its kin, 0 at x = 0


def _unless_both_zero(a: Expr, b: Expr, value: Expr) -> Expr:
    """`value` where a or b is not 0, else 0."""
    return choose(logical_or(not_equal(a, 0), not_equal(b, 0)), value, number(0, value.shape))


_AT_ORIGIN: Final = (
    "At x = 0 the value is 0 for every y; there the derivative by x is that of the logarithm (-inf"
    " where the logarithm is), and the derivative by y is 0."
)

xlogy = _special(
    "xlogy",
    r"\operatorname{{xlogy}}",
    (
        lambda g, y, a, b: g * log(b),
        lambda g, y, a, b: _unless_both_zero(a, b, g * a / b),
    ),
    sympy=lambda sp, a, b: sp.Piecewise((0, sp.Eq(a, 0)), (a * sp.log(b), True)),
    domain=((-3.0, 3.0), _POSITIVE),
    special=(0.0,),
    notes=_AT_ORIGIN,
)
xlog1py = _special(
    "xlog1py",
    r"\operatorname{{xlog1py}}",
    (
        lambda g, y, a, b: g * log1p(b),
        lambda g, y, a, b: _unless_both_zero(a, b + 1, g * a / (b + 1)),
    ),
    sympy=lambda sp, a, b: sp.Piecewise((0, sp.Eq(a, 0)), (a * sp.log(1 + b), True)),
    domain=((-3.0, 3.0), (-0.8, 3.0)),
    special=(0.0,),
    notes=_AT_ORIGIN,
)
entr = _special(
    "entr",
    r"\operatorname{{entr}}",
    lambda g, y, x: g * (-log(x) - 1),
    sympy=lambda sp, x: sp.Piecewise((-x * sp.log(x), x > 0), (0, sp.Eq(x, 0)), (-sp.oo, True)),
    domain=_POSITIVE,
    exact={0: 0, 1: 0},
    special=(0.0, -1.0),
    notes="The derivative at 0 is inf.",
)
rel_entr = _special(
    "rel_entr",
    r"\operatorname{{rel\_entr}}",
    (
        lambda g, y, a, b: g * (log(a / b) + 1),
        lambda g, y, a, b: _unless_both_zero(a, b, -g * a / b),
    ),
    sympy=lambda sp, a, b: sp.Piecewise(
        (a * sp.log(a / b), sp.And(a > 0, b > 0)), (0, sp.And(sp.Eq(a, 0), b >= 0)), (sp.oo, True)
    ),
    domain=_POSITIVE,
    notes="At x = 0 the derivative by x is -inf, the derivative by y is 0.",
)
kl_div = _special(
    "kl_div",
    r"\operatorname{{kl\_div}}",
    (
        lambda g, y, a, b: g * log(a / b),
        lambda g, y, a, b: _unless_both_zero(a, b, g * (1 - a / b)),
    ),
    sympy=lambda sp, a, b: sp.Piecewise(
        (a * sp.log(a / b) - a + b, sp.And(a > 0, b > 0)),
        (b, sp.And(sp.Eq(a, 0), b >= 0)),
        (sp.oo, True),
    ),
    domain=_POSITIVE,
    notes="At x = 0 the derivative by x is -inf; at x = y = 0 the derivative by y is 0.",
    range=NONNEGATIVE,
)

# Exponential integrals and Lambert's W

expi = _special(
    "expi",
    r"\operatorname{{Ei}}",
    lambda g, y, x: g * exp(x) / x,
    sympy=lambda sp, x: sp.Ei(x),
    domain=_POSITIVE,
)
exp1 = _special(
    "exp1",
    r"\operatorname{{E}}_{{1}}",
    lambda g, y, x: -g * exp(-x) / x,
    sympy=lambda sp, x: sp.expint(1, x),
    domain=_POSITIVE,
    range=POSITIVE,
)
lambertw = _special(
    "lambertw",
    r"\operatorname{{W}}",
    lambda g, y, x: g * exp(-y) / (y + 1),  # from y*exp(y) = x
    numpy=lambda node: f"scipy.special.lambertw({{0}}).real{cast_code(node)}",
    scalar="float(scipy.special.lambertw({0}).real)",
    sympy=lambda sp, x: sp.LambertW(x),
    domain=(-0.3, 4.0),
    exact={0: 0},
    special=(0.0, 1e6),
    doc="The principal branch of Lambert's W for real arguments, as `scipy.special.lambertw`.",
    notes="Below -1/e the value is not real; the result there is the real part.",
)


ORDERED_OPS: Final = (POLYGAMMA, *BESSEL_OPS, *FAMILIES)

__all__ = [
    "beta",
    "betaln",
    "dawsn",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfi",
    "erfinv",
    "exp1",
    "expi",
    "expit",
    "exprel",
    "gamma",
    "gammaln",
    "gammasgn",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "iv",
    "ive",
    "j0",
    "j1",
    "jv",
    "k0",
    "k0e",
    "k1",
    "k1e",
    "kl_div",
    "kv",
    "kve",
    "lambertw",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "ndtr",
    "ndtri",
    "polygamma",
    "rel_entr",
    "softmax",
    "softplus",
    "xlog1py",
    "xlogy",
    "y0",
    "y1",
    "yv",
]


def _principal_lambertw(x: Any, k: Any = 0, tol: Any = None) -> Any:
    """`scipy.special.lambertw` as it reaches an expression: with a branch and a tolerance."""
    if k != 0:
        raise ArgumentError(f"lambertw has the principal branch k = 0 only here, not k = {k}")
    return lambertw(x)


# SciPy's ufuncs by name, for `scipy.special.erf(x)` on an expression; SciPy itself is not imported
UFUNCS_BY_NAME: Final = {
    **{name: globals()[name] for name in __all__},
    "psi": digamma,
    "_lambertw": _principal_lambertw,
}
