"""Roots: right ones, and an honest word where there is none."""

import math
import pickle

import numpy as np
import pytest
import scipy.optimize

import symgrad as sg
from symgrad.errors import ArgumentError, ConvergenceError, DTypeError, ShapeError
from symgrad.solve.runtime.newton import BLOCK

x, y, a, b = sg.symbols("x y a b")

ROOTS = [
    (4 * x**3 - 4 * x, 2.0, 1.0),
    (x**3 - 2 * x + 2, 0.0, -1.7692923542386314),  # plain steps go 0, 1, 0, 1, ...
    (sg.arctan(x), 10.0, 0.0),  # plain steps run away
    (sg.exp(x) - 1e5, -20.0, math.log(1e5)),
    (sg.log(x), 3.0, 1.0),
    (x**2 - 2, 1.0, math.sqrt(2)),
    (x * sg.exp(x) - 1, 5.0, 0.5671432904097838),
    ((x - 1) ** 3, 3.0, 1.0),
    (sg.cbrt(x), 1.0, 0.0),
    (x - sg.cos(x), 100.0, 0.7390851332151607),
]


@pytest.mark.parametrize(("f", "start", "root"), ROOTS, ids=str)
def test_one_equation(f, start, root):
    solution = sg.newton_root(f, x)(start)
    assert solution.converged and solution.status is sg.Status.CONVERGED
    assert type(solution.x) is float
    assert solution.x == pytest.approx(root, rel=1e-11, abs=1e-11)
    assert solution.residual == abs(sg.evaluate(f, {x: solution.x}))


@pytest.mark.parametrize("order", [1, 2, 3, 4, 6])
def test_order(order):
    f = x**3 - x - 5 + sg.sin(x)
    root = scipy.optimize.brentq(lambda v: v**3 - v - 5 + math.sin(v), 0, 3, xtol=1e-15)
    solution = sg.newton_root(f, x, order=order)(2.5)
    assert solution.converged
    assert solution.x == pytest.approx(root, rel=1e-14)
    plain = sg.newton_root(f, x)(2.5).iterations
    assert solution.iterations <= plain - (order > 1)


def test_the_step_of_halley():
    from symgrad.solve.householder import householder_step

    f, f1, f2 = sg.symbols("f f1 f2")
    step, slope = householder_step([f, f1, f2])
    at = {f: 0.3, f1: -1.7, f2: 2.5}
    halley = -2 * 0.3 * -1.7 / (2 * 1.7**2 - 0.3 * 2.5)
    assert sg.evaluate(step, at) == pytest.approx(halley, rel=1e-15)
    assert sg.evaluate(slope, at) == pytest.approx(-0.3 / halley, rel=1e-15)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_order_of_convergence(order):
    """The error after a step is a constant times the power order + 1 of the error before."""
    f = sg.exp(x) - 2
    errors = []
    solver = sg.newton_root(f, x, order=order, globalize=False)
    solver(0.9, callback=lambda k, at, size, step: errors.append(abs(at - math.log(2))))
    first, second = errors[:2]
    assert math.log(second) / math.log(first) > order + 1


FAILURES = [
    (x**2 + 1, 1.0),
    (x**2 + 1, 0.3),
    (1 / x, 1.0),
    (1 / x, 1e-13),
    (sg.exp(-x), 1.0),
    (sg.where(x > 0, x + 1, x - 1), 3.0),  # jumps over zero
    (sg.log(x), -1.0),
]


@pytest.mark.parametrize(("f", "start"), FAILURES, ids=str)
def test_failure_is_reported(f, start):
    solver = sg.newton_root(f, x)
    solution = solver(start, maxiter=60)
    assert not solution.converged
    assert solution.status is not sg.Status.CONVERGED
    with pytest.raises(ConvergenceError, match="not converged after") as caught:
        solver(start, maxiter=60, raise_on_failure=True)
    assert caught.value.solution.status == solution.status


def test_causes_are_told_apart():
    def status(f, start, **options):
        return sg.newton_root(f, x)(start, **options).status

    assert status(sg.exp(x) - 3, 9.0, maxiter=3) is sg.Status.ITERATION_LIMIT
    assert status(x**2 + 1, 0.0) is sg.Status.SINGULAR
    assert status(x**2 + 1, 0.3) is sg.Status.STALLED
    assert status(sg.log(x), -1.0) is sg.Status.NON_FINITE
    assert str(sg.Status.ITERATION_LIMIT) == "iteration limit"


def test_plain_newton_has_its_cycle():
    plain = sg.newton_root(x**3 - 2 * x + 2, x, globalize=False)
    solution = plain(0.0, maxiter=50)
    assert (solution.status, solution.iterations) == (sg.Status.ITERATION_LIMIT, 50)
    assert solution.x in (0.0, 1.0)


def test_bracket():
    f = sg.arctan(x) * (1 + x**2) - a
    solver = sg.newton_root(f, x, a, bracket=(-50.0, 80.0))
    for value in (0.1, 3.0, -1.0):
        places = []
        solution = solver(60.0, value, callback=lambda k, at, size, step, p=places: p.append(at))
        root = scipy.optimize.brentq(lambda v, c=value: math.atan(v) * (1 + v * v) - c, -50, 80)
        assert solution.converged
        assert solution.x == pytest.approx(root, abs=1e-11)
        assert all(-50 <= at <= 80 for at in places)
    batch = solver([60.0, -40.0], np.array([[0.1], [3.0]]))
    assert batch.x.shape == (2, 2) and batch.converged.all()
    with pytest.raises(ArgumentError, match="no sign change"):
        sg.newton_root(x**2 + 1, x, bracket=(-1, 1))(0.5)
    with pytest.raises(ArgumentError, match="within the bracket"):
        solver(100.0, 1.0)
    assert not sg.newton_root(1 / x, x, bracket=(-1, 3))(0.5).converged


def test_bounds():
    f = (x - 1) * (x + 2)
    assert sg.newton_root(f, x)(-0.6).x == pytest.approx(-2)
    places = []
    solution = sg.newton_root(f, x, bounds=(-0.7, None))(
        -0.6, callback=lambda k, at, size, step: places.append(at)
    )
    assert min(places) >= -0.7
    assert solution.x == pytest.approx(1)


def test_a_batch_is_each_problem():
    e, m = sg.symbols("e m")
    solver = sg.newton_root(x - e * sg.sin(x) - m, x, [e, m])
    eccentricity = np.linspace(0.0, 0.99, 40)[:, None]
    anomaly = np.linspace(0.0, np.pi, 300)
    batch = solver(anomaly, eccentricity, anomaly)
    assert batch.x.shape == batch.status.shape == batch.iterations.shape == (40, 300)
    assert batch.converged.all()
    residual = batch.x - eccentricity * np.sin(batch.x) - anomaly
    assert np.abs(residual).max() < 1e-14
    for i, j in [(0, 0), (39, 1), (20, 299), (35, 100)]:
        one = solver(anomaly[j], float(eccentricity[i, 0]), anomaly[j])
        assert one.x == pytest.approx(batch.x[i, j], rel=1e-13, abs=1e-13)


def test_each_problem_of_a_batch_has_its_status():
    solver = sg.newton_root(x**2 - a, x, a)
    solution = solver(1.0, [4.0, -1.0, np.nan, 0.0])
    assert solution.converged.tolist() == [True, False, False, True]
    assert solution.status[2] == sg.Status.NON_FINITE
    assert solution.x[0] == pytest.approx(2.0)
    assert solution.iterations[0] < 10
    with pytest.raises(ConvergenceError, match="2 of 4 problems"):
        solver(1.0, [4.0, -1.0, np.nan, 0.0], raise_on_failure=True)


def test_more_problems_than_a_block():
    squares = np.linspace(1.0, 5.0, 2 * BLOCK + 1)
    solution = sg.newton_root(x**2 - a, x, a)(1.0, squares)
    np.testing.assert_allclose(solution.x, np.sqrt(squares), rtol=1e-14)
    assert solution.converged.all()


# Systems

POWELL_SINGULAR = sg.vector("v", 4)


def test_textbook_systems():
    rosenbrock = sg.newton_root([1 - x, 10 * (y - x**2)], [x, y])
    np.testing.assert_allclose(rosenbrock([-1.2, 1.0]).x, [1, 1], rtol=1e-12)
    scaled = sg.newton_root([1e4 * x * y - 1, sg.exp(-x) + sg.exp(-y) - 1.0001], [x, y])
    solution = scaled([0.0, 1.0])
    assert solution.converged  # Powell's badly scaled function
    np.testing.assert_allclose(solution.x, [1.0981593296998e-5, 9.1061467398666], rtol=1e-10)
    circle = sg.newton_root([x**2 + y**2 - 2, sg.exp(x - 1) + y**3 - 2], [x, y])
    assert circle([2.0, 0.5]).converged  # Dennis and Schnabel, example 6.5.1


def test_forms_of_unknowns():
    n = sg.vector("v", "n")
    matrix, right = sg.matrix("M", ("n", "n")), sg.vector("r", "n")
    rng = np.random.default_rng(5)
    big = rng.normal(size=(5, 5)) + 6 * np.eye(5)
    values = rng.normal(size=5)
    solver = sg.newton_root(matrix @ n + n**3 - right, n, [matrix, right])
    solution = solver(np.zeros(5), big, values)
    assert solution.converged
    np.testing.assert_allclose(big @ solution.x + solution.x**3, values, rtol=1e-12)
    many = solver(np.zeros((3, 5)), big, np.stack([values, 2 * values, -values]))
    assert many.x.shape == (3, 5) and many.converged.shape == (3,)
    np.testing.assert_allclose(many.x[0], solution.x, rtol=1e-12)
    np.testing.assert_allclose(many.x[2], -solution.x, rtol=1e-12)
    mixed = sg.newton_root([n * a - right, sg.sum(n) - 1], [n, a], right)
    vector, number = mixed([np.ones(2), 1.0], [1.0, 2.0]).x
    np.testing.assert_allclose(vector, [1 / 3, 2 / 3])
    assert number == pytest.approx(3.0)
    unpacked, other = sg.newton_root([x + y - 3, x - y - 1], [x, y])([0.0, 0.0]).x
    assert (unpacked, other) == pytest.approx((2.0, 1.0))


def test_random_systems_against_scipy():
    rng = np.random.default_rng(8)
    n = 200
    p, q = rng.uniform(2, 6, n), rng.uniform(0.1, 0.9, n)
    solver = sg.newton_root([x**2 + y**2 - a, sg.exp(x) - y - b], [x, y], [a, b])
    solution = solver([1.0, 1.0], p, q)
    for i in np.flatnonzero(solution.converged)[:50]:
        residual = [
            solution.x[i, 0] ** 2 + solution.x[i, 1] ** 2 - p[i],
            math.exp(solution.x[i, 0]) - solution.x[i, 1] - q[i],
        ]
        assert np.abs(residual).max() < 1e-12
    found = [
        scipy.optimize.root(
            lambda v, i=i: [v[0] ** 2 + v[1] ** 2 - p[i], np.exp(v[0]) - v[1] - q[i]], [1.0, 1.0]
        ).success
        for i in range(n)
    ]
    assert solution.converged.sum() >= np.sum(found)


def test_a_singular_start_is_reported_or_overcome():
    solver = sg.newton_root([x**2 + y**2 - 2, x - y], [x, y])
    solution = solver([0.0, 0.0])
    assert solution.converged
    np.testing.assert_allclose(np.abs(solution.x), 1, rtol=1e-12)
    assert not solver([0.0, 0.0], maxiter=1).converged
    plain = sg.newton_root([x**2 + y**2 - 2, x - y], [x, y], globalize=False)([0.0, 0.0])
    assert plain.status is sg.Status.SINGULAR
    none = sg.newton_root([x**2 + y**2 + 1, x - y], [x, y])
    assert not none([0.3, 0.9]).converged


def test_bounds_of_a_system():
    solver = sg.newton_root([x**2 + y**2 - 2, x - y], [x, y], bounds=[(0, None), (None, None)])
    solution = solver([0.1, 2.0])
    np.testing.assert_allclose(solution.x, [1, 1], rtol=1e-10)
    away = sg.newton_root([x**2 + y**2 - 2, x - y], [x, y], bounds=[(2, 3), (2, 3)])([2.5, 2.5])
    assert not away.converged
    assert (away.x >= 2).all()


v2 = sg.vector("v", 2)


def test_bounds_at_infinity_or_of_equal_ends():
    for high in (math.inf, None, np.inf):
        solver = sg.newton_root((x - 1) * (x + 2), x, bounds=(-0.7, high))
        assert solver(-0.6).x == pytest.approx(1)
        assert "bounds" in solver.source
    vector = sg.newton_root(v2**2 - 2, v2, bounds=([0, -math.inf], [math.inf, 0.0]))
    np.testing.assert_allclose(vector([1.0, -1.0]).x, [math.sqrt(2), -math.sqrt(2)], rtol=1e-12)
    held = sg.newton_root(x**2 - a, x, a, bounds=(2, 2))
    assert held(1.0, 4.0).converged and not held(1.0, 5.0).converged
    lowest = sg.newton_minimize((x - 3) ** 2 + x * y + y**2, [x, y], bounds=[(1, 1), (None, None)])
    np.testing.assert_allclose(lowest([0.0, 0.0]).x, [1.0, -0.5], rtol=1e-12)


def test_callbacks_may_raise():
    def stop(*now):
        raise RuntimeError("enough")

    for solver, start in (
        (sg.newton_root(x**2 - 2, x), 1.0),
        (sg.newton_root([x**2 - 2, y - x], [x, y]), [1.0, 1.0]),
        (sg.newton_minimize(x**2 + x, x), 1.0),
    ):
        with pytest.raises(RuntimeError, match="enough"):
            solver(start, callback=stop)
        assert solver(start).converged


# Errors


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: sg.newton_root(x, []), ArgumentError, "needs an unknown"),
        (lambda: sg.newton_root(x, y), ArgumentError, "'y' .* does not occur"),
        (lambda: sg.newton_root(x, x, y), ArgumentError, "'y' .* does not occur"),
        (lambda: sg.newton_root(x - a, x), ArgumentError, "mention a"),
        (lambda: sg.newton_root([x], [x, x]), ArgumentError, "twice"),
        (lambda: sg.newton_root(x**2, 3.0), (ArgumentError, DTypeError), "unknown"),
        (lambda: sg.newton_root([], x), ArgumentError, "formula"),
        (lambda: sg.newton_root([x - y], [x, y]), ShapeError, "1 equations for 2 unknowns"),
        (lambda: sg.newton_root(v2 - x, [x, v2]), ShapeError, "2 equations for 3 unknowns"),
        (lambda: sg.newton_root(x, x, order=0), ArgumentError, "order"),
        (lambda: sg.newton_root(v2, v2, order=2), ArgumentError, "one equation"),
        (lambda: sg.newton_root(x, x, bracket=3), ArgumentError, "bracket"),
        (lambda: sg.newton_root(x, x, bracket=(2, 1)), ArgumentError, "bracket"),
        (lambda: sg.newton_root(x, x, bracket=(0, math.inf)), ArgumentError, "finite"),
        (lambda: sg.newton_root(x, x, bounds=3), ArgumentError, "pair"),
        (lambda: sg.newton_root(x, x, bounds=(math.nan, 1)), ArgumentError, "nan"),
        (lambda: sg.newton_root(x, x, bounds=("a", 1)), ArgumentError, "number"),
        (lambda: sg.newton_root(x, x)(1.0, tol=-1.0), ArgumentError, "tol"),
        (lambda: sg.newton_root(x, x)(1.0, tol=math.nan), ArgumentError, "tol"),
        (lambda: sg.newton_root(x, x)(1.0, tol="small"), ArgumentError, "tol"),
        (lambda: sg.newton_root(x**2 - 2, x)(1.0, maxiter=-1), ArgumentError, "maxiter"),
        (lambda: sg.newton_root(x**2 - 2, x)(1.0, maxiter=2.5), ArgumentError, "maxiter"),
        (lambda: sg.newton_root(x**2 - 2, x)(1.0, callback=3), ArgumentError, "callback"),
        (lambda: sg.newton_minimize(x**2, x)(1.0, maxiter=None), ArgumentError, "maxiter"),
        (lambda: sg.newton_root([x, y], [x, y])([1, 1], tol=None), ArgumentError, "tol"),
        (lambda: sg.newton_root(x, x)(math.nan), ArgumentError, "start of x is not finite"),
        (lambda: sg.newton_root(x, x)(math.inf), ArgumentError, "start of x is not finite"),
        (lambda: sg.newton_root(x - a, x, a)(1.0, math.nan), ArgumentError, "a is not finite"),
        (lambda: sg.newton_root(x, x)("one"), DTypeError, "start of x"),
        (lambda: sg.newton_root(v2, v2)([1.0, 2.0, 3.0]), ShapeError, r"v has shape \(3,\)"),
        (lambda: sg.newton_root(v2, v2)([1.0, math.nan]), ArgumentError, "v is not finite"),
        (lambda: sg.newton_root([x, y], [x, y])([1.0]), ShapeError, "x, y"),
        (lambda: sg.newton_root([x, y], [x, y])(np.ones(3)), ShapeError, "x, y"),
        (lambda: sg.newton_root(x - a, x, a)([1.0, 2.0], [1.0, 2.0, 3.0]), ShapeError, "broadcast"),
    ],
)
def test_errors_name_the_problem(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_missing_parameter_is_an_error():
    with pytest.raises(TypeError, match="a"):
        sg.newton_root(x - a, x, a)(1.0)


def test_pickle():
    solver = sg.newton_root(x**2 - a, x, a, order=2)
    again = pickle.loads(pickle.dumps(solver))
    assert again(1.0, 2.0).x == solver(1.0, 2.0).x
    solution = pickle.loads(pickle.dumps(solver(1.0, 2.0)))
    assert solution.converged


def test_a_system_that_gets_stuck_at_its_bounds_starts_again_farther_inside():
    """|F| has a minimum at the bound; the root is on the other side of a maximum."""
    w = sg.symbol("w", shape=(4,), positive=True)
    F = (w + 3) * (w - 5) + 0.01 * sg.roll(w - 5, 1)
    for start in (0.5, 0.02):
        found = sg.newton_root(F, w)(np.full(4, start))
        assert found.converged
        np.testing.assert_allclose(found.x, 5.0, rtol=1e-12)
    v = sg.vector("v", 2)
    bounded = sg.newton_root((v + 3) * (v - 5), v, bounds=(np.zeros(2), np.full(2, 9.0)))
    assert bounded(np.full(2, 0.5)).x == pytest.approx([5.0, 5.0])
