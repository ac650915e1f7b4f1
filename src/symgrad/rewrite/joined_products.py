"""Sums of many small products of matrices as one product of what is joined: ``A.T@B + C.T@D + ...``.

The gradient by the weights of a recurrent cell is such a sum, with a product for each step.
``[A; C].T @ [B; D]`` is one call. It pays where joining moves fewer entries than the products have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from symgrad.expr.leaves import EYE
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import rewritten
from symgrad.expr.traverse import as_roots, ops_of
from symgrad.ops.arithmetic import ADD, add_all
from symgrad.ops.einsum import EINSUM, einsum_node
from symgrad.ops.layout import concat

MIN_TERMS: Final = 3


def joined_products(outputs: Sequence[Expr]) -> Sequence[Expr]:
    """The outputs with sums of products over one label as one product, where extents are known."""
    outputs = as_roots(outputs)
    if not {ADD, EINSUM} <= ops_of(outputs):
        return outputs
    return rewritten(outputs, {ADD: _joined})


def _joined(total: Expr) -> Expr:
    groups: dict[Any, list[Expr]] = {}
    for term in total.args:
        key = _form(term)
        if key is not None:
            groups.setdefault(key, []).append(term)
    groups = {key: terms for key, terms in groups.items() if len(terms) >= MIN_TERMS}
    if not groups:
        return total
    held = {term for terms in groups.values() for term in terms}
    rest = [term for term in total.args if term not in held]
    return add_all([*rest, *[_product(terms) for terms in groups.values()]])


def _form(term: Expr) -> Any:
    """What must agree for terms to be joined; None for what is no product of that kind."""
    if term.op is not EINSUM or len(term.args) != 2 or any(x.op is EYE for x in term.args):
        return None
    inputs, out, spread = term.params
    label = _summed(term)
    shapes = [x.shape for x in term.args]
    if label is None or spread or not all(isinstance(d, int) for s in shapes for d in s):
        return None
    moved = sum(math.prod(s) for s in shapes)
    if moved > math.prod(term.shape):
        return None
    beside = [
        tuple([d for n, d in zip(labels, s, strict=True) if n != label])
        for labels, s in zip(inputs, shapes, strict=True)
    ]
    return (inputs, out, *beside, *[x.ty for x in term.args])


def _summed(term: Expr) -> int | None:
    """The one label that both operands of a product have, once each, and the result lacks."""
    (first, second), out, _ = term.params
    both = [n for n in first if n in second]
    if len(both) != 1 or both[0] in out or first.count(both[0]) + second.count(both[0]) > 2:
        return None
    label: int = both[0]
    return label


def _product(terms: Sequence[Expr]) -> Expr:
    inputs, out, _ = terms[0].params
    label = _summed(terms[0])
    operands = [
        concat([term.args[k] for term in terms], labels.index(label))
        for k, labels in enumerate(inputs)
    ]
    return einsum_node(operands, list(inputs), out, {})
