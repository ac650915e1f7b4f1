"""The command line: what it prints, and that bad input gets a line, a caret and exit code 2."""

import math
import subprocess
import sys

import numpy as np
import pytest

import symgrad as sg
from symgrad.cli import main

QUARTIC = "x**4 - 2*x**2"


@pytest.fixture
def run(capsys):
    """Exit code, lines on stdout and lines on stderr of a command."""

    def command(*argv):
        try:
            code = main(argv)
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out.splitlines(), captured.err.splitlines()

    return command


@pytest.mark.parametrize(
    ("argv", "lines"),
    [
        ((QUARTIC, "x"), ["4*x**3 - 4*x"]),
        ((QUARTIC,), ["4*x**3 - 4*x"]),
        ((QUARTIC, "x", "--order", "2"), ["12*x**2 - 4"]),
        ((QUARTIC, "x", "--order=4"), ["24"]),
        (("-x**2", "x"), ["-2*x"]),
        (("x", "-x**2"), None),
        (("x**2 + sin(y)", "--wrt", "x,y"), ["d/dx: 2*x", "d/dy: cos(y)"]),
        (("x**2 + sin(y)", "x,y"), ["d/dx: 2*x", "d/dy: cos(y)"]),
        (("x**3 + x*y**2", "--wrt", "y,x", "--order=2"), ["d2/dy2: 2*x", "d2/dx2: 6*x"]),
        (
            ("x**3 + x*y**2", "--hessian"),
            ["d2/dx2: 6*x", "d2/dxdy: 2*y", "d2/dydx: 2*y", "d2/dy2: 2*x"],
        ),
        (("x**2*y", "x", "--hessian"), ["2*y"]),
        (
            ("x**2*y", "--hessian", "--latex"),
            [
                r"\frac{\partial^{2} f}{\partial x^{2}} = 2 y",
                r"\frac{\partial^{2} f}{\partial x\,\partial y} = 2 x",
                r"\frac{\partial^{2} f}{\partial y\,\partial x} = 2 x",
                r"\frac{\partial^{2} f}{\partial y^{2}} = 0",
            ],
        ),
        (("x**2*y", "--wrt", "x,y", "--order", "2"), ["d2/dx2: 2*y", "d2/dy2: 0"]),
        ((QUARTIC, "x", "--latex"), ["4 x^{3} - 4 x"]),
        ((QUARTIC, "x", "--at", "x=2"), ["24.0"]),
        ((QUARTIC, "x", "--at", "x=-2"), ["-24.0"]),
        (("x*y**2", "--wrt", "x,y", "--at", "x=2,y=3"), ["d/dx: 9.0", "d/dy: 12.0"]),
        (("x*y**2", "--wrt", "x,y", "--at", "x=2", "--at", "y=3"), ["d/dx: 9.0", "d/dy: 12.0"]),
        (("x**2", "x", "--order", "2", "--at", "x=1"), ["2.0"]),
        (("x**4", "x", "--order", "1000000000"), ["0"]),
        (("exp(x)", "x", "--order", "1000000000", "--latex"), ["e^{x}"]),
        (("sin(x)", "x", "--order", "1000000001"), ["cos(x)"]),
        (("x*sin(x)", "x", "--order", "1000000000"), None),
        ((QUARTIC, "x", "--at", "x=1,x=2"), None),
        ((QUARTIC, "x", "--at", "x=1", "--at", "x=1"), None),
        (("x*ϑ + σ", "ϑ"), ["x"]),
        (("x**2", "y"), ["0"]),
    ],
)
def test_diff_prints_derivatives(run, argv, lines):
    code, out, err = run("diff", *argv)
    if lines is None:
        assert code == 2
    else:
        assert (code, out, err) == (0, lines, [])


def test_values_may_be_formulas(run):
    code, out, _ = run("diff", "sin(x)", "x", "--at", "x=pi/3")
    assert code == 0
    assert float(out[0]) == pytest.approx(0.5, rel=1e-15)


def test_python_prints_code_that_runs(run):
    code, out, _ = run("diff", "exp(-x)*y", "--wrt", "x,y", "--python")
    assert code == 0
    namespace = {}
    exec("\n".join(out), namespace)
    x, y = sg.symbols("x y")
    f = sg.lambdify([x, y], sg.grad(sg.exp(-x) * y, [x, y]))
    assert "\n".join(out).strip() == f.source.strip()
    assert "import numpy" in "\n".join(out)


def test_dot_prints_a_graph(run):
    code, out, _ = run("diff", "sin(x)*y", "--wrt", "x,y", "--dot")
    assert code == 0
    assert out[0].startswith("digraph")
    assert out[-1] == "}"


@pytest.mark.parametrize(
    ("argv", "reason", "text", "offset"),
    [
        (("diff", "2x", "x"), r"write 2*x", "2x", 1),
        (("diff", "x^2", "x"), "a power is written **", "x^2", 1),
        (("diff", "-x + sinn(x)", "x"), "did you mean sin", "-x + sinn(x)", 5),
        (("diff", "(x", "x"), "never closed", "(x", 0),
        (("diff", "x**2", "2"), "the name of a variable", "2", 0),
        (("diff", "x**2", "pi"), "the name of a variable", "pi", 0),
        (("diff", "x**2", "x,"), "the name of a variable", "", 0),
        (("diff", "x**2", "x", "--at", "x"), "name=value", "x", 1),
        (("diff", "x**2", "x", "--at", "x=y"), "expected a number", "y", 0),
        (("newton", "x**", "x", "--x0", "1"), "operand is missing", "x**", 3),
        (("newton", "x", "--x0", "one"), "expected a number", "one", 0),
    ],
)
def test_a_bad_formula_gets_a_caret(run, argv, reason, text, offset):
    code, out, err = run(*argv)
    assert (code, out) == (2, [])
    assert reason in err[0]
    assert err[1:] == [text, " " * offset + "^"]


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (("diff", "x*y"), "mentions x, y"),
        (("diff", "2"), "mentions none"),
        (("diff", "x", "x", "--wrt", "x"), "once"),
        (("diff", "x", "--hessian", "--order", "3"), "leave out --order"),
        (("diff", "x**2*y", "x", "--at", "x=1"), "--at y="),
        (("diff", "x**2", "x", "--at", "z=1"), "does not mention z"),
        (("newton", "a*x", "x", "--x0", "1"), "--param NAME=VALUE"),
        (("diff", "x > 2", "x"), ""),
        (("diff", "x", "x", "--order", "0"), "positive integer"),
        (("diff", "x", "x", "--order", "two"), "positive integer"),
        (("diff", "x", "x", "--latex", "--dot"), "not allowed with"),
        (("diff", "x", "x", "--nonsense"), "unrecognized"),
        (("diff",), "required"),
        (("newton", "x**2"), "--x0"),
        (("integrate", "x"), "invalid choice"),
        ((), "required"),
    ],
)
def test_bad_arguments_exit_with_2(run, argv, reason):
    code, out, err = run(*argv)
    assert (code, out) == (2, [])
    assert reason in err[-1]
    assert not any("Traceback" in line for line in err)


def table(lines):
    """The rows of numbers of an iteration table."""
    return np.array([[float(entry) for entry in line.split()] for line in lines[1:-1]])


def test_newton_minimizes(run):
    code, out, err = run("newton", QUARTIC, "x", "--minimize", "--x0", "2")
    assert (code, err) == (0, [])
    assert out[0].split() == ["iteration", "x", "f", "f'", "step"]
    rows = table(out)
    expected = [
        2.0,
        1.4545454545454546,
        1.1510467893775467,
        1.0253259289766978,
        1.0009084519430513,
        1.0000012353089454,
        1.000000000002289,
        1.0,
    ]
    np.testing.assert_allclose(rows[:, 1], expected, rtol=1e-12)
    np.testing.assert_allclose(rows[:, 2], np.polyval([1, 0, -2, 0, 0], rows[:, 1]), rtol=1e-12)
    np.testing.assert_allclose(rows[:-1, 4], np.diff(rows[:, 1]), rtol=1e-9)
    assert out[-1] == "converged after 7 iterations to a minimum: x = 1.0, f = -1.0"


def test_newton_without_tolerance_stops_at_the_last_bit(run):
    code, out, _ = run("newton", "x**2 - 2", "--x0", "1", "--tol", "0")
    assert code == 0
    assert out[-1].startswith("converged after 5 iterations")


def test_newton_finds_roots(run):
    code, out, _ = run("newton", "x**2 - 2", "--x0", "1")
    assert code == 0
    assert table(out)[-1, 1] == pytest.approx(math.sqrt(2), rel=1e-15)
    assert out[-1].startswith("converged after 5 iterations to a root: x = 1.414213562373095")
    code, out, _ = run("newton", "cos(x)", "x", "--x0", "pi/2 - 1e-1", "--tol", "1e-3")
    assert code == 0
    assert len(out) == 5


@pytest.mark.parametrize(
    ("argv", "verdict"),
    [
        (("x**2 + 1", "x", "--x0", "0.3", "--maxiter", "7"), "iterations: stalled at x"),
        (("x**2 + 1", "x", "--x0", "0"), "the derivative is zero at x = 0.0"),
        (("x**3", "x", "--minimize", "--x0", "0"), "iteration limit at x = -"),
        (("x**3 + x", "x", "--minimize", "--x0", "0"), "iteration limit at x = -"),
        (
            ("-x**2", "x", "--minimize", "--x0", "-3"),
            "not converged after 50 iterations: iteration limit at x = -",
        ),
        (("log(x)", "x", "--x0", "-1"), "not finite at x = -1.0"),
        (("1/x", "x", "--x0", "1"), "not converged after 50 iterations"),
    ],
)
def test_newton_is_honest(run, argv, verdict):
    code, out, err = run("newton", *argv)
    assert (code, err) == (1, [])
    assert verdict in out[-1]


def test_a_root_at_the_start_needs_no_step(run):
    code, out, _ = run("newton", "x**2", "x", "--x0", "0")
    assert (code, out[-1]) == (0, "converged after 0 iterations to a root: x = 0.0, f = 0.0")


def test_draws_pictures(run, tmp_path):
    target = tmp_path / "tanh.svg"
    assert run("draw", "tanh(x)", "x", "--order", "3", "-o", str(target)) == (0, [], [])
    assert "<ellipse" in target.read_text()
    assert (
        run("draw", "-x**2*y", "--wrt", "x,y", "--order", "1", "-o", str(tmp_path / "g.mmd"))[0]
        == 0
    )
    assert (tmp_path / "g.mmd").read_text().startswith("flowchart")
    code, _, err = run("draw", "x*y", "--order", "2", "-o", str(target))
    assert code == 2
    assert "by which variable" in err[0]


def test_version_and_module():
    for argv in (["-m", "symgrad", "--version"], ["-c", "import symgrad.cli as c; c.main()"]):
        done = subprocess.run(
            [sys.executable, *argv, *(["--version"] if argv[0] == "-c" else [])],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"symgrad {sg.__version__}\n"


def test_help_shows_examples(run):
    code, out, _ = run("--help")
    assert code == 0
    assert any("symgrad newton" in line for line in out)


def test_a_reader_that_stops_reading_is_no_error():
    command = [
        sys.executable,
        "-m",
        "symgrad",
        "diff",
        "+".join(f"x**{i}" for i in range(900)),
        "x",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
