"""Scratch memory that threads keep between calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

ALIGNMENT: Final = 64


class Workspace(threading.local):
    """Memory of the current thread, handed out whole and given back, the last taken first."""

    def __init__(self, kept: Callable[[], int]) -> None:
        self._kept = kept
        self._memories: list[np.ndarray[Any, np.dtype[np.uint8]]] = []

    def take(self, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """At least `size` bytes, aligned."""
        memory = self._memories.pop() if self._memories and size else None
        if memory is not None and memory.size >= size:
            return memory
        raw = np.empty(size + ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        return raw[start : start + size]

    def give_back(self, memory: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        """Keep memory for the next call, if all that is kept does not become too large."""
        if memory.size and memory.size + sum([m.size for m in self._memories]) <= self._kept():
            self._memories.append(memory)


def offsets_of(sizes: Sequence[int]) -> list[int]:
    """Where arrays of so many bytes begin in one memory, apart from each other, and the end."""
    offsets = [0]
    for size in sizes:
        offsets.append(offsets[-1] + -(-size // ALIGNMENT) * ALIGNMENT)
    return offsets
