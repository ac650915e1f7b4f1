"""Calls with an end to their time."""

import itertools

import numpy as np
import pytest

import symgrad as sg

x, y, a = sg.symbols("x y a")
v = sg.vector("v", 3)


def test_one_problem_is_left_at_an_iterate(monkeypatch):
    valley = sg.newton_minimize((1 - x) ** 2 + 100 * (y - x**2) ** 2, [x, y])
    whole = valley([-1.2, 1.0], max_time=600.0)
    np.testing.assert_allclose(whole.x, [1.0, 1.0])
    clock = itertools.count()  # a second passes whenever it is looked at
    monkeypatch.setattr("symgrad.solve.pacing.monotonic", lambda: float(next(clock)))
    seen = []
    found = valley([-1.2, 1.0], max_time=4.5, callback=lambda *now: seen.append(now))
    assert str(found.status) == "time limit" and not found.converged
    assert found.iterations == seen[-1][0] and len(seen) == 5
    np.testing.assert_array_equal(found.x, seen[-1][1])
    assert found.residual == seen[-1][2]
    with pytest.raises(sg.ConvergenceError, match="time limit"):
        valley([-1.2, 1.0], max_time=4.5, raise_on_failure=True)


def test_a_batch_stops_between_blocks(monkeypatch):
    solver = sg.newton_root(v**2 - a, v, a)
    values = np.linspace(1.0, 9.0, 100).reshape(10, 10)
    whole = solver(np.ones(3), values, max_time=60.0)
    plain = solver(np.ones(3), values)
    np.testing.assert_allclose(whole.x, plain.x, rtol=1e-14)
    assert whole.converged.all() and whole.x.shape == (10, 10, 3)
    clock = iter([0.0, 0.0, 0.5, 2.0, 3.0])
    monkeypatch.setattr("symgrad.solve.pacing.monotonic", lambda: next(clock))
    found = solver(np.ones(3), values, max_time=1.0)
    done = found.status.ravel() == 0
    assert done.tolist() == [True] * 8 + [False] * 92  # two blocks of four
    assert (found.status.ravel()[~done] == sg.Status.TIME_LIMIT).all()
    np.testing.assert_array_equal(found.x.reshape(100, 3)[~done], 1.0)


def test_fields_of_minima_and_fits_come_along():
    t, d = sg.vector("t", "n"), sg.vector("d", "n")
    fit = sg.least_squares(a * t - d, a, [t, d])
    time_axis = np.arange(1.0, 5.0)
    data = np.outer([1.0, 2.0, 3.0], time_axis) + 0.01 * np.sin(np.arange(12)).reshape(3, 4)
    ours, theirs = fit(1.0, time_axis, data, max_time=60.0), fit(1.0, time_axis, data)
    for name in ("x", "covariance", "stderr", "residual_std", "dof"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name))
    assert ours.curvature.tolist() == theirs.curvature.tolist()


def test_bars_and_wrong_times():
    solver = sg.newton_root(x**2 - a, x, a)
    tqdm = pytest.importorskip("tqdm", reason="tqdm: pip install 'symgrad[progress]'")
    assert tqdm and solver([1.0, 1.0], [2.0, 3.0], progress=True).converged.all()


@pytest.mark.parametrize("limit", [0, -1.0, "1", True])
def test_a_time_is_a_positive_number(limit):
    with pytest.raises(sg.ArgumentError, match="max_time must be a positive number"):
        sg.newton_root(x**2 - a, x, a)(1.0, 2.0, max_time=limit)


def test_brackets_of_each_problem():
    low, high = sg.symbols("low high")
    solver = sg.newton_root(sg.sin(x) - a, x, [a, low, high], bracket=(low, high))
    ends = np.array([-1.5, 1.7, 8.0])
    found = solver(ends + 1.0, 0.5, ends, [1.5, 4.5, 9.0])
    np.testing.assert_allclose(found.x, [np.pi / 6, 5 * np.pi / 6, 17 * np.pi / 6])
    assert found.converged.all()
    near = sg.newton_root(sg.cos(x) - a * x, x, a, bracket=(0, 2 / a))
    assert near(0.5, 1.0).x == pytest.approx(0.7390851332151607)
    with pytest.raises(sg.ArgumentError, match=r"needs finite a < b, got \(3.0, 2.0\)"):
        solver(2.5, 0.5, 3.0, 2.0)
    with pytest.raises(sg.ArgumentError, match=r"x0 must lie within the bracket \(1.0, 2.0\)"):
        solver(5.0, 0.5, 1.0, 2.0)
    with pytest.raises(sg.ArgumentError, match="mention high: neither"):
        sg.newton_root(sg.sin(x) - a, x, [a, low], bracket=(low, high))
