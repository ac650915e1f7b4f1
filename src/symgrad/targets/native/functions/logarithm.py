"""The logarithms.

``x = 2**k*m`` with m between the roots of 1/2 and of 2; ``log(m) = 2*atanh(s)`` for ``s = (m - 1)/(m +
1)``; see J.-M. Muller, Elementary Functions, chapters 5 and 11.
"""

from __future__ import annotations

from typing import NamedTuple

from symgrad.targets.native.functions.constants import (
    INF,
    LOG10_2,
    LOG_2_SHORT,
    NAN,
    PER_LOG_2,
    PER_LOG_10,
    THIRD,
    pair,
    polynomial,
)
from symgrad.targets.native.functions.number import Number, select
from symgrad.targets.native.functions.pairs import (
    Pair,
    fast_two_sum,
    remainder,
    single,
    two_product,
    two_sum,
)

TINIEST_NORMAL = 2.0**-1022
ROOT_OF_HALF_BITS = 0x3FE6A09E667F3BCC  # the float next to it, from below
OFFSET = 1024  # makes the exponent of any float positive
TO_FLOAT_BITS = 0x4330000000000000  # of 2**52: or'ed with an integer below it, their sum
FRACTION_BITS = (1 << 52) - 1


class BinaryParts(NamedTuple):
    """``2**k*m``, and the bits of the exponent."""

    k: Number
    m: Number
    exponent: Number


def parts_of(x: Number) -> BinaryParts:
    """The parts of a positive finite number."""
    small = x < TINIEST_NORMAL
    bits = select(small, x * 2.0**54, x).bits()
    shifted = bits + ((OFFSET << 52) - ROOT_OF_HALF_BITS)
    exponent = shifted >> 52
    k = (exponent | TO_FLOAT_BITS).as_float() - select(
        small, 2.0**52 + OFFSET + 54, 2.0**52 + OFFSET
    )
    m = (shifted & FRACTION_BITS) + ROOT_OF_HALF_BITS
    return BinaryParts(k, m.as_float(), exponent)


def special_values(x: Number, value: Number) -> Number:
    """The logarithm at zero, infinity, nan and below zero."""
    ends = select(x.equals(INF), x, value)
    return select(x > 0.0, ends, select(x.equals(0.0), -INF, x + NAN))


def log(x: Number) -> Number:
    """``log(x)``: ``f - (f**2/2 - s*(f**2/2 + 2*z*p(z)))`` with ``f = m - 1`` and ``z = s**2``."""
    k, m, _ = parts_of(x)
    f = m - 1.0
    s = f / (f + 2.0)
    z = s * s
    half = f * f * 0.5
    rest = s * (z * 2.0).fma(polynomial("LOG", z), half)
    low = k.fma(LOG_2_SHORT[1], rest) - half
    if x.code.fast:
        return special_values(x, k * LOG_2_SHORT[0] + (f + low))
    total = fast_two_sum(k * LOG_2_SHORT[0], f)
    return special_values(x, total.high + (total.low + low))


def log_of_part(f: Pair) -> Pair:
    """``log(1 + f)`` for f between -0.3 and 0.42, to about 2**-65 of it.

    ``s = f/(2 + f)``, and ``2*s + 2*s**3*(1/3 + z*p(z))`` for ``z = s**2``; only what is at most a
    hundredth of the result is a single float.
    """
    total = fast_two_sum(f.high.code.number(2.0), f.high)
    low = total.low + f.low
    inverse = 1.0 / total.high
    s = f.high * inverse
    rest = (-s).fma(low, remainder(f.high, s, total.high) + f.low) * inverse
    square = two_product(s, s)
    z = Pair(square.high, (s + s).fma(rest, square.low))
    third = fast_two_sum(f.high.code.number(THIRD[0]), z.high * polynomial("LOG_REST", z.high))
    factor = z.times(Pair(third.high, third.low + THIRD[1]))
    cube = two_product(s, factor.high)
    more = s.fma(factor.low, rest.fma(factor.high, cube.low))
    result = fast_two_sum(s, cube.high)
    return Pair(result.high, result.low + (rest + more)).scaled(2.0)


def pair_parts(x: Pair) -> tuple[Number, Pair]:
    """k, and ``log(m)``, of a pair."""
    k, m, exponent = parts_of(x.high)
    scale = ((OFFSET + 1023 - exponent) << 52).as_float()
    low = select(x.high > 2.0**1000, 0.0, x.low * scale)
    return k, log_of_part(two_sum(m - 1.0, low))


def single_parts(x: Number) -> tuple[Number, Pair]:
    """The like of a float."""
    k, m, _ = parts_of(x)
    return k, log_of_part(single(m - 1.0))


def log_pair(x: Pair) -> Pair:
    """``log(x)`` of a positive pair as a pair, to about 2**-65 of it."""
    return _whole(*pair_parts(x))


def log_of_single(x: Number) -> Pair:
    """The like of a float."""
    return _whole(*single_parts(x))


def _whole(k: Number, part: Pair) -> Pair:
    total = fast_two_sum(k * LOG_2_SHORT[0], part.high)
    return fast_two_sum(total.high, total.low + k.fma(LOG_2_SHORT[1], part.low))


def _to_base(x: Number, per_log: tuple[float, float], of_two: tuple[float, float]) -> Number:
    """``k*log_b(2) + log(m)/log(b)``."""
    k, part = single_parts(x)
    scaled = part.times(pair(x.code, per_log))
    whole = pair(x.code, of_two).times_number(k)
    total = fast_two_sum(whole.high, scaled.high)
    return special_values(x, total.high + (total.low + (whole.low + scaled.low)))


def log2(x: Number) -> Number:
    """``log(x)/log(2)``, exact at powers of two."""
    return _to_base(x, PER_LOG_2, (1.0, 0.0))


def log10(x: Number) -> Number:
    """``log(x)/log(10)``."""
    return _to_base(x, PER_LOG_10, LOG10_2)


def log1p(x: Number) -> Number:
    """``log(1 + x)``, of the sum as a pair."""
    total = two_sum(x.code.number(1.0), x)
    value = special_values(total.high, log_pair(total).value())
    value = select(x.equals(INF), x, value)
    return select(abs(x) < 2.0**-54, x, value)
