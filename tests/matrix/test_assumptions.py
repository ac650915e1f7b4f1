"""What assumptions on matrices simplify, and the convention for derivatives by symmetric matrices."""

import numpy as np
import pytest

import symgrad as sg
from symgrad import linalg as la
from symgrad.ops.properties import is_diagonal, is_semidefinite, is_spd
from symgrad.ops.symmetry import is_symmetric

A, B = sg.matrix("A", ("n", "n")), sg.matrix("B", ("n", "n"))
X, M = sg.matrix("X", ("m", "n")), sg.matrix("M", ("n", "k"))
S = sg.matrix("S", ("n", "n"), symmetric=True)
P = sg.matrix("P", ("n", "n"), spd=True)
D = sg.matrix("D", ("n", "n"), diagonal=True)
Q = sg.matrix("Q", ("n", "n"), orthogonal=True)
v, x = sg.vector("v", "n"), sg.vector("x", "n")
p = sg.vector("p", "m", positive=True)
c = sg.symbol("c", positive=True)
I = sg.eye("n")  # noqa: E741
LEAVES = (A, B, X, M, S, P, D, Q, v, x, p, c)


def data(n=3, m=4, k=2):
    rng = np.random.default_rng(n)
    extents = {"n": n, "m": m, "k": k}
    values = {leaf: rng.uniform(0.5, 2, tuple(extents[d] for d in leaf.shape)) for leaf in LEAVES}
    values[S] = values[S] + values[S].T
    values[P] = values[P] @ values[P].T + np.eye(n)
    values[D] = np.diag(np.diag(values[D]))
    values[Q] = np.linalg.qr(rng.normal(size=(n, n)))[0]
    return values


def value(e):
    if e is I:
        return np.eye(3)
    values = data()
    return sg.evaluate(e, {leaf: values[leaf] for leaf in sg.free_symbols(e)})


# formula: symmetric, semidefinite, definite, diagonal
KNOWN = {
    "S": (S, 1, 0, 0, 0),
    "A": (A, 0, 0, 0, 0),
    "S + P": (S + P, 1, 0, 0, 0),
    "A + A.T": (A + A.T, 1, 0, 0, 0),
    "2*A + 3*A.T": (2 * A + 3 * A.T, 0, 0, 0, 0),
    "A @ B + B.T @ A.T": (A @ B + B.T @ A.T, 1, 0, 0, 0),
    "A @ A": (A @ A, 0, 0, 0, 0),
    "S @ S": (S @ S, 1, 1, 0, 0),
    "P @ S": (P @ S, 0, 0, 0, 0),
    "X.T @ X": (X.T @ X, 1, 1, 0, 0),
    "X.T @ X + I": (X.T @ X + I, 1, 1, 1, 0),
    "2*X.T @ X + c*I": (2 * X.T @ X + c * I, 1, 1, 1, 0),
    "X.T @ X - I": (X.T @ X - I, 1, 0, 0, 0),
    "-P": (-P, 1, 0, 0, 0),
    "c*P": (c * P, 1, 1, 1, 0),
    "M.T @ P @ M": (M.T @ P @ M, 1, 1, 0, 0),
    "M.T @ S @ M": (M.T @ S @ M, 1, 0, 0, 0),
    "X.T @ diag(p) @ X": (X.T @ sg.diag(p) @ X, 1, 1, 0, 0),
    "outer(v, v) + P": (sg.outer(v, v) + P, 1, 1, 1, 0),
    "outer(v, x)": (sg.outer(v, x), 0, 0, 0, 0),
    "inv(P)": (la.inv(P), 1, 1, 1, 0),
    "inv(X.T @ X + I)": (la.inv(X.T @ X + I), 1, 1, 1, 0),
    "expm(S)": (la.expm(S), 1, 0, 0, 0),
    "exp(S)": (sg.exp(S), 1, 0, 0, 0),
    "S*P": (S * P, 1, 0, 0, 0),
    "D": (D, 1, 0, 0, 1),
    "diag(v)": (sg.diag(v), 1, 0, 0, 1),
    "diag(v) + 2*I": (sg.diag(v) + 2 * I, 1, 0, 0, 1),
    "diag(v**2)": (sg.diag(v**2), 1, 1, 0, 1),
    "P + exp(v[0])*I": (P + sg.exp(v[0]) * I, 1, 1, 1, 0),
    "P - exp(v[0])*I": (P - sg.exp(v[0]) * I, 1, 0, 0, 0),
    "P + v[0]*I": (P + v[0] * I, 1, 0, 0, 0),
    "P + diag(exp(v))": (P + sg.diag(sg.exp(v)), 1, 1, 1, 0),
    "A*D": (A * D, 0, 0, 0, 1),
    "A @ D": (A @ D, 0, 0, 0, 0),
}


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_known(name):
    e, *expected = KNOWN[name]
    e = sg.simplify(e)
    found = [is_symmetric(e), is_semidefinite(e), is_spd(e), is_diagonal(e)]
    assert found == [bool(flag) for flag in expected]
    array = value(e)
    symmetric, semidefinite, definite, diagonal = expected
    if symmetric:
        np.testing.assert_allclose(array, array.T, rtol=1e-12)
    if semidefinite:
        assert np.linalg.eigvalsh(array).min() > (0 if definite else -1e-10)
    if diagonal:
        assert np.array_equal(array, np.diag(np.diag(array)))


SAME = {
    "inv(Q)": (la.inv(Q), Q.T),
    "Q.T @ Q": (Q.T @ Q, I),
    "Q @ Q.T": (Q @ Q.T, I),
    "det(Q)**2": (la.det(Q) ** 2, sg.constant(1)),
    "logdet(Q @ A)": (la.logdet(Q @ A), la.logdet(A)),
    "trace(Q.T @ A @ Q)": (sg.trace(Q.T @ A @ Q), sg.trace(A)),
    "logdet(D)": (la.logdet(D), sg.sum(sg.log(sg.abs(sg.diagonal(D))))),
    "logdet(diag(v))": (la.logdet(sg.diag(v)), sg.sum(sg.log(sg.abs(v)))),
    "inv(diag(v))": (la.inv(sg.diag(v)), sg.diag(1 / v)),
    "det(diag(v))": (la.det(sg.diag(v)), sg.prod(v)),
    "solve(diag(v), x)": (la.solve(sg.diag(v), x), x / v),
    "inv(diag(v)) @ x": (la.inv(sg.diag(v)) @ x, x / v),
    "inv(S).T": (la.inv(S).T, la.inv(S)),
    "inv(X.T @ X).T": (la.inv(X.T @ X).T, la.inv(X.T @ X)),
    "gradient of a quadratic form": (sg.grad(x @ S @ x / 2, x), S @ x),
    "gradient of a form": (sg.grad(x @ A @ x / 2, x), (A + A.T) @ x / 2),
    "sqrt(p**2)": (sg.sqrt(p**2), p),
}


@pytest.mark.parametrize("name", SAME)
def test_same_formula(name):
    actual, expected = SAME[name]
    assert sg.simplify(actual) is sg.simplify(expected)
    np.testing.assert_allclose(value(actual), value(expected), rtol=1e-10, atol=1e-12)


def test_a_definite_formula_goes_by_cholesky():
    f = sg.lambdify([X], la.logdet(X.T @ X + I))
    assert "cholesky" in f.source and "slogdet" not in f.source
    array = data()[X]
    expected = np.linalg.slogdet(array.T @ array + np.eye(3))[1]
    np.testing.assert_allclose(f(array), expected, rtol=1e-13)


def test_a_semidefinite_formula_does_not():
    """``X.T @ X`` may lack rank: then its logdet is -inf, as NumPy has it."""
    f = sg.lambdify([X], la.logdet(X.T @ X))
    assert "cholesky" not in f.source
    with np.errstate(divide="ignore"):
        assert f(np.zeros((2, 3))) == -np.inf


# The derivative by a symmetric matrix: that in the space of all matrices, G with df = sum(G*dS)

SCALARS = {
    "trace(A @ S)": sg.trace(A @ S),
    "x @ S @ x": x @ S @ x,
    "trace(S @ S)": sg.trace(S @ S),
    "det": la.det(S),
    "logdet": la.logdet(P),
    "quadratic form of the inverse": x @ la.inv(P) @ x,
    "eigenvalues": sg.sum(la.eigvalsh(S) ** 3),
    "one eigenvalue": la.eigvalsh(S)[-1],
    "cholesky": sg.sum(la.cholesky(P)),
    "norm": la.norm(S),
}
SYMMETRIC_GRADIENT = [name for name in SCALARS if name != "trace(A @ S)"]


@pytest.mark.parametrize("name", SCALARS)
def test_derivative_along_symmetric_directions(name):
    f = SCALARS[name]
    leaf = P if P in set(sg.free_symbols(f)) else S
    values = data()
    symbols = sg.free_symbols(f)
    gradient = sg.lambdify(symbols, sg.grad(f, leaf))(*[values[z] for z in symbols])
    compiled = sg.lambdify(symbols, f)
    direction = np.array([[1.0, 0.4, -0.2], [0.4, -0.5, 0.3], [-0.2, 0.3, 0.8]])

    def at(h):
        return compiled(*[values[z] + h * direction if z is leaf else values[z] for z in symbols])

    np.testing.assert_allclose(
        np.sum(gradient * direction), (at(1e-5) - at(-1e-5)) / 2e-5, rtol=1e-6
    )
    if name in SYMMETRIC_GRADIENT:
        np.testing.assert_allclose(gradient, gradient.T, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("order", [None, 2])
def test_squared_norm_has_its_gradient_at_zero_too(order):
    gradient = sg.grad(la.norm(v, order) ** 2, v)
    assert str(gradient) == "2*v"
    assert np.array_equal(sg.evaluate(gradient, {v: np.zeros(3)}), np.zeros(3))
