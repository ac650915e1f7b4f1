"""Loops that another loop carries out along with more outputs: one of them is enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, rewritten
from symgrad.expr.traverse import as_roots, ops_of, rebuild, toposort
from symgrad.ops.layout import part
from symgrad.ops.scan import SCAN


def shared_scans(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with each loop as part of the one that stores most besides.

    A gradient carries a loop out again with its states as outputs; results of a loop stand in front of
    such outputs, so the shorter vector is the beginning of the longer one.
    """
    roots = as_roots(roots)
    loops = [x for x in toposort(roots) if x.op is SCAN] if SCAN in ops_of(roots) else ()
    if len(loops) < 2:
        return roots
    longest: dict[Any, Expr] = {}
    for node in loops:
        key = _key(node)
        held = longest.get(key)
        if held is None or _begins(held, node):
            longest[key] = node

    def step(node: Expr, image: Images) -> Expr | None:
        other = longest[_key(node)]
        if other is node or not _begins(node, other):
            return None
        return part(rebuild(other, image.of(node.args)), 0, 0, node.shape[0])

    return rewritten(roots, steps={SCAN: step})


def _key(node: Expr) -> Any:
    loop = node.params.loop
    same = (*loop.carries, *loop.elements, *loop.parameters, *loop.following)
    return node.args, same, loop.length, loop.reverse


def _begins(node: Expr, other: Expr) -> bool:
    """Whether the outputs of one loop are the first of another."""
    outputs, more = node.params.loop.outputs, other.params.loop.outputs
    return len(outputs) < len(more) and all(a is b for a, b in zip(outputs, more, strict=False))
