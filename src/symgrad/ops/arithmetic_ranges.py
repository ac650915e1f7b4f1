"""Where sums, products and powers lie, from the ranges of their operands."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from fractions import Fraction
from functools import reduce
from typing import Any, Final

from symgrad.expr.interval import NONNEGATIVE, POSITIVE, REALS, Interval, point
from symgrad.expr.leaves import value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import as_exact

ROUNDING: Final = Fraction(1, 2**45)  # of a short sum of floats, with room


def range_of_sum(y: Expr, *terms: Interval) -> Interval:
    """The sum of ranges; a little more where rounding may carry a sum beyond its bound."""
    total = reduce(operator.add, terms)
    if all(t.nonnegative for t in terms) or all(t.nonpositive for t in terms):
        return total
    ends = [end for t in terms for end in (t.low, t.high) if not math.isinf(end)]
    if all(_is_short(end) for end in ends):
        return total
    slack = sum(map(abs, ends)) * ROUNDING
    return total + Interval(-slack, slack)


def _is_short(end: Any) -> bool:
    """Whether sums of such numbers are exact in floats."""
    exact = Fraction(end)
    power_of_two = exact.denominator & (exact.denominator - 1) == 0
    return power_of_two and max(exact.numerator.bit_length(), exact.denominator.bit_length()) < 30


def range_of_product(factors: Iterable[tuple[Any, Interval]]) -> Interval:
    """The range of a product from those of its factors; factors that are one and the same are a power."""
    counts: dict[Any, int] = {}
    ranges: dict[Any, Interval] = {}
    for factor, interval in factors:
        counts[factor] = counts.get(factor, 0) + 1
        ranges[factor] = interval
    powers = [ranges[factor].power(n) if n > 1 else ranges[factor] for factor, n in counts.items()]
    return reduce(operator.mul, powers, point(1))


def range_of_power(y: Expr, base: Interval, exponent: Interval) -> Interval:
    """The range of a power."""
    n = value_of(y.args[1])
    if n is not None and not isinstance(n, bool) and math.isfinite(n):
        return base.power(as_exact(n))
    return POSITIVE if base.positive else NONNEGATIVE if base.nonnegative else REALS
