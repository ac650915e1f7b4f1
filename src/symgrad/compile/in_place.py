"""A function of scalars as one kernel over arrays: ufuncs that write into arrays given to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symgrad.compile.pipeline import Draft, Options
from symgrad.expr.kinds import Argument, Array, Literal
from symgrad.expr.node import Expr
from symgrad.program.buffers import assign, body_dtypes
from symgrad.program.fusion import Region
from symgrad.program.ir import Instr, Program
from symgrad.targets.kernel_source import kernel_source

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
    program = draft.of_large_arrays([SPACE] * len(symbols))
    region = _region(program)
    if region is None:
        return None
    dtypes = body_dtypes(region, [np.dtype(np.float64)] * len(symbols))
    if any(dtypes[v] != np.float64 for v in region.results):
        return None
    buffers = assign(region, dtypes)
    listed = ", ".join(f"x{i} is {x.name!r}" for i, x in enumerate(symbols))
    head, *lines = kernel_source(region, buffers, name).splitlines()
    source = "\n".join([head, f"    # {listed}", *lines, ""])
    return InPlace(name, source, len(outputs), tuple(d.char for d in buffers.dtypes))


def _region(p: Program) -> Region | None:
    """All of a program as one loop, over the parameters in their order."""
    live = p.live()
    place = {name: i for i, (name, _) in enumerate(p.parameters)}
    body = [Instr(Argument(f"x{i}"), (), SPACE) for i in range(len(place))]
    at: dict[int, int] = {}
    for v, instr in enumerate(p.instrs):
        kind = instr.kind
        if isinstance(kind, Argument):
            at[v] = place[kind.name]
        elif isinstance(kind, Array):
            return None
        elif live[v]:
            if not isinstance(kind, Literal) and not (kind.entrywise and instr.shape == SPACE):
                return None
            at[v] = len(body)
            body.append(Instr(kind, tuple([at[a] for a in instr.args]), instr.shape))
    results = [at[v] for v in p.outputs]
    if len(set(results)) < len(results) or any(body[v].kind.leaf for v in results):
        return None
    return Region(SPACE, len(place), tuple(body), tuple(results))
