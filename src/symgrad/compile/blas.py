"""Products of matrices in one thread of BLAS, where several would gain less than they may cost.

A product of several threads is done when the last of them is, which on a machine with other work to do
may be many milliseconds after the first. Measured on two cores with twice as much work as cores: products
of 200 x 100 by 100 x 100 take 0.05 ms (median) and 28 ms (one of twenty) with two threads, 0.08 ms and
0.09 ms with one. It takes threadpoolctl (the extra ``blas``) to choose; without it BLAS does as it likes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Final

from symgrad.compile.execute import execute

# Multiplications of the largest product of a function: below the first BLAS uses one thread anyway
LEAST_WORK: Final = 1 << 17
SMALL_WORK: Final = 1 << 22


@cache
def libraries() -> tuple[Any, ...]:
    """The libraries of BLAS in this process, as threadpoolctl knows them; none without it."""
    try:
        found = import_module("threadpoolctl").ThreadpoolController()
    except ImportError:
        return ()
    return tuple(found.select(user_api="blas").lib_controllers)


class _OneThread:
    """A context in which BLAS uses one thread; it may be entered from several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._before: list[tuple[Any, int]] = []

    def __enter__(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self._before = [(each, each.get_num_threads()) for each in libraries()]
                for each, _ in self._before:
                    each.set_num_threads(1)

    def __exit__(self, *error: Any) -> None:
        with self._lock:
            self._depth -= 1
            if not self._depth:
                for each, count in self._before:
                    each.set_num_threads(count)


ONE_THREAD: Final = _OneThread()


def work_function(names: Sequence[str], code: str, threads: int | None) -> Any:
    """Whether to run in one thread of BLAS, as a function of arguments; None where that is no question.

    `code` is that of the multiplications of the largest product.
    """
    if not code or not libraries():
        return None
    if threads == 1:
        return lambda *arrays: True
    body = f"    return {LEAST_WORK} < {code} <= {SMALL_WORK}"
    test: Callable[..., bool] = execute(f"def small({', '.join(names)}):\n{body}\n", "small", {})
    return test
