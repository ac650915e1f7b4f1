"""Triangular matrices: the determinant is the product of the diagonal.

Triangles are known of `tril` and `triu`, Cholesky factors, diagonal matrices, and of transposes, sums,
multiples and products of triangles of one side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from symgrad.expr.leaves import is_value, number
from symgrad.expr.node import Expr, make
from symgrad.ops import reducing
from symgrad.ops.arithmetic import ADD, MUL, add_all, mul_all
from symgrad.ops.decompositions import CHOLESKY
from symgrad.ops.determinant import DET
from symgrad.ops.einsum import EINSUM, scale
from symgrad.ops.guard import WHERE
from symgrad.ops.linalg import LOGABSDET, SIGNDET
from symgrad.ops.matrices import as_float, diagonal_of, scalar_and_rest, transposed, untransposed
from symgrad.ops.properties import is_diagonal
from symgrad.ops.shapes import tril, triu
from symgrad.ops.ufuncs import absolute, greater_equal, log, sign
from symgrad.rewrite.matrices import chain_of
from symgrad.rewrite.rule import Guarantee, Rule

Combine = Callable[[Sequence[Expr]], Expr]
MAX_DEPTH: Final = 4
MAX_OPERANDS: Final = 8


class Triangle(NamedTuple):
    """What is known of a triangular matrix: which sides of the diagonal are zeros, and the diagonal."""

    lower: bool
    upper: bool
    diagonal: Expr

    @property
    def turned(self) -> Triangle:
        """The transpose."""
        return Triangle(self.upper, self.lower, self.diagonal)


def triangle_of(x: Expr, depth: int = MAX_DEPTH) -> Triangle | None:
    """A matrix without batch axes as a triangle, or None where it is not known to be one."""
    if x.ndim != 2 or x.shape[0] != x.shape[1] or depth == 0 or len(x.args) > MAX_OPERANDS:
        return None
    if x.op is CHOLESKY:
        return Triangle(True, False, diagonal_of(x))
    if x.op is WHERE:
        return _masked(x)
    inner = None if is_diagonal(x) else untransposed(x)
    if inner is not None:
        found = triangle_of(inner, depth - 1)
        return None if found is None else found.turned
    if x.op is ADD:
        return _combined([triangle_of(term, depth - 1) for term in x.args], add_all)
    if x.op is MUL:
        return _multiple(x, depth)
    if is_diagonal(x):
        return Triangle(True, True, diagonal_of(x))
    return _of_product(x, depth) if x.op is EINSUM else None


def _of_product(x: Expr, depth: int) -> Triangle | None:
    """A product of triangles, and of vectors that stand for diagonal matrices."""
    inputs, out, spread = x.params
    matrices = [i for i, arg in enumerate(x.args) if arg.ndim == 2]
    vectors = [i for i, arg in enumerate(x.args) if arg.ndim == 1]
    labels = [inputs[i] for i in matrices]
    if spread or len(matrices) + len(vectors) < max(len(x.args), 2) or not matrices:
        return None
    if not {n for i in vectors for n in inputs[i]} <= {n for own in labels for n in own}:
        return None
    product = make(
        EINSUM, tuple([x.args[i] for i in matrices]), (tuple(labels), out, ()), x.shape, x.ty
    )
    factors = chain_of(product)
    if len(matrices) == 1:
        factors = [(x.args[matrices[0]], labels[0] != out)] if set(labels[0]) == set(out) else []
    if len(factors) != len(matrices):
        return None
    parts = [(triangle_of(m, depth - 1), turned) for m, turned in factors]
    found = _combined([t.turned if t and turned else t for t, turned in parts], mul_all)
    if found is None or not vectors:
        return found
    return found._replace(diagonal=mul_all([found.diagonal, *[x.args[i] for i in vectors]]))


def _masked(x: Expr) -> Triangle | None:
    """`tril` and `triu` of a matrix, with its diagonal or without, and their transposes."""
    found = masked_triangle(x)
    if found is None:
        return None
    inside, lower, k = found
    return Triangle(lower, not lower, number(0, x.shape[:1]) if k else diagonal_of(inside))


def masked_triangle(x: Expr) -> tuple[Expr, bool, int] | None:
    """A of ``tril(A, -k)`` or ``triu(A, k)``, whether it is the lower one, and k, which is 0 or 1."""
    if x.op is not WHERE or x.ndim != 2 or x.args[0].op not in (greater_equal, EINSUM):
        return None
    _, above, below = x.args
    for k in (0, 1):
        for inside, lower in ((above, True), (below, False)):
            part = (lambda m, k: tril(m, -k)) if lower else triu
            if part(inside, k) is x:
                return inside, lower, k
            if transposed(part(transposed(inside), k)) is x:
                return inside, not lower, k
    return None


def _combined(
    parts: Sequence[Triangle | None], combine: Callable[[Sequence[Expr]], Expr]
) -> Triangle | None:
    known = [t for t in parts if t is not None]
    lower, upper = all(t.lower for t in known), all(t.upper for t in known)
    if len(known) < len(parts) or not (lower or upper):
        return None
    return Triangle(lower, upper, combine([t.diagonal for t in known]))


def _multiple(x: Expr, depth: int) -> Triangle | None:
    """A triangle times numbers and scalars."""
    c, rest = scalar_and_rest(x)
    found = None if rest is None else triangle_of(rest, depth - 1)
    return None if found is None else found._replace(diagonal=scale(found.diagonal, c))


def diagonal_entries(x: Expr) -> Expr | None:
    """d of a matrix that is known to be ``diag(d)``."""
    found = triangle_of(x)
    return found.diagonal if found is not None and found.lower and found.upper else None


def _det(y: Expr) -> Expr | None:
    """``det(L) -> prod(diagonal(L))``."""
    found = triangle_of(y.args[0])
    return None if found is None else product_of_diagonal(found.diagonal)


def product_of_diagonal(d: Expr) -> Expr:
    """The product of a diagonal; of ones, and of zeros if there are any, it is known."""
    if is_value(d, 1) or (is_value(d, 0) and isinstance(d.shape[0], int) and d.shape[0] > 0):
        return number(d.params[0])
    return reducing.prod(as_float(d))


def _sign(y: Expr) -> Expr | None:
    found = triangle_of(y.args[0])
    return None if found is None else product_of_diagonal(sign(as_float(found.diagonal)))


def _logdet(y: Expr) -> Expr | None:
    """``log|det(L)| -> sum(log|diagonal(L)|)``."""
    found = triangle_of(y.args[0])
    if found is None or is_value(found.diagonal, 0):
        return None
    return reducing.sum(log(absolute(as_float(found.diagonal))))


TRIANGLE_RULES: Final = (
    Rule("det(L) = prod(diagonal(L)), L a triangle", Guarantee.ROUNDING, DET, _det),
    Rule("sign of det(L), L a triangle", Guarantee.ROUNDING, SIGNDET, _sign),
    Rule("logdet(L) = sum(log|diagonal(L)|), L a triangle", Guarantee.ROUNDING, LOGABSDET, _logdet),
)
