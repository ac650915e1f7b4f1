"""Arrays of evenly spaced numbers, and grids made of them, where the ends are expressions."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.expr.types import FLOAT, INT, WEAK_FLOAT, Ty, as_ty, promote
from symgrad.ops.cast import cast
from symgrad.ops.einsum import broadcast, broadcast_all, insert_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.layout import concat
from symgrad.ops.public import as_int, normalize_axis, public, public_as_typed
from symgrad.ops.shapes import concatenate, expand_dims, flip, moveaxis, ravel
from symgrad.ops.ufuncs import add, divide, floor, multiply, power, subtract


def _number_of(num: Any) -> int:
    count = as_int(num, "the number of samples")
    if count < 0:
        raise ArgumentError(f"the number of samples must not be negative, got {count}")
    return count


def _typed(samples: Expr, ty: Ty, dtype: Any, axis: int) -> Expr:
    """Samples, first along axis 0, with the dtype and the axis that were asked for."""
    if dtype is not None:
        asked = as_ty(dtype)
        ty, samples = asked, floor(samples) if asked.dtype.kind in "iu" else samples
    return moveaxis(cast(samples, ty), 0, normalize_axis(axis, samples.ndim))


def _even(start: Expr, stop: Expr, count: int, endpoint: bool) -> tuple[Expr, Expr]:
    """Samples along a new first axis, the last of them exactly `stop`, and the step."""
    pieces = count - 1 if endpoint else count
    step = divide(subtract(stop, start), pieces) if pieces > 0 else multiply(start, np.nan)
    inner = max(pieces, 1) if endpoint else count
    k = np.arange(min(inner, count), dtype=start.dtype).reshape(-1, *[1] * start.ndim)
    first = insert_axes(start, (0,))
    samples = add(first, multiply(k, insert_axes(step, (0,)))) if pieces > 0 else first[:count]
    if endpoint and count > 1:
        samples = concatenate([samples, insert_axes(stop, (0,))])
    return samples, step


def _ends(start: Any, stop: Any) -> tuple[Expr, Expr, Ty]:
    a, b = broadcast_all([as_expr(start), as_expr(stop)])
    ty = promote(a.ty, b.ty, WEAK_FLOAT)
    return cast(a, ty), cast(b, ty), ty


@public_as_typed
def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Evenly spaced numbers between two ends, as `numpy.linspace`.

    Parameters
    ----------
    start, stop : expression
        The ends, which broadcast.
    num : int
        How many.
    endpoint : bool
        Whether `stop` is the last of them.
    retstep : bool
        Whether the step is returned too.
    dtype : dtype-like, optional
        An integer dtype rounds down.
    axis : int
        Where the samples are, if the ends are arrays.

    Raises
    ------
    ArgumentError
        For a negative number of samples.

    Examples
    --------
    >>> import symgrad as sg
    >>> a, b = sg.symbols("a b")
    >>> sg.evaluate(sg.diff(sg.linspace(a, b, 5), b), {a: 0.0, b: 1.0})
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    a, b, ty = _ends(start, stop)
    samples, step = _even(a, b, _number_of(num), endpoint)
    result = _typed(samples, ty, dtype, axis)
    return (result, step) if retstep else result


@public
def logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Expr:
    """Powers of a base with evenly spaced exponents, as `numpy.logspace`.

    Examples
    --------
    >>> import symgrad as sg
    >>> a = sg.symbol("a")
    >>> sg.evaluate(sg.logspace(a, 2, 3), {a: 0.0})
    array([  1.,  10., 100.])
    """
    a, b, _ = _ends(start, stop)
    foot, a, b = broadcast_all([as_expr(base), a, b])
    samples, _ = _even(a, b, _number_of(num), endpoint)
    powers = power(insert_axes(foot, (0,)), samples)
    return _typed(powers, powers.ty, dtype, axis)


@public
def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Expr:
    """Numbers of a constant ratio between two ends of one sign, as `numpy.geomspace`.

    Ends of different sign make nan: the numbers would be complex.

    Examples
    --------
    >>> import symgrad as sg
    >>> a = sg.symbol("a")
    >>> sg.evaluate(sg.geomspace(a, 1000, 4), {a: 1.0}).round(9)
    array([   1.,   10.,  100., 1000.])
    """
    a, b, ty = _ends(start, stop)
    count = _number_of(num)
    ratio = divide(b, a)
    exponents, _ = _even(number(0.0, a.shape), number(1.0, a.shape), count, endpoint)
    samples = multiply(insert_axes(a, (0,)), power(insert_axes(ratio, (0,)), exponents))
    if endpoint and count > 1:
        samples = concat([samples[:-1], insert_axes(b, (0,))], 0)
    return _typed(samples, promote(ty, FLOAT), dtype, axis)


@public_as_typed
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """Vectors stretched to the grid of all their combinations, as `numpy.meshgrid`.

    Parameters
    ----------
    *xi : vectors or scalars
    copy : bool
        Not looked at: a formula shares nothing.
    sparse : bool
        Whether the results keep extent 1 along the axes of the others.
    indexing : str
        ``"xy"``: the first vector lies along axis 1, the second along axis 0; ``"ij"``: each along its own.

    Raises
    ------
    ArgumentError
        For another indexing.
    ShapeError
        For operands of more than one axis.

    Examples
    --------
    >>> import symgrad as sg
    >>> u, v = sg.meshgrid(sg.vector("u", "m"), sg.vector("v", "n"))
    >>> u.shape, v.shape
    (('n', 'm'), ('n', 'm'))
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid has the indexing 'xy' or 'ij', not {indexing!r}")
    vectors = []
    for x in map(as_expr, xi):
        if x.ndim > 1:
            raise ShapeError(f"meshgrid takes vectors, got shape {show_shape(x.shape)}")
        vectors.append(ravel(x))
    rank = len(vectors)
    places = list(range(rank))
    if indexing == "xy" and rank > 1:
        places[:2] = [1, 0]
    grids = [
        expand_dims(x, tuple(k for k in range(rank) if k != place))
        for x, place in zip(vectors, places, strict=True)
    ]
    if sparse or not grids:
        return tuple(grids)
    shape = tuple(vectors[places.index(k)].shape[0] for k in range(rank))
    return tuple([broadcast(x, shape) for x in grids])


@public
def vander(x: Any, N: Any = None, increasing: bool = False) -> Expr:
    """Powers of the entries of a vector as columns, as `numpy.vander`.

    `N` is the number of columns, the number of entries where it is not given; powers descend unless
    `increasing`.

    Raises
    ------
    ShapeError
        If `x` is no vector, or its extent is not known and N is not given.

    Examples
    --------
    >>> import symgrad as sg
    >>> x, y = sg.symbols("x y")
    >>> print(sg.vander(sg.stack([x, y]), 3))
    stack([ones((2,)), stack([x, y]), stack([x, y])**2], axis=1)[:, ::-1]
    """
    v = as_expr(x)
    if v.ndim != 1:
        raise ShapeError(f"vander needs a vector, got shape {show_shape(v.shape)}")
    count = as_int(v.shape[0] if N is None else N, "the number of columns of vander")
    columns = [insert_axes(power(v, k), (1,)) for k in range(count)]
    if not columns:
        return number(0, (v.shape[0], 0))
    powers = cast(concat(columns, 1), promote(v.ty, INT))
    return powers if increasing else flip(powers, 1)
