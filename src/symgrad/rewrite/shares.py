"""``sum(softmax(x)) -> 1``: shares of a whole add up to one, along the axes that they are shares of."""

from __future__ import annotations

from typing import Final

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import ADD, split_coefficient
from symgrad.ops.einsum import EINSUM, broadcast, einsum_node, insert_axes, is_layout
from symgrad.ops.exponential import exp
from symgrad.ops.reduction import LOGSUMEXP
from symgrad.rewrite.rule import Guarantee, Rule


def axes_of_shares(x: Expr) -> tuple[int, ...]:
    """The axes of ``exp(u - logsumexp(u, axes))``; none of anything else."""
    if x.op is not exp or x.args[0].op is not ADD:
        return ()
    terms = x.args[0].args
    for place, term in enumerate(terms):
        c, total = split_coefficient(term)
        if c != -1 or total is None or not is_layout(total) or total.args[0].op is not LOGSUMEXP:
            continue
        (total,) = total.args
        (u,), axes = total.args, total.params.axes
        rest = (*terms[:place], *terms[place + 1 :])
        alone = len(rest) == 1 and rest[0] is u
        whole = alone or (u.op is ADD and set(rest) == set(u.args))
        if whole and broadcast(insert_axes(total, axes), u.shape) is split_coefficient(term)[1]:
            return tuple(axes)
    return ()


def _sum_of_shares(y: Expr) -> Expr | None:
    inputs, out, spread = y.params
    for place, (x, labels) in enumerate(zip(y.args, inputs, strict=True)):
        along = [labels[axis] for axis in axes_of_shares(x)]
        elsewhere = {n for i, own in enumerate(inputs) if i != place for n in own} | set(out)
        if not along or len(set(labels)) < len(labels) or not elsewhere.isdisjoint(along):
            continue
        left = tuple([n for n in labels if n not in along])
        ones = number(1, tuple([d for d, n in zip(x.shape, labels, strict=True) if n in left]))
        operands = [*y.args[:place], ones, *y.args[place + 1 :]]
        extents = {**dict(spread), **dict(zip(out, y.shape, strict=True))}
        return einsum_node(operands, [*inputs[:place], left, *inputs[place + 1 :]], out, extents)
    return None


SHARE_RULES: Final = (Rule("sum(softmax(x)) = 1", Guarantee.DOMAIN, EINSUM, _sum_of_shares),)
