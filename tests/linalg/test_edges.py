"""Singular, repeated, zero, and ill-posed input; assumptions in code; shared calls."""

import warnings

import mpmath
import numpy as np
import pytest
import scipy.linalg

import symgrad as sg
from symgrad import linalg as la

A = sg.matrix("A", ("n", "n"))
M = sg.matrix("M", ("m", "n"))
P = sg.matrix("P", ("n", "n"), spd=True)
S = sg.matrix("S", ("n", "n"), symmetric=True)
v = sg.vector("v", "n")


def spd(n, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, n))
    return x @ x.T + np.eye(n)


# Singular matrices


@pytest.mark.parametrize(
    "e",
    [la.inv(A), la.solve(A, v), sg.grad(la.logdet(A), A), v @ la.inv(A)],
    ids=str,
)
def test_a_singular_matrix_raises(e):
    with pytest.raises(np.linalg.LinAlgError):
        sg.lambdify([A, v], e)(np.ones((3, 3)), np.ones(3))


def test_determinants_of_a_singular_matrix():
    sign, logabs = la.slogdet(A)
    f = sg.lambdify([A], [la.det(A), sign, logabs])
    with np.errstate(divide="ignore"):
        assert f(np.ones((2, 2))) == [0.0, 0.0, -np.inf]


@pytest.mark.parametrize("e", [la.cholesky(P), la.logdet(P), sg.log(la.det(P))], ids=str)
def test_what_is_not_positive_definite_raises(e):
    with pytest.raises(np.linalg.LinAlgError):
        sg.lambdify([P], e)(np.diag([1.0, -1.0]))


# Repeated values


def test_repeated_eigenvalues():
    w, V = la.eigh(S)
    f = sg.lambdify([S], [sg.grad(sg.sum(w**2), S), sg.grad(sg.sum(V), S)])
    with np.errstate(invalid="ignore"):
        by_values, by_vectors = f(np.eye(3))
    np.testing.assert_allclose(by_values, 2 * np.eye(3), atol=1e-15)
    assert not np.isfinite(by_vectors).all()


def test_nuclear_norm_of_equal_and_of_zero_singular_values():
    f = sg.lambdify([M], sg.grad(la.norm(M, "nuc"), M))
    np.testing.assert_allclose(f(2 * np.eye(3)), np.eye(3), atol=1e-15)
    at_zero = f(np.zeros((3, 2)))  # a subgradient: of spectral norm 1 at most
    assert np.linalg.norm(at_zero, 2) <= 1 + 1e-12


def test_two_norm_gradient_is_of_rank_one():
    x = np.random.default_rng(1).normal(size=(4, 3))
    u, _, vt = np.linalg.svd(x)
    actual = sg.evaluate(sg.grad(la.norm(M, 2), M), {M: x})
    np.testing.assert_allclose(actual, np.outer(u[:, 0], vt[0]), atol=1e-13)


# Norms at zero


@pytest.mark.parametrize("order", [None, 2])
def test_squared_norm_at_zero(order):
    f = la.norm(v, order) ** 2
    assert sg.grad(f, v) is sg.simplify(2 * v)
    assert np.array_equal(sg.evaluate(sg.grad(f, v), {v: np.zeros(3)}), np.zeros(3))


def test_norm_at_zero_has_no_gradient():
    gradient = sg.lambdify([v], sg.grad(la.norm(v), v))
    with np.errstate(invalid="ignore", divide="ignore"):
        assert np.isnan(gradient(np.zeros(2))).all()
    np.testing.assert_allclose(gradient(np.array([3.0, 4.0])), [0.6, 0.8], rtol=1e-15)


# Symmetric operands


def test_only_the_lower_triangle_is_read():
    x = spd(3)
    broken = x + np.triu(np.full((3, 3), 7.0), 1)
    for e in (la.cholesky(A), la.eigvalsh(A), la.eigvalsh(A.T, UPLO="U")):
        np.testing.assert_allclose(sg.evaluate(e, {A: broken}), sg.evaluate(e, {A: x}), rtol=1e-13)


@pytest.mark.parametrize("function", [la.cholesky, la.eigvalsh, lambda x: la.eigh(x)[1] ** 2])
def test_gradient_by_a_symmetric_matrix_is_symmetric_and_right_along_symmetric_directions(function):
    x = spd(4) + np.diag(np.arange(4.0)) * 5
    direction = spd(4, seed=1)
    f = sg.sum(function(P) ** 3)
    gradient = sg.evaluate(sg.grad(f, P), {P: x})
    np.testing.assert_allclose(gradient, gradient.T, rtol=1e-12)
    h, value = 1e-5, sg.lambdify([P], f)
    slope = (value(x + h * direction) - value(x - h * direction)) / (2 * h)
    np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-7)


def test_upper_triangle():
    w, V = la.eigh(A, UPLO="U")
    x = spd(4)
    values, vectors = sg.lambdify([A], [w, V])(x)
    np.testing.assert_allclose(vectors * values @ vectors.T, x, rtol=1e-12)
    np.testing.assert_allclose(
        sg.evaluate(la.cholesky(A, upper=True), {A: x}), scipy.linalg.cholesky(x), rtol=1e-12
    )


# Code


def test_logdet_of_a_positive_definite_matrix_is_by_cholesky():
    alone = sg.lambdify([P], la.logdet(P))
    assert "np.linalg.cholesky" in alone.source and "slogdet" not in alone.source
    f = sg.lambdify([P], [la.logdet(P), sg.grad(la.logdet(P), P)])
    assert "_Factor(P, definite=True)" in f.source
    for n in (1, 3, 6):
        value, gradient = f(spd(n))
        np.testing.assert_allclose(value, np.linalg.slogdet(spd(n))[1], rtol=1e-13)
        np.testing.assert_allclose(gradient, np.linalg.inv(spd(n)), rtol=1e-11, atol=1e-14)


def test_second_derivative_of_logdet_of_a_positive_definite_matrix():
    x, d = spd(3), spd(3, seed=2)
    u = sg.matrix("u", ("n", "n"), symmetric=True)
    actual = sg.lambdify([P, u], sg.hvp(la.logdet(P), P, u))(x, d)
    np.testing.assert_allclose(actual, -np.linalg.inv(x) @ d @ np.linalg.inv(x), rtol=1e-11)


def test_values_and_vectors_share_a_call():
    both = sg.lambdify([S], [la.eigvalsh(S), sg.grad(sg.sum(la.eigvalsh(S) ** 3), S)]).source
    assert both.count("np.linalg.eigh(") == 1 and "eigvalsh(" not in both.split('"""')[2]
    alone = sg.lambdify([S], la.eigvalsh(S)).source
    assert "np.linalg.eigvalsh(S)" in alone
    assert "compute_uv=False" in sg.lambdify([M], la.norm(M, "nuc")).source


def test_one_callable_for_all_shapes():
    u, s, vh = la.svd(M, full_matrices=False)
    f = sg.lambdify([M], [u @ sg.diag(s) @ vh, s, sg.grad(sg.sum(s**3), M)])
    for shape in ((2, 5), (5, 2), (3, 3), (1, 4)):
        x = np.random.default_rng(0).normal(size=shape)
        product, values, gradient = f(x)
        np.testing.assert_allclose(product, x, atol=1e-13)
        np.testing.assert_allclose(values, np.linalg.svd(x, compute_uv=False), rtol=1e-12)
        a, b, c = np.linalg.svd(x, full_matrices=False)
        np.testing.assert_allclose(gradient, 3 * a * b**2 @ c, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-8, 0.1, 1.0, 30.0, 300.0])
def test_expm_against_multiple_precision(scale):
    x = np.random.default_rng(3).normal(size=(4, 4))
    x = scale * (x - x.T)  # an orthogonal exponential: well-conditioned at any scale
    with mpmath.workdps(60):
        expected = np.array(mpmath.expm(mpmath.matrix(x.tolist())).tolist(), dtype=float)
    actual = sg.evaluate(la.expm(A), {A: x})
    assert np.abs(actual - expected).max() < 1e-15 * max(10, 30 * scale)


def test_expm_of_a_batch_scales_each_matrix():
    t = sg.symbol("t", ("b", "n", "n"))
    x = np.random.default_rng(0).normal(size=(3, 3, 3)) * np.array([1e-3, 1.0, 40.0])[:, None, None]
    actual = sg.evaluate(la.expm(t), {t: x})
    for a, b in zip(actual, x, strict=True):
        np.testing.assert_allclose(a, scipy.linalg.expm(b), rtol=1e-10)


def test_third_derivative():
    t = sg.symbol("t")
    x = np.random.default_rng(0).normal(size=(3, 3)) / 2
    third = sg.diff(sg.trace(la.expm(t * A)), t, 3)
    expected = np.trace(x @ x @ x @ scipy.linalg.expm(0.7 * x))
    actual = sg.lambdify([t, A], third)(0.7, x)
    np.testing.assert_allclose(actual, expected, rtol=1e-10)


@pytest.mark.parametrize(
    "function",
    [
        la.inv,
        la.det,
        la.logdet,
        la.cholesky,
        la.eigvalsh,
        la.svdvals,
        la.pinv,
        la.expm,
        lambda a: la.norm(a, "nuc"),
        la.cond,
        lambda a: la.eigh(a)[1],
    ],
)
def test_float32_stays_float32(function):
    x = sg.matrix("x", ("n", "n"), dtype=np.float32)
    y = function(x)
    f = sg.lambdify([x], [y, sg.grad(sg.sum(y * y), x)])
    for result in f(spd(3).astype(np.float32)):
        assert result.dtype == np.float32


# Ill-posed input


ILL_POSED = {
    "det of M": (lambda: la.det(M), "shape \\(m, n\\).*extents m and n differ"),
    "inv of M": (lambda: la.inv(M), "write pinv"),
    "det of v": (lambda: la.det(v), "shape \\(n,\\).*two equal extents"),
    "rows": (lambda: la.solve(A, sg.vector("b", "m")), r"\(n, n\).*\(m,\).*needs n rows"),
    "full svd": (lambda: la.svd(M), "full_matrices=False"),
    "svd of v": (lambda: la.svd(v), "expand_dims"),
    "batch": (lambda: la.lstsq(sg.symbol("t", (2, 3, 2)), v), "write pinv"),
    "vecdot": (lambda: la.vecdot(v, sg.vector("b", "m")), "extents n and m"),
    "norm axes": (lambda: la.norm(sg.symbol("t", (2, 3, 4)), 2), "write axis=-1"),
    "gradient": (lambda: sg.grad(la.inv(A), A), "jacobian"),
}


@pytest.mark.parametrize("name", ILL_POSED)
def test_ill_posed_shapes(name):
    call, message = ILL_POSED[name]
    with pytest.raises(sg.ShapeError, match=message):
        call()


UNKNOWN = {
    "vector order": (lambda: la.norm(v, "fro"), "two axes"),
    "matrix order": (lambda: la.norm(M, 3), "not defined for a matrix; use one of"),
    "triangle": (lambda: la.eigh(A, UPLO="x"), "'L' or 'U'"),
    "power": (lambda: la.matrix_power(A, 0.5), "int exponent"),
    "chain": (lambda: la.multi_dot([A]), "two operands"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_options(name):
    call, message = UNKNOWN[name]
    with pytest.raises(sg.ArgumentError, match=message):
        call()


def test_rank_has_no_derivative():
    with pytest.raises(sg.DerivativeError, match="int64"):
        sg.jacobian(la.matrix_rank(M), M)


def test_least_squares():
    x, residuals, rank, s = la.lstsq(M, sg.vector("b", "m"))
    f = sg.lambdify([M, sg.vector("b", "m")], [x, residuals, rank, s])
    a, b = np.random.default_rng(0).normal(size=(6, 3)), np.arange(6.0)
    for actual, expected in zip(f(a, b), np.linalg.lstsq(a, b), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_deep_chains_cost_their_length():
    e = A
    for _ in range(20_000):
        e = la.inv(e + A)
    assert e.shape == ("n", "n")
    assert la.det(la.inv(e)) is la.det(e.args[0])


def test_variables():
    """Data of a right-hand side are no part of the formula; results in tuples carry gradients."""
    x = sg.variable(spd(3))
    f = la.solve(x, [1.0, 2.0, 3.0])
    assert len(sg.free_symbols(f.expr)) == 2
    w = la.eigh(x).eigenvalues
    sg.sum(w * w).backward()
    np.testing.assert_allclose(x.grad.data, 2 * spd(3), rtol=1e-12)


@pytest.mark.parametrize("matrix", [np.zeros((3, 3)), np.ones((3, 3)), np.diag([1.0, 1.0, 0.0])])
def test_logdet_of_a_singular_matrix_said_to_be_definite(matrix):
    """The limit, as `numpy.linalg.slogdet` has it."""
    with warnings.catch_warnings(action="error"):
        assert sg.evaluate(sg.linalg.logdet(P), {P: matrix}) == -np.inf


def test_logdet_of_a_matrix_that_is_not_definite_is_an_error():
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        sg.evaluate(sg.linalg.logdet(P), {P: np.diag([1.0, -1.0, -1.0])})
