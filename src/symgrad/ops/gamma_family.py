"""The gamma family: gamma, its logarithm and derivatives, and beta.

Formulas: NIST Digital Library of Mathematical Functions, chapter 5.
"""

from __future__ import annotations

from typing import Any, Final

from symgrad.errors import ArgumentError
from symgrad.expr.interval import POSITIVE, REALS
from symgrad.expr.leaves import value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops import free_orders
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.ordered import cast_code, of_order, ordered
from symgrad.ops.public import public
from symgrad.ops.special_record import special_function

_POSITIVE: Final = (0.2, 4.0)

gamma = special_function(
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
gammaln = special_function(
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
gammasgn = special_function(
    "gammasgn",
    r"\operatorname{{sign}}\Gamma",
    (None,),
    sympy=lambda sp, x: sp.sign(sp.gamma(x)),
    domain=_POSITIVE,
    special=(-0.5, -1.5, 200.0),
    doc="The sign of `gamma`, as `scipy.special.gammasgn`; its derivative is 0.",
)
digamma: Elementwise = special_function(
    "digamma",
    r"\psi",
    lambda g, y, x: g * polygamma(1, x),  # type: ignore[has-type]
    sympy=lambda sp, x: sp.digamma(x),
    domain=_POSITIVE,
    special=(100.0,),
)
beta = special_function(
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
betaln = special_function(
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
    lambda n, y, x: polygamma(n + 1, x),  # type: ignore[has-type]
    lambda node: f"scipy.special.polygamma({node.params[0]}, {{0}}){cast_code(node)}",
    r"\psi^{{({})}}",
    lambda sp, x, n: sp.polygamma(n, x),
    _POSITIVE,
)


@public
def polygamma(n: Any, x: Any) -> Expr:
    """The n-th derivative of `digamma`, as `scipy.special.polygamma`; n is an int, or an expression.

    Raises
    ------
    ArgumentError
        If `n` is a number and no non-negative int.
    """
    if isinstance(n, Expr):
        if value_of(n) is None:
            made: Expr = free_orders.POLYGAMMA(n, x)
            return made
        n = value_of(n)
    if not is_exact(n) or n != int(n) or n < 0:
        raise ArgumentError(f"the order of polygamma must be a non-negative int, not {n!r}")
    return digamma(x) if n == 0 else of_order(POLYGAMMA, n, x)
