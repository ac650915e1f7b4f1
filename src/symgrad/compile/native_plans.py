"""How a native loop runs on arrays of one layout: its axes, its table of numbers, and its parts.

A plan depends on element types, shapes and strides only; what a call adds is addresses.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from struct import pack, unpack
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.compile.native_bodies import NativeBody
from symgrad.expr.templates import ufunc_of
from symgrad.expr.tuning import tuning
from symgrad.runtime.threads import POOL, cores
from symgrad.targets.native.entries import OF_NUMBERS, DType
from symgrad.targets.native.launch import launch
from symgrad.targets.native.loops import (
    APART,
    CHUNK,
    NEXT,
    SAME,
    SUMMED,
    LoopCode,
    LoopOperand,
    LoopResult,
    identity,
    slots,
)
from symgrad.targets.native.processors import processor

SHORT: Final = 32  # an innermost axis that is shorter changes places with a longer one
REPEATED: Final = 8  # times that an operand is gone through from which a copy without gaps pays
SHARES: Final = 4  # for each thread, so that none waits long for another


class NativeKernel(NamedTuple):
    """A compiled loop: a function of a table and a part, and addresses of others, as `loop_module` says.

    Attributes
    ----------
    run : callable
    once, flat : int
        The latter is 0 where there is none.
    """

    run: Callable[..., None]
    once: int
    flat: int = 0


class Layout(NamedTuple):
    """An operand: its element type, or that of a number of Python, its extents and strides."""

    type: DType
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether it is a number of Python."""
        return isinstance(self.type, type)

    def along(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The strides along the axes of a shape; 0 where it is repeated."""
        own = [0 if n == 1 else s for n, s in zip(self.shape, self.strides, strict=True)]
        return (0,) * (len(shape) - len(own)) + tuple(own)

    def packed(self) -> Layout:
        """The same in C's order, without gaps."""
        return self._replace(strides=tuple(_contiguous(self.shape, self.type.itemsize)))

    def reach(self) -> tuple[int, int]:
        """Where its memory begins and ends, in bytes from its address."""
        if 0 in self.shape:
            return 0, 0
        ends = [s * (n - 1) for n, s in zip(self.shape, self.strides, strict=True)]
        return sum(min(0, e) for e in ends), sum(max(0, e) for e in ends) + self.type.itemsize


class Axis(NamedTuple):
    """An axis of a loop: its extent, the strides of all arrays, and the reductions that keep it."""

    extent: int
    strides: tuple[int, ...]
    kept: tuple[bool, ...]


class Partial(NamedTuple):
    """The memory of a reduction: its shape, element type, and what it begins with."""

    result: int
    shape: tuple[int, ...]
    type: DType
    start: Any
    axes: tuple[int, ...]
    final: tuple[int, ...] | None


class LoopPlan:
    """A loop for operands of some layouts, and arrays of some layouts, or None, for its results."""

    def __init__(
        self,
        body: NativeBody,
        types: Sequence[DType],
        operands: Sequence[Layout],
        given: Sequence[Layout | None],
        threads: int | None,
        fast: bool,
        kernel: Callable[[LoopCode], NativeKernel],
    ) -> None:
        self.body, self.types = body, types
        shape = np.broadcast_shapes(*[x.shape for x in operands])
        self.shape = (1,) * (body.rank - len(shape)) + shape
        self.copied = [k for k, x in enumerate(operands) if self._pays_to_copy(x)]
        operands = [x.packed() if k in self.copied else x for k, x in enumerate(operands)]
        self.operands = operands
        self.reduces = any(r.ufunc for r in body.results)
        self.takes = [self._fits(x, k) for k, x in enumerate(given)]
        self.order = self._order()
        stored = [
            (given[k] if self.takes[k] else self._fresh(k))
            for k, r in enumerate(body.results)
            if r.ufunc is None
        ]
        outputs = [x for x in stored if x is not None]
        self.axes = self._axes([x.along(self.shape) for x in [*operands, *outputs]])
        extents = [axis.extent for axis in self.axes]
        self.size = math.prod(extents)
        self.threads, self.ranges = self._ranges(extents, threads)
        self.partials: list[Partial] = []
        rows, results = self._arrays(extents)
        whole = (0, extents[0], 0, extents[-1], 0)
        words = [[0] * len(rows), whole, extents, *rows]
        self.table = array("q", [word for part in words for word in part])
        slot = slots([x.type for x in operands], len(given))
        self.arrays = [k for k, x in enumerate(operands) if not x.is_number]
        self.numbers = [(k, slot[k]) for k, x in enumerate(operands) if x.is_number]
        self.reaches = [operands[k].reach() for k in self.arrays]
        self.own = [
            x.reach() if x is not None and t else None
            for x, t in zip(given, self.takes, strict=True)
        ]
        self.at_once = len(self.ranges) == 1 and not any(self.takes)
        self.launch = launch()
        inner = self.axes[-1].strides
        arrays = [
            LoopOperand(x.type, _step(inner[a], OF_NUMBERS.get(x.type, x.type).itemsize))
            for a, x in enumerate(operands)
        ]
        code = LoopCode(body.instrs, tuple(arrays), results, len(self.axes), fast, processor())
        self.kernel = kernel(code) if self.size else None

    # What is made once

    def _pays_to_copy(self, x: Layout) -> bool:
        """Whether an operand has gaps and is gone through many times."""
        repeated = REPEATED * math.prod(x.shape) <= math.prod(self.shape)
        return bool(x.shape) and repeated and x.strides != x.packed().strides

    def _fits(self, given: Layout | None, k: int) -> bool:
        """Whether a result can be written into an array."""
        return (
            given is not None
            and self.body.results[k].ufunc is None
            and given.shape == self.shape
            and given.type == self.types[k]
        )

    def _order(self) -> tuple[int, ...] | None:
        """The axes of new arrays from the outermost to the innermost; None for C's order.

        They are those of an operand that spans all axes.
        """
        full = [x for x in self.operands if x.shape == self.shape]
        if not full or self.reduces:
            return None
        steps = [abs(s) for s in full[0].strides]
        order = tuple(sorted(range(len(steps)), key=lambda k: -steps[k]))
        return None if order == tuple(range(len(order))) else order

    def _fresh(self, k: int) -> Layout:
        """A new array of a result."""
        made = self.new(k)
        return Layout(made.dtype, made.shape, made.strides)

    def new(self, k: int) -> Any:
        """An array for a result."""
        if self.order is None:
            return np.empty(self.shape, self.types[k])
        made = np.empty([self.shape[k] for k in self.order], self.types[k])
        return made.transpose(np.argsort(self.order))

    def _axes(self, rows: Sequence[tuple[int, ...]]) -> list[Axis]:
        """The axes of the loop: none of extent 1, neighbours merged, the best one innermost."""
        kept = [[k in r.axes for k in range(self.body.rank)] for r in self.body.results if r.ufunc]
        axes = [
            Axis(n, tuple([s[k] for s in rows]), tuple([held[k] for held in kept]))
            for k, n in enumerate(self.shape)
            if n != 1
        ]
        if not self.reduces:
            axes.sort(key=lambda axis: -sum(map(abs, axis.strides)))
        axes = _merged(axes)
        alone = all(sum(a.kept[k] for a in axes) <= 1 for k in range(len(kept)))  # in any order
        if alone and len(axes) > 1 and axes[-1].extent < SHORT:
            longest = max(range(len(axes)), key=lambda k: axes[k].extent)
            if axes[longest].extent >= SHORT:
                axes.append(axes.pop(longest))
        return axes or [Axis(1, (0,) * len(rows), (True,) * len(kept))]

    def _ranges(
        self, extents: Sequence[int], threads: int | None
    ) -> tuple[int, list[tuple[int, ...]]]:
        """How many threads take part; and ranges of the first axis and of the innermost, and a slab."""
        t = tuning()
        heavy = self.size * self.body.cost >= t.threaded_work
        workers = max(1, threads or cores()) if heavy else 1
        first, last = extents[0], extents[-1]
        wanted = SHARES * workers if workers > 1 else 1
        shares = max(1, min(wanted, self.size // max(1, t.shared_entries)))
        if len(extents) > 1 and first >= shares:
            cuts = [first * k // shares for k in range(shares + 1)]
            return workers, [
                (low, high, 0, last, k) for k, (low, high) in enumerate(pairwise(cuts))
            ]
        chunks = -(-last // CHUNK)
        shares = max(1, min(shares, chunks))
        cuts = [min(last, chunks * k // shares * CHUNK) for k in range(shares + 1)]
        return workers, [(0, first, low, high, 0) for low, high in pairwise(cuts)]

    def _arrays(self, extents: Sequence[int]) -> tuple[list[list[int]], tuple[LoopResult, ...]]:
        """The strides and the slab's length of all arrays, and what the code does with results."""
        count = len(self.operands)
        rows = [[*[axis.strides[a] for axis in self.axes], 0] for a in range(count)]
        results: list[LoopResult] = []
        for k, (kept, d) in enumerate(zip(self.body.results, self.types, strict=True)):
            if kept.ufunc is None:
                strides = [axis.strides[count] for axis in self.axes]
                count += 1
                rows.append([*strides, 0])
                step = NEXT if strides[-1] == d.itemsize else APART
                results.append(LoopResult(kept.values, d, step))
            else:
                rows.append(self._partial(k, d, extents))
                inner = self.axes[-1].kept[len(self.partials) - 1]
                results.append(LoopResult(kept.values, d, NEXT, kept.ufunc, inner))
        return rows, tuple(results)

    def _partial(self, k: int, d: DType, extents: Sequence[int]) -> list[int]:
        """LoopPlan the memory of a reduction; its strides and the length of a slab."""
        kept, number = self.body.results[k], len(self.partials)
        held = [axis.kept[number] for axis in self.axes]
        start = identity(kept.ufunc, d)
        final = tuple([self.shape[axis] for axis in kept.axes]) if kept.axes else None
        if not held[-1]:  # a number for each chunk
            shape = (*extents[:-1], -(-extents[-1] // SUMMED))
            axes = tuple([j for j, h in enumerate(held) if not h])
            self.partials.append(Partial(k, shape, d, start, axes, final))
            return [*_contiguous(shape, d.itemsize), 0]
        shape = (len(self.ranges), *[n for n, h in zip(extents, held, strict=True) if h])
        self.partials.append(Partial(k, shape, d, start, (0,), final))
        slab, *strides = _contiguous(shape, d.itemsize)
        following = iter(strides)
        return [*[next(following) if h else 0 for h in held], slab]

    # What each call does

    def run(self, operands: Sequence[Any], given: Sequence[Any]) -> list[Any] | None:
        """The results; None where an array would be written over while it is read."""
        if self.copied:
            operands = [
                np.array(x, order="C") if k in self.copied else x for k, x in enumerate(operands)
            ]
        results = [self._target(k, x) for k, x in enumerate(given)]
        partials = [np.full(p.shape, p.start, p.type) for p in self.partials]
        for p, memory in zip(self.partials, partials, strict=True):
            results[p.result] = memory
        if self.kernel is not None and not self._call(operands, results):
            return None
        for p, memory in zip(self.partials, partials, strict=True):
            results[p.result] = self._total(p, memory)
        return results

    def fresh(self, operands: Sequence[Any]) -> list[Any]:
        """The results in new arrays, where none is a reduction and none is given."""
        if self.order is None:
            results = [np.empty(self.shape, d) for d in self.types]
        else:
            results = [self.new(k) for k in range(len(self.types))]
        if self.kernel is not None:
            self._call(operands, results)
        return results

    def _target(self, k: int, given: Any) -> Any:
        if self.takes[k]:
            return given
        return self.new(k) if self.body.results[k].ufunc is None else None

    def _call(self, operands: Sequence[Any], results: Sequence[Any]) -> bool:
        """Run the code; whether it did, or memory that is written is that of an operand."""
        assert self.kernel is not None
        table = self.table[:]
        for k, slot in self.numbers:
            x = operands[k]
            table[slot] = _bits(x) if x.__class__ is float else x
        base = table.buffer_info()[0]
        arrays = [*[operands[k] for k in self.arrays], *results]
        if self.at_once:
            self.launch(self.kernel.once, base, *arrays)
            return True
        self.launch(0, base, *arrays)
        if any(self.takes) and self._overlap(table):
            return False
        if len(self.ranges) == 1:
            self.launch(self.kernel.once, base)
        else:
            self._share(base)
        return True

    def _overlap(self, table: Sequence[int]) -> bool:
        """Whether the memory of a result that was given is that of an operand."""
        count = len(self.arrays)
        for place, own in enumerate(self.own, count):
            if own is not None:
                low, high = table[place] + own[0], table[place] + own[1]
                for at, (first, last) in zip(table[:count], self.reaches, strict=True):
                    if at + first < high and low < at + last:
                        return True
        return False

    def _share(self, base: int) -> None:
        """Run the parts, on several threads without the lock of the interpreter."""
        ranges = self.ranges
        assert self.kernel is not None
        run = self.kernel.run

        def work(shares: Iterator[int]) -> None:
            for share in shares:
                run(base, *ranges[share])

        if self.threads == 1:
            work(iter(range(len(ranges))))
        else:
            POOL.share(work, len(ranges), min(self.threads, len(ranges)))

    def _total(self, p: Partial, memory: Any) -> Any:
        """The result of all partial ones."""
        name = self.body.results[p.result].ufunc
        ufunc = ufunc_of(name) if name else None
        assert ufunc is not None
        if memory.size == 0 and name != "add":
            raise ValueError(f"zero-size array to reduction operation {name} which has no identity")
        total = ufunc.reduce(memory, axis=p.axes, dtype=p.type)
        return total if p.final is None else np.reshape(total, p.final)


def _bits(x: float) -> int:
    """The integer with the bits of a float."""
    return unpack("q", pack("d", x))[0]  # type: ignore[no-any-return]


def _contiguous(shape: Sequence[int], itemsize: int) -> list[int]:
    """The strides of an array in C's order."""
    if not shape:
        return []
    strides = [itemsize]
    for n in reversed(shape[1:]):
        strides.append(strides[-1] * n)
    return strides[::-1]


def _merged(axes: Sequence[Axis]) -> list[Axis]:
    """The axes, neighbours being one where every array goes through them as through one."""
    merged: list[Axis] = []
    for axis in axes:
        if merged:
            outer = merged[-1]
            inner = [s * axis.extent for s in axis.strides]
            if outer.kept == axis.kept and [*outer.strides] == inner:
                merged[-1] = axis._replace(extent=outer.extent * axis.extent)
                continue
        merged.append(axis)
    return merged


def _step(stride: int, itemsize: int) -> str:
    return SAME if stride == 0 else NEXT if stride == itemsize else APART
