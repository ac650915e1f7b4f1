"""Fused regions at run time: one loop over blocks, in place, shared out to threads."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from symgrad.compile.blocks import block_entries, cut, is_reversed, merged
from symgrad.compile.execute import execute
from symgrad.compile.partials import partial_of
from symgrad.compile.threads import ALIGNMENT, POOL, WORKSPACE, cores
from symgrad.expr.tuning import tuning
from symgrad.program.buffers import assign, body_dtypes
from symgrad.program.fusion import Region
from symgrad.program.reductions import Reduction
from symgrad.targets.kernel_source import kernel_source


class RegionFunction:
    """A region as a function of its inputs; it gives its results as a tuple.

    Its kernels, one for each combination of element types, are made when first needed.
    """

    def __init__(self, region: Region, threads: int | None) -> None:
        self.region = region
        self.threads = threads
        self._kernels: dict[tuple[Any, ...], Kernel] = {}

    def __call__(self, *inputs: Any, out: Sequence[Any] | None = None) -> tuple[Any, ...]:
        key = tuple(
            [x.dtype if isinstance(x, (np.ndarray, np.generic)) else type(x) for x in inputs]
        )
        kernel = self._kernels.get(key)
        if kernel is None:
            kernel = self._kernels[key] = Kernel(self.region, key)
        return _Run(kernel, inputs, out or [], self.threads or cores()).results()


class Kernel:
    """The code of a region for given element types.

    Attributes
    ----------
    source : str
    run : callable
        On blocks; see `kernel_source`.
    """

    def __init__(self, region: Region, dtypes: tuple[Any, ...]) -> None:
        self.region = region
        types = body_dtypes(region, dtypes)
        self.work = assign(region, types)
        self.source = kernel_source(region, self.work)
        self.run: Callable[..., Any] = execute(_imports(self.source) + self.source, "kernel", {})
        self.reductions = region.reductions()
        reduced = {v for v, _ in self.reductions}
        self.entrywise = [(v, types[v]) for v in region.results if v not in reduced]
        self.reduced_dtypes = [types[v] for v, _ in self.reductions]
        arrays = [d for d in dtypes if isinstance(d, np.dtype)]
        self.itemsizes = [d.itemsize for d in [*arrays, *self.work.dtypes]]
        self.whole = max([_whole_axes(region, r) for _, r in self.reductions], default=0)
        self.keeps_axes = any(r.axes is not None for _, r in self.reductions)


def float_kernel(region: Region) -> str:
    """The code of a region whose inputs are arrays of float64."""
    return Kernel(region, (np.dtype(np.float64),) * region.arity).source


def _imports(source: str) -> str:
    special = "import scipy.special\n" if "scipy.special." in source else ""
    return f"import numpy as np\n{special}\n\n"


def _whole_axes(region: Region, r: Reduction) -> int:
    """Trailing axes that a reduction takes as a whole, where it leaves others."""
    if r.axes is None:
        return 0
    rank = len(region.space)
    trailing = tuple(range(rank - len(r.axes), rank))
    return len(r.axes) if tuple(sorted(r.axes)) == trailing else 0


class _Run:
    """One call of a region."""

    def __init__(
        self, kernel: Kernel, inputs: Sequence[Any], targets: Sequence[Any], threads: int
    ) -> None:
        self.kernel = kernel
        arrays = [x for x in inputs if isinstance(x, np.ndarray) and x.ndim]
        self.shape = np.broadcast_shapes(*[x.shape for x in arrays])
        full = [x for x in arrays if x.shape == self.shape]
        fortran = not kernel.keeps_axes and full and is_reversed(full)
        self.order: Literal["C", "F"] = "F" if fortran else "C"
        given = dict(zip(kernel.region.results, targets, strict=False))
        self.outputs = [self._output(given.get(v), d) for v, d in kernel.entrywise]
        self.heavy = math.prod(self.shape) * kernel.region.cost >= tuning().threaded_work
        self._cut([*inputs, *self.outputs])
        self.threads = min(threads, self.grid.count) if self.heavy else 1
        self.partials = [
            partial_of(r, d, self.grid)
            for (_, r), d in zip(kernel.reductions, kernel.reduced_dtypes, strict=True)
        ]

    def _output(self, given: Any, dtype: Any) -> Any:
        """The array that a result is written to: the caller's, if it fits."""
        if given is not None and given.shape == self.shape and given.dtype == dtype:
            return given
        return np.empty(self.shape, dtype, order=self.order)

    def _cut(self, operands: Sequence[Any]) -> None:
        at = [k for k, x in enumerate(operands) if isinstance(x, np.ndarray) and x.ndim]
        stretched = [_stretched(operands[k], self.shape) for k in at]
        shape = self.shape
        if self.order == "F":
            stretched, shape = [x.T for x in stretched], shape[::-1]
        view = shape if self.kernel.keeps_axes else merged(stretched, shape)
        self.operands = list(operands)
        for k, x in zip(at, stretched, strict=True):
            self.operands[k] = x if view == shape else x.reshape(view)
        self.arrays = at
        entries = block_entries(self.kernel.itemsizes)
        if self.heavy:
            share = -(-math.prod(self.shape) // tuning().shared_blocks)
            entries = min(entries, max(tuning().shared_entries, share))
        self.grid = cut(view, entries, self.kernel.whole)

    def results(self) -> tuple[Any, ...]:
        """Run all blocks; the results in the order of the region's."""
        counter = itertools.count()
        if self.threads == 1:
            self._work(counter)
        else:
            POOL.share(lambda: self._work(counter), self.threads)
        values = dict(zip([v for v, _ in self.kernel.entrywise], self.outputs, strict=True))
        for (v, _), partial in zip(self.kernel.reductions, self.partials, strict=True):
            values[v] = partial.total()
        return tuple(values[v] for v in self.kernel.region.results)

    def _work(self, counter: Any) -> None:
        """Take parts of the grid until none is left."""
        grid, run = self.grid, self.kernel.run
        dtypes = self.kernel.work.dtypes
        offsets = offsets_of(dtypes, grid.largest)
        memory = WORKSPACE.take(offsets[-1])
        buffers: dict[tuple[int, ...], list[Any]] = {}
        parts = self._parts()
        while (part := next(counter)) < len(parts):
            for number in parts[part]:
                index = grid.index(number)
                args = list(self.operands)
                for k in self.arrays:
                    args[k] = args[k][index]
                shape = args[self.arrays[0]].shape
                views = buffers.get(shape)
                if views is None:
                    views = buffers[shape] = buffers_of(memory, dtypes, offsets, shape)
                values = run(*args, *views)
                for partial, value in zip(self.partials, values or (), strict=True):
                    partial.add(part, number, index, value)
        WORKSPACE.give_back(memory)

    def _parts(self) -> Sequence[Sequence[int]]:
        """Runs of blocks that one thread takes in order."""
        count = self.grid.count
        parts = min([count, *[p.parts for p in self.partials if p.parts]])
        return [range(count * k // parts, count * (k + 1) // parts) for k in range(parts)]


def _stretched(array: Any, shape: tuple[int, ...]) -> Any:
    return array if array.shape == shape else np.broadcast_to(array, shape)


def offsets_of(dtypes: Sequence[Any], entries: int) -> list[int]:
    """Where each buffer begins, and the end."""
    offsets = [0]
    for d in dtypes:
        offsets.append(offsets[-1] + -(-d.itemsize * entries // ALIGNMENT) * ALIGNMENT)
    return offsets


def buffers_of(memory: Any, dtypes: Sequence[Any], offsets: Sequence[int], shape: Any) -> list[Any]:
    entries = math.prod(shape)
    return [
        memory[start : start + entries * d.itemsize].view(d).reshape(shape)
        for d, start in zip(dtypes, offsets, strict=False)
    ]
