"""Sums over axes are taken of the terms of a sum that holds a product of matrices."""

import numpy as np
import pytest

import symgrad as sg

X, W, B = sg.matrix("X", ("n", "d")), sg.matrix("W", ("d", "k")), sg.matrix("B", ("n", "k"))
v = sg.vector("v", "k")

PUSHED = {
    "axis 0": (sg.sum(X @ W + B, axis=0), lambda X, W, B: X.sum(0) @ W + B.sum(0)),
    "axis 1": (
        sg.sum(2 * (X @ W) - 3 * B, axis=1),
        lambda X, W, B: 2 * X @ W.sum(1) - 3 * B.sum(1),
    ),
    "all": (sg.sum(X @ W + v), lambda X, W, v: (X @ W + v).sum()),
    "mean": (sg.mean(X @ W - B, axis=0), lambda X, W, B: (X @ W - B).mean(0)),
}
KEPT = {
    "no product": sg.sum(sg.exp(B) + B, axis=0),
    "the product is needed": [sg.sum(X @ W + B, axis=0), X @ W],
    "the sum is needed": [sg.sum(X @ W + B, axis=0), sg.tanh(X @ W + B)],
}


def compiled(formula):
    symbols = [X, W, B, v]
    return sg.lambdify(symbols, formula)


def arrays():
    rng = np.random.default_rng(9)
    return {X: rng.normal(size=(5, 3)), W: rng.normal(size=(3, 4)), B: rng.normal(size=(5, 4))} | {
        v: rng.normal(size=4)
    }


@pytest.mark.parametrize("name", PUSHED)
def test_the_product_is_not_formed(name):
    formula, expected = PUSHED[name]
    f = compiled(formula)
    assert "X @ W" not in f.source.split('"""')[2]
    given = arrays()
    names = expected.__code__.co_varnames
    want = expected(*[given[x] for x in (X, W, B, v) if x.name in names])
    np.testing.assert_allclose(f(*given.values()), want, rtol=1e-13)


@pytest.mark.parametrize("name", KEPT)
def test_what_is_needed_is_formed(name):
    f = compiled(KEPT[name])
    code = f.source.split('"""')[2]
    assert "np.sum(X" not in code and ("X @ W" in code or name == "no product")
