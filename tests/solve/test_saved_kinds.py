"""Saved solvers of every kind do what the solver does: values, statuses, steps, options, and errors."""

import numpy as np
import pytest

import symgrad as sg

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

x, y, a = sg.symbols("x y a")
p = sg.symbol("p", positive=True)
v, w, u = sg.vector("v", "n"), sg.vector("w", "n"), sg.vector("u", 4)
M, X = sg.matrix("M", (4, 4)), sg.matrix("X", (4, 2))
MATRIX = np.diag([1.0, 2.0, 3.0, 4.0]) + 0.1
TIMES = [0.0, 1.0, 2.0, 3.0]
# By name: how a solver is made, and what it is called with
KINDS = {
    "bounds": (
        lambda: sg.newton_root([x**2 + y**2 - a, x * y - 1], [x, y], a, bounds=[(0, None), (0, 1)]),
        [([2.0, 0.5], 4.0), ([[2.0, 0.5], [1, 1]], [4.0, 1.0]), ([5.0, 0.0], 4.0)],
    ),
    "bracket": (
        lambda: sg.newton_root(sg.exp(x) - a, x, a, bracket=(-5, 5)),
        [(0.0, 3.0), (0.0, [1.0, 2.0, 1e9])],
    ),
    "positive": (
        lambda: sg.newton_root(sg.log(p) * p - a, p, a),
        [(1.0, 3.0), (1e-9, [1.0, 2.0, -5.0])],
    ),
    "hard": (
        lambda: sg.newton_root([sg.exp(x) - y, x * y - 1], [x, y]),
        [([-5.0, 3.0],), ([100.0, -3.0],), ([[0.0, 0.0], [-50.0, 1.0]],)],
    ),
    "double": (
        lambda: sg.newton_root([(x - 1) ** 2, y - x], [x, y]),
        [([3.0, 1.0],), ([1e6, 1.0],)],
    ),
    "none": (
        lambda: sg.newton_root([x**2 + 1, y], [x, y]),
        [([3.0, 1.0],), ([[1.0, 1.0], [2.0, 2.0]],)],
    ),
    "nan": (
        lambda: sg.newton_root([sg.log(x) + a, y], [x, y], a),
        [([-3.0, 1.0], 1.0), ([[1.0, 1.0], [-2.0, 2.0]], [1.0, 2.0])],
    ),
    "array": (
        lambda: sg.newton_root(M @ u - sg.sin(u), u, M),
        [(np.ones(4), MATRIX), (np.ones((2, 4)), MATRIX)],
    ),
    "arrays": (
        lambda: sg.newton_root([M @ u - x, sg.sum(u) - 1], [u, x], M),
        [([np.ones(4), 1.0], MATRIX)],
    ),
    "plain": (
        lambda: sg.newton_root([x**2 - a, y - x], [x, y], a, globalize=False),
        [([3.0, 1.0], 2.0), ([[3.0, 1.0], [1.0, 1.0]], [2.0, -1.0])],
    ),
    "min": (
        lambda: sg.newton_minimize((1 - x) ** 2 + 100 * (y - x**2) ** 2, [x, y]),
        [([-1.2, 1.0],), ([[-1.2, 1.0], [0.0, 0.0]],)],
    ),
    "saddle": (
        lambda: sg.newton_minimize(x**4 - x**2 + y**2, [x, y]),
        [([0.0, 0.0],), ([[0.0, 0.0], [1.0, 1.0]],)],
    ),
    "unbounded": (lambda: sg.newton_minimize(x**3, x), [(1.0,), ([1.0, -1.0],)]),
    "bmin": (
        lambda: sg.newton_minimize((x - 3) ** 2 + y**2 + x * y, [x, y], bounds=[(0, 1), (None, 2)]),
        [([0.5, 1.0],), ([[0.0, 0.0], [1.0, 1.0]],)],
    ),
    "diag": (
        lambda: sg.newton_minimize(sg.sum(sg.exp(v) - w * v), v, w),
        [(np.zeros(3), np.ones(3) * 2)],
    ),
    "kron": (lambda: sg.newton_minimize(sg.sum((M @ X) ** 2), X, M), [(np.ones((4, 2)), MATRIX)]),
    "cg": (
        lambda: sg.newton_minimize(sg.sum(sg.cosh(v) - w * v) + sg.sum(v) ** 2, v, w, method="cg"),
        [(np.zeros(3), np.ones(3) * 2)],
    ),
    "cg saddle": (
        lambda: sg.newton_minimize(sg.sum(v**4 - v**2), v, method="cg"),
        [(np.array([0.0, 0.5, 1.0]),)],
    ),
    "equal": (
        lambda: sg.newton_minimize(x**2 + y**2, [x, y], equal=x + 2 * y - 5),
        [([0.0, 0.0],)],
    ),
    "inequal": (
        lambda: sg.newton_minimize(x**2 + y**2, [x, y], inequal=[x + 2 * y - 5, 3 - x]),
        [([0.0, 0.0],), ([10.0, 10.0],)],
    ),
    "infeasible": (
        lambda: sg.newton_minimize(x**2 + y**2, [x, y], equal=[x - 1, x - 2]),
        [([0.0, 0.0],)],
    ),
    "fit": (
        lambda: sg.least_squares(x * sg.exp(y * v) - w, [x, y], [v, w]),
        [
            ([1.0, 0.0], [0.0, 1, 2], [2.0, 3.1, 5.2]),
            ([[1.0, 0.0], [2.0, 0.1]], [0.0, 1, 2], [2.0, 3.1, 5.2]),
            ([1.0, -30.0], [0.0, 1, 2], [2.0, 3.1, 5.2]),
        ],
    ),
    "robust": (
        lambda: sg.least_squares(x * v + y - w, [x, y], [v, w], loss="soft_l1"),
        [([1.0, 0.0], [0.0, 1, 2, 3], [0.0, 1.1, 20, 3.0])],
    ),
    "omit": (
        lambda: sg.least_squares(x * v + y - w, [x, y], [v, w], nan_policy="omit"),
        [([1.0, 0.0], [0.0, 1, 2, 3], [0.0, 1.1, np.nan, 3.0])],
    ),
    "bfit": (
        lambda: sg.least_squares(x * v + y - w, [x, y], [v, w], bounds=[(0, 0.5), (None, None)]),
        [([0.1, 0.0], [0.0, 1, 2, 3], [0.0, 1.1, 2.0, 3.0])],
    ),
    "sparse": (
        lambda: sg.newton_root([x**2 + y**2 - a, x - y], [x, y], a, method="sparse"),
        [([2.0, 1.0], 2.0), ([2.0, 1.0], -2.0)],
    ),
    "smin": (
        lambda: sg.newton_minimize((1 - x) ** 2 + a * (y - x**2) ** 2, [x, y], a, method="sparse"),
        [([-1.0, 1.0], 10.0)],
    ),
    "smin saddle": (
        lambda: sg.newton_minimize(x**4 - x**2 + y**2, [x, y], method="sparse"),
        [([0.0, 0.0],)],
    ),
    "sfit": (
        lambda: sg.least_squares([x - 1, y - 2, x * y - 2], [x, y], method="sparse"),
        [([0.0, 0.0],)],
    ),
    "halley": (
        lambda: sg.newton_root(x - 0.5 * sg.sin(x) - a, x, a, order=3),
        [(1.0, 1.0), (1.0, [1.0, 2.0])],
    ),
    "eq bounds": (
        lambda: sg.newton_root(x**2 - a, x, a, bounds=(0, None)),
        [(-1.0, 4.0), ([1.0, -3.0], [4.0, 9.0])],
    ),
}
OPTIONS = ({}, {"callback": lambda *given: None}, {"ftol": 1e-6}, {"x_scale": 2.0})


def outcome(solve, given, options):
    """What a solver gives, as lists, or the error that it raises."""
    try:
        found = solve(*given, **options)
    except Exception as error:
        return type(error).__name__, str(error)
    parts = found.x if isinstance(found.x, list) else [found.x]
    fields = [*parts, found.status, found.iterations, found.residual]
    return [np.asarray(field).tolist() for field in fields]


@pytest.mark.parametrize("name", KINDS)
def test_a_saved_solver_is_the_solver(name):
    make, calls = KINDS[name]
    solver, space = make(), {"__name__": "saved"}
    exec(solver.source, space)
    for given in calls:
        for options in OPTIONS:
            ours, saved = outcome(solver, given, options), outcome(space["solve"], given, options)
            assert repr(ours) == repr(saved), (given, options)
