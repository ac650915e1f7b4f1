"""The code for large arrays: the same values as the plain code, whatever the arrays are like."""

import pickle
import threading
import tracemalloc
import warnings

import numpy as np
import pytest

import symgrad as sg
from symgrad.compile.bodies import WORKSPACE
from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.expr.tuning import MEASURED

x, y, z = sg.symbols("x y z")
v, w = sg.vector("v", "n"), sg.vector("w", "n")
A = sg.matrix("A", ("m", "n"))

SCALAR_FORMULAS = {
    "gradient": [sg.sin(x) * y / (1 + z**2), *sg.grad(sg.sin(x) * y / (1 + z**2), [x, y, z])],
    "branches": [sg.where(x > y, sg.sqrt(x) * z, y), sg.where(x < 0, 1, z)],
    "branch in place": [sg.where(x > 0, x * 2, sg.where(y > 0, y * 2, z * 2)) + 1],
    "sigmoids": [sg.special.expit(x) * sg.special.softplus(y), sg.tanh(x * y * z)],
    "only numbers": [sg.constant(2.5), x],
    "one argument": [sg.exp(y), y**2.5, x**-3 * y**0.5],
    "comparison": [x > y, sg.logical_and(x > 0, y > z)],
    "rounding": [sg.floor(x * 3), sg.mod(x, y), sg.sign(z)],
}


def arrays_of(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.3, 2.5, size=shape) for shape in shapes]


LAYOUTS = {
    "vectors": arrays_of(7, 7, 7),
    "scalars among them": [*arrays_of(7, 7), 1.5],
    "zero axes": [*arrays_of(7, 7), np.asarray(1.5)],
    "row and column": arrays_of((4, 1), (1, 5), (5,)),
    "three axes": arrays_of((2, 1, 3), (4, 1), (2, 4, 3)),
    "fortran": [np.asfortranarray(a) for a in arrays_of((4, 5), (4, 5), (4, 5))],
    "fortran and row": [np.asfortranarray(arrays_of((4, 5))[0]), *arrays_of((5,), (4, 1))],
    "strided": [a[::2, ::-1] for a in arrays_of((8, 5), (8, 5), (8, 5))],
    "mixed orders": [arrays_of((4, 5))[0], np.asfortranarray(arrays_of((4, 5))[0]), 2.0],
    "read only": [np.broadcast_to(a, (3, 4)) for a in arrays_of(4, 4, 4)],
    "float32": [a.astype(np.float32) for a in arrays_of(7, 7, 7)],
    "mixed types": [arrays_of(7)[0].astype(np.float32), arrays_of(7)[0], np.arange(1, 8)],
    "one entry": arrays_of((1,), (1,), (1, 1)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("formula", SCALAR_FORMULAS)
def test_functions_of_scalars(formula, layout, tiny_blocks):
    f = sg.lambdify([x, y, z], SCALAR_FORMULAS[formula])
    arguments = [np.asarray(a) if np.ndim(a) else a for a in LAYOUTS[layout]]
    expected = f._plain()(*f._signature.check(arguments))
    for result, wanted in zip(f(*arguments), expected, strict=True):
        assert np.shape(result) == np.shape(wanted) and result.dtype == wanted.dtype
        np.testing.assert_allclose(result, wanted, rtol=1e-6 if result.dtype == "f4" else 1e-14)


TENSOR_FORMULAS = {
    "sum": sg.sum(sg.sin(A) * v),
    "dot": sg.exp(v) @ sg.tanh(w),
    "rows": sg.sum(sg.exp(A * v), axis=1),
    "columns": sg.sum(sg.exp(A * v), axis=0),
    "extrema": [sg.max(A * v), sg.min(A * v, axis=0), sg.max(A**2, axis=1)],
    "products": sg.prod(1 + A / 10, axis=0) * sg.prod(v),
    "softmax": sg.softmax(A, axis=1),
    "twice": sg.exp(v) / sg.sum(sg.exp(v)) * sg.sum(v**2),
    "later use": [sg.exp(v) * sg.sum(sg.exp(v) * w), sg.sin(v), sg.cos(sg.sin(v)) @ w],
    "matrix product": sg.tanh(A @ v) @ A + sg.exp(w),
    "vectors and matrices": sg.sum(sg.tanh(A * sg.exp(v) + sg.log(w))) * sg.exp(w),
    "gradient": sg.grad(sg.sum(sg.log(1 + sg.exp(A @ v))) + v @ v, v),
    "slices": sg.grad(sg.sum((v[1:] - v[:-1] ** 2) ** 2), v),
    "any": [sg.any(A > 2), sg.all(v < A, axis=1)],
    "counts": sg.sum(sg.where(A > 1, 1, 0), axis=0),
}


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("extents", [(1, 1), (3, 4), (8, 2), (2, 17)])
@pytest.mark.parametrize("formula", TENSOR_FORMULAS)
def test_functions_of_arrays(formula, extents, order, tiny_blocks):
    m, n = extents
    a, b, c = arrays_of((m, n), n, n, seed=1)
    arguments = [np.asarray(a, order=order), b, c]
    outputs = TENSOR_FORMULAS[formula]
    f = sg.lambdify([A, v, w], outputs if isinstance(outputs, list) else [outputs])
    expected = f._plain()(*arguments)
    for result, wanted in zip(f(*arguments), expected, strict=True):
        assert np.shape(result) == np.shape(wanted)
        assert np.asarray(result).dtype == np.asarray(wanted).dtype
        np.testing.assert_allclose(result, wanted, rtol=1e-12)


def test_large_arrays_take_the_blocked_code():
    f = sg.lambdify([x, y], sg.sin(x) * sg.exp(y))
    assert "_loop0" in f.large_source and "out=w0" in f.large_source
    a, b = arrays_of(100_003, 100_003)
    np.testing.assert_allclose(f(a, b), np.sin(a) * np.exp(b), rtol=1e-15)
    assert f._large.find([a, b], f._least) is not None
    assert f._large.find([a[:100], b[:100]], f._least) is None


def test_heavy_formulas_count_as_large_at_fewer_entries():
    light, heavy = sg.lambdify([x, y], x * y + 1), sg.lambdify([x, y], sg.sin(x) * sg.cos(y) * x**y)
    wide = sg.lambdify([x, y], sum(sg.sin(k * x) * sg.cos(y / k) for k in range(1, 9)))
    assert (
        light._least
        == MEASURED.large_entries
        > heavy._least
        > wide._least
        == MEASURED.heavy_entries
    )
    a, b = arrays_of(10_000, 10_000)
    np.testing.assert_allclose(wide(a, b), wide._plain()(a, b), rtol=1e-13)
    assert wide._large is not None


def test_threads_do_not_change_results():
    formulas = [sg.sum(sg.sin(A) * v), sg.sum(sg.exp(A) * v, axis=0), sg.sum(sg.exp(A), axis=1)]
    a, b = arrays_of((700, 301), 301)
    first, *others = [
        sg.lambdify([A, v], formulas, threads=count)(a, b) for count in (1, 2, 3, 7, None)
    ]
    for other in others:
        assert all(np.array_equal(p, q) for p, q in zip(first, other, strict=True))


def test_sums_over_blocks_are_as_accurate_as_pairwise_ones():
    a = arrays_of(1_000_000)[0]
    result = sg.lambdify([v], sg.sum(sg.sqrt(v)))(a)
    exact = float(np.sum(np.sqrt(a).astype(np.longdouble)))
    assert abs(result - exact) <= max(abs(np.sum(np.sqrt(a)) - exact), 4 * np.spacing(exact))


@pytest.mark.parametrize("threads", [0, -1, 2.0, True, "all"])
def test_threads_must_be_a_positive_int(threads):
    with pytest.raises(ArgumentError, match="threads must be a positive int"):
        sg.lambdify(x, x, threads=threads)


def test_error_state_reaches_the_threads():
    f = sg.lambdify([x, y], sg.log(x) / y, threads=2)
    a, b = arrays_of(200_000, 200_000)
    a[-1] = -1.0
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        f(a, b)
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        assert np.isnan(f(a, b)[-1])


def test_branches_not_taken_do_not_warn():
    f = sg.lambdify([x, y], sg.grad(sg.where(x > 0, sg.sqrt(x) * y, 0), [x, y]))
    a = np.linspace(-1, 1, 50_001)
    by_x, by_y = f(a, a)
    assert np.all(by_x[a <= 0] == 0) and np.all(np.isfinite(by_y))


def test_many_threads_call_one_function():
    f = sg.lambdify([x, y], [sg.sin(x) * y, sg.cos(x * y)])
    data = [arrays_of(50_000, 50_000, seed=seed) for seed in range(8)]
    results = [None] * 8

    def work(k):
        for _ in range(5):
            results[k] = f(*data[k])

    workers = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for (a, b), (p, q) in zip(data, results, strict=True):
        assert np.array_equal(p, np.sin(a) * b) and np.array_equal(q, np.cos(a * b))


def test_a_pickled_function_has_its_large_code():
    f = pickle.loads(pickle.dumps(sg.lambdify([x, y], sg.sin(x) * y, threads=1)))
    a, b = arrays_of(40_000, 40_000)
    assert np.array_equal(f(a, b), np.sin(a) * b)
    assert f.large_source == sg.lambdify([x, y], sg.sin(x) * y).large_source


def test_memory_is_outputs_and_little_more():
    e = sg.exp(-(x**2)) * sg.sin(y) + sg.log(1 + x**2) / (1 + y**2) * sg.tanh(x * y)
    f = sg.lambdify([x, y], [e, *sg.grad(e, [x, y])])
    a, b = arrays_of(2_000_000, 2_000_000)
    f(a, b)
    tracemalloc.start()
    results = f(a, b)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < sum(r.nbytes for r in results) + (16 << 20)


def test_what_a_thread_keeps_is_bounded():
    for _ in range(2):
        WORKSPACE.give_back(np.empty(MEASURED.workspace_bytes // 2 + 1, np.uint8))
    sizes = [WORKSPACE.take(10).size for _ in range(3)]
    assert sum(sizes) <= MEASURED.workspace_bytes


# out=


@pytest.mark.parametrize("count", [10, 100_000])
def test_results_are_written_where_the_caller_says(count):
    f = sg.lambdify([x, y], {"value": sg.sin(x) * y, "slope": (sg.cos(x) * y, x)})
    a, b = arrays_of(count, count)
    out = {"value": np.empty(count), "slope": (np.empty(count), np.empty(count))}
    assert f(a, b, out=out) is out
    np.testing.assert_allclose(out["value"], np.sin(a) * b, rtol=1e-15)
    np.testing.assert_allclose(out["slope"][0], np.cos(a) * b, rtol=1e-15)
    assert np.array_equal(out["slope"][1], a)


@pytest.mark.parametrize("count", [10, 100_000])
def test_an_argument_may_be_the_destination(count):
    f = sg.lambdify([x, y], [x + y, x - y])
    a, b = arrays_of(count, count)
    expected = a + b, a - b
    f(a, b, out=[a, b])
    assert np.array_equal(a, expected[0]) and np.array_equal(b, expected[1])


def test_a_part_of_an_array_may_be_the_destination():
    f = sg.lambdify([x], x * 2)
    a = np.arange(60_000.0)
    out = np.zeros((60_000, 2))
    f(a, out=out[:, 1])
    assert np.array_equal(out[:, 1], 2 * a) and not out[:, 0].any()


def test_floats_with_a_destination():
    f = sg.lambdify(x, x**2)
    out = np.empty(())
    assert f(3.0) == 9.0 and f(4.0, out=out) is out and out == 16.0 and f(x=2.0, out=out) == 4.0


def test_bad_destinations():
    f = sg.lambdify([x, y], [x + y, x * y])
    a = np.ones(5)
    with pytest.raises(ArgumentError, match="form of the outputs"):
        f(a, a, out=np.empty(5))
    with pytest.raises(ArgumentError, match="out 1 must be a writable NumPy array"):
        f(a, a, out=[np.empty(5), None])
    with pytest.raises(ShapeError, match=r"out 0 has shape \(4,\), needs \(5,\)"):
        f(a, a, out=[np.empty(4), np.empty(5)])
    with pytest.raises(DTypeError, match="out 1 has dtype int64, needs float64"):
        f(a, a, out=[np.empty(5), np.empty(5, int)])
    with pytest.raises(ArgumentError, match="writable"):
        f(a, a, out=[np.broadcast_to(1.0, 5), np.empty(5)])


# fast_math


def test_fast_math_trades_the_last_places():
    import mpmath

    f = sg.lambdify(x, [sg.sin(x), sg.cos(x)], fast_math=True)
    assert "np.tan" in f.source and "np.sin" not in f.source
    a = np.random.default_rng(5).uniform(-100, 100, 4000)
    exact = np.array([[float(mpmath.sin(t)), float(mpmath.cos(t))] for t in a]).T
    assert np.max(np.abs(np.array(f(a)) - exact)) < 1e-15
    assert "np.sin" in sg.lambdify(x, sg.sin(x)).source and f(0.0) == [0.0, 1.0]
