"""What undefined functions are said to be: formulas, functions of numbers, and their derivatives."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import sympy as sp
from scipy.interpolate import CubicSpline

import symgrad as sg
from symgrad.compile.open_function import KEPT
from symgrad.errors import ArgumentError

x, y = sg.symbols("x y")
f, g = sg.function("f"), sg.function("g")
X = sp.Symbol("x")
E = sg.diff(f(x**2), x)


@pytest.mark.parametrize("key", ["f", f])
@pytest.mark.parametrize(
    "given", [sg.sin, np.sin, lambda u: 2 * np.sin(u) / 2, sp.sin, sp.Lambda(X, sp.sin(X))]
)
def test_functions_of_expressions_are_differentiated_exactly(key, given):
    call = sg.lambdify(x, [E, sg.diff(E, x)], functions={key: given})
    first, second = call(0.7)
    assert first == pytest.approx(1.4 * math.cos(0.49), rel=1e-15)
    assert second == pytest.approx(2 * math.cos(0.49) - 4 * 0.49 * math.sin(0.49), rel=1e-14)


def test_functions_of_numbers_and_their_derivatives():
    given = (math.gamma, math.lgamma, math.exp)
    call = sg.lambdify(x, [f(x), f(x).diff(x), f(x).diff(x, 2)], functions={f: given})
    assert call(2.5) == [math.gamma(2.5), math.lgamma(2.5), math.exp(2.5)]
    mixed = sg.lambdify(x, f(x).diff(x, 3), functions={f: (math.gamma, sg.sin)})
    assert mixed(0.3) == pytest.approx(-math.sin(0.3), rel=1e-15)


def test_an_interpolant_brings_its_derivative():
    knots = np.linspace(0, 3, 20)
    spline = CubicSpline(knots, np.sin(knots))
    call = sg.lambdify(x, [f(x), f(x).diff(x, 2)], functions={f: spline})
    points = np.linspace(0.1, 2.9, 7)
    np.testing.assert_array_equal(call(points)[0], spline(points))
    np.testing.assert_allclose(call(points)[1], spline(points, 2), rtol=1e-14)


def test_a_pickled_function_calls_its_own_callable():
    splines = [CubicSpline(np.arange(5.0), np.arange(5.0) ** n) for n in (2, 3)]
    calls = [sg.lambdify(x, f(x), functions={f: s}) for s in splines]
    dumped = [pickle.dumps(call) for call in calls]
    for order in ([0, 1], [1, 0]):  # what a process meets first has no say
        loads = "; ".join(f"print(pickle.loads({dumped[k]!r})(3.0))" for k in order)
        code = f"import pickle; {loads}"
        out = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert [float(n) for n in out.stdout.split()] == pytest.approx(
            [3.0 ** (2 + k) for k in order]
        )


def test_several_arguments():
    e = f(x, y)
    parts = [e, e.diff(x), e.diff(x, y)]
    exact = sg.lambdify([x, y], parts, functions={f: lambda a, b: a**2 * b})
    assert exact(3.0, 2.0) == [18.0, 12.0, 6.0]
    given = {(0, 0): math.hypot, (1, 0): math.atan2, (1, 1): math.fmod}
    assert sg.lambdify([x, y], parts, functions={f: given})(3.0, 2.0) == [
        math.hypot(3, 2),
        math.atan2(3, 2),
        1.0,
    ]


def test_functions_that_are_defined_by_others():
    call = sg.lambdify(x, f(x), functions={f: lambda u: g(u) + 1, g: sg.exp})
    assert call(0.0) == 2.0
    with pytest.raises(sg.ArgumentError, match="in a circle"):
        sg.lambdify(x, f(x), functions={f: lambda u: g(u) + 1, g: f})


def test_arrays_and_large_arrays():
    points = np.linspace(0.5, 3, 50_000)
    numeric = sg.lambdify(x, sg.sin(x) * f(x) + x, functions={f: np.vectorize(math.gamma)})
    expected = np.sin(points) * np.vectorize(math.gamma)(points) + points
    np.testing.assert_allclose(numeric(points), expected, rtol=1e-15)
    with pytest.raises(TypeError, match=r"given for f_given takes no arrays.*numpy.vectorize"):
        sg.lambdify(x, f(x), functions={f: math.gamma})(points)
    with pytest.raises(ValueError, match=r"gave the shape \(\) for operands of shape"):
        sg.lambdify(x, f(x), functions={f: lambda u: float(np.mean(u))})(points)


def test_saved_code(tmp_path):
    importable = sg.lambdify(x, f(x), functions={f: math.gamma})
    importable.save(tmp_path / "saved.py")
    names = {}
    exec((tmp_path / "saved.py").read_text(), names)
    assert names["f"](5.0) == 24.0
    bound = sg.lambdify(x, f(x), functions={f: lambda u: float(u) * 2})
    with pytest.raises(sg.ArgumentError, match="cannot be imported"):
        bound.save(tmp_path / "bound.py")


@pytest.mark.parametrize(
    ("functions", "error", "message"),
    [
        ({f: math.gamma}, sg.DerivativeError, r"order 1 of f is needed.*tuple.*\(f, f'\)"),
        ({f: 3}, sg.ArgumentError, "which is none"),
        ({x: math.gamma}, sg.ArgumentError, "no function made by function"),
        ({f: lambda a, b: a}, sg.ArgumentError, r"called with 1 argument"),
        ({f: lambda u: sg.stack([u, u])}, sg.ArgumentError, "must give a scalar"),
        ({f: {(0, 0): math.hypot}}, sg.ArgumentError, "as many orders"),
        ({g: sg.sin}, sg.ArgumentError, "is undefined"),
    ],
)
def test_errors(functions, error, message):
    with pytest.raises(error, match=message):
        sg.lambdify(x, E, functions=functions)


def test_what_mixes_entries_is_for_scalars():
    mixing = {f: lambda u: sg.sum(sg.stack([u, 2 * u]))}
    assert sg.lambdify(x, f(x), functions=mixing)(2.0) == 6.0
    v = sg.vector("v", 3)
    with pytest.raises(sg.ArgumentError, match="mixes the entries"):
        sg.lambdify(v, f(v), functions=mixing)


def test_a_function_among_the_arguments_is_given_with_each_call():
    """A callable for f: differentiated where it takes expressions, with its derivatives in a tuple."""
    f, g = sg.function("f"), sg.function("g")
    slope = sg.lambdify([x, f], sg.diff(f(x**2), x))
    assert slope(3.0, np.square) == 108.0
    assert slope(0.5, (math.sin, math.cos)) == math.cos(0.25)
    np.testing.assert_allclose(slope(np.array([0.5, 1.0]), np.exp), [math.exp(0.25), 2 * math.e])
    assert slope.of(np.square) is slope.of(np.square)
    both = sg.lambdify([f, x, g], {"value": f(g(x))}, functions={"h": np.tan}, name="both")
    assert both(np.sin, 2.0, np.square)["value"] == math.sin(4.0)
    with pytest.raises(ArgumentError, match="got 1 arguments, expected 2"):
        slope(3.0)
    with pytest.raises(ArgumentError, match="got 2 functions, expected 1: f"):
        slope.of(np.sin, np.cos)
    with pytest.raises(ArgumentError, match="needs callables"):
        slope(3.0, 2.0)
    with pytest.raises(ArgumentError, match="a function is given twice"):
        sg.lambdify([x, f, f], f(x))


def test_code_for_the_functions_used_last_is_kept():
    f = sg.function("f")
    value = sg.lambdify([x, f], f(x))
    first = value.of(np.sin)
    for k in range(KEPT):
        assert value(1.0, lambda t, k=k: t + k) == 1.0 + k
    assert value.of(np.sin) is not first
