"""`Variable`: data with a gradient; the define-by-run face of the library.

Computing with Variables builds formulas over their symbols. Nothing is evaluated until data are
asked for; then the formula is compiled, once for all formulas of its form.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final

import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import Shape, show_shape
from symgrad.expr.node import Expr
from symgrad.variable.backward import gradient_data, gradient_of_inner, gradient_records
from symgrad.variable.data import as_data, differs, replacement, settled, show
from symgrad.variable.lift import Call
from symgrad.variable.operators import Operators, is_variable
from symgrad.variable.record import (
    Record,
    Symbols,
    data_of,
    detached,
    history,
    last_operation,
    leaf_record,
)

_serial: Final = count(1)  # tells unnamed leaves apart for the reader, and for nothing else


class Variable(Operators):
    """A number or an array with its gradient; made by `variable`.

    Attributes
    ----------
    data : float, NumPy scalar or array
        Assignable on a leaf; what was computed before keeps the value it had.
    grad : Variable or None
        The sum of the gradients since the last `cleargrad`.
    expr : Expr
        The formula over the symbols of its leaves; of a leaf its symbol.
    name : str or None
    """

    __slots__ = ("__weakref__", "_grad", "_handed_out", "_name", "_record")

    def __init__(self, record: Record, name: str | None = None) -> None:
        self._record = record
        self._name = name
        self._grad: Variable | None = None
        self._handed_out: Any = None
        record.owner = weakref.ref(self)

    # What it is

    @property
    def data(self) -> Any:
        """The value: a Python float for a scalar in float64, else a NumPy scalar or array.

        The array of a leaf may be written to; that of a computed Variable may not.
        """
        record = self._record
        value = record.data if record.data is not None else data_of(record)
        if not record.is_leaf or not isinstance(value, np.ndarray):
            return value
        if self._handed_out is None:
            self._handed_out = value.copy()
        return self._handed_out

    @data.setter
    def data(self, value: Any) -> None:
        old = self._record
        if not old.is_leaf:
            raise ArgumentError(
                "the data of a computed variable follow from its leaves; assign to those, or call"
                " unchain() first"
            )
        if is_variable(value):
            value = value.data
        new = replacement(value, old.shape, old.dtype)
        self._become(Record(old.shape, old.dtype, data=new, symbols=old.symbols))
        if value is not self._handed_out:
            self._handed_out = None

    def _become(self, record: Record) -> None:
        self._record = record
        record.owner = weakref.ref(self)

    def record(self) -> Record:
        """The record of the present value."""
        record = self._record
        if self._handed_out is not None and differs(self._handed_out, record.data):
            self.data = self._handed_out
            record = self._record
        return record

    @property
    def expr(self) -> Expr:
        """The formula over the symbols of the leaves; of a leaf its symbol."""
        return self.record().expr

    @property
    def name(self) -> str | None:
        """The name, which the symbol of a leaf carries too."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = name
        record = self.record()
        if record.is_leaf and name is not None:
            fresh = Symbols(name, record.shape, record.dtype)
            self._become(Record(record.shape, record.dtype, data=data_of(record), symbols=fresh))

    @property
    def shape(self) -> Shape:
        """The extents, all known."""
        return self._record.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._record.shape)

    @property
    def size(self) -> int:
        """The number of entries."""
        return int(np.prod(self._record.shape, dtype=int))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The floating type."""
        return self._record.dtype

    @property
    def is_leaf(self) -> bool:
        """Whether the data were given, not computed."""
        return self._record.is_leaf

    # Gradients

    @property
    def grad(self) -> Variable | None:
        """The gradient since the last `cleargrad`; on what `backward` starts from, its seed."""
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            value = value if is_variable(value) else variable(value)
            if value.shape != self.shape:
                raise ShapeError(
                    f"a gradient has the shape of its variable, {show_shape(self.shape)}, not"
                    f" {show_shape(value.shape)}"
                )
        self._grad = value

    def cleargrad(self) -> None:
        """Forget the gradient."""
        self._grad = None

    def backward(self, create_graph: bool = False, retain_grad: bool = False) -> None:
        """Add the gradients of this Variable to `grad` of every leaf it was computed from.

        The gradients are those of the sum of the entries; of the sum of the entries times ``grad``
        where that is set beforehand.

        Parameters
        ----------
        create_graph : bool
            Whether the gradients keep their formulas, so that they can be differentiated in turn.
            Otherwise they are leaves.
        retain_grad : bool
            Whether Variables on the way that are still held get their gradients too, this one
            included. One that the formula goes around (``3*x`` in ``2*(3*x)``, which is ``6*x``)
            gets none.

        Raises
        ------
        DerivativeError
            If the value depends on a leaf through an op that has no derivative.

        Examples
        --------
        >>> import symgrad as sg
        >>> x = sg.variable(3.0)
        >>> y = x**2
        >>> y.backward()
        >>> x.grad
        variable(6.0)
        """
        record = self.record()
        if record.is_leaf:
            if self._grad is None:
                self._grad = variable(np.ones(self.shape, self.dtype))
            return
        seed = None if self._grad is None else self._grad.record()
        if create_graph:
            for leaf, gradient in gradient_records(record, seed):
                _add_gradient(leaf, Variable(gradient))
        else:
            for leaf, data in gradient_data(record, seed):
                _add_data(leaf, data)
        if retain_grad:
            self._retain(record, seed, create_graph)
        elif seed is not None:
            self._grad = None

    def _retain(self, y: Record, seed: Record | None, create_graph: bool) -> None:
        if seed is None:
            self._grad = variable(np.ones(self.shape, self.dtype))
        for inner in history(y)[1:]:
            if inner.is_leaf or _owner(inner) is None:
                continue
            gradient = gradient_of_inner(y, inner, seed)
            if gradient is not None:
                if create_graph:
                    _add_gradient(inner, Variable(gradient))
                else:
                    _add_data(inner, data_of(gradient))

    # History

    def unchain(self) -> None:
        """Forget where the data came from: become a leaf.

        Nothing that is computed from this Variable from now on reaches what it was computed from.
        """
        old = self.record()
        if not old.is_leaf:
            old.owner = None
            self._become(detached(old, self._name or _unnamed()))

    def unchain_backward(self) -> None:
        """Make leaves of all Variables that this one was computed from.

        This one keeps its last operation; a gradient, which has none, becomes a leaf too. So
        backpropagation through time stops here.
        """
        own = self.record()
        exchange = {one: one for one in own.inputs if one.is_leaf}
        for record in history(own)[1:]:
            owner = _owner(record)
            if owner is not None and not record.is_leaf and owner._record is record:
                owner.unchain()
                exchange[record] = owner.record()
        for one in own.inputs:
            if one not in exchange:
                exchange[one] = detached(one, _unnamed())
        again = last_operation(own, exchange)
        if again is None:
            self.unchain()
        else:
            self._become(again)

    # Python's protocols

    @staticmethod
    def __symgrad_lift__(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        call = Call(function, args, kwargs)
        result = call.run()
        if result.__class__ is Expr:
            return _computed(result, call, None)
        if isinstance(result, (list, tuple)):
            kind = result.__class__
            again = getattr(kind, "_make", kind)  # of a named tuple, of a plain one
            return again(
                [_computed(r, call, i) if r.__class__ is Expr else r for i, r in enumerate(result)]
            )
        return result

    def __repr__(self) -> str:
        return f"{self._name or 'variable'}({show(self.data)})"

    def __reduce__(self) -> Any:
        grad = None if self._grad is None else self._grad.data
        return (_restored, (self.data, self._name, grad))


def variable(data: Any, name: str | None = None) -> Variable:
    """A leaf Variable that holds a copy of `data`.

    Parameters
    ----------
    data : number, array, nested list of numbers, or Variable
        Floating arrays keep their dtype; integers and booleans are promoted to float64.
    name : str, optional
        Printed in place of ``variable``, and the name of its symbol in formulas.

    Raises
    ------
    DTypeError
        If `data` holds anything but real numbers.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.variable(1.0)
    >>> y = sg.sin(x)
    >>> y
    variable(0.8414709848078965)
    >>> y.backward(create_graph=True)
    >>> x.grad
    variable(0.5403023058681398)
    """
    return _leaf(as_data(data.data if is_variable(data) else data), name)


def _unnamed() -> str:
    return f"x{next(_serial)}"


def _leaf(data: Any, name: str | None = None) -> Variable:
    return Variable(leaf_record(data, name or _unnamed()), name)


def _restored(data: Any, name: str | None, grad: Any) -> Variable:
    """A Variable from a pickle or a copy: a leaf, without history."""
    made = variable(data, name)
    made._grad = None if grad is None else variable(grad)
    return made


def _computed(expr: Expr, call: Call, index: int | None) -> Any:
    """A Variable for a computed value; plain data for booleans and integers."""
    records = call.records
    if expr.ty.weak:
        floats = [r.dtype for r in records if r.dtype.kind == "f"]
        dtype = np.result_type(*floats) if floats else np.dtype(float)
    else:
        dtype = expr.dtype

    def remake(exchange: Mapping[Record, Record]) -> Expr:
        result = call.run(exchange)
        return result if index is None else result[index]  # type: ignore[no-any-return]

    record = Record(expr.shape, dtype, expr=expr, inputs=tuple(records), remake=remake)
    return Variable(record) if dtype.kind == "f" else data_of(record)


def _owner(record: Record) -> Any:
    """The Variable of a record, or None where nobody holds it."""
    return record.owner() if record.owner is not None else None


def _add_gradient(target: Record, gradient: Variable) -> None:
    """Add to the gradient of a Variable, if it is still held."""
    owner = _owner(target)
    if owner is not None:
        owner._grad = gradient if owner._grad is None else owner._grad + gradient


def _add_data(target: Record, data: Any) -> None:
    """Add to the gradient of a Variable, at once: what adds up over many steps stays a leaf."""
    owner = _owner(target)
    if owner is None:
        return
    before = owner._grad
    if before is None or before.is_leaf:
        total = data if before is None else data_of(before.record()) + data
        owner._grad = _leaf(settled(total, target.shape, target.dtype))
    else:
        owner._grad = before + _leaf(data)
