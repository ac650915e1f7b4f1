"""Full Newton steps of all problems of a batch at once, which is all that most of them need.

Points have an axis of unknowns, then one of problems, so that every operation runs along the problems.

1. `approach`: steps while ``|F|`` falls. A problem whose step is, against x, within the root of the
   tolerance takes it and has finished: what is left is the square of that. Finished problems go on, which
   moves their last bits, until enough have finished for the rest to be gathered; where ``|F|`` rises they
   stop.
2. `full_steps`: a problem is solved where the step from it is in the last bits of x, or where short steps
   end as `runtime.ending` has it: ``|F|`` falls as at a root, or is at its rounding level.

What neither settles is for the methods that shorten steps, from the start.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple, Self

import numpy as np

from symgrad.solve.runtime.ending import EPS, LEAST_TOLERANCE, LOCATED, REGULAR_RATE, ProblemBounds
from symgrad.solve.runtime.results import Status

MOST_STEPS = 100  # full steps; what needs more is no ordinary problem
GATHERED = 0.5  # of the problems, when fewer than these go on they are gathered
FEW_BITS = 9 * EPS  # the same where |F| cannot fall any more
REMEASURED = 4  # steps after which x is looked at again, to tell which are short
LAST_CHECKS = 4  # steps after which a problem that is nearly solved is given up
LAST_BITS = 2 * EPS  # a step of the last bits of a number


class FullSteps(NamedTuple):
    """How full steps are computed, at points and with the parameters of their problems.

    A step is what is subtracted. `fast` and `exact` give ``|F|`` and the step; `fast`, which decides
    nothing, may be less accurate, and adds the slope. ``check(x, params, slope)`` gives ``|F|`` and the
    length of Newton's step in each unknown, not finite where the derivative is singular; the slope may be
    that of a point close by. Steps and slopes may be overwritten by the next call. ``is_at_level(x,
    params)`` tells where nothing of F is left but rounding. `rate` is how much of ``|F|`` a short step
    leaves, at most, towards a regular root.
    """

    fast: Callable[..., Any]
    exact: Callable[..., Any]
    check: Callable[..., Any]
    is_at_level: Callable[..., Any]
    rate: float = REGULAR_RATE


class Found:
    """Results of problems, a row each; `x` holds the starts, then where the iteration ended."""

    def __init__(self, x: Any) -> None:
        self.x = x
        self.size = np.full(len(x), np.inf)
        self.count = np.zeros(len(x), np.intp)
        self.status = np.full(len(x), Status.STALLED, np.int8)

    def set(self, index: Any, status: Any, x: Any, size: Any, count: Any) -> None:
        """Write down where the problems `index` ended."""
        self.x[index], self.size[index] = x, size
        self.count[index], self.status[index] = count, status

    def part(self, which: slice) -> Self:
        """Some of the problems; what is found for them is found for all."""
        part = copy(self)
        for name, rows in vars(self).items():
            if isinstance(rows, np.ndarray) and len(rows) == len(self.x):
                setattr(part, name, rows[which])
            elif isinstance(rows, ProblemBounds):
                setattr(part, name, rows.of(which))
        return part

    def by_full_steps(
        self, steps: FullSteps, params: list[Any], tol: float, maxiter: int, box: Any = None
    ) -> Any:
        """Solve what full steps solve; the numbers of the others, which are where they were.

        What leaves the box is none of the former.
        """
        columns = self.x.T if self.x.ndim > 1 else self.x[None]
        done = full_steps(steps, columns, params, tol, maxiter)
        solved = done.solved
        if box is not None:
            solved = solved & ((done.x >= box.low.T) & (done.x <= box.high.T)).all(axis=0)
        rest = np.flatnonzero(~solved)
        starts = self.x[rest]
        columns[:], self.size[:], self.count[:] = done.x, done.size, done.count
        self.status[:] = Status.CONVERGED
        self.set(rest, Status.STALLED, starts, np.inf, 0)
        return rest


class Settled(NamedTuple):
    """Points (unknowns, problems), and for each problem ``|F|``, steps taken, and whether it is solved."""

    x: Any
    size: Any
    count: Any
    solved: Any


def full_steps(steps: FullSteps, x: Any, params: list[Any], tol: float, maxiter: int) -> Settled:
    """Solve as many problems as full steps do; `tol` is how short, against x, the last one is.

    Parameters have the problems as their first axis, or extent 1 where they are the same for all.
    """
    tol = max(tol, LEAST_TOLERANCE)
    within = max(LAST_BITS, 1e-6 * tol)
    with np.errstate(all="ignore"):
        start = x
        x, count, slope, sure = approach(steps.fast, x, params, float(np.sqrt(within)), maxiter)
        size, step = steps.check(x, params, slope)
        found = Settled(x, size.copy(), count.astype(np.intp), size == 0.0)
        short, near = _short(found, step, sure, within, tol, start)
        _at_level(found, steps.is_at_level, near, params)
        _finish(found, steps, short, step.take(short, axis=1), params, tol, maxiter)
    return found


def approach(
    step_at: Callable[..., Any], x: Any, params: list[Any], near: float, maxiter: int
) -> tuple[Any, Any, Any, Any]:
    """Where full steps lead, how many were taken, the last slope, and which ended by a step within `near`.

    Such a step is the last.
    """
    problems = x.shape[1]
    found, counts = x.copy(), np.zeros(problems, np.uint8)
    slopes, surely = np.full(problems, np.nan), np.zeros(problems, bool)
    x, count, going = x.copy(), counts.copy(), np.ones(problems, bool)
    at: Any = slice(None)
    bound: Any = np.inf
    slope: Any = np.nan
    lost, sure = ~going, ~going
    least = np.empty_like(x)
    for k in range(min(maxiter, MOST_STEPS)):
        size, step, slope = step_at(x, params)
        falls = size < bound
        lost |= going > falls
        going &= falls
        going &= size > 0.0
        if lost.any():
            step *= ~lost
        x -= step
        count += going.view(np.uint8)
        if k % REMEASURED == 1:
            np.abs(np.multiply(x, near, out=least), out=least)
        if k > 0:  # a first step that is short is followed by one that does not lower |F|
            last = all_unknowns(np.abs(step, out=step) <= least)
            last &= going
            sure |= last
            going ^= last
        left = np.count_nonzero(going)
        bound = size
        if left < GATHERED * going.size:
            _put((found, counts, slopes, surely), at, (x, count, slope, sure))
            if not left:
                return found, counts, slopes, surely
            keep = np.flatnonzero(going)
            at = keep if isinstance(at, slice) else at[keep]
            params = taken(params, keep, going.size)
            x, count, bound = x.take(keep, axis=1), count[keep], bound[keep]
            slope = slope[keep] if np.ndim(slope) else slope
            going, lost, least = going[keep], lost[keep], least.take(keep, axis=1)
            sure = sure[keep]
    _put((found, counts, slopes, surely), at, (x, count, slope, sure))
    return found, counts, slopes, surely


def _put(results: tuple[Any, ...], at: Any, now: tuple[Any, ...]) -> None:
    for row, values in zip(results[0], now[0], strict=True):
        row[at] = values
    for result, value in zip(results[1:], now[1:], strict=True):
        result[at] = value


def taken(params: list[Any], index: Any, problems: int) -> list[Any]:
    """The parameters of some of the problems."""
    return [p[index] if p.shape[0] == problems else p for p in params]


def all_unknowns(of_entries: Any) -> Any:
    """Whether something holds for all unknowns of each problem."""
    return of_entries[0] if len(of_entries) == 1 else of_entries.all(axis=0)


def _short(
    found: Settled, step: Any, sure: Any, within: float, tol: float, start: Any
) -> tuple[Any, Any]:
    """Mark what is solved as far as these steps tell.

    Returns which others have short ones, and which have ones that still may locate a root.
    """
    x, count, solved = found.x, found.count, found.solved
    limit = np.multiply(x, within)
    np.abs(limit, out=limit)
    tiny = all_unknowns(step <= limit)
    tiny &= all_unknowns(step >= np.negative(limit, out=limit))
    if not limit.min(initial=0.0) > -np.inf:
        tiny &= all_unknowns(limit > -np.inf)
    # a step in the last bits after one that was within the root of the tolerance, with |F| falling
    tiny &= sure
    solved[:] = tiny
    index = np.flatnonzero(~tiny)
    length, size = np.abs(step.take(index, axis=1)), np.abs(x.take(index, axis=1))
    short = all_unknowns((length <= tol * size) & (size < np.inf)) & sure[index]
    scale = np.maximum(size, np.abs(start.take(index, axis=1)))
    near = all_unknowns((length <= LOCATED * scale) & (scale < np.inf)) & ~short
    near &= (count[index] > 1) | (found.size[index] == 0.0)
    return index[short], index[near]


def _at_level(
    found: Settled, is_at_level: Callable[..., Any], index: Any, params: list[Any]
) -> None:
    """Solved is what steps cannot tell, such as an unknown that tends to 0, where F is at its level."""
    if index.size:
        problems = found.x.shape[1]
        at = found.x.take(index, axis=1)
        found.solved[index] = is_at_level(at, taken(params, index, problems))


def _finish(
    found: Settled,
    steps: FullSteps,
    index: Any,
    step: Any,
    params: list[Any],
    tol: float,
    maxiter: int,
) -> None:
    """Solve the problems `index`, which have short steps, as long as those are short."""
    x, size, count, solved = found
    if not index.size:
        return
    params = taken(params, index, x.shape[1])
    at = x.take(index, axis=1)
    for _ in range(LAST_CHECKS):
        to = at - step
        before = size[index]
        after, step = steps.exact(to, params)
        falls = (after < before) & (count[index] < maxiter)
        # steps in the last bits of x are rounding; others are so at the level of F
        last = ~falls & all_unknowns(np.abs(at - to) <= FEW_BITS * np.abs(at))
        solved[index[last]] = True
        level = np.flatnonzero(~falls & ~last)
        if level.size:
            there = taken(params, level, index.size)
            solved[index[level]] = steps.is_at_level(at.take(level, axis=1), there, before[level])
        moved = index[falls]
        x[:, moved], size[moved] = to[:, falls], after[falls]
        count[moved] += 1
        root = falls & (after <= steps.rate * before)
        solved[index[root]] = True
        keep = falls & ~root
        keep &= all_unknowns(np.abs(step) <= tol * np.abs(to))
        if not keep.any():
            return
        params = taken(params, keep, index.size)
        index, at, step = index[keep], to[:, keep], step[:, keep]
