"""Arrays of NumPy as C sees them: where the fields of an array object are, and what makes one.

Both are what every extension module of NumPy is compiled against: `PyArrayObject`, and the table of
functions in the capsule `_ARRAY_API`. The fields are read from a probe first; where one is not there,
nothing is used.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np

# Of `ndarraytypes.h`: the fields behind the head of every object, and the flags that are looked at
WORD: Final = ctypes.sizeof(ctypes.c_void_p)
FIELDS: Final = ("data", "nd", "dimensions", "strides", "base", "descr", "flags")
C_CONTIGUOUS, ALIGNED = 0x0001, 0x0100
PLAIN: Final = C_CONTIGUOUS | ALIGNED

# At the label `array` on: whether `%object` is an array, `%is_float64` and `%is_plain`; else at `no_array`
IS_PLAIN: Final = """\
  %type.at = getelementptr i8, ptr %object, i64 {type_at}
  %type = load ptr, ptr %type.at
  %is_array = icmp eq ptr %type, @numpy_array
  br i1 %is_array, label %array, label %no_array
array:
  %descr.at = getelementptr i8, ptr %object, i64 {descr}
  %descr = load ptr, ptr %descr.at
  %is_float64 = icmp eq ptr %descr, @float64
  %flags.at = getelementptr i8, ptr %object, i64 {flags}
  %flags = load i32, ptr %flags.at
  %both = and i32 %flags, {plain}
  %is_plain = icmp eq i32 %both, {plain}
"""
# Of `__multiarray_api.h`: places in the table of functions, and the version of the binary interface
VERSION_AT, SCALAR_AT, NEW_AT = 0, 60, 93
VERSION: Final = 0x02000000


class ArrayObjects(NamedTuple):
    """Offsets in bytes of the fields of an array, and the addresses of two functions.

    Attributes
    ----------
    new, scalar : int
        `PyArray_New` and `PyArray_Scalar`.
    """

    data: int
    nd: int
    dimensions: int
    descr: int
    flags: int
    new: int
    scalar: int


@cache
def array_objects() -> ArrayObjects | None:
    """What is known of NumPy's arrays; None where this NumPy is another one."""
    head = object.__basicsize__
    at = {name: head + k * WORD for k, name in enumerate(FIELDS)}
    if WORD != 8 or not _as_expected(at):
        return None
    table = _table()
    if not table or ctypes.PYFUNCTYPE(ctypes.c_uint)(table[VERSION_AT])() != VERSION:
        return None
    return ArrayObjects(
        *(at["data"], at["nd"], at["dimensions"], at["descr"], at["flags"]),
        *(table[NEW_AT], table[SCALAR_AT]),
    )


def _as_expected(at: dict[str, int]) -> bool:
    """Whether the fields of an array are where they are to be."""
    probe = np.arange(30.0).reshape(5, 6)[:3, 1:5:2]
    word = {name: ctypes.c_void_p.from_address(id(probe) + k).value for name, k in at.items()}
    extents = (ctypes.c_ssize_t * 2).from_address(word["dimensions"] or id(probe))
    steps = (ctypes.c_ssize_t * 2).from_address(word["strides"] or id(probe))
    return (
        word["data"] == probe.ctypes.data
        and ctypes.c_int.from_address(id(probe) + at["nd"]).value == probe.ndim
        and tuple(extents) == probe.shape
        and tuple(steps) == probe.strides
        and word["descr"] == id(probe.dtype)
        and ctypes.c_int.from_address(id(probe) + at["flags"]).value == probe.flags.num
    )


def _table() -> Any:
    """The functions of NumPy's C API; None where there is no such table."""
    capsule = getattr(getattr(np, "_core", None), "_multiarray_umath", None)
    capsule = getattr(capsule, "_ARRAY_API", None)
    if capsule is None:
        return None
    pointer = ctypes.pythonapi["PyCapsule_GetPointer"]
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.cast(pointer(capsule, None), ctypes.POINTER(ctypes.c_size_t))
