"""SymPy's special functions, by class name, over those of `symgrad.ops.special`.

SymPy and SciPy order operands and normalise in different ways; this table is the one place that says how.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from symgrad.errors import ConversionError
from symgrad.expr.leaves import PI, number, value_of
from symgrad.expr.node import Expr
from symgrad.ops import bessel, elliptic, integrals, orthogonal, select, special, ufuncs
from symgrad.ops.elementwise import as_expr

Rule = Callable[..., Expr]
EULER_GAMMA: Final = 0.5772156649015329  # the nearest float


def order_of(node: Any, x: Any) -> Any:
    """A parameter that must be a number, exact where it is.

    Raises
    ------
    ConversionError
        For a symbolic one.
    """
    if not (x.is_Rational or x.is_Float):
        who = type(node).__name__
        raise ConversionError(f"{who} of the symbolic order {x} has no image here; use a number")
    if x.is_Float:
        return float(x)
    return int(x) if x.is_Integer else Fraction(int(x.p), int(x.q))


def _expint(node: Any, n: Expr, x: Expr) -> Expr:
    if value_of(n) is None:
        return special.expn(n, x)
    order = order_of(node, node.args[0])
    if order == 1:
        return special.exp1(x)
    if order != int(order):
        if order > 1:
            raise ConversionError(
                f"expint has whole orders, and orders below 1, only here: {node}; use n such as 2"
            )
        return ufuncs.power(x, n - 1) * _uppergamma(node, 1 - n, x)
    if order >= 0:
        return special.expn(int(order), x)
    # E_(-m) = m!*exp(-x)/x**(m + 1) * sum of x**k/k! for k to m
    m = int(-order)
    total, term = as_expr(1), as_expr(1)
    for k in range(1, m + 1):
        term = term * x / k
        total = total + term
    return special.gamma(as_expr(m + 1)) * ufuncs.exp(-x) * total / x ** (m + 1)


def _lowergamma(node: Any, a: Expr, x: Expr) -> Expr:
    return special.gamma(a) * special.gammainc(a, x)


def _uppergamma(node: Any, a: Expr, x: Expr) -> Expr:
    order = value_of(a)
    if order is not None and order <= 0 and order == int(order):  # x**a * E_(1 - a)
        n = int(1 - order)
        return (special.exp1(x) if n == 1 else special.expn(n, x)) * x ** int(order)
    if order is not None and order < 0:  # Gamma(a, x) = (Gamma(a + 1, x) - x**a*exp(-x))/a
        raise ConversionError(f"uppergamma has first operands above 0 or whole ones here: {node}")
    return special.gamma(a) * special.gammaincc(a, x)


def _betainc(node: Any, a: Expr, b: Expr, low: Expr, high: Expr) -> Expr:
    return special.beta(a, b) * _betainc_regularized(node, a, b, low, high)


def _betainc_regularized(node: Any, a: Expr, b: Expr, low: Expr, high: Expr) -> Expr:
    upper = special.betainc(a, b, high)
    return upper if value_of(low) == 0 else upper - special.betainc(a, b, low)


def _falling(node: Any, x: Expr, k: Expr) -> Expr:
    return special.poch(x - k + 1, k)


def _harmonic(node: Any, n: Expr, order: Expr | None = None) -> Expr:
    m = 1 if order is None else value_of(order)
    if m == 1:
        return special.digamma(n + 1) + number(EULER_GAMMA)
    if m is not None and m < 1:
        raise ConversionError(f"harmonic has orders of at least 1 here: {node}")
    return special.zeta(order) - special.zeta(order, n + 1)


def _erf2(node: Any, a: Expr, b: Expr) -> Expr:
    """``erf(b) - erf(a)``, by erfc where both are on one side."""
    above = special.erfc(a) - special.erfc(b)
    below = special.erfc(-b) - special.erfc(-a)
    between = special.erf(b) - special.erf(a)
    right = ufuncs.logical_and(a > 0, b > 0)
    left = ufuncs.logical_and(a < 0, b < 0)
    return select.where(right, above, select.where(left, below, between))


def _elliptic_e(node: Any, first: Expr, m: Expr | None = None) -> Expr:
    return special.ellipe(first) if m is None else special.ellipeinc(first, m)


def _spherical(function: Callable[[Any, Any], Expr]) -> Rule:
    """``sqrt(pi/(2*x))`` times the Bessel function of half an order more."""

    def rule(node: Any, n: Expr, x: Expr) -> Expr:
        return ufuncs.sqrt(PI / (2 * x)) * function(n + Fraction(1, 2), x)

    return rule


def _hyper(node: Any, *given: Expr) -> Expr:
    *parameters, x = given
    upper, lower = parameters[: len(node.ap)], parameters[len(node.ap) :]
    known: dict[tuple[int, int], Callable[..., Expr]] = {
        (0, 0): ufuncs.exp,
        (0, 1): special.hyp0f1,
        (1, 1): special.hyp1f1,
        (2, 1): special.hyp2f1,
    }
    counts = len(upper), len(lower)
    if counts == (1, 0):
        return ufuncs.power(1 - x, -upper[0])
    if counts not in known:
        raise ConversionError(f"hyper of {counts} parameters has no image here: {node}")
    return known[counts](*upper, *lower, x)


def _elliptic_pi(node: Any, n: Expr, *rest: Expr) -> Expr:
    return elliptic.ellippi(n, *rest) if len(rest) == 1 else elliptic.ellippiinc(n, *rest)


def _polylog(node: Any, order: Expr, x: Expr) -> Expr:
    if value_of(order) != 2:
        raise ConversionError(f"polylog has the order 2 only here: {node}")
    return special.dilog(x)


def _plain(function: Callable[..., Expr]) -> Rule:
    return lambda node, *args: function(*args)


SPECIAL: Final[dict[str, Rule]] = {
    "binomial": _plain(special.binom),
    "RisingFactorial": _plain(special.poch),
    "FallingFactorial": _falling,
    "harmonic": _harmonic,
    "zeta": _plain(special.zeta),
    "polygamma": _plain(special.polygamma),
    "polylog": _polylog,
    "besselj": _plain(special.jv),
    "bessely": _plain(special.yv),
    "besseli": _plain(special.iv),
    "besselk": _plain(special.kv),
    "lowergamma": _lowergamma,
    "uppergamma": _uppergamma,
    "betainc": _betainc,
    "betainc_regularized": _betainc_regularized,
    "erf2": _erf2,
    "erfcinv": lambda node, x: -special.ndtri(x / 2) / ufuncs.sqrt(number(2)),
    "expint": _expint,
    "li": lambda node, x: special.expi(ufuncs.log(x)),
    "Li": lambda node, x: special.expi(ufuncs.log(x)) - special.expi(ufuncs.log(number(2))),
    "Si": _plain(integrals.sinint),
    "Ci": _plain(integrals.cosint),
    "Shi": _plain(integrals.sinhint),
    "Chi": _plain(integrals.coshint),
    "fresnels": _plain(integrals.fresnels),
    "fresnelc": _plain(integrals.fresnelc),
    "airyai": _plain(integrals.airyai),
    "airyaiprime": _plain(integrals.airyaiprime),
    "airybi": _plain(integrals.airybi),
    "airybiprime": _plain(integrals.airybiprime),
    "elliptic_k": _plain(special.ellipk),
    "elliptic_f": _plain(special.ellipkinc),
    "elliptic_e": _elliptic_e,
    "elliptic_pi": _elliptic_pi,
    "jn": _spherical(bessel.jv),
    "yn": _spherical(bessel.yv),
    "hyper": _hyper,
    "chebyshevt": _plain(orthogonal.eval_chebyt),
    "chebyshevu": _plain(orthogonal.eval_chebyu),
    "legendre": _plain(orthogonal.eval_legendre),
    "hermite": _plain(orthogonal.eval_hermite),
    "hermite_prob": _plain(orthogonal.eval_hermitenorm),
    "laguerre": _plain(orthogonal.eval_laguerre),
    "assoc_laguerre": _plain(orthogonal.eval_genlaguerre),
    "gegenbauer": _plain(orthogonal.eval_gegenbauer),
    "jacobi": _plain(orthogonal.eval_jacobi),
    "assoc_legendre": lambda node, n, m, x: orthogonal.lpmv(m, n, x),
}
