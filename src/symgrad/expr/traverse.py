"""Walks over a graph: iterative, in an order that depends on the graph alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from symgrad.calls import checked
from symgrad.errors import ArgumentError, GraphError, ShapeError
from symgrad.expr.dims import Dim, show_shape
from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op


class Roots(list[Expr]):
    """The roots of a graph; they remember what many passes ask for.

    Attributes
    ----------
    order : list of Expr
        Its nodes, operands before users.
    ops : set of Op
        The ops that occur in it.
    uses : dict
        How often each node is an operand, or a root.
    """

    order: list[Expr] | None = None
    ops: frozenset[Op] | None = None
    uses: dict[Expr, int] | None = None


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


def ops_of(roots: Iterable[Expr]) -> AbstractSet[Op]:
    """The ops that occur in a graph."""
    roots = roots if isinstance(roots, Roots) else Roots(roots)
    if roots.ops is None:
        roots.ops = frozenset([node.op for node in toposort(roots)])
    return roots.ops


def uses_of(roots: Iterable[Expr]) -> Mapping[Expr, int]:
    """How often each node of a graph is an operand (per occurrence), or a root."""
    roots = roots if isinstance(roots, Roots) else Roots(roots)
    if roots.uses is None:
        roots.uses = count_uses(toposort(roots), roots)
    return roots.uses


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
    """The symbols that the roots mention, in order of first appearance.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> y = sg.symbol("y")
    >>> print(sg.free_symbols(x * y + 1))
    [x, y]
    """
    return [node for node in toposort(roots) if node.op is SYMBOL]


def count_uses(order: Iterable[Expr], roots: Iterable[Expr]) -> dict[Expr, int]:
    """How often each node is an operand (per occurrence) or a root."""
    uses = dict.fromkeys(order, 0)
    for node in uses:
        for arg in node.args:
            uses[arg] += 1
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

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> y = sg.symbol("y")
    >>> print(sg.check_graph(x * y + 1))
    None
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
