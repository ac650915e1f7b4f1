"""Native calls with small arrays of known shapes: values and errors of the NumPy code, nothing lost."""

import gc
import pickle
import subprocess
import sys
import weakref

import numpy as np
import pytest

import symgrad as sg

v, A, s = sg.vector("v", 3), sg.matrix("A", (3, 3)), sg.symbol("s")
ENERGY = sg.sum(sg.sin(v) * (A @ v)) * s + sg.linalg.norm(v)
FORMS = {
    "number": ENERGY,
    "gradient": [ENERGY, sg.grad(ENERGY, v)],
    "nest": {"h": sg.hessian(ENERGY, v), "g": (sg.grad(ENERGY, A), [], [s, v])},
    "alone": sg.where(A > 0, sg.exp(A), sg.constant(2.0)),
    "constant": [sg.zeros((2, 3)), v],
}


def native(args, outputs, **options):
    return sg.lambdify(args, outputs, backend="native", **options)


def compiled(name):
    """The native function, which has had its calls before machine code, and the plain one."""
    f, plain = native([v, A, s], FORMS[name]), sg.lambdify([v, A, s], FORMS[name])
    given = (np.ones(3), np.eye(3), 2.0)
    for _ in range(3):
        f(*given)
    assert "entries of small arrays" in f.explain().splitlines()[-1]
    assert f._builtin is not None
    return f, plain


def same(got, want):
    assert type(got) is type(want)
    if isinstance(want, dict):
        assert [*got] == [*want]
        got, want = [*got.values()], [*want.values()]
    if isinstance(want, (list, tuple)):
        assert len(got) == len(want)
        for g, w in zip(got, want, strict=True):
            same(g, w)
        return
    assert np.shape(got) == np.shape(want)
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13)


def _given(rng, shape):
    """An argument of some kind: most are such as the code takes."""
    values = rng.uniform(-3, 3, shape)
    kinds = [
        lambda: values if shape else float(values),
        lambda: values if shape else float(values),
        lambda: values if shape else float(values),
        lambda: np.asfortranarray(values),
        lambda: np.repeat(values, 2, axis=-1)[..., ::2] if shape else np.float64(0.5),
        lambda: values.astype(np.float32),
        lambda: values.astype(">f8"),
        lambda: values.round().astype(int) if shape else 3,
        lambda: np.ones((*shape, 1)),
        lambda: np.ones(shape[:-1]),
        lambda: np.ones((0,) * len(shape)) if shape else "text",
        values.tolist,
        lambda: None,
    ]
    return kinds[rng.integers(len(kinds))]()


def _outcome(f, args):
    try:
        return f(*args), None
    except sg.SymgradError as error:
        return None, (type(error), str(error))


@pytest.mark.parametrize("name", FORMS)
def test_arguments_of_all_kinds_give_what_the_numpy_code_gives(name):
    f, plain = compiled(name)
    rng = np.random.default_rng(len(name))
    shapes = [(3,), (3, 3), ()]
    for trial in range(80):
        count = 3 if trial % 20 else rng.integers(0, 3)
        args = [_given(rng, shape) for shape in shapes[:count]]
        before = pickle.dumps(args)
        got, error = _outcome(f, args)
        want, wrong = _outcome(plain, args)
        assert error == wrong, args
        if error is None and not any(getattr(a, "dtype", 0) == np.float32 for a in args):
            same(got, want)
        assert pickle.dumps(args) == before
    same(f(A=np.eye(3), v=np.ones(3), s=2.0), plain(np.ones(3), np.eye(3), 2.0))


def test_results_are_arrays_of_their_own():
    f, _ = compiled("nest")
    a, given = np.ones(3), np.eye(3)
    first, second = f(a, given, 0.5), f(a, given, 0.5)
    assert first["g"][2][1].flags.owndata
    assert not np.shares_memory(first["g"][2][1], a)
    assert not np.shares_memory(first["h"], second["h"])
    out = np.empty((3, 3))
    assert native([v, A, s], FORMS["alone"])(a, given, 0.5, out=out) is out


def test_functions_of_scipy_among_the_entries():
    e = [sg.special.gamma(v), sg.sum(sg.special.jv(2, v))]
    f, plain = native(v, e), sg.lambdify(v, e)
    a = np.array([0.5, 1.5, 2.5])
    for _ in range(3):
        same(f(a), plain(a))
    assert "SciPy's gamma, jv" in f.explain()


def leaks(count):
    """Blocks of memory, and references, that calls leave behind, right and wrong ones."""
    f, _ = compiled("nest")
    a, given, number = np.ones(3), np.eye(3), 0.75
    watched = (a, given, number, f, None, a.dtype, np.ndarray, f.__call__)
    wrong = [(a, given, "text"), (a, a, 1.0), (a, given), (given, given, number)]
    for args in wrong:
        _outcome(f, args)
    gc.collect()
    before, kept = sys.getallocatedblocks(), [sys.getrefcount(o) for o in watched]
    for _ in range(count):
        f(a, given, number)
    for _ in range(count // 100):
        for args in wrong:
            _outcome(f, args)
    gc.collect()
    now = [sys.getrefcount(o) for o in watched]
    assert max(abs(p - q) for p, q in zip(kept, now, strict=True)) < 50
    return sys.getallocatedblocks() - before


def test_nothing_is_left_behind():
    assert leaks(5_000) < 200


@pytest.mark.slow
def test_nothing_is_left_behind_by_a_million_calls():
    assert leaks(1_000_000) < 2000


def test_an_error_within_the_result_drops_what_there_is():
    """Memory that runs out at each allocation in turn: the call fails, and nothing is lost."""
    code = """
import sys, _testcapi
import numpy as np, symgrad as sg
v = sg.vector("v", 4)
f = sg.lambdify(v, {"a": [v*k for k in range(5)], "b": (sg.sum(v), v)}, backend="native")
a = np.ones(4)
f(a), f(a), f(a)
def fail_at(start):
    _testcapi.set_nomemory(start, start + 1)
    try:
        f(a)
    except MemoryError:
        return 1
    finally:
        _testcapi.remove_mem_hooks()
    return 0
for _ in range(3):
    blocks, types = sys.getallocatedblocks(), sys.getrefcount(a.dtype)
    failed = sum([fail_at(start) for start in range(0, 30)])
print(failed, sys.getallocatedblocks() - blocks, sys.getrefcount(a.dtype) - types)
"""
    pytest.importorskip("_testcapi")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    failed, left, references = map(int, run.stdout.split())
    assert failed > 7
    assert left < 20
    assert abs(references) < 5


def test_functions_are_collected():
    f, _ = compiled("gradient")
    gone = weakref.ref(f)
    del f
    gc.collect()
    assert gone() is None
