r"""Choices in choices as one: ``x \begin{cases} ... \end{cases}`` in a branch becomes rows of that branch.

A branch that has a choice within a formula, ``where(c, f(where(d, a, b)), e)``, is ``f(a)`` under c and d,
and ``f(b)`` under c alone; a condition that has one is two conditions. The new formula has the same
values and is made for print alone.
"""

from __future__ import annotations

from typing import Final

from symgrad.expr.node import Expr, make
from symgrad.expr.rewriting import replace, rewritten
from symgrad.expr.traverse import toposort
from symgrad.ops.einsum import broadcast
from symgrad.ops.guard import WHERE
from symgrad.print.definitions import CARRY_NAMES
from symgrad.rewrite.simplify import simplify_all

MAX_ROWS: Final = 8  # of one environment; what needs more stays nested
MAX_CHOICES: Final = 32  # of a formula that is looked at


def as_one_choice(root: Expr) -> Expr:
    """A formula whose choices have no further ones within their branches and conditions."""
    choices = [node for node in toposort([root]) if node.op is WHERE]
    if not 1 < len(choices) <= MAX_CHOICES:
        return root
    return rewritten([root], {WHERE: _rows})[0]


def _rows(choice: Expr) -> Expr:
    """A choice as a tree of choices whose leaves and conditions have none."""
    tree: list[Expr | tuple[Expr, int, int]] = [choice]
    leaves = 1
    for place, entry in enumerate(tree):  # grows on the way
        assert isinstance(entry, Expr)
        split = _split(entry)
        if split is None:
            continue
        leaves += 1
        if leaves > MAX_ROWS:
            return choice
        condition, yes, no = split
        tree[place] = (condition, len(tree), len(tree) + 1)
        tree += [yes, no]
    made: dict[int, Expr] = {}
    for place in reversed(range(len(tree))):
        entry = tree[place]
        if isinstance(entry, Expr):
            made[place] = entry
        else:
            condition, yes_at, no_at = entry
            parts = (condition, made[yes_at], made[no_at])
            made[place] = make(WHERE, parts, (), choice.shape, choice.ty)
    return made[0]


def _split(x: Expr) -> tuple[Expr, Expr, Expr] | None:
    """A condition, and what a formula is where it holds and where it does not."""
    if x.op is WHERE and _inner(x.args[0]) is None:
        condition, yes, no = x.args
        return condition, yes, no
    inner = _inner(x.args[0] if x.op is WHERE else x)
    if inner is None:
        return None
    condition, yes, no = inner.args
    if condition.shape != x.shape:
        condition = broadcast(condition, x.shape)
    return condition, _with(x, inner, yes), _with(x, inner, no)


def _with(x: Expr, inner: Expr, branch: Expr) -> Expr:
    return simplify_all(replace([x], {inner: branch}, {}))[0]


def _inner(x: Expr) -> Expr | None:
    """A choice within a formula that can be made before all else: of scalars, or entry by entry."""
    whole: set[Expr] = set()
    stack = [(x, True)]
    while stack:
        node, entrywise = stack.pop()
        if node in whole or node.op in CARRY_NAMES:
            continue
        if node.op is WHERE and (not node.ndim or (entrywise and node.shape == x.shape)):
            return node
        whole.add(node)
        stack += [(arg, entrywise and node.op.elementwise) for arg in reversed(node.args)]
    return None
