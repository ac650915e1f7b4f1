"""Identifiers for generated code: safe, unique and deterministic, for names that may be any text.

Code that is written around formulas keeps its own names from theirs in two ways. What a function has of
its own begins with an underscore, which no identifier made here does, or stands in `RESERVED`; and what
Python takes for one name, as it takes ``ϑ`` for ``θ``, is one name here (normal form NFKC).
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

KEYWORDS: Final = frozenset(keyword.kwlist) | {"__debug__"}
RESERVED: Final = (
    KEYWORDS
    | frozenset(dir(builtins))
    | frozenset(dir(math))
    | {"np", "scipy", "shape", "dtype", "out", "slots"}
)
LONGEST: Final = 80  # characters of an identifier
WORD: Final = re.compile(r"(?<![\w.])[^\W\d]\w*")


def normal(name: str) -> str:
    """A name as Python reads it where it stands in code.

    >>> normal("ϑ") == normal("θ"), normal("x₁")
    (True, 'x1')
    """
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def is_name(text: str) -> bool:
    """Whether a text may stand in code as a name."""
    return normal(text).isidentifier() and normal(text) not in KEYWORDS


def mentioned(name: str, code: str) -> bool:
    """Whether code uses a variable; attributes and keywords of calls are none."""
    return re.search(rf"(?<![\w.]){name}(?!\w|=[^=])", code) is not None


def words(code: str) -> set[str]:
    """The words of code that may be names; attributes are none."""
    return {*WORD.findall(code)}


def unused(wish: str, used: set[str]) -> str:
    """The name `wish`, or one that resembles it where it is used for something else."""
    name = normal(wish)
    while name in used:
        name += "_"
    return name


def _spelled(wish: str) -> str:
    """An identifier that resembles a text: itself where it is one that begins with no underscore."""
    text = normal(wish[: 4 * LONGEST])
    if not (text.isidentifier() and text[0] != "_"):
        spaced = "".join([c if f"a{c}".isidentifier() else " " for c in text])
        text = "_".join(spaced.split()).strip("_") or "x"
        text = text if text.isidentifier() else normal(f"x{text}")
    return f"{text}_" if text in RESERVED else text[:LONGEST]


class Names:
    """Hands out identifiers, no two alike and none reserved."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._counts: dict[str, int] = {}

    def fresh(self, wish: str) -> str:
        """An identifier that resembles `wish`: itself if it is free.

        >>> names = Names()
        >>> [names.fresh(name) for name in ("x", "x", "lambda", r"\\beta", "2x", "x₂")]
        ['x', 'x_2', 'lambda_', 'beta', 'x2x', 'x2']
        """
        base = name = _spelled(wish)
        count = self._counts.get(base, 1)
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._counts[base] = count
        self._taken.add(name)
        return name

    def of_all(self, wishes: Sequence[str]) -> list[str]:
        """An identifier for each wish; those that can be had as they are go first."""
        kept = {wish: k for k, wish in reversed([*enumerate(wishes)])}
        kept = {w: k for w, k in kept.items() if w not in self._taken and _spelled(w) == w}
        self._taken.update(kept)
        return [w if kept.get(w) == k else self.fresh(w) for k, w in enumerate(wishes)]
