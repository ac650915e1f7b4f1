"""Forms of derivatives that make linear solves cheap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from symgrad.autodiff import jacobian, jvp
from symgrad.autodiff.blocks import first_derivatives, nonzero_blocks
from symgrad.errors import ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import constant, is_value, number, symbol, zeros
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols
from symgrad.ops.einsum import insert_axes
from symgrad.ops.gathering import scatter
from symgrad.ops.layout import concat
from symgrad.ops.reshaping import reshape_to
from symgrad.rewrite.simplify import simplify_all
from symgrad.structure.entries import entries_of
from symgrad.structure.forms import KroneckerForm
from symgrad.structure.recognise import form_of

MOST_BLOCKS: Final = 64  # scalar entries of a matrix that a function returns one by one


def entries_of_jacobian(
    formulas: Sequence[Expr], unknowns: Sequence[Expr], symmetric: bool = False
) -> tuple[list[Expr], tuple[int, int]]:
    """Entries of a Jacobian that can differ from zero and their places in C order; how many of how many.

    `symmetric` says that the formulas are the gradient by the unknowns.

    Raises
    ------
    ShapeError
        Where an extent is not known.
    """
    if any(e.shape for e in (*formulas, *unknowns)):
        return _of_blocks(formulas, unknowns)
    width = len(unknowns)
    found = sorted(nonzero_blocks(formulas, unknowns, symmetric).items())
    places = [i * width + j for (i, j), _ in found]
    size = (len(places), len(formulas) * width)
    return [_stacked(found), constant(np.array(places, np.int64))], size


def _of_blocks(
    formulas: Sequence[Expr], unknowns: Sequence[Expr]
) -> tuple[list[Expr], tuple[int, int]]:
    """The same for arrays: block by block, in the order of formulas and unknowns."""
    for e in (*formulas, *unknowns):
        if not all(isinstance(d, int) for d in e.shape):
            raise ShapeError(
                f'method="sparse" needs known extents, and {e} has shape {show_shape(e.shape)}'
            )
    rows = [math.prod(f.shape) for f in formulas]
    columns = [math.prod(x.shape) for x in unknowns]
    width, places, entries = sum(columns), [], []
    for i, f in enumerate(formulas):
        for j, x in enumerate(unknowns):
            block = jacobian(f, x)
            if is_value(block, 0):
                continue
            at, values = entries_of(block if block.shape else reshape_to(block, (1,)))
            row, column = np.divmod(at, columns[j])
            places.append((row + sum(rows[:i])) * width + column + sum(columns[:j]))
            entries.append(values)
    found = np.concatenate([np.zeros(0, np.int64), *places])
    return [_joined(entries), constant(found)], (len(found), sum(rows) * width)


def _joined(entries: Sequence[Expr]) -> Expr:
    """Vectors one after the other; an empty one where there are none."""
    return concat(entries, 0) if entries else number(0.0, (0,))


def _stacked(found: Sequence[tuple[Any, Expr]]) -> Expr:
    """Scalar entries as one vector."""
    return _joined([insert_axes(e, (0,)) for _, e in found])


def jacobian_in_blocks(
    formulas: Sequence[Expr], unknowns: Sequence[Expr], symmetric: bool = False
) -> list[Expr]:
    """A Jacobian as outputs of a function: its blocks in row order, or one matrix of many scalars.

    `symmetric` says that the formulas are the gradient by the unknowns.
    """
    m, n = len(formulas), len(unknowns)
    if m * n <= MOST_BLOCKS or any(e.shape for e in (*formulas, *unknowns)):
        rows = first_derivatives(formulas, unknowns, symmetric)
        return [block for row in rows for block in row]
    found = sorted(nonzero_blocks(formulas, unknowns, symmetric).items())
    if len(found) == m * n:
        return [reshape_to(_stacked(found), (m, n))]
    if not found:
        return [zeros((m, n))]
    places = np.array([place for place, _ in found])
    return [scatter(_stacked(found), [constant(i) for i in places.T], (m, n))]


def diagonal_of(gradient: Sequence[Expr], unknowns: Sequence[Expr]) -> list[Expr] | None:
    """The diagonal of a Hessian, an array per unknown, or None where it has more than a diagonal.

    It is diagonal where the Hessian times a direction v is ``d * v``, entry by entry, with no v in `d`.
    """
    parts: list[Expr] = []
    for i, x in enumerate(unknowns):
        direction = symbol(f"direction of {x.name}", x.shape)
        for j, slope in enumerate(gradient):
            product = jvp(slope, x, direction)
            if i != j:
                if not is_value(product, 0):
                    return None
                continue
            (ratio,) = simplify_all([product / direction])
            if direction in set(free_symbols(ratio)):
                return None
            parts.append(ratio if ratio.shape == x.shape else ratio + zeros(x.shape))
    return parts


def kronecker_of(blocks: Sequence[Expr]) -> KroneckerForm | None:
    """A Hessian by one matrix that is a Kronecker product with the identity, or None."""
    form = form_of(blocks[0]) if len(blocks) == 1 and blocks[0].ndim == 4 else None
    return form if isinstance(form, KroneckerForm) else None
