"""The source of a solver is the solver: it runs without this library, and is the same everywhere."""

import ast
import inspect
import math
import re
import runpy
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

import symgrad as sg
from symgrad.solve import modules, templates
from symgrad.solve.standalone import parsed, standalone

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
    # examples of docstrings apart
    assert re.search(r"^\s*(import|from) symgrad", make().source, re.MULTILINE) is None


def test_the_loop_has_its_formulas_in_place():
    source = SOLVERS["equation"][0]().source
    loop = source[source.index("for count in range(maxiter + 1):") :]
    assert "x*x - a" in loop
    assert "evaluate" not in loop[: loop.index("except")]


def test_a_name_of_the_runtime_means_one_thing():
    """In a saved module all of them stand beside each other."""
    meanings = defaultdict(set)
    for module in modules.ORDER:
        for definition in parsed(inspect.getsource(module)).definitions:
            for name in definition.defines:
                meanings[name].add(definition.text.strip())
    assert [name for name, texts in meanings.items() if len(texts) > 1] == []


def test_symbols_named_like_the_solver():
    x0, size, tol, count = (sg.symbol(n) for n in ("x0", "size", "tol", "count"))
    solver = sg.newton_root(x0**2 * size - tol - count, x0, [size, tol, count])
    assert solver(1.0, 2.0, 3.0, 5.0).x == pytest.approx(2.0)
    assert solver(1.0, 2.0, 3.0, [5.0, 15.0]).x == pytest.approx([2.0, 3.0])
    two = sg.newton_root([x0 - size, tol * size - 2], [x0, size], tol)
    np.testing.assert_allclose(two([1.0, 1.0], 4.0).x, 0.5)


RUFF = shutil.which("ruff", path=Path(sys.executable).parent) or shutil.which("ruff")


@pytest.mark.skipif(RUFF is None, reason="needs ruff")
@pytest.mark.parametrize("name", SOLVERS)
def test_a_saved_module_is_clean(name, tmp_path):
    """No import or definition that is not used, and a docstring that says what it is."""
    path = tmp_path / "saved.py"
    SOLVERS[name][0]().save(path)
    command = [RUFF, "check", "--isolated", "--select", "E4,E7,E9,F,I", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    tree = ast.parse(path.read_text())
    assert "Made by symgrad" in ast.get_docstring(tree)
    used = Counter(n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
    defined = {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    assert defined - used.keys() - {"solve"} == set()


def test_solvers_share_a_runtime(tmp_path):
    """A module holds what is made for its formulas; the rest stands in one file beside them."""
    for name in ("system", "fit"):
        SOLVERS[name][0]().save(tmp_path / f"{name}.py", runtime="newton.py")
        assert len((tmp_path / f"{name}.py").read_text().splitlines()) < 300
    calls = [f"{name}.solve({SOLVERS[name][1]})" for name in ("system", "fit")]
    code = (
        "import sys; sys.modules['symgrad'] = None\n"
        "import numpy as np; import fit; import system\n"
        f"for s in ({', '.join(calls)}): print(np.asarray(s.x).tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert not done.stderr
    for name, line in zip(("system", "fit"), done.stdout.splitlines(), strict=True):
        make, call = SOLVERS[name]
        found = eval(f"solver({call})", {"solver": make()})
        assert found.x.tolist() == ast.literal_eval(line)
    if RUFF is not None:
        command = [RUFF, "check", "--isolated", "--select", "E4,E7,E9,F,I", "."]
        assert subprocess.run(command, check=False, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("runtime", ["newton.txt", "my-newton.py", "solver.py", "/elsewhere/n.py"])
def test_a_runtime_that_cannot_be_imported_is_refused(runtime, tmp_path):
    with pytest.raises(sg.ArgumentError, match="a module beside solver"):
        SOLVERS["system"][0]().save(tmp_path / "solver.py", runtime=runtime)
    assert not list(tmp_path.iterdir())


def test_of_the_runtime_a_module_holds_first_lines_and_what_is_called():
    source = SOLVERS["system"][0]().source
    assert "def sensitivity(" in source and "The problems that a call describes" in source
    assert "minimising_step" not in source and "objective" not in source


def test_what_is_done_with_the_methods_of_a_class_stays_with_it():
    text = "class A:\n    def f(self):\n        return 1\n\n    g = f\n\n    def h(self):\n        pass\n"
    space = {}
    exec(standalone([text], ["def solve():\n    return A().g()\n"], "What it is."), space)
    assert space["solve"]() == 1


def test_what_is_not_reached_is_left_out():
    sources = ["import os\n\nA = 1\n\n\ndef f():\n    return A\n", "def g():\n    return os.name\n"]
    text = standalone(sources, ["def solve():\n    return f()\n"], "What it is.")
    assert "os" not in text
    assert "g()" not in text
    space = {}
    exec(text, space)
    assert space["solve"]() == 1


def test_names_that_no_text_holds_stand_in_a_header(tmp_path):
    x, a = sg.symbol("\\x\0"), sg.symbol('"""')
    solver = sg.newton_root(x**2 - a, x, params=[a])
    solver.save(tmp_path / "odd.py")
    assert runpy.run_path(str(tmp_path / "odd.py"))["solve"](1.0, 4.0).x == pytest.approx(
        2.0, rel=1e-15
    )
