"""The code that runs for large arrays: loops over blocks, and intermediates in slots."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from symgrad.compile.arguments import broadcast_shape
from symgrad.compile.bodies import Bodies, Memory, Written, float_source, shapes_at
from symgrad.compile.execute import execute
from symgrad.compile.loops import loop_functions
from symgrad.compile.pipeline import Options
from symgrad.expr.dims import Shape
from symgrad.expr.pytrees import Nest
from symgrad.expr.tuning import tuning
from symgrad.program.dtypes import DType
from symgrad.program.ir import Loop, Program
from symgrad.program.slots import with_slots
from symgrad.targets.data import long_arrays
from symgrad.targets.lists import LOOPS
from symgrad.targets.numpy_source import numpy_source
from symgrad.targets.passes import SLOTS, run_passes

IMPORT: Final = "import numpy as np\n\n\n"


def least_entries(cost: int, native: bool = False) -> int:
    """The entries from which blocks are used, where one takes as long as `cost` additions; 0 if unknown."""
    t = tuning()
    if native:
        return min(t.large_entries, t.native_entries)
    threads_pay = t.threaded_work // cost if cost else t.large_entries
    return min(t.large_entries, max(t.heavy_entries, threads_pay))


class Blocked:
    """A function over large arrays.

    Attributes
    ----------
    looped : Program
        What it computes, with loops.
    calls : tuple of callable
        The functions of these loops.
    """

    def __init__(self, looped: Program, nest: Nest, options: Options) -> None:
        self.looped = looped
        self._nest = nest
        self._name = options.name
        loops: Mapping[str, Any] = loop_functions(looped, options)
        self.calls = tuple(loops.values())
        known = {**long_arrays(looped.arrays), **loops}
        self._bodies = Bodies(self._name, self._written, known)
        place = {name: k for k, (name, _) in enumerate(looped.parameters)}
        self._extents = [(d, place[name], axis) for d, (name, axis) in looped.extents.items()]

    def run(self, *arrays: Any, out: Sequence[Any] | None = None) -> Any:
        """The results, written into the arrays of `out` where they fit; None makes a new one."""
        body = self._bodies.of(arrays)
        given = [None] * len(self.looped.outputs) if out is None else out
        if not body.types:
            return body.run(*arrays, *given)
        sizes = {d: arrays[k].shape[axis] for d, k, axis in self._extents}
        memory = Memory(body.types)
        try:
            return body.run(*arrays, *given, *memory.arrays(shapes_at(body.shapes, sizes)))
        finally:
            memory.close()

    def _written(self, types: Sequence[DType]) -> Written:
        """The program with slots for arguments of some types, and its source."""
        p = with_slots(self.looped, types)
        names = [*p.results, *[slot.name for slot in p.slots]]
        return p, numpy_source(p, self._nest, self._name, more=[f"{n}=None" for n in names])

    def text(self) -> str:
        """The source, after those of the bodies of its loops, for arrays of float64."""
        _, source = self._written([x.dtype for _, x in self.looped.parameters])
        sources = [*[float_source(loop) for loop in every_loop(self.looped)], source]
        return "\n\n".join([sources[0], *[s.removeprefix(IMPORT) for s in sources[1:]]])


def every_loop(p: Program) -> Iterator[Loop]:
    """The loops of a program, each after those of its body."""
    for loop in p.loops():
        yield from every_loop(loop.body)
        yield loop


def blocked(program: Program, nest: Nest, options: Options) -> Blocked | None:
    """The function in blocks and with slots, or None where there is nothing of both."""
    looped = run_passes(program, LOOPS)
    if not looped.loops() and not SLOTS.run(looped).slots:
        return None
    return Blocked(looped, nest, options)


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
