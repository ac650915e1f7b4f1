"""Polynomials of least largest weighted error, by Remez's exchange, with coefficients that are doubles.

Source of the method: E. Remez, 1934; as in J.-M. Muller, Elementary Functions, chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp
import numpy as np

Function = Callable[[Any], Any]
POINTS = 60  # on which an extremum is sought, for each coefficient
ROUNDS = 8


def remez(f: Function, weight: Function, a: Any, b: Any, degree: int) -> tuple[list[Any], Any]:
    """The coefficients, constant first, and the largest ``|weight*(p - f)|`` on [a, b]."""
    a, b = mp.mpf(a), mp.mpf(b)
    count = degree + 2
    grid = _spread(
        a, b, POINTS * count + 1
    )  # odd, and one node of each few: no weight is zero there
    nodes = grid[POINTS // 2 :: POINTS][:count]
    values = [(t, f(t), weight(t)) for t in grid]
    coefficients: list[Any] = []
    worst = mp.mpf(0)
    for _ in range(ROUNDS):
        rows = [[t**k for k in range(degree + 1)] + [(-1) ** i / weight(t)]
                for i, t in enumerate(nodes)]  # fmt: skip
        solved = mp.lu_solve(mp.matrix(rows), mp.matrix([f(t) for t in nodes]))
        coefficients = [solved[k] for k in range(degree + 1)]
        errors = [w * (mp.polyval(coefficients[::-1], t) - v) for t, v, w in values]
        worst = max(abs(e) for e in errors)
        if worst < abs(solved[degree + 1]) * mp.mpf("1.02"):
            break
        nodes = [grid[i] for i in _alternating(errors, count)]
    return coefficients, worst


def _spread(a: Any, b: Any, count: int) -> list[Any]:
    """Chebyshev's points of an interval, without its ends."""
    angles = [mp.pi * (k + mp.mpf(1) / 2) / count for k in range(count)]
    return [(a + b) / 2 - (b - a) / 2 * mp.cos(angle) for angle in angles]


def _alternating(errors: Sequence[Any], count: int) -> list[int]:
    """Where the errors are largest between changes of their sign: `count` places."""
    places: list[int] = []
    for i, e in enumerate(errors):
        if places and (e > 0) == (errors[places[-1]] > 0):
            if abs(e) > abs(errors[places[-1]]):
                places[-1] = i
        else:
            places.append(i)
    while len(places) > count:  # the smaller end goes
        places.pop(0 if abs(errors[places[0]]) < abs(errors[places[-1]]) else -1)
    return places


def rounded(f: Function, weight: Function, a: Any, b: Any, degree: int) -> tuple[list[float], Any]:
    """The like with doubles, and its error.

    From zero on, each in turn is rounded, and the rest is fitted anew.
    """
    found, _ = remez(f, weight, a, b, degree)
    fixed = [float(c) for c in (found if a < 0 else found[:1])]
    while len(fixed) <= degree:
        found, _ = remez(*_rest(f, weight, fixed), mp.mpf(b) / 10**6, b, degree - len(fixed))
        fixed.append(float(found[0]))
    places = [mp.mpf(t) for t in np.linspace(float(a), float(b), 2001).tolist() if t]
    worst = max(abs(weight(t) * (mp.polyval(fixed[::-1], t) - f(t))) for t in places)
    return fixed, worst


def _rest(f: Function, weight: Function, fixed: list[float]) -> tuple[Function, Function]:
    """What the coefficients behind those that are fixed are fitted to."""
    n, known = len(fixed), fixed[::-1]
    return lambda t: (f(t) - mp.polyval(known, t)) / t**n, lambda t: weight(t) * t**n
