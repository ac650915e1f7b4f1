"""What a compiled function takes, gives back, refuses and shows."""

import pickle
import re
import subprocess
import sys
import threading
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import DTypeError

x, y, z = sg.symbols("x y z")


# Results


def test_constant_derivatives_have_the_shape_of_the_argument():
    result = sg.lambdify(x, sg.diff(x**2, x, 2))(np.arange(4.0))
    np.testing.assert_array_equal(result, [2.0, 2.0, 2.0, 2.0])
    assert result.dtype == np.float64


def test_outputs_have_the_broadcast_shape_whatever_they_mention():
    f = sg.lambdify([x, y], [x, y, x + y, sg.constant(3), x * 0])
    results = f(np.ones((2, 1)), np.ones(3))
    assert [r.shape for r in results] == [(2, 3)] * 5


def test_tensor_outputs_have_their_shape_whatever_they_mention():
    v, a = sg.vector("v", "n"), sg.matrix("A", ("m", "n"))
    f = sg.lambdify([v, a], [sg.zeros(("m", "n")), sg.broadcast_to(v, ("m", "n")), sg.constant(2)])
    zero, wide, two = f(np.arange(3.0), np.ones((2, 3)))
    np.testing.assert_array_equal(zero, np.zeros((2, 3)))
    np.testing.assert_array_equal(wide, np.tile(np.arange(3.0), (2, 1)))
    assert two == 2


@pytest.mark.parametrize(
    "nest",
    [
        [x, y],
        (x, y),
        {"a": x, "b": [y, (x + y,)]},
        [[], {}, ()],
        {1: x, "two": {"three": [[y]]}},
        x,
    ],
)
def test_outputs_mirror_the_nest(nest):
    def values(part):
        if isinstance(part, dict):
            return {k: values(v) for k, v in part.items()}
        if isinstance(part, (list, tuple)):
            return type(part)(values(v) for v in part)
        return sg.evaluate(part, {x: 2.0, y: 5.0})

    f = sg.lambdify([x, y], nest)
    assert f(2.0, 5.0) == values(nest)
    assert f(np.float64(2.0), np.float64(5.0)) == values(nest)


def test_floats_in_give_floats_out():
    f = sg.lambdify([x, y], [x * y, x > y, sg.constant(1)])
    results = f(2.0, 3)
    assert results == [6.0, False, 1.0]
    assert [type(r) for r in results] == [float, bool, float]


@pytest.mark.parametrize(
    ("formula", "at", "expected"),
    [
        (1 / x, 0.0, np.inf),
        (-1 / x, 0.0, -np.inf),
        (sg.log(x), 0.0, -np.inf),
        (sg.log(x), -1.0, np.nan),
        (sg.exp(x), 1000.0, np.inf),
        (sg.sqrt(x), -1.0, np.nan),
        (x ** sg.constant(0.3), -8.0, np.nan),
        (sg.sin(x), np.inf, np.nan),
        (x**1000, 1e300, np.inf),
        (sg.arctanh(x), 1.0, np.inf),
        (sg.floor(x), np.inf, np.inf),
        (sg.mod(x, 0), 1.0, np.nan),
        (x - x.sum() * 1.0 + sg.maximum(x, 0), np.nan, np.nan),
        (sg.minimum(x, 3), np.nan, np.nan),
        (sg.sign(x), np.nan, np.nan),
        (sg.cosh(x), 1e4, np.inf),
        (x**x, -0.5, np.nan),
        (sg.power(2, x), 5000.0, np.inf),
    ],
)
def test_floats_follow_ieee_instead_of_raising(formula, at, expected):
    result = sg.lambdify(x, formula)(at)
    assert type(result) is float
    np.testing.assert_equal(result, expected)


def test_float32_stays_float32():
    s = sg.symbol("s", dtype=np.float32)
    v = sg.vector("v", "n", dtype=np.float32)
    data = np.linspace(0.1, 1, 4, dtype=np.float32)
    scalar_formulas = [
        s * 2,
        s / 3,
        sg.sin(s) + 0.5,
        sg.sqrt(2 * sg.pi) * s,
        s**1.5,
        sg.diff(s**3, s),
    ]
    for result in sg.lambdify(s, scalar_formulas)(data):
        assert result.dtype == np.float32
    choice = sg.where(s > 0.5, 1, 0) * s
    assert sg.lambdify(s, choice)(data).dtype == np.float32
    for formula in (v.mean(), v @ v, sg.softmax(v), sg.grad(sg.sum(v**3), v), sg.norm(v)):
        assert sg.lambdify(v, formula)(data).dtype == np.float32


def test_integers_are_promoted_where_a_float_is_declared():
    result = sg.lambdify(x, x**-1)(np.array([1, 2, 4]))
    np.testing.assert_array_equal(result, [1.0, 0.5, 0.25])


def test_results_never_alias_arguments_or_each_other():
    v, a = sg.vector("v", "n"), sg.matrix("A", ("n", "n"))
    f = sg.lambdify([v, a], [v, v, a.T, v[1:], sg.reshape(a, (-1,)), sg.diagonal(a), sg.exp(v)])
    data = np.arange(3.0), np.eye(3)
    results = f(*data)
    for i, result in enumerate(results):
        assert result.flags.writeable
        others = [*data, *results[:i], *results[i + 1 :]]
        assert not any(np.shares_memory(result, other) for other in others)
    g = sg.lambdify([x, y], [x, x, y])
    one, two = np.ones(3), np.ones(3)
    copies = g(one, two)
    assert not any(np.shares_memory(c, d) for c in copies for d in (one, two))
    constant = sg.lambdify([], sg.constant(np.arange(3)))
    constant()[0] = 7
    assert constant()[0] == 0


def test_noncontiguous_and_fortran_arrays():
    a = sg.matrix("A", ("m", "n"))
    f = sg.lambdify(a, sg.sum(sg.exp(a) * a, axis=0))
    base = np.random.default_rng(0).normal(size=(8, 6))
    for data in (base, base[::2, ::-1], np.asfortranarray(base), base.T):
        np.testing.assert_allclose(f(data), (np.exp(data) * data).sum(axis=0), rtol=1e-13)


def test_one_callable_serves_every_size():
    a, v = sg.matrix("A", ("m", "n")), sg.vector("v", "n")
    f = sg.lambdify([a, v], [a @ v, sg.mean(a, axis=1), v[1:] - v[:-1], sg.tril(a)])
    for m, n in [(1, 1), (2, 3), (5, 1), (4, 4)]:
        data = np.arange(float(m * n)).reshape(m, n), np.arange(float(n))
        product, mean, steps, lower = f(*data)
        np.testing.assert_allclose(product, data[0] @ data[1])
        np.testing.assert_allclose(mean, data[0].mean(axis=1))
        np.testing.assert_allclose(steps, np.diff(data[1]))
        np.testing.assert_allclose(lower, np.tril(data[0]))


# Errors


def error_of(call, kind):
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


def test_shape_errors_name_the_argument_and_both_shapes():
    v, a = sg.vector("v", "n"), sg.matrix("A", ("m", "n"))
    f = sg.lambdify([v, a], a @ v)
    message = error_of(lambda: f(np.ones(3), np.ones((2, 4))), sg.ShapeError)
    assert "A" in message and "(2, 4)" in message and "n = 3" in message
    assert "v" in error_of(lambda: f(np.ones((3, 1)), np.ones((2, 3))), sg.ShapeError)
    g = sg.lambdify([x, y], x + y)
    message = error_of(lambda: g(np.ones(3), np.ones(4)), sg.ShapeError)
    assert "x has shape (3,)" in message and "y has shape (4,)" in message
    h = sg.lambdify(v, v[:3])
    assert "n = 2" in error_of(lambda: h(np.ones(2)), sg.ShapeError)


def test_wrong_numbers_of_arguments_are_named():
    f = sg.lambdify([x, y], x + y)
    for warm in (False, True):
        if warm:
            f(1.0, 2.0)
        assert "y" in error_of(lambda: f(1.0), sg.ArgumentError)
        assert "got 3" in error_of(lambda: f(1.0, 2.0, 3.0), sg.ArgumentError)
        assert "y" in error_of(lambda: f(np.ones(2)), sg.ArgumentError)
        assert "w" in error_of(lambda: f(1.0, w=2.0), TypeError)


def test_keyword_arguments():
    f = sg.lambdify([x, y], x - y)
    assert f(1.0, y=3.0) == -2.0
    assert f(y=1.0, x=3.0) == 2.0
    np.testing.assert_array_equal(f(y=np.ones(2), x=3.0), [2.0, 2.0])


def test_wrong_kinds_of_arguments_are_named():
    f = sg.lambdify([x, sg.symbol("k", dtype=int)], x)
    assert "x" in error_of(lambda: f("a", 1), sg.DTypeError)
    assert "x" in error_of(lambda: f(1j, 1), sg.DTypeError)
    assert "k" in error_of(lambda: f(1.0, 1.5), sg.DTypeError)
    assert "x" in error_of(lambda: f([[1], [2, 3]], 1), sg.DTypeError)
    assert "x" in error_of(lambda: f(None, 1), sg.DTypeError)


def test_leaves_are_checked_when_compiled():
    assert "z" in error_of(lambda: sg.lambdify([x, y], x + z), sg.ArgumentError)
    assert "twice" in error_of(lambda: sg.lambdify([x, x], x), sg.ArgumentError)
    assert "symbol" in error_of(lambda: sg.lambdify([x + 1], x), sg.ArgumentError)
    other = sg.symbol("x", positive=True)
    assert "another symbol" in error_of(lambda: sg.lambdify([other], x), sg.ArgumentError)
    v = sg.symbol("v", ("n",))
    message = error_of(
        lambda: sg.lambdify([x], sg.substitute(v.sum(), {v: sg.zeros("k") + 1})), TypeError
    )
    assert "extent" in message and "k" in message
    assert "identifier" in error_of(lambda: sg.lambdify(x, x, name="a b"), sg.ArgumentError)


def test_evaluate_names_what_is_missing():
    assert "y" in error_of(lambda: sg.evaluate(x + y, {x: 1.0}), sg.ArgumentError)
    assert "symbol" in error_of(lambda: sg.evaluate(x, {x * 2: 1.0}), sg.ArgumentError)
    assert sg.evaluate(sg.pi) == np.pi


# Source


def test_shared_subexpressions_are_computed_once():
    shared = sg.exp(sg.sin(x))
    f = sg.lambdify([x, y], [shared + y, shared * y, sg.diff(shared, x)])
    assert f.source.count("np.exp(") == 1
    assert f.source.count("np.sin(") == 1
    assert f.scalar_source.count("exp(") == 1


def test_source_imports_nothing_but_numpy():
    v = sg.vector("v", "n")
    f = sg.lambdify([v], [sg.logsumexp(v), v[1:], sg.grad(sg.sum(v[2:] * v[:-2]), v)])
    imports = [line for line in f.source.splitlines() if line.startswith(("import", "from"))]
    assert imports == ["import numpy as np"]


def test_saved_source_is_a_module_of_its_own(tmp_path):
    v, w = sg.vector("v", "n"), sg.vector("w", "n")
    f = sg.lambdify([v, w], {"g": sg.grad(sg.sum(v**2 * w), v), "l": sg.logsumexp(v)}, name="model")
    path = tmp_path / "model.py"
    f.save(path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from model import model\n"
        "print(model([1., 2.], [3., 4.])['g'].tolist())\n"
        "assert not any(name.startswith('symgrad') for name in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[6.0, 16.0]"


def test_source_is_the_same_in_every_process():
    code = (
        "import symgrad as sg\n"
        "x, y, z = sg.symbols('x y z')\n"
        "f = sg.sin(x*y)*sg.exp(z - x) + sg.log(1 + x**2 + y**2) + x*y*z\n"
        "print(sg.lambdify([x, y, z], [f, sg.grad(f, [x, y, z]), sg.hessian(f, [x, y])]).source)\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**__import__("os").environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "12345")
    }
    assert len(outputs) == 1 and "def f(x, y, z)" in outputs.pop()


@pytest.mark.parametrize(
    "name",
    ["lambda", r"\alpha", "{x}", "np", "sin", "sum", "shape", "t0", "x y", "1a", "dtype", "out"],
)
def test_any_name_gets_a_safe_identifier(name):
    s, t = sg.symbol(name), sg.symbol(name + "_")
    f = sg.lambdify([s, t], [sg.sin(s) * t + sg.exp(sg.sin(s)), sg.constant(2)])
    for args in ((0.5, 2.0), (np.full(2, 0.5), 2.0)):
        value, two = f(*args)
        np.testing.assert_allclose(value, np.sin(0.5) * 2 + np.exp(np.sin(0.5)))
        np.testing.assert_array_equal(two, np.full(np.shape(args[0]), 2.0))


def test_docstring_has_the_formula_and_the_shapes():
    v, a = sg.vector("v", "n"), sg.matrix("A", ("m", "n"))
    f = sg.lambdify([v, a], a @ v)
    assert "A @ v" in f.__doc__ and "(m, n)" in f.__doc__ and "(m,)" in f.__doc__
    assert list(f.__signature__.parameters) == ["v", "A", "out"]
    assert "A @ v" in f.explain()


# Pickling, threads, size


@pytest.mark.parametrize("warm", [False, True])
def test_pickle(warm):
    f = sg.lambdify([x, y], {"a": [x / y], "b": sg.diff(x**2, x, 2)})
    if warm:
        f(1.0, 2.0)
    g = pickle.loads(pickle.dumps(f))
    assert g.source == f.source and g.__doc__ == f.__doc__ and g.args == f.args
    assert g(1.0, 0.0) == {"a": [np.inf], "b": 2.0}
    np.testing.assert_array_equal(g(np.ones(2), 2.0)["a"][0], [0.5, 0.5])
    assert g.outputs["b"] is f.outputs["b"]


def test_calls_from_many_threads():
    f = sg.lambdify([x, y], [sg.sin(x) * y, sg.exp(x)])
    failures = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(50):
            a, b = rng.normal(size=2)
            if not np.allclose(f(float(a), float(b)), [np.sin(a) * b, np.exp(a)]):
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


@pytest.mark.parametrize("depth", [5_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_deep_graphs_compile_and_run(depth):
    e = x
    for _ in range(depth):
        e = sg.sin(e) * e + e
    f = sg.lambdify(x, [e, sg.diff(e, x)])
    value, slope = f(0.0)
    assert (value, slope) == (0.0, 1.0)
    np.testing.assert_array_equal(f(np.zeros(2))[1], [1.0, 1.0])


def test_long_sums_compile_and_run():
    names = [sg.symbol(f"x{i}") for i in range(2000)]
    total = sg.constant(0)
    for i, s in enumerate(names):
        total = total + (i % 7 - 3) * s
    f = sg.lambdify(names, total)
    data = np.random.default_rng(0).normal(size=2000)
    np.testing.assert_allclose(f(*data.tolist()), sum((i % 7 - 3) * d for i, d in enumerate(data)))


def test_numbers_that_fill_arrays_take_the_type_of_the_arguments():
    x = sg.vector("x", "n")
    f = sg.lambdify(x, sg.grad(sg.sum(x[1:]) + sg.sum(x**3), x))
    for dtype in (np.float32, np.float64):
        assert f(np.ones(4, dtype)).dtype == dtype
    np.testing.assert_array_equal(f(np.ones(4)), [3.0, 4.0, 4.0, 4.0])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (3, 63.0),
        (True, -1.0),
        (Fraction(1, 2), -0.4375),
        (2**70, float(2**70) ** 4),
        (np.float64(3.0), 63.0),
        (np.int8(3), 63.0),
        (np.array(3), 63.0),
        (np.array(3.0), 63.0),
        (np.True_, -1.0),
        ([3, 1], [63.0, -1.0]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("warm", [False, True])
def test_numbers_of_every_kind_enter(given, expected, warm):
    f = sg.lambdify(x, x**4 - 2 * x**2)
    if warm:
        assert f(3.0) == 63.0
    result = f(given)
    assert np.asarray(result).dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (1j, "argument x has dtype complex128, needs real numbers"),
        ("a", "argument x has dtype <U1, needs real numbers"),
        (None, "argument x is a NoneType, needs real numbers; convert it to float"),
        (Decimal("0.5"), "argument x is a Decimal, needs real numbers; convert it to float"),
        ({}, "argument x is a dict, needs real numbers; convert it to float"),
        (10**400, "argument x is no array of numbers: int too large to convert to float"),
        ([[1], [2, 3]], "argument x is no array of numbers: "),
        (np.datetime64("2020"), "argument x has dtype datetime64"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("warm", [False, True])
def test_what_is_no_number_is_named(given, message, warm):
    f = sg.lambdify(x, x**4 - 2 * x**2)
    if warm:
        f(3.0)
    with pytest.raises(DTypeError, match="^" + re.escape(message)):
        f(given)
