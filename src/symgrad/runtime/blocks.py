"""The blocks of an iteration space: how it is cut, so that a block's buffers stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Grid:
    """A space cut along one axis; axes before it go entry by entry, axes after it stay whole.

    Attributes
    ----------
    shape : tuple of int
    axis : int
    step : int
        Entries along `axis` in a block; the last may have fewer.
    """

    shape: tuple[int, ...]
    axis: int
    step: int

    @property
    def per_row(self) -> int:
        """Blocks along the axis that is cut."""
        return max(1, -(-self.shape[self.axis] // self.step))

    @property
    def count(self) -> int:
        """The number of blocks."""
        return math.prod(self.shape[: self.axis]) * self.per_row

    @property
    def largest(self) -> int:
        """Entries of the largest block."""
        return self.step * math.prod(self.shape[self.axis + 1 :])

    def index(self, number: int) -> tuple[slice, ...]:
        """The index of a block."""
        row, column = divmod(number, self.per_row)
        stop = min((column + 1) * self.step, self.shape[self.axis])
        index = [slice(column * self.step, stop)]
        for extent in reversed(self.shape[: self.axis]):
            row, i = divmod(row, extent)
            index.append(slice(i, i + 1))
        return tuple(reversed(index))


def within(rows: slice, extent: int, halo: tuple[int, int]) -> slice:
    """The part of an array of `extent` rows that rows of a space need; see `Cut.halo`."""
    first = min(extent, max(0, rows.start - halo[0]))
    return slice(first, max(first, min(extent, rows.stop - halo[1])))


def cut(shape: tuple[int, ...], entries: int, whole: int = 0) -> Grid:
    """Blocks of about `entries` entries; the last `whole` axes are not cut."""
    last = len(shape) - 1 - whole
    axis = next(k for k in range(last + 1) if k == last or math.prod(shape[k + 1 :]) <= entries)
    step = max(1, entries // max(1, math.prod(shape[axis + 1 :])))
    parts = -(-shape[axis] // step)
    return Grid(shape, axis, max(1, -(-shape[axis] // max(1, parts))))


def merged(arrays: Sequence[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """`shape` with neighbouring axes merged where all arrays of that shape let them be."""
    merged_shape: list[int] = []
    for axis, extent in enumerate(shape):
        if extent == 1 and (merged_shape or axis < len(shape) - 1):
            continue
        if merged_shape and all(_runs_on(a, axis, extent) for a in arrays):
            merged_shape[-1] *= extent
        else:
            merged_shape.append(extent)
    return tuple(merged_shape)


def _runs_on(array: Any, axis: int, extent: int) -> bool:
    """Whether an axis and the one before it, of more than one entry, are like a single axis."""
    before = next((k for k in range(axis - 1, -1, -1) if array.shape[k] != 1), None)
    return before is None or array.strides[before] == extent * array.strides[axis]


def is_reversed(arrays: Sequence[Any]) -> bool:
    """Whether all arrays are in Fortran order and one of them is not in C order as well."""
    flags = [a.flags for a in arrays]
    return all(f.f_contiguous for f in flags) and not all(f.c_contiguous for f in flags)
