"""What is known of the values of a formula: the one place where signs are looked up.

Each op's record says in which interval its values lie, as a constant or by the intervals of its operands.
"""

from __future__ import annotations

from typing import Final

from symgrad.expr.interval import NONNEGATIVE, REALS, Interval
from symgrad.expr.node import Expr, remember_range, remembered_range

TRUTH: Final = Interval(0, 1)


def range_of(root: Expr) -> Interval:
    """The interval in which all entries of a formula lie wherever they are numbers.

    It is that of the real function: ``exp(u)`` is positive, though in floats it may vanish. It is found
    once for each node, by those of its operands, and kept with the node.
    """
    found = remembered_range(root)
    if found is not None:
        return found
    stack = [root]
    while stack:
        node = stack[-1]
        waiting = _unknown_operands(node)
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if remembered_range(node) is None:
            remember_range(node, _own(node))
    return root.range


def _unknown_operands(node: Expr) -> list[Expr]:
    """The operands whose ranges the rule of the op reads, and that are not known yet."""
    if not callable(node.op.range) or node.dtype.kind in "bu":
        return []
    return [x for x in node.args if remembered_range(x) is None]


def _own(node: Expr) -> Interval:
    rule = node.op.range
    if rule is None or node.dtype.kind in "bu":
        return _by_type(node)
    if isinstance(rule, Interval):
        return rule
    return rule(node, *[x.range for x in node.args])


def _by_type(node: Expr) -> Interval:
    """What the element type says: unsigned integers wrap around, whatever the formula is."""
    return {"b": TRUTH, "u": NONNEGATIVE}.get(node.dtype.kind, REALS)


def is_nonnegative(x: Expr) -> bool:
    """Whether a formula is known to be at least zero."""
    return range_of(x).nonnegative


def is_positive(x: Expr) -> bool:
    """Whether a formula is known to be above zero."""
    return range_of(x).positive
