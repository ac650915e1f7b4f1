"""What is known of the values of a formula: the one place where signs are looked up.

Each op's record says in which interval its values lie, as a constant or by the intervals of its operands.
Answers are local: of a large formula only the upper part is looked at.
"""

from __future__ import annotations

from typing import Final

from symgrad.expr.interval import NONNEGATIVE, REALS, Interval
from symgrad.expr.node import Expr

MAX_NODES: Final = 64  # of a formula whose range is looked for
TRUTH: Final = Interval(0, 1)


def range_of(root: Expr) -> Interval:
    """The interval in which all entries of a formula lie wherever they are numbers.

    It is that of the real function: ``exp(u)`` is positive, though in floats it may vanish.
    """
    known: dict[Expr, Interval] = {}
    stack = [root]
    while stack:
        node = stack[-1]
        rule = node.op.range
        waiting = [x for x in node.args if x not in known] if callable(rule) else []
        if not waiting:
            stack.pop()
            if node not in known:
                known[node] = _own(node, known)
        elif len(known) + len(stack) + len(waiting) > MAX_NODES:
            stack.pop()
            known[node] = _by_type(node)
        else:
            stack += waiting
    return known[root]


def _own(node: Expr, known: dict[Expr, Interval]) -> Interval:
    rule = node.op.range
    if rule is None or node.dtype.kind in "bu":
        return _by_type(node)
    if isinstance(rule, Interval):
        return rule
    return rule(node, *[known[x] for x in node.args])


def _by_type(node: Expr) -> Interval:
    """What the element type says: unsigned integers wrap around, whatever the formula is."""
    return {"b": TRUTH, "u": NONNEGATIVE}.get(node.dtype.kind, REALS)


def is_nonnegative(x: Expr) -> bool:
    """Whether a formula is known to be at least zero."""
    return range_of(x).nonnegative


def is_positive(x: Expr) -> bool:
    """Whether a formula is known to be above zero."""
    return range_of(x).positive
