"""The call of a solver of minima under constraints: an interior point, then Newton on what is active.

What the interior point method finds is near a point of Karush, Kuhn and Tucker. The constraints whose
multipliers are larger than their distances are taken for equations there, and Newton's method for the
conditions ends as all solvers here do: by steps that are short in every unknown and contract. Signs of
multipliers, the other constraints and the curvature on the tangents then decide whether it is a minimum.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from symgrad.solve.runtime.arguments import (
    Problems,
    SolverCall,
    joined,
    prepare,
    report,
    shaped,
    split,
)
from symgrad.solve.runtime.calls import column_of, matrix_of
from symgrad.solve.runtime.ending import (
    EPS,
    LEAST_TOLERANCE,
    ROOT_RATE,
    Levels,
    lengths,
    part_of_box,
    within,
)
from symgrad.solve.runtime.interior import Interior
from symgrad.solve.runtime.results import CURVATURES, Constrained, Multipliers, Status, delivered
from symgrad.solve.runtime.spectra import curvature_of

GOOD = 1e-8  # the error, in scaled units, that the interior point method comes to
LEAST = 1e-11  # the smallest that is asked of it
FAIR = 1e-6  # the same where no step makes progress any more
SCALED = (1e-2, 1e2)  # the range of slopes that are left as they are
POLISHING = 150  # Newton steps on the conditions; at a minimum of higher order they converge slowly
MOVED = 0.1  # of the scale of the unknowns: how far they may lead
MET = 1e-12  # of the terms of a constraint, by which it may be missed
LEFT_OF_SLOPE = 1e-9  # of the terms of a slope, which is rounding where no step tells
HUGE = 1e8  # of the slope: multipliers that there are none for
AROUND = 4  # points beside a saddle that are gone on from
ASIDE_FROM_UNKNOWNS = 1e-2  # of the scale of the unknowns, how far they are


class Sizes(NamedTuple):
    """How many entries there are of the unknowns, and of equations and inequalities together."""

    unknowns: list[int]
    equal: list[int]
    inequal: list[int]


class Constraints:
    """The generated functions of one problem, over a flat vector of unknowns.

    ``evaluate(*unknowns, *params)`` gives value, equations, inequalities, gradient and the blocks of their
    Jacobian; ``curvature(*unknowns, *equal, *inequal, weight, *params)`` the blocks of the Hessian of
    ``weight*f + equal.c + inequal.h``.
    """

    def __init__(
        self,
        evaluate: Callable[..., Any],
        curvature: Callable[..., Any],
        parts: tuple[int, int],
        problems: Problems,
        params: list[Any],
    ) -> None:
        self.evaluate, self.second = evaluate, curvature
        self.params = [v if v.ndim else float(v) for v in params]
        self.shapes, k = problems.shapes, sum(parts)
        with np.errstate(all="ignore"):
            outputs = evaluate(*split(problems.x[0], self.shapes), *self.params)
        self.of = [np.shape(y) for y in outputs[1 : 1 + k]]  # the shapes of the constraints
        sizes = [prod(s) for s in self.of]
        unknowns = [prod(s) for s in self.shapes]
        self.sizes = Sizes(unknowns, sizes[: parts[0]], sizes[parts[0] :])
        self.scalar = not any((*self.shapes, *self.of))

    def at(self, x: Any) -> tuple[float, Any, Any, Any]:
        """Value, constraints, gradient and Jacobian."""
        k, n = len(self.of), len(self.shapes)
        if self.scalar:
            v = np.array(self.evaluate(*x.tolist(), *self.params), np.float64)
            return float(v[0]), v[1 : 1 + k], v[1 + k : 1 + k + n], v[1 + k + n :].reshape(k, n)
        outputs = self.evaluate(*split(x, self.shapes), *self.params)
        f, *rest = [np.asarray(y)[None] for y in outputs]
        of, slopes, blocks = rest[:k], rest[k : k + n], rest[k + n :]
        rows = [*self.sizes.equal, *self.sizes.inequal]
        c, g = column_of(of)[0], column_of(slopes)[0]
        return float(f[0]), c, g, matrix_of(blocks, rows, self.sizes.unknowns)[0]

    def curvature(self, x: Any, y: Any, weight: float) -> Any:
        """The Hessian of ``weight*f + y.c``."""
        n = x.size
        if self.scalar:
            blocks = self.second(*x.tolist(), *y.tolist(), weight, *self.params)
            matrix = np.array(blocks, np.float64).reshape(n, n)
        else:
            multipliers = split(y, self.of)
            blocks = self.second(*split(x, self.shapes), *multipliers, weight, *self.params)
            sizes = self.sizes.unknowns
            matrix = matrix_of([np.asarray(b)[None] for b in blocks], sizes, sizes)[0]
        return 0.5 * (matrix + matrix.T)


class Slacked:
    """The problem in units near 1, with ``h(x) - s = 0, s >= 0`` for inequalities.

    What is fixed is left out; ``x = unit*z``; value and constraints are multiplied by `of_f` and `of_c`.
    """

    def __init__(self, functions: Constraints, sides: Any, x: Any, x_scale: Any) -> None:
        self.functions = functions
        n, self.m = x.size, sum(functions.sizes.equal)
        self.k = sum(functions.sizes.inequal)
        low, high = sides if sides is not None else (np.full(n, -np.inf), np.full(n, np.inf))
        self.free = low < high
        self.fixed = np.where(self.free, np.clip(x, low, high), low)
        unit = np.where(x_scale > 0, x_scale, np.abs(self.fixed))
        self.unit = _power_of_two_below(np.where(unit > 0, unit, 1.0))
        d = self.unit[self.free]
        self.low = np.concatenate([low[self.free] / d, np.zeros(self.k)])
        self.high = np.concatenate([high[self.free] / d, np.full(self.k, np.inf)])
        self.equations = self.m + self.k
        with np.errstate(all="ignore"):
            _, c, g, jac = functions.at(self.fixed)
            slopes = np.abs(jac[:, self.free] * d).max(axis=1, initial=0.0)
            slopes = np.fmax(slopes, np.minimum(np.abs(c), SCALED[0]))  # it may be flat just here
            slope = np.abs(g[self.free] * d).max(initial=0.0)
        self.of_f, self.of_c = float(_towards_one(slope)), _towards_one(slopes)

    def start(self) -> Any:
        """Unknowns and slacks."""
        c = self.functions.at(self.fixed)[1] * self.of_c
        s = np.where(np.isfinite(c[self.m :]), c[self.m :], 1.0)
        return np.concatenate([(self.fixed / self.unit)[self.free], s])

    def point(self, w: Any) -> Any:
        """The unknowns in their own units."""
        x = self.fixed.copy()
        x[self.free] = w[: w.size - self.k] * self.unit[self.free]
        return x

    def magnitudes(self, top: Any) -> Any:
        """The largest magnitudes of the unknowns, in their own units."""
        out = np.abs(self.fixed)
        out[self.free] = np.maximum(out[self.free], top[: top.size - self.k] * self.unit[self.free])
        return np.where(out > 0, out, self.unit)

    def at(self, w: Any) -> tuple[float, Any, Any, Any]:
        """Value, equations, gradient and Jacobian."""
        f, c, g, jac = self.functions.at(self.point(w))
        c = c * self.of_c
        c[self.m :] -= w[w.size - self.k :]
        slack = np.zeros((self.equations, self.k))
        slack[self.m :] = -np.eye(self.k)
        jac = (jac * self.unit * self.of_c[:, None])[:, self.free]
        g = (g * self.unit * self.of_f)[self.free]
        return (
            f * self.of_f,
            c,
            np.concatenate([g, np.zeros(self.k)]),
            np.concatenate([jac, slack], axis=1),
        )

    def curvature(self, w: Any, y: Any, weight: float = 1.0) -> Any:
        """The Hessian of ``weight*f + y.c``, over unknowns and slacks."""
        h = self.functions.curvature(self.point(w), y * self.of_c, weight * self.of_f)
        d = self.unit[self.free]
        n = d.size
        out = np.zeros((w.size, w.size))
        out[:n, :n] = h[np.ix_(self.free, self.free)] * d[:, None] * d
        return out


class KktPoint(NamedTuple):
    """A point with multipliers, ``L = f - y.c - low.(x - low) - high.(high - x)``."""

    x: Any
    y: Any  # of equations, then of inequalities
    low: Any
    high: Any
    active: Any  # which constraints are equations here
    held: Any  # which unknowns are at a bound, or fixed


def _power_of_two_below(v: Any) -> Any:
    return np.ldexp(1.0, np.frexp(v)[1] - 1)


def _towards_one(slope: Any) -> Any:
    """The factor that brings slopes into the range of what is left as it is."""
    least, most = SCALED
    known = np.where((slope > 0) & np.isfinite(slope), slope, 1.0)
    return _power_of_two_below(
        np.where(known < least, least / known, np.minimum(1.0, most / known)) * 2
    )


def interior_point(slacked: Slacked, run: Interior) -> KktPoint:
    """What the iteration has come to, in the units of the problem."""
    now, k = run.now, slacked.k
    n = now.x.size - k
    x = slacked.point(now.x)
    y = -run.y * slacked.of_c / slacked.of_f
    z = run.low_z[n:]
    y[slacked.m :] = z * slacked.of_c[slacked.m :] / slacked.of_f
    unit = slacked.unit[slacked.free] * slacked.of_f
    low, high = np.zeros(x.shape), np.zeros(x.shape)
    low[slacked.free], high[slacked.free] = run.low_z[:n] / unit, run.high_z[:n] / unit
    active = np.concatenate([np.ones(slacked.m, bool), now.x[n:] < z])
    held = ~slacked.free
    below, above = run.distances
    held[slacked.free] = (below[:n] < run.low_z[:n]) | (above[:n] < run.high_z[:n])
    return KktPoint(x, y, low, high, active, held)


def slope_of(at: Any, y: Any) -> Any:
    """``grad f - A.T y``."""
    _, _, g, jac = at
    return g - jac.T @ y


def polished(
    functions: Constraints, near: KktPoint, sides: Any, scale: Any, xtol: float
) -> KktPoint | None:
    """Newton's method on the conditions with what is active; None where it does not end as at a root."""
    x, y = near.x.copy(), np.where(near.active, near.y, 0.0)
    if sides is not None:
        middle = 0.5 * sides[0] + 0.5 * sides[1]
        at_high = near.high > near.low
        at_high |= (sides[0] == sides[1]) & np.isfinite(middle)
        x = np.where(near.held, np.where(at_high, sides[1], sides[0]), x)
    free, rows = ~near.held, near.active
    last, size, terms = False, np.inf, None
    for _ in range(POLISHING):
        at = functions.at(x)
        step = _newton_step(functions, at, x, y, free, rows, scale)
        if step is None:
            return None
        dx, dy, left, of = step
        terms = of if terms is None else terms
        part = float((left / terms).max(initial=0.0))
        if last and (part <= ROOT_RATE * size or part <= LEFT_OF_SLOPE):
            return near._replace(x=x, y=y)
        short = np.abs(dx) <= np.maximum(max(xtol, LEAST_TOLERANCE) * np.abs(x), 4 * EPS * scale)
        last, size = bool(short.all()), part
        if not (np.abs(x + dx - near.x) <= MOVED * np.maximum(np.abs(near.x), scale)).all():
            return None
        x, y = x + dx, y + dy
    return None


def _newton_step(
    functions: Constraints, at: Any, x: Any, y: Any, free: Any, rows: Any, scale: Any
) -> tuple[Any, Any, Any, Any] | None:
    """A step of the conditions, what is left of them, and their terms."""
    _, c, g, jac = at
    if not (np.isfinite(c).all() and np.isfinite(g).all() and np.isfinite(jac).all()):
        return None
    h = functions.curvature(x, -y, 1.0)
    slope = slope_of(at, y)[free]
    found = _saddle_solved(h[np.ix_(free, free)], jac[rows][:, free], slope, c[rows], scale[free])
    if found is None:
        return None
    dx, dy = np.zeros(x.shape), np.zeros(y.shape)
    dx[free], dy[rows] = found
    terms = np.abs(g) + np.abs(jac.T) @ np.abs(y)
    of_c = np.abs(jac) @ np.abs(x) + np.abs(c)
    whole = np.concatenate([terms[free], of_c[rows]])
    least = max(EPS * float(whole[: slope.size].max(initial=0.0)), 1e-290)
    return dx, dy, np.abs(np.concatenate([slope, c[rows]])), np.maximum(whole, least)


def _saddle_solved(h: Any, a: Any, slope: Any, c: Any, scale: Any) -> tuple[Any, Any] | None:
    """dx and dy with ``H dx - A.T dy = -slope``, ``A dx = -c``; the shortest where they are not unique.

    Solved in unknowns over their scales, with rows of A and entries of H near 1; None where there are none.
    """
    n, m = scale.size, len(a)
    if not n + m:
        return np.zeros(0), np.zeros(0)
    h, a = h * scale[:, None] * scale, a * scale
    top = float(np.abs(h).max(initial=0.0)) or 1.0
    rows = np.abs(a).max(axis=1, initial=0.0)
    rows = np.where(rows > 0, rows, 1.0)
    matrix = np.zeros((n + m, n + m))
    matrix[:n, :n], matrix[n:, :n] = h / top, a / rows[:, None]
    matrix[:n, n:] = matrix[n:, :n].T
    b = -np.concatenate([slope * scale / top, c / rows])
    if not (np.isfinite(matrix).all() and np.isfinite(b).all()):
        return None
    q, *_ = np.linalg.lstsq(matrix, b, rcond=4 * EPS * len(b))
    q = q + np.linalg.lstsq(matrix, b - matrix @ q, rcond=4 * EPS * len(b))[0]
    size = np.abs(matrix) @ np.abs(q) + np.abs(b).max()
    if not (np.abs(matrix @ q - b) <= 1e-10 * size).all():
        return None
    return q[:n] * scale, -q[n:] * top / rows


def with_bounds(functions: Constraints, found: KktPoint) -> KktPoint:
    """The same with multipliers of the bounds, by the slope that they hold."""
    slope = np.where(found.held, slope_of(functions.at(found.x), found.y), 0.0)
    return found._replace(low=np.maximum(slope, 0.0), high=np.maximum(-slope, 0.0))


def is_kkt(functions: Constraints, found: KktPoint, sides: Any, scale: Any, level: Any) -> bool:
    """Whether the other constraints hold too, but for rounding, and multipliers have their signs."""
    at = functions.at(found.x)
    _, c, g, jac = at
    m = sum(functions.sizes.equal)
    terms = np.abs(jac) @ scale + np.abs(c)
    if (c < -np.fmax(MET * terms, level(found.x)))[m:].any():
        return False
    size = np.abs(g).max(initial=0.0) + (np.abs(jac.T) @ np.abs(found.y)).max(initial=0.0)
    rows = np.abs(jac).max(axis=1, initial=0.0)
    if (found.y[m:] * rows[m:] < -LEFT_OF_SLOPE * size).any():
        return False
    if sides is None:
        return True
    low, high = sides
    if (found.x < low).any() or (found.x > high).any():
        return False
    open_low, open_high = found.x > low, found.x < high
    slope = np.where(found.held, slope_of(at, found.y), 0.0)
    return not (
        ((slope > LEFT_OF_SLOPE * size) & open_low) | ((slope < -LEFT_OF_SLOPE * size) & open_high)
    ).any()


def tangent_curvature(functions: Constraints, found: KktPoint, scale: Any) -> tuple[int, Any]:
    """Which second-order condition holds, as an index, and the direction of the least curvature.

    It is that on the tangents of the active constraints.
    """
    at = functions.at(found.x)
    free = ~found.held
    rows = found.active
    h = functions.curvature(found.x, -found.y, 1.0)[np.ix_(free, free)]
    d = np.where(scale[free] > 0, scale[free], 1.0)
    a = at[3][rows][:, free] * d
    h = h * d[:, None] * d
    n = len(d)
    if len(a):
        top = np.abs(a).max(axis=1, initial=0.0)
        _, sigma, vt = np.linalg.svd(a / np.where(top > 0, top, 1.0)[:, None], full_matrices=True)
        rank = int((sigma > EPS * max(a.shape) * sigma.max(initial=0.0)).sum())
        basis = vt[rank:].T
    else:
        basis = np.eye(n)
    if not basis.shape[1]:
        return 0, np.zeros(found.x.shape)
    w, q = np.linalg.eigh(basis.T @ h @ basis)
    noise = 1e-10 * np.abs(h).max(initial=0.0)
    w = np.where(np.abs(w) <= noise, 0.0, w)
    direction = np.zeros(found.x.shape)
    direction[free] = (basis @ q[:, 0]) * d
    return int(curvature_of(w[None])[0]), direction


def minimize_constrained(
    functions: Constraints,
    sides: Any,
    x0: Any,
    call: SolverCall,
    x_scale: Any,
    level: Callable[[Any], Any],
    tell: Any,
) -> tuple[Status, int, int, KktPoint]:
    """Status, steps, curvature as an index, and the point with its multipliers."""
    unknown = len(CURVATURES) - 1
    x, total = within(sides, x0), 0
    with np.errstate(all="ignore"):
        for attempt in range(AROUND + 1):
            slacked = Slacked(functions, sides, x, x_scale)
            run = Interior(slacked, slacked.start(), GOOD, call.maxiter - total)
            run.tell = tell(slacked, total)
            status, near, found = _both_ways(functions, slacked, run, sides, call, level)
            total += run.count
            if found is None:
                if status != Status.CONVERGED:
                    return status, total, unknown, near
                kind, _ = tangent_curvature(functions, near, run_scale(slacked, run))
                if kind >= 2:  # what is active is not known, so that a saddle is not excluded
                    return Status.STALLED, total, unknown, near
                return status, total, kind, near
            kind, direction = tangent_curvature(functions, found, run_scale(slacked, run))
            if kind < 2:
                return Status.CONVERGED, total, kind, found
            if attempt == AROUND or total >= call.maxiter:
                break
            x = within(sides, found.x + (-1.0) ** attempt * ASIDE_FROM_UNKNOWNS * direction)
    return Status.NOT_A_MINIMUM, total, kind, near if found is None else found


def run_scale(slacked: Slacked, run: Interior) -> Any:
    """The largest magnitudes of the unknowns so far."""
    return np.maximum(slacked.magnitudes(run.top), np.abs(slacked.fixed))


def _both_ways(
    functions: Constraints,
    slacked: Slacked,
    run: Interior,
    sides: Any,
    call: SolverCall,
    level: Any,
) -> tuple[Status, KktPoint, KktPoint | None]:
    """The interior point, then Newton on what is active; again from nearer where that does not end.

    Where multipliers are not unique, or are 0 at active constraints, the former decides alone.
    """
    for tol in (GOOD, max(call.tolerances.step, LEAST)):
        run.tol = tol
        status = run.run()
        near = interior_point(slacked, run)
        ended = status in (Status.CONVERGED, Status.STALLED, Status.ITERATION_LIMIT)
        if not ended or run.error(0.0) > FAIR:
            return status, near, None
        scale = run_scale(slacked, run)
        if np.abs(run.y).max(initial=0.0) > HUGE * max(1.0, np.abs(run.now.g).max(initial=0.0)):
            return (
                Status.STALLED,
                near,
                None,
            )  # no multipliers: what meets no condition is no minimum
        found = polished(functions, near, sides, scale, call.tolerances.step)
        if found is not None:
            found = with_bounds(functions, found)
            noise = 1e-6 * max(abs(run.now.f), abs(run.first.f)) / slacked.of_f
            lower = functions.at(found.x)[0] <= functions.at(near.x)[0] + noise
            if lower and is_kkt(functions, found, sides, scale, level):
                return Status.CONVERGED, near, found
        if status != Status.CONVERGED:
            break
    if status == Status.CONVERGED and not _is_stationary(functions, near, run.first.g, slacked):
        status = Status.STALLED  # errors were small against large multipliers only
    return status, _cleared(near), None


def _is_stationary(functions: Constraints, near: KktPoint, first: Any, slacked: Slacked) -> bool:
    """Whether little is left of the slope, against its terms and what the objective's was at the start."""
    _, _, g, jac = functions.at(near.x)
    left = (np.abs(g - jac.T @ near.y - near.low + near.high) * slacked.unit)[slacked.free]
    terms = ((np.abs(g) + np.abs(jac.T) @ np.abs(near.y)) * slacked.unit)[slacked.free]
    start = np.abs(first).max(initial=0.0) / slacked.of_f
    return bool(left.max(initial=0.0) <= FAIR * max(terms.max(initial=0.0), float(start)))


def _cleared(near: KktPoint) -> KktPoint:
    """Without the multipliers of what is not active."""
    low, high = (np.where(near.held, side, 0.0) for side in (near.low, near.high))
    return near._replace(y=np.where(near.active, near.y, 0.0), low=low, high=high)


def residual_of(functions: Constraints, found: KktPoint, sides: Any) -> tuple[float, float, float]:
    """The value, the norm of what is left of the conditions, and the largest violation."""
    f, c, g, jac = functions.at(found.x)
    m = sum(functions.sizes.equal)
    missed = np.concatenate([np.abs(c[:m]), np.maximum(-c[m:], 0.0)])
    slope = g - jac.T @ found.y - found.low + found.high
    products = found.y[m:] * np.maximum(c[m:], 0.0)
    left = np.concatenate([slope, missed, products])
    if sides is not None:
        out = np.maximum(np.maximum(sides[0] - found.x, found.x - sides[1]), 0.0)
        missed = np.concatenate([missed, out])
    return f, float(lengths(left)), float(missed.max(initial=0.0))


def solve_constrained(
    evaluate: Callable[..., Any],
    curvature: Callable[..., Any],
    parts: tuple[int, int],
    rounding: Callable[..., Any],
    call: SolverCall,
) -> Constrained:
    """The `Constrained` minimum of an objective; problems of a batch one after another."""
    problems = prepare(call)
    count, n = problems.x.shape
    x, status = problems.x.copy(), np.zeros(count, np.int8)
    steps, kinds = np.zeros(count, np.intp), np.zeros(count, np.intp)
    numbers = np.full((count, 3), np.nan)
    rows: list[Any] = []
    sides_z = np.full((2, count, n), np.nan)
    functions = None
    single = not problems.batch
    levels = Levels(rounding, lambda x: split(x, problems.shapes), problems.params)
    for k in range(count):
        functions = Constraints(
            evaluate, curvature, parts, problems, [v[k] for v in problems.params]
        )
        tell, sides = _teller_of(call, single, count - k), part_of_box(problems.box, k)
        status[k], steps[k], kinds[k], found = minimize_constrained(
            functions, sides, problems.x[k], call, problems.x_scale, level_at(levels, k), tell
        )
        with np.errstate(all="ignore"):
            numbers[k] = residual_of(functions, found, sides)
        x[k], sides_z[:, k] = found.x, (found.low, found.high)
        rows.append(found.y)
    status = np.where(np.isfinite(x).all(axis=1), status, Status.NON_FINITE)
    batch, form = problems.batch, call.form
    answer = Constrained(
        joined(form, x, problems),
        shaped(status == Status.CONVERGED, batch),
        shaped(steps, batch),
        shaped(numbers[:, 1], batch),
        shaped(status, batch) if batch else Status(int(status[0])),
    )
    answer.value, answer.violation = shaped(numbers[:, 0], batch), shaped(numbers[:, 2], batch)
    answer.curvature = shaped(np.array(CURVATURES)[kinds], batch)
    y = np.array(rows).reshape(*batch, -1) if batch or rows else np.zeros((*batch, 0))
    listed = split(y, functions.of) if functions is not None else []
    low, high = (joined(form, side, problems) for side in sides_z)
    listed = [v if v.ndim else float(v) for v in listed]
    answer.multipliers = Multipliers(listed[: parts[0]], listed[parts[0] :], low, high)
    return delivered(answer, call.raise_on_failure)


def level_at(levels: Levels, k: int) -> Callable[[Any], Any]:
    """The rounding levels of the constraints of one problem of a batch."""
    return lambda x: levels.at(x[None], slice(k, k + 1))[0]


def _teller_of(call: SolverCall, single: bool, left: int) -> Any:
    """What makes the report of an iteration; of a batch, the problem under way stands for all left."""
    if call.callback is None:
        return lambda slacked, before: None

    def make(slacked: Slacked, before: int) -> Any:
        def tell(run: Interior, dx: Any) -> None:
            p = np.zeros(slacked.fixed.shape)
            p[slacked.free] = dx[: dx.size - slacked.k] * slacked.unit[slacked.free]
            shape = (1 if single else left, p.size)
            x = np.broadcast_to(slacked.point(run.now.x), shape)
            size = np.full(shape[0], run.error(0.0))
            report(call.callback, single, before + run.count, x, size, np.broadcast_to(p, shape))

        return tell

    return make
