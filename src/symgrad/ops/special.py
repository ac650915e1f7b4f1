"""SciPy's special functions: error functions, the gamma family, entropies.

Every derivative is made of functions of this file and of `symgrad.ops.ufuncs`, so any order works.
The code calls `scipy.special`, which is imported only by formulas that need it.

Formulas: NIST Digital Library of Mathematical Functions, chapters 5 to 7; for Lambert's W 4.13.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from symgrad.calls import checked
from symgrad.errors import ArgumentError
from symgrad.expr.interval import INF, POSITIVE, Interval
from symgrad.expr.leaves import PI, value_of
from symgrad.expr.node import Expr
from symgrad.ops import free_orders
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
from symgrad.ops.elementwise import as_expr, elementwise
from symgrad.ops.elliptic import ellipe, ellipeinc, ellipk, ellipkinc
from symgrad.ops.entropies import entr, kl_div, rel_entr, xlog1py, xlogy
from symgrad.ops.examples import documented
from symgrad.ops.families import (
    FAMILIES,
    dawsn_derivative,
    erfcx_derivative,
    log_erfc_derivative,
    log_ndtr_derivative,
)
from symgrad.ops.gamma_family import (
    POLYGAMMA,
    beta,
    betaln,
    digamma,
    gamma,
    gammaln,
    gammasgn,
    polygamma,
)
from symgrad.ops.hypergeometric import HYPERGEOMETRIC_OPS, hyp0f1, hyp1f1, hyp2f1
from symgrad.ops.incomplete import betainc, binom, gammainc, gammaincc, poch
from symgrad.ops.integrals import (
    EXPN,
    airy,
    airyai,  # noqa: F401  the table of ops finds these records here
    airyaiprime,  # noqa: F401
    airybi,  # noqa: F401
    airybiprime,  # noqa: F401
    coshint,  # noqa: F401
    cosint,  # noqa: F401
    expn,
    fresnel,
    fresnelc,  # noqa: F401
    fresnels,  # noqa: F401
    shichi,
    sici,
    sinhint,  # noqa: F401
    sinint,  # noqa: F401
)
from symgrad.ops.ordered import cast_code
from symgrad.ops.orthogonal import (
    eval_chebyt,
    eval_chebyu,
    eval_gegenbauer,
    eval_genlaguerre,
    eval_hermite,
    eval_hermitenorm,
    eval_jacobi,
    eval_laguerre,
    eval_legendre,
    lpmv,
)
from symgrad.ops.public import public
from symgrad.ops.quotients import exprel
from symgrad.ops.select import where
from symgrad.ops.softmax import log_softmax, logsumexp, softmax
from symgrad.ops.special_record import special_function
from symgrad.ops.ufuncs import (
    equal,
    exp,
    expit,
    log1p,
    negative,
    softplus,
    sqrt,
)

HALF: Final = Fraction(1, 2)
_UNIT: Final = (0.05, 0.95)
_POSITIVE: Final = (0.2, 4.0)


# Error functions and the normal distribution


def _gauss(x: Expr) -> Expr:
    """``2/sqrt(pi) * exp(-x**2)``, the derivative of erf."""
    return 2 / sqrt(PI) * exp(-(x**2))


def _normal(x: Expr) -> Expr:
    """``exp(-x**2/2) / sqrt(2*pi)``, the standard normal density."""
    return exp(-(x**2) / 2) / sqrt(2 * PI)


erf = special_function(
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
erfc = special_function(
    "erfc",
    r"\operatorname{{erfc}}",
    lambda g, y, x: -g * _gauss(x),
    scalar="erfc({0})",
    sympy=lambda sp, x: sp.erfc(x),
    exact={0: 1},
    special=(0.0, 6.0, 26.0),
    range=Interval(0, 2, True, True),
)
erfcx = special_function(
    "erfcx",
    r"\operatorname{{erfcx}}",
    lambda g, y, x: g * erfcx_derivative(x),
    sympy=lambda sp, x: sp.exp(x**2) * sp.erfc(x),
    exact={0: 1},
    special=(0.0, 50.0),
    range=POSITIVE,
)
erfi = special_function(
    "erfi",
    r"\operatorname{{erfi}}",
    lambda g, y, x: g * (2 / sqrt(PI) * exp(x**2)),
    sympy=lambda sp, x: sp.erfi(x),
    parity="odd",
    exact={0: 0},
    range=lambda y, x: x.of_sign(),
)
dawsn = special_function(
    "dawsn",
    r"\operatorname{{D}}",
    lambda g, y, x: g * dawsn_derivative(x),
    sympy=lambda sp, x: sp.sqrt(sp.pi) / 2 * sp.exp(-(x**2)) * sp.erfi(x),
    parity="odd",
    exact={0: 0},
    range=lambda y, x: x.of_sign(-1, 1),
)
erfinv = special_function(
    "erfinv",
    r"\operatorname{{erf}}^{{-1}}",
    lambda g, y, x: g * (sqrt(PI) / 2 * exp(y**2)),
    sympy=lambda sp, x: sp.erfinv(x),
    domain=(-0.9, 0.9),
    parity="odd",
    exact={0: 0},
    range=lambda y, x: x.of_sign(),
)
ndtr = special_function(
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
log_ndtr = special_function(
    "log_ndtr",
    r"\log\Phi",
    lambda g, y, x: g * log_ndtr_derivative(x),
    sympy=lambda sp, x: sp.log(sp.erfc(-x / sp.sqrt(2)) / 2),
    special=(0.0, -20.0, 5.0),
    range=Interval(-INF, 0, False, True),
)
ndtri = special_function(
    "ndtri",
    r"\Phi^{{-1}}",
    lambda g, y, x: g * (sqrt(2 * PI) * exp(y**2 / 2)),
    sympy=lambda sp, x: sp.sqrt(2) * sp.erfinv(2 * x - 1),
    domain=_UNIT,
)

# Logistic functions, beside `expit` and `softplus`

logit = special_function(
    "logit",
    r"\operatorname{{logit}}",
    lambda g, y, x: g / (x * (1 - x)),
    numpy="np.log({0}/(1.0 - {0}))",
    scalar="(log({0}) - log1p(-{0}))",
    sympy=lambda sp, x: sp.log(x / (1 - x)),
    domain=_UNIT,
)


@documented
@checked
def log_expit(x: Any) -> Any:
    """``log(expit(x))`` for any x without overflow: ``-softplus(-x)``.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(sg.diff(sg.special.log_expit(x), x))
    expit(-x)
    """
    return negative(softplus(negative(x)))


# Exponential integrals and Lambert's W

expi = special_function(
    "expi",
    r"\operatorname{{Ei}}",
    lambda g, y, x: g * exp(x) / x,
    sympy=lambda sp, x: sp.Ei(x),
    domain=_POSITIVE,
)
exp1 = special_function(
    "exp1",
    r"\operatorname{{E}}_{{1}}",
    lambda g, y, x: -g * exp(-x) / x,
    sympy=lambda sp, x: sp.expint(1, x),
    domain=_POSITIVE,
    range=POSITIVE,
)
LAMBERTW: Final = special_function(
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
LOWER_LAMBERTW: Final = special_function(
    "lower_lambertw",
    r"\operatorname{{W}}_{{-1}}",
    lambda g, y, x: g * exp(-y) / (y + 1),
    numpy=lambda node: f"_lower_lambertw({{0}}){cast_code(node)}",
    scalar="",
    text="lambertw({0}, -1)",
    sympy=lambda sp, x: sp.LambertW(x, -1),
    domain=(-0.3, -0.05),
    special=(-0.36, -1e-12),
    doc="The branch -1 of Lambert's W, as ``scipy.special.lambertw(x, -1)``.",
    notes="It is real from -1/e to 0 only; elsewhere the result is nan.",
)


@public
def lambertw(z: Any, k: Any = 0, tol: Any = None) -> Expr:
    """Lambert's W for real arguments, the solution w of ``w*exp(w) = z``, as `scipy.special.lambertw`.

    Parameters
    ----------
    z : expression
    k : {0, -1}
        The branch. That of -1 is real from -1/e to 0, and nan elsewhere; the principal one is real from
        -1/e on, and the real part of what SciPy gives below.
    tol : ignored
        There for SciPy's signature.

    Raises
    ------
    ArgumentError
        For another branch, which has no real values.

    Examples
    --------
    >>> import symgrad as sg
    >>> print(sg.evaluate(sg.special.lambertw(-0.2, k=-1), {}))
    -2.5426413577735265
    """
    branches = {0: LAMBERTW, -1: LOWER_LAMBERTW}
    branch = value_of(as_expr(k))
    if branch not in branches:
        raise ArgumentError(f"lambertw has real values on the branches 0 and -1 only, not {k}")
    made: Expr = branches[branch](z)
    return made


# Spence's function, which SymPy has as a polylogarithm, and Owen's T


def _spence_slope(x: Expr) -> Expr:
    """``log(x)/(1 - x)``, by log1p near 1, where it is -1."""
    u = x - 1
    return where(equal(u, 0), -1, -log1p(u) / u)


spence = special_function(
    "spence",
    r"\operatorname{{spence}}",
    lambda g, y, x: g * _spence_slope(x),
    sympy=lambda sp, x: sp.polylog(2, 1 - x),
    domain=_POSITIVE,
    doc="Spence's function, the dilogarithm of 1 - x, as `scipy.special.spence`.",
)
dilog = special_function(
    "dilog",
    r"\operatorname{{Li}}_2",
    lambda g, y, x: g * where(equal(x, 0), 1, -log1p(-x) / x),
    numpy="_dilog({0})",
    scalar="",
    sympy=lambda sp, x: sp.polylog(2, x),
    domain=(-2.0, 0.9),
    special=(0.0, 1e-12),
    doc="The dilogarithm, the sum of ``x**k/k**2``, for x up to 1.",
)


owens_t = special_function(
    "owens_t",
    r"\operatorname{{T}}",
    (
        lambda g, y, h, a: -g * exp(-(h**2) / 2) * erf(a * h / sqrt(as_expr(2))) / sqrt(8 * PI),
        lambda g, y, h, a: g * exp(-(h**2) * (1 + a**2) / 2) / (2 * PI * (1 + a**2)),
    ),
    domain=(-2.0, 2.0),
    doc="Owen's T function, as `scipy.special.owens_t`.",
)


@public
def zeta(x: Any, q: Any = None) -> Expr:
    """Riemann's zeta function, or with `q` that of Hurwitz, as `scipy.special.zeta`.

    The derivative by q is there, that by x is no formula of functions that are here.

    Examples
    --------
    >>> import symgrad as sg
    >>> q = sg.symbol("q")
    >>> print(sg.diff(sg.special.zeta(3, q), q))
    -3*zeta(4, q)
    """
    made: Expr = free_orders.RIEMANN_ZETA(x) if q is None else free_orders.ZETA(x, q)
    return made


ORDERED_OPS: Final = (POLYGAMMA, EXPN, *BESSEL_OPS, *HYPERGEOMETRIC_OPS, *FAMILIES)

__all__ = [
    "airy",
    "beta",
    "betainc",
    "betaln",
    "binom",
    "dawsn",
    "digamma",
    "ellipe",
    "ellipeinc",
    "ellipk",
    "ellipkinc",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfi",
    "erfinv",
    "eval_chebyt",
    "eval_chebyu",
    "eval_gegenbauer",
    "eval_genlaguerre",
    "eval_hermite",
    "eval_hermitenorm",
    "eval_jacobi",
    "eval_laguerre",
    "eval_legendre",
    "exp1",
    "expi",
    "expit",
    "expn",
    "exprel",
    "fresnel",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "gammasgn",
    "hyp0f1",
    "hyp1f1",
    "hyp2f1",
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
    "lpmv",
    "ndtr",
    "ndtri",
    "owens_t",
    "poch",
    "polygamma",
    "rel_entr",
    "shichi",
    "sici",
    "softmax",
    "softplus",
    "spence",
    "xlog1py",
    "xlogy",
    "y0",
    "y1",
    "yv",
    "zeta",
]


# SciPy's ufuncs by name, for `scipy.special.erf(x)` on an expression; SciPy itself is not imported
UFUNCS_BY_NAME: Final = {
    **{name: globals()[name] for name in __all__},
    "psi": digamma,
    "_lambertw": lambertw,
}
