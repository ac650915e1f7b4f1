"""The step of Householder's methods, from a function and its derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial
from typing import Any

from symgrad.expr.node import Expr


def householder_step(derivatives: Sequence[Expr]) -> tuple[Expr, Expr]:
    """The step of order d, ``d * (1/f)^(d-1) / (1/f)^(d)``, from ``f, f', ..., f^(d)``, and -f/step.

    The Taylor coefficients r_k of 1/f follow from those of f, c_k = f^(k)/k!, by the product of both
    series being 1. With Newton's step h = f/f' and ``q_k = r_k * f * h**k``, which have no unit::

        q_0 = 1,   q_k = -sum(c_j/c_1 * h**(j-1) * q_(k-j) for j in 1..k),   step = h * q_(d-1) / q_d

    Nothing in it depends on the units of f or x, and none is finite at a flat point. Order 1 is Newton's
    ``-f/f'``, order 2 Halley's ``-h/(1 - h*f''/(2*f'))``. After Householder, "The Numerical Treatment of a
    Single Nonlinear Equation", 1970, theorem 4.4.2.
    """
    f, slope, *higher = derivatives
    if not higher:
        return -f / slope, slope
    h = f / slope
    factors: list[Any] = [1]
    for j, derivative in enumerate(higher, 2):
        factors.append(derivative / slope / factorial(j) * h ** (j - 1))
    q: list[Any] = [1]
    for k in range(1, len(derivatives)):
        total: Any = 0
        for j in range(1, k + 1):
            total = total + factors[j - 1] * q[k - j]
        q.append(-total)
    return h * q[-2] / q[-1], -slope * q[-1] / q[-2]
