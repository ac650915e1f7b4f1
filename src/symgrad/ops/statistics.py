"""Averages, ranges, covariances and counts, composed from sums and products."""

from __future__ import annotations

from typing import Any

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import broadcast_shapes, show_shape
from symgrad.expr.leaves import extent, number
from symgrad.expr.node import Expr
from symgrad.expr.types import WEAK_FLOAT, promote
from symgrad.ops import reducing
from symgrad.ops.cast import cast
from symgrad.ops.einsum import broadcast, insert_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.products import matmul
from symgrad.ops.public import normalize_axes, normalize_axis, public, public_as_typed, refuse_out
from symgrad.ops.select import as_condition, clip
from symgrad.ops.shapes import concatenate, diag, squeeze, transpose
from symgrad.ops.ufuncs import (
    absolute,
    add,
    divide,
    equal,
    isfinite,
    isnan,
    less_equal,
    logical_and,
    logical_or,
    multiply,
    sqrt,
    subtract,
)


@public_as_typed
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """Mean over axes, weighted if asked, as `numpy.average`.

    Parameters
    ----------
    a : expression
    axis : None, int or tuple of int
        None is all axes.
    weights : expression, optional
        Of the shape of `a`, or of the axes that are reduced, in their order.
    returned : bool
        Whether the sum of the weights is returned too.
    keepdims : bool
        Whether the axes stay, with extent 1.

    Raises
    ------
    ShapeError
        For weights of another shape.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, w = sg.vector("x", 2), sg.vector("w", 2)
    >>> float(sg.evaluate(sg.average(x, weights=w), {x: [1.0, 5.0], w: [3.0, 1.0]}))
    2.0
    """
    x = as_expr(a)
    if weights is None:
        mean = reducing.mean(x, axis, keepdims=keepdims)
        count = reducing.count_of(x, normalize_axes(axis, x.ndim))
        return (mean, broadcast(cast(count, mean.ty), mean.shape)) if returned else mean
    w = _weights(as_expr(weights), x, axis)
    total = reducing.sum(w, axis, keepdims=keepdims)
    mean = divide(reducing.sum(multiply(x, w), axis, keepdims=keepdims), total)
    return (mean, total) if returned else mean


def _weights(w: Expr, x: Expr, axis: Any) -> Expr:
    """Weights as an array like the operand."""
    if w.shape == x.shape:
        return w
    listed = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = [] if axis is None else [normalize_axis(k, x.ndim) for k in listed]
    if w.shape != tuple(x.shape[k] for k in axes):
        raise ShapeError(
            f"average needs weights of the shape {show_shape(x.shape)} of the operand, or of the axes"
            f" that are reduced, got {show_shape(w.shape)}"
        )
    ordered = transpose(w, sorted(range(len(axes)), key=axes.__getitem__))
    wide = insert_axes(ordered, [k for k in range(x.ndim) if k not in axes])
    return broadcast(wide, x.shape)


@public
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Expr:
    """Largest less smallest entry over axes, as `numpy.ptp`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 3)
    >>> sg.evaluate(sg.grad(sg.ptp(x), x), {x: [1.0, 5.0, 2.0]})
    array([-1.,  1.,  0.])
    """
    refuse_out(out, "ptp")
    return subtract(
        reducing.max(a, axis, keepdims=keepdims), reducing.min(a, axis, keepdims=keepdims)
    )


def _observations(m: Any, y: Any, rowvar: bool, who: str) -> Expr:
    """Variables as rows, observations as columns."""
    rows = []
    for value in (m, y):
        if value is None:
            continue
        x = as_expr(value)
        if x.ndim > 2:
            raise ShapeError(f"{who} takes vectors and matrices, got shape {show_shape(x.shape)}")
        if x.ndim < 2:
            x = insert_axes(x, (0,) if x.ndim else (0, 1))
        elif not rowvar and x.shape[0] != 1:
            x = transpose(x)
        rows.append(x)
    return rows[0] if len(rows) == 1 else concatenate(rows, 0)


@public
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Expr:
    """Covariances of variables, as `numpy.cov`.

    Parameters
    ----------
    m, y : expression
        Variables as rows, observations as columns; a vector is one variable.
    rowvar : bool
        False: variables are columns.
    bias : bool
        Whether sums are divided by the number of observations, not by one less.
    ddof : scalar, optional
        What they are divided by is the number of observations less this.
    fweights, aweights : vectors, optional
        How often an observation occurs, and how much it weighs.
    dtype : None
        Write `astype`.

    Raises
    ------
    ShapeError
        For more than two axes, or weights of another extent.

    Examples
    --------
    >>> import symgrad as sg
    >>> X = sg.matrix("X", ("n", "N"))
    >>> sg.cov(X).shape
    ('n', 'n')
    """
    if dtype is not None:
        raise ArgumentError("cov of an expression takes no dtype; write astype on its operand")
    return _covariance(
        m, y, rowvar, ddof if ddof is not None else int(not bias), fweights, aweights
    )


def _covariance(m: Any, y: Any, rowvar: bool, ddof: Any, fweights: Any, aweights: Any) -> Expr:
    x = _observations(m, y, rowvar, "cov")
    x = cast(x, promote(x.ty, WEAK_FLOAT))
    each = [_of_observations(w, x) for w in (fweights, aweights) if w is not None]
    w = multiply(*each) if len(each) == 2 else each[0] if each else None
    if w is None:
        deviations = subtract(x, reducing.mean(x, axis=1, keepdims=True))
        weighted, free = deviations, subtract(extent(x.shape[1]), ddof)
    else:
        total = reducing.sum(w)
        mean = divide(reducing.sum(multiply(x, w), axis=1, keepdims=True), total)
        deviations = subtract(x, mean)
        weighted = multiply(deviations, w)
        lost: Any = ddof
        if aweights is not None:
            squares = reducing.sum(multiply(w, _of_observations(aweights, x)))
            lost = divide(multiply(ddof, squares), total)
        free = subtract(total, lost)
    matrix = divide(matmul(deviations, transpose(weighted)), free)
    return squeeze(matrix) if x.shape[0] == 1 else matrix


def _of_observations(weights: Any, x: Expr) -> Expr:
    w = as_expr(weights)
    if w.shape != x.shape[1:]:
        raise ShapeError(
            f"cov needs one weight for each of {x.shape[1]} observations, got shape"
            f" {show_shape(w.shape)}"
        )
    return w


@public
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Expr:
    """Correlations of variables, as `numpy.corrcoef`; operands are those of `cov`.

    Examples
    --------
    >>> import symgrad as sg
    >>> u, v = sg.vector("u", "n"), sg.vector("v", "n")
    >>> sg.corrcoef(u, v).shape
    (2, 2)
    """
    if dtype is not None:
        raise ArgumentError("corrcoef of an expression takes no dtype; write astype on its operand")
    c = _covariance(x, y, rowvar, 1, None, None)
    if c.ndim == 0:
        return divide(c, c)
    deviation = sqrt(diag(c))
    scaled = divide(divide(c, insert_axes(deviation, (1,))), deviation)
    return clip(scaled, -1, 1)


@public
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Expr:
    """How many entries are not zero, as `numpy.count_nonzero`: an integer, without derivative.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 3)
    >>> int(sg.evaluate(sg.count_nonzero(x), {x: [1.0, 0.0, 2.0]}))
    2
    """
    return reducing.sum(as_condition(a), axis=axis, keepdims=keepdims)


@public
def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Expr:
    """Whether entries differ by no more than ``atol + rtol*|b|``, as `numpy.isclose`; no derivative.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> bool(sg.evaluate(sg.isclose(x, 1), {x: 1 + 1e-9}))
    True
    """
    x, y = [cast(v, promote(v.ty, WEAK_FLOAT)) for v in map(as_expr, (a, b))]
    bound = add(atol, multiply(rtol, absolute(y)))
    near = logical_and(less_equal(absolute(subtract(x, y)), bound), isfinite(y))
    close = logical_or(near, equal(x, y))
    return logical_or(close, logical_and(isnan(x), isnan(y))) if equal_nan else close


@public
def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Expr:
    """Whether all entries are close, as `numpy.allclose`; see `isclose`."""
    return reducing.all(isclose(a, b, rtol, atol, equal_nan))  # type: ignore[no-any-return]


@public
def array_equiv(a1: Any, a2: Any) -> Expr:
    """Whether all entries are equal when shapes are broadcast, as `numpy.array_equiv`."""
    x, y = as_expr(a1), as_expr(a2)
    try:
        broadcast_shapes(x.shape, y.shape)
    except ShapeError:
        return number(False)
    return reducing.all(equal(x, y))


@public
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Expr:
    """Whether shapes and all entries are equal, as `numpy.array_equal`."""
    x, y = as_expr(a1), as_expr(a2)
    if x.shape != y.shape:
        return number(False)
    same = equal(x, y)
    return reducing.all(logical_or(same, logical_and(isnan(x), isnan(y))) if equal_nan else same)
