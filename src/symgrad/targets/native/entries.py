"""The work on one entry of arrays as code of LLVM's: the entrywise instructions of a program, typed.

Types are NumPy's: a ufunc computes in the types that NumPy would choose, and a number of Python takes that
of what it meets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from llvmlite import ir

from symgrad.expr.kinds import Cast, Kind, Literal, Typed, Ufunc
from symgrad.expr.templates import ufunc_of
from symgrad.targets.native.functions.number import (
    BOOL,
    DOUBLE,
    FLOAT,
    PLAIN,
    Emitter,
    Number,
    Processor,
    select,
)
from symgrad.targets.native.functions.table import FUNCTIONS, function_in
from symgrad.targets.native.functions.trigonometric import beyond
from symgrad.targets.native.steps import Unsupported

# A dtype of NumPy; Python's bool, int or float for a number that takes its neighbour's
DType = Any
BOOLEAN: Final = np.dtype(np.bool_)
OF_NUMBERS: Final[Mapping[type, Any]] = {
    bool: BOOLEAN,
    int: np.dtype(np.int64),
    float: np.dtype(np.float64),
}


# What may be one instruction with its neighbour under `fast`: a product and a sum
CONTRACTED: Final = {"add": "fadd", "subtract": "fsub", "multiply": "fmul"}


class EntryValue(NamedTuple):
    """A value of LLVM's, and what type it has; that of a constant is known by its `value`."""

    value: Any
    type: DType


def llvm_type(d: DType) -> Any:
    """The type of values in registers.

    Raises
    ------
    Unsupported
        If there is none, as for complex numbers.
    """
    d = OF_NUMBERS.get(d, d)
    if not isinstance(d, np.dtype) or not d.isnative:
        raise Unsupported(f"type {d}")
    if d == np.float64:
        return DOUBLE
    if d == np.float32:
        return FLOAT
    if d == BOOLEAN:
        return BOOL
    if d.kind in "iu":
        return ir.IntType(8 * d.itemsize)
    raise Unsupported(f"type {d.name}")


@dataclass
class EntryCode:
    """Emits the instructions of a program for one entry.

    Attributes
    ----------
    builder : llvmlite.ir.IRBuilder
    fast, whole : bool
    processor : Processor
        See `function_in`.
    beyond : list
        Truth values of LLVM's: whether an argument of a function is larger than its code is for. Empty
        where `whole`.
    """

    builder: Any
    fast: bool = False
    processor: Processor = PLAIN
    whole: bool = True
    beyond: list[Any] = field(default_factory=list)

    def emit(self, kind: Kind, args: Sequence[EntryValue]) -> EntryValue:
        """The value of an instruction.

        Raises
        ------
        Unsupported
            If there is no native code for it.
        """
        if isinstance(kind, Literal):
            return self.literal(kind.value)
        if isinstance(kind, Typed):
            d = np.dtype(kind.dtype)
            return EntryValue(self.cast(self.literal(kind.value), d), d)
        if isinstance(kind, Cast) and kind.dtype is not None:
            d = np.dtype(kind.dtype)
            return EntryValue(self.cast(args[0], d), d)
        if isinstance(kind, Ufunc):
            return self._where(args) if kind.name == "where" else self._ufunc(kind.name, args)
        raise Unsupported(type(kind).__name__.lower())

    def literal(self, value: Any) -> EntryValue:
        """A number of Python."""
        if isinstance(value, bool):
            return EntryValue(ir.Constant(BOOL, int(value)), bool)
        if isinstance(value, int):
            if abs(value) < 2**63:
                return EntryValue(ir.Constant(ir.IntType(64), value), int)
            value = float(value) if abs(value) < 2**1023 else np.copysign(np.inf, value)
        return EntryValue(ir.Constant(DOUBLE, float(value)), float)

    def cast(self, entry: EntryValue, d: DType) -> Any:
        """A value in another type, as NumPy converts it.

        Raises
        ------
        Unsupported
            If floats are to become ints, which is not defined for all of them.
        """
        given, wanted = OF_NUMBERS.get(entry.type, entry.type), OF_NUMBERS.get(d, d)
        kind, b = llvm_type(wanted), self.builder
        if given == wanted:
            return entry.value
        if wanted == BOOLEAN:
            zero = ir.Constant(entry.value.type, 0)
            if given.kind == "f":
                return b.fcmp_unordered("!=", entry.value, zero)
            return b.icmp_signed("!=", entry.value, zero)
        if wanted.kind == "f":
            if given.kind == "f":
                return (b.fpext if wanted.itemsize > given.itemsize else b.fptrunc)(
                    entry.value, kind
                )
            return (b.sitofp if given.kind == "i" else b.uitofp)(entry.value, kind)
        if given.kind == "f":
            raise Unsupported("conversion of floats to ints")
        if wanted.itemsize == given.itemsize and given != BOOLEAN:
            return entry.value
        if wanted.itemsize < given.itemsize:
            return b.trunc(entry.value, kind)
        return (b.sext if given.kind == "i" else b.zext)(entry.value, kind)

    def _where(self, args: Sequence[EntryValue]) -> EntryValue:
        types = [a.type if isinstance(a.type, np.dtype) else a.type(0) for a in args[1:]]
        d = np.result_type(*types)
        chosen = [self.cast(a, d) for a in args[1:]]
        return EntryValue(self.builder.select(self.cast(args[0], BOOLEAN), *chosen), d)

    def _ufunc(self, name: str, args: Sequence[EntryValue]) -> EntryValue:
        *inputs, result = loop_types(name, [a.type for a in args])
        values = [self.cast(a, d) for a, d in zip(args, inputs, strict=True)]
        if name in LOGICAL:
            truths = [
                self.cast(EntryValue(v, d), BOOLEAN) for v, d in zip(values, inputs, strict=True)
            ]
            return EntryValue(LOGICAL[name](*self._numbers(truths)).value, BOOLEAN)
        if any(d != inputs[0] for d in inputs):
            raise Unsupported(f"{name} of {', '.join(d.name for d in inputs)}")
        return EntryValue(self._computed(name, inputs[0], values), result)

    def _computed(self, name: str, d: DType, values: list[Any]) -> Any:
        if d.kind == "f" and name in FUNCTIONS:
            return self._of_floats(name, d, values)
        table = OF_TRUTHS if d == BOOLEAN else OF_INTS if d.kind == "i" else {}
        if name not in table:
            raise Unsupported(f"{name} of {d.name}")
        return table[name](*self._numbers(values)).value

    def _of_floats(self, name: str, d: DType, values: list[Any]) -> Any:
        if self.fast and name in CONTRACTED:
            return getattr(self.builder, CONTRACTED[name])(*values, flags=["contract"])
        if FUNCTIONS[name].large is not None and not self.whole:
            (x,) = self._numbers(values)
            self.beyond.append(beyond(x if d == np.float64 else x.widened()).value)
        function = function_in(
            self.builder.module, name, llvm_type(d), self.fast, self.processor, self.whole
        )
        return self.builder.call(function, values)

    def _numbers(self, values: Sequence[Any]) -> list[Number]:
        code = Emitter(self.builder)
        return [Number(code, v) for v in values]


def loop_types(name: str, given: Sequence[DType]) -> tuple[DType, ...]:
    """The types that a ufunc computes in, and that of its result.

    Raises
    ------
    Unsupported
        If it is no ufunc of one result.
    """
    ufunc = ufunc_of(name)
    if ufunc is None:
        raise Unsupported(name)
    tokens = tuple([BOOLEAN if d is bool else d for d in given])
    return tuple(ufunc.resolve_dtypes((*tokens, None)))


def _sign(x: Number) -> Number:
    return select(x > 0, x * 0 + 1, select(x < 0, x * 0 - 1, x * 0))


Operation = Callable[..., Number]
COMPARISONS: Final[Mapping[str, Operation]] = {
    "equal": lambda x, y: x.equals(y),
    "not_equal": lambda x, y: ~x.equals(y),
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y,
}
BITWISE: Final[Mapping[str, Operation]] = {
    "bitwise_and": lambda x, y: x & y,
    "bitwise_or": lambda x, y: x | y,
    "bitwise_xor": lambda x, y: x ^ y,
    "invert": lambda x: ~x,
}
LOGICAL: Final[Mapping[str, Operation]] = {
    "logical_and": lambda x, y: x & y,
    "logical_or": lambda x, y: x | y,
    "logical_xor": lambda x, y: x ^ y,
    "logical_not": lambda x: ~x,
}
# Signed ones; sums and products run over as NumPy's do
OF_INTS: Final[Mapping[str, Operation]] = {
    **COMPARISONS,
    **BITWISE,
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "square": lambda x: x * x,
    "abs": lambda x: select(x < 0, -x, x),
    "absolute": lambda x: select(x < 0, -x, x),
    "sign": _sign,
    "maximum": lambda x, y: select(x > y, x, y),
    "minimum": lambda x, y: select(x < y, x, y),
    "fmax": lambda x, y: select(x > y, x, y),
    "fmin": lambda x, y: select(x < y, x, y),
}
OF_TRUTHS: Final[Mapping[str, Operation]] = {
    **BITWISE,
    "add": lambda x, y: x | y,
    "multiply": lambda x, y: x & y,
    "maximum": lambda x, y: x | y,
    "minimum": lambda x, y: x & y,
    "fmax": lambda x, y: x | y,
    "fmin": lambda x, y: x & y,
    "absolute": lambda x: x,
    "abs": lambda x: x,
    "equal": lambda x, y: ~(x ^ y),
    "not_equal": lambda x, y: x ^ y,
    "less": lambda x, y: ~x & y,
    "less_equal": lambda x, y: ~x | y,
    "greater": lambda x, y: x & ~y,
    "greater_equal": lambda x, y: x | ~y,
}
