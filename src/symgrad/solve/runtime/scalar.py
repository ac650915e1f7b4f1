"""One equation in one unknown, for many problems at once, in stages; a problem leaves when it is done.

1. for a batch, `full_steps` (`runtime.approach`): while ``|F|`` falls, all that most problems need.
2. `damped`: steps halved until ``|F|`` falls; `plain` where steps are to be full ones whatever it does.
3. `search`: what is stuck, at a minimum of ``|F|`` or a zero slope, looks for a sign change at growing
   distances.
4. `between`: steps inside a sign change, with bisection where they leave it or are slow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.solve.runtime.approach import LEAST_TOLERANCE, ROOT_RATE, Found, taken
from symgrad.solve.runtime.results import Status

MAX_HALVINGS = 10  # of a step, before a sign change is looked for
SEARCH_DOUBLINGS = 44  # of the distance at which it is looked for


class Scalars(Found):
    """Problems under way, and their results; ``evaluate(x, *params)`` gives value and step."""

    def __init__(
        self,
        evaluate: Callable[..., Any],
        x: Any,
        params: list[Any],
        tol: float,
        maxiter: int,
        bounds: Any = None,
        callback: Any = None,
    ) -> None:
        self.evaluate, self.params = evaluate, params
        self.tol, self.maxiter, self.callback = max(tol, LEAST_TOLERANCE), maxiter, callback
        self.low: Any = -np.inf if bounds is None else bounds[0]
        self.high: Any = np.inf if bounds is None else bounds[1]
        self.bounded = bounds is not None
        super().__init__(np.clip(x, self.low, self.high) if self.bounded else x)

    def part(self, which: slice) -> Self:
        """Some of the problems; what is found for them is found for all."""
        part = super().part(which)
        part.params = taken(self.params, which, self.x.size)
        return part

    def at(self, x: Any, index: Any) -> Any:
        """Value and step at the points `x` of the problems `index`."""
        return self.evaluate(x, *taken(self.params, index, self.x.size))

    def moved(self, x: Any, step: Any) -> Any:
        """``x + step`` within the bounds."""
        y = x + step
        return np.minimum(np.maximum(y, self.low), self.high) if self.bounded else y

    def is_small(self, step: Any, x: Any) -> Any:
        """Whether a step is within the tolerance, or the last bits of `x`."""
        return np.abs(step) <= self.tol * np.maximum(np.abs(x), 1.0)

    def tell(self, count: Any, x: Any, size: Any, step: Any) -> None:
        """Report an iterate of a single problem."""
        if self.callback is not None and x.size:
            self.callback(int(count), float(x[0]), float(size[0]), float(step[0]))


def solve_scalars(
    s: Scalars, globalize: bool = True, bracket: Any = None, steps: Any = None
) -> Scalars:
    """Solve problems in one unknown, first by `full_steps` where its `steps` are given."""
    rest = np.arange(s.x.size)
    with np.errstate(all="ignore"):
        if bracket is not None:
            _in_bracket(s, rest, bracket)
            return s
        if steps is not None and not s.bounded:
            rest = s.by_full_steps(steps, s.params, s.tol, s.maxiter)
            if not rest.size:
                return s
        if not globalize:
            plain(s, rest)
            return s
        damped(s, rest)
        stuck = rest[(s.status[rest] == Status.STALLED) | (s.status[rest] == Status.SINGULAR)]
        if stuck.size:
            search(s, stuck)
    return s


def plain(s: Scalars, index: Any) -> None:
    """Full steps, whatever ``|F|`` does.

    A point is a root where the step from it is well within the tolerance and ``|F|`` fell there as it
    does at a root, or where ``|F|`` cannot fall any more after a short step.
    """
    x, count, root = s.x[index], 0, np.zeros(index.shape, bool)
    f, step = s.at(x, index)
    size = np.abs(f)
    while index.size:
        s.tell(count, x, size, step)
        trial = s.moved(x, step)
        f, after = s.at(trial, index)
        left = np.abs(f)
        root |= (size == 0.0) | (s.is_small(step, x) & ~(left < size))
        done = root | ~np.isfinite(step) | (count == s.maxiter)
        if done.any():
            reason = np.where(root, 0, _reason(size, step, count, s.maxiter))
            s.set(index[done], reason[done], x[done], size[done], count)
        root = s.is_small(1e4 * after, trial) & (left <= ROOT_RATE * size)
        index, x, size, step, root = (v[~done] for v in (index, trial, left, after, root))
        count += 1


def _reason(size: Any, step: Any, count: Any, maxiter: int) -> Any:
    """The status of problems that stop without a root."""
    status = np.where(np.isfinite(step), np.where(count >= maxiter, 1, 4), 2)
    return np.where(np.isfinite(size), status, 3)


def damped(s: Scalars, index: Any) -> None:
    """Newton steps from `s.x`, halved until ``|F|`` falls."""
    x, count, t = s.x[index], np.zeros(index.shape, np.intp), np.ones(index.shape)
    f, step = s.at(x, index)
    size = np.abs(f)
    s.tell(0, x, size, step)
    while index.size:
        trial = s.moved(x, t * step)
        f_trial, after = s.at(trial, index)
        left = np.abs(f_trial)
        falls = left <= (1.0 - 1e-4 * t) * size
        end = s.is_small(step, x) & (t == 1.0) & ((left <= ROOT_RATE * size) | ~falls)
        stuck = ~np.isfinite(step) | (t < 2.0**-MAX_HALVINGS)
        stop = (size == 0.0) | stuck | (count >= s.maxiter)
        done = stop | end
        if done.any():
            gone = np.flatnonzero(done)
            take = (end & falls & ~stop)[gone]
            found = ((size == 0.0) | (end & ~stop))[gone]
            reason = _reason(size[gone], step[gone], count[gone], s.maxiter)
            s.set(
                index[gone],
                np.where(found, 0, reason),
                np.where(take, trial[gone], x[gone]),
                np.where(take, left[gone], size[gone]),
                count[gone] + take,
            )
        if falls.any():
            s.tell(count[0] + 1, trial, left, after)
        x, size = np.where(falls, trial, x), np.where(falls, left, size)
        step, count = np.where(falls, after, step), count + falls
        t = np.where(falls, 1.0, 0.5 * t)
        index, x, size, step, count, t = (a[~done] for a in (index, x, size, step, count, t))


def search(s: Scalars, index: Any) -> None:
    """Look for a sign change around `s.x`, at distances that double, and solve there."""
    x = s.x[index]
    f = s.at(x, index)[0]
    reach = 1e-3 * np.maximum(np.abs(x), 1.0)
    inner = [x.copy(), x.copy()]  # the last point of the same sign, on each side
    for _ in range(SEARCH_DOUBLINGS):
        for side, sign in enumerate((-1.0, 1.0)):
            y = s.moved(x, sign * reach)
            fy = s.at(y, index)[0]
            hit = np.isfinite(fy) & (fy * np.sign(f) <= 0) & (s.count[index] < s.maxiter)
            if hit.any():
                ends = inner[side][hit], y[hit]
                values = s.at(ends[0], index[hit])[0], fy[hit]
                between(s, index[hit], *ends, *values)
                keep = ~hit
                index, x, f, y, reach = index[keep], x[keep], f[keep], y[keep], reach[keep]
                fy = fy[keep]
                inner = [points[keep] for points in inner]
            if not index.size:
                return
            inner[side] = np.where(np.isfinite(fy), y, inner[side])
        reach = 2.0 * reach


def _in_bracket(s: Scalars, index: Any, bracket: tuple[float, float]) -> None:
    """Solve between the ends of a bracket, from `s.x`."""
    a, b = (np.full(s.x.shape, float(end)) for end in bracket)
    if ((s.x < a) | (s.x > b)).any():
        raise ArgumentError(f"x0 must lie within the bracket {bracket}")
    fa, fb = s.at(a, index)[0], s.at(b, index)[0]
    change = fa * fb <= 0
    if s.x.size == 1 and not change.all():
        raise ArgumentError(
            f"F has no sign change in the bracket: F({a[0]}) = {fa[0]}, F({b[0]}) = {fb[0]}"
        )
    between(s, index[change], a[change], b[change], fa[change], fb[change], s.x[change])


def between(s: Scalars, index: Any, a: Any, b: Any, fa: Any, fb: Any, start: Any = None) -> None:
    """Steps inside a sign change of F from `a` to `b`; bisection where they leave it or are slow.

    After Press et al., Numerical Recipes, 3rd ed., section 9.4 (rtsafe).
    """
    x = 0.5 * (a + b) if start is None else start
    first = np.minimum(np.abs(fa), np.abs(fb))
    x = np.where(fa == 0, a, np.where(fb == 0, b, x))
    count, previous = s.count[index], np.abs(b - a)
    while index.size:
        f, step = s.at(x, index)
        s.tell(count[0], x, np.abs(f), step)
        same = np.sign(f) == np.sign(fa)
        a, fa, b = np.where(same, x, a), np.where(same, f, fa), np.where(same, b, x)
        y = x + step
        inside = (y - a) * (y - b) < 0
        newton = inside & (np.abs(step) <= 0.5 * previous)
        y = np.where(newton, y, 0.5 * (a + b))
        closed = np.abs(b - a) <= 4e-16 * np.maximum(np.abs(a), np.abs(b))
        small = s.is_small(step, x) & np.isfinite(step) & (np.abs(f) <= first)
        # a closed bracket is a root only if F became small there: it is none at a jump or a pole
        root = (f == 0) | small | (closed & (np.abs(f) <= 1e-8 * first))
        done = root | closed | ~np.isfinite(f) | (count >= s.maxiter)
        if done.any():
            reason = _reason(np.abs(f), np.where(closed, 0.0, f), count, s.maxiter)
            s.set(
                index[done],
                np.where(root, 0, np.where(closed, 4, reason))[done],
                x[done],
                np.abs(f[done]),
                count[done],
            )
        previous = np.where(newton, np.abs(step), np.abs(b - a))
        count, x = count + 1, y
        parts = (index, x, a, b, fa, count, previous, first)
        index, x, a, b, fa, count, previous, first = (v[~done] for v in parts)
