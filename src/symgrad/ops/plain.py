"""NumPy's functions that ask little of real numbers: copies, parts, counts, and functions along axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import as_shape, show_shape
from symgrad.expr.leaves import PI, number
from symgrad.expr.node import Expr
from symgrad.expr.types import as_ty
from symgrad.ops import reducing
from symgrad.ops.cast import cast
from symgrad.ops.einsum import broadcast_all, insert_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.indexing import getitem
from symgrad.ops.public import known_int, normalize_axis, public
from symgrad.ops.select import where
from symgrad.ops.shapes import broadcast_to, concatenate, moveaxis, reshape, stack
from symgrad.ops.sorting import argsort, searchsorted, sort
from symgrad.ops.ufuncs import (
    isinf,
    less,
    logical_and,
    logical_not,
    mod,
    multiply,
    signbit,
    subtract,
)


@public
def copy(a: Any, order: Any = "K", subok: bool = False) -> Expr:
    """`a` itself: a formula is not changed in place, so that a copy is the same. As `numpy.copy`."""
    return as_expr(a)


@public
def real(val: Any) -> Expr:
    """The real part: `val` itself, since expressions are real. As `numpy.real`."""
    return as_expr(val)


@public
def imag(val: Any) -> Expr:
    """The imaginary part, zeros: expressions are real. As `numpy.imag`."""
    x = as_expr(val)
    return number(0, x.shape, None if x.ty.weak else x.ty)


@public
def angle(z: Any, deg: bool = False) -> Expr:
    """The angle in the complex plane of a real number, 0 or pi, as `numpy.angle`."""
    x = as_expr(z)
    return where(signbit(multiply(x, 1.0)), 180 if deg else PI, number(0.0))


@public
def isreal(x: Any) -> Expr:
    """True for every entry: expressions are real. As `numpy.isreal`."""
    return number(True, as_expr(x).shape)


@public
def iscomplex(x: Any) -> Expr:
    """False for every entry: expressions are real. As `numpy.iscomplex`."""
    return number(False, as_expr(x).shape)


@public
def isposinf(x: Any) -> Expr:
    """Whether entries are infinite and positive, as `numpy.isposinf`."""
    operand = as_expr(x)
    return logical_and(isinf(operand), logical_not(signbit(operand)))


@public
def isneginf(x: Any) -> Expr:
    """Whether entries are infinite and negative, as `numpy.isneginf`."""
    operand = as_expr(x)
    return logical_and(isinf(operand), signbit(operand))


def known_extents(a: Any) -> tuple[int, ...]:
    """The extents of an array, all of which must be ints.

    Raises
    ------
    ShapeError
        If one is a name.
    """
    x = as_expr(a)
    return tuple([known_int(d, "a list of places", x.shape) for d in x.shape])


@public
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Expr:
    """One value in the shape and dtype of `a`, or in those that are given, as `numpy.full_like`.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> t = sg.symbol("t")
    >>> np.full_like(sg.vector("v", "n"), t).shape
    ('n',)
    """
    x = as_expr(a)
    filled = broadcast_to(as_expr(fill_value), x.shape if shape is None else as_shape(shape))
    return cast(filled, x.ty if dtype is None else as_ty(dtype))


@public
def choose(a: Any, choices: Sequence[Any], out: Any = None, mode: str = "raise") -> Expr:
    """Entries of several arrays by the number of the array, as `numpy.choose`.

    Parameters
    ----------
    a : integer expression
        Which of the choices.
    choices : list of expressions
        They broadcast with `a` and with one another.
    mode : str
        What a number out of range means: ``"wrap"`` counts around, ``"clip"`` goes to the nearest end;
        ``"raise"`` makes nan, since a formula cannot raise (0 of integers).

    Raises
    ------
    ArgumentError
        For another mode, or no choices.
    ShapeError
        If `a` is not of integers.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> k, x = sg.symbol("k", dtype=int), sg.symbol("x")
    >>> float(sg.evaluate(np.choose(k, [x, x**2]), {k: 1, x: 3.0}))
    9.0
    """
    index, values = as_expr(a), broadcast_all([as_expr(c) for c in choices])
    if mode not in ("raise", "wrap", "clip"):
        raise ArgumentError(f"choose has the modes raise, wrap and clip, not {mode!r}")
    if not values:
        raise ArgumentError("choose needs one choice or more")
    if index.dtype.kind not in "iub":
        raise ShapeError(f"choose needs integers to choose by, not {index.dtype}")
    if mode == "wrap":
        index = mod(index, len(values))
    real_valued = all(v.dtype.kind == "f" for v in values)
    beyond: Any = float("nan") if real_valued else 0
    result = as_expr(beyond)
    if mode == "clip":
        result = where(less(index, 0), values[0], values[-1])
    for k, value in enumerate(values):
        result = where(index == k, value, result)
    return result


@public
def partition(a: Any, kth: Any, axis: Any = -1, kind: Any = None, order: Any = None) -> Expr:
    """Entries so that those below the k-th stand before it; here all are sorted. As `numpy.partition`."""
    return sort(a, axis, None, order)  # type: ignore[no-any-return]


@public
def argpartition(a: Any, kth: Any, axis: Any = -1, kind: Any = None, order: Any = None) -> Expr:
    """The indices that partition: those that sort, as `numpy.argpartition`; no derivative."""
    return argsort(a, axis, None, order)  # type: ignore[no-any-return]


@public
def digitize(x: Any, bins: Any, right: bool = False) -> Expr:
    """In which bin entries fall, of ascending bins, as `numpy.digitize`: integers, without derivative.

    Constant bins may descend, as in NumPy.
    """
    edges = as_expr(bins)
    side = "left" if right else "right"
    if not isinstance(bins, Expr) and np.ndim(bins) == 1 and np.size(bins) > 1:
        known = np.asarray(bins)
        if known[0] > known[-1]:
            falling = "right" if right else "left"
            return subtract(len(known), searchsorted(known[::-1], x, falling))
    return searchsorted(edges, x, side)  # type: ignore[no-any-return]


def _included(
    op: Callable[..., Expr], x: Any, axis: Any, dtype: Any, initial: bool, one: int
) -> Expr:
    operand = as_expr(x)
    if axis is None:
        if operand.ndim != 1:
            raise ArgumentError(
                f"a cumulative result of shape {show_shape(operand.shape)} needs axis="
            )
        axis = 0
    along = normalize_axis(axis, operand.ndim)
    result = op(operand, along, dtype)
    if not initial:
        return result
    first = number(one, (*result.shape[:along], 1, *result.shape[along + 1 :]), result.ty)
    return concatenate([first, result], along)


@public
def cumulative_sum(
    x: Any,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Expr:
    """Cumulative sum along an axis, with a 0 before it if asked, as `numpy.cumulative_sum`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> sg.cumulative_sum(sg.stack([x, y]), include_initial=True).shape
    (3,)
    """
    return _included(reducing.cumsum, x, axis, dtype, include_initial, 0)


@public
def cumulative_prod(
    x: Any,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Expr:
    """Cumulative product along an axis, with a 1 before it if asked, as `numpy.cumulative_prod`."""
    return _included(reducing.cumprod, x, axis, dtype, include_initial, 1)


@public
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Expr:
    """A function of vectors on all vectors along an axis, as `numpy.apply_along_axis`.

    The function is called once for each of them, with an expression; the other extents must be known.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> A = sg.matrix("A", (2, 3))
    >>> np.apply_along_axis(lambda v: v @ v, 1, A).shape
    (2,)
    """
    x = as_expr(arr)
    axis = normalize_axis(axis, x.ndim)
    rows = moveaxis(x, axis, -1)
    shape = [known_int(d, "apply_along_axis", x.shape) for d in rows.shape[:-1]]
    results = [as_expr(func1d(getitem(rows, at), *args, **kwargs)) for at in np.ndindex(*shape)]
    if not results:
        raise ShapeError(f"apply_along_axis of shape {show_shape(x.shape)} has nothing to call")
    joined = reshape(stack(results), (*shape, *results[0].shape))
    here = range(len(shape), joined.ndim)
    return moveaxis(joined, tuple(here), tuple(range(axis, axis + len(here))))


@public
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Expr:
    """A function of an array and an axis, on one axis after the other, as `numpy.apply_over_axes`."""
    x = as_expr(a)
    for given in axes if isinstance(axes, (tuple, list)) else (axes,):
        axis = normalize_axis(given, x.ndim)
        result = as_expr(func(x, axis))
        x = result if result.ndim == x.ndim else insert_axes(result, (axis,))
    return x
