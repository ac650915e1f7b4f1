"""The source of a solver is the solver: it runs without this library, and is the same everywhere."""

import ast
import math
import re
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

import symgrad as sg
from symgrad.solve import modules, templates

x, y, a = sg.symbols("x y a")
v, w = sg.vector("v", "n"), sg.vector("w", "n")

SOLVERS = {
    "equation": (lambda: sg.newton_root(x**2 - a, x, a), "1.0, 2.0"),
    "batch": (lambda: sg.newton_root(x**2 - a, x, a), "[1.0, 2.0], [2.0, 3.0]"),
    "halley": (lambda: sg.newton_root(x - 0.5 * sg.sin(x) - a, x, a, order=2), "1.0, 1.0"),
    "system": (lambda: sg.newton_root([x**2 + y**2 - 2, x - y], [x, y]), "[2.0, 1.0]"),
    "sparse": (
        lambda: sg.newton_root([x**2 + y**2 - a, x - y], [x, y], a, method="sparse"),
        "[2.0, 1.0], 2.0",
    ),
    "sparse minimum": (
        lambda: sg.newton_minimize((1 - x) ** 2 + a * (y - x**2) ** 2, [x, y], a, method="sparse"),
        "[-1.0, 1.0], 10.0",
    ),
    "systems": (
        lambda: sg.newton_root([x**2 + y**2 - a, x - y], [x, y], a),
        "[[2.0, 3.0], [1.0, 1.0]], [2.0, 3.0]",
    ),
    "minimum": (lambda: sg.newton_minimize((1 - x) ** 2 + (y - x**2) ** 2, [x, y]), "[-1.0, 1.0]"),
    "diagonal": (
        lambda: sg.newton_minimize(sg.sum(sg.exp(v) - w * v), v, w),
        "[1.0, 1.0], [2.0, 3.0]",
    ),
    "conjugate gradients": (
        lambda: sg.newton_minimize(sg.sum(sg.cosh(v) - w * v) + sg.sum(v) ** 2, v, w, method="cg"),
        "[1.0, 1.0], [2.0, 3.0]",
    ),
    "fit": (
        lambda: sg.least_squares(x * sg.exp(y * v) - w, [x, y], [v, w]),
        "[1.0, 0.0], [0.0, 1.0, 2.0], [2.0, 3.1, 5.2]",
    ),
}


@pytest.mark.parametrize("name", SOLVERS)
def test_a_saved_module_stands_alone(name, tmp_path):
    make, call = SOLVERS[name]
    solver = make()
    solver.save(tmp_path / "saved.py")
    code = (
        "import sys; sys.modules['symgrad'] = None; sys.modules['sympy'] = None\n"
        "import numpy as np; from saved import solve\n"
        f"s = solve({call}); print(repr(np.asarray(s.x).tolist())); print(s.converged)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert not done.stderr
    values, converged = done.stdout.splitlines()
    solution = eval(f"solver({call})", {"solver": solver})
    assert np.asarray(solution.x).tolist() == ast.literal_eval(values)
    assert converged == str(solution.converged)


@pytest.mark.parametrize(
    "name", ["batch", "systems", "sparse", "minimum", "conjugate gradients", "fit"]
)
def test_text_runs_without_being_imported(name):
    """As with exec, or by importlib without an entry in sys.modules."""
    make, call = SOLVERS[name]
    space = {"__name__": "nowhere"}
    exec(make().source, space)
    assert np.all(eval(f"solve({call})", space).converged)


def test_names_that_loops_assign_are_no_functions_of_math():
    """A formula with floor(x) calls what it imports from math."""
    for template in (templates.EQUATION, templates.SYSTEM, templates.MINIMUM):
        text = "\n".join(template)
        assigned = set(re.findall(r"\b(\w+) (?:=|\+=|\*=)(?= )", text))
        assert {"bound", "small", "size"} <= assigned
        assert not assigned & set(vars(math))
    f = (sg.floor(x) - 1) ** 2 + 1e-3 * x**2
    assert sg.newton_minimize(f, x)(5.0).status is not None


@pytest.mark.parametrize("name", SOLVERS)
def test_source_is_deterministic(name):
    make, _ = SOLVERS[name]
    assert make().source == make().source
    assert "symgrad" not in make().source


def test_the_loop_has_its_formulas_in_place():
    source = SOLVERS["equation"][0]().source
    loop = source[source.index("for count in range(maxiter + 1):") :]
    assert "x*x - a" in loop
    assert "evaluate" not in loop[: loop.index("except")]


def test_names_of_the_runtime_are_unique():
    names = Counter(
        node.name
        for module in modules.ORDER
        for node in ast.parse(modules._parts(module)[1]).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    )
    assert [n for n, count in names.items() if count > 1] == []


def test_symbols_named_like_the_solver():
    x0, size, tol, count = (sg.symbol(n) for n in ("x0", "size", "tol", "count"))
    solver = sg.newton_root(x0**2 * size - tol - count, x0, [size, tol, count])
    assert solver(1.0, 2.0, 3.0, 5.0).x == pytest.approx(2.0)
    assert solver(1.0, 2.0, 3.0, [5.0, 15.0]).x == pytest.approx([2.0, 3.0])
    two = sg.newton_root([x0 - size, tol * size - 2], [x0, size], tol)
    np.testing.assert_allclose(two([1.0, 1.0], 4.0).x, 0.5)
