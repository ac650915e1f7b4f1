"""Sorting and interpolation beyond the contract: batches, ties, ends of tables, second derivatives."""

import numpy as np
import pytest

import symgrad as sg

RNG = np.random.default_rng(11)
x = sg.vector("x", 5)
DATA = np.array([3.0, 1.0, 2.0, 5.0, 4.0])


def test_gradient_moves_with_the_entries():
    weights = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    gradient = sg.grad(np.sort(x) @ weights, x)
    np.testing.assert_array_equal(sg.evaluate(gradient, {x: DATA}), [4, 1, 2, 16, 8])
    median = sg.grad(sg.sort(x)[2] ** 2, x)
    np.testing.assert_array_equal(sg.evaluate(median, {x: DATA}), [6, 0, 0, 0, 0])


def test_ties_take_the_derivative_of_one_order():
    jacobian = sg.evaluate(sg.jacobian(sg.sort(x), x), {x: np.array([2.0, 1.0, 2.0, 1.0, 0.0])})
    np.testing.assert_array_equal(jacobian.sum(0), np.ones(5))
    np.testing.assert_array_equal(jacobian.sum(1), np.ones(5))
    np.testing.assert_array_equal(np.argmax(jacobian, axis=1), [4, 1, 3, 0, 2])


@pytest.mark.parametrize("axis", [0, 1, None])
def test_second_derivatives(axis):
    m = sg.matrix("m", (3, 4))
    s = sg.sort(m, axis=axis)
    f = sg.sum(s**3 * sg.constant(np.linspace(1, 2, 12).reshape(s.shape)))
    sg.check_grad(f, m)
    sg.check_grad(sg.grad(f, m)[1], m)


def test_batches():
    f = sg.sort(x) * sg.argsort(x)
    batched = sg.vmap(f, over={x: "b"})
    rows = np.stack([DATA, -DATA, DATA**2])
    expected = np.sort(rows) * np.argsort(rows, stable=True)
    np.testing.assert_array_equal(sg.lambdify(sg.free_symbols(batched), batched)(rows), expected)
    gradient = sg.vmap(sg.grad(sg.sort(x)[-1] ** 2, x), over={x: "b"})
    value = sg.lambdify(sg.free_symbols(gradient), gradient)(rows)
    np.testing.assert_array_equal(np.argmax(np.abs(value), axis=1), np.argmax(rows, axis=1))


@pytest.mark.parametrize("side", ["left", "right"])
def test_places_in_a_table_of_each_problem(side):
    v = sg.vector("v", 3)
    e = sg.searchsorted(x, v, side=side)
    tables = np.sort(RNG.integers(0, 4, (4, 5)).astype(float), axis=1)
    at = RNG.integers(0, 4, (4, 3)).astype(float)
    batched = sg.vmap(e, over={x: "b", v: "b"})
    names = {s.name: s for s in sg.free_symbols(batched)}
    value = sg.lambdify([names["x"], names["v"]], batched)(tables, at)
    expected = [np.searchsorted(t, p, side=side) for t, p in zip(tables, at, strict=True)]
    np.testing.assert_array_equal(value, expected)
    order = np.array([2, 0, 1])
    small = sg.searchsorted(v, 1.5, sorter=order)
    assert sg.evaluate(small, {v: np.array([1.0, 2.0, 0.0])}) == 2


OPTIONS = [{}, {"left": -5.0, "right": 7.0}, {"left": 0.0}, {"period": 0.37}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("extent", ["known", "n"])
def test_interp(options, count, extent):
    """Values inside, beyond both ends and at the points of the table."""
    n = count if extent == "known" else "n"
    t, xp, fp = sg.vector("t", 7), sg.vector("xp", n), sg.vector("fp", n)
    knots, table = np.sort(RNG.random(count)), RNG.random(count)
    at = np.array([0.2, 0.5, 0.8, -1.0, 2.0, knots[0], knots[-1]])
    node = np.interp(t, xp, fp, **options)
    sg.check_graph(node)
    expected = np.interp(at, knots, table, **options)
    value = sg.evaluate(node, {t: at, xp: knots, fp: table})
    np.testing.assert_allclose(value, expected, atol=1e-13)
    s = sg.symbol("s")
    one = sg.evaluate(sg.interp(s, xp, fp, **options), {s: 0.5, xp: knots, fp: table})
    assert one == pytest.approx(expected[1])


@pytest.mark.parametrize("options", OPTIONS[:2], ids=str)
def test_derivatives_of_interp(options):
    t, xp, fp = sg.vector("t", 4), sg.vector("xp", 5), sg.vector("fp", 5)
    at = {
        t: np.array([0.1, 0.33, 0.77, 1.5]),
        xp: np.array([0.0, 0.2, 0.5, 0.7, 1.0]),
        fp: np.array([1.0, 3.0, 2.0, 5.0, 4.0]),
    }
    f = sg.sum(sg.interp(t, xp, fp, **options) ** 2)
    leaves = [t, xp, fp]
    sg.check_grad(f, leaves, at=at)
    for g in sg.grad(f, leaves):
        sg.check_grad(g[1], leaves, at=at)


def test_interp_at_knots_ends_and_nan():
    s = sg.symbol("s")
    e = sg.interp(s, [0.0, 1.0, 2.0], [1.0, 2.0, 4.0])
    f = sg.lambdify(s, [e, sg.diff(e, s)])
    assert f(1.0) == [2.0, 2.0]  # the piece to the right
    assert f(0.0) == [1.0, 1.0]
    assert f(2.0) == [4.0, 0.0]
    assert f(-1.0) == [1.0, 0.0]
    assert np.isnan(f(np.nan)[0])


def test_rolls_of_named_extents():
    w = sg.vector("w", "n")
    for shift in (-7, -1, 0, 1, 3, 12):
        e = np.roll(w, shift)
        f = sg.lambdify(w, [e, sg.grad(sg.sum(e**2 * w), w), sg.jacobian(e, w)])
        for n in (0, 1, 2, 5):
            data = np.arange(1.0, n + 1)
            value, gradient, jacobian = f(data)
            moved = np.roll(data, shift)
            np.testing.assert_array_equal(value, moved)
            np.testing.assert_allclose(
                gradient, moved**2 + np.roll(2 * moved * data, -shift) if n else data
            )
            np.testing.assert_array_equal(jacobian, np.roll(np.eye(n), shift, axis=0))
    assert sg.roll(sg.roll(w, 2), -2) is w
