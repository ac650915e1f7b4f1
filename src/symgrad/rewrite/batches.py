"""Batches of small problems: the formulas of one problem, where each row is a problem of its own.

A formula acts row by row if one named extent, the batch, leads the shapes that have it, and no step mixes
its rows. With the extent 1 in its place the formula is that of one problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import toposort
from symgrad.ops import layout
from symgrad.ops.einsum import EINSUM
from symgrad.ops.reshaping import RESHAPE
from symgrad.rewrite.unrolling import RULES

# Where operands and result have the batch in front, these do not mix its rows, or it is seen below
WITH_ROWS: Final = (RESHAPE, layout.CONCAT, layout.SLICE, layout.EMBED)


class MemberProblem(NamedTuple):
    """Parameters and outputs of one problem of a batch; those of the batch have a leading extent 1."""

    parameters: list[Expr]
    outputs: list[Expr]


def one_problem(parameters: Sequence[Expr], outputs: Sequence[Expr]) -> MemberProblem | None:
    """The formulas of one problem, or None where the formulas are not those of a batch."""
    names = {d for x in parameters for d in x.shape if not isinstance(d, int)}
    if len(names) != 1:
        return None
    (batch,) = names
    if not isinstance(batch, str) or any(y.shape[:1] != (batch,) for y in outputs):
        return None
    if not all(_keeps_rows(node, batch) for node in toposort(outputs)):
        return None
    images = replace([*parameters, *outputs], {}, {batch: 1})
    return MemberProblem(images[: len(parameters)], images[len(parameters) :])


def _keeps_rows(node: Expr, batch: str) -> bool:
    """Whether the rows of a node are made of the rows of its operands, each of its own."""
    if not (node.op in RULES or node.op in WITH_ROWS or node.op.elementwise):
        return False
    if not all(isinstance(d, int) for d in (*node.shape[1:], *node.shape[:1]) if d != batch):
        return False
    if batch in node.shape[1:]:
        return False
    if node.shape[:1] != (batch,):
        return all(x.shape[:1] != (batch,) for x in node.args)
    if node.op is EINSUM:
        inputs, out, _ = node.params
        pairs = zip(node.args, inputs, strict=True)
        return all(labels[0] == out[0] for x, labels in pairs if x.shape[:1] == (batch,))
    if node.op in (layout.SLICE, layout.EMBED):
        return bool(node.params.at[0] == layout.full_entry(batch))
    return True
