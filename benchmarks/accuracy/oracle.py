"""The true value of a formula and of its first two derivatives, correctly rounded to a double.

The formula is differentiated by SymPy and evaluated by mpmath, with more and more digits until two
results agree. A result of zero counts only with so many digits that nothing a double can hold is lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import sympy

from benchmarks.accuracy.table import Entry

FUNCTIONS = {
    **{
        n: getattr(sympy, n)
        for n in "sin cos tan sinh cosh tanh exp log sqrt erf erfc gamma".split()
    },
    **{f"arc{n}": getattr(sympy, f"a{n}") for n in "sin cos tan sinh cosh tanh".split()},
    "pi": sympy.pi,
    "arctan2": sympy.atan2,
    "digamma": sympy.digamma,
    "gammaln": sympy.loggamma,
    "hypot": lambda a, b: sympy.sqrt(a**2 + b**2),
    "expm1": lambda x: sympy.exp(x) - 1,
    "log1p": lambda x: sympy.log(1 + x),
    "i0": lambda x: sympy.besseli(0, x),
    "i1": lambda x: sympy.besseli(1, x),
}
DIGITS = (420, 840, 1680, 3360)  # the first is what it takes to see the smallest double beside 1
ZERO_DIGITS = 1680


def exact(value: Any) -> Any:
    """A number of a formula as SymPy has it: a double is the fraction that it is."""
    return (
        sympy.Rational(*value.as_integer_ratio())
        if isinstance(value, float)
        else sympy.Integer(value)
    )


def derivatives(entry: Entry) -> list[Callable[..., Any]]:
    """The formula and its first two derivatives as functions of mpmath's numbers."""
    symbols = [sympy.Symbol(name, real=True) for name in entry.ranges]
    f = entry.value({**FUNCTIONS, **dict(zip(entry.ranges, symbols, strict=True))}, exact)
    first = sympy.diff(f, symbols[0])
    wanted = [f, first, sympy.diff(first, symbols[0])]
    return [sympy.lambdify(symbols, e, modules="mpmath") for e in wanted]


def true_values(entry: Entry, points: dict[str, np.ndarray]) -> np.ndarray:
    """Value and derivatives at all points, as an array of shape (3, number of points)."""
    functions = derivatives(entry)
    rows = list(zip(*points.values(), strict=True))
    return np.array([[rounded(f, row) for row in rows] for f in functions])


def rounded(function: Callable[..., Any], point: tuple[Any, ...]) -> float:
    """The value at a point, to the last bit; nan where it is not settled, or not real."""
    before: Any = None
    for digits in DIGITS:
        with mpmath.workdps(digits):
            try:
                value = mpmath.mpmathify(function(*[mpmath.mpf(float(v)) for v in point]))
            except (ValueError, ZeroDivisionError, OverflowError):
                continue
            if isinstance(value, mpmath.mpc):
                if abs(value.imag) > mpmath.mpf(10) ** (-digits // 2) * abs(value):
                    return math.nan
                value = value.real
            settled = before is not None and abs(value - before) <= mpmath.mpf(2) ** -70 * abs(
                value
            )
            if settled and (value or digits >= ZERO_DIGITS):
                return float(value)
            before = value
    return math.nan if before is None or abs(before) > mpmath.mpf(10) ** -400 else 0.0
