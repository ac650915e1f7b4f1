"""Many scalar unknowns are solved for as the entries of one vector are."""

import numpy as np

import symgrad as sg

N = 11
v = sg.vector("v", N)
xs = [sg.symbol(f"x{i}") for i in range(N)]
a = sg.symbol("a")
AS_SCALARS = {v[i]: x for i, x in enumerate(xs)}


def chain(u):
    return sum(a * (u[i + 1] - u[i] ** 2) ** 2 + (1 - u[i]) ** 2 for i in range(N - 1))


def dense(u):
    return chain(u) + sg.exp(sum(u) / 20)


def start(count):
    return np.random.default_rng(2).normal(1.0, 0.1, size=(count, N))


def test_minima():
    for f in (chain, dense):
        by_scalars, by_vector = (
            sg.newton_minimize(f(u), list(xs) if u is xs else v, a) for u in (xs, v)
        )
        one = by_scalars(list(start(1)[0]), 5.0)
        assert one.converged
        np.testing.assert_allclose(one.x, by_vector(start(1)[0], 5.0).x, rtol=1e-8)
        many = by_scalars(list(start(3).T), 5.0)
        np.testing.assert_allclose(many.x, by_vector(start(3), 5.0).x, rtol=1e-8)


def test_roots():
    equations = [u * sg.exp(u / 5) + xs[i - 1] / 3 - a for i, u in enumerate(xs)]
    root = sg.newton_root(equations, xs, a)
    found = root(list(np.ones(N)), 2.0)
    assert found.converged
    values = sg.lambdify([*xs, a], equations)(*found.x, 2.0)
    assert np.abs(values).max() < 1e-12
    many = root(list(start(4).T), 2.0)
    np.testing.assert_allclose(many.x, [np.asarray(found.x)] * 4, rtol=1e-9)


def test_the_matrix_is_one_output():
    source = sg.newton_minimize(chain(xs), xs, a).source
    assert "_scatter_add(" in source
