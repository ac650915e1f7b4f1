"""Functions whose intermediate arrays are written into memory that their thread keeps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from symgrad.compile.execute import execute
from symgrad.compile.threads import ALIGNMENT, SLOTS

FLOAT: Final = np.dtype(np.float64)


class Deferred:
    """A function whose source is written and compiled when it is first called."""

    def __init__(self, source: Callable[[], str], name: str, namespace: Mapping[str, Any]) -> None:
        self.source = source
        self._name = name
        self._namespace = namespace
        self._run: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._run is None:
            self._run = execute(self.source(), self._name, self._namespace)
        return self._run(*args, **kwargs)


class SlottedFunction:
    """Runs `slotted` where all arrays of floats are float64, and `general` otherwise."""

    def __init__(self, slotted: Callable[..., Any], general: Callable[..., Any]) -> None:
        self._slotted = slotted
        self._general = general

    def __call__(self, *arrays: Any, **kwargs: Any) -> Any:
        if not all(_is_exact(a) for a in arrays):
            return self._general(*arrays, **kwargs)
        frame = Frame()
        try:
            return self._slotted(*arrays, **kwargs, slots=frame.arrays)
        finally:
            frame.close()


def _is_exact(a: Any) -> bool:
    """Whether arithmetic with `a` and float64 is arithmetic in float64."""
    return a.__class__ in (float, int) or (
        isinstance(a, (np.ndarray, np.generic)) and a.dtype == FLOAT
    )


class Frame:
    """The memory of one call."""

    def __init__(self) -> None:
        self._memory: Any = None

    def arrays(self, *shapes: Sequence[int]) -> list[Any]:
        """Uninitialised arrays of float64 with these shapes, apart from each other."""
        counts = [math.prod(shape) for shape in shapes]
        starts = [0]
        for count in counts:
            starts.append(starts[-1] + -(-count * FLOAT.itemsize // ALIGNMENT) * ALIGNMENT)
        self._memory = SLOTS.take(starts[-1])
        return [
            self._memory[start : start + count * FLOAT.itemsize].view(FLOAT).reshape(shape)
            for start, count, shape in zip(starts, counts, shapes, strict=False)
        ]

    def close(self) -> None:
        """Leave the memory to the next call."""
        if self._memory is not None:
            SLOTS.give_back(self._memory)
