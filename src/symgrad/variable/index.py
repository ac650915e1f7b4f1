"""Indices of Variables: integer arrays and masks are data, so they are checked here, once, at the call."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.errors import ShapeError
from symgrad.expr.dims import Shape, show_shape


def checked_index(key: Any, shape: Shape) -> tuple[Any, ...] | None:
    """The parts of an index, with integer arrays as NumPy's and masks as the places where they hold.

    None where there is a part that is neither an int, a slice, an array nor what NumPy reads as one:
    the op says what is wrong with it.

    Raises
    ------
    ShapeError
        For an index out of range, naming axis and shape.
    """
    given = key if isinstance(key, tuple) else (key,)
    parts = [_read(part) for part in given]
    if any(part is NotImplemented for part in parts):
        return None
    width = sum([_width(part) for part in parts])
    if width > len(shape) or sum([part is Ellipsis for part in parts]) > 1:
        return None
    axis = 0
    found: list[Any] = []
    for part in parts:
        if part is Ellipsis:
            found.append(part)
            axis += len(shape) - width
            continue
        if part.__class__ is np.ndarray and part.dtype.kind == "b":
            if part.shape != shape[axis : axis + part.ndim]:
                return None
            found += np.nonzero(part)
        else:
            if part.__class__ is int or part.__class__ is np.ndarray:
                check_within(part, shape[axis], axis, shape)
            found.append(part)
        axis += _width(part)
    return tuple(found)


def _read(part: Any) -> Any:
    kind = part.__class__
    if part is None or part is Ellipsis or kind is slice or kind is int:
        return part
    if isinstance(part, np.integer):
        return int(part)
    if isinstance(part, (list, range)) or kind is np.ndarray:
        try:
            array = np.asarray(part)
        except ValueError:
            return NotImplemented
        if array.size == 0 and kind is not np.ndarray:
            array = array.astype(np.int64)
        if array.dtype.kind in "iub" and array.ndim:
            return array
        if array.dtype.kind in "iu":
            return int(array)
    return NotImplemented


def _width(part: Any) -> int:
    """How many axes a part of an index is for."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if part.__class__ is np.ndarray and part.dtype.kind == "b" else 1


def check_within(index: Any, extent: Any, axis: int, shape: Shape) -> None:
    """Check that an int, or an array of them, lies within an axis.

    Raises
    ------
    ShapeError
        If it does not.
    """
    if index.__class__ is int:
        if not -extent <= index < extent:
            raise ShapeError(
                f"index {index} is out of range for axis {axis} of shape {show_shape(shape)}"
            )
    elif index.size:
        least, most = index.min(), index.max()
        if least < -extent or most >= extent:
            raise ShapeError(
                f"an index is out of range for axis {axis} of shape {show_shape(shape)}:"
                f" {least} to {most}"
            )


def checked_take(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of `take`, whose indices are data like those of ``a[indices]``."""
    if len(args) < 2 or hasattr(args[1].__class__, "__symgrad_lift__"):
        return args
    indices = _read(args[1])
    if indices.__class__ is not np.ndarray or indices.dtype.kind == "b":
        return args
    mode = kwargs.get("mode", args[4] if len(args) > 4 else "raise")
    axis = kwargs.get("axis", args[2] if len(args) > 2 else None)
    shape = np.shape(args[0]) if not hasattr(args[0], "shape") else args[0].shape
    if mode == "raise" and (axis is None or -len(shape) <= axis < len(shape)):
        extent = int(np.prod(shape, dtype=int)) if axis is None else shape[axis]
        check_within(indices, extent, axis or 0, shape)
    return (args[0], indices, *args[2:])
