"""A native call that gives an object with slots: what a solver of one equation returns.

The object is allocated by its type, and its slots are filled through members of Python's C API, at offsets
that are found by looking.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from symgrad.targets.native import engine
from symgrad.targets.native.called_types import Member
from symgrad.targets.native.kernels import number

OBJECT: Final = 16  # of `structmember.h`: an object, or an AttributeError where there is none
API: Final = {
    "PyType_GenericAlloc": "ptr @{}(ptr, i64)",
    "PyMember_SetOne": "i32 @{}(ptr, ptr, ptr)",
    "PyLong_FromLongLong": "ptr @{}(i64)",
    "Py_IncRef": "void @{}(ptr)",
}


class RecordCode(NamedTuple):
    """An object to be made.

    Attributes
    ----------
    kind : type
        Its class, with slots and without a dict.
    fixed : mapping
        Slots that always hold the same object.
    """

    kind: type
    fixed: Mapping[str, Any]

    def members(self) -> Any:
        """The definitions of its slots in C, in the order of `names`."""
        offsets = slot_offsets(self.kind)
        return (Member * len(offsets))(
            *[Member(name.encode(), OBJECT, offset, 0, None) for name, offset in offsets.items()]
        )

    def names(self) -> list[str]:
        """The slots, in the order of their offsets."""
        return list(slot_offsets(self.kind))


def slot_offsets(kind: type) -> dict[str, int]:
    """Where objects of a class with slots hold them, found by looking."""
    read = ctypes.pythonapi["PyMember_GetOne"]
    read.restype, read.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_void_p]
    names = [name for base in kind.__mro__ for name in vars(base).get("__slots__", ())]
    probe: Any = object.__new__(kind)
    marks = {name: object() for name in names}
    for name, mark in marks.items():
        setattr(probe, name, mark)
    step = ctypes.sizeof(ctypes.c_void_p)
    found: dict[str, int] = {}
    for offset in range(object.__basicsize__, kind.__basicsize__, step):
        value = read(id(probe), ctypes.addressof(Member(b"slot", OBJECT, offset, 0, None)))
        found.update({name: offset for name, mark in marks.items() if mark is value})
    assert len(found) == len(names), f"the slots of {kind.__name__} are not where slots are"
    return found


RECORD: Final = """\
@record_type = external global i8
@members = external global i8
@python = external global i8
define ptr @record(ptr %callable, ptr %args, i64 %flagged, ptr %names) {{
entry:
  %in = alloca double, i64 {count}
  %out = alloca double, i64 2
  %many = and i64 %flagged, 9223372036854775807
  %right = icmp eq i64 %many, {count}
  %unnamed = icmp eq ptr %names, null
  %plain = and i1 %right, %unnamed
  br i1 %plain, label %begin, label %general
begin:
{arguments}
  %count = call i64 @loop(ptr %in, ptr %out, double {tol}, i64 {maxiter})
  %found = icmp sge i64 %count, 0
  br i1 %found, label %make, label %general
make:
  %x = load double, ptr %out
  %size.at = getelementptr double, ptr %out, i64 1
  %size = load double, ptr %size.at
  %given = call ptr @PyTuple_New(i64 {count})
  %no_given = icmp eq ptr %given, null
  br i1 %no_given, label %nothing, label %pair
pair:
{given}
  %made_origin = call ptr @PyTuple_New(i64 2)
  %no_pair = icmp eq ptr %made_origin, null
  br i1 %no_pair, label %drop_given, label %fill
drop_given:
  call void @Py_DecRef(ptr %given)
  ret ptr null
fill:
  call void @Py_IncRef(ptr %callable)
  %first = call i32 @PyTuple_SetItem(ptr %made_origin, i64 0, ptr %callable)
  %second = call i32 @PyTuple_SetItem(ptr %made_origin, i64 1, ptr %given)
  %object = call ptr @PyType_GenericAlloc(ptr @record_type, i64 0)
  %no_object = icmp eq ptr %object, null
  br i1 %no_object, label %drop_pair, label %store
drop_pair:
  call void @Py_DecRef(ptr %made_origin)
  ret ptr null
store:
{stored}
  ret ptr %object
drop:
  call void @Py_DecRef(ptr %object)
  ret ptr null
general:
  %n = and i64 %flagged, 9223372036854775807
  %result = call ptr @PyObject_Vectorcall(ptr @python, ptr %args, i64 %n, ptr %names)
  ret ptr %result
nothing:
  ret ptr null
}}
"""
ARGUMENT: Final = """\
  %a{k}.at = getelementptr ptr, ptr %args, i64 {k}
  %a{k} = load ptr, ptr %a{k}.at
  %to{k} = getelementptr double, ptr %in, i64 {k}
  %good{k} = call i1 @number(ptr %a{k}, ptr %to{k})
  br i1 %good{k}, label %next{k}, label %general
next{k}:"""
GIVEN: Final = """\
  call void @Py_IncRef(ptr %a{k})
  %set{k} = call i32 @PyTuple_SetItem(ptr %given, i64 {k}, ptr %a{k})"""
MADE: Final = """\
  {value} = {made}
  %none_{name} = icmp eq ptr {value}, null
  br i1 %none_{name}, label %drop, label %have_{name}
have_{name}:"""
STORED: Final = """\
  %member_{name} = getelementptr i8, ptr @members, i64 {place}
  %status_{name} = call i32 @PyMember_SetOne(ptr %object, ptr %member_{name}, ptr {value})"""
# What is made of the results of a loop; the pair `origin` is there before, and is stored first
MAKERS: Final[Mapping[str, str]] = {
    "origin": "",
    "x": "call ptr @PyFloat_FromDouble(double %x)",
    "residual": "call ptr @PyFloat_FromDouble(double %size)",
    "iterations": "call ptr @PyLong_FromLongLong(i64 %count)",
}


def record_code(count: int, tol: float, maxiter: int, record: RecordCode) -> str:
    """The text of ``ptr record(callable, args, flagged, names)``, by the protocol of vectorcall.

    It runs ``i64 loop(in, out, tol, maxiter)`` on `count` numbers. Where that gives a number of steps, it
    makes the record: `x`, `residual`, `iterations`, and `origin`, the callable and its arguments. All else
    goes to the function of Python ``python``.
    """
    each = range(count)
    head = [
        *[f"declare {signature.format(name)}" for name, signature in API.items()],
        *[f"@fixed_{name} = external global i8" for name in record.fixed],
    ]
    text = RECORD.format(
        count=count,
        tol=number(tol),
        maxiter=maxiter,
        arguments="\n".join([ARGUMENT.format(k=k) for k in each]),
        given="\n".join([GIVEN.format(k=k) for k in each]),
        stored="\n".join(_stored(record)),
    )
    return "\n".join([*head, text])


def _stored(record: RecordCode) -> list[str]:
    """The code that makes what the slots hold, and stores it."""
    place = {name: k * ctypes.sizeof(Member) for k, name in enumerate(record.names())}
    lines: list[str] = []
    for name in [*MAKERS, *record.fixed]:
        value = f"@fixed_{name}" if name in record.fixed else f"%made_{name}"
        if MAKERS.get(name):
            lines.append(MADE.format(name=name, value=value, made=MAKERS[name]))
        lines.append(STORED.format(name=name, value=value, place=place[name]))
        if name not in record.fixed:
            lines.append(f"  call void @Py_DecRef(ptr {value})")
    return lines


def record_symbols(record: RecordCode, members: Any, python: Any) -> dict[str, int]:
    """The addresses that the code refers to; `members` and `python` must live as long as it."""
    return {
        **{name: engine.python_symbol(name) for name in API},
        **{f"fixed_{name}": id(value) for name, value in record.fixed.items()},
        "record_type": id(record.kind),
        "members": ctypes.addressof(members),
        "python": id(python),
    }
