"""Python's operators, NumPy's protocols and array methods on Variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.members import Members
from symgrad.ops import (
    convert,
    indexing,
    matrix_products,
    operators,
    plain,
    products,
    reducing,
    select,
    shapes,
    ufuncs,
)
from symgrad.ops.protocols import not_defined, numpy_ufunc
from symgrad.ops.table import FUNCTIONS, UFUNCS
from symgrad.variable.modes import is_in_step

_NO_OPERAND: Final = (str, bytes, dict, set, type(None))


def _pair(function: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """An operator and its reflection."""

    def forward(self: Any, other: Any) -> Any:
        if isinstance(other, _NO_OPERAND):
            return NotImplemented
        return self.__symgrad_pair__(function, self, other)

    def reflected(self: Any, other: Any) -> Any:
        if isinstance(other, _NO_OPERAND):
            return NotImplemented
        return self.__symgrad_pair__(function, other, self)

    return forward, reflected


def _compared(function: np.ufunc) -> Any:
    """A comparison: of data, with booleans as result; in the step of a scan, which has none, a formula."""
    formula = UFUNCS[function]

    def compare(self: Any, other: Any) -> Any:
        if isinstance(other, _NO_OPERAND):
            return NotImplemented
        if is_in_step():
            return self.__symgrad_lift__(formula, (self, other), {})
        return function(self.data, getattr(other, "data", other) if is_variable(other) else other)

    return compare


def is_variable(value: Any) -> bool:
    """Whether a value is a Variable."""
    return hasattr(value.__class__, "__symgrad_lift__")


def _method(function: Callable[..., Any]) -> Any:
    """A function as a method: the Variable is its first argument."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self.__symgrad_lift__(function, (self, *args), kwargs)

    method.__doc__ = function.__doc__
    return method


class Operators(Members):
    """The arithmetic face of a Variable; every operation leaves a record."""

    __slots__ = ()

    if TYPE_CHECKING:  # beside `Members`: comparisons are of data

        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...
        def __eq__(self, other: object) -> Any: ...
        def __ne__(self, other: object) -> Any: ...
        def __hash__(self) -> int: ...

    else:
        __add__, __radd__ = _pair(ufuncs.add)
        __sub__, __rsub__ = _pair(ufuncs.subtract)
        __mul__, __rmul__ = _pair(ufuncs.multiply)
        __truediv__, __rtruediv__ = _pair(ufuncs.divide)
        __floordiv__, __rfloordiv__ = _pair(ufuncs.floor_divide)
        __mod__, __rmod__ = _pair(ufuncs.mod)
        __pow__, __rpow__ = _pair(ufuncs.power)
        __matmul__, __rmatmul__ = _pair(products.matmul)
        __and__, __rand__ = _pair(ufuncs.logical_and)  # of comparisons in the step of a scan
        __or__, __ror__ = _pair(ufuncs.logical_or)
        __invert__ = _method(ufuncs.logical_not)
        __neg__ = _method(ufuncs.negative)
        __pos__ = _method(ufuncs.positive)
        __abs__ = _method(ufuncs.absolute)
        __getitem__ = _method(indexing.getitem)

        __lt__ = _compared(np.less)
        __le__ = _compared(np.less_equal)
        __gt__ = _compared(np.greater)
        __ge__ = _compared(np.greater_equal)
        __eq__ = _compared(np.equal)
        __ne__ = _compared(np.not_equal)
        __hash__ = object.__hash__

        sum = _method(reducing.sum)
        mean = _method(reducing.mean)
        var = _method(reducing.var)
        std = _method(reducing.std)
        prod = _method(reducing.prod)
        max = _method(reducing.max)
        min = _method(reducing.min)
        argmax = _method(reducing.argmax)
        argmin = _method(reducing.argmin)
        cumsum = _method(reducing.cumsum)
        cumprod = _method(reducing.cumprod)
        dot = _method(products.dot)
        trace = _method(products.trace)
        diagonal = _method(shapes.diagonal)
        ravel = _method(shapes.ravel)
        flatten = _method(shapes.ravel)
        squeeze = _method(shapes.squeeze)
        swapaxes = _method(shapes.swapaxes)
        repeat = _method(shapes.repeat)
        take = _method(indexing.take)
        clip = _method(select.clip)
        round = _method(ufuncs.round_)
        __round__ = _method(lambda x, ndigits=None: ufuncs.round_(x, ndigits or 0))
        astype = _method(convert.astype)
        copy = _method(plain.copy)
        conj = conjugate = _method(plain.real)

        reshape = operators.reshape
        transpose = operators.transpose

        @property
        def T(self):
            """The axes reversed."""
            return shapes.transpose(self)

        @property
        def mT(self):
            """The last two axes exchanged."""
            return matrix_products.matrix_transpose(self)

        @property
        def real(self):
            """The real part, the Variable itself."""
            return self

        @property
        def imag(self):
            """The imaginary part, zeros."""
            return plain.imag(self)

        @property
        def flat(self):
            """The entries as a vector."""
            return shapes.ravel(self)

    def __iter__(self) -> Iterator[Self]:
        return iter([self[i] for i in range(len(self))])

    def __len__(self) -> int:
        shape = self.data.shape if isinstance(self.data, np.ndarray) else ()  # type: ignore[attr-defined]
        if not shape:
            raise ArgumentError("a scalar variable has no len() and cannot be iterated over")
        return int(shape[0])

    def __bool__(self) -> bool:
        return bool(self.data)  # type: ignore[attr-defined]

    def __float__(self) -> float:
        return float(self.data)  # type: ignore[attr-defined]

    def __int__(self) -> int:
        return int(self.data)  # type: ignore[attr-defined]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.data, dtype=dtype)  # type: ignore[attr-defined]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(not is_variable(array) for array in kwargs.get("out") or ()):
            raise ArgumentError(
                f"numpy.{ufunc.__name__} cannot write the history of a variable into an array; where"
                " numbers are meant give its data, such as p.data -= rate * p.grad.data"
            )
        return numpy_ufunc(UFUNCS, ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        ours = FUNCTIONS.get(function)
        if ours is None:
            raise not_defined(function, "variables, but of their data, x.data")
        return ours(*args, **kwargs)
