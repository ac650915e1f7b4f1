"""What an instruction does to rows: entries of its operands with one index along their first axis.

It is *local* if each row of its result needs only that row of its operands; *turned* if it is a local
matrix, transposed; *final* if it sums over all rows, or finds an extremum.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from symgrad.expr.dims import Shape, dim_names
from symgrad.lower.calls import DOT, Call, call_of, reduction_of
from symgrad.lower.contraction import MATMUL_CODE, TRANSPOSE_CODE
from symgrad.lower.names import mentioned
from symgrad.lower.program import Code, Instr, Program, Value

ADD: Final = "np.add"


class Kind(Enum):
    """When a value is computed."""

    EARLY = auto()  # before the rows, whole
    LOCAL = auto()  # row by row
    TURNED = auto()  # row by row, as columns
    FINAL = auto()  # when all rows are done
    LATE = auto()  # after that


@dataclass(frozen=True)
class Role:
    """The kind of an instruction; `ufunc` puts together what a final one gives for blocks of rows."""

    kind: Kind
    ufunc: str | None = None


LOCAL: Final = Role(Kind.LOCAL)
TURNED: Final = Role(Kind.TURNED)
SUMMED: Final = Role(Kind.FINAL, ADD)


class Locality:
    """Tells the roles of the instructions of a program with respect to the rows of one dim."""

    def __init__(self, p: Program, dim: str) -> None:
        self.p = p
        self.dim = dim
        self.kinds: list[Kind] = []
        self.name = p.dim_names.get(dim)

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
        return kind is Kind.LOCAL or (kind is Kind.EARLY and self._leads(self.p.instrs[a].shape))

    def _is_whole(self, a: Value) -> bool:
        return self.kinds[a] is Kind.EARLY and not self._mentioned(self.p.instrs[a].shape)

    def _mentioned(self, shape: Shape) -> bool:
        return any(self.dim in dim_names(d) for d in shape)

    def _leads(self, shape: Shape) -> bool:
        return bool(shape) and shape[0] == self.dim and not self._mentioned(shape[1:])

    def _role(self, instr: Instr) -> Role:
        kinds = {self.kinds[a] for a in instr.args}
        if instr.code is None or not instr.args:
            return Role(Kind.EARLY)
        if kinds & {Kind.LATE, Kind.FINAL}:
            return Role(Kind.LATE)
        role = None
        if self.name is None or not mentioned(self.name, instr.code.numpy):
            role = self._by_rows(instr, instr.code)
        if role is not None:
            return role
        return Role(Kind.EARLY if kinds == {Kind.EARLY} else Kind.LATE)

    def _by_rows(self, instr: Instr, code: Code) -> Role | None:
        args, shapes = instr.args, [self.p.instrs[a].shape for a in instr.args]
        if code is MATMUL_CODE:
            return self._product(args, shapes)
        if code is TRANSPOSE_CODE:
            return TURNED if self.is_rows(args[0]) and len(shapes[0]) == 2 else None
        call = call_of(code)
        if call is not None:
            return self._entrywise(instr, call, shapes)
        if not all(self.is_rows(a) or self._is_whole(a) for a in args):
            return None
        rows = [self.is_rows(a) for a in args]
        reduction = reduction_of(code)
        if reduction is not None:
            if reduction.name == DOT:
                return SUMMED if all(rows) and len(shapes[0]) == len(shapes[1]) else None
            final = reduction.axes is None or 0 in reduction.axes
            whole = Role(Kind.FINAL, reduction.name)
            return (whole if final else LOCAL) if rows[0] else None
        form = _form_of(code)
        return form(rows) if form is not None and any(rows) else None

    def _entrywise(self, instr: Instr, call: Call, shapes: Sequence[Shape]) -> Role | None:
        if any(isinstance(arg, Call) for arg in call.args) or not self._leads(instr.shape):
            return None
        rows = [
            self.is_rows(a) and len(shape) == len(instr.shape)
            for a, shape in zip(instr.args, shapes, strict=True)
        ]
        fits = all(r or self._is_whole(a) for r, a in zip(rows, instr.args, strict=True))
        return LOCAL if fits and any(rows) else None

    def _product(self, args: Sequence[Value], shapes: Sequence[Shape]) -> Role | None:
        left, right = args
        if self.kinds[left] is Kind.TURNED:
            return SUMMED if self.is_rows(right) and len(shapes[1]) <= 2 else None
        if not self.is_rows(left):
            return None
        if len(shapes[0]) == 1:
            return SUMMED if self.is_rows(right) and len(shapes[1]) <= 2 else None
        if self._is_whole(right) and len(shapes[1]) <= 2:
            return LOCAL
        stacks = self.is_rows(right) and len(shapes[0]) == len(shapes[1]) > 2
        return LOCAL if stacks else None


# Forms of other instructions, read off their code: from which operands are rows to the role

Form = Callable[[Sequence[bool]], Role | None]

HELPERS: Final = ("_largest(", "_logsumexp(")


@lru_cache(maxsize=1024)
def _form_of(code: Code) -> Form | None:
    text = code.numpy
    if text == "_log_total({0})":
        return lambda rows: LOCAL
    if re.fullmatch(r"\{0\}\[:(, [^\[\]]*)?\]", text) or text.startswith("np.transpose({0}, (0,"):
        return lambda rows: LOCAL
    if text.startswith((*HELPERS, "np.squeeze(")):
        axes = _axes(text)
        return None if axes is None or 0 in axes else lambda rows: LOCAL
    if text.startswith("np.einsum("):
        return _einsum_form(text)
    return _tensordot_form(text) if text.startswith("np.tensordot(") else None


def _axes(text: str) -> tuple[int, ...] | None:
    """The axes that a call names, or None."""
    call = ast.parse(text.format("x"), mode="eval").body
    assert isinstance(call, ast.Call)
    found = [ast.literal_eval(k.value) for k in call.keywords if k.arg == "axis"]
    if not found or found[0] is None:
        return None
    return found[0] if isinstance(found[0], tuple) else (found[0],)


def _einsum_form(text: str) -> Form | None:
    call = ast.parse(text.format("x", "y"), mode="eval").body
    assert isinstance(call, ast.Call)
    inputs, out = ast.literal_eval(call.args[0]).split("->")
    operands = inputs.split(",")

    def role(rows: Sequence[bool]) -> Role | None:
        (label, *others) = {ls[:1] for ls, r in zip(operands, rows, strict=True) if r}
        whole = "".join(ls for ls, r in zip(operands, rows, strict=True) if not r)
        inner = "".join(ls[1:] for ls in operands) + out[1:]
        if others or not label or label in whole or label in inner:
            return None
        return LOCAL if out.startswith(label) else SUMMED

    return role


def _tensordot_form(text: str) -> Form | None:
    call = ast.parse(text.format("x", "y"), mode="eval").body
    assert isinstance(call, ast.Call)
    left, right = ast.literal_eval(call.keywords[0].value)

    def role(rows: Sequence[bool]) -> Role | None:
        if rows[0] and not rows[1]:
            return LOCAL if 0 not in left else None
        together = (0, 0) in zip(left, right, strict=True)
        return SUMMED if rows[0] and rows[1] and together else None

    return role
