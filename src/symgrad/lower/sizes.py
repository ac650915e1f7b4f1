"""How large the arrays are that a program makes entry by entry, and how much it does for an entry
and in products."""

from __future__ import annotations

from symgrad.expr.dims import dim_names, map_dim
from symgrad.lower.calls import call_of, cost_of
from symgrad.lower.contraction import MATMUL_CODE
from symgrad.lower.program import Program


def entries_code(p: Program) -> str:
    """The code of the entries of the largest such array, by the shapes of the arguments.

    Empty where there are none.
    """
    shapes = {
        tuple(d for d in instr.shape if d != 1)
        for instr in p.instrs
        if instr.code is not None and instr.shape and call_of(instr.code) is not None
    }
    known = [s for s in shapes if all(n in p.extents for d in s for n in dim_names(d))]
    products = [
        "*".join(f"({map_dim(d, p.extents.__getitem__)})" for d in shape)
        for shape in known
        if shape
    ]
    return f"max({', '.join([*sorted(products), '0'])})" if products else ""


def products_code(p: Program) -> str:
    """The code of the multiplications of the largest product of matrices, by the shapes of the arguments.

    Empty where there are none.
    """
    terms = set()
    for instr in p.instrs:
        if instr.code is MATMUL_CODE:
            left, right = [p.instrs[a].shape for a in instr.args]
            spans = (*left, *right[-1:]) if len(right) > 1 else left
            if all(n in p.extents for d in spans for n in dim_names(d)):
                terms.add("*".join(f"({map_dim(d, p.extents.__getitem__)})" for d in spans) or "1")
    return f"max({', '.join([*sorted(terms), '0'])})" if terms else ""


def entry_cost(p: Program) -> int:
    """The additions that take as long as all entrywise steps of a function of scalars, for an entry."""
    pairs = zip(p.instrs, p.live(), strict=True)
    return sum(cost_of(i.code) for i, live in pairs if live and i.code is not None)
