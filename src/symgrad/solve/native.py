"""Solvers of small problems as machine code: the loop of one problem, and of each of a batch.

What a loop does not solve beyond doubt goes on, from its start, to the solver in Python; so every result
has the end rule, and the statuses, of all.
"""

from __future__ import annotations

import ast
import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import SymgradError
from symgrad.expr.node import Expr
from symgrad.program.ir import Program
from symgrad.runtime.threads import each_block
from symgrad.solve.loops import Formulas, LoopParts, Written
from symgrad.solve.problem import Problem
from symgrad.solve.runtime.minimum import strict_minimum
from symgrad.solve.runtime.results import CONVERGED, CURVATURES, Minimum, Solution
from symgrad.solve.templates import EQUATION, MINIMUM, SHORTER_STEPS
from symgrad.targets.native import calls, engine, kernels
from symgrad.targets.native.loop_code import Resumable, loop_function
from symgrad.targets.native.problems import read_code
from symgrad.targets.native.record_code import RecordCode, record_code, record_symbols
from symgrad.targets.native.steps import ScalarSteps, Unsupported, steps_of
from symgrad.targets.native.straight import Straight

SHARE: Final = 4096  # problems that a thread takes at a time

ATTEMPT: Final = """
define internal void @attempt(ptr %in, ptr %out) {{
entry:
  %tol.at = getelementptr double, ptr %in, i64 {inputs}
  %tol = load double, ptr %tol.at
  %most.at = getelementptr double, ptr %in, i64 {most}
  %most = load double, ptr %most.at
  %maxiter = fptosi double %most to i64
  %found = getelementptr double, ptr %out, i64 1
  %count = call i64 @loop(ptr %in, ptr %found, double %tol, i64 %maxiter)
  %number = sitofp i64 %count to double
  store double %number, ptr %out
  ret void
}}
"""
BATCH: Final = """
define void @batch(ptr %columns, ptr %steps, i64 %first, i64 %last, double %tol, i64 %maxiter,
                   ptr noalias %x, ptr noalias %sizes, ptr noalias %heights, ptr noalias %counts) {{
entry:
  %in = alloca double, i64 {inputs}
  %out = alloca double, i64 {width}
  br label %next
next:
  %k = phi i64 [%first, %entry], [%after, %solve]
  %more = icmp slt i64 %k, %last
  br i1 %more, label %solve, label %done
solve:
  call void @read(i64 %k, ptr %columns, ptr %steps, ptr %in)
  %count = call i64 @loop(ptr %in, ptr %out, double %tol, i64 %maxiter)
  %count.at = getelementptr i64, ptr %counts, i64 %k
  store i64 %count, ptr %count.at
  call void @stored(ptr %out, i64 %k, ptr %x, ptr %sizes, ptr %heights)
  %after = add i64 %k, 1
  br label %next
done:
  ret void
}}
"""


def by_call(program: Program) -> Written:
    """Formulas as one call, and the names of what it gives."""
    names = [f"f{k}" for k in range(len(program.outputs))]
    given = ", ".join([name for name, _ in program.parameters])
    return [f"{', '.join(names)} = formulas({given})"], names


class SolverLoop(NamedTuple):
    """What is compiled of a solver.

    Attributes
    ----------
    text : str
        The statements of the loop, Python.
    inputs : list of str
        Unknowns and parameters: what the loop starts from.
    steps : Steps
        The formulas.
    unknowns, values : int
        How many there are of each among what the loop gives: unknowns, ``|F|``, the value of a minimum.
    """

    text: str
    inputs: list[str]
    steps: ScalarSteps
    unknowns: int
    values: int


@dataclass(frozen=True)
class NativePlan:
    """What of a solver may be machine code, made when it is asked for.

    Attributes
    ----------
    write : callable
        ``write(problem, outputs, written)``: the loop, by its template.
    problem : Problem
    outputs : sequence of Expr
    defaults : (float, int)
        The tolerance, and the most steps.
    compiled : bool
        Whether machine code is wanted; C is written in any case.
    """

    write: Callable[[Problem, Sequence[Expr], Formulas], LoopParts | None]
    problem: Problem
    outputs: Sequence[Expr]
    defaults: tuple[float, int]
    compiled: bool

    def loop(self, portable: bool = False) -> SolverLoop:
        """What is compiled.

        Raises
        ------
        Unsupported
            If the problem has no loop, or formulas have no steps.
        """
        parts = self.write(self.problem, self.outputs, by_call)
        if parts is None or self.problem.form.kind not in ("scalar", "scalars"):
            raise Unsupported("more than a few scalar unknowns, or a form that has no loop")
        steps = steps_of(parts.program, portable)
        if not portable:
            kernels.symbols(steps)
        n = len(self.problem.unknowns)
        x = parts.names[:n]
        changed: dict[str, Any] = {
            "point": ", ".join(x),
            "last": ", ".join(f"last{i}" for i in range(n)),
        }
        equation = parts.template is EQUATION
        if equation:
            shorter = [s.format(**parts.parts) for s in SHORTER_STEPS["shorten"]]
            changed = {**SHORTER_STEPS, "shorten": shorter, "sharp": parts.parts["sharp_alone"]}
        text = parts.template.alone({**parts.parts, **changed})
        inputs = ["x0", *parts.names[1:]] if equation else parts.names
        return SolverLoop(text, inputs, steps, n, int(parts.template is MINIMUM))

    def solver(self, python: Callable[..., Any]) -> NativeSolver | None:
        """The machine code; None where it is not wanted, or there is none.

        What one call of it does not do is done by `python`.
        """
        if not self.compiled or calls.obstacle():
            return None
        try:
            scalar = self.problem.form.kind == "scalar"
            return NativeSolver(self.loop(), scalar, self.defaults, python)
        except Unsupported:
            return None

    def words(self) -> list[str]:
        """What there is, in a line, where it is wanted."""
        if not self.compiled:
            return []
        try:
            why = calls.obstacle()
            steps = self.loop().steps.length()
        except Unsupported as found:
            why = str(found)
        return [f"native: none, for {why}" if why else f"native: the loop, {steps} steps a round"]


class NativeSolver:
    """A solver of one problem, or of a batch of them, as far as its loop comes.

    Called like the solver, with unknowns and parameters; gives None for what it does not take, or a single
    problem that it does not solve.
    """

    def __init__(
        self,
        loop: SolverLoop,
        scalar: bool,
        defaults: tuple[float, int],
        python: Callable[..., Any],
    ) -> None:
        self.loop, self.scalar, self.defaults = loop, scalar, defaults
        self.width = loop.unknowns + 1 + loop.values
        self.at_once = scalar and not loop.values
        inputs = len(loop.inputs)
        nest = ("tuple", (), tuple(range(self.width + 1)))
        text = "\n".join(
            [
                kernels.declarations(loop.steps),
                HYPOT,
                kernels.kernel(loop.steps, linkage="internal"),
                loop_function(loop.text, loop.inputs, len(loop.steps.outputs)),
                ATTEMPT.format(inputs=inputs, most=inputs + 1),
                *self._batch(inputs),
                calls.call_code(inputs + 2, [False] * (self.width + 1), nest, kernel="attempt"),
                *([record_code(inputs, *defaults, FOUND)] if self.at_once else []),
            ]
        )
        owned = calls.owned_by("solve", _nothing, nest)
        known = {**owned.symbols(), **kernels.symbols(loop.steps)}
        known["hypot"] = engine.math_symbol("hypot") or 0
        if self.at_once:
            self.kept = (FOUND.members(), python)
            known |= record_symbols(FOUND, *self.kept)
        self.entries = (*calls.ENTRIES, "batch", *["record"] * self.at_once)
        level = engine.level_for(loop.steps.length())
        self.library = engine.compiled(kernels.once_declared(text), self.entries, known, level)
        self.attempt = calls.builtin(self.library, owned)
        pointer, size = ctypes.c_void_p, ctypes.c_int64
        self.batch = self.library.function(
            "batch", None, pointer, pointer, size, size, ctypes.c_double, size, *[pointer] * 4
        )

    def _batch(self, inputs: int) -> list[str]:
        """The text of ``void batch(...)``: many problems side by side, or one after the other."""
        from symgrad.targets.native import rounds  # noqa: PLC0415 (an extra)

        shared = [rounds.stored_code(self.loop.unknowns, self.loop.values), read_code(inputs)]
        if not rounds.has_rounds(self.loop.steps):
            return [*shared, BATCH.format(inputs=inputs, width=self.width)]
        formulas = len(self.loop.steps.outputs)
        step = Resumable(self.loop.inputs, formulas, rounds.LANES)
        tree = ast.parse(self.loop.text)
        text, usual = step.function(tree, "step"), Straight(step).function(tree)
        batch = rounds.batch_code(step, inputs, formulas, self.width)
        return [*shared, text, usual, rounds.kernels_code(self.loop.steps), batch]

    def address(self) -> int:
        """A function that `Solver` is called by: for one equation; 0 where there is none."""
        return self.library.address("record") if self.at_once else 0

    def __call__(self, again: Callable[..., Any], x0: Any, *params: Any, **options: Any) -> Any:
        """The solution, or None; problems of a batch that are left are solved by `again`."""
        tol, maxiter = (
            options.get("tol", self.defaults[0]),
            options.get("maxiter", self.defaults[1]),
        )
        if tol.__class__ is not float or tol < 3e-16 or maxiter.__class__ is not int or maxiter < 0:
            return None
        starts = [x0] if self.scalar else _numbers(x0, self.loop.unknowns)
        if starts is not None:
            found = self.attempt(*starts, *params, tol, maxiter)
            if found is not None:
                return self._one(found)
        return self._many(again, x0, params, tol, maxiter, options)

    def _one(self, found: tuple[float, ...]) -> Any:
        steps, *x = found[: self.loop.unknowns + 1]
        if steps < 0:
            return None
        point = x[0] if self.scalar else np.array(x)
        size, values = found[self.loop.unknowns + 1], found[self.loop.unknowns + 2 :]
        if values:
            return strict_minimum(point, int(steps), size, values[0])
        return Solution(point, True, int(steps), size, CONVERGED)

    def _many(
        self,
        again: Callable[..., Any],
        x0: Any,
        params: Sequence[Any],
        tol: float,
        maxiter: int,
        options: dict[str, Any],
    ) -> Any:
        """The solutions of a batch."""
        given = [x0, *params]
        if not all(_is_array(a) for a in given):
            return None
        arrays = [np.asarray(a, np.float64) for a in given]
        own = 0 if self.scalar else 1
        if arrays[0].ndim < own or (own and arrays[0].shape[-1] != self.loop.unknowns):
            return None
        try:
            shape = np.broadcast_shapes(
                arrays[0].shape[: arrays[0].ndim - own], *[a.shape for a in arrays[1:]]
            )
        except ValueError:
            return None
        if not shape:
            return None
        problems = int(np.prod(shape))
        whole = (*shape, self.loop.unknowns) if own else shape
        starts = _over(arrays[0], whole, own)
        columns = [_over(a, shape, 0) for a in arrays[1:]]
        places, strides = self._columns(starts, columns)
        own_shape = (problems,) if self.scalar else (problems, self.loop.unknowns)
        x, size, counts = np.empty(own_shape), np.empty(problems), np.empty(problems, np.int64)
        values = np.empty(problems * self.loop.values)
        pointers = [a.ctypes.data for a in (x, size, values, counts)]

        def solve(block: slice) -> None:
            first, last = block.start, min(block.stop, problems)
            self.batch(
                places.ctypes.data, strides.ctypes.data, first, last, tol, maxiter, *pointers
            )

        each_block(lambda count: solve, problems, SHARE)
        found = Results(x, size, values, counts)
        return self._put_together(found, shape, partial(again, **options), arrays)

    def _columns(self, starts: Any, columns: Sequence[Any]) -> tuple[Any, Any]:
        """Where each input of the loop begins, and how far it is from one problem to the next."""
        n = self.loop.unknowns
        places, strides = [], []
        step = 0 if starts.size == n else n
        for k in range(n):
            places.append(starts.ctypes.data + 8 * k)
            strides.append(step)
        for column in columns:
            places.append(column.ctypes.data)
            strides.append(0 if column.size == 1 else 1)
        return np.array(places, np.uintp), np.array(strides, np.int64)

    def _put_together(
        self,
        found: Results,
        shape: tuple[int, ...],
        again: Callable[..., Any],
        arrays: Sequence[Any],
    ) -> Any:
        """A solution of what was found, and of what `again` finds of the problems that are left."""
        x, size, values, counts = found
        converged, status = counts >= 0, np.zeros(len(counts), np.int8)
        curvature = np.full(values.size, CURVATURES[0], dtype="U21")
        left = np.flatnonzero(~converged)
        if left.size:
            own = x.shape[1:]
            starts = np.broadcast_to(arrays[0], (*shape, *own)).reshape(-1, *own)[left]
            params = [np.broadcast_to(a, shape).reshape(-1)[left] for a in arrays[1:]]
            try:
                more = again(starts, *params)
            except SymgradError:
                return None  # whose error names the place among all problems
            x[left], counts[left], size[left] = more.x, more.iterations, more.residual
            status[left], converged[left] = more.status, more.converged
            if self.loop.values:
                values[left], curvature[left] = more.value, more.curvature
        parts = (converged, counts, size, status)
        made = (Minimum if self.loop.values else Solution)(
            x.reshape(shape + x.shape[1:]), *[part.reshape(shape) for part in parts]
        )
        if isinstance(made, Minimum):
            made.value, made.curvature = values.reshape(shape), curvature.reshape(shape)
        return made


class Results(NamedTuple):
    """What is found of a batch: unknowns, ``|F|``, values of minima, and the numbers of steps."""

    x: Any
    size: Any
    values: Any
    counts: Any


FOUND: Final = RecordCode(Solution, {"converged": True, "status": CONVERGED})
HYPOT: Final = "declare double @hypot(double, double)"


def _nothing(*args: Any) -> None:
    """What is no problem of numbers."""


def _numbers(x0: Any, wanted: int) -> list[Any] | None:
    """The starts of one problem in several unknowns."""
    if x0.__class__ is np.ndarray and x0.ndim == 1 and x0.dtype.kind in "iuf":
        x0 = None if x0.dtype == np.float32 else x0.tolist()
    return list(x0) if x0.__class__ in (list, tuple) and len(x0) == wanted else None


def _is_array(a: Any) -> bool:
    """Whether something is numbers that need no further look."""
    if a.__class__ is float or (a.__class__ is int and abs(a) < 1e300):
        return True
    return a.__class__ is np.ndarray and a.dtype in (np.float64, np.int64)


def _over(array: Any, shape: tuple[int, ...], own: int) -> Any:
    """An array as it is read: over all problems, or the same for all."""
    if array.ndim == own:
        return np.ascontiguousarray(array)
    return np.ascontiguousarray(np.broadcast_to(array, shape))
