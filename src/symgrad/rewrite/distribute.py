"""Products of sums with an identity in them: ``(A + c*eye(n)) @ x -> A @ x + c*x``.

In a product an identity renames an index, and a diagonal matrix scales; in a sum it is a matrix that is
filled, added and multiplied. So a sum that holds one is multiplied out where that costs no further
product of matrices:

- all its terms hold one: ``(diag(d) + c*eye(n)) @ B``;
- it meets vectors only, or all indices are summed: ``x @ (A + c*eye(n)) @ y``, ``trace(A @ (B + eye(n)))``;
- its other terms are products without sums: ``X.T @ (diag(d) + outer(u, u)) @ X``, and a projection
  ``(eye(n) - outer(u, u)) @ v``, at ``O(n)`` in place of ``O(n**2)``.

A sum that is needed elsewhere too stays one, but for a sum of identities alone, of which nothing is left:
with ``d = x[:, None] - x``, whose derivative is a difference of identities, the second derivatives of
``sum(f(d))`` are ``diag(sum(w, axis=1)) - w`` and its like.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from symgrad.expr.leaves import EYE, is_number, number
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import CountedImages, rewritten
from symgrad.expr.traverse import as_roots, ops_of
from symgrad.expr.types import BOOL
from symgrad.ops.arithmetic import ADD, MUL, add_all, mul
from symgrad.ops.einsum import EINSUM, einsum_node
from symgrad.ops.symmetry import Labels
from symgrad.rewrite.tensor import MAX_OPERANDS, Inlinable, only_layouts, sums_nothing, written_out

MAX_TERMS: Final = 8  # of a sum that is multiplied out


class Split(NamedTuple):
    """The sum among the operands of a product: its place, terms with an identity, and the others."""

    place: int
    identities: list[Expr]
    rest: list[Expr]


def distributed(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with sums multiplied out where that eliminates an identity and is cheaper."""
    roots = as_roots(roots)
    if EYE not in ops_of(roots):
        return roots
    image = CountedImages(roots)

    def multiplied_out(made: Expr) -> Expr:
        split = _split(made, image.alone)
        cheaper = split is not None and _is_cheaper(made, split)
        return _multiplied_out(made, split) if split is not None and cheaper else made

    return rewritten(roots, {EINSUM: multiplied_out}, image=image)


def opened(node: Expr, alone: Inlinable) -> Expr:
    """``diag(p) @ (eye(n) - outer(ones, q)) -> diag(p) - outer(p, q)``, the formula that reads better.

    And so for a sum of tensors of order three and more, which are products of matrices then, and for a sum
    of identities, which rename an index or pick a diagonal.
    """
    split = _split(node, alone)
    if split is None:
        return node
    if not split.rest and not _keeps_identity(node, split.place):
        return _multiplied_out(node, split)
    if len(split.identities) != 1 or len(split.rest) != 1:
        return node
    whole = node.args[split.place].ndim
    others = [x.ndim for k, x in enumerate(node.args) if k != split.place]
    scaled = split.identities[0].op is EYE and others == [1] and node.ndim == 2
    worth = (scaled or whole > 2) and _is_outer(split.rest[0])
    return _multiplied_out(node, split) if worth else node


def _split(node: Expr, alone: Inlinable) -> Split | None:
    """The first operand of a product that is a sum with identities, needed here only."""
    if node.op is not EINSUM or len(node.args) < 2 or node.ty is BOOL:
        return None
    for place, x in enumerate(node.args):
        labels = node.params.inputs[place]
        if x.op is not ADD or len(set(labels)) < x.ndim or len(x.args) > MAX_TERMS:
            continue
        if alone(x) or all(map(_holds_identity, x.args)):
            terms = _terms(x, alone)
            identities = [term for term in terms if _holds_identity(term)]
            if identities and len(terms) <= MAX_TERMS:
                return Split(place, identities, [t for t in terms if t not in set(identities)])
    return None


def _terms(x: Expr, alone: Inlinable) -> list[Expr]:
    """The terms of a sum, of the first sums in it too where they are needed here only."""
    terms = list(x.args)
    for _ in range(MAX_TERMS):
        inner = next((k for k, t in enumerate(terms) if t.op is ADD and alone(t)), None)
        if inner is None or len(terms) > MAX_TERMS:
            break
        terms[inner : inner + 1] = terms[inner].args
    return terms


def _factors(term: Expr) -> list[Expr]:
    """The factors of a term, of products in it too."""
    factors = [term]
    while any(x.op is MUL for x in factors) and len(factors) <= MAX_OPERANDS:
        factors = [f for x in factors for f in (x.args if x.op is MUL else (x,))]
    return factors


def _holds_identity(term: Expr) -> bool:
    """Whether a term is an identity or a diagonal matrix, but for factors."""
    return any(
        x.op is EYE or (x.op is EINSUM and EYE in [a.op for a in x.args]) for x in _factors(term)
    )


def _is_cheaper(node: Expr, split: Split) -> bool:
    others = [x for k, x in enumerate(node.args) if k != split.place]
    if _keeps_identity(node, split.place):
        return False
    whole = node.args[split.place].ndim
    few = whole == 2 or len(split.rest) < 2  # of more axes, each term is a large product
    return (
        not node.ndim
        or all(x.ndim < 2 for x in others)
        or (few and all(map(_is_outer, split.rest)))
    )


def _keeps_identity(node: Expr, place: int) -> bool:
    """Whether both axes of the sum are axes of the result, so that an identity stays one."""
    inputs, out, _ = node.params
    return all(n in out for n in inputs[place])


def _is_outer(term: Expr) -> bool:
    """Whether a tensor is a product of tensors of fewer axes, nothing summed: ``outer(u, v)``."""
    tensors = [x for x in _factors(term) if not is_number(x)]
    return all(
        x.op is EINSUM and sums_nothing(x) and all(a.ndim < term.ndim for a in x.args)
        for x in tensors
    )


def _multiplied_out(node: Expr, split: Split) -> Expr:
    """The product by each term with an identity, and by the sum of the others."""
    apart = not split.rest or all(map(_is_outer, split.rest))
    rest = split.rest if apart else [add_all(split.rest)]
    return add_all([_with_operand(node, split.place, x) for x in [*split.identities, *rest]])


def _with_operand(node: Expr, place: int, part: Expr) -> Expr:
    """The product with another operand at one place, its factors written out."""
    inputs, out, spread = node.params
    own: Labels = inputs[place]
    factors = _factors(part)
    args = [*node.args[:place], *factors, *node.args[place + 1 :]]
    labels = [*inputs[:place], *[own] * len(factors), *inputs[place + 1 :]]
    scale, operands, names, extents = written_out(args, labels, only_layouts, spread)
    made = einsum_node(operands, names, out, extents)
    return made if scale == 1 else mul(number(scale, made.shape), made)
