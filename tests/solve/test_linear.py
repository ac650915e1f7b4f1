"""`solve_linear`: solutions put back into the equations, against SymPy's, and what is refused."""

import numpy as np
import pytest
import sympy as sp

import symgrad as sg

x, y, z, a, b, c, d = sg.symbols("x y z a b c d")
VALUES = {a: 1.3, b: -0.7, c: 2.1, d: 0.4}

SYSTEMS = [
    ([a * x + b], [x]),
    ([x + y - a, x - y - b], [x, y]),
    ([a * x + b * y - 1, c * x + d * y - sg.sin(a)], [x, y]),
    ([b * y - a, c * x + y], [x, y]),
    ([y - z, x + a * z - 1, a * x - b * y + z - c], [x, y, z]),
    ([2 * x + y, (x + 1) ** 2 - x**2 - y - a], [x, y]),
    ([x + y - 1, 2 * x - a, 2 * x + y - 1 - a / 2], [x, y]),  # more equations than unknowns
]


@pytest.mark.parametrize(("equations", "unknowns"), SYSTEMS)
def test_solutions_solve(equations, unknowns):
    found = sg.solve_linear(equations, unknowns)
    values = [sg.evaluate(e, VALUES) for e in found]
    known = VALUES | dict(zip(unknowns, values, strict=True))
    for equation in equations:
        assert sg.evaluate(equation, known) == pytest.approx(0, abs=1e-13)
    images = [sp.simplify(sg.to_sympy(e)) for e in found]
    names = [sg.to_sympy(u) for u in unknowns]
    (expected,) = sp.linsolve([sp.expand(sg.to_sympy(e)) for e in equations], *names)
    assert all(sp.simplify(m - n) == 0 for m, n in zip(images, expected, strict=True))


@pytest.mark.parametrize("n", [4, 6, 9])
def test_larger_systems_by_elimination(n):
    rng = np.random.default_rng(n)
    matrix = rng.integers(-3, 4, (n, n)) * (rng.random((n, n)) < 0.7) + 4 * np.eye(n, dtype=int)
    matrix[0, 0] = 0  # a pivot that must not be taken
    unknowns = sg.symbols(" ".join(f"u{i}" for i in range(n)))
    equations = [
        sum(int(m) * u for m, u in zip(row, unknowns, strict=True)) - k * a
        for k, row in enumerate(matrix)
    ]
    found = sg.solve_linear(equations, list(unknowns), dict=True)
    values = [sg.evaluate(found[u], {a: 2.0}) for u in unknowns]
    np.testing.assert_allclose(values, np.linalg.solve(matrix, 2.0 * np.arange(n)), rtol=1e-12)


def test_forms_of_questions_and_answers():
    assert sg.solve_linear(2 * x == a, x) is a / 2
    assert str(sg.solve_linear([x + y == a, x - y == b], [x, y])[1]) in ("(a - b)/2", "0.5*(a - b)")
    q, t = sg.function("q"), sg.symbol("t")
    acceleration = sg.solve_linear(a * q(t).diff(t, 2) + b * q(t), q(t).diff(t, 2))
    assert str(acceleration) == "-b*q(t)/a"
    X, A = sp.symbols("x a")
    assert sg.solve_linear(sp.Eq(2 * X, A), X) is a / 2


def test_pivots_that_are_zero_in_disguise():
    hidden = sg.sin(a) ** 2 + sg.cos(a) ** 2 - 1 + b * (c + d) - b * c - b * d
    unknowns = sg.symbols("p q r s")
    p, q, r, s = unknowns
    equations = [hidden * p + q - 1, p + q + r - 2, p - 2 * s - c, r + s]
    values = [sg.evaluate(e, VALUES) for e in sg.solve_linear(equations, list(unknowns))]
    matrix = np.array([[0, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, -2], [0, 0, 1, 1]])
    right = np.array([1, 2, VALUES[c], 0])
    np.testing.assert_allclose(values, np.linalg.solve(matrix, right), rtol=1e-12)


@pytest.mark.parametrize(
    ("equations", "unknowns", "message"),
    [
        ([x**2 - a], [x], r"equation 1, x\*\*2 - a = 0, is not linear in x"),
        ([x - 1, x * y - a], [x, y], "equation 2, .* not linear in x, which it multiplies with y"),
        ([sg.exp(x) - a], [x], "is not linear in x"),
        ([x + y - 1, 2 * x + 2 * y - 2], [x, y], "do not determine y"),
        ([x + y - 1, 2 * x + 2 * y - 3], [x, y], "contradict each other"),
        ([x + y - 1], [x, y], "do not determine y"),
        ([x - 1, y - 1, x + y - 3], [x, y], "contradict each other"),
        ([x - 1], [x, x], "given twice"),
        ([x - 1], [], "at least one unknown"),
        ([x - 1], [x + 1], "must be a symbol"),
        (
            [(sg.sin(a) ** 2 + sg.cos(a) ** 2) * x + y - 1, x + y - 2],
            [x, y],
            "contradict each other|do not determine",
        ),
    ],
)
def test_what_is_refused(equations, unknowns, message):
    with pytest.raises(sg.ArgumentError, match=message):
        sg.solve_linear(equations, unknowns)


def test_arrays_are_refused():
    with pytest.raises(sg.ShapeError, match=r"linalg.solve"):
        sg.solve_linear(sg.vector("v", 3) * x, x)
