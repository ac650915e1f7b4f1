"""A builtin that puts the addresses of arrays into a table of numbers, and runs native code on it.

To ask an array for its address in Python takes a microsecond; by the buffer protocol it takes a tenth.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from symgrad.targets.native import engine

METH_FASTCALL: Final = 0x0080
API: Final = (
    "PyLong_AsVoidPtr",
    "PyErr_Occurred",
    "PyObject_GetBuffer",
    "PyBuffer_Release",
    "Py_IncRef",
)
# The memory of a `Py_buffer`, of which the first field is the address, and the flag PyBUF_STRIDES
CODE: Final = """
declare ptr @PyLong_AsVoidPtr(ptr)
declare ptr @PyErr_Occurred()
declare i32 @PyObject_GetBuffer(ptr, ptr, i32)
declare void @PyBuffer_Release(ptr)
declare void @Py_IncRef(ptr)
@none = external global i8

define ptr @launch(ptr %self, ptr %args, i64 %count) {
entry:
  %view = alloca [32 x ptr], align 16
  %enough = icmp sge i64 %count, 2
  br i1 %enough, label %numbers, label %done
numbers:
  %first = load ptr, ptr %args
  %code = call ptr @PyLong_AsVoidPtr(ptr %first)
  %place = getelementptr ptr, ptr %args, i64 1
  %second = load ptr, ptr %place
  %table = call ptr @PyLong_AsVoidPtr(ptr %second)
  %error = call ptr @PyErr_Occurred()
  %good = icmp eq ptr %error, null
  br i1 %good, label %next, label %nothing
next:
  %k = phi i64 [2, %numbers], [%after, %taken]
  %more = icmp slt i64 %k, %count
  br i1 %more, label %take, label %run
take:
  %at = getelementptr ptr, ptr %args, i64 %k
  %array = load ptr, ptr %at
  %status = call i32 @PyObject_GetBuffer(ptr %array, ptr %view, i32 24)
  %failed = icmp ne i32 %status, 0
  br i1 %failed, label %nothing, label %taken
taken:
  %address = load ptr, ptr %view
  %slot = sub i64 %k, 2
  %to = getelementptr ptr, ptr %table, i64 %slot
  store ptr %address, ptr %to
  call void @PyBuffer_Release(ptr %view)
  %after = add i64 %k, 1
  br label %next
run:
  %idle = icmp eq ptr %code, null
  br i1 %idle, label %done, label %call
call:
  call void %code(ptr %table)
  br label %done
done:
  call void @Py_IncRef(ptr @none)
  ret ptr @none
nothing:
  ret ptr null
}
"""


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


@cache
def launch() -> Callable[..., None]:
    """``launch(code, table, *arrays)``: store the arrays' addresses, then call ``void code(ptr table)``.

    `code` and `table` are addresses; with 0 for the first nothing is called. The table has room for an
    address of each array. The lock of the interpreter is held.
    """
    symbols = {name: engine.python_symbol(name) for name in API}
    library = engine.compiled(CODE, ["launch"], {**symbols, "none": id(None)}, level=1)
    definition = _MethodDef(b"launch", library.address("launch"), METH_FASTCALL, None)
    make = ctypes.pythonapi["PyCFunction_NewEx"]
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    owner: tuple[Any, ...] = (definition, library)  # what the builtin runs must live
    made: Callable[..., None] = make(ctypes.addressof(definition), owner, None)
    return made
