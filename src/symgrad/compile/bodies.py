"""Programs as functions that write into arrays, one for each combination of element types."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.compile.execute import execute
from symgrad.expr.dims import Shape, map_dim
from symgrad.expr.tuning import tuning
from symgrad.program.dtypes import DType
from symgrad.program.ir import Loop, Program
from symgrad.program.slots import in_place, with_slots
from symgrad.runtime.memory import Workspace, offsets_of
from symgrad.targets.numpy_source import block_source

FLOAT = np.dtype(np.float64)
WORKSPACE = Workspace(lambda: tuning().workspace_bytes)


Written = tuple[Program, str]  # with arrays to write into, and its source


@dataclass(frozen=True, slots=True)
class Body:
    """A program for arguments of some element types.

    Attributes
    ----------
    run : callable
        Of extents, arguments, arrays for results, and slots.
    shapes, types : tuple
        Of the slots.
    dtypes : tuple of dtype
        The element types of its outputs, None where they are not known.
    """

    run: Callable[..., Any]
    shapes: tuple[Shape, ...]
    types: tuple[Any, ...]
    dtypes: tuple[DType, ...]


class Bodies:
    """A program as functions: one for each combination of element types, made when first needed.

    `write` gives the program with slots for some types; `known` are the names that its code uses.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[DType]], Written],
        known: Mapping[str, Any],
    ) -> None:
        self.name, self.write, self.known = name, write, known
        self._made: dict[tuple[DType, ...], Body] = {}

    def of(self, values: Sequence[Any]) -> Body:
        """The body for the types of these values."""
        types = tuple([x.dtype if isinstance(x, _ARRAYS) else x.__class__ for x in values])
        return self._made.get(types) or self._made.setdefault(types, self._make(types))

    def _make(self, types: Sequence[DType]) -> Body:
        p, source = self.write(types)
        return Body(
            execute(source, self.name, self.known),
            tuple([slot.shape for slot in p.slots]),
            tuple([slot.dtype for slot in p.slots]),
            tuple(p.types),
        )


_ARRAYS = (np.ndarray, np.generic)


def written(loop: Loop, types: Sequence[DType], name: str = "block") -> Written:
    """The body of a loop, which writes into arrays, for operands of some types."""
    stored = [c.ufunc is None for c in loop.results]
    p = (in_place if loop.is_entrywise else with_slots)(loop.body, types, stored)
    return p, block_source(p, name)


def float_source(loop: Loop) -> str:
    """The source of the body of a loop for operands of float64."""
    return written(loop, (FLOAT,) * len(loop.operands), loop.name.strip("_"))[1]


class Memory:
    """The memory of one call or one thread: uninitialised slots of the shapes that are asked for."""

    def __init__(self, dtypes: Sequence[Any]) -> None:
        self.dtypes = dtypes
        self._memory: Any = None
        self._arrays: dict[tuple[Any, ...], list[Any]] = {(): []}

    def arrays(self, shapes: tuple[Any, ...]) -> list[Any]:
        """Arrays with these shapes, apart from each other."""
        found = self._arrays.get(shapes)
        return self._made(shapes) if found is None else found

    def _made(self, shapes: tuple[Any, ...]) -> list[Any]:
        pairs = [*zip(shapes, self.dtypes, strict=True)]
        sizes = [math.prod(shape) * d.itemsize for shape, d in pairs]
        starts = offsets_of(sizes)
        if self._memory is None or self._memory.size < starts[-1]:
            self.close()
            self._memory, self._arrays = WORKSPACE.take(starts[-1]), {}
        parts = [self._memory[k : k + size] for k, size in zip(starts, sizes, strict=False)]
        views = [x.view(d).reshape(shape) for x, (shape, d) in zip(parts, pairs, strict=True)]
        return self._arrays.setdefault(shapes, views)

    def close(self) -> None:
        """Leave the memory to the next call."""
        if self._memory is not None:
            WORKSPACE.give_back(self._memory)


def shapes_at(shapes: Sequence[Shape], sizes: Mapping[str, int]) -> tuple[tuple[int, ...], ...]:
    """Shapes with the extents as numbers."""
    return tuple([tuple([map_dim(d, sizes.__getitem__) for d in shape]) for shape in shapes])
