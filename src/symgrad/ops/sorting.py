"""Sorting: entries in ascending order, the order itself, and places in what is sorted.

The derivative of `sort` moves entries as sorting does, and so does its adjoint, back; both by `argsort`,
which is stable: of entries that tie, the first stays the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import Dim, Shape, broadcast_shapes, mul_dims, show_shape
from symgrad.expr.kinds import Call
from symgrad.expr.leaves import arange
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import INT, Ty
from symgrad.ops import reducing
from symgrad.ops.batch import axis_behind, carrying
from symgrad.ops.cast import cast_number
from symgrad.ops.einsum import broadcast, insert_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.gathering import gather, scatter
from symgrad.ops.layout import AxisParams
from symgrad.ops.public import normalize_axis, public
from symgrad.ops.reshaping import reshape_to

Options = tuple[tuple[str, Any], ...]


def _along(name: str, type_of: Callable[[Ty], Ty], options: Options = (), **fields: Any) -> Op:
    """An op that rearranges entries along an axis; params are ``(axis,)``."""

    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        return args[0].shape, type_of(args[0].ty)

    op = Op(
        name=name,
        fields=AxisParams,
        batch=axis_behind,
        build=lambda args, params: make(op, args, params, *infer(args, params)),
        infer=infer,
        numpy=lambda node: Call(f"np.{name}", (), (("axis", node.params.axis), *options)),
        text=lambda node: f"{name}({{0}}{f', axis={node.params.axis}' * (node.ndim > 1)})",
        **fields,
    )
    return op


ARGSORT: Final = _along("argsort", lambda ty: INT, (("kind", "stable"),))


def places_along(index: Expr, axis: int) -> list[Expr]:
    """An index along one axis as an index array for every axis."""
    places = []
    for k, d in enumerate(index.shape):
        others = [i for i in range(index.ndim) if i != k]
        places.append(
            index if k == axis else broadcast(insert_axes(arange(d), others), index.shape)
        )
    return places


def _sorted_places(y: Expr) -> list[Expr]:
    return places_along(ARGSORT.build(y.args, y.params), y.params.axis)


def _sort_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    return None if tangents[0] is None else gather(tangents[0], _sorted_places(y))


SORT: Final = _along(
    "sort",
    lambda ty: ty,
    vjp=lambda g, y, needed: [scatter(cast_number(g, y.ty), _sorted_places(y), y.shape)],
    jvp=_sort_tangent,
    notes="Entries that tie are told apart by their place: the derivative is that of one order.",
)


class SideParams(NamedTuple):
    """On which side of equal entries a place is, "left" or "right"."""

    side: str


def _searchsorted_batch(
    node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim
) -> Expr:
    """Places in one sorted vector for all problems; in one for each, how many entries come before."""
    a, v = args
    if not carries[0]:
        return node.op.build((a, v), node.params)
    v = v if carries[1] else carrying(v, dim)
    rows = insert_axes(a, range(1, v.ndim))  # [problem, 1, ..., entry]
    column = insert_axes(v, (v.ndim,))
    before = rows <= column if node.params.side == "right" else rows < column
    return reducing.sum(before, axis=-1)


SEARCHSORTED: Final[Op] = Op(
    name="searchsorted",
    fields=SideParams,
    build=lambda args, params: make(SEARCHSORTED, args, params, args[1].shape, INT),
    infer=lambda args, params: (args[1].shape, INT),
    numpy=lambda node: Call("np.searchsorted", (), (("side", node.params.side),)),
    text=lambda node: f'searchsorted({{0}}, {{1}}, "{node.params.side}")',
    batch=_searchsorted_batch,
)

SORTING_OPS: Final = (SORT, ARGSORT, SEARCHSORTED)


# The public functions


def _axis_of(a: Any, axis: Any, order: Any, who: str) -> tuple[Expr, int]:
    if order is not None:
        raise ArgumentError(f"{who} of an expression has no fields to order by; leave order= away")
    x = as_expr(a)
    if axis is None:
        return reshape_to(x, (mul_dims(*x.shape),)), 0
    return x, normalize_axis(axis, x.ndim)


@public
def sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Expr:
    """Entries in ascending order along an axis, as `numpy.sort`; None flattens first.

    The derivative moves with the entries; of those that tie it is that of one order. `kind` and
    `stable` change no value and are not looked at.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> x = sg.vector("x", 3)
    >>> largest = sg.grad(sg.sort(x)[-1], x)
    >>> sg.evaluate(largest, {x: np.array([3.0, 5.0, 1.0])})
    array([0., 1., 0.])
    """
    x, along = _axis_of(a, axis, order, "sort")
    return SORT.build((x,), (along,))


@public
def argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Expr:
    """The indices that sort along an axis, as `numpy.argsort` with ``stable=True``; no derivative."""
    x, along = _axis_of(a, axis, order, "argsort")
    return ARGSORT.build((x,), (along,))


@public
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Expr:
    """Entries at indices along an axis that has its own for every row, as `numpy.take_along_axis`."""
    x, index = as_expr(arr), as_expr(indices)
    if axis is None:
        x, axis = reshape_to(x, (mul_dims(*x.shape),)), 0
    along = normalize_axis(axis, x.ndim)
    if index.dtype.kind not in "iu" or index.ndim != x.ndim:
        raise ShapeError(
            f"take_along_axis of shape {show_shape(x.shape)} needs integer indices of as many axes, got"
            f" {index.dtype} of shape {show_shape(index.shape)}"
        )
    rest = [(*s[:along], 1, *s[along + 1 :]) for s in (x.shape, index.shape)]
    common = broadcast_shapes(*rest)
    index = broadcast(index, (*common[:along], index.shape[along], *common[along + 1 :]))
    x = broadcast(x, (*common[:along], x.shape[along], *common[along + 1 :]))
    return gather(x, places_along(index, along))


@public
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Expr:
    """Where entries of `v` would go in the sorted vector `a`, as `numpy.searchsorted`: integers.

    Raises
    ------
    ShapeError
        If `a` is no vector.
    ArgumentError
        For a `side` that is neither left nor right.
    """
    x, values = as_expr(a), as_expr(v)
    if x.ndim != 1:
        raise ShapeError(f"searchsorted needs a sorted vector, got shape {show_shape(x.shape)}")
    if side not in ("left", "right"):
        raise ArgumentError(f"searchsorted has the sides left and right, not {side!r}")
    if sorter is not None:
        x = gather(x, [as_expr(sorter)])
    return SEARCHSORTED.build((x, values), (side,))
