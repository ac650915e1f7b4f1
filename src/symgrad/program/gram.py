"""``X.T @ diag(d) @ X`` with `d` at least zero as ``B.T @ B`` of ``B = sqrt(d)[:, None]*X``.

NumPy computes a matrix times its own transpose as a symmetric product, at half the work.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.expr.node import Expr
from symgrad.expr.ranges import is_nonnegative

Labels = tuple[int, ...]


def weights_of_gram(
    node: Expr, labels: Sequence[Labels], out: Labels
) -> tuple[int, list[int]] | None:
    """The place of `X` and those of the weights if a product is ``X.T @ diag(d) @ X``, or None."""
    matrices = [k for k, ls in enumerate(labels) if len(ls) == 2]
    weights = [k for k, ls in enumerate(labels) if len(ls) == 1]
    if len(matrices) != 2 or not weights or len(matrices) + len(weights) != len(labels):
        return None
    (i, j), (row, a), (other, b) = matrices, *[labels[k] for k in matrices]
    same = node.args[i] is node.args[j] and row == other and a != b and {a, b} == set(out)
    if not same or any(labels[k] != (row,) for k in weights):
        return None
    return (i, weights) if all(is_nonnegative(node.args[k]) for k in weights) else None
