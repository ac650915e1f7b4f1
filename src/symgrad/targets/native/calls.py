"""A native function that Python calls with numbers: a builtin of the interpreter, made at run time.

The code is a C function of the convention METH_FASTCALL, of documented calls of Python's C API. It takes
floats, ints and NumPy's float64, as many as there are; whatever else it is given, it hands on to a
function of Python, so that errors are those of Python's code. See `call_writer` for what it returns.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import NativeError
from symgrad.expr.pytrees import Nest
from symgrad.targets.native import engine
from symgrad.targets.native.call_writer import CallWriter, keys_of

METH_FASTCALL_KEYWORDS: Final = 0x0080 | 0x0002
TYPES: Final = ("PyFloat_Type", "PyLong_Type")
API: Final = {
    "PyFloat_AsDouble": "double @{}(ptr)",
    "PyFloat_FromDouble": "ptr @{}(double)",
    "PyBool_FromLong": "ptr @{}(i64)",
    "PyErr_Occurred": "ptr @{}()",
    "PyErr_Clear": "void @{}()",
    "PyTuple_GetItem": "ptr @{}(ptr, i64)",
    "PyTuple_New": "ptr @{}(i64)",
    "PyTuple_SetItem": "i32 @{}(ptr, i64, ptr)",
    "PyList_New": "ptr @{}(i64)",
    "PyList_SetItem": "i32 @{}(ptr, i64, ptr)",
    "PyDict_New": "ptr @{}()",
    "PyDict_SetItem": "i32 @{}(ptr, ptr, ptr)",
    "PyObject_Vectorcall": "ptr @{}(ptr, ptr, i64, ptr)",
    "Py_DecRef": "void @{}(ptr)",
}

NUMBER: Final = """
define internal i1 @number(ptr %object, ptr %to) {{
entry:
  %place = getelementptr i8, ptr %object, i64 {type_at}
  %type = load ptr, ptr %place
  %is_float = icmp eq ptr %type, @PyFloat_Type
  br i1 %is_float, label %read, label %others
others:
  %is_float64 = icmp eq ptr %type, @numpy_float64
  %is_int = icmp eq ptr %type, @PyLong_Type
  %is_other = or i1 %is_float64, %is_int
  br i1 %is_other, label %read, label %no
read:
  %value = call double @PyFloat_AsDouble(ptr %object)
  store double %value, ptr %to
  %perhaps = fcmp oeq double %value, -1.0
  br i1 %perhaps, label %ask, label %yes
ask:
  %error = call ptr @PyErr_Occurred()
  %none = icmp eq ptr %error, null
  br i1 %none, label %yes, label %clear
clear:
  call void @PyErr_Clear()
  br label %no
yes:
  ret i1 true
no:
  ret i1 false
}}
"""
PACKED: Final = """
define internal i1 @packed_{kind}(ptr %into, i64 %first, ptr %values, i64 %count) {{
entry:
  br label %next
next:
  %k = phi i64 [0, %entry], [%after, %stored]
  %more = icmp ult i64 %k, %count
  br i1 %more, label %one, label %yes
one:
  %place = getelementptr double, ptr %values, i64 %k
  %value = load double, ptr %place
  %object = call ptr @PyFloat_FromDouble(double %value)
  %failed = icmp eq ptr %object, null
  br i1 %failed, label %no, label %store
store:
  %at = add i64 %first, %k
  %status = call i32 @Py{kind}_SetItem(ptr %into, i64 %at, ptr %object)
  %wrong = icmp ne i32 %status, 0
  br i1 %wrong, label %no, label %stored
stored:
  %after = add i64 %k, 1
  br label %next
yes:
  ret i1 true
no:
  ret i1 false
}}
"""


# The same by the protocol of vectorcall, where the number of arguments has a flag in its highest bit
FAST: Final = """
define ptr @fast(ptr %callable, ptr %args, i64 %flagged, ptr %names) {
  %count = and i64 %flagged, 9223372036854775807
  %result = tail call ptr @call(ptr @owned, ptr %args, i64 %count, ptr %names)
  ret ptr %result
}
"""
ENTRIES: Final = ("call", "fast")


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class Owned(NamedTuple):
    """What the code of a call refers to, and what keeps it alive: the `self` of its builtin.

    Attributes
    ----------
    whole : tuple
        The function of Python, the method's definition, a list for what else must live, the address of
        the code that is asked before Python, and the keys of dicts.
    """

    whole: tuple[Any, ...]

    @property
    def definition(self) -> Any:
        return self.whole[1]

    def keep(self, *objects: Any) -> None:
        """Keep objects alive as long as the builtin."""
        self.whole[2].extend(objects)

    def ask_first(self, entry: int, owner: Any) -> None:
        """Hand on what comes to the entry ``fast`` of other code, which `owner` keeps alive."""
        self.keep(owner)
        self.whole[3].value = entry

    def symbols(self) -> dict[str, int]:
        """The addresses of what the code calls, compares with and hands on."""
        found = {name: engine.python_symbol(name) for name in (*API, *TYPES)}
        following = ctypes.addressof(self.whole[3])
        return {
            **found,
            "numpy_float64": id(np.float64),
            "owned": id(self.whole),
            "next": following,
        }


def owned_by(name: str, general: Callable[..., Any], nest: Nest) -> Owned:
    """What a call by this name, of outputs in this form, owns."""
    definition = _MethodDef(name.encode(), None, METH_FASTCALL_KEYWORDS, None)
    return Owned((general, definition, [], ctypes.c_void_p(), *keys_of(nest)))


def builtin(library: engine.Library, owned: Owned) -> Callable[..., Any]:
    """The builtin function over the entry ``call`` of a library."""
    owned.keep(library)
    owned.definition.function = library.address("call")
    make = ctypes.pythonapi["PyCFunction_NewEx"]
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    made: Callable[..., Any] = make(ctypes.addressof(owned.definition), owned.whole, None)
    return made


@cache
def type_offset() -> int:
    """Where an object holds its type.

    Raises
    ------
    NativeError
        If that is not to be seen, the interpreter has no lock, or is not the main one.
    """
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        raise NativeError(
            "native calls need an interpreter with its lock (a build without free threads)"
        )
    if not _is_main_interpreter():
        raise NativeError("native calls are made in the main interpreter only")
    probe, size = 1.5, ctypes.sizeof(ctypes.c_void_p)
    for offset in range(0, object.__basicsize__, size):
        if ctypes.c_void_p.from_address(id(probe) + offset).value == id(float):
            return offset
    raise NativeError("this interpreter is not known: an object does not tell its type")


@cache
def obstacle() -> str:
    """What stands against native calls in this interpreter; empty where nothing does."""
    try:
        type_offset()
    except NativeError as error:
        return str(error)
    return ""


def _is_main_interpreter() -> bool:
    api = ctypes.pythonapi
    current, main = api["PyInterpreterState_Get"], api["PyInterpreterState_Main"]
    current.restype = main.restype = ctypes.c_void_p
    return bool(current() == main())


def head(code: str) -> str:
    """What the code of a call mentions."""
    known = (*TYPES, "numpy_float64", "owned", "next")
    globals_ = [f"@{name} = external global i8" for name in known]
    declared = [f"declare {signature.format(name)}" for name, signature in API.items()]
    packed = [PACKED.format(kind=kind) for kind in ("List", "Tuple") if f"@packed_{kind}" in code]
    number = NUMBER.format(type_at=type_offset())
    return "\n".join([*globals_, *declared, number, *packed, ""])


def call_code(
    count: int,
    outputs: Sequence[bool],
    nest: Nest,
    may_raise: bool = False,
    kernel: str = "kernel",
) -> str:
    """The text of the entries that run ``void kernel(ptr in, ptr out)``, by its name.

    Parameters
    ----------
    count : int
        The number of arguments.
    outputs : sequence of bool
        For each output whether it is a truth value.
    nest : Nest
        The form of the result.
    may_raise : bool
        Whether the kernel calls functions that may leave an exception of Python behind.
    kernel : str
        The name of what is run.
    """
    writer = _OfNumbers(outputs)
    writer.arguments(count)
    writer.line(f"call void @{kernel}(ptr %in, ptr %out)")
    if may_raise:
        writer.raised()
    result = writer.result(nest)
    memory = [
        f"%in = alloca double, i64 {max(count, 1)}, align 64",
        f"%out = alloca double, i64 {max(len(outputs), 1)}, align 64",
    ]
    code = writer.function(memory, result) + FAST
    return head(code) + code


class _OfNumbers(CallWriter):
    """A call with numbers; of each output is known whether it is a truth value."""

    def __init__(self, truths: Sequence[bool]) -> None:
        super().__init__([not truth for truth in truths])

    def arguments(self, count: int) -> None:
        self.called_with(count)
        for k in range(count):
            given = self.argument(k)
            to = self.made(f"getelementptr double, ptr %in, i64 {k}")
            good = self.call(f"i1 @number(ptr {given}, ptr {to})")
            self.unless(self.made(f"xor i1 {good}, true"), "general")

    def leaf(self, k: int) -> str:
        place = self.made(f"getelementptr double, ptr %out, i64 {k}")
        value = self.made(f"load double, ptr {place}")
        if self.packs[k]:
            return self.call(f"ptr @PyFloat_FromDouble(double {value})")
        whole = self.made(f"fptoui double {value} to i64")
        return self.call(f"ptr @PyBool_FromLong(i64 {whole})")
