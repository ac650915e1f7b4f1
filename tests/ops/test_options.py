"""NumPy's options of reductions: `where`, `initial`, `dtype`, `ddof`, `out`, by every way to call them."""

import itertools
import warnings

import numpy as np
import pytest
from scipy import special

import symgrad as sg

A = sg.symbol("A", (2, 3, 4))
DATA = np.random.default_rng(3).uniform(0.2, 2.0, A.shape)
MASK = np.ones(A.shape, bool)
MASK[0, 1, 2] = MASK[1, 2, 0] = MASK[1, 0, 1] = MASK[0, 0, 3] = False

AXES = [{}, {"axis": 0}, {"axis": (0, 2)}, {"axis": -1, "keepdims": True}, {"keepdims": True}]
WHERE = [{}, {"where": MASK}, {"where": MASK[0]}, {"where": [True, False, True, True]}]
INITIAL = [{}, {"initial": 1.5}]
DEGREES = [{}, {"ddof": 0.25}, {"correction": 0.5}]
OPTIONS = {
    "sum": [*itertools.product(AXES, WHERE, INITIAL)],
    "prod": [*itertools.product(AXES, WHERE, INITIAL)],
    "max": [*itertools.product(AXES, WHERE, [{"initial": 1.5}]), *itertools.product(AXES)],
    "min": [*itertools.product(AXES, WHERE, [{"initial": 0.7}]), *itertools.product(AXES)],
    "mean": [*itertools.product(AXES, WHERE)],
    "var": [*itertools.product(AXES, WHERE, DEGREES)],
    "std": [*itertools.product(AXES, WHERE, DEGREES)],
}
CASES = [
    (name, {k: v for part in parts for k, v in part.items()})
    for name, rows in OPTIONS.items()
    for parts in rows
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_values_and_ways_to_call(name, options):
    node = getattr(np, name)(A, **options)
    assert node is getattr(sg, name)(A, **options)
    assert node is getattr(A, name)(**options)
    sg.check_graph(node)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mask may leave no entry: nan in both
        expected = getattr(np, name)(DATA, **options)
        actual = sg.evaluate(node, {A: DATA})
    assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", OPTIONS)
def test_derivatives(name):
    """First and second, against differences, with every option at once."""
    first = {"initial": 1.1} if name in ("sum", "prod", "max", "min") else {}
    node = getattr(sg, name)(A, axis=(0, 1), keepdims=True, where=MASK, **first)
    f = sg.sum(node**2)
    at = {A: DATA}
    sg.check_grad(f, A, at=at)
    sg.check_grad(sg.grad(f, A)[1], A, at=at)
    assert not sg.evaluate(sg.grad(f, A), at)[~MASK].any()


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "cumsum", "cumprod"])
@pytest.mark.parametrize("kind", ["float32", "int64"])
def test_dtype(name, kind):
    options = {"axis": 1, "dtype": kind}
    expected = getattr(np, name)(10 * DATA, **options) if kind == "float32" else None
    node = getattr(np, name)(10 * A, **options)
    assert node is getattr(sg, name)(10 * A, **options)
    if kind == "float32":
        assert node.dtype == expected.dtype
        np.testing.assert_allclose(sg.evaluate(node, {A: DATA}), expected, rtol=1e-4, atol=1e-5)
    else:
        whole = (10 * DATA).astype(int)
        with np.errstate(all="ignore"):
            value = sg.evaluate(node, {A: DATA})
        np.testing.assert_allclose(value, getattr(np, name)(whole, axis=1))


def test_the_mean_may_be_known_already():
    mean = np.mean(DATA, axis=1, keepdims=True)
    np.testing.assert_allclose(
        sg.evaluate(sg.var(A, axis=1, mean=mean), {A: DATA}), np.var(DATA, axis=1)
    )
    centered = sg.var(A, axis=1, mean=sg.mean(A, axis=1, keepdims=True))
    assert centered is sg.var(A, axis=1)


B = sg.symbol("B", A.shape, dtype=bool)
TRUTH = [
    (name, options)
    for name in ("any", "all")
    for options in ({}, {"axis": (0, 1)}, {"axis": 0, "where": MASK}, {"where": MASK[0]})
]


@pytest.mark.parametrize(("name", "options"), TRUTH)
def test_truth(name, options):
    node = getattr(np, name)(B, **options)
    assert node is getattr(B, name)(**options)
    for data in (DATA > 1, DATA > 5, DATA > 0):
        value = sg.evaluate(node, {B: data})
        np.testing.assert_array_equal(value, getattr(np, name)(data, **options))


FACTORS = [None, 3.0, np.array([1.0, 0.0, 2.0, 0.5]), DATA[::-1]]


@pytest.mark.parametrize("axis", [None, -1, (0, 2)])
@pytest.mark.parametrize("index", range(len(FACTORS)))
def test_logsumexp_with_factors(index, axis):
    b = FACTORS[index]
    node = sg.logsumexp(A, axis=axis, b=b)
    expected = special.logsumexp(DATA, axis=axis, b=b)
    np.testing.assert_allclose(sg.evaluate(node, {A: DATA}), expected)
    np.testing.assert_allclose(sg.evaluate(node, {A: DATA + 1000}), expected + 1000)
    f = sg.sum(node**2)
    sg.check_grad(f, A, at={A: DATA})
    sg.check_grad(sg.grad(f, A)[0], A, at={A: DATA})


def test_logsumexp_with_signs():
    b = np.array([1.0, -3.0, 0.5, -0.5])
    size, sign = sg.logsumexp(A, axis=-1, b=b, return_sign=True)
    values = special.logsumexp(DATA, axis=-1, b=b, return_sign=True)
    np.testing.assert_allclose(sg.evaluate(size, {A: DATA}), values[0])
    np.testing.assert_array_equal(sg.evaluate(sign, {A: DATA}), values[1])


def test_logsumexp_of_chosen_entries():
    node = sg.logsumexp(A, axis=1, where=MASK)
    expected = special.logsumexp(np.where(MASK, DATA, -np.inf), axis=1)
    np.testing.assert_allclose(sg.evaluate(node, {A: DATA}), expected)
    f = sg.sum(node**2)
    sg.check_grad(f, A, at={A: DATA})
    sg.check_grad(sg.grad(f, A)[1], A, at={A: DATA})
    assert sg.logsumexp(A, where=True) is sg.logsumexp(A)


def test_a_condition_may_be_an_expression():
    f = sg.mean(A**2, where=A > 1)
    np.testing.assert_allclose(sg.evaluate(f, {A: DATA}), np.mean(DATA**2, where=DATA > 1))
    slope = sg.evaluate(sg.grad(f, A), {A: DATA})
    np.testing.assert_allclose(slope, np.where(DATA > 1, 2 * DATA, 0) / np.sum(DATA > 1))


@pytest.mark.parametrize("name", ["sum", "mean", "prod"])
def test_what_is_not_counted_may_be_infinite(name):
    v = sg.vector("v", 3)
    f = getattr(sg, name)(sg.sqrt(v) + sg.log(v), where=[True, False, True])
    at = np.array([1.0, 0.0, 4.0])
    value, slope = sg.lambdify(v, [f, sg.grad(f, v)])(at)
    kept = at[[0, 2]]
    assert value == pytest.approx(getattr(np, name)(np.sqrt(kept) + np.log(kept)))
    assert slope[1] == 0
    assert np.isfinite(slope).all()


REDUCED = [
    (ufunc, options)
    for ufunc in (np.add, np.multiply, np.maximum, np.minimum)
    for options in ({}, {"axis": None}, {"axis": (0, 2), "keepdims": True})
    for more in ({}, {"initial": 2.0, "where": MASK})
    for options in [options | more]
]


@pytest.mark.parametrize("index", range(len(REDUCED)))
def test_methods_of_ufuncs(index):
    ufunc, options = REDUCED[index]
    value = sg.evaluate(ufunc.reduce(A, **options), {A: DATA})
    np.testing.assert_allclose(value, ufunc.reduce(DATA, **options))


OUTER = [np.subtract, np.add, np.multiply, np.arctan2, np.maximum, np.less, np.power]


@pytest.mark.parametrize("ufunc", OUTER, ids=lambda u: u.__name__)
def test_outer(ufunc):
    node = ufunc.outer(A[0, 0], A[1])
    assert node.shape == (4, 3, 4)
    np.testing.assert_allclose(sg.evaluate(node, {A: DATA}), ufunc.outer(DATA[0, 0], DATA[1]))
    np.testing.assert_array_equal(ufunc.outer([1.0, 2.0], A[0, 0]).shape, (2, 4))


def test_more_methods_of_ufuncs():
    assert np.logaddexp.reduce(A, axis=(0, 1)) is sg.logsumexp(A, axis=(0, 1))
    assert np.add.accumulate(A, axis=1, dtype=np.float32) is sg.cumsum(A, 1, np.float32)
    assert np.add.reduce(A, out=None, where=True, keepdims=False) is sg.sum(A, axis=0)
    assert np.add(A, 1, dtype=np.float32).dtype == np.float32
    assert np.sin(A, out=(None,), casting="same_kind", order="K", subok=True) is sg.sin(A)


OUT = np.zeros(3)
REFUSED = [
    (lambda: np.sum(A, out=OUT), sg.ArgumentError, "out="),
    (lambda: A.mean(out=OUT), sg.ArgumentError, "out="),
    (lambda: sg.cumsum(A, 0, None, OUT), sg.ArgumentError, "memory"),
    (lambda: np.add(A, 1, out=DATA), sg.ArgumentError, "memory"),
    (lambda: np.add(A, 1, where=MASK), sg.ArgumentError, r"where\(condition"),
    (lambda: np.max(A, where=MASK), sg.ArgumentError, "initial=-np.inf"),
    (lambda: np.min(A, where=MASK), sg.ArgumentError, "initial=np.inf"),
    (lambda: np.sum(A, where=np.ones((5, 2, 3, 4), bool)), sg.ShapeError, r"where= of shape \(5"),
    (lambda: sg.sum(A, where=[True, False]), sg.ShapeError, r"where= of shape \(2,\)"),
    (lambda: sg.sum(A, initial=[1.0, 2.0]), sg.ShapeError, "scalar"),
    (lambda: sg.var(A, ddof=1, correction=1), sg.ArgumentError, "give one"),
    (lambda: sg.sum(A, dtype=complex), sg.DTypeError, "complex"),
    (lambda: sg.sum(A, None, True), sg.DTypeError, "no dtype"),
    (lambda: np.add.at(A, [0], 1), sg.ArgumentError, "in place"),
    (lambda: np.add.reduceat(A, [0, 1]), sg.ArgumentError, "slices"),
    (lambda: np.subtract.reduce(A), sg.ArgumentError, "subtract.reduce"),
    (lambda: np.maximum.accumulate(A), sg.ArgumentError, "maximum.accumulate"),
    (lambda: np.maximum.reduce(A, dtype=np.float32), sg.ArgumentError, "dtype"),
    (lambda: np.less(A, 1, dtype=bool), sg.ArgumentError, "astype"),
    (lambda: np.stack([A, A], casting="no"), sg.ArgumentError, "casting"),
]


@pytest.mark.parametrize("index", range(len(REFUSED)))
def test_refused(index):
    call, kind, words = REFUSED[index]
    with pytest.raises(kind, match=words):
        call()
