"""Many small linear systems at once, by elimination along the axis of the problems."""

from __future__ import annotations

from typing import Any

import numpy as np

SMALL = 5  # unknowns, from which on LAPACK is faster, which takes the systems one by one


def solved_systems(a: Any, b: Any) -> Any:
    """``x`` with ``a x = b``, for `a` of shape (n, n, problems) and `b` (n, problems), both written to.

    Not finite where a matrix is singular.
    """
    if len(b) == 1:
        return b / a[0]
    return _eliminated(a, b) if len(b) < SMALL else _by_lapack(a, b)


def _eliminated(a: Any, b: Any) -> Any:
    """Gaussian elimination with partial pivoting."""
    n = len(b)
    for k in range(n):
        _pivoted(a, b, k)
        factor = a[k + 1 :, k] / a[k, k]
        a[k + 1 :, k + 1 :] -= factor[:, None] * a[k, k + 1 :]
        b[k + 1 :] -= factor * b[k]
    for k in range(n - 1, -1, -1):
        b[k] /= a[k, k]
        b[:k] -= a[:k, k] * b[k]
    return b


def _pivoted(a: Any, b: Any, k: int) -> None:
    """Exchange row k with the row below it that has the largest entry in column k."""
    for i in range(k + 1, len(b)):
        larger = np.abs(a[i, k]) > np.abs(a[k, k])
        if larger.any():
            for row, other in [*zip(a[k, k:], a[i, k:], strict=True), (b[k], b[i])]:
                row[:], other[:] = np.where(larger, other, row), np.where(larger, row, other)


def _by_lapack(a: Any, b: Any) -> Any:
    a, b = np.ascontiguousarray(a.transpose(2, 0, 1)), np.ascontiguousarray(b.T)[..., None]
    try:
        return np.linalg.solve(a, b)[..., 0].T
    except np.linalg.LinAlgError:  # one of them is singular
        regular = np.linalg.slogdet(a).sign != 0
        x = np.full(b.shape, np.nan)
        x[regular] = np.linalg.solve(a[regular], b[regular])
        return x[..., 0].T
