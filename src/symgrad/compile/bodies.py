"""Programs as functions that write into arrays, one for each combination of element types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.compile.execute import execute
from symgrad.expr.dims import Shape, map_dim
from symgrad.expr.tuning import tuning
from symgrad.program.dtypes import DType, dtypes_of
from symgrad.program.ir import Loop, Program
from symgrad.program.slots import in_place, with_slots
from symgrad.runtime.memory import Workspace, arrays_in, offsets_of
from symgrad.targets.numpy_source import block_source

FLOAT = np.dtype(np.float64)
WORKSPACE = Workspace(lambda: tuning().workspace_bytes)


@dataclass(frozen=True, slots=True)
class Body:
    """A program for arguments of some element types.

    Attributes
    ----------
    source : str
    run : callable
        Of extents, arguments, arrays for results, and slots.
    slots : sequence of (shape, dtype)
        The arrays for intermediates.
    dtypes : sequence of dtype
        The element types of its outputs, None where they are not known.
    """

    source: str
    run: Callable[..., Any]
    shapes: tuple[Shape, ...]
    types: tuple[Any, ...]
    dtypes: tuple[DType, ...]


class ByType:
    """The bodies of a program, made when arguments of their types are first given."""

    def __init__(self, make: Callable[[Sequence[DType]], Body]) -> None:
        self.make = make
        self._made: dict[tuple[DType, ...], Body] = {}

    def of(self, values: Sequence[Any]) -> Body:
        """The body for the types of these values."""
        key = tuple([x.dtype if isinstance(x, _ARRAYS) else type(x) for x in values])
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self.make(key)
        return made


_ARRAYS = (np.ndarray, np.generic)


def body_of(
    name: str,
    p: Program,
    allocated: Program,
    source: str,
    known: Sequence[DType],
    calls: Mapping[str, Any],
) -> Body:
    """The body that a source is, of a program with slots."""
    return Body(
        source,
        execute(source, name, calls),
        tuple([slot.shape for slot in allocated.slots]),
        tuple([slot.dtype for slot in allocated.slots]),
        tuple([known[v] for v in p.outputs]),
    )


def loop_body(loop: Loop, types: Sequence[DType], calls: Mapping[str, Any]) -> Body:
    """The body of a loop for operands of some types; `calls` are the loops in it."""
    allocated = loop_program(loop, types)
    source = block_source(allocated, "block")
    return body_of("block", loop.body, allocated, source, dtypes_of(loop.body, types), calls)


def loop_program(loop: Loop, types: Sequence[DType]) -> Program:
    """The body of a loop with arrays to write into."""
    stored = [c.ufunc is None for c in loop.results]
    return (in_place if loop.is_entrywise else with_slots)(loop.body, types, stored)


def float_source(loop: Loop) -> str:
    """The source of the body of a loop for operands of float64."""
    return block_source(loop_program(loop, (FLOAT,) * len(loop.operands)), loop.name.strip("_"))


class Memory:
    """The memory of one call or one thread: slots of the shapes that are asked for."""

    def __init__(self, dtypes: Sequence[Any]) -> None:
        self.dtypes = dtypes
        self._memory: Any = None
        self._arrays: dict[tuple[Any, ...], list[Any]] = {}

    def arrays(self, shapes: tuple[Any, ...]) -> list[Any]:
        """Uninitialised arrays with these shapes, apart from each other."""
        found = self._arrays.get(shapes)
        if found is None:
            found = self._arrays[shapes] = self._made(shapes)
        return found

    def _made(self, shapes: tuple[Any, ...]) -> list[Any]:
        pairs = zip(shapes, self.dtypes, strict=True)
        size = offsets_of([int(np.prod(shape)) * d.itemsize for shape, d in pairs])[-1]
        if self._memory is None or self._memory.size < size:
            self.close()
            self._memory = WORKSPACE.take(size)
        return arrays_in(self._memory, shapes, self.dtypes)

    def close(self) -> None:
        """Leave the memory to the next call."""
        if self._memory is not None:
            WORKSPACE.give_back(self._memory)
        self._memory = None
        self._arrays.clear()


def shapes_at(shapes: Sequence[Shape], sizes: Mapping[str, int]) -> tuple[tuple[int, ...], ...]:
    """Shapes with the extents as numbers."""
    return tuple([tuple([map_dim(d, sizes.__getitem__) for d in shape]) for shape in shapes])
