"""Roots of large systems with few entries in the Jacobian: Newton steps by SciPy's sparse factors.

Steps are halved until ``|F|`` falls. When an iteration ends, and what its end is called, is for
`runtime.ending`; here the factors of the last Jacobian tell whether a root is located.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.solve.runtime.approach import Found
from symgrad.solve.runtime.arguments import Problems, SolverCall, answer, prepare, report, split
from symgrad.solve.runtime.ending import (
    CONTRACTED,
    LEAST_TOLERANCE,
    REGULAR_RATE,
    Levels,
    are_short,
    are_steady,
    held_by,
    holds_zero,
    is_at_level,
    is_isolated,
    is_located,
    is_short,
    lengths,
    measure,
    part_of_box,
    short_of_zero,
    tends_to_zero,
)
from symgrad.solve.runtime.results import Solution, Status, delivered
from symgrad.solve.runtime.roots import INWARD, inward

SHORTEST = 2.0**-30  # part of a step that is still tried
SHORT = 2.0**-10  # part of a step, below which its direction is taken for a bad one
RIDGE = 1e-12  # of the same, where unknowns are held and equations are more than unknowns
SHIFT = 1e-3  # of the largest entry on the diagonal of J.T J, where J is singular
NEAR_ROOT = 1e-6  # a relative step, after which nothing may be left of F but rounding
FLOOR = 1e-4  # of |F| at the start, from which on its level is looked at


def sparse_library() -> Any:
    """`scipy.sparse`, with its factors; an error that says what to install where there is none."""
    try:
        import scipy.sparse.linalg  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise ArgumentError(
            'method="sparse" needs SciPy, the extra "scipy": pip install scipy'
        ) from error
    return scipy.sparse


class _Point(NamedTuple):
    x: Any
    r: Any
    jac: Any
    size: float  # of r


class SparseRoot:
    """One problem: ``at(x)`` gives residuals and Jacobian, ``level(x)`` below which they are rounding."""

    def __init__(
        self,
        at: Callable[[Any], tuple[Any, Any]],
        level: Callable[[Any], Any],
        x: Any,
        tol: float,
        maxiter: int,
        globalize: bool,
        callback: Any = None,
        box: Any = None,
        x_scale: Any = 0.0,
        ftol: float | None = None,
    ) -> None:
        self.given, self.given_level = at, level
        self.tol, self.maxiter, self.globalize = max(tol, LEAST_TOLERANCE), maxiter, globalize
        self.callback, self.box, self.x_scale, self.ftol = callback, box, x_scale, ftol
        self.x = x
        self.scale = np.maximum(np.abs(self.x), x_scale)  # learned from the iterates
        self.unit = 1.0
        self.factors: Any = None  # of the last Jacobian
        self.first = np.inf  # |F| at the start
        self.moved: Any = None  # the last step
        self.before, self.rate = np.nan, np.nan  # its length where it was a full one, and its rate
        self.slow = self.looked = False  # whether |F| hardly fell; whether its level was looked at

    def at(self, x: Any) -> tuple[Any, Any]:
        """Residuals and Jacobian, in units of the residuals at the start."""
        r, jac = self.given(x)
        return (r, jac) if self.unit == 1.0 else (r * self.unit, jac * self.unit)

    def moved_by(self, x: Any, p: Any) -> Any:
        """``x + p`` within the bounds; a bound that excludes 0 is only approached."""
        return x + p if self.box is None else short_of_zero(self.box, x, x + p)

    def run(self) -> tuple[Any, float, int, Status]:
        """Where the iteration ends: the point, ``|F|``, steps, and the status.

        Bounds at which it got stuck are left once, for a start farther inside.
        """
        start = self.x
        found = self._run()
        if found[3] != Status.CONVERGED and self.box is not None and self.globalize:
            self.x = inward(start, self.box.low, self.box.high, INWARD[0])
            self.scale, self.unit = np.maximum(np.abs(self.x), self.x_scale), 1.0
            self.moved, self.before, self.rate = None, np.nan, np.nan
            self.slow = self.looked = False
            again = self._run()
            found = again if again[3] == Status.CONVERGED else found
        return found

    def _run(self) -> tuple[Any, float, int, Status]:
        _, exponent = np.frexp(np.abs(self.at(self.x)[0]).max(initial=0.0))
        self.unit = float(np.ldexp(1.0, int(np.clip(-exponent, -1022, 1022))))
        if 2.0**-100 < self.unit < 2.0**100:
            self.unit = 1.0
        x, size, count, status = self._iterate(self.x)
        return x, size / self.unit, count, status

    def _iterate(self, x: Any) -> tuple[Any, float, int, Status]:
        here, count = self._point(x), 0
        self.first = here.size
        while True:
            status = self._ended(here)
            if status is not None:
                return here.x, here.size, count, status
            p, regular = self._direction(here)
            if p is None or not p.any():
                return here.x, here.size, count, Status.SINGULAR
            if self.callback is not None:
                self.callback(count, here.x, here.size / self.unit, p)
            part, to = self._forward(here, p, regular)
            status = self._given_up(here, to, part, p, regular)
            if status is None and count >= self.maxiter:
                status = Status.ITERATION_LIMIT
            if status is not None:
                return here.x, here.size, count, status
            full = regular and part == 1.0
            last = full and self._ends(here, p, to.size)
            self.slow, self.moved = not to.size < 0.1 * here.size, to.x - here.x
            here, count = to, count + 1
            self.scale = np.maximum(self.scale, np.where(np.isfinite(to.x), np.abs(to.x), 0.0))
            zero = None if last or not full else self._vanished(here, p)
            here = zero or here
            if last or zero is not None:
                return here.x, here.size, count, Status.CONVERGED

    def _direction(self, here: _Point) -> tuple[Any, bool]:
        """Newton's step, and whether it is one; else that of least squares, or None.

        What is at a bound is held where it, or a descent of ``|F|``, would lead beyond.
        """
        box = self.box
        held = np.zeros(here.x.shape, bool)
        if box is not None:
            held = held_by(box, here.x, here.jac.T @ here.r)
        while True:
            p = None if held.any() else self._solved(here.jac, -here.r)
            regular = p is not None
            if p is None and self.globalize:
                kept = sparse_library().diags_array(1.0 * ~held)
                p = _least_squares_step(here.jac @ kept, here.r, RIDGE if held.any() else SHIFT)
            if p is None or box is None:
                return p, regular
            blocked = ~held & (((here.x <= box[0]) & (p < 0)) | ((here.x >= box[1]) & (p > 0)))
            if not blocked.any():
                return p, regular
            held |= blocked

    def _point(self, x: Any) -> _Point:
        r, jac = self.at(x)
        return _Point(x, r, jac, _length(r))

    def _ended(self, here: _Point) -> Status | None:
        """What ends the iteration before a step is taken.

        Where ``|F|`` is low, and where a step did not lower it much, nothing may be left but rounding.
        """
        if not (np.isfinite(here.size) and np.isfinite(here.jac.data).all()):
            return Status.NON_FINITE
        self.looked = here.size <= FLOOR * self.first or here.size == 0 or self.slow
        return Status.CONVERGED if self.looked and self._is_root(here) else None

    def _forward(self, here: _Point, p: Any, regular: bool) -> tuple[float, _Point]:
        """Where a step leads: shortened, in another direction, or towards a multiple root longer."""
        part, to = self._shortened(here, p)
        if self.globalize and regular and part < SHORT:  # nearly singular: another direction
            other = _least_squares_step(here.jac, here.r)
            if other is not None:
                part, to = self._shortened(here, other)
        full = regular and part == 1.0
        step = self._size_of(p, to.x)
        rate = step / self.before if self.before > 0 else np.nan
        if full and are_steady(rate, self.rate):
            longer = self._point(self.moved_by(here.x, p / (1.0 - rate)))
            to = longer if longer.size < to.size else to
        self.rate, self.before = rate, step if full else np.nan
        return part, to

    def _given_up(
        self, here: _Point, to: _Point, part: float, p: Any, regular: bool
    ) -> Status | None:
        """What ends the iteration where a step does not lower ``|F|``."""
        if not to.size < here.size:
            small = regular and bool(is_short(p, here.x, self.tol, self.x_scale))
            if (not self.looked and self._is_root(here)) or (small and self._alone(here)):
                return Status.CONVERGED
            if small and self.globalize:
                return Status.STALLED
        if part < SHORTEST:
            return Status.STALLED if regular else Status.SINGULAR
        return None

    def _size_of(self, p: Any, to: Any) -> float:
        """The length of a step, in scales of the unknowns."""
        scale = np.maximum(self.scale, np.abs(to))
        return _length(np.divide(p, scale, out=np.zeros_like(p), where=scale > 0))

    def _ends(self, here: _Point, p: Any, size_to: float) -> bool:
        """Whether a full step is the last."""
        if self.ftol is not None and size_to <= self.ftol * self.first:
            return True
        short = is_short(p, here.x, self.tol, self.x_scale)
        return bool(short) and size_to <= REGULAR_RATE * here.size

    def _vanished(self, here: _Point, p: Any) -> _Point | None:
        """The root where the components are 0 that tend to it by the step `p`, if that is one."""
        to_zero = tends_to_zero(np.abs(p), here.x, self.scale) & holds_zero(self.box)
        near = to_zero | are_short(p, here.x, NEAR_ROOT, self.x_scale)
        if not (to_zero.any() and near.all()):
            return None
        zero = self._point(np.where(to_zero, 0.0, here.x))
        return zero if self._is_root(zero) else None

    def _level(self, x: Any) -> Any:
        return self.given_level(x) * self.unit

    def _alone(self, here: _Point) -> bool:
        """Whether the level is not known, so that a short step decides alone."""
        return here.size <= CONTRACTED * self.first and not np.isfinite(self._level(here.x)).all()

    def _is_root(self, here: _Point) -> bool:
        """Whether residuals are at their levels, and the root is located or isolated."""
        x, r, jac, _ = here
        level = self._level(x)
        least = np.where(np.isfinite(level), level, np.where(r == 0.0, 0.0, np.nan))
        if not (np.isfinite(x).all() and is_at_level(r, least)):
            return False
        if self.factors is None:
            self._solved(jac, -r)
        shift: Any = None if self.factors is None else self.factors.solve(least)
        scale = measure(x, self.scale, self.x_scale, least.min(initial=1.0))
        sound = shift is not None and bool(np.isfinite(shift).all())
        if sound and self.moved is not None and is_located(shift, x, scale):
            unit = np.where(scale > 0, scale, 1.0)
            if _length(shift / unit) <= 0.1 * _length(self.moved / unit):
                return True
        if not sound or not shift.any():
            shift = np.where(scale > 0, scale, scale.max(initial=0.0) or 1.0)
        top = scale.max(initial=0.0) or 1.0
        return self._stands_out(x, r, top * shift / np.abs(shift).max())

    def _stands_out(self, x: Any, r: Any, away: Any) -> bool:
        """Whether F rises on both sides in a direction."""
        isolated = is_isolated(
            lambda y, index: self.at(y[0])[0][None],
            lambda y, index: self._level(y[0])[None],
            x[None],
            away[None],
            np.zeros(1, int),
        )
        here = _length(r)
        if not isolated[0]:
            return False
        sides = [_length(self.at(x + side * away)[0]) for side in (-1e-3, 1e-3)]
        return here == 0.0 or not any(size <= here for size in sides)

    def _solved(self, matrix: Any, right: Any) -> Any:
        """A step by sparse factors, or None where the matrix is singular."""
        factors = _factors(matrix)
        if factors is None:
            return None
        p = factors.solve(right)
        if not np.isfinite(p).all():
            return None
        self.factors = factors
        return p

    def _shortened(self, here: _Point, p: Any) -> tuple[float, _Point]:
        """The step, halved until ``|F|`` falls: which part of it, and where that leads."""
        part = 1.0
        while True:
            to = self._point(self.moved_by(here.x, part * p))
            falls = to.size <= (1 - 1e-4 * part) * here.size and np.isfinite(to.jac.data).all()
            if falls or not self.globalize or part < SHORTEST:
                return part, to
            part *= 0.5


def _length(v: Any) -> float:
    return float(lengths(v[None])[0])


def _factors(matrix: Any) -> Any:
    try:
        return sparse_library().linalg.splu(matrix)
    except RuntimeError:  # exactly singular
        return None


def _least_squares_step(jac: Any, r: Any, part: float = SHIFT) -> Any:
    """A step that lowers ``|r + J p|`` where J is singular: ``(J.T J + shift) p = -J.T r``."""
    normal = (jac.T @ jac).tocsc()
    shift = part * float(normal.diagonal().max(initial=0.0))
    if not shift > 0:
        return None
    eye = sparse_library().eye_array(r.size, format="csc")
    factors = _factors(normal + shift * eye)
    p = None if factors is None else factors.solve(-(jac.T @ r))
    return p if p is not None and np.isfinite(p).all() else None


def solve_sparse(
    evaluate: Callable[..., Any],
    rounding: Callable[..., Any],
    call: SolverCall,
) -> Solution:
    """The `Solution` of a square system; problems of a batch one after another."""
    problems = prepare(call)
    tolerances = call.tolerances
    if tolerances.gtol is not None:
        raise ArgumentError("gtol is for minima and fits; a root has xtol and ftol")
    found = Found(problems.x)
    levels = Levels(rounding, lambda x: split(x, problems.shapes), problems.params)
    single = not problems.batch
    with np.errstate(all="ignore"):
        for k in range(len(found.x)):
            solver = SparseRoot(
                sparse_system(evaluate, problems, [v[k] for v in problems.params]),
                _level_of(levels, k),
                found.x[k],
                tolerances.step,
                call.maxiter,
                call.options["globalize"],
                _teller(call.callback, single, len(found.x) - k),
                part_of_box(problems.box, k),
                problems.x_scale,
                tolerances.ftol,
            )
            *point, status = solver.run()
            found.set(k, status, *point)
    return delivered(answer(Solution, call, problems, found), call.raise_on_failure)


def _level_of(levels: Levels, k: int) -> Callable[[Any], Any]:
    """Levels of one problem of a batch."""
    return lambda x: levels.at(x[None], slice(k, k + 1))[0]


def _teller(callback: Any, single: bool, left: int) -> Any:
    """What reports an iterate; of a batch, that of the problem under way stands for all that are left."""
    if callback is None:
        return None
    shape = (1 if single else left, -1)

    def tell(count: int, x: Any, size: float, p: Any) -> None:
        rows = [np.broadcast_to(v, (shape[0], np.size(v))) for v in (x, p)]
        report(callback, single, count, rows[0], np.full(shape[0], size), rows[1])

    return tell


def sparse_system(
    evaluate: Callable[..., Any], problems: Problems, params: list[Any]
) -> Callable[[Any], tuple[Any, Any]]:
    """Residuals and Jacobians over a flat vector; entries come with their positions in C order."""
    matrix = sparse_library().csc_array
    known: list[Any] = []

    def at(x: Any) -> tuple[Any, Any]:
        *parts, entries, where = evaluate(*split(x, problems.shapes), *params)
        r = np.concatenate([np.asarray(part, np.float64).reshape(-1) for part in parts])
        entries = np.asarray(entries, np.float64)
        if not known:
            known.append(_columns_of(where, r.size, x.size))
        order, indices, starts = known[0]
        if order is None:
            rows, columns = np.divmod(where, x.size)
            return r, matrix((entries, (rows, columns)), shape=(r.size, x.size))
        return r, matrix((entries[order], indices, starts), shape=(r.size, x.size))

    return at


def _columns_of(where: Any, rows: int, columns: int) -> tuple[Any, Any, Any]:
    """How entries are ordered column by column: their order, row indices, and starts of the columns."""
    row, column = np.divmod(where, columns)
    order = np.lexsort((row, column))
    if (np.diff(where[order]) == 0).any():  # entries that add up
        return None, None, None
    starts = np.concatenate([[0], np.cumsum(np.bincount(column, minlength=columns))])
    return order, row[order].astype(np.int32), starts.astype(np.int32)
