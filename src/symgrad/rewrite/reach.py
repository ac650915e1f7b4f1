"""Which entries of an operand matter to entries of a result: masks, carried back through a node."""

from __future__ import annotations

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.ops import reducing
from symgrad.ops import ufuncs as f
from symgrad.ops.einsum import (
    EINSUM,
    broadcast,
    insert_axes,
    is_layout,
    is_stretched_scalar,
    relabel,
)
from symgrad.ops.gathering import SCATTER
from symgrad.ops.guard import choose
from symgrad.ops.reduction import Reduction
from symgrad.ops.symmetry import Labels


def reaches(node: Expr, condition: Expr, index: int) -> Expr | None:
    """Where an operand feeds an entry of `node` at which the condition holds; None if unknown.

    `condition` has the shape of the node, the result that of the operand.
    """
    arg = node.args[index]
    if condition.op is f.logical_not and is_stretched_scalar(condition.args[0]):
        condition = broadcast(f.logical_not(condition.args[0].args[0]), condition.shape)
    if node.op is EINSUM:
        return _through_einsum(node, condition, index)
    if node.op.moves or node.op is SCATTER:
        assert node.op.vjp is not None
        ones, zeros = number(1, node.shape), number(0, node.shape)
        wanted = [i == index for i in range(len(node.args))]
        count = node.op.vjp(choose(condition, ones, zeros), node, wanted)[index]
        return None if count is None else f.greater(count, 0)
    if is_stretched_scalar(condition):
        return broadcast(condition.args[0], arg.shape)
    if condition.ndim == 0:
        return broadcast(condition, arg.shape)
    if node.op.matrices:
        return over_matrices(condition, arg)
    if isinstance(node.op, Reduction):
        return broadcast(insert_axes(condition, node.params.axes), arg.shape)
    return None


def over_matrices(condition: Expr, arg: Expr) -> Expr:
    """For each matrix of a batch `arg`, whether a condition on its result holds anywhere."""
    batch = arg.ndim - 2
    held = any_over(condition, tuple(range(batch, condition.ndim)))
    return broadcast(insert_axes(held, (batch, batch + 1)), arg.shape)


def any_over(condition: Expr, axes: tuple[int, ...]) -> Expr:
    """Whether a condition holds anywhere along some axes; along those it is spread over, as it is."""
    if not axes:
        return condition
    if is_layout(condition):
        (inner,), out, _ = condition.params
        if not any(out[axis] in inner for axis in axes):
            kept = tuple([n for axis, n in enumerate(out) if axis not in axes])
            x = condition.args[0]
            extents = {
                **dict(zip(inner, x.shape, strict=True)),
                **dict(zip(out, condition.shape, strict=True)),
            }
            return relabel(x, inner, kept, extents)
    return reducing.any(condition, axis=axes)


def _through_einsum(node: Expr, condition: Expr, index: int) -> Expr:
    inputs, out, _ = node.params
    labels = _each_once(inputs[index])
    if is_layout(condition):
        (inner,), spread_out, _ = condition.params
        rename = dict(zip(spread_out, out, strict=True))
        condition, out = condition.args[0], tuple([rename.get(n, -1) for n in inner])
    summed = tuple([axis for axis, n in enumerate(out) if n not in labels])
    reached = reducing.any(condition, axis=summed) if summed else condition
    kept = tuple([n for n in out if n in labels])
    return relabel(reached, kept, labels, dict(zip(labels, node.args[index].shape, strict=True)))


def _each_once(labels: Labels) -> Labels:
    """The labels of an operand; where one is there again, as on a diagonal, a new one: all entries."""
    fresh = -2
    found: list[int] = []
    for n in labels:
        found.append(fresh if n in found else n)
        fresh -= n in found[:-1]
    return tuple(found)
