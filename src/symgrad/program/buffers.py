"""Element types and buffers of a region: who writes where, so that few buffers serve many values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.expr.kinds import WHERE, Cast, Literal, Ufunc
from symgrad.expr.templates import ufunc_of
from symgrad.program.fusion import Region
from symgrad.program.ir import Instr, Value

DType = Any  # a NumPy dtype, or Python's bool, int or float for a number that takes its neighbour's


def body_dtypes(region: Region, inputs: Sequence[DType]) -> list[DType]:
    """The element type of every value of a region, by NumPy's promotion."""
    dtypes: list[DType] = list(inputs)
    for instr in region.body[len(inputs) :]:
        dtypes.append(entry_dtype(instr, dtypes))
    return dtypes


def entry_dtype(instr: Instr, dtypes: Sequence[DType]) -> DType:
    """The element type of an entrywise instruction, or of a reduction, by those of its operands."""
    kind = instr.kind
    if isinstance(kind, Literal):
        return type(kind.value)
    if isinstance(kind, Cast):
        return np.dtype(kind.dtype)
    if not isinstance(kind, Ufunc):  # a reduction takes the type of what it reduces
        return dtypes[instr.args[0]]
    args = [dtypes[a] for a in instr.args]
    if kind == WHERE:
        return np.result_type(*[_sample(d) for d in args[1:]])
    ufunc = ufunc_of(kind.name)
    assert ufunc is not None
    tokens = tuple(np.dtype(bool) if d is bool else d for d in args)
    return ufunc.resolve_dtypes((*tokens, None))[-1]


def _sample(d: DType) -> Any:
    return d if isinstance(d, np.dtype) else d(0)


@dataclass(frozen=True)
class Buffers:
    """Where the arrays of a region are written.

    Attributes
    ----------
    home : dict
        Value of the body to ``("y", k)``, the k-th result, or ``("w", k)``, the k-th work buffer.
    dtypes : tuple of dtype
        The types of the work buffers.
    """

    home: dict[Value, tuple[str, int]]
    dtypes: tuple[np.dtype[Any], ...]


def assign(region: Region, dtypes: Sequence[DType]) -> Buffers:
    """Buffers by liveness: a value's buffer is free again after its last use."""
    last = _last_uses(region)
    home: dict[Value, tuple[str, int]] = {}
    pool: dict[DType, list[int]] = defaultdict(list)
    work: list[np.dtype[Any]] = []
    result = {v: k for k, v in enumerate(region.results)}
    for v in range(region.arity, len(region.body)):
        instr = region.body[v]
        if not instr.kind.entrywise:
            continue
        dying = [a for a in set(instr.args) if last[a] == v and home.get(a, ("", 0))[0] == "w"]
        now = [a for a in dying if a not in _held(instr)]
        for a in now:
            pool[dtypes[a]].append(home[a][1])
        if v in result:
            home[v] = ("y", result[v])
        elif pool[dtypes[v]]:
            home[v] = ("w", pool[dtypes[v]].pop())
        else:
            home[v] = ("w", len(work))
            work.append(dtypes[v])
        for a in dying:
            if a not in now:
                pool[dtypes[a]].append(home[a][1])
    return Buffers(home, tuple(work))


def _last_uses(region: Region) -> list[int]:
    last = list(range(len(region.body)))
    for v, instr in enumerate(region.body):
        for a in instr.args:
            last[a] = v
    return last


def _held(instr: Instr) -> set[Value]:
    """Operands that the result must not overwrite while it is made: a where is two copies."""
    return set(instr.args[:2]) if instr.kind == WHERE else set()
