"""NumPy's further ways to take arrays apart and to turn them, composed from slices and transposes."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.node import Expr
from symgrad.ops.elementwise import as_expr
from symgrad.ops.indexing import getitem
from symgrad.ops.public import as_int, known_int, normalize_axis, public, public_as_typed
from symgrad.ops.shapes import flip, moveaxis, split, swapaxes


@public_as_typed
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Expr]:
    """Parts of `ary` along an axis, of nearly equal length, as `numpy.array_split`.

    Raises
    ------
    ArgumentError
        For less than one section.
    ShapeError
        If a number of sections is given for an axis of unknown extent that they may not divide.

    Examples
    --------
    >>> import symgrad as sg
    >>> [part.shape for part in sg.array_split(sg.vector("v", 7), 3)]
    [(3,), (2,), (2,)]
    """
    x = as_expr(ary)
    axis = normalize_axis(axis, x.ndim)
    if not isinstance(indices_or_sections, (int, np.integer)):
        return split(x, indices_or_sections, axis)
    if indices_or_sections < 1:
        raise ArgumentError(f"array_split needs one section or more, not {indices_or_sections}")
    length = known_int(x.shape[axis], "array_split", x.shape)
    short, longer = divmod(length, int(indices_or_sections))
    ends = np.cumsum([short + (i < longer) for i in range(int(indices_or_sections))])
    return split(x, [int(end) for end in ends[:-1]], axis)


def _split_along(ary: Any, indices_or_sections: Any, least: int, axis: int, who: str) -> list[Expr]:
    x = as_expr(ary)
    if x.ndim < least:
        raise ShapeError(f"{who} needs {least} axes or more, got shape {show_shape(x.shape)}")
    return split(x, indices_or_sections, axis if x.ndim > axis else 0)


@public_as_typed
def hsplit(ary: Any, indices_or_sections: Any) -> list[Expr]:
    """Parts along axis 1, of a vector along axis 0, as `numpy.hsplit`.

    Examples
    --------
    >>> import symgrad as sg
    >>> [part.shape for part in sg.hsplit(sg.matrix("A", ("m", 4)), 2)]
    [('m', 2), ('m', 2)]
    """
    return _split_along(ary, indices_or_sections, 1, 1, "hsplit")


@public_as_typed
def vsplit(ary: Any, indices_or_sections: Any) -> list[Expr]:
    """Parts along axis 0 of an array of two axes or more, as `numpy.vsplit`.

    Examples
    --------
    >>> import symgrad as sg
    >>> [part.shape for part in sg.vsplit(sg.matrix("A", (4, "n")), [1])]
    [(1, 'n'), (3, 'n')]
    """
    return _split_along(ary, indices_or_sections, 2, 0, "vsplit")


@public_as_typed
def dsplit(ary: Any, indices_or_sections: Any) -> list[Expr]:
    """Parts along axis 2 of an array of three axes or more, as `numpy.dsplit`.

    Examples
    --------
    >>> import symgrad as sg
    >>> [part.shape for part in sg.dsplit(sg.symbol("A", (2, 3, 4)), 2)]
    [(2, 3, 2), (2, 3, 2)]
    """
    return _split_along(ary, indices_or_sections, 3, 2, "dsplit")


@public_as_typed
def unstack(x: Any, *, axis: int = 0) -> tuple[Expr, ...]:
    """The slices along an axis of known extent, as `numpy.unstack`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.unstack(sg.vector("v", 2))
    >>> print(x - y)
    v[0] - v[1]
    """
    operand = as_expr(x)
    axis = normalize_axis(axis, operand.ndim)
    length = known_int(operand.shape[axis], "unstack", operand.shape)
    return tuple([getitem(operand, (slice(None),) * axis + (i,)) for i in range(length)])


# Turned


@public
def fliplr(m: Any) -> Expr:
    """The order along axis 1 reversed, as `numpy.fliplr`.

    Examples
    --------
    >>> import symgrad as sg
    >>> print(sg.fliplr(sg.constant([[1.0, 2.0]])))
    [[1.0, 2.0]][:, ::-1]
    """
    x = as_expr(m)
    if x.ndim < 2:
        raise ShapeError(f"fliplr needs two axes or more, got shape {show_shape(x.shape)}")
    return flip(x, 1)


@public
def flipud(m: Any) -> Expr:
    """The order along axis 0 reversed, as `numpy.flipud`.

    Examples
    --------
    >>> import symgrad as sg
    >>> print(sg.flipud(sg.constant([1.0, 2.0])))
    [1.0, 2.0][::-1]
    """
    x = as_expr(m)
    if x.ndim < 1:
        raise ShapeError("flipud needs one axis or more, got shape ()")
    return flip(x, 0)


@public
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Expr:
    """`m` turned k times by 90 degrees, from the first of two axes to the second, as `numpy.rot90`.

    Raises
    ------
    ArgumentError
        If the axes are not two different ones.

    Examples
    --------
    >>> import symgrad as sg
    >>> print(sg.rot90(sg.constant([[1.0, 2.0], [3.0, 4.0]])))
    [[1.0, 2.0], [3.0, 4.0]][:, ::-1].T
    """
    x = as_expr(m)
    if len(axes) != 2:
        raise ArgumentError(f"rot90 turns in the plane of two axes, not {tuple(axes)}")
    i, j = [normalize_axis(axis, x.ndim) for axis in axes]
    if i == j:
        raise ArgumentError(f"rot90 needs two different axes, got {tuple(axes)}")
    turns = as_int(k, "the number of turns") % 4
    if turns == 2:
        return flip(flip(x, i), j)
    if turns == 1:
        return swapaxes(flip(x, j), i, j)
    return flip(swapaxes(x, i, j), j) if turns else x


@public
def rollaxis(a: Any, axis: int, start: int = 0) -> Expr:
    """`a` with an axis moved before another one, as `numpy.rollaxis`; see `moveaxis`.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> np.rollaxis(sg.symbol("A", (2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    x = as_expr(a)
    axis = normalize_axis(axis, x.ndim)
    start = x.ndim if start == x.ndim else normalize_axis(start, x.ndim)
    return moveaxis(x, axis, start - (axis < start))
