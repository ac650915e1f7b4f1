"""Sums over axes of sums with products: ``sum(X @ W + B, axis=0)`` is ``sum(X, axis=0) @ W + sum(B, 0)``.

A product of matrices that is only added up need not be formed: with ``n*d`` and ``d*k`` entries it costs
``n*d*k``, its sum over n only ``n*d + d*k``. So the sum over axes goes to each term of a sum that holds
such a product, where the sum, and the product, are needed there only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symgrad.expr.leaves import is_number, number
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.rewriting import CountedImages, rewritten
from symgrad.expr.traverse import as_roots, ops_of, toposort
from symgrad.expr.types import BOOL
from symgrad.ops.arithmetic import ADD, MUL, add_all, mul, split_coefficient
from symgrad.ops.einsum import EINSUM, is_layout
from symgrad.rewrite.tensor import normal_einsum

MAX_TERMS: Final = 8  # of a sum that is taken apart


def summed_by_terms(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with sums over axes taken of the terms of sums that hold products of matrices."""
    roots = as_roots(roots)
    if EINSUM not in ops_of(roots) or not any(_adds_up(node) for node in toposort(roots)):
        return roots
    image = CountedImages(roots)

    def by_terms(made: Expr) -> Expr:
        if not _adds_up(made) or not image.alone(made.args[0]):
            return made
        terms = made.args[0].args
        if not any(_is_product(t) and all(map(image.alone, _products(t))) for t in terms):
            return made
        return add_all([_summed(t, made) for t in terms])

    return rewritten(roots, {EINSUM: by_terms}, image=image)


def _adds_up(node: Expr) -> bool:
    """Whether a node is a sum over axes of a short sum."""
    return (
        node.op is EINSUM
        and len(node.args) == 1
        and node.args[0].op is ADD
        and len(node.args[0].args) <= MAX_TERMS
        and node.ty is not BOOL
        and not is_layout(node)
        and len(set(node.params.inputs[0])) == node.args[0].ndim
    )


def _products(term: Expr) -> list[Expr]:
    """A term, and what it is a number times."""
    return [term, *[x for x in term.args if not is_number(x)]] if term.op is MUL else [term]


def _is_product(term: Expr) -> bool:
    """Whether a term is a product of matrices that sums over an axis, or a number times one."""
    if term.op is MUL and len(term.args) == 2 and is_number(term.args[0]):
        term = term.args[1]
    if term.op is not EINSUM or len(term.args) < 2:
        return False
    inputs, out, _ = term.params
    return any(n not in out for labels in inputs for n in labels)


def _summed(term: Expr, total: Expr) -> Expr:
    """The sum of one term over the axes, its number in front."""
    c, rest = split_coefficient(term)
    if rest is None or isinstance(c, bool):
        return EINSUM.build((term,), total.params)
    made = EINSUM.build((rest,), total.params)
    if made.op is EINSUM and _is_product(rest):  # the sum of an identity is a number
        made = normal_einsum(made, lambda x: x is rest)
    return made if is_exact(c) and c == 1 else mul(number(c, made.shape), made)
