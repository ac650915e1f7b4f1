"""The loops that people write compile next to nothing: what differs from step to step is data."""

import numpy as np
import pytest

import symgrad as sg

# What is not compiled by then is not compiled any more: 1,000 steps take no further forms
STEPS = 25


def weights(rng, *shapes):
    return [sg.variable(rng.normal(size=shape) * 0.4) for shape in shapes]


def descend(params, loss, rate=0.05):
    for p in params:
        p.cleargrad()
    loss.backward()
    for p in params:
        p.data -= rate * p.grad.data
    return loss.data


def spiral(rng, params, step):
    w, b, v, c = params
    x, labels = rng.normal(size=(30, 2)), rng.integers(0, 3, 30)
    hidden = sg.dropout(sg.relu(x @ w + b), 0.2, rng)
    return sg.cross_entropy(hidden @ v + c, labels)


def convolution(rng, params, step):
    kernel, out = params
    image = sg.variable(rng.normal(size=(8, 8)))
    rows = np.arange(6)[:, None] + np.repeat(np.arange(3), 3)
    columns = np.arange(6)[:, None] + np.tile(np.arange(3), 3)
    patches = image[rows[:, None, :], columns[None, :, :]]  # (6, 6, 9)
    return sg.mean((sg.tanh(patches @ kernel) @ out - rng.normal(size=(6, 6))) ** 2)


def annealed(rng, params, step):
    (w,) = params
    x = rng.normal(size=(rng.integers(2, 9), 2))
    return sg.sum(sg.maximum(x @ w, 0.01 * step) ** (1 + 0.1 * step)) * 0.9**step


def penalised(rng, params, step):
    w, v = params
    x = sg.variable(rng.normal(size=(12, 2)))
    (slope,) = sg.grad(sg.sum(sg.tanh(x @ w) @ v), [x])
    return sg.mean((sg.sqrt(sg.sum(slope**2, axis=1) + 1e-9) - 1) ** 2)


def hessian_product(rng, params, step):
    w, v = params
    x = rng.normal(size=(12, 2))
    inner = sg.mean((sg.tanh(x @ w) @ v) ** 2)
    direction = rng.normal(size=w.shape)
    return sg.sum(sg.grad(inner, w) * direction) + inner


LOOPS = {
    "spiral with dropout": (spiral, [(2, 10), (10,), (10, 3), (3,)]),
    "convolution by gather": (convolution, [(9, 4), (4,)]),
    "numbers and batches": (annealed, [(2, 3)]),
    "gradient penalty": (penalised, [(2, 6), (6, 1)]),
    "product with a Hessian": (hessian_product, [(2, 6), (6, 1)]),
}


@pytest.mark.parametrize("name", LOOPS)
def test_training(compilations, name):
    loss, shapes = LOOPS[name]
    rng = np.random.default_rng(0)
    params = weights(rng, *shapes)
    for step in range(STEPS):
        assert np.isfinite(descend(params, loss(rng, params, step)))
    assert len(compilations) <= 3


def cell(params, h, c, x):
    wx, wh, b, _ = params
    gates = x @ wx + h @ wh + b
    i, f, o = (sg.sigmoid(gates[:, 4 * k : 4 * k + 4]) for k in range(3))
    c = f * c + i * sg.tanh(gates[:, 12:])
    return o * sg.tanh(c), c


def test_lstm_with_truncated_backpropagation(compilations):
    rng = np.random.default_rng(0)
    params = weights(rng, (1, 16), (4, 16), (16,), (4, 1))
    h = c = sg.variable(np.zeros((1, 4)))
    wave = np.sin(np.arange(5 * STEPS + 1) / 5)
    total, losses = 0.0, []
    for t in range(5 * STEPS):
        h, c = cell(params, h, c, wave[t].reshape(1, 1))
        total = total + sg.mean((h @ params[3] - wave[t + 1]) ** 2)
        if t % 10 == 9:
            losses.append(descend(params, total / 10, 0.2))
            total.unchain_backward()
            total = 0.0
    assert np.mean(losses[-5:]) < 0.5 * losses[0]
    assert len(compilations) <= 3


def test_prediction_without_history(compilations):
    rng = np.random.default_rng(0)
    params = weights(rng, (1, 16), (4, 16), (16,), (4, 1))
    with sg.no_grad():
        h = c = sg.variable(np.zeros((1, 4)))
        for t in range(5 * STEPS):
            h, c = cell(params, h, c, np.full((1, 1), np.sin(t)))
            assert np.isfinite((h @ params[3]).data).all()
    assert len(compilations) <= 3


def test_loops_of_any_length(compilations):
    """A loop that runs a different number of times in each iteration compiles a few lengths alone."""
    w = sg.variable([[0.5, -0.25], [0.125, 0.75]])
    for length in [1, 2, 3, 4, 5, 6] * 3:
        h = sg.variable([[1.0, -1.0]])
        for _ in range(length):
            h = sg.tanh(h @ w)
        w.cleargrad()
        sg.sum(h).backward()
        states, slope = [np.array([[1.0, -1.0]])], np.zeros((2, 2))
        for _ in range(length):
            states.append(np.tanh(states[-1] @ w.data))
        back = np.ones((1, 2))
        for before, after in zip(states[-2::-1], states[:0:-1], strict=True):
            d = back * (1 - after**2)
            slope += before.T @ d
            back = d @ w.data.T
        np.testing.assert_allclose(w.grad.data, slope, rtol=1e-12)
    assert len(compilations) <= 3
