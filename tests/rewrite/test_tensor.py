"""The Einsum normal form, by form and by value."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.traverse import check_graph

u, v, w = sg.vector("u", "n"), sg.vector("v", "n"), sg.vector("w", "n")
y = sg.vector("y", "m")
A, B = sg.matrix("A", ("n", "n")), sg.matrix("B", ("n", "n"))
M = sg.matrix("M", ("m", "n"))
S = sg.matrix("S", ("n", "n"), symmetric=True)
U, V, T = sg.matrix("U", ("n", "k")), sg.matrix("V", ("m", "k")), sg.matrix("T", ("n", "m"))
s = sg.symbol("s")
LEAVES = (u, v, w, y, A, B, M, S, U, V, T, s)
EXTENTS = {"n": 3, "m": 4, "k": 2}


def data(seed=0):
    rng = np.random.default_rng(seed)
    values = {x: rng.normal(size=tuple(EXTENTS[d] for d in x.shape)) for x in LEAVES}
    values[S] = values[S] + values[S].T
    return values


def value(e):
    values = data()
    return sg.evaluate(e, {x: values[x] for x in sg.free_symbols(e)})


SAME = {
    "dot": (lambda: sg.sum(v * w), lambda: v @ w),
    "dot, other order": (lambda: v @ w, lambda: sg.einsum("i,i->", w, v)),
    "three in a dot": (lambda: sg.sum(u * v * w), lambda: sg.einsum("i,i,i->", u, v, w)),
    "square": (lambda: v @ v, lambda: sg.sum(v**2)),
    "trace": (lambda: sg.trace(A @ B), lambda: sg.sum(A * B.T)),
    "chain": (lambda: (A @ B) @ v, lambda: A @ (B @ v)),
    "transposed chain": (lambda: (A @ B).T @ v, lambda: B.T @ (A.T @ v)),
    "diagonal": (lambda: sg.diag(v) @ A, lambda: A * v[:, None]),
    "diagonal behind": (lambda: A @ sg.diag(v), lambda: A * v),
    "outer": (lambda: sg.outer(v, y), lambda: v[:, None] * y),
    "symmetric": (lambda: v @ S, lambda: S @ v),
    "symmetric transposed": (lambda: S.T, lambda: S),
    "scalar factor": (lambda: (s * A) @ v, lambda: s * (A @ v)),
    "numbers": (lambda: (2 * A) @ (3 * v), lambda: 6 * (A @ v)),
    "like products": (lambda: A @ v + A @ w, lambda: A @ (v + w)),
    "like outer factors": (lambda: v @ A + w @ A, lambda: (v + w) @ A),
    "weights": (
        lambda: M.T @ sg.diag(y) @ M + M.T @ sg.diag(y**2) @ M,
        lambda: M.T @ sg.diag(y + y**2) @ M,
    ),
    "sum of a stretched vector": (lambda: sg.sum(A * 0 + v, axis=0), lambda: sg.size(v) * v),
    "identity": (lambda: sg.eye("n") @ A @ sg.eye("n"), lambda: A),
    "transposed multiple": (lambda: (2 * A).T, lambda: 2 * A.T),
    "functions of a transpose": (lambda: sg.exp(A.T), lambda: sg.exp(A).T),
    "stretched scalars": (lambda: v * sg.exp(s) * s, lambda: v * (s * sg.exp(s))),
}


@pytest.mark.parametrize("name", SAME)
def test_two_ways_to_write_one_formula(name):
    one, other = (form() for form in SAME[name])
    first, second = sg.simplify(one), sg.simplify(other)
    assert first is second
    check_graph(first)
    np.testing.assert_allclose(value(first), value(one), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(value(first), value(other), rtol=1e-12, atol=1e-12)


LOSS = sg.sum(sg.log(1 + sg.exp(-y * (M @ w))))
FORMS = {
    "quadratic form": (sg.grad(v @ A @ v, v), "(A + A.T) @ v"),
    "symmetric quadratic form": (sg.grad(v @ S @ v / 2, v), "S @ v"),
    "its Hessian": (sg.hessian(v @ S @ v / 2, v), "S"),
    "its gradient by the matrix": (sg.grad(v @ A @ w, A), "outer(v, w)"),
    "least squares": (sg.grad(sg.sum((M @ v - y) ** 2), v), "2*M.T @ (M @ v - y)"),
    "least squares Hessian": (sg.hessian(sg.sum((M @ v - y) ** 2), v), "2*M.T @ M"),
    "Jacobian of exp": (sg.jacobian(A @ sg.exp(v), v), "A @ diag(exp(v))"),
    "factorisation": (sg.grad(sg.sum((T - U @ V.T) ** 2), U), "-2*(T - U @ V.T) @ V"),
    "squared norm": (sg.grad(sg.norm(v) ** 2, v), "2*v"),
    "mean": (sg.grad(sg.mean(v**2), v), "2*v/n"),
    "logistic": (sg.grad(LOSS, w), "-M.T @ (y*expit(-y*(M @ w)))"),
    "logistic Hessian": (
        sg.hessian(LOSS, w),
        "M.T @ diag(y**2*expit(-y*(M @ w))*(1 - expit(-y*(M @ w)))) @ M",
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_derivatives_as_a_textbook_prints_them(name):
    derivative, expected = FORMS[name]
    assert str(derivative) == expected
    check_graph(derivative)


def test_shared_products_are_not_written_out():
    shared = A @ v
    result = sg.simplify(sg.sum(sg.exp(shared)) + w @ (B @ shared))
    body = sg.lambdify([v, w, A, B], result).source.split('"""')[2]
    assert body.count("A.T") + body.count("A @") == 1


def test_softmax_inside_a_product_stays_stable():
    p = sg.exp(M) / sg.sum(sg.exp(M), axis=1, keepdims=True)
    f = y @ (p @ v)
    large = np.array([[1000.0, 0.0, -1000.0], [500.0, 500.0, 0.0]])
    args = large, np.ones(3), np.ones(2)
    compiled = sg.lambdify([M, v, y], [f, sg.grad(f, v), sg.grad(f, M), sg.simplify(f)])
    total, by_v, by_m, simplified = compiled(*args)
    np.testing.assert_allclose([total, simplified], 2.0)
    np.testing.assert_allclose(by_v, [1.5, 0.5, np.exp(-500.0) / 2], rtol=1e-12)
    np.testing.assert_allclose(by_m, np.zeros((2, 3)), atol=1e-15)


def test_logistic_hessian_is_stable_and_right():
    compiled = sg.lambdify([M, w, y], sg.hessian(LOSS, w))
    features = np.array([[1000.0, 0.0], [0.0, 1.0], [-1000.0, 1.0], [0.1, 0.2]])
    labels, weights = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 0.5])
    p = 1 / (1 + np.exp(-np.clip(labels * (features @ weights), -700, 700)))
    expected = features.T @ (features * (labels**2 * p * (1 - p))[:, None])
    np.testing.assert_allclose(compiled(features, weights, labels), expected, rtol=1e-9, atol=1e-12)


def test_products_with_the_identity_are_the_same_in_values_and_derivatives():
    L, q = sg.matrix("L", (4, 4)), sg.vector("q", 4)
    f = sg.sum((L + sg.exp(q)[:, None] * sg.eye(4)) ** 4)
    source = sg.lambdify([L, q], [f, sg.grad(f, L)]).source
    assert "np.eye(" not in source and source.count("np.exp(") == 1
    a, b = np.random.default_rng(2).normal(size=(4, 4)), np.arange(4.0)
    matrix = a + np.diag(np.exp(b))
    value, slope = sg.lambdify([L, q], [f, sg.grad(f, L)])(a, b)
    np.testing.assert_allclose(value, np.sum(matrix**4), rtol=1e-13)
    np.testing.assert_allclose(slope, 4 * matrix**3, rtol=1e-13)


def _loss():
    X, y, w = sg.matrix("X", ("n", "k")), sg.vector("y", "n"), sg.vector("w", "k")
    return X, y, w, y - X @ w


def test_two_minus_signs_around_a_diagonal_cancel():
    """The Hessian of Huber's loss."""
    X, y, w, r = _loss()
    huber = sg.sum(sg.where(sg.abs(r) < 1, r**2 / 2, sg.abs(r) - 0.5))
    hessian = sg.hessian(huber, w)
    assert str(hessian) == "X.T @ diag(abs(y - X @ w) < 1) @ X"
    rng = np.random.default_rng(3)
    at = {X: rng.normal(size=(6, 2)), y: rng.normal(size=6), w: rng.normal(size=2)}
    inside = np.abs(at[y] - at[X] @ at[w]) < 1
    assert 0 < inside.sum() < 6
    np.testing.assert_allclose(sg.evaluate(hessian, at), at[X].T @ (inside[:, None] * at[X]))


def test_numbers_move_out_of_what_a_product_chooses():
    v, u = sg.vector("v", "n"), sg.vector("u", "n")
    e = sg.simplify(sg.where(u > 0, -3 * v, 0) @ sg.where(u < 1, 0, 2 * u))
    assert str(e).startswith("-6*")
    at = {v: np.array([1.0, -2.0, np.inf]), u: np.array([1.5, 3.0, -1.0])}
    assert sg.evaluate(e, at) == pytest.approx(-6 * (1 * 1.5 - 2 * 3))


def test_degrees_of_freedom_read_as_they_are_written():
    v, A = sg.vector("v", "n"), sg.matrix("A", ("n", "m"))
    assert str(sg.grad(sg.var(v, ddof=1), v)) == "2*(v - mean(v))/(n - 1)"
    assert "maximum" not in str(sg.grad(sg.var(A, ddof=1), A))
    assert "maximum" in str(sg.grad(sg.var(v, ddof=2), v))  # n may be 1
    at = {v: np.array([1.0, 4.0, 7.0])}
    np.testing.assert_allclose(sg.evaluate(sg.grad(sg.var(v, ddof=1), v), at), [-3.0, 0.0, 3.0])
    with np.errstate(all="ignore"):
        assert np.isnan(sg.evaluate(sg.grad(sg.var(v, ddof=1), v), {v: np.array([1.0])})).all()
