"""Third derivatives of formulas of matrices, against differences of second ones and of NumPy."""

import numpy as np
import pytest
from tests.matrix.leaves import differences

import symgrad as sg
from symgrad import linalg as la

X, A = sg.matrix("X", ("m", "n")), sg.matrix("A", ("n", "n"))
S = sg.matrix("S", ("n", "n"), spd=True)
w = sg.vector("w", "n")
c = sg.symbol("c", ("n", "n", "n"))
CASES = {
    "logistic": (sg.sum(sg.log(1 + sg.exp(X @ w))), w),
    "logdet": (la.logdet(A), A),
    "logdet of spd": (la.logdet(S), S),
    "determinant": (la.det(A), A),
    "trace of the inverse": (sg.trace(la.inv(A)), A),
    "cubic form": (sg.einsum("ijk,i,j,k->", c, w, w, w), w),
    "trace of the cube": (sg.trace(A @ A @ A), A),
    "norm": (sg.norm(X @ w), w),
    "quadratic form of the inverse": (w @ la.inv(A) @ w, A),
    "weighted quadratic form": (w @ sg.diag(sg.exp(w)) @ w, w),
}
EXTENTS = {"m": 4, "n": 2}


def data(leaves):
    rng = np.random.default_rng(5)
    arrays = {x: rng.normal(size=tuple(EXTENTS[d] for d in x.shape)) for x in leaves}
    definite = {x: a @ a.T + np.eye(len(a)) for x, a in arrays.items() if x.shape == ("n", "n")}
    return {**arrays, **definite}


@pytest.mark.parametrize("name", CASES)
def test_third_derivative(name):
    f, x = CASES[name]
    leaves = sg.free_symbols(f)
    second = sg.hessian(f, x)
    third = sg.jacobian(second, x)
    assert third.shape == x.shape * 3
    arrays = data(leaves)
    value = sg.lambdify(leaves, third)(*arrays.values())
    at = sg.lambdify(leaves, second)

    def hessian(z):
        return at(*{**arrays, x: z}.values())

    np.testing.assert_allclose(value, differences(hessian, arrays[x]), rtol=1e-6, atol=1e-6)
    if x is S:  # along symmetric directions, which are all that there are
        for axes in ((1, 0, 2, 3, 4, 5), (0, 1, 3, 2, 4, 5), (0, 1, 2, 3, 5, 4)):
            value = (value + np.transpose(value, axes)) / 2
    flat = value.reshape((arrays[x].size,) * 3)  # derivatives commute
    for axes in ((1, 0, 2), (0, 2, 1)):
        np.testing.assert_allclose(flat, np.transpose(flat, axes), rtol=1e-9, atol=1e-9)


def test_third_derivative_of_the_logistic_loss_in_closed_form():
    """``sum_m s(1 - s)(1 - 2s) X_mi X_mj X_mk`` with s the logistic function of ``X w``."""
    f, x = CASES["logistic"]
    arrays = data([X, w])
    value = sg.lambdify([X, w], sg.jacobian(sg.hessian(f, x), x))(*arrays.values())
    s = 1 / (1 + np.exp(-(arrays[X] @ arrays[w])))
    weights = s * (1 - s) * (1 - 2 * s)
    expected = np.einsum("m,mi,mj,mk->ijk", weights, *[arrays[X]] * 3)
    np.testing.assert_allclose(value, expected, rtol=1e-10)


def test_third_derivative_of_logdet_in_closed_form():
    """Along one direction D: ``2 tr((inv(A) D)^3)``."""
    arrays = data([A])
    third = sg.lambdify([A], sg.jacobian(sg.hessian(la.logdet(A), A), A))(arrays[A])
    d = np.random.default_rng(1).normal(size=(2, 2))
    actual = np.einsum("ijklmn,ij,kl,mn->", third, d, d, d)
    step = np.linalg.inv(arrays[A]) @ d
    np.testing.assert_allclose(actual, 2 * np.trace(step @ step @ step), rtol=1e-10)
