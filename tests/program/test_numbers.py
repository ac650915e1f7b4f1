"""Formulas of numbers compile to what floats give: inf and nan, quickly, never an exception."""

from fractions import Fraction

import numpy as np
import pytest

import symgrad as sg

x = sg.symbol("x")
zero, nine = sg.constant(0), sg.constant(9)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (1 / zero, np.inf),
        (-1 / zero, -np.inf),
        (x / zero, np.inf),
        (nine**387420489, np.inf),
        (nine**-387420489, 0.0),
        (x * nine**387420489, np.inf),
        (nine ** (nine**387420489), np.inf),
        (sg.constant(Fraction(1, 3)) ** 5000, 0.0),
        (sg.constant(-8) ** Fraction(1, 3), np.nan),
        (sg.constant(2) ** Fraction(1, 2), np.sqrt(2.0)),
        (x * 10**400, np.inf),
        (x + 10**400, np.inf),
        (sg.pi**2000, np.inf),
        (x * sg.constant(Fraction(13, 12)) ** 360, 2.0 * float(Fraction(13, 12) ** 360)),
    ],
    ids=str,
)
def test_numbers_become_what_floats_give(formula, expected):
    f = sg.lambdify(x, formula)
    np.testing.assert_equal(f(2.0), expected)
    with np.errstate(divide="ignore"):
        np.testing.assert_equal(f(np.array([2.0, 2.0])), np.array([expected, expected]))


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        ("x/2 - y/2", "0.5*(x - y)"),
        ("-3*x - 3*y", "-3*(x + y)"),
        ("x/3 - y/3 + exp(x)/3", "(x - y + np.exp(x))/3"),
        ("2*x/3 - 2*y/3", "2*(x - y)/3"),
        ("2*x + 2", "2*x + 2"),
        ("x/3 + 2*y/3", "x/3 + 2*y/3"),
        ("-x - y", "-(x + y)"),
    ],
)
def test_a_number_that_all_terms_have_comes_last(formula, code):
    x, y = sg.symbols("x y")
    f = sg.lambdify([x, y], sg.parse(formula))
    assert code in f.source
    a, b = 1.7, -0.6
    expected = sg.evaluate(sg.parse(formula), {x: a, y: b})
    assert f(np.array([a]), np.array([b])) == pytest.approx(expected, rel=1e-15)
