"""Gather, entries picked by integer arrays, and its adjoint, scatter, which adds up where they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from symgrad.expr.dims import Dim, Shape, map_shape, show_shape
from symgrad.expr.interval import point
from symgrad.expr.kinds import Gather, Scatter
from symgrad.expr.leaves import arange
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Columns, Op
from symgrad.expr.types import FLOAT, promote
from symgrad.ops.batch import all_carrying, carrying
from symgrad.ops.cast import cast_number
from symgrad.ops.einsum import broadcast, insert_axes, transpose_axes
from symgrad.ops.guard import WHERE, is_guard, move_guard
from symgrad.ops.reshaping import filled, linear


def gather(x: Expr, indices: Sequence[Expr]) -> Expr:
    """``x[i, j, ...]`` for integer arrays of one shape on the leading axes of `x`."""
    shape = (*indices[0].shape, *x.shape[len(indices) :])
    spread = filled(x, shape)
    if spread is not None:
        return spread
    if x.op is WHERE and is_guard(x):
        return move_guard(x, lambda arg: gather(arg, indices))
    return make(GATHER, (x, *indices), (), shape, x.ty)


def _gather_batch(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """Indices act on leading axes: a batch of operands alone goes behind those that are picked from."""
    x, *indices = args
    if not any(carries[1:]):
        return _to_front(gather(_to_back(x), indices))
    indices = list(all_carrying(indices, carries[1:], dim))
    if carries[0]:
        indices = [_problem(indices[0], dim), *indices]
    return gather(x, indices)


def _scatter_batch(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    x, *indices = args
    if not any(carries[1:]):
        return _to_front(scatter(_to_back(x), indices, (*node.shape, dim)))
    indices = list(all_carrying(indices, carries[1:], dim))
    x = x if carries[0] else carrying(x, dim)
    return scatter(x, [_problem(indices[0], dim), *indices], (dim, *node.shape))


def _problem(index: Expr, dim: Dim) -> Expr:
    """The number of the problem, in the shape of an index that carries the batch."""
    counted = insert_axes(arange(dim), range(1, index.ndim))
    return broadcast(counted, index.shape)


def _to_back(x: Expr) -> Expr:
    return transpose_axes(x, (*range(1, x.ndim), 0))


def _to_front(x: Expr) -> Expr:
    return transpose_axes(x, (x.ndim - 1, *range(x.ndim - 1)))


def _gather_text(node: Expr) -> str:
    return "{0}[" + ", ".join(f"{{{i}}}" for i in range(1, len(node.args))) + "]"


def _none_after(first: Expr | None, count: int) -> list[Expr | None]:
    return [first, *[None] * count]


def _gather_columns(node: Expr, axis: int, seed: Expr) -> Columns | None:
    x, *indices = node.args
    if axis < indices[0].ndim:
        return None
    place = len(indices) + axis - indices[0].ndim
    return [(x, place)], lambda parts: gather(parts[0], indices)


GATHER: Final = Op(
    name="gather",
    moves=True,
    build=lambda args, params: gather(args[0], args[1:]),
    infer=lambda args, params: (
        (*args[1].shape, *args[0].shape[len(args) - 1 :]),
        args[0].ty,
    ),
    vjp=lambda g, y, needed: _none_after(
        scatter(cast_number(g, y.ty), y.args[1:], y.args[0].shape), len(y.args) - 1
    ),
    jvp=linear(lambda y, t: gather(t, y.args[1:])),
    numpy=Gather(),
    text=_gather_text,
    range=lambda y, x, *indices: x,
    cost=3,
    batch=_gather_batch,
    columns=_gather_columns,
)


class ScatterParams(NamedTuple):
    """The shape of the zeros that entries are added to."""

    shape: Shape


def scatter(x: Expr, indices: Sequence[Expr], shape: Shape) -> Expr:
    """Zeros of `shape` with `x` added at integer arrays on the leading axes: a gather's adjoint."""
    args = (x, *indices)
    return make(SCATTER, args, (shape,), shape, promote(x.ty, FLOAT) if x.ty.weak else x.ty)


def _scatter_columns(node: Expr, axis: int, seed: Expr) -> Columns | None:
    x, *indices = node.args
    if axis < len(indices):
        return None
    place = indices[0].ndim + axis - len(indices)
    shape = (*node.shape[:axis], seed.shape[1], *node.shape[axis + 1 :])
    return [(x, place)], lambda parts: scatter(parts[0], indices, shape)


SCATTER: Final = Op(
    name="scatter_add",
    fields=ScatterParams,
    build=lambda args, params: scatter(args[0], args[1:], *params),
    infer=lambda args, params: (
        *params,
        promote(args[0].ty, FLOAT) if args[0].ty.weak else args[0].ty,
    ),
    vjp=lambda g, y, needed: _none_after(gather(g, y.args[1:]), len(y.args) - 1),
    jvp=linear(lambda y, t: scatter(t, y.args[1:], (*y.shape, *t.shape[y.args[0].ndim :]))),
    numpy=lambda node: Scatter(node.shape),
    text=lambda node: (
        "scatter_add("
        + ", ".join(f"{{{i}}}" for i in range(len(node.args)))
        + f", {show_shape(node.shape)})"
    ),
    map_dims=lambda params, rename: (map_shape(params[0], rename),),
    range=lambda y, x, *indices: x.of_sign() | point(0),
    cost=8,  # for an entry that is added
    batch=_scatter_batch,
    columns=_scatter_columns,
)
