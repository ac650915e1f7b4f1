"""Minima of many unknowns: a trust region whose steps need no decomposition of a dense matrix.

Curvature at what looks like a minimum is found by Lanczos' method, from products with the Hessian alone,
where pivots do not tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from symgrad.solve.runtime.arguments import Call, Problems, Tolerances, box, prepare, split
from symgrad.solve.runtime.beside import FLAT, STEPS, TRIES, Surroundings, as_far_as_scale
from symgrad.solve.runtime.ending import (
    EPS,
    LOCATED,
    ORDINARY,
    ROOT_RATE,
    STRONG_RATE,
    Levels,
    is_short,
    is_short_at_scale,
    learned_scale,
    lengths,
    meets_wishes,
    within,
)
from symgrad.solve.runtime.minimum import (
    JUMP,
    LIMITLESS,
    MOST_REJECTED,
    NEAR_LEVEL,
    UNKNOWN,
    Minima,
    answer_of_minima,
    held_by,
    noise_of,
)
from symgrad.solve.runtime.results import Minimum, Status, checked
from symgrad.solve.runtime.spectra import curvature_of
from symgrad.solve.runtime.trust import LinearRate

STRICT = 1e-3  # what is left of the gradient's model where a step may end the iteration
LANCZOS = 60  # products for the lowest curvature
SPENT = 1e-12  # of the largest gradient, what is left where a singular Hessian may end an iteration
PROBES = 2  # products that tell of the sizes of unknowns
SMALL = 1e-6  # of a usual slope: what is left of it at a minimum
MOST_RESCALED = 5
PATIENT = 10  # such steps in a row
MOST_LOWER = 6  # lower points beside what was found, that are gone on from


class Method(NamedTuple):
    """What is known of one objective.

    Attributes
    ----------
    at, times : callable
        ``at(x)`` gives value and gradient, ``times(x, v)`` the Hessian times v.
    step : callable
        ``step(problem, now, d, delta, forcing)`` gives a step p that lowers ``g.p + p.Hp/2`` within
        ``|d*p| <= delta``, H p, and whether it solves ``H p = -g``, up to `forcing` times the length of g.
    sizes : callable
        ``sizes(x)``: the sizes of the unknowns by their curvature, or None where it is not known.
    is_regular : callable
        ``is_regular(x, d)`` says whether all curvatures of ``H/(d d.T)`` are known to be above `FLAT`.
    """

    at: Callable[[Any], tuple[float, Any]]
    times: Callable[[Any, Any], Any]
    step: Callable[..., tuple[Any, Any, bool]]
    sizes: Callable[[Any], Any]
    is_regular: Callable[[Any, Any], bool]


class Objective(NamedTuple):
    """One problem: its functions, and how it is to be solved."""

    method: Method
    levels: Callable[[Any], Any]  # of the value, then of the entries of the gradient
    box: Any
    tolerances: Tolerances
    x_scale: Any
    maxiter: int
    callback: Any

    def free(self, x: Any, g: Any) -> Any:
        """Which unknowns are not held at a bound; None is all."""
        return None if self.box is None else ~held_by(self.box, x, g)

    def hessian(self, x: Any, free: Any) -> Callable[[Any], Any]:
        """``v -> H v``, over the free unknowns."""
        times = self.method.times
        if free is None:
            return lambda v: times(x, v)
        return lambda v: np.where(free, times(x, np.where(free, v, 0.0)), 0.0)

    def clipped(self, x: Any) -> Any:
        return within(self.box, x)

    def noise(self, x: Any, f: Any) -> float:
        """The rounding level of the value `f` at `x`."""
        level = self.levels(x)[:1]
        return float(noise_of(_Known(level[None]), x, 0, np.array([f]))[0])


class _Known(NamedTuple):
    """Levels that are known already."""

    level: Any

    def at(self, x: Any, index: Any) -> Any:
        return self.level


class Point(NamedTuple):
    """Where an iteration is."""

    x: Any
    f: float
    g: Any  # with zeros for what is held
    free: Any

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.f) and np.isfinite(self.g).all())

    def size(self, d: Any) -> float:
        """The length of the gradient, in unknowns scaled by `d`."""
        return float(lengths(self.g / d))


def point_at(problem: Objective, x: Any) -> Point:
    """Value and gradient at `x`."""
    f, g = problem.method.at(x)
    free = problem.free(x, g)
    return Point(x, f, g if free is None else np.where(free, g, 0.0), free)


@dataclass
class Walk:
    """An iteration: where it is, and what it has learned on the way."""

    point: Point
    count: int
    d: Any  # the sizes of unknowns by their curvature
    scale: Any  # their largest magnitudes
    stiffest: float = 0.0  # curvature along a step, in unknowns scaled by d
    fast: bool = False  # whether the last step left little of the gradient
    jumped: bool = False  # whether the gradient was an ordinary number before it
    status: Status = Status.STALLED
    highest: float = -np.inf  # value so far
    wished: bool = False  # whether `ftol` or `gtol` is met, which is enough
    rescaled: int = 0  # how often sizes of unknowns were estimated


def minimize_large(problem: Objective, x: Any) -> tuple[Walk, int]:
    """Minimise: where the iteration ended, and the curvature there as an index."""
    with np.errstate(all="ignore"):
        now = point_at(problem, problem.clipped(x))
        walk = Walk(now, 0, np.zeros(x.shape), np.abs(now.x))
        for _ in range(MOST_LOWER):
            _descend(problem, walk, problem.maxiter, problem.callback)
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
    region = _Region(walk)
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
            region = _Region(walk)
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
    if (np.abs(now.g) <= SMALL * usual).all():
        return False
    walk.rescaled += 1
    walk.d = np.sqrt(np.where(usual > 0, usual, np.abs(now.g)) / scale)
    walk.d = np.where(walk.d > 0, walk.d, walk.d.max())
    return True


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


class _Step(NamedTuple):
    """A step, what was expected of it, and where it leads."""

    p: Any
    full: bool
    faster: bool  # whether it goes further than the full step
    forcing: float
    length: float
    expected: float
    size: float  # of the gradient before
    left: float  # of the gradient after
    before: float  # the value before
    to: Point


class _Region:
    """The trust region of an iteration, and what it remembers of its steps."""

    def __init__(self, walk: Walk) -> None:
        self.delta, self.first = np.inf, 0.0
        self.size, self.most, self.rejected = 0.0, 0.5, 0
        self.highest, self.spent = walk.point.f, 0
        self.rate = LinearRate(1, walk.point.x.size)

    def step(self, problem: Objective, walk: Walk, size: float) -> _Step:
        """The next step."""
        now, d = walk.point, walk.d
        self.size = max(self.size, size)
        if self.delta == np.inf:
            self.delta = self.first = self._first_radius(problem, walk)
        forcing = min(self.most, float(np.sqrt(size / self.size)))
        p, hp, full = self._free_step(problem, now, d, forcing)
        inside = problem.clipped(now.x + p) - now.x if problem.box is not None else p
        if inside is not p and (inside != p).any():
            p, hp, full = inside, problem.hessian(now.x, now.free)(inside), False
        expected = -float(now.g @ p + 0.5 * (p @ hp))
        length = float(lengths(d * p))
        if length > 0:
            walk.stiffest = max(walk.stiffest, abs(float(p @ hp)) / length / length)
        z, long = (d * p)[None], np.array([length])
        factor = (
            float(self.rate.factor(z, long, np.array([full]))[0]) if problem.box is None else 1.0
        )
        to = point_at(problem, problem.clipped(now.x + factor * p))
        left = to.size(d)
        return _Step(
            *(to.x - now.x, full, factor > 1, forcing, length, expected, size, left, now.f, to)
        )

    def _free_step(
        self, problem: Objective, now: Point, d: Any, forcing: float
    ) -> tuple[Any, Any, bool]:
        """A step without those unknowns that it would move beyond a bound that they are at."""
        held = False
        while True:
            if not now.g.any():
                return np.zeros_like(now.x), np.zeros_like(now.x), False
            p, hp, full = problem.method.step(problem, now, d, self.delta, forcing)
            if problem.box is None:
                return p, hp, full
            low, high = problem.box
            blocked = ((now.x <= low) & (p < 0)) | ((now.x >= high) & (p > 0))
            if not blocked.any():
                return p, hp, full and not held
            held = True
            now = now._replace(g=np.where(blocked, 0.0, now.g), free=now.free & ~blocked)

    def _first_radius(self, problem: Objective, walk: Walk) -> float:
        """The length of the start; from 0 on the way to the lowest point along the slope."""
        now, d = walk.point, walk.d
        start = float(lengths(d * np.maximum(np.abs(now.x), problem.x_scale)))
        if start > 0:
            return start
        v = now.g / d / d
        v = v / np.abs(v).max()
        curvature = abs(float(v @ problem.hessian(now.x, now.free)(v)))
        down = float(now.g @ v) / curvature if curvature > 0 else 0.0
        length = down * float(lengths(d * v))
        return length if 0 < length < np.inf else float(lengths(d))

    def is_endless(self, step: _Step) -> bool:
        """Whether the objective falls as far as ever in enormous steps."""
        fall, total = step.before - step.to.f, self.highest - step.to.f
        return step.length > LIMITLESS * self.first and 0 < 0.1 * total <= fall

    def judged(self, problem: Objective, walk: Walk, step: _Step, maxiter: int) -> Status | None:
        """Take the step where it is good; the status where that ends the iteration."""
        now, to, xtol = walk.point, step.to, problem.tolerances.step
        fall = now.f - to.f
        falls = to.finite and fall > 1e-4 * step.expected and step.expected > 0
        good = falls and (not step.faster or step.left <= 0.3 * step.size)
        short = bool(is_short(step.p, now.x, xtol, problem.x_scale))
        fast = to.finite and step.left <= STRONG_RATE * step.size
        end = short and to.finite and step.left <= ROOT_RATE * step.size
        vanishing = is_short_at_scale(step.p, now.x, xtol, problem.x_scale, walk.scale)
        end = (end or (fast and bool(vanishing))) and step.full and (falls or to.f <= now.f)
        good = good or end  # whose gradient is lower
        if good and to.f != now.f:
            least = max(abs(now.f), ORDINARY)
            walk.wished = bool(meets_wishes(problem.tolerances.ftol, None, fall=fall / least))
            end = end or walk.wished
        self.spent = self.spent + 1 if self._is_spent(problem, walk, step) else 0
        if self.spent >= PATIENT:  # what is beside it decides
            walk.fast = False
            return Status.CONVERGED
        rough = step.forcing > STRICT  # a better step decides
        if not falls and not end:
            good, level, idle = self._by_levels(problem, walk, step, good, short)
            if level:
                return Status.CONVERGED
            end = idle
        if end and rough and not step.faster and not walk.wished:
            self.most, end = STRICT, False
            short = False
        if end or walk.count < maxiter:
            self._go(walk, step, good, fast)
        if end:
            return Status.CONVERGED
        if walk.count >= maxiter:
            return Status.ITERATION_LIMIT
        lost = not step.p.any() or self.rejected > MOST_REJECTED or (short and not good)
        return Status.STALLED if lost and not step.faster and not good else None

    def _is_spent(self, problem: Objective, walk: Walk, step: _Step) -> bool:
        """Whether nothing is left of slope and fall, against what they were, where the Hessian is singular.

        Beside a minimum of higher order with many unknowns, steps along the smallest curvatures are lost in
        rounding, and the objective falls without end, by nothing.
        """
        now = walk.point
        if not step.full or step.faster or step.size > SPENT * self.size:
            return False
        if not abs(step.expected) <= EPS**2 * (self.highest - now.f):
            return False
        sizes = problem.method.sizes(now.x)
        return sizes is not None and not problem.method.is_regular(
            now.x, np.where(sizes > 0, sizes, 1.0)
        )

    def _by_levels(
        self, problem: Objective, walk: Walk, step: _Step, good: bool, short: bool
    ) -> tuple[bool, bool, bool]:
        """Whether a step is good by its slope, and whether slope or step show a minimum, by levels."""
        now, scale = walk.point, walk.scale
        levels = problem.levels(now.x)
        noise = float(noise_of(_Known(levels[None]), now.x, 0, np.array([now.f]))[0])
        flat = abs(step.expected) <= noise
        lower = step.left < (0.3 if step.faster else 1.0) * step.size
        equal = step.to.finite and lower and step.to.f <= now.f + noise
        if flat:
            good = equal
        nothing = flat or abs(step.expected) <= EPS**2 * (walk.highest - now.f)
        slope, tends = np.abs(now.g), nothing & (np.abs(step.p) <= EPS * scale)
        measure = np.maximum(np.maximum(np.abs(now.x), scale), problem.x_scale)
        d = np.broadcast_to(walk.d, measure.shape)
        measure = np.maximum(measure, (d * measure).max(initial=0.0) / d)
        signs = np.random.default_rng(0).choice((-1.0, 1.0), measure.size)
        usual = np.abs(problem.hessian(now.x, now.free)(measure * signs))
        located = bool(((levels[1:] <= LOCATED * usual) | (slope == 0)).all())
        located = located or not np.isfinite(levels[1:]).all()
        level = bool(((slope <= levels[1:]) | tends).all()) and located
        above = bool(((slope > NEAR_LEVEL * levels[1:]) & ~tends).any())
        idle = flat and (step.full or self.rejected == 0) and not step.left < 0.5 * step.size
        idle = (idle or (short and step.full and not equal)) and not step.faster
        return good, level, idle and not above and located

    def _go(self, walk: Walk, step: _Step, good: bool, fast: bool) -> None:
        """Go where the step was good, and set the next trust region."""
        now, z = walk.point, (walk.d * step.p)[None]
        if not step.faster:
            ratio = (now.f - step.to.f) / step.expected if step.expected > 0 else -1.0
            self.delta = self._next_radius(ratio, step, good)
            self.rejected = 0 if good else self.rejected + 1
        full = np.array([step.full and not step.faster])
        self.rate.took(z, np.array([step.length]), full, np.array([good]))
        if good:
            walk.point, walk.count = step.to, walk.count + 1
            walk.fast = fast and not step.faster
            self.highest = max(self.highest, step.to.f)
            walk.jumped = step.size > JUMP * self.size

    def _next_radius(self, ratio: float, step: _Step, good: bool) -> float:
        """By how well the quadratic foretold the value."""
        if ratio > 0.75:
            return max(self.delta, (3.0 if step.full else 2.0) * step.length)
        if good and not 1e-4 < ratio < 0.25:  # the gradient has decided
            return self.delta
        if ratio >= 0.25:
            return self.delta
        return (0.25 if self.rejected < 4 else 1e-2) * step.length


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

    kind, low, top, lowest = _lowest(times, now, 0)
    flat = low <= FLAT * max(top, walk.stiffest)
    directions = [lowest / d]
    if flat and now.x.size > 1:
        random = np.random.default_rng(1)
        for seed in range(TRIES):  # with a part in all directions, which no symmetry hides
            mixed = random.standard_normal(d.size) / np.sqrt(d.size)
            mixed = mixed if now.free is None else np.where(now.free, mixed, 0.0)
            directions.append((_lowest(times, now, seed + 1)[3] + 0.5 * mixed) / d)
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
    vanished = not now.g.any() and not walk.jumped and not times(np.ones(d.shape)).any()
    if beside.unseen(np.array([vanished]), aside).size:
        walk.status, kind = Status.STALLED, UNKNOWN
    if flat and 1 < kind < UNKNOWN:  # nothing, against what curvature was on the way
        kind = 1
    return kind, None


def _around(problem: Objective, walk: Walk, wanted: Any) -> Surroundings:
    def descend(y: Any, rows: Any) -> tuple[Any, Any]:
        aside = replace(walk, point=point_at(problem, problem.clipped(y[0])), count=0)
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


def _lowest(times: Callable[[Any], Any], now: Point, seed: int) -> tuple[int, float, float, Any]:
    """Which second-order condition holds, as an index into `CURVATURES`; least and largest curvature, and
    where it is least.

    By Lanczos' method from a random start, so that a direction of negative curvature is met with
    near certainty; "unknown" where the lowest curvature is positive so far, but has not settled. Of
    several directions of the same curvature it is a random one.
    """
    n = now.g.size if now.free is None else int(np.count_nonzero(now.free))
    if n == 0:
        return 0, 1.0, 1.0, np.zeros_like(now.g)
    q = np.random.default_rng(seed).standard_normal(now.g.size)
    q = q if now.free is None else np.where(now.free, q, 0.0)
    basis = np.empty((min(n, LANCZOS), q.size))
    basis[0] = q / np.linalg.norm(q)
    band = np.zeros((len(basis), len(basis)))
    for k in range(len(basis)):
        w = times(basis[k])
        if not np.isfinite(w).all():
            return UNKNOWN, 0.0, 0.0, np.zeros_like(now.g)
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


def solve_many_unknowns(
    make: Callable[[Problems, list[Any]], Method], rounding: Callable[..., Any], call: Call
) -> Minimum:
    """The `Minimum` of an objective; problems of a batch one after another.

    ``make(problems, params)`` gives the functions of one problem.
    """
    problems = prepare(call)
    sides = box(call.options["bounds"], problems.shapes)
    found = Minima(problems.x, sides, call.tolerances, problems.x_scale)
    levels = Levels(rounding, lambda x: split(x, problems.shapes), problems.params)
    for k, x in enumerate(found.x):
        method = make(problems, [v[k] for v in problems.params])
        problem = Objective(
            method,
            lambda y, k=k: levels.at(y[None], np.array([k]))[0],  # type: ignore[misc]
            *(sides, call.tolerances, problems.x_scale, call.maxiter),
            _told(call.callback, problems, k),
        )
        walk, found.curvature[k] = minimize_large(problem, x)
        now = walk.point
        size = float(lengths(now.g)) if now.finite else np.inf
        found.set(k, walk.status, now.x, size, walk.count)
        found.value[k] = now.f
    return checked(answer_of_minima(call, problems, found), call.raise_on_failure)


def _told(callback: Any, problems: Problems, k: int) -> Any:
    """The callback of one problem, which is told of a batch of one where there is a batch."""
    if callback is None or not problems.batch:
        return callback
    return lambda count, x, size, p: callback(count, x[None], np.array([size]), p[None])
