"""Which parts of a formula get a name of their own, so that printing costs the graph, not its tree.

A formula that is small as a tree is printed flat. In a larger one every part that is used more than
once becomes a definition, and so does whatever would make the text of one line too long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Final, NamedTuple

from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.traverse import count_uses, toposort
from symgrad.ops.implicit import IMPLICIT_OPS
from symgrad.ops.named import NAMED
from symgrad.print.terms import Merges
from symgrad.print.views import Same, View, view_of

CARRY_NAMES: Final = (NAMED, *IMPLICIT_OPS)
FLAT_SIZE: Final = 300  # nodes of a tree that is printed flat
LINE_SIZE: Final = 100  # parts of one line
SHARED_SIZE: Final = 4  # parts from which on a shared expression is worth a name


class WritingPlan(NamedTuple):
    """How a formula is written down.

    Attributes
    ----------
    root : Expr
    views : dict
        The view of every node that is shown, operands before users.
    names : dict
        The definitions, in the same order, and their names.
    """

    root: Expr
    views: dict[Expr, View]
    names: dict[Expr, str]


def plan_of(root: Expr, known: Mapping[Expr, str] | None = None) -> WritingPlan:
    """Views and definitions for printing `root`; linear in the size of its graph.

    `known` are the names that formulas printed before it gave to their parts.
    """
    order = toposort([root])
    flat = _is_small_tree(order)
    uses = {} if flat else count_uses(order, [root])
    views = _views(root, (lambda node: True) if flat else (lambda node: uses[node] == 1))
    chosen = {} if flat else _chosen(root, views)
    symbols = [str(node.name) for node in order if node.op is SYMBOL]
    return WritingPlan(root, views, _names(views, chosen, symbols, known or {}))


def _is_small_tree(order: Sequence[Expr]) -> bool:
    size: dict[Expr, int] = {}
    for node in order:
        total = 1
        for arg in node.args:
            total += size[arg]
        if total > FLAT_SIZE:
            return False
        size[node] = total
    return True


def _views(root: Expr, merges: Merges) -> dict[Expr, View]:
    """The views of the nodes that are shown, operands before users."""
    done: dict[Expr, View] = {}
    opened: dict[Expr, View] = {}
    stack = [root]
    while stack:
        node = stack[-1]
        if node in done:
            stack.pop()
        elif node in opened:
            done[node] = opened[node]
            stack.pop()
        else:
            opened[node] = view = view_of(node, merges)
            stack.extend([child for child in reversed(view.children) if child not in done])
    return done


def _chosen(root: Expr, views: dict[Expr, View]) -> dict[Expr, None]:
    """The nodes that get a definition: shared ones worth it, and parts of what is too long."""
    uses: dict[Expr, int] = {}
    for view in views.values():
        for child in view.children:
            uses[child] = uses.get(child, 0) + 1
    chosen: dict[Expr, None] = {}
    weight: dict[Expr, int] = {}
    for node, view in views.items():
        total = 1 + sum([weight[child] for child in view.children])
        if total > LINE_SIZE and not isinstance(view, Same):
            for child in view.children:
                if weight[child] > LINE_SIZE // 4:
                    chosen[child] = None
                    weight[child] = 1
            total = 1 + sum([weight[child] for child in view.children])
        if node.op in CARRY_NAMES:
            total = 1
        elif uses.get(node, 0) > 1 and total >= SHARED_SIZE and node is not root:
            chosen[node] = None
            total = 1
        weight[node] = total
    return chosen


def _names(
    views: dict[Expr, View], chosen: dict[Expr, None], symbols: list[str], known: Mapping[Expr, str]
) -> dict[Expr, str]:
    """Names of the definitions: their own, made unique, or ``t1``, ``t2``, ..."""
    names: dict[Expr, str] = {}
    taken = {*symbols, *known.values(), *[node.name for node in views if node.op in CARRY_NAMES]}
    seen = dict.fromkeys([*symbols, *known.values()], 1)
    fresh = count(1)
    for node in views:
        if node in known and (node.op in CARRY_NAMES or node in chosen):
            names[node] = known[node]
        elif node.op in CARRY_NAMES:
            name = str(node.name)
            while name in seen:  # p, p_2, p_3
                seen[str(node.name)] += 1
                name = f"{node.name}_{seen[str(node.name)]}"
            seen[name] = 1
            names[node] = name
        elif node in chosen:
            names[node] = next(name for k in fresh if (name := f"t{k}") not in taken)
    return names
