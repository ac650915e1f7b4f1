"""A function of scalars as one kernel over arrays: ufuncs that write into arrays given to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symgrad.compile.pipeline import Draft, Options
from symgrad.expr.node import Expr
from symgrad.program.dtypes import dtypes_of
from symgrad.program.slots import in_place as with_arrays
from symgrad.targets.numpy_source import block_source

SPACE = ("entries",)


@dataclass(frozen=True)
class InPlace:
    """A kernel over arrays of float64.

    Attributes
    ----------
    name, source : str
        Of a function of the arguments, an array for each output, and the work arrays.
    results : int
    work : tuple of str
        The element types of the work arrays.
    """

    name: str
    source: str
    results: int
    work: tuple[str, ...]

    @property
    def of(self) -> str:
        """Name, number of outputs, and types of work arrays, as arguments in code."""
        return f"{self.name}, {self.results}, {self.work!r}"


def in_place(
    symbols: Sequence[Expr], outputs: Sequence[Expr], name: str, fast_math: bool = False
) -> InPlace | None:
    """The kernel of scalar formulas; None where a step is no ufunc, or an output is not computed."""
    draft = Draft(symbols, outputs, Options(fast_math=fast_math))
    p = draft.of_large_arrays([SPACE] * len(symbols))
    types = [np.dtype(np.float64)] * len(symbols)
    steps = [p.instrs[v] for v, live in enumerate(p.live()) if live and not p.instrs[v].kind.leaf]
    if any(not i.kind.entrywise or i.shape != SPACE for i in steps) or p.arrays:
        return None
    known = dtypes_of(p, types)
    if len(set(p.outputs)) < len(p.outputs) or any(
        p.instrs[v].kind.leaf or known[v] != np.float64 for v in p.outputs
    ):
        return None
    allocated = with_arrays(p, types, [True] * len(outputs))
    source = block_source(allocated, name)
    return InPlace(name, source, len(outputs), tuple(slot.dtype.char for slot in allocated.slots))
