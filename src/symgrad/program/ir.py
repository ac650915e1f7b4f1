"""`Program`: linear SSA over typed instructions, built with value numbering.

A value is an index into the list of instructions. Equal instructions are one value, so common
subexpressions never appear twice. What an instruction does is a `Kind` (`symgrad.expr.kinds`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from symgrad.expr.dims import Dim, Shape
from symgrad.expr.kinds import COMMUTATIVE, Argument, Array, Entry, Item, Kind, Literal
from symgrad.expr.node import Expr
from symgrad.expr.numbers import GREATEST_INT, LEAST_INT, as_float
from symgrad.program.reductions import reduction_of

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


class Slot(NamedTuple):
    """An array that intermediates are written into: its identifier, extents and element type."""

    name: str
    shape: Shape
    dtype: Any


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
    results : list of identifier
        The arrays that outputs are written into, for those that are.
    slots : list of Slot
        The arrays that intermediates are written into.
    types : list of dtype
        The element types of the outputs, None where they are not known; once slots are given.
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
    results: list[str] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    types: list[Any] = field(default_factory=list)
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
            dim_names=dict(self.dim_names),
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

    def users(self) -> list[set[Value]]:
        """The needed instructions that use each value; -1 where it is an output."""
        users: list[set[Value]] = [set() for _ in self.instrs]
        for v, (instr, live) in enumerate(zip(self.instrs, self.live(), strict=True)):
            for a in instr.args if live else ():
                users[a].add(v)
        for v in self.outputs:
            users[v].add(-1)
        return users

    def every_kind(self) -> Iterator[Kind]:
        """The kinds of all instructions, those of the bodies of loops too."""
        waiting = [self]
        while waiting:
            for instr in waiting.pop().instrs:
                yield instr.kind
                if isinstance(instr.kind, Loop):
                    waiting.append(instr.kind.body)

    def number_of(self, value: Value) -> Any:
        """The number that a value is known to be, or None."""
        kind = self.instrs[value].kind
        return kind.value if isinstance(kind, Literal) else None


@dataclass(frozen=True, slots=True)
class Cut:
    """How a loop cuts an operand.

    Attributes
    ----------
    axes : tuple of (int or None)
        For each axis of the operand the axis of the loop's space that it goes along. None is an axis that
        every block has whole; those of extent 1, and axes that the operand lacks in front, broadcast.
    halo : (int, int)
        For rows ``first <= i < last`` of the space a block has the rows from ``first - halo[0]`` to
        ``last - halo[1]`` of the operand, as far as there are such.
    """

    axes: tuple[int | None, ...]
    halo: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Combine:
    """What becomes of an output of the body of a loop.

    Attributes
    ----------
    result : int
        The result of the loop that it goes into.
    axes : tuple of (int or None)
        For each axis of the output the axis of the loop's space that it goes along; None is one that
        every block has whole.
    ufunc : str or None
        What puts the values of blocks together, as ``"add"`` or ``"maximum"``; None where they are joined:
        each is stored in a place of its own.
    place : index or None
        Where in the result the entries of the output are put, by `ufunc`, beginning with zeros. Row i of
        the output goes to row ``i + place[0].start``, so that outputs overlap.
    """

    result: int
    axes: tuple[int | None, ...]
    ufunc: str | None = None
    place: tuple[Entry, ...] | None = None

    @property
    def fills(self) -> bool:
        """Whether the result is an array over the space, which can be written into one that is given."""
        return self.ufunc is None or self.place is not None


@dataclass(frozen=True, slots=True, eq=False)
class Loop(Kind):
    """A part of a program that runs block by block, and gives the tuple of its results.

    Its operands are those of the body, and behind them the arrays that results are written into.

    Attributes
    ----------
    name : str
        Of its function.
    body : Program
        What is done to a block: its parameters, which are its first values, are blocks of the operands.
    space : tuple
        The extents that are gone through.
    axes : tuple of int
        The axes of the space along which blocks may be cut: all of them for work entry by entry, else the
        first.
    operands : tuple of Cut
        How each operand is cut.
    results : tuple of Combine
        What becomes of each output of the body.
    extents : tuple of str
        The names of extents that its function takes before the operands.
    targets : tuple of (int or None)
        For each result the number of the operand that it may be written into. None is a new array.
    """

    name: str
    body: Program
    space: Shape
    axes: tuple[int, ...]
    operands: tuple[Cut, ...]
    results: tuple[Combine, ...]
    extents: tuple[str, ...]
    targets: tuple[int | None, ...]

    def dims(self) -> tuple[Dim, ...]:
        """The extents that its function takes."""
        return self.extents

    def of_result(self, number: int) -> list[tuple[Value, Combine]]:
        """The outputs of the body that go into a result."""
        pairs = zip(self.body.outputs, self.results, strict=True)
        return [(v, c) for v, c in pairs if c.result == number]

    def fills(self, number: int) -> bool:
        """Whether a result is an array that can be written into one that is given."""
        return all(c.fills for _, c in self.of_result(number))

    @property
    def is_entrywise(self) -> bool:
        """Whether all is done entry by entry but for reductions at the end, so that operands broadcast."""
        ends = {v for v, c in zip(self.body.outputs, self.results, strict=True) if c.ufunc}
        return all(
            i.kind.entrywise or i.kind.leaf or (v in ends and reduction_of(i.kind) is not None)
            for v, i in enumerate(self.body.instrs)
        )


def item_of(p: Program, v: Value) -> tuple[Loop, Instr, int] | None:
    """The loop that a value is a result of, its instruction, and which of its results it is; or None."""
    kind = p.instrs[v].kind
    if not isinstance(kind, Item):
        return None
    instr = p.instrs[p.instrs[v].args[0]]
    return (instr.kind, instr, kind.number) if isinstance(instr.kind, Loop) else None
