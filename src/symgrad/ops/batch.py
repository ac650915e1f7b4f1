"""How ops take a batch: the rules that several have in common, which their records name.

A rule gets the node, its operands as they are now, which of them carry the batch axis, always the
first, and the extent of that axis. It answers with the node that carries it.
"""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.expr.dims import Dim
from symgrad.expr.node import Expr
from symgrad.ops.einsum import broadcast, insert_axes


def carrying(x: Expr, dim: Dim) -> Expr:
    """`x` repeated along a new leading axis."""
    return broadcast(x, (dim, *x.shape))


def all_carrying(args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> tuple[Expr, ...]:
    """Operands all of which carry the batch axis."""
    return tuple([x if has else carrying(x, dim) for x, has in zip(args, carries, strict=True)])


def on_last_axes(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """Of an op that acts on the last axes, or entry by entry: all operands have the same leading axes."""
    return node.op.build(all_carrying(args, carries, dim), node.params)


def before_broadcasting(
    node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim
) -> Expr:
    """Of an op whose operands broadcast: the batch goes in front of as many axes for each."""
    level = [
        insert_axes(x, range(int(has), int(has) + node.ndim - old.ndim))
        for x, old, has in zip(args, node.args, carries, strict=True)
    ]
    return node.op.build(all_carrying(level, carries, dim), node.params)


def axis_behind(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """Of an op along the axis ``params[0]``, which stands one place further behind."""
    axis, *rest = node.params
    return node.op.build(all_carrying(args, carries, dim), (axis + 1, *rest))


def axes_behind(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """Of an op over the axes ``params[0]``, which stand one place further behind."""
    axes, *rest = node.params
    moved = tuple([axis + 1 for axis in axes])
    return node.op.build(all_carrying(args, carries, dim), (moved, *rest))
