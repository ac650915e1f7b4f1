"""Walks over a graph: iterative, in an order that depends on the graph alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from symgrad.calls import checked
from symgrad.errors import ArgumentError, GraphError, ShapeError
from symgrad.expr.dims import Dim, show_shape
from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr, make


class Roots(list[Expr]):
    """The roots of a graph; they remember the order of its nodes, which many passes ask for."""

    order: list[Expr] | None = None


def as_roots(nodes: Sequence[Expr]) -> Roots:
    """Nodes as the roots of a graph."""
    return nodes if isinstance(nodes, Roots) else Roots(nodes)


def toposort(roots: Iterable[Expr], skip: Iterable[Expr] = ()) -> list[Expr]:
    """All nodes that the roots need, operands before users, each once.

    Nodes of `skip` are left out, and so is what only they need.
    """
    if isinstance(roots, Roots) and not skip:
        if roots.order is None:
            roots.order = _sorted(roots, ())
        return roots.order
    return _sorted(roots, skip)


def images(roots: Sequence[Expr], image: Mapping[Expr, Expr]) -> Sequence[Expr]:
    """What the roots became; they themselves where none has changed."""
    found = [image[root] for root in roots]
    return roots if all(a is b for a, b in zip(found, roots, strict=True)) else Roots(found)


def _sorted(roots: Iterable[Expr], skip: Iterable[Expr]) -> list[Expr]:
    order: list[Expr] = []
    seen = set(skip)
    stack: list[Expr | None] = list(roots)
    stack.reverse()
    while stack:
        node = stack.pop()
        if node is None:  # the operands of the node below are done
            if (done := stack.pop()) is not None:
                order.append(done)
        elif node not in seen:
            seen.add(node)
            if node.args:
                stack += (node, None)
                stack += reversed(node.args)
            else:
                order.append(node)
    return order


@checked
def free_symbols(*roots: Expr) -> list[Expr]:
    """The symbols that the roots mention, in order of first appearance."""
    return [node for node in toposort(roots) if node.op is SYMBOL]


def count_uses(order: Iterable[Expr], roots: Iterable[Expr]) -> dict[Expr, int]:
    """How often each node is an operand (per occurrence) or a root."""
    uses: dict[Expr, int] = {}
    for node in order:
        uses.setdefault(node, 0)
        for arg in node.args:
            uses[arg] = uses.get(arg, 0) + 1
    for root in roots:
        uses[root] = uses.get(root, 0) + 1
    return uses


def depends_on(order: Iterable[Expr], leaves: Iterable[Expr]) -> set[Expr]:
    """The nodes of a topological `order` that mention one of `leaves`."""
    active = set(leaves)
    for node in order:
        if node.args and node not in active:
            for arg in node.args:
                if arg in active:
                    active.add(node)
                    break
    return active


def rebuild(node: Expr, args: tuple[Expr, ...]) -> Expr:
    """`node` over other operands, through its op's constructor; itself if they are the same."""
    for new, old in zip(args, node.args, strict=True):
        if new is not old:
            return node.op.build(args, node.params)
    return node


def transform(
    roots: Iterable[Expr],
    change: Callable[[Expr], Expr],
    known: Mapping[Expr, Expr] | None = None,
) -> dict[Expr, Expr]:
    """Rebuild a graph bottom up, applying `change` to every rebuilt node.

    Returns the image of every node that the roots need. `known` fixes images beforehand.
    """
    image: dict[Expr, Expr] = dict(known or {})
    for node in toposort(roots, skip=image):
        image[node] = change(rebuild(node, tuple([image[arg] for arg in node.args])))
    return image


def complete(image: dict[Expr, Expr], roots: Iterable[Expr]) -> None:
    """Add the images of roots, and of what they need, to those that there are: rebuilt over these.

    What is new costs time, however many images there are.
    """
    stack = [root for root in roots if root not in image]
    while stack:
        node = stack[-1]
        waiting = [arg for arg in node.args if arg not in image]
        if waiting:
            stack += waiting
        else:
            stack.pop()
            image[node] = rebuild(node, tuple([image[arg] for arg in node.args]))


def replace(
    roots: Iterable[Expr],
    known: Mapping[Expr, Expr],
    dims: Mapping[str, Dim],
    remake: Callable[[Expr, tuple[Expr, ...]], Expr] = rebuild,
) -> list[Expr]:
    """The roots with nodes exchanged for others, and dim names for other extents.

    `remake` makes a node over other operands.
    """
    roots = list(roots)
    image: dict[Expr, Expr] = dict(known)

    def rename(name: str) -> Dim:
        return dims.get(name, name)

    for node in toposort(roots, skip=image):
        args = tuple([image[arg] for arg in node.args])
        params = node.op.map_dims(node.params, rename) if dims else node.params
        if params is node.params or params == node.params:
            image[node] = remake(node, args)
        else:
            image[node] = node.op.build(args, params)
    return [image[root] for root in roots]


def bind_dims(
    env: dict[str, Dim], declared: tuple[Dim, ...], actual: tuple[Dim, ...], who: str
) -> None:
    """Match a declared shape with an actual one, recording what each dim name stands for.

    Raises
    ------
    ShapeError
        Naming `who`, the shape it got and the shape it needs.
    """
    fits = len(declared) == len(actual)
    for want, got in zip(declared, actual, strict=False):
        if isinstance(want, str):
            fits = fits and env.setdefault(want, got) == got
        elif isinstance(want, int):
            fits = fits and want == got
    if not fits:
        held = ", ".join(f"{name} = {value}" for name, value in env.items())
        note = f" (with {held})" if held else ""
        raise ShapeError(
            f"{who} has shape {show_shape(actual)}, needs {show_shape(declared)}{note}"
        )


def check_symbols(leaves: Iterable[Any], what: str) -> list[Expr]:
    """`leaves` as a list, all of them symbols.

    Raises
    ------
    ArgumentError
        Naming the entry that is no symbol.
    """
    checked = list(leaves)
    for leaf in checked:
        if not isinstance(leaf, Expr) or leaf.op is not SYMBOL:
            shown = f"{leaf.op.name} expression" if isinstance(leaf, Expr) else repr(leaf)
            raise ArgumentError(
                f"{what} must be a symbol made by symbol, vector or matrix, not {shown}"
            )
    return checked


@checked
def check_graph(*roots: Expr) -> None:
    """Check every invariant of a graph.

    Operands are expressions; nodes are interned; shape and type are what the op infers; the operands
    of an elementwise node have its shape.

    Raises
    ------
    GraphError
        Naming the node and what is wrong with it.
    """
    for node in toposort(roots):
        if not all(isinstance(arg, Expr) for arg in node.args):
            raise GraphError(f"{node.op} has an operand that is no expression: {node.args!r}")
        shape, ty = node.op.infer(node.args, node.params)
        if (shape, ty) != (node.shape, node.ty):
            raise GraphError(
                f"{node.op} has shape {node.shape} and type {node.ty}, its op infers {shape}, {ty}"
            )
        if node.op.elementwise and any(arg.shape != node.shape for arg in node.args):
            shapes = [arg.shape for arg in node.args]
            raise GraphError(f"{node.op} of shape {node.shape} has operands of shape {shapes}")
        if make(node.op, node.args, node.params, shape, ty) is not node:
            raise GraphError(f"{node.op} is not interned")
