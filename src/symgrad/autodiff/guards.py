"""Dead branches in reverse mode: a cotangent that is zero because a branch is not taken stays a guard.

Where the condition is false, ``where(c, g, 0)`` must meet no derivative that is infinite there: ``0 *
inf`` is nan. Products push such a guard outward by themselves (`symgrad.ops.guard`); here it is kept
through every derivative rule. An elementwise rule is applied to what is under the guard. A linear rule
gets the zeros, and its result is guarded by "some entry that came here was live".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from symgrad.expr.leaves import is_value, number, value_of
from symgrad.expr.node import Expr
from symgrad.ops.guard import WHERE, choose, guarded, is_guard
from symgrad.ops.reduction import Reduction
from symgrad.rewrite.reach import reaches

EVERYWHERE: Final = (-3.0, 3.0)


def singular_below(order: Iterable[Expr]) -> set[Expr]:
    """The nodes of a topological order that are, or hold, something with an infinite derivative.

    Empty if there is no branch, so that nobody asks.
    """
    nodes = list(order)
    found: set[Expr] = set()
    if any(node.op is WHERE for node in nodes):
        for node in nodes:
            if _is_singular(node) or any(arg in found for arg in node.args):
                found.add(node)
    return found


def _is_singular(node: Expr) -> bool:
    """Whether the derivative may be infinite or undefined at some argument."""
    op = node.op
    if op.singular is not None:
        return op.singular(node) if callable(op.singular) else op.singular
    return op.raises or (
        op.elementwise
        and any(low > EVERYWHERE[0] or high < EVERYWHERE[1] for low, high in op.domain)
    )


def guarded_rule(node: Expr, g: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    """The cotangents of the operands of an elementwise node, for a guard `g`."""
    assert node.op.vjp is not None
    condition, a, b = g.args
    zero = number(0, node.shape)
    if is_value(b, 0):
        cotangents = node.op.vjp(a, node, needed)
        return [None if c is None else choose(condition, c, zero) for c in cotangents]
    cotangents = node.op.vjp(b, node, needed)
    return [None if c is None else choose(condition, zero, c) for c in cotangents]


def guard_again(node: Expr, g: Expr, index: int, c: Expr) -> Expr:
    """The cotangent `c` that a guard `g` sent through a node to an operand, as a guard."""
    # the guards of a reduction's own are by other conditions
    passed_on = is_guard(c) and not isinstance(node.op, Reduction)
    if passed_on or value_of(c) is not None:
        return c
    condition = reaches(node, guarded(g)[0], index)
    return c if condition is None else choose(condition, c, number(0, c.shape))
