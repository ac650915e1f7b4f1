"""One more axis in front of a node: by the rule of its op, `Op.batch`, or by what else its record says."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.errors import ArgumentError
from symgrad.expr.dims import Dim
from symgrad.expr.node import Expr
from symgrad.expr.op import Batch, Op
from symgrad.ops.batch import on_last_axes


def batched_node(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """`node` over operands some of which carry a leading batch axis of extent `dim`.

    Raises
    ------
    ArgumentError
        Naming the op, if it has no rule.
    """
    rule = batch_rule(node.op)
    if rule is None:
        raise ArgumentError(
            f"vmap cannot batch {node.op.name}; keep what it depends on out of `over`, or call the"
            " compiled function once per problem"
        )
    return rule(node, args, carries, dim)


def batch_rule(op: Op) -> Batch | None:
    """How an op takes a batch; one more leading axis is nothing to functions of entries and of matrices."""
    if op.batch is None and (op.elementwise or op.matrices):
        return on_last_axes
    return op.batch
