"""Exponentials beside tails of the normal distribution: values and first derivatives at the edges."""

from functools import partial

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.rewrite.tails import product_with_tails

x, y, z = sg.symbols("x y z")


def phi(t):
    return mpmath.erfc(-t / mpmath.sqrt(2)) / 2


class Exact:
    exp, sqrt, erfc, ndtr = mpmath.exp, mpmath.sqrt, mpmath.erfc, staticmethod(phi)


class Ours:
    exp, sqrt, erfc, ndtr = sg.exp, sg.sqrt, sg.special.erfc, sg.special.ndtr


def inverse_gaussian(m, x, y, z):
    root = m.sqrt(z / x)
    return m.ndtr(root * (x / y - 1)) + m.exp(2 * z / y) * m.ndtr(-root * (x / y + 1))


FORMULAS = {
    "inverse Gaussian": (
        inverse_gaussian,
        [(1.0, 1.0, 1.0), (0.5, 1.0, 800.0), (1.2, 1.0, 1e3), (3.0, 1.0, 400.0), (0.01, 1.0, 2.0)],
    ),
    "its second term": (
        lambda m, x, y, z: m.exp(2 * z / y) * m.ndtr(-m.sqrt(z / x) * (x / y + 1)),
        [(1.0, 1.0, 1.0), (1.2, 1.0, 1e3), (1.0, 1.0, 1e4), (0.9, 2.0, 2e3)],
    ),
    "heat kernel": (
        lambda m, x, y, z: z * m.exp(y * x + y**2) * m.erfc(x / 2 + y),
        [(1.0, 0.5, 1.0), (20.0, 3.0, 1.0), (10.0, 40.0, 2.0), (-50.0, 20.0, 1.0)],
    ),
    "unrelated exponents": (
        lambda m, x, y, z: m.exp(y) * m.erfc(x) + z,
        [(1.0, 1.0, 0.0), (30.0, 900.0, 0.0), (30.0, 890.0, 0.0), (-3.0, 2.0, 0.0)],
    ),
    "quotient of tails": (
        lambda m, x, y, z: z * m.ndtr(-x - y) / m.ndtr(-x),
        [(1.0, 1.0, 1.0), (100.0, 0.01, 1.0), (-3.0, 0.5, 2.0)],
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_values_and_first_derivatives(name):
    formula, points = FORMULAS[name]
    e = formula(Ours, x, y, z)
    for order in range(2 if name != "quotient of tails" else 1):
        f = sg.lambdify([x, y, z], sg.diff(e, x, order))
        for point in points:
            with mpmath.workdps(200):
                u, v, w = map(mpmath.mpf, point)
                of_x = partial(formula, Exact, y=v, z=w)
                want = float(mpmath.diff(of_x, u, order, h=mpmath.mpf(10) ** -60))
            for got in (f(*point), f(*[np.array([t]) for t in point])[0]):
                assert got == pytest.approx(want, rel=1e-11), (order, point)


def test_forms():
    e = sg.exp(y) * sg.special.erfc(x)
    assert str(product_with_tails(e)) == "where(x > 0, exp(y - x**2)*erfcx(x), exp(y)*erfc(x))"
    whole = product_with_tails(sg.exp(x * y + y**2) * sg.special.erfc(x / 2 + y))
    assert str(whole.args[1]) == "exp(-x**2/4)*erfcx(x/2 + y)"
    e = sg.exp(2 * z / y) * sg.special.ndtr(-sg.sqrt(z / x) * (x / y + 1))
    assert "**2" in str(product_with_tails(e).args[1])


def test_what_is_not_rewritten():
    assert product_with_tails(x * sg.special.erfc(y)) is None
    assert product_with_tails(sg.exp(x) * sg.special.erf(y)) is None
    assert product_with_tails(sg.special.erfc(x) * sg.special.erfc(y)) is None
