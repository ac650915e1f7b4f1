"""The graph of a formula as a picture has it: nodes with labels, edges, and clusters of named parts.

The printers (`dot`, `mermaid`, `svg`) draw this and know no expression.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.ops.einsum import EINSUM
from symgrad.ops.elementwise import as_expr
from symgrad.ops.named import NAMED
from symgrad.print.contraction import subscripts
from symgrad.print.text import LEAVES
from symgrad.rewrite.readable import readable

MAX_NODES: Final = 500
MAX_LABEL: Final = 40  # characters of a line
# What a node stands for
VARIABLE, FUNCTION, CONSTANT, NOTE = "variable", "function", "constant", "note"
N = TypeVar("N", bound=Hashable)


class Color(NamedTuple):
    """A color by its name in X11, CSS and SVG, and by its parts."""

    name: str
    rgb: str


PALETTE: Final = {
    VARIABLE: Color("orange", "#ffa500"),
    CONSTANT: Color("moccasin", "#ffe4b5"),
    FUNCTION: Color("lightblue", "#add8e6"),
}


@dataclass(frozen=True)
class Node:
    """A node of a picture.

    Attributes
    ----------
    lines : tuple of str
        The label.
    kind : str
        ``"variable"``, ``"function"``, ``"constant"`` or ``"note"``.
    cluster : str or None
        The named part that it belongs to.
    """

    lines: tuple[str, ...]
    kind: str
    cluster: str | None = None


@dataclass
class Picture:
    """Nodes by number, operands before users, and edges between them, each with a label."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[tuple[int, int, str]] = field(default_factory=list)

    def add(self, node: Node) -> int:
        """A new node; its number."""
        self.nodes.append(node)
        return len(self.nodes) - 1


def picture_of(e: Any, max_nodes: int = MAX_NODES, values: bool = False) -> Picture:
    """The picture of an expression, a list of them, or of what draws itself, such as a Variable.

    Of a large graph the `max_nodes` nodes nearest to the results are shown, and a note counts the rest.
    `values` shows data, where there are any.
    """
    roots = list(e) if isinstance(e, (list, tuple)) else [e]
    hook = next((found for found in map(_hook, roots) if found is not None), None)
    if hook is not None:
        return hook(roots, max_nodes, values)
    return _of_expressions([readable(as_expr(root)) for root in roots], max_nodes)


def _hook(value: Any) -> Callable[..., Picture] | None:
    return getattr(value.__class__, "__symgrad_picture__", None)


def _of_expressions(roots: Sequence[Expr], max_nodes: int) -> Picture:
    order = toposort(roots)
    kept = near(roots, order, lambda node: node.args, max_nodes)
    inside = _clusters(order)
    picture = Picture()
    number: dict[Expr, int] = {}
    for node in kept:
        kind = FUNCTION if node.args else VARIABLE if node.op is SYMBOL else CONSTANT
        if node.op is NAMED:
            kind = VARIABLE
        number[node] = picture.add(Node(_label(node), kind, inside.get(node)))
        slots = len(node.args) > 1 and not node.op.commutative
        for position, arg in enumerate(node.args):
            if arg in number:
                picture.edges.append((number[arg], number[node], str(position) if slots else ""))
    count_left_out(picture, len(order) - len(kept))
    return picture


def count_left_out(picture: Picture, count: int) -> None:
    """Note how many nodes are not shown."""
    if count:
        picture.add(Node((f"{count} more nodes left out",), NOTE))


def near(
    roots: Iterable[N], order: Sequence[N], operands: Callable[[N], Iterable[N]], count: int
) -> list[N]:
    """The `count` nodes nearest to the roots, in order."""
    if len(order) <= count:
        return list(order)
    found = set(roots)
    queue = deque(found)
    while queue and len(found) < count:
        for arg in operands(queue.popleft()):
            if arg not in found and len(found) < count:
                found.add(arg)
                queue.append(arg)
    return [node for node in order if node in found]


def _clusters(order: Sequence[Expr]) -> dict[Expr, str]:
    """The innermost named part that alone needs a node."""
    users: dict[Expr, set[str | None]] = {}
    found: dict[Expr, str] = {}
    for node in reversed(order):
        owners = users.get(node, {None})
        own = next(iter(owners)) if len(owners) == 1 else None
        if node.op is NAMED:
            own = str(node.name)
        if own is not None:
            found[node] = own
        for arg in node.args:
            users.setdefault(arg, set()).add(own)
    return found


def _label(node: Expr) -> tuple[str, ...]:
    if node.op in LEAVES:
        label = LEAVES[node.op](node).text
    elif node.op is EINSUM:
        label = f"einsum {subscripts(*node.params[:2])}"
    else:
        label = node.name or node.op.name
    if node.shape and (node.args or node.op is SYMBOL):
        return (shortened(label), show_shape(node.shape))
    return (shortened(label),)


def shortened(line: str) -> str:
    """A line that fits into a box."""
    return line if len(line) <= MAX_LABEL else line[: MAX_LABEL - 4] + " ..."
