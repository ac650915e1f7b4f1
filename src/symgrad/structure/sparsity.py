"""`sparsity`: which entries of a Jacobian or Hessian can differ from zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from symgrad.calls import checked
from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.leaves import is_value
from symgrad.expr.node import Expr
from symgrad.ops.elementwise import as_expr
from symgrad.structure.entries import entries_of


@checked
def sparsity(J: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which entries of a derivative can differ from zero, by its structure alone.

    False means zero whatever the values of the symbols; True is no promise. Nothing is evaluated.

    Parameters
    ----------
    J : Expr of known extents, or list of lists of scalars
        A tensor such as `jacobian` and `hessian` give, or the block form of a system of scalars.

    Returns
    -------
    numpy.ndarray of bool
        Of the shape of `J`; ``np.nonzero`` of it gives rows and columns.

    Raises
    ------
    ShapeError
        If an extent is not a known int, or rows of a list differ in length.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 4)
    >>> sparsity(sg.jacobian(x[1:] * x[:-1], x)).astype(int)
    array([[1, 1, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 1, 1]])
    >>> a, b = sg.symbols("a b")
    >>> sparsity(sg.hessian(a**3 + 5 * b, [a, b])).tolist()
    [[True, False], [False, False]]
    """
    if isinstance(J, (list, tuple)):
        return np.array([[not is_value(e, 0) for e in row] for row in rows_of(J)], bool)
    e = as_expr(J)
    pattern = np.zeros(e.shape if all(isinstance(d, int) for d in e.shape) else (), bool)
    pattern.reshape(-1)[entries_of(e).at] = True
    return pattern


def rows_of(J: Any) -> list[list[Expr]]:
    """A list of equally long lists of scalar expressions.

    Raises
    ------
    ArgumentError, ShapeError
        If it is something else.
    """
    if not all(isinstance(row, (list, tuple)) for row in J):
        raise ArgumentError("a sparse system is an expression, or a list of lists of scalars")
    rows = [[as_expr(e) for e in row] for row in J]
    if len({len(row) for row in rows}) > 1:
        raise ShapeError("the rows of a sparse system must have equally many entries")
    for e in (e for row in rows for e in row):
        if e.shape != ():
            raise ShapeError(
                f"the blocks of a sparse system must be scalars, got shape {e.shape}; stack the unknowns"
                " into one vector"
            )
    return rows
