"""Sine, cosine and tangent.

``x = n*pi/2 + r`` with r a pair and ``abs(r) <= pi/4``; ``sin(r) = r + r**3*p(r**2)`` and ``cos(r) = 1 -
r**2/2 + r**4*q(r**2)``. Reduction by three floats that make pi/2 (W. J. Cody and W. Waite, Software Manual
for the Elementary Functions, 1980) is right up to `LIMIT`; beyond it `payne_hanek` takes its place.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from llvmlite import ir

from symgrad.targets.native.functions.constants import (
    HALF_PI,
    HALF_PI_PARTS,
    INF,
    ROUNDER,
    pair,
    polynomial,
)
from symgrad.targets.native.functions.exponential import power_of_two
from symgrad.targets.native.functions.number import DOUBLE, Emitter, Number, select
from symgrad.targets.native.functions.pairs import Pair, fast_two_sum, single, two_product

LIMIT: Final = 2.0**30
PER_HALF_PI: Final = 0.6366197723675814


class Angle(NamedTuple):
    """A quarter turn's number, of which the last two bits count, and what is left."""

    quarter: Number
    r: Pair


def reduced(x: Number) -> Angle:
    """The angle of a number up to `LIMIT`.

    ``x - n*p`` is exact for the first part p of pi/2: a multiple of 2**-53 below 1.
    """
    p1, p2, p3 = HALF_PI_PARTS
    rounded = x.fma(PER_HALF_PI, ROUNDER)
    n = rounded - ROUNDER
    if x.code.processor.fused and _is_rough(x.code):
        r = (-n).fma(p3, (-n).fma(p2, (-n).fma(p1, x)))
        return Angle(rounded.bits(), single(r))
    if x.code.processor.fused:
        first = (-n).fma(p1, x)
    else:
        product = two_product(n, p1)
        first = (x - product.high) - product.low
    second = two_product(n, p2)
    high = first - second.high
    low = (first - high) - second.high
    return Angle(rounded.bits(), Pair(high, (-n).fma(p3, low - second.low)))


def _is_rough(code: Emitter) -> bool:
    """Whether the low part of the angle is not asked for."""
    return code.fast or code.short


def sine_of(r: Pair) -> Pair:
    """``sin(r)``, the larger part first."""
    z = r.high * r.high
    if _is_rough(z.code):
        return Pair(r.high, r.high * z * polynomial("SIN", z))
    correction = r.low * z.fma(-0.5, 1.0)
    return Pair(r.high, (r.high * z).fma(polynomial("SIN", z), correction))


def cosine_of(r: Pair) -> Pair:
    """``cos(r)``, the larger part first."""
    z = r.high * r.high
    half = z * 0.5
    high = 1.0 - half
    if _is_rough(z.code):
        return Pair(high, z * z * polynomial("COS", z))
    rest = (z * z).fma(polynomial("COS", z), -(r.high * r.low))
    return Pair(high, ((1.0 - high) - half) + rest)


def _with_sign(value: Number, quarter: Number) -> Number:
    """Minus the value in quarters 2 and 3."""
    return (value.bits() ^ ((quarter & 2) << 62)).as_float()


def sine(x: Number, angle: Angle) -> Number:
    """The sine of an angle; zero as it is."""
    odd = (angle.quarter & 1).equals(1)
    s, c = sine_of(angle.r).value(), cosine_of(angle.r).value()
    return select(x.equals(0.0), x, _with_sign(select(odd, c, s), angle.quarter))


def cosine(x: Number, angle: Angle) -> Number:
    """The cosine of an angle."""
    odd = (angle.quarter & 1).equals(1)
    s, c = sine_of(angle.r).value(), cosine_of(angle.r).value()
    return _with_sign(select(odd, s, c), angle.quarter + 1)


def tangent(x: Number, angle: Angle) -> Number:
    """The tangent: sine over cosine, or minus cosine over sine, with the rest of the division."""
    odd = (angle.quarter & 1).equals(1)
    s = fast_two_sum(*sine_of(angle.r))
    c = fast_two_sum(*cosine_of(angle.r))
    over = Pair(select(odd, -c.high, s.high), select(odd, -c.low, s.low))
    under = Pair(select(odd, s.high, c.high), select(odd, s.low, c.low))
    return select(x.equals(0.0), x, over.over(under).value())


def sin(x: Number) -> Number:
    """``sin(x)``, up to `LIMIT`."""
    return sine(x, reduced(x))


def cos(x: Number) -> Number:
    """``cos(x)``, up to `LIMIT`."""
    return cosine(x, reduced(x))


def tan(x: Number) -> Number:
    """``tan(x)``, up to `LIMIT`."""
    return tangent(x, reduced(x))


def beyond(x: Number) -> Number:
    """Whether a number is finite and above `LIMIT`."""
    size = abs(x)
    return (size > LIMIT) & (size < INF)


# Where a reduction is of any size


DIGITS: Final = int(  # of 2/pi, after the point, to the base 16
    "A2F9836E4E441529FC2757D1F534DDC0DB6295993C439041FE5163ABDEBBC561B7246E3A424DD2E0"
    "06492EEA09D1921CFE1DEB1CB129A73EE88235F52EBB4484E99C7026B45F7E413991D639835339F4"
    "9C845F8BBDF9283B1FF897FFDE05980FEF2F118B5A0A6D1F6D367ECF27CB09B74F463F669E5FEA2D"
    "7527BAC7EBE5F17B3D0739F78A5292EA6BFB5FB11F8D5D0856033046FC7B6BABF0CFBC209AF4361D",
    16,
)
PLACES: Final = 1280  # bits of them
WIDE: Final = 192  # bits of a product that are kept: two before the point
EXPONENT_OF_LAST: Final = 1075  # what the exponent's bits are above that of the last bit


def payne_hanek(x: Number) -> Angle:
    """The angle of any finite number above `LIMIT`, by the digits of 2/pi that matter.

    ``abs(x) = m*2**e`` with an integer m of 53 bits. Of the product with 2/pi all is left out that is a
    multiple of 4, and what is below 2**-137. Source: M. Payne and R. Hanek, Radian reduction for
    trigonometric functions, 1983.
    """
    code, bits = x.code, abs(x).bits()
    m = ((bits & ((1 << 52) - 1)) | (1 << 52)).extended(WIDE)
    shift = (PLACES + EXPONENT_OF_LAST - (WIDE - 2)) - (bits >> 52)
    digits = Number(code, ir.Constant(ir.IntType(PLACES), DIGITS))
    product = m * (digits >> shift.extended(PLACES)).truncated(WIDE)
    quarter = (product + (1 << (WIDE - 3))) >> (WIDE - 2)
    rest = product - (quarter << (WIDE - 2))
    below = rest < 0
    size = select(below, -rest, rest)
    zeros = code.leading_zeros(size)
    size = size << zeros
    high = (size >> (WIDE - 53)).truncated(64).as_number()
    low = ((size >> (WIDE - 106)) & ((1 << 53) - 1)).truncated(64).as_number()
    scale = power_of_two(2.0 - zeros.truncated(64).as_number())
    turns = Pair(high * (scale * 2.0**-53), low * (scale * 2.0**-106))
    r = fast_two_sum(*turns).times(pair(code, HALF_PI))
    minus = below ^ (x < 0.0)
    quarter = quarter.truncated(64)
    return Angle(
        select(x < 0.0, -quarter, quarter),
        Pair(select(minus, -r.high, r.high), select(minus, -r.low, r.low)),
    )


def large_angle(x: Number) -> Angle:
    """The same by a call of a function that a module has once."""
    builder = x.code.builder
    found = builder.module.globals.get("symgrad.angle") or _angle_function(builder.module, x.code)
    made = builder.call(found, [x.value])
    quarter, high, low = [Number(x.code, builder.extract_value(made, k)) for k in range(3)]
    return Angle(quarter, Pair(high, low))


def _angle_function(module: Any, like: Emitter) -> Any:
    result = ir.LiteralStructType([ir.IntType(64), DOUBLE, DOUBLE])
    function = ir.Function(module, ir.FunctionType(result, [DOUBLE]), "symgrad.angle")
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    code = Emitter(builder, processor=like.processor)
    quarter, (high, low) = payne_hanek(Number(code, function.args[0]))
    made = ir.Constant(result, ir.Undefined)
    for k, part in enumerate((quarter, high, low)):
        made = builder.insert_value(made, part.value, k)
    builder.ret(made)
    return function


def sin_of_large(x: Number) -> Number:
    """``sin(x)`` beyond `LIMIT`."""
    return sine(x, large_angle(x))


def cos_of_large(x: Number) -> Number:
    """``cos(x)`` beyond `LIMIT`."""
    return cosine(x, large_angle(x))


def tan_of_large(x: Number) -> Number:
    """``tan(x)`` beyond `LIMIT`."""
    return tangent(x, large_angle(x))
