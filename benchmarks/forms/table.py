"""The formulas of ``derivatives.txt``: name, text, the variable, and what is positive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("derivatives.txt")


@dataclass(frozen=True)
class Formula:
    """A formula of a textbook, and the symbol that it is differentiated by."""

    family: str
    name: str
    text: str
    variable: str
    positive: tuple[str, ...]


def formulas() -> Iterator[Formula]:
    """All formulas, in their order."""
    family = ""
    for line in FILE.read_text().splitlines():
        if line.startswith("["):
            family = line.strip("[]")
        elif line and not line.startswith("#"):
            name, text, variable, positive = (part.strip() for part in line.split("|"))
            yield Formula(family, name, text, variable, tuple(positive.split()))
