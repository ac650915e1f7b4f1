"""Bounds: formulas of parameters, of each problem of a batch, and with sparse factors."""

import pickle

import numpy as np
import pytest
import scipy.optimize

import symgrad as sg

x, y, a, low, high = sg.symbols("x y a low high")
v, w = sg.vector("v", 3), sg.vector("w", "n")


def test_each_problem_of_a_batch_has_its_own_bounds():
    solver = sg.newton_root(sg.sin(x), x, [low, high], bounds=(low, high))
    ends = np.array([[-1.0, 1.0], [3.0, 4.0], [6.0, 7.0], [9.0, 12.0]]).T
    found = solver(0.0, *ends)
    assert found.converged.all()
    np.testing.assert_allclose(found.x, np.pi * np.arange(4), atol=1e-12)
    empty = solver(0.0, [1.0, 3.0], [2.0, 4.0])  # sin has no root from 1 to 2
    assert empty.converged.tolist() == [False, True] and 1.0 <= empty.x[0] <= 2.0
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(solver))(0.0, *ends).x, found.x)


@pytest.mark.parametrize("method", ["newton", "cg", "sparse"])
def test_minima_move_with_their_bounds(method):
    f = (x - a) ** 2 + y**2 + x * y
    bounds = [(low, None), (None, 0.5 * low)]
    solver = sg.newton_minimize(f, [x, y], [a, low], bounds=bounds, method=method)
    lows = np.array([0.0, 5.0, -20.0])
    found = solver([0.0, 0.0], 3.0, lows)
    assert found.converged.all()
    np.testing.assert_allclose(found.x, [[4.0, -2.0], [5.0, -2.5], [8.0, -10.0]], rtol=1e-9)
    h = 1e-5
    moved = [solver([0.0, 0.0], 3.0, lows + side).x for side in (h, -h)]
    slopes = (moved[0] - moved[1]) / (2 * h)
    np.testing.assert_allclose(found.sensitivity(low), slopes, atol=1e-7)
    np.testing.assert_allclose(slopes, [[0.0, 0.0], [1.0, -0.5], [-0.25, 0.5]], atol=1e-7)


def test_bounds_of_arrays_fits_and_constraints():
    fit = sg.least_squares(v - np.array([1.0, 2.0, 3.0]), v, a, bounds=(None, a))
    np.testing.assert_allclose(
        fit(np.zeros(3), [1.5, 2.5]).x, [[1.0, 1.5, 1.5], [1.0, 2.0, 2.5]], rtol=1e-12
    )
    tops = sg.vector("top", "n")
    fit = sg.least_squares(w - a, w, [a, tops], bounds=(None, tops))
    np.testing.assert_allclose(fit(np.zeros(3), 2.0, [1.0, 3.0, 0.5]).x, [1.0, 2.0, 0.5])
    held = sg.newton_minimize(
        (x - a) ** 2 + y**2, [x, y], [a, low], equal=x + y - 1, bounds=[(low, None), (None, None)]
    )
    found = held([0.0, 0.0], -3.0, [0.0, 0.5])
    assert found.converged.all()
    np.testing.assert_allclose(found.x, [[0.0, 1.0], [0.5, 0.5]], atol=1e-12)
    np.testing.assert_allclose(found.sensitivity(low), [[1.0, -1.0], [1.0, -1.0]], atol=1e-9)


def test_bounds_that_are_none():
    solver = sg.newton_root(x - a, x, [a, low], bounds=(low, 2))
    with pytest.raises(sg.ArgumentError, match="lower bound is above its upper bound: 3 and 2"):
        solver(1.0, 1.0, 3.0)
    with pytest.raises(sg.ArgumentError, match="of problem 1: 3 and 2"):
        solver(1.0, 1.0, [1.0, 3.0])
    found = solver(1.0, 1.0, [np.nan, 0.0])
    assert found.status.tolist() == [sg.Status.NON_FINITE, sg.Status.CONVERGED]
    for bounds, match in (
        ((x, 2), "mentions x: bounds are formulas of parameters"),
        ((low, 2), "mention low: neither an unknown nor among params"),
    ):
        with pytest.raises(sg.ArgumentError, match=match):
            sg.newton_root(x - a, x, a, bounds=bounds)
    with pytest.raises(
        sg.ShapeError, match="for a bound of each problem of a batch make it a param"
    ):
        sg.newton_root(x - a, x, a, bounds=([1.0, 2.0], 3.0))
    with pytest.raises(sg.ShapeError, match="bound of x has shape"):
        sg.newton_root(x - a, x, [a, v], bounds=(v, None))


def test_a_sparse_minimum_within_bounds_is_that_of_scipy():
    n = 60
    u = sg.vector("u", n)
    f = sg.sum(100 * (u[1:] - u[:-1] ** 2) ** 2 + (1 - u[:-1]) ** 2)
    lows = np.random.default_rng(0).uniform(-0.3, 0.3, n)
    found = sg.newton_minimize(f, u, bounds=(lows, lows + 0.4), method="sparse")(np.full(n, 0.1))
    assert found.converged
    p = sg.scipy_problem(f, u)
    options = {"maxfun": 10**6, "ftol": 1e-15, "gtol": 1e-10}
    box = list(zip(lows, lows + 0.4, strict=True))
    known = scipy.optimize.minimize(
        p.fun, np.full(n, 0.1), jac=p.jac, method="L-BFGS-B", bounds=box, options=options
    )
    assert found.value <= known.fun * (1 + 1e-12)
    np.testing.assert_allclose(found.x, known.x, atol=1e-6)


@pytest.mark.parametrize("bounds", [(0, 10), (-1, 0.15), (0.02, 1), (-1, 0.05), (0.2, 2)])
def test_sparse_roots_within_bounds(bounds):
    n = 30
    u = sg.vector("u", n)
    padded = sg.concatenate([sg.zeros(1), u, sg.zeros(1)])
    F = padded[:-2] - 2 * u + padded[2:] + sg.exp(u) / (n + 1) ** 2
    found = sg.newton_root(F, u, bounds=bounds, method="sparse")(np.full(n, 0.04))
    free = sg.newton_root(F, u, method="sparse")(np.zeros(n)).x  # the lower of two solutions
    assert bounds[0] <= found.x.min() and found.x.max() <= bounds[1]
    assert found.converged == bool(bounds[0] <= free.min() and free.max() <= bounds[1])
    if found.converged:
        np.testing.assert_allclose(found.x, free, rtol=1e-8)


def test_a_sparse_fit_within_bounds_is_the_dense_one():
    n = 40
    u = sg.vector("u", n)
    rng = np.random.default_rng(0)
    lows = rng.uniform(-0.5, 0.0, n)
    r = [u - rng.normal(size=n), 10 * (u[1:] - u[:-1] ** 2), sg.sin(u[2:] - u[:-2])]
    found = [
        sg.least_squares(r, u, bounds=(lows, lows + 1), method=method)(np.zeros(n))
        for method in ("sparse", "dense")
    ]
    assert found[0].converged and found[0].curvature == "positive definite"
    np.testing.assert_allclose(found[0].x, found[1].x, atol=1e-9)
    assert ((found[0].x == lows) | (found[0].x == lows + 1)).any()
