"""The ops that move entries without arithmetic: concatenate, slice, and its adjoint, embed.

The adjoint of a slice embeds its cotangent in zeros, an op of its own, so that derivatives of any order
close.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import ShapeError
from symgrad.expr.dims import (
    Dim,
    Shape,
    add_dims,
    floordiv_dims,
    map_dim,
    map_shape,
    mul_dims,
    show_shape,
)
from symgrad.expr.interval import point
from symgrad.expr.kinds import WHOLE, Concatenate, Index, Place, Span
from symgrad.expr.leaves import CONST, constant, is_value, number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Columns, Op, Params, Rename
from symgrad.expr.order import BETWEEN, LONGEST, natural
from symgrad.expr.types import Ty, promote
from symgrad.ops.batch import axis_behind
from symgrad.ops.cast import cast_number
from symgrad.ops.guard import WHERE, is_guard, move_guard
from symgrad.ops.reshaping import filled, linear

# An entry of a basic index: an int, which drops its axis, or (start, stop, step, length)
Entry = Any


def _rest(t: Expr, y: Expr) -> tuple[Entry, ...]:
    """Whole-axis entries for the trailing axes of a tangent of the operand of `y`."""
    return tuple(full_entry(d) for d in t.shape[y.args[0].ndim :])


# Concatenation


class AxisParams(NamedTuple):
    """The axis along which it goes."""

    axis: int


def concat(args: Sequence[Expr], axis: int) -> Expr:
    """Operands joined along an axis; their other extents agree."""
    if len(args) == 1:
        return args[0]
    ty = promote(*[a.ty for a in args])
    args = tuple([cast_number(a, ty) for a in args])
    return make(CONCAT, args, (axis,), *_infer_concat(args, (axis,)))


def _infer_concat(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    (axis,) = params
    first = args[0].shape
    for arg in args[1:]:
        same = len(arg.shape) == len(first) and all(
            a == b for i, (a, b) in enumerate(zip(arg.shape, first, strict=True)) if i != axis
        )
        if not same:
            raise ShapeError(
                f"cannot concatenate {show_shape(first)} and {show_shape(arg.shape)} along axis"
                f" {axis}: all other extents must agree"
            )
    total = add_dims(*[arg.shape[axis] for arg in args])
    return (*first[:axis], total, *first[axis + 1 :]), promote(*[a.ty for a in args])


def _concat_cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    (axis,) = y.params
    result: list[Expr | None] = []
    start: Dim = 0
    for arg, wanted in zip(y.args, needed, strict=True):
        stop = add_dims(start, arg.shape[axis])
        result.append(part(g, axis, start, stop) if wanted else None)
        start = stop
    return result


def part(x: Expr, axis: int, start: Dim, stop: Dim) -> Expr:
    """The entries from `start` up to `stop` along one axis."""
    length = add_dims(stop, _negated(start))
    entries = [full_entry(d) for d in x.shape]
    entries[axis] = (start, stop, 1, length)
    return slice_of(x, tuple(entries))


def _negated(dim: Dim) -> Dim:
    return mul_dims(-1, dim)


def _concat_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    extra = next((t.shape[y.ndim :] for t in tangents if t is not None), None)
    if extra is None:
        return None
    parts = [
        number(0, (*arg.shape, *extra)) if t is None else t
        for t, arg in zip(tangents, y.args, strict=True)
    ]
    return concat(parts, y.params.axis)


def _concat_columns(node: Expr, axis: int, seed: Expr) -> Columns | None:
    (along,) = node.params
    if along == axis:
        return None
    return [(x, axis) for x in node.args], lambda parts: concat(parts, along)


CONCAT: Final = Op(
    name="concatenate",
    fields=AxisParams,
    moves=True,
    build=lambda args, params: concat(args, *params),
    infer=_infer_concat,
    vjp=_concat_cotangents,
    jvp=_concat_tangent,
    numpy=lambda node: Concatenate(node.params.axis),
    text=lambda node: "concatenate([" + ", ".join(f"{{{i}}}" for i in range(len(node.args))) + "])",
    range=lambda y, *parts: reduce(or_, parts),
    batch=axis_behind,
    columns=_concat_columns,
    unrolled=lambda node, *arrays: np.concatenate(arrays, node.params.axis),
)


# Slices


class SliceParams(NamedTuple):
    """The basic index, an entry for each axis of the operand."""

    at: tuple[Entry, ...]


def full_entry(dim: Dim) -> Entry:
    """The index entry that takes a whole axis."""
    return (0, dim, 1, dim)


def slice_entry(key: slice, dim: Dim, shape: Shape) -> Entry:
    """A Python slice on an axis of extent `dim` as (start, stop, step, length).

    Of a symbolic extent it is taken that it reaches as far as the slice's own bounds.
    """
    for bound in (key.start, key.stop, key.step):
        if bound is not None and not hasattr(bound, "__index__"):
            raise ShapeError(f"a bound of a slice must be an int, not {bound!r}")
    step = 1 if key.step is None else key.step.__index__()
    if step == 0:
        raise ShapeError("the step of a slice must not be zero")
    if isinstance(dim, int):
        start, stop, step = key.indices(dim)
        length = len(range(start, stop, step))
        stop = start + length * step
        return (start, stop, step, length)
    start = _bound(key.start, dim, 0 if step > 0 else add_dims(dim, -1))
    stop = _bound(key.stop, dim, dim if step > 0 else -1)
    ahead = add_dims(stop, _negated(start)) if step > 0 else add_dims(start, _negated(stop))
    length = floordiv_dims(add_dims(ahead, abs(step) - 1), abs(step))
    if isinstance(length, int) and length < 0:
        length, stop = 0, start
    return (start, stop, step, length)


def _bound(value: Any, dim: Dim, default: Dim) -> Dim:
    if value is None:
        return default
    index = value.__index__()
    return index if index >= 0 else add_dims(dim, index)


def slice_of(x: Expr, index: tuple[Entry, ...]) -> Expr:
    """``x[index]`` for a basic index with one entry per axis."""
    shape = _sliced_shape(index)
    if all(
        e.__class__ is tuple and e == full_entry(d) for e, d in zip(index, x.shape, strict=True)
    ):
        return x
    spread = filled(x, shape)
    if spread is not None:
        return spread
    if not shape and x.op is CONST:
        return constant(x.params[0].array[index])
    if x.op is WHERE and is_guard(x):
        return move_guard(x, lambda arg: slice_of(arg, index))
    if x.op is CONCAT:
        picked = _slice_concat(x, index)
        if picked is not None:
            return picked
    if x.op is EMBED:
        picked = _slice_embed(x, index)
        if picked is not None:
            return picked
    if x.op is SLICE:
        merged = _slice_slice(x, index)
        if merged is not None:
            return merged
    return make(SLICE, (x,), (index,), shape, x.ty)


def _sliced_shape(index: tuple[Entry, ...]) -> Shape:
    return tuple([entry[3] for entry in index if entry.__class__ is tuple])


def _slice_concat(x: Expr, index: tuple[Entry, ...]) -> Expr | None:
    """A slice that lies within one operand of a concatenation is a slice of that operand."""
    (axis,) = x.params
    entry = index[axis]
    whole = _whole_operand(x, axis, entry)
    if whole is not None:
        return slice_of(whole, (*index[:axis], full_entry(whole.shape[axis]), *index[axis + 1 :]))
    first, last = (entry, entry) if entry.__class__ is int else (entry[0], _last(entry))
    if not isinstance(first, int) or not isinstance(last, int) or min(first, last) < 0:
        return None
    offset = 0
    for arg in x.args:
        size = arg.shape[axis]
        if not isinstance(size, int):
            return None
        if offset <= min(first, last) and max(first, last) < offset + size:
            moved = entry - offset if entry.__class__ is int else _shifted(entry, -offset)
            return slice_of(arg, (*index[:axis], moved, *index[axis + 1 :]))
        offset += size
    return None


def _whole_operand(x: Expr, axis: int, entry: Entry) -> Expr | None:
    """The operand of a concatenation that an entry picks as a whole, whatever its extent."""
    if entry.__class__ is int or entry[2] != 1:
        return None
    start: Dim = 0
    for arg in x.args:
        if (entry[0], entry[3]) == (start, arg.shape[axis]):
            return arg
        start = add_dims(start, arg.shape[axis])
    return None


def _slice_embed(x: Expr, index: tuple[Entry, ...]) -> Expr | None:
    """A slice of what stands in zeros: all of it, a part of it, or zeros alone; else None."""
    inner: list[Entry] = []
    whole = True
    for entry, place in zip(index, x.params.at, strict=True):
        if entry == place:
            inner += [full_entry(place[3])] if place.__class__ is tuple else []
            continue
        wanted, held = _indices(entry), _indices(place)
        if wanted is None or held is None or (wanted[0] < 0) != (held[0] < 0):
            whole = False  # a place may be counted from either end of a named extent
        elif not _overlap(wanted, held):
            return number(0, _sliced_shape(index), x.ty)
        elif place.__class__ is int or not all(i in held for i in (*wanted[:2], wanted[-1])):
            whole = False
        else:
            inner.append(_place_in(held, entry, wanted))
    return slice_of(x.args[0], tuple(inner)) if whole else None


def _indices(entry: Entry) -> range | None:
    """The places that an index entry picks; None where they are not known, or none."""
    if entry.__class__ is int:
        return range(entry, entry + 1)
    start, _, step, length = entry
    if not isinstance(start, int) or not isinstance(length, int) or length <= 0:
        return None
    return range(start, start + step * length, step)


def _overlap(a: range, b: range) -> bool:
    """Whether two ranges may share a place; strides are looked at where one is a single place."""
    if len(a) == 1 or len(b) == 1:
        return (a[0] in b) if len(a) == 1 else (b[0] in a)
    return min(a[0], a[-1]) <= max(b[0], b[-1]) and min(b[0], b[-1]) <= max(a[0], a[-1])


def _place_in(held: range, entry: Entry, wanted: range) -> Entry:
    """An index entry in terms of the places that hold all that it picks."""
    first = held.index(wanted[0])
    if entry.__class__ is int:
        return first
    step = held.index(wanted[1]) - first if len(wanted) > 1 else 1
    return (first, first + step * len(wanted), step, len(wanted))


def _last(entry: Entry) -> Any:
    start, _, step, length = entry
    known = isinstance(start, int) and isinstance(length, int)
    return start + (length - 1) * step if known and length > 0 else None


def _shifted(entry: Entry, by: int) -> Entry:
    start, stop, step, length = entry
    return (start + by, stop + by, step, length)


def _slice_slice(x: Expr, index: tuple[Entry, ...]) -> Expr | None:
    """A slice of a slice, merged where all bounds are known."""
    outer = iter(index)
    merged: list[Entry] = []
    for entry in x.params.at:
        if entry.__class__ is int:
            merged.append(entry)
            continue
        start, _, step, length = entry
        then = next(outer)
        if then.__class__ is tuple and then == full_entry(length):
            merged.append(entry)
        elif then.__class__ is int and isinstance(start, int) and then >= 0:
            merged.append(start + then * step)
        elif then.__class__ is tuple and all(isinstance(v, int) for v in (*then, start)):
            first, size = start + then[0] * step, then[3]
            merged.append((first, first + size * step * then[2], step * then[2], size))
        else:
            return None
    return slice_of(x.args[0], tuple(merged))


def span(entry: Entry, extent: Dim) -> Any:
    """An index entry with None where an axis begins or ends."""
    if entry.__class__ is int:
        return entry
    start, stop, step, count = entry
    if count == 0:  # a start before the first entry, read as one from the end, would take some
        return Span(None, 0, 1)
    if step > 0:
        ends = stop == extent or (
            isinstance(stop, int) and isinstance(extent, int) and stop > extent
        )
        return Span(None if start == 0 else start, None if ends else stop, step)
    head = None if add_dims(extent, -1) == start else start
    return Span(head, None if isinstance(stop, int) and stop < 0 else stop, step)


def spans(index: tuple[Entry, ...], shape: Shape) -> tuple[Any, ...]:
    """The entries of a basic index into an array of a shape, as code has them."""
    return tuple([span(e, d) for e, d in zip(index, shape, strict=True)])


def index_text(index: tuple[Entry, ...], shape: Shape) -> str:
    """A basic index as text, without brackets; trailing whole axes are left out."""
    entries = [span_text(e) for e in short_index(spans(index, shape))]
    return ", ".join(entries)


def short_index(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    """An index without trailing whole axes, but for one."""
    while len(entries) > 1 and entries[-1] == WHOLE:
        entries = entries[:-1]
    return entries


def span_text(entry: Any) -> str:
    """An index entry as text."""
    if entry.__class__ is int:
        return str(entry)
    head, tail, step = ["" if d is None else str(d) for d in entry]
    return f"{head}:{tail}" if entry.step == 1 else f"{head}:{tail}:{step}"


def _map_index(index: tuple[Entry, ...], rename: Rename) -> tuple[Entry, ...]:
    return tuple(
        e
        if e.__class__ is int
        else (*(map_dim(v, rename) for v in e[:2]), e[2], map_dim(e[3], rename))
        for e in index
    )


def _build_slice(args: tuple[Expr, ...], params: Params) -> Expr:
    (x,), (index,) = args, params
    for entry, dim in zip(index, x.shape, strict=True):
        if isinstance(dim, int) and not _within(entry, dim):
            raise ShapeError(
                f"the index [{index_text(index, x.shape)}] reaches beyond an operand of shape"
                f" {show_shape(x.shape)}"
            )
    return slice_of(x, index)


def _within(entry: Entry, dim: int) -> bool:
    """Whether an index entry, which a named extent may have given, picks entries that there are."""
    if entry.__class__ is int:
        return bool(-dim <= entry < dim)
    start, _, step, length = entry
    last = start + (length - 1) * step
    return bool(length == 0 or (length > 0 and min(start, last) >= 0 and max(start, last) < dim))


def _order_of_slice(args: tuple[Expr, ...], params: Params, rank: str) -> str:
    """An entry stands beside its array: ``p[0]`` is a variable like p."""
    at = f"{BETWEEN}{natural(repr(params[0]))}"[: LONGEST // 2]
    return f"{rank}{args[0].order_text[1 : LONGEST // 2]}{at}"


def places_of(index: tuple[Entry, ...]) -> tuple[Any, ...]:
    """A basic index of known bounds as NumPy takes it."""
    return tuple(
        e if e.__class__ is int else slice(e[0], None if e[1] < 0 else e[1], e[2]) for e in index
    )


def _slice_columns(node: Expr, axis: int, seed: Expr) -> Columns | None:
    (x,), (index,) = node.args, node.params
    kept = [k for k, entry in enumerate(index) if not isinstance(entry, int)]
    place = kept[axis]
    if index[place] != full_entry(x.shape[place]):
        return None
    moved = (*index[:place], full_entry(seed.shape[1]), *index[place + 1 :])
    return [(x, place)], lambda parts: slice_of(parts[0], moved)


SLICE: Final = Op(
    name="getitem",
    order=_order_of_slice,
    fields=SliceParams,
    moves=True,
    build=_build_slice,
    infer=lambda args, params: (_sliced_shape(*params), args[0].ty),
    vjp=lambda g, y, needed: [embed_in(cast_number(g, y.ty), y.args[0].shape, y.params.at)],
    jvp=linear(lambda y, t: slice_of(t, (*y.params.at, *_rest(t, y)))),
    numpy=lambda node: Index(short_index(spans(node.params.at, node.args[0].shape))),
    text=lambda node: f"{{0}}[{index_text(node.params.at, node.args[0].shape)}]",
    map_dims=lambda params, rename: (_map_index(params[0], rename),),
    range=lambda y, x: x,
    batch=lambda node, args, carries, dim: slice_of(args[0], (full_entry(dim), *node.params.at)),
    columns=_slice_columns,
    unrolled=lambda node, x: np.asarray(x[places_of(node.params.at)], x.dtype),
)


class EmbedParams(NamedTuple):
    """The shape of the zeros, and the basic index at which the operand stands in them."""

    shape: Shape
    at: tuple[Entry, ...]


def embed_in(x: Expr, shape: Shape, index: tuple[Entry, ...]) -> Expr:
    """Zeros of `shape` with `x` at `index`: the adjoint of a slice."""
    if is_value(x, 0):
        return number(0, shape)
    if x.shape == shape and all(map(_takes_all, index, shape)):  # whole axes, some reversed
        return slice_of(x, index)
    if x.op is WHERE and is_guard(x):
        return move_guard(x, lambda arg: embed_in(arg, shape, index))
    return make(EMBED, (x,), (shape, index), shape, x.ty)


def _takes_all(entry: Entry, dim: Dim) -> bool:
    """Whether an entry takes a whole axis, forwards or backwards."""
    return entry.__class__ is tuple and entry in (full_entry(dim), (add_dims(dim, -1), -1, -1, dim))


def _place(node: Expr) -> Place:
    shape, index = node.params
    return Place(shape, (spans(index, shape),), (False,))


def _unrolled_embed(node: Expr, x: Any) -> Any:
    grid = np.zeros(node.shape, x.dtype)
    grid[places_of(node.params.at)] = x if x.shape else x.item()
    return grid


def _embed_columns(node: Expr, axis: int, seed: Expr) -> Columns | None:
    (x,), (shape, index) = node.args, node.params
    if index[axis] != full_entry(shape[axis]):
        return None
    place = sum(not isinstance(entry, int) for entry in index[:axis])
    wide = (*shape[:axis], seed.shape[1], *shape[axis + 1 :])
    moved = (*index[:axis], full_entry(seed.shape[1]), *index[axis + 1 :])
    return [(x, place)], lambda parts: embed_in(parts[0], wide, moved)


EMBED: Final = Op(
    name="embed",
    fields=EmbedParams,
    moves=True,
    build=lambda args, params: embed_in(args[0], *params),
    infer=lambda args, params: (params[0], args[0].ty),
    vjp=lambda g, y, needed: [slice_of(g, y.params.at)],
    jvp=linear(
        lambda y, t: embed_in(
            t, (*y.shape, *t.shape[y.args[0].ndim :]), (*y.params.at, *_rest(t, y))
        )
    ),
    numpy=_place,
    text=lambda node: (
        f"embed({{0}}, {show_shape(node.shape)}, [{index_text(node.params.at, node.shape)}])"
    ),
    map_dims=lambda params, rename: (map_shape(params[0], rename), _map_index(params[1], rename)),
    range=lambda y, x: x | point(0),
    batch=lambda node, args, carries, dim: embed_in(
        args[0], (dim, *node.params.shape), (full_entry(dim), *node.params.at)
    ),
    columns=_embed_columns,
    unrolled=_unrolled_embed,
)
