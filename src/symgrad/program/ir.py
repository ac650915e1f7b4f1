"""`Program`: linear SSA over typed instructions, built with value numbering.

A value is an index into the list of instructions. Equal instructions are one value, so common
subexpressions never appear twice. What an instruction does is a `Kind` (`symgrad.expr.kinds`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from symgrad.expr.dims import Shape
from symgrad.expr.kinds import COMMUTATIVE, Argument, Array, Kind, Literal, Loop, Plan, Target
from symgrad.expr.node import Expr
from symgrad.expr.numbers import GREATEST_INT, LEAST_INT, as_float

Value = int


class Instr(NamedTuple):
    """One instruction.

    Attributes
    ----------
    kind : Kind
    args : tuple of int
        Operand values.
    shape : tuple
        The extents that the value has when it is computed; it may broadcast to more.
    """

    kind: Kind
    args: tuple[Value, ...]
    shape: Shape


@dataclass
class Program:
    """A function as a list of instructions.

    Attributes
    ----------
    parameters : list of (identifier, symbol)
    instrs : list of Instr
    sizes : mapping
        Extents to reckon with where an order of contractions is chosen, by dim name.
    ordered : bool
        Whether such an order was chosen between operands of unknown extents.
    outputs : list of int
        Values, in the order of the flattened outputs.
    output_nodes : list of Expr
        The expressions that the outputs are values of.
    extents : dict
        Dim name to the parameter and the axis that have this extent.
    dim_names : dict
        Dim name to identifier, of the extents that code mentions.
    arrays : dict
        Identifier to constant array.
    slots : list of (identifier, shape)
        The arrays that intermediates are written into.
    batched : bool
        Whether all arguments are scalars that may come as arrays of broadcasting shapes.
    """

    parameters: list[tuple[str, Expr]]
    batched: bool
    sizes: Mapping[str, int] = field(default_factory=dict)
    ordered: bool = False
    instrs: list[Instr] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    output_nodes: list[Expr] = field(default_factory=list)
    extents: dict[str, tuple[str, int]] = field(default_factory=dict)
    dim_names: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)
    slots: list[tuple[str, Shape]] = field(default_factory=list)
    numbering: dict[Any, Value] = field(default_factory=dict)

    def emit(self, kind: Kind, args: tuple[Value, ...], shape: Shape) -> Value:
        """The value of an instruction."""
        key = (kind, args)
        value = self.numbering.get(key)
        if value is not None:
            return value
        if kind in COMMUTATIVE and (kind, args[::-1]) in self.numbering:
            return self.numbering[kind, args[::-1]]
        value = self.numbering[key] = len(self.instrs)
        self.instrs.append(Instr(kind, args, shape))
        return value

    def argument(self, name: str, shape: Shape) -> Value:
        """The value of a parameter."""
        return self.emit(Argument(name), (), shape)

    def array(self, name: str, array: Any) -> Value:
        """The value of a constant array."""
        self.arrays[name] = array
        return self.emit(Array(name), (), array.shape)

    def literal(self, value: Any) -> Value:
        """The value of a number; an int that is none to NumPy is a float."""
        if value.__class__ is int and not LEAST_INT <= value <= GREATEST_INT:
            value = as_float(value)
        return self.emit(Literal(value), (), ())

    def loop(
        self, plan: Plan, operands: Sequence[Value], targets: Sequence[Target | None]
    ) -> Value:
        """The value of a loop, a tuple."""
        number = sum(loop.plan.word == plan.word for loop in self.loops())
        kind = Loop(f"_{plan.word}{number}", plan, tuple(targets))
        return self.emit(kind, tuple(operands), ())

    def loops(self) -> list[Loop]:
        """The loops, in order."""
        return [instr.kind for instr in self.instrs if isinstance(instr.kind, Loop)]

    def emptied(self) -> Program:
        """A program with the same parameters, extents and outputs, and no instruction yet."""
        return Program(
            self.parameters,
            self.batched,
            self.sizes,
            self.ordered,
            output_nodes=self.output_nodes,
            extents=self.extents,
            dim_names=self.dim_names,
            arrays=self.arrays,
        )

    def copied(self, instr: Instr, image: Sequence[Value] | Mapping[Value, Value]) -> Value:
        """An instruction of another program, over the images of its operands."""
        return self.emit(instr.kind, tuple([image[a] for a in instr.args]), instr.shape)

    def live(self) -> list[bool]:
        """Whether each value is needed for an output."""
        live = [False] * len(self.instrs)
        for v in self.outputs:
            live[v] = True
        for v in range(len(self.instrs) - 1, -1, -1):
            if live[v]:
                for arg in self.instrs[v].args:
                    live[arg] = True
        return live

    def steps(self) -> int:
        """How many computations are needed for the outputs."""
        pairs = zip(self.instrs, self.live(), strict=True)
        return sum(live and not instr.kind.leaf for instr, live in pairs)

    def uses(self) -> list[int]:
        """How often each value is an operand of what is needed, or an output."""
        uses = [0] * len(self.instrs)
        for instr, live in zip(self.instrs, self.live(), strict=True):
            if live:
                for arg in instr.args:
                    uses[arg] += 1
        for v in self.outputs:
            uses[v] += 1
        return uses

    def number_of(self, value: Value) -> Any:
        """The number that a value is known to be, or None."""
        kind = self.instrs[value].kind
        return kind.value if isinstance(kind, Literal) else None
