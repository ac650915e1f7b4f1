"""The block form of Hessians: symmetric by construction, half of it differentiated."""

from itertools import pairwise

import numpy as np
import pytest

import symgrad as sg
from symgrad.autodiff import columns


def scalars(n):
    return list(sg.symbols(" ".join(f"x{i}" for i in range(n))))


def chain(xs):
    return sum(100 * (b - a**2) ** 2 + sg.sin(a) * b for a, b in pairwise(xs))


def test_mirrored_entries_are_the_same_nodes():
    xs = scalars(12)
    f = chain(xs) + sg.exp(xs[0] * xs[7]) * sg.log(1 + xs[3] ** 2)
    H = sg.hessian(f, xs)
    for i in range(12):
        for j in range(12):
            assert H[i][j] is H[j][i]
    assert str(H[0][9]) == "0"


def test_values_against_one_entry_at_a_time():
    xs = scalars(5)
    f = chain(xs) * xs[2] + sg.tanh(xs[0] * xs[4])
    point = np.linspace(0.3, 1.2, 5)
    got = sg.lambdify(xs, sg.hessian(f, xs))(*point)
    want = sg.lambdify(xs, [[sg.diff(sg.diff(f, a), b) for b in xs] for a in xs])(*point)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_blocks_of_arrays_are_transposes():
    x, y, U = sg.vector("x", "n"), sg.vector("y", "m"), sg.matrix("U", ("n", "m"))
    s = sg.symbol("s")
    f = sg.sum(sg.exp(x) * (U @ y) ** 2) * s + sg.sum(U**3)
    unknowns = [x, U, s, y]
    H = sg.hessian(f, unknowns)
    shapes = [[b.shape for b in row] for row in H]
    assert shapes == [[(*a.shape, *b.shape) for b in unknowns] for a in unknowns]
    for i, a in enumerate(unknowns):
        for j in range(i + 1, len(unknowns)):
            b = H[i][j]
            order = (*range(a.ndim, b.ndim), *range(a.ndim))
            assert H[j][i] is (sg.transpose(b, order) if b.ndim else b)
    rng = np.random.default_rng(31)
    arrays = [rng.normal(size=shape) for shape in ((3,), (3, 2), (), (2,))]
    got = sg.lambdify(unknowns, H)(*arrays)
    other = sg.lambdify(unknowns, [sg.jacobian(g, unknowns) for g in sg.grad(f, unknowns)])(*arrays)
    for row, other_row in zip(got, other, strict=True):
        for block, expected in zip(row, other_row, strict=True):
            np.testing.assert_allclose(block, expected, rtol=1e-12, atol=1e-12)


def pairs(n):
    xs = scalars(n)
    return xs, sum(sg.exp(-((a - b) ** 2)) for i, a in enumerate(xs) for b in xs[:i])


def tangents_asked(monkeypatch, f, xs):
    asked = []
    original = columns.JacobianColumns._tangent

    def counted(self, node, arrived):
        asked.append(len(arrived))
        return original(self, node, arrived)

    monkeypatch.setattr(columns.JacobianColumns, "_tangent", counted)
    sg.hessian(f, xs)
    monkeypatch.undo()
    return sum(asked)


def test_work_grows_as_the_result(monkeypatch):
    asked = {n: tangents_asked(monkeypatch, *reversed(pairs(n))) for n in (8, 16, 32)}
    assert asked[16] <= 5 * asked[8]
    assert asked[32] <= 4.3 * asked[16]
    chains = {n: tangents_asked(monkeypatch, chain(scalars(n)), scalars(n)) for n in (20, 40)}
    assert chains[40] <= 2.2 * chains[20]


def test_jacobian_of_a_list_of_equations_beside_single_derivatives():
    xs, f = pairs(5)
    equations = [*sg.grad(f, xs), f * xs[3], sg.constant(2.0) * xs[1], sg.constant(1.0)]
    got = sg.jacobian(equations, xs)
    assert str(got[-1][0]) == "0"
    point = np.random.default_rng(8).normal(size=5)
    values = np.array(sg.lambdify(xs, got)(*point), dtype=float)
    for i, y in enumerate(equations):
        want = sg.lambdify(xs, [sg.diff(y, x) for x in xs])(*point)
        np.testing.assert_allclose(values[i], want, rtol=1e-12, atol=1e-13)


def test_an_equation_without_a_derivative_is_named():
    x, y = sg.symbols("x y")
    steps = sg.elementwise_function("steps_of_blocks", numpy="np.floor({0})")
    undefined = sg.jacobian([steps(x), x * y], [x, y])
    with pytest.raises(sg.DerivativeError, match="steps_of_blocks"):
        sg.lambdify([x, y], undefined)(1.0, 2.0)
    assert sg.jacobian([steps(x), x * y], [y])[1] == [x]


@pytest.mark.parametrize("unknowns", [["a"], ["a", "b"]])
def test_symbols_that_do_not_occur(unknowns):
    xs = [sg.symbol(name) for name in unknowns]
    H = sg.hessian(sg.constant(3.0), xs)
    assert [[str(e) for e in row] for row in H] == [["0"] * len(xs)] * len(xs)
