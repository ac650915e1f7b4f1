"""The exponential function and what is made of it.

``x = n*log(2) + r`` with ``abs(r) <= log(2)/2``, and ``exp(r) = 1 + r + r**2/2 + r**3*p(r)``; see J.-M.
Muller, Elementary Functions, chapters 5 and 11.
"""

from __future__ import annotations

from typing import NamedTuple

from symgrad.targets.native.functions.constants import (
    LOG_2,
    LOG_2_SHORT,
    PER_LOG_2,
    ROUNDER,
    pair,
    polynomial,
)
from symgrad.targets.native.functions.number import Number, select
from symgrad.targets.native.functions.pairs import Pair, fast_two_sum, remainder, two_sum

ONE_BITS = 1023 << 52
# Beyond these the result is no other than at them: infinity and zero
HIGHEST, LOWEST = 710.0, -746.0


class ReducedArgument(NamedTuple):
    """``n*log(2) + r``."""

    n: Number
    r: Pair


def clamped(x: Number, low: float, high: float) -> Number:
    """A number between two others; nan as it is."""
    above = select(x < low, low, x)
    return select(above > high, high, above)


def power_of_two(n: Number) -> Number:
    """``2**n`` of an integer as a float, from -1022 to 1023."""
    return (((n + ROUNDER).bits() << 52) + ONE_BITS).as_float()


def scaled(x: Number, n: Number) -> Number:
    """``x*2**n``; by products in two steps, as a subnormal or infinite result is not one power away."""
    if x.code.processor.scales:
        return x.times_power_of_two((n + ROUNDER).bits().truncated(32))
    rounded = n.fma(0.5, ROUNDER)  # half of n
    first = ((rounded.bits() << 52) + ONE_BITS).as_float()
    return x * first * power_of_two(n - (rounded - ROUNDER))


def reduced(x: Number, low: Number | None = None) -> ReducedArgument:
    """The reduced argument; `low` is what a pair adds to x."""
    n = x.fma(PER_LOG_2[0], ROUNDER) - ROUNDER
    high = (-n).fma(LOG_2_SHORT[0], x)
    rest = n * -LOG_2_SHORT[1]
    return ReducedArgument(n, fast_two_sum(high, rest if low is None else rest + low))


def series(r: Pair) -> Number:
    """``exp(r) - 1 - r.high``."""
    h = r.high
    return (h * h).fma(h.fma(polynomial("EXP", h), 0.5), r.low)


def exp_of(r: Pair) -> Pair:
    """``exp(r)`` of a reduced argument, to about 2**-57."""
    return fast_two_sum(*_exp_sum(r))


def _exp_sum(r: Pair) -> Pair:
    """The same, of which the smaller part need not be below a unit in the last place."""
    total = fast_two_sum(r.high.code.number(1.0), r.high)
    return Pair(total.high, total.low + series(r))


def expm1_of(x: ReducedArgument) -> tuple[Pair, Number]:
    """``expm1(x)/2**n``, and n; n between -1000 and 1000 but for results of which 1 is no part."""
    down = power_of_two(-clamped(x.n, -1000.0, 1000.0))
    whole = two_sum(1.0 - down, x.r.high)
    return fast_two_sum(whole.high, whole.low + series(x.r)), x.n


def exp(x: Number) -> Number:
    """``exp(x)``."""
    n, r = reduced(clamped(x, LOWEST, HIGHEST))
    if x.code.fast:
        return scaled(1.0 + (r.high + series(r)), n)
    return scaled(_exp_sum(r).value(), n)


def exp2(x: Number) -> Number:
    """``2**x``: what is left of the exponent is multiplied by log(2)."""
    x = clamped(x, -1080.0, 1030.0)
    n = (x + ROUNDER) - ROUNDER
    r = pair(x.code, LOG_2).times_number(x - n)
    return scaled(_exp_sum(r).value(), n)


def expm1(x: Number) -> Number:
    """``exp(x) - 1``."""
    value, n = expm1_of(reduced(clamped(x, -50.0, HIGHEST)))
    return select(x.equals(0.0), x, scaled(value.value(), n))


def expit(x: Number) -> Number:
    """``1/(1 + exp(-x))``: ``e/(1 + e)`` for ``e = exp(-abs(x))``, or 1 above that."""
    n, r = reduced(clamped(-abs(x), LOWEST, 0.0))
    e = exp_of(r)
    small = scaled(e.value(), n)
    low = scaled(e.low, n)
    below = two_sum(x.code.number(1.0), small)
    above = select(x < 0.0, small, 1.0)
    q = above / below.high
    error = remainder(above, q, below.high) - q * (below.low + low)
    error = select(x < 0.0, error + low, error)
    return select(x < -700.0, small, q + error / below.high)
