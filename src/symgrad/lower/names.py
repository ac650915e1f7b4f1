"""Identifiers for generated code: safe, unique and deterministic."""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections.abc import Iterable

RESERVED = (
    frozenset(keyword.kwlist)
    | frozenset(dir(builtins))
    | frozenset(dir(math))
    | {
        "np",
        "scipy",
        "shape",
        "dtype",
        "general",
        "missing",
        "extra",
    }
)


class Names:
    """Hands out identifiers, no two alike and none reserved."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def fresh(self, wish: str) -> str:
        """An identifier that resembles `wish`: itself if it is free."""
        base = re.sub(r"\W+", "_", wish).strip("_") or "x"
        if not base.isidentifier():
            base = f"x{base}"
        if base in RESERVED:
            base += "_"
        name, count = base, 1
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name
