"""Helpers of generated code for linear algebra: shared factorisations, exponentials of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np


def _spd_logdet(a: Any) -> Any:
    """log(det(a)) of positive definite matrices, by Cholesky; -inf of one that is singular.

    Raises
    ------
    numpy.linalg.LinAlgError
        Where an eigenvalue is negative beyond rounding.
    """
    try:
        factor = np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        w = np.linalg.eigvalsh(a)
        size = np.max(np.abs(w), axis=-1, keepdims=True, initial=0)
        if not np.all(w >= -w.shape[-1] * np.finfo(w.dtype).eps * size):
            raise
        with np.errstate(divide="ignore"):
            return np.sum(np.log(np.maximum(w, 0)), axis=-1)
    return 2 * np.sum(np.log(np.diagonal(factor, axis1=-2, axis2=-1)), axis=-1)


def _lapack() -> Any:
    """SciPy's LAPACK, or None without SciPy."""
    try:
        from scipy.linalg import lapack  # noqa: PLC0415 (only where there is one)
    except ImportError:
        return None
    return lapack


class _Factor:
    """A square matrix, factored once for its determinant, solutions and inverse: P A = L U, or by
    Cholesky for one that is `definite`. Without SciPy, or where that fails, NumPy factors each time.
    """

    def __init__(self, a: Any, definite: Any = False) -> None:
        self.a = a = a if a.dtype.kind == "f" else a.astype(float)
        self.definite, self.lu, self.letter = definite, None, {"f": "s", "d": "d"}.get(a.dtype.char)
        self.lapack = _lapack()
        if self.lapack is None or self.letter is None or not a.size:
            return
        if definite:  # of the lower triangle, as numpy.linalg.cholesky does
            lu, failed = self.call("potrf", a.T, lower=0)
            pivots = None
        else:
            lu, pivots, failed = self.call("getrf", a)
        if not failed:
            self.lu, self.pivots = lu, pivots

    def call(self, name: Any, *args: Any, **options: Any) -> Any:
        return getattr(self.lapack, self.letter + name)(*args, **options)

    def logabsdet(self) -> Any:
        if self.lu is None and not self.definite:
            return np.linalg.slogdet(self.a)[1]
        if self.lu is None:
            return _spd_logdet(self.a)
        logs = np.log(np.abs(self.lu.diagonal())).sum()
        return 2 * logs if self.definite else logs

    def signdet(self) -> Any:
        if self.lu is None:
            return np.linalg.slogdet(self.a)[0]
        turns = np.count_nonzero(self.pivots != np.arange(len(self.a)))
        turns += np.count_nonzero(self.lu.diagonal() < 0)
        return self.a.dtype.type(-1 if turns % 2 else 1)

    def det(self) -> Any:
        if self.lu is None:
            return np.linalg.det(self.a)
        logs = np.exp(self.logabsdet())
        return logs if self.definite else self.signdet() * logs

    def solve(self, b: Any, turned: Any = False) -> Any:
        if self.lu is None or b.dtype != self.a.dtype or not b.size:
            return np.linalg.solve(self.a.T if turned else self.a, b)
        if self.definite:
            return self.call("potrs", self.lu, b, lower=0)[0]
        return self.call("getrs", self.lu, self.pivots, b, trans=int(turned))[0]

    def inv(self) -> Any:
        if self.lu is None:
            return np.linalg.inv(self.a)
        n = len(self.a)
        if not self.definite:
            return self.call("getri", self.lu, self.pivots, lwork=64 * n)[0]
        if (
            n < 100
        ):  # LAPACK's inverse by Cholesky starts threads, which here cost more than they do
            return _Factor(self.a).inv()
        upper = self.call("potri", self.lu, lower=0)[0]
        result = upper + upper.T
        result.flat[:: n + 1] /= 2
        return result


def _half_lower(a: Any) -> Any:
    """The lower triangles of matrices, with their diagonals halved."""
    return (np.tril(a) + np.tril(a, -1)) / 2


def _gaps(w: Any) -> Any:
    """1/(w[j] - w[i]) as a matrix, 0 on the diagonal."""
    gaps = w[..., None, :] - w[..., :, None]
    gaps[..., np.arange(w.shape[-1]), np.arange(w.shape[-1])] = np.inf
    with np.errstate(divide="ignore"):
        return 1 / gaps


def _expm(a: Any) -> Any:
    """Exponential of matrices: Pade approximant of degree 13, scaling and squaring (Higham 2005)."""
    a = np.asarray(a)
    a = a if a.dtype.kind == "f" else a.astype(np.float64)
    norm = np.max(np.sum(np.abs(a), axis=-2), axis=-1, initial=0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        excess = np.log2(norm / 5.371920351148152)
        halvings = np.where((excess > 0) & np.isfinite(excess), np.ceil(excess), 0)
        halvings = halvings.astype(int)[..., None, None]
        x = np.ldexp(a, -halvings)
        one = np.eye(a.shape[-1], dtype=a.dtype)
        x2 = x @ x
        x4 = x2 @ x2
        x6 = x2 @ x4
        odd = x6 @ (x6 + 16380 * x4 + 40840800 * x2) + 33522128640 * x6 + 10559470521600 * x4
        odd = x @ (odd + 1187353796428800 * x2 + 32382376266240000 * one)
        even = x6 @ (182 * x6 + 960960 * x4 + 1323241920 * x2) + 670442572800 * x6
        even = even + 129060195264000 * x4 + 7771770303897600 * x2 + 64764752532480000 * one
        odd, even = odd / 64764752532480000, even / 64764752532480000
        result = np.linalg.solve(even - odd, even + odd)
        for k in range(int(np.max(halvings, initial=0))):
            result = np.where(halvings > k, result @ result, result)
        return result


def _power_along(n: Any, a: Any, *directions: Any) -> Any:
    """The derivative of the n-th power of `a` along all directions.

    Powers of ``a + s*e + t*f + ...``, of which the term ``s*t*...`` is kept: by repeated squaring, with one
    part for each set of directions.
    """
    every = range(1 << len(directions))
    x = {0: a, **{1 << k: e for k, e in enumerate(directions)}}
    if n < 0:
        inverse = {0: np.linalg.inv(a)}
        for s in every[1:]:
            terms = [e @ inverse[s ^ 1 << k] for k, e in enumerate(directions) if s >> k & 1]
            inverse[s] = -(inverse[0] @ sum(terms[1:], terms[0]))
        x, n = inverse, -n

    def product(x: Any, y: Any) -> Any:
        terms = {s: [x[r] @ y[s ^ r] for r in x if r & s == r and s ^ r in y] for s in every}
        return {s: sum(found[1:], found[0]) for s, found in terms.items() if found}

    result = None
    while n:
        if n & 1:
            result = x if result is None else product(result, x)
        n >>= 1
        if n:
            x = product(x, x)
    assert result is not None
    return result[every[-1]]
