"""Batches: every problem as if it were alone, at any size, with any neighbours."""

import numpy as np
import pytest
import scipy.optimize

import symgrad as sg
from symgrad.runtime.threads import each_block
from symgrad.solve.runtime.approach import MOST_STEPS
from symgrad.solve.runtime.elimination import definite_solved, solved_systems

x, y, a, b = sg.symbols("x y a b")
v, w = sg.vector("v", "n"), sg.vector("w", "n")
E, M, e = sg.symbols("E M e")
KEPLER = sg.newton_root(E - e * sg.sin(E) - M, E, [M, e])
CONVERGED, LIMIT = sg.Status.CONVERGED, sg.Status.ITERATION_LIMIT

EMPTY = {
    "equation": (lambda: sg.newton_root(x**2 - a, x, a), np.zeros(0), 2.0),
    "plain": (lambda: sg.newton_root(x**2 - a, x, a, globalize=False), np.zeros(0), 2.0),
    "bounds": (lambda: sg.newton_root(x**2 - a, x, a, bounds=(0, None)), np.zeros(0), 2.0),
    "bracket": (lambda: sg.newton_root(x**2 - a, x, a, bracket=(0, 5)), np.zeros(0), 2.0),
    "system": (lambda: sg.newton_root([x**2 - a, y - x], [x, y], a), np.zeros((0, 2)), 2.0),
    "params": (lambda: sg.newton_root([x - a, y - x], [x, y], a), [1.0, 1.0], np.zeros((3, 0))),
    "vectors": (lambda: sg.newton_root(v**2 - w, v, w), np.zeros((0, 3)), np.ones(3)),
    "sparse": (
        lambda: sg.newton_root([x - a, y - x], [x, y], a, method="sparse"),
        np.zeros((0, 2)),
        2.0,
    ),
    "minimum": (lambda: sg.newton_minimize((x - a) ** 2 * y**2, [x, y], a), np.zeros((0, 2)), 2.0),
    "gradients": (
        lambda: sg.newton_minimize((x - a) ** 2 + y**2, [x, y], a, method="cg"),
        np.zeros((0, 2)),
        2.0,
    ),
    "fit": (lambda: sg.least_squares([x - a, y * x, x + y], [x, y], a), np.zeros((0, 2)), 2.0),
}


@pytest.mark.parametrize("name", EMPTY)
def test_no_problems_have_no_solutions(name):
    make, start, value = EMPTY[name]
    solution = make()(start, value, raise_on_failure=True)
    assert solution.status.size == solution.converged.size == solution.residual.size == 0
    assert solution.x.size == 0


@pytest.mark.parametrize("method", ["newton", "cg"])
def test_problems_without_unknowns(method):
    found = sg.newton_minimize(sg.sum(v**2 * w), v, w, method=method)(np.zeros(0), np.zeros(0))
    assert found.converged and found.x.shape == (0,)
    assert sg.newton_root(v**2 - w, v, w)(np.zeros((2, 0)), np.ones(0)).converged.all()


# One equation


def test_kepler_loses_nothing_to_the_fast_kernel():
    rng = np.random.default_rng(1)
    mean, eccentricity = rng.uniform(0, np.pi, 40_000), rng.uniform(0, 0.95, 40_000)
    found = KEPLER(mean, mean, eccentricity)
    assert found.converged.all()
    exact = np.abs(found.x - eccentricity * np.sin(found.x) - mean)
    np.testing.assert_array_equal(found.residual, exact)
    assert exact.max() < 1.5e-15
    other = scipy.optimize.newton(
        lambda z: z - eccentricity * np.sin(z) - mean,
        mean,
        fprime=lambda z: 1 - eccentricity * np.cos(z),
        tol=1e-14,
    )
    np.testing.assert_allclose(found.x, other, rtol=0, atol=1e-14)


def test_counts_are_those_of_single_problems():
    squares = np.linspace(0.5, 400.0, 60)
    solver = sg.newton_root(x**2 - a, x, a)
    together = solver(1.0, squares)
    single = [solver(1.0, float(s)) for s in squares]
    counts = np.array([s.iterations for s in single])
    assert np.abs(together.iterations - counts).max() <= 1
    np.testing.assert_allclose(together.x, [s.x for s in single], rtol=4e-16)


def test_solved_at_the_start_or_after_a_step():
    linear = sg.newton_root(a * x - b, x, [a, b])
    found = linear([3.0, 1.0], [2.0, 2.0], [6.0, 6.0])
    assert found.converged.all() and found.x.tolist() == [3.0, 3.0]
    assert found.iterations.tolist() == [0, 1]


def test_neighbours_do_not_matter():
    """Roots, none, undefined, inf: each with its own status, in any order."""
    solver = sg.newton_root(sg.log(x) * x - a, x, a)
    values = np.array([1.0, np.nan, np.inf, -5.0, 0.3, 2.0, -np.inf])
    expected = [True, False, False, False, True, True, False]
    for order in (np.arange(7), np.arange(7)[::-1], np.array([1, 0, 2, 5, 3, 4, 6])):
        found = solver(2.0, values[order])
        assert found.converged.tolist() == np.array(expected)[order].tolist()
        assert (found.converged == (found.status == CONVERGED)).all()
    starts = sg.newton_root(x**2 - a, x, a)([1.0, np.nan, np.inf, -1.0], 4.0)
    assert starts.converged.tolist() == [True, False, False, True]
    assert starts.x[[0, 3]].tolist() == [2.0, -2.0]


def test_failures_in_a_batch_are_reported():
    assert not sg.newton_root(x**2 + a, x, a)(np.linspace(-2, 2, 9), 1.0).converged.any()
    poles = 10.0 ** -np.arange(20)
    assert not sg.newton_root(1 / (x * a), x, a)(poles, 1.0).converged.any()
    assert not sg.newton_root(sg.exp(-x) * a, x, a)(np.ones(3), 1.0).converged.any()
    jump = sg.newton_root(sg.where(x > 0, x + a, x - a), x, a)
    assert not jump(np.array([3.0, -2.0]), 1.0).converged.any()


def test_two_cycles_converge():
    found = sg.newton_root(x**3 - 2 * x + a, x, a)(np.zeros(5), 2.0)
    np.testing.assert_allclose(found.x, -1.7692923542386314, rtol=1e-14)
    plain = sg.newton_root(x**3 - 2 * x + a, x, a, globalize=False)(np.zeros(5), 2.0, maxiter=50)
    assert (plain.status == LIMIT).all() and (plain.iterations == 50).all()


@pytest.mark.parametrize("most", [0, 1, 2, 5])
def test_no_more_steps_than_asked_for(most):
    found = sg.newton_root(sg.exp(x) - a, x, a)(np.full(4, 9.0), 3.0, maxiter=most)
    assert (found.status == LIMIT).all() and (found.iterations == most).all()
    assert np.isfinite(found.x).all()
    systems = sg.newton_root([sg.exp(x) - a, y - x], [x, y], a)
    found = systems(np.full((4, 2), 9.0), 3.0, maxiter=most)
    assert (found.status == LIMIT).all() and (found.iterations == most).all()


def test_many_steps_are_no_failure():
    """Far from the root of an exponential steps have length 1."""
    found = sg.newton_root(sg.exp(x) - a, x, a)(np.full(3, 300.0), 2.0, maxiter=1000)
    assert found.converged.all() and (found.iterations > MOST_STEPS).all()
    np.testing.assert_allclose(found.x, np.log(2.0), rtol=1e-15)


@pytest.mark.parametrize("power", [2, 3, 9])
def test_multiple_roots_take_few_steps(power):
    """Steps are multiplied once their rate tells the multiplicity."""
    found = sg.newton_root((x - a) ** power, x, a)(np.full(3, 1e6), 1.0)
    assert found.converged.all() and (found.iterations < 30).all()
    np.testing.assert_allclose(found.x, 1.0, rtol=1e-14)


@pytest.mark.parametrize("tol", [0.0, 1e-300, 1e-6, 0.1])
def test_tolerances(tol):
    squares = np.linspace(1.0, 1e6, 50)
    found = sg.newton_root(x**2 - a, x, a)(1.0, squares, tol=tol)
    assert found.converged.all()
    root = np.sqrt(squares)
    assert (np.abs(found.x - root) <= max(tol, 4e-16) * np.maximum(root, 1)).all()


@pytest.mark.parametrize("options", [{"bounds": (0.5, None)}, {"bracket": (0.1, 9.0)}, {}])
def test_more_problems_than_a_block(options):
    squares = np.linspace(1.0, 25.0, 40_001)
    found = sg.newton_root(x**2 - a, x, a, **options)(1.0, squares)
    assert found.converged.all()
    np.testing.assert_allclose(found.x, np.sqrt(squares), rtol=1e-11)
    two = sg.newton_root([x**2 - a, y - x], [x, y], a, bounds=[(0, None), (None, 9)])
    np.testing.assert_allclose(two([1.0, 1.0], squares).x[:, 1], np.sqrt(squares), rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_orders(order):
    found = sg.newton_root(sg.exp(x) * x - a, x, a, order=order)(1.0, np.linspace(0.1, 50, 500))
    assert found.converged.all()
    np.testing.assert_allclose(found.x * np.exp(found.x), np.linspace(0.1, 50, 500), rtol=1e-13)


def test_forms_of_arguments():
    anomaly = np.linspace(0.1, 3.0, 24).reshape(4, 6)
    expected = KEPLER(anomaly, anomaly, 0.5).x
    for given in (np.asfortranarray(anomaly), np.stack([anomaly, anomaly], -1)[..., 0]):
        np.testing.assert_array_equal(KEPLER(given, given, np.array(0.5)).x, expected)
    single = anomaly.astype(np.float32)
    assert KEPLER(single, single, np.float32(0.5)).x.dtype == np.float32
    np.testing.assert_allclose(KEPLER(single, single, 0.5).x, expected, rtol=1e-6)
    whole = sg.newton_root(x**2 - a, x, a)([1, 2], [[4], [9]])
    assert whole.x.tolist() == [[2.0, 2.0], [3.0, 3.0]]
    assert sg.newton_root(x**2 - a, x, a)(np.array(1), np.array(4)).x == 2.0
    starts = np.ones(3)
    sg.newton_root(x**2 - a, x, a)(starts, 4.0)
    assert starts.tolist() == [1.0, 1.0, 1.0]


def test_formulas_that_no_kernel_takes():
    found = sg.newton_root(sg.where(x > a, x - a, 2 * (x - a)), x, a)([0.0, 5.0], [1.0, 2.0])
    assert found.converged.all() and found.x.tolist() == [1.0, 2.0]
    itself = sg.newton_root(x, x)([1.0, -3.0])
    assert itself.converged.all() and itself.x.tolist() == [0.0, 0.0]
    k = sg.symbol("k", dtype=int)
    assert sg.newton_root(x**2 - k, x, k)(1.0, np.array([4, 9])).x.tolist() == [2.0, 3.0]
    bessel = sg.newton_root(sg.special.jv(0, x) - a, x, a)([2.0, 2.2], 0.0)
    np.testing.assert_allclose(bessel.x, 2.404825557695773, rtol=1e-14)


# Systems


def test_systems_are_each_system():
    rng = np.random.default_rng(2)
    p, q = rng.uniform(4.5, 5.5, 3000), rng.uniform(-2.2, 2.2, 3000)
    solver = sg.newton_root([x**2 + y**2 - a, x * y - b], [x, y], [a, b])
    found = solver([2.0, 1.0], p, q)
    assert found.converged.all()
    X, Y = found.x.T
    np.testing.assert_allclose(X**2 + Y**2, p, rtol=1e-14)
    np.testing.assert_allclose(X * Y, q, atol=2e-15)
    np.testing.assert_allclose(found.residual, np.hypot(X**2 + Y**2 - p, X * Y - q), atol=1e-18)
    for i in range(0, 3000, 500):
        one = solver([2.0, 1.0], float(p[i]), float(q[i]))
        np.testing.assert_allclose(one.x, found.x[i], rtol=1e-13)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 10])
def test_systems_of_vectors(n):
    rng = np.random.default_rng(n)
    matrix = sg.matrix("Q", (n, n))
    u, right = sg.vector("u", n), sg.vector("r", n)
    q = rng.normal(size=(n, n))
    q, rights = q @ q.T + np.eye(n), rng.normal(size=(200, n))
    found = sg.newton_root(matrix @ u + u**3 - right, u, [matrix, right])(np.zeros(n), q, rights)
    assert found.converged.all()
    np.testing.assert_allclose(found.x @ q + found.x**3, rights, atol=1e-11)


def test_systems_with_singular_undefined_and_unsolvable_neighbours():
    solver = sg.newton_root([x**2 + y**2 - a, x - y], [x, y], a)
    starts = np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 0.5], [np.nan, 1.0], [3.0, 1.0]])
    found = solver(starts, [2.0, 2.0, -1.0, 2.0, np.nan])
    assert found.converged.tolist() == [True, True, False, False, False]
    np.testing.assert_allclose(np.abs(found.x[:2]), 1.0, rtol=1e-12)
    plain = sg.newton_root([x**2 + y**2 - a, x - y], [x, y], a, globalize=False)
    assert plain(starts[:2], 2.0).status.tolist() == [CONVERGED, sg.Status.SINGULAR]


def test_large_systems_with_a_singular_neighbour():
    u, right = sg.vector("u", 6), sg.vector("r", 6)
    found = sg.newton_root(u**2 - right, u, right)(
        np.array([np.ones(6), np.zeros(6), np.full(6, 2.0)]), np.arange(1.0, 7.0)
    )
    assert found.converged[[0, 2]].all()
    np.testing.assert_allclose(found.x[[0, 2]] ** 2, np.tile(np.arange(1.0, 7.0), (2, 1)))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
def test_elimination(n):
    rng = np.random.default_rng(n)
    matrices, rights = rng.normal(size=(50, n, n)), rng.normal(size=(50, n))
    matrices[3] = 0.0
    a_, b_ = (np.ascontiguousarray(np.moveaxis(z, 0, -1)) for z in (matrices, rights))
    with np.errstate(all="ignore"):
        solved = solved_systems(a_.copy(), b_.copy()).T
    assert not np.isfinite(solved[3]).any()
    regular = np.arange(50) != 3
    expected = np.linalg.solve(matrices[regular], rights[regular][..., None])[..., 0]
    np.testing.assert_allclose(solved[regular], expected, rtol=1e-9)
    squares = matrices @ matrices.swapaxes(1, 2) + np.eye(n)
    squares[5] = -np.eye(n)
    squares[6] = np.nan
    with np.errstate(all="ignore"):
        definite = definite_solved(np.moveaxis(squares, 0, -1).copy(), b_.copy()).T
    assert np.isnan(definite[5:7]).all()
    others = np.delete(np.arange(50), [5, 6])
    expected = np.linalg.solve(squares[others], rights[others][..., None])[..., 0]
    np.testing.assert_allclose(definite[others], expected, rtol=1e-9)


def test_each_block_is_done_once(monkeypatch):
    from symgrad.runtime import threads

    for workers in (1, 3):
        monkeypatch.setattr(threads, "cores", lambda n=workers: n)
        done = np.zeros(100, int)

        def make(problems, done=done):
            assert problems == 7
            return lambda part: np.add.at(done, np.arange(100)[part], 1)

        each_block(make, 100, 7)
        assert (done == 1).all()

    def broken(problems):
        raise RuntimeError("in a thread")

    with pytest.raises(RuntimeError, match="in a thread"):
        each_block(broken, 100, 7)


# Minima


@pytest.mark.parametrize("n", [2, 3, 6])
def test_minima_are_each_minimum(n):
    rng = np.random.default_rng(n)
    u, load = sg.vector("u", n), sg.vector("w", n)
    f = sg.sum(sg.cosh(u)) + sg.sum(u) ** 2 - sg.sum(u * load)
    loads = rng.normal(size=(300, n)) * 3
    found = sg.newton_minimize(f, u, load)(np.zeros(n), loads)
    assert found.converged.all() and (found.curvature == "positive definite").all()
    slope = np.sinh(found.x) + 2 * found.x.sum(axis=1, keepdims=True) - loads
    assert np.abs(slope).max() < 1e-11
    value = np.cosh(found.x).sum(axis=1) + found.x.sum(axis=1) ** 2 - (found.x * loads).sum(axis=1)
    np.testing.assert_allclose(found.value, value, rtol=1e-14)


def test_minima_beside_saddles_and_degenerate_ones():
    f = x**4 - 2 * a * x**2 + y**2 + x * y * b
    starts = np.array([[0.0, 0.0], [1.0, 0.3], [1e-9, 0.0], [-3.0, 1.0]])
    found = sg.newton_minimize(f, [x, y], [a, b])(starts, 1.0, 0.0)
    assert found.converged.all() and (found.curvature == "positive definite").all()
    np.testing.assert_allclose(np.abs(found.x), np.tile([1.0, 0.0], (4, 1)), atol=1e-9)
    flat = sg.newton_minimize(f, [x, y], [a, b])(starts[1:], 0.0, 0.0)
    assert flat.converged.all() and np.abs(flat.x).max() < 1e-3
    none = sg.newton_minimize(f, [x, y], [a, b])(np.ones((2, 2)), 1.0, [0.0, np.nan])
    assert none.converged.tolist() == [True, False]
    cubic = sg.newton_minimize(a * x**3 + y**2, [x, y], a)(np.array([[1.0, 1.0], [0.0, 0.0]]), 1.0)
    assert not cubic.converged.any()


def test_points_of_inflection_are_no_minima_wherever_they_are():
    places = np.array([0.0, 1.0, -3.0, 1e5, 1e8])
    solver = sg.newton_minimize((x - a) ** 3, x, a)
    assert not solver(places + 1.0, places).converged.any()
    beside = sg.newton_minimize((x - a) ** 3 + 1e-3 * (x - a) ** 4, x, a)(places + 1.0, places)
    right = beside.converged
    np.testing.assert_allclose((beside.x - places)[right], -750.0, rtol=1e-6)


def test_single_precision_stays_single():
    x, a = sg.symbols("x a")
    solver = sg.newton_root(x**2 - a, x, a)
    single, wanted = np.array([2.0, 3.0], np.float32), np.sqrt(np.array([2.0, 3.0], np.float32))
    for starts in (1.0, np.ones(2, np.float32)):
        found = solver(starts, single)
        assert found.x.dtype == np.float32 and found.converged.all()
        np.testing.assert_array_equal(found.x, wanted)
    assert solver(np.ones(2), single).x.dtype == np.float64
    alone = solver(np.float32(1.0), np.float32(2.0)).x
    assert isinstance(alone, np.float32) and alone == wanted[0]
    assert isinstance(solver(1.0, 2.0).x, float)
