"""Fits of many unknowns whose residuals mention few each: Levenberg-Marquardt by sparse normal equations.

Steps solve ``(J.T J + damping*D) p = -J.T r``, D the largest diagonal so far, by SciPy's sparse factors in
an order of little fill. Where unknowns fall into two kinds that meet in residuals only, as cameras and
points do, that order eliminates the many small blocks first: the Schur complement of bundle adjustment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from symgrad.solve.runtime.approach import Found
from symgrad.solve.runtime.arguments import (
    Problems,
    SolverCall,
    answer,
    prepare,
    report,
    shaped,
    split,
)
from symgrad.solve.runtime.ending import (
    EPS,
    LEAST_TOLERANCE,
    held_by,
    meets_wishes,
    part_of_box,
    within,
)
from symgrad.solve.runtime.lanczos import lowest_curvature
from symgrad.solve.runtime.minimum import UNKNOWN
from symgrad.solve.runtime.results import CURVATURES, Fit, Status, delivered
from symgrad.solve.runtime.sparse import sparse_library, sparse_system

FIRST_DAMPING = 1e-3  # of the diagonal of J.T J
LEAST_DAMPING = 1e-12  # by which what the residuals leave free stays where it is
SMALL_DAMPING = 1e-6  # with which a step is as good as a full one
GIVEN_UP = 1e12
KEPT = 1e-4  # of the fall that was promised
IN_ROUNDING = 1e-14  # of the sum of squares
SLANTED = 1e-6  # the cosine of residuals and columns, below which a fit that stalls has ended
MOST_COVARIANCES = 500  # unknowns, for more of which the covariance is not formed


class _Spot(NamedTuple):
    """A point, and what is there."""

    x: Any
    r: Any
    jac: Any
    square: float
    g: Any  # with zeros for what is held
    free: Any


class SparseFit:
    """One fit: ``at(x)`` gives residuals and their sparse Jacobian."""

    def __init__(
        self,
        at: Callable[[Any], tuple[Any, Any]],
        call: SolverCall,
        x_scale: Any,
        tell: Any,
        box: Any = None,
    ) -> None:
        self.at, self.call, self.x_scale, self.tell, self.box = at, call, x_scale, tell, box
        self.tol = max(call.tolerances.step, LEAST_TOLERANCE)

    def run(self, x: Any) -> tuple[_Spot, int, Status]:
        """Where the iteration ends, steps, and the status."""
        now, count, damping, before = self._spot(x), 0, FIRST_DAMPING, np.inf
        if not np.isfinite(now.square) or not np.isfinite(now.jac.data).all():
            return now, 0, Status.NON_FINITE
        weight = np.zeros(x.size)
        while True:
            normal = (now.jac.T @ now.jac).tocsc()
            weight = np.maximum(weight, normal.diagonal())
            if self._has_ended(now):
                return now, count, Status.CONVERGED
            if count >= self.call.maxiter:
                return now, count, Status.ITERATION_LIMIT
            accepted = None
            while accepted is None:
                p = self._step(normal, weight, damping, now)
                if p is None:
                    damping = max(10 * damping, FIRST_DAMPING)
                else:
                    accepted = self._judged(now, p, damping, weight, before, normal)
                    damping = damping if accepted is not None else max(4 * damping, 1e-6)
                if accepted is None and damping > GIVEN_UP:
                    return now, count, self._stalled(now)
            to, end, kept, before = accepted
            if self.tell is not None:
                self.tell(count, now.x, float(np.sqrt(now.square)), to.x - now.x)
            now, count = to, count + 1
            if end:
                return now, count, Status.CONVERGED
            damping = max(damping * (0.01 if kept > 0.9 else 0.2), LEAST_DAMPING)

    def _spot(self, x: Any) -> _Spot:
        r, jac = self.at(x)
        g = jac.T @ r
        free = np.ones(x.shape, bool) if self.box is None else ~held_by(self.box, x, g)
        return _Spot(x, r, jac, float(r @ r), np.where(free, g, 0.0), free)

    def _step(self, normal: Any, weight: Any, damping: float, now: _Spot) -> Any:
        """A step within the bounds; what is at one and would be moved beyond is held."""
        if self.box is None:
            return _sparse_step(normal, weight, damping, now.g)
        low, high = self.box
        free = now.free
        while True:
            kept = sparse_library().diags_array(1.0 * free)
            matrix = (kept @ normal @ kept).tocsc()
            p = _sparse_step(matrix, weight, damping, np.where(free, now.g, 0.0))
            if p is None:
                return None
            p = np.where(free, p, 0.0)
            blocked = free & (((now.x <= low) & (p < 0)) | ((now.x >= high) & (p > 0)))
            if not blocked.any():
                return p
            free = free & ~blocked

    def _has_ended(self, now: _Spot) -> bool:
        """Whether nothing is left of the slope but rounding, or it is as small as was wished."""
        level = 8 * EPS * (abs(now.jac).T @ np.abs(now.r))
        gtol = self.call.tolerances.gtol
        wished = gtol is not None and float(np.abs(now.g).max(initial=0.0)) <= gtol
        return bool((np.abs(now.g) <= level).all()) or wished

    def _judged(
        self, now: _Spot, p: Any, damping: float, weight: Any, before: float, normal: Any
    ) -> tuple[_Spot, bool, float, float] | None:
        """Where a step leads, whether it is the last, what it kept, its length; None if bad."""
        x = within(self.box, now.x + p)
        cut = self.box is not None and bool((np.abs(x - now.x - p) > 4 * EPS * np.abs(x)).any())
        to = self._spot(x)
        p = x - now.x if cut else p
        length = float(weight @ (p * p))
        promised = damping * length - float(now.g @ p)
        if cut:
            promised = -float(2 * now.g @ p + p @ (normal @ p))
        if not np.isfinite(to.square) or not promised > 0:
            return None
        short = (np.abs(p) <= self.tol * np.maximum(np.abs(to.x), self.x_scale)).all()
        full = damping <= SMALL_DAMPING and not cut
        lost = promised <= IN_ROUNDING * now.square
        equal = to.square <= now.square * (1 + IN_ROUNDING)
        if full and equal and (short or lost) and length < before:
            return to, True, 1.0, length
        kept = (now.square - to.square) / promised
        if kept < KEPT:
            return None
        wished = bool(meets_wishes(self.call.tolerances.ftol, None, 1 - to.square / now.square))
        return to, wished, kept, length

    def _stalled(self, now: _Spot) -> Status:
        """No step lowers the sum: a minimum where residuals are normal to all columns."""
        norms = np.sqrt(now.jac.multiply(now.jac).sum(axis=0)) * np.sqrt(now.square)
        slanted = np.abs(now.g) > SLANTED * np.asarray(norms).ravel()
        return Status.STALLED if slanted.any() else Status.CONVERGED


def _sparse_step(normal: Any, weight: Any, damping: float, g: Any) -> Any:
    """A step by sparse factors of the scaled matrix; None where there are none."""
    library = sparse_library()
    d = np.sqrt(np.where(weight > 0, weight, 1.0))
    scale = library.diags_array(1 / d)
    matrix = (scale @ normal @ scale + damping * library.eye_array(d.size)).tocsc()
    try:
        factors = library.linalg.splu(
            matrix,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError:  # exactly singular
        return None
    p = -factors.solve(g / d) / d
    return p if np.isfinite(p).all() else None


def solve_sparse_fit(
    evaluate: Callable[..., Any],
    product: Callable[..., Any],
    rounding: Callable[..., Any],
    call: SolverCall,
) -> Fit:
    """The `Fit` of residuals with a sparse Jacobian; problems of a batch one after another."""
    problems = prepare(call)
    found, single = Found(problems.x), not problems.batch
    count, n = problems.x.shape
    kinds = np.full(count, UNKNOWN)
    covariances = np.full((count, n, n), np.inf) if n <= MOST_COVARIANCES else None
    deviations = np.full(count, np.nan)
    dof = 0
    with np.errstate(all="ignore"):
        for k in range(count):
            params = [v[k] for v in problems.params]

            def tell(steps: int, x: Any, size: float, p: Any, left: int = count - k) -> None:
                rows = [np.broadcast_to(v, (1 if single else left, n)) for v in (x, p)]
                report(call.callback, single, steps, rows[0], np.full(len(rows[0]), size), rows[1])

            solver = SparseFit(
                sparse_system(evaluate, problems, params),
                call,
                problems.x_scale,
                None if call.callback is None else tell,
                part_of_box(problems.box, k),
            )
            now, steps, status = solver.run(found.x[k])
            if status == Status.CONVERGED:
                kinds[k] = _curvature_at(product, problems, k, now)
                status = Status.NOT_A_MINIMUM if 2 <= kinds[k] < UNKNOWN else status
            found.set(k, status, now.x, np.sqrt(now.square), steps)
            dof = max(now.r.size - n, 0)
            deviations[k] = np.sqrt(now.square / dof) if dof else np.nan
            if covariances is not None:
                s = 1.0 if call.options["absolute"] else deviations[k]
                covariances[k] = _covariance(now.jac, s)
    fit = answer(Fit, call, problems, found)
    fit.curvature = shaped(np.array(CURVATURES)[kinds], problems.batch)
    fit.dof, fit.residual_std = dof, shaped(deviations, problems.batch)
    fit.covariance = fit.stderr = None
    if covariances is not None:
        fit.covariance = covariances.reshape(*problems.batch, n, n)
        fit.stderr = np.sqrt(np.diagonal(fit.covariance, axis1=-2, axis2=-1))
    return delivered(fit, call.raise_on_failure)


def _curvature_at(product: Callable[..., Any], problems: Problems, k: int, now: _Spot) -> int:
    """Which second-order condition the sum of squares meets, by Lanczos' method on its whole Hessian."""
    d = np.sqrt(np.asarray(now.jac.multiply(now.jac).sum(axis=0)).ravel())
    d = np.where(d > 0, d, 1.0)
    params = [v[k : k + 1] for v in problems.params]
    points = split(now.x[None], problems.shapes)

    def times(v: Any) -> Any:
        parts = product(*points, *split((v / d)[None], problems.shapes), *params, np.ones(1))
        whole = np.concatenate([np.ravel(p) for p in parts]) / d
        return np.where(now.free, whole, 0.0)

    return lowest_curvature(times, d.size, now.free, 0)[0]


def _covariance(jac: Any, s: float) -> Any:
    """``s**2*inv(J.T J)``; inf where it is singular."""
    matrix = (jac.T @ jac).toarray()
    d = np.sqrt(np.diag(matrix))
    d = np.where(d > 0, d, 1.0)
    try:
        lower = np.linalg.cholesky(matrix / d[:, None] / d)
    except np.linalg.LinAlgError:
        return np.full(matrix.shape, np.inf)
    if not np.diag(lower).min() > np.sqrt(EPS * len(d)):
        return np.full(matrix.shape, np.inf)
    half = np.linalg.inv(lower) / d
    return s * s * (half.T @ half)
