"""Sums of shifted parts at run time: blocks of rows of the result, filled while their parts are cached."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.compile.blocks import block_entries
from symgrad.compile.regions import Kernel, buffers_of, offsets_of
from symgrad.compile.threads import POOL, WORKSPACE, cores
from symgrad.expr.tuning import tuning
from symgrad.program.fusion import Region
from symgrad.program.stencils import Stencil


class StencilFunction:
    """A stencil as a function of the inputs of its groups, one after the other."""

    def __init__(self, stencil: Stencil, threads: int | None) -> None:
        self.stencil = stencil
        self.threads = threads
        self._kernels: dict[tuple[Any, ...], Kernel] = {}

    def __call__(
        self, shape: tuple[int, ...], places: Sequence[Any], *inputs: Any, out: Any = None
    ) -> tuple[Any]:
        groups, rest = [], list(inputs)
        out = None if out is None else out[0]
        for region in self.stencil.groups:
            own, rest = rest[: region.arity], rest[region.arity :]
            groups.append(_Group(region, own, self._kernel(region, own)))
        parts = [
            _Part(groups[part.group], part.result, part.negative, index)
            for part, index in zip(self.stencil.parts, places, strict=True)
        ]
        dtype = np.result_type(*[part.dtype for part in parts])
        if out is None or out.shape != shape or out.dtype != dtype:
            out = np.empty(shape, dtype)
        _Run(groups, parts, out).share(self.threads or cores())
        return (out,)

    def _kernel(self, region: Region, inputs: Sequence[Any]) -> Kernel | None:
        if not region.cost:
            return None
        key = (region, *[x.dtype if hasattr(x, "dtype") else type(x) for x in inputs])
        if key not in self._kernels:
            self._kernels[key] = Kernel(region, key[1:])
        return self._kernels[key]


class _Group:
    """A region over arrays of some rows."""

    def __init__(self, region: Region, inputs: Sequence[Any], kernel: Kernel | None) -> None:
        self.region = region
        self.inputs = inputs
        self.kernel = kernel
        self.shape = np.broadcast_shapes(*[np.shape(x) for x in inputs])
        self.by_rows = [np.ndim(x) == len(self.shape) and len(x) == self.shape[0] for x in inputs]
        count = region.arity
        # where each result comes from: an input, or the buffer of that number
        made = [v for v in region.results if v >= count]
        self.sources = [(v < count, v if v < count else made.index(v)) for v in region.results]
        types = dict(kernel.entrywise) if kernel is not None else {}
        self.made = [types[v] for v in made]
        self.dtypes = [*self.made, *(kernel.work.dtypes if kernel is not None else ())]

    def dtype(self, result: int) -> Any:
        direct, k = self.sources[result]
        return self.inputs[k].dtype if direct else self.made[k]

    def results(self, first: int, last: int, memory: Any) -> list[Any]:
        """The results for some rows, in buffers of `memory` where they are computed."""
        pairs = zip(self.inputs, self.by_rows, strict=True)
        blocks = [x[first:last] if by_rows else x for x, by_rows in pairs]
        shape = (last - first, *self.shape[1:])
        buffers = buffers_of(memory, self.dtypes, offsets_of(self.dtypes, math.prod(shape)), shape)
        if self.kernel is not None:
            self.kernel.run(*blocks, *buffers)
        return [blocks[k] if direct else buffers[k] for direct, k in self.sources]


class _Part:
    """What a group adds at one place of the result."""

    def __init__(self, group: _Group, result: int, negative: bool, index: Sequence[Any]) -> None:
        self.group = group
        self.result = result
        self.dtype = group.dtype(result)
        self.apply = np.subtract if negative else np.add
        self.start = index[0].start or 0  # the row of the result where the first of the part goes
        self.rest = tuple(index[1:])

    def rows(self, first: int, last: int) -> tuple[int, int]:
        """The rows of the part that go into some rows of the result; none where they end first."""
        start = max(0, first - self.start)
        return start, max(start, min(self.group.shape[0], last - self.start))

    def add(self, values: Any, at: int, first: int, last: int, out: Any) -> None:
        """Add to rows of the result; `values` begin with row `at` of the part."""
        start, stop = self.rows(first, last)
        if start < stop:
            place = out[(slice(start + self.start - first, stop + self.start - first), *self.rest)]
            self.apply(place, values[start - at : stop - at], out=place)


class _Run:
    """One call."""

    def __init__(self, groups: Sequence[_Group], parts: Sequence[_Part], out: Any) -> None:
        self.groups = groups
        self.parts = parts
        self.out = out
        row = math.prod(out.shape[1:])
        sizes = [d.itemsize for g in groups for d in g.dtypes]
        reach = max(p.start for p in parts) - min(p.start for p in parts)
        entries = block_entries([out.itemsize, *sizes])
        self.step = max(1, entries // max(1, row), tuning().halo_rows * reach)
        self.starts = range(0, out.shape[0], self.step)
        work = [offsets_of(g.dtypes, (self.step + reach) * math.prod(g.shape[1:])) for g in groups]
        self.memory = max(offsets[-1] for offsets in work)
        self.cost = sum(g.region.cost for g in groups) + len(parts)

    def share(self, threads: int) -> None:
        """Fill all blocks."""
        counter = itertools.count()
        large = self.out.size * self.cost >= tuning().threaded_work
        threads = min(threads, len(self.starts)) if large else 1
        if threads <= 1:
            self._work(counter)
        else:
            POOL.share(lambda: self._work(counter), threads)

    def _work(self, counter: Any) -> None:
        memory = WORKSPACE.take(self.memory)
        while (number := next(counter)) < len(self.starts):
            first = self.starts[number]
            self._fill(first, min(first + self.step, self.out.shape[0]), memory)
        WORKSPACE.give_back(memory)

    def _fill(self, first: int, last: int, memory: Any) -> None:
        block = self.out[first:last]
        block[...] = 0
        for group in self.groups:
            own = [part for part in self.parts if part.group is group]
            needed = [rows for part in own if (rows := part.rows(first, last))[0] < rows[1]]
            if not needed:
                continue
            start, stop = min(rows[0] for rows in needed), max(rows[1] for rows in needed)
            values = group.results(start, stop, memory)
            for part in own:
                part.add(values[part.result], start, first, last, block)
