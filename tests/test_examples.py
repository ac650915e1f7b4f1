"""Every example runs as a script, and prints the numbers it should."""

import math
import re
import runpy
from pathlib import Path

import mpmath
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NUMBER = re.compile(r"(?<![\w.*])-?\d+(?:\.\d*)?(?:e[+-]?\d+)?")


@pytest.fixture
def run(capsys, monkeypatch):
    """The lines that an example prints, run as a script without arguments."""

    def run_script(name):
        monkeypatch.setattr("sys.argv", [f"{name}.py"])
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
    rows = [numbers(line) for line in run("newton_double_backprop")]
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
    assert [by_backpropagation for _, by_backpropagation, _ in rows] == close(expected)
    assert [by_formula for _, _, by_formula in rows] == close(expected)


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
    end, faces = run("rosenbrock_descent")
    assert numbers(end) == close([0.9944984367782456, 0.9890050527419593])
    assert numbers(faces)[0] < 1e-12


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


def test_kepler_for_a_million_anomalies(run):
    converged, residual, formula, perihelion, aphelion = run("kepler_million")
    assert numbers(converged) == [1e6]
    assert numbers(residual)[0] < 4e-15  # rounding of numbers up to 2*pi
    assert formula.endswith("1/(1 - e*cos(E)) where E = root(E - e*sin(E) - M, E)")
    assert numbers(perihelion) == close([1 / (1 - 0.2056)])
    assert numbers(aphelion) == close([1 / (1 + 0.2056)])


def test_implied_volatility(run):
    error, sensitivities = run("implied_volatility")
    assert numbers(error)[0] < 1e-12
    first, second = numbers(sensitivities)[-2:]
    # at the money dP/dV = phi(V/2), d2P/dV2 = -V/4*phi(V/2), and dV/dP is the inverse
    phi = math.exp(-(0.1**2) / 2) / math.sqrt(2 * math.pi)
    assert first == pytest.approx(1 / phi, rel=1e-12)
    assert second == pytest.approx(0.2 / 4 / phi**2, rel=1e-10)


def test_steady_state_of_a_chemical_network(run):
    state, flux, *shares, total = run("chemical_network")
    s, c, p = numbers(state)
    assert s + c + p == close(5.0)
    assert 10 * s * (1 - c) == pytest.approx(3 * c, rel=1e-12)
    assert 2 * c == pytest.approx(p / 2, rel=1e-12)
    assert numbers(flux) == close([2 * c])
    # rates all twice as fast make the flux twice as large
    assert sum(numbers(line)[-1] for line in shares) == pytest.approx(1.0, rel=1e-12)
    assert numbers(total)[0] == pytest.approx(1.0, rel=1e-12)


def test_curve_fit(run):
    *parameters, deviation, end = run("curve_fit")
    # certified by NIST
    certified = [
        (72.462237576, 1.7340283401),
        (2.6180768402, 0.088295217536),
        (0.067359200066, 0.0034465663377),
    ]
    for line, expected in zip(parameters, certified, strict=True):
        assert numbers(line) == pytest.approx(expected, rel=1e-7)
    assert numbers(deviation)[0] == pytest.approx(1.1587725499, rel=1e-8)
    assert end.startswith("converged after")


def test_catenary(run):
    *lines, curvature = run("catenary")
    chain, catenary, force = (numbers(line)[0] for line in lines)
    # the parameter of the catenary of length 3/2 over width 1 is the root of 2*a*sinh(1/(2*a)) = 3/2
    a = 0.3082843
    for _ in range(5):
        f = 2 * a * math.sinh(1 / (2 * a)) - 1.5
        a -= f / (2 * math.sinh(1 / (2 * a)) - math.cosh(1 / (2 * a)) / a)
    assert catenary == pytest.approx(a * (math.cosh(1 / (2 * a)) - 1), rel=1e-12)
    assert chain == pytest.approx(catenary, rel=1e-3)  # of 40 links
    assert force < 1e-7  # of a stiffness of 1e5
    assert curvature.endswith("positive definite")


def test_newton_fractal(run):
    *shares, none = [numbers(line)[-1] for line in run("newton_fractal")]
    assert shares[1] == shares[2]  # a picture symmetric about the real axis
    assert 0.3 < shares[1] < shares[0] < 0.4
    assert sum([*shares, none]) == pytest.approx(1.0, rel=1e-12)
    assert none < 1e-3


def test_double_pendulum(run):
    masses, equation, energy, drift, angles = run("double_pendulum")
    assert masses.count("bmatrix") == 2
    assert r"\ddot{\alpha}" in equation
    start = -9.81 * (2.5 * 2.0 * math.cos(1.0) + 1.5 * 0.7 * math.cos(2.0))
    assert numbers(energy)[0] == pytest.approx(start, rel=1e-12)
    assert numbers(drift)[0] < 1e-8
    # SciPy's DOP853 on the textbook's equations, rtol=1e-13
    assert numbers(angles) == pytest.approx([0.6599402534, 2.4294956082], abs=1e-5)


def test_hessian_vector_products(run):
    *steps, eigenvalue, faces = run("hessian_vector_products")
    assert numbers(steps[-1])[-1] < 1e-10
    assert 4.0 < numbers(eigenvalue)[0] < 4.1 + 3 * 10.0  # springs, and 3*x**2 at the minimum
    assert numbers(faces)[0] < 1e-12


def test_learning_to_learn_sines(run):
    before, once, often, faces = run("maml_sinusoids")
    losses = [numbers(line)[-1] for line in (before, once, often)]
    assert losses[2] < losses[1] < 0.7 * losses[0]
    assert numbers(faces)[0] < 1e-12


def test_derivatives_of_tanh(run):
    for order, line in enumerate(run("tanh_derivatives"), 1):
        _, by_variable, by_formula, _ = numbers(line)
        exact = float(mpmath.diff(mpmath.tanh, 1, order))
        assert by_variable == pytest.approx(exact, rel=1e-9)
        assert by_formula == pytest.approx(exact, rel=1e-9)


def test_boundary_value_problem(run):
    for line in run("boundary_value_problem"):
        assert numbers(line)[-1] < 2e-3


def test_influence_functions(run):
    *points, faces = run("influence_functions")
    for line in points:
        _, predicted, true = numbers(line)
        assert predicted == pytest.approx(true, rel=0.25)
    assert numbers(faces)[0] < 1e-12


def test_lstm_on_a_sine(run):
    by_variables, compiled, end = run("lstm_sine")
    assert numbers(by_variables)[0] < 0.03
    assert numbers(compiled)[0] == pytest.approx(numbers(by_variables)[0], rel=1e-6)
    _, guess, sine = numbers(end)
    assert abs(guess - sine) < 0.5


def test_wgan_with_gradient_penalty(run):
    before, after, faces = run("wgan_gp")
    assert numbers(after)[0] < 0.5 * numbers(before)[0]
    assert numbers(faces)[0] < 1e-12


def test_layers_in_a_few_lines(run):
    *epochs, faces = run("layers_in_a_few_lines")
    assert numbers(epochs[-1])[-1] > 90
    assert numbers(faces)[0] < 1e-6


def test_gallery(run, golden):
    """The textbook formulas with their derivatives, to be read by a person."""
    lines = run("gallery")
    assert lines.count(r"\begin{align*}") > 30
    golden("gallery.txt", "\n".join(lines) + "\n")


def test_the_index_names_every_example():
    index = (EXAMPLES / "README.md").read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f"`{path.name}`" in index
