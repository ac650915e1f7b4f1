"""Sums written one after the other as one sum: ``(a + 1) - b`` is the same node as ``a - b + 1``.

Only first terms are opened, so the order of additions stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, rewritten
from symgrad.expr.traverse import as_roots, toposort, uses_of
from symgrad.ops.arithmetic import ADD, raw_sum


def open_sums(outputs: Sequence[Expr]) -> Sequence[Expr]:
    """The outputs, with sums that are only the first term of another sum as part of that."""
    outputs = as_roots(outputs)
    nested = [x for x in toposort(outputs) if x.op is ADD and x.args[0].op is ADD]
    if not nested:
        return outputs
    uses = uses_of(outputs)
    inner = {node.args[0] for node in nested if uses[node.args[0]] == 1}
    if not inner:
        return outputs

    def step(node: Expr, image: Images) -> Expr | None:
        if node in inner:
            return node  # nobody else needs it
        if node.args[0] in inner:
            return raw_sum(image.of(_terms(node, inner)))
        return None

    return rewritten(outputs, steps={ADD: step})


def _terms(node: Expr, inner: set[Expr]) -> list[Expr]:
    """All terms of a sum, those of its first term first."""
    levels = [node.args]
    while levels[-1][0] in inner:
        levels.append(levels[-1][0].args)
    terms = list(levels.pop())
    for args in reversed(levels):
        terms += args[1:]
    return terms
