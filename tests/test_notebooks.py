"""The notebooks of the documentation show what is stored in them; ``--update-golden`` stores it anew.

They are run here as Jupyter would run them, without its kernel: what a cell prints, and its last expression
in all the forms in which notebooks look for it.
"""

import ast
import contextlib
import io
import json
import re
from html import unescape
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))
FORMS = {
    "text/latex": "_repr_latex_",
    "text/html": "_repr_html_",
    "image/svg+xml": "_repr_svg_",
}
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def lines(text):
    return text.splitlines(keepends=True)


def shown(value):
    """A value as Jupyter shows it."""
    data = {form: getattr(value, name)() for form, name in FORMS.items() if hasattr(value, name)}
    data["text/plain"] = re.sub(r" at 0x\w+", "", repr(value))
    return {form: lines(text) for form, text in sorted(data.items()) if text is not None}


def run(source, names, count):
    """The outputs of a cell."""
    *body, last = ast.parse(source).body
    value = None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(body, []), "cell", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
        else:
            exec(compile(source, "cell", "exec"), names)
    outputs = []
    if printed.getvalue():
        text = lines(printed.getvalue())
        outputs.append({"name": "stdout", "output_type": "stream", "text": text})
    if value is not None:
        kind = {"execution_count": count, "metadata": {}, "output_type": "execute_result"}
        outputs.append({"data": shown(value)} | kind)
    return outputs


def comparable(outputs):
    """Outputs as text without numbers, and the numbers; of pictures, whose layout may differ, the words."""
    text = json.dumps(outputs)
    for output in outputs:
        drawn = "".join(output.get("data", {}).get("image/svg+xml", []))
        if drawn:
            text = unescape(str(sorted(re.findall(r"<text[^>]*>([^<]*)</text>", drawn))))
    numbers = [float(n) for n in NUMBER.findall(text)]
    return NUMBER.sub("#", text), numbers


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_show_what_is_stored(path, request):
    book = json.loads(path.read_text())
    cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    names, stored = {}, [cell["outputs"] for cell in cells]
    for count, cell in enumerate(cells, 1):
        cell["execution_count"] = count
        cell["outputs"] = run("".join(cell["source"]), names, count)
    if request.config.getoption("--update-golden"):
        path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n")
        return
    for cell, before in zip(cells, stored, strict=True):
        text, numbers = comparable(cell["outputs"])
        expected, values = comparable(before)
        assert text == expected, "".join(cell["source"])
        # residuals at the level of rounding are other ones on other machines
        assert numbers == pytest.approx(values, rel=1e-6, abs=1e-10)


def test_there_are_two_notebooks():
    assert len(NOTEBOOKS) == 2
