"""How large the arrays are that a program makes entry by entry, and how much it does for an entry
and in products."""

from __future__ import annotations

from collections.abc import Iterable

from symgrad.expr.dims import Dim, add_dims, dim_names, mul_dims
from symgrad.expr.kinds import Contract, Item, Kind
from symgrad.program.contraction import is_matmul
from symgrad.program.cost import cost_of
from symgrad.program.ir import Loop, Program


def entry_spaces(p: Program) -> list[Dim]:
    """The entries of the arrays that are made entry by entry, each number once."""
    shapes = {
        tuple(d for d in instr.shape if d != 1)
        for instr in p.instrs
        if instr.shape and instr.kind.entrywise
    }
    return _known(p, {mul_dims(*shape) for shape in shapes if shape})


def product_spaces(p: Program) -> list[Dim]:
    """The multiplications of the products of matrices, each number once."""
    spaces = set()
    for instr in p.instrs:
        if isinstance(instr.kind, Contract) and is_matmul(instr.kind):
            left, right = [p.instrs[a].shape for a in instr.args]
            spaces.add(mul_dims(*left, *(right[-1:] if len(right) > 1 else ())))
    return _known(p, spaces)


def _known(p: Program, dims: Iterable[Dim]) -> list[Dim]:
    """Those of known extents, in an order that is the same in every process."""
    known = [d for d in dims if all(n in p.extents for n in dim_names(d))]
    return sorted(known, key=str)


def entry_cost(p: Program) -> int:
    """The additions that take as long as all steps of a function of scalars, for an entry."""
    pairs = zip(p.instrs, p.live(), strict=True)
    return sum(cost_of(i.kind) for i, live in pairs if live)


def row_entries(p: Program, rows: str) -> Dim:
    """The entries that a row takes in all arrays that are computed, in the bodies of loops too."""
    entries: list[Dim] = []
    waiting = [p]
    while waiting:
        for instr in waiting.pop().instrs:
            if isinstance(instr.kind, Loop):
                waiting.append(instr.kind.body)
            elif _is_computed(instr.kind) and instr.shape[:1] == (rows,):
                entries.append(mul_dims(*instr.shape[1:]))
    return add_dims(*entries)


def _is_computed(kind: Kind) -> bool:
    return not (kind.leaf or kind.view or isinstance(kind, Item))
