"""Paths along a parameter, and folds known from elsewhere."""

import numpy as np
import pytest

import symgrad as sg

x, y, a, b = sg.symbols("x y a b")


def bratu(n):
    """``u'' + a*exp(u) = 0``, u = 0 at 0 and 1, by differences of second order."""
    u = sg.vector("u", n)
    padded = sg.concatenate([sg.zeros(1), u, sg.zeros(1)])
    second = (padded[2:] - 2 * u + padded[:-2]) * (n + 1) ** 2
    return sg.newton_root(second + a * sg.exp(u), u, a)


def test_bratu_turns_back_where_it_is_known_to():
    # the fold of the differential equation is at 8*(t/cosh(t))**2/... = 3.513830719; error O(h**2)
    solvers = {n: bratu(n).path(np.zeros(n), a, np.linspace(0.0, 4.0, 9)) for n in (19, 39)}
    folds = [path.folds for path in solvers.values()]
    assert [len(f) for f in folds] == [1, 1]
    extrapolated = (4 * folds[1][0] - folds[0][0]) / 3
    assert extrapolated == pytest.approx(3.513830719, abs=2e-6)
    path = solvers[39]
    assert path.converged.tolist() == [True] * 8 + [False]
    assert str(sg.Status(path.status[-1])) == "not reached" and np.isnan(path.x[-1]).all()
    past = path.curve.p[np.argmax(path.curve.p) :]
    assert (np.diff(past) < 0).all() and past[-1] < 0.1  # the upper branch


def test_the_nose_of_a_power_flow():
    # a load s*(P + jQ) behind a reactance X at voltage 1: s = (sqrt(P**2 + Q**2) - Q)/(2*X*P**2)
    vm, th, s = sg.symbols("vm th s")
    P, Q, X = 1.0, 0.5, 0.2
    flow = [vm * sg.sin(th) / X + s * P, (vm * sg.cos(th) - vm**2) / X - s * Q]
    path = sg.newton_root(flow, [vm, th], s).path([1.0, 0.0], s, np.linspace(0.0, 3.0, 16))
    nose = (np.sqrt(P**2 + Q**2) - Q) / (2 * X * P**2)
    assert path.folds == pytest.approx([nose], rel=1e-9)
    assert path.converged.tolist() == [value < nose for value in path.values]
    low = path.curve.x[-1]  # the branch of low voltage, back at no load
    assert low[0] < 0.1


def test_a_curve_that_turns_twice_reaches_what_is_behind():
    path = sg.newton_root(x**3 - x - a, x, a).path(-1.5, a, np.linspace(-1.0, 1.0, 11))
    edge = 2 / np.sqrt(27)
    assert path.folds == pytest.approx([edge, -edge], rel=1e-9)
    assert path.converged.all()
    np.testing.assert_allclose(path.x**3 - path.x, path.values, atol=1e-12)
    assert (np.diff(path.x) > 0).all() and path.x[5] == pytest.approx(-1.0)
    np.testing.assert_allclose(path.sensitivity(a), 1 / (3 * path.x**2 - 1), rtol=1e-9)


def test_a_minimum_that_vanishes_is_not_reached():
    well = sg.newton_minimize(x**4 / 4 - x**2 / 2 - a * x, x, a)
    path = well.path(-1.0, a, np.linspace(0.0, 0.3, 4))
    assert path.converged.all()
    path = well.path(-1.0, a, [0.0, 0.3, 0.5])
    assert path.status.tolist() == [0, 0, 8] and path.x[1] < 0
    # past the fold the curve is one of maxima, and of minima again behind the second one
    path = well.path(-1.0, a, [-0.5, 0.3, 0.5])
    assert path.folds == pytest.approx([2 / np.sqrt(27), -2 / np.sqrt(27)], rel=1e-8)
    assert path.x[1] < 0 and path.x[2] > 1.0


def test_paths_of_several_unknowns_and_parameters():
    solver = sg.newton_root([x * y - a, x - y - b], [x, y], [a, b])
    path = solver.path([2.0, 1.0], "a", [2.0, 3.0, 4.0], 1.0)
    by_name = solver.path([2.0, 1.0], a, [2.0, 3.0, 4.0], b=1.0, tol=1e-13)
    np.testing.assert_allclose(path.x, by_name.x)
    np.testing.assert_allclose(path.x[:, 0] * path.x[:, 1], path.values)
    seen = []
    solver.path([2.0, 1.0], a, [2.0, 3.0], 1.0, callback=lambda k, x, p: seen.append((k, p)))
    assert seen[0] == (1, 2.0) and seen[-1] == (len(seen), 3.0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((1.0, "q", [1.0, 2.0]), "path takes a parameter"),
        ((1.0, a, [1.0, 3.0, 2.0]), "rise or fall"),
        ((1.0, a, []), "finite numbers"),
        ((1.0, a, [1.0, 2.0], 3.0), "the parameters beside a are: none"),
        (([1.0, 2.0], a, [1.0, 2.0]), "one problem"),
    ],
)
def test_wrong_calls_are_named(given, words):
    with pytest.raises(sg.ArgumentError, match=words):
        sg.newton_root(x**2 - a, x, a).path(*given)
    with pytest.raises(sg.ArgumentError, match="takes no speed"):
        sg.newton_root(x**2 - a, x, a).path(1.0, a, [1.0, 2.0], speed=3)
