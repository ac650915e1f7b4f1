"""LaTeX given to the programs that set it: pdflatex, and KaTeX by way of node.

Each is used where it is installed; ``npm install katex`` in the checkout makes KaTeX known to node.
``pytest --typeset`` gives them the LaTeX of every test that is run, at the end of the session.
"""

import functools
import json
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
PREAMBLE = "\\documentclass{article}\n\\usepackage{amsmath, amssymb}\n\\begin{document}\n"
DISPLAYED = re.compile(r"\\begin\{(equation|align)\*?\}|\$")
KATEX = """
const katex = require("katex");
const formulas = JSON.parse(require("fs").readFileSync(0, "utf8"));
const failed = [];
for (const formula of formulas) {
  try {
    katex.renderToString(formula, {displayMode: true, throwOnError: true});
  } catch (error) {
    failed.push([formula, error.message]);
  }
}
console.log(JSON.stringify(failed));
"""


@functools.cache
def has_pdflatex():
    return shutil.which("pdflatex") is not None


@functools.cache
def has_katex():
    if shutil.which("node") is None:
        return False
    asked = ["node", "-e", 'require("katex")']
    return subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode == 0


def set_by_pdflatex(formulas, directory):
    """The formulas that pdflatex refuses, each with its message; it knows few letters beyond ASCII."""
    lines = PREAMBLE.splitlines()
    owner = {}
    for formula in filter(str.isascii, formulas):
        shown = formula if DISPLAYED.match(formula) else f"\\[{formula}\\]"
        for line in [*shown.splitlines(), ""]:
            lines.append(line)
            owner[len(lines)] = formula
    lines.append("\\end{document}")
    (directory / "formulas.tex").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-file-line-error", "-draftmode"]
    done = subprocess.run(
        [*command, "formulas.tex"], cwd=directory, capture_output=True, check=False
    )
    log = done.stdout.decode(errors="replace")
    found = re.findall(r"^\./formulas\.tex:(\d+): (.*)", log, re.MULTILINE)
    assert found or not done.returncode, log[-2000:]
    return [(owner.get(int(line), line), message) for line, message in found]


def set_by_katex(formulas):
    """The formulas that KaTeX refuses, each with its message."""
    plain = [formula.strip("$") for formula in formulas]
    command = ["node", "-e", KATEX]
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(plain).encode(), capture_output=True, check=True
    )
    return [tuple(pair) for pair in json.loads(done.stdout)]
