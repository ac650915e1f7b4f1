"""Every entrywise instruction as single ufunc calls.

``1.0/(1.0 + np.exp(-x))`` becomes four instructions, so that each can write into a buffer and equal
pieces of different formulas are shared.
"""

from __future__ import annotations

from typing import Final

from symgrad.expr.dims import broadcast_shapes
from symgrad.lower.calls import ASTYPE, Call, Literal, call_of
from symgrad.lower.program import (
    ADD_CODE,
    DIV_CODE,
    MUL_CODE,
    NEG_CODE,
    SUB_CODE,
    Code,
    Instr,
    Program,
    Value,
    code_of,
)

CODES: Final = {
    "np.add": ADD_CODE,
    "np.subtract": SUB_CODE,
    "np.multiply": MUL_CODE,
    "np.divide": DIV_CODE,
    "np.negative": NEG_CODE,
}


def expand(p: Program) -> Program:
    """The program with every entrywise template split into its calls."""
    q = p.emptied()
    image: list[Value] = []
    for instr in p.instrs:
        call = None if instr.code is None else call_of(instr.code)
        if call is None or all(not isinstance(arg, Call) for arg in call.args):
            image.append(q.copied(instr, image))
        else:
            image.append(_emit(q, call, instr, image))
    q.outputs = [image[v] for v in p.outputs]
    return q


def _emit(q: Program, call: Call, instr: Instr, image: list[Value]) -> Value:
    """The instructions of one template; templates are a few calls deep."""
    args: list[Value] = []
    for arg in call.args:
        if isinstance(arg, Call):
            args.append(_emit(q, arg, instr, image))
        elif isinstance(arg, Literal):
            args.append(q.literal(arg.value))
        else:
            args.append(image[instr.args[arg]])
    shape = broadcast_shapes(*[q.instrs[a].shape for a in args])
    return q.emit(_code(call), tuple(args), shape)


def _code(call: Call) -> Code:
    if call.name in CODES:
        return CODES[call.name]
    if call.name == ASTYPE:
        return code_of(f"{{0}}.astype({call.dtype})", "", 1)
    operands = ", ".join(f"{{{i}}}" for i in range(len(call.args)))
    return code_of(f"{call.name}({operands})", "", len(call.args))
