"""Formulas as people write them keep their accuracy at the edges, with their derivatives.

Reference values come from mpmath at high precision, derivatives from its Taylor series; each formula
runs on floats and on arrays, and a NumPy warning is an error.
"""

import math

import mpmath as mp
import numpy as np
import pytest

import symgrad as sg

x, a = sg.symbols("x a")
E, L = sg.exp, sg.log


def reference(f, point, order):
    """The derivative of `f` at a float, as exactly as a float can say."""
    with mp.workdps(60 if abs(point) < 50 else 1200):
        t = mp.mpf(point)
        if order == 0:
            return float(f(t))
        if abs(point) < 50:
            return float(mp.taylor(f, t, order)[order] * mp.factorial(order))
        return float(mp.diff(f, t, order, h=mp.mpf(10) ** -200))


def values(e, point):
    return [sg.evaluate(e, {x: point}), *sg.evaluate(e, {x: np.array([point, point])})]


def softplus(t):
    return mp.log1p(mp.exp(t))


# name: (formula, reference, order to which all is accurate)
LARGE = {
    "log(1 + exp(x))": (L(1 + E(x)), softplus, 4),
    "log(exp(x) + 1)": (L(E(x) + 1), softplus, 4),
    "log1p(exp(x))": (sg.log1p(E(x)), softplus, 4),
    "softplus(x)": (sg.softplus(x), softplus, 4),
    "logaddexp(x, 0)": (sg.logaddexp(x, 0), softplus, 4),
    "log(1 + exp(-x))": (L(1 + E(-x)), lambda t: softplus(-t), 4),
    "x + log(1 + exp(-x))": (x + L(1 + E(-x)), softplus, 4),
    "log(1 + exp(x)) - x": (L(1 + E(x)) - x, lambda t: softplus(-t), 4),
    "1/(1 + exp(-x))": (1 / (1 + E(-x)), lambda t: 1 / (1 + mp.exp(-t)), 4),
    "exp(x)/(1 + exp(x))": (E(x) / (1 + E(x)), lambda t: 1 / (1 + mp.exp(-t)), 4),
    "1 - 1/(1 + exp(-x))": (1 - 1 / (1 + E(-x)), lambda t: 1 / (1 + mp.exp(t)), 4),
    "1 - sigmoid(x)": (1 - sg.sigmoid(x), lambda t: 1 / (1 + mp.exp(t)), 4),
    "sigmoid(x)": (sg.sigmoid(x), lambda t: 1 / (1 + mp.exp(-t)), 4),
    "log(1/(1 + exp(-x)))": (L(1 / (1 + E(-x))), lambda t: -softplus(-t), 4),
    "log(exp(x)/(1 + exp(x)))": (L(E(x) / (1 + E(x))), lambda t: -softplus(-t), 4),
    "log(sigmoid(x))": (L(sg.sigmoid(x)), lambda t: -softplus(-t), 4),
    "-log(1 - sigmoid(x))": (-L(1 - sg.sigmoid(x)), softplus, 4),
    "log1p(-sigmoid(x))": (sg.log1p(-sg.sigmoid(x)), lambda t: -softplus(t), 4),
    "-log(1 - 1/(1 + exp(-x)))": (-L(1 - 1 / (1 + E(-x))), softplus, 4),
    "-log(1 - exp(x)/(1 + exp(x)))": (-L(1 - E(x) / (1 + E(x))), softplus, 4),
    "sigmoid*(1 - sigmoid)": (
        sg.sigmoid(x) * (1 - sg.sigmoid(x)),
        lambda t: 1 / (2 + mp.exp(t) + mp.exp(-t)),
        4,
    ),
    "cross entropy": (
        -(0.25 * L(sg.sigmoid(x)) + 0.75 * L(1 - sg.sigmoid(x))),
        lambda t: (softplus(-t) + 3 * softplus(t)) / 4,
        2,
    ),
    "log(exp(x) + exp(2*x))": (L(E(x) + E(2 * x)), lambda t: t + softplus(t), 1),
    "log(2 + 3*exp(x))": (L(2 + 3 * E(x)), lambda t: mp.log(2 + 3 * mp.exp(t)), 2),
    "log((1 + exp(x))/2)": (L((1 + E(x)) / 2), lambda t: softplus(t) - mp.log(2), 4),
    "log((1 + exp(x))**3)": (L((1 + E(x)) ** 3), lambda t: 3 * softplus(t), 4),
    "log(sqrt(1 + exp(x)))": (L(sg.sqrt(1 + E(x))), lambda t: softplus(t) / 2, 4),
    "log(1 + exp(x))**2": (L(1 + E(x)) ** 2, lambda t: softplus(t) ** 2, 2),
    "log(cosh(x))": (L(sg.cosh(x)), lambda t: mp.log(mp.cosh(t)), 1),
    "log(exp(x) + exp(-x))": (L(E(x) + E(-x)), lambda t: mp.log(2 * mp.cosh(t)), 1),
    "log((exp(x) + exp(-x))/2)": (L((E(x) + E(-x)) / 2), lambda t: mp.log(mp.cosh(t)), 1),
    "tanh by exp(x), exp(-x)": ((E(x) - E(-x)) / (E(x) + E(-x)), mp.tanh, 0),
    "tanh by exp(2*x)": ((E(2 * x) - 1) / (E(2 * x) + 1), mp.tanh, 3),
    "tanh by exp(-2*x)": ((1 - E(-2 * x)) / (1 + E(-2 * x)), mp.tanh, 3),
    "x*sigmoid(x)": (x * sg.sigmoid(x), lambda t: t / (1 + mp.exp(-t)), 3),
    "x/(1 + exp(-x))": (x / (1 + E(-x)), lambda t: t / (1 + mp.exp(-t)), 3),
    "x*tanh(log(1 + exp(x)))": (
        x * sg.tanh(L(1 + E(x))),
        lambda t: t * mp.tanh(softplus(t)),
        1,
    ),
    "1/(1 + exp(x))**2": (1 / (1 + E(x)) ** 2, lambda t: 1 / (1 + mp.exp(t)) ** 2, 4),
    "exp(x)/(1 + exp(x))**2": (
        E(x) / (1 + E(x)) ** 2,
        lambda t: 1 / (2 + mp.exp(t) + mp.exp(-t)),
        4,
    ),
    "exp(x)/(exp(x) + exp(2))": (E(x) / (E(x) + E(2)), lambda t: 1 / (1 + mp.exp(2 - t)), 2),
    "exp(x)/(exp(x) + exp(-x))": (E(x) / (E(x) + E(-x)), lambda t: 1 / (1 + mp.exp(-2 * t)), 0),
    "log(1 + exp(x**2))": (L(1 + E(x**2)), lambda t: softplus(t**2), 2),
}


@pytest.mark.parametrize("orders", [2, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", LARGE)
def test_large_arguments(name, orders):
    e, f, accurate = LARGE[name]
    for order in range(min(orders, accurate + 1)):
        for point in (-1000.0, -745.0, -30.0, -1.0, 0.25, 1.0, 30.0, 745.0, 1000.0):
            expected = reference(f, point, order)
            # a sum of terms of the size of 1 cannot do better than this
            scale = max(abs(expected), 1e-15 * max(1.0, abs(point)))
            for got in values(e, point):
                assert got == pytest.approx(expected, rel=1e-9, abs=1e-1 * scale), (order, point)
        e = sg.diff(e, x)


# formulas that cancel near 0: accurate to the last digits
SMALL = {
    "log(1 + x)": (L(1 + x), mp.log1p),
    "log(x + 1)/x": (L(x + 1) / x, lambda t: mp.log1p(t) / t),
    "log(1 - x)": (L(1 - x), lambda t: mp.log1p(-t)),
    "log(1 + x**2)": (L(1 + x**2), lambda t: mp.log1p(t**2)),
    "log(1 + sin(x))": (L(1 + sg.sin(x)), lambda t: mp.log1p(mp.sin(t))),
    "log((1 + x)/(1 - x))": (L((1 + x) / (1 - x)), lambda t: mp.log1p(t) - mp.log1p(-t)),
    "log(exp(x))": (L(E(x)), lambda t: t),
    "(exp(x) - 1)/x": ((E(x) - 1) / x, lambda t: mp.expm1(t) / t),
    "((exp(x) - 1)/x)**2": (((E(x) - 1) / x) ** 2, lambda t: (mp.expm1(t) / t) ** 2),
    "1 - exp(-x)": (1 - E(-x), lambda t: -mp.expm1(-t)),
    "2*exp(x) - 2": (2 * E(x) - 2, lambda t: 2 * mp.expm1(t)),
    "exp(2*x) - 1": (E(2 * x) - 1, lambda t: mp.expm1(2 * t)),
    "1 - exp(-x**2)": (1 - E(-(x**2)), lambda t: -mp.expm1(-(t**2))),
    "2**x - 1": (2**x - 1, lambda t: mp.expm1(t * mp.log(2))),
    "exp2(x) - 1": (sg.exp2(x) - 1, lambda t: mp.expm1(t * mp.log(2))),
    "(exp(x) - exp(-x))/2": ((E(x) - E(-x)) / 2, mp.sinh),
    "1 - cos(x)": (1 - sg.cos(x), lambda t: 2 * mp.sin(t / 2) ** 2),
    "(1 - cos(x))/x**2": ((1 - sg.cos(x)) / x**2, lambda t: 2 * (mp.sin(t / 2) / t) ** 2),
    "cosh(x) - 1": (sg.cosh(x) - 1, lambda t: 2 * mp.sinh(t / 2) ** 2),
    "sqrt(1 + x) - 1": (sg.sqrt(1 + x) - 1, lambda t: t / (mp.sqrt(1 + t) + 1)),
    "3*(sqrt(4 + x**2) - 2)": (
        3 * (sg.sqrt(4 + x**2) - 2),
        lambda t: 3 * t**2 / (mp.sqrt(4 + t**2) + 2),
    ),
    "1/2 - sigmoid(x)": (0.5 - sg.sigmoid(x), lambda t: -mp.tanh(t / 2) / 2),
    "2*sigmoid(x) - 1": (2 * sg.sigmoid(x) - 1, lambda t: mp.tanh(t / 2)),
    "log(1 - exp(-x**2))": (L(1 - E(-(x**2))), lambda t: mp.log(-mp.expm1(-(t**2)))),
    "log(exp(x**2) - 1)": (L(E(x**2) - 1), lambda t: mp.log(mp.expm1(t**2))),
}


@pytest.mark.parametrize("name", SMALL)
def test_small_arguments(name):
    e, f = SMALL[name]
    for point in (1e-18, 1e-12, -1e-12, 1e-8, 1e-5, -1e-3, 0.3, -0.7):
        with mp.workdps(60):
            expected = float(f(mp.mpf(point)))
        for got in values(e, point):
            assert got == pytest.approx(expected, rel=4e-15), point


def test_the_named_edges():
    """The values that the documentation promises."""
    slope = sg.diff(L(1 + E(x)), x)
    assert sg.evaluate(slope, {x: 1000.0}) == 1.0
    assert sg.evaluate(slope, {x: -1000.0}) == 0.0
    assert sg.evaluate(L(1 + x), {x: 1e-18}) == 1e-18
    assert sg.evaluate((E(x) - 1) / x, {x: 1e-12}) == pytest.approx(1 + 5e-13, rel=1e-15)
    for order in (2, 3, 4):
        for point in (1000.0, -1000.0):
            curved = values(sg.diff(L(1 + E(x)), x, order), point)
            assert curved == pytest.approx([0.0] * 3, abs=1e-300)


def test_losses_in_two_variables():
    labels = {a: 0.3}
    loss = -(a * L(sg.sigmoid(x)) + (1 - a) * L(1 - sg.sigmoid(x)))
    by_hand = L(1 + E(x)) - a * x
    for point in (-1000.0, -3.0, 0.0, 2.0, 1000.0):
        for order in range(3):
            ours, theirs = (
                sg.evaluate(sg.diff(f, x, order), {x: point, **labels}) for f in (loss, by_hand)
            )
            assert math.isfinite(ours)
            assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-15)


# Vectors

u = sg.vector("u", "n")
BIG = np.array([1000.0, -1000.0, 999.0, 3.0])


def softmax(z):
    w = np.exp(z - z.max())
    return w / w.sum()


TOTALS = {
    "log(sum(exp(u)))": L(sg.sum(E(u))),
    "logsumexp(u)": sg.logsumexp(u),
    "log(mean(exp(u)))": L(sg.mean(E(u))) + L(sg.size(u)),
    "log(2*sum(exp(u)))": L(2 * sg.sum(E(u))) - L(2),
    "-log(1/sum(exp(u)))": -L(1 / sg.sum(E(u))),
    "shifted by hand": sg.max(u) + L(sg.sum(E(u - sg.max(u)))),
}


@pytest.mark.parametrize("name", TOTALS)
def test_logsumexp_to_second_order(name):
    e = TOTALS[name]
    p = softmax(BIG)
    assert sg.evaluate(e, {u: BIG}) == pytest.approx(1000 + math.log1p(math.exp(-1.0)), rel=1e-15)
    gradient = sg.grad(e, u)
    np.testing.assert_allclose(sg.evaluate(gradient, {u: BIG}), p, rtol=1e-12)
    curvature = sg.evaluate(sg.hessian(e, u), {u: BIG})
    np.testing.assert_allclose(curvature, np.diag(p) - np.outer(p, p), atol=1e-12)


SOFTMAXES = {
    "exp(u)/sum(exp(u))": E(u) / sg.sum(E(u)),
    "softmax(u)": sg.softmax(u),
    "exp(u - logsumexp(u))": E(u - sg.logsumexp(u)),
    "exp(u)*sum(exp(u))**-1": sg.sum(E(u)) ** -1 * E(u),
}


@pytest.mark.parametrize("name", SOFTMAXES)
def test_softmax_and_its_jacobian(name):
    e = SOFTMAXES[name]
    p = softmax(BIG)
    np.testing.assert_allclose(sg.evaluate(e, {u: BIG}), p, rtol=1e-12)
    jacobian = sg.evaluate(sg.jacobian(e, u), {u: BIG})
    np.testing.assert_allclose(jacobian, np.diag(p) - np.outer(p, p), atol=1e-12)
    entropy = -sg.sum(e * sg.log(e))
    two = softmax(np.array([0.0, -1.0]))
    got = sg.evaluate(entropy, {u: np.array([1000.0, 999.0])})
    assert got == pytest.approx(-(two * np.log(two)).sum(), rel=1e-12)


def test_rows_of_a_matrix():
    m = sg.matrix("m", ("r", "n"))
    data = np.array([[1000.0, 0.0, -1000.0], [-1000.0, -1001.0, -999.0]])
    p = np.array([softmax(row) for row in data])
    e = sg.sum(L(sg.sum(E(m), axis=1)))
    np.testing.assert_allclose(sg.evaluate(sg.grad(e, m), {m: data}), p, rtol=1e-12)
    rows = E(m) / sg.sum(E(m), axis=1, keepdims=True)
    np.testing.assert_allclose(sg.evaluate(rows, {m: data}), p, rtol=1e-12)


def test_logistic_regression_at_large_scores():
    w, data = sg.vector("w", "k"), sg.matrix("X", ("n", "k"))
    y = sg.vector("y", "n")
    score = data @ w
    losses = [
        sg.sum(L(1 + E(-y * score))),
        -sg.sum(L(1 / (1 + E(-y * score)))),
        -sg.sum(L(sg.sigmoid(y * score))),
    ]
    rng = np.random.default_rng(0)
    at = {data: rng.normal(size=(6, 2)) * 500, y: np.array([1.0, -1, 1, 1, -1, -1]), w: np.ones(2)}
    z = at[y] * (at[data] @ at[w])
    value = np.logaddexp(0, -z).sum()
    s = np.exp(-np.logaddexp(0, z))
    gradient = -(at[data].T @ (at[y] * s))
    for loss in losses:
        assert sg.evaluate(loss, at) == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(sg.evaluate(sg.grad(loss, w), at), gradient, rtol=1e-10)
        assert np.isfinite(sg.evaluate(sg.hessian(loss, w), at)).all()


def test_log_det_of_matrices_whose_determinant_overflows():
    m = sg.matrix("m", ("n", "n"))
    data = np.diag(np.full(400, 1e3)) + 1.0
    expected = np.linalg.slogdet(data)[1]
    for e in (L(sg.linalg.det(m)), -L(1 / sg.linalg.det(m)), L(sg.linalg.det(m) ** 3) / 3):
        assert sg.evaluate(e, {m: data}) == pytest.approx(expected, rel=1e-13)
        gradient = sg.evaluate(sg.grad(e, m), {m: data})
        np.testing.assert_allclose(gradient, np.linalg.inv(data).T, rtol=1e-10, atol=1e-15)
