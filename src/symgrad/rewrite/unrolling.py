"""Unrolling: arrays written out along chosen axes, so that each part of one is a formula of its own.

What a node is written out to is a grid over its chosen axes, an object array of expressions over the
other axes. Along all axes of small arrays the parts are entries: each entry of a result is a formula of
single entries, for code on floats and for columns of batches. Along one short axis of large arrays
(`symgrad.rewrite.short_axes`) they are arrays.

Entries known to be zero fold away on the way, and what parts have in common is one node. A symmetric
result has each pair of entries once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.expr.identifiers import Names
from symgrad.expr.leaves import (
    CONST,
    EYE,
    NAMED_NUMBER,
    SYMBOL,
    is_number,
    number,
    symbol,
    value_of,
)
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.expr.tuning import tuning
from symgrad.expr.types import FLOAT, Ty
from symgrad.ops.arithmetic import add_all, mul_all
from symgrad.ops.cast import CAST, cast
from symgrad.ops.einsum import EINSUM, einsum_node, insert_axes
from symgrad.ops.gathering import GATHER, SCATTER
from symgrad.ops.layout import concat, full_entry, slice_of
from symgrad.ops.symmetry import is_symmetric

Grid = Any  # numpy object array of Expr

ENTRY_ASSUMPTIONS: Final = ("positive", "negative", "nonnegative", "nonzero", "real", "integer")


class EntryScalars(NamedTuple):
    """The entries of parameters and of outputs."""

    parameters: list[Grid]
    outputs: list[Grid]

    def flat(self) -> tuple[list[Expr], list[Expr]]:
        """All entries of the parameters, and of the outputs, in order."""
        inputs = [x for grid in self.parameters for x in grid.ravel()]
        return inputs, [y for grid in self.outputs for y in grid.ravel()]


def has_entries(
    parameters: Sequence[Expr], outputs: Sequence[Expr], most: int | None = None
) -> bool:
    """Whether formulas of floats may be written entry by entry: small known shapes, known ops.

    Arguments and results have at most so many entries, by default those for code on floats.
    """
    order, most = toposort(outputs), tuning().argument_entries if most is None else most
    return (
        any(x.shape for x in (*parameters, *order))
        and all(x.ty is FLOAT and _is_small(x, most) for x in parameters)
        and all((y.ty is FLOAT or y.ty.weak) and _is_small(y, most) for y in outputs)
        and all(map(_is_written_out, order))
    )


def _is_written_out(x: Expr) -> bool:
    """Whether there is a rule for a node; places to pick from must be known."""
    if x.op in PICKING:
        return all(index.op is CONST for index in x.args[1:])
    return x.op in RULES or x.op.elementwise or x.op.unrolled is not None


def _is_small(x: Expr, most: int) -> bool:
    known = all(isinstance(d, int) for d in x.shape)
    return known and 0 < math.prod(d for d in x.shape if isinstance(d, int)) <= most


def by_entries(
    parameters: Sequence[tuple[str, Expr]], outputs: Sequence[Expr], most: int | None = None
) -> EntryScalars | None:
    """The entries of outputs that have them; None where they are too many.

    Parameters come with the identifiers that the names of their entries are made of. All nodes have at
    most so many entries together, by default those for code on floats.
    """
    order, most = toposort(outputs), tuning().float_entries if most is None else most
    if sum([_size(node) for node in order]) > min(most, tuning().step_cost * len(order)):
        return None
    names = Names([identifier for identifier, _ in parameters])
    parts = UnrolledParts(lambda x: tuple(range(x.ndim)))
    grids = parts.grids
    grids.update({x: _symbols(identifier, x, names) for identifier, x in parameters})
    for node in order:
        if node not in grids:
            grids[node] = RULES.get(node.op, _by_record)(node, parts)
    return EntryScalars(
        [grids[x] for _, x in parameters], [_mirrored(y, grids[y]) for y in outputs]
    )


def pays(steps: int, array_steps: int) -> bool:
    """Whether steps on floats, in place of steps of array code, gain more than to write them costs."""
    t = tuning()
    gain = t.step_cost * array_steps - steps
    return steps <= t.float_steps and t.calls * gain >= t.writing_cost * steps


def call_that_pays(outputs: Sequence[Expr], array_steps: int) -> int:
    """The call at which code on floats is written in place of array code of so many steps.

    That is the second, since many functions are called once; but where there is much to write, that
    by which calls of array code have lost as much as to write it takes.
    """
    t = tuning()
    steps = sum([_size(node) for node in toposort(outputs) if node.args]) // 2
    if steps <= t.prompt_steps:
        return 2
    gain = max(t.step_cost * array_steps - steps, t.step_cost * array_steps // 4, 1)
    return t.writing_cost * steps // gain


def _size(node: Expr) -> int:
    """The entries of a node; those of a product before it is summed."""
    if node.op is EINSUM:
        return math.prod(_extents(node).values())
    return math.prod(d for d in node.shape if isinstance(d, int))


def _grid(entries: Sequence[Expr], shape: Any) -> Grid:
    grid = np.empty(len(entries), object)
    for k, entry in enumerate(entries):
        grid[k] = entry
    return grid.reshape(shape)


def single(x: Expr) -> Grid:
    """The grid of what is whole."""
    return _grid([x], ())


def _number(value: Any, ty: Ty) -> Expr:
    """An entry that is a number; where entries are of float64 anyway, exact ones stay exact."""
    return number(value) if ty is FLOAT else number(value, (), ty)


def _filled(shape: Any, value: Expr) -> Grid:
    return _grid([value] * math.prod(shape), shape)


def _symbols(identifier: str, x: Expr, names: Names) -> Grid:
    """A scalar symbol for each entry, with the identifier of its own in code."""
    held = {key: True for key in x.params.held if key in ENTRY_ASSUMPTIONS}
    entries = []
    for at in _places(range(x.ndim), dict(enumerate(x.shape))):
        name = names.fresh(identifier + "_".join(map(str, at))) if at else identifier
        entries.append(symbol(name, unique=(x, at), **held))
    return _grid(entries, x.shape)


def _mirrored(y: Expr, grid: Grid) -> Grid:
    """A symmetric matrix, with the entries above its diagonal below it too."""
    if y.ndim == 2 and is_symmetric(y):
        below = np.tril_indices(grid.shape[0], -1)
        grid = grid.copy()
        grid[below] = grid.T[below]
    return grid


class UnrolledParts:
    """Nodes that are written out: `axes` tells along which axes, `grids` holds the parts of each.

    A node that is written out along no axis has a grid of shape (), which holds it whole.
    """

    def __init__(self, axes: Callable[[Expr], tuple[int, ...]]) -> None:
        self.axes = axes
        self.grids: dict[Expr, Grid] = {}

    def of(self, x: Expr, axes: tuple[int, ...], at: tuple[int, ...]) -> Expr:
        """The part of an operand at places along some axes; one that is whole is cut there."""
        part: Expr
        if self.axes(x) == axes:
            part = self.grids[x][at]
        else:
            assert not self.axes(x)
            places = dict(zip(axes, at, strict=True))
            index = [places.get(k, full_entry(d)) for k, d in enumerate(x.shape)]
            part = slice_of(self.grids[x][()], tuple(index))
        return part

    def elementwise(self, node: Expr) -> Grid:
        """Each part by the parts of the operands, which have its shape."""
        axes = self.axes(node)
        shape = tuple([node.shape[k] for k in axes])
        if all(self.axes(x) == axes for x in node.args):
            rows = [*zip(*[self.grids[x].ravel() for x in node.args], strict=True)]
        else:
            rows = [tuple([self.of(x, axes, at) for x in node.args]) for at in np.ndindex(shape)]
        return _grid([node.op.build(args, node.params) for args in rows], shape)

    def contracted(self, node: Expr) -> Grid:
        """``out[i, ...] = sum over k, ... of products``, with what is zero left out.

        Labels of axes that are written out go through their values; the others stay labels. A result that
        is whole has its parts along the label joined.
        """
        inputs, out, _ = node.params
        pairs = [*zip(node.args, inputs, strict=True)]
        extents = _extents(node)
        split = {labels[k] for x, labels in pairs for k in self.axes(x)}
        split |= {out[k] for k in self.axes(node)}
        outer = [n for n in out if n in split]
        summed = [n for n in extents if n in split and n not in out]
        inner = [dict(zip(summed, at, strict=True)) for at in _places(summed, extents)]
        term = self._product if len(split) == len(extents) else self._contraction
        entries = []
        for at in _places(outer, extents):
            known = dict(zip(outer, at, strict=True))
            terms = [term(node, known | rest) for rest in inner]
            kept = [t for t in terms if not _is_zero(t)]
            entries.append(add_all(kept) if kept else _number(0, node.ty))
        if outer and not self.axes(node):
            return single(_joined(entries, out.index(*outer)))
        return _grid(entries, tuple([extents[n] for n in outer]))

    def _product(self, node: Expr, at: Mapping[int, int]) -> Expr:
        """The product of entries at values of all labels."""
        pairs = zip(node.args, node.params.inputs, strict=True)
        factors = [self.grids[x][tuple([at[n] for n in labels])] for x, labels in pairs]
        zeros = [f for f in factors if _is_zero(f)]
        return zeros[0] if zeros else mul_all(factors)

    def _contraction(self, node: Expr, at: Mapping[int, int]) -> Expr:
        """The contraction of parts at values of some labels."""
        inputs, out, spread = node.params
        args = []
        for x, labels in zip(node.args, inputs, strict=True):
            axes = tuple([k for k, n in enumerate(labels) if n in at])
            args.append(self.of(x, axes, tuple([at[labels[k]] for k in axes])))
        left = [tuple([n for n in labels if n not in at]) for labels in (*inputs, out)]
        return einsum_node(args, left[:-1], left[-1], {n: d for n, d in spread if n not in at})


def _joined(parts: Sequence[Expr], axis: int) -> Expr:
    return concat([insert_axes(part, [axis]) for part in parts], axis)


# Nodes, written out along all axes


def _by_record(node: Expr, parts: UnrolledParts) -> Grid:
    """By the record's own form, in which plain numbers may stand; else entry by entry."""
    if node.op.unrolled is None:
        return parts.elementwise(node)
    found = np.asarray(node.op.unrolled(node, *[parts.grids[x] for x in node.args]), object)
    entries = [x if x.__class__ is Expr else _number(x, node.ty) for x in found.ravel()]
    return _grid(entries, node.shape)


def _cast(node: Expr, parts: UnrolledParts) -> Grid:
    """Entries in another type; numbers in float64 need none."""
    (ty,) = node.params
    entries = parts.grids[node.args[0]].ravel()
    return _grid([x if ty is FLOAT and x.ty.weak else cast(x, ty) for x in entries], node.shape)


def _leaf(node: Expr, parts: UnrolledParts) -> Grid:
    return single(node)


def _constant(node: Expr, parts: UnrolledParts) -> Grid:
    if is_number(node):
        return _filled(node.shape, _number(node.params[0], node.ty))
    array = node.params[0].array
    return _grid([number(v, (), node.ty) for v in array.ravel().tolist()], node.shape)


def _eye(node: Expr, parts: UnrolledParts) -> Grid:
    pair = _number(0, node.ty), _number(1, node.ty)
    return _grid([pair[v] for v in np.eye(node.params.extent, dtype=int).ravel()], node.shape)


def _gathered(node: Expr, parts: UnrolledParts) -> Grid:
    """The entries at known places."""
    grid = parts.grids[node.args[0]][_indices(node, parts)]
    return _grid(list(grid.ravel()), node.shape) if isinstance(grid, np.ndarray) else single(grid)


def _scattered(node: Expr, parts: UnrolledParts) -> Grid:
    """What is added at each known place."""
    shape: Any = node.shape
    places = np.arange(math.prod(shape)).reshape(shape)[_indices(node, parts)]
    terms: list[list[Expr]] = [[] for _ in range(math.prod(shape))]
    for place, entry in zip(places.ravel(), parts.grids[node.args[0]].ravel(), strict=True):
        if not _is_zero(entry):
            terms[place].append(entry)
    return _grid([add_all(t) if t else _number(0, node.ty) for t in terms], shape)


def _indices(node: Expr, parts: UnrolledParts) -> tuple[Any, ...]:
    """The arrays of places, on the leading axes, that a node picks or fills."""
    grids = [parts.grids[index] for index in node.args[1:]]
    return tuple([np.array([value_of(e) for e in g.ravel()], int).reshape(g.shape) for g in grids])


def _extents(node: Expr) -> dict[int, Any]:
    """The extent of each label of a product."""
    inputs, _, spread = node.params
    extents = dict(spread)
    for x, labels in zip(node.args, inputs, strict=True):
        extents.update(zip(labels, x.shape, strict=True))
    return extents


def _places(labels: Sequence[int], extents: Mapping[int, Any]) -> list[tuple[int, ...]]:
    return list(product(*[range(extents[n]) for n in labels]))


def _is_zero(x: Expr) -> bool:
    """Whether an entry is exactly zero; a float of value zero makes nan of inf."""
    value = value_of(x)
    return value.__class__ is int and value == 0


# Leaves, and what is not by `Op.unrolled`: numbers are typed by them, and products leave zeros out
RULES: Final[dict[Any, Callable[[Expr, UnrolledParts], Grid]]] = {
    SYMBOL: _leaf,
    NAMED_NUMBER: _leaf,
    CONST: _constant,
    EYE: _eye,
    CAST: _cast,
    EINSUM: lambda node, parts: parts.contracted(node),
    GATHER: _gathered,
    SCATTER: _scattered,
}
PICKING: Final = (GATHER, SCATTER)
