"""Every example runs as a script, and prints the numbers it should."""

import math
import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NUMBER = re.compile(r"(?<![\w.*])-?\d+(?:\.\d*)?(?:e[+-]?\d+)?")


@pytest.fixture
def run(capsys):
    """The lines that an example prints, run as a script."""

    def run_script(name):
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        return capsys.readouterr().out.splitlines()

    return run_script


def numbers(line):
    return [float(text) for text in NUMBER.findall(line)]


def close(expected):
    return pytest.approx(expected, rel=1e-12, abs=0)


def test_every_example_is_tested():
    source = Path(__file__).read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f'run("{path.stem}")' in source


def test_double_backpropagation_of_sin(run):
    first, *derivatives = run("double_backpropagation")
    sin, cos = math.sin(1.0), math.cos(1.0)
    assert numbers(first) == close([sin])
    values = [numbers(line)[1] for line in derivatives]
    assert values == close([cos, -sin, -cos, sin])
    formulas = [line.split("   ")[-1] for line in derivatives]
    assert formulas == ["cos(x)", "-sin(x)", "-cos(x)", "sin(x)"]


def test_newton_by_double_backpropagation(run):
    iterates = [numbers(line)[1] for line in run("newton_double_backprop")]
    expected = [
        2.0,
        1.4545454545454546,
        1.1510467893775467,
        1.0253259289766978,
        1.0009084519430513,
        1.0000012353089454,
        1.000000000002289,
        1.0,
        1.0,
        1.0,
    ]
    assert iterates == close(expected)


def test_gradient_inside_a_formula(run):
    by_variable, by_formula = run("gradient_in_a_formula")
    assert numbers(by_variable) == close([100.0])
    assert numbers(by_formula)[0] == close(100.0)
    assert by_formula.endswith("24*x**2 + 2*x")


def test_gradients_of_test_functions(run):
    sphere, matyas, goldstein_price = run("gradients_of_test_functions")
    assert numbers(sphere) == close([2.0, 2.0])
    assert numbers(matyas) == close([0.040000000000000036, 0.040000000000000036])
    assert numbers(goldstein_price) == close([-5376.0, 8064.0])


def test_rosenbrock_descent(run):
    (line,) = run("rosenbrock_descent")
    assert numbers(line) == close([0.9944984367782456, 0.9890050527419593])


def test_latex_of_a_gradient(run):
    by_x, by_y, text, latex = run("latex_of_a_gradient")
    assert by_x.startswith("d/dx ")
    assert r"\sin" in by_x
    assert r"\cos" in by_y
    assert text in ("X.T @ (X @ w - t)", "(X @ w - t) @ X")
    assert latex == r"X^{\top} \left(X w - t\right)"


def test_batched_evaluation(run):
    one, many, constant, million = run("batched_evaluation")
    assert numbers(one) == close([12.0])
    assert numbers(many) == close([0.0, 3.0, 12.0, 27.0])
    assert numbers(constant) == close([2.0, 2.0, 2.0, 2.0])
    # sum over the grid of 3*x**2 = n + 3 + 2/n with n = 10**6 intervals of length 2/n
    assert numbers(million) == close([1e6 + 3 + 2e-6])
