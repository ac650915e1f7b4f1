"""Derivatives of solutions by parameters: against differences of the solutions themselves."""

import pickle

import numpy as np
import pytest

import symgrad as sg

x, y, a, b = sg.symbols("x y a b")
v, c, A = sg.vector("v", 3), sg.vector("c", 3), sg.matrix("A", (3, 3))
u, w, t = sg.vector("u", 6), sg.vector("w", 6), sg.vector("t", "n")
d = sg.vector("d", "n")
RNG = np.random.default_rng(17)
MATRIX = 3 * np.eye(3) + 0.1 * RNG.standard_normal((3, 3))
TIMES = np.linspace(0.0, 3.0, 7)
DATA = 2 * np.exp(-0.5 * TIMES) + 0.05 * np.sin(9 * TIMES)
CHAIN = sg.concatenate([u[1:], u[:1]])
SPARSE = pytest.importorskip("scipy.sparse") and {"method": "sparse"}

CASES = {
    "equation": (lambda: sg.newton_root(x**3 + x - a, x, a), 1.0, (2.0,)),
    "scalars": (
        lambda: sg.newton_root([x * y - a, x - y - b], [x, y], [a, b]),
        [2.0, 1.0],
        (2.0, 1.0),
    ),
    "vector": (
        lambda: sg.newton_root(A @ v + v**3 - c, v, [A, c]),
        np.zeros(3),
        (MATRIX, np.ones(3)),
    ),
    "arrays": (
        lambda: sg.newton_root([A @ v + x - c, x + sg.sum(v) - 1], [v, x], [A, c]),
        [np.zeros(3), 0.0],
        (MATRIX, np.ones(3)),
    ),
    "sparse": (
        lambda: sg.newton_root(u**3 + 3 * u - 0.5 * CHAIN - w, u, w, **SPARSE),
        np.zeros(6),
        (np.arange(6.0),),
    ),
    "minimum": (
        lambda: sg.newton_minimize((x - a) ** 2 + (y - b) ** 2 + x * y / 3, [x, y], [a, b]),
        [0.0, 0.0],
        (1.0, 2.0),
    ),
    "bounds": (
        lambda: sg.newton_minimize(
            (x - a) ** 2 + (y - b) ** 2 + x * y / 3, [x, y], [a, b], bounds=[(0, 0.2), (None, None)]
        ),
        [0.1, 0.0],
        (1.0, 2.0),
    ),
    "conjugate gradients": (
        lambda: sg.newton_minimize(sg.sum(sg.cosh(u) - w * u) + sg.sum(u) ** 2, u, w, method="cg"),
        np.zeros(6),
        (np.arange(6.0),),
    ),
    "sparse minimum": (
        lambda: sg.newton_minimize(sg.sum(u**4 + u**2 - w * u - u * CHAIN / 3), u, w, **SPARSE),
        np.zeros(6),
        (np.arange(6.0),),
    ),
    "fit": (
        lambda: sg.least_squares(a * sg.exp(-b * t) - d, [a, b], [t, d]),
        [1.0, 1.0],
        (TIMES, DATA),
    ),
}


def flat(found):
    parts = found if isinstance(found, list) else [found]
    return np.concatenate([np.ravel(p) for p in parts])


@pytest.mark.parametrize("name", CASES)
def test_sensitivities_are_the_differences_of_solutions(name):
    make, x0, params = CASES[name]
    solver = make()
    solution = solver(x0, *params)
    symbols = solver.args[len(solver.args) - len(params) :]
    for k, (p, value) in enumerate(zip(symbols, params, strict=True)):
        direction = RNG.standard_normal(np.shape(value))
        moved = [
            solver(solution.x, *params[:k], value + h * direction, *params[k + 1 :], tol=1e-14).x
            for h in (1e-5, -1e-5)
        ]
        slope = (flat(moved[0]) - flat(moved[1])) / 2e-5
        by = solution.sensitivity(p)
        parts = by if isinstance(by, list) else [by]
        shapes = [np.shape(part) for part in parts]
        ours = solution.x if isinstance(solution.x, list) else [solution.x]
        assert shapes == [np.shape(part) + np.shape(value) for part in ours]
        found = [np.tensordot(part, direction, np.ndim(value)) for part in parts]
        np.testing.assert_allclose(flat(found), slope, rtol=1e-6, atol=1e-8)


def test_a_batch_has_nan_where_it_has_no_solution():
    solver = sg.newton_root(x**2 - a, x, a)
    found = solver([1.0, 1.0, 1.0], [4.0, 9.0, -1.0])
    np.testing.assert_allclose(found.sensitivity("a"), [1 / 4, 1 / 6, np.nan])
    by_matrix = sg.newton_root(A @ v + v**3 - c, v, [A, c])(
        np.zeros((2, 3)), MATRIX, [np.ones(3), np.arange(3)]
    ).sensitivity([A, c])
    assert [s.shape for s in by_matrix] == [(2, 3, 3, 3), (2, 3, 3)]


def test_what_has_no_sensitivity_says_why():
    solver = sg.newton_root(x**2 - a, x, a)
    with pytest.raises(sg.ArgumentError, match="a parameter of the solver, not 'q': a"):
        solver(1.0, 4.0).sensitivity("q")
    with pytest.raises(sg.ArgumentError, match="only solutions have sensitivities"):
        solver(1.0, -4.0).sensitivity(a)
    with pytest.raises(sg.ArgumentError, match="singular at this solution"):
        sg.newton_root(x**3 - a**2, x, a)(0.0, 0.0).sensitivity(a)
    with pytest.raises(sg.ArgumentError, match="pickled"):
        pickle.loads(pickle.dumps(solver(1.0, 4.0))).sensitivity(a)
    vector = sg.newton_root(v**3 - c, v, c)
    values = np.ones(3)
    found = vector(np.ones(3), values)
    values[:] = 8.0
    with pytest.raises(sg.ArgumentError, match="changed in place"):
        found.sensitivity(c)
