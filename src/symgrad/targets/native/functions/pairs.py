"""Numbers of about 100 bits as unevaluated sums of two floats.

Sources: T. J. Dekker, A floating-point technique for extending the available precision, 1971; J.-M.
Muller et al., Handbook of Floating-Point Arithmetic, chapters 4 and 14.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from symgrad.targets.native.functions.number import Number

SPLITTER: Final = 134217729.0  # 2**27 + 1


class Pair(NamedTuple):
    """``high + low``, where low is at most about half a unit in the last place of high."""

    high: Number
    low: Number

    def value(self) -> Number:
        """The float next to it."""
        return self.high + self.low

    def plus(self, other: Pair) -> Pair:
        """The sum, to about 2**-104 of the larger one."""
        total = two_sum(self.high, other.high)
        return fast_two_sum(total.high, total.low + (self.low + other.low))

    def plus_number(self, x: Number | float) -> Pair:
        """The sum with a float, to about 2**-104 of the larger one."""
        total = two_sum(self.high, x)
        return fast_two_sum(total.high, total.low + self.low)

    def times(self, other: Pair) -> Pair:
        """The product, to about 2**-102."""
        product = two_product(self.high, other.high)
        cross = self.high.fma(other.low, self.low * other.high)
        return fast_two_sum(product.high, product.low + cross)

    def times_number(self, x: Number | float) -> Pair:
        """The product with a float, to about 2**-102."""
        product = two_product(self.high, x)
        return fast_two_sum(product.high, self.low.fma(x, product.low))

    def over(self, other: Pair) -> Pair:
        """The quotient, to about 2**-100."""
        q = self.high / other.high
        product = two_product(q, other.high)
        rest = (self.high - product.high) - product.low + (self.low - q * other.low)
        return fast_two_sum(q, rest / other.high)

    def sqrt(self) -> Pair:
        """The root of a positive number, to about 2**-100."""
        root = self.high.sqrt()
        product = two_product(root, root)
        rest = (self.high - product.high) - product.low + self.low
        return fast_two_sum(root, rest / (root + root))

    def scaled(self, power: Number | float) -> Pair:
        """Times a power of two."""
        return Pair(self.high * power, self.low * power)

    def negated(self) -> Pair:
        return Pair(-self.high, -self.low)


def single(x: Number) -> Pair:
    """A float as a pair."""
    return Pair(x, x.code.number(0.0))


def two_sum(a: Number, b: Number | float) -> Pair:
    """``a + b``, without error."""
    s = a + b
    b_part = s - a
    return Pair(s, (a - (s - b_part)) + (b - b_part))


def fast_two_sum(a: Number, b: Number) -> Pair:
    """``a + b``, without error where ``abs(a) >= abs(b)``."""
    s = a + b
    return Pair(s, b - (s - a))


def two_product(a: Number, b: Number | float) -> Pair:
    """``a*b``, without error but for underflow."""
    product = a * b
    if a.code.processor.fused:
        return Pair(product, a.fma(b, -product))
    b = b if isinstance(b, Number) else a.code.number(b)
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    rest = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return Pair(product, rest)


def remainder(a: Number, q: Number, b: Number) -> Number:
    """``a - q*b`` where q is the quotient or next to it, without error."""
    if a.code.processor.fused:
        return (-q).fma(b, a)
    product = two_product(q, b)
    return (a - product.high) - product.low


def _halves(a: Number) -> Pair:
    """Two floats of 26 bits each."""
    scaled = a * SPLITTER
    high = scaled - (scaled - a)
    return Pair(high, a - high)
