"""Full Newton steps of all problems of a batch at once, which is all that most of them need.

Points have an axis of unknowns, then one of problems, so that every operation runs along the problems.

1. `approach`: steps while ``|F|`` falls. A problem whose step is within the root of the tolerance takes
   it and has finished: what is left is the square of that. Finished problems go on, which moves their
   last bits, until enough have finished for the rest to be gathered; where ``|F|`` rises they stop.
2. `full_steps`: a problem is solved where the step from it is well within the tolerance, or where a short
   step does not lower ``|F|`` any more.

What neither settles is for the methods that shorten steps, from the start.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple, Self

import numpy as np

from symgrad.solve.runtime.results import Status

MOST_STEPS = 100  # full steps; what needs more is no ordinary problem
GATHERED = 0.5  # of the problems, when fewer than these go on they are gathered
LAST_CHECKS = 4  # steps after which a problem that is nearly solved is given up
LEAST_TOLERANCE = 3e-16
LAST_BITS = 2.0**-51  # a step of the last bits of a number near 1
# At a root of multiplicity m a step leaves (1 - 1/m)**m < 0.37 of |F|; at a pole of order below 6,
# where steps are short too, it leaves more than 0.4
ROOT_RATE = 0.4


class Steps(NamedTuple):
    """How full steps are computed, at points and with the parameters of their problems.

    A step is what is subtracted. `fast` and `exact` give ``|F|`` and the step; `fast`, which decides
    nothing, may be less accurate, and adds the slope. ``check(x, params, slope)`` gives ``|F|`` and the
    length of the step in each unknown, where the slope may be that of a point close by. Steps and slopes
    may be overwritten by the next call.
    """

    fast: Callable[..., Any]
    exact: Callable[..., Any]
    check: Callable[..., Any]


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
        return part

    def by_full_steps(self, steps: Steps, params: list[Any], tol: float, maxiter: int) -> Any:
        """Solve what full steps solve; the numbers of the others, which are where they were."""
        columns = self.x.T if self.x.ndim > 1 else self.x[None]
        done = full_steps(steps, columns, params, tol, maxiter)
        rest = np.flatnonzero(~done.solved)
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


def full_steps(steps: Steps, x: Any, params: list[Any], tol: float, maxiter: int) -> Settled:
    """Solve as many problems as full steps do; `tol` is the length of a short step.

    Parameters have the problems as their first axis, or extent 1 where they are the same for all.
    """
    tol = max(tol, LEAST_TOLERANCE)
    within = max(LAST_BITS, 1e-6 * tol)
    with np.errstate(all="ignore"):
        x, count, slope = approach(steps.fast, x, params, float(np.sqrt(within)), maxiter)
        size, length = steps.check(x, params, slope)
        found = Settled(x, size.copy(), count.astype(np.intp), size == 0.0)
        index = _short(found, length, within, tol)
        _finish(found, steps.exact, index, params, tol, maxiter)
    return found


def approach(
    step_at: Callable[..., Any], x: Any, params: list[Any], near: float, maxiter: int
) -> tuple[Any, Any, Any]:
    """Where full steps lead, how many were taken, and the last slope; one within `near` is the last."""
    found, counts, slopes = x.copy(), np.zeros(x.shape[1], np.uint8), np.full(x.shape[1], np.nan)
    x, count, going = x.copy(), counts.copy(), np.ones(x.shape[1], bool)
    at: Any = slice(None)
    bound: Any = np.inf
    slope: Any = np.nan
    lost = ~going
    for _ in range(min(maxiter, MOST_STEPS)):
        size, step, slope = step_at(x, params)
        falls = size < bound
        lost |= going > falls
        going &= falls
        going &= size > 0.0
        if lost.any():
            step *= ~lost
        x -= step
        count += going.view(np.uint8)
        going &= ~all_unknowns(np.abs(step, out=step) <= near)
        left = np.count_nonzero(going)
        bound = size
        if left < GATHERED * going.size:
            _put(found, counts, slopes, at, (x, count, slope))
            if not left:
                return found, counts, slopes
            keep = np.flatnonzero(going)
            at = keep if isinstance(at, slice) else at[keep]
            params = taken(params, keep, going.size)
            x, count, bound = x.take(keep, axis=1), count[keep], bound[keep]
            going, lost = going[keep], lost[keep]
    _put(found, counts, slopes, at, (x, count, slope))
    return found, counts, slopes


def _put(found: Any, counts: Any, slopes: Any, at: Any, now: tuple[Any, Any, Any]) -> None:
    for row, values in zip(found, now[0], strict=True):
        row[at] = values
    counts[at], slopes[at] = now[1:]


def taken(params: list[Any], index: Any, problems: int) -> list[Any]:
    """The parameters of some of the problems."""
    return [p[index] if p.shape[0] == problems else p for p in params]


def all_unknowns(of_entries: Any) -> Any:
    """Whether something holds for all unknowns of each problem."""
    return of_entries[0] if len(of_entries) == 1 else of_entries.all(axis=0)


def _short(found: Settled, length: Any, within: float, tol: float) -> Any:
    """Mark what is solved as far as steps of these lengths tell; which others have short ones."""
    x, count, solved = found.x, found.count, found.solved
    # after two steps, with |F| falling, the first of them no short one
    solved |= all_unknowns(length <= within) & (count > 1)
    index = np.flatnonzero(~solved)
    length, scale = length.take(index, axis=1), np.maximum(np.abs(x.take(index, axis=1)), 1.0)
    solved[index] = all_unknowns(length <= within * scale) & (count[index] > 1)
    return index[~solved[index] & all_unknowns(length <= tol * scale)]


def _finish(
    found: Settled,
    step_at: Callable[..., Any],
    index: Any,
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
    before, step = step_at(at, params)
    size[index] = before
    for _ in range(LAST_CHECKS):
        to = at - step
        before = size[index]
        after, step = step_at(to, params)
        falls = (after < before) & (count[index] < maxiter)
        moved = index[falls]
        x[:, moved], size[moved] = to[:, falls], after[falls]
        count[moved] += 1
        root = np.isfinite(after) & ~(after < before)
        root |= falls & ((after <= ROOT_RATE * before) | (after == 0.0))
        solved[index[root]] = True
        keep = falls & ~root
        keep &= all_unknowns(np.abs(step) <= tol * np.maximum(np.abs(to), 1.0))
        if not keep.any():
            return
        params = taken(params, keep, index.size)
        index, at, step = index[keep], to[:, keep], step[:, keep]
