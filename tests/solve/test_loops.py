"""One small problem on floats: the loop in the source, and what it leaves to the general methods."""

import math

import numpy as np
import pytest
import scipy.optimize

import symgrad as sg
from symgrad.errors import ArgumentError, DTypeError
from symgrad.solve import solver as solver_module

x, y, z, t, a, b = sg.symbols("x y z t a b")
ROSENBROCK = (1 - x) ** 2 + 100 * (y - x**2) ** 2
SPHERE = [x**2 + y**2 + z**2 - a, x * y - z, sg.exp(x) - y * z - b]
CHAIN = [x**3 + y - a, y**3 - z + x, z * t + x - b, t**3 + t - y * z]
SYSTEMS = {
    2: ([x**2 + y**2 - a, x * y - b], [x, y], [2.0, 1.0], (5.1, 2.05)),
    3: (SPHERE, [x, y, z], [1.2, 1.0, 0.7], (3.0, 1.7)),
    4: (CHAIN, [x, y, z, t], [1.0, 0.5, 1.0, 0.5], (1.5, 1.4)),
}
BOWL = sg.log(1 + sg.exp(x + y - z)) + x**2 + (y - a) ** 2 + z**2
WELL = sg.cosh(x + y) + sg.cosh(y - z) + (z - t - a) ** 2 + x**2 + sg.exp(t)
MINIMA = {
    "one": (sg.exp(x) - a * x, x, 1.0, 3.0),
    "rosenbrock": ((a - x) ** 2 + 100 * (y - x**2) ** 2, [x, y], [-1.2, 1.0], 1.0),
    "diagonal": (sg.cosh(x - a) + (y + a) ** 4 + y**2, [x, y], [2.0, 3.0], 0.5),
    "three": (BOWL, [x, y, z], [1.0, 2.0, 3.0], 1.0),
    "four": (WELL, [x, y, z, t], [0.1, 0.2, 0.3, 1.0], 0.5),
}


@pytest.fixture
def loops_only(monkeypatch):
    """Solvers whose general methods fail the test."""
    plain = solver_module.modules.namespace

    def forbidden(*args, **kwargs):
        raise AssertionError("the loop has handed over")

    names = ("solve_equation", "solve_roots", "solve_minimum")
    monkeypatch.setattr(
        solver_module.modules, "namespace", lambda: plain() | dict.fromkeys(names, forbidden)
    )


@pytest.mark.parametrize("n", SYSTEMS)
def test_small_systems_stay_in_the_loop(n, loops_only):
    F, unknowns, start, params = SYSTEMS[n]
    solver = sg.newton_root(F, unknowns, [a, b])
    for given in (start, tuple(start), np.array(start), [*map(float, start)]):
        found = solver(given, *params)
        assert found.converged and found.status is sg.Status.CONVERGED
        assert isinstance(found.x, np.ndarray) and found.x.shape == (n,)
        at = dict(zip([*unknowns, a, b], [*found.x, *params], strict=True))
        values = [sg.evaluate(f, at) for f in F]
        assert np.abs(values).max() < 1e-13
        assert found.residual == pytest.approx(np.linalg.norm(values), abs=1e-15)


@pytest.mark.parametrize("n", SYSTEMS)
def test_loops_and_general_methods_agree(n):
    F, unknowns, start, params = SYSTEMS[n]
    solver = sg.newton_root(F, unknowns, [a, b])
    told = []
    general = solver(start, *params, callback=lambda *now: told.append(now))
    assert told  # a callback is what loops do not have
    np.testing.assert_allclose(solver(start, *params).x, general.x, rtol=1e-11)


@pytest.mark.parametrize("name", MINIMA)
def test_small_minima_stay_in_the_loop(name, loops_only):
    f, unknowns, start, value = MINIMA[name]
    found = sg.newton_minimize(f, unknowns, a)(start, value)
    assert found.converged and found.curvature == "positive definite"
    leaves = unknowns if isinstance(unknowns, list) else [unknowns]
    at = dict(zip([*leaves, a], [*np.atleast_1d(found.x), value], strict=True))
    slopes = [sg.evaluate(g, at) for g in sg.grad(f, leaves)]
    assert np.abs(slopes).max() < 1e-9
    assert found.value == pytest.approx(sg.evaluate(f, at), rel=1e-14, abs=1e-25)
    other = scipy.optimize.minimize(
        lambda v: sg.evaluate(f, dict(zip([*leaves, a], [*v, value], strict=True))), found.x
    )
    assert found.value <= other.fun + 1e-9


@pytest.mark.parametrize("name", MINIMA)
def test_loops_and_general_minimisation_agree(name):
    f, unknowns, start, value = MINIMA[name]
    solver = sg.newton_minimize(f, unknowns, a)
    general = solver(start, value, callback=lambda *now: None)
    found = solver(start, value)
    np.testing.assert_allclose(found.x, general.x, rtol=1e-8, atol=1e-9)
    assert found.curvature == general.curvature
    assert type(found) is type(general) and type(found.value) is type(general.value)


KINDS = [float, int, np.float64, np.int64, np.array]


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_all_kinds_stay_in_the_loop(kind, loops_only):
    four, two = kind(4), kind(2)
    root = sg.newton_root(x**2 - a, x, a)
    assert root(two, four).x == root(two, 4.0).x == root(2.0, four).x == 2.0
    assert type(root(kind(3), four).x) is float
    system = sg.newton_root([x + y - a, x - y], [x, y], a)
    assert system([two, kind(1)], four).x.tolist() == [2.0, 2.0]
    assert sg.newton_minimize((x - a) ** 2, x, a)(two, four).x == 4.0


def test_pivots_are_exchanged(loops_only):
    swapped = sg.newton_root([y + 1e-20 * x - 1, x + y - 2], [x, y])
    np.testing.assert_allclose(swapped([5.0, 5.0]).x, [1.0, 1.0], rtol=1e-15)
    turned = sg.newton_root([z - a, x - 2, y - 3], [x, y, z], a)
    assert turned([9, 9, 9], 4.0).x.tolist() == [2.0, 3.0, 4.0]


def test_steps_are_shortened(loops_only):
    found = sg.newton_root([sg.arctan(x), y - x], [x, y])([3.0, 0.0])  # full steps run away
    np.testing.assert_allclose(found.x, 0.0, atol=1e-12)
    far = sg.newton_minimize(sg.log(1 + sg.exp(x)) + sg.log(1 + sg.exp(-2 * x)), x)
    assert far(3.0).x == pytest.approx(math.log(2) / 3, abs=0.3)


def test_iterations_count_steps():
    quadratic = sg.newton_minimize((x - a) ** 2, x, a)
    assert (quadratic(0.0, 3.0).iterations, quadratic(3.0, 3.0).iterations) == (1, 0)
    linear = sg.newton_root([x + y - 3, x - y - a], [x, y], a)
    assert (linear([0.0, 0.0], 1.0).iterations, linear([2.0, 1.0], 1.0).iterations) == (1, 0)


@pytest.mark.parametrize("most", [0, 1, 3])
def test_limits(most):
    found = sg.newton_root([sg.exp(x) - a, y - x], [x, y], a)([9.0, 9.0], 3.0, maxiter=most)
    assert (found.status, found.iterations) == (sg.Status.ITERATION_LIMIT, most)
    lowest = sg.newton_minimize(ROSENBROCK, [x, y])([-1.2, 1.0], maxiter=most)
    assert (lowest.status, lowest.iterations) == (sg.Status.ITERATION_LIMIT, most)
    assert lowest.x.shape == (2,)


def test_what_a_loop_cannot_decide_is_handed_over():
    none = sg.newton_root([x**2 + y**2 + 1, x - y], [x, y])([0.3, 0.9])
    assert not none.converged
    undefined = sg.newton_root([sg.log(x), y - x], [x, y])([-1.0, 0.0])
    assert undefined.status is sg.Status.NON_FINITE
    singular = sg.newton_root([x**2 + y**2 - 2, x - y], [x, y])([0.0, 0.0])
    assert singular.converged
    saddle = sg.newton_minimize(x**2 - y**2 + y**4, [x, y])([1.0, 0.0])
    assert saddle.converged and saddle.curvature == "positive definite"
    for shift in (0.0, 1.0, 1e5, 1e8):
        assert not sg.newton_minimize((x - shift) ** 3, x)(shift + 1.0).converged
    assert sg.newton_minimize(x**4, x)(1.0).converged
    flat = sg.newton_minimize((x + y - 1) ** 2 + x - x, [x, y])([3.0, 5.0])
    assert flat.converged and flat.curvature == "positive semidefinite"
    overflow = sg.newton_minimize(sg.exp(x * x) - x, x)(40.0)
    assert overflow.status is sg.Status.NON_FINITE


def test_wrong_starts_are_named():
    solver = sg.newton_root([x**2 - a, y - x], [x, y], a)
    with pytest.raises(ArgumentError, match="start of x is not finite"):
        solver([math.nan, 1.0], 2.0)
    with pytest.raises(ArgumentError, match="start of y is not finite"):
        solver([1.0, math.inf], 2.0)
    with pytest.raises(ArgumentError, match="a is not finite"):
        solver([1.0, 1.0], math.nan)
    for huge in ([10**400, 1.0], ["1", 2.0], [None, 1.0], [1j, 1.0]):
        with pytest.raises((DTypeError, ArgumentError)):
            solver(huge, 2.0)
    with pytest.raises(DTypeError):
        sg.newton_root(x**2 - a, x, a)(10**400, 2.0)
    with pytest.raises(ArgumentError, match="not finite"):
        sg.newton_minimize(x**2 - a, x, a)(math.nan, 2.0)


def test_symbols_with_the_names_of_the_loops():
    size, part, r0, j01, p0, last0 = (
        sg.symbol(n) for n in ("size", "part", "r0", "j01", "p0", "last0")
    )
    solver = sg.newton_root([size + part - r0, size * part - j01], [size, part], [r0, j01])
    np.testing.assert_allclose(solver([3.0, 0.5], 3.0, 2.0).x, [2.0, 1.0], rtol=1e-14)
    lowest = sg.newton_minimize((p0 - last0) ** 2 + (part - 1) ** 4 + part**2, [p0, part], last0)
    assert lowest([1.0, 1.0], 5.0).x[0] == pytest.approx(5.0)


def test_the_loop_stands_in_the_source():
    source = sg.newton_minimize(ROSENBROCK, [x, y]).source
    assert "j11 -= step*j01" in source and "def solve(x0, *" in source
    bounded = sg.newton_minimize(ROSENBROCK, [x, y], bounds=[(0, 1), (0, 1)])
    assert "not y <= 1.0" in bounded.source and "loop" in bounded.explain()
    assert "loop on floats" in sg.newton_minimize(ROSENBROCK, [x, y]).explain()
    assert "loop on floats" in sg.newton_root([x - 1, y - x], [x, y]).explain()
