"""Distributions in the names of `scipy.stats`: ``sg.stats.norm.logpdf(x, loc, scale)`` is a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from symgrad.expr.leaves import PI
from symgrad.ops import ufuncs as u
from symgrad.ops.distributions import INF, Continuous, Discrete, MultivariateNormal
from symgrad.ops.elementwise import as_expr
from symgrad.ops.select import where
from symgrad.ops.special import (
    betainc,
    betaln,
    erf,
    erfc,
    expit,
    gammainc,
    gammaincc,
    gammaln,
    log_expit,
    log_ndtr,
    ndtr,
    xlog1py,
    xlogy,
)
from symgrad.suggestions import room as _room

_FROM_0: Final[tuple[Any, Any]] = (0, INF)


def _student_tail(z: Any, df: Any) -> Any:
    """The probability beyond |z|."""
    return betainc(df / 2, 0.5, df / (df + z**2)) / 2


norm = Continuous(
    "norm",
    "",
    lambda z: -(z**2) / 2 - u.log(2 * PI) / 2,
    ndtr,
    lambda z: ndtr(-z),
    logcdf=log_ndtr,
    logsf=lambda z: log_ndtr(-z),
)
uniform = Continuous("uniform", "", lambda z: 0 * z, lambda z: z, lambda z: 1 - z, support=(0, 1))
expon = Continuous(
    "expon",
    "",
    lambda z: -z,
    lambda z: -u.expm1(-z),
    lambda z: u.exp(-z),
    support=_FROM_0,
    logsf=lambda z: -z,
)
laplace = Continuous(
    "laplace",
    "",
    lambda z: -u.absolute(z) - u.log(as_expr(2)),
    lambda z: where(z > 0, 1 - u.exp(-z) / 2, u.exp(z) / 2),
    lambda z: where(z > 0, u.exp(-z) / 2, 1 - u.exp(z) / 2),
    logcdf=lambda z: where(z > 0, u.log1p(-u.exp(-z) / 2), z - u.log(as_expr(2))),
    logsf=lambda z: where(z > 0, -z - u.log(as_expr(2)), u.log1p(-u.exp(z) / 2)),
)
logistic = Continuous(
    "logistic",
    "",
    lambda z: log_expit(z) + log_expit(-z),
    expit,
    lambda z: expit(-z),
    logcdf=log_expit,
    logsf=lambda z: log_expit(-z),
)
cauchy = Continuous(
    "cauchy",
    "",
    lambda z: -u.log1p(z**2) - u.log(PI),
    lambda z: u.arctan2(1, -z) / PI,
    lambda z: u.arctan2(1, z) / PI,
)
gumbel_r = Continuous(
    "gumbel_r",
    "",
    lambda z: -z - u.exp(-z),
    lambda z: u.exp(-u.exp(-z)),
    lambda z: -u.expm1(-u.exp(-z)),
    logcdf=lambda z: -u.exp(-z),
)
halfnorm = Continuous(
    "halfnorm",
    "",
    lambda z: u.log(2 / PI) / 2 - z**2 / 2,
    lambda z: erf(z / u.sqrt(as_expr(2))),
    lambda z: erfc(z / u.sqrt(as_expr(2))),
    support=_FROM_0,
)
rayleigh = Continuous(
    "rayleigh",
    "",
    lambda z: u.log(z) - z**2 / 2,
    lambda z: -u.expm1(-(z**2) / 2),
    lambda z: u.exp(-(z**2) / 2),
    support=_FROM_0,
    logsf=lambda z: -(z**2) / 2,
)
t = Continuous(
    "t",
    "df",
    lambda z, df: (
        gammaln((df + 1) / 2)
        - gammaln(df / 2)
        - u.log(df * PI) / 2
        - (df + 1) / 2 * u.log1p(z**2 / df)
    ),
    lambda z, df: where(z > 0, 1 - _student_tail(z, df), _student_tail(z, df)),
    lambda z, df: where(z > 0, _student_tail(z, df), 1 - _student_tail(z, df)),
)
gamma = Continuous(
    "gamma",
    "a",
    lambda z, a: xlogy(a - 1, z) - z - gammaln(a),
    lambda z, a: gammainc(a, z),
    lambda z, a: gammaincc(a, z),
    support=_FROM_0,
)
invgamma = Continuous(
    "invgamma",
    "a",
    lambda z, a: -(a + 1) * u.log(z) - gammaln(a) - 1 / z,
    lambda z, a: gammaincc(a, 1 / z),
    lambda z, a: gammainc(a, 1 / z),
    support=_FROM_0,
)
chi2 = Continuous(
    "chi2",
    "df",
    lambda z, df: xlogy(df / 2 - 1, z) - z / 2 - gammaln(df / 2) - df / 2 * u.log(as_expr(2)),
    lambda z, df: gammainc(df / 2, z / 2),
    lambda z, df: gammaincc(df / 2, z / 2),
    support=_FROM_0,
)
beta = Continuous(
    "beta",
    "a b",
    lambda z, a, b: xlogy(a - 1, z) + xlog1py(b - 1, -z) - betaln(a, b),
    lambda z, a, b: betainc(a, b, z),
    lambda z, a, b: betainc(b, a, 1 - z),
    support=(0, 1),
)
f = Continuous(
    "f",
    "dfn dfd",
    lambda z, m, n: (
        m / 2 * u.log(m)
        + n / 2 * u.log(n)
        + xlogy(m / 2 - 1, z)
        - (m + n) / 2 * u.log(n + m * z)
        - betaln(m / 2, n / 2)
    ),
    lambda z, m, n: betainc(m / 2, n / 2, m * z / (m * z + n)),
    lambda z, m, n: betainc(n / 2, m / 2, n / (m * z + n)),
    support=_FROM_0,
)
lognorm = Continuous(
    "lognorm",
    "s",
    lambda z, s: -((u.log(z) / s) ** 2) / 2 - u.log(s * z) - u.log(2 * PI) / 2,
    lambda z, s: ndtr(u.log(z) / s),
    lambda z, s: ndtr(-u.log(z) / s),
    support=_FROM_0,
    logcdf=lambda z, s: log_ndtr(u.log(z) / s),
    logsf=lambda z, s: log_ndtr(-u.log(z) / s),
)
weibull_min = Continuous(
    "weibull_min",
    "c",
    lambda z, c: u.log(c) + xlogy(c - 1, z) - z**c,
    lambda z, c: -u.expm1(-(z**c)),
    lambda z, c: u.exp(-(z**c)),
    support=_FROM_0,
    logsf=lambda z, c: -(z**c),
)
pareto = Continuous(
    "pareto",
    "b",
    lambda z, b: u.log(b) - (b + 1) * u.log(z),
    lambda z, b: -u.expm1(-b * u.log(z)),
    lambda z, b: z**-b,
    support=(1, INF),
    logsf=lambda z, b: -b * u.log(z),
)

# Of whole numbers

poisson = Discrete(
    "poisson",
    "mu",
    lambda k, mu: xlogy(k, mu) - gammaln(k + 1) - mu,
    lambda k, mu: gammaincc(u.floor(k) + 1, mu),
    lambda k, mu: gammainc(u.floor(k) + 1, mu),
    support=_FROM_0,
)
bernoulli = Discrete(
    "bernoulli",
    "p",
    lambda k, p: xlogy(k, p) + xlog1py(1 - k, -p),
    lambda k, p: where(k < 1, 1 - p, 1),
    lambda k, p: where(k < 1, p, 0),
    support=(0, 1),
    unit="p",
)
binom = Discrete(
    "binom",
    "n p",
    lambda k, n, p: (
        gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + xlogy(k, p) + xlog1py(n - k, -p)
    ),
    lambda k, n, p: where(k < n, betainc(n - u.floor(k), u.floor(k) + 1, 1 - p), 1),
    lambda k, n, p: where(k < n, betainc(u.floor(k) + 1, n - u.floor(k), p), 0),
    support=(0, lambda n, p: n),
    unit="p",
)
geom = Discrete(
    "geom",
    "p",
    lambda k, p: xlog1py(k - 1, -p) + u.log(p),
    lambda k, p: -u.expm1(u.floor(k) * u.log1p(-p)),
    lambda k, p: u.exp(u.floor(k) * u.log1p(-p)),
    support=(1, INF),
    unit="p",
)
nbinom = Discrete(
    "nbinom",
    "n p",
    lambda k, n, p: gammaln(k + n) - gammaln(k + 1) - gammaln(n) + xlogy(n, p) + xlog1py(k, -p),
    lambda k, n, p: betainc(n, u.floor(k) + 1, p),
    lambda k, n, p: betainc(u.floor(k) + 1, n, 1 - p),
    support=_FROM_0,
    unit="p",
)

multivariate_normal = MultivariateNormal()

__all__ = [
    "Continuous",
    "Discrete",
    "MultivariateNormal",
    "bernoulli",
    "beta",
    "binom",
    "cauchy",
    "chi2",
    "expon",
    "f",
    "gamma",
    "geom",
    "gumbel_r",
    "halfnorm",
    "invgamma",
    "laplace",
    "logistic",
    "lognorm",
    "multivariate_normal",
    "nbinom",
    "norm",
    "pareto",
    "poisson",
    "rayleigh",
    "t",
    "uniform",
    "weibull_min",
]

if not TYPE_CHECKING:  # to which any name would be right
    __getattr__, __dir__ = _room(__name__, __all__)
