"""Incomplete gamma and beta functions, and quotients of gamma functions, as `scipy.special` has them.

Formulas: NIST Digital Library of Mathematical Functions, 5.2, 8.2, 8.8 and 8.17.
"""

from __future__ import annotations

from typing import Final

from symgrad.expr.node import Expr
from symgrad.ops.entropies import xlog1py, xlogy
from symgrad.ops.gamma_family import betaln, digamma, gammaln
from symgrad.ops.special_record import special_function, unknown_derivative
from symgrad.ops.ufuncs import exp

_POSITIVE: Final = (0.2, 4.0)


def _gamma_density(a: Expr, x: Expr) -> Expr:
    """``x**(a-1)*exp(-x)/gamma(a)``, by logarithms, since gamma(a) overflows."""
    return exp(xlogy(a - 1, x) - x - gammaln(a))


def _beta_density(a: Expr, b: Expr, x: Expr) -> Expr:
    """``x**(a-1)*(1-x)**(b-1)/beta(a, b)``, by logarithms."""
    logs = xlogy(a - 1, x) + xlog1py(b - 1, -x)
    return exp(logs - betaln(a, b))


gammainc = special_function(
    "gammainc",
    "P",
    (
        unknown_derivative("gammainc", "a"),
        lambda g, y, a, x: g * _gamma_density(a, x),
    ),
    sympy=lambda sp, a, x: sp.lowergamma(a, x) / sp.gamma(a),
    domain=_POSITIVE,
    notes="The derivative by a is no formula of functions that are here.",
)
gammaincc = special_function(
    "gammaincc",
    "Q",
    (
        unknown_derivative("gammaincc", "a"),
        lambda g, y, a, x: -g * _gamma_density(a, x),
    ),
    sympy=lambda sp, a, x: sp.uppergamma(a, x) / sp.gamma(a),
    domain=_POSITIVE,
    notes="The derivative by a is no formula of functions that are here.",
)
betainc = special_function(
    "betainc",
    "I",
    (
        unknown_derivative("betainc", "a"),
        unknown_derivative("betainc", "b"),
        lambda g, y, a, b, x: g * _beta_density(a, b, x),
    ),
    sympy=lambda sp, a, b, x: sp.betainc(a, b, 0, x) / sp.beta(a, b),
    domain=(_POSITIVE, _POSITIVE, (0.05, 0.95)),
    notes="The derivatives by a and b are no formulas of functions that are here.",
)
binom = special_function(
    "binom",
    r"\operatorname{{binom}}",
    (
        lambda g, y, n, k: g * y * (digamma(n + 1) - digamma(n - k + 1)),
        lambda g, y, n, k: g * y * (digamma(n - k + 1) - digamma(k + 1)),
    ),
    sympy=lambda sp, n, k: sp.binomial(n, k),
    domain=((4.0, 7.0), _POSITIVE),
)
poch = special_function(
    "poch",
    r"\operatorname{{poch}}",
    (
        lambda g, y, z, m: g * y * (digamma(z + m) - digamma(z)),
        lambda g, y, z, m: g * y * digamma(z + m),
    ),
    sympy=lambda sp, z, m: sp.RisingFactorial(z, m),
    domain=_POSITIVE,
    doc="The rising factorial ``gamma(z + m)/gamma(z)``, as `scipy.special.poch`.",
)
