"""The form of a program for large arrays: stencils, work on rows, regions, and slots for what is left."""

from __future__ import annotations

from dataclasses import dataclass

from symgrad.expr.dims import Shape
from symgrad.lower.memory import with_slots
from symgrad.lower.program import Program
from symgrad.lower.regions import Region, fuse
from symgrad.lower.rows import Rows, by_rows
from symgrad.lower.stencils import Stencil, stencils


@dataclass(frozen=True)
class Fused:
    """A program with calls of regions.

    Attributes
    ----------
    program : Program
    regions : tuple of Region
    slotted : Program
        The same for arrays of float64, with intermediates written into slots.
    slots : tuple of (str, tuple)
        Their names and shapes.
    """

    program: Program
    regions: tuple[Region, ...]
    slotted: Program
    slots: tuple[tuple[str, Shape], ...]


@dataclass(frozen=True)
class LargeForm:
    """A program in parts.

    Attributes
    ----------
    single : Program
        Before.
    sums : tuple of Stencil
    rows : Rows or None
    body : Fused or None
        Of the work on rows.
    around : Fused
        Calls stencils, the work on rows, and regions.
    """

    single: Program
    sums: tuple[Stencil, ...]
    rows: Rows | None
    body: Fused | None
    around: Fused

    @property
    def is_plain(self) -> bool:
        """Whether nothing is gained over the program as it was."""
        return not (self.sums or self.rows or self.around.regions or self.around.slots)

    @property
    def regions(self) -> tuple[Region, ...]:
        """All that is computed entry by entry, in the order of its code."""
        within_sums = [r for s in self.sums for r in s.groups if r.cost]
        within_rows = self.body.regions if self.body is not None else ()
        return (*within_sums, *within_rows, *self.around.regions)


def large_form(p: Program) -> LargeForm:
    """The parts of a program."""
    summed, sums = stencils(p)
    around, rows = by_rows(summed)
    body = _fused(rows.body) if rows is not None else None
    return LargeForm(p, tuple(sums), rows, body, _fused(around))


def _fused(p: Program) -> Fused:
    fused, regions = fuse(p)
    slotted, slots = with_slots(fused, regions)
    return Fused(fused, tuple(regions), slotted, tuple(slots))
