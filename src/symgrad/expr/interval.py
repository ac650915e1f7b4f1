"""Intervals of real numbers: what is known of the values of a formula.

Ends are exact numbers or infinities, so that nothing is lost to rounding; a float is the exact number
that it is. An end that is open is not attained. Moore, Kearfott, Cloud, Introduction to Interval Analysis,
2009, ch. 2.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final, NamedTuple

MAX_BITS: Final = 256  # of an end; longer ones are moved to 0 or to infinity
INF: Final = math.inf

End = tuple[Any, bool]  # a number, and whether it is attained


class Interval(NamedTuple):
    """The numbers from `low` to `high`; an end that is open is not attained."""

    low: Any = -INF
    high: Any = INF
    open_low: bool = False
    open_high: bool = False

    @property
    def nonnegative(self) -> bool:
        """Whether no number of it is below 0."""
        return bool(self.low >= 0)

    @property
    def positive(self) -> bool:
        """Whether all its numbers are above 0."""
        return bool(self.low > 0 or (self.low == 0 and self.open_low))

    @property
    def nonpositive(self) -> bool:
        """Whether no number of it is above 0."""
        return bool(self.high <= 0)

    @property
    def negative(self) -> bool:
        """Whether all its numbers are below 0."""
        return bool(self.high < 0 or (self.high == 0 and self.open_high))

    @property
    def nonzero(self) -> bool:
        """Whether 0 is not in it."""
        return self.positive or self.negative

    def __neg__(self) -> Interval:
        return within((-self.high, not self.open_high), (-self.low, not self.open_low))

    def __add__(self, other: Interval) -> Interval:  # type: ignore[override]
        """All sums of two numbers."""
        return within(
            (_plus(self.low, other.low, -INF), not (self.open_low or other.open_low)),
            (_plus(self.high, other.high, INF), not (self.open_high or other.open_high)),
        )

    def __mul__(self, other: Interval) -> Interval:  # type: ignore[override]
        """All products of two numbers."""
        corners = [_times(a, b) for a in self._ends() for b in other._ends()]
        return within(_extreme(corners, min), _extreme(corners, max))

    def __or__(self, other: Interval) -> Interval:
        """The least interval that holds both."""
        ends = [*self._ends(), *other._ends()]
        return within(_extreme(ends, min), _extreme(ends, max))

    def __abs__(self) -> Interval:
        if self.nonnegative:
            return self
        if self.nonpositive:
            return -self
        return within((0, True), _extreme([(-self.low, not self.open_low), self._ends()[1]], max))

    def power(self, n: int | Fraction) -> Interval:
        """All powers to an exact exponent, where they are real."""
        if n < 0:
            return self.power(-n)._reciprocal()
        if n.__class__ is not int or n > MAX_BITS:
            even = n.__class__ is int and n % 2 == 0
            if n.__class__ is not int or even or self.nonnegative:
                return Interval(0, INF, self.nonzero)
            return REALS
        base = abs(self) if n % 2 == 0 else self
        low, high = [(x if math.isinf(x) else x**n, closed) for x, closed in base._ends()]
        return within(low, high)

    def larger(self, other: Interval) -> Interval:
        """The larger ones of two numbers."""
        (a, b), (c, d) = self._ends(), other._ends()
        low = max(a, c, key=lambda end: (end[0], not end[1]))
        return within(low, _extreme([b, d], max))

    def smaller(self, other: Interval) -> Interval:
        """The smaller ones of two numbers."""
        return -((-self).larger(-other))

    def of_sign(self, low: Any = -INF, high: Any = INF) -> Interval:
        """The values between `low` and `high` of a function with the sign of its operand."""
        if self.nonnegative:
            low, open_low = 0, self.nonzero
        else:
            open_low = low != -INF
        if self.nonpositive:
            return Interval(low, 0, open_low, self.nonzero)
        return Interval(low, high, open_low, high != INF)

    def _ends(self) -> tuple[End, End]:
        return (self.low, not self.open_low), (self.high, not self.open_high)

    def _reciprocal(self) -> Interval:
        if self.low == self.high == 0 or not (self.nonnegative or self.nonpositive):
            return REALS
        if not self.nonnegative:
            return -((-self)._reciprocal())
        low = (0, False) if self.high == INF else (_over(self.high), not self.open_high)
        high = (INF, True) if self.low == 0 else (_over(self.low), not self.open_low)
        return within(low, high)


def within(low: End, high: End) -> Interval:
    """The interval between two ends, made wider where they have very many digits."""
    (a, a_closed), (b, b_closed) = _short(low, -1), _short(high, 1)
    return Interval(a, b, not (a_closed or a == -INF), not (b_closed or b == INF))


def point(value: Any) -> Interval:
    """The interval of one number; nan, which is none, may be anything."""
    if value != value:
        return REALS
    exact = value if isinstance(value, (int, Fraction)) or math.isinf(value) else Fraction(value)
    return within((exact, True), (exact, True))


REALS: Final = Interval()
POSITIVE: Final = Interval(0, INF, True)
NONNEGATIVE: Final = Interval(0)
UNIT: Final = Interval(-1, 1)


def _short(end: End, side: int) -> End:
    value, _ = end
    if value.__class__ is float:
        return end
    size = max(int(value.numerator).bit_length(), int(value.denominator).bit_length())
    if size <= MAX_BITS:
        return end
    return (0, False) if (value > 0) != (side > 0) else (side * INF, True)


def _plus(a: Any, b: Any, absent: float) -> Any:
    return absent if absent in (a, b) else a + b


def _times(a: End, b: End) -> End:
    (x, x_closed), (y, y_closed) = a, b
    if 0 in (x, y):
        return 0, (x == 0 and x_closed) or (y == 0 and y_closed)
    return x * y, x_closed and y_closed


def _over(x: Any) -> Any:
    return Fraction(1) / x


def _extreme(ends: list[End], choose: Any) -> End:
    value = choose(end[0] for end in ends)
    return value, any(closed for x, closed in ends if x == value)
