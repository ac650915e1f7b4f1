"""Matrices of blocks, of which all above or all below the diagonal are zeros, block by block.

The determinant is that of the blocks on the diagonal; inverse and solution go by substitution (Golub and
Van Loan, Matrix Computations, 4th ed., 2013, ch. 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from symgrad.expr.dims import Dim, add_dims
from symgrad.expr.leaves import is_number, is_value, number
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import add_all, mul_all
from symgrad.ops.determinant import DET
from symgrad.ops.einsum import EINSUM, einsum_node, insert_axes, is_layout
from symgrad.ops.layout import CONCAT, concat, part
from symgrad.ops.linalg import INV, LOGABSDET, SIGNDET, SOLVE, SPD_LOGDET, solve
from symgrad.ops.matrices import minus
from symgrad.ops.products import matmul
from symgrad.rewrite.rule import Guarantee, Rule

MAX_BLOCKS: Final = 8  # in a row, of a matrix that is looked at

Rows = Sequence[Sequence[Expr]]


class BlockMatrix(NamedTuple):
    """A square matrix of blocks, the diagonal ones square.

    Attributes
    ----------
    rows : list of list of Expr
    lower, upper : bool
        Whether the blocks above, or below, the diagonal are zeros.
    """

    rows: Rows
    lower: bool
    upper: bool

    @property
    def diagonal(self) -> list[Expr]:
        """The blocks on the diagonal."""
        return [row[i] for i, row in enumerate(self.rows)]


def grid_of(x: Expr) -> BlockMatrix | None:
    """The blocks of a matrix, by its rows or by its columns; None where they are no such grid."""
    if x.op is not CONCAT or x.ndim != 2 or len(x.args) > MAX_BLOCKS:
        return None
    axis = x.params[0]
    sizes = [arg.shape[axis] for arg in x.args]
    strips = [_cut(strip, 1 - axis, sizes) for strip in x.args]
    found = [strip for strip in strips if strip is not None]
    if len(found) < len(strips):
        return None
    rows = found if axis == 0 else [list(row) for row in zip(*found, strict=True)]
    return BlockMatrix(rows, _is_zero(rows, above=True), _is_zero(rows, above=False))


def _cut(x: Expr, axis: int, sizes: Sequence[Dim]) -> list[Expr] | None:
    """A strip in blocks of the given sizes."""
    if is_number(x) and x.shape[axis] == add_dims(*sizes):
        other = x.shape[1 - axis]
        return [number(x.params[0], (other, d) if axis else (d, other), x.ty) for d in sizes]
    fits = x.op is CONCAT and x.params[0] == axis and [a.shape[axis] for a in x.args] == sizes
    return list(x.args) if fits else None


def _is_zero(rows: Rows, above: bool) -> bool:
    """Whether all blocks above, or all below, the diagonal are zeros."""
    return all(
        is_value(x, 0)
        for i, row in enumerate(rows)
        for j, x in enumerate(row)
        if (j > i if above else j < i)
    )


def _triangular(x: Expr) -> BlockMatrix | None:
    grid = grid_of(x)
    return grid if grid is not None and (grid.lower or grid.upper) else None


def _det(y: Expr) -> Expr | None:
    """The product of the determinants of the blocks on the diagonal; of their signs likewise."""
    grid = _triangular(y.args[0])
    return None if grid is None else mul_all([y.op.build((x,), ()) for x in grid.diagonal])


def _logdet(y: Expr) -> Expr | None:
    grid = _triangular(y.args[0])
    return None if grid is None else add_all([LOGABSDET.build((x,), ()) for x in grid.diagonal])


def _trace(y: Expr) -> Expr | None:
    """The sum of the traces of the blocks on the diagonal."""
    if len(y.args) > 1 or y.params != (((0, 0),), (), ()):
        return None
    grid = grid_of(y.args[0])
    if grid is None:
        return None
    return add_all([einsum_node([x], [(0, 0)], (), {}) for x in grid.diagonal])


def _inverse(y: Expr) -> Expr | None:
    """By substitution, for the blocks of the identity one after the other."""
    grid = _triangular(y.args[0])
    if grid is None:
        return None
    inverses = [INV.build((x,), ()) for x in grid.diagonal]
    size = len(inverses)
    found: dict[tuple[int, int], Expr] = {(i, i): x for i, x in enumerate(inverses)}
    for i in _order(grid):
        for j in range(size):
            terms = [
                matmul(grid.rows[i][k], found[k, j])
                for k in range(size)
                if k != i and (k, j) in found and not is_value(grid.rows[i][k], 0)
            ]
            if j != i and terms:
                found[i, j] = minus(matmul(inverses[i], add_all(terms)))
    sizes = [x.shape[0] for x in inverses]
    blocks = [
        [found.get((i, j), number(0, (sizes[i], sizes[j]))) for j in range(size)]
        for i in range(size)
    ]
    return concat([concat(row, 1) for row in blocks], 0)


def _order(grid: BlockMatrix) -> Sequence[int]:
    """The rows in the order of substitution."""
    return range(len(grid.rows)) if grid.lower else range(len(grid.rows) - 1, -1, -1)


def _solution(y: Expr) -> Expr | None:
    """By substitution, block by block of the right-hand side; one column is a vector."""
    grid = _triangular(y.args[0])
    if grid is None:
        return None
    b = y.args[1]
    column = is_layout(b) and b.args[0].ndim == 1 and b.shape[1] == 1
    right = _strips(b.args[0] if column else b, [x.shape[0] for x in grid.diagonal])
    found: dict[int, Expr] = {}
    for i in _order(grid):
        terms = [
            minus(matmul(grid.rows[i][k], x))
            for k, x in found.items()
            if not is_value(grid.rows[i][k], 0)
        ]
        found[i] = solve(grid.rows[i][i], add_all([right[i], *terms]))
    whole = concat([found[i] for i in range(len(found))], 0)
    return insert_axes(whole, (1,)) if column else whole


def _strips(b: Expr, sizes: Sequence[Dim]) -> Sequence[Expr]:
    """A right-hand side in strips of the given sizes."""
    if b.op is CONCAT and b.params[0] == 0 and [arg.shape[0] for arg in b.args] == list(sizes):
        return b.args
    stops = list(accumulate(sizes, add_dims))
    return [part(b, 0, start, stop) for start, stop in pairwise([0, *stops])]


ROUNDING: Final = Guarantee.ROUNDING
BLOCK_RULES: Final = (
    *[Rule("determinant of a block triangle", ROUNDING, op, _det) for op in (DET, SIGNDET)],
    *[Rule("logdet of a block triangle", ROUNDING, op, _logdet) for op in (LOGABSDET, SPD_LOGDET)],
    Rule("trace by blocks", ROUNDING, EINSUM, _trace),
    Rule("inverse of a block triangle", ROUNDING, INV, _inverse),
    Rule("solution by a block triangle", ROUNDING, SOLVE, _solution),
)
