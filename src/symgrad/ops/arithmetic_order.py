"""Where sums, products and powers stand among the factors of a product, as texts to sort by."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from symgrad.expr.leaves import value_of
from symgrad.expr.node import Expr
from symgrad.expr.op import Params
from symgrad.expr.order import (
    BETWEEN,
    CONSTANT,
    CUT,
    EXPONENTIAL,
    NUMBER,
    ROOT,
    SHOWN,
    SUM,
    SYMBOL_PLACE,
    SYMBOLIC_POWER,
    TIMES,
    place_of,
)

HALF_POWER: Final = Fraction(1, 2)


def order_of_sum(args: tuple[Expr, ...], params: Params, rank: str) -> str:
    """Short sums first."""
    texts = sorted([arg.order_text for arg in args])[:SHOWN]
    return f"{rank}{SUM}{len(args):06d}{BETWEEN.join([text[:CUT] for text in texts])}"


def order_of_product(args: tuple[Expr, ...], params: Params, rank: str) -> str:
    """That of its factors, with the number last: ``x``, ``2*x``, ``x**2``."""
    first = args[0].order_text
    number = f"{TIMES}{first}" if first[1] == NUMBER else ""
    factors = args[1:] if number else args
    if len(factors) == 1:
        return f"{rank}{factors[0].order_text[1 : 2 * CUT]}{number}"
    whole = BETWEEN.join([x.order_text[:CUT] for x in factors[: SHOWN + 1]])
    return f"{rank}{whole[1:]}{number}"


def order_of_power(args: tuple[Expr, ...], params: Params, rank: str) -> str:
    """Beside its base; roots, symbolic powers and exponentials of numbers have places of their own."""
    base, p = args
    own, n = place_of(base), value_of(p)
    place = own
    if n is None:
        place = {NUMBER: EXPONENTIAL, CONSTANT: EXPONENTIAL, SYMBOL_PLACE: SYMBOLIC_POWER}.get(
            own, own
        )
    elif own == NUMBER:
        place = CONSTANT
    elif abs(n) == HALF_POWER and own != CONSTANT:
        place = ROOT
    return f"{rank}{place}{base.order_text[2 if place == own else 1 : 2 * CUT]}{p.order_text[:CUT]}"
