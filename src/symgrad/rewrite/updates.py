"""Low-rank updates of a matrix that is regular: the determinant lemma, and Woodbury's formula.

``det(A + outer(u, v)) = det(A)*(1 + v @ inv(A) @ u)`` holds where A is regular. It is so where the formula
asks for ``inv(A)``, or a solution, elsewhere; that inverse is then used twice. By `simplify` with the level
"full" it is used for a diagonal A too, all of whose entries are known to differ from 0, and
``inv(diag(d) + U @ U.T)`` with fewer columns than rows becomes
``diag(1/d) - W @ inv(eye(k) + U.T @ W) @ W.T`` with ``W = U/d``. That has to be asked for, since digits are
lost where d is small beside U. Any other diagonal may hold a 0, where the sum may be regular nevertheless.

References: Hager, Updating the inverse of a matrix, SIAM Review 31, 1989.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from symgrad.expr.leaves import eye, number
from symgrad.expr.node import Expr
from symgrad.expr.ranges import range_of
from symgrad.expr.rewriting import rewritten
from symgrad.expr.traverse import as_roots, ops_of, toposort
from symgrad.ops.arithmetic import ADD, add_all, mul, mul_all
from symgrad.ops.determinant import DET
from symgrad.ops.einsum import EINSUM, einsum_node, scale
from symgrad.ops.linalg import INV, LOGABSDET, SOLVE, SPD_LOGDET, solve
from symgrad.ops.matrices import minus, scalar_and_rest
from symgrad.ops.products import matmul
from symgrad.ops.properties import is_diagonal
from symgrad.ops.ufuncs import absolute, log
from symgrad.rewrite.matrices import chain_of
from symgrad.rewrite.triangles import diagonal_entries

MAX_TERMS: Final = 8


class Update(NamedTuple):
    """``A + c*outer(u, v)`` of vectors, or ``A + c*U @ V.T`` of matrices with fewer columns than rows."""

    base: Expr
    c: Expr
    u: Expr
    v: Expr


def of_regular(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with determinants of updates of matrices that are inverted elsewhere in them."""
    roots = as_roots(roots)
    if ops_of(roots).isdisjoint(_DETERMINANTS) or ops_of(roots).isdisjoint((INV, SOLVE)):
        return roots
    order = toposort(roots)
    inverses = {x.args[0]: x for x in order if x.op is INV}
    regular = {*inverses, *[x.args[0] for x in order if x.op is SOLVE]}

    def lemma(y: Expr) -> Expr:
        found = next((p for p in _updates(y.args[0]) if p.base in regular), None)
        return y if found is None else _DETERMINANTS[y.op](found, inverses.get(found.base))

    return rewritten(roots, dict.fromkeys(_DETERMINANTS, lemma))


def of_diagonals(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with determinants and inverses of updates of diagonal matrices that are regular."""
    changes = {INV: _inverse, **_DETERMINANTS}

    def formula(y: Expr) -> Expr:
        found = next((p for p in _updates(y.args[0]) if _is_regular_diagonal(p.base)), None)
        return y if found is None else changes[y.op](found)

    return rewritten(roots, dict.fromkeys(changes, formula))


def _is_regular_diagonal(x: Expr) -> bool:
    """Whether a matrix is known to be diagonal, and all entries on its diagonal to differ from 0."""
    if not is_diagonal(x):
        return False
    terms = x.args if x.op is ADD else (x,)
    entries = [diagonal_entries(term) for term in terms]
    known = [d for d in entries if d is not None]
    return len(known) == len(terms) and range_of(add_all(known)).nonzero


def _updates(x: Expr) -> list[Update]:
    """The ways to read a sum as a matrix and an update of low rank."""
    if x.op is not ADD or x.ndim != 2 or len(x.args) > MAX_TERMS:
        return []
    found = []
    for k, term in enumerate(x.args):
        factors = _factors(term)
        if factors is not None:
            found.append(Update(add_all([*x.args[:k], *x.args[k + 1 :]]), *factors))
    return found


def _factors(term: Expr) -> tuple[Expr, Expr, Expr] | None:
    """c, u and v of ``c*outer(u, v)`` or ``c*U @ V.T``."""
    c, product = scalar_and_rest(term)
    if product is None or product.op is not EINSUM or len(product.args) != 2:
        return None
    if product.params.inputs in (((0,), (1,)), ((1,), (0,))) and product.params.out == (0, 1):
        u, v = product.args if product.params.inputs[0] == (0,) else product.args[::-1]
        return c, u, v
    factors = chain_of(product)
    if len(factors) != 2:
        return None
    (u, turned), (v, back) = factors
    if turned or not back or not _is_thin(u.shape):
        return None
    return c, u, v


def _is_thin(shape: Sequence[object]) -> bool:
    """Whether there are fewer columns than rows, or extents with names of their own."""
    rows, columns = shape
    if isinstance(rows, int) and isinstance(columns, int):
        return columns < rows
    return isinstance(columns, int) or rows != columns


def _ratio(found: Update, inverse: Expr | None) -> Expr:
    """``1 + c*v @ inv(A) @ u``, or ``eye(k) + c*V.T @ inv(A) @ U``."""
    a, c, u, v = found
    solved = solve(a, u) if inverse is None else matmul(inverse, u)
    if u.ndim == 1:
        return add_all([number(1), mul(c, matmul(v, solved))])
    product = einsum_node([v, solved], [(0, 1), (0, 2)], (1, 2), {})
    return add_all([eye(u.shape[1], product.dtype), scale(product, c)])


def _determinant(found: Update, inverse: Expr | None = None) -> Expr:
    """``det(A)*(1 + c*v @ inv(A) @ u)``; of matrices ``det(A)*det(eye(k) + c*V.T @ inv(A) @ U)``."""
    ratio = _ratio(found, inverse)
    small = DET.build((ratio,), ()) if ratio.ndim else ratio
    return mul_all([DET.build((found.base,), ()), small])


def _logdet(found: Update, inverse: Expr | None = None) -> Expr:
    """The logarithm of the absolute value of that."""
    ratio = _ratio(found, inverse)
    small = LOGABSDET.build((ratio,), ()) if ratio.ndim else log(absolute(ratio))
    return add_all([LOGABSDET.build((found.base,), ()), small])


def _inverse(found: Update, inverse: Expr | None = None) -> Expr:
    """``inv(D) - c*inv(D) @ U @ inv(eye(k) + c*V.T @ inv(D) @ U) @ V.T @ inv(D)`` of a diagonal D."""
    a, c, u, v = found
    left, right = solve(a, u), solve(a, v)
    whole, ratio = INV.build((a,), ()), _ratio(found, None)
    if not ratio.ndim:
        outer = einsum_node([left, right], [(0,), (1,)], (0, 1), {})
        return add_all([whole, minus(scale(outer, c / ratio))])
    middle = matmul(matmul(left, INV.build((ratio,), ())), right.T)
    return add_all([whole, minus(scale(middle, c))])


_DETERMINANTS: Final = {DET: _determinant, LOGABSDET: _logdet, SPD_LOGDET: _logdet}
