"""The addresses of SciPy's functions of floats: the C entry points that `scipy.special.cython_special` has
for Cython."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

# The names of ufuncs that `cython_special` has under others
RENAMED: Final[Mapping[str, str]] = {"digamma": "psi"}


@cache
def scipy_symbol(name: str, count: int) -> int | None:
    """The address of a function of `count` floats, which takes an int of no meaning behind them.

    None where SciPy is not there, or has no such function.
    """
    capsules = _capsules()
    name = RENAMED.get(name, name)
    wanted = f"double ({'double, ' * count}int __pyx_skip_dispatch)".encode()
    for key in (name, *[f"__pyx_fuse_{k}{name}" for k in range(4)]):
        capsule = capsules.get(key)
        if capsule is not None and _signature(capsule) == wanted:
            return _pointer(capsule, wanted)
    return None


@cache
def _capsules() -> Mapping[str, Any]:
    try:
        from scipy.special import cython_special  # noqa: PLC0415 (an extra)
    except ImportError:
        return {}
    return getattr(cython_special, "__pyx_capi__", {})


def _signature(capsule: Any) -> bytes | None:
    function = ctypes.pythonapi["PyCapsule_GetName"]  # an object of its own, with types of its own
    function.restype, function.argtypes = ctypes.c_char_p, [ctypes.py_object]
    found: bytes | None = function(capsule)
    return found


def _pointer(capsule: Any, signature: bytes) -> int:
    function = ctypes.pythonapi["PyCapsule_GetPointer"]
    function.restype, function.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(function(capsule, signature))
