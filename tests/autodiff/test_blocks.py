"""The block form of Hessians: symmetric by construction, half of it differentiated."""

from itertools import pairwise

import numpy as np
import pytest

import symgrad as sg
from symgrad.autodiff import derivatives


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


def test_half_is_differentiated(monkeypatch):
    asked = []
    original = derivatives._jacobians

    def counted(outputs, x, simplified=True):
        asked.append(len(outputs))
        return original(outputs, x, simplified)

    monkeypatch.setattr(derivatives, "_jacobians", counted)
    xs = scalars(6)
    product = xs[0]
    for x in xs[1:]:
        product = product * x
    sg.hessian(sg.sin(product), xs)
    assert asked == [1, 2, 3, 4, 5, 6]
    asked.clear()
    sg.hessian(chain(xs), xs)  # entries off the three diagonals are not asked for
    assert sum(asked) <= 2 * 6


@pytest.mark.parametrize("unknowns", [["a"], ["a", "b"]])
def test_symbols_that_do_not_occur(unknowns):
    xs = [sg.symbol(name) for name in unknowns]
    H = sg.hessian(sg.constant(3.0), xs)
    assert [[str(e) for e in row] for row in H] == [["0"] * len(xs)] * len(xs)
