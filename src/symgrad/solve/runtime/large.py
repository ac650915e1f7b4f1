"""Minima of many unknowns: a trust region whose steps need no decomposition of a dense matrix.

Curvature at what looks like a minimum is found by Lanczos' method, from products with the Hessian alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from symgrad.solve.runtime.arguments import Call, box, prepare
from symgrad.solve.runtime.ending import EPS, is_short
from symgrad.solve.runtime.minimum import (
    CURVATURES,
    REACHES,
    Minima,
    answer_of_minima,
    curvature_of,
)
from symgrad.solve.runtime.results import Minimum, Status, checked

STRICT = 1e-3  # what is left of the gradient's model where a step may end the iteration
LANCZOS = 60  # products for the lowest curvature


class Objective(NamedTuple):
    """One problem.

    Attributes
    ----------
    at, times : callable
        ``at(x)`` gives value and gradient, ``times(x, v)`` the Hessian times v.
    step : callable
        ``step(problem, now, delta, forcing)`` gives a step p that lowers ``g.p + p.Hp/2`` within
        ``|p| <= delta``, H p, and whether it solves ``H p = -g``, up to `forcing` times the length of g.
    is_definite : callable
        ``is_definite(x)`` says whether the Hessian is known to be positive definite.
    """

    at: Callable[[Any], tuple[float, Any]]
    times: Callable[[Any, Any], Any]
    step: Callable[..., tuple[Any, Any, bool]]
    is_definite: Callable[[Any], bool]
    box: Any
    tol: float
    maxiter: int
    callback: Any

    def free(self, x: Any, g: Any) -> Any:
        """Which unknowns are not held at a bound; None is all."""
        if self.box is None:
            return None
        return ~(((x <= self.box[0]) & (g > 0)) | ((x >= self.box[1]) & (g < 0)))

    def hessian(self, x: Any, free: Any) -> Callable[[Any], Any]:
        """``v -> H v``, over the free unknowns."""
        if free is None:
            return lambda v: self.times(x, v)
        return lambda v: np.where(free, self.times(x, np.where(free, v, 0.0)), 0.0)


class Point(NamedTuple):
    """Where an iteration is."""

    x: Any
    f: float
    g: Any  # with zeros for what is held
    free: Any
    size: float  # of the gradient

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.f) and np.isfinite(self.size))


def point_at(problem: Objective, x: Any) -> Point:
    """Value and gradient at `x`."""
    f, g = problem.at(x)
    free = problem.free(x, g)
    g = g if free is None else np.where(free, g, 0.0)
    return Point(x, f, g, free, float(np.linalg.norm(g)))


def minimize_large(problem: Objective, x: Any) -> tuple[Point, int, Status, int]:
    """Minimise: the point, the number of steps, the status, and the curvature as an index."""
    unknown = len(CURVATURES) - 1
    with np.errstate(all="ignore"):
        now = point_at(problem, x if problem.box is None else np.clip(x, *problem.box))
        count = 0
        while True:
            now, count, status = _descended(problem, now, count)
            if status != Status.CONVERGED:
                return now, count, status, unknown
            kind, direction = _lowest(problem.hessian(now.x, now.free), now)
            kind = 0 if problem.is_definite(now.x) else kind
            lower = _lower_beside(problem, now, direction)
            if lower is None:
                return now, count, Status.NOT_A_MINIMUM if 2 <= kind < unknown else status, kind
            if count >= problem.maxiter:
                return now, count, Status.ITERATION_LIMIT, kind
            now, count = lower, count + 1


def _descended(problem: Objective, now: Point, count: int) -> tuple[Point, int, Status]:
    """Steps until one is short, or promises less than rounding hides."""
    delta = max(1.0, float(np.linalg.norm(now.x)))
    first, most, rejected = now.size, 0.5, 0
    while True:
        if not now.finite:
            return now, count, Status.NON_FINITE
        if now.size == 0:
            return now, count, Status.CONVERGED
        forcing = min(most, np.sqrt(now.size / first))
        p, hp, full = problem.step(problem, now, delta, forcing)
        p, hp = _within(problem, now, p, hp)
        expected = -float(now.g @ p + 0.5 * (p @ hp))
        if not np.isfinite(expected):
            return now, count, Status.NON_FINITE
        to = point_at(problem, now.x + p)
        if problem.callback is not None:
            problem.callback(count, now.x, now.size, p)
        noise = 16 * EPS * abs(now.f)
        flat = abs(expected) <= noise
        # where the objective cannot tell any more, the gradient does
        good = to.size < now.size and to.f <= now.f + noise
        good = to.finite and (good if flat else now.f - to.f > 1e-4 * expected > 0)
        small = bool(is_short(p, now.x, problem.tol))
        idle = flat and (full or rejected == 0) and not to.size < 0.5 * now.size
        if idle or (small and full):
            if forcing <= STRICT:
                take = good and count < problem.maxiter
                return (to, count + 1, Status.CONVERGED) if take else (now, count, Status.CONVERGED)
            most = STRICT  # the step was rough: a better one decides
        elif rejected > 60 or (small and not good):
            return now, count, Status.STALLED
        if count >= problem.maxiter:
            return now, count, Status.ITERATION_LIMIT
        if not (flat and good):
            ratio = (now.f - to.f) / expected if expected > 0 else -1.0
            delta = _next_radius(delta, ratio, float(np.linalg.norm(p)), full)
        rejected = 0 if good else rejected + 1
        now, count = (to, count + 1) if good else (now, count)


def _next_radius(delta: float, ratio: float, length: float, full: bool) -> float:
    """The next trust region, by how well the quadratic foretold the value."""
    if not ratio >= 0.25:
        return 0.25 * length
    return max(delta, (3.0 if full else 2.0) * length) if ratio > 0.75 else delta


def _within(problem: Objective, now: Point, p: Any, hp: Any) -> tuple[Any, Any]:
    """A step that stays within the bounds, and the Hessian times it."""
    if problem.box is None:
        return p, hp
    inside = np.clip(now.x + p, *problem.box) - now.x
    return (p, hp) if (inside == p).all() else (inside, problem.times(now.x, inside))


def _lowest(times: Callable[[Any], Any], now: Point) -> tuple[int, Any]:
    """Which second-order condition holds, as an index into `CURVATURES`, and where curvature is least.

    By Lanczos' method from a random start, so that a direction of negative curvature is met with
    near certainty; "unknown" where the lowest curvature is positive so far, but has not settled.
    """
    n = now.g.size if now.free is None else int(np.count_nonzero(now.free))
    if n == 0:
        return 0, np.zeros_like(now.g)
    q = np.random.default_rng(0).standard_normal(now.g.size)
    q = q if now.free is None else np.where(now.free, q, 0.0)
    basis = np.empty((min(n, LANCZOS), q.size))
    basis[0] = q / np.linalg.norm(q)
    band = np.zeros((len(basis), len(basis)))
    for k in range(len(basis)):
        w = times(basis[k])
        if not np.isfinite(w).all():
            return len(CURVATURES) - 1, np.zeros_like(now.g)
        band[k, k] = basis[k] @ w
        for _ in range(2):  # orthogonal to all before, twice for the sake of rounding
            w = w - basis[: k + 1].T @ (basis[: k + 1] @ w)
        left = float(np.linalg.norm(w))
        invariant = k + 1 == n or left <= 1e-12 * np.abs(band).max()
        if invariant or k + 1 == len(basis):
            break
        band[k, k + 1] = band[k + 1, k] = left
        basis[k + 1] = w / left
    values, vectors = np.linalg.eigh(band[: k + 1, : k + 1])
    kind = int(curvature_of(values[None])[0])
    off = 0.0 if invariant else left * abs(float(vectors[-1, 0]))
    if kind < 2 and off > max(0.5 * values[0], 1e-10 * np.abs(values).max()):
        kind = len(CURVATURES) - 1
    return kind, vectors[:, 0] @ basis[: k + 1]


def _lower_beside(problem: Objective, now: Point, direction: Any) -> Point | None:
    """A lower point beside what looks like a minimum, along the direction of least curvature."""
    least = now.f - 1e-13 * max(abs(now.f), 1e-3)
    for reach in REACHES:
        step = reach * max(1.0, float(np.linalg.norm(now.x))) * direction
        for x in (now.x - step, now.x + step):
            to = point_at(problem, x if problem.box is None else np.clip(x, *problem.box))
            if to.f < least and to.finite:
                return to
    return None


def solve_many_unknowns(make: Callable[..., tuple[Any, Any, Any, Any]], call: Call) -> Minimum:
    """The `Minimum` of an objective; problems of a batch one after another.

    ``make(problems, params)`` gives the functions of an `Objective` for one problem.
    """
    problems = prepare(call)
    sides = box(call.options["bounds"], problems.shapes)
    callback = None if problems.batch else call.callback
    found = Minima(problems.x, sides, call.tolerances.step)
    for k, x in enumerate(found.x):
        functions = make(problems, [v[k] for v in problems.params])
        problem = Objective(*functions, sides, call.tolerances.step, call.maxiter, callback)
        point, count, status, found.curvature[k] = minimize_large(problem, x)
        found.set(k, status, point.x, point.size if point.finite else np.inf, count)
        found.value[k] = point.f
    return checked(answer_of_minima(call, problems, found), call.raise_on_failure)
