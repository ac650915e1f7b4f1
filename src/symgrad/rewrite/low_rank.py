"""A positive diagonal plus a matrix of low rank: determinants and some solutions in few operations.

For ``A = diag(d) + c*U @ U.T`` with n rows, k columns of U, ``W = diag(1/d) @ U`` and the small matrix
``S = eye(k) + c*W.T @ U``

- ``det(A) = prod(d)*det(S)``, the matrix determinant lemma;
- ``inv(A) @ U = W @ inv(S)``, of Sherman, Morrison and Woodbury.

That takes ``n*k**2`` operations where a factorisation takes ``n**3``; so U must be a vector, or of known
extents with at most half as many columns as rows.

All d must be known to be positive and c not to be negative. Then S is positive definite, whatever the
values: nothing is divided by zero that was not singular before, and 1 is added to what is not negative, so
no digits cancel. Of two vectors, ``det(diag(d) + c*outer(u, v)) = prod(d)*(1 + c*v @ (u/d))`` needs the
positive d alone.

For a general A in the place of the diagonal that fails: ``det(A + outer(u, v))`` has a value where A is
singular, and ``det(A)*(1 + v @ inv(A) @ u)`` has none there. Woodbury's formula for the whole inverse,
``diag(1/d) - c*W @ inv(S) @ W.T``, is not used either: it is a difference of large things where d is small
beside U, and ``u @ inv(A) @ u`` by it loses all digits that factors of A would keep.

References: Hager, Updating the inverse of a matrix, SIAM Review 31, 1989; Yip, A note on the stability
of solving a rank-p modification of a linear system by the Sherman-Morrison-Woodbury formula, SIAM J. Sci.
Stat. Comput. 7, 1986.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from symgrad.expr.leaves import eye, number
from symgrad.expr.node import Expr
from symgrad.expr.ranges import is_nonnegative, is_positive
from symgrad.ops import reducing
from symgrad.ops.arithmetic import ADD, add_all, mul_all
from symgrad.ops.determinant import DET
from symgrad.ops.einsum import EINSUM, broadcast, einsum_node, insert_axes, scale
from symgrad.ops.linalg import INV, LOGABSDET, SIGNDET, SOLVE, SPD_LOGDET
from symgrad.ops.matrices import scalar_and_rest
from symgrad.ops.products import matmul
from symgrad.ops.properties import is_diagonal
from symgrad.ops.symmetry import Labels
from symgrad.ops.ufuncs import absolute, divide, log, multiply, sign
from symgrad.rewrite.matrices import chain_of
from symgrad.rewrite.rule import Guarantee, Rule
from symgrad.rewrite.triangles import diagonal_entries, product_of_diagonal

MAX_TERMS: Final = 8


class LowRankUpdate(NamedTuple):
    """``diag(d) + c*outer(u, u)``, or ``diag(d) + c*u @ u.T`` of a matrix u with few columns.

    All d are positive, c is at least zero.
    """

    d: Expr
    c: Expr
    u: Expr

    @property
    def scaled(self) -> Expr:
        """``u/d``, row by row."""
        d = (
            self.d
            if self.u.ndim == 1
            else einsum_node([self.d], [(0,)], (0, 1), dict(enumerate(self.u.shape)))
        )
        return divide(self.u, d)

    @property
    def inner(self) -> Expr:
        """``c*(u/d) @ u`` of a vector; ``eye(k) + c*(u/d).T @ u`` of a matrix."""
        if self.u.ndim == 1:
            return multiply(self.c, matmul(self.scaled, self.u))
        product = einsum_node([self.scaled, self.u], [(0, 1), (0, 2)], (1, 2), {})
        return add_all([eye(self.u.shape[1], product.dtype), scale(product, self.c)])


def low_rank(x: Expr) -> LowRankUpdate | None:
    """A sum as a positive diagonal and one low-rank term; None for anything else."""
    split = _diagonal_and_rest(x)
    update = None if split is None else _update(split[1])
    if split is None or update is None or not is_nonnegative(update[0]):
        return None
    return LowRankUpdate(split[0], *update)


def _diagonal_and_rest(x: Expr) -> tuple[Expr, Expr] | None:
    """The entries of the diagonal terms of a sum, which are positive together, and its only other term."""
    if x.op is not ADD or x.ndim != 2 or len(x.args) > MAX_TERMS:
        return None
    rest = [term for term in x.args if not is_diagonal(term)]
    diagonals = [diagonal_entries(term) for term in x.args if is_diagonal(term)]
    if len(rest) != 1 or not diagonals:
        return None
    known = [d for d in diagonals if d is not None]
    if len(known) < len(diagonals):
        return None
    d = add_all(known)
    return (d, rest[0]) if is_positive(d) else None


class Outer(NamedTuple):
    """``diag(d) + c*outer(u, v)`` of two vectors, all d positive."""

    d: Expr
    c: Expr
    u: Expr
    v: Expr

    @property
    def bracket(self) -> Expr:
        """``1 + c*v @ (u/d)``, the determinant over that of the diagonal."""
        return add_all([number(1), multiply(self.c, matmul(self.v, divide(self.u, self.d)))])


def _outer(x: Expr) -> Outer | None:
    """A sum as a positive diagonal and the outer product of two vectors; None for anything else."""
    split = _diagonal_and_rest(x)
    if split is None:
        return None
    d, rest = split
    c, product = scalar_and_rest(rest)
    if product is None or product.op is not EINSUM or len(product.args) != 2:
        return None
    u, v = product.args
    if u is v or u.ndim != 1 or v.ndim != 1 or product.params.out != (0, 1):
        return None
    if product.params.inputs == ((1,), (0,)):
        u, v = v, u
    elif product.params.inputs != ((0,), (1,)):
        return None
    return Outer(d, c, u, v)


def _det_of_outer(y: Expr) -> Expr | None:
    found = _outer(y.args[0])
    return None if found is None else mul_all([product_of_diagonal(found.d), found.bracket])


def _logdet_of_outer(y: Expr) -> Expr | None:
    found = _outer(y.args[0])
    if found is None:
        return None
    return add_all([reducing.sum(log(found.d)), log(absolute(found.bracket))])


def _sign_of_outer(y: Expr) -> Expr | None:
    found = _outer(y.args[0])
    return None if found is None else sign(found.bracket)


def _update(term: Expr) -> tuple[Expr, Expr] | None:
    """c and u of ``c*outer(u, u)`` or ``c*u @ u.T``."""
    c, product = scalar_and_rest(term)
    if product is None or product.op is not EINSUM:
        return None
    u = product.args[0]
    if u.ndim == 1 and len(product.args) == 2 and product.args[1] is u:
        return (c, u) if product.params == (((0,), (1,)), (0, 1), ()) else None
    factors = chain_of(product)
    if len(factors) != 2:
        return None
    (u, first), (v, second) = factors
    return (c, u) if u is v and not first and second and _is_thin(u.shape) else None


def _is_thin(shape: Sequence[object]) -> bool:
    rows, columns = shape
    return isinstance(rows, int) and isinstance(columns, int) and 2 * columns <= rows


def _det(y: Expr) -> Expr | None:
    found = low_rank(y.args[0])
    if found is None:
        return None
    inner = found.inner
    rest = add_all([number(1), inner]) if inner.ndim == 0 else DET.build((inner,), ())
    return mul_all([product_of_diagonal(found.d), rest])


def _logdet(y: Expr) -> Expr | None:
    found = low_rank(y.args[0])
    if found is None:
        return None
    inner = found.inner
    rest = log(add_all([number(1), inner])) if inner.ndim == 0 else SPD_LOGDET.build((inner,), ())
    return add_all([reducing.sum(log(found.d)), rest])


def _times_own_factor(y: Expr) -> Expr | None:
    """``inv(A) @ U -> W @ inv(S)`` in a product, from either side."""
    inputs, out, spread = y.params
    for i, x in enumerate(y.args):
        found = low_rank(x.args[0]) if x.op is INV else None
        if found is None:
            continue
        for near, far in (inputs[i], inputs[i][::-1]):
            at = [j for j, labels in enumerate(inputs) if far in labels and j != i]
            if far in out or near == far or len(at) != 1 or y.args[at[0]] is not found.u:
                continue
            (j,) = at
            if inputs[j][0] != far or far in inputs[j][1:]:
                continue
            fresh = max([n for labels in (*inputs, out) for n in labels]) + 1
            made = _by_small_system(found, (near, *inputs[j][1:]), fresh)
            rest = [k for k in range(len(y.args)) if k not in (i, j)]
            return einsum_node(
                [*[operand for operand, _ in made], *[y.args[k] for k in rest]],
                [*[labels for _, labels in made], *[inputs[k] for k in rest]],
                out,
                {**dict(spread), **dict(zip(out, y.shape, strict=True))},
            )
    return None


def _by_small_system(found: LowRankUpdate, labels: Labels, fresh: int) -> list[tuple[Expr, Labels]]:
    """``inv(A) @ u`` as operands of a product: a vector over a number, or two matrices."""
    w, inner = found.scaled, found.inner
    if w.ndim == 1:
        whole = broadcast(add_all([number(1), inner]), w.shape)
        return [(divide(w, whole), labels)]
    return [(w, (labels[0], fresh)), (INV.build((inner,), ()), (fresh, labels[1]))]


def _solution_of_own_factor(y: Expr) -> Expr | None:
    """``solve(A, U) -> W @ inv(S)``; a vector is one column."""
    a, b = y.args
    found = low_rank(a)
    if found is None:
        return None
    column = insert_axes(found.u, (1,)) if found.u.ndim == 1 else found.u
    if b is not column:
        return None
    labels = tuple(range(found.u.ndim))
    made = _by_small_system(found, labels, found.u.ndim)
    solved = einsum_node([x for x, _ in made], [own for _, own in made], labels, {})
    return insert_axes(solved, (1,)) if found.u.ndim == 1 else solved


def _of_vector(rule: Callable[[Expr], Expr | None]) -> Callable[[Expr], Expr | None]:
    """A rule for one column only: what it gives is short to read, too."""

    def apply(y: Expr) -> Expr | None:
        found = low_rank(y.args[0])
        return rule(y) if found is not None and found.u.ndim == 1 else None

    return apply


ROUNDING: Final = Guarantee.ROUNDING
RANK_ONE_RULES: Final = (
    Rule("det(diag(d) + outer(u, u)) = prod(d)*(1 + sum(u**2/d))", ROUNDING, DET, _of_vector(_det)),
    *[
        Rule("logdet(diag(d) + outer(u, u)) = sum(log(d)) + ...", ROUNDING, op, _of_vector(_logdet))
        for op in (LOGABSDET, SPD_LOGDET)
    ],
)
OUTER_RULES: Final = (
    Rule("det(diag(d) + outer(u, v)) = prod(d)*(1 + v @ (u/d))", ROUNDING, DET, _det_of_outer),
    Rule(
        "logdet(diag(d) + outer(u, v)) = sum(log(d)) + log|1 + v @ (u/d)|",
        ROUNDING,
        LOGABSDET,
        _logdet_of_outer,
    ),
    Rule("sign of det(diag(d) + outer(u, v))", ROUNDING, SIGNDET, _sign_of_outer),
)
LOW_RANK_RULES: Final = (
    Rule("det(diag(d) + U @ U.T) by the rows of U", ROUNDING, DET, _det),
    *[
        Rule("logdet(diag(d) + U @ U.T) by the rows of U", ROUNDING, op, _logdet)
        for op in (LOGABSDET, SPD_LOGDET)
    ],
    Rule("inv(diag(d) + U @ U.T) @ U by a small system", ROUNDING, EINSUM, _times_own_factor),
    Rule("solve(diag(d) + U @ U.T, U) by a small system", ROUNDING, SOLVE, _solution_of_own_factor),
)
