"""Work on large graphs without the collector of reference cycles.

It looks at all objects that live whenever many were made, again and again while a graph grows: a third of
the time that a derivative or a compilation of some ten thousand nodes takes. Expressions and programs hold
no cycles, so there is nothing for it to find.
"""

from __future__ import annotations

import gc
import threading
from contextlib import ContextDecorator
from typing import Final


class _Paused(ContextDecorator):
    """A context, or a decorator, for work in which no cycles are collected.

    It may be entered again within itself, and from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._before = False

    def __enter__(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self._before = gc.isenabled()
                gc.disable()

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._depth -= 1
            if not self._depth and self._before:
                gc.enable()


COLLECTOR_PAUSED: Final = _Paused()
