"""Names of long code used again: an array whose name is given away is freed, and its memory is still in the
cache when the next array of its size needs some.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

MIN_NAMES: Final = 40  # shorter code reads better with a name for each value


def recycled(statements: Sequence[str], results: Sequence[str]) -> tuple[list[str], list[str]]:
    """Statements ``name = code`` and the codes of results, with names taken over after their last use."""
    pairs = [line.split(" = ", 1) for line in statements]
    if len(pairs) < MIN_NAMES:
        return list(statements), list(results)
    given = {name for name, _ in pairs}
    word = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
    mentioned = [given & set(word.findall(code)) for _, code in pairs]
    last = {name: k for k, names in enumerate(mentioned) for name in names}
    last |= dict.fromkeys(given & set(word.findall(" ".join(results))), len(pairs))
    holder: dict[str, str] = {}

    def renamed(code: str) -> str:
        return word.sub(lambda found: holder.get(found.group(), found.group()), code)

    free: list[str] = []
    lines: list[str] = []
    for k, (name, code) in enumerate(pairs):
        text = renamed(code)
        free += [holder[n] for n in sorted(mentioned[k], reverse=True) if last[n] == k]
        holder[name] = free.pop() if free else name
        lines.append(f"{holder[name]} = {text}")
    return lines, [renamed(code) for code in results]
