"""Derivatives of high order of functions of one atom are polynomials in it: short, and right."""

import mpmath
import pytest

import symgrad as sg
from symgrad.expr.traverse import toposort

x = sg.symbol("x")
# the function, and the most nodes that its twelfth derivative may have, forms to read included
FUNCTIONS = {
    "tanh": (sg.tanh(x), mpmath.tanh, 90),
    "tan": (sg.tan(x), mpmath.tan, 90),
    "logistic": (1 / (1 + sg.exp(-x)), lambda x: 1 / (1 + mpmath.exp(-x)), 90),
    "bell": (sg.exp(-(x**2)), lambda x: mpmath.exp(-(x**2)), 40),
    "Hermite function": (
        (x**4 - 1) * sg.exp(-(x**2) / 2),
        lambda x: (x**4 - 1) * mpmath.exp(-(x**2) / 2),
        45,
    ),
    "polynomial times exponential": (
        (x**3 + 2 * x) * sg.exp(2 * x),
        lambda x: (x**3 + 2 * x) * mpmath.exp(2 * x),
        20,
    ),
}


@pytest.mark.parametrize("title", FUNCTIONS)
def test_twelfth_derivatives(title):
    f, oracle, most = FUNCTIONS[title]
    derivative = sg.diff(f, x, 12)
    assert len(toposort([derivative])) <= most
    again = sg.diff(sg.diff(f, x, 5), x, 7)
    assert again is derivative
    with mpmath.workdps(60):
        for at in (-1.3, 0.2, 0.9):
            wanted = mpmath.diff(oracle, mpmath.mpf(at), 12)
            assert sg.evaluate(derivative, {x: at}) == pytest.approx(float(wanted), rel=1e-9)


def test_sums_of_differences_stay_differences():
    """What is small near a point is not written out there, and neither are residuals of two unknowns."""
    y = sg.symbol("y")
    f = (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
    assert str(sg.diff(f, x)).startswith("4*x*(x**2 + y - 11) + 2*(")
    powers = sg.diff((x - 1) ** 12, x, 3)
    assert sg.evaluate(powers, {x: 1 + 1e-5}) == pytest.approx(1320e-45, rel=1e-9)
