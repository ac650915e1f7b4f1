"""Reading a call on Variables: which arguments are operands, and which are settings.

Variables and arrays among the operands become records, Python's numbers scalars: none of them is
baked into a formula. What is no operand (an axis, a shape, a slice) is part of the token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from symgrad.errors import MixedError
from symgrad.expr.leaves import CONST
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols
from symgrad.ops import (
    indexing,
    linalg,
    matrix_products,
    networks,
    products,
    pseudoinverse,
    select,
    sorting,
    ufuncs,
)
from symgrad.ops.elementwise import Elementwise
from symgrad.variable.data import real_array
from symgrad.variable.index import checked_index, checked_take
from symgrad.variable.record import Record, parameter_record
from symgrad.variable.tokens import (
    INTEGER,
    LISTS,
    OPERAND,
    PLAIN,
    CallToken,
    Nest,
    Setting,
    setting,
    token_of,
)

# How many leading arguments are operands: all of an elementwise function, else one, but for these
_MANY: Final = 1_000_000
OPERANDS: Final[dict[Any, int]] = {
    **{
        getattr(ufuncs, name): _MANY
        for name in "add subtract multiply divide power float_power".split()
    },
    **{
        getattr(products, name): 2
        for name in "matmul dot vdot inner outer tensordot kron cross".split()
    },
    products.einsum_of_text: _MANY,
    linalg.solve: 2,
    pseudoinverse.lstsq: 2,
    matrix_products.vecdot: 2,
    select.where: 3,
    select.clip: 3,
    indexing.take: 2,
    sorting.take_along_axis: 2,
    networks.leaky_relu: 2,
    networks.mean_cross_entropy: 2,
}
LARGEST_INT: Final = 2**53  # up to which an int is the float that stands for it


def operand_count(function: Callable[..., Any]) -> int:
    """How many leading arguments of a function are operands."""
    found = OPERANDS.get(function)
    if found is None:
        found = _MANY if isinstance(function, Elementwise) else 1
        OPERANDS[function] = found
    return found


def takes_two(function: Callable[..., Any]) -> bool:
    """Whether two arguments of a function are operands like those of an operator."""
    return operand_count(function) >= 2 and function is not indexing.take


class Reading:
    """The operands found so far in the arguments of a call."""

    __slots__ = ("lift", "records", "scalars")

    def __init__(self, lift: Any = None) -> None:
        self.lift = lift
        self.records: list[Record] = []
        self.scalars: list[Any] = []

    def taken(self, record: Record) -> Any:
        """A record as an operand."""
        self.records.append(record)
        return OPERAND

    def operand(self, arg: Any) -> Any:
        """The pattern of an argument that is an operand.

        Raises
        ------
        DTypeError
            For what is no array of real numbers.
        MixedError
            For an expression with symbols.
        """
        kind = arg.__class__
        if kind is np.ndarray and arg.dtype.kind in "fiub":
            return self.taken(parameter_record(arg))
        if kind is float or (kind is int and -LARGEST_INT <= arg <= LARGEST_INT):
            self.scalars.append(arg)
            return kind
        if hasattr(kind, "__symgrad_lift__"):
            return self.taken(arg.record())
        if kind in PLAIN or kind is int or kind is slice:
            return setting(arg)
        if kind is Expr:
            return self._closed(arg)
        if isinstance(arg, (list, tuple, range)):
            if _holds_variables(arg):
                return Nest(list, tuple([self.operand(entry) for entry in arg]))
            return self.taken(parameter_record(real_array(arg)))
        if isinstance(arg, (np.ndarray, np.generic)):
            return self.taken(parameter_record(real_array(arg)))
        return setting(arg)

    def other(self, arg: Any) -> Any:
        """The pattern of an argument that may be an operand by its kind: a Variable, an array of floats."""
        kind = arg.__class__
        if kind is Expr:
            return self._closed(arg)
        if hasattr(kind, "__symgrad_lift__"):
            return self.taken(arg.record())
        if kind in LISTS:
            return Nest(kind, tuple([self.other(entry) for entry in arg]))
        if isinstance(arg, np.ndarray) and arg.dtype.kind == "f":
            return self.taken(parameter_record(arg))
        return setting(arg)

    def index(self, part: Any) -> Any:
        """The pattern of a part of an index, as `checked_index` leaves them."""
        kind = part.__class__
        if kind is int:
            self.scalars.append(part)
            return INTEGER
        if kind is np.ndarray:
            return self.taken(parameter_record(part))
        return self.other(part)

    def _closed(self, e: Expr) -> Any:
        """An expression without symbols, such as pi or an identity matrix; an array is data.

        Raises
        ------
        MixedError
            If it has symbols: they hold no data.
        """
        if e.op is CONST and e.params[1] == "array":
            return self.taken(parameter_record(e.params[0].array))
        symbols = free_symbols(e)
        if symbols:
            raise MixedError(
                f"a variable holds data and the symbol {symbols[0].name!r} does not; give the symbol"
                " data with variable(...), or work with the variable's formula, x.expr",
                self.lift,
            )
        return Setting(Expr, e)


def _holds_variables(values: Any) -> bool:
    return any(hasattr(v.__class__, "__symgrad_lift__") or v.__class__ is Expr for v in values)


def read_call(
    function: Callable[..., Any], args: Any, kwargs: Any, lift: Any
) -> tuple[CallToken, Reading]:
    """The token of a call, with its records and numbers; `lift` is told to who mixes in symbols."""
    reading = Reading(lift)
    if function is indexing.getitem and len(args) == 2:
        patterns = _read_index(reading, *args)
    else:
        if function is indexing.take:
            args = checked_take(args, kwargs)
        count = operand_count(function)
        patterns = tuple(
            [
                reading.operand(arg) if i < count else reading.other(arg)
                for i, arg in enumerate(args)
            ]
        )
    options = tuple([(name, reading.other(value)) for name, value in kwargs.items()])
    return token_of(function, patterns, options, len(reading.records)), reading


def _read_index(reading: Reading, a: Any, key: Any) -> tuple[Any, ...]:
    first = reading.operand(a)
    parts = checked_index(key, reading.records[0].shape)
    if parts is None:
        return first, reading.other(key)
    if not isinstance(key, tuple) and len(parts) == 1:
        return first, reading.index(parts[0])
    return first, Nest(tuple, tuple([reading.index(part) for part in parts]))
