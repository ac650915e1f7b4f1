"""The 27 nonlinear regression sets of NIST StRD: formulas at the certified values, and fits."""

import numpy as np
import pytest
from tests.solve.nist import NAMES, load

import symgrad as sg

every_set = pytest.mark.parametrize("name", NAMES)
# Residuals of 1e-13 beside data of 1: floats hold two or three digits of them
TINY_RESIDUALS = {"Lanczos1": 2e-2, "Lanczos2": 1e-7}
# With its data rounded to floats, exact arithmetic gives its deviations to 3.4 digits
DEVIATION_DIGITS = {"Lanczos1": 3}


def digits(actual, expected):
    """To how many significant digits two arrays agree in every entry (NIST's LRE)."""
    error = np.max(np.abs(np.asarray(actual) - expected) / np.abs(expected))
    return -np.log10(max(error, 1e-16)) if np.isfinite(error) else -np.inf


def at(fit, values):
    """Residuals and Jacobian at parameter values."""
    jacobian = sg.jacobian(fit.residuals, fit.parameters)
    residuals, columns = sg.lambdify(fit.parameters, [fit.residuals, jacobian])(*values)
    return residuals, np.stack(columns, axis=-1)


def test_there_are_27():
    assert len(NAMES) == 27


def newton_step(residuals, jacobian):
    """The step of Gauss and Newton, with columns of seven orders of magnitude made alike."""
    scale = np.linalg.norm(jacobian, axis=0)
    return np.linalg.lstsq(jacobian / scale, -residuals, rcond=None)[0] / scale


@every_set
def test_the_gradient_vanishes_at_the_certified_values(name):
    """One Gauss-Newton step changes no certified digit, but the last."""
    fit = load(name)
    assert digits(fit.certified + newton_step(*at(fit, fit.certified)), fit.certified) > 8


@every_set
def test_sum_of_squares_and_deviations(name):
    fit = load(name)
    best = fit.certified + newton_step(*at(fit, fit.certified))  # the digits beyond the eleventh
    residuals, jacobian = at(fit, best)
    assert residuals.shape[0] - len(fit.parameters) == fit.dof
    rel = TINY_RESIDUALS.get(name, 1e-8)
    rss = residuals @ residuals
    assert rss == pytest.approx(fit.rss, rel=rel, abs=0)
    assert np.sqrt(rss / fit.dof) == pytest.approx(fit.residual_sd, rel=rel, abs=0)
    scale = np.linalg.norm(jacobian, axis=0)
    _, triangle = np.linalg.qr(jacobian / scale)
    rows = np.linalg.norm(np.linalg.inv(triangle), axis=1)
    assert digits(fit.residual_sd * rows / scale, fit.deviations) > 5


@every_set
@pytest.mark.parametrize("start", [0, 1], ids=["far", "near"])
def test_least_squares(name, start):
    fit = load(name)
    solution = sg.least_squares(fit.residuals, fit.parameters)(fit.starts[start])
    assert solution.converged
    assert digits(solution.x, fit.certified) > 6
    wanted = DEVIATION_DIGITS.get(name, 4)
    assert digits(np.sqrt(np.diag(solution.covariance)), fit.deviations) > wanted
    assert digits(solution.stderr, fit.deviations) > wanted
    assert digits(solution.residual_std, fit.residual_sd) > wanted
