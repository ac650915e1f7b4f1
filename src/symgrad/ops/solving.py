"""SciPy's and NumPy's further functions of linear algebra, composed from `solve`, `inv` and layouts.

SciPy's functions do not ask their operands what they are, so these have names in `symgrad.linalg`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import mul_dims, show_shape
from symgrad.expr.leaves import arange
from symgrad.expr.node import Expr
from symgrad.ops.einsum import insert_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.indexing import take
from symgrad.ops.linalg import inv, solve
from symgrad.ops.matrices import check_square, diagonal_of, spread_diagonal, transposed
from symgrad.ops.products import matmul
from symgrad.ops.public import as_int, public
from symgrad.ops.shapes import concatenate, flip, moveaxis, ravel, reshape, size, tril, triu
from symgrad.ops.ufuncs import add, subtract


@public
def matvec(x1: Any, x2: Any) -> Expr:
    """Matrices times vectors, leading axes broadcast, as `numpy.matvec`.

    Examples
    --------
    >>> import symgrad as sg
    >>> sg.matvec(sg.matrix("A", ("m", "n")), sg.matrix("v", ("k", "n"))).shape
    ('k', 'm')
    """
    a, v = as_expr(x1), as_expr(x2)
    if a.ndim < 2 or v.ndim < 1:
        raise ShapeError(
            f"matvec takes matrices and vectors, got shapes {show_shape(a.shape)} and"
            f" {show_shape(v.shape)}"
        )
    product = matmul(a, insert_axes(v, (v.ndim,)))
    return reshape(product, product.shape[:-1])


@public
def vecmat(x1: Any, x2: Any) -> Expr:
    """Vectors times matrices, leading axes broadcast, as `numpy.vecmat`.

    Examples
    --------
    >>> import symgrad as sg
    >>> sg.vecmat(sg.vector("v", "m"), sg.matrix("A", ("m", "n"))).shape
    ('n',)
    """
    v, a = as_expr(x1), as_expr(x2)
    if a.ndim < 2 or v.ndim < 1:
        raise ShapeError(
            f"vecmat takes vectors and matrices, got shapes {show_shape(v.shape)} and"
            f" {show_shape(a.shape)}"
        )
    return matvec(transposed(a), v)


@public
def tensorinv(a: Any, ind: int = 2) -> Expr:
    """The inverse of a tensor that maps tensors to tensors, as `numpy.linalg.tensorinv`.

    Raises
    ------
    ShapeError
        If the sizes before and behind axis `ind` differ.
    ArgumentError
        If `ind` is not positive.
    """
    x, split = as_expr(a), as_int(ind, "ind of tensorinv")
    if split <= 0:
        raise ArgumentError(f"tensorinv needs a positive ind, got {split}")
    rows, columns = x.shape[:split], x.shape[split:]
    square = reshape(x, (mul_dims(*rows), mul_dims(*columns)))
    return reshape(inv(square), (*columns, *rows))


@public
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Expr:
    """The x with ``tensordot(a, x, x.ndim) == b``, as `numpy.linalg.tensorsolve`.

    Raises
    ------
    ShapeError
        If the sizes of the axes of `b` and of the others differ.
    """
    x, right = as_expr(a), as_expr(b)
    if axes is not None:
        listed = list(axes) if isinstance(axes, (tuple, list)) else [axes]
        x = moveaxis(x, listed, list(range(x.ndim - len(listed), x.ndim)))
    unknowns = x.shape[right.ndim :]
    square = reshape(x, (mul_dims(*right.shape), mul_dims(*unknowns)))
    return reshape(solve(square, ravel(right)), unknowns)


@public
def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Expr:
    """The x with ``a @ x == b`` for a triangular matrix, as `scipy.linalg.solve_triangular`.

    Parameters
    ----------
    a : expression of shape (n, n)
        Only one triangle is read.
    b : expression of shape (n,) or (n, k)
    trans : int or str
        0 or "N": a; 1 or "T", 2 or "C": its transpose.
    lower : bool
        Which triangle is read, the upper one unless said otherwise.
    unit_diagonal : bool
        Whether the diagonal counts as ones and is not read.
    overwrite_b, check_finite : bool
        Not looked at.

    Raises
    ------
    ArgumentError
        For another `trans`.
    ShapeError
        If `a` is not square, or its rows are not those of `b`.

    Examples
    --------
    >>> import symgrad as sg
    >>> b = sg.vector("b", 2)
    >>> x = sg.linalg.solve_triangular([[2.0, 0.0], [1.0, 4.0]], b, lower=True)
    >>> sg.evaluate(x, {b: [2.0, 9.0]})
    array([1., 2.])
    """
    x = check_square(as_expr(a), "solve_triangular")
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise ArgumentError(f"solve_triangular has the trans 0, 1 and 2, not {trans!r}")
    strict = int(bool(unit_diagonal))
    triangle = tril(x, -strict) if lower else triu(x, strict)
    if unit_diagonal:
        triangle = add(triangle, spread_diagonal(diagonal_of(x) * 0 + 1, x))
    return solve(triangle if trans in (0, "N") else transposed(triangle), b)  # type: ignore[no-any-return]


@public
def cho_solve(
    c_and_lower: Sequence[Any], b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Expr:
    """The x with ``A @ x == b``, given a Cholesky factor of A, as `scipy.linalg.cho_solve`.

    `c_and_lower` is the pair of the factor and of whether it is the lower one.

    Examples
    --------
    >>> import symgrad as sg
    >>> A, b = sg.matrix("A", (2, 2), spd=True), sg.vector("b", 2)
    >>> x = sg.linalg.cho_solve((sg.linalg.cholesky(A), True), b)
    >>> sg.evaluate(x, {A: [[4.0, 0.0], [0.0, 2.0]], b: [4.0, 6.0]})
    array([1., 3.])
    """
    if isinstance(c_and_lower, Expr) or len(c_and_lower) != 2:
        raise ArgumentError(
            "cho_solve takes a pair of the factor and of whether it is the lower one, such as"
            " (cholesky(A), True)"
        )
    factor, lower = c_and_lower
    first, then = (0, 1) if lower else (1, 0)
    half = solve_triangular(factor, b, trans=first, lower=lower)
    return solve_triangular(factor, half, trans=then, lower=lower)  # type: ignore[no-any-return]


@public
def toeplitz(c: Any, r: Any = None) -> Expr:
    """The matrix that is constant along its diagonals, as `scipy.linalg.toeplitz`.

    Parameters
    ----------
    c : vector
        The first column.
    r : vector, optional
        The first row, whose first entry is not read; `c` if not given.

    Raises
    ------
    ShapeError
        For operands that are no vectors.

    Examples
    --------
    >>> import symgrad as sg
    >>> a, b = sg.symbols("a b")
    >>> print(sg.linalg.toeplitz(sg.stack([a, b])))
    concatenate([broadcast_to(b, (1,))[::-1], stack([a, b])])[arange(2)[:, newaxis] - arange(2) + 1]
    """
    column = as_expr(c)
    row = column if r is None else as_expr(r)
    for x in (column, row):
        if x.ndim != 1:
            raise ShapeError(f"toeplitz takes vectors, got shape {show_shape(x.shape)}")
    entries = concatenate(
        [flip(row[1:], 0), column]
    )  # by the number of the row less that of the column
    rows, columns = insert_axes(arange(column.shape[0]), (1,)), arange(row.shape[0])
    last = subtract(size(row, 0), 1)
    return take(entries, add(subtract(rows, columns), last))
