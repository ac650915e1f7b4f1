"""Tables of coordinates, and their joins: how products of sparse tensors find their entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Column = Any  # numpy array of int64


class Table(NamedTuple):
    """Rows with a value for each label; negative labels number entries."""

    length: int
    columns: dict[int, Column]

    def joined_with(self, other: Table, limit: float) -> Table | None:
        """All pairs of rows that agree where both have a label; None if they are more than `limit`."""
        if pair_count(self, other) > limit:
            return None
        left, right = joined(self, other)
        columns = {n: c[left] for n, c in self.columns.items()}
        columns.update({n: c[right] for n, c in other.columns.items() if n not in columns})
        return Table(len(left), columns)


def _keys(a: Table, b: Table) -> tuple[Column, Column]:
    """One number for each row of both tables, equal where their common labels are."""
    left, right = np.zeros(a.length, np.int64), np.zeros(b.length, np.int64)
    for n in a.columns:
        if n < 0 or n not in b.columns:
            continue
        values = np.concatenate([a.columns[n], b.columns[n]])
        pairs = np.concatenate([left, right]) * (values.max(initial=0) + 1) + values
        _, codes = np.unique(pairs, return_inverse=True)
        left, right = codes[: a.length], codes[a.length :]
    return left, right


def pair_count(a: Table, b: Table) -> int:
    """How many rows the join of two tables has."""
    left, right = _keys(a, b)
    size = int(max(left.max(initial=0), right.max(initial=0))) + 1
    return int(np.dot(np.bincount(left, minlength=size), np.bincount(right, minlength=size)))


def joined(a: Table, b: Table) -> tuple[Column, Column]:
    """The pairs of rows of two tables that agree in their common labels."""
    left, right = _keys(a, b)
    order = np.argsort(right, kind="stable")
    ordered = right[order]
    first = np.searchsorted(ordered, left, "left")
    count = np.searchsorted(ordered, left, "right") - first
    rows = np.repeat(np.arange(a.length), count)
    starts = np.repeat(first - (np.cumsum(count) - count), count)
    return rows, order[starts + np.arange(len(rows))]


def expanded(table: Table, label: int, extent: int) -> Table:
    """Every row with every value of one more label."""
    columns = {n: np.repeat(c, extent) for n, c in table.columns.items()}
    columns[label] = np.tile(np.arange(extent), table.length)
    return Table(table.length * extent, columns)


def unraveled(positions: Column, shape: Sequence[int]) -> list[Column]:
    """The coordinates of C-order positions."""
    return list(np.unravel_index(positions, tuple(shape))) if shape else []


def flat(coordinates: Sequence[Column], shape: Sequence[int], length: int = 0) -> Column:
    """The C-order positions of coordinates; of a scalar, `length` zeros."""
    if not shape:
        return np.zeros(length, np.int64)
    total = np.zeros(len(coordinates[0]), np.int64)
    for c, extent in zip(coordinates, shape, strict=True):
        total = total * extent + c
    return total
