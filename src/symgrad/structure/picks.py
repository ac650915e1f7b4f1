"""Entries of a tensor at known positions, as a vector: by slices where they are evenly spaced."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from symgrad.expr.leaves import constant, is_number, number
from symgrad.expr.node import Expr
from symgrad.ops.einsum import EINSUM, broadcast
from symgrad.ops.gathering import gather, scatter
from symgrad.ops.layout import slice_of
from symgrad.ops.reshaping import reshape_to
from symgrad.structure.joins import flat, unraveled

Positions = Any

MAX_DEPTH: Final = 30  # levels of a large formula that entries are computed through


def taken(values: Expr, rows: Positions) -> Expr:
    """The entries of a vector at `rows`."""
    n = len(rows)
    if is_number(values):
        value, _, _, ty = values.params
        return number(value, (n,), ty)
    if n == 0:
        return number(0, (0,), values.ty)
    if n == values.shape[0] and np.array_equal(rows, np.arange(n)):
        return values
    if n == 1:
        row = int(rows[0])
        return slice_of(values, ((row, row + 1, 1, 1),))
    steps = np.diff(rows)
    step = int(steps[0])
    if step != 0 and np.all(steps == step):
        start = int(rows[0])
        return slice_of(values, ((start, start + n * step, step, n),))
    return gather(values, [constant(np.asarray(rows, np.int64))])


def added_up(values: Expr, places: Positions, length: int) -> Expr:
    """A vector of `length` with values added up at `places`."""
    if is_number(values):
        value, _, _, ty = values.params
        counts = np.bincount(places, minlength=length)
        return constant(counts * ty.dtype.type(value))
    return scatter(values, [constant(np.asarray(places, np.int64))], (length,))


def picked(x: Expr, positions: Positions, depth: int = 0) -> Expr:
    """The entries of a tensor at C-order positions, computed from entries of its operands.

    Products that sum over nothing, and entrywise functions of tensors with more entries than are
    wanted, are computed for the wanted ones only.
    """
    if is_number(x):
        value, _, _, ty = x.params
        return number(value, (len(positions),), ty)
    size = int(np.prod(x.shape, dtype=np.int64))
    if depth < MAX_DEPTH and size > len(positions):
        if x.op.elementwise and x.args:
            parts = [picked(arg, positions, depth + 1) for arg in x.args]
            return x.op.build(tuple(parts), x.params)
        if x.op is EINSUM and _sums_nothing(x):
            return _product(x, positions, depth)
    if x.ndim == 0:
        return broadcast(x, (len(positions),))
    return taken(reshape_to(x, (size,)), positions)


def _sums_nothing(x: Expr) -> bool:
    inputs, out, _ = x.params
    return all(n in out for labels in inputs for n in labels)


def _product(x: Expr, positions: Positions, depth: int) -> Expr:
    inputs, out, _ = x.params
    axes = dict(zip(out, unraveled(positions, x.shape), strict=True))
    parts = [
        picked(arg, flat([axes[n] for n in labels], arg.shape, len(positions)), depth + 1)
        for arg, labels in zip(x.args, inputs, strict=True)
    ]
    product = parts[0]
    for part in parts[1:]:
        product = product * part
    return product
