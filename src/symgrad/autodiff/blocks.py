"""Blocks of first derivatives: of several functions, by several variables, each block an array.

By scalars, and of arrays, they are found forward, column by column (`symgrad.autodiff.columns`); of scalars
by an array one reverse walk each is cheaper than directions of the array's size.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.autodiff.columns import JacobianColumns
from symgrad.autodiff.entries import all_directions, picked, symbols_of
from symgrad.autodiff.parts import Part
from symgrad.autodiff.reverse import pullback
from symgrad.expr.collector import COLLECTOR_PAUSED
from symgrad.expr.leaves import SYMBOL, is_value, number
from symgrad.expr.node import Expr
from symgrad.expr.traverse import depends_on, toposort
from symgrad.ops.einsum import transpose_axes
from symgrad.rewrite.names import NO_NAMES, Recall
from symgrad.rewrite.simplify import in_names, tidied


def behind(block: Expr, rank: int) -> Expr:
    """A block whose first `rank` axes come last."""
    if not 0 < rank < block.ndim:
        return block
    return transpose_axes(block, (*range(rank, block.ndim), *range(rank)))


def first_derivatives(
    outputs: Sequence[Expr],
    variables: Sequence[Expr],
    symmetric: bool = False,
    names: Recall = NO_NAMES,
) -> list[list[Expr]]:
    """Per output a list of its derivatives by each variable, of shape ``f.shape + x.shape``, simplified.

    `symmetric` says that the outputs are the gradient by the variables: half of the blocks is
    differentiated, the others are their transposes. `names` are those of the function that they are
    the gradient of.
    """
    full = [[number(0, (*y.shape, *x.shape)) for x in variables] for y in outputs]
    for (i, j), block in nonzero_blocks(outputs, variables, symmetric, names).items():
        full[i][j] = block
    return full


@COLLECTOR_PAUSED
def nonzero_blocks(
    outputs: Sequence[Expr],
    variables: Sequence[Expr],
    symmetric: bool = False,
    names: Recall = NO_NAMES,
) -> dict[tuple[int, int], Expr]:
    """The blocks that are not known to be zero, by the numbers of function and variable, simplified."""
    columns = JacobianColumns(outputs, symbols_of(variables))
    if symmetric:
        blocks = [_column(columns, x, j + 1) for j, x in enumerate(variables)]
    else:
        blocks = [_by_parts(columns, x) or _column(columns, x, len(outputs)) for x in variables]
    places = [(i, j) for j, column in enumerate(blocks) for i in column]
    made = in_names([blocks[j][i] for i, j in places], columns.recall, True)
    if names.parts:
        made = tidied(made, names)
    found = {}
    for (i, j), block in zip(places, made, strict=True):
        if 0 not in block.shape and not is_value(block, 0):
            found[i, j] = block
            if symmetric and i != j:
                found[j, i] = behind(block, variables[i].ndim)
    return found


def _column(columns: JacobianColumns, x: Expr, rows: int) -> dict[int, Expr]:
    """The derivatives of the first `rows` outputs by one variable."""
    outputs = columns.outputs[:rows]
    leaves = symbols_of([x])
    if x.op is not SYMBOL and x.ndim and not any(leaf.ndim for leaf in leaves):
        return _by_an_array_of_symbols(columns, x, rows)
    if x.ndim == 0 or any(y.ndim for y in outputs):
        return columns.column(all_directions(x), rows)
    mention = depends_on(toposort(outputs), leaves)
    return {k: _gradient(y, x, leaves) for k, y in enumerate(outputs) if y in mention}


def _by_parts(columns: JacobianColumns, x: Expr) -> dict[int, Expr]:
    """The derivatives of arrays by a symbol that is read in parts; none for any other."""
    whole = columns.parted(x) if any(y.ndim for y in columns.outputs) else None
    if whole is None:
        return {}
    found: dict[int, dict[Part, Expr]] = {}
    for part in whole.parts:
        for k, piece in columns.column(whole.directions(part), len(columns.outputs)).items():
            found.setdefault(k, {})[part] = piece
    return {k: whole.joined(columns.outputs[k], pieces) for k, pieces in found.items()}


def _gradient(y: Expr, x: Expr, leaves: Sequence[Expr]) -> Expr:
    """The derivative of a scalar by an array, of symbols `leaves`, by a walk from the scalar."""
    cotangents = pullback([y], [number(1)], leaves, False)
    return picked([x], dict(zip(leaves, cotangents, strict=True)))[0]


def _by_an_array_of_symbols(columns: JacobianColumns, x: Expr, rows: int) -> dict[int, Expr]:
    leaves = symbols_of([x])
    by_leaf = [columns.column({leaf: number(1)}, rows) for leaf in leaves]
    found = {}
    for k in sorted({k for column in by_leaf for k in column}):
        zero = number(0, columns.outputs[k].shape)
        entries = {leaf: c.get(k, zero) for leaf, c in zip(leaves, by_leaf, strict=True)}
        found[k] = behind(picked([x], entries)[0], x.ndim)
    return found
