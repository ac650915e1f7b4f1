"""Depth costs its length: chains of every kind, differentiated, compiled, run and printed."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.traverse import toposort

x, y = sg.symbols("x y")
v, A = sg.vector("v", "n"), sg.matrix("A", ("n", "n"))

SCALAR_STEPS = {
    "products": lambda z: sg.sin(z) * z + z,
    "sums": lambda z: y - (x - z),
    "quotients": lambda z: z / (1 + z),
    "roots": lambda z: sg.sqrt(1 + z**2),
    "branches": lambda z: sg.where(z > 0, sg.sqrt(z) * y, z**2),
    "extrema": lambda z: sg.maximum(z, y) * x,
    "softplus": lambda z: sg.log(1 + sg.exp(z)),
    "exponentials": lambda z: sg.exp(-z) * z,
    "multiples": lambda z: 2 * (z + x),
}
TENSOR_STEPS = {
    "matrix chain": lambda z: A @ z,
    "network": lambda z: sg.tanh(A @ z),
    "elementwise": lambda z: sg.sin(z) * v + z,
    "normalised": lambda z: z / sg.sum(z**2) + v,
    "slices": lambda z: sg.concatenate([z[1:], z[:1]]) * v,
}


def chain(step, depth, start):
    for _ in range(depth):
        start = step(start)
    return start


@pytest.mark.parametrize("name", SCALAR_STEPS)
def test_scalar_chains(name):
    sizes = []
    for depth in (200, 400, 800):
        e = chain(SCALAR_STEPS[name], depth, x)
        g = sg.grad(e, x)
        sizes.append(len(toposort([g])))
        f = sg.lambdify([x, y], [e, g])
        floats = f(0.5, 0.75)
        arrays = f(np.full(2, 0.5), 0.75)
        np.testing.assert_allclose([r[0] for r in arrays], floats, rtol=1e-10)
        assert len(str(g)) < 25_000
    assert sizes[2] - sizes[1] <= 2 * (sizes[1] - sizes[0]) + 10


@pytest.mark.parametrize("name", TENSOR_STEPS)
def test_tensor_chains(name):
    rng = np.random.default_rng(0)
    matrix, vector = np.linalg.qr(rng.normal(size=(3, 3)))[0], rng.normal(size=3)
    sizes = []
    for depth in (50, 100, 200):
        e = sg.sum(chain(TENSOR_STEPS[name], depth, v))
        g = sg.grad(e, v)
        sizes.append(len(toposort([g])))
        assert np.shape(sg.lambdify([v, A], g)(vector, matrix)) == (3,)
        assert len(str(g)) < 25_000
    assert sizes[2] - sizes[1] <= 2 * (sizes[1] - sizes[0]) + 10


def test_the_gradient_of_a_matrix_chain_is_the_product():
    rng = np.random.default_rng(0)
    matrix = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    g = sg.grad(sg.sum(chain(TENSOR_STEPS["matrix chain"], 60, v)), v)
    expected = np.linalg.matrix_power(matrix, 60).sum(axis=0)
    np.testing.assert_allclose(sg.evaluate(g, {A: matrix}), expected, rtol=1e-10)


def test_guards_do_not_nest():
    """A chain of maxima has one guard per level, by all the conditions so far."""
    g = sg.grad(chain(SCALAR_STEPS["extrema"], 400, x), x)
    nested = [
        node
        for node in toposort([g])
        if node.op.name == "where"
        and node.args[1].op.name == "where"
        and sg.constant(0) is node.args[2]
    ]
    assert not nested
