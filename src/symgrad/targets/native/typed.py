"""Element types of the entrywise instructions of a loop, by those of its operands."""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from symgrad.program.ir import Instr
from symgrad.targets.native.entries import DType, EntryCode, EntryValue, llvm_type


def types_of(instrs: Sequence[Instr], arity: int, given: Sequence[DType]) -> list[DType]:
    """The type of each instruction; None for those that reduce.

    Code is emitted to find them, and thrown away: so what has types has code.

    Raises
    ------
    Unsupported
        If an instruction has no native code for these types.
    """
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), []), "types")
    entries = EntryCode(ir.IRBuilder(function.append_basic_block()))
    values: list[EntryValue] = []
    for v, instr in enumerate(instrs):
        if v < arity:
            values.append(EntryValue(ir.Constant(llvm_type(given[v]), 0), given[v]))
        elif not instr.args or instr.kind.entrywise:
            values.append(entries.emit(instr.kind, [values[a] for a in instr.args]))
        else:
            values.append(EntryValue(None, None))
    return [entry.type for entry in values]
