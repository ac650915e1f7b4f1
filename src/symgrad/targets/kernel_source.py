"""A region as the source of a function on blocks: ufuncs that write into results and work buffers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgrad.expr.kinds import WHERE, Argument, Literal, Ufunc
from symgrad.program.buffers import Buffers
from symgrad.program.fusion import Region
from symgrad.program.ir import Instr, Value
from symgrad.program.reductions import DOT, Reduction
from symgrad.targets.numpy_source import INDENT
from symgrad.targets.spelling import dotted, literal


def kernel_source(region: Region, buffers: Buffers, name: str = "kernel") -> str:
    """The source of ``kernel(inputs..., results..., buffers...)``.

    All arguments are blocks, numbers where an input is one. Results that are reductions are no
    arguments: the function returns a tuple of their values over the block.
    """
    return _Kernel(region, buffers).source(name)


class _Kernel:
    def __init__(self, region: Region, buffers: Buffers) -> None:
        self.region = region
        self.buffers = buffers
        self.lines: list[str] = []
        self.returned: dict[Value, str] = {}

    def source(self, name: str) -> str:
        for v, instr in enumerate(self.region.body):
            if not instr.kind.leaf:
                self._write(v, instr)
        reductions = [v for v, _ in self.region.reductions()]
        if reductions:
            values = "".join(f"{self.returned[v]}, " for v in reductions)
            self.lines.append(f"return ({values.rstrip()})")
        head = f"def {name}({', '.join(self._parameters())}):"
        return "\n".join([head, *[INDENT + line for line in self.lines], ""])

    def _parameters(self) -> list[str]:
        inputs = [f"x{i}" for i in range(self.region.arity)]
        entrywise = [f"y{k}" for k, v in enumerate(self.region.results) if v in self.buffers.home]
        return [*inputs, *entrywise, *[f"w{k}" for k in range(len(self.buffers.dtypes))]]

    def _name(self, v: Value) -> str:
        kind = self.region.body[v].kind
        if isinstance(kind, Argument):
            return kind.name
        if isinstance(kind, Literal):
            return literal(kind.value)
        home, number = self.buffers.home[v]
        return f"{home}{number}"

    def _write(self, v: Value, instr: Instr) -> None:
        kind = instr.kind
        if not kind.entrywise:
            reduction = self.region.reduction(v)
            assert reduction is not None
            self.returned[v] = f"r{len(self.returned)}"
            self.lines.append(f"{self.returned[v]} = {self._reduced(reduction, instr.args)}")
            return
        args = [self._name(a) for a in instr.args]
        out = self._name(v)
        if kind == WHERE:
            self.lines += _where(args, out)
        elif isinstance(kind, Ufunc):
            self.lines.append(f"{dotted(kind.name)}({', '.join(args)}, out={out})")
        else:
            self.lines.append(f'np.copyto({out}, {args[0]}, casting="unsafe")')

    def _reduced(self, reduction: Reduction, args: Sequence[Value]) -> str:
        operands = ", ".join(self._name(a) for a in args)
        if reduction.name == DOT:
            return f"np.vdot({operands})"
        return f"{dotted(reduction.name)}.reduce({operands}, axis={reduction.axes})"


def _where(args: Sequence[Any], out: str) -> list[str]:
    condition, chosen, other = args
    copies = [] if other == out else [f"np.copyto({out}, {other})"]
    return [*copies, f"np.copyto({out}, {chosen}, where={condition})"]
