"""Loops as JSON: the step's graph in rows of its own, with the rows of what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_not
from typing import Any

from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.pickling import flatten
from symgrad.expr.traverse import check_graph, free_symbols
from symgrad.ops.scan import ScanLoop, operands_of
from symgrad.recurrence.scan import Frame, loop_of


def loop_parts(loop: ScanLoop) -> list[Any]:
    """What tells a loop from others: rows, places of its parts among them, length, direction."""
    groups = (loop.carries, loop.elements, loop.parameters, loop.following, loop.outputs)
    rows, indices = flatten([x for group in groups for x in group])
    places = iter(indices)
    listed = [[op if isinstance(op, str) else op.name, operands, p] for op, operands, p in rows]
    return [listed, [[next(places) for _ in group] for group in groups], loop.length, loop.reverse]


def loop_from(
    parts: Sequence[Any], node_of: Callable[[int, Sequence[Any], list[Expr]], Expr]
) -> ScanLoop:
    """The loop of such parts; `node_of` makes the node of a row.

    Raises
    ------
    ValueError
        If they do not hold together.
    """
    rows, groups, length, reverse = parts
    nodes: list[Expr] = []
    for position, row in enumerate(rows):
        nodes.append(node_of(position, row, nodes))
    check_graph(*nodes)
    carries, elements, parameters, following, outputs = [[nodes[i] for i in g] for g in groups]
    bound = [*carries, *elements, *parameters]
    if any(x.op is not SYMBOL for x in bound) or len(set(bound)) < len(bound):
        raise ValueError("what a step of scan is carried out on are symbols, each once")
    if not set(free_symbols(*following, *outputs)) <= set(bound):
        raise ValueError("a step of scan mentions a symbol that is no operand of it")
    frame = Frame([], [])
    frame.carries, frame.elements = carries, elements
    loop = loop_of(frame, following, outputs, length, reverse, parameters)
    if any(map(is_not, (*loop.following, *loop.outputs), (*following, *outputs))):
        raise ValueError("the carry of a step of scan has another type behind it")
    return loop


def check_operands(loop: ScanLoop, args: Sequence[Expr]) -> None:
    """Check that a loop is carried out on what fits it.

    Raises
    ------
    ValueError
        If it is not.
    """
    inits, arrays, parameters = operands_of(loop, args)
    wanted = [x.shape for x in loop.carries]
    wanted += [(loop.length, *x.shape) for x in loop.elements]
    wanted += [x.shape for x in loop.parameters]
    if [x.shape for x in (*inits, *arrays, *parameters)] != wanted:
        raise ValueError("the operands of a scan have other shapes than its step")
