"""Native loops over arrays: the same values as the NumPy code, whatever the arrays are like.

Every array that is given lies between canaries, which must be alive afterwards.
"""

import pickle
import sys
from array import array
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import symgrad as sg
from symgrad.compile.native_loops import NativeLoop
from symgrad.errors import ShapeError
from symgrad.expr.tuning import tuned
from symgrad.targets.native.launch import launch

x, y, z = sg.symbols("x y z")
v, w = sg.vector("v", "n"), sg.vector("w", "n")
A, B = sg.matrix("A", ("m", "n")), sg.matrix("B", ("m", "n"))

SCALARS = {
    "gradient": [sg.sin(x) * y / (1 + z**2), *sg.grad(sg.sin(x) * y / (1 + z**2), [x, y, z])],
    "branches": [sg.where(x > y, sg.sqrt(abs(x)) * z, y), sg.where(x < 0, 1, z)],
    "sigmoids": [sg.special.expit(x) * sg.special.softplus(y), sg.tanh(x * y * z)],
    "one argument": [sg.exp(y), abs(y) ** 2.5, x**-3 * abs(y) ** 0.5, x + y + z],
    "comparison": [x > y, sg.logical_and(x > 0, y > z), sg.maximum(x, y) + z],
    "rounding": [sg.floor(x * 3) + sg.rint(y), sg.sign(z) * x, sg.ceil(z)],
    "inverse": [sg.arctan2(x, y), sg.hypot(y, z), sg.arcsinh(x * z), sg.log1p(x * x)],
}
MATRICES = {
    "sums": [sg.sum(A * sg.exp(B)), sg.sum(sg.sin(A) * B, axis=0), sg.sum(sg.cos(A) + v, axis=1)],
    "extrema": [sg.max(A * B + v), sg.min(sg.exp(A) * B, axis=1), sg.max(A * A + B, axis=0)],
    "mixed": [sg.exp(A) * B + v, sg.sum(sg.exp(A) * v), sg.sum(A * A * B, axis=0) * w],
    "softmax": [sg.softmax(A, axis=1) * B, sg.sum(sg.log(sg.softmax(A, axis=1)) * B), v * w],
}
GUARD = 64  # bytes of canary on each side
CANARY = 0xA5
TYPES = [np.float64, np.float64, np.float32, np.int64, np.int32, np.bool_]


@pytest.fixture(autouse=True)
def every_loop():
    """Loops for arrays of any size, shared out to threads."""
    with tuned(
        large_entries=1, heavy_entries=1, space_entries=1, space_cost=1, threaded_work=1,
        shared_entries=1,
    ):  # fmt: skip
        yield


class Memory:
    """Arrays between canaries."""

    def __init__(self):
        self.blocks = []

    def like(self, values, layout="plain", offset=0):
        """An array with these values, of a layout, between canaries."""
        values = np.asarray(values)
        shape, axes = values.shape, list(range(values.ndim))
        steps = [1] * values.ndim
        if layout == "fortran":
            axes.reverse()
        if layout in {"strided", "reversed"}:
            steps = [2 if layout == "strided" else -1] * values.ndim
        stretched = [n * abs(s) for n, s in zip(shape, steps, strict=True)]
        size = int(np.prod(stretched)) * values.itemsize
        block = np.full(size + 2 * GUARD + offset, CANARY, np.uint8)
        inside = block[GUARD + offset : GUARD + offset + size]
        whole = inside.view(values.dtype).reshape([stretched[k] for k in axes])
        if layout == "fortran":
            whole = whole.T
        array = whole[(*[slice(None, None, s) for s in steps], ...)]
        array[...] = values
        self.blocks.append((block, offset, size, inside.copy(), array))
        return array

    def check(self, written=()):
        for block, offset, size, before, made in self.blocks:
            assert (block[: GUARD + offset] == CANARY).all()
            assert (block[GUARD + offset + size :] == CANARY).all()
            if not any(made is w for w in written):
                np.testing.assert_array_equal(block[GUARD + offset : GUARD + offset + size], before)


def same(got, want, narrowest):
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    eps = float(np.finfo(narrowest).eps)  # NumPy's own functions of float32 are wrong by 2 ulps
    scale = np.max(np.abs(want), initial=0.0, where=np.isfinite(want))
    np.testing.assert_allclose(got, want, rtol=200 * eps, atol=20 * eps * scale)


def values(rng, shape, dtype):
    if dtype == np.bool_:
        return rng.random(shape) < 0.5
    if np.dtype(dtype).kind == "i":
        return rng.integers(1, 9, shape).astype(dtype)
    return rng.uniform(-2.5, 2.5, shape).astype(dtype)


SHAPES = [
    [(7,)] * 3, [(3, 5), (5,), (3, 1)], [(2, 1, 3), (4, 1), ()], [(600,)] * 3, [(40, 1), (3,), ()],
    [(0,), (0,), ()], [(3, 0), (1,), (3, 1)], [(1,), (1, 1), ()], [(2, 3, 4)] * 3,
]  # fmt: skip
LAYOUTS = ["plain", "fortran", "strided", "reversed"]
COMPILED = {}


def compiled(args, table, name):
    """The native function and the other one, made once."""
    if name not in COMPILED:
        COMPILED[name] = (
            sg.lambdify(args, table[name], backend="native", threads=2),
            sg.lambdify(args, table[name], threads=1),
        )
    return COMPILED[name]


def runs_native(f):
    """How many loops of a function have run as machine code."""
    waiting = [call for b in f._larger()._made.values() if b is not None for call in b.calls]
    found = 0
    while waiting:
        call = waiting.pop()
        if isinstance(call, NativeLoop):
            found += bool(call.work.kernels)
        else:
            waiting += call.calls
    return found


@pytest.mark.parametrize("name", SCALARS)
def test_broadcast_arrays_of_any_layout_and_type(name):
    f, plain = compiled([x, y, z], SCALARS, name)
    rng = np.random.default_rng(sum(name.encode()))
    for trial in range(11 if name == "branches" else 2):
        memory = Memory()
        arguments = []
        for shape in SHAPES[trial % len(SHAPES)]:
            dtype = TYPES[rng.integers(len(TYPES))] if trial % 2 else np.float64
            layout = LAYOUTS[rng.integers(len(LAYOUTS))]
            arguments.append(memory.like(values(rng, shape, dtype), layout, 4 * (trial % 5 == 4)))
        _agree(f, plain, arguments, memory, rng)


@pytest.mark.parametrize("name", MATRICES)
def test_matrices_and_their_reductions(name):
    f, plain = compiled([A, B, v, w], MATRICES, name)
    rng = np.random.default_rng(sum(name.encode()))
    for trial, (m, n) in enumerate([(3, 5), (130, 3), (3, 300)]):
        memory = Memory()
        arguments = [
            memory.like(values(rng, shape, np.float64), LAYOUTS[rng.integers(len(LAYOUTS))])
            for shape in [(m, n), (m, n), (n,), (n,)]
        ]
        arguments[0] = memory.like(abs(arguments[0]), LAYOUTS[trial % len(LAYOUTS)])
        _agree(f, plain, arguments, memory, rng)


def _agree(f, plain, arguments, memory, rng):
    single = any(a.dtype == np.float32 for a in arguments)
    narrowest = np.float32 if single else np.float64
    with np.errstate(all="ignore"):
        want = plain._plain()(*plain._signature.check(arguments))
        got = f(*arguments)
        memory.check()
        for g, p in zip(got, want, strict=True):
            same(np.asarray(g), np.asarray(p), narrowest)
        layout = LAYOUTS[rng.integers(len(LAYOUTS))]
        out = [memory.like(np.zeros_like(p), layout) for p in want]
        f(*arguments, out=out)
        memory.check(written=out)
        for g, p in zip(out, want, strict=True):
            same(g, np.asarray(p), narrowest)


def test_loops_run_as_native_code():
    f, _ = compiled([x, y, z], SCALARS, "gradient")
    f(np.ones((4, 50)), np.ones(50), np.ones((4, 1)))
    assert runs_native(f)
    g, _ = compiled([A, B, v, w], MATRICES, "sums")
    g(np.ones((4, 5)), np.ones((4, 5)), np.ones(5), np.ones(5))
    assert runs_native(g)


def test_out_may_be_an_argument():
    f = sg.lambdify([x, y], [sg.sin(x) + y, x * y], backend="native")
    rng = np.random.default_rng(1)
    for shift in (0, 1, -1, 5):
        memory = rng.uniform(-1e12, 1e12, 700)
        other = rng.uniform(0, 1, 600)
        a = memory[10:610]
        want = np.sin(a) + other, a * other
        out = [memory[10 + shift : 610 + shift], np.empty(600)]
        f(a, other, out=out)
        np.testing.assert_allclose(out[0], want[0], rtol=1e-14)
        np.testing.assert_array_equal(out[1], want[1])
    same_array = rng.uniform(0, 1, 50)
    want = np.sin(same_array) + same_array
    f(same_array, same_array, out=[same_array, np.empty(50)])
    np.testing.assert_allclose(same_array, want, rtol=1e-15)


def test_large_angles_are_reduced_exactly():
    f = sg.lambdify(x, [sg.sin(x), sg.cos(x), sg.tan(x) * 2], backend="native")
    rng = np.random.default_rng(2)
    a = rng.uniform(-1, 1, 3000)
    a[[5, 700, 2999]] = [1e22, 1e300, -3e15]
    for got, want in zip(f(a), [np.sin(a), np.cos(a), np.tan(a) * 2], strict=True):
        np.testing.assert_allclose(got, want, rtol=4e-16)


def test_infinities_and_nan():
    f = sg.lambdify([x, y], [sg.exp(x) * y, sg.sin(x), x / y, sg.maximum(x, y)], backend="native")
    special = np.array([0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, 5e-324, 1e308])
    a, b = [g.ravel() for g in np.meshgrid(special, special)]
    with np.errstate(all="ignore"):
        want = [np.exp(a) * b, np.sin(a), a / b, np.maximum(a, b)]
    for got, p in zip(f(a, b), want, strict=True):
        np.testing.assert_array_equal(got, p)


def test_sums_are_as_accurate_as_numpys():
    f = sg.lambdify(v, sg.sum(sg.exp(v) * v), backend="native")
    rng = np.random.default_rng(3)
    a = rng.uniform(0, 1, 200_000)
    exact = np.sum((np.exp(a) * a).astype(np.longdouble))
    ours, numpys = f(a), np.sum(np.exp(a) * a)
    assert abs(ours - exact) <= max(2 * abs(numpys - exact), 4e-16 * abs(exact))


def test_empty_reductions():
    total = sg.lambdify(A, sg.sum(sg.exp(A) * A), backend="native")
    assert total(np.empty((0, 3))) == 0.0
    largest = sg.lambdify(A, sg.max(sg.exp(A) * A), backend="native")
    with pytest.raises(ValueError, match="zero-size array to reduction"):
        largest(np.empty((0, 3)))
    rows = sg.lambdify(A, sg.sum(sg.exp(A) * A, axis=1), backend="native")
    np.testing.assert_array_equal(rows(np.empty((3, 0))), np.zeros(3))


def test_what_has_no_native_code_is_left_to_numpy():
    f = sg.lambdify([x, y], [sg.special.gamma(x) + sg.exp(y), sg.mod(x, y) * 2], backend="native")
    a, b = np.linspace(0.5, 3, 40), np.linspace(1, 2, 40)
    want = sg.lambdify([x, y], [sg.special.gamma(x) + sg.exp(y), sg.mod(x, y) * 2])(a, b)
    for got, p in zip(f(a, b), want, strict=True):
        np.testing.assert_allclose(got, p, rtol=1e-15)
    g = sg.lambdify([A, B], sg.exp(A @ B.T) * 2 + 1, backend="native")
    P, Q = np.random.default_rng(4).random((2, 5, 3))
    np.testing.assert_allclose(g(P, Q), np.exp(P @ Q.T) * 2 + 1, rtol=1e-14)


def test_wrong_shapes_are_found_before_the_call():
    f = sg.lambdify([x, y], sg.exp(x) * y, backend="native")
    with pytest.raises(ValueError, match="broadcast"):
        f(np.ones(3), np.ones(4))
    g = sg.lambdify([A, v], sg.sum(sg.exp(A) * v), backend="native")
    with pytest.raises(ShapeError):
        g(np.ones((3, 4)), np.ones(3))


def test_calls_from_several_threads_and_pickles():
    f = sg.lambdify([x, y], sg.exp(x) * sg.sin(y), backend="native")
    a = np.random.default_rng(5).random((8, 2, 500))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda p: f(*p), a))
    for got, (p, q) in zip(results, a, strict=True):
        np.testing.assert_allclose(got, np.exp(p) * np.sin(q), rtol=1e-15)
    again = pickle.loads(pickle.dumps(f))
    np.testing.assert_array_equal(again(*a[0]), f(*a[0]))


def test_explain_tells_what_is_native():
    f = sg.lambdify([x, y], [sg.exp(x) * y + x], backend="native")
    assert "_loop0: over axis0: 3 steps, 2 in, 1 out; native" in f.explain()
    g = sg.lambdify([x, y], [sg.special.gamma(x) * y + x], backend="native")
    assert "NumPy, for special.gamma of float64" in g.explain()
    h = sg.lambdify([x, y], [sg.exp(x) * y + x])
    assert "; native" not in h.explain()


def test_arrays_of_one_shape_are_one_loop():
    f = sg.lambdify(
        [x, y, z], {"a": sg.sin(x) * y + z, "b": (x > y, x * 1), "c": sg.constant(2.0)},
        backend="native",
    )  # fmt: skip
    rng = np.random.default_rng(6)
    for shape in [(200,), (3, 70), (2, 3, 40), (40_000,)]:
        p, q = rng.random((2, *shape))
        got = f(p, q, 2.5)
        assert f._one_shape.call.filled == 1
        np.testing.assert_allclose(got["a"], np.sin(p) * q + 2.5, rtol=1e-15)
        np.testing.assert_array_equal(got["b"][0], p > q)
        np.testing.assert_array_equal(got["b"][1], p)
        assert not np.shares_memory(got["b"][1], p)
        np.testing.assert_array_equal(got["c"], np.full(shape, 2.0))


def test_calls_leave_no_references_behind():
    f = sg.lambdify([x, y], [sg.exp(x) * y], backend="native")
    a, b = np.ones(500), np.ones(500)
    f(a, b)
    before = sys.getrefcount(a), sys.getrefcount(None)
    results = [f(a, b) for _ in range(200)]
    assert sys.getrefcount(a) == before[0]
    assert abs(sys.getrefcount(None) - before[1]) < 50
    assert all(sys.getrefcount(r[0]) <= 3 for r in results)


def test_a_table_is_filled_with_addresses():
    run = launch()
    table = array("q", [0, 0, 7])
    a, b = np.arange(3.0), np.arange(4)[::-1]
    b.flags.writeable = False
    assert run(0, table.buffer_info()[0], a, b) is None
    assert list(table) == [a.ctypes.data, b.ctypes.data, 7]
    with pytest.raises(TypeError, match="bytes-like"):
        run(0, table.buffer_info()[0], 1.5)
    with pytest.raises(TypeError):
        run("0", table.buffer_info()[0], a)
