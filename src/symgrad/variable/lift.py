"""Carrying a function of expressions out on Variables.

Variables become their formulas; arrays among the operands become leaves of their own, so that no
data are baked into a formula; Python numbers stay exact constants. What is no operand (an axis, a
shape, an index) goes through as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

import numpy as np

from symgrad.autodiff.presented import diff, grad, hessian, jacobian
from symgrad.errors import ArgumentError
from symgrad.expr.formulas import Formulas
from symgrad.expr.leaves import symbol
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols, toposort
from symgrad.ops import linalg, matrix_products, products, pseudoinverse, select, ufuncs
from symgrad.ops.applied import exchanged
from symgrad.ops.basic import as_written
from symgrad.ops.elementwise import Elementwise
from symgrad.variable.data import real_array
from symgrad.variable.record import Record, parameter_record

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
}
DERIVATIVES: Final = (diff, grad, hessian, jacobian)
NO_EXCHANGE: Final[Mapping[Record, Record]] = {}
_LISTS: Final = (list, tuple, Formulas)
_PLAIN: Final = frozenset({int, float, bool, str, Fraction, type(None), type(Ellipsis), slice})


def operand_count(function: Callable[..., Any]) -> int:
    """How many leading arguments of a function are operands."""
    if isinstance(function, Elementwise):
        return _MANY
    return OPERANDS.get(function, 1)


class Call:
    """A function with its arguments, in which records stand for Variables and arrays."""

    __slots__ = ("args", "function", "kwargs", "records")

    def __init__(self, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.function = function
        self.records: list[Record] = []
        count = operand_count(function)
        self.args = [
            _operand(arg, self.records) if i < count else _setting(arg, self.records)
            for i, arg in enumerate(args)
        ]
        self.kwargs = {key: _setting(value, self.records) for key, value in kwargs.items()}

    def run(self, exchange: Mapping[Record, Record] = NO_EXCHANGE) -> Any:
        """The result on the formulas of the records, or of others in their place."""
        args = [_formula(arg, exchange) for arg in self.args]
        kwargs = {key: _formula(value, exchange) for key, value in self.kwargs.items()}
        if self.function in DERIVATIVES:
            inner = _computed_formulas([self.args[1:], [*self.kwargs.values()]], exchange)
            if inner:
                return _by_inner(self.function, args, kwargs, inner)
        return as_written(self.function)(*args, **kwargs)


def _computed_formulas(given: Any, exchange: Mapping[Record, Record]) -> list[Expr]:
    """The formulas of the computed values in a nest of lists."""
    if given.__class__ is Record:
        record = exchange.get(given, given)
        return [] if record.is_leaf else [record.expr]
    if given.__class__ in _LISTS:
        return [e for entry in given for e in _computed_formulas(entry, exchange)]
    return []


def _by_inner(function: Callable[..., Any], args: Any, kwargs: Any, inner: list[Expr]) -> Any:
    """A derivative by values on the way: they are independent of all others, and symbols stand for them.

    Raises
    ------
    ArgumentError
        If the formula does not go through one of them.
    """
    reached = set(toposort([a for a in [*args[:1], kwargs.get("f")] if a.__class__ is Expr]))
    for e in inner:
        if e not in reached:
            raise ArgumentError(
                f"what is differentiated is not computed from {e}: compute it from that variable, or"
                " differentiate by a leaf"
            )
    known = {e: symbol("inner", e.shape, e.dtype, unique=e) for e in inner}
    plain = [exchanged(a, known) for a in args]
    options = {key: exchanged(value, known) for key, value in kwargs.items()}
    return exchanged(function(*plain, **options), {s: e for e, s in known.items()})


def _formula(arg: Any, exchange: Mapping[Record, Record]) -> Any:
    kind = arg.__class__
    if kind is Record:
        return exchange.get(arg, arg).expr
    if kind in _LISTS:
        return kind([_formula(entry, exchange) for entry in arg])
    return arg


def _operand(arg: Any, records: list[Record]) -> Any:
    kind = arg.__class__
    if kind in _PLAIN:
        return arg
    if kind is Expr:
        return _closed(arg)
    if hasattr(kind, "__symgrad_lift__"):
        return _taken(arg.record(), records)
    if isinstance(arg, (list, tuple, range)):
        if _holds_variables(arg):
            return [_operand(entry, records) for entry in arg]
        return _taken(parameter_record(real_array(arg)), records)
    if isinstance(arg, (np.ndarray, np.generic)):
        return _taken(parameter_record(real_array(arg)), records)
    return arg


def _setting(arg: Any, records: list[Record]) -> Any:
    """An argument that may be an operand by its kind: a Variable, or an array of floats."""
    kind = arg.__class__
    if kind in _PLAIN or kind is Expr:
        return arg
    if hasattr(kind, "__symgrad_lift__"):
        return _taken(arg.record(), records)
    if isinstance(arg, (list, tuple)):
        return kind([_setting(entry, records) for entry in arg]) if kind in _LISTS else arg
    if isinstance(arg, np.ndarray) and arg.dtype.kind == "f":
        return _taken(parameter_record(arg), records)
    return arg


def _holds_variables(values: Any) -> bool:
    return any(hasattr(v.__class__, "__symgrad_lift__") or v.__class__ is Expr for v in values)


def _taken(record: Record, records: list[Record]) -> Record:
    records.append(record)
    return record


def _closed(e: Expr) -> Expr:
    """An expression without symbols, such as pi or an identity matrix.

    Raises
    ------
    ArgumentError
        If it has symbols: they hold no data.
    """
    symbols = free_symbols(e)
    if symbols:
        raise ArgumentError(
            f"a variable holds data and the symbol {symbols[0].name!r} does not; give the symbol"
            " data with variable(...), or work with the variable's formula, x.expr"
        )
    return e
