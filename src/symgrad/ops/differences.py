"""Differences of neighbours along an axis, and what is made of them: slopes, areas, unwrapped phases."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import PI, number
from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL
from symgrad.ops import reducing
from symgrad.ops.cast import cast
from symgrad.ops.einsum import broadcast
from symgrad.ops.elementwise import as_expr
from symgrad.ops.indexing import getitem
from symgrad.ops.public import (
    as_int,
    known_int,
    normalize_axes,
    normalize_axis,
    public,
    public_as_typed,
)
from symgrad.ops.select import where
from symgrad.ops.shapes import concatenate, ravel
from symgrad.ops.ufuncs import (
    absolute,
    add,
    divide,
    less,
    logical_and,
    mod,
    multiply,
    not_equal,
    subtract,
)


def along(x: Expr, axis: int, entry: slice | int) -> Expr:
    """Entries along one axis, all of the others."""
    return getitem(x, (slice(None),) * axis + (entry,))


def _pairs(x: Expr, axis: int) -> Expr:
    """What neighbours along an axis differ by; of booleans, whether they do."""
    late, early = along(x, axis, slice(1, None)), along(x, axis, slice(None, -1))
    return not_equal(late, early) if x.ty is BOOL else subtract(late, early)


@public
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Expr:
    """The n-th differences of neighbours along an axis, as `numpy.diff`.

    `symgrad.diff` is the derivative; ``numpy.diff(e)`` of an expression comes here.

    Parameters
    ----------
    a : expression of one axis or more
    n : int
        How many times differences are taken.
    axis : int
    prepend, append : expression, optional
        Entries before and behind those of `a`; scalars are one entry.

    Raises
    ------
    ShapeError
        For a scalar.
    ArgumentError
        For a negative `n`.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> x, y, z = sg.symbols("x y z")
    >>> print(np.diff(sg.stack([x, y, z])))
    stack([x, y, z])[1:] - stack([x, y, z])[:2]
    """
    x, times = as_expr(a), as_int(n, "the order of diff")
    if times < 0:
        raise ArgumentError(f"the order of diff must not be negative, got {times}")
    if x.ndim == 0:
        raise ShapeError(
            "diff needs one axis or more, got a scalar; symgrad.diff is the derivative"
        )
    axis = normalize_axis(axis, x.ndim)
    if times == 0:
        return x
    parts = [x]
    if prepend is not None:
        parts.insert(0, _edge(prepend, x, axis))
    if append is not None:
        parts.append(_edge(append, x, axis))
    x = concatenate(parts, axis)
    for _ in range(times):
        x = _pairs(x, axis)
    return x


def _edge(given: Any, x: Expr, axis: int) -> Expr:
    """Entries to stand beside `x`; NumPy takes numbers for arrays here, whose dtype counts."""
    value = as_expr(np.asarray(given) if isinstance(given, (int, float)) else given)
    return value if value.ndim else broadcast(value, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))


@public
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Expr:
    """Differences of neighbours, flattened, with entries before and behind, as `numpy.ediff1d`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> print(sg.ediff1d(sg.stack([x, y]), to_end=0))
    concatenate([broadcast_to(y - x, (1,)), zeros((1,))])
    """
    x = ravel(ary)
    parts = [_pairs(x, 0)]
    if to_begin is not None:
        parts.insert(0, cast(ravel(to_begin), x.ty))
    if to_end is not None:
        parts.append(cast(ravel(to_end), x.ty))
    return concatenate(parts)


@public
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Expr:
    """The area below samples by the trapezoidal rule along an axis, as `numpy.trapezoid`.

    Parameters
    ----------
    y : expression
        The samples.
    x : expression, optional
        Where they are: a vector, or of the shape of `y`.
    dx : scalar
        Their distance, if `x` is not given.
    axis : int

    Examples
    --------
    >>> import symgrad as sg
    >>> y = sg.vector("y", 3)
    >>> sg.evaluate(sg.grad(sg.trapezoid(y), y), {y: [1.0, 2.0, 3.0]})
    array([0.5, 1. , 0.5])
    """
    samples = as_expr(y)
    axis = normalize_axis(axis, samples.ndim)
    step: Any = dx
    if x is not None:
        places = as_expr(x)
        step = _pairs(places, 0 if places.ndim == 1 else axis)
        if places.ndim == 1:
            step = _behind(step, samples.ndim - axis - 1)
    middle = add(along(samples, axis, slice(1, None)), along(samples, axis, slice(None, -1)))
    return divide(reducing.sum(multiply(step, middle), axis), 2)


def _behind(x: Expr, count: int) -> Expr:
    return getitem(x, (Ellipsis, *[None] * count)) if count else x


@public_as_typed
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Slopes of samples, of second order inside and of `edge_order` at the ends, as `numpy.gradient`.

    `symgrad.grad` is the derivative of a formula; this is a formula of differences.

    Parameters
    ----------
    f : expression
        Samples on a grid.
    *varargs
        Their distance: one scalar for all axes, or for each axis a scalar or the vector of places.
    axis : None, int or tuple of int
        None is all axes.
    edge_order : int
        1 or 2.

    Returns
    -------
    Expr or tuple of Expr
        A tuple if there are several axes.

    Raises
    ------
    ShapeError
        For an axis of unknown or too small an extent, or places that do not fit it.
    ArgumentError
        For another number of distances, or another `edge_order`.

    Notes
    -----
    For places h before and k behind: ``(h**2*f_+ + (k**2 - h**2)*f - k**2*f_-)/(h*k*(h + k))``
    (Quarteroni, Sacco, Saleri, Numerical Mathematics, 2007).

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> y = sg.vector("y", 3)
    >>> sg.evaluate(np.gradient(y, 0.5), {y: [0.0, 1.0, 4.0]})
    array([2., 4., 6.])
    """
    x = as_expr(f)
    if edge_order not in (1, 2):
        raise ArgumentError(f"gradient has the edge orders 1 and 2, not {edge_order!r}")
    axes = normalize_axes(axis, x.ndim)
    if isinstance(axis, (tuple, list)):
        axes = tuple(normalize_axis(k, x.ndim) for k in axis)
    steps = [as_expr(v) for v in varargs] or [number(1)]
    if len(steps) == 1 and steps[0].ndim == 0:
        steps = steps * len(axes)
    if len(steps) != len(axes):
        raise ArgumentError(
            f"gradient along {len(axes)} axes takes one distance, or one for each axis, got"
            f" {len(steps)}"
        )
    slopes = [_slopes(x, k, h, edge_order) for k, h in zip(axes, steps, strict=True)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _slopes(x: Expr, axis: int, step: Expr, edge_order: int) -> Expr:
    length = known_int(x.shape[axis], "gradient", x.shape)
    if length < edge_order + 1:
        raise ShapeError(
            f"gradient with edge_order={edge_order} needs {edge_order + 1} samples along axis {axis},"
            f" got shape {show_shape(x.shape)}"
        )
    if step.ndim and step.shape != (length,):
        raise ShapeError(
            f"gradient needs a distance that is a scalar or {length} places for axis {axis}, got shape"
            f" {show_shape(step.shape)}"
        )
    gaps = _pairs(step, 0) if step.ndim else broadcast(step, (length - 1,))
    gaps = _behind(gaps, x.ndim - axis - 1)
    secants = divide(_pairs(x, axis), gaps)
    first, last = along(secants, axis, slice(0, 1)), along(secants, axis, slice(-1, None))
    if length == 2:
        return concatenate([first, last], axis)
    h, k = getitem(gaps, slice(None, -1)), getitem(gaps, slice(1, None))
    early, late = along(secants, axis, slice(None, -1)), along(secants, axis, slice(1, None))
    inner = divide(add(multiply(k, early), multiply(h, late)), add(h, k))
    if edge_order == 2:  # the line through the slopes in the middles, on to the end
        bend = divide(subtract(late, early), add(h, k))
        first = subtract(first, multiply(along(bend, axis, slice(0, 1)), h[:1]))
        last = add(last, multiply(along(bend, axis, slice(-1, None)), k[-1:]))
    return concatenate([first, inner, last], axis)


@public
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = None) -> Expr:
    """Phases without jumps by whole periods along an axis, as `numpy.unwrap`.

    Parameters
    ----------
    p : expression of one axis or more
    discont : scalar, optional
        Steps below this are left as they are; half the period, which is the least, if not given.
    axis : int
    period : scalar, optional
        2*pi if not given.

    Notes
    -----
    The derivative by `p` is the identity: what is added is constant between jumps.

    Examples
    --------
    >>> import symgrad as sg
    >>> p = sg.vector("p", 3)
    >>> sg.evaluate(sg.unwrap(p, period=4), {p: [0.0, 3.0, 2.0]})
    array([ 0., -1., -2.])
    """
    x = as_expr(p)
    axis = normalize_axis(axis, x.ndim)
    turn = multiply(2, PI) if period is None else as_expr(period)
    half = divide(turn, 2)
    steps = _pairs(x, axis)
    short = subtract(mod(add(steps, half), turn), half)
    # a step of half a period up stays one
    short = where(logical_and(short <= -half, steps > 0), half, short)
    added = subtract(short, steps)
    least = half if discont is None else as_expr(discont)
    added = where(less(absolute(steps), least), 0, added)
    start = along(x, axis, slice(0, 1))
    moved = add(along(x, axis, slice(1, None)), reducing.cumsum(added, axis))
    return concatenate([start, moved], axis)
