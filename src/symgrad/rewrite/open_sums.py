"""Sums written one after the other as one sum: ``(a + 1) - b`` is the same node as ``a - b + 1``.

Only first terms are opened, so the order of additions stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.expr.node import Expr
from symgrad.expr.traverse import count_uses, images, rebuild, toposort
from symgrad.ops.arithmetic import ADD, raw_sum


def open_sums(outputs: Sequence[Expr]) -> Sequence[Expr]:
    """The outputs, with sums that are only the first term of another sum as part of that."""
    order = toposort(outputs)
    uses = count_uses(order, outputs)
    inner = {
        node.args[0]
        for node in order
        if node.op is ADD and node.args[0].op is ADD and uses[node.args[0]] == 1
    }
    if not inner:
        return outputs
    image: dict[Expr, Expr] = {}
    for node in order:
        if node in inner:
            continue
        if node.op is ADD and node.args[0] in inner:
            image[node] = raw_sum(tuple([image[term] for term in _terms(node, inner)]))
        else:
            image[node] = rebuild(node, tuple([image[arg] for arg in node.args]))
    return images(outputs, image)


def _terms(node: Expr, inner: set[Expr]) -> list[Expr]:
    """All terms of a sum, those of its first term first."""
    levels = [node.args]
    while levels[-1][0] in inner:
        levels.append(levels[-1][0].args)
    terms = list(levels.pop())
    for args in reversed(levels):
        terms += args[1:]
    return terms
