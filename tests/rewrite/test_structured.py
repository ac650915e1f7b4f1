"""Kronecker products, blocks, triangles and low rank: each rule by form and by value.

Values are compared with those of an interpreter that knows no rules (`tests.properties.interpreters`).
"""

import mpmath
import numpy as np
import pytest
from tests.properties.interpreters import numpy_value

import symgrad as sg
from symgrad import linalg as la
from symgrad.expr.traverse import check_graph
from symgrad.rewrite.structured import COMPUTED_RULES, READ_RULES, by_structure

N, M, K = 3, 2, 6
A, B = sg.matrix("A", (N, N)), sg.matrix("B", (M, M))
C, D, G = sg.matrix("C", (N, M)), sg.matrix("D", (M, N)), sg.matrix("G", (M, M))
u, w, x = sg.vector("u", N), sg.vector("w", M), sg.vector("x", N + M)
v, z = sg.vector("v", N), sg.vector("z", N * M)
d, e = sg.vector("d", N, positive=True), sg.vector("e", K, positive=True)
U = sg.matrix("U", (K, 2))
s = sg.symbol("s", positive=True)
zero = sg.zeros
diagonal_blocks = sg.block([[A, zero((N, M))], [zero((M, N)), B]])
upper = sg.block([[A, C], [zero((M, N)), B]])
lower = sg.block([[A, zero((N, M))], [D, B]])
columns = sg.hstack([sg.vstack([A, D]), zero((N + M, M))])
L = sg.tril(A)
one = sg.diag(d) + 2 * sg.outer(u, u)
thin = sg.diag(e) + s * (U @ U.T)
inverse_of_upper = sg.block([[la.inv(A), -la.inv(A) @ C @ la.inv(B)], [zero((M, N)), la.inv(B)]])

# rule: (formula, expected) pairs; None where the form is no shorter to read
CASES = {
    "det(kron(A, B)) = det(A)**m * det(B)**n": [
        (la.det(sg.kron(A, B)), la.det(A) ** 2 * la.det(B) ** 3),
        (la.det(sg.kron(sg.kron(B, 2 * B), G)), 256 * la.det(B) ** 8 * la.det(G) ** 4),
    ],
    "sign of det(kron(A, B))": [(la.slogdet(sg.kron(A, B))[0], None)],
    "logdet(kron(A, B)) = m*logdet(A) + n*logdet(B)": [
        (la.logdet(sg.kron(A, B)), 2 * la.logdet(A) + 3 * la.logdet(B)),
        (la.logdet(sg.kron(sg.diag(d), B)), 2 * sg.sum(sg.log(d)) + 3 * la.logdet(B)),
    ],
    "inv(kron(A, B)) = kron(inv(A), inv(B))": [
        (la.inv(sg.kron(A, B)), sg.kron(la.inv(A), la.inv(B))),
        (la.inv(sg.kron(sg.eye(N), B)), sg.kron(sg.eye(N), la.inv(B))),
    ],
    "kron(A, B) @ kron(C, D) = kron(A @ C, B @ D)": [
        (sg.kron(A, B) @ sg.kron(C, G), sg.kron(A @ C, B @ G)),
        (sg.kron(A, B).T, sg.kron(A.T, B.T)),
        (sg.trace(sg.kron(A, B)), sg.trace(A) * sg.trace(B)),
    ],
    "solve(kron(A, B), c) by A and by B": [
        (la.solve(sg.kron(A, B), z), None),
        (la.solve(sg.kron(A, B), sg.kron(C, G)), None),
    ],
    "kron(A, B) @ x without kron(A, B)": [
        (sg.kron(A, B) @ z, None),
        (z @ sg.kron(A, B).T @ z, None),
        (sg.einsum("ij,i,j->", sg.kron(A, B), z, z), None),
        (sg.diagonal(sg.kron(A, B)) * z, None),
    ],
    "determinant of a block triangle": [
        (la.det(upper), la.det(A) * la.det(B)),
        (la.det(columns), la.det(zero((M, M))) * la.det(A)),
        (la.slogdet(lower)[0], la.slogdet(A)[0] * la.slogdet(B)[0]),
    ],
    "logdet of a block triangle": [(la.logdet(lower.T), la.logdet(A) + la.logdet(B))],
    "trace by blocks": [
        (sg.trace(sg.block([[A, C], [D, B]])), sg.trace(A) + sg.trace(B)),
    ],
    "inverse of a block triangle": [
        (la.inv(upper), inverse_of_upper),
        (
            la.inv(diagonal_blocks),
            sg.block([[la.inv(A), zero((N, M))], [zero((M, N)), la.inv(B)]]),
        ),
        (la.inv(sg.block([[B, zero((M, 5))], [sg.ones((5, M)), lower]])), None),
    ],
    "solution by a block triangle": [
        (
            la.solve(upper, sg.concatenate([u, w])),
            sg.concatenate([la.solve(A, u - C @ la.solve(B, w)), la.solve(B, w)]),
        ),
        (la.solve(lower, x), None),
        (la.solve(diagonal_blocks, sg.outer(x, w)), None),
    ],
    "det(L) = prod(diagonal(L)), L a triangle": [
        (la.det(L), sg.prod(sg.diagonal(A))),
        (la.det(L.T @ sg.diag(d)), None),
        (la.det(sg.eye(N) + sg.tril(A, -1)), sg.constant(1)),
        (la.det(sg.triu(A, 1)), sg.constant(0)),
    ],
    "sign of det(L), L a triangle": [(la.slogdet(-2 * L)[0], None)],
    "logdet(L) = sum(log|diagonal(L)|), L a triangle": [
        (la.logdet(L @ L.T), 2 * sg.sum(sg.log(sg.abs(sg.diagonal(A))))),
        (la.logdet(la.cholesky(A @ A.T + sg.eye(N))), None),
    ],
    "det(diag(d) + outer(u, u)) = prod(d)*(1 + sum(u**2/d))": [
        (la.det(sg.eye(N) + sg.outer(u, u)), 1 + u @ u),
        (la.det(s * sg.eye(N) + sg.outer(u, u)), None),
    ],
    "logdet(diag(d) + outer(u, u)) = sum(log(d)) + ...": [
        (la.logdet(sg.eye(N) + sg.outer(u, u)), sg.log(1 + u @ u)),
    ],
    "det(diag(d) + outer(u, v)) = prod(d)*(1 + v @ (u/d))": [
        (la.det(sg.eye(N) + sg.outer(u, v)), 1 + u @ v),
        (la.det(2 * sg.eye(N) - sg.outer(u, v)), None),
        (la.det(sg.diag(d) - 3 * sg.outer(u, v)), None),
    ],
    "logdet(diag(d) + outer(u, v)) = sum(log(d)) + log|1 + v @ (u/d)|": [
        (la.slogdet(sg.eye(N) - 2 * sg.outer(u, v))[1], sg.log(sg.abs(1 - 2 * (u @ v)))),
        (la.slogdet(sg.diag(d) + sg.outer(u, v))[1], None),
    ],
    "sign of det(diag(d) + outer(u, v))": [
        (la.slogdet(sg.eye(N) - 2 * sg.outer(u, v))[0], sg.sign(1 - 2 * (u @ v))),
    ],
    "det(diag(d) + U @ U.T) by the rows of U": [(la.det(thin), None), (la.det(one), None)],
    "logdet(diag(d) + U @ U.T) by the rows of U": [
        (la.logdet(thin), None),
        (la.logdet(sg.eye(K) + U @ U.T), None),
    ],
    "inv(diag(d) + U @ U.T) @ U by a small system": [
        (la.inv(one) @ u, None),
        (u @ la.inv(one) @ u, None),
        (sg.grad(la.logdet(thin), U), None),
        (U.T @ la.inv(thin) @ U, None),
    ],
    "solve(diag(d) + U @ U.T, U) by a small system": [
        (la.solve(one, u), None),
        (la.solve(thin, U), None),
    ],
}
PAIRS = [
    pytest.param(name, formula, expected, id=f"{name} #{k}")
    for name, pairs in CASES.items()
    for k, (formula, expected) in enumerate(pairs)
]


def values_at(*formulas):
    values = {}
    for leaf in sg.free_symbols(*formulas):
        rng = np.random.default_rng(sum(map(ord, leaf.name)))
        square = leaf.ndim == 2 and leaf.shape[0] == leaf.shape[1]
        value = rng.uniform(0.4, 1.6, leaf.shape)
        values[leaf] = value + 2 * np.eye(leaf.shape[0]) if square else value
    return values


def same(one_formula, other):
    values = values_at(one_formula, other)
    expected = numpy_value(one_formula, values)
    np.testing.assert_allclose(numpy_value(other, values), expected, rtol=1e-10, atol=1e-12)


def test_every_rule_has_a_case():
    assert {rule.name for rule in (*READ_RULES, *COMPUTED_RULES)} == set(CASES)


@pytest.mark.parametrize(("name", "formula", "expected"), PAIRS)
def test_structure(name, formula, expected):
    (computed,) = by_structure([formula])
    ops = {rule.op for rule in COMPUTED_RULES if rule.name == name}
    assert computed is not formula or not ops
    check_graph(computed)
    same(formula, computed)
    simple = sg.simplify(formula)
    check_graph(simple)
    same(formula, simple)
    if expected is not None:
        assert simple is sg.simplify(expected)
        assert "kron" in str(expected) or "kron" not in str(simple)
    symbols = sg.free_symbols(formula)
    values = values_at(formula)
    code = sg.lambdify(symbols, formula)(*[values[leaf] for leaf in symbols])
    np.testing.assert_allclose(code, numpy_value(formula, values), rtol=1e-9, atol=1e-12)


GRADIENTS = {
    "kron": (la.logdet(sg.kron(A, B)), A, "2*inv(A).T"),
    "block": (la.logdet(upper), B, "inv(B).T"),
    "beside the diagonal": (la.logdet(upper), C, "zeros((3, 2))"),
    "triangle": (la.logdet(L @ L.T), A, "2*diag(1/diagonal(A))"),
    "power": (la.det(la.matrix_power(A, 3)), A, "3*det(A)**3*inv(A).T"),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_are_those_of_the_parts(name):
    f, leaf, expected = GRADIENTS[name]
    gradient = sg.grad(f, leaf)
    assert str(gradient) == expected
    point = {**values_at(f, gradient)}
    direction = np.random.default_rng(5).normal(size=leaf.shape)
    step = 1e-5
    ends = [numpy_value(f, {**point, leaf: point[leaf] + k * step * direction}) for k in (1, -1)]
    held = {x: point[x] for x in sg.free_symbols(gradient)}
    slope = np.sum(sg.evaluate(gradient, held) * direction)
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-7, abs=1e-9)


def test_names_of_extents():
    P, Q = sg.matrix("P", ("n", "n")), sg.matrix("Q", ("m", "m"))
    T = sg.block([[P, sg.zeros(("n", "m"))], [sg.zeros(("m", "n")), Q]])
    assert str(sg.simplify(la.det(T))) == "det(P)*det(Q)"
    assert sg.latex(sg.simplify(la.det(sg.kron(P, Q)))) == (
        r"\det^{m}\left(P\right) \det^{n}\left(Q\right)"
    )
    v = sg.vector("v", "n")
    assert "inv" not in sg.lambdify([P, Q], la.det(sg.kron(P, Q))).source
    assert str(sg.simplify(la.det(sg.eye("n") + sg.outer(v, v)))) == "v @ v + 1"


def test_no_formula_is_larger_than_it_must_be():
    """A Kronecker product is formed nowhere, and a thin factor's system is small."""
    source = sg.lambdify([A, B, z], la.solve(sg.kron(A, B), z)).source
    assert "kron" not in source.split('"""')[-1]
    assert source.count("np.linalg.solve") == 2
    source = sg.lambdify([e, U], sg.grad(la.logdet(sg.diag(e) + U @ U.T), U)).source
    assert "np.eye(2)" in source and "np.eye(6)" not in source


UNSAFE = [
    la.det(A + sg.outer(u, u)),  # A may be singular
    la.det(sg.diag(u) + sg.outer(u, u)),  # an entry of u may be zero
    la.det(sg.diag(d) - sg.outer(u, u)),  # digits may cancel
    la.inv(one),
    la.solve(thin, e),
    la.det(sg.diag(e) + sg.matrix("V", (K, K)) @ sg.matrix("V", (K, K)).T),
]


@pytest.mark.parametrize("formula", UNSAFE, ids=str)
def test_low_rank_is_left_alone_where_it_is_unsafe_or_does_not_pay(formula):
    assert by_structure([formula])[0] is formula


@pytest.mark.parametrize("size", [1e-12, 1e-6, 1.0, 1e6])
def test_digits_of_low_rank(size):
    """As many digits as the formula has, however small the diagonal is beside the rest."""
    rng = np.random.default_rng(3)
    diagonal, vector = size * rng.uniform(1, 2, N), rng.normal(size=N)
    outputs = [la.logdet(one), u @ la.inv(one) @ u, la.solve(one, u)]
    got = sg.lambdify([d, u], outputs)(diagonal, vector)
    with mpmath.workdps(60):
        matrix = mpmath.diag([mpmath.mpf(t) for t in diagonal])
        column = mpmath.matrix([mpmath.mpf(t) for t in vector])
        matrix += 2 * column * column.T
        solution = mpmath.lu_solve(matrix, column)
        expected = [
            float(mpmath.log(mpmath.det(matrix))),
            float((column.T * solution)[0]),
            np.array([float(t) for t in solution]),
        ]
    for one_value, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one_value, other, rtol=1e-13, atol=0)


# Blocks


@pytest.mark.parametrize(
    ("nest", "message"),
    [
        ([[A, B], []], "empty list"),
        ([(A, A)], "takes lists, not the tuple"),
        ([A, [A]], "lists of one depth"),
    ],
)
def test_nests_that_are_no_blocks(nest, message):
    with pytest.raises(sg.ArgumentError, match=message):
        sg.block(nest)


def test_blocks_that_do_not_fit():
    with pytest.raises(sg.ShapeError, match="other extents must agree"):
        sg.block([[A, B]])


def test_blocks_are_read_as_a_matrix_of_them():
    assert str(upper) == f"block([[A, C], [zeros(({M}, {N})), B]])"
    assert sg.latex(upper) == r"\begin{bmatrix} A & C \\ \mathbf{0} & B \end{bmatrix}"
    assert sg.latex(sg.kron(A, B) @ z) == r"\left(A \otimes B\right) z"
