"""Formulas of statistics and control as their textbooks print them, and equal to differences.

Gaussian likelihood, Gaussian process (Rasmussen and Williams, 2006, eq. 5.9), Rayleigh quotient, canonical
correlation, Kalman update, ridge and softmax regression.
"""

import numpy as np
import pytest

import symgrad as sg
from symgrad import linalg as la

A, B = sg.matrix("A", ("n", "n")), sg.matrix("B", ("n", "n"))
Q = sg.matrix("Q", ("n", "n"), symmetric=True)
S, K = sg.matrix("S", ("n", "n"), spd=True), sg.matrix("K", ("m", "m"), spd=True)
R = sg.matrix("R", ("m", "m"), spd=True)
X, C, W = sg.matrix("X", ("m", "n")), sg.matrix("C", ("n", "m")), sg.matrix("W", ("n", "c"))
Y = sg.matrix("Y", ("m", "c"))
x, u, mu = (sg.vector(name, "n") for name in ("x", "u", "mu"))
y, v = sg.vector("y", "m"), sg.vector("v", "m")
t = sg.symbol("t", positive=True)

likelihood = sg.trace((X - mu) @ la.inv(S) @ (X - mu).T) / 2 + sg.size(X, 0) * la.logdet(S) / 2
noisy = K + t * sg.eye("m")
process = y @ la.solve(noisy, y) / 2 + la.logdet(noisy) / 2
correlation = (u @ C @ v) / sg.sqrt((u @ S @ u) * (v @ K @ v))
gain = S @ X.T @ la.inv(X @ S @ X.T + R)
update = mu + gain @ (y - X @ mu)
ridge = la.solve(X.T @ X + t * sg.eye("n"), X.T @ y)
softmax = sg.sum(sg.special.logsumexp(X @ W, axis=1)) - sg.sum(Y * (X @ W))

PRINTED = {
    "mean": (
        sg.grad(likelihood, mu),
        "-sum(inv(S) @ (X - mu).T, axis=1)",
        r"-S^{-1} \left(X - \mathbf{1} \mu^{\top}\right)^{\top} \mathbf{1}",
    ),
    "covariance": (
        sg.grad(likelihood, S),
        "m*inv(S)/2 - (inv(S) @ (X - mu).T @ (X - mu) @ inv(S))/2",
        r"\frac{m}{2} S^{-1} - \frac{1}{2} S^{-1} \left(X - \mathbf{1} \mu^{\top}\right)^{\top}"
        r" \left(X - \mathbf{1} \mu^{\top}\right) S^{-1}",
    ),
    "information": (sg.hessian(likelihood, mu), "m*inv(S)", r"m S^{-1}"),
    "process by its covariance": (
        sg.grad(process, K),
        "inv(K + t*eye(m))/2 - outer(solve(K + t*eye(m), y), solve(K + t*eye(m), y))/2",
        r"\frac{1}{2} {\left(K + t I_{m}\right)}^{-1} - \frac{1}{2} {\left(K + t I_{m}\right)}^{-1} y"
        r" \left({\left(K + t I_{m}\right)}^{-1} y\right)^{\top}",
    ),
    "process by its data": (
        sg.grad(process, y),
        "solve(K + t*eye(m), y)",
        r"{\left(K + t I_{m}\right)}^{-1} y",
    ),
    "Rayleigh quotient": (
        sg.grad((x @ Q @ x) / (x @ x), x),
        "(2*Q @ x)/(x @ x) - 2*(x @ Q @ x)*x/(x @ x)**2",
        r"\frac{2 Q x}{\left\lVert x \right\rVert^{2}}"
        r" - \frac{2 \left(x^{\top} Q x\right) x}{\left\lVert x \right\rVert^{4}}",
    ),
    "Kalman update": (
        sg.jacobian(update, mu),
        "eye(n) - S @ X.T @ inv(X @ S @ X.T + R) @ X",
        r"I_{n} - S X^{\top} {\left(X S X^{\top} + R\right)}^{-1} X",
    ),
    "ridge path": (
        sg.diff(ridge, t),
        "-solve(X.T @ X + t*eye(n), solve(X.T @ X + t*eye(n), X.T @ y))",
        r"-{\left(X^{\top} X + t I_{n}\right)}^{-1}"
        r" \left({\left(X^{\top} X + t I_{n}\right)}^{-1} \left(X^{\top} y\right)\right)",
    ),
    "Kronecker product": (
        sg.grad(sg.sum(sg.kron(A, B) ** 2), A),
        "2*sum(B**2)*A",
        r"2 \left\lVert B \right\rVert_{F}^{2} A",
    ),
    "trace of a Kronecker product": (
        sg.grad(sg.trace(sg.kron(A, B)), A),
        "trace(B)*eye(n)",
        r"\operatorname{tr}\left(B\right) I_{n}",
    ),
}
CHECKED = {
    "likelihood": (likelihood, [mu, S, X]),
    "process": (process, [K, t, y]),
    "Rayleigh quotient": ((x @ Q @ x) / (x @ x), [x, Q]),
    "correlation": (correlation, [u, v, C, S]),
    "Kalman update": (sg.sum(update**2), [mu, y, X, R, S]),
    "ridge": (sg.sum(ridge**2), [t, y]),
    "softmax regression": (softmax, [W, X]),
    "Kronecker products": (
        sg.sum(sg.kron(A, B) ** 2) + sg.trace(sg.kron(A, B) @ sg.kron(B, A)),
        [A],
    ),
    "projection": (sg.sum(((sg.eye("n") - sg.outer(x, x) / (x @ x)) @ mu) ** 2), [x]),
}
BATCHED = {
    "likelihood": (mu @ la.inv(S) @ mu + la.logdet(S), [mu, S]),
    "Rayleigh quotient": ((x @ A @ x) / (x @ x), [x]),
    "Kalman update": (update, [mu, y]),
    "projection": ((sg.eye("n") - sg.outer(x, x) / (x @ x)) @ mu, [x, mu]),
    "Kronecker product": (sg.kron(A, B), [A]),
}


@pytest.mark.parametrize("title", PRINTED)
def test_printed(title):
    e, text, tex = PRINTED[title]
    assert [str(e), sg.latex(e)] == [text, tex]


@pytest.mark.parametrize("title", CHECKED)
def test_gradients_and_hessians_equal_differences(title):
    f, leaves = CHECKED[title]
    for leaf in leaves:
        sg.check_grad(f, leaf)
        sg.check_grad(sg.grad(f, leaf), leaf)


@pytest.mark.parametrize("title", BATCHED)
def test_batches_equal_a_loop(title):
    f, leaves = BATCHED[title]
    mapped = sg.vmap(f, over=dict.fromkeys(leaves, "b"))
    rng = np.random.default_rng(2)

    def draw(s):
        a = rng.normal(size=[{"n": 3, "m": 2, "b": 4}[d] for d in s.shape])
        return a @ np.swapaxes(a, -1, -2) + np.eye(a.shape[-1]) if s.name in "SKR" else a

    values = {s.name: draw(s) for s in sg.free_symbols(mapped)}
    got = sg.lambdify(sg.free_symbols(mapped), mapped)(*values.values())
    one = sg.lambdify(sg.free_symbols(f), f)
    names, batched = [s.name for s in sg.free_symbols(f)], {s.name for s in leaves}
    for k in range(4):
        args = [values[n][k] if n in batched else values[n] for n in names]
        np.testing.assert_allclose(got[k], one(*args), rtol=1e-9, atol=1e-12)


def test_a_constant_factor_leaves_a_system():
    assert la.solve(A, 2 * x) is 2 * la.solve(A, x)
    assert la.solve(A, -B) is -la.solve(A, B)
    assert la.solve(A, t * x) is t * la.solve(A, x)


def test_second_derivatives_of_what_is_no_scalar_say_whose():
    with pytest.raises(sg.ShapeError, match="hessian needs a scalar, got shape"):
        sg.hessian(A @ x, x)
    with pytest.raises(sg.ShapeError, match="hvp needs a scalar, got shape"):
        sg.hvp(A @ x, x, u)
