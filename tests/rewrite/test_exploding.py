"""Sums of exponentials far out: neither nan nor infinite too early, against mpmath."""

import math

import mpmath
import numpy as np
import pytest

import symgrad as sg

x, y = sg.symbols("x y")
FORMULAS = {
    "sinh(x)/x": lambda m, u: m.sinh(u) / u,
    "(exp(x) - 1)/x": lambda m, u: (m.exp(u) - 1) / u,
    "exp(2*x) - exp(x)": lambda m, u: m.exp(2 * u) - m.exp(u),
    "exp(-x) - exp(-3*x)": lambda m, u: m.exp(-u) - m.exp(-3 * u),
    "exp(3*x) - 2*exp(2*x) + exp(x)": lambda m, u: m.exp(3 * u) - 2 * m.exp(2 * u) + m.exp(u),
    "x*cosh(x) - sinh(x)": lambda m, u: u * m.cosh(u) - m.sinh(u),
    "cosh(3*x) - cosh(x)": lambda m, u: m.cosh(3 * u) - m.cosh(u),
    "x*exp(x) - exp(2*x)": lambda m, u: u * m.exp(u) - m.exp(2 * u),
}
POINTS = [1e-8, -0.3, 1.7, -30.0, 39.0, 41.0, 300.0, 700.0, -700.0, 800.0, -800.0, 1e8, -1e8]


@pytest.mark.filterwarnings("ignore:overflow")  # what is infinite may say so
@pytest.mark.parametrize("name", FORMULAS)
def test_values_and_two_derivatives(name):
    formula = FORMULAS[name]
    e = formula(sg, x)
    wanted = [e, sg.diff(e, x), sg.diff(e, x, 2)]
    f = sg.lambdify(x, wanted)
    arrays = f(np.array(POINTS))
    for k, at in enumerate(POINTS):
        for order, got in enumerate(f(at)):
            with mpmath.workdps(100):
                true = float(mpmath.diff(lambda u: formula(mpmath, u), mpmath.mpf(at), order))
            rtol = 1e-12
            assert got == pytest.approx(true, rel=rtol) or got == true, (at, order)
            assert arrays[order][k] == pytest.approx(true, rel=rtol) or arrays[order][k] == true


@pytest.mark.filterwarnings("ignore:overflow")
def test_products_of_exponentials_and_another_quantity():
    f = sg.lambdify([x, y], (x * sg.exp(x) - y * sg.expm1(x)) / x**2)
    assert f(800.0, 2.0) == math.inf and f(800.0, 900.0) == -math.inf
    assert f(705.0, 2.0) == pytest.approx(math.exp(705 - math.log(705)) * (1 - 2 / 705), rel=1e-12)


def test_what_cannot_meet_is_left():
    for e in (
        sg.exp(x) + sg.exp(2 * x),
        sg.exp(x) - sg.exp(-x),
        sg.exp(x) * sg.sin(x),
        x * sg.exp(x),
    ):
        assert "where" not in sg.lambdify(x, e).source
