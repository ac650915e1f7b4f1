"""`draw`: a picture into a file, or into a notebook.

Graphviz draws it where it is installed. Else this library places the nodes itself, and writes SVG by
itself, PNG and PDF by matplotlib (the extra ``plot``); so it does where edges pass so many layers that
Graphviz would take minutes, as those of a symbol that every step of a long recurrence uses.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from symgrad.calls import checked
from symgrad.errors import ArgumentError, SymgradError
from symgrad.print.dot import to_dot
from symgrad.print.graph import MAX_NODES, Picture, picture_of
from symgrad.print.layout import layers_passed
from symgrad.print.mermaid import to_mermaid
from symgrad.print.plotted import plot
from symgrad.print.svg import svg

TEXTS: Final = {".dot": to_dot, ".gv": to_dot, ".mmd": to_mermaid}
MOST_PASSED: Final = 3_000  # layers that edges pass, up to which Graphviz is quick
PLOTTED: Final = (".png", ".pdf")


class Drawing:
    """A picture that notebooks show.

    Attributes
    ----------
    svg : str
        The text of an SVG file.
    """

    __slots__ = ("svg",)

    def __init__(self, text: str) -> None:
        self.svg = text

    def _repr_svg_(self) -> str:
        return self.svg


@checked
def draw(
    e: Any, path: Any = None, max_nodes: int = MAX_NODES, *, values: bool = False
) -> Drawing | None:
    """Draw the graph of `e` into a file, or, without a path, for a notebook.

    Parameters
    ----------
    e : Expr or Variable, or a list of them
        Of a Variable the history is drawn, as it was carried out.
    path : str or path, optional
        Its suffix names the format: svg, png, pdf; dot and mmd (Mermaid) for the graph as text; and what
        else Graphviz knows, where it is installed.
    max_nodes : int
        Of a larger graph, the nodes nearest to the results are drawn, and a note counts the rest.
    values : bool
        Show the data of Variables, and their gradients where there are any.

    Raises
    ------
    ArgumentError
        For a path without a suffix, or a suffix that nothing knows.
    SymgradError
        For PNG and PDF, if neither Graphviz nor matplotlib is installed.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.symbol("x")
    >>> draw(sg.sin(x)).svg.startswith("<svg")
    True
    """
    if path is None:
        picture = picture_of(e, max_nodes, values)
        command = _command(picture)
        if command is not None:
            drawn = _graphviz(command, e, "svg", max_nodes, values).decode()
            return Drawing(drawn[drawn.index("<svg") :])  # as part of a page, without a prolog
        return Drawing(svg(picture))
    target = Path(path)
    if not target.suffix:
        raise ArgumentError(f"draw takes the format from the suffix: {target}.svg, not {target}")
    if target.suffix in TEXTS:
        target.write_text(TEXTS[target.suffix](e, max_nodes, values) + "\n", encoding="utf-8")
        return None
    picture = picture_of(e, max_nodes, values)
    command = _command(picture)
    if command is not None:
        target.write_bytes(_graphviz(command, e, target.suffix[1:], max_nodes, values))
    else:
        _by_ourselves(picture, target)
    return None


def _command(picture: Picture) -> str | None:
    """Graphviz, where it is installed and can place the picture in time."""
    return shutil.which("dot") if layers_passed(picture) <= MOST_PASSED else None


def _graphviz(command: str, e: Any, kind: str, max_nodes: int, values: bool) -> bytes:
    call = [command, f"-T{kind}"]
    source = to_dot(e, max_nodes, values).encode()
    done = subprocess.run(call, input=source, capture_output=True, check=False)
    if done.returncode:
        raise ArgumentError(f"Graphviz could not draw {kind}: {done.stderr.decode().strip()}")
    return done.stdout


def _by_ourselves(picture: Picture, target: Path) -> None:
    if target.suffix == ".svg":
        target.write_text(svg(picture), encoding="utf-8")
        return
    if target.suffix not in PLOTTED:
        raise ArgumentError(
            f"draw writes svg, png, pdf, dot and mmd, not {target.suffix[1:]!r}; Graphviz, where its"
            " command `dot` is installed, writes more, of graphs that are not too long"
        )
    try:
        plot(picture, target)
    except ImportError:
        raise SymgradError(
            f"to draw {target.suffix[1:]}, install matplotlib (pip install symgrad[plot]) or Graphviz, or"
            f" draw {target.stem}.svg, which needs neither"
        ) from None
