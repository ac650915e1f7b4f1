"""Optimizers against their rules written out."""

from itertools import pairwise

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError, ShapeError


def rule(name, steps):
    """The iterates of a rule on a gradient that changes sign, by hand."""
    p, v, m = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2)
    for t in range(1, steps + 1):
        g = np.cos(t * p)
        if name == "SGD":
            p = p - 0.1 * g
        elif name == "Momentum":
            v = 0.9 * v - 0.1 * g
            p = p + v
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            p = p - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return p


@pytest.mark.parametrize("name", ["SGD", "Momentum", "Adam"])
def test_rules(name):
    p = sg.variable([1.0, -2.0])
    optimizer = getattr(sg.optim, name)({"p": [p]}, lr=0.1)
    arrays = getattr(sg.optim, name)(lr=0.1)
    params = {"p": (np.array([1.0, -2.0]),), "q": 3.0}
    state = arrays.init(params)
    for t in range(1, 21):
        optimizer.cleargrads()
        sg.sum(sg.sin(t * p) / t).backward()
        optimizer.step()
        grads = {"p": (np.cos(t * params["p"][0]),), "q": 0.0}
        params, state = arrays.update(params, grads, state)
    np.testing.assert_allclose(p.data, rule(name, 20), rtol=1e-12)
    np.testing.assert_allclose(params["p"][0], rule(name, 20), rtol=1e-12)
    assert params["q"] == 3.0
    assert state["step"] == 20


def test_single_precision_stays_and_shapes_are_kept():
    p, s = sg.variable(np.ones((2, 1), "float32")), sg.variable(2.0)
    optimizer = sg.optim.Adam([p, s], lr=0.1)
    (sg.sum(p) * s).backward()
    optimizer.step()
    assert p.data.dtype == np.float32
    assert p.shape == (2, 1)
    assert s.data == pytest.approx(1.9)


def test_settings_may_change_and_a_parameter_without_gradient_stays():
    p, q = sg.variable(1.0), sg.variable(1.0)
    optimizer = sg.optim.SGD([p, q], lr=0.1)
    (p * 2).backward()
    optimizer.lr = 0.5
    optimizer.step()
    assert (p.data, q.data) == (0.0, 1.0)


def test_errors():
    with pytest.raises(ArgumentError, match=r"must be a variable that was given data, not 1\.0"):
        sg.optim.SGD([1.0])
    with pytest.raises(ArgumentError, match="must be a variable that was given data"):
        sg.optim.LBFGS([sg.variable(1.0) * 2])
    with pytest.raises(ArgumentError, match="Adam has no parameters to change"):
        sg.optim.Adam().step()
    sgd = sg.optim.SGD()
    with pytest.raises(ShapeError, match=r"shape \(2,\), its parameter \(3,\)"):
        sgd.update([np.ones(3)], [np.ones(2)], sgd.init([np.ones(3)]))
    with pytest.raises(ArgumentError, match="form of the parameters"):
        sgd.update([np.ones(3)], np.ones(3), sgd.init([np.ones(3)]))


def test_lbfgs_on_a_badly_scaled_bowl():
    rng = np.random.default_rng(0)
    scales = 10.0 ** np.linspace(0, 2, 20)
    q, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    a, x = (q * scales) @ q.T, sg.variable(rng.normal(size=(4, 5)))
    optimizer = sg.optim.LBFGS([x])
    steps = [optimizer.step(lambda: x.ravel() @ a @ x.ravel() / 2) for _ in range(120)]
    assert steps[-1] < 1e-12 * steps[0]
    assert all(after <= before for before, after in pairwise(steps))


def test_lbfgs_stays_where_nothing_is_lower():
    x = sg.variable(0.0)
    optimizer = sg.optim.LBFGS(x)
    assert optimizer.step(lambda: x**2) == 0.0
    assert x.data == 0.0
