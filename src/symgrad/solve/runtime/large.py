"""Minima of many unknowns: a trust region whose steps need no decomposition of a dense matrix.

Curvature at what looks like a minimum is found by Lanczos' method, from products with the Hessian alone,
where pivots do not tell.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

from symgrad.solve.runtime.arguments import Problems, SolverCall, prepare, split
from symgrad.solve.runtime.beside import (
    FLAT_CURVATURE,
    STEPS,
    TRIES,
    Surroundings,
    are_gone,
    as_far_as_scale,
)
from symgrad.solve.runtime.ending import (
    ORDINARY,
    Levels,
    have_underflowed,
    learned_scale,
    lengths,
    meets_wishes,
    part_of_box,
)
from symgrad.solve.runtime.lanczos import lowest_curvature
from symgrad.solve.runtime.minimum import (
    UNKNOWN,
    Minima,
    answer_of_minima,
)
from symgrad.solve.runtime.region import Method, Objective, Point, Region, Walk, point_at
from symgrad.solve.runtime.results import Minimum, Status, delivered

PROBES = 2  # products that tell of the sizes of unknowns
SMALL_SLOPE = 1e-6  # of a usual slope: what is left of it at a minimum
MOST_RESCALED = 5
MOST_LOWER = 6  # lower points beside what was found, that are gone on from


def minimize_large(problem: Objective, x: Any) -> tuple[Walk, int]:
    """Minimise: where the iteration ended, and the curvature there as an index."""
    with np.errstate(all="ignore"):
        now = point_at(problem, problem.clipped(x))
        walk = Walk(now, 0, np.zeros(x.shape), np.abs(now.x))
        for _ in range(MOST_LOWER):
            _descend(problem, walk, problem.maxiter, problem.callback)
            if walk.status == Status.CONVERGED and _tells_nothing(problem, walk):
                walk.status = Status.STALLED
            if walk.status != Status.CONVERGED:
                return walk, UNKNOWN
            kind, lower = _examined(problem, walk)
            if lower is None:
                if 2 <= kind < UNKNOWN:
                    walk.status = Status.NOT_A_MINIMUM
                return walk, kind
            if walk.count >= problem.maxiter:
                walk.status = Status.ITERATION_LIMIT
                return walk, kind
            walk.point, walk.count = lower, walk.count + 1
        walk.status = Status.STALLED
        return walk, UNKNOWN


def _descend(problem: Objective, walk: Walk, maxiter: int, callback: Any = None) -> None:
    """Steps until a minimum is reached, by its slope, or none is to be reached."""
    region = Region(walk)
    while True:
        now = walk.point
        if not now.finite:
            walk.status = Status.NON_FINITE
            return
        walk.scale = learned_scale(walk.scale, now.x)
        walk.highest = max(walk.highest, now.f)
        walk.d = _weighted(problem, walk)
        size = now.size(walk.d)
        walk.wished = bool(
            meets_wishes(None, problem.tolerances.gtol, slope=np.abs(now.g).max(initial=0.0))
        )
        if size == 0 or walk.wished:
            walk.status = Status.CONVERGED
            return
        step = region.step(problem, walk, size)
        if not np.isfinite(step.expected):
            walk.status = Status.NON_FINITE
            return
        if callback is not None:
            callback(walk.count, now.x, float(lengths(now.g)), step.p)
        if np.isneginf(step.to.f) or region.is_endless(step):
            walk.status = Status.UNBOUNDED
            return
        status = region.judged(problem, walk, step, maxiter)
        if status == Status.CONVERGED and _neglects_unknowns(problem, walk):
            status = None if walk.rescaled <= MOST_RESCALED else Status.STALLED
            region = Region(walk)
        if status is not None:
            walk.status = status
            return


def _neglects_unknowns(problem: Objective, walk: Walk) -> bool:
    """Whether the slope along some unknown is not small for it; the sizes of unknowns are then estimated.

    Where units differ, the length of a gradient is that of a few unknowns. Products of the Hessian with
    vectors as long as the unknowns, of random signs, tell what a large slope is, for each of them.
    """
    now = walk.point
    if problem.method.sizes(now.x) is not None or not now.g.any():
        return False
    scale = np.maximum(walk.scale, problem.x_scale)
    scale = np.where(scale > 0, scale, scale.max(initial=0.0) or 1.0)
    signs = np.random.default_rng(walk.rescaled).choice((-1.0, 1.0), (PROBES, scale.size))
    hessian = problem.hessian(now.x, now.free)
    usual = np.max([np.abs(hessian(scale * row)) for row in signs], axis=0)
    if (np.abs(now.g) <= SMALL_SLOPE * usual).all():
        return False
    walk.rescaled += 1
    walk.d = np.sqrt(np.where(usual > 0, usual, np.abs(now.g)) / scale)
    walk.d = np.where(walk.d > 0, walk.d, walk.d.max())
    return True


def _tells_nothing(problem: Objective, walk: Walk) -> bool:
    """Whether the gradient may be what is left by an underflow."""
    now, scale = walk.point, np.maximum(walk.scale, problem.x_scale)
    if walk.wished or (np.abs(now.g) >= ORDINARY).all():
        return False
    unit = np.where(scale > 0, scale, scale.max(initial=0.0) or 1.0)
    signs = np.random.default_rng(0).choice((-1.0, 1.0), unit.size)
    hessian = problem.hessian(now.x, now.free)
    steep = np.abs(hessian(unit * signs))
    return bool(have_underflowed(now.g, steep, unit)) and bool(hessian(signs).any())


def _weighted(problem: Objective, walk: Walk) -> Any:
    """The sizes of unknowns so far; by `x_scale`, or all alike, where curvature does not tell them."""
    sizes = problem.method.sizes(walk.point.x)
    if sizes is None and walk.rescaled:
        return walk.d
    if sizes is None:
        given = problem.x_scale
        return 1 / given if (given > 0).all() else np.ones(walk.point.x.shape)
    d = np.maximum(walk.d, np.where(np.isfinite(sizes), sizes, 0.0))
    top = d.max(initial=0.0)
    return np.where(d > 0, d, top if top > 0 else 1.0)


def _examined(problem: Objective, walk: Walk) -> tuple[int, Point | None]:
    """Which second-order condition holds, as an index into `CURVATURES`, and a lower point beside."""
    now, d = walk.point, walk.d
    if not d.size or (now.free is not None and not now.free.any()):
        return 0, None
    if walk.fast and now.free is None and problem.method.is_regular(now.x, d):
        return 0, None
    hessian = problem.hessian(now.x, now.free)

    def times(v: Any) -> Any:
        return hessian(v / d) / d

    kind, low, top, lowest = lowest_curvature(times, d.size, now.free, 0)
    flat = low <= FLAT_CURVATURE * max(top, walk.stiffest)
    directions = [lowest / d]
    if flat and now.x.size > 1:
        random = np.random.default_rng(1)
        for seed in range(TRIES):  # with a part in all directions, which no symmetry hides
            mixed = random.standard_normal(d.size) / np.sqrt(d.size)
            mixed = mixed if now.free is None else np.where(now.free, mixed, 0.0)
            directions.append(
                (lowest_curvature(times, d.size, now.free, seed + 1)[3] + 0.5 * mixed) / d
            )
    scale = np.maximum(walk.scale, problem.x_scale)
    aside = [as_far_as_scale(v[None], d[None], scale[None]) for v in directions]
    wanted = np.array([flat or not walk.fast or kind == UNKNOWN])
    if walk.fast and not flat and kind == 0:
        return kind, None
    if walk.wished:
        return kind, None
    beside = _around(problem, walk, wanted)
    beside.look(aside, np.array([flat]))
    if beside.found[0]:
        return kind, point_at(problem, beside.best[0])
    steepest = np.broadcast_to(walk.steepest, d.shape)
    signs = np.random.default_rng(0).choice((-1.0, 1.0), scale.size)
    gone = are_gone(now.g, hessian(scale * signs), steepest) & ~np.asarray(walk.jumped)
    gone = gone if now.free is None else gone & now.free
    if beside.unseen(gone[None], aside, scale[None]).size:
        walk.status, kind = Status.STALLED, UNKNOWN
    if flat and 1 < kind < UNKNOWN:  # nothing, against what curvature was on the way
        kind = 1
    return kind, None


def _around(problem: Objective, walk: Walk, wanted: Any) -> Surroundings:
    def descend(y: Any, rows: Any) -> tuple[Any, Any]:
        aside = copy(walk)
        aside.point, aside.count = point_at(problem, problem.clipped(y[0])), 0
        _descend(problem, aside, STEPS)
        return aside.point.x[None], np.array([aside.point.f])

    return Surroundings(
        walk.point.x[None],
        np.array([walk.point.f]),
        lambda y, rows: np.array([problem.method.at(problem.clipped(y[0]))[0]]),
        lambda y, rows, f: np.array([problem.noise(problem.clipped(y[0]), f[0])]),
        descend,
        wanted,
        np.array([walk.highest - walk.point.f]),
    )


def solve_many_unknowns(
    make: Callable[[Problems, list[Any]], Method], rounding: Callable[..., Any], call: SolverCall
) -> Minimum:
    """The `Minimum` of an objective; problems of a batch one after another.

    ``make(problems, params)`` gives the functions of one problem.
    """
    problems = prepare(call)
    found = Minima(problems.x, problems.box, call.tolerances, problems.x_scale)
    levels = Levels(rounding, lambda x: split(x, problems.shapes), problems.params)
    for k, x in enumerate(found.x):
        method = make(problems, [v[k] for v in problems.params])
        problem = Objective(
            method,
            lambda y, k=k: levels.at(y[None], np.array([k]))[0],  # type: ignore[misc]
            *(part_of_box(problems.box, k), call.tolerances, problems.x_scale, call.maxiter),
            _told(call.callback, problems, k),
        )
        walk, found.curvature[k] = minimize_large(problem, x)
        now = walk.point
        size = float(lengths(now.g)) if now.finite else np.inf
        found.set(k, walk.status, now.x, size, walk.count)
        found.value[k] = now.f
    return delivered(answer_of_minima(call, problems, found), call.raise_on_failure)


def _told(callback: Any, problems: Problems, k: int) -> Any:
    """The callback of one problem, which is told of a batch of one where there is a batch."""
    if callback is None or not problems.batch:
        return callback
    return lambda count, x, size, p: callback(count, x[None], np.array([size]), p[None])
