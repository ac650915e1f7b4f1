"""Element types of the values of a program, by those of its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np

from symgrad.expr.kinds import (
    WHERE,
    Argument,
    Array,
    Call,
    Cast,
    Contract,
    Item,
    Kind,
    Literal,
    OnDiagonal,
    Place,
    Reduce,
    Ufunc,
)
from symgrad.expr.templates import ufunc_of
from symgrad.program.ir import Instr, Loop, Program
from symgrad.program.softmax import LOG_TOTAL

# A NumPy dtype; Python's bool, int or float for a number that takes its neighbour's; a list of them for the
# tuple of a loop; None if not known
DType = Any

# Kinds, beside those of entries and those that reduce, whose result is a new array of the type of their
# operands
MAKERS: Final = (Contract, Place, OnDiagonal, Reduce)
DIAG: Final = Call("np.diag")
OF_FLOATS: Final = ("largest", "logsumexp")  # reductions by no ufunc that keep the type of floats


def makes(kind: Kind) -> bool:
    """Whether the result of a kind is a new array, or none."""
    return kind.entrywise or isinstance(kind, MAKERS) or kind in (DIAG, LOG_TOTAL)


def dtypes_of(p: Program, given: Sequence[DType]) -> list[DType]:
    """The element type of every value, where the parameters have those that are given."""
    types = dict(zip([name for name, _ in p.parameters], given, strict=True))
    known: list[DType] = []
    for instr in p.instrs:
        kind = instr.kind
        if isinstance(kind, Argument):
            known.append(types[kind.name])
        elif isinstance(kind, Array):
            known.append(p.arrays[kind.name].dtype)
        elif isinstance(kind, Literal):
            known.append(type(kind.value))
        elif isinstance(kind, Loop):
            known.append(_of_results(kind, [known[a] for a in instr.args]))
        elif isinstance(kind, Item):
            whole = known[instr.args[0]]
            known.append(whole[kind.number] if isinstance(whole, list) else None)
        else:
            known.append(_computed(instr, known))
    return known


def is_float(d: DType) -> bool:
    """Whether a type is one of floats of NumPy."""
    return isinstance(d, np.dtype) and d.kind == "f"


def _computed(instr: Instr, known: Sequence[DType]) -> DType:
    kind = instr.kind
    types = [known[a] for a in (instr.args[1:] if kind == WHERE else instr.args)]
    if isinstance(kind, (Ufunc, Cast)):
        # by identity: None is equal to float64
        return None if any(d is None for d in types) else _entry_dtype(kind, tuple(types))
    if isinstance(kind, Reduce) and kind.function not in OF_FLOATS:
        known_type = isinstance(types[0], np.dtype)
        return reduced_dtype(kind.function, types[0]) if known_type else None
    floats = bool(types) and all(is_float(d) and d == types[0] for d in types)
    return types[0] if floats and (kind.view or makes(kind)) else None


@lru_cache(maxsize=256)
def reduced_dtype(name: str, dtype: np.dtype[Any]) -> DType:
    """The element type of a reduction by a ufunc: the sum of bools is an int."""
    ufunc = ufunc_of(name)
    return None if ufunc is None else ufunc.reduce(np.ones(1, dtype)).dtype


@lru_cache(maxsize=4096)
def _entry_dtype(kind: Kind, types: tuple[DType, ...]) -> DType:
    """The element type of a function of entries, by those of its operands, without a condition."""
    if isinstance(kind, Cast):
        return None if kind.dtype is None else np.dtype(kind.dtype)
    if kind == WHERE:
        return np.result_type(*[d if isinstance(d, np.dtype) else d(0) for d in types])
    assert isinstance(kind, Ufunc)
    ufunc = ufunc_of(kind.name)
    assert ufunc is not None
    tokens = tuple([np.dtype(bool) if d is bool else d for d in types])
    return ufunc.resolve_dtypes((*tokens, None))[-1]


def _of_results(loop: Loop, given: Sequence[DType]) -> list[DType]:
    """The element types of the results of a loop."""
    inside = dtypes_of(loop.body, given[: len(loop.operands)])
    found: list[DType] = []
    for number in range(len(loop.targets)):
        types = [inside[v] for v, _ in loop.of_result(number)]
        known = all(isinstance(d, np.dtype) for d in types)
        found.append(np.result_type(*types) if known else None)
    return found
