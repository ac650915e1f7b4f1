"""Minima of many unknowns with few entries in the Hessian: steps in a trust region by sparse factors.

The step is ``-(H + shift*I)^-1 g`` with a shift that makes the matrix positive definite and the step
short enough: More and Sorensen, "Computing a trust region step", 1983. Factors without exchanges of rows
tell whether a matrix is definite: its pivots are then positive.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from symgrad.solve.runtime.arguments import Problems, SolverCall, split
from symgrad.solve.runtime.beside import FLAT_CURVATURE
from symgrad.solve.runtime.ending import lengths
from symgrad.solve.runtime.large import solve_many_unknowns
from symgrad.solve.runtime.region import Method, Objective, Point
from symgrad.solve.runtime.results import Minimum
from symgrad.solve.runtime.sparse import sparse_library

MOST_SHIFTS = 40  # factorisations in a step
SOUND_PIVOT = 1e-13  # the least pivot, in parts of its entry on the diagonal
RIDGES = (
    1e-15,
    1e-13,
    1e-11,
    1e-9,
)  # in parts of the diagonal, what makes a singular Hessian definite
LONGER = 1.1  # what a step may be longer than the region


class SparseObjective:
    """Value, gradient and sparse Hessian of one problem over flat vectors, with the last two Hessians."""

    def __init__(self, evaluate: Callable[..., Any], problems: Problems, params: list[Any]) -> None:
        self.evaluate, self.shapes, self.params = evaluate, problems.shapes, params
        self.library = sparse_library()
        self.known: list[tuple[Any, Any]] = []

    def at(self, x: Any) -> tuple[float, Any]:
        """Value and gradient."""
        f, *parts, entries, where = self.evaluate(*split(x, self.shapes), *self.params)
        n = x.size
        entries = np.asarray(entries, np.float64)
        hessian = self.library.csc_array((entries, np.divmod(where, n)), shape=(n, n))
        self.known = [*self.known[-1:], (x, hessian)]
        return float(f), np.concatenate([np.asarray(g, np.float64).reshape(-1) for g in parts])

    def hessian(self, x: Any) -> Any:
        """The Hessian at `x`."""
        for at, hessian in self.known:
            if at is x:
                return hessian
        self.at(x)
        return self.known[-1][1]

    def times(self, x: Any, v: Any) -> Any:
        """The Hessian times `v`."""
        return self.hessian(x) @ v

    def sizes(self, x: Any) -> Any:
        """The sizes of unknowns by curvature: roots of the diagonal, or of the largest entry of a row."""
        hessian = self.hessian(x)
        diagonal = np.abs(hessian.diagonal())
        if (diagonal > 0).all():
            return np.sqrt(diagonal)
        rows = np.zeros(x.size)
        np.maximum.at(rows, hessian.indices, np.abs(hessian.data))
        return np.sqrt(np.where(diagonal > 0, diagonal, rows))

    def scaled(self, x: Any, d: Any) -> Any:
        """The Hessian in unknowns scaled by `d`."""
        inverse = self.library.diags_array(1 / d, format="csc")
        return (inverse @ self.hessian(x) @ inverse).tocsc()

    def factored(self, matrix: Any, sound: float = SOUND_PIVOT) -> Any:
        """The factors of a matrix, or None where it is not positive definite."""
        if not np.isfinite(matrix.data).all():
            return None
        options = {"SymmetricMode": True}
        try:
            factors = self.library.linalg.splu(
                matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options
            )
        except RuntimeError:  # exactly singular
            return None
        pivots = factors.U.diagonal()[factors.perm_c]
        ordered = (factors.perm_r == factors.perm_c).all() and (pivots > 0).all()
        return factors if ordered and (pivots > sound * matrix.diagonal()).all() else None

    def _ridge_step(self, hessian: Any, g: Any, delta: float) -> Any:
        """A full step where the Hessian is singular, with no negative curvature but rounding; or None.

        The least ridge that makes it definite is taken whose step is within the region.
        """
        for largest, ridge in [(True, RIDGES[-1]), *[(False, ridge) for ridge in RIDGES]]:
            diagonal = self.library.diags_array(ridge * hessian.diagonal(), format="csc")
            factors = self.factored(hessian + diagonal, 0.0)
            p = None if factors is None else -factors.solve(g)
            fits = p is not None and float(lengths(p)) <= delta
            if largest and not fits:  # then no other does
                return None
            if fits and not largest:
                return p
        return None

    def is_regular(self, x: Any, d: Any) -> bool:
        """Whether all curvatures of the scaled Hessian are above `FLAT_CURVATURE`."""
        eye = self.library.eye_array(x.size, format="csc")
        return self.factored(self.scaled(x, d) - FLAT_CURVATURE * eye) is not None

    def step(
        self, problem: Objective, now: Point, d: Any, delta: float, forcing: float
    ) -> tuple[Any, Any, bool]:
        """A step within the region, the Hessian times it, and whether it is Newton's."""
        hessian = self._free(self.scaled(now.x, d), now.free)
        eye = self.library.eye_array(now.x.size, format="csc")
        g = now.g / d
        size = float(lengths(g))
        low, high, shift = 0.0, np.inf, 0.0
        best = -g * (delta / size)
        first = self.factored(hessian)
        p = None if first is not None else self._ridge_step(hessian, g, delta)
        if p is not None:
            return p / d, problem.hessian(now.x, now.free)(p / d), True
        for _ in range(MOST_SHIFTS):
            factors = self.factored(hessian + shift * eye) if shift else first
            if factors is None:
                low = shift
                shift = _next_shift(low, high, abs(hessian).max() + size / delta)
                continue
            p = -factors.solve(g)
            length = float(lengths(p))
            if length <= LONGER * delta:
                best, high = p, shift
                if shift == 0 or length >= 0.5 * delta or high - low <= 1e-3 * high:
                    break
            else:
                low = shift
            # the derivative of 1/|p| is nearly constant: Newton's method on 1/|p| - 1/delta
            unit = p / length
            change = (length - delta) / delta / float(unit @ factors.solve(unit))
            shift = shift + change
            if not low < shift < high:
                shift = _next_shift(low, high, size / delta)
        best = best / d
        return best, problem.hessian(now.x, now.free)(best), shift == 0

    def _free(self, matrix: Any, free: Any) -> Any:
        """The matrix over the free unknowns, with the identity for those that are held."""
        if free is None or free.all():
            return matrix
        kept = self.library.diags_array(1.0 * free, format="csc")
        return (kept @ matrix @ kept + self.library.diags_array(1.0 * ~free, format="csc")).tocsc()


def _next_shift(low: float, high: float, scale: float) -> float:
    if np.isfinite(high):
        return max(float(np.sqrt(low * high)), 0.5 * (low + high))
    return max(10.0 * low, 1e-3 * float(scale))


def solve_sparse_minimum(
    evaluate: Callable[..., Any], rounding: Callable[..., Any], call: SolverCall
) -> Minimum:
    """The `Minimum` of an objective with a sparse Hessian."""
    make = partial(_functions_of_sparse, evaluate)
    return solve_many_unknowns(make, rounding, call)


def _functions_of_sparse(
    evaluate: Callable[..., Any], problems: Problems, params: list[Any]
) -> Method:
    f = SparseObjective(evaluate, problems, params)
    return Method(f.at, f.times, f.step, f.sizes, f.is_regular)
