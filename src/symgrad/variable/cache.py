"""A bounded memory of what was made last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """Values by key; the ones used longest ago go when the total weight exceeds a bound.

    Safe for threads; two that miss at once may both make the value, and one of them stays.
    """

    def __init__(self, bound: int, weight: Callable[[V], int]) -> None:
        self.bound = bound
        self.weight = weight
        self.total = 0
        self._entries: OrderedDict[Hashable, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of `key`, made if it is not remembered."""
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
                return found
        made = make()
        with self._lock:
            kept = self._entries.setdefault(key, made)
            if kept is made:
                self.total += self.weight(made)
                while self.total > self.bound and len(self._entries) > 1:
                    _, old = self._entries.popitem(last=False)
                    self.total -= self.weight(old)
        return kept

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self.total = 0

    def __len__(self) -> int:
        return len(self._entries)
