"""Batches of small problems by the formulas of their entries: the columns of a batch are the arguments of a
function of scalars, and its results the columns of the batch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np

from symgrad.compile.arguments import FLOAT
from symgrad.compile.pipeline import Draft, Options
from symgrad.expr.node import Expr
from symgrad.expr.tuning import tuning
from symgrad.program.ir import Program
from symgrad.rewrite.batches import one_problem
from symgrad.rewrite.unrolling import by_entries, has_entries

MAX_PART: Final = (
    0.75  # of the entries that arrays compute for a problem; columns are packed as well
)


@dataclass(frozen=True)
class Columns:
    """A function of batches by a function of columns.

    Attributes
    ----------
    function : callable
        Of the columns; ``out=`` takes a list of arrays for its results.
    places : tuple of int or None
        Along which axis each argument has the batch; None where it is the same for all problems.
    shapes : tuple of tuple
        The shape of each result for one problem.
    least : float
        The problems from which it pays: it may take more steps than arrays do, of fewer entries.
    """

    function: Callable[..., Any]
    places: tuple[int | None, ...]
    shapes: tuple[tuple[int, ...], ...]
    least: float

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """The results, each with the batch first, for arguments of float64."""
        count = 0
        columns: list[Any] = []
        for value, place in zip(values, self.places, strict=True):
            if place is None:
                columns += np.ravel(value).tolist()
            else:
                count = value.shape[place]
                rows = math.prod(value.shape[:place]) * math.prod(value.shape[place + 1 :])
                last = np.ascontiguousarray(np.moveaxis(value, place, -1))
                columns.extend(last.reshape(rows, count))
        return (self._few if count < tuning().large_entries else self._many)(columns, count)

    def _few(self, columns: Sequence[Any], count: int) -> list[Any]:
        results = iter(self.function(*columns))
        parts = [list(islice(results, math.prod(shape))) for shape in self.shapes]
        pairs = zip(parts, self.shapes, strict=True)
        return [np.moveaxis(np.array(part).reshape(*s, count), -1, 0) for part, s in pairs]

    def _many(self, columns: Sequence[Any], count: int) -> list[Any]:
        """Columns of results are written one after the other, and looked at with the batch first."""
        results = [np.empty((*shape, count)) for shape in self.shapes]
        self.function(*columns, out=[row for part in results for row in part.reshape(-1, count)])
        return [np.moveaxis(part, -1, 0) for part in results]


class Batches:
    """The function by columns of a function, made at its second call: many functions are called once."""

    def __init__(self, args: Sequence[Expr], make: Callable[[], Columns | None]) -> None:
        self._make = make
        self._batch = next(_named_axes(args), None)
        self._called = False
        self._made = False
        self._found: Columns | None = None

    def find(self, values: Sequence[Any]) -> Columns | None:
        """The function by columns for these arguments, or None where arrays are as good."""
        if not self._called:
            self._called = True
            return None
        if self._batch is None:
            return None
        argument, axis = self._batch
        count = values[argument].shape[axis]
        if count < tuning().column_problems:
            return None
        if any(v.dtype is not FLOAT for v in values):
            return None
        if not self._made:
            self._found = self._make()
            self._made = True
        return self._found if self._found is not None and count >= self._found.least else None


def _named_axes(args: Sequence[Expr]) -> Iterator[tuple[int, int]]:
    """The axes whose extent is known at call time only, each with the number of its argument."""
    return (
        (k, axis)
        for k, x in enumerate(args)
        for axis, d in enumerate(x.shape)
        if d.__class__ is str
    )


def on_columns(
    parameters: Sequence[tuple[str, Expr]],
    leaves: Sequence[Expr],
    arrays: Callable[[], Program],
    options: Options,
    compiled: Callable[[Draft, Program], Callable[..., Any]],
) -> Columns | None:
    """The function by columns, where it computes fewer entries than that on arrays.

    It is a function of scalars under `options`, which `compiled` makes of what was lowered for it.
    """
    symbols = [x for _, x in parameters]
    problem = one_problem(symbols, leaves)
    if problem is None or not has_entries(problem.parameters, problem.outputs):
        return None
    names = [name for name, _ in parameters]
    scalars = by_entries(list(zip(names, problem.parameters, strict=True)), problem.outputs)
    if scalars is None:
        return None
    draft = Draft(*scalars.flat(), options)
    program, whole = draft.lowered(), arrays()
    steps = program.steps()
    saved = MAX_PART * _entries(whole) - steps
    if steps > tuning().float_steps or saved <= 0:
        return None
    least = max(tuning().column_problems, tuning().call_entries * (steps - whole.steps()) // saved)
    shapes: Any = tuple([y.shape[1:] for y in problem.outputs])
    return Columns(compiled(draft, program), tuple(problem.places), shapes, least)


def _entries(p: Program) -> int:
    """How many entries of arrays are computed for each problem of a batch."""
    pairs = zip(p.instrs, p.live(), strict=True)
    made = [instr.shape for instr, live in pairs if live and not instr.kind.leaf]
    return sum(math.prod(d for d in shape if isinstance(d, int)) for shape in made)
