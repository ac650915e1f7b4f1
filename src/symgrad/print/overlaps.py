"""Arrays that stand among zeros and overlap, added up, as one array of blocks.

The gradient of ``sum(v[1:]*v[:-1])`` is computed as a sum of two arrays with a zero at one end. It reads
``concatenate([v[1:2], v[:n - 2] + v[2:], v[n - 2:n - 1]])``: sums, and what is left of them at the ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from symgrad.expr.dims import Dim, add_dims, mul_dims
from symgrad.expr.leaves import is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, walk
from symgrad.ops.arithmetic import add_all, mul, split_coefficient
from symgrad.ops.einsum import broadcast, is_stretched_scalar
from symgrad.ops.layout import EMBED, SLICE, concat, full_entry, slice_of
from symgrad.rewrite.entries import axis_among_zeros
from symgrad.rewrite.simplify import simplify_all

MAX_BLOCKS: Final = 5
MAX_TERMS: Final = 8
LONGER: Final = 2  # times as many nodes as the sum, at most


class PlacedTerm(NamedTuple):
    """A number times an array that takes the place from `start` to `stop`."""

    scale: Any
    array: Expr
    start: Dim
    stop: Dim


def as_blocks(x: Expr) -> Expr:
    """A sum of arrays among zeros that overlap as one array of blocks; any other sum is itself."""
    axes = [axis_among_zeros(rest) for rest in _among_zeros(x)]
    if len(axes) < 2 or len(x.args) > MAX_TERMS or axes[0] is None or set(axes) != {axes[0]}:
        return x
    axis = axes[0]
    placed: list[PlacedTerm] = []
    others: list[Expr] = []
    for term in x.args:
        c, rest = split_coefficient(term)
        if rest is None or rest.op is not EMBED:
            others.append(term)
        else:
            start, stop = rest.params[1][axis][:2]
            placed.append(PlacedTerm(c, rest.args[0], start, stop))
    bounds = _bounds(placed, x.shape[axis])
    if bounds is None or not 2 < len(bounds) <= MAX_BLOCKS + 1:
        return x
    blocks = [_block(placed, bounds, k, axis, x) for k in range(len(bounds) - 1)]
    made = add_all([*others, concat(simplify_all(blocks), axis)])
    return made if made.size_as_tree <= LONGER * x.size_as_tree else x


def _among_zeros(x: Expr) -> list[Expr]:
    parts = [split_coefficient(term)[1] for term in x.args]
    return [rest for rest in parts if rest is not None and rest.op is EMBED]


def _bounds(placed: Sequence[PlacedTerm], extent: Dim) -> list[Dim] | None:
    """All starts and stops in their order, those counted from the end last; None if that is not known."""
    found: dict[Dim, tuple[int, int]] = {}
    for bound in (0, extent, *[b for p in placed for b in (p.start, p.stop)]):
        behind = add_dims(bound, mul_dims(-1, extent))
        if bound.__class__ is int:
            found[bound] = (0, bound)
        elif behind.__class__ is int:
            found[bound] = (1, behind)
        else:
            return None
    return sorted(found, key=found.__getitem__)


def _block(placed: Sequence[PlacedTerm], bounds: list[Dim], k: int, axis: int, like: Expr) -> Expr:
    """What stands from one bound to the next."""
    start, stop = bounds[k], bounds[k + 1]
    terms = []
    for p in placed:
        if bounds.index(p.start) <= k < bounds.index(p.stop):
            back = mul_dims(-1, p.start)
            own = add_dims(stop, mul_dims(-1, start))
            entry = (add_dims(start, back), add_dims(stop, back), 1, own)
            index = [full_entry(d) for d in p.array.shape]
            index[axis] = entry
            part = _slice(p.array, tuple(index))
            terms.append(mul(number(p.scale, part.shape), part))
    if terms:
        return add_all(terms)
    shape = list(like.shape)
    shape[axis] = add_dims(stop, mul_dims(-1, start))
    return number(0, tuple(shape))


def _slice(x: Expr, index: tuple[Any, ...]) -> Expr:
    """``x[index]`` with the slice taken of what the entries of x are made of."""
    shape = slice_of(x, index).shape
    order: list[Expr] = []
    stack = [x]
    while stack:
        node = stack.pop()
        order.append(node)
        if node.op.elementwise:
            stack.extend(node.args)

    def step(node: Expr, image: Images) -> Expr:
        if is_number(node):
            return number(value_of(node), shape)
        if is_stretched_scalar(node):
            return broadcast(node.args[0], shape)
        if node.op.elementwise:
            return node.op.build(image.of(node.args), node.params)
        return _slice_of_slice(node, index)

    image = Images()
    walk(reversed(order), image, step_of=lambda op: step)
    return image[x]


def _slice_of_slice(x: Expr, index: tuple[Any, ...]) -> Expr:
    """``v[1:][:n - 2]`` as ``v[1:n - 1]``."""
    spans = [e for e in x.params[0] if e.__class__ is tuple] if x.op is SLICE else []
    if not spans or any(e[2] != 1 for e in spans):
        return slice_of(x, index)
    left = iter(index)
    entries = []
    for e in x.params[0]:
        if e.__class__ is tuple:
            start, stop, step, length = next(left)
            e = (add_dims(e[0], start), add_dims(e[0], stop), step, length)
        entries.append(e)
    return slice_of(x.args[0], tuple(entries))
