"""`Variable`: data with a gradient; the define-by-run face of the library.

Computing with Variables leaves a history. Nothing is evaluated until data are asked for; then the
history becomes a formula, which is compiled once for all histories of its form.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import Shape, show_shape
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import mapped
from symgrad.print.latex import latex
from symgrad.recurrence import scan
from symgrad.variable.backward import gradient_data, gradient_records
from symgrad.variable.data import as_data, formatted, replacement, settled, show
from symgrad.variable.derivative import DERIVATIVES, Derivative, derivative_of
from symgrad.variable.evaluation import data_of, expr_of
from symgrad.variable.kinds import ArrayType
from symgrad.variable.lending import lent, looked_at
from symgrad.variable.modes import is_in_step, keeps_history
from symgrad.variable.operators import Operators, is_variable
from symgrad.variable.picture import picture_of_variables
from symgrad.variable.reading import LARGEST_INT, read_call, takes_two
from symgrad.variable.record import (
    Application,
    Record,
    detached,
    history,
    leaf_record,
    parameter_record,
    results_of,
)
from symgrad.variable.scanning import scan_records
from symgrad.variable.tokens import (
    INDEXED,
    INTEGER,
    OPERAND,
    SCALARS,
    SINGLES,
    CallToken,
    Outcome,
    Value,
    pair_token,
    remember_single,
)


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

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.variable(3.0)
    >>> (x**2).backward()
    >>> print(x.data, x.grad)
    3.0 variable(6.0)
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
        if record.call is not None or not isinstance(value, np.ndarray):
            return value
        if self._handed_out is None:
            self._handed_out = lent(record, value)
        return self._handed_out

    @data.setter
    def data(self, value: Any) -> None:
        old = self._record
        if old.call is not None:
            raise ArgumentError(
                "the data of a computed variable follow from its leaves; assign to those, or call"
                " unchain() first"
            )
        if value is not None and value is self._handed_out:  # written to in place
            if value is not old.data:
                self._become(Record(old.kind, value, name=old.name))
            return
        if is_variable(value):
            value = value.data
        self._become(Record(old.kind, replacement(value, old.shape, old.dtype), name=old.name))
        self._handed_out = None

    def _become(self, record: Record) -> None:
        self._record = record
        record.owner = weakref.ref(self)

    def record(self) -> Record:
        """The record of the present value, to be read: its data do not change any more."""
        if self._handed_out is not None:
            self._look_at_handed_out()
        record = self._record
        record.is_read = True
        return record

    def _look_at_handed_out(self) -> None:
        """Take over what was written into the array that was handed out."""
        handed_out, self._handed_out = self._handed_out, None
        self._handed_out, changed = looked_at(handed_out, self._record)
        if changed is not None:
            self._become(changed)

    @property
    def expr(self) -> Expr:
        """The formula over the symbols of the leaves; of a leaf its symbol."""
        return expr_of(self.record())

    @property
    def name(self) -> str | None:
        """The name, which the symbol of a leaf carries too."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = name
        record = self.record()
        if record.call is None and name is not None:
            self._become(Record(record.kind, data_of(record), name=name))

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
        return self._record.call is None

    # Gradients

    @property
    def grad(self) -> Variable | Any:
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

    @checked
    def cleargrad(self) -> None:
        """Forget the gradient."""
        self._grad = None

    @checked
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
            included.

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
        if record.call is None:
            if self._grad is None:
                self._grad = variable(np.ones(self.shape, self.dtype))
            return
        seed = None if self._grad is None else self._grad.record()
        if create_graph:
            for target, gradient in gradient_records(record, seed, retain_grad):
                _add_gradient(target, Variable(gradient))
        else:
            for target, data in gradient_data(record, seed, retain_grad):
                _add_data(target, data)
        if retain_grad and seed is None:
            self._grad = variable(np.ones(self.shape, self.dtype))
        elif seed is not None and not retain_grad:
            self._grad = None

    # History

    @checked
    def unchain(self) -> None:
        """Forget where the data came from: become a leaf.

        Nothing that is computed from this Variable from now on reaches what it was computed from.
        """
        old = self.record()
        if old.call is not None:
            old.owner = None
            self._become(detached(old, self._name or ""))

    @checked
    def unchain_backward(self) -> None:
        """Make leaves of all Variables that this one was computed from.

        This one keeps its last operation; a gradient, which has none, becomes a leaf too. So
        backpropagation through time stops here.
        """
        own = self.record()
        if own.call is None or isinstance(own.call.token.function, Derivative):
            self.unchain()
            return
        cut: dict[Record, Record] = {}
        for record in history(own)[1:]:
            owner = record.holder()
            if owner is not None and record.call is not None and owner._record is record:
                owner.unchain()
                cut[record] = owner.record()
        for one in own.call.inputs:
            if one not in cut:
                cut[one] = one if one.call is None else detached(one)
        inputs = tuple([cut[one] for one in own.call.inputs])
        call = Application(own.call.token, inputs, own.call.scalars)
        self._become(Record(own.kind, own.data, call, own.index))

    # Python's protocols

    @staticmethod
    def __symgrad_lift__(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if not kwargs and len(args) == 1 and args[0].__class__ is Variable:
            inputs = (args[0].record(),)
            key = (function, inputs[0].kind, None)
            known = SINGLES.get(key)
            if known is not None:
                return _single(known, inputs, ())
            if function not in DERIVATIVES:
                return _first_time(key, OPERAND, None, inputs, ())
        if function in DERIVATIVES:
            return mapped(derivative_of(function, args, kwargs), _wrapped)
        if function is scan:
            return mapped(scan_records(Variable, *args, **kwargs), _wrapped)
        if not kwargs and len(args) == 2 and takes_two(function):
            return Variable.__symgrad_pair__(function, *args)
        return _read_and_carried_out(function, args, kwargs)

    @staticmethod
    def __symgrad_pair__(function: Callable[..., Any], a: Any, b: Any) -> Any:
        """A function of two operands, of which one is a Variable: the same, with less to look at."""
        left, right = a.__class__, b.__class__
        inputs: tuple[Record, ...]
        scalars: tuple[Any, ...] = ()
        if left in SCALARS or right in SCALARS:
            number, one = (a, b) if left in SCALARS else (b, a)
            if one.__class__ is not Variable or _too_large(number):
                return _read_and_carried_out(function, (a, b), {})
            record = one.record()
            inputs, scalars = (record,), (number,)
            key = (function, left, record.kind) if number is a else (function, record.kind, right)
        else:
            x = a.record() if left is Variable else _array_record(a)
            y = b.record() if right is Variable else _array_record(b)
            if x is None or y is None:
                return _read_and_carried_out(function, (a, b), {})
            inputs = (x, y)
            key = (function, x.kind, y.kind)
        known = SINGLES.get(key)
        if known is not None:
            return _single(known, inputs, scalars)
        first, second = [part if part in SCALARS else OPERAND for part in (left, right)]
        return _first_time(key, first, second, inputs, scalars)

    __symgrad_picture__ = staticmethod(picture_of_variables)

    def __format__(self, spec: str) -> str:
        return formatted(self.data, spec) if spec else str(self)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {latex(self.expr)}$"

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


def _too_large(number: Any) -> bool:
    """Whether an int is no float."""
    return number.__class__ is INTEGER and not -LARGEST_INT <= number <= LARGEST_INT


def _array_record(value: Any) -> Record | None:
    """The record of an array of real numbers; None for anything else."""
    if value.__class__ is np.ndarray and value.dtype.kind in "fiub":
        return parameter_record(value)
    return None


def _single(
    known: tuple[CallToken, ArrayType], inputs: tuple[Record, ...], scalars: Any
) -> Variable:
    """The result of a function that is known."""
    record = Record(known[1], None, Application(known[0], inputs, scalars))
    return Variable(record) if keeps_history() else Variable(detached(record))


def _first_time(
    key: Any, left: Any, right: Any, inputs: tuple[Record, ...], scalars: tuple[Any, ...]
) -> Any:
    """The result of a function that is remembered from now on, if it is one floating value."""
    function = key[0]
    token = pair_token(function, left, right)
    result = _carried_out(function, token, inputs, scalars)
    if result.__class__ is Variable and function is not INDEXED:
        remember_single(key, token, result._record.kind)
    return result


def _read_and_carried_out(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    token, reading = read_call(function, args, kwargs, Variable.__symgrad_lift__)
    return _carried_out(function, token, tuple(reading.records), tuple(reading.scalars))


def _carried_out(
    function: Callable[..., Any],
    token: CallToken,
    inputs: tuple[Record, ...],
    scalars: tuple[Any, ...],
) -> Any:
    kinds = tuple([one.kind for one in inputs])
    found = token.outcome(kinds, scalars, function is INDEXED)
    if found.nest is not None:
        return _several(found, token, inputs, scalars)
    kind = found.parts[0]
    if kind.__class__ is Value:
        return kind.value
    return _wrapped(Record(kind, None, Application(token, inputs, scalars)))


def _leaf(data: Any, name: str | None = None) -> Variable:
    return Variable(leaf_record(data, name or ""), name)


def _restored(data: Any, name: str | None, grad: Any) -> Variable:
    """A Variable from a pickle or a copy: a leaf, without history."""
    made = variable(data, name)
    made._grad = None if grad is None else variable(grad)
    return made


def _wrapped(result: Any) -> Any:
    """A Variable for a record; plain data for booleans and integers, where there are data."""
    if result is None:
        return None
    if not result.kind.floating and not is_in_step():
        return data_of(result)
    if keeps_history():
        return Variable(result)
    return Variable(detached(result))


def _several(
    found: Outcome, token: Any, inputs: tuple[Record, ...], scalars: tuple[Any, ...]
) -> Any:
    """The results of a function that gives several, in the form in which it gives them."""
    formulas = [i for i, part in enumerate(found.parts) if part.__class__ is not Value]
    records = results_of(token, inputs, scalars, [found.parts[i] for i in formulas])
    made: list[Any] = [part.value if part.__class__ is Value else None for part in found.parts]
    for i, record in zip(formulas, records, strict=True):
        record.index = i
        made[i] = _wrapped(record)
    return found.nest(made)


def _add_gradient(target: Record, gradient: Variable) -> None:
    """Add to the gradient of a Variable, if it is still held."""
    owner = target.holder()
    if owner is not None:
        owner._grad = gradient if owner._grad is None else owner._grad + gradient


def _add_data(target: Record, data: Any) -> None:
    """Add to the gradient of a Variable, at once: what adds up over many steps stays a leaf."""
    owner = target.holder()
    if owner is None:
        return
    before = owner._grad
    if before is None or before.is_leaf:
        if before is not None:
            total = data_of(before.record()) + data
            data = settled(total, target.shape, target.dtype)
        owner._grad = _leaf(data)
    else:
        owner._grad = before + _leaf(data)
