"""Convolution and correlation of vectors: a vector times the windows of the other."""

from __future__ import annotations

from typing import Any

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import Dim, add_dims, mul_dims, show_shape
from symgrad.expr.leaves import arange
from symgrad.expr.node import Expr
from symgrad.ops.einsum import insert_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.indexing import take
from symgrad.ops.layout import embed_in, part
from symgrad.ops.products import matmul
from symgrad.ops.public import known_int, public
from symgrad.ops.shapes import flip, size
from symgrad.ops.ufuncs import add, subtract

_MODES = ("full", "same", "valid")


def _vectors(a: Any, v: Any, mode: Any, who: str) -> tuple[Expr, Expr]:
    if mode not in _MODES:
        raise ArgumentError(f"{who} has the modes full, same and valid, not {mode!r}")
    pair = []
    for x in map(as_expr, (a, v)):
        if x.ndim > 1 or (x.ndim and x.shape[0] == 0):
            raise ShapeError(
                f"{who} takes vectors of one entry or more, got shape {show_shape(x.shape)}"
            )
        pair.append(x if x.ndim else insert_axes(x, (0,)))
    return pair[0], pair[1]


def full_convolution(x: Expr, y: Expr) -> Expr:
    """``sum_j x[k - j]*y[j]`` for all k at which there is a product."""
    n, m = x.shape[0], y.shape[0]
    border = add_dims(m, -1)
    wide = embed_in(x, (add_dims(n, mul_dims(2, border)),), ((border, add_dims(border, n), 1, n),))
    rows, columns = arange(add_dims(n, border)), arange(m)
    places = subtract(add(insert_axes(rows, (1,)), subtract(size(y, 0), 1)), columns)
    return matmul(take(wide, places), y)


def _middle(full: Expr, n: Dim, m: Dim, mode: str, who: str, early: bool) -> Expr:
    """What is asked for of a full convolution of vectors of n and m entries."""
    if mode == "full":
        return full
    shape = (n, m)
    long, short = sorted((known_int(n, who, shape), known_int(m, who, shape)), reverse=True)
    if mode == "valid":
        return part(full, 0, short - 1, long)
    start = (short - 1 + early) // 2
    return part(full, 0, start, start + long)


@public
def convolve(a: Any, v: Any, mode: str = "full") -> Expr:
    """The convolution of two vectors, ``sum_j a[k - j]*v[j]``, as `numpy.convolve`.

    Parameters
    ----------
    a, v : vectors
    mode : str
        ``"full"``: wherever they overlap; ``"same"``: the middle, as long as the longer one; ``"valid"``:
        where they overlap wholly. The last two need known extents.

    Raises
    ------
    ShapeError
        For operands that are no vectors, or are empty.
    ArgumentError
        For another mode.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 3)
    >>> sg.evaluate(sg.convolve(x, [1.0, -1.0]), {x: [1.0, 4.0, 9.0]})
    array([ 1.,  3.,  5., -9.])
    """
    x, y = _vectors(a, v, mode, "convolve")
    return _middle(full_convolution(x, y), x.shape[0], y.shape[0], mode, "convolve", False)


@public
def correlate(a: Any, v: Any, mode: str = "valid") -> Expr:
    """The correlation of two vectors, ``sum_j a[k + j]*v[j]``, as `numpy.correlate`.

    Modes and errors are those of `convolve`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 3)
    >>> sg.evaluate(sg.correlate(x, [-1.0, 1.0]), {x: [1.0, 4.0, 9.0]})
    array([3., 5.])
    """
    x, y = _vectors(a, v, mode, "correlate")
    n, m = x.shape[0], y.shape[0]
    early = isinstance(n, int) and isinstance(m, int) and n < m
    return _middle(full_convolution(x, flip(y, 0)), n, m, mode, "correlate", early)
