"""Complex arrays as pairs of real expressions: what Fourier transforms give, and NumPy's functions take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.ops.elementwise import as_expr
from symgrad.ops.ufuncs import (
    add,
    arctan2,
    degrees,
    divide,
    hypot,
    multiply,
    negative,
    square,
    subtract,
)


class _Pair(NamedTuple):
    real: Expr
    imag: Expr


class Parts(_Pair):
    """The real and the imaginary part of an array, both real expressions.

    Sums, differences, products and quotients are those of complex numbers, and so are ``numpy.abs``,
    ``numpy.angle``, ``numpy.conj``, ``numpy.real`` and ``numpy.imag``. NumPy's transforms take them.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> x = sg.vector("x", 4)
    >>> spectrum = np.fft.rfft(x)
    >>> power = np.abs(spectrum * np.conj(spectrum))
    >>> sg.evaluate(power, {x: [1.0, 2.0, 3.0, 4.0]})
    array([100.,   8.,   4.])
    """

    __slots__ = ()

    @property
    def shape(self) -> Any:
        """The shape of either part."""
        return self.real.shape

    def conj(self) -> Parts:
        """The conjugate: the imaginary part with the other sign."""
        return Parts(self.real, negative(self.imag))

    conjugate = conj

    def __add__(self, other: Any) -> Parts:
        return _add(self, other)

    def __radd__(self, other: Any) -> Any:
        # a list that is extended by a pair, as by any tuple, asks this first
        return NotImplemented if isinstance(other, (list, tuple)) else _add(other, self)

    def __sub__(self, other: Any) -> Parts:
        return _subtract(self, other)

    def __rsub__(self, other: Any) -> Parts:
        return _subtract(other, self)

    def __mul__(self, other: Any) -> Parts:
        return _multiply(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Parts:
        return _divide(self, other)

    def __rtruediv__(self, other: Any) -> Parts:
        return _divide(other, self)

    def __neg__(self) -> Parts:
        return Parts(negative(self.real), negative(self.imag))

    def __abs__(self) -> Expr:
        return hypot(self.real, self.imag)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        function = _UFUNCS.get(ufunc)
        if function is None or method != "__call__" or kwargs:
            raise _not_defined(f"numpy.{ufunc.__name__}")
        return function(*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from symgrad.ops.transforms import OF_NUMPY  # noqa: PLC0415  which make them

        ours = OF_NUMPY.get(function) or _FUNCTIONS.get(function)
        if ours is None:
            raise _not_defined(f"{function.__module__}.{function.__name__}")
        return ours(*args, **kwargs)


def _not_defined(name: str) -> ArgumentError:
    return ArgumentError(
        f"{name} is not defined for the parts of a complex array; take it of their .real and .imag"
    )


def parts_of(z: Any) -> Parts:
    """A pair, or a complex array of numbers, or a real one, as parts."""
    if isinstance(z, Parts):
        return z
    if isinstance(z, Expr):
        return Parts(z, multiply(z, 0.0))
    array = np.asarray(z)
    return Parts(as_expr(array.real), as_expr(array.imag))


def _add(a: Any, b: Any) -> Parts:
    x, y = parts_of(a), parts_of(b)
    return Parts(add(x.real, y.real), add(x.imag, y.imag))


def _subtract(a: Any, b: Any) -> Parts:
    x, y = parts_of(a), parts_of(b)
    return Parts(subtract(x.real, y.real), subtract(x.imag, y.imag))


def _multiply(a: Any, b: Any) -> Parts:
    if isinstance(b, Parts) and not isinstance(a, Parts):
        a, b = b, a
    x = parts_of(a)
    if isinstance(b, Expr) or (not isinstance(b, Parts) and np.isrealobj(b)):
        return Parts(multiply(x.real, b), multiply(x.imag, b))
    y = parts_of(b)
    return Parts(
        subtract(multiply(x.real, y.real), multiply(x.imag, y.imag)),
        add(multiply(x.real, y.imag), multiply(x.imag, y.real)),
    )


def _divide(a: Any, b: Any) -> Parts:
    if isinstance(b, Expr) or (not isinstance(b, Parts) and np.isrealobj(b)):
        x = parts_of(a)
        return Parts(divide(x.real, b), divide(x.imag, b))
    y = parts_of(b)
    product = _multiply(a, y.conj())
    size = add(square(y.real), square(y.imag))
    return Parts(divide(product.real, size), divide(product.imag, size))


def _angle(z: Parts, deg: bool = False) -> Expr:
    found = arctan2(z.imag, z.real)
    return degrees(found) if deg else found


_UFUNCS: Final[dict[Any, Callable[..., Any]]] = {
    np.absolute: abs,
    np.add: _add,
    np.conjugate: Parts.conj,
    np.multiply: _multiply,
    np.negative: Parts.__neg__,
    np.square: lambda z: _multiply(z, z),
    np.subtract: _subtract,
    np.true_divide: _divide,
}
_FUNCTIONS: Final[dict[Any, Callable[..., Any]]] = {
    np.angle: _angle,
    np.imag: lambda val: val.imag,
    np.iscomplexobj: lambda x: True,
    np.isrealobj: lambda x: False,
    np.ndim: lambda a: len(a.shape),
    np.real: lambda val: val.real,
    np.shape: lambda a: a.shape,
}
