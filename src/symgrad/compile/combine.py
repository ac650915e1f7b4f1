"""What becomes of the outputs of the body of a loop, block by block; see `Combine`.

The result does not depend on how many threads took part: what belongs together is fixed by the grid, whose
blocks are taken in parts, each in order and by one thread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from symgrad.expr.templates import ufunc_of
from symgrad.program.ir import Combine
from symgrad.program.reductions import SUBTRACT
from symgrad.runtime.blocks import Grid, within

MAX_PARTS: Final = 16
MAX_ENTRIES: Final = 1 << 21  # of the results of all parts of a reduction over leading axes
Index = tuple[slice, ...]


class Stored:
    """Blocks that fill one array of a known shape and type, through a view of it.

    Where the body is `given` the place of a block, it writes there.
    """

    def __init__(self, array: Any, view: Any, given: bool = True) -> None:
        self.array = array
        self.view = view
        self.given = given

    def target(self, index: Index) -> Any:
        """Where a block is written."""
        return self.view[index] if self.given else None

    def add(self, part: int, number: int, index: Index, value: Any) -> None:
        """Take what a block gave and has not written there: trailing axes may be reduced."""
        self.view[index[: self.view.ndim]] = value

    def total(self) -> Any:
        """The result."""
        return self.array


class Joined:
    """Rows side by side, of a type that the first block tells; in an array that is given, if it fits."""

    def __init__(self, given: Any, rows: int) -> None:
        self.value = given
        self.rows = rows
        self.fits: bool | None = None  # None before the first block

    def target(self, index: Index) -> Any:
        """Where a block may be written."""
        whole = index[0].stop - index[0].start == self.rows
        return self.value if whole else self.value[index] if self.fits else None

    def add(self, part: int, number: int, index: Index, value: Any) -> None:
        """Take the rows of a block."""
        if index[0].stop - index[0].start == self.rows:
            self.value = value
            return
        if self.fits is None:
            shape, given = (self.rows, *value.shape[1:]), self.value
            self.fits = True
            if given is None or given.shape != shape or given.dtype != value.dtype:
                self.value = np.empty(shape, value.dtype)
        self.value[index] = value

    def total(self) -> Any:
        """The result."""
        return self.value


class Reduced:
    """What all blocks have in common: a value of each."""

    def target(self, index: Index) -> Any:
        """Nothing is written."""
        return None


class Whole(Reduced):
    """Over all axes: one value a block, reduced at the end, as accurate as a pairwise sum."""

    def __init__(self, ufunc: np.ufunc, grid: Grid) -> None:
        self.ufunc = ufunc
        self.values: list[Any] = [None] * grid.count

    def add(self, part: int, number: int, index: Index, value: Any) -> None:
        """Take the value of a block."""
        self.values[number] = value

    def total(self) -> Any:
        """The result."""
        if len(self.values) == 1:
            return self.values[0]
        return self.ufunc.reduce(np.array(self.values))


class Accumulated(Reduced):
    """Over some axes: each part of the grid adds up its blocks in order, then the parts."""

    def __init__(self, ufunc: np.ufunc, axes: Sequence[int | None], grid: Grid, parts: int) -> None:
        self.ufunc = ufunc
        self.axes = axes
        self.grid = grid
        self.sums: list[Any] = [None] * parts

    def add(self, part: int, number: int, index: Index, value: Any) -> None:
        """Take the partial result of a block."""
        index = index + (slice(None),) * (len(self.grid.shape) - len(index))
        pairs = [*zip(self.axes, value.shape, strict=True)]
        if self.sums[part] is None:
            shape = [extent if k is None else self.grid.shape[k] for k, extent in pairs]
            self.sums[part] = np.full(shape, identity(self.ufunc, value.dtype), value.dtype)
        where = tuple([slice(None) if k is None else index[k] for k in self.axes])
        place = self.sums[part][where]
        self.ufunc(place, value, out=place)

    def total(self) -> Any:
        """The result."""
        total, *others = self.sums
        for other in others:
            self.ufunc(total, other, out=total)
        return total


class Placed(Reduced):
    """Parts that are added or subtracted at places of one array, in blocks of its rows."""

    def __init__(
        self, combine: Combine, index: Index, halo: int | None, rows: int, array: Any
    ) -> None:
        self.ufunc = np.subtract if combine.ufunc == SUBTRACT else np.add
        self.start = index[0].start or 0  # the row of the result where the first of the part goes
        self.rest = index[1:]
        self.halo = halo  # that of the operands that a block is made of; None where it is whole
        self.rows = rows  # of the part
        self.array = array

    def add(self, part: int, number: int, index: Index, value: Any) -> None:
        """Take the rows of a block of the part, with its halo."""
        block = index[0]
        here = within(block, self.rows, (self.start, self.start))
        if here.start < here.stop:
            # the first row of `value`
            at = 0 if self.halo is None else min(self.rows, max(0, block.start - self.halo))
            rows = slice(here.start + self.start, here.stop + self.start)
            place = self.array[(rows, *self.rest)]
            self.ufunc(place, value[here.start - at : here.stop - at], out=place)

    def total(self) -> Any:
        """The array."""
        return self.array


Part = Stored | Joined | Whole | Accumulated | Placed


def parts_of(results: Sequence[Combine], grid: Grid) -> int:
    """Into how many parts the blocks of a grid are shared out, at most."""
    parts = [grid.count]
    for combine in results:
        if combine.ufunc is not None and combine.axes:
            kept = math.prod([grid.shape[k] for k in combine.axes if k is not None])
            parts.append(max(1, min(MAX_PARTS, MAX_ENTRIES // max(1, kept))))
    return min(parts)


def reduced(combine: Combine, grid: Grid, parts: int) -> Whole | Accumulated:
    """What puts values of blocks together by a ufunc."""
    assert combine.ufunc is not None
    ufunc = ufunc_of(combine.ufunc)
    assert ufunc is not None
    if combine.axes:
        return Accumulated(ufunc, combine.axes, grid, parts)
    return Whole(ufunc, grid)


def identity(ufunc: np.ufunc, dtype: Any) -> Any:
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
