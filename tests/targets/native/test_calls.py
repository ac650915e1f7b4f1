"""Native functions of numbers: what they take and give, what they hand on, and no reference is lost."""

import gc
import math
import pickle
import subprocess
import sys
import threading
import weakref
from fractions import Fraction

import numpy as np
import pytest

import symgrad as sg
from symgrad.targets.native import calls

x, y = sg.symbols("x y")
SLOPE = sg.diff(x**4 - 2 * x**2, x)


def native(args, outputs, **options):
    return sg.lambdify(args, outputs, backend="native", **options)


def last_line(f):
    return f.explain().splitlines()[-1]


@pytest.fixture(scope="module")
def slope():
    return native(x, SLOPE)


@pytest.mark.parametrize(
    "given",
    [
        1.5,
        2,
        -3,
        True,
        np.float64(1.5),
        np.float32(1.5),
        np.int64(2),
        np.array(1.5),
        Fraction(3, 2),
    ],
)
def test_numbers_of_all_kinds_give_a_float(slope, given):
    for result in (slope(given), slope.__call__(given), slope(*[given]), slope(x=given)):
        assert type(result) is float
        assert result == 4 * float(given) ** 3 - 4 * float(given)


def test_a_native_function_is_a_compiled_function(slope):
    assert isinstance(slope, sg.CompiledFunction)
    assert repr(slope) == "<CompiledFunction f(x)>"
    assert slope.source == sg.lambdify(x, SLOPE).source
    assert last_line(slope) == "native: numbers, 4 steps"
    assert np.array_equal(slope(np.arange(3.0)), [0.0, 0.0, 24.0])
    out = np.empty(3)
    assert slope(np.arange(3.0), out=out) is out
    assert out[2] == 24.0


@pytest.mark.parametrize(
    "call",
    [
        lambda f: f("a"),
        lambda f: f(None),
        lambda f: f(1j),
        lambda f: f(),
        lambda f: f(1.0, 2.0),
        lambda f: f(y=1.0),
        lambda f: f(1.0, x=1.0),
        lambda f: f(np.array(["a"])),
        lambda f: f(object()),
        lambda f: f(1.0, out=3),
    ],
)
def test_errors_are_those_of_the_numpy_code(slope, call):
    slope(1.0)
    with pytest.raises(sg.SymgradError) as expected:
        call(sg.lambdify(x, SLOPE))
    with pytest.raises(sg.SymgradError) as actual:
        call(slope)
    assert type(actual.value) is type(expected.value)
    assert str(actual.value) == str(expected.value)


def test_an_int_too_large_for_floats_is_infinite_as_ever():
    plain, fast = sg.lambdify(x, 2 / x), native(x, 2 / x)
    fast(1.0)
    for given in (10**400, -(10**400), 2**70):
        try:
            expected = plain(given)
        except sg.SymgradError as error:
            with pytest.raises(type(error)):
                fast(given)
        else:
            assert fast(given) == expected


def test_an_argument_of_minus_one_is_no_error(slope):
    assert slope(-1.0) == slope(-1) == 0.0


NESTS = [
    x * y,
    [x, y],
    (x,),
    [],
    (),
    {},
    {"a": x, "b": {"c": [y], 3: (x > y, [])}, None: [x * y] * 3},
    [[x * k for k in range(20)], tuple(y + k for k in range(20)), x],
    [x > y, *[x + k for k in range(9)], x < y, sg.constant(2)],
]


@pytest.mark.parametrize("outputs", NESTS, ids=range(len(NESTS)))
def test_results_have_the_form_of_the_outputs(outputs):
    expected, actual = sg.lambdify([x, y], outputs)(0.5, 2.0), native([x, y], outputs)(0.5, 2.0)
    assert repr(actual) == repr(expected)


def leaks(count):
    """Objects and blocks of memory that calls, right and wrong ones, leave behind."""
    f = native([x, y], [{"key": x * y, "more": (x > y, [x + k for k in range(12)])}, sg.sin(x)])
    number, text = 1.25, "no number"
    for a, b in ((number, 2), (1.5, text), (10**400, 1.0)):
        _either(f, a, b)
    before, kept = sys.getallocatedblocks(), [sys.getrefcount(o) for o in (number, text, f, None)]
    for _ in range(count):
        f(number, 2)
        f(np.float64(3.0), number)
    for _ in range(count // 100):
        _either(f, 1.5, text)
        _either(f, 10**400, 1.0)
        _either(f, 1.5, b=2)
    now = [sys.getrefcount(o) for o in (number, text, f, None)]
    gc.collect()
    assert max(abs(a - b) for a, b in zip(kept, now, strict=True)) < 50
    return sys.getallocatedblocks() - before


def _either(f, *args, **named):
    try:
        return f(*args, **named)
    except sg.SymgradError:
        return None


def test_nothing_is_left_behind():
    assert leaks(20_000) < 200


@pytest.mark.slow
def test_nothing_is_left_behind_by_a_million_calls():
    assert leaks(1_000_000) < 200


def test_an_error_within_the_result_drops_what_there_is():
    """Memory that runs out at each allocation in turn: the call fails, and nothing is lost."""
    code = """
import sys, _testcapi
import symgrad as sg
x, y = sg.symbols("x y")
f = sg.lambdify([x, y], {"a": [x*y, (y, [x + k for k in range(300)])], "b": x/y}, backend="native")
f(1.5, 2.5)
def fail_at(start):
    _testcapi.set_nomemory(start, start + 1)
    try:
        f(1.5, 2.5)
    except MemoryError:
        return 1
    finally:
        _testcapi.remove_mem_hooks()
    return 0
for _ in range(3):
    blocks = sys.getallocatedblocks()
    failed = sum([fail_at(start) for start in range(0, 200, 9)])
print(failed, sys.getallocatedblocks() - blocks)
"""
    pytest.importorskip("_testcapi")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    failed, left = map(int, run.stdout.split())
    assert failed > 10
    assert left < 20


def test_functions_are_collected():
    f = native(x, sg.sin(x) + 0.125)
    f(1.0)
    gone = weakref.ref(f)
    del f
    gc.collect()
    assert gone() is None


def test_a_builtin_outlives_its_function():
    f = native(x, sg.cos(x))
    f(1.0)
    builtin = f.__call__
    del f
    gc.collect()
    assert builtin(0.0) == 1.0


def test_pickles_are_compiled_anew(slope):
    again = pickle.loads(pickle.dumps(slope))
    assert again(1.5) == slope(1.5)
    assert type(again) is type(slope)
    assert last_line(again) == last_line(slope)


def test_calls_from_several_threads(slope):
    """First calls at once, too: machine code is made once, and never freed under another thread."""
    found = []
    functions = [native([x, y], [sg.exp(x) * y, x + n]) for n in range(4)]

    def work(k):
        for n, f in enumerate(functions):
            expected = [math.exp(k) * 2.0, float(k + n)]
            found.append(all(f(float(k), 2.0) == expected for _ in range(500)))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 32


def test_recursion_within_the_general_path_is_harmless():
    class Number:
        def __init__(self, f):
            self.f = f

        def __float__(self):
            return self.f(1.0)

    f = native(x, x + 1)
    f(1.0)
    with pytest.raises(sg.SymgradError):
        f(Number(f))


def test_other_types_run_as_ever():
    n = sg.symbol("n", dtype=int)
    w = sg.vector("w", "n")
    for f, given in ((native(n, n**2), 3), (native(w, sg.sum(w)), np.arange(3.0))):
        assert "native: none, for arra" in last_line(f) or "none, for arguments" in last_line(f)
        assert f(given) in (9, 3.0)
    f = native(x, sg.special.lambertw(x))
    assert "none, for" in last_line(f)
    assert f(1.0) == sg.lambdify(x, sg.special.lambertw(x))(1.0)


def test_functions_of_scipy_by_address():
    f = native([x, y], [sg.special.gamma(x), sg.special.jv(2, y), sg.special.erf(x)])
    assert last_line(f) == "native: numbers, 3 steps; SciPy's gamma, jv"
    assert f(0.7, 1.5) == pytest.approx(sg.lambdify([x, y], f.outputs)(0.7, 1.5), rel=1e-15)


def test_long_programs_are_cut():
    e = x
    for k in range(1500):
        e = sg.sin(e) * y + (k % 7) / 8 if k % 3 else sg.where(e > 0.25, e, y) - 0.125
    f = native([x, y], [e, e > 0, x, y * 2])
    assert f(0.5, 0.75) == pytest.approx(sg.lambdify([x, y], f.outputs)(0.5, 0.75), rel=1e-12)


def test_functions_around_it_take_the_backend():
    nested = native([[x, y]], [x * y])
    assert nested([2.0, 3.0]) == [6.0]
    out = sg.lambdify([x, y], sg.hessian(x**2 * y, [x, y]), backend="native", structured=True)
    plain = sg.lambdify([x, y], out.outputs, structured=True)
    assert np.array_equal(np.asarray(out(1.0, 2.0)), np.asarray(plain(1.0, 2.0)))


def test_backends_have_names():
    with pytest.raises(sg.ArgumentError, match="'numpy' or 'native'"):
        sg.lambdify(x, x, backend="fortran")


def test_an_interpreter_beside_the_main_one_is_refused(monkeypatch):
    calls.obstacle.cache_clear()
    calls.type_offset.cache_clear()
    monkeypatch.setattr(calls, "_is_main_interpreter", lambda: False)
    try:
        f = native(x, x**2)
        assert (
            last_line(f) == "native: none, for native calls are made in the main interpreter only"
        )
        assert f(3.0) == 9.0
        assert type(f) is sg.CompiledFunction
    finally:
        calls.obstacle.cache_clear()
        calls.type_offset.cache_clear()
