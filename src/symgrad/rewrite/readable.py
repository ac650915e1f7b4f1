"""The form of a formula that people and SymPy read: nodes that stand for a formula, written out."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort, transform
from symgrad.rewrite.simplify import simplify_all


def written_out(roots: Sequence[Expr]) -> list[Expr]:
    """The roots with every node whose op has a formula replaced by it."""
    if not any(node.op.formula for node in toposort(roots)):
        return list(roots)
    image = transform(roots, lambda node: node.op.formula(node) if node.op.formula else node)
    return [image[root] for root in roots]


def readable(root: Expr) -> Expr:
    """`root` as it is printed: formulas written out, and simplified with what is around them."""
    (plain,) = written_out([root])
    return root if plain is root else simplify_all([plain], written_out=True)[0]
