"""Differences of functions at near arguments, and logarithms of roots: values and derivatives."""

from functools import partial

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.rewrite.inverse_hyperbolic import log_of_root_sum
from symgrad.rewrite.near_arguments import difference_of_functions, logarithm_of_ratio

x, y = sg.symbols("x y")
FAR = (1.5, 3.0, 1e3, 1e8, 1e15, 1e40)
LINE = (3.0, 1e8, 1e50, -3.0, -1e8, -1e50, 1e-9, -1e-9, 1e-50)

OF_ONE = {
    "log(x + 1) - log(x)": (lambda m, x: m.log(x + 1) - m.log(x), FAR),
    "log((x + 1)/x)": (lambda m, x: m.log((x + 1) / x), FAR),
    "2*log(x) - 2*log(x + 3)": (lambda m, x: 2 * m.log(x) - 2 * m.log(x + 3), FAR),
    "arctan(x + 1) - arctan(x)": (lambda m, x: m.atan(x + 1) - m.atan(x), FAR),
    "log(x + sqrt(x**2 + 1))": (lambda m, x: m.log(x + m.sqrt(x**2 + 1)), LINE),
    "log(sqrt(x**2 + 1) - x)": (lambda m, x: m.log(m.sqrt(x**2 + 1) - x), LINE),
    "log(x + sqrt(x**2 + 4))": (lambda m, x: m.log(x + m.sqrt(x**2 + 4)), LINE),
    "log(x + sqrt(x**2 - 1))": (lambda m, x: m.log(x + m.sqrt(x**2 - 1)), (*FAR, 1e50)),
    "log(x - sqrt(x**2 - 2))": (lambda m, x: m.log(x - m.sqrt(x**2 - 2)), (*FAR[1:], 1e50)),
}


class Functions:
    """symgrad's functions by mpmath's names."""

    log, sqrt, atan, sin, cos, tan = sg.log, sg.sqrt, sg.arctan, sg.sin, sg.cos, sg.tan


@pytest.mark.parametrize("name", OF_ONE)
def test_functions_of_one(name):
    formula, points = OF_ONE[name]
    for order in range(3):
        f = sg.lambdify(x, sg.diff(formula(Functions, x), x, order))
        many = f(np.array(points)).tolist()
        for t, of_array in zip(points, many, strict=True):
            with mpmath.workdps(350):
                step = mpmath.mpf(10) ** -110
                exact = mpmath.diff(lambda u: formula(mpmath, u), mpmath.mpf(t), order, h=step)
                want = float(exact)
            for got in (of_array, f(t)):
                assert got == pytest.approx(want, rel=1e-13, abs=1e-160), (order, t)


OF_TWO = {
    "sin": (lambda m, x, y: m.sin(x + y) - m.sin(x), 2),
    "cos": (lambda m, x, y: 3 * m.cos(x) - 3 * m.cos(x + y), 2),
    "tan": (lambda m, x, y: m.tan(x + y) - m.tan(x), 1),
    "log": (lambda m, x, y: x * (m.log(x + y) - m.log(x)), 1),
    "arctan": (lambda m, x, y: m.atan(x + y) - m.atan(x), 2),
    "(x + y)**2 - x**2": (lambda m, x, y: (x + y) ** 2 - x**2, 2),
}


@pytest.mark.parametrize("name", OF_TWO)
def test_steps(name):
    formula, orders = OF_TWO[name]
    for order in range(orders):
        f = sg.lambdify([x, y], sg.diff(formula(Functions, x, y), x, order))
        for t, h in ((1.0, 1e-8), (2.0, 1e-12), (0.5, 0.3), (3.0, -1e-5), (100.0, 1e-10)):
            with mpmath.workdps(200):
                of_x = partial(formula, mpmath, y=mpmath.mpf(h))
                step = mpmath.mpf(10) ** -60
                want = float(mpmath.diff(of_x, mpmath.mpf(t), order, h=step))
            assert f(t, h) == pytest.approx(want, rel=1e-12), (order, t, h)
            assert f(np.array([t]), np.array([h]))[0] == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize(
    ("rule", "e", "text"),
    [
        (difference_of_functions, sg.sin(x + y) - sg.sin(x), "2*sin(y/2)*cos(x + y/2)"),
        (difference_of_functions, sg.arctan(x + 1) - sg.arctan(x), "arctan2(1, x*(x + 1) + 1)"),
        (log_of_root_sum, sg.log(x + sg.sqrt(x**2 + 1)), "arcsinh(x)"),
        (log_of_root_sum, sg.log(x + sg.sqrt(x**2 - 9)), "log(3) + arccosh(x/3)"),
        (log_of_root_sum, sg.log(x + 1 + sg.sqrt(x**2 + 2 * x + 2)), "arcsinh(x + 1)"),
    ],
)
def test_forms(rule, e, text):
    assert str(rule(e)) == text


def test_what_is_not_rewritten():
    for e in (sg.sin(x) - sg.sin(y), sg.log(x + 1) + sg.log(x), sg.log(x) - 2 * sg.log(x + 1)):
        assert difference_of_functions(e) is None
    assert logarithm_of_ratio(sg.log(x / y)) is None
    for e in (
        sg.log(x + sg.sqrt(x)),
        sg.log(x - sg.sqrt(x**2 + 1)),
        sg.log(2 * x + sg.sqrt(x**2 + 1)),
    ):
        assert log_of_root_sum(e) is None
