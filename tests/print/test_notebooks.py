"""What notebooks show: formulas as LaTeX, graphs as SVG, code coloured, solutions as tables."""

import sys
from html.parser import HTMLParser

import numpy as np
import pytest

import symgrad as sg

x, y, a = sg.symbols("x y a")


class Cells(HTMLParser):
    """The cells of a table, row by row."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data
        else:
            self.words.append(data)


def shown(solution):
    return Cells(solution._repr_html_())


def test_one_problem_is_a_table_of_its_unknowns_and_its_end():
    found = sg.newton_root([x + y - a, x - y], [x, y], a)([1.0, 1.0], 4.0)
    assert shown(found).rows[:3] == [["x", "2"], ["y", "2"], ["status", "converged"]]


def test_a_minimum_tells_its_value_too():
    rows = shown(sg.newton_minimize((x - 1) ** 2 + 3, x, equal=2 * x - 4)(0.0)).rows
    assert rows[0] == ["x", "2"]
    assert ["value", "4"] in rows and ["curvature", "positive definite"] in rows


def test_a_long_batch_is_summarised_and_shows_its_failures():
    targets = np.linspace(1.0, 9.0, 1000)
    targets[700] = -1.0
    page = shown(sg.newton_root(x**2 - a, x, a)(1.0, targets))
    assert page.words[0].startswith("1,000 problems: 999 converged, 1 ")
    assert page.rows[0] == ["problem", "x", "status", "iterations", "residual"]
    assert [row[0] for row in page.rows[1:]] == [*"01234", "…", "700", "…"]
    assert page.rows[1][1:3] == ["1", "converged"] and page.rows[7][2] != "converged"


def test_batches_of_systems_and_of_several_axes():
    solver = sg.newton_root([x + y - a, x - y], [x, y], a)
    page = shown(solver([1.0, 1.0], [[2.0, 4.0], [6.0, 8.0]]))
    assert page.rows[0][:3] == ["problem", "x", "y"]
    assert [row[:3] for row in page.rows[1:]] == [
        ["(0, 0)", "1", "1"],
        ["(0, 1)", "2", "2"],
        ["(1, 0)", "3", "3"],
        ["(1, 1)", "4", "4"],
    ]


def test_arrays_among_the_unknowns_and_solutions_without_a_solver():
    v = sg.vector("v", 2)
    found = sg.newton_root([v - a, x - a], [v, x], a)([[1.0, 1.0], 2.0], 2.0)
    assert shown(found).rows[:2] == [["v", "[2. 2.]"], ["x", "2"]]
    found.origin = None  # as one that was pickled
    assert shown(found).rows[:2] == [["x[0]", "[2. 2.]"], ["x[1]", "2"]]


def test_a_fit_shows_standard_errors_and_a_path_its_parameter():
    fit = sg.least_squares([x - 1, x - 2], x)(0.0)
    assert shown(fit).rows[1] == ["x", "1.5", "0.5", "33.33%"]
    path = sg.newton_root(a - x**2, x, a).path(2.0, a, [4.0, 1.0])
    assert [row[1:3] for row in shown(path).rows] == [["parameter", "x"], ["4", "2"], ["1", "1"]]


def test_an_empty_batch():
    page = shown(sg.newton_root(x**2 - a, x, a)(1.0, np.empty(0)))
    assert page.words[0].startswith("0 problems") and len(page.rows) == 1


@pytest.mark.parametrize("with_pygments", [True, False])
def test_code_is_coloured_where_pygments_is_there(monkeypatch, with_pygments):
    if not with_pygments:
        monkeypatch.setitem(sys.modules, "pygments", None)
    functions = [
        sg.lambdify(x, x**2 < 4),
        sg.lambdify([x, [y, a]], x * y * a),
        sg.lambdify(x, x**2, structured=True),
        sg.newton_root(x**2 - a, x, a),
    ]
    for function in functions:
        html = function._repr_html_()
        assert ("<span style=" in html) is with_pygments
        assert ">def</span>" in html if with_pygments else "<pre>" in html and "def " in html
        assert "x*x < 4" not in html  # what is no tag is escaped


def test_lists_and_blocks_are_latex_and_graphs_pictures():
    f = x**2 * y
    assert sg.grad(f, [x, y])._repr_latex_().startswith("$")
    assert "matrix" in sg.hessian(f, [x, y])._repr_latex_()
    assert sg.draw(f)._repr_svg_().rstrip().endswith("</svg>")
