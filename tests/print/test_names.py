"""Derivatives under the names of their functions: text that NumPy evaluates, and LaTeX."""

import warnings

import numpy as np
import pytest
import scipy.special

import symgrad as sg

x, y, c, s = sg.symbols("x y c sigma")
v, w, u = sg.vector("v", "n"), sg.vector("w", "n"), sg.vector("u", 3)
X, S = sg.matrix("X", ("m", "n")), sg.matrix("S", ("m", "n"))
B = sg.matrix("B", ("n", "n"), symmetric=True)
K = sg.named(c * B + s**2 * sg.eye("n"), "K")

likelihood = -v @ sg.linalg.solve(K, v) / 2 - sg.linalg.slogdet(K)[1] / 2
by_inverse = -v @ sg.linalg.inv(K) @ v / 2 - sg.log(sg.linalg.det(K)) / 2
stencil = sg.sum((v[1:] - v[:-1]) ** 2)

# what is printed, its text, its LaTeX where that says more
CASES = [
    # statistics
    (sg.std(v), "std(v)", r"\operatorname{std}\left(v\right)"),
    (
        sg.grad(sg.std(v), v),
        "(v - mean(v))/(n*std(v))",
        r"\frac{v - \bar{v}}{n \operatorname{std}\left(v\right)}",
    ),
    (sg.grad(sg.std(u), u), "(u - mean(u))/(3*std(u))", None),
    (sg.grad(sg.std(u, ddof=1), u), "(u - mean(u))/(2*std(u, ddof=1))", None),
    (sg.grad(sg.std(v, ddof=1), v), "(v - mean(v))/(std(v, ddof=1)*(n - 1))", None),
    (sg.grad(sg.var(v), v), "2*(v - mean(v))/n", r"\frac{2}{n} \left(v - \bar{v}\right)"),
    (sg.grad(sg.var(u), u), "2*(u - mean(u))/3", None),
    (sg.grad(sg.std(X), X), "(X - mean(X))/((m*n)*std(X))", None),
    (
        sg.grad(sg.sum(sg.std(X, axis=1)), X),
        "(diag(1/std(X, axis=1)) @ (X - mean(X, axis=1)[:, newaxis]))/n",
        None,
    ),
    (sg.grad(sg.mean(v) ** 2, v), "broadcast_to(2*mean(v)/n, (n,))", None),
    (
        sg.grad(sg.std(X @ v), v),
        "(X.T @ (X @ v - mean(X @ v)))/(m*std(X @ v))",
        None,
    ),
    # one choice
    (sg.grad(sg.max(v), v), "where(v == max(v), 1/sum(v == max(v)), 0)", None),
    (sg.grad(sg.min(v), v), "where(v == min(v), 1/sum(v == min(v)), 0)", None),
    (
        sg.grad(sg.sum(sg.maximum(v, w)), v),
        "heaviside(v - w, 1/2)",
        r"\begin{cases} 1 & \text{if } v > w \\ \frac{1}{2} & \text{if } v = w \\"
        r" 0 & \text{otherwise} \end{cases}",
    ),
    (sg.diff(sg.maximum(c, 0), c), "heaviside(c, 1/2)", None),
    (sg.diff(sg.minimum(c, s), c), "heaviside(sigma - c, 1/2)", None),
    (sg.grad(sg.sum(sg.minimum(v, w) ** 2), v), "2*v*heaviside(w - v, 1/2)", None),
    (sg.grad(sg.sum(sg.maximum(v, 0) ** 2), v), "2*maximum(v, 0)", r"2 \max\left(v, 0\right)"),
    (sg.hessian(sg.sum(sg.maximum(v, 0) ** 2), v), "2*diag(heaviside(v, 1/4))", None),
    (
        sg.grad(sg.sum(sg.clip(v, 0, 1)), v),
        "heaviside(v, 1/2)*heaviside(1 - v, 1/2)",
        r"\begin{cases} 1 & \text{if } v > 0 \wedge v < 1 \\"
        r" \frac{1}{2} & \text{if } v \geq 0 \wedge v \leq 1 \\"
        r" 0 & \text{otherwise} \end{cases}",
    ),
    (
        sg.grad(sg.sum(sg.log(sg.maximum(v, w))), v),
        "where(v >= w, heaviside(v - w, 1/2)/v, 0)",
        None,
    ),
    (
        sg.grad(sg.max(sg.abs(v)), v),
        "where(abs(v) == max(abs(v)), sign(v)/sum(abs(v) == max(abs(v))), 0)",
        None,
    ),
    # entries and blocks
    (
        sg.grad(stencil, v),
        "-2*convolve(v[1:] - v[:n - 1], [1, -1])",
        None,
    ),
    (
        sg.grad(sg.sum(v[1:] * v[:-1]), v),
        "concatenate([v[1:2], v[:n - 2] + v[2:], v[n - 2:n - 1]])",
        None,
    ),
    (
        sg.hessian(v[0] * v[1] ** 2, v),
        "2*v[0]*outer(eye(n)[1], eye(n)[1])"
        " + 2*v[1]*(outer(eye(n)[0], eye(n)[1]) + outer(eye(n)[1], eye(n)[0]))",
        None,
    ),
    # matrices
    (
        sg.hessian(sg.logsumexp(S @ w), w),
        "S.T @ (diag(softmax(S @ w)) - outer(softmax(S @ w), softmax(S @ w))) @ S",
        None,
    ),
    (
        sg.diff(likelihood, c),
        "(v @ solve(K, B @ solve(K, v)))/2 - trace(inv(K) @ B)/2",
        r"\frac{1}{2} v^{\top} K^{-1} \left(B K^{-1} v\right)"
        r" - \frac{\operatorname{tr}\left(K^{-1} B\right)}{2}",
    ),
    (sg.diff(likelihood, s), "sigma*v @ solve(K, solve(K, v)) - sigma*trace(inv(K))", None),
    (
        sg.diff(by_inverse, c),
        "(v @ inv(K) @ B @ inv(K) @ v)/2 - trace(inv(K) @ B)/2",
        None,
    ),
    (
        sg.diff(likelihood, c, c),
        "trace(inv(K) @ B @ inv(K) @ B)/2 - v @ solve(K, B @ solve(K, B @ solve(K, v)))",
        None,
    ),
]
FUNCTIONS = vars(np) | {
    "solve": np.linalg.solve,
    "inv": np.linalg.inv,
    "softmax": scipy.special.softmax,
}


@pytest.mark.parametrize(("e", "text", "latex"), CASES, ids=[text for _, text, _ in CASES])
def test_names(e, text, latex):
    shown = str(e).split(" where K")[0]
    assert shown == text
    if latex is not None:
        assert sg.latex(e).split(r" \quad")[0] == latex


@pytest.mark.parametrize(("e", "text", "latex"), CASES, ids=[text for _, text, _ in CASES])
def test_the_text_is_what_is_computed(e, text, latex):
    """NumPy evaluates what is printed."""
    rng = np.random.default_rng(3)
    arrays = {
        "v": np.array([0.3, 1.4, 0.7, 1.4]),
        "w": np.array([0.3, 0.2, 1.1, 0.9]),
        "u": np.array([0.3, -0.4, 1.7]),
        "X": rng.normal(size=(5, 4)),
        "S": rng.normal(size=(5, 4)),
        "B": np.cov(rng.normal(size=(4, 9))),
        "c": 1.2,
        "sigma": 0.8,
    }
    numbers = {"n": 4, "m": 5, "K": 1.2 * arrays["B"] + 0.64 * np.eye(4)}
    symbols = sg.free_symbols(e)
    expected = sg.evaluate(e, {symbol: arrays[symbol.name] for symbol in symbols})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got = eval(text, {**FUNCTIONS, **arrays, **numbers})
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)
