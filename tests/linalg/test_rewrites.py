"""What constructors know of transposes, factors, inverses, and of matrices with assumptions."""

import numpy as np
import pytest

import symgrad as sg
from symgrad import linalg as la

A = sg.matrix("A", ("n", "n"))
B = sg.matrix("B", ("n", "k"))
M = sg.matrix("M", ("m", "n"))
S = sg.matrix("S", ("n", "n"), symmetric=True)
P = sg.matrix("P", ("n", "n"), spd=True)
D = sg.matrix("D", ("n", "n"), diagonal=True)
Q = sg.matrix("Q", ("n", "n"), orthogonal=True)
T = sg.symbol("T", ("b", "n", "n"))
c = sg.symbol("c")
I = sg.eye("n")  # noqa: E741

SAME = {
    "inv inv": (la.inv(la.inv(A)), A),
    "inv transpose": (la.inv(A.T), la.inv(A).T),
    "inv batch transpose": (la.inv(la.matrix_transpose(T)), la.matrix_transpose(la.inv(T))),
    "inv factor": (la.inv(2 * A), la.inv(A) / 2),
    "inv orthogonal": (la.inv(Q), Q.T),
    "inv identity": (la.inv(I), I),
    "inv symmetric": (la.inv(S).T, la.inv(S)),
    "inv diagonal": (la.inv(D), sg.diag(1 / sg.diagonal(D))),
    "det transpose": (la.det(A.T), la.det(A)),
    "det inverse": (la.det(la.inv(A)), 1 / la.det(A)),
    "det factor": (la.det(c * A), c ** sg.size(A, 0) * la.det(A)),
    "det number": (la.det(3 * sg.matrix("K", (2, 2))), 9 * la.det(sg.matrix("K", (2, 2)))),
    "det diagonal": (la.det(D), sg.prod(sg.diagonal(D))),
    "det identity": (la.det(I), sg.constant(1)),
    "logdet inverse": (la.logdet(la.inv(A)), -la.logdet(A)),
    "logdet transpose": (la.logdet(A.T), la.logdet(A)),
    "logdet orthogonal": (la.logdet(Q), sg.constant(0)),
    "logdet spd inverse": (la.logdet(la.inv(P)), -la.logdet(P)),
    "logdet diagonal": (la.logdet(D), sg.sum(sg.log(sg.abs(sg.diagonal(D))))),
    "logdet factor": (la.logdet(2 * A), la.logdet(A) + sg.size(A, 0) * sg.log(2)),
    "sign inverse": (la.slogdet(la.inv(A)).sign, la.slogdet(A).sign),
    "solve orthogonal": (la.solve(Q, B), Q.T @ B),
    "solve inverse": (la.solve(la.inv(A), B), A @ B),
    "solve identity": (la.solve(A, I), la.inv(A)),
    "pinv transpose": (la.pinv(M.T), la.pinv(M).T),
    "pinv orthogonal": (la.pinv(Q), Q.T),
    "expm transpose": (la.expm(A.T), la.expm(A).T),
    "expm symmetric": (la.expm(S).T, la.expm(S)),
    "power 0": (la.matrix_power(A, 0), I),
    "power 1": (la.matrix_power(A, 1), A),
}


@pytest.mark.parametrize("name", SAME)
def test_same_node(name):
    actual, expected = SAME[name]
    assert sg.simplify(actual) is sg.simplify(expected)
    sg.check_graph(actual)


GRADIENTS = {
    "logdet": (la.logdet(A), A, "inv(A).T"),
    "log det": (sg.log(la.det(A)), A, "inv(A).T"),
    "logdet inverse": (la.logdet(la.inv(A)), A, "-inv(A).T"),
    "logdet spd": (la.logdet(P), P, "inv(P)"),
    "det": (la.det(A), A, "det(A)*inv(A).T"),
    "det factor": (la.det(c * A), c, "n*c**(n - 1)*det(A)"),
    "trace inv": (sg.trace(la.inv(A)), A, "-inv(A).T @ inv(A).T"),
    "nuclear": (la.norm(M, "nuc"), M, "svd_u(M) @ svd_vt(M)"),
    "frobenius squared": (la.norm(M, "fro") ** 2, M, "2*M"),
    "frobenius": (la.norm(M, "fro"), M, "M/norm(M)"),
    "sum of eigenvalues": (sg.sum(la.eigvalsh(S)), S, "eye(n)"),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradient_reads_as_in_a_textbook(name):
    f, x, expected = GRADIENTS[name]
    assert str(sg.grad(f, x)) == expected


LATEX = {
    "A^{-1}": la.inv(A),
    "M^{+}": la.pinv(M),
    r"\log\det\left(P\right)": la.logdet(P),
    r"U\left(M\right) V^{\top}\left(M\right)": sg.grad(la.norm(M, "nuc"), M),
    r"e^{A}": la.expm(A),
    r"\lambda\left(S\right)": la.eigvalsh(S),
    r"\operatorname{chol}\left(P\right)": la.cholesky(P),
}


@pytest.mark.parametrize("expected", LATEX)
def test_latex(expected):
    assert sg.latex(LATEX[expected]) == expected


@pytest.mark.parametrize("n", [1, 2, 5])
def test_values_of_matrices_with_assumptions(n):
    """The simplified forms compute what NumPy computes."""
    rng = np.random.default_rng(n)
    d = np.diag(rng.uniform(-2, 2, n))
    q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    x = rng.normal(size=(n, n))
    p = x @ x.T + np.eye(n)
    b = rng.normal(size=(n, 3))
    for leaf, value in ((D, d), (Q, q), (P, p)):
        outputs = [la.inv(leaf), la.det(leaf), *la.slogdet(leaf), la.solve(leaf, B), la.pinv(leaf)]
        results = sg.lambdify([leaf, B], outputs)(value, b)
        expected = [
            np.linalg.inv(value),
            np.linalg.det(value),
            *np.linalg.slogdet(value),
            np.linalg.solve(value, b),
            np.linalg.pinv(value),
        ]
        for actual, wanted in zip(results, expected, strict=True):
            np.testing.assert_allclose(actual, wanted, rtol=1e-11, atol=1e-13)
