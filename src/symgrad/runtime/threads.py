"""One pool of threads for all compiled functions and solvers: work that is shared out by number.

The thread that calls takes part in the work, so a pool that is busy or small never delays it. NumPy leaves
the interpreter free while it computes.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """Threads that help the calling thread; started when first needed."""

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def share(self, work: Callable[[Iterator[int]], None], count: int, threads: int) -> None:
        """Run `work` on the calling thread and up to ``threads - 1`` others, until all return.

        Each takes tasks from one iterator over the numbers below `count`, so a thread that starts late
        finds nothing to do. An exception of any thread is raised here.
        """
        numbers = iter(range(count))
        helpers = min(threads, count) - 1
        contexts = [contextvars.copy_context() for _ in range(helpers)]  # NumPy's error state
        futures = [self._started().submit(context.run, work, numbers) for context in contexts]
        try:
            work(numbers)
        finally:
            waiting = [future for future in futures if not future.cancel()]
            errors = [future.exception() for future in waiting]
        for error in errors:
            if error is not None:
                raise error

    def _started(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(max(1, cores()), "blocks")
            return self._executor

    def forget(self) -> None:
        """Start anew: after a fork the threads of the parent are not there."""
        self._executor = None
        self._lock = threading.Lock()


POOL = Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forget)


def each_block(make: Callable[[int], Callable[[slice], Any]], count: int, block: int) -> None:
    """Work on all of `count` problems, in blocks of `block` problems or somewhat fewer.

    ``make(problems)`` is called once by every thread, for blocks of so many problems or fewer, and gives
    the function that works on a block.
    """
    blocks = -(-count // block)
    threads = min(cores(), blocks)
    if threads > 1:  # all have as much to do
        block = -(-count // (threads * -(-blocks // threads)))

    def work(numbers: Iterator[int]) -> None:
        on_block = make(min(count, block))
        for k in numbers:
            on_block(slice(k * block, (k + 1) * block))

    POOL.share(work, -(-count // max(1, block)), threads)
