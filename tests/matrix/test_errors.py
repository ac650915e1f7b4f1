"""Ill-posed formulas of matrices: the error names the shapes and the way out."""

import numpy as np
import pytest

import symgrad as sg
from symgrad import linalg as la
from symgrad.errors import ArgumentError, ShapeError

A, B = sg.matrix("A", ("n", "m")), sg.matrix("B", ("n", "k"))
S = sg.matrix("S", ("n", "n"))
v, x = sg.vector("v", "m"), sg.vector("x", "n")
FIT = "give equal extents one name"

CASES = {
    "product": (lambda: A @ B, "(n, m) and (n, k)", "write A.T @ B"),
    "product with a vector": (lambda: A @ x, "(n, m) and (n,)", "write A.T @ B"),
    "product from the left": (lambda: B.T @ A.T, "(k, n) and (m, n)", "write A @ B.T"),
    "both turned": (lambda: A.T @ B.T, "(m, n) and (k, n)", "write A @ B.T"),
    "two vectors": (lambda: x @ v, "(n,) and (m,)", "outer(A, B)"),
    "no way to turn": (lambda: A @ sg.matrix("C", ("p", "q")), "(n, m) and (p, q)", FIT),
    "sum": (lambda: A + B, "(n, m) and (n, k)", "use one name for equal extents"),
    "quadratic form": (lambda: x @ A @ x, "(m,) and (n,)", FIT),
    "einsum": (lambda: sg.einsum("ij,jk->ik", A, B), "(n, m) and (n, k)", FIT),
    "tensordot": (lambda: sg.tensordot(A, B, axes=1), "(n, m) and (n, k)", FIT),
    "dot": (lambda: sg.dot(A, B), "(n, m) and (n, k)", FIT),
    "inner": (lambda: sg.inner(A, B), "(n, m) and (n, k)", FIT),
    "multi_dot": (lambda: la.multi_dot([A, B]), "(n, m) and (n, k)", "write A.T @ B"),
    "solve, rows": (lambda: la.solve(S, v), "(n, n) with right-hand side (m,)", "(n,) or (n, k)"),
    "solve, turned": (
        lambda: la.solve(S, A.T),
        "(n, n) with right-hand side (m, n)",
        "needs n rows",
    ),
    "solve, oblong": (lambda: la.solve(A, x), "(n, m)", "pinv"),
    "gradient of a vector": (lambda: sg.grad(A @ v, v), "(n,)", "jacobian(f, x)"),
    "gradient of a matrix": (lambda: sg.grad(A, A), "(n, m)", "of shape (n, m, n, m)"),
    "hessian of a vector": (lambda: sg.hessian(A @ v, v), "(n,)", "jacobian(f, x)"),
    "diff by a vector": (lambda: sg.diff(A @ v, v), "(m,)", "jacobian(f, x)"),
    "trace of a vector": (lambda: sg.trace(x), "(n,)", "sum(a)"),
    "trace of an oblong": (lambda: sg.trace(A), "(n, m)", "('n', 'n')"),
    "direction": (lambda: sg.jvp(A @ v, v, x), "(n,), needs (m,)", "direction of 'v'"),
    "cotangent": (lambda: sg.vjp(A @ v, v, v), "(m,), needs (n,)", "cotangent"),
    "symmetric": (lambda: sg.matrix("Q", ("n", "m"), symmetric=True), "(n, m)", "('n', 'n')"),
    "spd": (lambda: sg.matrix("Q", ("n", "m"), spd=True), "(n, m)", "('n', 'n')"),
    "one extent": (lambda: sg.matrix("Q", "n"), "'n'", "('m', 'n')"),
}
SQUARE = ("det", "inv", "logdet", "slogdet", "cholesky", "eigh", "eigvalsh", "expm")


@pytest.mark.parametrize("name", CASES)
def test_shapes_and_way_out(name):
    formula, shapes, way_out = CASES[name]
    with pytest.raises(ShapeError) as caught:
        formula()
    assert shapes in str(caught.value)
    assert way_out in str(caught.value)


@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize(
    ("operand", "shape", "way_out"),
    [(A, "(n, m)", "give them one name"), (x, "(n,)", "two equal extents, such as ('n', 'n')")],
)
def test_functions_of_square_matrices(name, operand, shape, way_out):
    with pytest.raises(ShapeError) as caught:
        getattr(la, name)(operand)
    message = str(caught.value)
    assert message.startswith(f"{name} needs a square matrix")
    assert shape in message and way_out in message


def test_what_is_suggested_fits():
    assert (A.T @ B).shape == ("m", "k")
    assert sg.jacobian(A, A).shape == ("n", "m", "n", "m")
    assert la.inv(A.T @ A).shape == ("m", "m")


def test_a_norm_that_matrices_do_not_have():
    with pytest.raises(ArgumentError, match="use one of None, fro, nuc"):
        la.norm(A, 3)


def test_arrays_of_wrong_shape():
    f = sg.lambdify([A, v], A @ v)
    with pytest.raises(ShapeError, match=r"argument v has shape \(4,\), needs \(m,\)"):
        f(np.ones((2, 3)), np.ones(4))
    with pytest.raises(ShapeError, match=r"argument S has shape \(2, 3\), needs \(n, n\)"):
        sg.lambdify([S], la.inv(S))(np.ones((2, 3)))
