"""The step of Householder's methods, from a function and its derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial
from typing import Any

from symgrad.expr.node import Expr


def householder_step(derivatives: Sequence[Expr]) -> tuple[Expr, Expr]:
    """The step of order d, ``d * (1/f)^(d-1) / (1/f)^(d)``, from ``f, f', ..., f^(d)``, and -f/step.

    The Taylor coefficients r_k of 1/f follow from those of f, c_k = f^(k)/k!, by the product of both
    series being 1. With ``q_k = r_k * f**(k+1)``, which are polynomials::

        q_0 = 1,   q_k = -sum(c_j * f**(j-1) * q_(k-j) for j in 1..k),   step = f * q_(d-1) / q_d

    Order 1 is Newton's ``-f/f'``, order 2 Halley's ``-2*f*f'/(2*f'**2 - f*f'')``. After Householder, "The
    Numerical Treatment of a Single Nonlinear Equation", 1970, theorem 4.4.2.
    """
    f, *slopes = derivatives
    q: list[Any] = [1]
    for k in range(1, len(derivatives)):
        terms = [slopes[j - 1] / factorial(j) * f ** (j - 1) * q[k - j] for j in range(1, k + 1)]
        total: Any = 0
        for term in terms:
            total = total + term
        q.append(-total)
    return f * q[-2] / q[-1], -q[-1] / q[-2]
