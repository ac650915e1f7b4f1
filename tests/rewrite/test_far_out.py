"""Algebraic formulas whose powers overflow: roots, logarithms, derivatives at 1e160, against mpmath."""

import math

import mpmath
import numpy as np
import pytest

import symgrad as sg

x = sg.symbol("x")
FORMULAS = {
    "sqrt(x**4 + 1)": lambda m, u: m.sqrt(u**4 + 1),
    "1/sqrt(x**4 + 1)": lambda m, u: 1 / m.sqrt(u**4 + 1),
    "sqrt(x**2 + x + 1)": lambda m, u: m.sqrt(u**2 + u + 1),
    "x/sqrt(x**2 + x + 1)": lambda m, u: u / m.sqrt(u**2 + u + 1),
    "1/(1 + x**4)": lambda m, u: 1 / (1 + u**4),
    "x**2/(1 + x**4)": lambda m, u: u**2 / (1 + u**4),
    "sqrt(1 + x**6)": lambda m, u: m.sqrt(1 + u**6),
    "log(x**2 + x + 1)": lambda m, u: m.log(u**2 + u + 1),
    "log(x**4 + 1)": lambda m, u: m.log(u**4 + 1),
    "sqrt(x**2 + 1e-300)": lambda m, u: m.sqrt(u**2 + 1e-300),
    "sqrt(x**2 + 1e300)": lambda m, u: m.sqrt(u**2 + 1e300),
}
POINTS = [1e-300, -1e-160, 1e-8, -0.3, 1.7, -30.0, 1e5, 2e6, -1e8, 1e16, 1e160, -1e200, 1e300]


def true(formula, at, order):
    with mpmath.workdps(2600):
        u = mpmath.mpf(at)
        h = mpmath.mpf(10) ** -700 * max(abs(u), mpmath.mpf(10) ** -160)
        value = [formula(mpmath, u + k * h) for k in (-1, 0, 1)]
        found = (
            value[1],
            (value[2] - value[0]) / (2 * h),
            (value[2] - 2 * value[1] + value[0]) / h**2,
        )
        return float(found[order])


@pytest.mark.parametrize("name", FORMULAS)
def test_value_and_two_derivatives(name):
    formula = FORMULAS[name]
    e = formula(sg, x)
    wanted = [e, sg.diff(e, x)] if "log" in name else [e, sg.diff(e, x), sg.diff(e, x, 2)]
    f = sg.lambdify(x, wanted)
    with np.errstate(all="ignore"):
        arrays = f(np.array(POINTS))
    for k, at in enumerate(POINTS):
        for order in range(len(wanted)):
            want = true(formula, at, order)
            if math.isinf(want) or abs(want) < 1e-300:
                assert arrays[order][k] == pytest.approx(want, abs=1e-300)
            else:
                np.testing.assert_allclose(
                    arrays[order][k], want, rtol=3e-9 if order > 1 else 1e-13
                )


def test_a_discriminant():
    a, b, c = sg.symbols("a b c")
    f = sg.lambdify([a, b, c], [sg.sqrt(b**2 - 4 * a * c), sg.log(b**2 - 4 * a * c)])
    assert f(1.0, 1e200, 1.0)[0] == 1e200
    assert f(1.0, 1e200, 1.0)[1] == pytest.approx(400 * math.log(10), rel=1e-14)
    assert f(-1e-200, 0.0, 1e-200)[0] == pytest.approx(2e-200, rel=1e-14)
    assert f(-1e200, 1e200, 1e200)[0] == pytest.approx(math.sqrt(5) * 1e200, rel=1e-14)
    assert f(1.0, 2.0, 1.0) == [0.0, -math.inf]
    assert f(2.0, 3.0, 1.0)[0] == 1.0
    assert math.isnan(f(1.0, 1.0, 1.0)[0])


def test_choices_of_the_user_stay():
    e = sg.where(x > 1e20, 7.0, x**3) / (1 + x**4) ** 0.5
    f = sg.lambdify(x, e)
    assert f(1e30) == pytest.approx(7e-60) and f(1e19) == pytest.approx(1e19)
