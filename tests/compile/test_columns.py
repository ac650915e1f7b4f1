"""Batches of small problems: the columns of a batch give what whole arrays give."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.tuning import MEASURED
from symgrad.rewrite.batches import one_problem

x = sg.vector("x", 4)
batch = sg.symbol("x", ("b", 4))
s = sg.symbol("s")
formula = sg.sin(x[0] * x[1]) * x[2] ** 2 * s + sg.exp(-x[3]) / (1 + x[0] ** 2) + x[1] * x[3]


def mapped(e):
    return sg.vmap(e, over={x: "b"})


def columns_of(f, *values):
    """The function by columns that a second call makes."""
    f(*values)
    f(*values)
    return f._columns.find([np.asarray(v) for v in values])


MIN_COUNT = MEASURED.column_problems


@pytest.mark.parametrize("n", [0, 1, MIN_COUNT, 1000, 40_000])
@pytest.mark.parametrize(
    "output",
    [
        mapped(sg.hessian(formula, x)),
        [mapped(formula), {"slope": mapped(sg.grad(formula, x))}, mapped(sg.hessian(formula, x))],
        mapped(sg.jacobian(sg.stack([formula, x[0] * x[3], sg.tanh(x[2])]), x)),
    ],
    ids=["hessian", "nest", "jacobian"],
)
def test_columns_give_what_arrays_give(output, n):
    f = sg.lambdify([batch, s], output)
    at = np.random.default_rng(n).normal(size=(n, 4))
    first = f(at, 1.5)
    f(at, 1.5)
    third = f(at, 1.5)
    out = tree(np.zeros_like, third)
    assert f(at, 1.5, out=out) is out
    for a, b, c in zip(flat(first), flat(third), flat(out), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        scale = 1 + np.max(np.abs(a), initial=0)
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-13 * scale)
        np.testing.assert_allclose(c, a, rtol=0, atol=1e-13 * scale)


def tree(change, result):
    if isinstance(result, dict):
        return {k: tree(change, part) for k, part in result.items()}
    return [tree(change, p) for p in result] if isinstance(result, list) else change(result)


def flat(result):
    if isinstance(result, dict):
        result = list(result.values())
    return [a for part in result for a in flat(part)] if isinstance(result, list) else [result]


def test_a_hessian_goes_by_columns_and_a_product_does_not():
    at = np.random.default_rng(0).normal(size=(MIN_COUNT, 4))
    hessian = sg.lambdify([batch, s], mapped(sg.hessian(formula, x)))
    assert columns_of(hessian, at, np.array(2.0)) is not None
    few = np.ones((MIN_COUNT - 1, 4))
    assert hessian._columns.find([few, np.array(2.0)]) is None
    assert hessian._columns.find([at.astype(np.float32), np.array(2.0)]) is None
    assert hessian(at.astype(np.float32), 2.0).shape == (MIN_COUNT, 4, 4)
    A = sg.matrix("A", (4, 4))
    product = sg.lambdify([batch, A], sg.sin(batch @ A))
    assert columns_of(product, at, np.eye(4)) is None


@pytest.mark.parametrize(
    "mixed",
    [
        batch[::-1] * 2,
        batch - sg.sum(batch, axis=0),
        batch * sg.sum(batch),
        sg.concatenate([batch, batch]),
        batch @ batch.T,
        batch[1:],
        sg.cumsum(batch, axis=0),
        batch / sg.size(batch, 0),
        sg.reshape(batch, (-1,)),
    ],
    ids=str,
)
def test_formulas_that_mix_rows_are_no_batch(mixed):
    assert one_problem([batch], [mixed]) is None
    f = sg.lambdify(batch, mixed)
    at = np.random.default_rng(1).normal(size=(300, 4))
    first = f(at)
    f(at)
    np.testing.assert_array_equal(f(at), first)


def test_the_batch_may_be_any_axis():
    rows, p = sg.matrix("rows", (3, "n")), sg.vector("p", 3)
    turned = sg.cross(sg.sin(rows.T), p) * sg.sum(rows[:2] ** 2, axis=0)[:, None]
    picked = sg.stack([rows.T[:, 0], turned[:, 1]], axis=1) ** 3 * sg.exp(turned[:, ::2])
    f = sg.lambdify([rows, p], [turned, picked, picked / (1 + turned[:, :2] ** 2)])
    at = np.random.default_rng(3).normal(size=(3, 2000)), np.array([1.0, 2.0, -0.5])
    plain = f(*at)
    assert columns_of(f, *at) is not None
    for a, b in zip(plain, f(*at), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-13)


@pytest.mark.parametrize(
    "mixed",
    [
        lambda rows: rows.T[:, 0] * sg.sum(rows, axis=1)[0],
        lambda rows: sg.reshape(rows, (3, -1)).T[:, 0] + sg.reshape(rows, (-1, 3))[:, 0],
        lambda rows: rows.T[::-1, 0],
    ],
    ids=["sum", "reshape", "reversed"],
)
def test_formulas_that_mix_places_along_another_axis_are_no_batch(mixed):
    rows = sg.matrix("rows", (3, "n"))
    assert one_problem([rows], [mixed(rows)]) is None


def test_arguments_and_results_stay_apart():
    f = sg.lambdify(batch, [batch, batch * 1, mapped(sg.grad(x[0] * x[1] * x[2] * x[3], x))])
    at = np.random.default_rng(2).normal(size=(500, 4))
    kept = at.copy()
    f(at)
    f(at)
    results = f(at)
    for r in results:
        r[...] = 0
    np.testing.assert_array_equal(at, kept)
    with pytest.raises(sg.ShapeError, match="argument x has shape"):
        f(at[:, :3])
