"""Probabilities of intervals keep their digits in both tails."""

import warnings

import mpmath as mp
import numpy as np
import pytest

import symgrad as sg
from symgrad.ops.special import erfc, expit, ndtr

a, b, c = sg.symbols("a b c")
INTERVALS = [(1, 2), (-2, -1), (5, 6), (9, 9.5), (-9, -8), (20, 21), (-21, -20), (-1, 1), (-1, 5)]
DIFFERENCES = {
    "ndtr": (c * ndtr(b) - c * ndtr(a), lambda u, v: mp.ncdf(v) - mp.ncdf(u)),
    "erfc": (erfc(a) - erfc(b), lambda u, v: mp.erfc(u) - mp.erfc(v)),
    "expit": (
        1 + expit(b) - expit(a) - 1,
        lambda u, v: 1 / (1 + mp.exp(-v)) - 1 / (1 + mp.exp(-u)),
    ),
    "log": (sg.log(ndtr(b) - ndtr(a)), lambda u, v: mp.log(mp.ncdf(v) - mp.ncdf(u))),
}


@pytest.mark.parametrize("interval", INTERVALS, ids=str)
@pytest.mark.parametrize("name", DIFFERENCES)
def test_differences_of_distribution_functions(name, interval):
    formula, oracle = DIFFERENCES[name]
    with mp.workdps(300):
        truth = oracle(*map(mp.mpf, interval))
    value = sg.lambdify([a, b, c], formula)(*map(float, interval), 1.0)
    assert abs(value - truth) <= 2e-13 * abs(truth)


def test_infinite_ends_are_quiet():
    f = sg.lambdify([a, b], ndtr(b) - ndtr(a))
    with warnings.catch_warnings(action="error"):
        assert f(-np.inf, np.inf) == 1
        assert f(1.0, np.inf) == ndtr_of(-1.0)
        assert f(-np.inf, -1.0) == ndtr_of(-1.0)


def ndtr_of(x):
    return sg.evaluate(ndtr(a), {a: x})


def test_derivative_of_a_log_likelihood_of_a_truncated_normal():
    slope = sg.lambdify([a, b], sg.diff(-sg.log(ndtr(b) - ndtr(a)), a))
    with mp.workdps(60):
        truth = mp.npdf(9) / (mp.ncdf(-9) - mp.ncdf(-10))
    assert abs(slope(9.0, 10.0) - truth) <= 1e-13 * truth
