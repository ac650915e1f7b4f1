"""Identifiers of C: ASCII, none of its keywords, and none of its library's names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from symgrad.targets.native.primitives import LIBRARY, PRIMITIVES

KEYWORDS: Final = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if inline int
    long register restrict return short signed sizeof static struct switch typedef union unsigned void
    volatile while asm bool true false class delete new operator private protected public template this
    main in out values n i j0 j1 jn y0 y1 yn gamma lgamma tgamma erf erfc signgam errno exit abs labs
    tol maxiter residual count value found kept solve formulas x0""".split()
)
TAKEN: Final = KEYWORDS | {*LIBRARY.values(), *[p.c.partition("(")[0] for p in PRIMITIVES.values()]}


def c_name(wish: str, others: Sequence[str] = ()) -> str:
    """An identifier that resembles a name, and is none of the others."""
    name = re.sub(r"\W", "_", wish, flags=re.ASCII).lstrip("_") or "x"
    if not name[0].isalpha():
        name = f"x{name}"
    while name in TAKEN or name in others or re.fullmatch(r"(t|out)\d+", name):
        name += "_"
    return name


def c_names(wishes: Sequence[str]) -> list[str]:
    """Identifiers for names, each its own."""
    found: list[str] = []
    for wish in wishes:
        found.append(c_name(wish, found))
    return found
