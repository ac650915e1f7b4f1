"""Products by inverses are solved, never inverted, and give what inverting gives."""

import numpy as np
import pytest

import symgrad as sg
from symgrad import linalg as la

A, X = sg.matrix("A", ("n", "n")), sg.matrix("X", ("n", "n"))
S = sg.matrix("S", ("n", "n"), spd=True)
B = sg.matrix("B", ("n", "k"))
u, v = sg.vector("u", "n"), sg.vector("v", "n")
T, R = sg.symbol("T", ("b", "n", "n")), sg.symbol("R", ("b", "n", "k"))
r = sg.symbol("r", ("b", "n"))
inv, t = np.linalg.inv, np.transpose

SOLVED = {
    "inv(A) @ v": (la.inv(A) @ v, lambda A, v: inv(A) @ v),
    "v @ inv(A)": (v @ la.inv(A), lambda v, A: v @ inv(A)),
    "inv(A).T @ v": (la.inv(A).T @ v, lambda A, v: inv(A).T @ v),
    "inv(A) @ B": (la.inv(A) @ B, lambda A, B: inv(A) @ B),
    "inv(A).T @ B": (la.inv(A).T @ B, lambda A, B: inv(A).T @ B),
    "B.T @ inv(A)": (B.T @ la.inv(A), lambda B, A: B.T @ inv(A)),
    "u @ inv(A) @ v": (u @ la.inv(A) @ v, lambda u, A, v: u @ inv(A) @ v),
    "two systems": (u @ la.inv(A) @ la.inv(X) @ v, lambda u, A, X, v: u @ inv(A) @ inv(X) @ v),
    "one in another": (
        la.inv(A) @ X @ la.inv(A) @ v,
        lambda A, X, v: inv(A) @ X @ inv(A) @ v,
    ),
    "between matrices": (X @ la.inv(A) @ B, lambda X, A, B: X @ inv(A) @ B),
    "positive definite": (la.inv(S) @ v, lambda S, v: inv(S) @ v),
    "batch of matrices": (la.inv(T) @ R, lambda T, R: inv(T) @ R),
    "batch of vectors": (
        sg.einsum("bij,bj->bi", la.inv(T), r),
        lambda T, r: np.einsum("bij,bj->bi", inv(T), r),
    ),
    "batch from the left": (
        la.matrix_transpose(R) @ la.inv(T),
        lambda R, T: t(R, (0, 2, 1)) @ inv(T),
    ),
    "batch with one vector": (la.inv(T) @ v, lambda T, v: inv(T) @ v),
    "sum": (sg.sum(la.inv(A) @ v), lambda A, v: np.sum(inv(A) @ v)),
    "gradient": (
        sg.grad(u @ la.inv(X) @ v, X),
        lambda X, u, v: -np.outer(inv(X).T @ u, inv(X) @ v),
    ),
    "gradient by the right-hand side": (sg.grad(sg.sum(la.inv(A) @ v), v), None),
}
INVERTED = {
    "trace": (sg.trace(la.inv(A) @ X), lambda A, X: np.trace(inv(A) @ X)),
    "entrywise": (la.inv(A) * v, lambda A, v: inv(A) * v),
    "the inverse too": ([la.inv(A) @ v, la.inv(A)], None),
    "three vectors": ([la.inv(A) @ v, la.inv(A) @ u, la.inv(A) @ (u * v)], None),
}


def data(leaves):
    rng = np.random.default_rng(3)
    extents = {"n": 4, "k": 2, "b": 3}
    values = [rng.normal(size=tuple(extents[d] for d in x.shape)) for x in leaves]
    return [a @ a.T + np.eye(4) if x is S else a for x, a in zip(leaves, values, strict=True)]


def code_and_values(outputs):
    leaves = sg.free_symbols(*(outputs if isinstance(outputs, list) else [outputs]))
    f = sg.lambdify(leaves, outputs)
    return f.source.split('"""')[-1], f(*data(leaves)), dict(zip(leaves, data(leaves), strict=True))


def check(e, oracle, actual, values):
    if oracle is not None:
        names = oracle.__code__.co_varnames
        named = {str(x.name): value for x, value in values.items()}
        np.testing.assert_allclose(
            actual, oracle(*[named[n] for n in names]), rtol=1e-9, atol=1e-11
        )
    elif not isinstance(e, list):
        np.testing.assert_allclose(actual, sg.evaluate(sg.simplify(e), values), rtol=1e-9)


@pytest.mark.parametrize("name", SOLVED)
def test_solved(name):
    e, oracle = SOLVED[name]
    code, actual, values = code_and_values(e)
    assert ".solve(" in code and ".inv(" not in code
    check(e, oracle, actual, values)
    code, actual, _ = code_and_values(sg.simplify(e))
    assert ".inv(" not in code
    check(e, oracle, actual, values)


@pytest.mark.parametrize("name", INVERTED)
def test_inverted_where_that_is_no_dearer(name):
    e, oracle = INVERTED[name]
    code, actual, values = code_and_values(e)
    assert "linalg.solve" not in code and code.count("linalg.inv") == 1
    check(e, oracle, actual, values)


@pytest.mark.parametrize("name", ["inv(A) @ v", "u @ inv(A) @ v", "inv(A) @ B", "v @ inv(A)"])
def test_a_singular_system_raises(name):
    leaves = sg.free_symbols(SOLVED[name][0])
    arrays = data(leaves)
    arrays[[x is A for x in leaves].index(True)] = np.ones((4, 4))
    with pytest.raises(np.linalg.LinAlgError):
        sg.lambdify(leaves, SOLVED[name][0])(*arrays)


PRODUCTS = {
    "vector behind": ((A @ X) @ v, 0),
    "vector before": (v @ (A @ X), 0),
    "trace": (sg.trace(A @ X), 0),
    "sum": (sg.sum(A @ X, axis=0), 0),
    "three and a vector": (A @ X @ A.T @ v, 0),
    "matrices only": (A @ X @ B, 2),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_no_matrix_is_multiplied_by_a_matrix_where_a_vector_will_do(name):
    """Counted while the code runs on arrays that count."""
    e, wanted = PRODUCTS[name]
    counts = []

    class Counting(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            plain = [np.asarray(x) for x in inputs]
            if ufunc is np.matmul and all(x.ndim == 2 for x in plain):
                counts.append(ufunc)
            return np.asarray(getattr(ufunc, method)(*plain, **kwargs)).view(Counting)

    leaves = sg.free_symbols(e)
    source = sg.lambdify(leaves, e).source.replace("np.asarray(", "(")
    namespace = {}
    exec(source, namespace)
    result = namespace["f"](*[a.view(Counting) for a in data(leaves)])
    assert len(counts) == wanted
    expected = sg.evaluate(e, dict(zip(leaves, data(leaves), strict=True)))
    np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-10)
