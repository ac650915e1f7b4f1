"""Functions of entries by their ufuncs, one an instruction.

``1.0/(1.0 + np.exp(-x))`` becomes four instructions, so that each can write into a buffer and equal
pieces of different formulas are shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symgrad.expr.dims import broadcast_shapes
from symgrad.expr.kinds import NEGATIVE, Formula, Literal, Tree, Ufunc
from symgrad.program.ir import Program, Value

ABS: Final = Ufunc("abs")


def expand(p: Program) -> Program:
    """The program with every `Formula` as single ufuncs."""
    if not any(isinstance(instr.kind, Formula) for instr in p.instrs):
        return p
    q = p.emptied()
    image: list[Value] = []
    for instr in p.instrs:
        if isinstance(instr.kind, Formula):
            image.append(_emit(q, instr.kind.tree, [image[a] for a in instr.args]))
        else:
            image.append(q.copied(instr, image))
    q.outputs = [image[v] for v in p.outputs]
    return q


def _emit(q: Program, tree: Tree, operands: Sequence[Value]) -> Value:
    """The instructions of one tree; trees are a few levels deep."""
    args: list[Value] = []
    for arg in tree.args:
        if isinstance(arg, Tree):
            args.append(_emit(q, arg, operands))
        else:
            args.append(q.literal(arg.value) if isinstance(arg, Literal) else operands[arg])
    if tree.kind == ABS and q.instrs[args[0]].kind == NEGATIVE:
        args = [*q.instrs[args[0]].args]  # |-x| = |x|, which functions of x and of -x share
    shape = broadcast_shapes(*[q.instrs[a].shape for a in args])
    return q.emit(tree.kind, tuple(args), shape)
