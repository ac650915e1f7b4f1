"""Records: the history that Variables leave behind, one record per value.

A leaf's record has data and a symbol of its own; a computed one has a formula over the symbols of
the records it came from, and gets its data when they are asked for. Records know their inputs,
never their users, and their Variable only weakly: no cycles, and what nobody holds is gone.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from symgrad.expr.dims import Shape
from symgrad.expr.leaves import SYMBOL, symbol
from symgrad.expr.node import Expr
from symgrad.variable.data import Data, settled
from symgrad.variable.form import Form, form_of

_FLOAT64: Final = np.dtype(np.float64)
_lock: Final = threading.Lock()


class Record:
    """One value: data, or a formula over the values it came from.

    Attributes
    ----------
    inputs : tuple of Record
        What the formula was made of; empty for a leaf.
    data : float, NumPy scalar, read-only array or None
        None until computed.
    source : Record or None
        The record that a detached leaf takes its data from when asked.
    owner : weak reference to the Variable, or None
        None for arrays that were mixed into a formula.
    remake : callable or None
        ``remake(exchange)``: the formula over other records in place of some of the inputs.
    """

    __slots__ = (
        "__weakref__",
        "_expr",
        "data",
        "dtype",
        "inputs",
        "owner",
        "remake",
        "shape",
        "source",
        "symbols",
    )

    def __init__(
        self,
        shape: Shape,
        dtype: np.dtype[Any],
        *,
        expr: Expr | None = None,
        inputs: tuple[Record, ...] = (),
        data: Data = None,
        symbols: Symbols | None = None,
        source: Record | None = None,
        remake: Callable[[Mapping[Record, Record]], Expr] | None = None,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.inputs = inputs
        self.data = data
        self.source = source
        self.owner: weakref.ref[Any] | None = None
        self.symbols = symbols
        self.remake = remake
        self._expr = expr

    @property
    def expr(self) -> Expr:
        """The formula; of a leaf its symbol."""
        found = self._expr
        if found is None:
            assert self.symbols is not None
            with _lock:
                found = self._expr = self._expr or self.symbols.claim(self)
        return found

    @property
    def is_leaf(self) -> bool:
        """Whether this value was given, not computed."""
        return self.symbols is not None


class Symbols:
    """The symbols of one leaf: one for each of its values that formulas still refer to.

    A symbol whose value nobody remembers is taken again. So a loop that assigns new data in every
    iteration goes back and forth between two symbols, and its formulas between two interned nodes.
    """

    __slots__ = ("_taken", "_token", "dtype", "name", "shape")

    def __init__(self, name: str, shape: Shape, dtype: np.dtype[Any]) -> None:
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self._token = object()
        self._taken: list[tuple[Expr, weakref.ref[Record]]] = []

    def claim(self, record: Record) -> Expr:
        """A symbol for the value in `record`."""
        for i, (taken, user) in enumerate(self._taken):
            if user() is None:
                self._taken[i] = (taken, weakref.ref(record))
                return taken
        unique = (self._token, len(self._taken))
        fresh = symbol(self.name, self.shape, self.dtype, unique=unique)
        self._taken.append((fresh, weakref.ref(record)))
        return fresh


def leaf_record(data: Data, name: str) -> Record:
    """The record of given data."""
    if data.__class__ is float:
        shape, dtype = (), _FLOAT64
    else:
        shape, dtype = data.shape, data.dtype
    return Record(shape, dtype, data=data, symbols=Symbols(name, shape, dtype))


def parameter_record(array: Any) -> Record:
    """The record of an array that was mixed into a formula; it keeps its dtype."""
    shape = array.shape
    writeable = isinstance(array, np.ndarray) and array.flags.writeable
    if shape == () and array.dtype.kind == "f":
        data = settled(array, shape, array.dtype)
    elif shape == ():
        data = array[()]
    else:
        data = settled(array, shape, array.dtype, copy=writeable or array.base is not None)
    return Record(shape, array.dtype, data=data, symbols=Symbols("array", shape, array.dtype))


def detached(record: Record, name: str) -> Record:
    """A leaf with the data of `record`, which are computed when asked for."""
    return Record(
        record.shape,
        record.dtype,
        data=record.data,
        source=record if record.data is None else None,
        symbols=Symbols(name, record.shape, record.dtype),
    )


def last_operation(record: Record, exchange: Mapping[Record, Record]) -> Record | None:
    """`record` by its last operation alone, over other inputs; None where that is not known."""
    if record.remake is None:
        return None
    return Record(
        record.shape,
        record.dtype,
        expr=record.remake(exchange),
        inputs=tuple([exchange[one] for one in record.inputs]),
        data=record.data,
    )


def history(record: Record) -> list[Record]:
    """`record` and everything it came from, nearest first, each once."""
    found = {record: None}
    stack = [record]
    while stack:
        for one in stack.pop().inputs:
            if one not in found:
                found[one] = None
                stack.append(one)
    return list(found)


def leaves_of(record: Record) -> dict[Expr, Record]:
    """The given values that a record came from, by symbol."""
    return {one.expr: one for one in history(record) if one.is_leaf}


# Data


def data_of(record: Record) -> Data:
    """The data of a record, computed at the first call."""
    if record.data is None:
        _settle([record])
    return record.data


def _settle(records: Iterable[Record]) -> None:
    """Give data to records, those that others wait for first."""
    stack = list(records)
    while stack:
        record = stack[-1]
        if record.data is not None:
            stack.pop()
        elif record.source is not None:
            if record.source.data is None:
                stack.append(record.source)
            else:
                record.data, record.source = record.source.data, None
        else:
            form, needed = _plan(record)
            waiting = [one for one in needed if one.data is None]
            stack.extend(waiting)
            if not waiting:
                value = form.program.value([one.data for one in needed])
                record.data = settled(value, record.shape, record.dtype)


def _plan(record: Record) -> tuple[Form, list[Record]]:
    """What to evaluate for the data of `record`: a formula, and the records of its leaves.

    The walk stops at values that are known already, so a loop that looks at its data in every
    iteration pays for one iteration each time.
    """
    known = {one.expr: one for one in _nearest_known(record)}
    inner = any(node.op is not SYMBOL for node in known)
    form = form_of(record.expr, known) if inner else form_of(record.expr)
    if not all(leaf in known for leaf in form.leaves):
        known = leaves_of(record)  # the formula goes around a known value: start from all leaves
        form = form_of(record.expr)
    return form, [known[leaf] for leaf in form.leaves]


def _nearest_known(record: Record) -> Iterator[Record]:
    seen: set[Record] = set()
    stack = [*record.inputs] or [record]
    while stack:
        one = stack.pop()
        if one in seen:
            continue
        seen.add(one)
        if one.is_leaf or (one.data is not None and not one.expr.ty.weak):
            yield one
        else:
            stack.extend(one.inputs)


def data_of_all(records: Iterable[Record]) -> list[Data]:
    """The data of several records."""
    listed = list(records)
    _settle(listed)
    return [one.data for one in listed]
