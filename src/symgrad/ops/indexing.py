"""Indexing: NumPy's ints, slices, Ellipsis, newaxis and integer arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import (
    Dim,
    Shape,
    mul_dims,
    show_shape,
)
from symgrad.expr.leaves import CONST, assumed, constant
from symgrad.expr.node import Expr
from symgrad.ops import layout
from symgrad.ops.einsum import (
    broadcast_all,
    insert_axes,
    transpose_axes,
)
from symgrad.ops.elementwise import as_expr
from symgrad.ops.layout import full_entry, slice_entry, slice_of
from symgrad.ops.public import as_int, normalize_axis, public
from symgrad.ops.reshaping import reshape_to


@public
def take(a: Any, indices: Any, axis: int | None = None) -> Expr:
    """Entries of `a` at integer indices along an axis; None flattens first."""
    x = as_expr(a)
    if axis is None:
        x, axis = reshape_to(x, (mul_dims(*x.shape),)), 0
    axis = normalize_axis(axis, x.ndim)
    return getitem(x, (slice(None),) * axis + (as_expr(indices),))


@public
def getitem(a: Any, key: Any) -> Expr:
    """``a[key]``: ints, slices, Ellipsis, newaxis and integer arrays, as NumPy indexes.

    Raises
    ------
    ShapeError
        For too many indices, or one out of range.
    ArgumentError
        For a boolean mask, whose result has no fixed shape.
    """
    x = as_expr(a)
    if key.__class__ is int and x.ndim == 1:  # formulas of many entries are built of these
        return slice_of(x, (_int_entry(key, x.shape[0], 0, x.shape),))
    keys = _expand(key if isinstance(key, tuple) else (key,), x)
    gathers = any(_is_gather(k) for k in keys)
    entries: list[Any] = []
    new_axes: list[int] = []
    arrays: dict[int, Expr] = {}
    out_axis = axis = 0
    for item in keys:
        if item is None:
            new_axes.append(out_axis)
            out_axis += 1
            continue
        dim = x.shape[axis]
        if isinstance(item, slice):
            entries.append(slice_entry(item, dim, x.shape))
        elif gathers or _is_gather(item):  # beside an array NumPy takes an int for one
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
    return _gather_axes(picked, arrays) if arrays else picked


def _is_gather(item: Any) -> bool:
    """Whether an index entry is an integer array or an integer expression."""
    if item is None or isinstance(item, slice):
        return False
    return isinstance(item, (Expr, np.ndarray, list, tuple, range))


def _expand(keys: tuple[Any, ...], x: Expr) -> list[Any]:
    """The keys with the Ellipsis written out and missing ones added."""
    used = sum(1 for k in keys if k is not None and k is not Ellipsis)
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


def _int_entry(item: Any, dim: Dim, axis: int, shape: Shape) -> int:
    if isinstance(item, (bool, np.bool_)):
        raise ArgumentError("a boolean is no index here; use where to choose by condition")
    index = as_int(item, "an index")
    if isinstance(dim, int):
        if not -dim <= index < dim:
            raise ShapeError(
                f"index {index} is out of range for axis {axis} of shape {show_shape(shape)}"
            )
        return index % dim
    return index


def _as_index(item: Any, dim: Dim, axis: int, shape: Shape) -> Expr:
    index = item if isinstance(item, Expr) else constant(np.asarray(item))
    if index.dtype.kind == "b":
        raise ArgumentError(
            "a boolean mask has no fixed number of entries; use where(mask, a, b), or integer indices"
        )
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


def _gather_axes(x: Expr, arrays: dict[int, Expr]) -> Expr:
    """Integer arrays on some axes: these move to the front, are gathered, and go where NumPy puts them."""
    axes = list(arrays)
    indices = broadcast_all(list(arrays.values()))
    rest = [i for i in range(x.ndim) if i not in arrays]
    picked = layout.gather(transpose_axes(x, (*axes, *rest)), indices)
    together = axes == list(range(axes[0], axes[0] + len(axes)))
    rank = indices[0].ndim
    if not together or axes[0] == 0:
        return picked
    before = axes[0]
    order = [*range(rank, rank + before), *range(rank), *range(rank + before, picked.ndim)]
    return transpose_axes(picked, order)
