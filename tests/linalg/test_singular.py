"""Determinants and their derivatives at singular matrices, against exact cofactors by SymPy."""

import pickle

import numpy as np
import pytest
import sympy

import symgrad as sg
from symgrad.expr.traverse import toposort
from symgrad.ops.determinant import COFACTORS

la = sg.linalg
det = la.det
N = sg.matrix("N", ("n", "n"))


def cofactors(a):
    """The matrix of cofactors of integers, exactly."""
    exact = sympy.Matrix(len(a), len(a), [sympy.Rational(int(v)) for v in np.ravel(a)])
    return np.array(exact.adjugate().T.tolist(), float)


def second_derivatives(a):
    """d^2 det / dA_ij dA_kl: the cofactors of the minors, exactly."""
    n = len(a)
    result = np.zeros((n, n, n, n))
    for i in range(n):
        for j in range(n):
            rows, columns = [r for r in range(n) if r != i], [c for c in range(n) if c != j]
            minor = a[np.ix_(rows, columns)]
            inner = cofactors(minor) if n > 1 else np.zeros((0, 0))
            result[np.ix_([i], [j], rows, columns)] = (-1) ** (i + j) * inner
    return result


def of_rank(n, rank, seed=0):
    rng = np.random.default_rng(10 * n + rank + seed)
    return (rng.integers(-3, 4, (n, rank)) @ rng.integers(-3, 4, (rank, n))).astype(float)


@pytest.mark.parametrize(("n", "rank"), [(n, r) for n in range(1, 6) for r in range(n + 1)])
@pytest.mark.parametrize("named", [True, False])
def test_gradient_and_hessian(n, rank, named):
    A = N if named else sg.matrix("A", (n, n))
    f = sg.lambdify(A, [sg.grad(det(A), A), sg.hessian(det(A), A)])
    a = of_rank(n, rank)
    size = 1e-13 * max(1, np.abs(a).max()) ** n
    gradient, hessian = f(a)
    np.testing.assert_allclose(gradient, cofactors(a), rtol=1e-11, atol=size)
    np.testing.assert_allclose(hessian, second_derivatives(a), rtol=1e-11, atol=size)
    if n <= 3:
        np.testing.assert_array_equal(gradient, cofactors(a))


@pytest.mark.parametrize("rank", [0, 2, 3])
def test_third_and_fourth_derivatives(rank):
    """The determinant is a polynomial: its derivatives along directions, by exact interpolation."""
    n = 4
    A, directions = sg.matrix("A", (n, n)), [sg.matrix(f"E{i}", (n, n)) for i in range(4)]
    forward = backward = det(A)
    rng = np.random.default_rng(rank)
    a, arrays = of_rank(n, rank), [rng.integers(-2, 3, (n, n)).astype(float) for _ in range(4)]
    symbols = sympy.symbols("t0:4")
    moved = sympy.Matrix(a.astype(int).tolist()) + sum(
        (s * sympy.Matrix(e.astype(int).tolist()) for s, e in zip(symbols, arrays, strict=True)),
        sympy.zeros(n, n),
    )
    exact = sympy.Poly(moved.det(method="berkowitz"), *symbols)
    for k, e in enumerate(directions, 1):
        forward, backward = sg.jvp(forward, A, e), sg.sum(sg.grad(backward, A) * e)
        expected = float(exact.coeff_monomial(sympy.prod(symbols[:k])))
        f = sg.lambdify([A, *directions[:k]], [forward, backward])
        np.testing.assert_allclose(f(a, *arrays[:k]), expected, rtol=1e-11, atol=1e-9)


def test_batches_with_a_singular_member():
    B = sg.symbol("B", ("b", 4, 4))
    f = sg.lambdify(B, sg.grad(sg.sum(det(B)), B))
    members = np.stack([of_rank(4, 4), of_rank(4, 3), np.zeros((4, 4)), 5 * np.eye(4)])
    expected = [cofactors(m) for m in members]
    np.testing.assert_allclose(f(members), expected, rtol=1e-11, atol=1e-10)
    mapped = sg.vmap([sg.grad(det(N), N), sg.hessian(det(N), N)], over={N: "b"})
    gradients, hessians = sg.lambdify(sg.free_symbols(*mapped), mapped)(members)
    np.testing.assert_allclose(gradients, expected, rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(
        hessians, [second_derivatives(m) for m in members], rtol=1e-11, atol=1e-10
    )


def test_characteristic_polynomials_at_their_roots():
    t = sg.symbol("t")
    for n in (2, 3, 6):
        m = np.random.default_rng(n).normal(size=(n, n))
        m = m + m.T
        f = sg.lambdify(t, [sg.diff(det(m - t * sg.eye(n)), t, k) for k in (1, 2, 3)])
        polynomial = np.polynomial.Polynomial(np.poly(m)[::-1]) * (-1) ** n
        for root in np.linalg.eigvalsh(m):
            expected = [polynomial.deriv(k)(root) for k in (1, 2, 3)]
            np.testing.assert_allclose(f(root), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_newton_on_a_determinant(n):
    t = sg.symbol("t")
    m = np.random.default_rng(n).normal(size=(n, n))
    m = m + m.T
    solution = sg.newton_root(det(m - t * sg.eye(n)), t)(float(np.linalg.eigvalsh(m)[0]) - 0.5)
    assert solution.converged
    assert solution.x == pytest.approx(np.linalg.eigvalsh(m)[0], rel=1e-9)


def test_gram_matrices_without_full_rank():
    X = sg.matrix("X", (4, 3))
    f = sg.lambdify(X, [sg.grad(det(X.T @ X), X), sg.hessian(det(X.T @ X), X)])
    a = np.outer(np.arange(4.0), [1.0, 2.0, 1.0]) + np.outer([1.0, 0, 0, 1], [0, 1.0, 1.0])
    gradient, hessian = f(a)
    np.testing.assert_allclose(gradient, 0, atol=1e-10)
    flat = hessian.reshape(12, 12)
    np.testing.assert_allclose(flat, flat.T, atol=1e-10)
    e = np.random.default_rng(0).normal(size=(4, 3))
    h = 1e-3  # at a minimum det = h**2/2 * e.H.e up to h**3
    value = np.linalg.det((a + h * e).T @ (a + h * e)) + np.linalg.det((a - h * e).T @ (a - h * e))
    assert value / h**2 == pytest.approx(e.ravel() @ flat @ e.ravel(), rel=1e-3)


@pytest.mark.parametrize("gap", [1e-3, 1e-9, 1e-15, 0.0])
@pytest.mark.parametrize("n", [4, 8, 30])
def test_close_to_singular_matrices(n, gap):
    """U S V with one small singular value: cofactors are right to rounding, whatever it is."""
    rng = np.random.default_rng(n)
    u, v = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
    s = np.append(rng.uniform(1.0, 2.0, n - 1), gap)
    products = [np.prod(np.delete(s, i)) for i in range(n)]
    expected = np.rint(np.linalg.det(u) * np.linalg.det(v)) * (u * products) @ v
    actual = sg.lambdify(N, sg.grad(det(N), N))((u * s) @ v)
    assert np.abs(actual - expected).max() < 1e-12 * np.abs(expected).max()


def test_values_that_are_not_finite():
    a = np.eye(4)
    a[0, 0] = np.nan
    assert np.isnan(sg.lambdify(N, sg.grad(det(N), N))(a)).all()


def test_how_it_reads():
    gradient = sg.grad(det(N), N)
    assert str(gradient) == "det(N)*inv(N).T"
    assert sg.latex(gradient) == r"\det\left(N\right) N^{-\top}"
    assert str(sg.grad(det(N) ** 2, N)) == "2*det(N)**2*inv(N).T"
    entries = sg.to_sympy(sg.grad(det(sg.matrix("A", (2, 2))), sg.matrix("A", (2, 2))))
    symbol = sympy.MatrixSymbol("A", 2, 2)
    assert entries == sympy.Matrix(symbol).adjugate().T
    for e in (gradient, sg.hessian(det(N), N)):
        assert pickle.loads(pickle.dumps(e)) is e


def test_a_matrix_that_is_divided_by_its_determinant_is_regular():
    """There the inverse is cheaper than the cofactors, and as right."""
    S = sg.matrix("S", ("n", "n"), spd=True)
    assert sg.grad(sg.log(det(N)), N) is la.inv(N).T
    product = sg.einsum(",ij,jk->ik", 1 / det(N), sg.grad(det(N), N), N)
    assert sg.simplify(product) is sg.simplify(la.inv(N).T @ N)
    for e, x in ((1 / det(N), N), (sg.log(det(N)), N), (1 / det(S), S), (la.logdet(N), N)):
        assert not any(node.op is COFACTORS for node in toposort([sg.grad(e, x)]))
    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(
        sg.evaluate(sg.grad(1 / det(N), N), {N: a}), -np.linalg.inv(a).T / np.linalg.det(a)
    )


def test_logdet_of_a_singular_matrix():
    a = np.ones((2, 2))
    with np.errstate(divide="ignore"):
        assert sg.lambdify(N, la.logdet(N))(a) == -np.inf
    with pytest.raises(np.linalg.LinAlgError):
        sg.lambdify(N, sg.grad(la.logdet(N), N))(a)


def test_a_limit_of_positive_definite_matrices():
    """What is said to be positive definite may be singular in a datum; the determinant is a polynomial."""
    S, t = sg.matrix("S", ("n", "n"), spd=True), sg.symbol("t")
    s = np.array([[1.0, 1.0], [1.0, 1.0]])
    value, gradient = sg.lambdify(S, [det(S), sg.grad(det(S), S)])(s)
    assert value == 0
    np.testing.assert_allclose(gradient, [[1, -1], [-1, 1]])
    np.testing.assert_allclose(
        sg.evaluate(sg.grad(det(S), S), {S: s + np.eye(2)}), [[2, -1], [-1, 2]]
    )
    slope = sg.diff(det(S + t * sg.eye("n")), t)
    assert sg.evaluate(slope, {S: s, t: 0.0}) == pytest.approx(2.0)
