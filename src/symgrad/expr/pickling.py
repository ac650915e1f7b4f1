"""Expressions as flat tables, for pickling: one row per node, operands before users.

A row is ``(op name, indices of operand rows, params)``; an op that is not the library's is there itself.
Shapes and types are inferred again on load,
and every node is interned, so what comes back is the node that is already alive, if there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symgrad.errors import GraphError
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op
from symgrad.expr.traverse import toposort

Row = tuple[str | Op, tuple[int, ...], tuple[Any, ...]]


def flatten(roots: Sequence[Expr]) -> tuple[list[Row], list[int]]:
    """The graph of `roots` as rows, and the index of each root."""
    index: dict[Expr, int] = {}
    rows: list[Row] = []
    for node in toposort(roots):
        index[node] = len(rows)
        op = node.op if node.op.own else node.op.name
        rows.append((op, tuple([index[arg] for arg in node.args]), node.params))
    return rows, [index[root] for root in roots]


def restore(rows: Sequence[Row], roots: Sequence[int], ops: Mapping[str, Op]) -> list[Expr]:
    """The expressions that `flatten` made rows of; `ops` has the op of each name.

    Raises
    ------
    GraphError
        If an op is unknown, as when a newer version wrote the rows.
    """
    nodes: list[Expr] = []
    for name, indices, params in rows:
        op = ops.get(name) if isinstance(name, str) else name
        if op is None:
            raise GraphError(f"the pickled graph has the op {name!r}, unknown to this version")
        args = tuple([nodes[i] for i in indices])
        nodes.append(make(op, args, params, *op.infer(args, params)))
    return [nodes[i] for i in roots]
