"""`scan` over Variables against the same loop step by step."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(11)


def close(a, b, tolerance=1e-10):
    return np.testing.assert_allclose(a, b, rtol=tolerance, atol=1e-13)


def weights():
    return [sg.variable(RNG.normal(size=s) * 0.5) for s in ((3, 3), (2, 3), (3, 1))]


def test_an_rnn_is_its_steps():
    w, v, u = weights()
    xs = RNG.normal(size=(6, 2))
    scale = sg.exp(u[0, 0])  # computed outside, mentioned inside

    def step(h, x):
        h = sg.tanh(h @ w + x @ v) * scale
        return h, h @ u

    h, ys = sg.scan(step, np.zeros(3), xs)
    loss = sg.sum(ys**2) + sg.sum(h)
    loss.backward()
    got = [p.grad.data for p in (w, v, u)]
    for p in (w, v, u):
        p.cleargrad()
    carry, total = sg.variable(np.zeros(3)), 0.0
    scale = sg.exp(u[0, 0])
    for x in xs:
        carry, y = step(carry, x)
        total = total + sg.sum(y**2)
    total = total + sg.sum(carry)
    total.backward()
    close(loss.data, total.data)
    close(h.data, carry.data)
    for p, g in zip((w, v, u), got, strict=True):
        close(g, p.grad.data)


def test_higher_orders():
    a, x = sg.variable(0.6), sg.variable([0.3, -0.4, 1.0])
    last, path = sg.scan(lambda c, x: (sg.sin(a * c) + x, c), sg.variable(0.2), x)
    y = last + sg.sum(path**2)
    y.backward(create_graph=True)
    (sg.sum(x.grad**2) * a.grad).backward()

    def slopes(a):
        s, xs = sg.symbol("a"), sg.vector("x", 3)
        last, path = sg.scan(lambda c, x: (sg.sin(s * c) + x, c), 0.2, xs)
        y = last + sg.sum(path**2)
        f = sg.lambdify([s, xs], [sg.grad(y, xs), sg.grad(y, s)])
        by_x, by_a = f(a, x.data)
        return np.sum(by_x**2) * by_a

    h = 1e-5
    first = slopes(0.6)
    assert first != 0
    second = (slopes(0.6 + h) - slopes(0.6 - h)) / (2 * h)
    by_y = sg.grad(y, a)  # the gradient of y itself is in a.grad, too
    close(a.grad.data - by_y.data, second, 1e-7)


def test_a_loop_compiles_once(compilations):
    w, v, u = weights()
    for n in [4, 5, 6, 7, 8, 9, 4, 20, 33]:  # of any length
        xs, targets = RNG.normal(size=(n, 2)), RNG.normal(size=(n, 1))
        _, ys = sg.scan(lambda h, x: (sg.tanh(h @ w + x @ v),) * 2, np.zeros(3), xs)
        loss = sg.mean((ys @ u - targets) ** 2)
        for p in (w, v, u):
            p.cleargrad()
        loss.backward()
        states, h = [], np.zeros(3)
        for x in xs:
            h = np.tanh(h @ w.data + x @ v.data)
            states.append(h)
        residual = np.array(states) @ u.data - targets
        close(u.grad.data, np.array(states).T @ residual * 2 / n)
    assert len(compilations) <= 3


def test_carry_and_outputs_in_nests():
    p = {"a": sg.variable(0.5)}
    carry, ys = sg.scan(
        lambda c, x: ({"s": c["s"] + x[0] * p["a"], "k": (c["k"][0] * x[1],)}, [c["s"], x[1]]),
        {"s": 0, "k": (1.0,)},
        (np.array([1, 2, 3]), np.array([2.0, 0.5, 4.0])),
    )
    assert (carry["s"].data, carry["k"][0].data) == (3.0, 4.0)
    assert [y.data.tolist() for y in ys] == [[0, 0.5, 1.5], [2, 0.5, 4]]


def test_labels_as_elements():
    table = sg.variable(RNG.normal(size=(4, 2)))
    labels = np.array([0, 3, 3, 1])
    _, ys = sg.scan(lambda h, i: (sg.sin(h + table[i]), sg.sum(h)), np.zeros(2), labels)
    sg.sum(ys).backward()
    g = table.grad.data
    table.cleargrad()
    h, total = sg.variable(np.zeros(2)), 0.0
    for i in labels:
        total = total + sg.sum(h)
        h = sg.sin(h + table[int(i)])
    total.backward()
    close(g, table.grad.data)


def test_without_history():
    a = sg.variable(0.5)
    with sg.no_grad():
        last, _ = sg.scan(lambda c, x: (c * a + x, None), 1.0, np.ones(3))
    assert last.is_leaf
    assert last.data == 1.875


def test_a_step_cannot_look_at_data():
    a = sg.variable(0.5)

    def step(c, x):
        return (c * a if c > 0 else c), None

    with pytest.raises(ArgumentError, match="it cannot look at data"):
        sg.scan(step, 1.0, sg.variable(np.ones(3)))


def test_choices_in_a_step():
    a, x = sg.variable(0.5), np.array([1.0, -2.0, 3.0])
    last, _ = sg.scan(lambda c, x: (sg.where((c > 0) & (x > 0), c * a, c + x), None), 1.0, x)
    last.backward()
    assert (last.data, a.grad.data) == (-1.5 + 3, 1.0)


def test_errors():
    a = sg.variable(0.5)
    with pytest.raises(ShapeError, match=r"\(\) in init and \(2,\) behind a step"):
        sg.scan(lambda c, x: (c * a + np.ones(2), None), 1.0, np.ones(3))
    with pytest.raises(ArgumentError, match="it returned one Variable"):
        sg.scan(lambda c, x: c * a, 1.0, np.ones(3))


def test_a_step_cannot_look_at_its_carry_beside_known_data():
    a = sg.variable(2.0)
    b = a * 3  # known, but not computed yet

    def step(c, x):
        sg.sum(b * c).backward()
        return c, None

    with pytest.raises(ArgumentError, match="it cannot look at data"):
        sg.scan(step, sg.variable(1.0), sg.variable(np.ones(3)))
