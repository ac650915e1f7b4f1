"""Python numbers of all sizes: exact ones of any length, and what becomes of them among floats."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, Final

MAX_EXACT_BITS: Final = 4096  # of an exact power
LEAST_INT: Final = -(2**63)
GREATEST_INT: Final = 2**63 - 1
MAX_STR_DIGITS: Final = 4000  # that Python writes without a limit raised


def is_exact(value: Any) -> bool:
    """Whether a number is an int or a Fraction (bools are not)."""
    return value.__class__ is int or value.__class__ is Fraction


def as_float(value: Any) -> float:
    """The float nearest to a number; beyond the range of floats an infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def as_exact(value: Any) -> int | Fraction:
    """The exact number that a finite number is; an int where it is whole."""
    exact = Fraction(value)
    return exact.numerator if exact.denominator == 1 else exact


def _beside_floats(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A function of two numbers for which an exact one too large for floats is an infinity to a float."""

    def call(a: Any, b: Any) -> Any:
        try:
            return function(a, b)
        except OverflowError:
            return function(as_float(a), as_float(b))

    return call


plus: Final = _beside_floats(operator.add)
times: Final = _beside_floats(operator.mul)


def quotient(a: Any, b: Any) -> Any:
    """``a // b`` of exact numbers; by zero what floats give: an infinity, or nan."""
    if b == 0:
        return math.nan if a == 0 else math.copysign(math.inf, a)
    return a // b


def remainder(a: Any, b: Any) -> Any:
    """``a % b`` of exact numbers, with the sign of b; nan by zero."""
    return a % b if b else math.nan


def truncated_remainder(a: Any, b: Any) -> Any:
    """``a - b*trunc(a/b)`` of exact numbers, with the sign of a; nan by zero."""
    return a - b * math.trunc(Fraction(a) / b) if b else math.nan


def sign_of(a: int | Fraction) -> int:
    """1, 0 or -1."""
    return (a > 0) - (a < 0)


def float_power(base: int | Fraction, exponent: float) -> float:
    """``base**exponent`` for a positive exact base that may be beyond the range of floats.

    By way of ``base = m * 2**k`` with m near 1.
    """
    exact = Fraction(base)
    k = exact.numerator.bit_length() - exact.denominator.bit_length()
    m = float(exact / Fraction(2) ** k)
    whole = round(k * Fraction(exponent))
    rest = float(k * Fraction(exponent) - whole)
    try:
        return math.ldexp(m**exponent * 2.0**rest, whole)
    except OverflowError:
        return math.inf


def log_of_large(value: Any, base: float = math.e) -> float | None:
    """The logarithm of an exact number beyond the range of floats, else None."""
    if value <= 0 or 0.0 < as_float(value) < math.inf:
        return None
    exact = Fraction(value)
    if base == 2:
        return math.log2(exact.numerator) - math.log2(exact.denominator)
    if base == 10:
        return math.log10(exact.numerator) - math.log10(exact.denominator)
    return math.log(exact.numerator) - math.log(exact.denominator)


def text_of_number(value: Any) -> str:
    """A number as Python writes it; ints of any length, of which Python itself refuses very long ones."""
    if value.__class__ is Fraction and value.denominator != 1:
        return f"{text_of_number(value.numerator)}/{text_of_number(value.denominator)}"
    if value.__class__ is not int or value.bit_length() < 3 * MAX_STR_DIGITS:
        return str(value)
    digits = value.bit_length() // 3 + 2
    return f"{Context(prec=digits).create_decimal(Decimal(value)):f}"


def root_of_int(value: int, degree: int) -> int | None:
    """The exact root of a nonnegative int, or None. Newton's iteration on ints, from above."""
    if value < 2:
        return value
    if degree >= value.bit_length():
        return None
    x = 1 << -(-value.bit_length() // degree)
    while True:
        y = ((degree - 1) * x + value // x ** (degree - 1)) // degree
        if y >= x:
            break
        x = y
    return x if x**degree == value else None


def power_value(base: Any, exponent: Any) -> Any:
    """``base**exponent`` of two numbers if it is real and, for exact operands, exact; else None."""
    if is_exact(base) and is_exact(exponent):
        return _exact_power(Fraction(base), Fraction(exponent))
    if is_exact(base) and base > 0 and not 0.0 < as_float(base) < math.inf:
        return float_power(base, as_float(exponent)) if math.isfinite(exponent) else None
    try:
        return math.pow(base, as_float(exponent))
    except OverflowError:
        odd = float(exponent).is_integer() and int(exponent) % 2
        return -math.inf if base < 0 and odd else math.inf
    except ValueError:
        return None


def _exact_power(base: Fraction, exponent: Fraction) -> int | Fraction | None:
    if exponent.denominator != 1:
        root = _exact_root(base, exponent.denominator)
        if root is None:
            return None
        base, exponent = root, Fraction(exponent.numerator)
    if base == 0 and exponent < 0:
        return None
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits > 1 and abs(exponent) * bits > MAX_EXACT_BITS:
        return None
    result = base ** int(exponent)
    return result.numerator if result.denominator == 1 else result


def _exact_root(base: Fraction, degree: int) -> Fraction | None:
    if base < 0:
        return None
    over, under = (root_of_int(part, degree) for part in (base.numerator, base.denominator))
    return None if over is None or under is None else Fraction(over, under)
