"""What an instruction does to rows: entries of its operands with one index along their first axis.

It is *local* if each row of its result needs only that row of its operands; *turned* if it is a local
matrix, transposed; *final* if it sums over all rows, or finds an extremum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from symgrad.expr.dims import Shape, dim_names
from symgrad.expr.kinds import WHOLE, Contract, Index, Kind, Reduce, Squeeze, Transpose
from symgrad.program.ir import Instr, Program, Value
from symgrad.program.reductions import ADD, reduction_of
from symgrad.program.softmax import LOG_TOTAL


class When(Enum):
    """When a value is computed."""

    EARLY = auto()  # before the rows, whole
    LOCAL = auto()  # row by row
    TURNED = auto()  # row by row, as columns
    FINAL = auto()  # when all rows are done
    LATE = auto()  # after that


@dataclass(frozen=True)
class Role:
    """The kind of an instruction; `ufunc` puts together what a final one gives for blocks of rows."""

    kind: When
    ufunc: str | None = None


LOCAL: Final = Role(When.LOCAL)
TURNED: Final = Role(When.TURNED)
SUMMED: Final = Role(When.FINAL, ADD)


class Locality:
    """Tells the roles of the instructions of a program with respect to the rows of one dim."""

    def __init__(self, p: Program, dim: str) -> None:
        self.p = p
        self.dim = dim
        self.kinds: list[When] = []

    def roles(self) -> list[Role]:
        """The role of every instruction, in order."""
        roles: list[Role] = []
        for instr in self.p.instrs:
            role = self._role(instr)
            self.kinds.append(role.kind)
            roles.append(role)
        return roles

    def is_rows(self, a: Value) -> bool:
        """Whether a value is used row by row where it can be."""
        kind = self.kinds[a]
        return kind is When.LOCAL or (kind is When.EARLY and self._leads(self.p.instrs[a].shape))

    def _is_whole(self, a: Value) -> bool:
        return self.kinds[a] is When.EARLY and not self._mentioned(self.p.instrs[a].shape)

    def _mentioned(self, shape: Shape) -> bool:
        return any(self.dim in dim_names(d) for d in shape)

    def _leads(self, shape: Shape) -> bool:
        return bool(shape) and shape[0] == self.dim and not self._mentioned(shape[1:])

    def _role(self, instr: Instr) -> Role:
        kinds = {self.kinds[a] for a in instr.args}
        if not instr.args:
            return Role(When.EARLY)
        if kinds & {When.LATE, When.FINAL}:
            return Role(When.LATE)
        role = None if self.dim in instr.kind.names() else self._by_rows(instr)
        if role is not None:
            return role
        return Role(When.EARLY if kinds == {When.EARLY} else When.LATE)

    def _by_rows(self, instr: Instr) -> Role | None:
        kind, args = instr.kind, instr.args
        shapes = [self.p.instrs[a].shape for a in args]
        if kind.entrywise:
            return self._entrywise(instr, shapes)
        if isinstance(kind, Contract):
            return self._product(kind, args)
        if not (self.is_rows(args[0]) and all(self.is_rows(a) or self._is_whole(a) for a in args)):
            return None
        if isinstance(kind, Transpose):
            if kind.order[0] == 0:
                return LOCAL
            return TURNED if kind.order == (1, 0) else None
        if isinstance(kind, Reduce):
            return self._reduction(kind)
        return LOCAL if _keeps_rows(kind) else None

    def _entrywise(self, instr: Instr, shapes: Sequence[Shape]) -> Role | None:
        if not self._leads(instr.shape):
            return None
        rows = [
            self.is_rows(a) and len(shape) == len(instr.shape)
            for a, shape in zip(instr.args, shapes, strict=True)
        ]
        fits = all(r or self._is_whole(a) for r, a in zip(rows, instr.args, strict=True))
        return LOCAL if fits and any(rows) else None

    def _reduction(self, kind: Reduce) -> Role | None:
        if kind.axes is not None and 0 not in kind.axes:
            return LOCAL
        found = reduction_of(kind)
        return None if found is None else Role(When.FINAL, found.name)

    def _product(self, kind: Contract, args: Sequence[Value]) -> Role | None:
        """By the label of the rows: it leads the result, or it is summed over."""
        rows: set[int] = set()  # the labels of rows
        others: list[int] = []
        for a, labels in zip(args, kind.inputs, strict=True):
            at = 1 if self.kinds[a] is When.TURNED else 0
            if at == 1 or self.is_rows(a):
                rows.add(labels[at])
                others += [n for k, n in enumerate(labels) if k != at]
            elif self._is_whole(a):
                others += labels
            else:
                return None
        if len(rows) != 1 or rows & {*others, *kind.out[1:]}:
            return None
        return LOCAL if kind.out[:1] == tuple(rows) else SUMMED


def _keeps_rows(kind: Kind) -> bool:
    """Whether a view, or a function of entries, has rows that are made of the rows of its operand."""
    if isinstance(kind, Squeeze):
        return 0 not in kind.axes
    if isinstance(kind, Index):
        return bool(kind.entries[0] == WHOLE)
    return kind == LOG_TOTAL
