"""Determinant, solutions and inverse of one matrix by one factorisation, as NumPy has them."""

import pickle
import sys

import numpy as np
import pytest

import symgrad as sg
from symgrad import linalg as la

A, B = sg.matrix("A", ("n", "n")), sg.matrix("B", ("n", "k"))
S = sg.matrix("S", ("n", "n"), spd=True)
b, c = sg.vector("b", "n"), sg.vector("c", "n")
T, r = sg.symbol("T", ("p", "n", "n")), sg.symbol("r", ("p", "n"))


def likelihood(m):
    """Minus twice the logarithm of a Gaussian density, but for a constant."""
    return b @ la.inv(m) @ b + la.logdet(m)


def inverse_free(a, b):
    return b @ np.linalg.solve(a, b) + np.linalg.slogdet(a)[1]


SHARED = {
    "log det and solution": (likelihood(A), inverse_free),
    "log det and solution, definite": (likelihood(S), inverse_free),
    "log det and inverse": (
        [la.logdet(A), la.inv(A)],
        lambda a: [np.linalg.slogdet(a)[1], np.linalg.inv(a)],
    ),
    "log det and inverse, definite": (
        [la.logdet(S), la.inv(S)],
        lambda a: [np.linalg.slogdet(a)[1], np.linalg.inv(a)],
    ),
    "determinant and inverse": (
        [la.det(A), la.inv(A)],
        lambda a: [np.linalg.det(a), np.linalg.inv(a)],
    ),
    "sign, log det and columns": (
        [*la.slogdet(A), la.solve(A, B)],
        lambda a, columns: [*np.linalg.slogdet(a), np.linalg.solve(a, columns)],
    ),
    "two systems": (
        [la.solve(A, b), la.solve(A.T, c)],
        lambda a, b, c: [np.linalg.solve(a, b), np.linalg.solve(a.T, c)],
    ),
    "gradient by a definite matrix": (
        [likelihood(S), sg.grad(likelihood(S), S)],
        lambda a, b: [
            inverse_free(a, b),
            np.linalg.inv(a) - np.outer(np.linalg.solve(a, b), np.linalg.solve(a, b)),
        ],
    ),
}
NOISY = {
    "positive noise": sg.symbol("t", positive=True),
    "noise by its logarithm": sg.exp(sg.symbol("s")),
}


@pytest.mark.parametrize("title", NOISY)
def test_a_definite_matrix_with_noise_is_definite(title):
    """The code, too, sees it: a marginal likelihood is one Cholesky factorisation."""
    f = likelihood(S + NOISY[title] * sg.eye("n"))
    symbols = symbols_of(f)
    assert "definite=True" in body_of(sg.lambdify(symbols, f))
    pairs = zip(symbols, arrays_for(symbols), strict=True)
    arrays = [np.float64(0.7) if x.ndim == 0 else a for x, a in pairs]
    noise = 0.7 if "positive" in title else np.exp(0.7)
    expected = inverse_free(arrays[0] + noise * np.eye(4), arrays[1])
    np.testing.assert_allclose(sg.lambdify(symbols, f)(*arrays), expected, rtol=1e-12)


ALONE = {
    "sign and log det": [*la.slogdet(A)],
    "inverse": la.inv(A),
    "two matrices": [la.inv(A), la.logdet(S)],
    "stacks": [la.inv(T), la.logdet(T)],
}


def arrays_for(symbols, n=4, dtype=float):
    rng = np.random.default_rng(8)
    found = []
    for x in symbols:
        array = rng.normal(size=[{"n": n, "k": 2, "p": 3}[d] for d in x.shape])
        found.append((array @ array.T + np.eye(n) if x is S else array).astype(dtype))
    return found


def body_of(f):
    return f.source.split('"""')[-1]


def without_scipy(f, monkeypatch):
    """The function that the source makes where SciPy is not installed."""
    monkeypatch.setitem(sys.modules, "scipy.linalg", None)
    namespace = {}
    exec(f.source, namespace)
    assert namespace["_lapack"]() is None
    return namespace["f"]


@pytest.mark.parametrize("title", SHARED)
def test_one_factorisation(title):
    outputs, _ = SHARED[title]
    f = sg.lambdify(symbols_of(outputs), outputs)
    assert body_of(f).count("_Factor(") == 1 and "linalg" not in body_of(f)
    assert ("definite=True" in body_of(f)) == any(x is S for x in f.args)
    assert "factorisations: 1" in f.explain()
    assert pickle.loads(pickle.dumps(f)).source == f.source


def symbols_of(outputs):
    """Matrices, then vectors, by name."""
    found = sg.free_symbols(*(outputs if isinstance(outputs, list) else [outputs]))
    return sorted(found, key=lambda x: (-x.ndim, x.name))


@pytest.mark.parametrize("n", [1, 2, 7, 130])
@pytest.mark.parametrize("title", SHARED)
def test_values(title, n, monkeypatch):
    outputs, oracle = SHARED[title]
    symbols = symbols_of(outputs)
    f = sg.lambdify(symbols, outputs)
    arrays = arrays_for(symbols, n)
    expected = oracle(*arrays)
    for function in (f, without_scipy(f, monkeypatch)):
        actual = function(*arrays)
        pairs = (
            zip(actual, expected, strict=True)
            if isinstance(outputs, list)
            else [(actual, expected)]
        )
        for one, other in pairs:
            np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8 * np.max(np.abs(other)))


@pytest.mark.parametrize("title", SHARED)
def test_narrow_floats_stay_narrow(title):
    outputs, oracle = SHARED[title]
    symbols = [sg.symbol(s.name, s.shape, "float32", spd=s is S) for s in symbols_of(outputs)]
    narrow = dict(zip(symbols_of(outputs), symbols, strict=True))
    listed = [
        sg.substitute(y, narrow) for y in (outputs if isinstance(outputs, list) else [outputs])
    ]
    arrays = arrays_for(symbols_of(outputs), dtype=np.float32)
    actual = sg.lambdify(symbols, listed)(*arrays)
    expected = oracle(*arrays)
    for one, other in zip(
        actual, expected if isinstance(outputs, list) else [expected], strict=True
    ):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("title", ALONE)
def test_nothing_to_share(title):
    f = sg.lambdify(symbols_of(ALONE[title]), ALONE[title])
    assert "_Factor" not in f.source and "scipy" not in f.source
    assert "factorisations" not in f.explain()


def test_the_other_types_of_a_system():
    """A right-hand side of another type, integers, no columns, an empty matrix: as NumPy has them."""
    f = sg.lambdify([A, B], [la.logdet(A), la.solve(A, B), la.inv(A)])
    a = np.array([[2, 1], [1, 3]])
    for columns in (np.ones((2, 3)), np.ones((2, 0)), np.ones((2, 1), int)):
        for matrix in (a, a * 1.0, np.asfortranarray(a * 1.0), a.T * 1.0):
            logs, x, inverse = f(matrix, columns)
            np.testing.assert_allclose(logs, np.log(5), rtol=1e-14)
            np.testing.assert_allclose(x, np.linalg.solve(a, columns), rtol=1e-14)
            np.testing.assert_allclose(inverse, np.linalg.inv(a), rtol=1e-14)
    logs, x, inverse = f(np.zeros((0, 0)), np.zeros((0, 2)))
    assert logs == 0 and x.shape == (0, 2) and inverse.shape == (0, 0)
    assert np.all(np.isnan(f(np.full((2, 2), np.nan), np.ones((2, 1)))[1]))


def test_a_singular_matrix_is_what_numpy_makes_of_it(monkeypatch):
    ones = np.ones((3, 3))
    determinants = sg.lambdify([A, b], [la.det(A), *la.slogdet(A), la.logdet(A)])
    systems = sg.lambdify([A, b], [la.logdet(A), la.solve(A, b)])
    inverses = sg.lambdify([A], [la.logdet(A), la.inv(A)])
    for f in (determinants, without_scipy(determinants, monkeypatch)):
        assert f(ones, np.ones(3)) == [0, 0, -np.inf, -np.inf]
    monkeypatch.undo()
    for f in (systems, without_scipy(systems, monkeypatch)):
        with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
            f(ones, np.ones(3))
    with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
        inverses(ones)


def test_what_is_not_definite_has_no_cholesky_factor(monkeypatch):
    f = sg.lambdify([S, b], likelihood(S))
    for function in (f, without_scipy(f, monkeypatch)):
        with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
            function(np.diag([1.0, -1.0]), np.ones(2))


def test_arguments_stay_as_they_are():
    f = sg.lambdify([A, B], [la.logdet(A), la.solve(A, B), la.inv(A)])
    for order in "CF":
        arrays = [np.array(x, order=order) for x in arrays_for([A, B])]
        kept = [x.copy() for x in arrays]
        f(*arrays)
        assert all(np.array_equal(x, y) for x, y in zip(arrays, kept, strict=True))
