"""The calls of solvers of systems, minima and fits: from arguments to a `Solution`."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from math import prod
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.runtime.threads import each_block
from symgrad.solve.runtime.approach import Found, FullSteps
from symgrad.solve.runtime.arguments import (
    Problems,
    SolverCall,
    answer,
    prepare,
    report,
    split,
    split_columns,
)
from symgrad.solve.runtime.elimination import column_lengths, definite_solved, solved_systems
from symgrad.solve.runtime.ending import Levels, bounds_by_problem, is_at_level, lengths, levels_of
from symgrad.solve.runtime.results import Solution, Status, delivered
from symgrad.solve.runtime.roots import SystemRoots, find_roots
from symgrad.solve.runtime.single import Single, quick_root

ENTRIES = 200_000  # at a time, so that they stay in the cache
VECTORS = 8  # about as many as there are beside a matrix


class Values:
    """What the generated functions give, as arrays with an axis of problems.

    `one` takes a single problem, `many` arrays with one more axis in front; `many` is only made when
    it is needed.
    """

    def __init__(
        self, one: Callable[..., Any], many: Callable[[], Any], problems: Problems, parts: int
    ) -> None:
        self.one, self.parts = one, parts
        self.shapes, self.params = problems.shapes, problems.params
        self.many = many() if problems.batch else None
        self.sizes = [prod(shape) for shape in self.shapes]

    def part(self, which: slice) -> Values:
        """Those of some of the problems."""
        part = copy(self)
        part.params = [v[which] for v in self.params]
        return part

    def arrays(self, unknowns: list[Any], params: list[Any]) -> list[Any]:
        """The outputs at points with these parameters, of as many problems."""
        try:
            if self.many is not None:
                return [np.asarray(y) for y in self.many(*unknowns, *params)]
            outputs = self.one(*[v[0] for v in (*unknowns, *params)])
            return [np.asarray(y)[None] for y in outputs]
        except np.linalg.LinAlgError:
            return self._apart([*unknowns, *params])

    def _apart(self, arguments: list[Any]) -> list[Any]:
        """Problem by problem, where a decomposition fails for one of them: nan for that one."""
        rows: list[Any] = []
        for k in range(len(arguments[0])):
            try:
                rows.append(self.one(*[v[k] for v in arguments]))
            except np.linalg.LinAlgError:
                rows.append(None)
        known = next((row for row in rows if row is not None), None)
        if known is None:
            raise np.linalg.LinAlgError("no problem of the batch could be evaluated at its point")
        blank = [np.full(np.shape(y), np.nan) for y in known]
        return [np.stack(y) for y in zip(*[row or blank for row in rows], strict=True)]

    def rows(self, x: Any, index: Any) -> list[Any]:
        """The outputs at the points `x`, with an axis of unknowns, of the problems `index`."""
        return self.arrays(split(x, self.shapes), [v[index] for v in self.params])

    def system(self, x: Any, index: Any) -> tuple[Any, Any]:
        """Residuals (problems, m) and Jacobians (problems, m, n)."""
        outputs = self.rows(x, index)
        r, jac = outputs[: self.parts], outputs[self.parts :]
        return column_of(r), matrix_of(jac, [_size(v) for v in r], self.sizes)

    def newton_step(self, x: Any, params: list[Any]) -> tuple[Any, Any]:
        """``|F|`` and Newton's step of square systems, at points (unknowns, problems)."""
        outputs = self.arrays(split_columns(x, self.shapes), params)
        r, jac = self._columns(outputs, self.parts, x.shape)
        return column_lengths(r), solved_systems(jac, r)

    def is_at_level(
        self, x: Any, params: list[Any], rounding: Callable[..., Any], size: Any = None
    ) -> Any:
        """Whether residuals are at their rounding levels, or their length where `size` is given."""
        unknowns = split_columns(x, self.shapes)
        level = levels_of(bounds_by_problem(rounding, [*unknowns, *params], slice(None)))
        if size is not None:
            return size <= lengths(level)
        return is_at_level(column_of(self.arrays(unknowns, params)[: self.parts]), level)

    def minimising_step(self, x: Any, params: list[Any]) -> tuple[Any, Any]:
        """The length of the gradient, and Newton's step; nan where the Hessian is not definite."""
        outputs = self.arrays(split_columns(x, self.shapes), params)[1:]
        g, hessian = self._columns(outputs, len(self.shapes), x.shape)
        return column_lengths(g), definite_solved(hessian, g)

    def _columns(self, outputs: list[Any], parts: int, shape: tuple[int, int]) -> tuple[Any, Any]:
        """Vectors (n, problems) and matrices (n, n, problems) of blocks in row order."""
        n, count = shape
        if not any(self.shapes) and all(v.ndim == 1 for v in outputs):
            vectors, matrices = np.empty(shape), np.empty((n * n, count))
            for row, v in zip([*vectors, *matrices], outputs, strict=True):
                row[:] = v
            return vectors, matrices.reshape(n, n, count)
        r, blocks = outputs[:parts], outputs[parts:]
        matrix = matrix_of(blocks, [_size(v) for v in r], self.sizes)
        return np.ascontiguousarray(column_of(r).T), matrix.transpose(1, 2, 0)

    def objective(self, x: Any, index: Any) -> tuple[Any, Any, Any]:
        """Values, gradients (problems, n) and Hessians (problems, n, n)."""
        f, *rest = self.rows(x, index)
        k = len(self.shapes)
        return (
            np.asarray(f, float),
            column_of(rest[:k]),
            matrix_of(rest[k:], self.sizes, self.sizes),
        )

    def diagonals(self, x: Any, index: Any) -> tuple[Any, Any, Any]:
        """Values, gradients and the diagonals of Hessians."""
        f, *rest = self.rows(x, index)
        k = len(self.shapes)
        return np.asarray(f, float), column_of(rest[:k]), column_of(rest[k:])

    def factors(self, x: Any, index: Any) -> tuple[Any, Any, Any]:
        """Values, gradients and the factors of Hessians that are Kronecker products with an identity."""
        f, g, h = self.rows(x, index)
        return np.asarray(f, float), column_of([g]), h.astype(np.float64, copy=False)


def steps_by(step: Callable[..., Any], is_at_level: Callable[..., Any] | None = None) -> FullSteps:
    """What `full_steps` needs, where ``|F|`` and the step come together.

    Without ``is_at_level(x, params)`` only steps tell when an iteration has ended.
    """
    return FullSteps(
        lambda x, params: (*step(x, params), np.nan),
        step,
        lambda x, params, slope: step(x, params),
        is_at_level or (lambda x, params, size=None: np.zeros(x.shape[1], bool)),
    )


def _size(v: Any) -> int:
    return prod(v.shape[1:])


def column_of(parts: list[Any]) -> Any:
    flat = [v.reshape(len(v), _size(v)).astype(np.float64, copy=False) for v in parts]
    return flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)


def matrix_of(blocks: list[Any], rows: list[int], columns: list[int]) -> Any:
    """One matrix per problem of blocks in row order, or of the matrix itself."""
    count = blocks[0].shape[0]
    if len(blocks) == 1:
        return blocks[0].reshape(count, sum(rows), sum(columns)).astype(np.float64, copy=False)
    out = np.empty((count, sum(rows), sum(columns)))
    queue = iter(blocks)
    top = 0
    for m in rows:
        left = 0
        for n in columns:
            out[:, top : top + m, left : left + n] = next(queue).reshape(count, m, n)
            left += n
        top += m
    return out


def problems_at_a_time(matrix: int, n: int) -> int:
    return max(1, ENTRIES // max(1, matrix + VECTORS * n))


def is_plain(call: SolverCall, problems: Problems) -> bool:
    """Whether it is one problem without bounds, wishes and a callback."""
    free = problems.box is None and call.callback is None
    return free and not problems.batch and not call.tolerances.has_wishes


def found_alone(x: Any, size: float, count: int) -> Found:
    """The solution of one problem."""
    found = Found(x[None])
    found.set(slice(None), Status.CONVERGED, x, size, count)
    return found


def solve_roots(
    one: Callable[..., Any],
    many: Callable[[], Any],
    parts: int,
    rounding: Callable[..., Any],
    call: SolverCall,
) -> Solution:
    """The `Solution` of a square system."""
    problems = prepare(call)
    if call.tolerances.gtol is not None:
        raise ArgumentError("gtol is for minima and fits; a root has xtol and ftol")
    if is_plain(call, problems) and call.options["globalize"]:
        system = Single(one, problems.shapes, problems.params, parts)
        with np.errstate(all="ignore"):
            root = quick_root(system, problems.x[0], call.tolerances.step, call.maxiter)
        if root is not None:
            return answer(Solution, call, problems, found_alone(*root))
    values = Values(one, many, problems, parts)
    n = problems.x.shape[1]
    levels = Levels(rounding, lambda x: split(x, problems.shapes), problems.params)
    tolerances, single = call.tolerances, not problems.batch
    found = SystemRoots(
        values.system,
        levels,
        problems.x,
        problems.box,
        tolerances.step,
        problems.x_scale,
        tolerances.ftol,
    )

    def tell(s: SystemRoots, now: Any, p: Any) -> None:
        report(
            call.callback,
            single,
            int(now.count.max()),
            now.x,
            lengths(now.r / s.unit[now.index]),
            p,
        )

    def block(part: slice) -> None:
        s, v = found.part(part), values.part(part)
        s.given, s.given_levels = v.system, levels.part(part)
        index = np.arange(len(s.x))
        if call.callback is None:
            steps = steps_by(
                v.newton_step, lambda x, given, size=None: v.is_at_level(x, given, rounding, size)
            )
            index = s.by_full_steps(steps, v.params, tolerances.step, call.maxiter, s.box)
        find_roots(
            s,
            index,
            call.maxiter,
            call.options["globalize"],
            None if call.callback is None else tell,
        )

    if call.callback is None:
        each_block(lambda _: block, len(problems.x), problems_at_a_time(n * n, n))
    else:  # of all that are left together
        block(slice(None))
    return delivered(answer(Solution, call, problems, found), call.raise_on_failure)
