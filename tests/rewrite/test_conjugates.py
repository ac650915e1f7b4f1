"""Sums of roots and quotients that cancel: form, values and three derivatives against mpmath."""

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.rewrite.conjugates import without_cancellation, without_cancellations
from symgrad.rewrite.error_bounds import digits_kept

x, y, z = sg.symbols("x y z")
p = sg.symbol("p", positive=True)
FAR = (1.5, 3.0, 1e3, 1e8, 1e15, 1e40)
LINE = (*FAR, *[-t for t in FAR], 1e-3, -1e-9, 1e-40)
SMALL = (0.5, 1e-3, -1e-3, 1e-9, -1e-9, 1e-100)

FORMULAS = {  # with sg or mpmath as m, and where they are compared
    "sqrt(1 + x**2) - x": (lambda m, x: m.sqrt(1 + x**2) - x, LINE),
    "x - sqrt(x**2 + 1/2)": (lambda m, x: x - m.sqrt(x**2 + 0.5), LINE),
    "x - sqrt(x**2 - 1)": (lambda m, x: x - m.sqrt(x**2 - 1), FAR),
    "x/sqrt(1 + x**2) - 1": (lambda m, x: x / m.sqrt(1 + x**2) - 1, LINE),
    "sqrt(x + 1) - sqrt(x)": (lambda m, x: m.sqrt(x + 1) - m.sqrt(x), FAR),
    "1/sqrt(x) - 1/sqrt(x + 1)": (lambda m, x: 1 / m.sqrt(x) - 1 / m.sqrt(x + 1), FAR[:-1]),
    "1/(x + 1) - 1/x": (lambda m, x: 1 / (x + 1) - 1 / x, (*FAR, *SMALL)),
    "1/(x + 1) - 2/x + 1/(x - 1)": (lambda m, x: 1 / (x + 1) - 2 / x + 1 / (x - 1), FAR),
    "cbrt(x + 1) - cbrt(x)": (lambda m, x: m.cbrt(x + 1) - m.cbrt(x), FAR),
    "1 - sqrt(1 - x)": (lambda m, x: 1 - m.sqrt(1 - x), SMALL),
    "1/sqrt(1 - x**2) - 1": (lambda m, x: 1 / m.sqrt(1 - x**2) - 1, SMALL[:-1]),
    "1 - 1/(1 + x)**2": (lambda m, x: 1 - 1 / (1 + x) ** 2, SMALL),
    "small root": (lambda m, x: (-3 + m.sqrt(9 - 4 * x)) / 2, SMALL),
}
ORDERS = {"cbrt(x + 1) - cbrt(x)": 2, "1/(x + 1) - 2/x + 1/(x - 1)": 3}


@pytest.mark.parametrize("name", FORMULAS)
def test_values_and_derivatives(name):
    formula, points = FORMULAS[name]
    for order in range(ORDERS.get(name, 4)):
        f = sg.lambdify(x, sg.diff(formula(sg, x), x, order))
        many = f(np.array(points)).tolist()
        for t, of_array in zip(points, many, strict=True):
            with mpmath.workdps(900):
                exact = mpmath.diff(
                    lambda u: formula(mpmath, u), mpmath.mpf(t), order, h=mpmath.mpf(10) ** -200
                )
                want = float(exact)
            for got in (of_array, f(t)):
                assert got == pytest.approx(want, rel=1e-13, abs=1e-200), (order, t)


def test_roots_of_a_quadratic_equation():
    small = (-y + sg.sqrt(y**2 - 4 * x * z)) / (2 * x)
    f = sg.lambdify([x, y, z], [small, sg.diff(small, x), sg.diff(small, y), sg.diff(small, x, 2)])
    for a, b, c in [(1.0, 1e8, 2.0), (1.0, -1e8, 2.0), (1e-8, 3.0, 1e-7), (2.0, 3.0, 1.0)]:
        with mpmath.workdps(200):
            A, B, C = mpmath.mpf(a), mpmath.mpf(b), mpmath.mpf(c)
            d = mpmath.sqrt(B**2 - 4 * A * C)
            r = (d - B) / (2 * A)
            slope = -(r**2) / d  # of a*r**2 + b*r + c = 0, by a
            twice = -2 * r * slope / d + r**2 * (-2 * C / d) / d**2
            want = [float(w) for w in (r, slope, -r / d, twice)]
        np.testing.assert_allclose(f(a, b, c), want, rtol=1e-13)
        np.testing.assert_allclose(np.ravel(f(*np.array([[a], [b], [c]]))), want, rtol=1e-13)


@pytest.mark.parametrize(
    ("e", "text"),
    [
        (
            sg.sqrt(1 + x**2) - x,
            "where(x > 0, quotient(1, abs(x) + sqrt(x**2 + 1)), sqrt(x**2 + 1) - x)",
        ),
        (sg.sqrt(p + 1) - sg.sqrt(p), "quotient(1, sqrt(p) + sqrt(p + 1))"),
        (sg.sqrt(1 + p**2) - p, "quotient(1, p + sqrt(p**2 + 1))"),
        (1 / (x + 1) - 1 / x, "-1/(x*(x + 1))"),
        (1 / x - 1 / (x + y), "y/(x*(x + y))"),
    ],
)
def test_forms(e, text):
    assert str(without_cancellation(e)) == text


@pytest.mark.parametrize(
    "e",
    [
        sg.sqrt(1 + x**2) + p,  # nothing cancels
        1 / (x + 1) + y,
        x**-12 - x**-6,
        sg.sqrt(x) - sg.sqrt(y),  # what is under the roots does not simplify
        1 / x - 1 / y,
        sg.sqrt(1 + p**2) + p,
    ],
)
def test_what_is_not_rewritten(e):
    assert without_cancellation(e) is None
    assert without_cancellations([e])[0] is e


def test_a_numerator_that_is_a_square_is_written_as_one():
    e = (x + y) / 2 - 2 * x * y / (x + y)
    assert str(without_cancellation(e).args[1]) == "(x - y)**2/(2*(x + y))"
    assert sg.lambdify([x, y], e)(1 + 2.0**-30, 1.0) == pytest.approx(2.0**-62, rel=1e-8)


def test_a_printed_formula_stays_as_it_is():
    assert str(sg.simplify(sg.sqrt(1 + x**2) - x)) == "sqrt(x**2 + 1) - x"


def test_infinite_numerators_leave_the_sum_as_it_was():
    e = sg.diff(1 / (x + 1) - 1 / x, x, 3)
    f = sg.lambdify(x, e)
    assert f(1e120) == 0
    assert f(np.array([1e120, 2.0])).tolist() == pytest.approx([0, 6 / 16 - 6 / 81], rel=1e-14)


def test_bounds_tell_which_form_keeps_digits():
    e = sg.sqrt(p + 1) - sg.sqrt(p)
    good = 1 / (sg.sqrt(p + 1) + sg.sqrt(p))
    worse = (sg.sqrt(p + 1) - sg.sqrt(p)) * (p - 1) / (p - 1)
    (kept, lost) = digits_kept(e, [good, sg.named(worse, "w")])
    assert kept > 5
    assert lost is None
    assert digits_kept(good, [e]) == [None]


def test_sums_inside_branches_are_found():
    e = sg.where(x > 0, sg.sqrt(1 + x**2) - x, 0)
    inner = without_cancellations([e])[0]
    assert str(inner) == "where(x > 0, quotient(1, abs(x) + sqrt(x**2 + 1)), 0)"
    assert sg.lambdify(x, e)(1e10) == pytest.approx(5e-11, rel=1e-15)
