"""Functions of a few instructions, on float32 and double alike, with NumPy's rules for nan."""

from __future__ import annotations

from symgrad.targets.native.functions.constants import INF
from symgrad.targets.native.functions.number import Number, select


def sqrt(x: Number) -> Number:
    return x.sqrt()


def square(x: Number) -> Number:
    return x * x


def reciprocal(x: Number) -> Number:
    return 1.0 / x


def positive(x: Number) -> Number:
    return x


def floor(x: Number) -> Number:
    return x.floor()


def ceil(x: Number) -> Number:
    return x.code.intrinsic("ceil", x)


def trunc(x: Number) -> Number:
    return x.code.intrinsic("trunc", x)


def rint(x: Number) -> Number:
    return x.rint()


def sign(x: Number) -> Number:
    """-1, 0 or 1; nan as it is."""
    zero = x.code.number(0.0, x.value.type)
    return select(x > 0.0, 1.0, select(x < 0.0, -1.0, select(x.is_nan(), x, zero)))


def copysign(x: Number, y: Number) -> Number:
    return x.with_sign_of(y)


def heaviside(x: Number, y: Number) -> Number:
    """0 below zero, 1 above, y at it; nan as it is."""
    return select(x > 0.0, 1.0, select(x < 0.0, 0.0, select(x.equals(0.0), y, x)))


def maximum(x: Number, y: Number) -> Number:
    """The larger one, or the first that is nan; the second of two zeros."""
    return select((x > y) | x.is_nan(), x, y)


def minimum(x: Number, y: Number) -> Number:
    """The smaller one, or the first that is nan; the second of two zeros."""
    return select((x < y) | x.is_nan(), x, y)


def fmax(x: Number, y: Number) -> Number:
    """The larger one, or the one that is not nan."""
    return select((x > y) | y.is_nan(), x, y)


def fmin(x: Number, y: Number) -> Number:
    """The smaller one, or the one that is not nan."""
    return select((x < y) | y.is_nan(), x, y)


def deg2rad(x: Number) -> Number:
    return x * 0.017453292519943295  # pi/180


def rad2deg(x: Number) -> Number:
    return x * 57.29577951308232  # 180/pi


def isnan(x: Number) -> Number:
    return x.is_nan()


def isinf(x: Number) -> Number:
    return abs(x).equals(INF)


def isfinite(x: Number) -> Number:
    return abs(x) < INF


def signbit(x: Number) -> Number:
    return x.negative()
