"""Determinants and inverses of updates of low rank, by form and by value."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.linalg import det, inv, logdet, solve

A, B = sg.matrix("A", ("n", "n")), sg.matrix("B", ("m", "m"))
v, w, d = sg.vector("v", "n"), sg.vector("w", "n"), sg.vector("d", "n")
psi = sg.vector("psi", "n", positive=True)
L, M = sg.matrix("L", ("n", "k")), sg.matrix("M", ("n", "k"))
c = sg.symbol("c")
outer, eye = sg.outer(v, w), sg.eye("n")

# formula, how it reads at the level "basic", how at the level "full" (None: as at "basic")
CASES = [
    (det(A + outer), "det(outer(v, w) + A)", None),
    (det(eye + outer), "v @ w + 1", None),
    (det(sg.kron(A, B)), "det(A)**m*det(B)**n", None),
    (det(A + outer) * sg.trace(inv(A)), "det(A)*trace(inv(A))*(w @ inv(A) @ v + 1)", None),
    (
        det(A + c * outer) * (v @ solve(A, w)),
        "det(A)*(v @ solve(A, w))*(c*w @ solve(A, v) + 1)",
        None,
    ),
    (
        det(A + L @ M.T) * sg.trace(inv(A)),
        "det(A)*det(M.T @ inv(A) @ L + eye(k))*trace(inv(A))",
        None,
    ),
    (
        logdet(A + outer) + sg.trace(inv(A)),
        "log(abs(w @ inv(A) @ v + 1)) + logdet(A) + trace(inv(A))",
        None,
    ),
    (det(sg.diag(d) + outer), "det(outer(v, w) + diag(d))", None),  # some d may be 0
    (det(sg.diag(psi) + outer), "prod(psi)*((v/psi) @ w + 1)", None),
    (inv(sg.diag(d) + outer), "inv(outer(v, w) + diag(d))", None),
    (
        inv(sg.diag(psi) + L @ L.T),
        "inv(L @ L.T + diag(psi))",
        "diag(1/psi) - diag(1/psi) @ L @ inv(L.T @ diag(1/psi) @ L + eye(k)) @ L.T @ diag(1/psi)",
    ),
    (
        inv(sg.diag(psi) + c * outer),
        "inv(c*outer(v, w) + diag(psi))",
        "diag(1/psi) - c*outer(v/psi, w/psi)/(c*(v/psi) @ w + 1)",
    ),
    (inv(eye + sg.outer(v, v)), "inv(outer(v, v) + eye(n))", "eye(n) - outer(v, v)/(v @ v + 1)"),
]


@pytest.mark.parametrize(("e", "basic", "full"), CASES, ids=[str(e) for e, _, _ in CASES])
def test_updates(e, basic, full):
    rng = np.random.default_rng(7)
    data = {A: (4, 4), B: (3, 3), v: 4, w: 4, d: 4, L: (4, 2), M: (4, 2), c: ()}
    at = {x: rng.normal(size=shape) for x, shape in data.items()} | {psi: np.array([0.4, 1, 2, 3])}
    at = {x: at[x] for x in sg.free_symbols(e)}
    for level, expected in (("basic", basic), ("full", full or basic)):
        result = sg.simplify(e, level=level)
        assert str(result) == expected
        np.testing.assert_allclose(sg.evaluate(result, at), sg.evaluate(e, at), rtol=1e-9)


def test_a_matrix_that_may_be_singular_is_not_inverted():
    """The determinant of an update has a value where that of the matrix is zero."""
    e = sg.simplify(det(A + outer) + det(A))
    singular = np.diag([1.0, 0.0, 2.0])
    one = np.array([0.0, 1.0, 0.0])
    assert sg.evaluate(e, {A: singular, v: one, w: one}) == pytest.approx(2.0)


@pytest.mark.parametrize("level", ["basic", "full"])
@pytest.mark.parametrize(
    "e",
    [
        det(sg.diag(d) + sg.outer(v, v)),
        det(sg.diag(d) + L @ L.T),
        sg.sum(inv(sg.diag(d) + sg.outer(v, v))),
        sg.sum(solve(sg.diag(d) + sg.outer(v, w), v)),
        logdet(sg.diag(d) + L @ L.T),
        sg.linalg.slogdet(sg.diag(d) + L @ L.T)[1],
        det(c * eye + outer) + d[0],
        det(sg.diag(d) * c + outer),
        det(sg.diag(sg.abs(d)) + outer),
        det(sg.diag(d) + sg.diag(sg.abs(w)) + outer),
    ],
    ids=str,
)
def test_a_diagonal_with_a_zero_is_not_divided_by(e, level):
    """The sum of a singular diagonal and a matrix of rank one may be regular."""
    at = {
        v: np.array([1.0, 2.0]),
        w: np.array([2.0, -1.0]),
        d: np.array([0.0, 3.0]),
        L: np.array([[1.0], [2.0]]),
        c: 0.0,
    }
    at = {x: at[x] for x in sg.free_symbols(e)}
    result = sg.simplify(e, level=level)
    np.testing.assert_allclose(sg.evaluate(result, at), sg.evaluate(e, at), rtol=1e-12)
