"""Tensors of order four as sums of Kronecker products: ``A_ik B_jl`` is ``kron(A, B)`` in C order.

``vec(A @ X @ B) = kron(A, B.T) @ vec(X)``, so Jacobians of products of matrices have this form, and the
Hessian of ``logdet(S)`` is ``-kron(inv(S), inv(S))``.
"""

from __future__ import annotations

from typing import Final

from symgrad.expr.dims import Dim, mul_dims
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import add_all
from symgrad.ops.einsum import EINSUM, einsum_node, scale
from symgrad.ops.reshaping import reshape_to
from symgrad.structure.monomials import Monomial, monomials

MAX_TERMS: Final = 4  # products in a sum that is still read as one

LEFT, RIGHT, NEITHER = frozenset((0, 2)), frozenset((1, 3)), frozenset[int]()


def kronecker_sum(e: Expr) -> Expr | None:
    """A tensor of order four as a matrix of Kronecker products, or None where it is none."""
    terms = monomials(e, 2) if e.ndim == 4 else None
    if terms is None or len(terms) > MAX_TERMS:
        return None
    extents = dict(enumerate(e.shape))
    parts = [_product(term, extents) for term in terms]
    known = [part for part in parts if part is not None]
    return add_all(known) if len(known) == len(parts) else None


def _product(term: Monomial, extents: dict[int, Dim]) -> Expr | None:
    """A term whose operands fall apart into a left and a right matrix, and scalars."""
    sides: dict[frozenset[int], list[int]] = {LEFT: [], RIGHT: [], NEITHER: []}
    for group in _groups(term):
        axes = frozenset(n for k in group for n in term.labels[k] if n < 4)
        if axes not in sides:
            return None
        sides[axes] += group
    if not sides[LEFT] or not sides[RIGHT]:
        return None
    a = term.kept(sides[LEFT]).contracted((0, 2), extents)
    b = term.kept(sides[RIGHT]).contracted((1, 3), extents)
    product = einsum_node([a, b], [(0, 2), (1, 3)], (0, 1, 2, 3), {})
    if product.op is not EINSUM or len(product.args) != 2:
        return None
    flat = tuple([mul_dims(*product.shape[k : k + 2]) for k in (0, 2)])
    return scale(reshape_to(product, flat), term.kept(sides[NEITHER]).contracted((), extents))


def _groups(term: Monomial) -> list[list[int]]:
    """The operands that share labels, directly or by way of others."""
    groups: list[tuple[set[int], list[int]]] = []
    for k, labels in enumerate(term.labels):
        own = (set(labels), [k])
        apart = [g for g in groups if g[0].isdisjoint(labels)]
        for g in groups:
            if g not in apart:
                own = (own[0] | g[0], g[1] + own[1])
        groups = [*apart, own]
    return [sorted(places) for _, places in groups]
