"""Median, quantiles and percentiles, of all entries or of those that are not nan: places in what is sorted.

A quantile lies at the place ``(n + 1 - a - b)*q + a - 1`` among n sorted entries, counted from 0, and
between two of them on a line; a and b are those of the method (Hyndman, Fan, Sample quantiles in
statistical packages, The American Statistician 50, 1996).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import mul_dims, show_shape
from symgrad.expr.leaves import extent, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.types import WEAK_FLOAT, promote
from symgrad.ops import reducing
from symgrad.ops.cast import cast
from symgrad.ops.convert import astype
from symgrad.ops.einsum import broadcast, insert_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.indexing import take
from symgrad.ops.public import normalize_axes, public, refuse_out
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.select import where
from symgrad.ops.shapes import moveaxis
from symgrad.ops.sorting import sort, take_along_axis
from symgrad.ops.ufuncs import (
    add,
    ceil,
    divide,
    floor,
    isnan,
    logical_not,
    maximum,
    minimum,
    multiply,
    rint,
    subtract,
)

Axes = tuple[int, ...]
# Per method the numbers a and b of the place
_LINES: Final[dict[str, tuple[Any, Any]]] = {
    "linear": (1, 1),
    "interpolated_inverted_cdf": (0, 1),
    "hazen": (Fraction(1, 2), Fraction(1, 2)),
    "weibull": (0, 0),
    "median_unbiased": (Fraction(1, 3), Fraction(1, 3)),
    "normal_unbiased": (Fraction(3, 8), Fraction(3, 8)),
}
# The places of the methods that go to an entry, or to the middle of two, from that of the linear one
_STEPS: Final[dict[str, Callable[[Expr], Expr]]] = {
    "lower": floor,
    "higher": ceil,
    "midpoint": lambda place: divide(add(floor(place), ceil(place)), 2),
    "nearest": rint,
}


def _rows(a: Any, axis: Any) -> tuple[Expr, Axes]:
    """The operand with the axes that are reduced as one, the last."""
    x = as_expr(a)
    x = cast(x, promote(x.ty, WEAK_FLOAT))
    axes = normalize_axes(axis, x.ndim)
    kept = tuple(k for k in range(x.ndim) if k not in axes)
    moved = moveaxis(x, axes, tuple(range(len(kept), x.ndim)))
    length = mul_dims(*[x.shape[k] for k in axes])
    if length == 0:
        raise ShapeError(f"an empty axis has no quantile; shape {show_shape(x.shape)}")
    return reshape_to(moved, (*[x.shape[k] for k in kept], length)), axes


def _place(q: Expr, count: Expr, method: str) -> Expr:
    a, b = _LINES.get(method, (1, 1))
    place = add(multiply(subtract(add(count, 1), a + b), q), a - 1)
    return _STEPS[method](place) if method in _STEPS else place


def _on_line(entry: Callable[[Expr], Expr], place: Expr, last: Expr) -> Expr:
    """The value at a place, on the line between the entries beside it."""
    place = maximum(minimum(place, last), 0)
    below = floor(place)
    low, fraction = entry(below), subtract(place, below)
    if value_of(fraction) == 0:
        return low
    high = entry(minimum(add(below, 1), maximum(last, 0)))
    return add(low, multiply(subtract(high, low), fraction))


def _of_all(rows: Expr, q: Expr, method: str) -> Expr:
    """Quantiles of rows, the axes of `q` last; nan where an entry is."""
    count, ordered = extent(rows.shape[-1]), sort(rows)

    def entry(index: Expr) -> Expr:
        known = value_of(index)
        return take(ordered, astype(index, int) if known is None else int(known), -1)

    found = _on_line(entry, _place(q, count, method), subtract(count, 1))
    if rows.dtype.kind != "f":
        return found
    if found.shape == rows.shape[:-1]:
        return where(reducing.any(isnan(rows), axis=-1), number(float("nan")), found)
    undefined = reducing.any(isnan(rows), axis=-1, keepdims=True)
    wide = insert_axes(undefined, range(rows.ndim, rows.ndim + q.ndim - 1))
    return where(wide, number(float("nan")), found)


def _of_present(rows: Expr, q: Expr, method: str) -> Expr:
    """Quantiles of the entries of rows that are not nan, which sorting puts first; q flattened, last."""
    count = reducing.sum(logical_not(isnan(rows)), axis=-1, keepdims=True)
    ordered = sort(rows)

    def entry(index: Expr) -> Expr:
        wide = broadcast(index, (*rows.shape[:-1], *index.shape[-1:]))
        return take_along_axis(ordered, astype(wide, int), -1)

    places = _place(reshape_to(q, (mul_dims(*q.shape),)), count, method)
    found = _on_line(entry, places, subtract(count, 1))
    return reshape_to(found, (*rows.shape[:-1], *q.shape))


def _quantiles(a: Any, q: Expr, axis: Any, keepdims: bool, method: str, omit: bool) -> Expr:
    rows, axes = _rows(a, axis)
    found = (_of_present if omit else _of_all)(rows, q, method)
    found = moveaxis(found, tuple(range(rows.ndim - 1, found.ndim)), tuple(range(q.ndim)))
    return insert_axes(found, [k + q.ndim for k in axes]) if keepdims else found


def _checked(q: Any, top: int, who: str, method: str, weights: Any) -> Expr:
    if weights is not None:
        raise ArgumentError(f"{who} of an expression has no weights= yet; repeat the entries")
    if method not in _LINES and method not in _STEPS:
        known = ", ".join([*_LINES, *_STEPS])
        raise ArgumentError(
            f"{who} has no method {method!r} for expressions; use one of {known}. Those that jump"
            " between entries have no derivative by q"
        )
    fraction = as_expr(q)
    value = value_of(fraction)
    if value is not None and not 0 <= value <= top:
        raise ArgumentError(f"{who} needs q from 0 to {top}, got {value}")
    return divide(fraction, 100) if top == 100 else fraction


def _public(who: str, top: int, omit: bool, first: str) -> Callable[..., Expr]:
    """One of the four functions that differ in the unit of q and in what becomes of nan."""

    @public
    def function(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: bool = False,
        *,
        weights: Any = None,
    ) -> Expr:
        refuse_out(out, who)
        fraction = _checked(q, top, who, method, weights)
        return _quantiles(a, fraction, axis, keepdims, method, omit)

    function.__name__ = function.__qualname__ = who
    function.__doc__ = _DOC.format(first=first, who=who, top=top, half=top / 2)
    return function


_DOC: Final = """{first}, as `numpy.{who}`.

    Parameters
    ----------
    a : expression
    q : expression from 0 to {top}, or an array of them
        The axes of `q` come first in the result.
    axis : None, int or tuple of int
        None is all axes.
    out : None
        There is nothing to write into while a formula is made.
    overwrite_input : bool
        Not looked at.
    method : str
        ``"linear"``, ``"hazen"``, ``"weibull"``, ``"median_unbiased"``, ``"normal_unbiased"``,
        ``"interpolated_inverted_cdf"``, or of those that go to entries ``"lower"``, ``"higher"``,
        ``"midpoint"`` and ``"nearest"``.
    keepdims : bool
        Whether the axes stay, with extent 1.
    weights : None
        Not defined for expressions.

    Raises
    ------
    ArgumentError
        For another method, weights, or a number `q` out of range.
    ShapeError
        For an empty axis.

    Notes
    -----
    The derivative is that of the entries that a quantile lies between.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 4)
    >>> sg.evaluate(sg.grad(sg.{who}(x, {half}), x), {{x: [3.0, 1.0, 2.0, 9.0]}})
    array([0.5, 0. , 0.5, 0. ])
    """


quantile = _public("quantile", 1, False, "Quantiles of the entries over axes")
percentile = _public("percentile", 100, False, "Percentiles of the entries over axes")
nanquantile = _public("nanquantile", 1, True, "Quantiles of the entries that are not nan")
nanpercentile = _public("nanpercentile", 100, True, "Percentiles of the entries that are not nan")


@public
def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Expr:
    """The middle entry, or the mean of the two in the middle, as `numpy.median`; nan if an entry is.

    Options are those of `quantile`; the derivative is 1/2 for each of two entries in the middle.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 3)
    >>> sg.evaluate(sg.grad(sg.median(x), x), {x: [3.0, 1.0, 2.0]})
    array([0., 0., 1.])
    """
    refuse_out(out, "median")
    return _quantiles(a, number(Fraction(1, 2)), axis, keepdims, "linear", False)


@public
def nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Expr:
    """The median of the entries that are not nan, as `numpy.nanmedian`; nan if there are none.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> x = sg.vector("x", 4)
    >>> float(sg.evaluate(sg.nanmedian(x), {x: [3.0, np.nan, 1.0, 2.0]}))
    2.0
    """
    refuse_out(out, "nanmedian")
    return _quantiles(a, number(Fraction(1, 2)), axis, keepdims, "linear", True)
