"""Where sums, products and powers stand among the factors of a product, as texts to sort by."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import value_of
from symgrad.expr.node import Expr
from symgrad.expr.op import Params
from symgrad.expr.order import (
    BETWEEN,
    CONSTANT,
    CUT,
    EXPONENTIAL,
    NUMBER,
    POWER_OF_SUM,
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
    """That of its factors, with the number and constants last: ``x``, ``2*x``, ``pi*x``, ``x**2``."""
    first = args[0].order_text
    number = f"{TIMES}{first}" if first[1] == NUMBER else ""
    texts = [x.order_text for x in (args[1:] if number else args)]
    if len(texts) == 1:
        return f"{rank}{texts[0][1 : 2 * CUT]}{number}"
    if texts[0][1] == CONSTANT:
        texts.sort(key=lambda text: text[1] == CONSTANT)
    return f"{rank}{BETWEEN.join([text[:CUT] for text in texts[: SHOWN + 1]])[1:]}{number}"


def order_of_power(args: tuple[Expr, ...], params: Params, rank: str) -> str:
    """Beside its base; roots, symbolic powers and exponentials of numbers have places of their own."""
    base, p = args
    own = place_of(base)
    place = place_of_power(base, value_of(p))
    return f"{rank}{place}{base.order_text[2 if place == own else 1 : 2 * CUT]}{p.order_text[:CUT]}"


def place_of_power(base: Expr, n: Any) -> str:
    """Where a power stands; its exponent is None where it is no number."""
    place = place_of(base)
    if n is None:
        return SYMBOLIC.get(place, place)
    if place == NUMBER:
        return CONSTANT
    # sqrt(2)*x and sqrt(pi)*x, but sigma*sqrt(2*pi)
    return ROOT if abs(n) == HALF_POWER and (base.args or place != CONSTANT) else place


SYMBOLIC: Final = {
    NUMBER: EXPONENTIAL,
    CONSTANT: EXPONENTIAL,
    SYMBOL_PLACE: SYMBOLIC_POWER,
    SUM: POWER_OF_SUM,
}
