"""Powers of matrices as nodes: what they are, how they read, what their derivatives cost and are worth."""

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad import linalg as la
from symgrad.expr.traverse import toposort
from symgrad.interop.sympy import from_sympy, to_sympy

A, C = sg.matrix("A", ("n", "n")), sg.matrix("C", ("n", "n"))
S = sg.matrix("S", ("n", "n"), symmetric=True)
P = sg.matrix("P", ("n", "n"), spd=True)
u, v, c = sg.vector("u", "n"), sg.vector("v", "n"), sg.symbol("c")
power = la.matrix_power
RNG = np.random.default_rng(11)
X = RNG.uniform(-0.6, 0.6, (3, 3)) + np.eye(3)
Y = RNG.uniform(-0.6, 0.6, (3, 3))

READ = {
    "positive": (power(A, 5), "matrix_power(A, 5)", "A^{5}"),
    "negative": (power(A, -2), "matrix_power(A, -2)", "A^{-2}"),
    "transpose": (power(A, 3).T, "matrix_power(A.T, 3)", r"\left(A^{\top}\right)^{3}"),
    "of a product": (power(A @ C, 3), "matrix_power(A @ C, 3)", r"\left(A C\right)^{3}"),
    "trace": (
        sg.grad(sg.trace(power(A, 5)), A),
        "5*matrix_power(A.T, 4)",
        r"5 \left(A^{\top}\right)^{4}",
    ),
    "trace, symmetric": (sg.grad(sg.trace(power(S, 5)), S), "5*matrix_power(S, 4)", "5 S^{4}"),
    "trace, negative": (
        sg.grad(sg.trace(power(A, -3)), A),
        "-3*matrix_power(A.T, -4)",
        r"-3 \left(A^{\top}\right)^{-4}",
    ),
    "trace of many factors": (
        sg.grad(sg.trace(A @ A @ A @ A @ A @ A @ A @ A), A),
        "8*matrix_power(A.T, 7)",
        None,
    ),
    "along a direction": (
        sg.grad(sg.trace(C @ power(A, 5)), A),
        "sum(matrix_power(A.T, k) @ C.T @ matrix_power(A.T, 4 - k) for k in range(5))",
        r"\sum_{k=0}^{4} \left(A^{\top}\right)^{k} C^{\top} \left(A^{\top}\right)^{4 - k}",
    ),
    "negative, along a direction": (
        sg.jvp(power(A, -4), A, C),
        "-sum(matrix_power(A, -k) @ C @ matrix_power(A, k - 5) for k in range(1, 5))",
        r"-\sum_{k=1}^{4} A^{-k} C A^{k - 5}",
    ),
    "Jacobian": (
        sg.jacobian(power(A, 3), A),
        None,
        r"\left[I_{n} \otimes A^{\top} A^{\top} + A A \otimes I_{n} + A \otimes A^{\top}"
        r"\right]_{(ij)(kl)}",
    ),
    "exponential": (sg.grad(sg.trace(la.expm(A)), A), "expm(A).T", None),
}


@pytest.mark.parametrize("name", READ)
def test_reading(name):
    e, text, latex = READ[name]
    sg.check_graph(e)
    assert text is None or str(e) == text
    assert latex is None or sg.latex(e) == latex


SAME = {
    "product": (A @ A @ A @ A @ A, power(A, 5)),
    "0": (power(A, 0), sg.eye("n")),
    "1": (power(A, 1), A),
    "-1": (power(A, -1), la.inv(A)),
    "2": (power(A, 2), A @ A),
    "power of a power": (power(power(A, 2), -3), power(A, -6)),
    "power of an inverse": (power(la.inv(A), 4), power(A, -4)),
    "factor": (power(2 * A, 4), 16 * power(A, 4)),
    "scalar factor": (power(c * A, 3), c**3 * power(A, 3)),
    "diagonal": (power(sg.diag(v), 3), sg.diag(v**3)),
    "identity": (power(sg.eye("n"), -7), sg.eye("n")),
    "symmetric": (power(S, 3).T, power(S, 3)),
    "determinant": (la.det(power(A, 5)), la.det(A) ** 5),
    "definite": (la.logdet(power(P, 3)), 3 * la.logdet(P)),
}


@pytest.mark.parametrize("name", SAME)
def test_same_node(name):
    actual, expected = SAME[name]
    assert sg.simplify(actual) is sg.simplify(expected)


def along(n, a, *directions):
    """The mixed derivative by the corner of the power of a block matrix, once for each direction."""
    if not directions:
        return np.linalg.matrix_power(a, n)
    *rest, e = directions
    zeros = np.zeros_like(a)
    wide = [np.block([[x, zeros], [zeros, x]]) for x in rest]
    return along(n, np.block([[a, e], [zeros, a]]), *wide)[: len(a), len(a) :]


@pytest.mark.parametrize("n", [4, 5, 12, 100, -4, -9])
def test_derivatives_along_directions(n):
    a = X / 2 if n > 20 else X
    first = sg.jvp(power(A, n), A, C)
    second = sg.jvp(first, A, C @ C)
    third = sg.jvp(second, A, A @ C)
    got = sg.lambdify([A, C], [first, second, third])(a, Y)
    directions = [Y, Y @ Y, a @ Y]
    for order, value in enumerate(got, 1):
        wanted = along(n, a, *directions[:order])
        np.testing.assert_allclose(value, wanted, rtol=1e-11, atol=1e-11 * np.abs(wanted).max())


@pytest.mark.parametrize("n", [3, 7, -2, -6])
def test_gradients_of_every_order_agree_with_differences(n):
    sg.check_grad(sg.sum(C * power(A, n)), A, at={A: X, C: Y})
    gradient = sg.grad(sg.sum(C * power(A, n)), A)
    sg.check_grad(sg.sum(gradient * gradient), A, at={A: X, C: Y})


def test_a_high_power_is_differentiated_in_few_products():
    gradient = sg.grad(sg.trace(C @ power(A, 1000)), A)
    assert len(toposort([gradient])) < 10
    body = sg.lambdify([A, C], gradient).source.split('"""')[-1]
    assert body.count("_power_along(1000") == 1
    assert "@" not in body


def test_beside_vectors_no_matrix_is_formed():
    body = sg.lambdify([A, u, v], u @ power(A, 5) @ v).source.split('"""')[-1]
    assert "matrix_power" not in body
    value = sg.lambdify([A, u, v], [u @ power(A, 5) @ v, power(A, -2) @ u])(X, Y[0], Y[1])
    assert value[0] == pytest.approx(Y[0] @ np.linalg.matrix_power(X, 5) @ Y[1], rel=1e-12)
    np.testing.assert_allclose(value[1], np.linalg.matrix_power(X, -2) @ Y[0], rtol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
def test_integers_and_booleans_stay_what_they_are(n):
    for dtype, array in (
        (int, np.array([[1, 2], [3, 4]])),
        (bool, np.array([[1, 0], [1, 1]], bool)),
    ):
        M = sg.matrix("M", (2, 2), dtype=dtype)
        got = sg.evaluate(power(M, n), {M: array})
        wanted = np.linalg.matrix_power(array, n)
        assert got.dtype == wanted.dtype and np.array_equal(got, wanted)


def test_batches_and_vmap():
    T = sg.symbol("T", ("m", "n", "n"))
    stack = np.stack([X, X @ X, X + 0.1])
    for n in (5, -3):
        got = sg.evaluate(power(T, n), {T: stack})
        np.testing.assert_allclose(got, np.linalg.matrix_power(stack, n), rtol=1e-12)
    each = sg.vmap(sg.grad(sg.sum(C * power(A, 6)), A), {A: T})
    got = sg.evaluate(each, {T: stack, C: Y})
    for one, a in zip(got, stack, strict=True):
        np.testing.assert_allclose(one, along(6, a.T, Y), rtol=1e-11)


def test_sympy_both_ways():
    M = sg.matrix("M", (2, 2))
    image = to_sympy(sg.trace(power(M, 3)))
    entries = sp.Matrix(2, 2, lambda i, j: sp.MatrixSymbol("M", 2, 2)[i, j])
    assert sp.expand(image - (entries**3).trace()) == 0
    slope = to_sympy(sg.jvp(power(M, 4), M, sg.eye(2) + sg.constant([[0.0, 1.0], [0.0, 0.0]])))
    assert slope.shape == (2, 2)
    symbol = sp.MatrixSymbol("M", 2, 2)
    assert from_sympy(sp.MatPow(symbol, 5)) is power(M, 5)
    assert from_sympy(sp.MatPow(symbol, -3)) is power(M, -3)


@pytest.mark.parametrize("n", [0.5, 2.0, "2", None, True])
def test_exponents_that_are_no_ints(n):
    with pytest.raises(sg.ArgumentError, match="matrix_power needs an int exponent"):
        power(A, n)


def test_matrices_that_are_not_square():
    with pytest.raises(sg.ShapeError, match="needs a square matrix"):
        power(sg.matrix("R", ("n", "m")), 2)


def test_a_singular_matrix_has_no_negative_power():
    with pytest.raises(np.linalg.LinAlgError):
        sg.evaluate(power(A, -3), {A: np.zeros((2, 2))})
