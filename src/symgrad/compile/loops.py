"""Loops at run time: blocks of the operands go through the body, shared out to threads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np

from symgrad.compile.bodies import Bodies, Body, Memory, shapes_at, written
from symgrad.compile.combine import (
    Index,
    Joined,
    Part,
    Placed,
    Stored,
    parts_of,
    reduced,
)
from symgrad.compile.pipeline import Options
from symgrad.expr.dims import Dim, Shape
from symgrad.expr.kinds import Reduce, Span
from symgrad.expr.tuning import tuning
from symgrad.program.cost import cost_of
from symgrad.program.ir import Combine, Loop, Program
from symgrad.program.sizes import row_entries
from symgrad.runtime.blocks import Grid, cut, is_reversed, merged, within
from symgrad.runtime.threads import POOL, cores


def loop_functions(p: Program, options: Options) -> dict[str, Callable[..., Any]]:
    """The functions of the loops of a program, by name."""
    return {loop.name: _loop_function(loop, options) for loop in p.loops()}


def _loop_function(loop: Loop, options: Options) -> Callable[..., Any]:
    made = LoopFunction(loop, options)
    if not options.native:
        return made
    from symgrad.compile.native_choice import native_loop  # noqa: PLC0415 (an extra)

    return native_loop(loop, options.threads, options.fast_math, made)


class LoopFunction:
    """A loop as a function of extents, operands, and an array or None for each result.

    Results are written into arrays that fit them; it gives all of them as a list.
    """

    def __init__(self, loop: Loop, options: Options) -> None:
        self.loop = loop
        self.threads = options.threads
        calls = loop_functions(loop.body, options)
        self.calls = tuple(calls.values())
        self.bodies = Bodies("block", partial(written, loop), calls)
        self.cost = sum(cost_of(instr.kind) for instr in loop.body.instrs)  # of an entry
        self.spaces = _spaces(loop)
        self.run: Any = _Entries
        if not loop.is_entrywise:
            self.run = _Rows
            self.width = row_entries(loop.body, loop.space[0])
        elif any(c.place is not None for c in loop.results):
            self.run = _Shifted
        kinds = [instr.kind for instr in loop.body.instrs]
        self.keeps_axes = any(isinstance(k, Reduce) and k.axes is not None for k in kinds)
        self.whole = max([_whole_axes(loop, c) for c in loop.results])

    def __call__(self, *args: Any) -> list[Any]:
        first = len(self.loop.extents)
        last = first + len(self.loop.operands)
        sizes = dict(zip(self.loop.extents, args[:first], strict=True))
        operands = args[first:last]
        return self.run(self, self.bodies.of(operands), sizes, operands, args[last:]).results()  # type: ignore[no-any-return]


def _whole_axes(loop: Loop, combine: Combine) -> int:
    """Trailing axes that a result reduces, where it has all others: blocks are to hold them whole."""
    kept = len(combine.axes)
    trailing = combine.ufunc is not None and combine.axes == tuple(range(kept))
    return len(loop.space) - kept if kept and trailing else 0


def _spaces(loop: Loop) -> dict[Shape, list[int]]:
    """The operands of the entrywise work over each shape in the body of a loop."""
    instrs, count = loop.body.instrs, len(loop.operands)  # which come first
    found: dict[Shape, dict[int, None]] = {}
    pairs = [(i.shape, a) for i in instrs if i.kind.entrywise for a in i.args]
    for shape, a in [*pairs, *[(instrs[v].shape, v) for v in loop.body.outputs]]:
        if a < count:
            found.setdefault(shape, {})[a] = None
    return {shape: list(operands) for shape, operands in found.items()}


class _Run:
    """One call of a loop: what all of them do.

    Attributes
    ----------
    operands : list
    halos : dict
        The operands that are cut, with their halos or None.
    grid : Grid
    parts : list of Part
        What becomes of each output of the body.
    shares : int
        In how many runs of blocks, each in order, the grid is gone through.
    threads : int
    """

    operands: list[Any]
    halos: Mapping[int, tuple[int, int] | None]
    grid: Grid
    parts: list[Part]
    shares: int
    threads: int

    def __init__(self, f: LoopFunction, body: Body, sizes: dict[str, int]) -> None:
        self.f = f
        self.loop = f.loop
        self.body = body
        self.sizes = sizes
        self.stored = [c.ufunc is None for c in f.loop.results]

    def blocks(self, index: Index) -> list[Any]:
        """The operands of a block: parts of those that are cut, with their halos, and all others."""
        blocks = [*self.operands]
        for k, halo in self.halos.items():
            x = blocks[k]
            blocks[k] = x[index if halo is None else within(index[0], len(x), halo)]
        return blocks

    def shapes(self, index: Index, blocks: Sequence[Any]) -> tuple[Any, ...]:
        """The shapes of the slots for a block."""
        raise NotImplementedError

    def begin(self, index: Index) -> list[int]:
        """Prepare for a block; the extents that the body takes."""
        return [*self.sizes.values()]

    def results(self) -> list[Any]:
        """Run all blocks; the results in the order of the loop's."""
        POOL.share(self._work, self.shares, self.threads)
        totals = {c.result: p for c, p in zip(self.loop.results, self.parts, strict=True)}
        return [totals[k].total() for k in range(len(self.loop.targets))]

    def _work(self, shares: Iterator[int]) -> None:
        """Take runs of blocks until none is left."""
        memory = Memory(self.body.types)
        count = self.grid.count
        try:
            for share in shares:
                for number in range(
                    count * share // self.shares, count * (share + 1) // self.shares
                ):
                    self._block(share, number, memory)
        finally:
            memory.close()

    def _block(self, share: int, number: int, memory: Memory) -> None:
        index = self.grid.index(number)
        extents = self.begin(index)
        blocks = self.blocks(index)
        targets = [part.target(index) for part in self.parts]
        given = [t for t, stored in zip(targets, self.stored, strict=True) if stored]
        slots = memory.arrays(self.shapes(index, blocks))
        values = self.body.run(*extents, *blocks, *given, *slots)
        for part, target, value in zip(self.parts, targets, values, strict=True):
            if value is not target:
                part.add(share, number, index, value)


class _Entries(_Run):
    """Entrywise work, cut along any axes: operands broadcast, and neighbouring axes merge."""

    def __init__(
        self, f: LoopFunction, body: Body, sizes: Any, operands: Any, given: Sequence[Any]
    ) -> None:
        super().__init__(f, body, sizes)
        arrays = [x for x in operands if isinstance(x, np.ndarray) and x.ndim]
        self.shape = np.broadcast_shapes(*[x.shape for x in arrays])
        full = [x for x in arrays if x.shape == self.shape]
        fortran = not f.keeps_axes and full and is_reversed(full)
        self.order: Literal["C", "F"] = "F" if fortran else "C"
        at = [k for k, x in enumerate(operands) if isinstance(x, np.ndarray) and x.ndim]
        self.halos = dict.fromkeys(at)
        outputs = [
            fitting(given[c.result], self.shape, d, self.order) if c.ufunc is None else None
            for c, d in zip(f.loop.results, body.dtypes, strict=True)
        ]
        stretched = {k: self._stretched(operands[k]) for k in at}
        views = [None if y is None else self._stretched(y) for y in outputs]
        every = [*stretched.values(), *[y for y in views if y is not None]]
        shape = self.shape[::-1] if fortran else self.shape
        view = shape if f.keeps_axes else merged(every, shape)
        self.operands = [
            x if k not in stretched else stretched[k].reshape(view) for k, x in enumerate(operands)
        ]
        self._cut(view, [d.itemsize for d in [*[x.dtype for x in arrays], *body.types]])
        self.parts = [
            self._part(k, y, None if v is None else v.reshape(view))
            for k, (y, v) in enumerate(zip(outputs, views, strict=True))
        ]

    def _stretched(self, x: Any) -> Any:
        """An array over the whole space, the last axis the one of the least strides."""
        x = x if x.shape == self.shape else np.broadcast_to(x, self.shape)
        return x.T if self.order == "F" else x

    def _cut(self, view: tuple[int, ...], itemsizes: Sequence[int]) -> None:
        t = tuning()
        size = math.prod(self.shape)
        entries = block_entries(itemsizes)
        heavy = size * self.f.cost >= t.threaded_work
        if heavy:
            entries = min(entries, max(t.shared_entries, -(-size // t.shared_blocks)))
        self.grid = cut(view, entries, self.f.whole)
        self.threads = min(self.f.threads or cores(), self.grid.count) if heavy else 1
        self.shares = parts_of(self.loop.results, self.grid)

    def _part(self, k: int, array: Any, view: Any) -> Part:
        combine = self.loop.results[k]
        if combine.ufunc is None:
            return Stored(array, view)
        kept = len(combine.axes)
        if kept and self.grid.axis < kept and combine.axes == tuple(range(kept)):
            array = np.empty(self.grid.shape[:kept], self.body.dtypes[k])
            return Stored(array, array, given=False)
        return reduced(combine, self.grid, self.shares)

    def shapes(self, index: Index, blocks: Sequence[Any]) -> tuple[Any, ...]:
        """The shape of the block, for each slot."""
        return (blocks[next(iter(self.halos))].shape,) * len(self.body.types)


class _AlongRows(_Run):
    """Work that is cut along the first axis only."""

    def __init__(self, f: LoopFunction, body: Body, sizes: Any, operands: Any) -> None:
        super().__init__(f, body, sizes)
        self.operands = [*operands]
        self.halos: Any = {k: c.halo for k, c in enumerate(f.loop.operands) if 0 in c.axes[:1]}
        self.rows = self._extent(f.loop.space[0])

    def _extent(self, d: Dim) -> int:
        return shapes_at([(d,)], self.sizes)[0][0]

    def _cut(self, step: int) -> None:
        """Cut into blocks of about so many rows."""
        self.grid = cut((self.rows,), step)


class _Rows(_AlongRows):
    """Work of any kind on rows, in one thread: its steps have threads of their own."""

    threads = shares = 1

    def __init__(
        self, f: LoopFunction, body: Body, sizes: Any, operands: Any, given: Sequence[Any]
    ) -> None:
        super().__init__(f, body, sizes, operands)
        t = tuning()
        step = max(t.rows_least, t.rows_bytes // (8 * max(1, self._extent(f.width))))
        self._cut(step if self.rows >= t.rows_blocks * step else max(1, self.rows))
        self.parts = [
            Joined(given[c.result], self.rows) if c.ufunc is None else reduced(c, self.grid, 1)
            for c in f.loop.results
        ]

    def begin(self, index: Index) -> list[int]:
        """The extents, with the rows of this block."""
        self.sizes[self.loop.space[0]] = index[0].stop - index[0].start
        return [*self.sizes.values()]

    def shapes(self, index: Index, blocks: Sequence[Any]) -> tuple[Any, ...]:
        """The shapes by the extents of the block."""
        return shapes_at(self.body.shapes, self.sizes)


class _Shifted(_AlongRows):
    """Sums of shifted parts, which are entrywise work over spaces that reach beyond each other."""

    def __init__(
        self, f: LoopFunction, body: Body, sizes: Any, operands: Any, given: Sequence[Any]
    ) -> None:
        super().__init__(f, body, sizes, operands)
        self.full = {
            space: np.broadcast_shapes(*[np.shape(operands[k]) for k in ks])
            for space, ks in f.spaces.items()
        }
        (shape,) = shapes_at([f.loop.space], sizes)
        self.out = fitting(given[0], shape, np.result_type(*body.dtypes))
        halos = [c.halo for c in f.loop.operands]
        reach = max(h[0] for h in halos) - min(h[1] for h in halos)
        entries = block_entries([self.out.itemsize, *[d.itemsize for d in body.types]])
        row = math.prod(self.out.shape[1:])
        self._cut(max(1, entries // max(1, row), tuning().halo_rows * reach))
        self.shares = self.grid.count
        cost = f.cost + len(f.loop.results)
        heavy = self.out.size * cost >= tuning().threaded_work
        self.threads = min(f.threads or cores(), self.grid.count) if heavy else 1
        self.parts = [self._placed(v, c) for v, c in f.loop.of_result(0)]

    def _cut_of(self, space: Shape) -> int | None:
        """An operand of the work over a space that is cut; None for a single row."""
        return next((k for k in self.f.spaces[space] if k in self.halos), None)

    def _placed(self, v: int, combine: Combine) -> Placed:
        space = self.loop.body.instrs[v].shape
        assert combine.place is not None
        place = tuple([self._entry(entry) for entry in combine.place])
        halo = self.halos.get(self._cut_of(space), None)
        return Placed(combine, place, halo and halo[0], self.full[space][0], self.out)

    def _entry(self, entry: Any) -> Any:
        """An entry of an index, with the extents as numbers."""
        if not isinstance(entry, Span):
            return entry
        first, last = [None if d is None else self._extent(d) for d in entry[:2]]
        return slice(first, last, entry.step)

    def begin(self, index: Index) -> list[int]:
        """Fill the block with zeros."""
        self.out[index] = 0
        return super().begin(index)

    def shapes(self, index: Index, blocks: Sequence[Any]) -> tuple[Any, ...]:
        """The shapes of the work that each slot is for: its rows in this block."""
        return tuple([self._shape(space, blocks) for space in self.body.shapes])

    def _shape(self, space: Shape, blocks: Sequence[Any]) -> tuple[int, ...]:
        k, full = self._cut_of(space), self.full[space]
        return full if k is None else (len(blocks[k]), *full[1:])


def fitting(given: Any, shape: Any, dtype: Any, order: Literal["C", "F"] = "C") -> Any:
    """The array that a result is written to: the one that is given, if it fits."""
    if given is not None and given.shape == shape and given.dtype == dtype:
        return given
    return np.empty(shape, dtype, order=order)


def block_entries(itemsizes: Sequence[int]) -> int:
    """Entries of a block whose arrays have these sizes an entry."""
    least, most = tuning().block_entries
    return max(least, min(most, tuning().block_bytes // max(1, sum(itemsizes))))
