"""The code that runs for large arrays: entrywise regions in blocks, the rest as it is."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from symgrad.compile.arguments import broadcast_shape
from symgrad.compile.execute import execute
from symgrad.compile.pipeline import Options
from symgrad.compile.regions import RegionFunction, float_kernel
from symgrad.compile.rows import RowsFunction
from symgrad.compile.slots import Deferred, SlottedFunction
from symgrad.compile.stencils import StencilFunction
from symgrad.expr.dims import Shape
from symgrad.expr.pytrees import Nest
from symgrad.expr.tuning import tuning
from symgrad.program.fusion import Region
from symgrad.program.ir import Program
from symgrad.program.rows import Rows
from symgrad.program.stencils import Stencil
from symgrad.targets.data import long_arrays
from symgrad.targets.lists import LOOPS
from symgrad.targets.numpy_source import is_quiet, numpy_source
from symgrad.targets.passes import SLOTS, run_passes


def least_entries(cost: int) -> int:
    """The entries from which blocks are used, where one takes as long as `cost` additions; 0 if unknown."""
    t = tuning()
    threads_pay = t.threaded_work // cost if cost else t.large_entries
    return min(t.large_entries, max(t.heavy_entries, threads_pay))


@dataclass(frozen=True)
class Blocked:
    """A function over large arrays.

    Attributes
    ----------
    source : str
        Its code, with a call for each region.
    regions : tuple of Region
        What is computed entry by entry, in regions and in sums of parts.
    run : callable
        ``run(*arrays, out=buffers)``, with a buffer or None for each output.
    calls : tuple of callable
        The functions of its loops.
    """

    source: str
    regions: tuple[Region, ...]
    run: Callable[..., Any]
    calls: tuple[Callable[..., Any], ...]

    def text(self) -> str:
        """The source, with the code of each region for arrays of float64 before it."""
        return "\n\n".join([*[float_kernel(r) for r in self.regions], self.source])


def blocked(program: Program, nest: Nest, options: Options) -> Blocked | None:
    """The function in blocks and with slots, or None where there is nothing of both."""
    looped = run_passes(program, LOOPS)
    slotted = SLOTS.run(looped)
    if not looped.loops() and not slotted.slots:
        return None
    quiet = any(is_quiet(instr.kind) for instr in program.instrs)
    made: list[Callable[..., Any]] = []
    source, run = _compiled(looped, slotted, nest, options, quiet, made)
    return Blocked(source, tuple(regions_in(looped)), run, tuple(made))


def _compiled(
    looped: Program,
    slotted: Program,
    nest: Nest,
    options: Options,
    quiet: bool,
    made: list[Callable[..., Any]],
) -> tuple[str, Callable[..., Any]]:
    """Source and function of a program with loops, whose functions go into `made`.

    `slotted` is the same program with slots.
    """
    sources, calls = [], dict(long_arrays(looped.arrays))
    for loop, into in zip(looped.loops(), slotted.loops(), strict=True):
        plan, rows = loop.plan, into.plan
        if isinstance(plan, Rows) and isinstance(rows, Rows):
            every: Nest = ("list", (), tuple(range(len(plan.finals))))
            source, run = _compiled(
                plan.body, rows.body, every, replace(options, name="rows"), quiet, made
            )
            sources.append(source)
            calls[loop.name] = RowsFunction(plan, run)
        elif isinstance(plan, Stencil):
            calls[loop.name] = StencilFunction(plan, options.threads)
        elif isinstance(plan, Region):
            calls[loop.name] = _region_function(plan, options)
        made.append(calls[loop.name])
    source, run = _function(looped, slotted, nest, options, quiet, calls)
    return "\n\n".join([*sources, source]), run


def _region_function(plan: Region, options: Options) -> Callable[..., Any]:
    made = RegionFunction(plan, options.threads)
    if not options.native:
        return made
    from symgrad.compile.native_loops import NativeLoop  # noqa: PLC0415 (an extra)

    return NativeLoop(plan, options.threads, options.fast_math, made)


def _function(
    looped: Program,
    slotted: Program,
    nest: Nest,
    options: Options,
    quiet: bool,
    calls: dict[str, Any],
) -> tuple[str, Callable[..., Any]]:
    write = partial(numpy_source, nest=nest, name=options.name, quiet=quiet)
    more = f"out=({'None, ' * len(looped.outputs)})"
    general = Deferred(lambda: write(looped, more=more), options.name, calls)
    if not slotted.slots:
        return general.source(), general
    text = write(slotted, more=f"{more}, slots=None")
    return text, SlottedFunction(execute(text, options.name, calls), general)


def regions_in(p: Program) -> Iterator[Region]:
    """All that is computed entry by entry in loops, in the order of its code."""
    for loop in p.loops():
        if isinstance(loop.plan, Region):
            yield loop.plan
        elif isinstance(loop.plan, Stencil):
            yield from [region for region in loop.plan.groups if region.cost]
        elif isinstance(loop.plan, Rows):
            yield from regions_in(loop.plan.body)


def spans(arrays: Sequence[Any]) -> tuple[Shape, ...]:
    """The shapes of broadcasting arrays by named axes, where neighbours that all share are one.

    >>> import numpy as np
    >>> spans([np.zeros((3, 1)), np.zeros(4), np.zeros((3, 4)), 1.5])
    (('axis0', 1), ('axis1',), ('axis0', 'axis1'), ())
    """
    rank = max((np.ndim(a) for a in arrays), default=0)
    padded = [(1,) * (rank - np.ndim(a)) + np.shape(a) for a in arrays]
    masks = [tuple(shape[k] != 1 for shape in padded) for k in range(rank)]
    axes = [mask for k, mask in enumerate(masks) if any(mask) and (k == 0 or mask != masks[k - 1])]
    return tuple(_span([mask[i] for mask in axes]) for i in range(len(arrays)))


def _span(spanned: Sequence[bool]) -> Shape:
    first = next((k for k, held in enumerate(spanned) if held), len(spanned))
    return tuple(f"axis{k}" if spanned[k] else 1 for k in range(first, len(spanned)))


class LargeArrays:
    """The blocked code of a function, made when arrays are first large enough.

    A function of scalars that stand for arrays has one for each way in which they broadcast; `entries`
    is the code of the entries of the largest array of any other.
    """

    def __init__(
        self,
        draft: Callable[[Sequence[Shape] | None], Program],
        nest: Nest,
        names: Sequence[str],
        entries: str | None,
        options: Options,
    ) -> None:
        self._draft = draft
        self._nest = nest
        self._options = options
        self._made: dict[Any, Blocked | None] = {}
        self._lock = threading.Lock()
        self._parameters = len(names)
        self._batched = entries is None
        self._entries = entries_function(names, entries)

    def find(self, arrays: Sequence[Any], least: int) -> Blocked | None:
        """The code for arrays of `least` entries or more; None for others, or where that gains nothing."""
        if self._entries(*arrays) < least:
            return None
        return self.variant(spans(arrays) if self._batched else None)

    def whole(self) -> Blocked | None:
        """The code for arguments of one shape."""
        return self.variant((("axis0",),) * self._parameters if self._batched else None)

    def variant(self, key: tuple[Shape, ...] | None) -> Blocked | None:
        """The code for arguments that span these axes."""
        with self._lock:
            if key not in self._made:
                program = self._draft(key)
                self._made[key] = blocked(program, self._nest, self._options)
            return self._made[key]


def entries_function(names: Sequence[str], code: str | None) -> Callable[..., int]:
    """The entries of the largest array that is made entry by entry, as a function of arguments.

    `code` is None for a function of scalars, whose arguments broadcast.
    """
    if code is None:
        return _broadcast_entries
    return execute(f"def entries({', '.join(names)}):\n    return {code or 0}\n", "entries", {})


def _broadcast_entries(*arrays: Any) -> int:
    return math.prod(broadcast_shape(arrays))
