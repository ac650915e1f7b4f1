"""How large the arrays are that a program makes entry by entry, and how much it does for an entry
and in products."""

from __future__ import annotations

from collections.abc import Iterable

from symgrad.expr.dims import Dim, dim_names, mul_dims
from symgrad.expr.kinds import Contract
from symgrad.program.contraction import is_matmul
from symgrad.program.cost import cost_of
from symgrad.program.ir import Program


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
