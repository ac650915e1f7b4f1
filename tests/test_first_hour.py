"""What somebody who knows NumPy and SymPy types first: names, lists, and messages that help."""

import re
from pathlib import Path

import numpy as np
import pytest

import symgrad as sg

ARCHITECTURE = (Path(__file__).parents[1] / "ARCHITECTURE.md").read_text()
X, Y = sg.symbols("x y")
A, W = sg.matrix("A", ("m", "n")), sg.vector("w", "n")


def test_the_picture_of_the_house_names_every_part():
    picture = ARCHITECTURE.split("```")[1]
    drawn = {line.split()[0].rstrip("/") for line in picture.splitlines()[1:] if line}
    here = Path(sg.__file__).parent
    there = {p.relative_to(here).parts[0].removesuffix(".py") for p in here.rglob("*.py")}
    assert drawn == {name for name in there if not name.startswith("__")}


def test_names_that_are_loaded_late_are_listed():
    assert {"from_sympy", "to_sympy", "scipy_problem", "grad"} <= set(dir(sg))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x:3", "x0 x1 x2"),
        ("x_2:4", "x_2 x_3"),
        ("x9:11 y", "x9 x10 y"),
        ("q:1", "q0"),
        ("a:2b", "a0b a1b"),
    ],
)
def test_ranges_of_names(text, names):
    made = sg.symbols(text, positive=True)
    assert made == tuple(sg.symbol(name, positive=True) for name in names.split())


def test_nests_of_formulas_go_where_gradients_come_from():
    f = sg.sin(X) ** 2 + sg.cos(X) ** 2 + X * Y
    nest = [f, (f - 1, {"g": f * 2})]
    assert sg.simplify(nest) == [sg.simplify(f), (sg.simplify(f - 1), {"g": sg.simplify(f * 2)})]
    assert sg.substitute(sg.grad(X**2 * Y, [X, Y]), {Y: 3}) == [6 * X, X**2]


def test_code_tells_outputs_and_their_definitions_apart():
    d = sg.named(X + Y, "d")
    text = sg.lambdify([X, Y], [sg.exp(d), d**2]).__doc__
    assert text.splitlines() == ["exp(d) where d = x + y", "d**2 where d = x + y"]


S = sg.newton_root([X**2 - Y, X - Y], [X, Y])
P = sg.newton_root(sg.vector("u", "k") * W.sum() - 1, sg.vector("u", "k"), W)
MESSAGES = [
    (lambda: sg.grad(A @ W, A @ W), r"not A @ w; write the function of a symbol u"),
    (lambda: sg.diff(X, 2 * X), r"not 2\*x;"),
    (lambda: sg.diff("x**2", X), r"write symgrad\.parse\(text\)"),
    (lambda: sg.sin("y" * 10**6), r"yyy \.\.\. \(str\)"),
    (lambda: sg.evaluate(X, 1.0), r"evaluate needs a dict"),
    (lambda: sg.substitute(X, 1.0), r"substitute needs a dict"),
    (
        lambda: sg.newton_root(X - Y, [X, Y]),
        r"1 equations for 2 unknowns.*take some of the unknowns",
    ),
    (lambda: sg.newton_root([X - Y, X], X, Y), r"2 equations for 1 unknowns.*least_squares"),
    (lambda: P([1.0], [1.0, np.nan, np.inf]), r"parameter w is not finite: nan at \[1\]$"),
    (lambda: S([1.0, np.inf]), r"the start of y is not finite: inf$"),
    (sg.lambdify([X, Y], X * Y), r"missing arguments x, y;"),
    (lambda: X.simplify, r"no attribute 'simplify'; write symgrad\.simplify\(e\)"),
    (lambda: X.nothing, r"no attribute 'nothing'$"),
    (lambda: sg.Simplify, r"no attribute 'Simplify'"),
]


@pytest.mark.parametrize(("act", "message"), MESSAGES)
def test_messages_say_what_to_write(act, message):
    with pytest.raises((sg.SymgradError, AttributeError), match=re.compile(message, re.DOTALL)):
        act()
