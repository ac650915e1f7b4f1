"""Formulas as text: natural order, exact numbers, NumPy's notation for tensors."""

from fractions import Fraction

import numpy as np
import pytest

import symgrad as sg

x, y, z = sg.symbols("x y z")
A = sg.matrix("A", ("m", "n"))
B = sg.matrix("B", ("n", "k"))
Q = sg.matrix("Q", ("n", "n"))
T = sg.symbol("T", (2, 3, 4))
u, v = sg.vector("u", "n"), sg.vector("v", "n")
r = sg.vector("r", "m")
c = sg.symbol("c", ("n", 1))

SCALARS = {
    "4*x**3 - 4*x": -4 * x + 4 * x**3,
    "x**2 - 2*x + 1": 1 - 2 * x + x**2,
    "-x**3 + 2*x - 1": -1 + 2 * x - x**3,
    "x*y + x + y + 3": 3 + x + x * y + y,
    "y - x**2": y - x**2,
    "1 - x": 1 - x,
    "1 - tanh(x)**2": 1 - sg.tanh(x) ** 2,
    "exp(x) + 1": 1 + sg.exp(x),
    "log(exp(x) + 1)": sg.log(1 + sg.exp(x)),
    "x**2 + x + sin(x)": sg.sin(x) + x**2 + x,
    "x**x*(log(x) + 1)": x**x * (sg.log(x) + 1),
    "-x": -x,
    "-(x + y)": -(x + y),
    "x - (y - z)": x - (y - z),
    "x/2": x / 2,
    "2*x/3": 2 * x / 3,
    "-1/2": sg.constant(Fraction(-1, 2)),
    "0.5*x": 0.5 * x,
    "1e-07*x": 1e-7 * x,
    "x - 0.5": x - 0.5,
    "inf": sg.constant(float("inf")),
    "nan": sg.constant(float("nan")),
    "-inf": sg.constant(float("-inf")),
    "pi*x**2 + E": sg.pi * x**2 + sg.E,
    "x/y": x / y,
    "x/(y*z)": x / (y * z),
    "x**2/y": x**2 / y,
    "1/x": 1 / x,
    "1/(2*sqrt(x))": 1 / (2 * sg.sqrt(x)),
    "1/(x/y)": 1 / (x / y),
    "x**(3/2)": x ** Fraction(3, 2),
    "1/x**(2/3)": x ** Fraction(-2, 3),
    "sqrt(x)": sg.sqrt(x),
    "2**x": 2**x,
    "(-2)**x": (-2) ** x,
    "(1/2)**x": sg.constant(Fraction(1, 2)) ** x,
    "(x + 1)**2": (x + 1) ** 2,
    "x**(y**z)": x ** (y**z),
    "(x**y)**z": (x**y) ** z,
    "x**(-y)": x**-y,
    "2*y*(x + 1)": 2 * (x + 1) * y,
    "y*(x + 1)": (x + 1) * y,
    "-x*y/(2*z)": -x * y / (2 * z),
    "(x + 1)/2": (x + 1) / 2,
    "exp(-x)": sg.exp(-x),
    "abs(x)": abs(x),
    "x < y": x < y,
    "where(x > 0, sqrt(x), 0)": sg.where(x > 0, sg.sqrt(x), 0),
    "(x < 1 and y < 2)": sg.logical_and(x < 1, y < 2),
    "floor(x/y)": x // y,
}

TENSORS = {
    "A @ v": A @ v,
    "A.T @ r": A.T @ r,
    "A @ B @ B.T": sg.einsum("ij,jk,lk->il", A, B, B),
    "(A @ B).T": (A @ B).T,
    "u @ v": v @ u,
    "v @ Q @ u": v @ Q @ u,
    "Q.T @ v": v @ Q,
    "2*x*u @ v": 2 * (v @ u) * x,
    "x*A @ v": x * (A @ v),
    "r*(A @ v)": (A @ v) * r,
    "A.T @ diag(r) @ A": sg.einsum("ki,k,kj->ij", A, r, A),
    "outer(v, r)": sg.outer(v, r),
    "outer(A @ v, u)": sg.einsum("ij,j,k->ik", A, v, u),
    "trace(Q)": sg.trace(Q),
    "trace(Q @ Q)": sg.trace(Q @ Q),
    "diagonal(Q)": sg.diagonal(Q),
    "diag(v)": sg.diag(v),
    "sum(A)": sg.sum(A),
    "sum(A, axis=0)": sg.sum(A, axis=0),
    "sum(T, axis=(0, 2))": sg.sum(T, axis=(0, 2)),
    "sum(A**2, axis=1)": sg.einsum("ij,ij->i", A, A),
    "sum(A*r[:, newaxis]*v)": sg.sum(A * r[:, None] * v),
    "A + v": A + v,
    "A*r[:, newaxis]": A * r[:, None],
    "transpose(T, (1, 0, 2))": sg.transpose(T, (1, 0, 2)),
    "sum(T*w, axis=2).T": sg.einsum("ijk,k->ji", T, sg.vector("w", 4)),
    'einsum("ijk,jkl->il", T, U)': sg.einsum("abc,bcd->ad", T, sg.symbol("U", (3, 4, 5))),
    "c[:, 0]": sg.squeeze(c),
    "c + v": c + v,
    "Q + 2*eye(n)": 2 * sg.eye("n") + Q,
    "n*x": sg.size(v) * x,
    "mean(v)": sg.mean(v),
    "norm(v)": sg.norm(v),
    "solve(Q, v)": sg.linalg.solve(Q, v),
    "inv(Q + Q.T)": sg.linalg.inv(Q + Q.T),
    "[1.0, 2.0] @ s": np.array([1.0, 2.0]) @ sg.vector("s", 2),
    "array<(20,)>": sg.constant(np.ones(20)),
    "v[::2]": v[::2],
    "A[1:, 0]": A[1:, 0],
    "v[[0, 2, 1]]": v[[0, 2, 1]],
    "stack([x, y, 1])": sg.stack([x, y, 1]),
    "stack([v, u], axis=1)": sg.stack([v, u], axis=1),
    "concatenate([A, A], axis=1)": sg.concatenate([A, A], axis=1),
    "concatenate([v, zeros((2,))])": sg.concatenate([v, sg.zeros(2)]),
    "softmax(v)": sg.softmax(v),
    "Q @ broadcast_to(v, (n, n))": Q @ sg.broadcast_to(v, ("n", "n")),
}


@pytest.mark.parametrize(("expected", "e"), (SCALARS | TENSORS).items(), ids=[*SCALARS, *TENSORS])
def test_text(expected, e):
    assert str(e) == expected


def test_symbols_named_as_a_number_is_are_told_from_it():
    pi, energy = sg.symbols("pi E")
    assert str(2 * pi) == '2*symbol("pi")'
    assert str(pi * sg.pi) == 'pi*symbol("pi")'
    assert str(sg.vector("pi", "n") @ sg.matrix("P", ("n", "n"))) == "P.T @ pi"
    assert (str(2 * energy), str(2 * sg.E)) == ("2*E", "2*E")
    assert str(energy * sg.E) == "exp(1)*E"


def test_repr_is_str():
    assert repr(x + 1) == str(x + 1) == "x + 1"


@pytest.mark.parametrize("name", ["float32", "float16"])
def test_floats_of_narrow_dtype_have_the_digits_that_they_need(name):
    assert str(sg.constant(np.dtype(name).type(0.1)) * x) == "0.1*x"


def test_a_coefficient_of_one_does_not_show():
    i = sg.symbol("i", dtype=int)
    assert "1.0" not in str(1.0 * i)


def test_derivatives_read_as_a_person_writes_them():
    assert str(sg.grad(x**4 - 2 * x**2, x)) == "4*x**3 - 4*x"
    assert str(sg.diff(sg.tanh(x), x)) == "1 - tanh(x)**2"
    assert str(sg.diff(x**x, x)) == "x**x*(log(x) + 1)"
    assert str(sg.grad(sg.sum((A @ v - r) ** 2), v)) == "2*A.T @ (A @ v - r)"
    assert str(sg.hessian(sg.sum((A @ v - r) ** 2), v)) == "2*A.T @ A"
