"""Loops over entries that run as native code: arrays become addresses and strides.

Whatever comes in is checked here: the code itself trusts its table. Arrays that are not aligned, or not in
the machine's byte order, are copied; results are never written into memory that an operand has.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.expr.templates import ufunc_of
from symgrad.expr.tuning import tuning
from symgrad.program.cost import cost_of
from symgrad.program.dtypes import reduced_dtype
from symgrad.program.ir import Instr, Loop
from symgrad.program.reductions import DOT, reduction_of
from symgrad.runtime.threads import POOL, cores
from symgrad.targets.native import engine
from symgrad.targets.native.entries import OF_NUMBERS, DType
from symgrad.targets.native.loops import (
    APART,
    NEXT,
    SAME,
    Array,
    LoopCode,
    Result,
    identity,
    loop_module,
)
from symgrad.targets.native.steps import Unsupported
from symgrad.targets.native.typed import types_of

Kernel = Callable[..., None]
SHORT: Final = 32  # an innermost axis that is shorter changes places with a longer one
SHARES: Final = 4  # for each thread, so that none waits long for another


class Kept(NamedTuple):
    """A result of a loop: its values, what reduces it, and the axes that are kept."""

    values: tuple[int, ...]
    ufunc: str | None
    axes: tuple[int, ...]


@dataclass(frozen=True)
class Body:
    """What a loop does, with its operands first.

    Attributes
    ----------
    instrs : tuple of Instr
    arity : int
    results : tuple of Kept
    rank : int
    cost : int
        The additions that take as long as an entry.
    """

    instrs: tuple[Instr, ...]
    arity: int
    results: tuple[Kept, ...]
    rank: int
    cost: int


def body_of(loop: Loop) -> Body:
    """The body of a loop over entries.

    Raises
    ------
    Unsupported
        If it is another loop, or reduces in a way that there is no native code for.
    """
    if not loop.is_entrywise or any(c.place is not None for c in loop.results):
        raise Unsupported("work that is not entry by entry")
    instrs = loop.body.instrs  # operands first
    results = []
    for v, combine in zip(loop.body.outputs, loop.results, strict=True):
        if combine.ufunc is None:
            results.append(Kept((v,), None, tuple(range(len(loop.space)))))
            continue
        found = reduction_of(loop.body.instrs[v].kind)
        if found is None:
            raise Unsupported("a reduction of what is reduced")
        name = "add" if found.name == DOT else found.name
        axes = tuple([k for k in combine.axes if k is not None])
        results.append(Kept(instrs[v].args, name, axes))
    cost = sum(cost_of(instr.kind) for instr in instrs)
    return Body(tuple(instrs), len(loop.operands), tuple(results), len(loop.space), cost)


def native_loop(
    loop: Loop, threads: int | None, fast: bool, other: Callable[..., Any]
) -> Callable[..., Any]:
    """A loop as native code, where it has some; else the other function."""
    try:
        return NativeLoop(loop, body_of(loop), threads, fast, other)
    except Unsupported:
        return other


class NativeLoop:
    """A loop as a function of extents, operands, and an array or None for each result.

    It gives the results as a list. What has no native code for the types that come is left to `other`.
    """

    def __init__(
        self, loop: Loop, body: Body, threads: int | None, fast: bool, other: Callable[..., Any]
    ) -> None:
        self.body = body
        self.places = [c.result for c in loop.results]
        self.extents = len(loop.extents)
        self.threads = threads
        self.fast = fast
        self.other = other
        self._types: dict[tuple[DType, ...], list[DType] | None] = {}
        self._kernels: dict[LoopCode, Kernel] = {}

    def __call__(self, *args: Any) -> list[Any]:
        last = self.extents + self.body.arity
        operands = args[self.extents : last]
        types = self.types(operands)
        if types is None:
            return self.other(*args)  # type: ignore[no-any-return]
        given = [args[last + place] for place in self.places]
        results = _Run(self, types, operands, given).results()
        return [results[self.places.index(k)] for k in range(len(results))]

    def types(self, operands: Sequence[Any]) -> list[DType] | None:
        """The types of the results for operands; None where there is no native code."""
        key = tuple([x.dtype if isinstance(x, _ARRAYS) else type(x) for x in operands])
        if key not in self._types:
            self._types[key] = self._result_types(key)
        if any(type(x) is int and abs(x) >= 2**63 for x in operands):
            return None
        return self._types[key]

    def _result_types(self, key: tuple[DType, ...]) -> list[DType] | None:
        try:
            known = types_of(self.body.instrs, self.body.arity, key)
            found = []
            for kept in self.body.results:
                d = known[kept.values[0]]
                if len(kept.values) > 1:
                    d = np.result_type(*[known[v] for v in kept.values])
                d = OF_NUMBERS.get(d, d)
                if kept.ufunc is not None:
                    d = reduced_dtype(kept.ufunc, d)
                    identity(kept.ufunc, d)
                found.append(d)
        except Unsupported:
            return None
        return found

    def kernel(self, code: LoopCode) -> Kernel:
        """The native function of a loop."""
        found = self._kernels.get(code)
        if found is None:
            library = engine.compiled(loop_module(code), ["loop"])
            counts = [ctypes.c_int64] * 5
            found = library.function("loop", None, ctypes.c_void_p, *counts)
            self._kernels[code] = found
        return found


_ARRAYS = (np.ndarray, np.generic)


class _Run:
    """One call."""

    def __init__(
        self,
        loop: NativeLoop,
        types: Sequence[DType],
        operands: Sequence[Any],
        given: Sequence[Any],
    ) -> None:
        self.loop = loop
        self.body = loop.body
        self.types = types
        self.operands = [_addressable(x) for x in operands]
        self.shape = np.broadcast_shapes(*[x.shape for x in self.operands])
        self.shape = (1,) * (self.body.rank - len(self.shape)) + self.shape
        numbers = [not isinstance(x, _ARRAYS) for x in operands]
        self.given_types = [
            type(x) if number else y.dtype
            for x, y, number in zip(operands, self.operands, numbers, strict=True)
        ]
        self.stored = [
            self._stored(x, d) if kept.ufunc is None else None
            for x, kept, d in zip(given, self.body.results, types, strict=True)
        ]
        self._axes()

    def _stored(self, given: Any, d: DType) -> Any:
        """The array that a result is written to: the caller's, if it fits and is nobody else's."""
        if (
            given is not None
            and given.shape == self.shape
            and given.dtype == d
            and given.flags.aligned
            and not any(np.may_share_memory(given, x) for x in self.operands)
        ):
            return given
        return np.empty_like(self._model(), d, subok=False, shape=self.shape)

    def _model(self) -> Any:
        """An operand whose order of axes results have."""
        full = [x for x in self.operands if x.shape == self.shape]
        return full[0] if full and not self._reduces() else np.empty(0)

    def _reduces(self) -> bool:
        return any(r.ufunc is not None for r in self.body.results)

    # Axes

    def _axes(self) -> None:
        """Choose the axes of the loop: none of extent 1, neighbours merged, the best one innermost."""
        arrays = [*self.operands, *[y for y in self.stored if y is not None]]
        rows = [_strides(x, self.shape) for x in arrays]
        kept = [[k in r.axes for k in range(self.body.rank)] for r in self.body.results if r.ufunc]
        axes = [
            _Axis(n, tuple([s[k] for s in rows]), tuple([held[k] for held in kept]))
            for k, n in enumerate(self.shape)
            if n != 1
        ]
        if not self._reduces():
            axes.sort(key=lambda axis: -sum(map(abs, axis.strides)))
        axes = _merged(axes)
        if not kept and len(axes) > 1 and axes[-1].extent < SHORT:
            longest = max(range(len(axes)), key=lambda k: axes[k].extent)
            if axes[longest].extent >= SHORT:
                axes.append(axes.pop(longest))
        self.axes = axes or [_Axis(1, (0,) * len(arrays), (True,) * len(kept))]

    # Running

    def results(self) -> list[Any]:
        """Run all; the results in the order of the loop's."""
        extents = [axis.extent for axis in self.axes]
        size = math.prod(extents)
        ranges = self._ranges(extents, size)
        reductions = [k for k, r in enumerate(self.body.results) if r.ufunc is not None]
        code_results: list[Result] = []
        arrays: list[tuple[Any, list[int], int]] = []
        count = len(self.operands)
        for a, x in enumerate(self.operands):
            arrays.append((x, [axis.strides[a] for axis in self.axes], 0))
        at = count
        partial: dict[int, Any] = {}
        for k, (kept, d) in enumerate(zip(self.body.results, self.types, strict=True)):
            if kept.ufunc is None:
                strides = [axis.strides[at] for axis in self.axes]
                arrays.append((self.stored[k], strides, 0))
                step = NEXT if strides[-1] == d.itemsize else APART
                code_results.append(Result(kept.values, d, step))
                at += 1
                continue
            number = reductions.index(k)
            inner = self.axes[-1].kept[number]
            result = Result(kept.values, d, NEXT, kept.ufunc, inner)
            memory = self._memory(result, number, extents, len(ranges))
            partial[k] = memory
            strides = self._partial_strides(memory, inner, number)
            slab = memory.strides[0] if inner else 0
            arrays.append((memory, strides, slab))
            code_results.append(result)
        operands = tuple(
            [
                Array(d, _step(self.axes[-1].strides[a], x.itemsize))
                for a, (x, d) in enumerate(zip(self.operands, self.given_types, strict=True))
            ]
        )
        fused = "+fma" in engine.machine().features or "aarch64" in engine.machine().triple
        code = LoopCode(
            self.body.instrs,
            operands,
            tuple(code_results),
            len(self.axes),
            self.loop.fast,
            fused,
        )
        if size:
            self._work(code, extents, arrays, ranges)
        for k, memory in partial.items():
            self.stored[k] = self._total(k, memory, reductions.index(k))
        return self.stored

    def _ranges(self, extents: list[int], size: int) -> list[tuple[int, ...]]:
        """The parts: ranges of the first axis and of the innermost, and the slab for each."""
        t, heavy = tuning(), size * self.body.cost >= tuning().threaded_work
        threads = (self.loop.threads or cores()) if heavy else 1
        self.threads = max(1, threads)
        first, last = extents[0], extents[-1]
        shares = SHARES * threads if threads > 1 else 1
        shares = max(1, min(shares, size // max(1, t.shared_entries)))
        if len(extents) > 1 and first >= shares:
            return [
                (first * k // shares, first * (k + 1) // shares, 0, last, k) for k in range(shares)
            ]
        chunks = -(-last // _CHUNKS)
        shares = max(1, min(shares, chunks))
        cuts = [min(last, chunks * k // shares * _CHUNKS) for k in range(shares + 1)]
        return [(0, first, low, high, 0) for low, high in pairwise(cuts)]

    def _memory(self, result: Result, number: int, extents: list[int], shares: int) -> Any:
        """Where partial results go."""
        if result.chunked:
            chunks = -(-extents[-1] // _SUMMED)
            return np.full(
                (*extents[:-1], chunks), identity(result.ufunc, result.type), result.type
            )
        kept = [axis.extent for axis in self.axes if axis.kept[number]]
        return np.full((shares, *kept), identity(result.ufunc, result.type), result.type)

    def _partial_strides(self, memory: Any, inner: bool, number: int) -> list[int]:
        if not inner:
            return list(memory.strides)
        strides = iter(memory.strides[1:])
        return [next(strides) if axis.kept[number] else 0 for axis in self.axes]

    def _total(self, k: int, memory: Any, number: int) -> Any:
        """The result of all partial ones."""
        kept, d = self.body.results[k], self.types[k]
        assert kept.ufunc is not None
        ufunc = ufunc_of(kept.ufunc)
        assert ufunc is not None
        if self.axes[-1].kept[number]:
            axes: tuple[int, ...] = (0,)
        else:
            outer = [j for j, axis in enumerate(self.axes[:-1]) if not axis.kept[number]]
            axes = (*outer, len(self.axes) - 1)
        if memory.size == 0 and kept.ufunc != "add":
            raise ValueError(
                f"zero-size array to reduction operation {kept.ufunc} which has no identity"
            )
        total = ufunc.reduce(memory, axis=axes, dtype=d)
        if not kept.axes:
            return total
        return np.reshape(total, [self.shape[axis] for axis in kept.axes])

    def _work(
        self, code: LoopCode, extents: list[int], arrays: list[Any], ranges: list[Any]
    ) -> None:
        table = [*extents]
        for x, strides, slab in arrays:
            table += [x.__array_interface__["data"][0], *strides, slab]
        numbers = np.array(table, np.int64)
        address, kernel = numbers.__array_interface__["data"][0], self.loop.kernel(code)

        def work(shares: Iterator[int]) -> None:
            for share in shares:
                kernel(address, *ranges[share])

        if self.threads == 1 or len(ranges) == 1:
            work(iter(range(len(ranges))))
        else:
            POOL.share(work, len(ranges), min(self.threads, len(ranges)))


_SUMMED: Final = 128
_CHUNKS: Final = 512


class _Axis(NamedTuple):
    """An axis of a loop: its extent, the strides of all arrays, and the reductions that keep it."""

    extent: int
    strides: tuple[int, ...]
    kept: tuple[bool, ...]


def _merged(axes: Sequence[_Axis]) -> list[_Axis]:
    """The axes, neighbours being one where every array goes through them as through one."""
    merged: list[_Axis] = []
    for axis in axes:
        if merged:
            outer = merged[-1]
            inner = [s * axis.extent for s in axis.strides]
            if outer.kept == axis.kept and [*outer.strides] == inner:
                merged[-1] = axis._replace(extent=outer.extent * axis.extent)
                continue
        merged.append(axis)
    return merged


def _strides(x: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an array along the axes of a shape; 0 where it is repeated."""
    lacking = len(shape) - len(x.shape)
    own = [0 if n == 1 else int(s) for n, s in zip(x.shape, x.strides, strict=True)]
    return (0,) * lacking + tuple(own)


def _step(stride: int, itemsize: int) -> str:
    return SAME if stride == 0 else NEXT if stride == itemsize else APART


def _addressable(x: Any) -> Any:
    """An array that native code can read."""
    if not isinstance(x, _ARRAYS):
        return np.array(x, OF_NUMBERS[type(x)])
    x = np.asarray(x)
    if not x.flags.aligned or not x.dtype.isnative:
        return x.astype(x.dtype.newbyteorder("="))
    return x
