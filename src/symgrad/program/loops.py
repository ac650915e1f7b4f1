"""The pass that decides what runs as loops over blocks, and where they are cut."""

from __future__ import annotations

from typing import Final

from symgrad.program.ir import Program
from symgrad.program.outline import outlined
from symgrad.program.regions import regions
from symgrad.program.rows import rows
from symgrad.program.stencils import stencils

FINDERS: Final = (stencils, rows, regions)


def with_loops(p: Program) -> Program:
    """The program with loops: sums of shifted parts, then work on rows, then what is entrywise."""
    for find in FINDERS:
        p = outlined(p, find(p))
    return p
