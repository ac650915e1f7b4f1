"""The least curvature by Lanczos' method, from products with the Hessian alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.solve.runtime.ending import lengths
from symgrad.solve.runtime.minimum import UNKNOWN
from symgrad.solve.runtime.spectra import curvature_of

LANCZOS = 60  # products for the lowest curvature


def lowest_curvature(
    times: Callable[[Any], Any], n: int, free: Any, seed: int
) -> tuple[int, float, float, Any]:
    """Which second-order condition holds, as an index; least and largest curvature, and where it is least.

    The condition is one of `CURVATURES`. `times` multiplies the Hessian with vectors of extent `n`, which
    are 0 but where `free` is true.

    By Lanczos' method from a random start, so that a direction of negative curvature is met with
    near certainty; "unknown" where the lowest curvature is positive so far, but has not settled. Of
    several directions of the same curvature it is a random one.
    """
    q = np.random.default_rng(seed).standard_normal(n)
    if free is not None:
        q, n = np.where(free, q, 0.0), int(np.count_nonzero(free))
    if n == 0:
        return 0, 1.0, 1.0, q
    basis = np.empty((min(n, LANCZOS), q.size))
    basis[0] = q / np.linalg.norm(q)
    band = np.zeros((len(basis), len(basis)))
    for k in range(len(basis)):
        w = times(basis[k])
        if not np.isfinite(w).all():
            return UNKNOWN, 0.0, 0.0, np.zeros_like(q)
        band[k, k] = basis[k] @ w
        for _ in range(2):  # orthogonal to all before, twice for the sake of rounding
            w = w - basis[: k + 1].T @ (basis[: k + 1] @ w)
        left = float(lengths(w))
        invariant = k + 1 == n or left <= 1e-12 * np.abs(band).max()
        if invariant or k + 1 == len(basis):
            break
        band[k, k + 1] = band[k + 1, k] = left
        basis[k + 1] = w / left
    values, vectors = np.linalg.eigh(band[: k + 1, : k + 1])
    kind = int(curvature_of(values[None])[0])
    off = 0.0 if invariant else left * abs(float(vectors[-1, 0]))
    top = float(np.abs(values).max())
    if kind < 2 and off > max(0.5 * values[0], 1e-10 * top):
        kind = UNKNOWN
    return kind, float(values[0]), top, vectors[:, 0] @ basis[: k + 1]
