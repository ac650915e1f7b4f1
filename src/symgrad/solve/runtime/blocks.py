"""Batches in blocks that fit the cache, on all processors: NumPy leaves the interpreter free meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def each_block(make: Callable[[int], Callable[[slice], Any]], count: int, block: int) -> None:
    """Work on all of `count` problems, in blocks of `block` problems or somewhat fewer.

    ``make(problems)`` is called once by every thread, for blocks of so many problems or fewer, and gives
    the function that works on a block.
    """
    blocks = -(-count // block)
    workers = min(processors(), blocks)
    if workers > 1:  # all have as much to do
        block = -(-count // (workers * -(-blocks // workers)))
    starts = iter(range(0, count, block))

    def work() -> None:
        on_block = make(min(count, block))
        for start in starts:
            on_block(slice(start, start + block))

    if workers < 2:
        work()
        return
    with ThreadPoolExecutor(workers) as pool:
        for task in [pool.submit(work) for _ in range(workers)]:
            task.result()


def processors() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
