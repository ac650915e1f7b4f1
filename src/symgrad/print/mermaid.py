"""A picture in Mermaid's language, which Markdown pages draw."""

from __future__ import annotations

from typing import Any, Final

from symgrad.calls import checked
from symgrad.print.graph import (
    CONSTANT,
    FUNCTION,
    MAX_NODES,
    NOTE,
    PALETTE,
    VARIABLE,
    Node,
    picture_of,
)

_SHAPES: Final = {VARIABLE: '(["{}"])', CONSTANT: '(["{}"])', FUNCTION: '["{}"]', NOTE: '["{}"]'}
_CLASSES: Final = {
    kind: f"fill:{color.name},stroke:{color.name},color:black" for kind, color in PALETTE.items()
} | {NOTE: "fill:none,stroke:none"}


@checked
def to_mermaid(e: Any, max_nodes: int = MAX_NODES, values: bool = False) -> str:
    """The graph of `e` in Mermaid's language; the arguments are those of `to_dot`.

    Examples
    --------
    >>> import symgrad as sg
    >>> print(to_mermaid(sg.sin(sg.symbol("x"))))
    flowchart TD
      n0(["x"]):::variable
      n1["sin"]:::function
      n0 --> n1
      classDef variable fill:orange,stroke:orange,color:black
      classDef function fill:lightblue,stroke:lightblue,color:black
    """
    picture = picture_of(e, max_nodes, values)
    lines = []
    clusters: dict[str, list[str]] = {}
    for i, node in enumerate(picture.nodes):
        line = f"n{i}{_SHAPES[node.kind].format(_escaped(node))}:::{node.kind}"
        if node.cluster is None:
            lines.append(f"  {line}")
        else:
            clusters.setdefault(node.cluster, []).append(f"    {line}")
    for k, (name, inside) in enumerate(clusters.items()):
        lines += [f'  subgraph c{k}["{_text(name)}"]', *inside, "  end"]
    for a, b, label in picture.edges:
        lines.append(f"  n{a} -->|{label}| n{b}" if label else f"  n{a} --> n{b}")
    used = dict.fromkeys(node.kind for node in picture.nodes)
    lines += [f"  classDef {kind} {_CLASSES[kind]}" for kind in used]
    return "\n".join(["flowchart TD", *lines])


def _escaped(node: Node) -> str:
    return "<br/>".join(map(_text, node.lines))


def _text(line: str) -> str:
    """Text without signs that Mermaid reads."""
    return "".join([c if c.isalnum() or c in " _.,()+-*/^=:'" else f"#{ord(c)};" for c in line])
