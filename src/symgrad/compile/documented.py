"""Docstrings that are written when somebody reads them: that of a formula may take longer than its code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Documented:
    """The docstring of each object, by a function of it; on the class the docstring of the class."""

    def __init__(self, own: str | None, of: Callable[[Any], str | None]) -> None:
        self.own = own
        self.of = of

    def __get__(self, instance: Any, owner: type | None = None) -> str | None:
        return self.own if instance is None else self.of(instance)
