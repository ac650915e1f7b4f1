"""The forms of Hessians: their natural sizes, their spectra in scaled unknowns, their products.

Unknowns have units, and a Hessian tells which: with ``D_i**2`` of the size of row i of H, ``H/(D D.T)``
has no units, and entries of 1 at most. Steps, regions and definiteness are judged in the unknowns ``z = D
x``, so that metres and kilometres give the same iterates.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from symgrad.solve.runtime.ending import along

SWEEPS = 6  # of the scaling of a Hessian that is not definite


class Spectrum(NamedTuple):
    """Eigenvalues of ``H/(D D.T)`` and its eigenvectors Q, of several problems.

    Attributes
    ----------
    w : array (problems, unknowns)
    q : array or None
        The eigenvectors, in the form of the Hessian; None where they are those of the identity.
    """

    w: Any
    q: Any


class DenseHessian:
    """Matrices (problems, n, n)."""

    exact = False  # eigenvalues are right to the last bits of the largest

    def sizes(self, h: Any) -> Any:
        """The natural size of each unknown, whose square is that of its curvature; 0 where it has none."""
        a = np.abs(h)
        diagonal = np.einsum("kii->ki", a)
        row = along(np.maximum, a, 0.0)
        d = np.sqrt(np.where(diagonal > 0, diagonal, row))
        for _ in range(SWEEPS):
            safe = np.where(d > 0, d, 1.0)
            excess = along(np.maximum, a / safe[:, None, :], 0.0) / safe
            if not (excess > 1.5).any():  # as for every definite one
                break
            d = d * np.sqrt(np.maximum(excess, 1.0))
        return d

    def spectrum(self, h: Any, d: Any) -> Spectrum:
        """The spectrum in unknowns scaled by `d`."""
        return Spectrum(*np.linalg.eigh(h / d[:, :, None] / d[:, None, :]))

    def values(self, h: Any, d: Any) -> Any:
        """Its eigenvalues alone."""
        return np.linalg.eigvalsh(h / d[:, :, None] / d[:, None, :])

    def into(self, spectrum: Spectrum, v: Any) -> Any:
        """``Q.T v``."""
        return np.einsum("kji,kj->ki", spectrum.q, v)

    def out(self, spectrum: Spectrum, v: Any) -> Any:
        """``Q v``."""
        return np.einsum("kij,kj->ki", spectrum.q, v)

    def times(self, h: Any, v: Any) -> Any:
        """``H v``."""
        return np.einsum("kij,kj->ki", h, v)

    def without(self, h: Any, held: Any, d: Any) -> Any:
        """The same over the unknowns that are not held, which have the size of `d` and nothing beside."""
        h = np.where(held[:, :, None] | held[:, None, :], 0.0, h)
        eye = np.eye(held.shape[1], dtype=bool)
        return np.where(held[:, :, None] & eye, (d**2)[:, :, None], h)


class DiagonalHessian:
    """Diagonals (problems, n)."""

    exact = True

    def sizes(self, h: Any) -> Any:
        return np.sqrt(np.abs(h))

    def spectrum(self, h: Any, d: Any) -> Spectrum:
        return Spectrum(self.values(h, d), None)

    def values(self, h: Any, d: Any) -> Any:
        return h / d / d

    def into(self, spectrum: Spectrum, v: Any) -> Any:
        return v

    out = into

    def times(self, h: Any, v: Any) -> Any:
        return h * v

    def without(self, h: Any, held: Any, d: Any) -> Any:
        return np.where(held, d**2, h)


class KroneckerHessian:
    """``kron(eye, A)`` or ``kron(A, eye)``, the identity on an axis of unknowns of `shape`.

    The matrices A are given, (problems, m, m); each of their eigenvalues occurs as often as the identity is
    long.
    """

    exact = False

    def __init__(self, axis: int, shape: tuple[int, ...]) -> None:
        self.axis, self.shape = axis, shape

    def _spread(self, small: Any) -> Any:
        """Numbers of the axis of A, for all unknowns."""
        small = small[:, None, :] if self.axis == 0 else small[:, :, None]
        return np.broadcast_to(small, (len(small), *self.shape)).reshape(len(small), -1)

    def _turned(self, v: Any, q: Any) -> Any:
        """``q.T`` on the axis of A."""
        rows = v.reshape(len(v), *self.shape)
        rows = rows @ q if self.axis == 0 else np.swapaxes(q, 1, 2) @ rows
        return rows.reshape(len(v), -1)

    def sizes(self, h: Any) -> Any:
        return self._spread(DenseHessian().sizes(h))

    def spectrum(self, h: Any, d: Any) -> Spectrum:
        d = d.reshape(len(d), *self.shape).max(axis=1 + self.axis, initial=0.0)
        w, q = np.linalg.eigh(h / d[:, :, None] / d[:, None, :])
        return Spectrum(self._spread(w), q)

    def values(self, h: Any, d: Any) -> Any:
        return self.spectrum(h, d).w

    def into(self, spectrum: Spectrum, v: Any) -> Any:
        return self._turned(v, spectrum.q)

    def out(self, spectrum: Spectrum, v: Any) -> Any:
        return self._turned(v, np.swapaxes(spectrum.q, 1, 2))

    def times(self, h: Any, v: Any) -> Any:
        return self._turned(v, h)


def grown(d: Any, sizes: Any, scale: Any) -> tuple[Any, Any]:
    """The sizes of unknowns, the largest so far, and the same with a number for those without curvature.

    Those are as long as others are in their own scale.
    """
    d = np.maximum(d, np.where(np.isfinite(sizes), sizes, 0.0))
    if (d > 0).all():
        return d, d
    top = along(np.maximum, d, 0.0)[:, None]
    long = along(np.maximum, d * scale, 0.0)[:, None]
    fill = np.where((long > 0) & (scale > 0), long / np.where(scale > 0, scale, 1.0), top)
    fill = np.where(top > 0, fill, 1.0)
    return d, np.where(d > 0, d, fill)


def curvature_of(w: Any) -> Any:
    """Which second-order condition eigenvalues meet, as an index into `CURVATURES`."""
    least = 1e-10 * along(np.maximum, np.abs(w), 0.0)
    low, high = along(np.minimum, w, np.inf), along(np.maximum, w, -np.inf)
    up = np.where(low > least, 0, np.where(low >= -least, 1, 2))
    down = np.where(high < -least, 4, np.where(high <= least, 3, 2))
    return np.where(up < 2, up, np.where(down > 2, down, 2))
