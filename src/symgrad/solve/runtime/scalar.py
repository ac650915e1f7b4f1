"""One equation in one unknown, for many problems at once, in stages; a problem leaves when it is done.

1. for a batch, `full_steps` (`runtime.approach`): while ``|F|`` falls, all that most problems need.
2. `damped`: steps halved until ``|F|`` falls; `plain` where steps are to be full ones whatever it does.
3. `search`: what is stuck, at a minimum of ``|F|`` or a zero slope, or took half of its steps, looks for a
   sign change at growing distances.
4. `between` (`runtime.bracket`): steps inside a sign change.

A step may be one of Householder's; what tells of a root is Newton's, ``-F/F'``, which no flat point
shortens. When an iteration ends, and what its end is called, is for `runtime.ending`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from symgrad.solve.runtime.approach import Found, taken
from symgrad.solve.runtime.arguments import report
from symgrad.solve.runtime.ending import (
    CONTRACTED,
    LEAST_TOLERANCE,
    LOCATED,
    NO_SIZE,
    ORDINARY,
    Levels,
    ProblemBounds,
    are_steady,
    holds_zero,
    is_isolated,
    measure,
    regular_rate,
    short_of_zero,
    tends_to_zero,
)
from symgrad.solve.runtime.results import Status

MAX_HALVINGS = 10  # of a step, before a sign change is looked for


class ScalarRoots(Found):
    """Problems under way, and their results; ``evaluate(x, *params)`` gives value, step and slope."""

    def __init__(
        self,
        evaluate: Callable[..., Any],
        x: Any,
        params: list[Any],
        tol: float,
        maxiter: int,
        rounding: Callable[..., Any],
        box: Any = None,
        callback: Any = None,
        x_scale: float = 0.0,
        ftol: float | None = None,
        order: int = 1,
    ) -> None:
        self.rate = regular_rate(order)
        self.evaluate, self.params, self.rounding = evaluate, params, rounding
        self.tol, self.maxiter, self.callback = max(tol, LEAST_TOLERANCE), maxiter, callback
        self.x_scale, self.ftol, self.box = x_scale, ftol, box
        super().__init__(x)

    def begin(self) -> None:
        """The scale of each unknown, to be learned from the iterates."""
        self.scale = np.maximum(np.abs(self.x), self.x_scale)

    def part(self, which: slice) -> Self:
        """Some of the problems; what is found for them is found for all."""
        part = super().part(which)
        part.params = taken(self.params, which, self.x.size)
        return part

    def at(self, x: Any, index: Any) -> tuple[Any, Any, Any]:
        """Value, step and slope at the points `x` of the problems `index`."""
        values = self.evaluate(x, *taken(self.params, index, self.x.size))
        f, step, slope = (np.broadcast_to(np.asarray(v, np.float64), x.shape) for v in values)
        return f, step, slope

    def value(self, x: Any, index: Any) -> Any:
        """Values alone, with an axis of entries for `runtime.ending`."""
        return self.at(x[:, 0], index)[0][:, None]

    def levels(self, x: Any, index: Any) -> Any:
        """Below which ``|F|`` is rounding; nan where that is unknown."""
        params = taken(self.params, index, self.x.size)
        return Levels(self.rounding, lambda at: [at[:, 0]], params).at(x, slice(None))

    def sides(self, index: Any) -> ProblemBounds | None:
        """The bounds of some problems, without an axis for the unknown."""
        return (
            None
            if self.box is None
            else ProblemBounds(self.box.low[index, 0], self.box.high[index, 0])
        )

    def moved(self, x: Any, step: Any, index: Any) -> Any:
        """``x + step`` within the bounds; a bound that excludes 0 is only approached."""
        sides = self.sides(index)
        return x + step if sides is None else short_of_zero(sides, x, x + step)

    def is_small(self, step: Any, x: Any) -> Any:
        """Whether a step is short against `x`, or the scale that was given."""
        return np.abs(step) <= self.tol * np.maximum(np.abs(x), self.x_scale)

    def learn(self, x: Any, index: Any) -> None:
        """The largest magnitude of the iterates so far."""
        size = np.abs(x)
        self.scale[index] = np.where(size < np.inf, np.maximum(self.scale[index], size), np.inf)

    def proper(self, x: Any, f: Any, slope: Any, index: Any, moved: Any, first: Any) -> Any:
        """Whether nothing of F is left but rounding at `x`, and it is a root that is located or isolated.

        `moved` is the length of the step that led there, nan at the start, and `first` is ``|F|`` there.
        """
        size = np.abs(f)
        level = self.levels(x[:, None], index)[:, 0]
        zero = size == 0.0
        known = np.where(np.isfinite(level), level, np.where(zero, 0.0, np.nan))
        root = np.isfinite(x) & (size <= known)
        scale = measure(x, self.scale[index], self.x_scale, known)
        steep = (np.abs(slope) * scale >= ORDINARY) & np.isfinite(slope) & np.isfinite(level)
        shift = known / np.abs(slope)
        located = root & steep & (shift <= LOCATED * scale) & (shift <= 0.1 * moved)
        located &= zero | (size <= 0.1 * first)
        look = np.flatnonzero(root & ~located)
        if look.size:
            at, which, away = x[look, None], index[look], scale[look, None]
            beside = is_isolated(self.value, self.levels, at, away, which)
            located[look] = beside & (zero[look] | self._rises(at, size[look], away, which))
        return located

    def vanish(self, look: Any, x: Any, index: Any, first: Any) -> tuple[Any, Any]:
        """Which problems of those to `look` at have their root at 0, and ``|F|`` there.

        `x` is where they are, and `first` is ``|F|`` at the start.
        """
        found, size = np.zeros(index.shape, bool), np.full(index.shape, np.inf)
        some = np.flatnonzero(look & holds_zero(self.sides(index)))
        if some.size:
            f, _, slope = self.at(np.zeros(some.shape), index[some])
            at = np.zeros(some.shape), f, slope, index[some], np.abs(x[some]), first[some]
            found[some], size[some] = self.proper(*at), np.abs(f)
        return found, size

    def _rises(self, x: Any, size: Any, away: Any, index: Any) -> Any:
        """Whether ``|F|`` is larger beside `x`, or undefined: at a pole it is smaller."""
        sides = [np.abs(self.value(x + side * away, index))[:, 0] for side in (-1e-3, 1e-3)]
        return ~(sides[0] <= size) & ~(sides[1] <= size)

    def tell(self, count: Any, x: Any, size: Any, step: Any) -> None:
        """Report iterates: of a single problem as numbers, of a batch as arrays of those left."""
        report(self.callback, self.single, int(count), x, size, step)

    single = True


def plain(s: ScalarRoots, index: Any) -> None:
    """Full steps, whatever ``|F|`` does.

    A point is a root where the step that led there was short and ``|F|`` fell as it does at a root, or
    where ``|F|`` is at its level and cannot fall any more.
    """
    x, count = s.x[index], 0
    f, step, slope = s.at(x, index)
    root, moved = np.zeros(index.shape, bool), np.full(x.shape, np.nan)
    first = np.abs(f)
    while index.size:
        size = np.abs(f)
        s.tell(count, x, size, step)
        s.learn(x, index)
        trial = s.moved(x, step, index)
        f_trial, after, slope_trial = s.at(trial, index)
        left = np.abs(f_trial)
        idle = np.flatnonzero(~root & ((size == 0.0) | ~(left < size)))
        if idle.size:
            root[idle] = s.proper(
                x[idle], f[idle], slope[idle], index[idle], moved[idle], first[idle]
            )
            root[idle] &= size[idle] <= first[idle]  # not so at a pole
        done = root | ~np.isfinite(step) | ~np.isfinite(x) | (count >= s.maxiter) | (step == 0.0)
        if done.any():
            reason = np.where(root, 0, _reason(x, size, step, slope, count >= s.maxiter))
            s.set(index[done], reason[done], x[done], size[done], count)
        newton = f / slope, f_trial / slope_trial
        root = _ends(s, (x, trial), newton, step, left, size)
        state = (index, trial, f_trial, after, slope_trial, root, np.abs(trial - x), first)
        index, x, f, step, slope, root, moved, first = (v[~done] for v in state)
        count += 1


def _reason(x: Any, size: Any, step: Any, slope: Any, limit: Any) -> Any:
    """The status of problems that stop without a root."""
    singular = ~np.isfinite(step) | (slope == 0.0) | ~np.isfinite(slope)
    status = np.where(singular, Status.SINGULAR, Status.STALLED)
    status = np.where(limit & ~singular, Status.ITERATION_LIMIT, status)
    return np.where(np.isfinite(size) & np.isfinite(x), status, Status.NON_FINITE)


def damped(s: ScalarRoots, index: Any, x: Any, most: int) -> None:
    """Newton steps from `x`, halved until ``|F|`` falls, up to `most` in all."""
    count, t = s.count[index], np.ones(index.shape)
    f, step, slope = s.at(x, index)
    size = np.abs(f)
    first = size
    moved, before, rate = (np.full(x.shape, np.nan) for _ in range(3))
    if index.size:
        s.tell(count[0], x, size, step)
    while index.size:
        s.learn(x, index)
        trial = s.moved(x, t * step, index)
        values = s.at(trial, index)
        trial, values, jumps = _multiplied(s, index, x, step, t, before, rate, trial, values)
        f_trial, after, slope_trial = values
        left = np.abs(f_trial)
        falls = (left <= (1.0 - 1e-4 * t) * size) & (left < size) & np.isfinite(trial)
        full = t == 1.0
        newton = f_trial / slope_trial
        end = falls & full & _ends(s, (x, trial), (f / slope, newton), step, left, size)
        end &= ~jumps  # whose rate tells nothing
        if s.ftol is not None:
            end |= falls & (left <= s.ftol * first)
        stuck = ~np.isfinite(step) | (step == 0.0) | (t < 2.0**-MAX_HALVINGS)
        limit = count >= most
        idle = ~falls & full
        look = (size == 0.0) | idle | ((stuck | limit) & ~end)
        root = _are_roots(s, index, (x, f, slope, moved, first), look, idle)
        end &= ~root & ~limit
        done = root | end | stuck | limit | (size == 0.0)
        scale, length = s.scale[index], np.abs(trial - x)
        tends = falls & full & tends_to_zero(length, trial, scale)
        tends |= done & ~root & ~end & (np.abs(x) <= NO_SIZE * scale)
        zero, at_zero = s.vanish(tends & ~limit, x, index, first)
        trial, left = np.where(zero, 0.0, trial), np.where(zero, at_zero, left)
        end, done = end | zero, done | zero
        if done.any():
            now = (index, x, size, step, slope, limit, count)
            _written(s, *[v[done] for v in (*now, root, end, trial, left)])
        if falls.any():
            s.tell(count[0] + 1, trial[falls], left[falls], after[falls])
        went = trial - x
        rate = np.where(falls, np.where(full, went / before, np.nan), rate)
        before = np.where(falls, np.where(full, went, np.nan), before)
        moved = np.where(falls, length, moved)
        x, f, size = (
            np.where(falls, trial, x),
            np.where(falls, f_trial, f),
            np.where(falls, left, size),
        )
        step, slope = np.where(falls, after, step), np.where(falls, slope_trial, slope)
        count, t = count + falls, np.where(falls, 1.0, 0.5 * t)
        state = (index, x, f, size, step, slope, count, t, first, moved, before, rate)
        index, x, f, size, step, slope, count, t, first, moved, before, rate = (
            a[~done] for a in state
        )


def _written(
    s: ScalarRoots,
    index: Any,
    x: Any,
    size: Any,
    step: Any,
    slope: Any,
    limit: Any,
    count: Any,
    root: Any,
    end: Any,
    trial: Any,
    left: Any,
) -> None:
    """Write down what is done: at the trial point where that is the end."""
    reason = np.where(root | end, 0, _reason(x, size, step, slope, limit))
    s.set(index, reason, np.where(end, trial, x), np.where(end, left, size), count + end)


def _are_roots(s: ScalarRoots, index: Any, now: tuple[Any, ...], look: Any, idle: Any) -> Any:
    """Whether F is at its level at roots, where that may be so; idle are full steps that lower nothing."""
    root = np.zeros(index.shape, bool)
    some = np.flatnonzero(look)
    if some.size:
        x, f, slope, moved, first = (v[some] for v in now)
        root[some] = s.proper(x, f, slope, index[some], moved, first)
        # a bound that is not finite is no witness: the short step decides alone
        unknown = ~np.isfinite(s.levels(x[:, None], index[some])[:, 0]) & idle[some]
        unknown &= np.isfinite(slope)
        root[some] |= unknown & s.is_small(f / slope, x) & (np.abs(f) <= CONTRACTED * first)
    return root


def _ends(s: ScalarRoots, points: Any, newton: Any, step: Any, left: Any, size: Any) -> Any:
    """Whether a step that lowers ``|F|`` is the last: short, with the rate of a root.

    `newton` are Newton's steps before and after it; beside a jump or a pole the latter is a long one.
    """
    short = s.is_small(newton[0], points[0]) & s.is_small(newton[1], points[1])
    return short & s.is_small(step, points[0]) & (left <= s.rate * size)


def _multiplied(
    s: ScalarRoots,
    index: Any,
    x: Any,
    step: Any,
    t: Any,
    before: Any,
    rate: Any,
    trial: Any,
    values: tuple[Any, Any, Any],
) -> tuple[Any, Any, Any]:
    """The step times the multiplicity that steady rates of steps tell, where ``|F|`` falls further.

    With the values there, and where that is so.
    """
    jumps = np.zeros(x.shape, bool)
    now = step / before
    some = np.flatnonzero((t == 1.0) & are_steady(now, rate))
    if not some.size:
        return trial, values, jumps
    to = s.moved(x[some], step[some] / (1.0 - now[some]), index[some])
    other = s.at(to, index[some])
    better = (np.abs(other[0]) < np.abs(values[0][some])) & np.isfinite(to)
    across = other[0] * np.sign(values[0][some]) <= 0
    better &= across | (other[2] != 0.0)  # from a zero slope no step would follow
    jumps[some[better]] = True
    trial, arrays = trial.copy(), [v.copy() for v in values]
    trial[some[better]] = to[better]
    for array, v in zip(arrays, other, strict=True):
        array[some[better]] = v[better]
    return trial, (arrays[0], arrays[1], arrays[2]), jumps
