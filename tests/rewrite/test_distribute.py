"""Sums with an identity in a product: multiplied out where that is cheaper, by code and by value."""

import numpy as np
import pytest

import symgrad as sg

A, B, X = sg.matrix("A", ("n", "n")), sg.matrix("B", ("n", "n")), sg.matrix("X", ("n", "k"))
x, y, d = (sg.vector(name, "n") for name in "xyd")
c, E = sg.symbol("c"), sg.eye("n")
N = sg.matrix(
    "N", ("n", "n")
)  # of its own: a sum is printed in the order in which it was first built

CHEAPER = {
    "ridge": ((A + c * E) @ x, lambda A, c, x: A @ x + c * x),
    "form": (x @ (A + c * E) @ y, lambda x, A, c, y: x @ A @ y + c * x @ y),
    "trace": (
        sg.trace(A @ (B + c * E)),
        lambda A, B, c: np.trace(A @ B) + c * np.trace(A),
    ),
    "diagonal and matrix": ((sg.diag(d) + A) @ x, lambda d, A, x: d * x + A @ x),
    "diagonals": (
        (sg.diag(d) + c * E) @ X,
        lambda d, c, X: (d + c)[:, None] * X,
    ),
    "projection": (
        (E - sg.outer(x, x) / (x @ x)) @ y,
        lambda x, y: y - x * (x @ y) / (x @ x),
    ),
    "diagonal plus low rank": (
        X.T @ (sg.diag(d) + sg.outer(y, y)) @ X,
        lambda X, d, y: X.T @ (d[:, None] * X) + np.outer(X.T @ y, X.T @ y),
    ),
    "two outer products": (
        X.T @ (E + sg.outer(x, y) + sg.outer(y, x)) @ X,
        lambda X, x, y: X.T @ X + np.outer(X.T @ x, X.T @ y) + np.outer(X.T @ y, X.T @ x),
    ),
    "one in another": (
        (A + c * E) @ ((B + E) @ x),
        lambda A, c, B, x: A @ (B @ x + x) + c * (B @ x + x),
    ),
}
DEARER = {
    "a matrix times a matrix": (A + c * E) @ B,
    "needed twice": [(A + c * E) @ x, (A + c * E) @ y],
    "an output itself": [(N + E) @ x, N + E],
}


def arrays_for(symbols):
    rng = np.random.default_rng(4)
    return [rng.normal(size=[{"n": 5, "k": 3}[e] for e in s.shape]) for s in symbols]


def filled_identities(source):
    """How often code fills a matrix with a diagonal."""
    return sum(source.count(name) for name in ("np.eye(", "np.diag(", "_on_diagonal("))


@pytest.mark.parametrize("title", CHEAPER)
def test_multiplied_out(title):
    e, oracle = CHEAPER[title]
    symbols = sg.free_symbols(e)
    f = sg.lambdify(symbols, e)
    assert not filled_identities(f.source)
    named = {str(s.name): a for s, a in zip(symbols, arrays_for(symbols), strict=True)}
    expected = oracle(*[named[n] for n in oracle.__code__.co_varnames])
    np.testing.assert_allclose(f(*named.values()), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("title", DEARER)
def test_kept(title):
    outputs = DEARER[title]
    symbols = sg.free_symbols(*(outputs if isinstance(outputs, list) else [outputs]))
    assert filled_identities(sg.lambdify(symbols, outputs).source) == 1


def test_a_projection_of_a_vector_makes_no_matrix():
    e = (E - sg.outer(x, x) / (x @ x)) @ y
    assert "[:, None]" not in sg.lambdify([x, y], e).source


def test_the_formula_of_a_reader_stays():
    e = (A + c * E) @ x
    assert sg.simplify(e) is e
    assert str(sg.grad(sg.sum(e**2), x)) == "2*(A + c*eye(n)).T @ (A + c*eye(n)) @ x"


def test_a_scaled_identity_minus_an_outer_product():
    p = sg.exp(x)
    s = sg.sum(p)
    assert str(sg.jacobian(p / s, x)) == "diag(softmax(x)) - outer(softmax(x), softmax(x))"
    e = sg.diag(d) @ (E + N)
    assert sg.simplify(e) is e  # no shorter without its brackets


def test_softmax_regression_has_no_tensor_of_all_axes():
    """Its Hessian is a sum over rows of ``kron(outer(x, x), diag(p) - outer(p, p))``: two products."""
    W, R = sg.matrix("W", ("k", "c")), sg.matrix("R", ("m", "k"))
    H = sg.hessian(sg.sum(sg.logsumexp(R @ W, axis=1)), W)
    shown = sg.latex(H)
    assert r"\delta_{jl}" in shown and shown.count(r"\sum_{m}") == 2
    f = sg.lambdify([R, W], H)
    assert "(m, c, k, c)" not in f.source and f.source.count("np.tensordot(") == 2
    rng = np.random.default_rng(9)
    rows, weights = rng.normal(size=(6, 4)), rng.normal(size=(4, 3))
    p = np.exp(rows @ weights)
    p /= p.sum(axis=1, keepdims=True)
    expected = np.einsum("mj,jl,mi,mk->ijkl", p, np.eye(3), rows, rows)
    expected -= np.einsum("mj,ml,mi,mk->ijkl", p, p, rows, rows)
    np.testing.assert_allclose(f(rows, weights), expected, rtol=1e-12, atol=1e-14)


def test_the_cost_is_linear():
    """A tower of ridges: each sum is looked at once."""
    v = x
    for k in range(200):
        v = sg.sin((A + (c + k) * E) @ v)
    f = sg.lambdify([A, c, x], v)
    assert f.source.count("A @ ") == 200 and not filled_identities(f.source)


def test_differences_of_identities_that_several_products_share():
    d = x[:, None] - x[None, :]
    f = sg.lambdify([x], sg.hessian(sg.sum(sg.exp(-(d**2))) / 2, x))
    assert "[:, None, :]" not in f.source  # no array of three axes
    assert "np.eye(" not in f.source
    at = np.random.default_rng(3).normal(size=6)
    u = at[:, None] - at
    w = (4 * u**2 - 2) * np.exp(-(u**2))
    np.testing.assert_allclose(f(at), np.diag(w.sum(axis=1)) - w, rtol=1e-12, atol=1e-12)
