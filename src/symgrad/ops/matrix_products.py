"""What `numpy.linalg` has of products: over the last two axes where `numpy` takes the first two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import broadcast_shapes, show_shape
from symgrad.expr.node import Expr
from symgrad.ops import products, shapes
from symgrad.ops.einsum import broadcast, einsum_node
from symgrad.ops.elementwise import as_expr
from symgrad.ops.matrices import check_matrix, transposed
from symgrad.ops.public import normalize_axis, public
from symgrad.ops.shapes import moveaxis
from symgrad.ops.symmetry import Labels


@public
def trace(x: Any, offset: int = 0) -> Expr:
    """Sums along diagonals of the last two axes, as `numpy.linalg.trace`."""
    return products.trace(check_matrix(as_expr(x), "trace"), offset, -2, -1)


@public
def diagonal(x: Any, offset: int = 0) -> Expr:
    """Diagonals of the last two axes, as `numpy.linalg.diagonal`."""
    return shapes.diagonal(check_matrix(as_expr(x), "diagonal"), offset, -2, -1)


@public
def matrix_transpose(x: Any) -> Expr:
    """`x` with its last two axes exchanged, as `numpy.linalg.matrix_transpose`."""
    return transposed(check_matrix(as_expr(x), "matrix_transpose"))


@public
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Expr:
    """Dot products of the vectors along an axis, the other axes broadcast, as `numpy.vecdot`.

    Raises
    ------
    ShapeError
        For scalars, or vectors of different extent.
    """
    pair = [as_expr(x1), as_expr(x2)]
    if any(x.ndim == 0 for x in pair):
        raise ShapeError("vecdot takes no scalars; multiply with * instead")
    a, b = [moveaxis(x, normalize_axis(axis, x.ndim), -1) for x in pair]
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(
            f"vecdot of {show_shape(pair[0].shape)} and {show_shape(pair[1].shape)}: extents"
            f" {a.shape[-1]} and {b.shape[-1]} of axis {axis} differ"
        )
    batch = broadcast_shapes(a.shape[:-1], b.shape[:-1])
    a, b = [broadcast(x, (*batch[len(batch) - x.ndim + 1 :], x.shape[-1])) for x in (a, b)]
    labels: list[Labels] = [tuple(range(len(batch) + 1 - x.ndim, len(batch) + 1)) for x in (a, b)]
    return einsum_node([a, b], labels, tuple(range(len(batch))), {})


@public
def multi_dot(arrays: Sequence[Any]) -> Expr:
    """Product of matrices, the first and the last may be vectors, as `numpy.linalg.multi_dot`.

    In which order it is cheapest is found when code is made, here as in every product.

    Raises
    ------
    ArgumentError
        For less than two operands.
    ShapeError
        For operands that are no matrices, or inner extents that differ.
    """
    operands = [as_expr(x) for x in arrays]
    if len(operands) < 2:
        raise ArgumentError(f"multi_dot needs two operands or more, got {len(operands)}")
    for i, x in enumerate(operands):
        if x.ndim != 2 and not (x.ndim == 1 and i in (0, len(operands) - 1)):
            raise ShapeError(
                f"multi_dot takes matrices, and vectors at its ends; operand {i} has shape"
                f" {show_shape(x.shape)}"
            )
    result = operands[0]
    for x in operands[1:]:
        result = products.matmul(result, x)
    return result
