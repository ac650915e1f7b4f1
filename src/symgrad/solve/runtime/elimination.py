"""Many small linear systems at once, by elimination along the axis of the problems."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.solve.runtime.ending import lengths

SMALL = 5  # unknowns, from which on LAPACK is faster, which takes the systems one by one


def column_lengths(v: Any) -> Any:
    """The lengths of vectors (n, problems)."""
    if len(v) == 1:
        return np.abs(v[0])
    squares = np.einsum("ik,ik->k", v, v)
    size = np.sqrt(squares)
    if squares.size and not (squares.min() > 1e-280 and squares.max() < 1e280):
        lost = np.flatnonzero(~((squares > 1e-280) & (squares < 1e280)))
        size[lost] = lengths(v.take(lost, axis=1).T)
    return size


def solved_systems(a: Any, b: Any) -> Any:
    """``x`` with ``a x = b``, for `a` of shape (n, n, problems) and `b` (n, problems), both written to.

    Not finite where a matrix is singular.
    """
    if len(b) == 1:
        return np.divide(b, a[0], out=b)
    return _eliminated(a, b, pivoted=True) if len(b) < SMALL else _by_lapack(a, b)


def definite_solved(a: Any, b: Any) -> Any:
    """The same for symmetric matrices; nan where one is not positive definite."""
    if len(b) < SMALL:
        x = _eliminated(a, b, pivoted=False)
        definite = (np.einsum("iik->ik", a) > 0).all(axis=0)
    else:
        definite = _are_definite(a.transpose(2, 0, 1))
        x = _by_lapack(a, b)
    return x if definite.all() else np.where(definite, x, np.nan)


def _are_definite(a: Any) -> Any:
    try:
        np.linalg.cholesky(a)
    except np.linalg.LinAlgError:  # one of them is not
        finite = np.isfinite(a).all(axis=(1, 2))
        return finite & (np.linalg.eigvalsh(np.where(finite[:, None, None], a, 0.0)) > 0).all(
            axis=1
        )
    return np.ones(len(a), bool)


def _eliminated(a: Any, b: Any, pivoted: bool) -> Any:
    """Gaussian elimination, with partial pivoting where wanted; `a` keeps the pivots."""
    n = len(b)
    for k in range(n):
        if pivoted:
            _exchanged(a, b, k)
        factor = a[k + 1 :, k] / a[k, k]
        a[k + 1 :, k + 1 :] -= factor[:, None] * a[k, k + 1 :]
        b[k + 1 :] -= factor * b[k]
    for k in range(n - 1, -1, -1):
        b[k] /= a[k, k]
        b[:k] -= a[:k, k] * b[k]
    return b


def _exchanged(a: Any, b: Any, k: int) -> None:
    """Exchange row k with the row below it that has the largest entry in column k."""
    for i in range(k + 1, len(b)):
        larger = np.abs(a[i, k]) > np.abs(a[k, k])
        if larger.any():
            for row, other in [*zip(a[k, k:], a[i, k:], strict=True), (b[k], b[i])]:
                row[:], other[:] = np.where(larger, other, row), np.where(larger, row, other)


def _by_lapack(a: Any, b: Any) -> Any:
    a, b = a.transpose(2, 0, 1), b.T[..., None]
    try:
        return np.ascontiguousarray(np.linalg.solve(a, b)[..., 0].T)
    except np.linalg.LinAlgError:  # one of them is singular
        regular = np.linalg.slogdet(a).sign != 0
        x = np.full(b.shape, np.nan)
        x[regular] = np.linalg.solve(a[regular], b[regular])
        return np.ascontiguousarray(x[..., 0].T)
