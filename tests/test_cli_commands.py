"""The commands beside `diff` and `newton`: arrays, systems, files, fits, pictures, JSON and tables."""

from __future__ import annotations

import io
import json
import math
import sys

import numpy as np
import pytest

import symgrad as sg
from symgrad.cli import main, terminal
from symgrad.cli.options import COMMANDS

QUADRATIC = ("x @ A @ x", "--declare", "A: (n, n) symmetric, x: n")


@pytest.fixture
def run(capsys):
    """Exit code, text on stdout and lines on stderr of a command."""

    def command(*argv):
        try:
            code = main(argv)
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return command


@pytest.fixture
def decay(tmp_path):
    """Data of a decay, with small errors, as a CSV file."""
    rng = np.random.default_rng(0)
    t = np.arange(12) / 2
    y = 2.5 * np.exp(-0.7 * t) + rng.normal(scale=0.02, size=t.size)
    path = tmp_path / "decay.csv"
    lines = [f"{a!r}, {b!r}, 0.02" for a, b in zip(t.tolist(), y.tolist(), strict=True)]
    path.write_text("\n".join(["t, y, s", *lines]))
    return path, t, y


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("grad", *QUADRATIC), "d/dx: 2*A @ x\nd/dA: outer(x, x)\n"),
        (("grad", QUADRATIC[0], "x", *QUADRATIC[1:]), "2*A @ x\n"),
        (("grad", QUADRATIC[0], "x", *QUADRATIC[1:], "--latex"), "2 A x\n"),
        (
            ("grad", QUADRATIC[0], "x", *QUADRATIC[1:], "--at", "A=[[2,1],[1,3]],x=[1,2]"),
            "[8.0, 14.0]\n",
        ),
        (("grad", "x*y"), "d/dx: y\nd/dy: x\n"),
        (("hessian", "x*y**2", "y"), "2*x\n"),
        (("jacobian", "x*y; x + y"), "df1/dx: y\ndf1/dy: x\ndf2/dx: 1\ndf2/dy: 1\n"),
        (("jacobian", "A @ x", "x", "--declare", "A: (2, 3), x: 3"), "A\n"),
        (("taylor", "sin(x)", "x", "--order", "3"), "x - x**3/6\n"),
        (("taylor", "log(x)", "--about", "1", "--order", "2", "--at", "x=2"), "0.5\n"),
        (("simplify", "sin(x)**2 + cos(x)**2"), "1\n"),
        (("simplify", "sqrt(x**2)", "--declare", "x: positive"), "x\n"),
        (("latex", "x**2/2; sin(x)"), "f_{1} = \\frac{x^{2}}{2}\nf_{2} = \\sin\\left(x\\right)\n"),
    ],
)
def test_commands_print_formulas(run, argv, text):
    code, out, err = run(*argv)
    assert (code, out, err) == (0, text, [])


def test_python_prints_a_function_of_all_symbols(run):
    code, out, _ = run("python", "exp(-x)*y")
    assert code == 0
    namespace = {}
    exec(out, namespace)
    assert namespace["f"](1.0, 2.0) == pytest.approx(2 / math.e, rel=1e-15)


def test_json_says_it_all(run):
    _, out, _ = run("jacobian", "x*y; x + y", "--json", "--at", "x=2,y=3")
    found = json.loads(out)
    assert found["formulas"] == ["x*y", "x + y"]
    assert [row["label"] for row in found["results"]] == ["df1/dx", "df1/dy", "df2/dx", "df2/dy"]
    assert [row["value"] for row in found["results"]] == [3.0, 2.0, 1.0, 1.0]


def test_formulas_come_from_files_and_standard_input(run, tmp_path, monkeypatch):
    path = tmp_path / "formulas.txt"
    path.write_text("# a system\nx*y  # a product\n\nx + y;\n")
    want = run("jacobian", "x*y; x + y")
    assert run("jacobian", f"@{path}") == want
    monkeypatch.setattr(sys, "stdin", io.StringIO(path.read_text()))
    assert run("jacobian", "-") == want


def test_newton_solves_a_system(run):
    argv = ("newton", "x**2 + y**2 - 4; x*y - 1", "x,y", "--x0", "2,0.5")
    code, out, _ = run(*argv)
    assert code == 0
    assert out.splitlines()[0].split() == ["iteration", "x", "y", "residual"]
    found = json.loads(run(*argv, "--json")[1])
    assert found["converged"]
    assert found["x"]["x"] == pytest.approx(math.sqrt(2 + math.sqrt(3)), rel=1e-14)
    assert len(found["iterates"]) == found["iterations"] + 1


def test_newton_takes_parameters_an_order_and_a_bracket(run):
    code, out, _ = run("newton", "a*x**2 - 6", "--param", "a=3", "--x0", "1", "--json")
    assert code == 0
    assert json.loads(out)["x"]["x"] == pytest.approx(math.sqrt(2), rel=1e-15)
    code, out, _ = run("newton", "x**2 - 2", "--x0", "1", "--bracket", "0,3", "--order", "3")
    assert code == 0
    assert "to a root: x = 1.41421356237309" in out


def test_minimize_takes_constraints_and_arrays(run):
    argv = ("minimize", "x**2 + y**2", "--x0", "x=2,y=0.5", "--subject-to", "x + y >= 1", "--json")
    code, out, _ = run(*argv)
    assert code == 0
    assert json.loads(out)["x"] == {
        "x": pytest.approx(0.5, abs=1e-9),
        "y": pytest.approx(0.5, abs=1e-9),
    }
    code, out, _ = run(
        *("minimize", "sum((x - c)**2)", "--declare", "x: 2, c: 2"),
        *("--param", "c=[1,2]", "--x0", "x=[0,0]", "--json"),
    )
    assert code == 0
    assert json.loads(out)["x"]["x"] == pytest.approx([1, 2], rel=1e-12)


def test_fit_prints_standard_errors(run, decay):
    path, t, y = decay
    argv = ("fit", "a*exp(-b*t)", "--data", str(path), "--y", "y", "--x0", "a=1,b=1")
    code, out, _ = run(*argv, "--json")
    found = json.loads(out)
    a, b = sg.symbols("a b")
    time, target = sg.symbols("t y", shape=("n",))
    want = sg.least_squares(a * sg.exp(-b * time) - target, [a, b], [time, target])([1, 1], t, y)
    assert code == 0
    assert [found["x"]["a"], found["x"]["b"]] == pytest.approx(want.x.tolist(), rel=1e-10)
    assert [*found["stderr"].values()] == pytest.approx(want.stderr.tolist(), rel=1e-8)
    code, out, _ = run(*argv[:4], "--x0", "a=1,b=1", "--sigma", "s")
    assert code == 0
    assert out.splitlines()[0].split() == ["parameter", "value", "standard", "error"]
    assert out.splitlines()[-1].startswith("converged after")


def test_pictures_are_written(run, decay, tmp_path):
    path = tmp_path / "fit.svg"
    fit = ("fit", "a*exp(-b*t)", "--data", str(decay[0]), "--sigma", "s", "--x0", "a=1,b=1")
    assert run(*fit, "-o", str(path))[0] == 0
    assert "<svg" in path.read_text()
    plot = ("plot", "a*sin(x)/x", "--param", "a=2", "--from", "-10", "--to", "10")
    assert run(*plot, "-o", str(tmp_path / "p.png"))[0] == 0
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_bench_times_the_formula_and_its_gradient(run, monkeypatch):
    monkeypatch.setattr("symgrad.cli.timing.SECONDS", 0.001)
    code, out, _ = run("bench", "exp(-x**2)*sin(y)", "--json", "--points", "10")
    cases = json.loads(out)["cases"]
    assert code == 0
    assert [case["what"] for case in cases] == ["value", "gradient"]
    assert all(case["call"] > 0 for case in cases)
    assert "gradient" in run("bench", "x**2")[1]


def test_completion_prints_a_script(run):
    assert "symgrad" in run("completion", "bash")[1]


def test_tables_are_drawn_on_terminals_alone(capsys, monkeypatch):
    terminal.table(["name", "value"], [["a", "1.0"]])
    assert capsys.readouterr().out.splitlines()[0].split() == ["name", "value"]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    terminal.table(["name", "value"], [["a", "1.0"]])
    assert "━" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_every_command_has_a_help(run, command):
    code, out, _ = run(command.name, "--help")
    assert code == 0
    assert f"symgrad {command.name}" in out


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (("grad", "x", "--declare", "x: 2, x: 3"), "describe x twice"),
        (("grad", "x", "--declare", "x 2"), "expected a declaration"),
        (("grad", "x", "--declare", "x: 2 curved"), "unknown assumption"),
        (("grad", "x", "--at", "x=1", "--latex"), "leave out --latex"),
        (("grad", "x; y"), "grad takes one formula"),
        (("grad", "@no_such_file"), "cannot read no_such_file"),
        (("grad", "x @ x", "--declare", "x: 2", "--at", "x=[1,"), "expected a list of numbers"),
        (("newton", "x + y", "x", "--x0", "1"), "--param NAME=VALUE"),
        (("newton", "x + y; x", "--x0", "1"), "gives 1 of the 2 unknowns x, y"),
        (("newton", "x + y; x", "--x0", "x=1"), "where y starts"),
        (("newton", "x + y", "x", "--x0", "1", "--param", "x=2,y=1"), "unknown x"),
        (("minimize", "x**2", "--x0", "1", "--subject-to", "x + 1"), "expected a constraint"),
        (("plot", "x*y", "-o", "p.png"), "one variable"),
        (("plot", "x*y", "x", "-o", "p.png"), "--param y="),
        (("plot", "x", "-o", "p.txt0"), "names no format"),
        (("plot", "x", "--from", "2", "--to", "1", "-o", "p.png"), "below --to"),
        (("bench", "2"), "at least one variable"),
        (("bench", "x @ x", "--declare", "x: n"), "values of the arrays"),
        (("fit", "a*t", "--data", "no_such.csv", "--x0", "a=1"), "cannot read no_such.csv"),
    ],
)
def test_bad_input_is_told(run, argv, reason):
    code, out, err = run(*argv)
    assert (code, out) == (2, "")
    assert reason in err[0]


@pytest.mark.parametrize(
    ("data", "more", "reason"),
    [
        ("t,y\n1,2", ("--x0", "b=1"), "does not mention b"),
        ("t,y\n1,x", ("--x0", "a=1"), "row 2"),
        ("t,y\n1", ("--x0", "a=1"), "1 entries, not 2"),
        ("t,y", ("--x0", "a=1"), "no rows"),
        ("1,2\n1,2", ("--x0", "a=1"), "first row"),
        ("t,y,z\n1,2,3", ("--x0", "a=1"), "--y"),
        ("t,y\n1,2", ("--x0", "a=1", "--y", "q"), "no column q"),
        ("u,y\n1,2", ("--x0", "a=1"), "mentions no column"),
        ("t,a,y\n1,2,3", ("--x0", "a=1"), "no parameter"),
    ],
)
def test_bad_data_are_told(run, tmp_path, data, more, reason):
    path = tmp_path / "data.csv"
    path.write_text(data)
    code, out, err = run("fit", "a*t", "--data", str(path), *more)
    assert (code, out) == (2, "")
    assert reason in err[0]
