"""Powers and roots, and sums of exponentials."""

from __future__ import annotations

from symgrad.targets.native.functions.constants import INF, LOG_2, NAN, PER_LOG_2, THIRD, pair
from symgrad.targets.native.functions.exponential import (
    HIGHEST,
    LOWEST,
    clamped,
    exp_of,
    reduced,
    scaled,
)
from symgrad.targets.native.functions.logarithm import log_of_single, log_pair
from symgrad.targets.native.functions.number import Number, select
from symgrad.targets.native.functions.pairs import Pair, single, two_product, two_sum


def exp_of_pair(x: Pair) -> Number:
    """``exp(x)``."""
    beyond = (x.high > HIGHEST) | (x.high < LOWEST)
    n, r = reduced(clamped(x.high, LOWEST, HIGHEST), select(beyond, 0.0, x.low))
    return scaled(exp_of(r).value(), n)


def power(x: Number, y: Number) -> Number:
    """``x**y``: ``exp(y*log(abs(x)))``, with the sign of odd powers, and IEEE's values at the ends."""
    size = abs(x)
    exponent = clamped(y, -(2.0**70), 2.0**70)  # the power of all but 1 is at an end before
    value = exp_of_pair(log_of_single(size).times_number(exponent))
    at_end = size.equals(0.0) | size.equals(INF) | abs(y).equals(INF)
    shrinks = (size > 1.0) ^ (y > 0.0)
    value = select(at_end, select(shrinks, x.code.number(0.0), INF), value)
    value = select(size.equals(1.0), 1.0, value)
    whole = y.rint().equals(y)
    odd = whole & (y * 0.5).rint().differs(y * 0.5)
    value = select(odd & x.negative(), -value, value)
    value = select((x < 0.0) & ~whole & (size < INF), NAN, value)
    value = select(x.is_nan() | y.is_nan(), x + y, value)
    return select(x.equals(1.0) | y.equals(0.0), 1.0, value)


def _scales(size: Number) -> tuple[Number, Number]:
    """A power of eight that brings a number away from the ends, and a third of its inverse's exponent."""
    one = size.code.number(1.0)
    tiny, huge = size < 2.0**-400, size > 2.0**500
    up = select(tiny, 2.0**600, select(huge, 2.0**-600, one))
    return up, select(tiny, 2.0**-200, select(huge, 2.0**200, one))


def cbrt(x: Number) -> Number:
    """``x**(1/3)``, with a step of Newton's, so that cubes have their roots."""
    size = abs(x)
    up, down = _scales(size)
    part = size * up
    root = exp_of_pair(log_of_single(part).times(pair(x.code, THIRD)))
    square = two_product(root, root)
    cube = square.times_number(root)
    error = ((part - cube.high) - cube.low) / (square.high * 3.0)
    value = select(size.equals(0.0) | size.equals(INF), size, (root + error) * down)
    return select(x.is_nan(), x, value.with_sign_of(x))


def hypot(x: Number, y: Number) -> Number:
    """``sqrt(x**2 + y**2)``, scaled by a power of two; infinity beside nan too."""
    a, b = abs(x), abs(y)
    large = select(a > b, a, b)
    up, third = _scales(large)
    down = third * third * third
    p, q = a * up, b * up
    total = two_product(p, p).plus(two_product(q, q))
    root = total.high.sqrt()
    product = two_product(root, root)
    error = ((total.high - product.high) - product.low + total.low) / (root + root)
    value = select(total.high > 0.0, root + error, root) * down
    value = select(x.is_nan() | y.is_nan(), x + y, value)
    return select(a.equals(INF) | b.equals(INF), INF, value)


def logaddexp(x: Number, y: Number) -> Number:
    """``log(exp(x) + exp(y))``: the larger one, and ``log(1 + exp(-abs(x - y)))``."""
    return _sum_of_powers(x, y, natural=True)


def logaddexp2(x: Number, y: Number) -> Number:
    """``log2(2**x + 2**y)``."""
    return _sum_of_powers(x, y, natural=False)


def _sum_of_powers(x: Number, y: Number, natural: bool) -> Number:
    """The logarithm of a sum of powers, to the base e or 2."""
    code, less = x.code, x > y
    large, small = select(less, x, y), select(less, y, x)
    gap = two_sum(small, -large)
    far = ~(gap.high > -2000.0)
    gap = Pair(select(far, -2000.0, gap.high), select(far, 0.0, gap.low))
    gap = gap if natural else gap.times(pair(code, LOG_2))
    beyond = gap.high < LOWEST
    n, r = reduced(clamped(gap.high, LOWEST, 0.0), select(beyond, 0.0, gap.low))
    e = exp_of(r)
    rest = log_pair(Pair(scaled(e.high, n), scaled(e.low, n)).plus_number(1.0))
    rest = rest if natural else rest.times(pair(code, PER_LOG_2))
    of_two = pair(code, LOG_2) if natural else single(code.number(1.0))
    equal = large.equals(small)
    total = two_sum(large, select(equal, of_two.high, rest.high))
    value = total.high + (total.low + select(equal, of_two.low, rest.low))
    value = select(abs(large).equals(INF), large, value)
    return select(x.is_nan() | y.is_nan(), x + y, value)
