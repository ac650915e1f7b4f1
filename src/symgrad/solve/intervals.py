"""Interval arithmetic on scalar formulas: bounds of what a formula takes over intervals of its variable.

Each operation gives bounds of its results, moved outwards by the last bits that NumPy's functions may be
off (Moore, Kearfott, Cloud, "Introduction to Interval Analysis", 2009). Bounds are those of the values that
there are: a formula that is nowhere defined on an interval has nan for them.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import e as euler
from math import pi
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.leaves import CONST, NAMED_NUMBER, value_of
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.ops import exponential, magnitude, stable, trigonometric
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.cast import CAST
from symgrad.ops.named import NAMED

LAST_BITS: Final = 4  # units in the last place that a function of NumPy may be off
NUMBERS: Final = {"pi": pi, "E": euler}


class Bounds(NamedTuple):
    """Lower and upper ends of intervals, arrays of one shape."""

    low: Any
    high: Any


Rule = Callable[..., Bounds]


def outwards(low: Any, high: Any, bits: int = 1) -> Bounds:
    """The bounds, moved by so many last bits."""
    tiny = 5e-324 * bits
    part = bits * 2.0**-52
    return Bounds(low - part * np.abs(low) - tiny, high + part * np.abs(high) + tiny)


class _Monotone(NamedTuple):
    """A function that rises, or falls, where it is defined."""

    of: Callable[[Any], Any]
    rises: bool = True
    domain: tuple[float, float] = (-np.inf, np.inf)

    def __call__(self, x: Bounds) -> Bounds:
        least, most = self.domain
        outside = (x.high < least) | (x.low > most)
        a, b = self.of(np.clip(x.low, least, most)), self.of(np.clip(x.high, least, most))
        low, high = outwards(*((a, b) if self.rises else (b, a)), LAST_BITS)
        return Bounds(np.where(outside, np.nan, low), np.where(outside, np.nan, high))


def _periodic(of: Callable[[Any], Any], crest: float) -> Rule:
    """A sine whose maxima are at ``crest + 2*pi*k``."""

    def bounds(x: Bounds) -> Bounds:
        a, b = of(x.low), of(x.high)
        low, high = outwards(np.minimum(a, b), np.maximum(a, b), LAST_BITS)
        slack = 1e-12 * (1 + np.maximum(np.abs(x.low), np.abs(x.high)))
        whole = ~np.isfinite(x.high - x.low) | (x.high - x.low >= 2 * pi)
        for shift, side in ((crest, 1.0), (crest + pi, -1.0)):
            k = np.ceil((x.low - slack - shift) / (2 * pi))
            inside = whole | (shift + 2 * pi * k <= x.high + slack)
            high = np.where(inside & (side > 0), 1.0, high)
            low = np.where(inside & (side < 0), -1.0, low)
        return Bounds(np.maximum(low, -1.0), np.minimum(high, 1.0))

    return bounds


def _tangent(x: Bounds) -> Bounds:
    slack = 1e-12 * (1 + np.maximum(np.abs(x.low), np.abs(x.high)))
    k = np.ceil((x.low - slack - pi / 2) / pi)
    poles = ~(pi / 2 + pi * k > x.high + slack)
    low, high = outwards(np.tan(x.low), np.tan(x.high), LAST_BITS)
    return Bounds(np.where(poles, -np.inf, low), np.where(poles, np.inf, high))


def _even(of: Callable[[Any], Any], rises: bool = True) -> Rule:
    """A function of ``|x|`` that rises, or falls, with it."""

    def bounds(x: Bounds) -> Bounds:
        a, b = np.abs(x.low), np.abs(x.high)
        near = np.where((x.low <= 0) & (x.high >= 0), 0.0, np.minimum(a, b))
        ends = of(near), of(np.maximum(a, b))
        return outwards(*(ends if rises else ends[::-1]), LAST_BITS)

    return bounds


def sum_of(*terms: Bounds) -> Bounds:
    """Bounds of a sum."""
    total = terms[0]
    for t in terms[1:]:
        total = outwards(total.low + t.low, total.high + t.high)
    return total


def product_of(*factors: Bounds) -> Bounds:
    """Bounds of a product; 0 times infinity is 0 here, since infinity is no value."""
    total = factors[0]
    for f in factors[1:]:
        ends = np.stack([a * b for a in total for b in f])
        unknown = np.isnan(total.low) | np.isnan(f.low)
        ends = np.where(np.isnan(ends), 0.0, ends)
        low, high = outwards(ends.min(axis=0), ends.max(axis=0))
        total = Bounds(np.where(unknown, np.nan, low), np.where(unknown, np.nan, high))
    return total


def reciprocal_of(x: Bounds) -> Bounds:
    """Bounds of 1/x."""
    across = (x.low <= 0) & (x.high >= 0)
    low, high = outwards(1 / x.high, 1 / x.low)
    low = np.where(
        across, np.where(x.low < 0, -np.inf, 1 / np.where(x.high > 0, x.high, np.nan)), low
    )
    high = np.where(
        across, np.where(x.high > 0, np.inf, 1 / np.where(x.low < 0, x.low, np.nan)), high
    )
    return Bounds(low, high)


def _integer_power(x: Bounds, n: int) -> Bounds:
    if n < 0:
        return reciprocal_of(_integer_power(x, -n))
    a, b = x.low**n, x.high**n
    if n % 2:
        return outwards(a, b, LAST_BITS)
    across = (x.low <= 0) & (x.high >= 0)
    low, high = outwards(np.minimum(a, b), np.maximum(a, b), LAST_BITS)
    return Bounds(np.where(across, 0.0, np.maximum(low, 0.0)), high)


def power_of(x: Bounds, p: Bounds, exponent: Any) -> Bounds:
    """Bounds of a power; `exponent` is its number where that is known."""
    if isinstance(exponent, (int, Fraction, float)) and float(exponent).is_integer():
        return _integer_power(x, int(exponent))
    logarithm = RULES[exponential.log](x)
    at_zero = (x.low <= 0) & (x.high >= 0)
    if isinstance(exponent, (Fraction, float)) and exponent > 0:
        return _Monotone(lambda v: v ** float(exponent), True, (0.0, np.inf))(x)
    result: Bounds = RULES[exponential.exp](product_of(p, logarithm))
    return Bounds(np.where(at_zero, 0.0, result.low), np.where(at_zero, np.inf, result.high))


RULES: Final[dict[Any, Any]] = {
    ADD: sum_of,
    MUL: product_of,
    CAST: lambda x: x,
    NAMED: lambda x: x,
    exponential.exp: _Monotone(np.exp),
    exponential.exp2: _Monotone(np.exp2),
    exponential.expm1: _Monotone(np.expm1),
    exponential.log: _Monotone(np.log, True, (0.0, np.inf)),
    exponential.log2: _Monotone(np.log2, True, (0.0, np.inf)),
    exponential.log10: _Monotone(np.log10, True, (0.0, np.inf)),
    exponential.log1p: _Monotone(np.log1p, True, (-1.0, np.inf)),
    exponential.expit: _Monotone(lambda v: np.exp(-np.logaddexp(0.0, -v))),
    exponential.softplus: _Monotone(lambda v: np.logaddexp(0.0, v)),
    trigonometric.sin: _periodic(np.sin, pi / 2),
    trigonometric.cos: _periodic(np.cos, 0.0),
    trigonometric.tan: _tangent,
    trigonometric.arcsin: _Monotone(np.arcsin, True, (-1.0, 1.0)),
    trigonometric.arccos: _Monotone(np.arccos, False, (-1.0, 1.0)),
    trigonometric.arctan: _Monotone(np.arctan),
    trigonometric.sinh: _Monotone(np.sinh),
    trigonometric.cosh: _even(np.cosh),
    trigonometric.tanh: _Monotone(np.tanh),
    trigonometric.arcsinh: _Monotone(np.arcsinh),
    trigonometric.arccosh: _Monotone(np.arccosh, True, (1.0, np.inf)),
    trigonometric.arctanh: _Monotone(np.arctanh, True, (-1.0, 1.0)),
    magnitude.cbrt: _Monotone(np.cbrt),
    magnitude.absolute: _even(lambda v: v),
    stable.sech: _even(lambda v: 1 / np.cosh(v), rises=False),
}


def bounds_of_formula(f: Expr, x: Expr, low: Any, high: Any) -> Bounds:
    """Bounds of `f` over intervals of `x`, which is all that it mentions.

    Raises
    ------
    ArgumentError
        For an operation without a rule, naming it.
    """
    known: dict[Expr, Bounds] = {x: Bounds(low, high)}
    with np.errstate(all="ignore"):
        for node in toposort([f], skip=known):
            known[node] = _bounds(node, [known[arg] for arg in node.args], low)
    return known[f]


def _bounds(node: Expr, args: list[Bounds], like: Any) -> Bounds:
    if node.op is CONST:
        return _of_number(value_of(node), like)
    if node.op is NAMED_NUMBER:
        number = np.full(like.shape, NUMBERS[node.params[0]])
        return outwards(number, number)
    if node.op is POW:
        return power_of(args[0], args[1], value_of(node.args[1]))
    rule = RULES.get(node.op)
    if rule is None or node.shape != ():
        raise ArgumentError(
            f"bounds over intervals are not known for {node.op.name}, in {node}; use newton_root, which"
            " finds one root"
        )
    found: Bounds = rule(*args)
    return found


def _of_number(value: Any, like: Any) -> Bounds:
    number = np.full(like.shape, float(value))
    exact = isinstance(value, float) or Fraction(float(value)) == Fraction(value)
    return Bounds(number, number) if exact else outwards(number, number)
