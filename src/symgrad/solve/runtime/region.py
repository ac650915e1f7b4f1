"""The trust region of a minimisation in many unknowns: its steps, and what they tell.

The rules are those of `runtime.minimum`, for one problem whose Hessian is no dense matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from symgrad.solve.runtime.arguments import Tolerances
from symgrad.solve.runtime.ending import (
    EPS,
    LOCATED,
    ORDINARY,
    ROOT_RATE,
    STRONG_RATE,
    held_by,
    is_short,
    is_short_at_scale,
    lengths,
    meets_wishes,
    short_of_zero,
    within,
)
from symgrad.solve.runtime.minimum import (
    JUMP,
    LIMITLESS,
    MOST_REJECTED_DESCENTS,
    NEAR_LEVEL,
    NEARBY,
    noise_by,
)
from symgrad.solve.runtime.results import Status
from symgrad.solve.runtime.trust import LinearRate, NamedValues

STRICT = 1e-3  # what is left of the gradient's model where a step may end the iteration
SPENT = 1e-12  # of the largest gradient, what is left where a singular Hessian may end an iteration
PATIENT = 10  # such steps in a row


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
        ``is_regular(x, d)`` says whether all curvatures of ``H/(d d.T)`` are known to be above that of a
        flat direction.
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
        return float(noise_by(self.levels(x)[0], f))


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


class Walk(NamedValues):
    """An iteration: where it is, and what it has learned on the way."""

    point: Point
    count: int
    d: Any  # the sizes of unknowns by their curvature
    scale: Any  # their largest magnitudes
    stiffest: float = 0.0  # curvature along a step, in unknowns scaled by d
    fast: bool = False  # whether the last step left little of the gradient
    jumped: Any = False  # whether slopes were not nearly zero before it, by each unknown
    steepest: Any = 0.0  # the largest slopes by each unknown
    status: Status = Status.STALLED
    highest: float = -np.inf  # value so far
    wished: bool = False  # whether `ftol` or `gtol` is met, which is enough
    rescaled: int = 0  # how often sizes of unknowns were estimated


class TrialStep(NamedTuple):
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


class Region:
    """The trust region of an iteration, and what it remembers of its steps."""

    def __init__(self, walk: Walk) -> None:
        self.delta, self.first = np.inf, 0.0
        self.size, self.most, self.rejected = 0.0, 0.5, 0
        self.highest, self.spent = walk.point.f, 0
        self.rate = LinearRate(1, walk.point.x.size)

    def step(self, problem: Objective, walk: Walk, size: float) -> TrialStep:
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
        if problem.box is not None:
            stays = np.zeros(now.x.shape, bool) if to.free is None else ~to.free & to.finite
            x = short_of_zero(problem.box, now.x, to.x, stays)
            if (x != to.x).any():
                p, full, to = x - now.x, False, point_at(problem, x)
                expected = -float(now.g @ p + 0.5 * (p @ problem.hessian(now.x, now.free)(p)))
                length = float(lengths(d * p))
        left = to.size(d)
        return TrialStep(
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

    def is_endless(self, step: TrialStep) -> bool:
        """Whether the objective falls as far as ever in enormous steps."""
        fall, total = step.before - step.to.f, self.highest - step.to.f
        return step.length > LIMITLESS * self.first and 0 < 0.1 * total <= fall

    def judged(
        self, problem: Objective, walk: Walk, step: TrialStep, maxiter: int
    ) -> Status | None:
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
        lost = not step.p.any() or self.rejected > MOST_REJECTED_DESCENTS or (short and not good)
        return Status.STALLED if lost and not step.faster and not good else None

    def _is_spent(self, problem: Objective, walk: Walk, step: TrialStep) -> bool:
        """Whether nothing is left of slope and fall, against what they were, where the Hessian is singular.

        Beside a minimum of higher order with many unknowns, steps along the smallest curvatures are lost in
        rounding, and the objective falls without end, by nothing.
        """
        now = walk.point
        if not step.full or step.faster or step.size > SPENT * self.size:
            return False
        if (np.abs(step.p) > NEARBY * np.maximum(walk.scale, np.abs(now.x))).any():
            return False  # on its way, as towards where the objective only fades away
        fall, part = self.highest - now.f, abs(step.expected)
        sizes = problem.method.sizes(now.x)
        if sizes is None:  # nothing tells that the Hessian is singular but how little it is
            return part <= EPS**4 * fall
        regular = problem.method.is_regular
        return part <= EPS**2 * fall and not regular(now.x, np.where(sizes > 0, sizes, 1.0))

    def _by_levels(
        self, problem: Objective, walk: Walk, step: TrialStep, good: bool, short: bool
    ) -> tuple[bool, bool, bool]:
        """Whether a step is good by its slope, and whether slope or step show a minimum, by levels."""
        now, scale = walk.point, walk.scale
        levels = problem.levels(now.x)
        noise = float(noise_by(levels[0], now.f))
        flat = abs(step.expected) <= noise
        lower = step.left < (0.3 if step.faster else 1.0) * step.size
        equal = step.to.finite and lower and step.to.f <= now.f + noise
        if flat:
            good = equal
        nothing = flat or abs(step.expected) <= EPS**2 * (walk.highest - now.f)
        slope, tends = np.abs(now.g), nothing & step.full & (np.abs(step.p) <= EPS * scale)
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

    def _go(self, walk: Walk, step: TrialStep, good: bool, fast: bool) -> None:
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
            slope = np.abs(now.g)
            walk.steepest = np.maximum(walk.steepest, slope)
            walk.jumped = slope > JUMP * walk.steepest

    def _next_radius(self, ratio: float, step: TrialStep, good: bool) -> float:
        """By how well the quadratic foretold the value."""
        if ratio > 0.75:
            return max(self.delta, (3.0 if step.full else 2.0) * step.length)
        if good and not 1e-4 < ratio < 0.25:  # the gradient has decided
            return self.delta
        if ratio >= 0.25:
            return self.delta
        return (0.25 if self.rejected < 4 else 1e-2) * step.length
