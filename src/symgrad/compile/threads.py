"""One pool of threads for all compiled functions, and a bounded workspace for each thread.

The thread that calls takes part in the work, so a pool that is busy or small never delays it.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.tuning import tuning

ALIGNMENT: Final = 64


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def checked_threads(threads: Any) -> int | None:
    """The number of threads that a caller asks for; None is one for each core.

    Raises
    ------
    ArgumentError
        If it is neither None nor a positive int.
    """
    if threads is None:
        return None
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise ArgumentError(
            f"threads must be a positive int, or None for all cores, not {threads!r}"
        )
    return int(threads)


class Pool:
    """Threads that help the calling thread; started when first needed."""

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def share(self, work: Callable[[], None], threads: int) -> None:
        """Run `work` on the calling thread and up to ``threads - 1`` others, until all return.

        `work` takes tasks from a common counter, so a thread that starts late finds nothing to do.
        An exception of any thread is raised here.
        """
        contexts = [contextvars.copy_context() for _ in range(threads - 1)]  # NumPy's error state
        futures = [self._started().submit(context.run, work) for context in contexts]
        try:
            work()
        finally:
            waiting = [future for future in futures if not future.cancel()]
            errors = [future.exception() for future in waiting]
        for error in errors:
            if error is not None:
                raise error

    def _started(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(max(1, cores()), "symgrad")
            return self._executor

    def forget(self) -> None:
        """Start anew: after a fork the threads of the parent are not there."""
        self._executor = None
        self._lock = threading.Lock()


POOL: Final = Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forget)


class Workspace(threading.local):
    """Scratch memory of the current thread, handed out whole and given back."""

    def __init__(self, kept: Callable[[], int]) -> None:
        self._kept = kept
        self._memory: np.ndarray[Any, np.dtype[np.uint8]] | None = None

    def take(self, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """At least `size` bytes, aligned."""
        memory, self._memory = self._memory, None
        if memory is not None and memory.size >= size:
            return memory
        raw = np.empty(size + ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        return raw[start : start + size]

    def give_back(self, memory: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        """Keep memory for the next call, if it is not too large."""
        if memory.size <= self._kept():
            self._memory = memory


WORKSPACE: Final = Workspace(lambda: tuning().workspace_bytes)
SLOTS: Final = Workspace(lambda: tuning().slots_bytes)
