"""`Program`: linear SSA over NumPy-level instructions, built with value numbering.

A value is an index into the list of instructions. Equal instructions are one value, so common
subexpressions never appear twice.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from symgrad.expr.dims import Dim, Shape, map_dim
from symgrad.expr.node import Expr
from symgrad.expr.numbers import GREATEST_INT, LEAST_INT, as_float

Value = int

# Binding strengths of Python's operators; a template's operand is parenthesised below its need
LOOSE, COMPARE, SUM, PRODUCT, UNARY, POWER, ATOM = 0, 4, 9, 10, 11, 12, 13


@dataclass(frozen=True, slots=True)
class Code:
    """How an instruction is written.

    Attributes
    ----------
    numpy, scalar : str
        Templates over operands for arrays and for Python floats; an empty `scalar` has none.
    strength : int
        Binding strength of the result.
    needs : tuple of int
        The strength that each operand must have to go without parentheses.
    repeats : bool
        Whether an operand occurs more than once, so that it must be a name.
    view : bool
        Whether the result may share memory with an operand.
    """

    numpy: str
    scalar: str
    strength: int
    needs: tuple[int, ...]
    repeats: bool = False
    view: bool = False


def infix(sign: str, strength: int, right: int, scalar: str | None = None) -> Code:
    """A left-associative binary operator."""
    text = f"{{0}}{sign}{{1}}"
    return Code(text, text if scalar is None else scalar, strength, (strength, right))


ADD_CODE = infix(" + ", SUM, PRODUCT)
SUB_CODE = infix(" - ", SUM, PRODUCT)
MUL_CODE = infix("*", PRODUCT, UNARY)
DIV_CODE = infix("/", PRODUCT, UNARY)
NEG_CODE = Code("-{0}", "-{0}", UNARY, (UNARY,))
COMMUTATIVE = frozenset([ADD_CODE, MUL_CODE])
SQUARE_CODE = Code("{0}*{0}", "{0}*{0}", PRODUCT, (ATOM,), repeats=True)
SQRT_CODE = Code("np.sqrt({0})", "sqrt({0})", ATOM, (LOOSE,))
POW_CODE = Code("{0}**{1}", "pow({0}, {1})", POWER, (ATOM, UNARY))


@lru_cache(maxsize=4096)
def code_of(numpy: str, scalar: str, count: int, view: bool = False) -> Code:
    """The `Code` of a template pair; its strengths, read off the syntax trees, hold for both."""
    needs, seen, atomic = [LOOSE] * count, [0] * count, True
    for template in (numpy, scalar) if scalar else (numpy,):
        more, counts, alone = _strengths(template, count)
        needs = [max(pair) for pair in zip(needs, more, strict=True)]
        seen = [max(pair) for pair in zip(seen, counts, strict=True)]
        atomic = atomic and alone
    repeats = any(n > 1 for n in seen)
    return Code(numpy, scalar, ATOM if atomic else LOOSE, tuple(needs), repeats, view)


def _strengths(template: str, count: int) -> tuple[list[int], list[int], bool]:
    """What each operand of a template needs, how often it occurs, and whether the whole is an atom."""
    names = [f"_operand{i}" for i in range(count)]
    tree = ast.parse(template.format(*names), mode="eval").body
    needs = [LOOSE] * count
    seen = [int(name == getattr(tree, "id", "")) for name in names]
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            index = _operand_index(child)
            if index is not None:
                seen[index] += 1
                needs[index] = max(needs[index], _need(parent, child))
    enclosed = tree.col_offset > 0  # in parentheses, which the tree does not hold
    atoms = (ast.Call, ast.Name, ast.Subscript, ast.Attribute, ast.List)
    return needs, seen, enclosed or isinstance(tree, atoms)


def _operand_index(node: ast.AST) -> int | None:
    match = re.fullmatch(r"_operand(\d+)", node.id) if isinstance(node, ast.Name) else None
    return int(match.group(1)) if match else None


def _need(parent: ast.AST, child: ast.AST) -> int:
    if isinstance(parent, ast.Call):
        return ATOM if parent.func is child else LOOSE
    if isinstance(parent, ast.Subscript):
        return ATOM if parent.value is child else LOOSE
    return LOOSE if isinstance(parent, (ast.List, ast.Tuple, ast.keyword)) else ATOM


@dataclass(frozen=True, slots=True)
class Instr:
    """One instruction: a computation, an argument or a constant.

    Attributes
    ----------
    code : Code or None
        None for arguments and constants.
    args : tuple of int
        Operand values.
    literal : number, or None
        The value of a constant number.
    name : str
        The identifier of an argument or of a constant array.
    shape : tuple
        The extents that the value has when it is computed; it may broadcast to more.
    """

    code: Code | None
    args: tuple[Value, ...]
    literal: Any
    name: str
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
        Dim name to the code of its extent, such as ``v.shape[0]``.
    arrays : dict
        Identifier to constant array.
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
    extents: dict[str, str] = field(default_factory=dict)
    dim_names: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)
    numbering: dict[Any, Value] = field(default_factory=dict)

    def _add(self, key: Any, instr: Instr) -> Value:
        value = self.numbering.get(key)
        if value is None:
            value = self.numbering[key] = len(self.instrs)
            self.instrs.append(instr)
        return value

    def argument(self, name: str, shape: Shape) -> Value:
        """The value of a parameter."""
        return self._add(("arg", name), Instr(None, (), None, name, shape))

    def array(self, name: str, array: Any) -> Value:
        """The value of a constant array."""
        self.arrays[name] = array
        return self._add(("array", name), Instr(None, (), None, name, array.shape))

    def literal(self, value: Any) -> Value:
        """The value of a number; an int that is none to NumPy is a float."""
        if value.__class__ is int and not LEAST_INT <= value <= GREATEST_INT:
            value = as_float(value)
        key = ("literal", type(value), repr(value))
        return self._add(key, Instr(None, (), value, "", ()))

    def emit(self, code: Code, args: tuple[Value, ...], shape: Shape) -> Value:
        """The value of a computation."""
        if code in COMMUTATIVE and (code, args[::-1]) in self.numbering:
            return self.numbering[code, args[::-1]]
        return self._add((code, args), Instr(code, args, None, "", shape))

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
        if instr.code is not None:
            return self.emit(instr.code, tuple([image[a] for a in instr.args]), instr.shape)
        if instr.name in self.arrays:
            return self.array(instr.name, self.arrays[instr.name])
        return self.argument(instr.name, instr.shape) if instr.name else self.literal(instr.literal)

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
        return sum(live and instr.code is not None for instr, live in pairs)

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

    def dim_code(self, d: Dim) -> str:
        """The code of an extent whose names have identifiers."""
        return str(map_dim(d, self.dim_names.__getitem__))

    def shape_code(self, shape: Shape) -> str:
        """The code of a shape whose names have identifiers."""
        inner = ", ".join(self.dim_code(d) for d in shape)
        return f"({inner},)" if len(shape) == 1 else f"({inner})"

    def number_of(self, value: Value) -> Any:
        """The number that a value is known to be, or None."""
        return self.instrs[value].literal
