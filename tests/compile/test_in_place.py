"""Kernels of scalar formulas: the same values, written into the arrays that are given."""

import numpy as np
import pytest
import scipy.special

import symgrad as sg
from symgrad.compile.in_place import in_place

x, y = sg.symbols("x y")
GRID = np.linspace(0.1, 2.0, 50)

FORMULAS = {
    "polynomial": [x**3 - 2 * x * y, 3 * x**2 - 2 * y],
    "branches": [sg.where(x > y, sg.exp(x), x * y), x + y],
    "angles": [x - y * sg.sin(x), 1 - y * sg.cos(x)],
    "special": [sg.special.erf(x) + y, sg.special.jv(1, x * y)],
    "powers": [x**2.5 + sg.sqrt(y), sg.log(x + y) / x],
}


def run(kernel, *arguments):
    space = {"np": np, "scipy": scipy}
    exec(kernel.source, space)
    shape = np.broadcast_shapes(*[a.shape for a in arguments])
    results = [np.full(shape, np.nan) for _ in range(kernel.results)]
    work = [np.empty(shape, kind) for kind in kernel.work]
    given = space[kernel.name](*arguments, *results, *work)
    assert all(a is b for a, b in zip(given, results, strict=True))
    return results


@pytest.mark.parametrize("fast_math", [False, True])
@pytest.mark.parametrize("name", FORMULAS)
def test_values_are_those_of_the_formulas(name, fast_math):
    kernel = in_place([x, y], FORMULAS[name], "f", fast_math)
    ys = GRID[::-1].copy()
    expected = sg.lambdify([x, y], FORMULAS[name])(GRID, ys)
    for got, wanted in zip(run(kernel, GRID, ys), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-14, atol=1e-15)
    for got, wanted in zip(
        run(kernel, GRID, np.array([0.7])),
        sg.lambdify([x, y], FORMULAS[name])(GRID, 0.7),
        strict=True,
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-14, atol=1e-15)


def test_fast_math_takes_one_tangent():
    fast = in_place([x, y], FORMULAS["angles"], "f", fast_math=True)
    assert fast.source.count("np.tan") == 1 and "np.sin" not in fast.source
    exact = in_place([x, y], FORMULAS["angles"], "f")
    assert "np.tan" not in exact.source and "np.sin" in exact.source


def test_every_step_writes_into_an_array():
    kernel = in_place([x, y], FORMULAS["polynomial"], "f")
    steps = [line for line in kernel.source.splitlines() if line.startswith("    t")]
    assert steps and all("out=" in step for step in steps)
    assert kernel.of == f"f, 2, {kernel.work!r}"


@pytest.mark.parametrize(
    "outputs",
    [[x], [sg.constant(2.0) + 0 * x], [x + y, x + y], [x > y], [sg.implicit(y**3 + y - x, y)]],
    ids=["an argument", "a number", "twice the same", "no float", "no ufunc"],
)
def test_what_has_no_kernel(outputs):
    assert in_place([x, y], outputs, "f") is None


def test_names_cannot_break_the_source():
    odd = sg.symbol("a\nimport os", shape=())
    kernel = in_place([odd, y], [odd * y], "f")
    (got,) = run(kernel, GRID, GRID)
    np.testing.assert_array_equal(got, GRID * GRID)
