"""Least squares: parameters, covariance and deviation against SciPy."""

import numpy as np
import pytest
import scipy.optimize

import symgrad as sg
from symgrad.errors import ConvergenceError

a, k, c = sg.symbols("a k c")
t, y = sg.vector("t", "n"), sg.vector("y", "n")
MODEL = a * sg.exp(-k * t) + c


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    time = np.linspace(0.0, 4.0, 40)
    return time, 2.5 * np.exp(-1.3 * time) + 0.5 + 0.02 * rng.normal(size=40)


def test_against_curve_fit(data):
    fit = sg.least_squares(MODEL - y, [a, k, c], [t, y])([1.0, 1.0, 0.0], *data)
    best, cov = scipy.optimize.curve_fit(
        lambda t, a, k, c: a * np.exp(-k * t) + c, *data, p0=[1.0, 1.0, 0.0], ftol=1e-14, xtol=1e-14
    )
    assert fit.converged and fit.dof == 37
    np.testing.assert_allclose(fit.x, best, rtol=1e-6)
    np.testing.assert_allclose(fit.covariance, cov, rtol=1e-4)
    np.testing.assert_allclose(fit.stderr, np.sqrt(np.diag(cov)), rtol=1e-4)
    residuals = best[0] * np.exp(-best[1] * data[0]) + best[2] - data[1]
    assert fit.residual == pytest.approx(np.linalg.norm(residuals), rel=1e-9)
    assert fit.residual_std == pytest.approx(np.sqrt(residuals @ residuals / 37), rel=1e-9)


def test_linear_least_squares_takes_one_step():
    A, b, z = sg.matrix("A", ("m", "n")), sg.vector("b", "m"), sg.vector("z", "n")
    rng = np.random.default_rng(4)
    matrix, right = rng.normal(size=(30, 4)), rng.normal(size=30)
    fit = sg.least_squares(A @ z - b, z, [A, b])(np.zeros(4), matrix, right)
    expected = np.linalg.lstsq(matrix, right, rcond=None)[0]
    np.testing.assert_allclose(fit.x, expected, rtol=1e-9)
    s2 = np.sum((matrix @ expected - right) ** 2) / 26
    np.testing.assert_allclose(fit.covariance, s2 * np.linalg.inv(matrix.T @ matrix), rtol=1e-9)


def test_a_batch_of_fits(data):
    time, values = data
    solver = sg.least_squares(MODEL - y, [a, k, c], [t, y])
    many = solver([1.0, 1.0, 0.0], time, np.stack([values, 2 * values, values[::-1]]))
    one = solver([1.0, 1.0, 0.0], time, values)
    assert many.x.shape == (3, 3) and many.covariance.shape == (3, 3, 3)
    np.testing.assert_allclose(many.x[0], one.x, rtol=1e-8)
    np.testing.assert_allclose(many.x[1], one.x * [2, 1, 2], rtol=1e-7)
    np.testing.assert_allclose(many.stderr[0], one.stderr, rtol=1e-6)


def test_bounds(data):
    fit = sg.least_squares(MODEL - y, [a, k, c], [t, y], bounds=[(0, 2), (None, None), (0, 1)])
    found = fit([1.0, 1.0, 0.5], *data)
    other = scipy.optimize.least_squares(
        lambda p: p[0] * np.exp(-p[1] * data[0]) + p[2] - data[1],
        [1.0, 1.0, 0.5],
        bounds=([0, -np.inf, 0], [2, np.inf, 1]),
        ftol=1e-14,
        xtol=1e-14,
        gtol=1e-14,
    )
    assert found.converged and found.x[0] == 2.0
    np.testing.assert_allclose(found.x, other.x, rtol=1e-5)


def test_parameters_that_the_data_cannot_tell_apart(data):
    fit = sg.least_squares(a * k * t - y, [a, k], [t, y])([1.0, 1.0], *data)
    assert np.isinf(fit.covariance).all()
    slope = (data[0] @ data[1]) / (data[0] @ data[0])
    assert fit.x[0] * fit.x[1] == pytest.approx(slope, rel=1e-9)


def test_an_iteration_limit_is_reported(data):
    solver = sg.least_squares(MODEL - y, [a, k, c], [t, y])
    assert solver([1.0, 1.0, 0.0], *data, maxiter=1).status is sg.Status.ITERATION_LIMIT
    with pytest.raises(ConvergenceError, match="iteration limit"):
        solver([1.0, 1.0, 0.0], *data, maxiter=1, raise_on_failure=True)


def test_a_start_at_a_pole_is_said_to_be_undefined():
    found = sg.least_squares(sg.stack([1 / k - 2.0, k]), [k])([0.0])
    assert found.status is sg.Status.NON_FINITE and not found.converged
