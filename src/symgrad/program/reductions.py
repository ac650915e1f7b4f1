"""Reductions by ufuncs, which blocks of an array can give in parts."""

from __future__ import annotations

from typing import Final, NamedTuple

from symgrad.expr.kinds import Contract, Kind, Reduce
from symgrad.expr.templates import ufunc_of

ADD: Final = "add"
SUBTRACT: Final = "subtract"
DOT: Final = "vdot"


class ReductionStep(NamedTuple):
    """A reduction of one operand over `axes`, all of them where None; or the dot of two."""

    name: str
    axes: tuple[int, ...] | None


def reduction_of(kind: Kind) -> ReductionStep | None:
    """The reduction by a ufunc that an instruction is, or None."""
    if isinstance(kind, Reduce):
        known = not kind.keepdims and ufunc_of(kind.function) is not None
        return ReductionStep(kind.function, kind.axes) if known else None
    if isinstance(kind, Contract) and kind.out == ():
        return ReductionStep(DOT, None) if len(set(kind.inputs)) == 1 < len(kind.inputs) else None
    return None
