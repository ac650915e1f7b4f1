"""Functions defined by integrals, and Airy functions, as `scipy.special` has them.

SciPy gives several of them by one call, ``S, C = fresnel(x)``; each is a record of its own, and the call
is there too. Formulas: NIST Digital Library of Mathematical Functions, chapters 6, 7.2, 8.19 and 9.
"""

from __future__ import annotations

from typing import Any, Final

from symgrad.errors import ArgumentError
from symgrad.expr.leaves import PI, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.op import Op
from symgrad.ops import free_orders
from symgrad.ops.elementwise import Elementwise, as_expr
from symgrad.ops.ordered import of_order, ordered
from symgrad.ops.public import public, public_as_typed
from symgrad.ops.select import where
from symgrad.ops.special_record import one_of
from symgrad.ops.ufuncs import cos, cosh, equal, exp, sin, sinh

_POSITIVE: Final = (0.2, 4.0)
_ODD: Final[dict[str, Any]] = {"parity": "odd", "exact": {0: 0}, "special": (0.0,)}


def _over(numerator: Expr, x: Expr) -> Expr:
    """``numerator/x`` for what goes to zero as x does: 1 at 0."""
    return where(equal(x, 0), 1, numerator / x)


# Fresnel integrals, of sin(pi*t**2/2) and cos(pi*t**2/2)

fresnels = one_of(
    "fresnels",
    "fresnel",
    0,
    r"\operatorname{{S}}",
    lambda g, y, x: g * sin(PI * x**2 / 2),
    sympy=lambda sp, x: sp.fresnels(x),
    **_ODD,
)
fresnelc = one_of(
    "fresnelc",
    "fresnel",
    1,
    r"\operatorname{{C}}",
    lambda g, y, x: g * cos(PI * x**2 / 2),
    sympy=lambda sp, x: sp.fresnelc(x),
    **_ODD,
)

# Sine and cosine integrals

sinint = one_of(
    "sinint",
    "sici",
    0,
    r"\operatorname{{Si}}",
    lambda g, y, x: g * _over(sin(x), x),
    sympy=lambda sp, x: sp.Si(x),
    **_ODD,
)
cosint = one_of(
    "cosint",
    "sici",
    1,
    r"\operatorname{{Ci}}",
    lambda g, y, x: g * cos(x) / x,
    sympy=lambda sp, x: sp.Ci(x),
    domain=_POSITIVE,
)
sinhint = one_of(
    "sinhint",
    "shichi",
    0,
    r"\operatorname{{Shi}}",
    lambda g, y, x: g * _over(sinh(x), x),
    sympy=lambda sp, x: sp.Shi(x),
    **_ODD,
)
coshint = one_of(
    "coshint",
    "shichi",
    1,
    r"\operatorname{{Chi}}",
    lambda g, y, x: g * cosh(x) / x,
    sympy=lambda sp, x: sp.Chi(x),
    domain=_POSITIVE,
)

# Airy functions: w'' = x*w

airyai = one_of(
    "airyai",
    "airy",
    0,
    r"\operatorname{{Ai}}",
    lambda g, y, x: g * airyaiprime(x),
    sympy=lambda sp, x: sp.airyai(x),
    special=(0.0,),
)
airyaiprime: Elementwise = one_of(
    "airyaiprime",
    "airy",
    1,
    r"\operatorname{{Ai}}'",
    lambda g, y, x: g * x * airyai(x),
    sympy=lambda sp, x: sp.airyaiprime(x),
    special=(0.0,),
)
airybi = one_of(
    "airybi",
    "airy",
    2,
    r"\operatorname{{Bi}}",
    lambda g, y, x: g * airybiprime(x),
    sympy=lambda sp, x: sp.airybi(x),
    special=(0.0,),
)
airybiprime: Elementwise = one_of(
    "airybiprime",
    "airy",
    3,
    r"\operatorname{{Bi}}'",
    lambda g, y, x: g * x * airybi(x),
    sympy=lambda sp, x: sp.airybiprime(x),
    special=(0.0,),
)


@public_as_typed
def fresnel(z: Any) -> tuple[Expr, Expr]:
    """The Fresnel integrals S and C, as `scipy.special.fresnel`."""
    x = as_expr(z)
    return fresnels(x), fresnelc(x)


@public_as_typed
def sici(x: Any) -> tuple[Expr, Expr]:
    """The sine and the cosine integral, as `scipy.special.sici`."""
    x = as_expr(x)
    return sinint(x), cosint(x)


@public_as_typed
def shichi(x: Any) -> tuple[Expr, Expr]:
    """The hyperbolic sine and cosine integrals, as `scipy.special.shichi`."""
    x = as_expr(x)
    return sinhint(x), coshint(x)


@public_as_typed
def airy(z: Any) -> tuple[Expr, Expr, Expr, Expr]:
    """``Ai, Ai', Bi, Bi'``, as `scipy.special.airy`."""
    x = as_expr(z)
    return airyai(x), airyaiprime(x), airybi(x), airybiprime(x)


# Exponential integrals of whole orders: E_n' = -E_(n-1), and E_0 = exp(-x)/x

EXPN: Final[Op] = ordered(
    "expn",
    lambda n, y, x: -expn(n - 1, x) if n > 1 else -exp(-x) / x,  # type: ignore[has-type]
    lambda node: f"scipy.special.expn({float(node.params[0])}, {{0}})",
    r"\operatorname{{E}}_{{{}}}",
    lambda sp, x, n: sp.expint(n, x),
    _POSITIVE,
)


@public
def expn(n: Any, x: Any) -> Expr:
    """The exponential integral of order `n`, a non-negative int or an expression, as `scipy.special.expn`.

    Raises
    ------
    ArgumentError
        If `n` is a number and no non-negative int.
    """
    if isinstance(n, Expr):
        if value_of(n) is None:
            made: Expr = free_orders.EXPN(n, x)
            return made
        n = value_of(n)
    if not is_exact(n) or n != int(n) or n < 0:
        raise ArgumentError(f"the order of expn must be a non-negative int, not {n!r}")
    x = as_expr(x)
    return exp(-x) / x if n == 0 else of_order(EXPN, n, x)
