"""Reductions over blocks: what each block gives, and how it is put together.

The result does not depend on how many threads took part: what belongs together is fixed by the grid.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from symgrad.compile.blocks import Grid
from symgrad.expr.templates import ufunc_of
from symgrad.program.reductions import DOT, Reduction

MAX_PARTS: Final = 16
MAX_ENTRIES: Final = 1 << 21  # of the results of all parts of a reduction over leading axes


class Whole:
    """Over all axes: one value a block, reduced at the end, as accurate as a pairwise sum."""

    parts = 0

    def __init__(self, ufunc: np.ufunc, grid: Grid) -> None:
        self.ufunc = ufunc
        self.values: list[Any] = [None] * grid.count

    def add(self, part: int, number: int, index: tuple[slice, ...], value: Any) -> None:
        """Take the value of a block."""
        self.values[number] = value

    def total(self) -> Any:
        """The result."""
        return self.ufunc.reduce(np.array(self.values))


class Rows:
    """Over the last axes, which blocks hold whole: each block fills its rows."""

    parts = 0

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.out = np.empty(shape, dtype)

    def add(self, part: int, number: int, index: tuple[slice, ...], value: Any) -> None:
        """Take the rows of a block."""
        self.out[index[: self.out.ndim]] = value

    def total(self) -> Any:
        """The result."""
        return self.out


class Accumulated:
    """Over other axes: each part of the grid adds up its blocks in order, then the parts."""

    def __init__(self, ufunc: np.ufunc, axes: tuple[int, ...], grid: Grid, dtype: Any) -> None:
        self.ufunc = ufunc
        self.kept = [k for k in range(len(grid.shape)) if k not in axes]
        shape = tuple(grid.shape[k] for k in self.kept)
        self.parts = max(1, min(MAX_PARTS, MAX_ENTRIES // max(1, math.prod(shape)), grid.count))
        self.sums = np.empty((self.parts, *shape), dtype)
        self.sums[...] = _identity(ufunc, self.sums.dtype)

    def add(self, part: int, number: int, index: tuple[slice, ...], value: Any) -> None:
        """Take the partial result of a block."""
        index = index + (slice(None),) * (self.sums.ndim + len(index))
        where: Any = (part, *[index[k] for k in self.kept])
        self.ufunc(self.sums[where], value, out=self.sums[where])

    def total(self) -> Any:
        """The result."""
        return self.ufunc.reduce(self.sums, axis=0)


Partial = Whole | Rows | Accumulated


def partial_of(reduction: Reduction, dtype: Any, grid: Grid) -> Partial:
    """What puts a reduction of arrays of `dtype` over a grid together."""
    if reduction.name == DOT:
        return Whole(np.add, grid)
    ufunc = ufunc_of(reduction.name)
    assert ufunc is not None
    rank = len(grid.shape)
    if reduction.axes is None or len(reduction.axes) == rank:
        return Whole(ufunc, grid)
    dtype = ufunc.reduce(np.ones(1, dtype)).dtype  # the sum of bools is an int
    kept = rank - len(reduction.axes)
    if sorted(reduction.axes) == list(range(kept, rank)):
        return Rows(grid.shape[:kept], dtype)
    return Accumulated(ufunc, reduction.axes, grid, dtype)


def _identity(ufunc: np.ufunc, dtype: Any) -> Any:
    """The value that changes no result."""
    if ufunc in (np.maximum, np.minimum):
        sign = -1 if ufunc is np.maximum else 1
        if dtype.kind == "f":
            return sign * np.inf
        info = np.iinfo(dtype) if dtype.kind in "iu" else None
        if info is None:
            return ufunc is np.minimum
        return info.min if ufunc is np.maximum else info.max
    return ufunc.identity
