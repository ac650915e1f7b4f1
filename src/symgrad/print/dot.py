"""A picture in Graphviz's language."""

from __future__ import annotations

from typing import Any, Final

from symgrad.calls import checked
from symgrad.print.graph import FUNCTION, MAX_NODES, NOTE, PALETTE, Node, picture_of

SHAPES: Final = {FUNCTION: "shape=box, "}  # the others are ellipses
STYLES: Final = {
    kind: f"{SHAPES.get(kind, '')}style=filled, color={color.name}"
    for kind, color in PALETTE.items()
} | {NOTE: "shape=plaintext"}


@checked
def to_dot(e: Any, max_nodes: int = MAX_NODES, values: bool = False) -> str:
    """The graph of `e` in Graphviz's language, operands above their users.

    Variables are orange, functions blue boxes; what is no scalar carries its shape. What is used several
    times is one node. A `named` part is a cluster. Of a huge graph the `max_nodes` nodes nearest to the
    result are shown, and a note counts the rest.

    Parameters
    ----------
    e : Expr or Variable, or a list of them
        Of a Variable the history is shown, as it was carried out.
    max_nodes : int
    values : bool
        Show the data of Variables, and their gradients where there are any.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(to_dot(sg.sin(x)))
    digraph {
      n0 [label="x", style=filled, color=orange]
      n1 [label="sin", shape=box, style=filled, color=lightblue]
      n0 -> n1
    }
    """
    picture = picture_of(e, max_nodes, values)
    clusters: dict[str, list[str]] = {}
    lines = []
    for i, node in enumerate(picture.nodes):
        line = f"n{i} [{_attributes(node)}]"
        if node.cluster is None:
            lines.append(f"  {line}")
        else:
            clusters.setdefault(node.cluster, []).append(f"    {line}")
    for k, (name, inside) in enumerate(clusters.items()):
        head = [f"  subgraph cluster_{k} {{", f"    label={_quoted(name)}", "    style=dashed"]
        lines += [*head, *inside, "  }"]
    for a, b, label in picture.edges:
        lines.append(f"  n{a} -> n{b}" + (f" [label={label}]" if label else ""))
    return "\n".join(["digraph {", *lines, "}"])


def _attributes(node: Node) -> str:
    return f"label={_quoted(*node.lines)}, {STYLES[node.kind]}"


def _quoted(*lines: str) -> str:
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + "\\n".join(escaped) + '"'
