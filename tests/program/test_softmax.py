"""Softmax and logsumexp by the same exponentials."""

import numpy as np
import pytest
import scipy.special

import symgrad as sg

A, v = sg.matrix("A", ("m", "n")), sg.vector("v", "n")


@pytest.mark.parametrize("axis", [0, 1, -1, None, (0, 1)])
def test_one_exponential_for_both(axis):
    f = sg.lambdify(A, [sg.softmax(A, axis=axis), sg.logsumexp(A, axis=axis)])
    assert f.source.count("np.exp(") == 1
    a = np.random.default_rng(4).normal(size=(3, 4)) * 300
    soft, total = f(a)
    np.testing.assert_allclose(soft, scipy.special.softmax(a, axis=axis), rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(total, scipy.special.logsumexp(a, axis=axis), rtol=1e-14)


def test_entries_without_a_finite_largest():
    f = sg.lambdify(A, [sg.softmax(A, axis=1), sg.logsumexp(A, axis=1)])
    with np.errstate(invalid="ignore"):
        soft, total = f(np.array([[-np.inf, 0.0], [-np.inf, -np.inf], [np.inf, 0.0]]))
    assert np.array_equal(soft[0], [0.0, 1.0]) and np.all(np.isnan(soft[1]))
    assert np.array_equal(total, [0.0, -np.inf, np.inf])


def test_types_stay():
    x = sg.matrix("x", ("m", "n"), dtype=np.float32)
    f = sg.lambdify(x, [sg.softmax(x, axis=0), sg.logsumexp(x, axis=0)])
    assert [r.dtype for r in f(np.ones((2, 3), np.float32))] == [np.float32, np.float32]


def test_value_and_gradient_of_a_classifier():
    y = sg.matrix("Y", ("m", "n"))
    loss = sg.sum(sg.logsumexp(A, axis=1) - sg.sum(y * A, axis=1)) / 2000
    f = sg.lambdify([A, y], [loss, sg.grad(loss, A)])
    assert f.source.count("np.exp(") == 1 and "_logsumexp" not in f.source
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(5, 3)), np.eye(3)[rng.integers(0, 3, 5)]
    expected = (scipy.special.softmax(a, axis=1) - b) / 2000
    np.testing.assert_allclose(f(a, b)[1], expected, rtol=1e-13)
