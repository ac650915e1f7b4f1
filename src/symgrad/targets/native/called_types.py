"""Classes whose instances are called by an address that they hold: the protocol of vectorcall.

A class of Python finds its ``__call__`` by name and packs the arguments at each call, which takes longer
than a short formula. The class made here is a subclass with one more field, the address of a function
in machine code; as long as that is 0, calls go the usual way.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final

ENTRY: Final = "_entry"  # the attribute that holds the address
HAVE_VECTORCALL: Final = 1 << 11
DEFAULT: Final = 1 << 18  # of 3.11, and nothing from 3.12 on
BASETYPE: Final = 1 << 10
# Of `structmember.h`: an unsigned field as long as a pointer, a signed size, and the flag of the latter
UNSIGNED: Final = 18 if ctypes.sizeof(ctypes.c_void_p) == 8 else 11
SIZE, READONLY = 19, 1
TP_MEMBERS: Final = 72


class Member(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("offset", ctypes.c_ssize_t),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class _Slot(ctypes.Structure):
    _fields_ = (("slot", ctypes.c_int), ("pointer", ctypes.c_void_p))


class _Spec(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("basicsize", ctypes.c_int),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("slots", ctypes.c_void_p),
    )


@cache
def called_by_address(base: type) -> Any:
    """A subclass whose instances run the function at their ``_entry``, an address or 0.

    Such a function takes the instance, an array of arguments, their number and the names of keywords, as
    `vectorcall` does in Python's C API.
    """
    offset = base.__basicsize__
    members = (Member * 3)(
        Member(b"__vectorcalloffset__", SIZE, offset, READONLY, None),
        Member(ENTRY.encode(), UNSIGNED, offset, 0, None),
        Member(),
    )
    slots = (_Slot * 2)(_Slot(TP_MEMBERS, ctypes.addressof(members)), _Slot())
    spec = _Spec(
        f"{base.__module__}.{base.__name__}".encode(),
        offset + ctypes.sizeof(ctypes.c_void_p),
        0,
        DEFAULT | BASETYPE | HAVE_VECTORCALL,
        ctypes.addressof(slots),
    )
    make = ctypes.pythonapi["PyType_FromSpecWithBases"]
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object]
    made = make(ctypes.addressof(spec), (base,))
    made.kept = (members, slots, spec)  # before 3.12 the type points into them
    made.__doc__ = base.__dict__["__doc__"]
    return made
