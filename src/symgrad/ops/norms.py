"""Norms of vectors and matrices, and the condition number, as `numpy.linalg` has them.

All are formulas over sums, extrema and singular values; their derivatives follow. The Euclidean and
the Frobenius norm are ``sqrt(sum(x**2))``: ``norm(x)**2`` simplifies to ``sum(x**2)``, whose gradient
``2*x`` holds at zero too. The gradient ``x/norm(x)`` of the norm itself is nan at zero, where there is
none. The gradient of the nuclear norm is ``U @ Vh``, a subgradient where a singular value is zero;
the gradient of the 2-norm is ``outer(U[:, 0], Vh[0])``, a subgradient where the largest repeats.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, Final

import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.node import Expr
from symgrad.ops import reducing
from symgrad.ops.cast import cast
from symgrad.ops.decompositions import svdvals
from symgrad.ops.einsum import insert_axes, sum_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.linalg import inv
from symgrad.ops.matrices import as_float, check_matrix, check_square
from symgrad.ops.public import normalize_axes, normalize_axis, public
from symgrad.ops.shapes import moveaxis
from symgrad.ops.ufuncs import absolute, divide, not_equal, power, sqrt

Axes = tuple[int, ...]


def _euclidean(a: Expr, axes: Axes) -> Expr:
    return sqrt(sum_axes(power(a, 2), axes))


def _largest(a: Expr, axes: Axes) -> Expr:
    """The largest of entries that are not negative; 0 where there is none."""
    empty = 0 in [a.shape[axis] for axis in axes]
    return reducing.max(a, axes, initial=0.0 if empty else None)


# Orders of a vector norm that are no powers, over axes
_VECTOR: Final[dict[Any, Callable[[Expr, Axes], Expr]]] = {
    None: _euclidean,
    2: _euclidean,
    1: lambda a, axes: sum_axes(absolute(a), axes),
    0: lambda a, axes: sum_axes(cast(not_equal(a, 0), a.ty), axes),
    np.inf: lambda a, axes: _largest(absolute(a), axes),
    -np.inf: lambda a, axes: reducing.min(absolute(a), axes),
}

# Orders of a matrix norm, over the last two axes
_MATRIX: Final[dict[Any, Callable[[Expr], Expr]]] = {
    None: lambda a: _euclidean(a, (a.ndim - 2, a.ndim - 1)),
    "fro": lambda a: _euclidean(a, (a.ndim - 2, a.ndim - 1)),
    "nuc": lambda a: reducing.sum(svdvals(a), -1),
    2: lambda a: svdvals(a)[..., 0],
    -2: lambda a: svdvals(a)[..., -1],
    1: lambda a: _largest(reducing.sum(absolute(a), -2), (a.ndim - 2,)),
    -1: lambda a: reducing.min(reducing.sum(absolute(a), -2), -1),
    np.inf: lambda a: _largest(reducing.sum(absolute(a), -1), (a.ndim - 2,)),
    -np.inf: lambda a: reducing.min(reducing.sum(absolute(a), -1), -1),
}


def _vector(a: Expr, order: Any, axes: Axes) -> Expr:
    if order in _VECTOR and not isinstance(order, bool):
        return _VECTOR[order](a, axes)
    if isinstance(order, bool) or not isinstance(order, Real):
        raise ArgumentError(
            f"norm of order {order!r} is not defined for a vector; use a number, inf or -inf, or two"
            " axes for 'fro' and 'nuc'"
        )
    p = float(order)
    exact = int(p) if p.is_integer() else p
    if exact % 2:  # an even power needs no absolute value
        a = absolute(a)
    return power(sum_axes(power(a, exact), axes), divide(1, exact))


def _matrix(a: Expr, order: Any) -> Expr:
    if isinstance(order, bool) or order not in _MATRIX:
        listed = ", ".join(map(str, _MATRIX))
        raise ArgumentError(
            f"norm of order {order!r} is not defined for a matrix; use one of {listed}, or name one"
            " axis for the vector norms of its rows or columns"
        )
    return _MATRIX[order](a)


@public
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Expr:
    """Norm of a vector or a matrix, as `numpy.linalg.norm`.

    Parameters
    ----------
    x : expression
        Of any shape where `ord` and `axis` are None, which gives the Euclidean norm of all entries.
    ord : None, number, inf, -inf, 'fro' or 'nuc'
        For a vector the p of a p-norm; for a matrix 'fro', 'nuc', 1, -1, 2, -2, inf or -inf.
    axis : None, int or pair of int
        One axis for vectors, two for matrices; None takes the one or two that there are.
    keepdims : bool
        Whether the axes stay, with extent 1.

    Raises
    ------
    ArgumentError
        For an order that vectors, or matrices, do not have.
    ShapeError
        If there are not one or two axes.

    Notes
    -----
    The gradient of the Euclidean norm at zero is nan; that of its square is ``2*x`` everywhere.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", "n")
    >>> print(sg.grad(sg.norm(x) ** 2, x))
    2*x
    """
    a = as_float(as_expr(x))
    if axis is None and ord is None:
        axes = tuple(range(a.ndim))
        result = _euclidean(a, axes)
    else:
        ordered = _norm_axes(axis, a)
        axes = tuple(sorted(ordered))
        if len(ordered) == 1:
            result = _vector(a, ord, axes)
        else:
            result = _matrix(moveaxis(a, ordered, (-2, -1)), ord)
    return insert_axes(result, axes) if keepdims else result


def _norm_axes(axis: Any, a: Expr) -> Axes:
    """One or two axes, the rows' first."""
    if axis is None:
        ordered = tuple(range(a.ndim))
    elif isinstance(axis, (tuple, list)):
        ordered = tuple([normalize_axis(i, a.ndim) for i in axis])
    else:
        ordered = (normalize_axis(axis, a.ndim),)
    if len(set(ordered)) != len(ordered) or not 1 <= len(ordered) <= 2:
        raise ShapeError(
            f"norm of shape {show_shape(a.shape)} over axis {axis!r} needs one axis for vectors or two"
            " for matrices; write axis=-1 or axis=(-2, -1)"
        )
    return ordered


@public
def vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Expr:
    """p-norm over axes, all of them where `axis` is None, as `numpy.linalg.vector_norm`."""
    a = as_float(as_expr(x))
    axes = normalize_axes(axis, a.ndim)
    result = _vector(a, ord, axes)
    return insert_axes(result, axes) if keepdims else result


@public
def matrix_norm(x: Any, keepdims: bool = False, ord: Any = "fro") -> Expr:
    """Norm of the matrices in the last two axes, as `numpy.linalg.matrix_norm`."""
    a = check_matrix(as_float(as_expr(x)), "matrix_norm")
    result = _matrix(a, ord)
    return insert_axes(result, (a.ndim - 2, a.ndim - 1)) if keepdims else result


@public
def cond(x: Any, p: Any = None) -> Expr:
    """Condition number of matrices, as `numpy.linalg.cond`: a ratio of singular values.

    For another `p` than None, 2 and -2 it is ``norm(x, p) * norm(inv(x), p)``; a singular matrix then
    raises `numpy.linalg.LinAlgError` when code runs, where NumPy gives inf.
    """
    a = check_matrix(as_float(as_expr(x)), "cond")
    if p in (None, 2, -2):
        s = svdvals(a)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return _matrix(check_square(a, "cond"), p) * _matrix(inv(a), p)
