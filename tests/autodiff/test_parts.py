"""Jacobians by a symbol that is read in parts, beside those by symbols of their own for the parts."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.leaves import EYE
from symgrad.expr.traverse import toposort

x = sg.vector("x", 7)
M = sg.matrix("M", ("n", 4))
A = sg.constant(np.arange(6.0).reshape(3, 2))
FORMULAS = {
    "slices and entries": (x, lambda x: sg.sin(x[:3]) * x[3] + sg.sum(x[4:6]) * sg.exp(x[:3])),
    "the end alone": (x, lambda x: A @ x[5:] + x[6]),
    "overlapping slices": (x, lambda x: x[:3] * x[1:4] + x[5] ** 2),
    "reversed, with steps": (x, lambda x: x[2::-1] * sg.cos(x[3::3])[1]),
    "columns of a matrix": (M, lambda M: M[:, 0] * sg.exp(M[:, 1]) + sg.sum(M[:, 2:] ** 2, axis=1)),
    "an output that is a part": (x, lambda x: x[1:4] * 1),
    "read as a whole too": (x, lambda x: x[:3] * sg.sum(x**2)),
    "integers hold nothing": (x, lambda x: sg.floor(x[:2]) * x[4]),
}


@pytest.mark.parametrize("title", FORMULAS)
def test_jacobian_by_parts(title):
    symbol, formula = FORMULAS[title]
    J = sg.jacobian(formula(symbol), symbol)
    shape = tuple({"n": 5}.get(d, d) for d in symbol.shape)
    at = np.random.default_rng(4).uniform(0.3, 0.8, shape)
    f = sg.lambdify(symbol, formula(symbol))
    step = 1e-6
    expected = [
        (f(at + step * e.reshape(shape)) - f(at - step * e.reshape(shape))) / (2 * step)
        for e in np.eye(at.size)
    ]
    got = sg.lambdify(symbol, J)(at)
    rows = np.moveaxis(np.array(expected), 0, -1).reshape(got.shape)
    np.testing.assert_allclose(got, rows, atol=1e-8)


def test_no_part_carries_the_directions_of_the_others():
    camera = sg.vector("camera", 11)
    y = camera[6] * sg.sin(camera[:3] - camera[3:6]) * (1 + camera[9])
    sizes = [e.params.extent for e in toposort([sg.jacobian(y, camera)]) if e.op is EYE]
    assert max(sizes, default=0) <= 3


def test_several_functions_by_several_symbols():
    y = sg.symbol("y")
    blocks = sg.jacobian([x[:2] * y, sg.sum(x[3:]), y**2], [x, y])
    values = sg.lambdify([x, y], blocks)(np.arange(7.0), 2.0)
    np.testing.assert_array_equal(values[0][0], 2 * np.eye(2, 7))
    np.testing.assert_array_equal(values[0][1], [0.0, 1.0])
    np.testing.assert_array_equal(values[1][0], [0, 0, 0, 1, 1, 1, 1])
    np.testing.assert_array_equal(values[2][0], np.zeros(7))


def test_matrices_of_scalars_are_made_of_one_list():
    a, b = sg.symbols("a b")
    R = sg.stack([sg.stack([sg.cos(a), 0 * a, b]), sg.stack([0 * a, 0 * a + 1, 0 * a])])
    f = sg.lambdify([a, b], [R @ sg.constant(np.ones(3)), sg.sum(R, axis=0)])
    assert f.source.count("np.array([[") == 1 and "np.concatenate" not in f.source
    got = f(0.5, 2.0)
    np.testing.assert_allclose(got[0], [np.cos(0.5) + 2, 1.0])
    single = sg.lambdify(
        [sg.symbol("u", dtype="float32")], sg.stack([sg.symbol("u", dtype="float32"), 2.5])
    )
    assert single(np.float32(1)).dtype == np.float32
