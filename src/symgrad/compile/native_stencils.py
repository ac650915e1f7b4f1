"""Sums of shifted parts as native loops: one pass over memory for each region where the same parts reach.

Part k of a sum is an array whose entry j is added at place ``j + start_k``. The boundaries of all parts cut
the result into boxes, of which the inner one is nearly all of it; in a box every entry is the same formula
of the operands at shifted places. So a stencil is entrywise work on views, and nothing is stored in
between. What two parts have in common is computed for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise, product
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.compile.bodies import shapes_at
from symgrad.compile.native_bodies import Kept, NativeBody
from symgrad.compile.native_loops import NativeWork, readable
from symgrad.expr.kinds import Argument, Literal, Span, Ufunc
from symgrad.program.cost import cost_of
from symgrad.program.ir import Instr, Loop, Program, Value
from symgrad.program.reductions import SUBTRACT
from symgrad.targets.native.entries import OF_NUMBERS
from symgrad.targets.native.steps import Unsupported

MOST_PARTS: Final = 32
MOST_BOXES: Final = 64  # more are left to other code
MAX_EXTENTS: Final = 16  # for which the boxes are kept
Place = tuple[int, ...]


class ShiftedPart(NamedTuple):
    """A part of the sum: its value in the body, where it begins in the result, and its sign."""

    value: Value
    start: Place
    negative: bool


class Box(NamedTuple):
    """A part of the result in which the same parts reach: where it begins and ends, and their numbers."""

    low: Place
    high: Place
    active: tuple[int, ...]


def native_stencil(
    loop: Loop, threads: int | None, fast: bool, other: Callable[..., Any]
) -> Callable[..., Any]:
    """A sum of shifted parts as native code.

    Raises
    ------
    Unsupported
        If it has none; see `parts_of_sum` and `sum_of_parts`.
    """
    work = partial(NativeWork, threads=threads, fast=fast)
    return NativeStencil(loop, parts_of_sum(loop), work, other)


def parts_of_sum(loop: Loop) -> list[ShiftedPart]:
    """The parts of the sum that a loop is.

    Raises
    ------
    Unsupported
        If it is another loop, or its parts are not put at places known beforehand.
    """
    parts = []
    for v, combine in zip(loop.body.outputs, loop.results, strict=True):
        if combine.place is None or combine.result:
            raise Unsupported("parts beside other results")
        starts = [_start(entry) for entry in combine.place]
        rank = len(loop.space)
        start = (*starts, *[0] * (rank - len(starts)))
        if len(start) != rank or len(loop.body.instrs[v].shape) != rank:
            raise Unsupported("parts of other axes than the sum has")
        parts.append(ShiftedPart(v, start, combine.ufunc == SUBTRACT))
    if len(parts) > MOST_PARTS:
        raise Unsupported(f"{len(parts)} shifted parts")
    return parts


def _start(entry: Any) -> int:
    """Where a slice of step one begins."""
    if not isinstance(entry, Span) or entry.step != 1 or not isinstance(entry.start, int | None):
        raise Unsupported("parts at places that are not known beforehand")
    if entry.start is not None and entry.start < 0:
        raise Unsupported("parts at places that are counted from the end")
    return entry.start or 0


class NativeStencil:
    """A sum of shifted parts as a function of extents, operands, and an array or None for the result.

    What has no native code for the types that come is left to `other`.
    """

    def __init__(
        self,
        loop: Loop,
        parts: Sequence[ShiftedPart],
        work: Callable[[NativeBody], NativeWork],
        other: Callable[..., Any],
    ) -> None:
        self.loop = loop
        self.parts = parts
        self.other = other
        self._work = work
        self._first = len(loop.extents)
        self._last = self._first + len(loop.operands)
        self._of: dict[tuple[int, ...], tuple[NativeWork, list[tuple[int, Place]]]] = {}
        self._boxes: dict[tuple[int, ...], list[Box] | None] = {}
        self.work_of(tuple(range(len(parts))))  # what has none is told now

    def __call__(self, *args: Any) -> list[Any]:
        sizes = args[: self._first]
        operands = [readable(x) for x in args[self._first : self._last]]
        boxes = self._boxes_at(sizes)
        whole = self._type(operands)
        if boxes is None or whole is None:
            return self.other(*args)  # type: ignore[no-any-return]
        (shape,) = shapes_at([self.loop.space], self._named(sizes))
        given = args[self._last]
        result = given if self._takes(given, shape, whole, operands) else np.empty(shape, whole)
        for box in boxes:
            inside = result[tuple(map(slice, box.low, box.high))]
            if not box.active:
                inside[...] = 0
                continue
            work, reads = self.work_of(box.active)
            views = [self._view(operands[k], start, box) for k, start in reads]
            found = work.run(views, [inside])
            if found is None:
                return self.other(*args)  # type: ignore[no-any-return]
            if found[0] is not inside:
                inside[...] = found[0]
        return [result]

    def _takes(self, given: Any, shape: Any, whole: Any, operands: Sequence[Any]) -> bool:
        """Whether the result can be written into an array: no part is read after it was written over."""
        return (
            given is not None
            and given.shape == shape
            and given.dtype == whole
            and not any(np.may_share_memory(given, x) for x in operands if np.ndim(x))
        )

    def _type(self, operands: Sequence[Any]) -> Any:
        """The type of the result; None where types have no native code."""
        work, reads = self.work_of(tuple(range(len(self.parts))))
        types = [x.dtype if isinstance(x, np.ndarray) else x.__class__ for x in operands]
        try:
            (found,) = work.result_types([types[k] for k, _ in reads])
        except Unsupported:
            return None
        return OF_NUMBERS.get(found, found)

    @staticmethod
    def _view(x: Any, start: Place, box: Box) -> Any:
        """An operand for the entries of a box; an axis along which it is repeated stays."""
        if not np.ndim(x):
            return x
        axes = range(-x.ndim, 0)
        return x[
            tuple(
                [
                    slice(box.low[k] - start[k], box.high[k] - start[k])
                    if x.shape[k] != 1
                    else slice(None)
                    for k in axes
                ]
            )
        ]

    # Where parts reach

    def _named(self, sizes: Sequence[int]) -> dict[str, int]:
        return dict(zip(self.loop.extents, sizes, strict=True))

    def _boxes_at(self, sizes: tuple[int, ...]) -> list[Box] | None:
        """The boxes for these extents; None where they are too many."""
        if sizes not in self._boxes:
            for oldest in [*self._boxes][: 1 - MAX_EXTENTS]:
                self._boxes.pop(oldest, None)
            self._boxes[sizes] = self._cut(sizes)
        return self._boxes[sizes]

    def _cut(self, sizes: tuple[int, ...]) -> list[Box] | None:
        shapes = [self.loop.space, *[self.loop.body.instrs[p.value].shape for p in self.parts]]
        whole, *extents = shapes_at(shapes, self._named(sizes))
        ends = [
            tuple([s + n for s, n in zip(p.start, extent, strict=True)])
            for p, extent in zip(self.parts, extents, strict=True)
        ]
        axes = []
        for axis, n in enumerate(whole):
            bounds = {p.start[axis] for p in self.parts} | {end[axis] for end in ends}
            axes.append([*pairwise(sorted({0, n, *[b for b in bounds if 0 < b < n]}))])
        boxes = []
        for segments in product(*axes):
            low, high = tuple([s[0] for s in segments]), tuple([s[1] for s in segments])
            active = [
                k
                for k, (p, end) in enumerate(zip(self.parts, ends, strict=True))
                if all(
                    s <= a and b <= e for s, a, b, e in zip(p.start, low, high, end, strict=True)
                )
            ]
            boxes.append(Box(low, high, tuple(active)))
        return boxes if len(boxes) <= MOST_BOXES else None

    # What is computed there

    def work_of(self, active: tuple[int, ...]) -> tuple[NativeWork, list[tuple[int, Place]]]:
        """The sum of some parts for an entry: its native work, and the operands that it reads, shifted."""
        if active not in self._of:
            body, reads = sum_of_parts(self.loop.body, [self.parts[k] for k in active])
            self._of[active] = self._work(body), reads
        return self._of[active]


def sum_of_parts(
    p: Program, parts: Sequence[ShiftedPart]
) -> tuple[NativeBody, list[tuple[int, Place]]]:
    """The sum of parts as entrywise work on the operands of a body, each at one or several places.

    Its operands are pairs of the number of one of those, and the start of the part that it is read for.

    Raises
    ------
    Unsupported
        If something in it is not done entry by entry.
    """
    count = len(p.parameters)  # which are the first values
    needed = {part.start: _needed(p, [q for q in parts if q.start == part.start]) for part in parts}
    reads = sorted({(v, start) for start, values in needed.items() for v in values if v < count})
    rank = len(p.instrs[parts[0].value].shape)
    listed = [Instr(Argument(p.parameters[k][0]), (), p.parameters[k][1].shape) for k, _ in reads]
    number: dict[tuple[Value, Place], int] = {}
    for start, values in needed.items():
        for v in values:
            if v < count:
                number[v, start] = reads.index((v, start))
                continue
            instr = p.instrs[v]
            if instr.args and not instr.kind.entrywise:
                raise Unsupported("work that is not entry by entry")
            number[v, start] = len(listed)
            listed.append(instr._replace(args=tuple([number[a, start] for a in instr.args])))
    total = len(listed)
    listed.append(Instr(Literal(0), (), ()))
    for part in parts:  # as NumPy adds them to zeros, in this order
        kind = Ufunc("subtract" if part.negative else "add")
        shape = p.instrs[part.value].shape
        listed.append(Instr(kind, (total, number[part.value, part.start]), shape))
        total = len(listed) - 1
    cost = sum(cost_of(instr.kind) for instr in listed)
    output = Kept((total,), None, tuple(range(rank)))
    return NativeBody(tuple(listed), len(reads), (output,), rank, cost), reads


def _needed(p: Program, parts: Sequence[ShiftedPart]) -> list[Value]:
    """The values that some outputs are made of, in order."""
    found = {part.value for part in parts}
    for v in range(len(p.instrs) - 1, -1, -1):
        if v in found:
            found.update(p.instrs[v].args)
    return sorted(found)
