"""Vectors of scalars as one array of a list, ``np.array([a, b, c])``, not as arrays of one entry joined."""

from __future__ import annotations

from symgrad.expr.kinds import Broadcast, Concatenate, Written
from symgrad.program.ir import Program, Value


def stacks(p: Program) -> Program:
    """The program with vectors that are joined of scalars made of a list of these."""
    places = {v for v, instr in enumerate(p.instrs) if _joins_scalars(p, v)}
    if not places:
        return p
    q = p.emptied()
    image: list[Value] = []
    for v, instr in enumerate(p.instrs):
        if v in places:
            scalars = tuple([image[p.instrs[arg].args[0]] for arg in instr.args])
            listed = ", ".join([f"{{{k}}}" for k in range(len(scalars))])
            kind = Written(f"np.array([{listed}])", "")
            image.append(q.emit(kind, scalars, instr.shape))
        else:
            image.append(q.copied(instr, image))
    q.outputs = [image[v] for v in p.outputs]
    return q


def _joins_scalars(p: Program, v: Value) -> bool:
    """Whether a value is arrays of one entry, each made of a scalar, one after the other."""
    instr = p.instrs[v]
    return isinstance(instr.kind, Concatenate) and all(
        isinstance(part.kind, Broadcast)
        and part.shape == (1,)
        and p.instrs[part.args[0]].shape == ()
        and p.number_of(part.args[0]) is None
        for part in [p.instrs[arg] for arg in instr.args]
    )
