"""Divisions by the same array become one reciprocal and products: ``a/d, b/d, c/d`` by ``r = 1/d``.

Each result may be off by one more rounding. A reciprocal overflows where `d` is below 5.6e-309.
"""

from __future__ import annotations

from collections import Counter

from symgrad.expr.kinds import DIVIDE, MULTIPLY
from symgrad.expr.tuning import tuning
from symgrad.program.ir import Program, Value


def share_reciprocals(p: Program) -> Program:
    """The program with divisions by one array, three or more, as products by its reciprocal."""
    live = p.live()
    divisions = Counter(
        instr.args[1]
        for v, instr in enumerate(p.instrs)
        if live[v] and instr.kind == DIVIDE and _is_array(p, instr.args[1])
    )
    shared = {d for d, uses in divisions.items() if uses >= tuning().shared_divisions}
    if not shared:
        return p
    q = p.emptied()
    image: list[Value] = []
    for instr in p.instrs:
        if instr.kind == DIVIDE and instr.args[1] in shared:
            a, d = (image[arg] for arg in instr.args)
            over = q.emit(DIVIDE, (q.literal(1), d), q.instrs[d].shape)
            one = q.number_of(a) == 1
            image.append(over if one else q.emit(MULTIPLY, (a, over), instr.shape))
        else:
            image.append(q.copied(instr, image))
    q.outputs = [image[v] for v in p.outputs]
    return q


def _is_array(p: Program, v: Value) -> bool:
    """Whether a value may be an array when the program runs."""
    return p.instrs[v].shape != () or (p.batched and p.number_of(v) is None)
