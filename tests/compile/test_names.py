"""Names that may be any text, in every way to compile: right values, and calls by the names as written."""

import ast
import importlib.util
import inspect
import itertools
import pickle

import numpy as np
import pytest

import symgrad as sg
from symgrad.compile.execute import function_of
from symgrad.expr.identifiers import KEYWORDS, Names, normal
from symgrad.targets.numpy_source import docstring

ODD = [
    "x₁", "σ²", "ϑ", "θ", "ｔ0", "t0", "x\0", "x", "lambda", "np", "axis", "out", "🎉", "a b", "a\nb",
    'q"', '"""', "'", "\\", "\\alpha", "alpha", "{x}", "{0}", "%s", "e", "e_", "pi", "inf", "nan",
    "exp", "sqrt", "float", "int", "list", "max", "len", "shape", "dtype", "slots", "general",
    "missing", "extra", "_more", "_named", "_general", "_missing", "_logsumexp", "self", "args",
    "kwargs", "None", "True", "__debug__", "__class__", "_", "__", "0", "1e5", "x0", "x0_0", "v0",
    "w0", "y0", "r0", "p0", "j00", "last0", "c", "entries", "tol", "maxiter", "callback", "value",
    "form", "call", "solve", "evaluate", "kernels", "np.where(", "dtype)", "scipy.special.x", "ﬁt",
    "fit", "ẍ", "x\u0308", "\u0308", "ͺ", "\ud800", "\u2028", "\t", " ", "x" * 5000, "f", "match",
    "import numpy", "#", "\\N{BULLET}", "\\x", "é", "e\u0301", "K", "K",
]  # fmt: skip
RNG = np.random.default_rng(0)
GROUPS = [ODD[k : k + 12] for k in range(0, len(ODD), 12)]


def weights(count):
    return [float(k % 7 + 2) for k in range(count)]


def scalars(names):
    """Symbols of these names, and a formula in which each counts differently."""
    symbols = [sg.symbol(n, unique=k) for k, n in enumerate(names)]
    terms = [w * sg.sin(x) * x for w, x in zip(weights(len(names)), symbols, strict=True)]
    return symbols, sum(terms) + sg.exp(symbols[0] * symbols[-1])


def numbers(arrays):
    terms = [w * np.sin(x) * x for w, x in zip(weights(len(arrays)), arrays, strict=True)]
    return sum(terms) + np.exp(arrays[0] * arrays[-1])


def imported(tmp_path, thing):
    path = tmp_path / "saved.py"
    thing.save(path)
    spec = importlib.util.spec_from_file_location("saved", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("names", GROUPS)
def test_scalars(names, tmp_path):
    symbols, formula = scalars(names)
    f = sg.lambdify(symbols, [formula, sg.grad(formula, symbols)])
    at = RNG.uniform(0.1, 1.0, len(names))
    floats = [float(v) for v in at]
    assert f(*floats)[0] == pytest.approx(numbers(floats), rel=1e-13)
    few, many = (RNG.uniform(0.1, 1.0, (len(names), n)) for n in (5, 40_000))
    for arrays in (few, few, many):
        np.testing.assert_allclose(f(*arrays)[0], numbers(arrays), rtol=1e-13)
    named = {n: v for n, v in zip(names, floats, strict=True) if names.count(n) == 1}
    if len(named) == len(names):
        for _ in range(2):
            assert f(**named)[0] == pytest.approx(numbers(floats), rel=1e-13)
        assert f(floats[0], **dict([*named.items()][1:]))[0] == pytest.approx(numbers(floats))
    saved = imported(tmp_path, f).f
    np.testing.assert_allclose(saved(*few)[0], numbers(few), rtol=1e-13)
    again = pickle.loads(pickle.dumps(f))
    np.testing.assert_allclose(again(*few)[0], numbers(few), rtol=1e-13)
    assert len(inspect.signature(f).parameters) in (len(names), len(names) + 1)
    assert f.__doc__ and repr(f) and f.explain() and sg.latex(formula) and f.large_source


@pytest.mark.parametrize("names", GROUPS)
def test_small_arrays_of_known_shape(names):
    symbols = [sg.symbol(n, 2, unique=k) for k, n in enumerate(names)]
    formula = sum(w * sg.sum(sg.sin(x) * x[::-1]) for w, x in zip(weights(99), symbols))  # noqa: B905
    f = sg.lambdify(symbols, [formula, *sg.grad(formula, symbols)])
    arrays = RNG.normal(size=(len(names), 2))
    want = sum(w * np.sum(np.sin(x) * x[::-1]) for w, x in zip(weights(99), arrays))  # noqa: B905
    for _ in range(3):
        assert f(*arrays)[0] == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("names", GROUPS)
def test_symbolic_extents(names):
    """Extents with the names that they may have, beside symbols of the same names."""
    extents = [n for n in names if n.isidentifier()] or ["n"]
    for dim, name in itertools.product(extents, names[:4]):
        X, v = sg.matrix("X", (dim, 3)), sg.symbol(name, (3,), unique=1)
        rows = sg.log(sg.sum(sg.exp(X * v), axis=1)) / sg.sum(X[:, 0])
        f = sg.lambdify([X, v], [sg.sum(rows), sg.concatenate([rows, sg.zeros(dim)])])
        for n in (1, 4):
            a, b = RNG.normal(size=(n, 3)), RNG.normal(size=3)
            want = np.log(np.exp(a * b).sum(axis=1)) / a[:, 0].sum()
            got = f(a, b)
            np.testing.assert_allclose(got[0], want.sum(), rtol=1e-12)
            np.testing.assert_allclose(got[1], [*want, *[0] * n], rtol=1e-12)


@pytest.mark.parametrize(
    "dim", ["n", "axis", "np", "T", "sum", "x1", "out", "einsum", "slots", "ϑ"]
)
def test_the_plan_of_large_arrays_does_not_depend_on_names(dim):
    def compiled(dim):
        X, w = sg.matrix("X", (dim, 30)), sg.vector("w", 30)
        p = sg.exp(sg.tanh(X @ w)) / (1 + (X @ w) ** 2)
        return sg.lambdify([X, w], [sg.sum(p), sg.grad(sg.sum(p), w), X.T @ p])

    a, b = RNG.normal(size=(3000, 30)), RNG.normal(size=30)
    f, plain = compiled(dim), compiled("m")
    steps = [
        g.explain().partition("for large arrays:\n")[2].replace(f" over {name}:", " over _:")
        for g, name in ((f, dim), (plain, "m"))
    ]
    assert steps[0] == steps[1] and "_loop0" in steps[0], f.explain()
    for got, want in zip(f(a, b), plain(a, b), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("names", GROUPS)
def test_batches_by_columns_and_vmap(names):
    for name in names[::3]:
        x = sg.symbol(name, (2,))
        e = sg.vmap(sg.sum(sg.sin(x) * x[::-1]), over={x: "b"})
        X = sg.symbol(name, ("b", 2))
        f = sg.lambdify(X, e)
        a = RNG.normal(size=(400, 2))
        for _ in range(3):
            np.testing.assert_allclose(f(a), np.sum(np.sin(a) * a[:, ::-1], axis=1), rtol=1e-12)


@pytest.mark.parametrize("names", GROUPS)
def test_structured_and_sparse_results(names):
    pytest.importorskip("scipy")
    for name in names[::2]:
        x = sg.symbol(name, 3)
        H = sg.hessian(sg.sum(x**3), x)
        at = np.array([1.0, 2.0, 3.0])
        diagonal = sg.lambdify(x, H, structured=True)
        np.testing.assert_allclose(diagonal(at).dense(), np.diag(6 * at))
        np.testing.assert_allclose(diagonal(**{name: at}).dense(), np.diag(6 * at))
        rows = sg.lambdify(x, H, sparse="csr")
        np.testing.assert_allclose(rows(at).toarray(), np.diag(6 * at))


@pytest.mark.parametrize("names", GROUPS)
def test_solvers(names, tmp_path):
    for unknown, param in zip(names[::3], names[1::3], strict=False):
        x, a = sg.symbol(unknown), sg.symbol(param, unique=1)
        system = sg.newton_root([x**3 - a], [x], a)
        for solver in (
            system,
            sg.newton_root(x**3 - a, x, a),
            sg.newton_minimize(x**4 / 4 - a * x, x, a),
            sg.least_squares(sg.stack([x**3 - a, 2 * (x**3 - a)]), x, a),
        ):
            start = [1.5] if solver is system else 1.5
            assert np.allclose(solver(start, 8.0).x, 2.0, rtol=1e-9), (unknown, param)
            assert np.allclose(solver(start, **{param: 8.0}).x, 2.0, rtol=1e-9)
            assert np.allclose(solver(start, 8.0, tol=1e-9, maxiter=50).x, 2.0, rtol=1e-7)
            again = pickle.loads(pickle.dumps(solver))
            assert np.allclose(again(start, 8.0).x, 2.0, rtol=1e-9)
            assert len(inspect.signature(solver).parameters) > 3
        many = sg.newton_root(x**3 - a, x, a)(np.full(3, 1.5), np.array([1.0, 8.0, 27.0]))
        np.testing.assert_allclose(many.x, [1, 2, 3])
    saved = imported(tmp_path, sg.newton_root(x**3 - a, x, a))
    assert saved.solve(1.5, 8.0).x == pytest.approx(2.0)


@pytest.mark.parametrize("names", GROUPS)
def test_implicit_solutions(names):
    for unknown, param in zip(names[::3], names[1::3], strict=False):
        x, a = sg.symbol(unknown), sg.symbol(param, unique=1)
        root = sg.implicit(x**3 - a, x, [a], x0=1.5)
        f = sg.lambdify(a, [root, sg.diff(root, a)])
        assert f(8.0) == pytest.approx([2.0, 1 / 12])
        both = sg.implicit([x**3 - a, sg.symbol("other") - x], [x, sg.symbol("other")], [a], x0=1.5)
        assert sg.evaluate(both[1], {a: 8.0}) == pytest.approx(2.0)


NAMES_OF_FUNCTIONS = [
    "np", "sin", "exp", "general", "missing", "_logsumexp", "_general", "hypot", "scipy", "x", "y",
    "t0", "shape", "dtype", "out", "slots", "sum", "float", "list", "ValueError", "f", "ϑ", "ﬁt",
    "_largest", "_loop0", "c", "base64", "match", "_", "__name__", "self", "kernel", "ᵃ",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES_OF_FUNCTIONS)
def test_names_of_functions(name, tmp_path):
    x, y, v = sg.symbol("x"), sg.symbol("y"), sg.vector("v", "n")
    f = sg.lambdify([x, y], [sg.sin(x) + sg.exp(y), sg.hypot(x, y), sg.logaddexp(x, y)], name=name)
    want = [np.sin(0.5) + np.exp(0.25), np.hypot(0.5, 0.25), np.logaddexp(0.5, 0.25)]
    assert f(0.5, 0.25) == pytest.approx(want, rel=1e-15)
    assert f.__name__ == normal(name)
    for n in (2, 40_000):
        got = f(np.full(n, 0.5), 0.25)
        np.testing.assert_allclose([r[1] for r in got], want, rtol=1e-15)
    weighted = sg.logsumexp(v) + sg.sum(sg.constant(np.arange(60.0))[:3] * v[:3])
    g = sg.lambdify(v, [weighted, sg.grad(weighted, v)], name=name)
    at = np.linspace(0, 1, 5)
    want = np.log(np.exp(at).sum()) + np.arange(3) @ at[:3]
    assert g(at)[0] == pytest.approx(want, rel=1e-14)
    module = imported(tmp_path, g)
    assert getattr(module, function_of(g.source))(at)[0] == pytest.approx(want)


@pytest.mark.parametrize(
    "name", ["lambda", "ｌａｍｂｄａ", "", "a b", "1a", "x₁ ", "x\0", "None", "__debug__", 3, None]
)
def test_what_cannot_name_a_function(name):
    with pytest.raises(sg.ArgumentError, match="name of a function"):
        sg.lambdify(sg.symbol("x"), sg.symbol("x") + 1, name=name)


def test_identifiers_are_what_python_makes_of_them():
    for name in ODD:
        found = Names().fresh(name)
        assert found.isidentifier() and found not in KEYWORDS and normal(found) == found
        assert found[0] != "_" and Names().fresh(found) == found
    every = Names().of_all(ODD)
    assert len(set(map(normal, every))) == len(ODD)
    assert Names(["t0"]).of_all(["ｔ0", "x\0", "x", "x_2"]) == ["t0_2", "x_3", "x", "x_2"]


def test_keys_of_a_dict_are_text():
    x = sg.symbol("x")
    e, outputs = x, {}
    for k in range(60):
        e = sg.sin(e) * x + sg.exp(e) / (k + 1)
        outputs[f"t{k}"] = e
        outputs[f'np.where("{k}\0'] = e * e
    f = sg.lambdify(x, outputs)
    assert f(0.1).keys() == f(np.array([0.1])).keys() == outputs.keys()
    assert all(f(np.array([0.1]))[k][0] == pytest.approx(f(0.1)[k]) for k in outputs)


def test_a_docstring_holds_any_text():
    for signs in itertools.product('a"\\ ', repeat=5):
        doc = "".join(signs)
        assert ast.literal_eval("\n".join(docstring(doc))) == doc
