"""``X.T @ diag(d) @ X`` as a symmetric product, where `d` is known not to be negative."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.ranges import is_nonnegative

X, v, w = sg.matrix("X", ("n", "d")), sg.vector("v", "n"), sg.vector("w", "d")
p = sg.vector("p", "n", positive=True)


@pytest.mark.parametrize(
    ("weights", "known"),
    [
        (sg.exp(v), True),
        (v**2 * sg.special.expit(v), True),
        (p * sg.abs(v) + 2, True),
        (sg.where(v > 0, p, 1), True),
        (v, False),
        (sg.exp(v) - 1, False),
        (v**3, False),
    ],
)
def test_signs_and_values(weights, known):
    assert is_nonnegative(weights) is known
    f = sg.lambdify([X, v, p], sg.einsum("ki,k,kj->ij", X, weights, X))
    assert ("np.sqrt(" in f.source) is known
    rng = np.random.default_rng(8)
    a, b, c = rng.normal(size=(6, 3)), rng.normal(size=6), rng.uniform(0.1, 1, 6)
    d = sg.evaluate(weights, {v: b, p: c})
    np.testing.assert_allclose(f(a, b, c), a.T @ np.diag(d) @ a, rtol=1e-12, atol=1e-13)


def test_the_hessian_of_logistic_regression_is_a_symmetric_product():
    f = sg.sum(sg.logaddexp(0, -v * (X @ w)))
    h = sg.lambdify([w, X, v], sg.hessian(f, w))
    assert "t0.T @ t0" in h.source or ".T @ t" in h.source
    rng = np.random.default_rng(9)
    a, b, y = rng.normal(size=(6, 3)), rng.normal(size=3), rng.choice([-1.0, 1.0], 6)
    q = 1 / (1 + np.exp(-y * (a @ b)))
    result = h(b, a, y)
    np.testing.assert_allclose(result, a.T @ np.diag(q * (1 - q)) @ a, rtol=1e-12)
    assert np.array_equal(result, result.T)


def test_long_formulas_are_known_whole():
    e = sg.exp(v)
    for k in range(100):
        e = sg.exp(v * k) + e * 2
    assert is_nonnegative(e)
    assert not is_nonnegative(e - sg.exp(v * 101))
