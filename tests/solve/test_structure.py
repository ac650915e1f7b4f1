"""The linear solve follows the form of the derivative: the same solutions, without the dense matrix."""

import itertools
import pickle
import sys
import tracemalloc

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize

import symgrad as sg
from symgrad.errors import ArgumentError
from symgrad.solve.runtime import minimum_step

x, y = sg.symbols("x y")
v, w = sg.vector("v", "n"), sg.vector("w", "n")
ROSENBROCK = (1 - x) ** 2 + 100 * (y - x**2) ** 2
# A chain of springs with a double well at every link; indefinite around 0
CHAIN = sg.sum((v[1:] - v[:-1]) ** 2) + sg.sum((v**2 - 1) ** 2) / 4 - sg.sum(w * v)


def chain_slope(z, load):
    """The gradient of the chain, by hand."""
    pull = np.diff(z)
    return 2 * (np.append(0, pull) - np.append(pull, 0)) + z**3 - z - load


def chain_curvature(z):
    """The diagonal and the second diagonal of its Hessian, by hand."""
    links = np.full(z.size, 4.0)
    links[[0, -1]] = 2.0
    return links + 3 * z**2 - 1, np.full(z.size - 1, -2.0)


# Conjugate gradients


def test_ten_thousand_unknowns_without_a_matrix():
    n = 10_000
    solver = sg.newton_minimize(CHAIN, v, w, method="cg")
    load = 0.1 + 0.05 * np.sin(np.arange(n))
    start = np.random.default_rng(1).normal(size=n)
    tracemalloc.start()
    found = solver(start, load)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * n * 8  # a number of vectors, where a matrix is n of them
    assert found.converged and found.curvature == "positive definite"
    assert np.abs(chain_slope(found.x, load)).max() < 1e-10
    lowest = scipy.linalg.eigh_tridiagonal(
        *chain_curvature(found.x), eigvals_only=True, select="i", select_range=(0, 0)
    )
    assert lowest[0] > 0.5


@pytest.mark.parametrize("start", [[-1.2, 1.0], [3.0, -4.0], [0.0, 0.0]])
def test_conjugate_gradients_on_rosenbrock(start):
    found = sg.newton_minimize(ROSENBROCK, [x, y], method="cg")(start)
    assert found.converged and found.curvature == "positive definite"
    np.testing.assert_allclose(found.x, [1, 1], rtol=1e-10)


@pytest.mark.parametrize("start", [[1.0, 0.0], [0.0, 0.0], [1e-9, 1e-12]])
def test_conjugate_gradients_leave_a_saddle(start):
    found = sg.newton_minimize(x**2 - y**2 + y**4, [x, y], method="cg")(start)
    assert found.converged and found.curvature == "positive definite"
    np.testing.assert_allclose(np.abs(found.x), [0, np.sqrt(0.5)], atol=1e-10)


def test_conjugate_gradients_leave_a_maximum_of_many_unknowns():
    found = sg.newton_minimize(CHAIN, v, w, method="cg")(np.zeros(500), np.zeros(500))
    assert found.converged and found.curvature == "positive definite"
    assert found.value < 125  # what it is at 0, a maximum in some directions
    assert np.abs(chain_slope(found.x, 0.0)).max() < 1e-10
    assert scipy.linalg.eigh_tridiagonal(*chain_curvature(found.x), eigvals_only=True)[0] > 1e-6


@pytest.mark.parametrize("f", [-(x**2), x, x**3, x**3 + x, -(x**4), x**2 - x**4 - 3 * x**3])
def test_conjugate_gradients_find_no_minimum_where_there_is_none(f):
    found = sg.newton_minimize(f, x, method="cg")(1.0)
    assert not found.converged


def test_a_point_of_curvature_zero_is_left():
    found = sg.newton_minimize(3 * x**5 - 5 * x**3, x, method="cg")(0.0)
    assert found.converged and found.x == pytest.approx(1.0)


def test_an_undefined_start_is_reported():
    found = sg.newton_minimize(sg.log(x) ** 2, x, method="cg")(-1.0)
    assert (found.converged, found.status) == (False, sg.Status.NON_FINITE)


def test_conjugate_gradients_against_scipy():
    rng = np.random.default_rng(3)
    a = rng.normal(size=(40, 30))
    b = rng.normal(size=40)
    A, t = sg.matrix("A", ("m", "n")), sg.vector("t", "m")
    f = sg.sum(sg.log(1 + (A @ v - t) ** 2)) + 0.05 * sg.sum(v**2)
    found = sg.newton_minimize(f, v, [A, t], method="cg")(np.zeros(30), a, b)

    def slope(z):
        r = a @ z - b
        return a.T @ (2 * r / (1 + r**2)) + 0.1 * z

    other = scipy.optimize.minimize(
        lambda z: np.log1p((a @ z - b) ** 2).sum() + 0.05 * z @ z,
        found.x + 1e-3,
        jac=slope,
        method="BFGS",
        options={"gtol": 1e-9},
    )
    assert found.converged and np.abs(slope(found.x)).max() < 1e-8
    np.testing.assert_allclose(found.x, other.x, atol=1e-6)


def test_conjugate_gradients_by_a_matrix_and_a_scalar():
    U = sg.matrix("U", ("m", "k"))
    f = sg.sum((U - 2) ** 4) + sg.sum(U**2) * (1 + x**2) + (x - 3) ** 2
    found = sg.newton_minimize(f, [U, x], method="cg")([np.ones((3, 2)), 1.0])
    u, z = found.x
    assert found.converged and u.shape == (3, 2)
    np.testing.assert_allclose(4 * (u - 2) ** 3 + 2 * u * (1 + z**2), 0, atol=1e-9)
    np.testing.assert_allclose(2 * z * (u**2).sum() + 2 * (z - 3), 0, atol=1e-9)


def test_conjugate_gradients_within_bounds():
    solver = sg.newton_minimize(ROSENBROCK, [x, y], method="cg", bounds=[(None, 0.5), (None, None)])
    found = solver([-1.2, 1.0])
    assert found.converged
    np.testing.assert_allclose(found.x, [0.5, 0.25], rtol=1e-9)
    held = sg.newton_minimize(sg.sum((v - w) ** 2), v, w, bounds=(0.0, 2.0), method="cg")
    np.testing.assert_allclose(held([1.0, 1.0, 1.0], [-3.0, 1.5, 5.0]).x, [0, 1.5, 2], atol=1e-12)


def test_conjugate_gradients_for_a_batch():
    solver = sg.newton_minimize(CHAIN, v, w, method="cg")
    loads = np.array([[0.5, 0.5, 0.5], [-0.5, -0.5, -0.5], [np.nan, 0.0, 0.0]])
    found = solver(np.zeros(3), loads)
    assert found.converged.tolist() == [True, True, False]
    assert found.status.tolist() == [0, 0, sg.Status.NON_FINITE]
    np.testing.assert_allclose(found.x[0], -found.x[1], rtol=1e-9)
    np.testing.assert_allclose(found.x[0], solver(np.zeros(3), loads[0]).x)


def test_conjugate_gradients_count_and_stop():
    seen = []
    solver = sg.newton_minimize(ROSENBROCK, [x, y], method="cg")
    stopped = solver([-1.2, 1.0], maxiter=3, callback=lambda *told: seen.append(told[0]))
    assert (stopped.iterations, stopped.status) == (3, sg.Status.ITERATION_LIMIT)
    assert seen[0] == 0 and seen == sorted(seen)
    with pytest.raises(sg.errors.ConvergenceError):
        solver([-1.2, 1.0], maxiter=3, raise_on_failure=True)


def test_conjugate_gradients_are_explained_and_pickled():
    solver = sg.newton_minimize(ROSENBROCK, [x, y], method="cg")
    assert "conjugate gradients" in solver.explain() and "no matrix" in solver.explain()
    again = pickle.loads(pickle.dumps(solver))
    assert again.explain() == solver.explain()
    assert again([2.0, 2.0]).x.tolist() == solver([2.0, 2.0]).x.tolist()


def test_wrong_methods_are_named():
    with pytest.raises(ArgumentError, match='"newton" or "cg"'):
        sg.newton_minimize(x**2, x, method="bfgs")
    with pytest.raises(ArgumentError, match="globalize=True"):
        sg.newton_minimize(x**2, x, method="cg", globalize=False)


# Cholesky's factors


def counted(monkeypatch, name):
    """How often a decomposition is computed from here on."""
    calls, plain = [], getattr(np.linalg, name)
    monkeypatch.setattr(np.linalg, name, lambda *a, **k: calls.append(name) or plain(*a, **k))
    return calls


def test_definite_hessians_are_factored(monkeypatch):
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(30, 20)), rng.normal(size=30)
    A, t = sg.matrix("A", ("m", "n")), sg.vector("t", "m")
    solver = sg.newton_minimize(sg.sum((A @ v - t) ** 2) + sg.sum(v**4), v, [A, t])
    calls = counted(monkeypatch, "eigh")
    found = solver(np.zeros(20), a, b)
    assert found.converged and found.curvature == "positive definite"
    # once at the start, from 0, where the first region takes its size from the eigenvalues
    assert found.iterations > 3 and len(calls) == 1
    slope = 2 * a.T @ (a @ found.x - b) + 4 * found.x**3
    np.testing.assert_allclose(slope, 0, atol=1e-12)
    assert "Cholesky" in solver.explain()


def test_indefinite_hessians_fall_back(monkeypatch):
    solver = sg.newton_minimize(CHAIN, v, w)
    calls = counted(monkeypatch, "eigh")
    found = solver(np.linspace(-0.1, 0.2, 30), np.zeros(30))
    assert found.converged and found.curvature == "positive definite" and len(calls) > 1
    assert np.abs(chain_slope(found.x, 0.0)).max() < 1e-10


@pytest.mark.parametrize("bounds", [None, (-0.5, 0.9)])
def test_factors_and_eigenvalues_lead_to_the_same(monkeypatch, bounds):
    solver = sg.newton_minimize(CHAIN, v, w, bounds=bounds)
    rng = np.random.default_rng(6)
    starts, loads = 2 + rng.random((10, 15)), 1 + rng.random((10, 15))
    together = solver(starts, loads)
    calls = counted(monkeypatch, "cholesky")
    for fewest in (minimum_step.FACTORED, 99):
        monkeypatch.setattr(minimum_step, "FACTORED", fewest)
        del calls[:]
        for k in range(10):
            found = solver(starts[k], loads[k])
            np.testing.assert_allclose(found.x, together.x[k], rtol=1e-9)
            assert found.curvature == together.curvature[k]
        assert bool(calls) == (fewest < 99)
    assert together.converged.all()


def test_a_semidefinite_hessian_of_many_unknowns():
    found = sg.newton_minimize(sg.sum(v) ** 2 + sg.sum(v[:1] - w[:1]) ** 2, v, w)(
        np.ones(20), np.full(20, 3.0)
    )
    assert found.converged and found.curvature == "positive semidefinite"
    assert found.x[0] == pytest.approx(3) and found.x.sum() == pytest.approx(0, abs=1e-12)


# Sparse Jacobians


def bratu(n):
    """``-u'' = exp(u)`` on (0, 1), zero at both ends, by differences."""
    u = sg.vector("u", n)
    ends = sg.zeros((1,))
    left, right = sg.concatenate([ends, u[:-1]]), sg.concatenate([u[1:], ends])
    return (2 * u - left - right) * (n + 1) ** 2 - sg.exp(u), u


def test_ten_thousand_equations_by_sparse_factors():
    n = 10_000
    solver = sg.newton_root(*bratu(n), method="sparse")
    solver(np.zeros(n), maxiter=0)  # compiled
    tracemalloc.start()
    found = solver(np.zeros(n), tol=1e-9)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.converged and peak < 200 * n * 8
    # u = -2 log(cosh(c (t - 1/2))/cosh(c/2)), where c is the small root of 2 c**2 = cosh(c/2)**2
    c = scipy.optimize.brentq(lambda c: np.sqrt(2) * c - np.cosh(c / 2), 0.1, 1.5)
    t = np.arange(1, n + 1) / (n + 1)
    exact = -2 * np.log(np.cosh(c * (t - 0.5)) / np.cosh(c / 2))
    np.testing.assert_allclose(found.x, exact, atol=1e-7)
    assert "29998 of 100000000 entries" in solver.explain()


def test_sparse_steps_are_those_of_the_dense_jacobian():
    F, u = bratu(30)
    sparse, dense = (sg.newton_root(F, u, method=m)(np.ones(30)) for m in ("sparse", "newton"))
    assert sparse.converged and dense.converged
    np.testing.assert_allclose(sparse.x, dense.x, rtol=1e-10)


def test_many_scalar_unknowns_by_sparse_factors():
    a = sg.symbol("a")
    xs = sg.symbols(" ".join(f"x{k}" for k in range(60)))
    F = [xs[0] - a] + [q**3 + q - p for p, q in itertools.pairwise(xs)]
    solver = sg.newton_root(F, xs, a, method="sparse")
    found = solver(np.ones(60), np.array([3.0, -2.0]))
    assert found.converged.all() and "119 of 3600" in solver.explain()
    for first, values in zip([3.0, -2.0], found.x, strict=True):
        assert values[0] == pytest.approx(first)
        np.testing.assert_allclose(values[1:] ** 3 + values[1:], values[:-1], atol=1e-12)


def test_sparse_failures_are_reported():
    solve = sg.newton_root([x**2 + 1, y - x], [x, y], method="sparse")
    assert not solve([1.0, 1.0]).converged
    assert solve([0.0, 0.0]).status is sg.Status.SINGULAR
    undefined = sg.newton_root([sg.log(x), y - x], [x, y], method="sparse")([-1.0, 0.0])
    assert undefined.status is sg.Status.NON_FINITE
    limited = sg.newton_root([sg.exp(x) - 2, y - x], [x, y], method="sparse")([3, 0], maxiter=1)
    assert (limited.status, limited.iterations) == (sg.Status.ITERATION_LIMIT, 1)


def test_the_sparse_line_search_shortens_steps():
    solver = sg.newton_root([sg.arctan(x), y - x], [x, y], method="sparse")
    assert solver([20.0, 0.0]).converged
    plain = sg.newton_root([sg.arctan(x), y - x], [x, y], method="sparse", globalize=False)
    assert not plain([20.0, 0.0]).converged


def test_what_sparse_factors_cannot_take_is_named(monkeypatch):
    with pytest.raises(sg.errors.ShapeError, match="known extents"):
        sg.newton_root([v - 1, x - 2], [v, x], method="sparse")
    with pytest.raises(sg.errors.ShapeError, match="known extents"):
        sg.newton_root(v**2 - 2, v, method="sparse")
    with pytest.raises(ArgumentError, match='"newton" or "sparse"'):
        sg.newton_root([x - 1, y], [x, y], method="cg")
    monkeypatch.setitem(sys.modules, "scipy.sparse.linalg", None)
    with pytest.raises(ArgumentError, match="pip install scipy"):
        sg.newton_root([x - 1, y], [x, y], method="sparse")


# Kronecker products with an identity


@pytest.mark.parametrize("side", ["U", "V"])
def test_a_kronecker_product_is_solved_by_its_factor(side, monkeypatch):
    T = sg.matrix("T", ("m", "n"))
    U, V = sg.matrix("U", ("m", "k")), sg.matrix("V", ("k", "n"))
    unknown, given = (U, V) if side == "U" else (V, U)
    solver = sg.newton_minimize(sg.sum((T - U @ V) ** 2), unknown, [T, given])
    assert "Kronecker" in solver.explain()
    rng = np.random.default_rng(8)
    t = rng.normal(size=(300, 200))
    u, w = rng.normal(size=(300, 3)), rng.normal(size=(3, 200))
    shapes, plain = [], np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda a: shapes.append(a.shape) or plain(a))
    if side == "U":
        found, exact = solver(u, t, w), np.linalg.lstsq(w.T, t.T)[0].T
    else:
        found, exact = solver(w, t, u), np.linalg.lstsq(u, t)[0]
    assert found.converged and found.curvature == "positive definite"
    np.testing.assert_allclose(found.x, exact, rtol=1e-9, atol=1e-12)
    assert set(shapes) == {(1, 3, 3)}


def test_kronecker_factors_in_a_batch_and_of_no_minimum():
    U, A = sg.matrix("U", (4, 2)), sg.matrix("A", (2, 2))
    solver = sg.newton_minimize(sg.sum((U @ A) * U) + sg.sum(U), U, A)
    assert "Kronecker" in solver.explain()
    definite, saddle = np.array([[2.0, 0.5], [0.5, 1.0]]), np.diag([1.0, -1.0])
    found = solver(np.ones((4, 2)), np.stack([definite, saddle]))
    assert found.converged.tolist() == [True, False]
    np.testing.assert_allclose(found.x[0] @ (2 * definite), -np.ones((4, 2)), atol=1e-12)
    still = sg.newton_minimize(sg.sum((U @ A) * U), U, A, globalize=False)(np.ones((4, 2)), saddle)
    assert (still.status, still.curvature) == (sg.Status.NOT_A_MINIMUM, "indefinite")


# Sparse Hessians


def sparse_chain(n):
    """The chain of springs, of a known number of links."""
    z, load = sg.vector("v", n), sg.vector("w", n)
    links = sg.sum((z[1:] - z[:-1]) ** 2)
    return links + sg.sum((z**2 - 1) ** 2) / 4 - sg.sum(load * z), z, load


def test_twenty_thousand_unknowns_by_sparse_factors():
    n = 20_000
    solver = sg.newton_minimize(*sparse_chain(n), method="sparse")
    load = 0.1 + 0.05 * np.sin(np.arange(n))
    solver(np.ones(n), load, maxiter=0)  # compiled
    tracemalloc.start()
    found = solver(np.full(n, 0.8), load)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 * n * 8
    assert found.converged and found.curvature == "positive definite"
    assert np.abs(chain_slope(found.x, load)).max() < 1e-10
    assert "59998 of 400000000 entries" in solver.explain()


@pytest.mark.parametrize("n", [2, 5, 60])
def test_sparse_minima_are_minima(n):
    solver = sg.newton_minimize(*sparse_chain(n), method="sparse")
    rng = np.random.default_rng(n)
    starts = np.stack([np.zeros(n), rng.normal(size=n), 3 * rng.normal(size=n)])
    found = solver(starts, np.full(n, 0.01))
    assert found.converged.all() and (found.curvature == "positive definite").all()
    for x_, value in zip(found.x, found.value, strict=True):
        assert np.abs(chain_slope(x_, 0.01)).max() < 1e-10
        bands = chain_curvature(x_)
        assert scipy.linalg.eigh_tridiagonal(*bands, eigvals_only=True)[0] > 0
        links = ((x_[1:] - x_[:-1]) ** 2).sum() + ((x_**2 - 1) ** 2).sum() / 4
        assert value == pytest.approx(links - 0.01 * x_.sum(), rel=1e-12)


def test_sparse_minimisation_of_scalars_and_what_has_no_minimum():
    solver = sg.newton_minimize(ROSENBROCK, [x, y], method="sparse")
    for start in ([-1.2, 1.0], [3.0, -4.0], [0.0, 0.0]):
        np.testing.assert_allclose(solver(start).x, [1, 1], rtol=1e-10)
    saddle = sg.newton_minimize(x**2 - y**2 + y**4 + x * y / 10, [x, y], method="sparse")
    found = saddle([0.0, 0.0])
    assert found.converged and found.curvature == "positive definite"
    for f in (x + (x - y) ** 2, -(x**2) + x * y, x**3 + y**2):
        assert not sg.newton_minimize(f, [x, y], method="sparse")([1.0, 1.0]).converged
    undefined = sg.newton_minimize(sg.log(x) ** 2 + x * y**2, [x, y], method="sparse")([-1.0, 1.0])
    assert undefined.status is sg.Status.NON_FINITE
    again = pickle.loads(pickle.dumps(solver))
    assert again.explain() == solver.explain() and "sparse LU" in solver.explain()


def test_sparse_factors_are_chosen_where_they_pay(monkeypatch):
    n = 600
    F, u = bratu(n)
    u_, A, r = sg.vector("u", n), sg.matrix("A", (n, n)), sg.vector("r", n)
    sparse = {
        "sparse roots": sg.newton_root(F, u),
        "sparse minima": sg.newton_minimize(*sparse_chain(n)),
        "bounds": sg.newton_root(F, u, bounds=(0, 9)),
    }
    dense = {
        "asked for": sg.newton_root(F, u, method="newton"),
        "minima asked for": sg.newton_minimize(*sparse_chain(n), method="newton"),
        "full": sg.newton_root(A @ u_ - r, u_, [A, r]),
        "small": sg.newton_root(*bratu(40)),
        "unknown extents": sg.newton_minimize(CHAIN, v, w),
    }
    for name, solver in sparse.items():
        assert "sparse LU" in solver.explain(), name
    for name, solver in dense.items():
        assert "sparse LU" not in solver.explain(), name
    diagonal = sg.newton_minimize(sg.sum(sg.exp(u_) - r * u_), u_, r)
    assert "diagonal" in diagonal.explain()
    found = sparse["sparse roots"](np.zeros(n), tol=1e-9)
    assert found.converged
    monkeypatch.setitem(sys.modules, "scipy.sparse.linalg", None)
    assert "dense" in sg.newton_root(F, u).explain()


def test_sparse_steps_from_a_singular_jacobian():
    n = 600
    u, r = sg.vector("u", n), sg.vector("r", n)
    ring = u**3 + u + sg.concatenate([u[1:], u[:1]])
    solver = sg.newton_root(ring - r, u, r)
    right = 1 + 0.1 * np.cos(np.arange(n))
    found = solver(np.zeros(n), right)  # alternating vectors are in the kernel of the Jacobian
    assert found.converged and "sparse LU" in solver.explain()
    np.testing.assert_allclose(found.x**3 + found.x + np.roll(found.x, -1), right, atol=1e-10)


def test_sparse_minimisation_names_what_it_cannot_take():
    with pytest.raises(ArgumentError, match="globalize=True"):
        sg.newton_minimize(ROSENBROCK, [x, y], method="sparse", globalize=False)
    with pytest.raises(sg.errors.ShapeError, match="known extents"):
        sg.newton_minimize(CHAIN, v, w, method="sparse")


def test_a_large_hessian_without_structure_is_not_formed():
    n = 500
    rng = np.random.default_rng(2)
    M, q = sg.constant(rng.standard_normal((n, n)) / np.sqrt(n)), sg.vector("q", n)
    objective = sg.sum((M @ q - 1) ** 2) + sg.sum(q**2) / 4 + sg.sum(sg.cosh(q)) / 10
    auto = sg.newton_minimize(objective, q)
    assert "no matrix formed" in auto.explain()
    assert "dense Hessian" in sg.newton_minimize(objective, q, method="newton").explain()
    found = auto(np.zeros(n))
    assert found.converged and found.curvature == "positive definite"
    assert np.abs(sg.lambdify([q], sg.grad(objective, q))(found.x)).max() < 1e-10
