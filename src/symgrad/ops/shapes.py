"""NumPy's functions that rearrange arrays, composed from the layout ops and Einsum."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import (
    Dim,
    Shape,
    add_dims,
    as_dim,
    as_shape,
    broadcast_shapes,
    divide_dims,
    mul_dims,
    show_shape,
)
from symgrad.expr.leaves import arange, extent, eye, number
from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL
from symgrad.ops.einsum import broadcast, einsum_node, insert_axes, sum_axes, transpose_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.guard import choose
from symgrad.ops.indexing import take
from symgrad.ops.layout import concat, embed_in, full_entry, part, slice_entry, slice_of
from symgrad.ops.public import known_int, normalize_axes, normalize_axis, public, public_as_typed
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.rolling import rolled
from symgrad.ops.ufuncs import greater_equal, subtract


@checked
def size(x: Any, axis: int | None = None) -> Expr:
    """The number of entries of `x`, or along an axis, as a scalar expression; exact if known.

    Examples
    --------
    >>> import symgrad as sg
    >>> A = sg.matrix("A", ("n", "n"))
    >>> print(sg.size(A, 0))
    n
    """
    a = as_expr(x)
    if axis is None:
        return extent(mul_dims(*a.shape))
    return extent(a.shape[normalize_axis(axis, a.ndim)])


@public
def reshape(a: Any, shape: Any, order: str = "C", *, copy: Any = None) -> Expr:
    """`a` in another shape; one extent may be -1.

    Parameters
    ----------
    a : expression
    shape : int or tuple
    order : str
        ``"C"``: the last index changes fastest; ``"F"``: the first, in `a` and in the result.
    copy : bool, optional
        Not looked at: a formula shares nothing.

    Raises
    ------
    ShapeError
        If the sizes differ, or the extent for -1 is no whole number.
    ArgumentError
        For another order.
    """
    x = as_expr(a)
    if _is_fortran(order, "reshape"):
        listed = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        return transpose(_reshaped(transpose(x), listed[::-1]))
    return _reshaped(x, shape)


def _is_fortran(order: Any, who: str) -> bool:
    if order not in ("C", "F", "A", "K", None):
        raise ArgumentError(f"{who} has the orders C and F, not {order!r}")
    return bool(order == "F")


def _reshaped(x: Expr, shape: Any) -> Expr:
    listed = list(shape) if isinstance(shape, (tuple, list)) else [shape]
    unknown = [i for i, d in enumerate(listed) if isinstance(d, int) and d == -1]
    if len(unknown) > 1:
        raise ShapeError(f"reshape can infer one extent, not {len(unknown)}: {tuple(listed)}")
    known = [as_dim(d) for i, d in enumerate(listed) if i not in unknown]
    total, rest = mul_dims(*x.shape), mul_dims(*known)
    if unknown:
        missing = divide_dims(total, rest)
        if missing is None:
            raise ShapeError(
                f"cannot reshape {show_shape(x.shape)} to {tuple(listed)}: sizes differ"
            )
        known.insert(unknown[0], missing)
    elif total != rest:
        raise ShapeError(
            f"cannot reshape {show_shape(x.shape)} to {show_shape(tuple(known))}: sizes differ"
        )
    return reshape_to(x, tuple(known))


@public
def ravel(a: Any, order: str = "C") -> Expr:
    """`a` as a vector; in the order "F" the first index changes fastest, in "C" the last."""
    x = as_expr(a)
    if _is_fortran(order, "ravel"):
        x = transpose(x)
    return reshape_to(x, (mul_dims(*x.shape),))


@public
def transpose(a: Any, axes: Sequence[int] | None = None) -> Expr:
    """`a` with its axes permuted, reversed where `axes` is None."""
    x = as_expr(a)
    if axes is None:
        return transpose_axes(x, tuple(reversed(range(x.ndim))))
    order = [normalize_axis(axis, x.ndim) for axis in axes]
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"axes {tuple(axes)} are no permutation of {x.ndim} axes")
    return transpose_axes(x, order)


@public
def swapaxes(a: Any, axis1: int, axis2: int) -> Expr:
    """`a` with two axes exchanged."""
    x = as_expr(a)
    i, j = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    order = list(range(x.ndim))
    order[i], order[j] = j, i
    return transpose_axes(x, order)


@public
def moveaxis(a: Any, source: Any, destination: Any) -> Expr:
    """`a` with axes moved to new positions, as `numpy.moveaxis`."""
    x = as_expr(a)
    sources = source if isinstance(source, (tuple, list)) else (source,)
    targets = destination if isinstance(destination, (tuple, list)) else (destination,)
    if len(sources) != len(targets):
        raise ShapeError(f"moveaxis got {len(sources)} sources and {len(targets)} destinations")
    froms = [normalize_axis(s, x.ndim) for s in sources]
    order = [axis for axis in range(x.ndim) if axis not in froms]
    for to, axis in sorted(zip([normalize_axis(t, x.ndim) for t in targets], froms, strict=True)):
        order.insert(to, axis)
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"moveaxis got an axis twice: {source} to {destination}")
    return transpose_axes(x, order)


@public
def expand_dims(a: Any, axis: Any) -> Expr:
    """`a` with axes of extent 1 inserted at these positions of the result."""
    x = as_expr(a)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    return insert_axes(x, normalize_axes(axis, x.ndim + count))


@public
def squeeze(a: Any, axis: Any = None) -> Expr:
    """`a` without its axes of extent 1, or without those named.

    Raises
    ------
    ShapeError
        If a named axis has another extent.
    """
    x = as_expr(a)
    if axis is None:
        return sum_axes(x, [i for i, d in enumerate(x.shape) if d == 1])
    axes = normalize_axes(axis, x.ndim)
    for i in axes:
        if x.shape[i] != 1:
            raise ShapeError(f"cannot squeeze axis {i} of shape {show_shape(x.shape)}: not 1")
    return sum_axes(x, axes)


@public
def broadcast_to(a: Any, shape: Any) -> Expr:
    """`a` stretched to `shape`.

    Raises
    ------
    ShapeError
        If its shape does not broadcast to `shape`.
    """
    x = as_expr(a)
    target = as_shape(shape)
    if broadcast_shapes(x.shape, target) != target:
        raise ShapeError(f"cannot broadcast {show_shape(x.shape)} to {show_shape(target)}")
    return broadcast(x, target)


@checked
def broadcast_arrays(*args: Any) -> list[Expr]:
    """All operands stretched to their common shape.

    Examples
    --------
    >>> import symgrad as sg
    >>> v = sg.vector("v", "n")
    >>> print([e.shape for e in sg.broadcast_arrays(sg.matrix("A", (3, "n")), v)])
    [(3, 'n'), (3, 'n')]
    """
    operands = [as_expr(a) for a in args]
    shape = broadcast_shapes(*[x.shape for x in operands])
    return [broadcast(x, shape) for x in operands]


# Joining and splitting


def _operands(arrays: Any, who: str) -> list[Expr]:
    operands = [as_expr(a) for a in arrays]
    if not operands:
        raise ArgumentError(f"{who} needs at least one operand")
    return operands


@public
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Expr:
    """Operands joined along an axis; None flattens them first."""
    operands = _operands(arrays, "concatenate")
    if axis is None:
        return concat([ravel(x) for x in operands], 0)
    return concat(operands, normalize_axis(axis, operands[0].ndim))


@public
def stack(arrays: Sequence[Any], axis: int = 0) -> Expr:
    """Operands of one shape joined along a new axis; scalars make a vector."""
    operands = _operands(arrays, "stack")
    position = normalize_axis(axis, operands[0].ndim + 1)
    for x in operands[1:]:
        if x.shape != operands[0].shape:
            raise ShapeError(
                f"stack needs operands of one shape, got {show_shape(operands[0].shape)} and"
                f" {show_shape(x.shape)}"
            )
    return concat([insert_axes(x, (position,)) for x in operands], position)


def _at_least(x: Expr, ndim: int) -> Expr:
    return x if x.ndim >= ndim else insert_axes(x, tuple(range(ndim - x.ndim)))


@public
def hstack(arrays: Sequence[Any]) -> Expr:
    """Operands joined along axis 1, vectors along axis 0, as `numpy.hstack`."""
    operands = [_at_least(x, 1) for x in _operands(arrays, "hstack")]
    return concat(operands, 0 if operands[0].ndim == 1 else 1)


@public
def vstack(arrays: Sequence[Any]) -> Expr:
    """Operands joined as rows, as `numpy.vstack`."""
    return concat([_at_least(x, 2) for x in _operands(arrays, "vstack")], 0)


@public_as_typed
def split(a: Any, indices_or_sections: Any, axis: int = 0) -> list[Expr]:
    """Parts of `a` along an axis, as `numpy.split`.

    Raises
    ------
    ShapeError
        If an extent does not divide into that many equal sections.
    """
    x = as_expr(a)
    axis = normalize_axis(axis, x.ndim)
    extent_ = x.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        sections = int(indices_or_sections)
        length = divide_dims(extent_, sections) if sections > 0 else None
        if length is None:
            raise ShapeError(f"extent {extent_} does not divide into {sections} equal sections")
        bounds: list[Dim] = [mul_dims(length, i) for i in range(sections + 1)]
        return [part(x, axis, a, b) for a, b in pairwise(bounds)]
    inner = [slice_entry(slice(i, None), extent_, x.shape)[0] for i in indices_or_sections]
    bounds = [0, *inner, extent_]
    pieces = []
    for low, high in pairwise(bounds):
        if isinstance(low, int) and isinstance(high, int):
            high = max(low, high)
        pieces.append(part(x, axis, low, high))
    return pieces


@public
def tile(a: Any, reps: Any) -> Expr:
    """`a` repeated as blocks, as `numpy.tile`."""
    counts = tuple(as_dim(r) for r in (reps if isinstance(reps, (tuple, list)) else (reps,)))
    x = as_expr(a)
    rank = max(x.ndim, len(counts))
    x = _at_least(x, rank)
    counts = (1,) * (rank - len(counts)) + counts
    doubled = insert_axes(x, tuple(range(0, 2 * rank, 2)))
    spread: list[Dim] = []
    for count, dim in zip(counts, x.shape, strict=True):
        spread += [count, dim]
    wide = broadcast(doubled, tuple(spread))
    return reshape_to(wide, tuple(mul_dims(c, d) for c, d in zip(counts, x.shape, strict=True)))


@public
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Expr:
    """Entries of `a` repeated along an axis, as `numpy.repeat`; None flattens first."""
    x = as_expr(a)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    if isinstance(repeats, (int, np.integer, str)):
        count = as_dim(repeats)
        wide_shape = (*x.shape[: axis + 1], count, *x.shape[axis + 1 :])
        wide = broadcast(insert_axes(x, (axis + 1,)), wide_shape)
        merged = mul_dims(x.shape[axis], count)
        return reshape_to(wide, (*x.shape[:axis], merged, *x.shape[axis + 1 :]))
    length = known_int(x.shape[axis], "repeat with counts", x.shape)
    try:
        index = np.repeat(np.arange(length), repeats)
    except ValueError as error:
        raise ShapeError(f"repeat: {error}; axis {axis} has {length} entries") from None
    return take(x, index, axis)


@public
def flip(a: Any, axis: Any = None) -> Expr:
    """`a` with the order along axes reversed."""
    x = as_expr(a)
    axes = normalize_axes(axis, x.ndim)
    entries = [
        slice_entry(slice(None, None, -1), d, x.shape) if i in axes else full_entry(d)
        for i, d in enumerate(x.shape)
    ]
    return slice_of(x, tuple(entries))


@public
def roll(a: Any, shift: Any, axis: Any = None) -> Expr:
    """`a` rolled along axes, as `numpy.roll`; None rolls the flattened entries."""
    x = as_expr(a)
    if axis is None:
        return reshape_to(roll(ravel(x), shift, 0), x.shape)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    shifts = shift if isinstance(shift, (tuple, list)) else (shift,) * len(axes)
    for s, a_ in zip(shifts, axes, strict=True):
        x = _roll_one(x, int(s), normalize_axis(a_, x.ndim))
    return x


def _roll_one(x: Expr, shift: int, axis: int) -> Expr:
    dim = x.shape[axis]
    if not isinstance(dim, int):
        return rolled(x, shift, axis)
    cut = -shift % dim if dim else 0
    return concat([part(x, axis, cut, dim), part(x, axis, 0, cut)], axis) if cut else x


@public
def pad(a: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Expr:
    """`a` with a border, as `numpy.pad`.

    Parameters
    ----------
    a : expression
    pad_width : int, (before, after) or one pair per axis
    mode : str
        ``"constant"``, or with known extents any index mode of NumPy's: ``"edge"``, ``"reflect"``,
        ``"symmetric"``, ``"wrap"``.
    constant_values : number
        The border of mode "constant".

    Raises
    ------
    ArgumentError
        For another mode.
    """
    x = as_expr(a)
    widths = [
        (int(before), int(after))
        for before, after in np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
    ]
    if any(width < 0 for pair in widths for width in pair):
        raise ShapeError(
            f"pad widths must not be negative, got {pad_width}; slice to cut entries off"
        )
    if mode == "constant":
        return _pad_constant(x, widths, constant_values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise ArgumentError(
            f"pad mode {mode!r} is not defined here; use constant, edge, reflect, symmetric or wrap"
        )
    for axis, width in enumerate(widths):
        if width != (0, 0):
            length = known_int(x.shape[axis], f"pad mode {mode!r}", x.shape)
            x = take(x, np.pad(np.arange(length), width, mode=mode), axis)  # type: ignore[call-overload]
    return x


def _pad_constant(x: Expr, widths: list[tuple[int, int]], value: Any) -> Expr:
    shape = tuple(
        add_dims(before, dim, after) for dim, (before, after) in zip(x.shape, widths, strict=True)
    )
    index = tuple(
        (before, add_dims(before, dim), 1, dim)
        for dim, (before, _) in zip(x.shape, widths, strict=True)
    )
    padded = embed_in(x, shape, index)
    fill = as_expr(value)
    if isinstance(value, (int, float)) and value == 0:
        return padded
    inside = embed_in(number(1, x.shape), shape, index)
    return choose(inside > 0, padded, broadcast(fill, shape))


# Triangles and diagonals


def _lower_mask(shape: Shape, k: int) -> Expr:
    """Whether an entry of a matrix of this shape is on or below its k-th diagonal."""
    rows = broadcast(insert_axes(arange(shape[-2]), (1,)), shape)
    columns = broadcast(arange(shape[-1]), shape)
    return greater_equal(rows, subtract(columns, k))


def _check_matrix(x: Expr, who: str) -> None:
    if x.ndim < 2:
        raise ShapeError(f"{who} needs at least two axes, got shape {show_shape(x.shape)}")


def _zeros_like(x: Expr) -> Expr:
    return number(False if x.ty is BOOL else 0, x.shape)


@public
def tril(m: Any, k: int = 0) -> Expr:
    """The lower triangle of the last two axes, zero above the k-th diagonal."""
    x = as_expr(m)
    _check_matrix(x, "tril")
    return choose(_lower_mask(x.shape, k), x, _zeros_like(x))


@public
def triu(m: Any, k: int = 0) -> Expr:
    """The upper triangle of the last two axes, zero below the k-th diagonal."""
    x = as_expr(m)
    _check_matrix(x, "triu")
    return choose(_lower_mask(x.shape, k - 1), _zeros_like(x), x)


@public
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Expr:
    """The entries of a diagonal, as a last axis, as `numpy.diagonal`."""
    x = as_expr(a)
    _check_matrix(x, "diagonal")
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2:]
    length = _diagonal_length(rows, columns, offset, x.shape)
    top, left = max(-offset, 0), max(offset, 0)
    entries = [full_entry(d) for d in x.shape]
    entries[-2] = (top, add_dims(top, length), 1, length)
    entries[-1] = (left, add_dims(left, length), 1, length)
    square = slice_of(x, tuple(entries))
    batch = tuple(range(x.ndim - 2))
    i = x.ndim - 2
    return einsum_node([square], [(*batch, i, i)], (*batch, i), {})


def _diagonal_length(rows: Dim, columns: Dim, offset: int, shape: Shape) -> Dim:
    high = add_dims(rows, min(offset, 0))
    wide = add_dims(columns, -max(offset, 0))
    if high == wide or (offset == 0 and rows == columns):
        return high
    if isinstance(high, int) and isinstance(wide, int):
        return max(min(high, wide), 0)
    if rows == columns:
        return add_dims(rows, -abs(offset))
    raise ShapeError(
        f"the diagonal of shape {show_shape(shape)} has no known extent; if its extents are equal give"
        " them one name, such as ('n', 'n')"
    )


@public
def diag(v: Any, k: int = 0) -> Expr:
    """A diagonal matrix from a vector, or the diagonal of a matrix, as `numpy.diag`."""
    x = as_expr(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag needs a vector or a matrix, got shape {show_shape(x.shape)}")
    square = einsum_node([x, eye(x.shape[0], x.dtype)], [(0,), (0, 1)], (0, 1), {})
    if k == 0:
        return square
    before, after = max(-k, 0), max(k, 0)
    return pad(square, ((before, after), (after, before)))
