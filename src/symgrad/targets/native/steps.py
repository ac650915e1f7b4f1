"""A program over scalars as a list of typed steps: what machine code and C are printed from.

Every step is one instruction of `PRIMITIVES` or a call of a function of floats. What has no such steps
is told in a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from symgrad.expr.kinds import Argument, Cast, Kind, Literal, Tree, Typed, Ufunc
from symgrad.expr.numbers import as_float
from symgrad.program.ir import Program
from symgrad.program.single_calls import expand
from symgrad.targets.native.primitives import (
    ALSO_IN_C,
    LIBRARY,
    PRIMITIVES,
    Primitive,
    composed,
)
from symgrad.targets.native.scipy_functions import scipy_symbol

FLOAT: Final = "f"
TRUTH: Final = "b"


class Unsupported(Exception):
    """What has no native code, in words."""


class External(NamedTuple):
    """A function of floats that is called.

    Attributes
    ----------
    name : str
        Of the function, in C where it is of C's library.
    arity : int
        How many floats it takes.
    scipy : bool
        Whether it is SciPy's own, which takes an int behind them.
    """

    name: str
    arity: int
    scipy: bool


class ScalarStep(NamedTuple):
    """A computation, or an argument (an int, its number) or a number (a float or a bool)."""

    does: Primitive | External | int | float | bool
    operands: tuple[int, ...]
    type: str

    @property
    def computes(self) -> bool:
        """Whether it is a computation."""
        return isinstance(self.does, (Primitive, External))


@dataclass
class ScalarSteps:
    """The steps of a function of floats, and the steps that are its outputs."""

    arguments: list[str]
    steps: list[ScalarStep] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    def externals(self) -> list[External]:
        """The functions that are called, each once, in order."""
        return list(dict.fromkeys([s.does for s in self.steps if isinstance(s.does, External)]))

    def length(self) -> int:
        """How many steps compute."""
        return sum(step.computes for step in self.steps)


def steps_of(program: Program, portable: bool = False) -> ScalarSteps:
    """The steps of a program over scalars of float64.

    With `portable` all functions are of C's library.

    Raises
    ------
    Unsupported
        If something in the program has no steps, with a word of what.
    """
    if not program.batched:
        raise Unsupported("arrays as arguments")
    if program.arrays:
        raise Unsupported("constant arrays")
    for name, x in program.parameters:
        if x.dtype.kind != "f" or x.dtype.itemsize != 8:
            raise Unsupported(f"{name} is of {x.dtype.name}")
    return _Stepping([name for name, _ in program.parameters], portable).run(expand(program))


def steps_of_region(instrs: Sequence[tuple[Kind, Sequence[int]]], output: int) -> ScalarSteps:
    """The steps of one entry: kinds with their operands, of which `Argument`s have names in order.

    All functions are of C's library.

    Raises
    ------
    Unsupported
        If something has no steps, or the output is a truth value.
    """
    names = [kind.name for kind, _ in instrs if isinstance(kind, Argument)]
    stepping = _Stepping(names, portable=True)
    image: list[int] = []
    for kind, args in instrs:
        image.append(stepping.step(kind, [image[a] for a in args]))
    stepping.made.outputs = [image[output]]
    if stepping.made.steps[image[output]].type == TRUTH:
        raise Unsupported("arrays of truth values")
    return stepping.made


class _Stepping:
    def __init__(self, names: list[str], portable: bool) -> None:
        self.portable = portable
        self.made = ScalarSteps(names)
        self.number = {name: k for k, name in enumerate(self.made.arguments)}
        self.numbering: dict[Any, int] = {}

    def run(self, p: Program) -> ScalarSteps:
        image: list[int] = []
        for instr, live in zip(p.instrs, p.live(), strict=True):
            operands = [image[a] for a in instr.args] if live else []
            image.append(self.step(instr.kind, operands) if live else -1)
        self.made.outputs = [image[v] for v in p.outputs]
        return self.made

    def step(self, kind: Kind, operands: Sequence[int]) -> int:
        if isinstance(kind, Argument):
            return self._emit(self.number[kind.name], (), FLOAT)
        if isinstance(kind, (Literal, Typed)):
            return self._literal(kind.value)
        if isinstance(kind, Cast) and kind.dtype in (None, "float64"):
            return self._as(operands[0], FLOAT)
        if isinstance(kind, Ufunc):
            return self._ufunc(kind.name, operands)
        raise Unsupported(words_of(kind))

    def _emit(self, does: Any, operands: tuple[int, ...], kind: str) -> int:
        # 0.0 and -0.0 are two numbers, 1, 1.0 and True three
        key = (does.__class__, repr(does) if isinstance(does, float) else does, operands)
        found = self.numbering.get(key)
        if found is None:
            found = self.numbering[key] = len(self.made.steps)
            self.made.steps.append(ScalarStep(does, operands, kind))
        return found

    def _literal(self, value: Any) -> int:
        if isinstance(value, bool):
            return self._emit(value, (), TRUTH)
        return self._emit(as_float(value), (), FLOAT)

    def _as(self, v: int, kind: str) -> int:
        """A value in a type."""
        step = self.made.steps[v]
        if step.type == kind:
            return v
        if kind == TRUTH:
            return self._emit(PRIMITIVES["not_equal"], (v, self._literal(0.0)), TRUTH)
        if isinstance(step.does, bool):
            return self._literal(float(step.does))
        one, zero = self._literal(1.0), self._literal(0.0)
        return self._emit(PRIMITIVES["where"], (v, one, zero), FLOAT)

    def _ufunc(self, name: str, operands: Sequence[int]) -> int:
        types = "".join([self.made.steps[v].type for v in operands])
        if name in NEED_FLOATS and FLOAT not in types:
            raise Unsupported(f"{name} of truth values")
        if name == "where" and types[1:] == "bb":
            return self._truth_chosen(*operands)
        if name in PRIMITIVES:
            primitive = PRIMITIVES[name]
            given = [self._as(v, t) for v, t in zip(operands, primitive.operands, strict=True)]
            return self._emit(primitive, tuple(given), primitive.result)
        tree = composed(name)
        if tree is not None:
            return self._tree(tree, operands)
        floats = tuple([self._as(v, FLOAT) for v in operands])
        return self._emit(self._external(name, len(floats)), floats, FLOAT)

    def _truth_chosen(self, c: int, a: int, b: int) -> int:
        """One of two truth values."""
        first = self._ufunc("logical_and", [c, a])
        return self._ufunc(
            "logical_or",
            [first, self._ufunc("logical_and", [self._ufunc("logical_not", [c]), b])],
        )

    def _tree(self, tree: Tree, operands: Sequence[int]) -> int:
        """A formula over operands; formulas are a few levels deep."""
        given: list[int] = []
        for arg in tree.args:
            if isinstance(arg, Tree):
                given.append(self._tree(arg, operands))
            else:
                given.append(
                    self._literal(arg.value) if isinstance(arg, Literal) else operands[arg]
                )
        assert isinstance(tree.kind, Ufunc)
        return self._ufunc(tree.kind.name, given)

    def _external(self, name: str, count: int) -> External:
        if name in LIBRARY:
            return External(LIBRARY[name], count, False)
        if self.portable and name in ALSO_IN_C:
            return External(ALSO_IN_C[name], count, False)
        own = name.removeprefix("special.")
        if not self.portable and own != name and scipy_symbol(own, count) is not None:
            return External(own, count, True)
        raise Unsupported(name)


# What NumPy computes in another type for truth values: their sum is one of them
NEED_FLOATS: Final = frozenset(
    "add subtract multiply divide negative maximum minimum fmax fmin square abs absolute sign".split()
)


def words_of(kind: Any) -> str:
    """A kind in a word, or its code."""
    for attribute in ("code", "function", "name"):
        found = getattr(kind, attribute, None)
        if isinstance(found, str):
            return found
    return type(kind).__name__.lower()
