"""Minima: never a saddle or a maximum, and the second-order condition that holds."""

import numpy as np
import pytest
import scipy.optimize

import symgrad as sg
from symgrad.errors import ShapeError

x, y, a = sg.symbols("x y a")
v = sg.vector("v", "n")
ROSENBROCK = (1 - x) ** 2 + 100 * (y - x**2) ** 2


def test_rosenbrock():
    found = sg.newton_minimize(ROSENBROCK, [x, y])([-1.2, 1.0])
    assert found.converged and found.curvature == "positive definite"
    np.testing.assert_allclose(found.x, [1, 1], rtol=1e-12)
    assert found.value == pytest.approx(0, abs=1e-25)
    assert found.iterations < 40


@pytest.mark.parametrize("start", [0.0, 0.1, -0.1, 2.0, 0.57735])
def test_a_maximum_is_left(start):
    found = sg.newton_minimize(x**4 - 2 * x**2, x)(start)
    assert found.converged and abs(found.x) == pytest.approx(1.0, rel=1e-12)
    assert found.value == -1.0


def test_a_saddle_is_left():
    f = x**2 - y**2 + y**4
    for start in ([1.0, 0.0], [0.0, 0.0]):
        found = sg.newton_minimize(f, [x, y])(start)
        assert found.converged and found.curvature == "positive definite"
        np.testing.assert_allclose(np.abs(found.x), [0, np.sqrt(0.5)], atol=1e-12)


def test_plain_newton_says_what_it_found():
    plain = sg.newton_minimize(x**4 - 2 * x**2, x, globalize=False)(0.1)
    assert not plain.converged
    assert plain.status is sg.Status.NOT_A_MINIMUM
    assert plain.curvature == "negative definite"
    saddle = sg.newton_minimize(x**2 - y**2 + y**4, [x, y], globalize=False)([0.1, 0.1])
    assert (saddle.status, saddle.curvature) == (sg.Status.NOT_A_MINIMUM, "indefinite")


@pytest.mark.parametrize("start", [0.0, 1.0])
@pytest.mark.parametrize("f", [-(x**2), x**2 - 3 * x**3 - x**4, x, x**3, x**3 + x, -(x**4)])
def test_what_has_no_minimum_does_not_converge(f, start):
    if not (start == 0.0 and f is x**2 - 3 * x**3 - x**4):  # which is a local minimum
        assert not sg.newton_minimize(f, x)(start).converged


def test_a_semidefinite_hessian_is_looked_at_twice():
    found = sg.newton_minimize(x**4, x)(0.0)
    assert found.converged and found.curvature == "positive semidefinite"
    f = 3 * x**5 - 5 * x**3  # a saddle at 0, a minimum at 1
    found = sg.newton_minimize(f, x)(0.0)
    assert found.converged and found.x == pytest.approx(1.0)


def test_a_degenerate_minimum():
    found = sg.newton_minimize(x**4 + y**2, [x, y])([1.0, 1.0])
    assert found.converged
    np.testing.assert_allclose(found.x, [0, 0], atol=1e-9)


def test_against_scipy():
    rng = np.random.default_rng(2)
    q = rng.normal(size=(6, 6))
    q = q @ q.T
    w = sg.vector("w", 6)
    f = sg.logsumexp(w) + w @ q @ w / 2
    solver = sg.newton_minimize(f, w)
    start = rng.normal(size=6)
    found = solver(start)
    other = scipy.optimize.minimize(
        lambda z: np.log(np.exp(z).sum()) + z @ q @ z / 2, start, method="BFGS", tol=1e-9
    )
    np.testing.assert_allclose(found.x, other.x, atol=1e-5)
    assert found.value <= other.fun + 1e-12
    batch = solver(np.stack([start, -start]))
    np.testing.assert_allclose(batch.x, [found.x, found.x], rtol=1e-9)


def test_a_batch_with_parameters():
    b = sg.symbol("b")
    solver = sg.newton_minimize((a - x) ** 2 + b * (y - x**2) ** 2, [x, y], [a, b])
    found = solver([-1.2, 1.0], np.array([1.0, 2.0, -1.0]), 100.0)
    assert found.converged.all() and found.curvature.tolist() == ["positive definite"] * 3
    np.testing.assert_allclose(found.x, [[1, 1], [2, 4], [-1, 1]], rtol=1e-9)


def test_bounds():
    found = sg.newton_minimize(ROSENBROCK, [x, y], bounds=[(None, 0.5), (None, None)])([-1.2, 1.0])
    assert found.converged
    np.testing.assert_allclose(found.x, [0.5, 0.25], rtol=1e-9)
    assert sg.newton_minimize((x - 3) ** 2, x, bounds=(0, 2))(1.0).x == 2.0


@pytest.mark.parametrize(
    ("f", "unknowns", "is_diagonal"),
    [
        (sg.sum(sg.exp(v) - 2 * v), v, True),
        (sg.sum(sg.exp(v)) + sg.sum(v) ** 2, v, False),
        (x**4 + sg.exp(y) - y, [x, y], True),
        (x**4 + sg.exp(y * x), [x, y], False),
        (sg.sum((v - 1) ** 2), v, True),
    ],
)
def test_a_diagonal_hessian_is_seen(f, unknowns, is_diagonal):
    solver = sg.newton_minimize(f, unknowns)
    assert ("diagonal" in solver.explain()) == is_diagonal


def test_a_large_diagonal_hessian_is_no_matrix():
    w = sg.vector("w", "n")
    solver = sg.newton_minimize(sg.sum(sg.exp(v) - w * v), v, w)
    target = np.linspace(1.0, 5.0, 100_000)
    found = solver(np.zeros(100_000), target)
    np.testing.assert_allclose(found.x, np.log(target), atol=1e-10)
    assert found.converged


def test_only_scalars_are_minimized():
    with pytest.raises(ShapeError, match="one scalar"):
        sg.newton_minimize(v, v)
