"""The problems of More, Garbow and Hillstrom: their constants, and Newton's method on them."""

import numpy as np
import pytest
import scipy.optimize
from tests.solve.mgh import PROBLEMS

import symgrad as sg

every_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
known_point = pytest.mark.parametrize(
    "problem", [p for p in PROBLEMS if p.minimiser is not None], ids=lambda p: p.name
)


def at_known_minimum(problem, value):
    """To the six digits of the paper; zero is what a sum of squares of rounding errors is."""
    return any(
        value < 1e-10 if best == 0 else abs(value / best - 1) < 1e-5 for best in problem.minima
    )


def test_there_are_35():
    assert len({p.name for p in PROBLEMS}) == 35


@every_problem
def test_dimensions(problem):
    x, residuals = problem.formula()
    assert len(problem.start) == problem.n
    assert residuals.shape == (problem.m,)
    values = sg.lambdify(x, residuals)(np.array(problem.start, float))
    assert np.isfinite(values).all()


@known_point
def test_value_and_gradient_at_known_minimisers(problem):
    x, residuals = problem.formula()
    f = sg.sum(residuals**2)
    value, slope = sg.lambdify(x, [f, sg.grad(f, x)])(np.array(problem.minimiser, float))
    best = problem.minima[0]
    assert value == pytest.approx(best, rel=1e-12, abs=1e-20)
    assert np.abs(slope).max() < 1e-6 * (1 + best)


@every_problem
def test_known_minimum_by_another_solver(problem):
    """MINPACK on the same residuals: the constants are those of the paper."""
    x, residuals = problem.formula()
    p = sg.scipy_problem(residuals, x)
    start = np.array(problem.start, float)
    options = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "max_nfev": 20000}
    with np.errstate(over="ignore", invalid="ignore"):  # at trial points far away
        for _ in range(5):  # MINPACK may stop early, by rounding; it goes on from there
            found = scipy.optimize.least_squares(
                p.fun, start, jac=p.jac, method="lm", x_scale="jac", **options
            )
            start = found.x
            if at_known_minimum(problem, 2 * found.cost):
                break
    assert at_known_minimum(problem, 2 * found.cost), 2 * found.cost


@every_problem
def test_newton_minimize_from_the_standard_start(problem):
    x, residuals = problem.formula()
    solution = sg.newton_minimize(sg.sum(residuals**2), x)(start_of(problem), maxiter=1000)
    assert solution.converged
    assert at_known_minimum(problem, value_at(solution, x, residuals))


@every_problem
def test_least_squares_from_the_standard_start(problem):
    x, residuals = problem.formula()
    solution = sg.least_squares(residuals, x)(start_of(problem), maxiter=1000)
    assert solution.converged
    assert at_known_minimum(problem, value_at(solution, x, residuals))


def start_of(problem):
    return np.array(problem.start, float)


def value_at(solution, x, residuals):
    return np.sum(sg.evaluate(residuals, {x: solution.x}) ** 2)
