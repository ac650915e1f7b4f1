"""Formulas by entries, slices and places: read by their usual notation, which means what is computed."""

import builtins
import inspect

import numpy as np
import pytest

import symgrad as sg

N, K = 5, 3
v, u = sg.vector("v", "n"), sg.vector("u", "n")
A, M = sg.matrix("A", ("n", "n")), sg.matrix("M", ("n", "k"))
i, j = sg.vector("i", "k", dtype=int), sg.vector("j", "k", dtype=int)
q = sg.symbol("q", dtype=int)
w = sg.vector("w", 6)
a, b = sg.symbols("a b")
RNG = np.random.default_rng(2)
VALUES = {
    v: RNG.normal(size=N),
    u: RNG.normal(size=N),
    A: RNG.normal(size=(N, N)),
    M: RNG.normal(size=(N, K)),
    i: np.array([1, 4, 1]),
    j: np.array([0, 2, 3]),
    q: np.array(2),
    w: RNG.normal(size=6),
    a: 0.7,
    b: -1.2,
}


def total(e, x=v):
    return sg.grad(sg.sum(e), x)


READ = {
    "every second": (
        total(v[::2] ** 2),
        "2*sum(v[2*k]*eye(n)[2*k] for k in range((n + 1)//2))",
        r"2 \sum_{k} v_{2 k} e_{2 k}",
    ),
    "every third, from 1": (total(v[1::3] ** 2), None, r"2 \sum_{k} v_{3 k + 1} e_{3 k + 1}"),
    "backwards by 2": (total(u[:3] * v[4:0:-2][:1]), None, None),
    "picked": (
        total(v[i] ** 2),
        "2*sum(v[i[j]]*eye(n)[i[j]] for j in range(k))",
        r"2 \sum_{j} v_{i_{j}} e_{i_{j}}",
    ),
    "picked rows": (total(A[i] ** 2, A), None, r"2 \sum_{j} e_{i_{j}} A_{i_{j}, :}^{\top}"),
    "picked entries": (
        total(A[i, j] ** 2, A),
        None,
        r"2 \sum_{l} A_{i_{l}, j_{l}} e_{i_{l}} e_{j_{l}}^{\top}",
    ),
    "one, by a symbol": (total(v[q] ** 2), "2*v[q]*eye(n)[q]", r"2 v_{q} e_{q}"),
    "a row, by a symbol": (total(A[q] ** 2, A), None, None),
    "a few": (total(v[[0, 3]] ** 2), "2*v[0]*eye(n)[0] + 2*v[3]*eye(n)[3]", None),
    "the last": (total(v[-1] ** 2), "2*v[-1]*eye(n)[-1]", r"2 v_{n - 1} e_{n - 1}"),
    "a row": (total(A[0] ** 2, A), "2*outer(eye(n)[0], A[0])", r"2 e_{0} A_{0, :}^{\top}"),
    "a column": (total(A[:, 0] ** 2, A), "2*outer(A[:, 0], eye(n)[0])", r"2 A_{:, 0} e_{0}^{\top}"),
    "a corner": (
        total(A[1:, :2] ** 2, A),
        "block([[zeros((1, 2)), zeros((1, n - 2))], [2*A[1:, :2], zeros((n - 1, n - 2))]])",
        r"\begin{bmatrix} \mathbf{0}_{1 \times 2} & \mathbf{0}_{1 \times \left(n - 2\right)} \\"
        r" 2 A_{1:, :2} & \mathbf{0} \end{bmatrix}",
    ),
    "second diagonal": (
        total(sg.diagonal(A, 1), A),
        "block([[zeros((n - 1, 1)), eye(n - 1)], [zeros((1, 1)), zeros((1, n - 1))]])",
        None,
    ),
    "rows by a stride": (total(A[::2] ** 2, A), None, r"2 \sum_{k} e_{2 k} A_{2 k, :}^{\top}"),
    "columns by a stride": (
        total(A[:, ::2] ** 2, A),
        None,
        r"2 \sum_{k} A_{:, 2 k} e_{2 k}^{\top}",
    ),
    "turned around": (total(sg.flip(v) * u), "u[::-1]", None),
    "turned around, itself": (total(v[::-1] * v), "2*v[::-1]", None),
    "columns turned around": (total(A[:, ::-1] * A, A), "2*A[:, ::-1]", None),
    "rolled": (total(sg.roll(v, 1) * u), "roll(u, -1)", r"\operatorname{roll}_{-1}\left(u\right)"),
    "added up": (
        total(sg.cumsum(v) * u),
        "cumsum(u[::-1])[::-1]",
        r"\left(\sum_{j \geq i} u_{j}\right)_{i}",
    ),
    "multiplied": (
        sg.grad(sg.prod(v), v),
        "prod(where(eye(n), 1, v), axis=1)",
        r"\left(\prod_{j \neq i} v_{j}\right)_{i}",
    ),
    "multiplied, squared": (
        sg.grad(a * sg.prod(v) ** 2, v),
        "2*a*prod(v)*prod(where(eye(n), 1, v), axis=1)",
        None,
    ),
    "determinant of a triangle": (
        sg.simplify(sg.linalg.det(sg.tril(A))),
        "prod(diagonal(A))",
        r"\prod_{i} A_{ii}",
    ),
    "its gradient": (
        sg.grad(sg.linalg.det(sg.tril(A)), A),
        "diag(prod(where(eye(n), 1, diagonal(A)), axis=1))",
        None,
    ),
    "joined": (total(sg.concatenate([v, u]) ** 2), "2*v", None),
    "padded": (total(sg.pad(w, 1) ** 2, w), "2*w", None),
    "split": (
        total(sg.stack([sg.sum(p) ** 2 for p in sg.split(w, 2)]), w),
        None,
        r"\begin{bmatrix} \left(2 \sum w_{:3}\right) \mathbf{1}_{3} \\"
        r" \left(2 \sum w_{3:}\right) \mathbf{1}_{3} \end{bmatrix}",
    ),
    "stacked entries": (
        total(sg.stack([v[0], v[1] ** 2]) ** 2),
        None,
        r"2 v_{0} e_{0} + 4 v_{1}^{3} e_{1}",
    ),
    "stacked symbols": (
        sg.grad(sg.sum(sg.stack([a * b, b**2]) ** 2), b),
        "2*a**2*b + 4*b**3",
        None,
    ),
    "second derivative of entries": (
        sg.hessian(A[0, 0] * A[1, 1], A),
        'einsum("i,j,k,l->ijkl", eye(n)[1], eye(n)[1], eye(n)[0], eye(n)[0])'
        ' + einsum("i,j,k,l->ijkl", eye(n)[0], eye(n)[0], eye(n)[1], eye(n)[1])',
        r"\delta_{0, k} \delta_{0, l} \delta_{1, i} \delta_{1, j}"
        r" + \delta_{1, k} \delta_{1, l} \delta_{0, i} \delta_{0, j} \quad \left(i, j, k, l < n\right)",
    ),
    "second derivative of a function of entries": (
        sg.hessian(sg.exp(A[0, 0]) * A[1, -1], A),
        None,
        None,
    ),
    "second derivative of a row": (
        sg.hessian(sg.sum(A[0] ** 2), A),
        '2*einsum("i,jl,k->ijkl", eye(n)[0], eye(n), eye(n)[0])',
        r"2 \delta_{0, k} \delta_{jl} \delta_{0, i} \quad \left(i, j, k, l < n\right)",
    ),
    "second derivative of a column": (sg.hessian(sg.sum(A[:, 0] ** 3), A), None, None),
    "triangle": (sg.tril(A) @ v, "tril(A) @ v", r"\operatorname{tril}\left(A\right) v"),
    "upper triangle": (sg.triu(A, 1), "triu(A, 1)", r"\operatorname{triu}_{1}\left(A\right)"),
    "triangle, turned": (sg.tril(A, -1).T, "triu(A.T, 1)", None),
    "sums of columns": (sg.sum(A, axis=0), "sum(A, axis=0)", r"A^{\top} \mathbf{1}"),
    "sums of rows": (sg.sum(A, axis=1), "sum(A, axis=1)", r"A \mathbf{1}"),
    "sums of columns, kept": (
        sg.sum(A, axis=0, keepdims=True),
        "sum(A, axis=0)[newaxis]",
        r"\mathbf{1}^{\top} A",
    ),
    "sums of rows, kept": (
        sg.sum(A, axis=1, keepdims=True),
        "sum(A, axis=1)[:, newaxis]",
        r"A \mathbf{1} \quad \left(n \times 1\right)",
    ),
    "shares of columns": (
        A / sg.sum(A, axis=0),
        None,
        r"A \oslash \left(\mathbf{1} \mathbf{1}^{\top} A\right)",
    ),
    "centred columns": (
        A - sg.mean(A, axis=0),
        None,
        r"A - \mathbf{1} \frac{\mathbf{1}^{\top} A}{n}",
    ),
    "a column of a vector": (v[:, None], "v[:, newaxis]", r"v \quad \left(n \times 1\right)"),
    "a row of a vector": (v[None], "v[newaxis]", r"v^{\top}"),
    "outer product of products": (
        sg.outer(A @ v, A @ u),
        "outer(A @ v, A @ u)",
        r"A v u^{\top} A^{\top}",
    ),
    "entrywise beside a product": (
        sg.einsum("ij,ik,kj->ij", A, A, A),
        "A*(A @ A)",
        r"A \odot \left(A A\right)",
    ),
    "a product in a diagonal": (
        sg.einsum("ij,j,ik->ik", A, v, M),
        "diag(A @ v) @ M",
        r"\operatorname{diag}\left(A v\right) M",
    ),
}


@pytest.mark.parametrize("name", READ)
def test_reading(name):
    e, text, latex = READ[name]
    sg.check_graph(e)
    assert text is None or str(e) == text
    assert latex is None or sg.latex(e) == latex
    for shown in (str(e), sg.latex(e)):
        assert not [word for word in ("embed", "scatter", "place") if word in shown]
    assert "axis=" not in sg.latex(e)


def total_of(x, axis=None):
    """Python's sum for what a text counts through, NumPy's for arrays."""
    return builtins.sum(x) if inspect.isgenerator(x) else np.sum(x, axis=axis)


@pytest.mark.parametrize("name", READ)
def test_a_text_means_what_is_computed(name):
    e, _, _ = READ[name]
    values = {leaf: VALUES[leaf] for leaf in sg.free_symbols(e)}
    names = {leaf.name: array for leaf, array in values.items()}
    value = eval(str(e), {**vars(np), **names, "n": N, "k": K, "sum": total_of})
    values[A] = VALUES[A]  # a formula that depends on no value takes its extents from an argument
    np.testing.assert_allclose(value, sg.lambdify([*values], e)(*values.values()), atol=1e-13)


X, y, c = sg.matrix("X", ("n", "k")), sg.vector("y", "n"), sg.vector("c", "k")
p = sg.special.expit(X @ c)
LOSSES = {
    "by logarithms": -sg.sum(y * sg.log(p) + (1 - y) * sg.log(1 - p)),
    "by a quotient": -sg.sum(
        y * sg.log(1 / (1 + sg.exp(-X @ c))) + (1 - y) * sg.log(1 - 1 / (1 + sg.exp(-X @ c)))
    ),
    "by softplus": sg.sum(sg.log(1 + sg.exp(X @ c)) - y * (X @ c)),
    "by logaddexp": sg.sum(sg.logaddexp(0, X @ c) - y * (X @ c)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_logistic_regression_however_it_is_written(name):
    gradient, hessian = sg.grad(LOSSES[name], c), sg.hessian(LOSSES[name], c)
    assert sg.latex(gradient) == r"X^{\top} \left(\sigma\left(X c\right) - y\right)"
    assert "exp(" not in str(hessian)
    assert hessian is sg.simplify(X.T @ sg.diag(p * (1 - p)) @ X)


def test_logistic_functions_of_scalars_are_read_as_written():
    assert str(sg.diff(sg.log(1 + sg.exp(a)), a)) == "exp(a)/(exp(a) + 1)"
    assert str(sg.grad(sg.sum(sg.log(2 + sg.exp(v))), v)) == "exp(v)/(exp(v) + 2)"


S = sg.matrix("Sigma", ("n", "n"), spd=True)
TEXTBOOK = {
    "Gaussian, covariance": (
        sg.grad(sg.linalg.logdet(S) / 2 + v @ sg.linalg.inv(S) @ v / 2, S),
        r"\frac{1}{2} \Sigma^{-1} - \frac{1}{2} \Sigma^{-1} v v^{\top} \Sigma^{-1}",
    ),
    "Gaussian process, noise": (
        sg.grad(sg.linalg.logdet(S + a * sg.eye("n")), a),
        r"\operatorname{tr}\left({\left(\Sigma + a I_{n}\right)}^{-1}\right)",
    ),
    "Poisson": (
        sg.hessian(sg.sum(sg.exp(X @ c) - y * (X @ c)), c),
        r"X^{\top} \operatorname{diag}\left(\exp\left(X c\right)\right) X",
    ),
    "ridge": (
        sg.grad(sg.norm(X @ c - y) ** 2 / 2 + a * sg.norm(c) ** 2 / 2, c),
        r"X^{\top} \left(X c - y\right) + a c",
    ),
}


@pytest.mark.parametrize("name", TEXTBOOK)
def test_textbook(name):
    e, latex = TEXTBOOK[name]
    assert sg.latex(e) == latex
