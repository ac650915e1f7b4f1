"""``X.T @ diag(d) @ X`` with `d` at least zero as ``B.T @ B`` of ``B = sqrt(d)[:, None]*X``.

NumPy computes a matrix times its own transpose as a symmetric product, at half the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import ADD, MUL, nonnegative
from symgrad.ops.einsum import EINSUM
from symgrad.ops.guard import WHERE

MAX_NODES: Final = 64  # of a formula whose sign is looked for
NEVER_NEGATIVE: Final = frozenset("expit softplus erfc erfcx ndtr".split())

Labels = tuple[int, ...]


def is_never_negative(x: Expr) -> bool:
    """Whether a formula is at least zero wherever it is a number, by its factors and terms."""
    stack, seen = [x], {x}
    while stack:
        node = stack.pop()
        if nonnegative(node) or node.op.name in NEVER_NEGATIVE:
            continue
        if node.op in (ADD, MUL, EINSUM):
            parts: Sequence[Expr] = node.args
        elif node.op is WHERE:
            parts = node.args[1:]
        else:
            return False
        fresh = [part for part in parts if part not in seen]
        seen.update(fresh)
        stack += fresh
        if len(seen) > MAX_NODES:
            return False
    return True


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
    return (i, weights) if all(is_never_negative(node.args[k]) for k in weights) else None
