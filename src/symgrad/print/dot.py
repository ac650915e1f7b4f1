"""A formula's graph for Graphviz: `to_dot` writes the text, `draw` has it drawn."""

from __future__ import annotations

import shutil
import subprocess
from collections import deque
from pathlib import Path
from typing import Any, Final

from symgrad.errors import ArgumentError, SymgradError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.ops.einsum import EINSUM
from symgrad.print.contraction import subscripts
from symgrad.print.text import LEAVES
from symgrad.rewrite.readable import readable

MAX_NODES: Final = 500
_TEXT_SUFFIXES: Final = (".dot", ".gv")


def to_dot(e: Expr, max_nodes: int = MAX_NODES) -> str:
    """The graph of `e` in Graphviz's language, operands above their users.

    Leaves are boxes; nodes that are no scalars carry their shape. Of a huge graph the `max_nodes`
    nodes nearest to the result are shown, and a note counts the rest.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> print(to_dot(sg.sin(x)))
    digraph {
      n0 [label="x", shape=box]
      n1 [label="sin"]
      n0 -> n1
    }
    """
    e = readable(e)
    order = toposort([e])
    kept = order if len(order) <= max_nodes else _nearest(e, order, max_nodes)
    ids = {node: f"n{i}" for i, node in enumerate(kept)}
    lines = [f"  {ids[node]} [{_attributes(node)}]" for node in kept]
    for node in kept:
        slots = len(node.args) > 1 and not node.op.commutative
        for position, arg in enumerate(node.args):
            if arg in ids:
                label = f" [label={position}]" if slots else ""
                lines.append(f"  {ids[arg]} -> {ids[node]}{label}")
    if len(kept) < len(order):
        note = f"{len(order) - len(kept)} more nodes left out"
        lines.append(f'  note [label="{note}", shape=plaintext]')
    return "\n".join(["digraph {", *lines, "}"])


def _nearest(root: Expr, order: list[Expr], count: int) -> list[Expr]:
    """The `count` nodes nearest to the root, operands before users."""
    near = {root}
    queue = deque([root])
    while queue and len(near) < count:
        for arg in queue.popleft().args:
            if arg not in near and len(near) < count:
                near.add(arg)
                queue.append(arg)
    return [node for node in order if node in near]


def _attributes(node: Expr) -> str:
    if node.op in LEAVES:
        label = LEAVES[node.op](node).text
    elif node.op is EINSUM:
        label = f"einsum {subscripts(*node.params[:2])}"
    else:
        label = node.name or node.op.name
    if node.shape and (node.args or node.op is SYMBOL):
        label += f" {show_shape(node.shape)}"
    quoted = label.replace("\\", "\\\\").replace('"', '\\"')
    return f'label="{quoted}"' + (", shape=box" if not node.args else "")


def draw(e: Expr, path: Any, max_nodes: int = MAX_NODES) -> None:
    """Draw the graph of `e` into a file, in the format that its suffix names (svg, png, pdf, dot).

    Raises
    ------
    ArgumentError
        For a path without a suffix, or a suffix that Graphviz does not know.
    SymgradError
        If the Graphviz command ``dot`` is not installed.
    """
    target = Path(path)
    source = to_dot(e, max_nodes)
    if not target.suffix:
        raise ArgumentError(f"draw takes the format from the suffix: {target}.svg, not {target}")
    if target.suffix in _TEXT_SUFFIXES:
        target.write_text(source + "\n", encoding="utf-8")
        return
    command = shutil.which("dot")
    if command is None:
        raise SymgradError(
            "draw needs the Graphviz command `dot`, which is not installed; install Graphviz, or"
            f" write the graph itself: draw(e, '{target.stem}.dot')"
        )
    call = [command, f"-T{target.suffix[1:]}", "-o", str(target)]
    done = subprocess.run(call, input=source, text=True, capture_output=True, check=False)
    if done.returncode:
        raise ArgumentError(f"Graphviz could not draw {target}: {done.stderr.strip()}")
