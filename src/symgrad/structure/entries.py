"""The entries of a tensor that are not known to be zero, and the formulas of their values.

A tensor of known extents is computed sparsely, node by node: each node is either *full*, and then it is
itself, or it has the sorted C-order positions of its entries and one vector of their values, made of
slices and gathers of smaller nodes. Nothing of the size of the dense tensor is built or computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import (
    CONST,
    EYE,
    SYMBOL,
    ZERO,
    constant,
    is_number,
    is_value,
    number,
    symbol,
    value_of,
)
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.ops import layout
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.einsum import EINSUM
from symgrad.ops.gathering import GATHER, SCATTER
from symgrad.ops.guard import WHERE
from symgrad.ops.reshaping import RESHAPE, reshape_to
from symgrad.structure.joins import Table, expanded, flat, joined, unraveled
from symgrad.structure.picks import added_up, picked, taken

Positions = Any  # sorted numpy array of int64

# A product is computed in full where its entries are more than so many times those of the result, and of
# each operand
MAX_FILL: Final = 4
MAX_UNROLLED: Final = 10_000  # entries of what is unrolled to find out which of them are zero


class Entries(NamedTuple):
    """The positions of the entries of a node, and their values in that order."""

    at: Positions
    values: Expr


Sparse = dict[Expr, Entries]
Rule = Callable[[Expr, Sparse], Entries | None]


def entries_of(e: Expr) -> Entries:
    """The entries of `e` that are not known to be zero.

    Raises
    ------
    ShapeError
        If an extent is not a known int.
    """
    order = toposort([e])
    _check_extents(order)
    sparse: Sparse = {}
    for node in order:
        rule = RULES.get(node.op, by_record)
        found = rule(node, sparse)
        if found is not None:
            sparse[node] = found
    return _explicit(e, sparse)


def _check_extents(order: Sequence[Expr]) -> None:
    unknown = [x for x in order if not all(isinstance(d, int) for d in x.shape)]
    named = [x for x in unknown if x.op is SYMBOL]
    for node in (*named, *unknown):
        raise ShapeError(
            f"sparsity needs known extents; {node.name or node.op.name} has shape"
            f" {show_shape(node.shape)}: declare it with ints, or substitute a symbol of known shape"
        )


def _size(x: Expr) -> int:
    return int(np.prod(x.shape, dtype=np.int64))


def _explicit(x: Expr, sparse: Sparse) -> Entries:
    """The entries of a node; of a full one all."""
    return sparse.get(x) or Entries(np.arange(_size(x)), reshape_to(x, (_size(x),)))


def _at(x: Expr, positions: Positions, sparse: Sparse) -> Expr:
    """Values at positions, all of which a sparse node must have."""
    if x in sparse:
        at, values = sparse[x]
        return taken(values, np.searchsorted(at, positions))
    return picked(x, positions)


def _sorted(at: Positions, values: Expr) -> Entries:
    """Entries in any order, added up where a position occurs twice."""
    if np.all(np.diff(at) > 0):
        return Entries(at, values)
    unique, inverse = np.unique(at, return_inverse=True)
    if len(unique) == len(at):
        return Entries(unique, taken(values, np.argsort(at)))
    return Entries(unique, added_up(values, inverse, len(unique)))


# Leaves


def _eye(node: Expr, sparse: Sparse) -> Entries | None:
    n = node.shape[0]
    return Entries(np.arange(n) * (n + 1), number(1, (n,), node.ty))


def _constant(node: Expr, sparse: Sparse) -> Entries | None:
    if is_number(node):
        empty = Entries(np.arange(0), number(0, (0,), node.ty))
        return empty if is_value(node, 0) and node.ndim else None
    array = node.params[0].array.reshape(-1)
    at = np.flatnonzero(array)
    return None if len(at) == len(array) else Entries(at, constant(array[at]))


# Entry by entry


def _sum(node: Expr, sparse: Sparse) -> Entries | None:
    if any(x not in sparse for x in node.args):
        return None
    parts = [sparse[x] for x in node.args]
    at = parts[0].at
    if all(np.array_equal(p.at, at) for p in parts):
        return Entries(at, node.op.build(tuple([p.values for p in parts]), ()))
    values = layout.concat([p.values for p in parts], 0)
    return _sorted(np.concatenate([p.at for p in parts]), values)


def _product(node: Expr, sparse: Sparse) -> Entries | None:
    held = [sparse[x].at for x in node.args if x in sparse]
    if not held:
        return None
    at = held[0]
    for other in held[1:]:
        at = np.intersect1d(at, other, assume_unique=True)
    return Entries(at, MUL.build(tuple([_at(x, at, sparse) for x in node.args]), ()))


def _power(node: Expr, sparse: Sparse) -> Entries | None:
    base, exponent = node.args
    n = value_of(exponent)
    if base not in sparse or n is None or isinstance(n, bool) or not n > 0:
        return None
    at, values = sparse[base]
    _, _, _, ty = exponent.params
    return Entries(at, POW.build((values, number(n, values.shape, ty)), ()))


def _choice(node: Expr, sparse: Sparse) -> Entries | None:
    condition, a, b = node.args
    if a not in sparse or b not in sparse or condition in sparse:
        return None
    at = np.union1d(sparse[a].at, sparse[b].at)
    branches = [_spread(sparse[x], at) for x in (a, b)]
    return Entries(at, WHERE.build((picked(condition, at), *branches), ()))


def _spread(entries: Entries, at: Positions) -> Expr:
    """Values at more positions, zero where there was none."""
    if len(entries.at) == len(at):
        return entries.values
    return added_up(entries.values, np.searchsorted(at, entries.at), len(at))


# By the record of an op


def by_record(node: Expr, sparse: Sparse) -> Entries | None:
    """By the rule of the record, or by what else it says; everything else is full."""
    op = node.op
    if op.entries is not None:
        found = op.entries(node, [sparse.get(x) for x in node.args])
        return None if found is None else Entries(*found)
    if op.elementwise:
        return _function(node, sparse)
    if op.unrolled is None or _size(node) > MAX_UNROLLED:
        return None
    return _moved(node, sparse) if op.moves else _unrolled(node, sparse)


def _function(node: Expr, sparse: Sparse) -> Entries | None:
    """A function of entries that is exactly 0 where all operands are; everything else is full."""
    if not node.args or any(x not in sparse for x in node.args):
        return None
    zeros = (ZERO,) * len(node.args)
    if not is_linear(node) and value_of(node.op.build(zeros, node.params)) != 0:
        return None
    at = reduce(np.union1d, [sparse[x].at for x in node.args])
    return Entries(
        at, node.op.build(tuple([_spread(sparse[x], at) for x in node.args]), node.params)
    )


def is_linear(node: Expr) -> bool:
    """Whether the record says that a node is linear in its operands."""
    linear = node.op.linear
    return linear(node) if callable(linear) else linear


def _moved(node: Expr, sparse: Sparse) -> Entries | None:
    """Where an op that moves entries puts their numbers, counted from 1 through all operands."""
    parts = [_explicit(x, sparse) for x in node.args]
    numbered, count = [], 0
    for x, part in zip(node.args, parts, strict=True):
        places = np.zeros(_size(x), np.int64)
        places[part.at] = count + 1 + np.arange(len(part.at))
        numbered.append(places.reshape(x.shape))
        count += len(part.at)
    assert node.op.unrolled is not None
    source = node.op.unrolled(node, *numbered).reshape(-1)
    at = np.flatnonzero(source)
    if len(at) == len(source):
        return None
    return Entries(at, taken(layout.concat([p.values for p in parts], 0), source[at] - 1))


def _unrolled(node: Expr, sparse: Sparse) -> Entries | None:
    """The entries that arithmetic on single entries does not find to be zero; their values are picked."""
    if not any(x in sparse for x in node.args) or sum(map(_size, node.args)) > MAX_UNROLLED:
        return None
    arrays = []
    for k, x in enumerate(node.args):
        held = set(_explicit(x, sparse).at.tolist())
        entries = np.empty(_size(x), object)
        for place in range(_size(x)):
            known = place not in held
            entries[place] = ZERO if known else symbol(f"x{k}_{place}", unique=node)
        arrays.append(entries.reshape(x.shape))
    assert node.op.unrolled is not None
    found = np.asarray(node.op.unrolled(node, *arrays), object).ravel().tolist()
    kept = [not (is_value(x, 0) if isinstance(x, Expr) else x == 0) for x in found]
    return None if all(kept) else Entries(np.flatnonzero(kept), picked(node, np.flatnonzero(kept)))


# Places


def _reshape(node: Expr, sparse: Sparse) -> Entries | None:
    return sparse.get(node.args[0])


def _concatenation(node: Expr, sparse: Sparse) -> Entries | None:
    if not any(x in sparse for x in node.args):
        return None
    (axis,) = node.params
    positions, values, start = [], [], 0
    for x in node.args:
        part = _explicit(x, sparse)
        coordinates = unraveled(part.at, x.shape)
        coordinates[axis] = coordinates[axis] + start
        positions.append(flat(coordinates, node.shape))
        values.append(part.values)
        start += x.shape[axis]
    return _sorted(np.concatenate(positions), layout.concat(values, 0))


def _slice(node: Expr, sparse: Sparse) -> Entries | None:
    if node.args[0] not in sparse:
        return None
    at, values = sparse[node.args[0]]
    kept = np.ones(len(at), bool)
    moved: list[Any] = []
    shape = node.args[0].shape
    for c, entry, extent in zip(unraveled(at, shape), node.params.at, shape, strict=True):
        if isinstance(entry, int):
            kept &= c == entry % extent
            continue
        start, _, step, length = entry
        place, rest = np.divmod(c - start, step)
        kept &= (rest == 0) & (place >= 0) & (place < length)
        moved.append(place)
    rows = np.flatnonzero(kept)
    return _sorted(flat([c[rows] for c in moved], node.shape, len(rows)), taken(values, rows))


def _embedding(node: Expr, sparse: Sparse) -> Entries | None:
    (x,) = node.args
    part = _explicit(x, sparse)
    inner = iter(unraveled(part.at, x.shape))
    shape, index = node.params
    moved: list[Any] = []
    for entry, extent in zip(index, shape, strict=True):
        if isinstance(entry, int):
            moved.append(np.full(len(part.at), entry % extent))
        else:
            moved.append(entry[0] + entry[2] * next(inner))
    return _sorted(flat(moved, shape, len(part.at)), part.values)


def _scatter(node: Expr, sparse: Sparse) -> Entries | None:
    x, *indices = node.args
    if any(i.op is not CONST or is_number(i) for i in indices):
        return None
    part = _explicit(x, sparse)
    coordinates = unraveled(part.at, x.shape)
    rank = indices[0].ndim
    arrays = [i.params[0].array for i in indices]
    lead = [a[tuple(coordinates[:rank])] % d for a, d in zip(arrays, node.shape, strict=False)]
    return _sorted(flat([*lead, *coordinates[rank:]], node.shape, len(part.at)), part.values)


def _gather(node: Expr, sparse: Sparse) -> Entries | None:
    x, *indices = node.args
    if x not in sparse or any(i.op is not CONST or is_number(i) for i in indices):
        return None
    at, values = sparse[x]
    depth, rank = len(indices), indices[0].ndim
    picks = [i.params[0].array.reshape(-1) % d for i, d in zip(indices, x.shape, strict=False)]
    table = Table(len(at), dict(enumerate(unraveled(at, x.shape))))
    wanted = Table(len(picks[0]), dict(enumerate(picks)))
    rows, places = joined(table, wanted)
    lead = unraveled(places, indices[0].shape) if rank else []
    rest = [table.columns[axis][rows] for axis in range(depth, x.ndim)]
    return _sorted(flat([*lead, *rest], node.shape, len(rows)), taken(values, rows))


# Products


def _einsum(node: Expr, sparse: Sparse) -> Entries | None:
    """A join of the sparse operands on their labels, then sums over what the result lacks."""
    inputs, out, spread = node.params
    held = sorted(
        (k for k, x in enumerate(node.args) if x in sparse),
        key=lambda k: len(sparse[node.args[k]].at),
    )
    if not held:
        return None
    extents = dict(spread)
    for x, labels in zip(node.args, inputs, strict=True):
        extents.update(zip(labels, x.shape, strict=True))
    limit = MAX_FILL * max(_size(node), len(sparse[node.args[held[-1]]].at))
    table: Table | None = None
    for k in held:
        own = _table(node.args[k], inputs[k], sparse, k)
        table = own if table is None else table.joined_with(own, limit)
        if table is None:
            return None
    assert table is not None
    free = [
        n
        for n in dict.fromkeys((*out, *[n for ls in inputs for n in ls]))
        if n not in table.columns
    ]
    if table.length * np.prod([float(extents[n]) for n in free]) > limit:
        return None
    for n in free:
        table = expanded(table, n, extents[n])
    factors = []
    for k, (x, labels) in enumerate(zip(node.args, inputs, strict=True)):
        if x in sparse:
            factors.append(taken(sparse[x].values, table.columns[_row(k)]))
        else:
            where = flat([table.columns[n] for n in labels], x.shape, table.length)
            factors.append(picked(x, where))
    values = factors[0]
    for factor in factors[1:]:
        values = values * factor
    return _sorted(flat([table.columns[n] for n in out], node.shape, table.length), values)


def _row(k: int) -> int:
    """The column that holds the entry of operand `k`, named by a number that no label has."""
    return -1 - k


def _table(x: Expr, labels: Sequence[int], sparse: Sparse, k: int) -> Table:
    """The entries of an operand as a table with a column for each label."""
    at = sparse[x].at
    columns: dict[int, Any] = {}
    kept = np.ones(len(at), bool)
    for n, c in zip(labels, unraveled(at, x.shape), strict=True):
        kept &= columns.setdefault(n, c) == c
    rows = np.flatnonzero(kept)
    return Table(len(rows), {**{n: c[rows] for n, c in columns.items()}, _row(k): rows})


# Leaves, sums and products, and ops whose records would say it through arrays of the whole size
RULES: Final[dict[Any, Rule]] = {
    EYE: _eye,
    CONST: _constant,
    ADD: _sum,
    MUL: _product,
    POW: _power,
    WHERE: _choice,
    EINSUM: _einsum,
    RESHAPE: _reshape,
    layout.CONCAT: _concatenation,
    layout.SLICE: _slice,
    layout.EMBED: _embedding,
    SCATTER: _scatter,
    GATHER: _gather,
}
