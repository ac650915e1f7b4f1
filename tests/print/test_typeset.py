"""What LaTeX prints is LaTeX: golden formulas, set by pdflatex and by KaTeX where these are installed."""

import re
from pathlib import Path

import pytest
from tests.typeset import has_katex, has_pdflatex, set_by_katex, set_by_pdflatex

import symgrad as sg

GOLDEN = Path(__file__).parents[1] / "golden"
x, y = sg.symbols("x y")
p = sg.named(sg.exp(-x * y), "p")
WHOLE = [
    sg.latex(given, mode=mode)
    for given in (p**2, [x, p], [[x, p], [y, p**2]], {"f": p, x: [x, p]})
    for mode in ("plain", "inline", "equation", "align", "align*")
]

# Names with every character that LaTeX takes for a command, alone, inside, and where a script follows
MARKS = "\\{}%#&~^_$<>|`\"'"
NAMES = [
    *MARKS,
    *[f"a{mark}b" for mark in MARKS],
    *[f"a{mark}" for mark in MARKS],
    *[f"a{one}{other}b" for one in MARKS for other in "\\{}%_"],
    *(r"\alpha", r"\hat{x}_{1}", "{x}", "x^{a}", r"\mathbf{v}_\text{max}", r"\frac{a}{b}", r"\foo"),
    *(
        r"\frac",
        r"\left(",
        r"\begin{x}",
        "x_{1",
        r"\text{a_b}",
        "x_1_2",
        "x^a^b",
        r"\alpha_1_2",
        "a  b\n\nc",
    ),
]
NAMED = [
    sg.latex(e)
    for name in NAMES
    for s in [sg.symbol(name)]
    for e in (
        s**2 * (x + 1),
        sg.function(name)(sg.symbol("t")).diff(sg.symbol("t")),
        sg.vector(name, 3)[0],
        sg.named(x, name) * 2,
    )
]


def golden_formulas():
    """The LaTeX in the golden files; an environment stands on several lines."""
    for name in ("scalars.txt", "tensors.txt", "large.txt", "indices.txt", "gallery.txt"):
        lines = iter((GOLDEN / name).read_text(encoding="utf-8").splitlines())
        for line in lines:
            formula = line.strip()
            opened = re.match(r"\\begin\{(align\*|aligned)\}", formula)
            while opened and f"\\end{{{opened[1]}}}" not in formula:
                formula += "\n" + next(lines)
            if "\\" in formula and (opened or " = " not in formula):
                yield formula


def test_there_is_much_to_set():
    found = [*golden_formulas()]
    assert len(found) > 70 and sum("align*" in formula for formula in found) > 30


@pytest.mark.skipif(not has_pdflatex(), reason="no pdflatex here")
def test_pdflatex(tmp_path):
    assert set_by_pdflatex([*golden_formulas(), *WHOLE, *NAMED], tmp_path) == []
    assert set_by_pdflatex([r"\frac{1}"], tmp_path)  # it does complain


@pytest.mark.skipif(not has_katex(), reason="no KaTeX here")
def test_katex():
    assert set_by_katex([*golden_formulas(), *WHOLE, *NAMED]) == []
    assert set_by_katex([r"\frac{1}"])
