"""Loops: a formula that is rebuilt meets its compiled callable again."""

import threading

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ShapeError
from symgrad.variable import cache, form, program, tokens


def rosenbrock(x0, x1):
    return 100 * (x1 - x0**2) ** 2 + (x0 - 1) ** 2


def test_gradient_descent_on_rosenbrock(compilations):
    x0, x1 = sg.variable(0.0), sg.variable(2.0)
    rate = 0.001
    for _ in range(10_000):
        y = rosenbrock(x0, x1)
        x0.cleargrad()
        x1.cleargrad()
        y.backward()
        x0.data -= rate * x0.grad.data
        x1.data -= rate * x1.grad.data
    np.testing.assert_allclose(
        [x0.data, x1.data], [0.9944984367782456, 0.9890050527419593], rtol=1e-12
    )
    assert len(compilations) == 1


def test_new_leaves_in_every_iteration(compilations):
    a, b = 0.0, 2.0
    for _ in range(50):
        x0, x1 = sg.variable(a), sg.variable(b)
        y = rosenbrock(x0, x1)
        y.backward()
        assert y.data >= 0
        a, b = a - 0.001 * x0.grad.data, b - 0.001 * x1.grad.data
    assert len(compilations) == 1  # the gradient, and the value along with it


def test_new_arrays_in_every_iteration(compilations):
    rng = np.random.default_rng(0)
    w = sg.variable(np.zeros(3))
    truth = np.array([1.0, -2.0, 0.5])
    for _ in range(300):
        x = rng.normal(size=(20, 3))
        loss = sg.mean((x @ w - x @ truth) ** 2)
        w.cleargrad()
        loss.backward()
        w.data -= 0.1 * w.grad.data
    assert len(compilations) == 1
    np.testing.assert_allclose(w.data, truth, rtol=1e-6)


def test_data_are_no_part_of_what_is_compiled(compilations):
    x = sg.variable(np.arange(3.0))
    sg.sum(x * np.array([1.5, 2.5, 3.5])).backward()
    (made,) = program._programs._entries.values()
    assert len(made.symbols) == 2
    assert "2.5" not in str(made.outputs[0])


def test_looking_at_data_in_every_step_costs_one_step(compilations):
    y = sg.variable(1.0)
    for step in range(2000):
        y = sg.sin(y) * 0.5 + y
        assert y.data > 0
        assert step < 5 or len(compilations) <= 2


def test_gradients_add_up_over_many_steps_without_new_formulas(compilations):
    w = sg.variable(np.zeros(2))
    for i in range(100):
        sg.sum(w * np.array([1.0, i])).backward()
    assert w.grad.is_leaf
    np.testing.assert_array_equal(w.grad.data, [100, 4950])
    assert len(compilations) == 1


def test_threads():
    failures = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(100):
            value = float(rng.uniform(0.5, 2.0))
            x = sg.variable(value)
            y = sg.sin(x) * x**2
            y.backward()
            want = np.cos(value) * value**2 + 2 * value * np.sin(value)
            if abs(x.grad.data - want) > 1e-12 * abs(want):
                failures.append(value)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def test_threads_with_numbers_that_change():
    failures = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(60):
            a, b = (float(v) for v in rng.uniform(0.5, 2.0, 2))
            x = sg.variable(1.5)
            y = sg.sin(x * a) ** 2 + b * x
            y.backward()
            want = 2 * a * np.sin(1.5 * a) * np.cos(1.5 * a) + b
            if abs(x.grad.data - want) > 1e-12:
                failures.append((a, b))

    for memory in (form, program, tokens):
        memory.forget()
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def test_the_caches_are_bounded():
    memory = cache.Recent(10, len)
    for i in range(20):
        memory.get(i, lambda i=i: "x" * 3)
    assert len(memory) == 3
    assert memory.total == 9


# Data of every kind


def test_numbers_that_change_become_parameters(compilations):
    x = sg.variable([0.5, 1.5])
    for i in range(1000):
        s = sg.sum(x * (1 + 0.01 * i) + sg.maximum(x, 0.001 * i)) ** 2
        x.cleargrad()
        s.backward()
        scale = 1 + 0.01 * i
        above = x.data > 0.001 * i
        total = np.sum(x.data * scale + np.maximum(x.data, 0.001 * i))
        tie = 0.5 * (x.data == 0.001 * i)
        np.testing.assert_allclose(x.grad.data, 2 * total * (scale + above + tie), rtol=1e-12)
    assert len(compilations) <= 3


def test_exponents_that_change_become_parameters(compilations):
    x = sg.variable([0.5, 2.0])
    for p in [2, 3, 4, 5, 6, 2, 9, 0, 1]:
        x.cleargrad()
        sg.sum(x**p).backward()
        np.testing.assert_allclose(x.grad.data, p * x.data ** (p - 1.0), rtol=1e-12)
    assert len(compilations) <= 2


def test_zeros_of_both_signs_are_two_numbers():
    x = sg.variable(-2.0)
    results = [sg.arctan2(zero, x).data for zero in (0.0, -0.0, 0.0, -0.0)]
    assert results == [np.pi, -np.pi, np.pi, -np.pi]


def test_labels_are_data(compilations):
    rng = np.random.default_rng(0)
    w = sg.variable(rng.normal(size=(3, 4)))
    rows = np.arange(5)
    for _ in range(50):
        x, labels = rng.normal(size=(5, 3)), rng.integers(0, 4, 5)
        z = x @ w
        loss = sg.mean(sg.logsumexp(z, axis=1) - z[rows, labels])
        w.cleargrad()
        loss.backward()
        p = np.exp(z.data) / np.exp(z.data).sum(1, keepdims=True)
        p[rows, labels] -= 1
        np.testing.assert_allclose(w.grad.data, x.T @ p / 5, rtol=1e-10)
    assert len(compilations) <= 2


@pytest.mark.parametrize("pick", [lambda w, i: w[i], lambda w, i: sg.take(w, i, axis=0)])
def test_indices_are_data(compilations, pick):
    rng = np.random.default_rng(0)
    w = sg.variable(rng.normal(size=(6, 2)))
    for _ in range(20):
        i = rng.integers(-6, 6, 4)
        w.cleargrad()
        sg.sum(pick(w, i) ** 2).backward()
        want = np.zeros((6, 2))
        np.add.at(want, i, 2 * w.data[i])
        np.testing.assert_allclose(w.grad.data, want, rtol=1e-12)
    assert len(compilations) == 1
    with pytest.raises(ShapeError, match=r"out of range for axis 0 of shape \(6, 2\): 2 to 6"):
        pick(w, np.array([2, 6]))


def test_single_indices_are_data(compilations):
    w = sg.variable(np.arange(12.0).reshape(6, 2))
    for i in [*range(6), -1, -6]:
        w.cleargrad()
        sg.sum(w[i, ::-1] * np.array([1.0, 3.0])).backward()
        want = np.zeros((6, 2))
        want[i] = [3, 1]
        np.testing.assert_array_equal(w.grad.data, want)
    assert len(compilations) <= 1
    with pytest.raises(ShapeError, match="index 6 is out of range for axis 0"):
        w[6]


def test_masks_are_data(compilations):
    rng = np.random.default_rng(0)
    x = sg.variable(rng.normal(size=20))
    for _ in range(30):
        mask = rng.random(20) < 0.5
        x.cleargrad()
        y = sg.sum(x[mask] ** 3)
        y.backward()
        np.testing.assert_allclose(x.grad.data, np.where(mask, 3 * x.data**2, 0), rtol=1e-12)
    assert len(compilations) <= 3


def test_batches_of_any_size(compilations):
    rng = np.random.default_rng(0)
    w, b = sg.variable(rng.normal(size=(3, 2))), sg.variable(np.zeros(2))
    for n in [*range(2, 20), 1, 7, 1]:
        x, y = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
        loss = sg.mean((sg.tanh(x @ w + b) - y) ** 2)
        w.cleargrad()
        b.cleargrad()
        loss.backward()
        h = np.tanh(x @ w.data + b.data)
        slope = 2 * (h - y) / (2 * n) * (1 - h**2)
        np.testing.assert_allclose(w.grad.data, x.T @ slope, rtol=1e-10)
        np.testing.assert_allclose(b.grad.data, slope.sum(0), rtol=1e-10)
    assert len(compilations) <= 3


def test_sizes_that_are_settings_stay_numbers():
    for n in [2, 3, 4, 5, 6]:
        x = sg.variable(np.arange(float(n)))
        y = sg.sum(x.reshape(1, n) * np.ones((2, 1))) + x[n - 1]
        y.backward()
        want = np.full(n, 2.0)
        want[-1] = 3
        np.testing.assert_array_equal(x.grad.data, want)


def test_a_state_that_is_never_read_is_settled_with_what_is(compilations):
    rng = np.random.default_rng(0)
    w, v = sg.variable(rng.normal(size=(3, 3)) / 3), sg.variable(rng.normal(size=(3, 1)))
    h, state = sg.variable(np.ones((1, 3))), np.ones((1, 3))
    for _ in range(100):
        h = sg.tanh(h @ w)
        y = h @ v
        state = np.tanh(state @ w.data)
        np.testing.assert_allclose(y.data, state @ v.data, rtol=1e-10)
    assert len(compilations) <= 2


def test_prediction_without_history(compilations):
    rng = np.random.default_rng(0)
    w, v = sg.variable(rng.normal(size=(3, 3)) / 3), sg.variable(rng.normal(size=(3, 1)))
    with sg.no_grad():
        h, state = sg.variable(np.ones((1, 3))), np.ones((1, 3))
        for _ in range(100):
            h = sg.tanh(h @ w)
            y = h @ v
            state = np.tanh(state @ w.data)
            np.testing.assert_allclose(y.data, state @ v.data, rtol=1e-10)
    assert len(compilations) <= 2


def test_derivatives_inside_a_loop(compilations):
    rng = np.random.default_rng(0)
    x = sg.variable(rng.normal(size=4))
    a = rng.normal(size=(4, 4))
    for _ in range(30):
        v = rng.normal(size=4)
        y = sg.sum((a @ x) ** 4)
        (g,) = sg.grad(y, [x])
        x.cleargrad()
        sg.sum(g * v).backward()
        hessian = 12 * a.T @ np.diag((a @ x.data) ** 2) @ a
        np.testing.assert_allclose(x.grad.data, hessian @ v, rtol=1e-10)
    assert len(compilations) <= 2


def test_learning_to_learn_by_hand(compilations):
    rng = np.random.default_rng(1)
    w = sg.variable(rng.normal(size=3))
    for _ in range(20):
        x, y = rng.normal(size=(5, 3)), rng.normal(size=5)
        adapted = w
        for _ in range(3):
            adapted = adapted - 0.1 * sg.grad(sg.mean((x @ adapted - y) ** 2), adapted)
        loss = sg.mean((x @ adapted - y) ** 2)
        w.cleargrad()
        loss.backward()
        step = np.eye(3) - 0.1 * 2 * x.T @ x / 5
        last = w.data
        for _ in range(3):
            last = last - 0.1 * 2 * x.T @ (x @ last - y) / 5
        want = np.linalg.matrix_power(step, 3) @ (2 * x.T @ (x @ last - y) / 5)
        np.testing.assert_allclose(w.grad.data, want, rtol=1e-9)
    assert len(compilations) <= 3
