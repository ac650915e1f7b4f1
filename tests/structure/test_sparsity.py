"""Sparsity patterns and CSR results against dense derivatives, evaluated at random points."""

import pickle

import numpy as np
import pytest
import scipy.sparse

import symgrad as sg
from symgrad.structure.coloring import column_groups, grouped_values
from symgrad.structure.entries import entries_of

N = 7
x, y = sg.vector("x", N), sg.vector("y", 4)
U, V = sg.matrix("U", (3, 2)), sg.matrix("V", (4, 2))
C = np.diag(np.arange(1.0, N), 1) + np.eye(N)  # a sparse constant
B = sg.matrix("B", (4, N))


def rosenbrock(v):
    return sg.sum(100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2)


def by_entries(v):
    return sum(sg.sin(v[i]) * v[i + 2] ** 2 for i in range(N - 2))


JACOBIANS = {
    "elementwise": (sg.exp(x), x),
    "differences": (x[1:] - x[:-1], x),
    "every other": (x[::2] ** 2 * x[1::2][0], x),
    "reversed": (x[::-1] * x, x),
    "joined": (sg.concatenate([x[:2] ** 3, 2 * x[3:]]), x),
    "gathered": (x[[0, 3, 3, 1]] ** 2, x),
    "padded": (sg.pad(x**2, 2), x),
    "constant matrix": (sg.constant(C) @ sg.sin(x), x),
    "constant matrix twice": (sg.constant(C) @ (sg.constant(C) @ x**2) ** 2, x),
    "symbolic matrix": (B @ x**2, x),
    "stack of scalars": (sg.stack([x[0] * x[1], x[2], x[3] ** 2 + x[0]]), x),
    "where": (sg.where(x > 0, x**2, 3 * x), x),
    "branch": (sg.where(x[1:] > x[:-1], x[1:], 0) * x[1:], x),
    "reshaped": (sg.reshape(sg.reshape(x[:6], (2, 3)).T ** 2, (6,)), x),
    "matrix": (U**2, U),
    "matrix columns": (U[:, 0] ** 2, U),
    "last column": ((U @ V.T)[:, -1] * sg.exp(U)[-1, 0], U),
    "matrix product": (U @ V.T, U),
    "rolled": (sg.roll(x, 1) * x, x),
    "no dependence": (sg.sin(y), x),
    "cumulative": (sg.cumsum(x**2), x),
    "mean": (x - sg.mean(x), x),
    "maximum": (sg.maximum(x[1:], x[:-1]), x),
    "stencil": (x[2:] - 2 * x[1:-1] + x[:-2] + sg.exp(x[1:-1]), x),
}
HESSIANS = {
    "rosenbrock": (rosenbrock(x), x),
    "by entries": (by_entries(x), x),
    "diagonal": (sg.sum(sg.cosh(x)), x),
    "factorisation": (sg.norm(sg.matrix("T", (3, 4)) - U @ V.T) ** 2, U),
    "separable matrix": (sg.sum(U**4), U),
    "dense": (sg.logsumexp(x), x),
    "quadratic with a sparse matrix": (x @ sg.constant(C) @ x, x),
    "linear": (sg.sum(3 * x), x),
    "chain": (sg.sum(sg.exp(x[1:] * x[:-1])) + sg.sum(x[2:] ** 2 * x[:-2]), x),
}
CASES = {
    **{f"jacobian of {k}": (f, by, sg.jacobian(f, by)) for k, (f, by) in JACOBIANS.items()},
    **{f"hessian of {k}": (f, by, sg.hessian(f, by)) for k, (f, by) in HESSIANS.items()},
}
# titles of tensors of which every zero must be known
EXACT = {
    "jacobian of elementwise": N,
    "jacobian of differences": 2 * (N - 1),
    "jacobian of constant matrix": 2 * N - 1,
    "jacobian of constant matrix twice": 3 * N - 3,
    "jacobian of matrix product": 3 * 4 * 2,
    "jacobian of no dependence": 0,
    "jacobian of stencil": 3 * (N - 2),
    "jacobian of gathered": 4,
    "hessian of rosenbrock": 3 * N - 2,
    "hessian of by entries": 3 * N - 4,
    "hessian of diagonal": N,
    "hessian of linear": 0,
    "hessian of dense": N * N,
}


def symbols_and_values(*es):
    symbols = [*sg.free_symbols(*es)]
    symbols += [s for s in (x,) if s not in set(symbols)]
    rng = np.random.default_rng(21)
    return symbols, [rng.uniform(0.5, 1.5, s.shape) * rng.choice([-1, 1], s.shape) for s in symbols]


@pytest.mark.parametrize("title", CASES)
def test_pattern_and_values(title):
    f, _, J = CASES[title]
    symbols, values = symbols_and_values(f, J)
    dense = sg.lambdify(symbols, J)(*values)
    pattern = sg.sparsity(J)
    assert pattern.shape == dense.shape and pattern.dtype == bool
    assert not dense[~pattern].any()
    if title in EXACT:
        assert np.count_nonzero(pattern) == EXACT[title]
    found = entries_of(J)
    sg.check_graph(found.values)
    np.testing.assert_array_equal(found.at, np.flatnonzero(pattern))
    picked = sg.lambdify(symbols, found.values)(*values)
    np.testing.assert_allclose(picked, dense[pattern], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("title", CASES)
def test_csr(title):
    f, _, J = CASES[title]
    if J.ndim % 2:
        J = sg.reshape(J, (J.shape[0], -1))
    symbols, values = symbols_and_values(f, J)
    dense = sg.lambdify(symbols, J)(*values)
    call = sg.lambdify(symbols, J, sparse="csr")
    result = call(*values)
    assert isinstance(result, scipy.sparse.csr_array)
    rows = int(np.prod(J.shape[: J.ndim // 2]))
    assert result.has_sorted_indices and result.nnz == np.count_nonzero(sg.sparsity(J))
    np.testing.assert_allclose(result.toarray(), dense.reshape(rows, -1), rtol=1e-12, atol=1e-12)
    assert f"with {result.nnz} entries" in call.explain()


# Groups of columns


@pytest.mark.parametrize("title", CASES)
def test_groups_of_columns(title):
    """No two columns of a group share a row, and the compressed product holds every entry."""
    f, _, J = CASES[title]
    if J.ndim != 2:
        return
    symbols, values = symbols_and_values(f, J)
    at = entries_of(J).at
    pattern = sg.sparsity(J)
    groups = column_groups(*np.nonzero(pattern), J.shape[1])
    for group in set(groups.tolist()):
        assert pattern[:, groups == group].sum(axis=1).max(initial=0) <= 1
    found = grouped_values(J, at)
    if found is not None:
        sg.check_graph(found[0])
        got = sg.lambdify(symbols, found[0])(*values)
        dense = sg.lambdify(symbols, J)(*values)
        np.testing.assert_allclose(got, dense[pattern], rtol=1e-12, atol=1e-12)


GROUPED = {
    "jacobian of differences": 2,
    "jacobian of stencil": 3,
    "jacobian of where": 1,
    "hessian of rosenbrock": 3,
    "hessian of by entries": 3,
    "hessian of chain": 5,
}


@pytest.mark.parametrize("title", GROUPED)
def test_number_of_groups(title):
    J = CASES[title][2]
    found = grouped_values(J, entries_of(J).at)
    assert found is not None and found[1] == GROUPED[title]


def test_the_cheaper_way_is_taken_and_said():
    v = sg.vector("v", 100)
    banded = sg.lambdify(v, sg.hessian(rosenbrock(v), v), sparse="csr").explain()
    assert "with 298 entries, computed in 3 groups of columns" in banded
    diagonal = sg.lambdify(v, sg.hessian(sg.sum(sg.sin(v)), v), sparse="csr").explain()
    assert "with 100 entries, each computed directly" in diagonal


def test_banded_rosenbrock_of_a_thousand():
    v = sg.vector("v", 1000)
    H = sg.hessian(rosenbrock(v), v)
    point = np.random.default_rng(22).normal(size=1000)
    f = sg.lambdify(v, H, sparse="csr")
    result = f(point)
    assert result.nnz == 2998
    np.testing.assert_allclose(result.toarray(), sg.lambdify(v, H)(point), rtol=1e-13, atol=1e-11)
    # the same by hand
    a, b = point[:-1], point[1:]
    main = np.zeros(1000)
    main[:-1] = 1200 * a**2 - 400 * b + 2
    main[1:] += 200
    np.testing.assert_allclose(result.diagonal(), main, rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(result.diagonal(1), -400 * a, rtol=1e-13)
    np.testing.assert_array_equal(result.diagonal(1), result.diagonal(-1))
    assert "np.eye" not in f.source and "1000, 1000" not in f.source


def test_systems_of_scalars():
    a, b, c = sg.symbols("a b c")
    H = sg.hessian(a**2 * b + sg.sin(c), [a, b, c])
    expected = [[True, True, False], [True, False, False], [False, False, True]]
    assert sg.sparsity(H).tolist() == expected
    f = sg.lambdify([a, b, c], H, sparse="csr")
    result = f(2.0, 3.0, 0.5)
    assert result.nnz == 4
    np.testing.assert_allclose(result.toarray(), [[6, 4, 0], [4, 0, 0], [0, 0, -np.sin(0.5)]])
    assert sg.lambdify([a], [[sg.constant(0)]], sparse="csr")(1.0).nnz == 0


def test_nests_pickles_and_new_arrays():
    f = sg.lambdify(x, {"f": rosenbrock(x), "H": sg.hessian(rosenbrock(x), x)}, sparse="csr")
    point = np.linspace(-1, 1, N)
    first, second = f(point), f(point)
    first["H"].data[:] = 0
    first["H"].indices[:] = 0
    assert second["H"].nnz == 3 * N - 2 and second["H"].toarray().any()
    again = pickle.loads(pickle.dumps(f))(point)
    np.testing.assert_array_equal(again["H"].toarray(), second["H"].toarray())
    assert again["f"] == second["f"]


def test_errors():
    v = sg.vector("v", "n")
    with pytest.raises(sg.ShapeError, match="known extents; v has shape"):
        sg.sparsity(sg.jacobian(v**2, v))
    with pytest.raises(sg.ArgumentError, match="'csr' or None, not 'csc'"):
        sg.lambdify(x, sg.jacobian(x**2, x), sparse="csc")
    with pytest.raises(sg.ArgumentError, match="not both"):
        sg.lambdify(x, sg.jacobian(x**2, x), sparse="csr", structured=True)
    with pytest.raises(sg.ArgumentError, match="equally many axes"):
        sg.lambdify(x, sg.jacobian(sg.hessian(sg.sum(x**3), x), x), sparse="csr")
    with pytest.raises(sg.ShapeError, match="must be scalars"):
        sg.sparsity([[x]])


def test_without_scipy(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.sparse", None)
    with pytest.raises(sg.ArgumentError, match=r"symgrad\[scipy\]"):
        sg.lambdify(x, sg.jacobian(x**2, x), sparse="csr")
