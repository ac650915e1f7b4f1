"""Calls that do not fit are an ArgumentError that names what is wrong, on every path."""

import inspect
import pickle
from fractions import Fraction

import numpy as np
import pytest

import symgrad as sg

x, y, a = sg.symbols("x y a")
v, u, w = sg.vector("v", 3), sg.vector("u", 3), sg.vector("w", "n")
V = np.array([1.0, 2.0, 3.0])

CALLS = {
    "floats": (lambda: sg.lambdify([x, y], x + 2 * y), (1.0, 2.0), "y"),
    "arrays": (lambda: sg.lambdify([x, y], x + 2 * y), (V, 2.0), "y"),
    "large": (lambda: sg.lambdify([x, y], sg.sin(x) + 2 * y), (np.ones(40_000), 2.0), "y"),
    "entries": (lambda: sg.lambdify([v, y], sg.sum(sg.exp(v)) * y), (V, 2.0), "y"),
    "symbolic": (lambda: sg.lambdify([w, y], sg.sum(sg.exp(w)) * y), (V, 2.0), "y"),
    "columns": (
        lambda: sg.lambdify([sg.symbol("p", ("b", 2)), y], sg.sum(sg.symbol("p", ("b", 2)) ** 2, 1) * y),
        (np.ones((300, 2)), 2.0),
        "y",
    ),
    "structured": (
        lambda: sg.lambdify([v, y], sg.hessian(sg.sum(v**3) * y, v), structured=True),
        (V, 2.0),
        "y",
    ),
    "root": (lambda: sg.newton_root(x**2 - a, x, a), (1.0, 2.0), "a"),
    "roots": (lambda: sg.newton_root(x**2 - a, x, a), (V, 2.0), "a"),
    "system": (lambda: sg.newton_root([x**2 - a, y - x], [x, y], a), ([1.0, 1.0], 2.0), "a"),
    "minimum": (lambda: sg.newton_minimize((x - a) ** 2, x, a), (1.0, 2.0), "a"),
    "fit": (lambda: sg.least_squares(sg.exp(x * v) - u, x, [v, u]), (1.0, V, V), "u"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CALLS)
def test_wrong_calls(kind):
    make, args, last = CALLS[kind]
    f = make()
    for _ in range(3):  # before, between and after what is compiled at the first calls
        with pytest.raises(sg.ArgumentError, match="unknown argument 'z'; expected: "):
            f(*args[:-1], z=2.0)
        with pytest.raises(sg.ArgumentError, match="unknown argument 'z'"):
            f(*args, z=2.0)
        with pytest.raises(sg.ArgumentError, match=f"'{last}' is given twice"):
            f(*args, **{last: args[-1]})
        with pytest.raises(sg.ArgumentError, match=f"missing argument {last}"):
            f(*args[:-1])
        with pytest.raises(sg.ArgumentError, match="missing argument"):
            f()
        with pytest.raises(sg.ArgumentError, match="arguments, expected"):
            f(*args, 1.0)
        f(*args)
    plain, named = f(*args), f(*args[:-1], **{last: args[-1]})
    for one, other in zip(pieces(plain), pieces(named), strict=True):
        np.testing.assert_array_equal(one, other)


def pieces(result):
    result = getattr(result, "x", result)
    return [result.dense()] if hasattr(result, "dense") else [np.asarray(result)]


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("place", [0, -1])
def test_masked_arrays_are_refused(kind, place):
    make, args, _ = CALLS[kind]
    f = make()
    for _ in range(2):
        for masked in (
            np.ma.array(args[place], mask=np.zeros(np.shape(args[place]), bool)),
            np.ma.masked,
            [np.ma.array([1.0, 2.0], mask=[0, 1]), 1.0],
        ):
            given = list(args)
            given[place] = masked
            with pytest.raises(sg.ArgumentError, match="masked array"):
                f(*given)
        f(*args)


def test_masked_arrays_are_refused_everywhere():
    masked = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
    for use in (
        lambda: sg.constant(masked),
        lambda: sg.constant([masked, masked]),
        lambda: v + masked,
        lambda: np.dot(v, masked),
        lambda: sg.where(v > 0, v, masked),
        lambda: sg.evaluate(sg.sum(v), {v: masked}),
        lambda: sg.substitute(sg.sum(v), {v: masked}),
        lambda: sg.variable(masked),
        lambda: sg.implicit(v**2 - 2, v, x0=masked),
        lambda: sg.newton_root(v**2 - 2, v, bounds=(masked, None)),
        lambda: sg.check_grad(sg.sum(v**2), v, at={v: masked}),
        lambda: sg.lambdify(v, 2 * v)(V, out=masked),
    ):
        with pytest.raises(sg.ArgumentError, match="masked"):
            use()


@pytest.mark.parametrize(
    "use",
    [
        lambda: sg.diff(x, x, -1),
        lambda: sg.diff(x, x, 1.5),
        lambda: sg.symbol(""),
        lambda: sg.symbol("x", colour=True),
        lambda: sg.symbols(""),
        lambda: sg.lambdify(x, x, threads=0),
        lambda: sg.lambdify(x, x, threads=1.5),
        lambda: sg.lambdify(x, x, sizes={"n": -1}),
        lambda: sg.lambdify(x, x, name="lambda"),
        lambda: sg.lambdify([x, x], x),
        lambda: sg.lambdify(x, x * y),
        lambda: sg.lambdify(x, sg.hessian(x**2, x), sparse="coo"),
        lambda: sg.newton_root(x**2 - 2, x, order=0),
        lambda: sg.newton_root(x**2 - 2, x, method="fast"),
        lambda: sg.newton_root(x**2 - 2, x)(1.0, tol=-1.0),
        lambda: sg.newton_root(x**2 - 2, x)(1.0, maxiter=-1),
        lambda: sg.newton_minimize(x**2, x, bounds=(1.0, -1.0))(0.0),
        lambda: sg.evaluate(x, {}),
        lambda: sg.lambdify([x, y], x + y)(1.0, z=2.0),
    ],
)
def test_bad_values_are_value_errors(use):
    with pytest.raises(ValueError, match=r"\w") as caught:
        use()
    assert isinstance(caught.value, sg.ArgumentError) and isinstance(caught.value, TypeError)


def test_a_symbol_called_out_is_given_by_its_name():
    out = sg.symbol("out")
    f = sg.lambdify([x, out], x + 2 * out)
    for _ in range(3):
        assert f(1.0, 2.0) == f(1.0, out=2.0) == f(x=1.0, out=2.0) == 5.0
    assert [*inspect.signature(f).parameters] == ["x", "out"]
    with pytest.raises(sg.ArgumentError, match="given twice"):
        f(1.0, 2.0, out=np.zeros(()))
    buffer = np.zeros(3)
    assert sg.lambdify([x, y], x + 2 * y)(x=V, y=1.0, out=buffer) is buffer
    np.testing.assert_array_equal(buffer, V + 2)


def test_options_of_a_solver_and_parameters_of_their_names():
    tol, x0 = sg.symbol("tol"), sg.symbol("x0")
    root = sg.newton_root(x**2 - tol - x0, x, [tol, x0])
    want = np.sqrt(5.0)
    assert root(1.0, 2.0, 3.0).x == pytest.approx(want)
    assert root(1.0, 2.0, x0=3.0).x == pytest.approx(want)
    assert root(1.0, tol=2.0, x0=3.0).x == pytest.approx(want)
    assert root(1.0, 2.0, 3.0, tol=1e-3).x == pytest.approx(want, rel=1e-3)
    with pytest.raises(sg.ArgumentError, match="missing argument tol"):
        root(1.0, x0=3.0)


def test_kepler_by_its_names():
    E, e, M = sg.symbols("E e M")
    solver = sg.newton_root(E - e * sg.sin(E) - M, E, [e, M])
    assert [*inspect.signature(solver).parameters][:3] == ["x0", "e", "M"]
    assert solver(1.0, e=0.5, M=1.0).x == solver(1.0, 0.5, 1.0).x
    assert solver(x0=1.0, M=1.0, e=0.5, tol=1e-10).converged
    lam = sg.symbol("lambda")
    assert sg.newton_root(x - lam, x, lam)(0.0, **{"lambda": 3.0}).x == 3.0


def test_signatures():
    f = sg.lambdify([x, sg.symbol("e"), sg.symbol("lambda")], x)
    assert str(inspect.signature(f)) == "(x, e, lambda_, *, out=None)"
    solver = sg.newton_root(x**2 - a, x, [a])
    shown = inspect.signature(solver).parameters
    assert [*shown][:2] == ["x0", "a"] and shown["tol"].kind is inspect.Parameter.KEYWORD_ONLY
    assert shown["maxiter"].default == 100
    assert "x0" in str(inspect.signature(pickle.loads(pickle.dumps(solver))))
    inspect.signature(sg.newton_minimize(x**2, x))
    structured = sg.lambdify([v], sg.hessian(sg.sum(v**2), v), structured=True)
    assert "v" in inspect.signature(structured).parameters
    for kind in (type(f), type(solver)):
        inspect.signature(kind)  # of the class: how one is made


def test_numbers_of_other_kinds_by_keywords():
    f = sg.lambdify([x, y], x + 2 * y)
    for number in (2, 2.0, np.float64(2), np.int64(2), True + 1, Fraction(2), np.array(2.0)):
        assert f(number, y=number) == f(y=number, x=number) == f(number, number) == 6.0


def test_pickles_of_functions_and_solvers():
    C = np.arange(100.0)
    v = sg.vector("v", 100)
    f = sg.lambdify(v, sg.sum(sg.exp(sg.constant(C) * v)))
    again = pickle.loads(pickle.dumps(f))
    assert again(-np.ones(100)) == f(-np.ones(100)) == pytest.approx(1 / (1 - np.exp(-1.0)))
    assert again.source == f.source
    solver = sg.least_squares(v * a - sg.constant(C), a, v)
    assert pickle.loads(pickle.dumps(solver))(1.0, C).x == pytest.approx(1.0)
    structured = sg.lambdify(v, sg.hessian(sg.sum(v**3), v), structured=True)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(structured))(C).dense(), np.diag(6 * C))


# What code on floats takes, and what others see of a function


def test_all_kinds_of_numbers_are_made_floats_by_one_function():
    """Whatever number comes, it is the same code that runs, made once."""
    import mpmath
    import sympy

    f = sg.lambdify([x, y], sg.sin(x) * y)
    made = [f(0.5, 2.0) and f.__call__ for _ in range(3)][-1]
    numbers = [
        np.float64,
        np.float32,
        np.float16,
        np.int8,
        np.uint64,
        int,
        np.bool_,
        bool,
        np.array,
    ]
    numbers += [Fraction, mpmath.mpf, sympy.Integer, sympy.Float, lambda v: v + sympy.pi - sympy.pi]
    for kind in numbers:
        got = f(kind(1), kind(1))
        assert type(got) is float, kind
        assert got == pytest.approx(float(np.sin(1.0)), rel=1e-15)
        assert f.__call__ is made and f._compiled_on_floats() is made
    assert f(np.float64(1), 2) == f(1.0, np.float64(2)) == f(1.0, 2.0)
    assert np.isnan(f(np.float64(np.inf), np.float64(1.0)))


def test_inspection():
    f = sg.lambdify([x, y], [sg.sin(x) * y, x / y], name="values")
    assert str(inspect.signature(f)) == "(x, y, *, out=None)"
    source = inspect.getsource(f)
    assert source.startswith("def values(x, y):") and "y*sin(x)" in source
    plain = f.python_function
    assert inspect.isfunction(plain) and inspect.getsource(plain) == source
    assert plain(0.5, 2.0) == f(0.5, 2.0)
    with pytest.raises(ZeroDivisionError):
        plain(0.5, 0.0)
    g = sg.lambdify([w, y], sg.sum(sg.exp(w)) * y)
    assert "np.exp(w)" in inspect.getsource(g)
    assert g.python_function(V, 2.0) == g(V, 2.0)
    h = pickle.loads(pickle.dumps(f))
    assert h.python_function(0.5, 2.0) == f(0.5, 2.0)


def test_numba_compiles_the_plain_function():
    numba = pytest.importorskip("numba")
    f = sg.lambdify([x, y, a], sg.where(x > a, sg.sin(x) * y**3, sg.exp(-y) + abs(a)))
    compiled = numba.njit(f.python_function)
    for point in ((0.5, 2.0, 0.1), (0.5, 2.0, 0.9)):
        assert compiled(*point) == pytest.approx(f(*point), rel=1e-14)
