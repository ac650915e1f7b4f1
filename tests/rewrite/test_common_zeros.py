"""Sums of functions that cancel near 0 or far out, and functions of 1 + u, against mpmath."""

import mpmath
import numpy as np
import pytest

import symgrad as sg

x = sg.symbol("x")
BITS = 6  # lost at most
POINTS = [1e-300, -1e-300, 1e-20, -1e-20, 1e-8, -1e-8, 1e-3, 0.05, -0.3, 0.9]
NEAR = {
    "x - sin(x)": (x - sg.sin(x), lambda x: x - mpmath.sin(x)),
    "log1p(x) - x": (sg.log1p(x) - x, lambda x: mpmath.log1p(x) - x),
    "tan(x) - sin(x)": (sg.tan(x) - sg.sin(x), lambda x: mpmath.tan(x) - mpmath.sin(x)),
    "(1 + x)**10 - 1": ((1 + x) ** 10 - 1, lambda x: (1 + x) ** 10 - 1),
    "exp(2*x) - exp(x)": (
        sg.exp(2 * x) - sg.exp(x),
        lambda x: mpmath.exp(2 * x) - mpmath.exp(x),
    ),
    "2**x - 3**x": (2**x - 3**x, lambda x: mpmath.mpf(2) ** x - mpmath.mpf(3) ** x),
    "erf(x) - sin(x)": (sg.special.erf(x) - sg.sin(x), lambda x: mpmath.erf(x) - mpmath.sin(x)),
    "gammaln(1 + x)": (sg.special.gammaln(1 + x), lambda x: mpmath.loggamma(1 + x)),
    "exp(-exp(x))''": (
        sg.diff(sg.exp(-sg.exp(x)), x, 2),
        lambda x: mpmath.exp(x - mpmath.exp(x)) * mpmath.expm1(x),
    ),
    "a factor": (
        sg.cosh(x) * (sg.arctan(x) - x),
        lambda x: mpmath.cosh(x) * (mpmath.atan(x) - x),
    ),
}
FAR = {
    "x*sin(1/x) - 1": (x * sg.sin(1 / x) - 1, lambda x: x * mpmath.sin(1 / x) - 1),
    "x*log(1 + 1/x) - 1": (x * sg.log(1 + 1 / x) - 1, lambda x: x * mpmath.log(1 + 1 / x) - 1),
    "1/x - arctan(1/x)": (1 / x - sg.arctan(1 / x), lambda x: 1 / x - mpmath.atan(1 / x)),
}


def bits(got, true, at):
    with mpmath.workdps(700):
        want = mpmath.mpf(0) + true(mpmath.mpf(at))
        if abs(want) < mpmath.mpf(2) ** -1021:
            return 0.0 if abs(got) < 2.0**-1020 else 64.0
        error = abs(mpmath.mpf(float(got)) - want) / (abs(want) * mpmath.mpf(2) ** -53)
        return float(mpmath.log(max(error, 1), 2))


@pytest.mark.parametrize("name", NEAR)
def test_sums_that_cancel_near_zero(name):
    e, true = NEAR[name]
    f = sg.lambdify(x, e)
    assert max(bits(f(p), true, p) for p in POINTS) <= BITS
    assert max(bits(v, true, p) for v, p in zip(f(np.array(POINTS)), POINTS, strict=True)) <= BITS


@pytest.mark.parametrize("name", FAR)
def test_sums_that_cancel_far_out(name):
    e, true = FAR[name]
    f = sg.lambdify(x, e)
    points = [2.5, 40.0, 1e4, 1e8, 1e16, 1e120]
    assert max(bits(f(p), true, p) for p in points) <= BITS


def test_the_other_quantity_stays():
    a = sg.symbol("a")
    f = sg.lambdify([x, a], a * x - a * sg.sin(x) + a**2)
    assert f(1e-6, 1e-9) == pytest.approx(1e-18 + 1e-9 * 1e-18 / 6, rel=1e-15)
    g = sg.lambdify([x, a], sg.sin(a * x) - a * x)
    assert g(1e-4, 1e-2) == pytest.approx(-1e-18 / 6, rel=1e-11)


def test_values_that_were_given_stay():
    f = sg.lambdify(x, sg.where(sg.equal(x, 0), 5.0, sg.sin(x) - x))
    assert f(0.0) == 5.0 and f(1e-5) == pytest.approx(-1e-15 / 6, rel=1e-9)


def test_what_does_not_cancel_is_left():
    for e in (x + sg.sin(x), sg.exp(x) + x, x**2 - x, sg.cos(x) - 2 * sg.sin(x)):
        assert "where" not in sg.lambdify(x, e).source
