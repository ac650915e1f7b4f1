"""The contract of every public function on arrays, written once: it holds for every case there is.

Shape, dtype and value against NumPy (or the case's reference), with known and with named extents;
first and second derivatives against differences of that reference, forward against reverse; NumPy's
own function on expressions; pickling; text and LaTeX. Elementwise ops have a contract of their own
with an oracle of 30 digits, in `test_entrywise`.
"""

import pickle

import numpy as np
import pytest
from tests.ops import differences
from tests.ops.cases import CASES, PROMISED, SIZES, as_list
from tests.ops.test_entrywise import RECORDS

import symgrad as sg
from symgrad.expr.traverse import toposort
from symgrad.ops.table import OPS

KINDS = {"f": "float32", "i": "int64", "b": "bool"}
every_case = pytest.mark.parametrize("case", CASES, ids=[c.id for c in CASES])
smooth_case = pytest.mark.parametrize(
    "case", [c for c in CASES if c.smooth], ids=[c.id for c in CASES if c.smooth]
)


def symbols_of(case, sizes=None, kind=None):
    return [
        sg.symbol(f"x{i}", o.extents(sizes), dtype=kind if kind and is_float(o) else o.dtype)
        for i, o in enumerate(case.operands)
    ]


def is_float(operand):
    return operand.dtype == "float64"


def draw(case, sizes, kind=None):
    rng = case.rng
    arrays = [o.draw(rng, sizes) for o in case.operands]
    if kind is None:
        return arrays
    scale = 3 if kind == "int64" else 1
    return [
        (a * scale).astype(kind) if is_float(o) else a
        for a, o in zip(arrays, case.operands, strict=True)
    ]


def assert_same(actual, expected, rtol=1e-13, atol=1e-13):
    expected = np.asarray(expected)
    actual = np.asarray(actual)
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    if expected.dtype.kind != "f":
        assert np.array_equal(actual, expected)
    else:
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def assert_dtypes(ys, expected):
    """The dtypes of nodes are those of values; a folded number takes the dtype of what it meets."""
    for y, e in zip(ys, expected, strict=True):
        assert y.ty.weak or y.dtype == np.asarray(e).dtype


@every_case
def test_shape_dtype_and_value(case):
    xs = symbols_of(case, SIZES[0])
    ys = as_list(case.call(sg, *xs))
    sg.check_graph(*ys)
    arrays = draw(case, SIZES[0])
    expected = case.oracle(*arrays)
    assert [y.shape for y in ys] == [np.shape(e) for e in expected]
    assert_dtypes(ys, expected)
    for actual, e in zip(sg.lambdify(xs, ys)(*arrays), expected, strict=True):
        assert_same(actual, e)


@pytest.mark.parametrize(
    ("case", "kind"),
    [pytest.param(c, KINDS[k], id=f"{c.id}-{KINDS[k]}") for c in CASES for k in c.dtypes],
)
def test_dtypes(case, kind):
    xs = symbols_of(case, SIZES[0], kind)
    arrays = draw(case, SIZES[0], kind)
    ys = as_list(case.call(sg, *xs))
    sg.check_graph(*ys)
    with np.errstate(all="ignore"):
        expected = case.oracle(*arrays)
        actual = sg.lambdify(xs, ys)(*arrays)
    assert_dtypes(ys, expected)
    digits = 2e-5 if kind == "float32" else 1e-13
    for a, e in zip(actual, expected, strict=True):
        assert_same(a, e, digits, digits)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.named], ids=[c.id for c in CASES if c.named]
)
def test_named_extents(case):
    """One callable for all sizes: value, and derivative along a direction."""
    xs = symbols_of(case)
    ys = as_list(case.call(sg, *xs))
    sg.check_graph(*ys)
    leaves, us = floating(case, xs), [cotangent(i, y) for i, y in enumerate(ys)]
    wanted = [u for y, u in zip(ys, us, strict=True) if y.dtype.kind == "f"]
    pulled = pulled_back(ys, us, leaves) if case.smooth and wanted else []
    sg.check_graph(*pulled)
    f = sg.lambdify([*xs, *wanted], [ys, pulled])
    for sizes in SIZES[1:]:
        arrays = draw(case, sizes)
        expected = case.oracle(*arrays)
        floats = [i for i, y in enumerate(ys) if y.dtype.kind == "f"]
        weights = [draw_like(case, expected[i], i) for i in floats]
        values, slopes = f(*arrays, *weights)
        for actual, e in zip(values, expected, strict=True):
            assert_same(actual, e)
        if pulled:
            check_along(case, arrays, weights, slopes)


def check_along(case, arrays, weights, slopes):
    directions = [draw_like(case, a, "v") for a in wide(case, arrays, only=True)]
    total = weighted(case, arrays, weights)
    expected = differences.along(total, wide(case, arrays, only=True), directions, step_of(case))
    actual = sum(np.sum(s * v) for s, v in zip(slopes, directions, strict=True))
    np.testing.assert_allclose(
        float(actual), float(expected), rtol=tolerance(case), atol=tolerance(case)
    )


# Derivatives


def floating(case, xs):
    return [x for x, o in zip(xs, case.operands, strict=True) if is_float(o)]


def cotangent(i, y):
    return sg.symbol(f"u{i}", y.shape)


def draw_like(case, array, tag):
    shift = sum(map(ord, str(tag))) + 1
    rng = np.random.default_rng(case.rng.integers(1 << 30) + shift)
    return rng.uniform(-1.0, 1.0, np.shape(array))


def pulled_back(ys, us, leaves):
    terms = [sg.sum(u * y) for y, u in zip(ys, us, strict=True) if y.dtype.kind == "f"]
    return sg.grad(sum(terms[1:], terms[0]), leaves)


def step_of(case):
    return np.longdouble("2e-3") if case.wide else np.float64(1e-2)


def tolerance(case, order=1):
    return {(True, 1): 1e-11, (True, 2): 1e-9, (False, 1): 1e-9, (False, 2): 1e-7}[case.wide, order]


def wide(case, arrays, only=False):
    """The arrays with the floating ones in the type that the reference computes in."""
    kind = np.longdouble if case.wide else np.float64
    pairs = zip(arrays, case.operands, strict=True)
    return [a.astype(kind) if is_float(o) else a for a, o in pairs if is_float(o) or not only]


def on_floats(case, arrays):
    """The reference as a function of its floating operands, results joined into one vector."""
    fixed = [None if is_float(o) else a for a, o in zip(arrays, case.operands, strict=True)]

    def f(*xs):
        rest = iter(xs)
        results = case.oracle(*[next(rest) if a is None else a for a in fixed])
        parts = [np.asarray(r) for r in results if np.asarray(r).dtype.kind == "f"]
        return np.concatenate([p.ravel() for p in parts])

    return f


def weighted(case, arrays, weights):
    flat = np.concatenate([np.ravel(w) for w in weights])
    f = on_floats(case, arrays)
    return lambda *xs: np.dot(flat, f(*xs))


@smooth_case
def test_derivatives(case):
    """Jacobian, its products from both sides, and second derivatives in two ways, by differences."""
    xs = symbols_of(case, SIZES[0])
    leaves = floating(case, xs)
    ys = [y for y in as_list(case.call(sg, *xs)) if y.dtype.kind == "f"]
    us = [cotangent(i, y) for i, y in enumerate(ys)]
    vs = [sg.symbol(f"v{i}", x.shape) for i, x in enumerate(leaves)]
    blocks = [sg.jacobian(y, leaves) for y in ys]
    pushed = [sg.jvp(y, leaves, vs) for y in ys]
    pulled = pulled_back(ys, us, leaves)
    total = sum(sg.sum(u * y) for y, u in zip(ys, us, strict=True))
    curved = sg.hvp(total, leaves, vs)
    twice = sg.grad(sum(sg.sum(g * v) for g, v in zip(pulled, vs, strict=True)), leaves)
    outputs = [blocks, pushed, pulled, curved, twice]
    sg.check_graph(*[e for part in (*blocks, pushed, pulled, curved, twice) for e in part])
    f = sg.lambdify([*xs, *us, *vs], outputs)

    arrays = draw(case, SIZES[0])
    points = wide(case, arrays, only=True)
    weights = [draw_like(case, np.empty(y.shape), i) for i, y in enumerate(ys)]
    directions = [draw_like(case, x, f"v{i}") for i, x in enumerate(points)]
    blocks, pushed, pulled, curved, twice = f(*arrays, *weights, *directions)

    jacobians = differences.jacobians(on_floats(case, arrays), points, step_of(case))
    for i, x in enumerate(points):
        flat = [np.reshape(row[i], (-1, *x.shape)) for row in blocks]
        compare(np.concatenate(flat), jacobians[i], tolerance(case))
        by_weights = np.tensordot(np.concatenate([w.ravel() for w in weights]), jacobians[i], 1)
        compare(pulled[i], by_weights, tolerance(case))
    along = differences.along(on_floats(case, arrays), points, directions, step_of(case))
    compare(np.concatenate([np.ravel(p) for p in pushed]), along, tolerance(case))
    second = differences.hessian_times(
        weighted(case, arrays, weights), points, directions, step_of(case)
    )
    for a, b, expected in zip(curved, twice, second, strict=True):
        compare(a, expected, tolerance(case, 2))
        compare(b, expected, tolerance(case, 2))


def compare(actual, expected, digits):
    assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(
        np.asarray(actual, np.float64), np.asarray(expected, np.float64), rtol=digits, atol=digits
    )


@pytest.mark.parametrize(
    "case", [c for c in CASES if not c.smooth], ids=[c.id for c in CASES if not c.smooth]
)
def test_no_derivative_where_there_is_none(case):
    (y,) = as_list(case.call(sg, *symbols_of(case)))
    if y.dtype.kind != "f" and not y.ty.weak:
        with pytest.raises(sg.DerivativeError, match=str(y.dtype)):
            sg.jacobian(y, symbols_of(case)[0])


# NumPy's own functions, pickling, printing


@pytest.mark.parametrize(
    "case", [c for c in CASES if not c.reference], ids=[c.id for c in CASES if not c.reference]
)
def test_numpy_function_builds_the_same_node(case):
    xs = symbols_of(case, SIZES[0])
    ours, theirs = as_list(case.call(sg, *xs)), as_list(case.call(np, *xs))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a is b


@every_case
def test_pickling(case):
    xs = symbols_of(case) if case.named else symbols_of(case, SIZES[0])
    ys = as_list(case.call(sg, *xs))
    assert all(a is b for a, b in zip(pickle.loads(pickle.dumps(ys)), ys, strict=True))
    assert all(a is b for a, b in zip(sg.load_json(sg.save_json(ys)), ys, strict=True))
    f = sg.lambdify(xs, ys)
    g = pickle.loads(pickle.dumps(f))
    arrays = draw(case, SIZES[0])
    for a, b in zip(f(*arrays), g(*arrays), strict=True):
        assert_same(a, b, 0, 0)


@every_case
def test_reading(case):
    xs = symbols_of(case) if case.named else symbols_of(case, SIZES[0])
    for y in as_list(case.call(sg, *xs)):
        assert str(y)
        assert sg.latex(y)
        assert "<op" not in str(y) + sg.latex(y)


# What there is, and that it is reached


@pytest.mark.parametrize("name", PROMISED)
def test_public_name(name):
    assert callable(getattr(sg, name))
    assert getattr(sg, name).__doc__


def reached(roots):
    return {node.op.name for node in toposort(roots)}


def test_every_op_is_reached_by_a_case():
    names = set(RECORDS)
    for case in CASES:
        xs = symbols_of(case, SIZES[0])
        ys = as_list(case.call(sg, *xs))
        names |= reached(ys)
        if case.smooth:
            smooth = [y for y in ys if y.dtype.kind == "f"]
            names |= reached(
                pulled_back(
                    smooth, [cotangent(i, y) for i, y in enumerate(smooth)], floating(case, xs)
                )
            )
    leaves = {"symbol", "constant", "number", "eye", "size", "arange"}
    assumed = {"spd_logdet"}  # made for a symbol that is positive definite; see tests/linalg
    # made of an equation; see tests/solve/test_implicit; and of a step; see tests/recurrence
    solved = {"implicit", "implicit_system", "scan"}
    # of named extents; a value without its derivative; no value: see tests/functions; two forms of one
    # formula: see tests/rewrite/test_search
    elsewhere = {"roll", "stop_gradient", "applied_function", "shown"}
    assert set(OPS) - names <= leaves | assumed | solved | elsewhere
