"""Notebooks as pages: Sphinx reads them as Markdown, with the outputs that are stored in them."""

import json
import re
from typing import Any

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx

FORMULA = re.compile(r"^\$\\displaystyle (.*)\$$", re.DOTALL)


def fenced(kind: str, text: str) -> str:
    """A block of text of some kind."""
    return f"~~~~{kind}\n{text.rstrip()}\n~~~~"


def shown(output: dict[str, Any]) -> str:
    """An output in the richest form that it has."""
    if "data" not in output:
        return fenced("text", "".join(output["text"]))
    data = {form: "".join(lines) for form, lines in output["data"].items()}
    if "text/html" in data:
        return fenced("{raw} html", f'<div class="output">{data["text/html"]}</div>')
    if "image/svg+xml" in data:
        picture = data["image/svg+xml"]
        return fenced("{raw} html", f'<div class="graph">{picture[picture.index("<svg") :]}</div>')
    formula = FORMULA.match(data.get("text/latex", ""))
    return fenced("{math}", formula[1]) if formula else fenced("text", data["text/plain"])


def markdown(notebook: dict[str, Any]) -> str:
    """A notebook as MyST reads it."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        else:
            parts += [fenced("python", source), *map(shown, cell["outputs"])]
    return "\n\n".join(parts) + "\n"


class NotebookParser(MystParser):
    """MyST's parser, for files of Jupyter."""

    supported = ("notebook",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Called by Sphinx."""
        super().parse(markdown(json.loads(inputstring)), document)


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_source_suffix(".ipynb", "notebook")
    app.add_source_parser(NotebookParser)
    return {"parallel_read_safe": True}
