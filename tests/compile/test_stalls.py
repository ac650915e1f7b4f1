"""No call takes out of proportion: what is written, bound and kept is bounded."""

import gc
import importlib.util
import inspect
import linecache
import traceback
import tracemalloc

import numpy as np
import pytest

import symgrad as sg
from symgrad.compile import function
from symgrad.compile.evaluate import FUNCTIONS
from symgrad.expr import leaves, node
from symgrad.expr.node import live_nodes
from symgrad.expr.tuning import MEASURED
from symgrad.rewrite import unrolling
from symgrad.rewrite.unrolling import by_entries, pays
from symgrad.targets.data import SHORT

RNG = np.random.default_rng(0)


# Code on floats


def recurrence(entries, steps):
    W, h = sg.matrix("W", (entries, entries)), sg.vector("h", entries)
    y = h
    for _ in range(steps):
        y = sg.tanh(W @ y + h)
    return [W, h], y


def lstm(entries, steps):
    weights = [sg.matrix(f"W{k}", (entries, entries)) for k in range(4)]
    x = sg.vector("x", entries)
    h = c = x
    for _ in range(steps):
        i, f, o = [sg.special.expit(W @ h + x) for W in weights[:3]]
        c = f * c + i * sg.tanh(weights[3] @ h + x)
        h = o * sg.tanh(c)
    return [*weights, x], sg.sum(h)


@pytest.mark.parametrize(
    "formula", [recurrence(14, 800), lstm(4, 300)], ids=["recurrence of 14", "LSTM"]
)
def test_long_formulas_of_small_arrays_stay_formulas_of_arrays(formula, monkeypatch):
    args, y = formula
    f = sg.lambdify(args, y)
    at = [RNG.normal(size=x.shape) / 10 for x in args]
    first = f(*at)
    made = []
    monkeypatch.setattr(unrolling, "_grid", lambda *_: made.append(1))
    for _ in range(3):
        np.testing.assert_array_equal(f(*at), first)
    assert f.scalar_source is None
    assert not made  # it is not even begun


def test_short_formulas_of_small_arrays_have_code_on_floats():
    args, y = recurrence(3, 10)
    f = sg.lambdify(args, y)
    at = [RNG.normal(size=x.shape) for x in args]
    first = f(*at)
    assert f.scalar_source is not None
    np.testing.assert_allclose(f(*at), first, rtol=1e-13)


def test_what_pays():
    most = MEASURED.float_steps
    assert pays(100, 10)
    assert not pays(MEASURED.step_cost * 10, 10)  # a gain of nothing pays for no work
    assert pays(most, most) and not pays(most + 1, 10**9)
    args, y = recurrence(3, 20)
    assert by_entries([(x.name, x) for x in args], [y]) is not None
    args, y = recurrence(14, 800)
    assert by_entries([(x.name, x) for x in args], [y]) is None


# Constants


ARRAYS = {
    "floats": RNG.normal(size=(20, 10)),
    "extremes": np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308] * 20),
    "single": RNG.normal(size=200).astype(np.float32),
    "integers": np.arange(-100, 100),
    "bytes": np.arange(200, dtype=np.uint8),
    "booleans": RNG.normal(size=200) > 0,
    "turned": np.asfortranarray(RNG.normal(size=(10, 20)))[::-1],
    "few": np.arange(float(SHORT)),
    "one more": np.arange(float(SHORT + 1)),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_constants_in_a_saved_module(kind, tmp_path):
    array = ARRAYS[kind]
    x = sg.symbol("x")
    f = sg.lambdify(x, [sg.constant(array), sg.where(x > 0, sg.constant(array), 0)])
    path = tmp_path / "saved.py"
    f.save(path)
    spec = importlib.util.spec_from_file_location("saved", path)
    saved = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(saved)
    for g in (f, saved.f):
        for result in g(1.0):
            assert np.asarray(result, array.dtype).tobytes() == array.tobytes()
            result[...] = 0  # results are the caller's, constants are not
        assert np.asarray(g(1.0)[0], array.dtype).tobytes() == array.tobytes()
    text = path.read_text()
    assert ("b64decode" in text) == (array.size > SHORT)
    assert text.index("def f(") < text.index("b64decode") if array.size > SHORT else True
    assert sg.lambdify(x, f.outputs).source == f.source


def test_a_large_constant_costs_its_memory_and_is_hashed_once(monkeypatch):
    C, x = RNG.normal(size=(400, 400)), sg.vector("x", 400)
    at = np.zeros(400)
    tracemalloc.start()
    c = sg.constant(C)
    with monkeypatch.context() as patch:
        patch.setattr(leaves, "blake2b", None)  # whoever hashes once more fails
        f = sg.lambdify(x, sg.exp(c @ x))
        g = sg.lambdify(x, sg.grad(sg.sum(sg.exp(c @ x)), x))
        for _ in range(3):
            np.testing.assert_array_equal(f(at), np.ones(400))
            np.testing.assert_allclose(g(at), C.sum(axis=0), rtol=1e-11)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * C.nbytes
    assert len(f._code.source) < 1000


def test_large_constants_in_all_kinds_of_code():
    n = 60
    C = RNG.normal(size=(n, n)) / n + 2 * np.eye(n)
    x, a = sg.vector("x", n), sg.symbol("a")
    rows = sg.matrix("X", ("m", n))
    f = sg.lambdify(rows, [sg.tanh(rows @ sg.constant(C)), sg.sum(sg.exp(sg.constant(C) * 2))])
    X = RNG.normal(size=(2000, n))
    for _ in range(2):
        np.testing.assert_allclose(f(X)[0], np.tanh(X @ C), rtol=1e-10, atol=1e-12)
        assert f(X)[1] == pytest.approx(np.exp(2 * C).sum())
    solver = sg.newton_root(sg.constant(C) @ x + x**3 - a, x, a, method="newton")
    found = solver(np.zeros(n), 1.0)
    assert found.converged and np.abs(C @ found.x + found.x**3 - 1).max() < 1e-9
    space = {}
    exec(solver.source, space)
    np.testing.assert_allclose(space["solve"](np.zeros(n), 1.0).x, found.x, rtol=1e-12)
    root = sg.implicit(sg.constant(C) @ x + x**3 - a, x, [a], x0=0.0)
    np.testing.assert_allclose(sg.evaluate(root, {a: 1.0}), found.x, rtol=1e-9)
    exec(sg.lambdify(a, root).source, space)
    np.testing.assert_allclose(space["f"](1.0), found.x, rtol=1e-9)
    H = sg.lambdify(x, sg.hessian(x @ sg.constant(C) @ x + sg.sum(x**4), x), structured=True)
    np.testing.assert_allclose(
        np.asarray(getattr(H(X[0]), "dense", lambda: H(X[0]))()), C + C.T + np.diag(12 * X[0] ** 2)
    )


# What is kept


def compile_and_drop(k):
    x, y = sg.symbol(f"x{k % 7}"), sg.symbol("y")
    v, A = sg.vector("v", 4), sg.matrix("A", (f"n{k % 5}", 3))
    f = sg.lambdify([x, y], sg.sin(x) * y + k % 11)
    g = sg.lambdify(v, sg.grad(sg.sum(sg.exp(v) * (k % 11)), v))
    h = sg.lambdify(A, A.T @ A @ A.T)
    for _ in range(3):
        f(1.0, 2.0), f(np.ones(3), 1.0), g(np.ones(4)), h(np.ones((5, 3)))
    sg.newton_root(x**2 - y, x, y)(1.0, 2.0)


def line_of(function, text):
    lines, first = inspect.getsourcelines(function)
    (found,) = [i for i, line in enumerate(lines, first) if text in line]
    return found


ENTERED = line_of(node.make, "_table[key] = ")


def traced():
    """The bytes in use, but for the dict of all nodes, which Python makes anew at times, of any size."""
    dict_of_nodes = tracemalloc.Filter(False, node.__file__, ENTERED)
    rest = tracemalloc.take_snapshot().filter_traces([dict_of_nodes])
    return sum(trace.size for trace in rest.traces)


def kept():
    FUNCTIONS.clear()
    gc.collect()
    counts = live_nodes(), len(gc.get_objects()), len(linecache.cache)
    return np.array([*counts, traced()])


@pytest.mark.parametrize("cycles", [20, pytest.param(5000, marks=pytest.mark.slow)])
def test_compile_and_drop_leaves_nothing(cycles):
    """Each cycle compiles four times; the long run is 20,000 compilations."""
    for k in range(40):
        compile_and_drop(k)
    tracemalloc.start(1)
    for k in range(40):
        compile_and_drop(k)
    before = kept()
    for k in range(cycles):
        compile_and_drop(k)
    nodes, objects, lines, size = kept() - before
    tracemalloc.stop()
    assert nodes <= 0 and lines == 0
    assert objects < 50  # 1,000 a cycle, were they kept
    assert size < 40_000


def test_the_variants_of_a_function_are_bounded():
    A, B, C = [
        sg.matrix(n, d) for n, d in (("A", ("i", "j")), ("B", ("j", "k")), ("C", ("k", "l")))
    ]
    f = sg.lambdify([A, B, C], sg.einsum("ij,jk,kl->il", A, B, C))
    for i in (1, 2, 4, 8, 16):
        for k in (1, 2, 4, 8, 16):
            a, b, c = np.ones((i, 2)), np.ones((2, k)), np.ones((k, 3))
            np.testing.assert_array_equal(f(a, b, c), a @ b @ c)
            assert len(f._sized) <= function.MAX_SIZED
    assert len(f._sized) == function.MAX_SIZED


def test_tracebacks_show_the_lines_of_generated_code():
    A = sg.matrix("A", (3, 3))
    f = sg.lambdify(A, sg.linalg.inv(A) + 1)
    with pytest.raises(np.linalg.LinAlgError) as caught:
        f(np.zeros((3, 3)))
    shown = "".join(traceback.format_exception(caught.value))
    assert "return np.linalg.inv(A) + 1" in shown
