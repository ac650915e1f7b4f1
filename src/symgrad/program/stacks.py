"""Arrays of scalars as one array of a list, ``np.array([[a, b], [c, d]])``, not as small arrays joined."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from symgrad.expr.dims import Shape
from symgrad.expr.kinds import Broadcast, Cast, Concatenate, Literal, Written
from symgrad.program.ir import Program, Value

MAX_ENTRIES: Final = 64  # of a list

Grid = Any  # numpy object array of entries: a value, or a float


def stacks(p: Program) -> Program:
    """The program with arrays that are joined of scalars made of a list of these."""
    grids = _grids(p)
    listed = _listed(p, grids)
    if not listed:
        return p
    q = p.emptied()
    image: list[Value] = []
    for v, instr in enumerate(p.instrs):
        if v not in listed:
            image.append(q.copied(instr, image))
            continue
        entries = grids[v]
        scalars = tuple(
            [
                q.emit(Literal(x), (), ()) if x.__class__ is float else image[x]
                for x in entries.ravel()
            ]
        )
        image.append(
            q.emit(Written(f"np.array({_template(entries.shape)})", ""), scalars, instr.shape)
        )
    q.outputs = [image[v] for v in p.outputs]
    return q


def _template(shape: tuple[int, ...]) -> str:
    """A list of this shape, nested, of numbered operands."""
    operands = np.array([f"{{{k}}}" for k in range(math.prod(shape))])
    return str(operands.reshape(shape).tolist()).replace("'", "")


def _grids(p: Program) -> dict[Value, Grid]:
    """The entries of the arrays that are joined of scalars, and of their parts."""
    found: dict[Value, Grid] = {}
    for v, instr in enumerate(p.instrs):
        grid = _grid(p, v, found)
        if grid is not None and grid.size <= MAX_ENTRIES and grid.shape == instr.shape:
            found[v] = grid
    return found


def _grid(p: Program, v: Value, found: Mapping[Value, Grid]) -> Grid | None:
    """The entries of a value, where it is made of scalars, from those of its operands."""
    kind, args, shape = p.instrs[v]
    if isinstance(kind, Broadcast):
        grid = found.get(args[0])
        if grid is None and p.instrs[args[0]].shape == ():
            grid = np.array(args[0], object)
        return None if grid is None or not _adds_axes(grid.shape, shape) else grid.reshape(shape)
    if isinstance(kind, Concatenate):
        parts = [found[arg] for arg in args if arg in found]
        return np.concatenate(parts, kind.axis) if len(parts) == len(args) else None
    if isinstance(kind, Cast) and kind.dtype == "float64" and args[0] in found:
        numbers = [p.number_of(x) for x in found[args[0]].ravel() if x.__class__ is int]
        if all(isinstance(n, int) for n in numbers) and len(numbers) == found[args[0]].size:
            return np.array([float(n) for n in numbers], object).reshape(shape)
    return None


def _adds_axes(inner: tuple[int, ...], outer: Shape) -> bool:
    """Whether a broadcast does no more than to add axes of one entry in front."""
    new = len(outer) - len(inner)
    return outer[new:] == inner and all(d == 1 for d in outer[:new])


def _listed(p: Program, grids: Mapping[Value, Grid]) -> set[Value]:
    """The arrays to make of lists: those joined of scalars that are not all numbers."""
    return {
        v
        for v, grid in grids.items()
        if isinstance(p.instrs[v].kind, Concatenate)
        and any(x.__class__ is int and p.number_of(x) is None for x in grid.ravel())
    }
