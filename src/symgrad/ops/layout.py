"""The ops that move entries without arithmetic: reshape, concatenate, slice, gather; and adjoints.

The adjoint of a slice embeds its cotangent in zeros, the adjoint of a gather adds it up where the
entries came from; each is an op of its own, so that derivatives of any order close.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any, Final

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
from symgrad.expr.leaves import CONST, constant, is_value, number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params, Rename
from symgrad.expr.types import FLOAT, Ty, promote
from symgrad.ops.cast import cast_number
from symgrad.ops.guard import WHERE, is_guard, move_guard
from symgrad.ops.reshaping import filled, linear, shape_code

# An entry of a basic index: an int, which drops its axis, or (start, stop, step, length)
Entry = Any


def _rest(t: Expr, y: Expr) -> tuple[Entry, ...]:
    """Whole-axis entries for the trailing axes of a tangent of the operand of `y`."""
    return tuple(full_entry(d) for d in t.shape[y.args[0].ndim :])


# Concatenation


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
    return concat(parts, y.params[0])


def _concat_code(node: Expr, dim: Any) -> str:
    operands = ", ".join(f"{{{i}}}" for i in range(len(node.args)))
    axis = f", axis={node.params[0]}" if node.params[0] else ""
    return f"np.concatenate([{operands}]{axis})"


CONCAT: Final = Op(
    name="concatenate",
    build=lambda args, params: concat(args, params[0]),
    infer=_infer_concat,
    vjp=_concat_cotangents,
    jvp=_concat_tangent,
    numpy=_concat_code,
    text=lambda node: "concatenate([" + ", ".join(f"{{{i}}}" for i in range(len(node.args))) + "])",
    range=lambda y, *parts: reduce(or_, parts),
)


# Slices


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
    for entry, place in zip(index, x.params[1], strict=True):
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
    for entry in x.params[0]:
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


def entry_code(entry: Entry, extent: Dim, dim: Any) -> str:
    if entry.__class__ is int:
        return str(entry)
    start, stop, step, _ = entry
    if (start, stop, step) == (0, extent, 1):
        return ":"
    if step > 0:
        head = "" if start == 0 else dim(start)
        tail = "" if stop == extent else dim(stop)
    else:
        head = "" if add_dims(extent, -1) == start else dim(start)
        tail = dim(stop) if not (isinstance(stop, int) and stop < 0) else ""
    return f"{head}:{tail}" if step == 1 else f"{head}:{tail}:{step}"


def index_code(index: tuple[Entry, ...], shape: Shape, dim: Any) -> str:
    """A basic index as Python code, without brackets; trailing whole axes are left out."""
    entries = [entry_code(e, d, dim) for e, d in zip(index, shape, strict=True)]
    while len(entries) > 1 and entries[-1] == ":":
        entries.pop()
    return ", ".join(entries)


def _map_index(index: tuple[Entry, ...], rename: Rename) -> tuple[Entry, ...]:
    return tuple(
        e
        if e.__class__ is int
        else (*(map_dim(v, rename) for v in e[:2]), e[2], map_dim(e[3], rename))
        for e in index
    )


def _build_slice(args: tuple[Expr, ...], params: Params) -> Expr:
    (x,) = args
    for entry, dim in zip(params[0], x.shape, strict=True):
        if isinstance(dim, int) and not _within(entry, dim):
            raise ShapeError(
                f"the index [{index_code(params[0], x.shape, str)}] reaches beyond an operand of shape"
                f" {show_shape(x.shape)}"
            )
    return slice_of(x, params[0])


def _within(entry: Entry, dim: int) -> bool:
    """Whether an index entry, which a named extent may have given, picks entries that there are."""
    if entry.__class__ is int:
        return bool(-dim <= entry < dim)
    start, _, step, length = entry
    last = start + (length - 1) * step
    return bool(length == 0 or (length > 0 and min(start, last) >= 0 and max(start, last) < dim))


SLICE: Final = Op(
    name="getitem",
    build=_build_slice,
    infer=lambda args, params: (_sliced_shape(params[0]), args[0].ty),
    vjp=lambda g, y, needed: [embed_in(cast_number(g, y.ty), y.args[0].shape, y.params[0])],
    jvp=linear(lambda y, t: slice_of(t, (*y.params[0], *_rest(t, y)))),
    numpy=lambda node, dim: f"{{0}}[{index_code(node.params[0], node.args[0].shape, dim)}]",
    text=lambda node: f"{{0}}[{index_code(node.params[0], node.args[0].shape, str)}]",
    map_dims=lambda params, rename: (_map_index(params[0], rename),),
    range=lambda y, x: x,
)


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


def _embed_code(node: Expr, dim: Any) -> str:
    shape, index = node.params
    entries = [
        str(e) if e.__class__ is int else _slice_code(entry_code(e, d, dim))
        for e, d in zip(index, shape, strict=True)
    ]
    tail = "," if len(entries) == 1 else ""
    return f"_embed({{0}}, {shape_code(shape, dim)}, ({', '.join(entries)}{tail}))"


def _slice_code(text: str) -> str:
    bounds = [bound or "None" for bound in text.split(":")]
    return f"slice({', '.join(bounds)})"


EMBED: Final = Op(
    name="embed",
    build=lambda args, params: embed_in(args[0], *params),
    infer=lambda args, params: (params[0], args[0].ty),
    vjp=lambda g, y, needed: [slice_of(g, y.params[1])],
    jvp=linear(
        lambda y, t: embed_in(
            t, (*y.shape, *t.shape[y.args[0].ndim :]), (*y.params[1], *_rest(t, y))
        )
    ),
    numpy=_embed_code,
    text=lambda node: (
        f"embed({{0}}, {show_shape(node.shape)}, [{index_code(node.params[1], node.shape, str)}])"
    ),
    map_dims=lambda params, rename: (
        map_shape(params[0], rename),
        _map_index(params[1], rename),
    ),
    range=lambda y, x: x | point(0),
)


# Gather and scatter


def gather(x: Expr, indices: Sequence[Expr]) -> Expr:
    """``x[i, j, ...]`` for integer arrays of one shape on the leading axes of `x`."""
    shape = (*indices[0].shape, *x.shape[len(indices) :])
    spread = filled(x, shape)
    if spread is not None:
        return spread
    if x.op is WHERE and is_guard(x):
        return move_guard(x, lambda arg: gather(arg, indices))
    return make(GATHER, (x, *indices), (), shape, x.ty)


def _gather_code(node: Expr, dim: Any) -> str:
    return "{0}[" + ", ".join(f"{{{i}}}" for i in range(1, len(node.args))) + "]"


def _none_after(first: Expr | None, count: int) -> list[Expr | None]:
    return [first, *[None] * count]


GATHER: Final = Op(
    name="gather",
    build=lambda args, params: gather(args[0], args[1:]),
    infer=lambda args, params: (
        (*args[1].shape, *args[0].shape[len(args) - 1 :]),
        args[0].ty,
    ),
    vjp=lambda g, y, needed: _none_after(
        scatter(cast_number(g, y.ty), y.args[1:], y.args[0].shape), len(y.args) - 1
    ),
    jvp=linear(lambda y, t: gather(t, y.args[1:])),
    numpy=_gather_code,
    text=lambda node: _gather_code(node, str),
    range=lambda y, x, *indices: x,
)


def scatter(x: Expr, indices: Sequence[Expr], shape: Shape) -> Expr:
    """Zeros of `shape` with `x` added at integer arrays on the leading axes: a gather's adjoint."""
    args = (x, *indices)
    return make(SCATTER, args, (shape,), shape, promote(x.ty, FLOAT) if x.ty.weak else x.ty)


def _scatter_code(node: Expr, dim: Any) -> str:
    places = ", ".join(f"{{{i}}}" for i in range(1, len(node.args)))
    tail = "," if len(node.args) == 2 else ""
    return f"_scatter_add({{0}}, ({places}{tail}), {shape_code(node.shape, dim)})"


SCATTER: Final = Op(
    name="scatter_add",
    build=lambda args, params: scatter(args[0], args[1:], params[0]),
    infer=lambda args, params: (
        params[0],
        promote(args[0].ty, FLOAT) if args[0].ty.weak else args[0].ty,
    ),
    vjp=lambda g, y, needed: _none_after(gather(g, y.args[1:]), len(y.args) - 1),
    jvp=linear(lambda y, t: scatter(t, y.args[1:], (*y.shape, *t.shape[y.args[0].ndim :]))),
    numpy=_scatter_code,
    text=lambda node: (
        "scatter_add("
        + ", ".join(f"{{{i}}}" for i in range(len(node.args)))
        + f", {show_shape(node.shape)})"
    ),
    map_dims=lambda params, rename: (map_shape(params[0], rename),),
    range=lambda y, x, *indices: x.of_sign() | point(0),
)
