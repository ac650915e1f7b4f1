"""Arc sine, arc cosine and arc tangent.

``atan(t) = t + t**3*p(t**2)`` up to tan(pi/8), and ``atan(t) = pi/4 + atan((t - 1)/(t + 1))`` from there to
1; ``asin(t) = t + t**3*q(t**2)`` up to 1/2, and ``asin(t) = pi/2 - 2*asin(sqrt((1 - t)/2))`` from there on.
Source: M. Abramowitz and I. Stegun, 4.4.
"""

from __future__ import annotations

from symgrad.targets.native.functions.constants import (
    HALF_PI,
    INF,
    NAN,
    PI,
    QUARTER_PI,
    polynomial,
)
from symgrad.targets.native.functions.number import Number, select
from symgrad.targets.native.functions.pairs import Pair, fast_two_sum, two_product, two_sum

TAN_OF_EIGHTH = 0.41421356237309503


def angle_of(over: Number, under: Number) -> Pair:
    """``atan(over/under)`` for ``0 <= over <= under``, in the first eighth of a turn."""
    wide = over > under * TAN_OF_EIGHTH
    difference, total = two_sum(over, -under), two_sum(under, over)
    top = Pair(select(wide, difference.high, over), select(wide, difference.low, 0.0))
    bottom = Pair(select(wide, total.high, under), select(wide, total.low, 0.0))
    t = top.over(bottom)
    z = t.high * t.high
    rest = (t.high * z).fma(polynomial("ATAN", z), t.low)
    base = fast_two_sum(select(wide, over.code.number(QUARTER_PI[0]), 0.0), t.high)
    return fast_two_sum(base.high, base.low + (rest + select(wide, QUARTER_PI[1], 0.0)))


def _from(start: tuple[float, float], angle: Pair) -> Pair:
    """``start - angle``, start being the larger one."""
    total = fast_two_sum(angle.high.code.number(start[0]), -angle.high)
    return fast_two_sum(total.high, total.low + (start[1] - angle.low))


def _either(condition: Number, yes: Pair, no: Pair) -> Pair:
    return Pair(select(condition, yes.high, no.high), select(condition, yes.low, no.low))


def arctan(x: Number) -> Number:
    """``atan(x)``: above 1 it is ``pi/2 - atan(1/x)``."""
    size = abs(x)
    steep = size > 1.0
    angle = angle_of(select(steep, 1.0, size), select(steep, size, 1.0))
    value = _either(steep, _from(HALF_PI, angle), angle).value()
    value = select(size.equals(INF), HALF_PI[0], value)
    return value.with_sign_of(x)


def arctan2(y: Number, x: Number) -> Number:
    """The angle of the point (x, y), from -pi to pi.

    Both are scaled by a power of two, so that what the quotient is made of neither overflows nor vanishes;
    a quotient that is an angle already may do the latter, and is rounded once.
    """
    a, b = abs(y), abs(x)
    steep = a > b
    large, small = select(steep, a, b), select(steep, b, a)
    endless = small.equals(INF)  # both are
    scale = select(
        large > 2.0**500, x.code.number(2.0**-600), select(large < 2.0**-400, 2.0**600, 1.0)
    )
    over = select(endless, 1.0, small * scale)
    under = select(endless | large.equals(0.0), 1.0, large * scale)
    angle = angle_of(select(under.equals(INF), 0.0, over), select(under.equals(INF), 1.0, under))
    quotient = small / large
    flat = quotient < 2.0**-60
    angle = Pair(select(flat, quotient, angle.high), select(flat, 0.0, angle.low))
    angle = _either(steep, _from(HALF_PI, angle), angle)
    angle = _either(x.negative(), _from(PI, angle), angle)
    value = angle.value().with_sign_of(y)
    return select(x.is_nan() | y.is_nan(), x + y, value)


def _arc(size: Number) -> tuple[Number, Pair]:
    """Whether a number is above 1/2; and asin of it, or else of ``sqrt((1 - size)/2)``."""
    upper = size > 0.5
    z = select(upper, 0.5 - size * 0.5, size * size)
    root = z.sqrt()
    product = two_product(root, root)
    error = ((z - product.high) - product.low) / (root + root)
    t = select(upper, root, size)
    low = select(upper & (z > 0.0), error, 0.0)
    return upper, fast_two_sum(t, (t * z).fma(polynomial("ASIN", z), low))


def arcsin(x: Number) -> Number:
    """``asin(x)``."""
    size = abs(x)
    upper, arc = _arc(size)
    value = _either(upper, _from(HALF_PI, arc.scaled(2.0)), arc).value().with_sign_of(x)
    return select(size > 1.0, x * 0.0 + NAN, value)


def arccos(x: Number) -> Number:
    """``acos(x)``."""
    size = abs(x)
    upper, arc = _arc(size)
    twice = arc.scaled(2.0)
    near = _either(x < 0.0, _from(PI, twice), twice)
    signed = _either(x < 0.0, arc.negated(), arc)
    value = _either(upper, near, _from(HALF_PI, signed)).value()
    return select(size > 1.0, x * 0.0 + NAN, value)
