"""Indexing: NumPy's ints, slices, Ellipsis, newaxis, integer arrays and constant masks."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import (
    Dim,
    Shape,
    mul_dims,
    show_shape,
)
from symgrad.expr.leaves import CONST, assumed, constant, extent
from symgrad.expr.node import Expr
from symgrad.ops.einsum import (
    broadcast_all,
    insert_axes,
    transpose_axes,
)
from symgrad.ops.elementwise import as_expr
from symgrad.ops.gathering import gather
from symgrad.ops.layout import full_entry, slice_entry, slice_of
from symgrad.ops.public import as_int, normalize_axis, public, refuse_out
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.ufuncs import maximum, minimum, mod, subtract


@public
def take(
    a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise"
) -> Expr:
    """Entries of `a` at integer indices along an axis, as `numpy.take`; None flattens first.

    Of constant indices, ``mode="wrap"`` takes those out of range modulo the extent, ``mode="clip"``
    takes them to the nearest end.
    """
    refuse_out(out, "take")
    x = as_expr(a)
    if axis is None:
        x, axis = reshape_to(x, (mul_dims(*x.shape),)), 0
    axis = normalize_axis(axis, x.ndim)
    index = _within(as_expr(indices), x.shape[axis], mode)
    return getitem(x, (slice(None),) * axis + (index,))


def _within(index: Expr, dim: Dim, mode: str) -> Expr:
    """An integer index moved into an axis, as the mode of `numpy.take` says."""
    if mode == "raise":
        return index
    if mode not in ("wrap", "clip"):
        raise ArgumentError(f"take has no mode {mode!r}; use raise, wrap or clip")
    if mode == "wrap":
        return mod(index, extent(dim))
    return maximum(minimum(index, subtract(extent(dim), 1)), 0)


@public
def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Expr:
    """The slices of `a` along an axis where a constant condition holds, as `numpy.compress`.

    None flattens first. The condition may be shorter than the axis; what is beyond it is left out.

    Raises
    ------
    ArgumentError
        If the condition is an expression: how many entries it holds at is not known to a graph.
    """
    refuse_out(out, "compress")
    mask = constant_mask(condition)
    if mask is None:
        raise ArgumentError(_NO_MASK)
    if mask.ndim != 1:
        raise ShapeError(f"compress needs a condition of one axis, got shape {mask.shape}")
    return take(a, np.flatnonzero(mask), axis)  # type: ignore[no-any-return]


@public
def extract(condition: Any, arr: Any) -> Expr:
    """The entries of `arr`, flattened, where a constant condition holds, as `numpy.extract`."""
    mask = constant_mask(condition)
    if mask is None:
        raise ArgumentError(_NO_MASK)
    return take(arr, np.flatnonzero(mask))  # type: ignore[no-any-return]


@public
def getitem(a: Any, key: Any) -> Expr:
    """``a[key]``: ints, slices, Ellipsis, newaxis, integer arrays and constant masks, as in NumPy.

    A constant boolean array of k axes stands for k integer arrays, the places where it is true; a
    single True or False for a new axis of one entry or none.

    Raises
    ------
    ShapeError
        For too many indices, one out of range, or a mask of another shape than the axes it is for.
    ArgumentError
        For a boolean mask that is an expression, whose result has no fixed shape.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.matrix("x", (3, 2))
    >>> x[[True, False, True]].shape
    (2, 2)
    """
    x = as_expr(a)
    if key.__class__ is int and x.ndim == 1:  # formulas of many entries are built of these
        return slice_of(x, (_int_entry(key, x.shape[0], 0, x.shape),))
    listed = [_read(k) for k in (key if isinstance(key, tuple) else (key,))]
    gathers = any(_is_gather(k) for k in listed)
    together = not gathers or _side_by_side(listed)
    keys = _places(_expand(listed, x), x.shape)
    entries: list[Any] = []
    new_axes: list[int] = []
    arrays: dict[int, Expr] = {}
    out_axis = axis = 0
    for item in keys:
        if item is None or item.__class__ is _Flag:
            new_axes.append(out_axis)
            if item is not None:
                arrays[out_axis] = constant(np.zeros(int(item.holds), dtype=np.int64))
            out_axis += 1
            continue
        dim = x.shape[axis]
        if isinstance(item, slice):
            entries.append(slice_entry(item, dim, x.shape))
        elif gathers:  # beside an array NumPy takes an int for one
            arrays[out_axis] = _as_index(item, dim, axis, x.shape)
            entries.append(full_entry(dim))
        else:
            entries.append(_int_entry(item, dim, axis, x.shape))
            axis += 1
            continue
        axis += 1
        out_axis += 1
    picked = slice_of(x, tuple(entries))
    if new_axes:
        picked = insert_axes(picked, new_axes)
    return _gather_axes(picked, arrays, together) if arrays else picked


class _Flag:
    """A single True or False as an index: a new axis of one entry or none."""

    __slots__ = ("holds",)

    def __init__(self, holds: bool) -> None:
        self.holds = holds


_NO_MASK: Final = (
    "a mask that is an expression picks a number of entries that is not known to a graph; write"
    " where(mask, x, 0) to keep the shape, sum(x, where=mask) to reduce what it picks, or give the"
    " mask as a NumPy array of booleans"
)


def constant_mask(value: Any) -> np.ndarray[Any, Any] | None:
    """A condition that is known, as an array of booleans; None where it has to be computed."""
    if not isinstance(value, Expr):
        return np.asarray(value).astype(bool)
    if value.op is not CONST or not all(isinstance(d, int) for d in value.shape):
        return None
    held = value.params[0].array if value.params[1] == "array" else value.params[0]
    return np.broadcast_to(np.asarray(held).astype(bool), value.shape)


def _read(item: Any) -> Any:
    """One part of a key: a mask as an array of booleans, a list as an array, a lone bool as a flag."""
    if item is None or item is Ellipsis or isinstance(item, slice):
        return item
    if isinstance(item, Expr):
        if item.dtype.kind != "b":
            return item
        mask = constant_mask(item)
        if mask is None:
            raise ArgumentError(_NO_MASK)
    elif isinstance(item, (bool, np.bool_)):
        return _Flag(bool(item))
    elif isinstance(item, (np.ndarray, list, tuple, range)):
        mask = _array_of(item)
    else:
        return item
    if mask.__class__ is Expr or mask.dtype.kind != "b":
        return (
            int(mask)
            if mask.ndim == 0 and isinstance(item, np.ndarray) and mask.dtype.kind in "iu"
            else mask
        )
    return mask if mask.ndim else _Flag(bool(mask))


def _array_of(item: Any) -> Any:
    """An index that is an array, a list or a range; of expressions it is one."""
    if isinstance(item, (list, tuple)) and not len(item):
        return np.zeros(0, dtype=np.int64)
    try:
        array = np.asarray(item)
    except ValueError as error:
        raise ShapeError(f"an index must be an array of ints, not {item!r}: {error}") from None
    return as_expr(array) if array.dtype == object else array


def _is_gather(item: Any) -> bool:
    """Whether an index entry is an array, an expression, or counts as one."""
    return isinstance(item, (Expr, np.ndarray, _Flag))


def _is_mask(item: Any) -> bool:
    return isinstance(item, np.ndarray) and item.dtype.kind == "b"


def _width(item: Any) -> int:
    """How many axes of the operand an index entry is for."""
    if item is None or item is Ellipsis or item.__class__ is _Flag:
        return 0
    return item.ndim if _is_mask(item) else 1


def _expand(keys: list[Any], x: Expr) -> list[Any]:
    """The keys with the Ellipsis written out and missing ones added."""
    used = sum(map(_width, keys))
    if used > x.ndim:
        raise ShapeError(f"{used} indices for an operand of shape {show_shape(x.shape)}")
    ellipses = [i for i, k in enumerate(keys) if k is Ellipsis]
    if len(ellipses) > 1:
        raise ShapeError("an index can hold one Ellipsis only")
    fill = [slice(None)] * (x.ndim - used)
    if not ellipses:
        return [*keys, *fill]
    at = ellipses[0]
    return [*keys[:at], *fill, *keys[at + 1 :]]


def _places(keys: list[Any], shape: Shape) -> list[Any]:
    """The keys with each mask written as the places where it is true, an array of ints for each axis."""
    found: list[Any] = []
    axis = 0
    for item in keys:
        width = _width(item)
        if _is_mask(item):
            over = shape[axis : axis + width]
            if any(isinstance(d, int) and d != m for d, m in zip(over, item.shape, strict=True)):
                raise ShapeError(
                    f"a mask of shape {show_shape(item.shape)} does not fit axes {axis} to"
                    f" {axis + width - 1} of shape {show_shape(shape)}: their extents must agree"
                )
            if item.shape != over:
                raise ArgumentError(
                    f"a constant mask needs axes of known extents, and shape {show_shape(shape)} has"
                    " names there; declare the operand with ints, or write where(mask, x, 0) with a"
                    " mask that is a symbol"
                )
            found += np.nonzero(item)
        else:
            found.append(item)
        axis += width
    return found


def _int_entry(item: Any, dim: Dim, axis: int, shape: Shape) -> int:
    index = as_int(item, "an index")
    if isinstance(dim, int):
        if not -dim <= index < dim:
            raise ShapeError(
                f"index {index} is out of range for axis {axis} of shape {show_shape(shape)}"
            )
        return index % dim
    return index


def _as_index(item: Any, dim: Dim, axis: int, shape: Shape) -> Expr:
    if not isinstance(item, (Expr, np.ndarray)):
        item = as_int(item, "an index")
    index = item if isinstance(item, Expr) else constant(np.asarray(item))
    if index.dtype.kind not in "iu":
        advice = f"; write symbol({index.name!r}, dtype=int)" if assumed(index, "integer") else ""
        raise ShapeError(f"an index must be an integer, not {index.dtype}{advice}")
    if index.op is CONST and isinstance(dim, int):
        values = np.asarray(index.params[0].array if index.ndim else index.params[0])
        if values.size and not (values.min() >= -dim and values.max() < dim):
            raise ShapeError(
                f"an index is out of range for axis {axis} of shape {show_shape(shape)}:"
                f" {values.min()} to {values.max()}"
            )
    return index


def _side_by_side(keys: list[Any]) -> bool:
    """Whether nothing stands between the arrays of a key: their axes then stay where they are."""
    at = [
        i
        for i, k in enumerate(keys)
        if k is not None and k is not Ellipsis and not isinstance(k, slice)
    ]
    return at[-1] - at[0] == len(at) - 1


def _gather_axes(x: Expr, arrays: dict[int, Expr], together: bool) -> Expr:
    """Integer arrays on some axes: these move to the front, are gathered, and go where NumPy puts them."""
    axes = list(arrays)
    indices = broadcast_all(list(arrays.values()))
    rest = [i for i in range(x.ndim) if i not in arrays]
    picked = gather(transpose_axes(x, (*axes, *rest)), indices)
    rank = indices[0].ndim
    if not together or axes[0] == 0:
        return picked
    before = axes[0]
    order = [*range(rank, rank + before), *range(rank), *range(rank + before, picked.ndim)]
    return transpose_axes(picked, order)
