"""A native function that Python calls with numbers: a builtin of the interpreter, made at run time.

The code is a C function of the convention METH_FASTCALL, of documented calls of Python's C API. It takes
floats, ints and NumPy's float64, as many as there are; whatever else it is given, it hands on to a
function of Python, so that errors are those of Python's code. All references are owned by the result
as soon as they are there, so an error drops them with it.
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

METH_FASTCALL_KEYWORDS: Final = 0x0080 | 0x0002
RUN: Final = 8  # numbers in a row from which they are packed by a loop
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
        The function of Python, the method's definition, a list for the library, and the keys of dicts.
    """

    whole: tuple[Any, ...]

    @property
    def definition(self) -> Any:
        return self.whole[1]

    def symbols(self) -> dict[str, int]:
        """The addresses of what the code calls, compares with and hands on."""
        found = {name: engine.python_symbol(name) for name in (*API, *TYPES)}
        return {**found, "numpy_float64": id(np.float64), "owned": id(self.whole)}


def owned_by(name: str, general: Callable[..., Any], nest: Nest) -> Owned:
    """What a call by this name, of outputs in this form, owns."""
    definition = _MethodDef(name.encode(), None, METH_FASTCALL_KEYWORDS, None)
    return Owned((general, definition, [], *_keys(nest)))


def builtin(library: engine.Library, owned: Owned) -> Callable[..., Any]:
    """The builtin function over the entry ``call`` of a library."""
    owned.whole[2].append(library)
    owned.definition.function = library.address("call")
    make = ctypes.pythonapi["PyCFunction_NewEx"]
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    made: Callable[..., Any] = make(ctypes.addressof(owned.definition), owned.whole, None)
    return made


OWNED: Final = 3  # what stands before the keys of dicts in the tuple of a builtin


def _keys(nest: Nest) -> list[Any]:
    """The keys of all dicts of a nest, in order."""
    if isinstance(nest, int):
        return []
    _, keys, parts = nest
    return [*keys, *[key for part in parts for key in _keys(part)]]


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


def _head(code: str) -> str:
    """What the code of a call mentions."""
    known = (*TYPES, "numpy_float64", "owned")
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
    writer = _Call(outputs)
    writer.arguments(count)
    writer.line(f"call void @{kernel}(ptr %in, ptr %out)")
    if may_raise:
        error = writer.call("ptr @PyErr_Occurred()")
        writer.unless(writer.made(f"icmp ne ptr {error}, null"), "nothing")
    result = writer.result(nest)
    code = writer.function(count, result) + FAST
    return _head(code) + code


class _Call:
    def __init__(self, outputs: Sequence[bool]) -> None:
        self.outputs = outputs
        self.lines: list[str] = []
        self.count = 0
        self.keys = OWNED
        self.whole = ""  # the outermost object of the result

    def line(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def made(self, text: str) -> str:
        """A value of its own name."""
        self.count += 1
        self.line(f"%t{self.count} = {text}")
        return f"%t{self.count}"

    def call(self, text: str) -> str:
        return self.made(f"call {text}")

    def unless(self, wrong: str, label: str) -> None:
        """Go to a label if something is wrong."""
        self.count += 1
        self.line(f"br i1 {wrong}, label %{label}, label %l{self.count}")
        self.lines.append(f"l{self.count}:")

    def arguments(self, count: int) -> None:
        many = self.made(f"icmp ne i64 %count, {count}")
        named = self.made("icmp ne ptr %names, null")
        self.unless(self.made(f"or i1 {many}, {named}"), "general")
        for k in range(count):
            place = self.made(f"getelementptr ptr, ptr %args, i64 {k}")
            given = self.made(f"load ptr, ptr {place}")
            to = self.made(f"getelementptr double, ptr %in, i64 {k}")
            good = self.call(f"i1 @number(ptr {given}, ptr {to})")
            self.unless(self.made(f"xor i1 {good}, true"), "general")

    # Results

    def result(self, nest: Nest) -> str:
        """The object that is returned."""
        if isinstance(nest, int):
            self.whole = self._leaf(nest)
        else:
            self.whole = self._container(nest)
            self._guard(self.whole, "nothing")
            self._fill(self.whole, nest)
        return self.whole

    def _guard(self, made: str, label: str = "drop") -> None:
        self.unless(self.made(f"icmp eq ptr {made}, null"), label)

    def _leaf(self, k: int) -> str:
        place = self.made(f"getelementptr double, ptr %out, i64 {k}")
        value = self.made(f"load double, ptr {place}")
        if not self.outputs[k]:
            return self.call(f"ptr @PyFloat_FromDouble(double {value})")
        whole = self.made(f"fptoui double {value} to i64")
        return self.call(f"ptr @PyBool_FromLong(i64 {whole})")

    def _container(self, nest: Nest) -> str:
        kind, _, parts = nest
        if kind == "dict":
            return self.call("ptr @PyDict_New()")
        return self.call(f"ptr @Py{kind.title()}_New(i64 {len(parts)})")

    def _fill(self, into: str, nest: Nest) -> None:
        kind, keys, parts = nest
        first = self.keys
        self.keys += len(keys)
        k = 0
        while k < len(parts):
            run = self._run(parts, k) if kind != "dict" else 0
            if run >= RUN:
                values = self.made(f"getelementptr double, ptr %out, i64 {parts[k]}")
                good = self.call(
                    f"i1 @packed_{kind.title()}(ptr {into}, i64 {k}, ptr {values}, i64 {run})"
                )
                self.unless(self.made(f"xor i1 {good}, true"), "drop")
                k += run
                continue
            self._put(into, kind, first, k, parts[k])
            k += 1

    def _run(self, parts: Sequence[Nest], start: int) -> int:
        """How many floats that follow each other among the outputs stand there in a row."""
        k = start
        while (
            k < len(parts)
            and isinstance(parts[k], int)
            and parts[k] == parts[start] + k - start
            and not self.outputs[parts[k]]
        ):
            k += 1
        return k - start

    def _put(self, into: str, kind: str, first: int, k: int, part: Nest) -> None:
        """Make a part, give it to what it stands in, and then fill it."""
        made = self._leaf(part) if isinstance(part, int) else self._container(part)
        self._guard(made)
        if kind == "dict":
            key = self.call(f"ptr @PyTuple_GetItem(ptr %self, i64 {first + k})")
            status = self.call(f"i32 @PyDict_SetItem(ptr {into}, ptr {key}, ptr {made})")
            self.line(f"call void @Py_DecRef(ptr {made})")
        else:
            status = self.call(f"i32 @Py{kind.title()}_SetItem(ptr {into}, i64 {k}, ptr {made})")
        self.unless(self.made(f"icmp ne i32 {status}, 0"), "drop")
        if not isinstance(part, int):
            self._fill(made, part)

    def function(self, count: int, result: str) -> str:
        lines = [
            "define ptr @call(ptr %self, ptr %args, i64 %count, ptr %names) {",
            "entry:",
            f"  %in = alloca double, i64 {max(count, 1)}, align 64",
            f"  %out = alloca double, i64 {max(len(self.outputs), 1)}, align 64",
            *self.lines,
            f"  ret ptr {result}",
            "general:",
            "  %python = call ptr @PyTuple_GetItem(ptr %self, i64 0)",
            "  %given = call ptr @PyObject_Vectorcall(ptr %python, ptr %args, i64 %count, ptr %names)",
            "  ret ptr %given",
        ]
        text = "\n".join(self.lines)
        if "label %drop" in text:
            lines += ["drop:", f"  call void @Py_DecRef(ptr {self.whole})", "  ret ptr null"]
        if "label %nothing" in text:
            lines += ["nothing:", "  ret ptr null"]
        return "\n".join([*lines, "}", ""])
