"""The hyperbolic functions and their inverses, by exponentials and logarithms as pairs of floats."""

from __future__ import annotations

from symgrad.targets.native.functions.constants import INF, LOG_2, NAN, pair, polynomial
from symgrad.targets.native.functions.exponential import (
    HIGHEST,
    clamped,
    exp_of,
    power_of_two,
    reduced,
    scaled,
    series,
)
from symgrad.targets.native.functions.logarithm import log_pair
from symgrad.targets.native.functions.number import Number, select
from symgrad.targets.native.functions.pairs import (
    Pair,
    fast_two_sum,
    remainder,
    two_product,
    two_sum,
)

TINY = 2.0**-28  # below, x is the value of a function that begins x + c*x**3, but for rounding
LARGE = 2.0**500  # above, 1 is no part of x**2 + 1


def _halves_of_exp(size: Number) -> tuple[Pair, Pair, Number]:
    """``exp(size)/2**n`` and ``exp(-size)/2**n``, and n."""
    n, r = reduced(clamped(size, 0.0, HIGHEST + 2.0))
    up = exp_of(r)
    inverse = 1.0 / up.high
    error = remainder(size.code.number(1.0), inverse, up.high) - inverse * up.low
    down = power_of_two(clamped(n * -2.0, -1000.0, 0.0))
    return up, Pair(inverse * down, inverse * error * down), n


def sinh(x: Number) -> Number:
    """``(exp(x) - exp(-x))/2``, and ``x + x**3*p(x**2)`` up to 1."""
    size = abs(x)
    up, down, n = _halves_of_exp(size)
    total = fast_two_sum(up.high, -down.high)
    value = scaled(total.high + (total.low + (up.low - down.low)), n - 1.0)
    z = x * x
    near = (x * z).fma(polynomial("SINH", z), x)
    return select(size < 1.0, select(x.equals(0.0), x, near), value.with_sign_of(x))


def cosh(x: Number) -> Number:
    """``(exp(x) + exp(-x))/2``."""
    up, down, n = _halves_of_exp(abs(x))
    total = fast_two_sum(up.high, down.high)
    return scaled(total.high + (total.low + (up.low + down.low)), n - 1.0)


def tanh(x: Number) -> Number:
    """``d/(2 - d)`` for ``d = 1 - exp(-2*abs(x))``, which is ``(1 - 2**n) - 2**n*expm1(r)``."""
    size = abs(x)
    n, r = reduced(clamped(size * -2.0, -44.0, 0.0))
    s = power_of_two(n)
    part = fast_two_sum(x.code.number(1.0), -s)
    whole = fast_two_sum(part.high, -s * r.high)
    d = fast_two_sum(whole.high, (-s).fma(series(r), whole.low + part.low))
    under = 2.0 - d.high
    q = d.high / under
    rest = d.low - q * (((2.0 - under) - d.high) - d.low)
    if not x.code.fast:
        product = two_product(q, under)
        rest = (d.high - product.high) - product.low + rest
    q = rest.fma(q.fma(0.5, 0.5), q)  # which is 1/(2 - d)
    return select(size < TINY, x, q.with_sign_of(x))


def arcsinh(x: Number) -> Number:
    """``log(x + sqrt(1 + x**2))``."""
    size = abs(x)
    large = size > LARGE
    part = select(large, 1.0, size)
    root = two_product(part, part).plus_number(1.0).sqrt()
    total = root.plus_number(part)
    argument = Pair(select(large, size, total.high), select(large, 0.0, total.low))
    value = _plus_log_2(log_pair(argument), large)
    value = select(size.equals(INF) | size.is_nan(), size, value)
    return select(size < TINY, x, value.with_sign_of(x))


def arccosh(x: Number) -> Number:
    """``log(x + sqrt(x**2 - 1))``."""
    large = x > LARGE
    part = clamped(select(large, 2.0, x), 1.0, INF)
    square = two_product(part, part).plus_number(-1.0)
    root = square.sqrt()
    exact = square.high.equals(0.0)
    root = Pair(select(exact, 0.0, root.high), select(exact, 0.0, root.low))
    total = root.plus_number(part)
    argument = Pair(select(large, x, total.high), select(large, 0.0, total.low))
    value = _plus_log_2(log_pair(argument), large)
    value = select(x.equals(INF), x, value)
    return select(x < 1.0, x * 0.0 + NAN, value)


def _plus_log_2(value: Pair, condition: Number) -> Number:
    """A pair, with log(2) added where the condition holds."""
    more = value.plus(pair(value.high.code, LOG_2)).value()
    return select(condition, more, value.value())


def arctanh(x: Number) -> Number:
    """``log((1 + x)/(1 - x))/2``."""
    size = abs(x)
    one = x.code.number(1.0)
    quotient = two_sum(one, size).over(two_sum(one, -size))
    value = log_pair(quotient).value() * 0.5
    value = select(size.equals(1.0), INF, value).with_sign_of(x)
    value = select(size > 1.0, x * 0.0 + NAN, value)
    return select(size < TINY, x, value)
