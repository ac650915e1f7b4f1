"""Element types: a NumPy dtype, and whether it is weak.

A weak type belongs to a Python number (or to a formula of nothing but Python numbers): it takes the
dtype of what it meets, as NumPy 2 has it (NEP 50). Types are interned, so ``is`` compares them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from symgrad.errors import DTypeError


class Ty:
    """One element type. `like` is what NumPy's resolver wants for it: a dtype, or int or float."""

    __slots__ = ("dtype", "like", "weak")

    def __init__(self, dtype: np.dtype[Any], weak: bool) -> None:
        self.dtype = dtype
        self.weak = weak
        self.like: Any = dtype.type(0).item().__class__ if weak else dtype

    def __repr__(self) -> str:
        return f"weak {self.dtype}" if self.weak else str(self.dtype)

    def __reduce__(self) -> Any:
        return (as_ty, (self.dtype.str, self.weak))


_TYPES: dict[tuple[str, bool], Ty] = {}
_PROMOTED: dict[tuple[Ty, ...], Ty] = {}
_RESOLVED: Final[dict[tuple[np.ufunc, tuple[Ty, ...]], Ty]] = {}


def as_ty(dtype: Any, weak: bool = False) -> Ty:
    """The interned type of anything `numpy.dtype` understands.

    Raises
    ------
    DTypeError
        If the dtype is not boolean, integer or real floating.
    """
    try:
        resolved = np.dtype(dtype)
    except TypeError as error:
        raise DTypeError(f"{dtype!r} is no dtype: {error}") from None
    if resolved.kind not in "biuf":
        raise DTypeError(
            f"dtype {resolved} is not supported: expressions are boolean, integer or real"
        )
    key = (resolved.newbyteorder("=").str, weak)
    ty = _TYPES.get(key)
    if ty is None:
        ty = _TYPES.setdefault(key, Ty(np.dtype(key[0]), weak))
    return ty


FLOAT: Final = as_ty(np.float64)
INT: Final = as_ty(np.int64)
BOOL: Final = as_ty(np.bool_)
WEAK_FLOAT: Final = as_ty(np.float64, weak=True)
WEAK_INT: Final = as_ty(np.int64, weak=True)


def promote(*types: Ty) -> Ty:
    """The type of a sum of operands of these types (NumPy 2 promotion)."""
    first = types[0]
    for ty in types:
        if ty is not first:
            break
    else:
        return first
    promoted = _PROMOTED.get(types)
    if promoted is None:
        promoted = _PROMOTED[types] = _promote(types)
    return promoted


def _promote(types: tuple[Ty, ...]) -> Ty:
    if all(ty.weak for ty in types):
        return WEAK_FLOAT if WEAK_FLOAT in types else WEAK_INT
    return as_ty(
        np.result_type(*(ty.dtype.type(0).item() if ty.weak else ty.dtype for ty in types))
    )


def resolve(ufunc: np.ufunc, types: tuple[Ty, ...]) -> Ty:
    """The type of ``ufunc(*operands)``, as NumPy itself resolves it.

    Raises
    ------
    DTypeError
        If the ufunc has no loop for these types.
    """
    resolved = _RESOLVED.get((ufunc, types))
    if resolved is None:
        resolved = _RESOLVED[ufunc, types] = _resolve(ufunc, types)
    return resolved


def _resolve(ufunc: np.ufunc, types: tuple[Ty, ...]) -> Ty:
    likes = tuple(ty.like for ty in types)
    outputs = (None,) * ufunc.nout
    try:
        dtype = ufunc.resolve_dtypes((*likes, *outputs))[ufunc.nin]
    except TypeError:
        listing = ", ".join(str(ty.dtype) for ty in types)
        raise DTypeError(f"{ufunc.__name__} is not defined for dtype {listing}") from None
    weak = all(ty.weak for ty in types) and dtype in (FLOAT.dtype, INT.dtype)
    return as_ty(dtype, weak)
