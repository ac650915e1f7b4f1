"""Functions of a square matrix, and their derivatives along directions, as one family of ops.

A node has the matrix A and directions E, ..., F as operands: it is the derivative of a function of A along
all of them, linear in each, and a matrix itself. Its derivative by A along T is the node with one direction
more, by E along T the node with T in the place of E. What is left for an op to say is `along`, which makes
such a node of its operands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from symgrad.expr.dims import Shape
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import add_all
from symgrad.ops.einsum import insert_axes, sum_axes, transpose_axes
from symgrad.ops.reshaping import reshape_to

Along = Callable[[Sequence[Expr]], Expr]


def replaced(operands: Sequence[Expr]) -> Iterator[list[Expr]]:
    """For each operand, those to which one direction is added for the derivative by that operand."""
    yield list(operands)
    for k in range(1, len(operands)):
        yield [*operands[:k], *operands[k + 1 :]]


def cotangents(
    g: Expr, operands: Sequence[Expr], shapes: Sequence[Shape], needed: Sequence[bool], along: Along
) -> list[Expr | None]:
    """What a cotangent `g` sends to each operand, of the given shape.

    `operands` and `along` are those of the adjoint: for the cofactors the same, for a power the transposes.
    """
    return [
        summed_to(along([*kept, g]), shape) if wanted else None
        for kept, shape, wanted in zip(replaced(operands), shapes, needed, strict=True)
    ]


def summed_to(x: Expr, shape: Shape) -> Expr:
    """`x` summed over the axes along which `shape` was stretched to that of `x`."""
    full = (1,) * (x.ndim - len(shape)) + tuple(shape)
    return reshape_to(sum_axes(x, [k for k, d in enumerate(full) if d != x.shape[k]]), shape)


def tangent(y: Expr, tangents: Sequence[Expr | None], along: Along) -> Expr | None:
    """Directions of tangents, which trail, become leading axes, and go back."""
    terms = []
    for kept, x, t in zip(replaced(y.args), y.args, tangents, strict=True):
        if t is None:
            continue
        extra = t.ndim - x.ndim
        moved = transpose_axes(t, (*range(x.ndim, t.ndim), *range(x.ndim)))
        moved = insert_axes(moved, range(extra, extra + y.ndim - x.ndim)) if extra else moved
        made = along([*kept, moved])
        terms.append(transpose_axes(made, (*range(extra, made.ndim), *range(extra))))
    return add_all(terms) if terms else None
