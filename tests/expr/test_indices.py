"""Keys of `x[key]` against NumPy's own: constant masks in every place, beside everything else there is."""

import numpy as np
import pytest

import symgrad as sg

X = np.arange(24.0).reshape(2, 3, 4) + 1
ROWS = np.array([True, False, True])
COLUMNS = [False, True, True, False]
PLANE = np.array([[True, False, True], [False, False, True]])
EVERY = X > 7
x = sg.symbol("x", X.shape)

KEYS = {
    "first axis": np.array([False, True]),
    "a list": [True, False],
    "two axes": PLANE,
    "all axes": EVERY,
    "none": np.zeros(X.shape, bool),
    "no row": np.zeros(2, bool),
    "a constant expression": sg.constant(np.array([False, True])),
    "behind a slice": (slice(None), ROWS),
    "behind Ellipsis": (..., np.array(COLUMNS)),
    "a list behind Ellipsis": (..., COLUMNS),
    "two axes behind a slice": (slice(None), np.ones((3, 4), bool) & COLUMNS),
    "beside an int": (0, ROWS),
    "before an int": (PLANE, 2),
    "before a negative int": (PLANE, -1),
    "apart from an int": (0, slice(None), COLUMNS),
    "beside newaxis": (np.array([True, True]), None),
    "newaxis before": (None, np.array([True, False])),
    "newaxis between": (0, None, ROWS),
    "beside indices": (slice(None), ROWS, [0, 3]),
    "beside a column of indices": (np.array([[0], [1]]), ROWS),
    "two masks": (np.array([True, True]), np.array([True, False, True])),
    "two masks apart": (np.array([True, True]), slice(None), COLUMNS),
    "an Ellipsis of no axes between": (0, ROWS, ..., [1, 2]),
    "a reversed slice": (slice(None, None, -1), ROWS, slice(1, 3)),
    "True": True,
    "False": False,
    "np.True_": np.True_,
    "an array of no axes": np.array(True),
    "True behind": (..., True),
    "True beside an int": (True, 0),
    "True apart": (True, slice(None), [0, 1]),
    "False beside indices": (False, [0]),
    "indices of no axes": (np.array(1), slice(None), np.array(-1)),
    "an empty list": [],
    "an empty list behind a slice": (slice(None), []),
}


def plain(key):
    return sg.evaluate(key, {}) if isinstance(key, sg.Expr) else key


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_those_of_numpy(name):
    """Values, and first and second derivatives by where the entries came from."""
    key = KEYS[name]
    expected = X[plain(key)]
    node = x[key]
    sg.check_graph(node)
    assert node.shape == expected.shape
    np.testing.assert_array_equal(sg.evaluate(node, {x: X}), expected)
    counts = np.zeros(X.size)
    np.add.at(counts, np.arange(X.size).reshape(X.shape)[plain(key)], 1.0)
    f = sg.sum(node**3)
    gradient, along = sg.lambdify(x, [sg.grad(f, x), sg.hvp(f, x, sg.ones(X.shape))])(X)
    np.testing.assert_allclose(gradient, 3 * X**2 * counts.reshape(X.shape))
    np.testing.assert_allclose(along, 6 * X * counts.reshape(X.shape))


def random_key(rng, shape):
    """A key of any kind, sometimes a wrong one."""
    key, axis, dots = [], 0, False
    count = int(rng.integers(1, 4))
    while axis < len(shape) and rng.random() < 0.95:
        kind = rng.integers(9)
        if kind == 0:
            key.append(None)
        elif kind == 1:
            key.append([True, False, np.True_, np.array(True)][rng.integers(4)])
        elif kind == 2 and not dots:
            dots, axis = True, axis + int(rng.integers(2))
            key.append(...)
        elif kind in (3, 4):
            key.append([slice(None), slice(1, None), slice(None, None, -1)][rng.integers(3)])
            axis += 1
        elif kind == 5:
            key.append([0, -1, np.int64(0), np.array(-1)][rng.integers(4)])
            axis += 1
        elif kind == 6:
            key.append([[0] * count, np.array([0, -1, 0][:count]), []][rng.integers(3)])
            axis += 1
        elif kind == 7:
            mask = np.zeros(shape[axis], bool)
            mask[rng.permutation(shape[axis])[:count]] = True
            key.append(mask if rng.random() < 0.5 or not mask.size else mask.tolist())
            axis += 1
        elif kind == 8 and axis + 1 < len(shape):
            key.append(rng.random(shape[axis : axis + 2]) < 0.5)
            axis += 2
    return tuple(key)


@pytest.mark.parametrize("seed", range(600))
def test_random_keys(seed):
    rng = np.random.default_rng(seed)
    shape = [(3,), (3, 4), (2, 3, 4), (4, 4, 2)][rng.integers(4)]
    key = random_key(rng, shape)
    data = np.arange(float(np.prod(shape))).reshape(shape)
    try:
        expected = data[key]
    except IndexError:
        with pytest.raises(sg.SymgradError):
            sg.symbol("x", shape)[key]
        return
    node = sg.symbol("x", shape)[key]
    value = sg.evaluate(node, {sg.symbol("x", shape): data})
    assert np.shape(value) == expected.shape
    np.testing.assert_array_equal(value, expected)


v, w = sg.vector("v", 3), sg.vector("w", "n")
REFUSED = [
    (lambda: v[v > 0], sg.ArgumentError, r"where\(mask, x, 0\)"),
    (lambda: x[0, v > 0], sg.ArgumentError, r"sum\(x, where=mask\)"),
    (lambda: v[[True, False]], sg.ShapeError, r"a mask of shape \(2,\) does not fit"),
    (lambda: x[:, PLANE], sg.ShapeError, r"a mask of shape \(2, 3\)"),
    (lambda: v[np.ones((3, 1), bool)], sg.ShapeError, "2 indices"),
    (lambda: w[np.array([True, False])], sg.ArgumentError, "known extents"),
    (lambda: v[[0.5, 1.0]], sg.ShapeError, "integer"),
    (lambda: v[[[0], [1, 2]]], sg.ShapeError, "array of ints"),
    (lambda: v[[slice(None)]], sg.SymgradError, "."),
    (lambda: sg.compress(v > 0, v), sg.ArgumentError, "where"),
    (lambda: sg.compress([[True]], v), sg.ShapeError, "one axis"),
    (lambda: sg.extract(v > 0, v), sg.ArgumentError, "where"),
    (lambda: sg.take(v, [0], mode="nearest"), sg.ArgumentError, "nearest"),
    (lambda: v[5], sg.ShapeError, "out of range"),
]


@pytest.mark.parametrize("index", range(len(REFUSED)))
def test_refused(index):
    call, kind, words = REFUSED[index]
    with pytest.raises(kind, match=words):
        call()


PICKING = {
    "compress": lambda xp, a: xp.compress([True, False, True], a, axis=1),
    "compress flat": lambda xp, a: xp.compress([False, True], a),
    "extract": lambda xp, a: xp.extract(EVERY, a),
    "take wrap": lambda xp, a: xp.take(a, [-5, 7], axis=2, mode="wrap"),
    "take clip": lambda xp, a: xp.take(a, [-5, 7], axis=2, mode="clip"),
    "where of a mask": lambda xp, a: a[np.where(EVERY)],
    "nonzero of a mask": lambda xp, a: a[np.nonzero(PLANE)],
}


@pytest.mark.parametrize("name", PICKING)
def test_functions_that_pick(name):
    call = PICKING[name]
    for space in (np, sg):
        np.testing.assert_array_equal(sg.evaluate(call(space, x), {x: X}), call(np, X))
    np.testing.assert_array_equal(
        sg.evaluate(sg.grad(sg.sum(call(sg, x) ** 2), x), {x: X}) != 0,
        np.isin(X, call(np, X)),
    )


def test_a_batch_of_masked_arrays():
    batched = sg.vmap(x[:, ROWS, 1], over={x: "b"})
    data = np.stack([X, 2 * X])
    f = sg.lambdify(sg.free_symbols(batched), batched)
    np.testing.assert_array_equal(f(data), data[:, :, ROWS, 1])
