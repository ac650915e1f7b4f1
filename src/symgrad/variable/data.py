"""What a Variable can hold: real floating numbers and arrays, and how others become such.

Integers and booleans are promoted to float64, because only real numbers have derivatives. A scalar
in float64 is a Python float; one of another type is a NumPy scalar. Arrays are private copies,
read-only.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import numpy as np

from symgrad.errors import DTypeError, ShapeError
from symgrad.expr.dims import Shape, show_shape
from symgrad.expr.masked import refuse_masked

Data = Any  # a float, a NumPy scalar or a read-only array
_FLOAT64: Final = np.dtype(np.float64)


def as_data(value: Any) -> Data:
    """A private copy of a number or array of real numbers, as floating data.

    Raises
    ------
    DTypeError
        If `value` holds anything but real numbers.
    """
    if value.__class__ is float:
        return value
    if isinstance(value, Fraction):
        return float(value)
    array = real_array(value)
    dtype = array.dtype if array.dtype.kind == "f" else _FLOAT64
    return settled(array, array.shape, dtype, copy=True)


def real_array(value: Any) -> np.ndarray[Any, Any]:
    """`value` as an array of booleans, integers or real numbers, not copied."""
    refuse_masked(value, "the data of a variable")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise DTypeError(f"a variable cannot hold {value!r}: {error}") from None
    if array.dtype.kind not in "biuf":
        raise DTypeError(
            f"a variable cannot hold {value!r} of dtype {array.dtype}; expected a real number or an"
            " array of real numbers"
        )
    return array


def settled(value: Any, shape: Shape, dtype: np.dtype[Any], copy: bool = False) -> Data:
    """A computed value as data of this shape and dtype."""
    if value.__class__ is np.ndarray and value.dtype is dtype and value.shape == shape and shape:
        if copy:
            value = np.array(value, order="C")
        value.flags.writeable = False
        return value
    if shape == ():
        if dtype == _FLOAT64:
            return float(value)
        return dtype.type(value)
    array = np.asarray(value, dtype=dtype)
    if array.shape != shape:
        array = np.broadcast_to(array, shape)
    if copy:
        array = np.array(array, order="C")
    array.flags.writeable = False
    return array


def replacement(value: Any, shape: Shape, dtype: np.dtype[Any]) -> Data:
    """New data for a Variable, in the shape and dtype that it has.

    Raises
    ------
    ShapeError
        If the shape is another.
    DTypeError
        If `value` does not hold real numbers.
    """
    if value.__class__ is float and shape == () and dtype == _FLOAT64:
        return value
    array = real_array(value)
    if array.shape != shape:
        raise ShapeError(
            f"new data have shape {show_shape(array.shape)}, the variable has {show_shape(shape)};"
            " make another variable for data of another shape"
        )
    return settled(array, shape, dtype, copy=True)


def frozen(array: Any) -> Any:
    """An array that is not written to any more."""
    array.flags.writeable = False
    return array


def differs(a: Any, b: Any) -> bool:
    """Whether two arrays of one shape and type differ in a bit."""
    return a.tobytes() != b.tobytes()  # type: ignore[no-any-return]


def show(data: Data) -> str:
    """Data as a Variable prints them: ``0.5``, ``[1. 2. 3.]``."""
    return repr(data) if data.__class__ is float else str(data)


def formatted(data: Data, spec: str) -> str:
    """Data with each number as a format says: ``[1.00 2.50]`` for ``.2f``."""
    if not isinstance(data, np.ndarray):
        return format(data, spec)
    return np.array2string(data, formatter={"float_kind": lambda entry: format(entry, spec)})
