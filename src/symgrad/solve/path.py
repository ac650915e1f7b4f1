"""Continuation: the solutions of equations along one of their parameters, past folds.

The curve ``G(x, p) = 0`` is followed in unknowns and parameter together, ``y = (x, p)``, which are measured
by their scales. From a point with unit tangent t a step of length s predicts ``y + s*t``; Newton's method
returns to the curve in the plane through it normal to t (pseudo-arclength; Keller, "Numerical solution of
bifurcation and nonlinear eigenvalue problems", 1977):

    [ dG/dx  dG/dp ]        [ G(y)           ]
    [     t.T      ] dy = - [ t.(y - y_pred) ]

That matrix is regular where dG/dx is not, at a fold, at which p turns back: the last entry of t changes its
sign. At the values that are asked for it is the solver that solves, from the prediction; what it finds
counts where it is near that, so that no other branch is taken for this one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.solve.conditions import Conditions
from symgrad.solve.runtime.arguments import Problems, joined
from symgrad.solve.runtime.results import Solution, Status
from symgrad.solve.runtime.sparse import sparse_library

LONGEST = 0.1  # step, in scales of unknowns and parameter, where no value is asked for
SHORTEST = 1e-7
NEARBY = 0.3  # of a step: how far from its prediction a solution may be
STRAIGHT = 0.9  # the cosine of the angle by which the tangent may turn in a step
CORRECTIONS = 8
CLOSE = 1e-9  # the last correction, in scales
FEW = 3  # corrections after which the next step is longer
FAR = 1e8  # times its scale at the start: an unknown that goes to infinity
BACK = 0.01  # of the first two values' distance: what comes so near the first one has come back
SECANTS = 30  # to a fold


class Curve(NamedTuple):
    """Points of a curve, in order: `p` (points,), and `x` (points, ...) in the form of the unknowns."""

    p: Any
    x: Any


class Path(Solution):
    """The `Solution` of ``solver.path``: a batch with an entry for each of the values asked for.

    Where the path ends before, or turns back and does not come again, the status is "not reached" and `x`
    is nan.

    Attributes
    ----------
    values : array
        The values of the parameter.
    folds : array
        The values of the parameter at which it turns back, along the curve.
    fold_x : array, or list of arrays
        The unknowns there, with an axis for the folds in front.
    curve : Curve
        The points that were passed, ``curve.p`` and ``curve.x``, from the first value to the last, or past
        folds until the parameter is back at the first value or `maxsteps` are taken.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> a = sg.symbol("a")
    >>> path = sg.newton_root(x**2 - a, x, a).path(2.0, a, [4.0, 9.0])
    >>> print(path.x)
    [2. 3.]
    """

    __slots__ = ("curve", "fold_x", "folds", "values")
    values: Any
    folds: Any
    fold_x: Any
    curve: Curve


class _Walk:
    """A curve under way, over ``y = (x, p)`` as flat vectors."""

    def __init__(
        self, conditions: Conditions, p: Expr, problems: Problems, values: Any, target: Any
    ) -> None:
        self.conditions, self.p, self.problems = conditions, p, problems
        self.place = next(i for i, q in enumerate(conditions.problem.params) if q is p)
        self.range = float(np.ptp(values)) or abs(float(values[0])) or 1.0
        self.solve_at = target  # the solver, at a value of p
        self.scale = np.zeros(problems.x.shape[1] + 1)

    def at(self, y: Any) -> tuple[Any, Any]:
        """G, and its derivatives by x and p in one matrix."""
        params = list(self.problems.params)
        params[self.place] = np.array([y[-1]])
        here = self.problems._replace(x=y[None, :-1], params=params)
        linear = self.conditions.linearised(here, (self.p,), np.array([0]))
        by = linear.by[0][0]
        if isinstance(linear.jac, list):
            return linear.r[0], sparse_library().hstack([linear.jac[0], by], format="csr")
        return linear.r[0], np.concatenate([linear.jac[0], by], axis=1)

    def measure(self, y: Any, matrix: Any) -> None:
        """Scales of unknowns: the largest magnitudes so far; at the start also by how they change."""
        if not self.scale.any():
            slope = self.solved(matrix, np.eye(len(y))[-1], np.zeros(len(y) - 1), 1.0)
            self.scale[:-1] = np.abs(slope[:-1] * self.range)
        self.scale = np.maximum(self.scale, np.abs(y))
        start = 0
        for shape in self.problems.shapes:  # entries of one unknown have one unit
            stop = start + int(np.prod(shape))
            top = self.scale[start:stop].max(initial=0.0)
            self.scale[start:stop] = np.maximum(self.scale[start:stop], 1e-3 * top or 1.0)
            start = stop
        self.scale[-1] = self.range

    @property
    def weights(self) -> Any:
        """Of differences of y, whose squares add up to that of a length."""
        n = len(self.scale) - 1
        return 1.0 / (self.scale * np.append(np.full(n, np.sqrt(n)), 1.0))

    def length(self, d: Any) -> float:
        """The length of a difference of points."""
        return float(np.linalg.norm(self.weights * d))

    def solved(self, matrix: Any, row: Any, right: Any, last: float) -> Any:
        """The solution of the bordered system; not finite where it is singular."""
        b = np.append(right, last)
        try:
            if isinstance(matrix, np.ndarray):
                return np.linalg.solve(np.concatenate([matrix, row[None]]), b)
            library = sparse_library()
            bordered = library.vstack([matrix, library.csr_array(row[None])], format="csc")
            return library.linalg.splu(bordered).solve(b)
        except (np.linalg.LinAlgError, RuntimeError):
            return np.full(b.shape, np.nan)

    def tangent(self, matrix: Any, before: Any) -> Any:
        """The unit tangent in the direction of `before`, both in units of y."""
        d = self.solved(matrix, before * self.weights**2, np.zeros(len(before) - 1), 1.0)
        return d / self.length(d)

    def corrected(self, y: Any, t: Any) -> tuple[Any, Any, int]:
        """The point of the curve in the plane through `y` normal to `t`, its matrix, and corrections."""
        start, size = y, np.inf
        row = t * self.weights**2
        for k in range(CORRECTIONS):
            r, matrix = self.at(y)
            if not np.isfinite(r).all():
                break
            d = self.solved(matrix, row, -r, -float(row @ (y - start)))
            before, size = size, self.length(d)
            if not size <= 0.5 * before and not size <= CLOSE:
                break
            y = y + d
            if size <= CLOSE:
                return y, self.at(y)[1], k + 1
        return None, None, CORRECTIONS


def follow(
    solver: Any,
    conditions: Conditions,
    x0: Any,
    p: Any,
    values: Any,
    params: tuple[Any, ...],
    maxsteps: int,
    callback: Any,
    options: dict[str, Any],
) -> Path:
    """The path of a solver; see `Solver.path`."""
    if isinstance(p, (list, tuple)):
        raise ArgumentError("a path goes along one scalar parameter")
    (x,) = conditions.parameters(p, "path")
    if x.shape:
        raise ArgumentError(
            f"a path goes along a scalar parameter, and {x.name} is an array: write it as"
            " a + s*(b - a) with a scalar s"
        )
    wanted = _checked(values)
    if isinstance(maxsteps, bool) or not isinstance(maxsteps, (int, np.integer)) or maxsteps < 1:
        raise ArgumentError(f"maxsteps must be a positive int, not {maxsteps!r}")
    others, rest = solver.named_parameters(x, params, options)

    def solve_at(start: Any, value: float) -> Solution:
        found: Solution = solver(start, **others, **{str(x.name): value}, **rest)
        if np.ndim(found.status):
            raise ArgumentError("a path is that of one problem: give no batches")
        return found

    if not conditions.follows:
        return by_warm_starts(solve_at, x0, wanted)
    first = solve_at(x0, float(wanted[0]))
    given = [float(wanted[0]) if q is x else others[str(q.name)] for q in conditions.problem.params]
    problems = conditions.problems(first.x, tuple(given))
    walk = _Walk(conditions, x, problems, wanted, solve_at)
    track = _Track(walk, wanted, callback)
    track.reached(0, first, problems.x[0])
    if first.converged and len(wanted) > 1:
        with np.errstate(all="ignore"):
            track.run(maxsteps)
    given = [wanted if q is x else others[str(q.name)] for q in conditions.problem.params]
    return track.path(solver, (x0, *given))


def by_warm_starts(solve_at: Callable[[Any, float], Solution], x0: Any, values: Any) -> Path:
    """Solutions each from the one before, as long as there are: what constraints hold may change."""
    found, start = [], x0
    for value in values:
        found.append(solve_at(start, float(value)))
        if not found[-1].converged:
            break
        start = found[-1].x
    first = found[0]
    lost = len(values) - len(found)

    def stacked(rows: list[Any]) -> Any:
        nothing = [np.full(np.shape(rows[0]), np.nan)] * lost
        return np.stack([*map(np.asarray, rows), *nothing])

    xs = [s.x for s in found]
    many = isinstance(first.x, list)
    x = [stacked(list(column)) for column in zip(*xs, strict=True)] if many else stacked(xs)
    status = np.array([*[s.status for s in found], *[Status.NOT_REACHED] * lost], np.int8)
    path = Path(
        x,
        status == Status.CONVERGED,
        np.array([*[s.iterations for s in found], *[0] * lost]),
        stacked([s.residual for s in found]),
        status,
    )
    path.values, path.folds, path.fold_x = values, np.zeros(0), None
    path.curve = Curve(values, x)
    return path


def _checked(values: Any) -> Any:
    array = np.asarray(values, np.float64)
    steps = np.diff(array)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise ArgumentError("the values of a path are a sequence of finite numbers")
    if not ((steps > 0).all() or (steps < 0).all()):
        raise ArgumentError("the values of a path must rise or fall; follow each part by itself")
    return array


class _Track:
    """What is found on the way."""

    def __init__(self, walk: _Walk, values: Any, callback: Any) -> None:
        count, n = len(values), walk.problems.x.shape[1]
        self.walk, self.values, self.callback = walk, values, callback
        self.x = np.full((count, n), np.nan)
        self.iterations, self.residual = np.zeros(count, np.intp), np.full(count, np.nan)
        self.status = np.full(count, Status.NOT_REACHED, np.int8)
        self.points: list[Any] = []
        self.folds: list[Any] = []
        self.next = 1  # value

    def reached(self, k: int, found: Solution, x: Any) -> None:
        """Write down what the solver found at a value."""
        self.x[k], self.status[k] = x, found.status
        self.iterations[k], self.residual[k] = found.iterations, found.residual
        self.passed(np.append(x, self.values[k]))

    def passed(self, y: Any) -> None:
        """Write down a point of the curve."""
        self.points.append(y)
        if self.callback is not None:
            self.callback(len(self.points), self.form(y[:-1]), float(y[-1]))

    def form(self, x: Any) -> Any:
        """Unknowns in the form in which they were declared."""
        return joined(self.walk.conditions.problem.form, x[None], self.walk.problems)

    def run(self, maxsteps: int) -> None:
        """Follow the curve until all values are reached, or it leaves them for good."""
        walk, y = self.walk, self.points[0]
        _, matrix = walk.at(y)
        walk.measure(y, matrix)
        sign = np.sign(self.values[1] - self.values[0])
        t = walk.tangent(matrix, sign * np.eye(len(y))[-1] * walk.range)
        if not np.isfinite(t).all():  # a start at a fold itself
            return
        first = walk.scale.copy()
        size = abs((self.values[1] - self.values[0]) / t[-1])
        while self.next < len(self.values) and len(self.points) < maxsteps:
            step = self._step(y, t, size)
            if step is None:
                size *= 0.5
                if size < SHORTEST:
                    return
                continue
            y, t, corrections, s = step
            if (np.abs(y[:-1]) > FAR * first[:-1]).any() or self._is_gone(y, sign):
                return
            size = min(max(s, size) * (1.5 if corrections <= FEW else 1.0), self._longest())
            walk.scale = np.maximum(walk.scale, np.append(np.abs(y[:-1]), 0.0))
            t = t / walk.length(t)

    def _longest(self) -> float:
        gaps = np.abs(np.diff(self.values)) / self.walk.range
        return max(LONGEST, float(gaps.max()) * 2)

    def _is_gone(self, y: Any, sign: float) -> bool:
        """Whether the curve went back to the first value."""
        first = BACK * (self.values[1] - self.values[0])
        return bool(self.folds) and bool((y[-1] - self.values[0] - first) * sign < 0)

    def _step(self, y: Any, t: Any, size: float) -> tuple[Any, Any, int, float] | None:
        """The next point, its tangent, corrections and the step's length; None for a shorter step."""
        walk, value = self.walk, self.values[self.next]
        to_value = (value - y[-1]) / t[-1] if t[-1] else np.inf
        hits = 0 < to_value <= size
        s = to_value if hits else size
        found = self._at_value(y + s * t, s) if hits else walk.corrected(y + s * t, t)
        to, matrix, corrections = found
        if to is None:
            return None
        turned = walk.tangent(matrix, t)
        w = walk.weights
        if not float((w * turned) @ (w * t)) >= STRAIGHT:
            return None
        if not hits and (to[-1] - value) * (y[-1] - value) < 0:  # past a value: to be met
            return None
        if turned[-1] * t[-1] < 0:
            fold = self._fold(y, t, s)
            if fold is None or (fold[-1] - value) * (y[-1] - value) < 0:  # past it, and back
                return None
            self.folds.append(fold)
        if hits:
            self.reached(self.next, self._found, to[:-1])
            self.next += 1
        else:
            self.passed(to)
        return to, turned, corrections, s

    def _at_value(self, y: Any, s: float) -> tuple[Any, Any, int]:
        """What the solver finds at the next value, if it is near the prediction `y`."""
        walk, value = self.walk, float(self.values[self.next])
        found = walk.solve_at(self.form(y[:-1]), value)
        if not found.converged:
            return None, None, 0
        flat = np.concatenate([np.ravel(v) for v in _parts(found.x)])
        to = np.append(flat, value)
        if walk.length(to - y) > NEARBY * s + CLOSE:
            return None, None, 0
        self._found = found
        return to, walk.at(to)[1], int(found.iterations)

    def _fold(self, y: Any, t: Any, s: float) -> Any:
        """The fold between a point and the next one, by the tangent's last entry (Illinois rule)."""
        walk = self.walk
        a, b, fa = 0.0, s, t[-1]
        best, fb = None, None
        for _ in range(SECANTS):
            x = b if fb is None else (a * fb - b * fa) / (fb - fa)
            to, matrix, _ = walk.corrected(y + x * t, t)
            if to is None:
                return None
            value = walk.tangent(matrix, t)[-1]
            best = to
            if abs(value) <= 1e-9 * walk.range or abs(b - a) <= 1e-12 * s:
                break
            if fb is None:
                fb = value
            elif value * fb < 0:
                a, fa, b, fb = b, fb, x, value
            else:
                b, fb, fa = x, value, 0.5 * fa
        return best

    def path(self, solver: Any, given: tuple[Any, ...]) -> Path:
        """All of it."""
        problems = self.walk.problems

        def many(rows: Any) -> Any:
            batch = problems._replace(batch=(len(rows),))
            return joined(self.walk.conditions.problem.form, rows, batch)

        n = problems.x.shape[1]
        converged = self.status == Status.CONVERGED
        path = Path(many(self.x), converged, self.iterations, self.residual, self.status)
        folds = np.array(self.folds).reshape(-1, n + 1)
        points = np.array(self.points)
        path.values, path.folds, path.fold_x = self.values, folds[:, -1], many(folds[:, :-1])
        path.curve = Curve(points[:, -1], many(points[:, :-1]))
        path.origin = (solver, given)
        return path


def _parts(x: Any) -> list[Any]:
    return x if isinstance(x, list) else [x]
