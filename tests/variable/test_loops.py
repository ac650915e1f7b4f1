"""Loops: a formula that is rebuilt meets its compiled callable again."""

import threading

import numpy as np
import pytest

import symgrad as sg
from symgrad.variable import form


@pytest.fixture
def compilations(monkeypatch):
    """The formulas compiled since the start of the test."""
    form.forget()
    seen = []
    original = form.lambdify

    def counting(args, outputs):
        seen.append(outputs)
        return original(args, outputs)

    monkeypatch.setattr(form, "lambdify", counting)
    return seen


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
    assert len(compilations) == 2  # the value and the gradient


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
    (program,) = form._programs._entries.values()
    assert all(node.op.name != "constant" for node in sg.free_symbols(program.expr))
    (compiled,) = program._compiled.values()
    assert "2.5" not in compiled.source


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


def test_two_symbols_are_enough_for_assignment_in_a_loop():
    x = sg.variable(1.0)
    seen = set()
    for i in range(20):
        y = x**2
        seen.add(y.expr)
        y.backward()
        x.data = float(i)
    assert len(seen) == 2


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


def test_the_caches_are_bounded():
    cache = form.Recent(10, len)
    for i in range(20):
        cache.get(i, lambda i=i: "x" * 3)
    assert len(cache) == 3
    assert cache.total == 9
