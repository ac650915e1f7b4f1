"""The error function and its complement.

Up to 0.7 ``erf(x) = x*(2/sqrt(pi) + x**2*p(x**2))``; from 1/2 on ``erfc(x) = exp(-x**2)/(1 + 2*x)*(5/4 +
q(t))`` with ``t = (x - 4)/(x + 4)``. Source of the second form: M. M. Shepherd and J. G. Laframboise,
Chebyshev approximation of (1 + 2x)exp(x**2)erfc x, Mathematics of Computation 36, 1981.
"""

from __future__ import annotations

from symgrad.targets.native.functions.constants import TWO_PER_ROOT_PI, polynomial
from symgrad.targets.native.functions.exponential import LOWEST, clamped, exp_of, reduced, scaled
from symgrad.targets.native.functions.number import Number, select
from symgrad.targets.native.functions.pairs import Pair, fast_two_sum, two_product, two_sum


def _near_zero(x: Number) -> Pair:
    """``erf(x)`` up to 1."""
    z = x * x
    total = two_product(x, TWO_PER_ROOT_PI[0])
    more = z.fma(polynomial("ERF", z), TWO_PER_ROOT_PI[1])
    return fast_two_sum(total.high, x.fma(more, total.low))


def _upper(size: Number) -> Number:
    """``erfc(size)`` from 1/2 on."""
    x = clamped(size, 0.0, 28.0)
    square = two_product(x, x)
    beyond = square.high > -LOWEST
    n, r = reduced(clamped(-square.high, LOWEST, 0.0), select(beyond, 0.0, -square.low))
    factor = fast_two_sum(x.code.number(1.25), polynomial("ERFC", (x - 4.0) / (x + 4.0)))
    over = exp_of(r).times(factor)
    return scaled(over.over(two_sum(x + x, 1.0)).value(), n)


def erf(x: Number) -> Number:
    """``erf(x)``."""
    size = abs(x)
    value = select(size < 0.7, _near_zero(size).value(), 1.0 - _upper(size))
    return select(x.is_nan(), x, value).with_sign_of(x)


def erfc(x: Number) -> Number:
    """``1 - erf(x)``."""
    size = abs(x)
    near = _near_zero(x)
    one = fast_two_sum(x.code.number(1.0), -near.high)
    upper = _upper(size)
    far = select(x < 0.0, 2.0 - upper, upper)
    return select(size < 0.5, one.high + (one.low - near.low), far)
