"""Further ways to join arrays, to put entries in and to take them out, composed from `concatenate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.errors import ShapeError
from symgrad.expr.dims import Dim, as_shape, divide_dims, mul_dims, show_shape
from symgrad.expr.leaves import CONST, number
from symgrad.expr.node import Expr
from symgrad.ops.cast import cast
from symgrad.ops.einsum import insert_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.indexing import constant_mask, take
from symgrad.ops.layout import concat
from symgrad.ops.public import known_int, normalize_axis, public, public_as_typed
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.shapes import broadcast_to, concatenate, diag, moveaxis, ravel, tile


def _each(arrays: tuple[Any, ...], shaped: Any) -> Any:
    """One result for one operand, a tuple for several."""
    results = tuple([shaped(as_expr(a)) for a in arrays])
    return results[0] if len(results) == 1 else results


def _two(x: Expr) -> Expr:
    return x if x.ndim >= 2 else insert_axes(x, tuple(range(2 - x.ndim)))


def _three(x: Expr) -> Expr:
    """A vector lies along the middle axis, a matrix on the first two."""
    return x if x.ndim >= 3 else insert_axes(x, ((0, 1, 2), (0, 2), (2,))[x.ndim])


@public_as_typed
def atleast_1d(*arys: Any) -> Any:
    """Operands with one axis at least, as `numpy.atleast_1d`; a tuple for several.

    Examples
    --------
    >>> import symgrad as sg
    >>> sg.atleast_1d(sg.symbol("t")).shape
    (1,)
    """
    return _each(arys, lambda x: x if x.ndim else insert_axes(x, (0,)))


@public_as_typed
def atleast_2d(*arys: Any) -> Any:
    """Operands with two axes at least, a vector as a row, as `numpy.atleast_2d`; a tuple for several.

    Examples
    --------
    >>> import symgrad as sg
    >>> sg.atleast_2d(sg.vector("v", "n")).shape
    (1, 'n')
    """
    return _each(arys, _two)


@public_as_typed
def atleast_3d(*arys: Any) -> Any:
    """Operands with three axes at least, as `numpy.atleast_3d`; a tuple for several.

    Examples
    --------
    >>> import symgrad as sg
    >>> sg.atleast_3d(sg.vector("v", "n")).shape
    (1, 'n', 1)
    """
    return _each(arys, _three)


@public
def column_stack(tup: Sequence[Any]) -> Expr:
    """Vectors as the columns of a matrix, and matrices beside them, as `numpy.column_stack`.

    Raises
    ------
    ShapeError
        If the numbers of rows differ.

    Examples
    --------
    >>> import symgrad as sg
    >>> u, v = sg.vector("u", "n"), sg.vector("v", "n")
    >>> sg.column_stack([u, v]).shape
    ('n', 2)
    """
    operands = [as_expr(a) for a in tup]
    return concatenate([x if x.ndim >= 2 else reshape_to(x, _column(x)) for x in operands], axis=1)


def _column(x: Expr) -> tuple[Dim, Dim]:
    return (mul_dims(*x.shape), 1)


@public
def dstack(tup: Sequence[Any]) -> Expr:
    """Operands joined along the third axis, as `numpy.dstack`.

    Examples
    --------
    >>> import symgrad as sg
    >>> A, B = sg.matrix("A", ("m", "n")), sg.matrix("B", ("m", "n"))
    >>> sg.dstack([A, B]).shape
    ('m', 'n', 2)
    """
    return concatenate([_three(as_expr(a)) for a in tup], axis=2)


@public
def append(arr: Any, values: Any, axis: int | None = None) -> Expr:
    """`arr` with `values` behind it along an axis, as `numpy.append`; None flattens both.

    Examples
    --------
    >>> import symgrad as sg
    >>> t = sg.symbol("t")
    >>> print(sg.append(sg.stack([t, t**2]), 1))
    concatenate([stack([t, t**2]), ones((1,))])
    """
    x, more = as_expr(arr), as_expr(values)
    if axis is None:
        x, more, axis = ravel(x), ravel(more), 0
    return concatenate([x, more], axis)


def _along(arr: Any, axis: int | None, who: str) -> tuple[Expr, int, int]:
    """The operand, flattened where the axis is None, the axis, and its extent, which is known."""
    x = as_expr(arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    return x, axis, known_int(x.shape[axis], who, x.shape)


def _places(obj: Any, who: str) -> Any:
    """Places as NumPy takes them: constants, a mask as the array that it is."""
    if not isinstance(obj, Expr):
        return obj
    if obj.op is not CONST:
        raise ShapeError(
            f"{who} at places that are an expression has no fixed order of entries; give ints, or a"
            " constant array of them"
        )
    if obj.dtype.kind == "b":
        return constant_mask(obj)
    return obj.params[0].array if obj.params[1] == "array" else obj.params[0]


@public
def delete(arr: Any, obj: Any, axis: int | None = None) -> Expr:
    """`arr` without the entries at constant places along an axis, as `numpy.delete`; None flattens.

    Parameters
    ----------
    arr : expression
    obj : int, slice, array of int or mask
        What to leave out.
    axis : int, optional
        An axis of known extent.

    Raises
    ------
    ShapeError
        For places that are out of range or an expression, or an axis of unknown extent.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y, z = sg.symbols("x y z")
    >>> print(sg.delete(sg.stack([x, y, z]), 1))
    stack([x, y, z])[[0, 2]]
    """
    x, axis, length = _along(arr, axis, "delete")
    try:
        kept = np.delete(np.arange(length), _places(obj, "delete"))
    except (IndexError, ValueError) as error:
        raise ShapeError(f"delete: {error}") from None
    return take(x, kept, axis)


@public
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Expr:
    """`arr` with values put before constant places along an axis, as `numpy.insert`; None flattens.

    Parameters
    ----------
    arr : expression
    obj : int, slice or array of int
        Places in `arr`.
    values : expression
        What to put there; it broadcasts as in NumPy, and takes the dtype of `arr`.
    axis : int, optional
        An axis of known extent.

    Raises
    ------
    ShapeError
        For places that are out of range or an expression, or values that do not broadcast.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y, z = sg.symbols("x y z")
    >>> print(sg.insert(sg.stack([x, z]), 1, y))
    concatenate([stack([x, z]), broadcast_to(y, (1,))])[[0, 2, 1]]
    """
    x, axis, length = _along(arr, axis, "insert")
    more, places = cast(as_expr(values), x.ty), _places(obj, "insert")
    single = not isinstance(places, slice) and np.size(places) == 1
    if single:  # all values go before it, and for a number their first axis is that of the places
        more = insert_axes(more, tuple(range(max(x.ndim - more.ndim, 0))))
        more = more if np.ndim(places) else moveaxis(more, 0, axis)
        count = known_int(more.shape[axis], "insert", more.shape)
        places = np.repeat(np.ravel(places), count)
    else:
        count = _count(places, length)
    try:
        # the places of the old entries, and of the new ones, numbered from the last old one
        order = np.insert(np.arange(length), places, length + np.arange(count))
    except (IndexError, ValueError) as error:
        raise ShapeError(f"insert: {error}") from None
    block = broadcast_to(more, (*x.shape[:axis], count, *x.shape[axis + 1 :]))
    return take(concat([x, block], axis), order, axis)


def _count(places: Any, length: int) -> int:
    if isinstance(places, slice):
        return len(range(*places.indices(length)))
    array = np.asarray(places)
    return int(array.sum()) if array.dtype.kind == "b" else int(array.size)


@public
def resize(a: Any, new_shape: Any) -> Expr:
    """`a` in another shape, its entries repeated or cut off as needed, as `numpy.resize`.

    Raises
    ------
    ShapeError
        If the number of entries, before or after, is not known.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> print(sg.resize(sg.stack([x, y]), 3))
    stack([x, y])[[0, 1, 0]]
    """
    x = ravel(a)
    shape = as_shape(new_shape)
    have = known_int(x.shape[0], "resize", x.shape)
    want = known_int(mul_dims(*shape), "resize", shape)
    if have == 0 or want == 0:
        return number(0, shape)
    if divide_dims(want, have) is not None:
        return reshape_to(tile(x, want // have), shape)
    return reshape_to(take(x, np.arange(want) % have), shape)


@public
def diagflat(v: Any, k: int = 0) -> Expr:
    """The flattened entries on a diagonal of a square matrix, as `numpy.diagflat`.

    Examples
    --------
    >>> import symgrad as sg
    >>> sg.diagflat(sg.matrix("A", (2, 3))).shape
    (6, 6)
    """
    return diag(ravel(v), k)  # type: ignore[no-any-return]


@public
def block_diag(*arrs: Any) -> Expr:
    """Matrices along the diagonal of a matrix of zeros, as `scipy.linalg.block_diag`.

    A scalar is a matrix of one entry, a vector one row.

    Raises
    ------
    ShapeError
        For operands of more than two axes.

    Examples
    --------
    >>> import symgrad as sg
    >>> A, B = sg.matrix("A", (2, 2)), sg.matrix("B", (1, 3))
    >>> sg.linalg.block_diag(A, B).shape
    (3, 5)
    """
    blocks = [_two(as_expr(a)) for a in arrs] or [number(0.0, (1, 0))]
    for x in blocks:
        if x.ndim != 2:
            raise ShapeError(f"block_diag takes matrices, got shape {show_shape(x.shape)}")
    widths = [x.shape[1] for x in blocks]
    rows = [
        concat([x if j == i else number(0, (x.shape[0], w)) for j, w in enumerate(widths)], 1)
        for i, x in enumerate(blocks)
    ]
    return concat(rows, 0)
