"""Formulas are printed under the names that readers know; what is computed stays as it is."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.traverse import free_symbols

v, A, B = sg.vector("v", "n"), sg.matrix("A", ("n", "n")), sg.matrix("B", ("m", "n"))
S = sg.matrix("S", ("n", "n"), symmetric=True)
p, P = sg.vector("p", 3), sg.matrix("P", (2, 2))
X, w, y = sg.matrix("X", ("m", "k")), sg.vector("w", "k"), sg.vector("y", "m")
L, psi, C = (
    sg.matrix("L", ("n", "k")),
    sg.vector("psi", "n"),
    sg.matrix("C", ("n", "n"), symmetric=True),
)
residual = X @ w - y
huber = sg.sum(
    sg.where(sg.abs(residual) < 1, residual**2 / 2, sg.abs(residual) - sg.constant(1) / 2)
)
covariance = L @ L.T + sg.diag(psi)
likelihood = sg.linalg.logdet(covariance) + sg.trace(sg.linalg.inv(covariance) @ C)
NORM = r"\left\lVert v \right\rVert"
u = sg.vector("u", "n")
margin = 1 - y * (X @ w)
ell, K_0 = sg.symbol("ell", positive=True), sg.matrix("D", ("n", "n"), symmetric=True)
kernel = sg.named(sg.exp(-(K_0**2) / (2 * ell**2)) + sg.eye("n"), "K")
evidence = v @ sg.linalg.solve(kernel, v) + sg.linalg.logdet(kernel)
second = v[2:] - 2 * v[1:-1] + v[:-2]
third = second[1:] - second[:-1]

TEXTS = [
    (sg.norm(v), "norm(v)", NORM),
    (sg.norm(v) ** 2, "norm(v)**2", NORM + "^{2}"),
    (sg.simplify(sg.norm(v) ** 2), "v @ v", NORM + "^{2}"),
    (sg.simplify(sg.norm(A) ** 2), "sum(A**2)", r"\left\lVert A \right\rVert_{F}^{2}"),
    (sg.grad(sg.norm(v) ** 2, v), "2*v", "2 v"),
    (sg.grad(sg.norm(v), v), "v/norm(v)", rf"\frac{{v}}{{{NORM}}}"),
    (sg.grad(sg.norm(v) ** 4, v), "4*(v @ v)*v", rf"4 {NORM}^{{2}} v"),
    (sg.softmax(v), "softmax(v)", r"\operatorname{softmax}\left(v\right)"),
    (sg.softmax(B, axis=1), "softmax(B, axis=1)", r"\operatorname{softmax}_{j}\left(B\right)"),
    (sg.softmax(X @ w - y), "softmax(X @ w - y)", r"\operatorname{softmax}\left(X w - y\right)"),
    (sg.special.log_softmax(v), "log_softmax(v)", r"\operatorname{log\_softmax}\left(v\right)"),
    (sg.grad(sg.logsumexp(v), v), "softmax(v)", r"\operatorname{softmax}\left(v\right)"),
    (
        sg.hessian(sg.logsumexp(v), v),
        "diag(softmax(v)) - outer(softmax(v), softmax(v))",
        None,
    ),
    (sg.hessian(huber, w), "X.T @ diag(abs(X @ w - y) < 1) @ X", None),
    (sg.grad(sg.var(v), v), "2*(v - mean(v))/n", None),
    (
        sg.hessian(sg.std(v), v),
        "(eye(n) - 1/n)/(n*std(v)) - outer(v - mean(v), v - mean(v))/(n**2*std(v)**3)",
        None,
    ),
    (
        sg.grad(sg.sum((v - sg.mean(v)) * (u - sg.mean(u))) / (sg.std(v) * sg.std(u)), v),
        "(u - mean(u))/(std(u)*std(v)) - ((u - mean(u)) @ (v - mean(v)))*(v - mean(v))"
        "/(n*std(u)*std(v)**3)",
        None,
    ),
    (
        sg.hessian(sg.sum(sg.maximum(0, margin) ** 2), w),
        "2*X.T @ diag(y**2*heaviside(1 - y*(X @ w), 1/4)) @ X",
        None,
    ),
    (
        sg.hessian(sg.sum(sg.maximum(0, X @ w) ** 3), w),
        "6*X.T @ diag(maximum(0, X @ w)) @ X",
        None,
    ),
    (
        sg.diff(evidence, ell),
        "(trace(inv(K) @ (D**2*exp(-D**2/(2*ell**2)))) - v @ solve(K, (D**2*exp(-D**2/(2*ell**2)))"
        " @ solve(K, v)))/ell**3 where K = exp(-D**2/(2*ell**2)) + eye(n)",
        None,
    ),
    (
        sg.grad(sg.sum(second**2), v),
        "2*convolve(v[:n - 2] - 2*v[1:n - 1] + v[2:], [1, -2, 1])",
        r"2 \operatorname{conv}\left(v_{:n - 2} - 2 v_{1:n - 1} + v_{2:}, \left[1, -2, 1\right]\right)",
    ),
    (sg.grad(sg.sum((v[1:] - v[:-1]) ** 2), v), "-2*convolve(v[1:] - v[:n - 1], [1, -1])", None),
    (sg.hessian(sg.var(v), v), "2*(eye(n) - 1/n)/n", None),
    (sg.grad(sg.trace(S @ S @ S @ S @ S), S), "5*matrix_power(S, 4)", "5 S^{4}"),
    (
        sg.grad(sg.trace(A @ A @ A @ A @ A), A),
        "5*matrix_power(A.T, 4)",
        r"5 \left(A^{\top}\right)^{4}",
    ),
    (sg.grad(sg.trace(sg.linalg.expm(S)), S), "expm(S)", "e^{S}"),
    (sg.grad(sg.trace(sg.linalg.expm(A)), A), "expm(A).T", r"\left(e^{A}\right)^{\top}"),
    (sg.grad(p[0] * p[1] ** 2, p), "[p[1]**2, 2*p[0]*p[1], 0]", None),
    (
        sg.hessian(p[0] * p[1] ** 2, p),
        "[[0, 2*p[1], 0], [2*p[1], 2*p[0], 0], [0, 0, 0]]",
        r"\begin{bmatrix} 0 & 2 p_{1} & 0 \\ 2 p_{1} & 2 p_{0} & 0 \\ 0 & 0 & 0 \end{bmatrix}",
    ),
    (
        sg.grad(P[0, 0] * P[1, 1] - P[0, 1] * P[1, 0], P),
        "[[P[1, 1], -P[1, 0]], [-P[0, 1], P[0, 0]]]",
        None,
    ),
    (sg.grad(v[0] ** 2, v), "2*v[0]*eye(n)[0]", "2 v_{0} e_{0}"),
    (sg.grad(A[1, 1], A), "outer(eye(n)[1], eye(n)[1])", r"e_{1} e_{1}^{\top}"),
    (
        sg.grad(sg.sum(v[1:] ** 2), v),
        "concatenate([zeros((1,)), 2*v[1:]])",
        r"\begin{bmatrix} \mathbf{0}_{1} \\ 2 v_{1:} \end{bmatrix}",
    ),
    (sg.max(B, axis=1), "max(B, axis=1)", r"\max_{j} {B}_{ij}"),
    (sg.min(sg.exp(B), axis=0), "min(exp(B), axis=0)", None),
    (sg.prod(v), "prod(v)", r"\prod_{i} {v}_{i}"),
    (sg.cumsum(v), "cumsum(v)", r"\operatorname{cumsum}\left(v\right)"),
]


@pytest.mark.parametrize(
    ("e", "text", "latex"), TEXTS, ids=lambda a: a if isinstance(a, str) else ""
)
def test_notation(e, text, latex):
    assert str(e) == text
    if latex is not None:
        assert sg.latex(e) == latex


FORBIDDEN = ("embed", "scatter", "axis=", "^{A}^")


@pytest.mark.parametrize(
    ("e", "text", "latex"), TEXTS, ids=lambda a: a if isinstance(a, str) else ""
)
def test_latex_says_nothing_of_code(e, text, latex):
    shown = sg.latex(e)
    assert not [word for word in FORBIDDEN if word in shown]
    assert shown.count("{") == shown.count("}")


def test_factor_analysis():
    inverse = str(sg.linalg.inv(covariance))
    assert str(sg.grad(likelihood, L)) == f"2*({inverse} - {inverse} @ C @ {inverse}) @ L"


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("shape", [("m", "n"), (3, 4), (3, "n")])
@pytest.mark.parametrize(
    ("inside", "slope"),
    [(lambda M: M, lambda M: 1.0), (lambda M: 3 * M, lambda M: 3.0), (sg.exp, np.exp)],
)
def test_deviations_add_up_to_nothing(axis, shape, inside, slope):
    M = sg.matrix("M", shape)
    data = np.random.default_rng(1).normal(size=(3, 4))
    gradient = sg.grad(sg.sum(sg.var(inside(M), axis=axis)), M)
    u = sg.evaluate(inside(M), {M: data})
    count = data.size if axis in (None, (0, 1)) else data.shape[axis]
    expected = 2 * (u - u.mean(axis=axis, keepdims=True)) / count * slope(data)
    np.testing.assert_allclose(sg.evaluate(gradient, {M: data}), expected, atol=1e-12)
    assert str(gradient).count("mean") == 1 and "sum" not in str(gradient)


def test_sums_that_are_no_deviations_stay():
    u, q = sg.vector("u", "n"), sg.vector("q", "n")
    for e in (sg.sum(u - sg.sum(u)), sg.sum(u - sg.mean(q)), sg.sum(u - 2 * sg.mean(u))):
        value = sg.evaluate(
            sg.simplify(e), {u: np.array([1.0, 2.0, 4.0]), q: np.array([1.0, 1.0, 5.0])}
        )
        assert value == pytest.approx(
            sg.evaluate(e, {u: np.array([1.0, 2.0, 4.0]), q: np.array([1.0, 1.0, 5.0])})
        )
        assert value != 0


@pytest.mark.parametrize("factor", [1, 3, -2.5])
def test_trace_of_an_exponential(factor):
    M = sg.matrix("M", (3, 3))
    e = factor * sg.trace(sg.linalg.expm(2 * M)) + sg.trace(sg.linalg.expm(M)) ** 2
    sg.check_grad(e, M)
    assert "concatenate" not in str(sg.grad(e, M))


def test_denominators_that_are_cleared():
    a, b, c = sg.symbols("a b c")
    values = {a: 0.7, b: 1.9, c: -0.4}
    for e in (a * (b / c + 1 / a), a * b * (1 / a - 1 / b), (a - b) * (c / (a - b) + 1)):
        got = sg.simplify(e)
        known = [{x: values[x] for x in free_symbols(f)} for f in (got, e)]
        assert sg.evaluate(got, known[0]) == pytest.approx(sg.evaluate(e, known[1]))
    assert str(sg.simplify(a * b * (1 / a - 1 / b))) == "b - a"


def test_solutions_beside_an_inverse_are_products_with_it():
    L, psi, y = sg.matrix("L", ("n", "k")), sg.vector("psi", "n"), sg.vector("y", "n")
    C = sg.matrix("C", ("n", "n"), symmetric=True)
    S = sg.named(L @ L.T + sg.diag(psi), "S")
    f = sg.linalg.logdet(S) + sg.trace(sg.linalg.solve(S, C))
    read = str(sg.grad(f, psi)).split(" where")[0]
    assert read == "diagonal(inv(S) - inv(S) @ C @ inv(S))"
    assert ".T" not in str(sg.grad(f, L)).split(" where")[0]
    K = sg.matrix("K", ("n", "n"), spd=True)
    assert "solve(K, y)" in str(sg.grad(y @ sg.linalg.solve(K, y) + sg.linalg.logdet(K), K))
