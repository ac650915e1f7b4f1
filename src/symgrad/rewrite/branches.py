"""Branches not taken raise nothing: what would raise there gets an operand that it can take.

NumPy computes both branches of a `where`, and ``inv(X)`` raises for a singular X though its branch is
not taken. Here every such node is given the condition under which anything needs it, and becomes
``inv(where(condition, X, eye(n)))``; for a batch, matrix by matrix. Where the condition holds, X is what
it was, and a singular one raises.

A condition is kept as alternatives, each a set of conditions that hold together. An alternative that
demands more than another is left out, so that what is needed to compute a condition never waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Final

from symgrad.expr.leaves import eye, number
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import images
from symgrad.expr.traverse import rebuild, toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.einsum import broadcast, is_layout, is_stretched_scalar
from symgrad.ops.guard import WHERE, choose
from symgrad.ops.reducing import any as any_entry
from symgrad.ops.reduction import ANY
from symgrad.rewrite.reach import any_over, over_matrices, reaches

Together = tuple[Expr, ...]  # conditions that hold at once: of shape (), or of that of a node
Need = tuple[Together, ...]  # alternatives

ALWAYS: Final[Need] = ((),)
MAX_ALTERNATIVES: Final = 8
MAX_TOGETHER: Final = 16


def quiet_branches(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with nodes that may raise, and that branches alone need, over operands that are safe."""
    order = toposort(roots)
    above = _above_raising(order)
    if not any(node.op is WHERE for node in above):
        return roots
    needs = _needs(order, above, roots)
    masks = {
        node: _condition(needs[node], node)
        for node in order
        if node.op.raises and needs.get(node, ALWAYS) != ALWAYS
    }
    return _with_safe_operands(roots, masks) if masks else list(roots)


def _above_raising(order: Iterable[Expr]) -> dict[Expr, None]:
    """The nodes that may raise or hold one that may."""
    found: dict[Expr, None] = {}
    for node in order:
        if node.op.raises or any(arg in found for arg in node.args):
            found[node] = None
    return found


# When a node is needed


def _needs(
    order: Sequence[Expr], above: dict[Expr, None], roots: Iterable[Expr]
) -> dict[Expr, Need]:
    """For each node above one that may raise, when its value is used."""
    needs: dict[Expr, Need] = {root: ALWAYS for root in roots if root in above}
    for node in reversed(order):
        need = needs.get(node)
        if need is None:
            continue
        for index, arg in enumerate(node.args):
            if arg in above:
                needs[arg] = _either(needs.get(arg, ()), _of_operand(node, need, index, above), arg)
    return needs


def _of_operand(node: Expr, need: Need, index: int, above: Mapping[Expr, None]) -> Need:
    """When an operand of a node is used."""
    decisive = _decisive(node, index, above)
    if decisive is not None:
        return tuple([_joined(together, _literals(decisive)) for together in need])
    if node.op.elementwise:
        return need
    return tuple(
        [_joined((), [_of_entries(node, c, index) for c in together]) for together in need]
    )


def _decisive(node: Expr, index: int, above: Mapping[Expr, None]) -> Expr | None:
    """The condition without which an operand has no say; None if there is none.

    A conjunction is false where its other operand is, which must not itself wait for this one.
    """
    if node.op is WHERE and index > 0:
        condition = node.args[0]
        return condition if index == 1 else f.logical_not(condition)
    if node.op in (f.logical_and, f.logical_or) and node.args[1 - index] not in above:
        other = node.args[1 - index]
        return other if node.op is f.logical_and else f.logical_not(other)
    return None


def _joined(together: Together, more: Sequence[Expr]) -> Together:
    """Both, each condition once; where they are many, those of one shape become one."""
    found = dict.fromkeys([*together, *more])
    if len(found) <= MAX_TOGETHER:
        return tuple(found)
    groups = [[c for c in found if c.ndim == 0], [c for c in found if c.ndim]]
    return tuple([reduce(f.logical_and, group) for group in groups if group])


def _of_entries(node: Expr, condition: Expr, index: int) -> Expr:
    """A condition on entries of a node as one on those of an operand."""
    if condition.ndim == 0:
        return condition
    reached = reaches(node, condition, index)
    return any_entry(condition) if reached is None else _unstretched(reached)


def _unstretched(condition: Expr) -> Expr:
    return condition.args[0] if is_stretched_scalar(condition) else condition


def _literals(condition: Expr) -> Together:
    """The conditions that hold together where `condition` does.

    Of "some entry has both" it is known that some entry has the one, and some the other.
    """
    found: list[Expr] = []
    stack = [condition]
    while stack:
        c = _unstretched(stack.pop())
        parts = _parts(c)
        if parts:
            stack += parts
        else:
            found.append(c)
    return tuple(found)


def _parts(c: Expr) -> list[Expr]:
    """What holds where a conjunction does, seen through layouts, reductions and one negation."""
    around: list[Expr] = []
    inner = c
    while inner.op is ANY or is_layout(inner):
        around.append(inner)
        inner = inner.args[0]
    if inner.op is f.logical_and:
        parts = list(inner.args)
    elif inner.op is f.logical_not and inner.args[0].op is f.logical_or:
        parts = [f.logical_not(arg) for arg in inner.args[0].args]
    elif inner.op is f.logical_not and is_stretched_scalar(inner.args[0]) and not around:
        return [f.logical_not(inner.args[0].args[0])]
    else:
        return []
    for node in reversed(around):
        parts = [
            any_over(x, node.params.axes) if node.op is ANY else node.op.build((x,), node.params)
            for x in parts
        ]
    return parts


def _either(a: Need, b: Need, node: Expr) -> Need:
    """One need or the other, without alternatives that demand more than another."""
    both = list({frozenset(t): t for t in (*a, *b)}.values())
    least = tuple([t for t in both if not any(set(o) < set(t) for o in both)])
    if len(least) <= MAX_ALTERNATIVES:
        return least
    return ((_unstretched(_condition(least, node)),),)


def _condition(need: Need, node: Expr) -> Expr:
    """A need as one condition, of the shape of the node or of shape ()."""
    scalar = all(c.ndim == 0 for together in need for c in together)
    shape = () if scalar else node.shape
    alternatives = [reduce(f.logical_and, [broadcast(c, shape) for c in t]) for t in need]
    return reduce(f.logical_or, alternatives)


# Safe operands


def _with_safe_operands(roots: Sequence[Expr], masks: dict[Expr, Expr]) -> Sequence[Expr]:
    """The roots with every node of `masks` over an operand that is used under its condition only."""
    image = _images(roots, masks)
    while image is None:
        image = _images(roots, masks)
    return images(roots, image)


def _images(roots: Sequence[Expr], masks: dict[Expr, Expr]) -> dict[Expr, Expr] | None:
    """What the nodes become. None if a condition waits for what waits for it: it is dropped then."""
    image: dict[Expr, Expr] = {}
    opened: set[Expr] = set()
    stack = list(roots)
    while stack:
        node = stack[-1]
        needed = [*node.args, masks[node]] if node in masks else node.args
        waiting = [x for x in needed if x not in image]
        if node in image:
            stack.pop()
        elif not waiting:
            args = tuple([image[arg] for arg in node.args])
            if node in masks:
                args = (_safe(node, args[0], image[masks[node]]), *args[1:])
            image[node] = rebuild(node, args)
        elif any(x in opened for x in waiting):
            del masks[next(x for x in reversed(stack) if x in opened | {node} and x in masks)]
            return None
        else:
            opened.add(node)
            stack += reversed(waiting)
    return image


def _safe(node: Expr, matrix: Expr, condition: Expr) -> Expr:
    """The operand of a node where the condition holds, else one of which nothing raises."""
    held = condition if condition.ndim == 0 else over_matrices(condition, matrix)
    n = matrix.shape[-1]
    square = matrix.shape[-2] == n
    other = broadcast(eye(n, matrix.dtype), matrix.shape) if square else number(0, matrix.shape)
    return choose(broadcast(held, matrix.shape), matrix, other)
