"""Forms keep their digits: values and three derivatives against mpmath, at the edges and in between.

Each row is a formula as people write it, the same function for mpmath, and the points where it is
compared. A result may be off by 1e-12, and by what the rounding of the argument alone changes.
"""

import functools
import math
from typing import NamedTuple

import mpmath as mp
import numpy as np
import pytest

import symgrad as sg
from symgrad import special as s

x = sg.symbol("x")
E, L = sg.exp, sg.log
ORDERS = (0, 1, 2, 3)
DIGITS = 1e-12
EPS = 2.0**-52

MIDDLE = (1e-3, 0.5, 1.0, 5.0, 30.0, 40.0)
SMALL = (1e-300, 1e-17, 1e-8)
FAR = (700.0, 800.0, 1e4, 1e10)
UP = (*SMALL, *MIDDLE, *FAR)  # to the right of 0
DOWN = tuple(-t for t in UP)
LINE = (0.0, *UP, *DOWN)
AWAY = (*MIDDLE, *FAR)
AROUND = (0.0, *MIDDLE, *[-t for t in MIDDLE])


class Form(NamedTuple):
    """A formula, its oracle, where they are compared, and whether 0 is a singular point."""

    formula: object
    oracle: object
    points: tuple
    singular: bool = False
    orders: tuple = ORDERS


@functools.cache
def reference(name, point, order):
    """A derivative of the oracle by forward differences, and how much of it they cannot see."""
    form = FORMS[name]
    with mp.workdps(40):
        t = mp.mpf(point)
        value = form.oracle(t)
        if not order:
            return value, 0
        size = abs(t) if form.singular or abs(t) > 1 else mp.mpf(1)
        derivative = mp.diff(form.oracle, t, order, h=size * mp.mpf(10) ** -25)  # raises the digits
        return derivative, abs(value) * mp.mpf(10) ** -36 / size**order


def is_close(got, name, point, order):
    """Whether a value is right to the digits, and to what the condition of the problem allows."""
    expected, unseen = reference(name, point, order)
    slope, _ = reference(name, point, order + 1)
    condition = abs(point * slope / expected) if expected else 0
    digits = DIGITS + 4 * EPS * min(condition, 1e20)
    return abs(got - expected) <= digits * abs(expected) + unseen + 1e-300


def ndtr(t):
    return mp.erfc(-t / mp.sqrt(2)) / 2


def log1mexp(t):
    return mp.log(-mp.expm1(t)) if t > -1 else mp.log1p(-mp.exp(t))


def log_ndtr(t):
    return mp.log1p(-ndtr(-t)) if t > 1 else mp.log(ndtr(t))


def log_erfc(t):
    return (
        mp.log1p(-mp.erf(t))
        if abs(t) < 0.1
        else mp.log1p(-1 + mp.erfc(t))
        if t < 0
        else mp.log(mp.erfc(t))
    )


def dawsn(t):
    if abs(t) < 22:
        with mp.workdps(mp.mp.dps + int(0.9 * float(t) ** 2)):
            return mp.sqrt(mp.pi) / 2 * mp.exp(-t * t) * mp.erfi(t)
    total, term, n = mp.mpf(0), 1 / (2 * t), 0
    while abs(term) > mp.eps * abs(total):
        total, term, n = total + term, term * (2 * n + 1) / (2 * t * t), n + 1
    return total


def log_cosh(t):
    return (
        mp.log1p(2 * mp.sinh(t / 2) ** 2)
        if abs(t) < 1
        else abs(t) + mp.log1p(mp.exp(-2 * abs(t))) - mp.log(2)
    )


def log1p_tanh(t):
    return (
        mp.log(2) - mp.log1p(mp.exp(-2 * t))
        if t > 0
        else mp.log(2) + 2 * t - mp.log1p(mp.exp(2 * t))
    )


def log_tanh(t):
    return log1mexp(-2 * t) - mp.log1p(mp.exp(-2 * t))


def expit(t):
    return 1 / (1 + mp.exp(-t))


def far_bessel(v, t, sign):
    """The asymptotic series of the scaled functions; DLMF 10.40."""
    total, term, k = mp.mpf(0), mp.mpf(1), 0
    while abs(term) > mp.eps * abs(total):
        total, k = total + term, k + 1
        term *= sign * (4 * mp.mpf(v) ** 2 - (2 * k - 1) ** 2) / (8 * k * t)
    return total


def ive(v, t):
    far = far_bessel(v, t, -1) / mp.sqrt(2 * mp.pi * t) if t > 600 else None
    return mp.exp(-t) * mp.besseli(v, t) if far is None else far


def kve(v, t):
    if t > 600:
        return far_bessel(v, t, 1) * mp.sqrt(mp.pi / (2 * t))
    step, total, k = 23 / mp.mp.dps / mp.mpf(6), mp.mpf(0), 0  # the trapezoidal rule for 10.32.9
    while True:
        term = mp.exp(-2 * t * mp.sinh(k * step / 2) ** 2) * mp.cosh(v * k * step)
        total, k = total + term * (1 if k else mp.mpf(0.5)), k + 1
        if term < mp.eps * total:
            return total * step


TAIL_DOWN = (
    0.0,
    1e-8,
    -1e-8,
    -1e-3,
    0.5,
    -0.5,
    1.0,
    -1.0,
    -5.0,
    5.0,
    -30.0,
    -40.0,
    -700.0,
    -800.0,
    -1e3,
    -1e4,
)
BESSEL = (1e-3, 0.5, 1.9, 5.0, 30.0, 700.0, 800.0, 1e4, 1e10)
OF_K = (0.5, 5.0, 800.0, 1e4, 1e10)
FORMS = {
    # exponentials
    "log(1 - exp(x))": Form(L(1 - E(x)), log1mexp, DOWN, True),
    "log(-expm1(x))": Form(L(-sg.expm1(x)), log1mexp, DOWN, True),
    "log1p(-exp(x))": Form(sg.log1p(-E(x)), log1mexp, DOWN, True),
    "log(1 - exp(-2*x))": Form(L(1 - E(-2 * x)), lambda t: log1mexp(-2 * t), UP, True),
    "3*log(2 - 2*exp(-x))": Form(
        3 * L(2 - 2 * E(-x)),
        lambda t: 3 * (mp.log(2) + log1mexp(-t)),
        (*SMALL, 0.5, 30.0, 800.0, 1e4),
        True,
    ),
    "log(exp(x) - 1)": Form(L(E(x) - 1), lambda t: t + log1mexp(-t), UP, True),
    "log(expm1(x))": Form(L(sg.expm1(x)), lambda t: t + log1mexp(-t), UP, True),
    "log(exp(x) - exp(-x))": Form(L(E(x) - E(-x)), lambda t: t + log1mexp(-2 * t), UP, True),
    "log(exp(3*x) - exp(2*x))": Form(
        L(E(3 * x) - E(2 * x)), lambda t: 3 * t + log1mexp(-t), UP, True
    ),
    "log(exp(x) - 2)": Form(
        L(E(x) - 2), lambda t: t + mp.log1p(-2 * mp.exp(-t)), (1.0, 5.0, 30.0, 800.0, 1e4)
    ),
    "1/(exp(x) - 1)": Form(1 / (E(x) - 1), lambda t: 1 / mp.expm1(t), (*UP, *DOWN), True),
    "x/(exp(x) - 1)**2": Form(
        x / (E(x) - 1) ** 2,
        lambda t: t / mp.expm1(t) ** 2,
        (*MIDDLE, 800.0, -1.0, -30.0, -800.0),
        True,
    ),
    "exp(x)/(exp(x) - 1)": Form(
        E(x) / (E(x) - 1), lambda t: -1 / mp.expm1(-t), (*MIDDLE, *FAR, -1.0, -800.0), True
    ),
    # the logistic function
    "sigmoid(x)": Form(sg.sigmoid(x), expit, LINE),
    "1 - sigmoid(x)": Form(1 - sg.sigmoid(x), lambda t: expit(-t), LINE),
    "s*(1 - s)": Form(sg.sigmoid(x) * (1 - sg.sigmoid(x)), lambda t: expit(t) * expit(-t), LINE),
    "s - s**2": Form(sg.sigmoid(x) - sg.sigmoid(x) ** 2, lambda t: expit(t) * expit(-t), LINE),
    "s**2 - s**3": Form(
        sg.sigmoid(x) ** 2 - sg.sigmoid(x) ** 3, lambda t: expit(t) ** 2 * expit(-t), LINE
    ),
    "log(1 - sigmoid(x))": Form(L(1 - sg.sigmoid(x)), lambda t: -mp.log1p(mp.exp(t)), LINE),
    "1/(1 + exp(-3*x))": Form(1 / (1 + E(-3 * x)), lambda t: expit(3 * t), LINE),
    "log(sigmoid(x))": Form(L(sg.sigmoid(x)), lambda t: -mp.log1p(mp.exp(-t)), LINE),
    # hyperbolic functions
    "tanh(x)": Form(sg.tanh(x), mp.tanh, LINE),
    "1 - tanh(x)**2": Form(1 - sg.tanh(x) ** 2, lambda t: mp.sech(t) ** 2, LINE),
    "3*tanh(-2*x)**2 - 3": Form(
        3 * sg.tanh(-2 * x) ** 2 - 3, lambda t: -3 * mp.sech(2 * t) ** 2, LINE
    ),
    "x - x*tanh(x)**2": Form(x - x * sg.tanh(x) ** 2, lambda t: t * mp.sech(t) ** 2, LINE),
    "1 - tanh(x)": Form(1 - sg.tanh(x), lambda t: 2 * expit(-2 * t), LINE),
    "tanh(x) + 1": Form(sg.tanh(x) + 1, lambda t: 2 * expit(2 * t), LINE),
    "1 - tanh(x)**4": Form(
        1 - sg.tanh(x) ** 4, lambda t: mp.sech(t) ** 2 * (1 + mp.tanh(t) ** 2), LINE
    ),
    "log(1 - tanh(x)**2)": Form(L(1 - sg.tanh(x) ** 2), lambda t: -2 * log_cosh(t), LINE),
    "log(1 + tanh(x))": Form(L(1 + sg.tanh(x)), log1p_tanh, LINE),
    "log1p(-tanh(x))": Form(sg.log1p(-sg.tanh(x)), lambda t: log1p_tanh(-t), LINE),
    "log(cosh(x))": Form(L(sg.cosh(x)), log_cosh, LINE),
    "log((exp(x) + exp(-x))/2)": Form(L((E(x) + E(-x)) / 2), log_cosh, LINE),
    "log(sinh(x))": Form(L(sg.sinh(x)), lambda t: t - mp.log(2) + log1mexp(-2 * t), UP, True),
    "log(tanh(x))": Form(L(sg.tanh(x)), log_tanh, UP, True),
    "1/cosh(x)": Form(1 / sg.cosh(x), mp.sech, LINE),
    "cosh(x)**-2": Form(sg.cosh(x) ** -2, lambda t: mp.sech(t) ** 2, LINE),
    "1/sinh(x)": Form(1 / sg.sinh(x), mp.csch, (*UP[1:], *DOWN[1:]), True),
    "x/sinh(x)**2": Form(
        x / sg.sinh(x) ** 2, lambda t: t * mp.csch(t) ** 2, (*MIDDLE, -1.0, -30.0, 800.0), True
    ),
    "cosh(x)/sinh(x)": Form(sg.cosh(x) / sg.sinh(x), mp.coth, (*MIDDLE, *FAR), True),
    "2/(exp(x) + exp(-x))": Form(2 / (E(x) + E(-x)), mp.sech, LINE),
    "log(1/cosh(x))": Form(L(1 / sg.cosh(x)), lambda t: -log_cosh(t), LINE),
    # exponentials of exponentials
    "exp(-exp(x))": Form(
        E(-E(x)), lambda t: mp.exp(-mp.exp(t)), (*AROUND, 700.0, 800.0, *[-t for t in FAR])
    ),
    "exp(x - exp(x))": Form(
        E(x - E(x)), lambda t: mp.exp(t - mp.exp(t)), (*AROUND, 700.0, 800.0, -800.0)
    ),
    "exp(-(x + exp(-x)))": Form(
        E(-(x + E(-x))), lambda t: mp.exp(-t - mp.exp(-t)), (*AROUND, 800.0, -800.0)
    ),
    "exp(-2*(exp(x) - 1))": Form(
        E(-2 * (E(x) - 1)), lambda t: mp.exp(-2 * mp.expm1(t)), (*AROUND, 800.0, -800.0)
    ),
    "1 - exp(-exp(x))": Form(
        1 - E(-E(x)), lambda t: -mp.expm1(-mp.exp(t)), (*AROUND, 800.0, -700.0)
    ),
    # tails of the normal distribution
    "log(ndtr(x))": Form(L(s.ndtr(x)), log_ndtr, TAIL_DOWN),
    "log_ndtr(x)": Form(s.log_ndtr(x), log_ndtr, TAIL_DOWN),
    "log(1 - ndtr(x))": Form(
        L(1 - s.ndtr(x)), lambda t: log_ndtr(-t), tuple(-t for t in TAIL_DOWN)
    ),
    "log(erfc(x))": Form(L(s.erfc(x)), log_erfc, tuple(-t for t in TAIL_DOWN)),
    "log(1 - erf(x))": Form(L(1 - s.erf(x)), log_erfc, tuple(-t for t in TAIL_DOWN)),
    "log(0.5*erfc(-x))": Form(
        L(0.5 * s.erfc(-x)), lambda t: log_erfc(-t) - mp.log(2), tuple(t for t in TAIL_DOWN)
    ),
    "log1p(-erf(2*x))": Form(
        sg.log1p(-s.erf(2 * x)), lambda t: log_erfc(2 * t), tuple(-t for t in TAIL_DOWN)
    ),
    "log(erf(x))": Form(
        L(s.erf(x)),
        lambda t: mp.log(mp.erf(t)) if t < 1 else mp.log1p(-mp.erfc(t)),
        (*MIDDLE[:4], 6.0, 20.0),
        True,
    ),
    "1 - erf(x)": Form(1 - s.erf(x), mp.erfc, (*AROUND, 26.0)),
    "1 + erf(x)": Form(1 + s.erf(x), lambda t: mp.erfc(-t), AROUND),
    "1 - ndtr(x)": Form(1 - s.ndtr(x), lambda t: ndtr(-t), AROUND),
    "ndtr(x) - ndtr(x)**2": Form(
        s.ndtr(x) - s.ndtr(x) ** 2, lambda t: ndtr(t) * ndtr(-t), (0.0, 0.5, -0.5, 5.0, -5.0, 8.0)
    ),
    "exp(-x**2)/erfc(x)": Form(
        E(-(x**2)) / s.erfc(x),
        lambda t: mp.exp(-t * t) / mp.erfc(t),
        (0.0, 0.5, -0.5, 1.0, 5.0, -5.0, 30.0, 700.0, 1e4),
    ),
    "density/ndtr": Form(
        E(-(x**2) / 2) / (sg.sqrt(2 * sg.pi) * s.ndtr(x)),
        lambda t: mp.npdf(t) / ndtr(t),
        (0.0, 0.5, 1.0, 5.0, -5.0, -40.0, -1e3),
    ),
    "ndtr(-x)/density": Form(
        s.ndtr(-x) * E(x**2 / 2),
        lambda t: ndtr(-t) * mp.exp(t * t / 2),
        (0.0, 0.5, 1.0, 5.0, -5.0, 40.0, 1e3),
    ),
    "erfcx(x)": Form(
        s.erfcx(x),
        lambda t: mp.exp(t * t) * mp.erfc(t),
        (0.0, 1e-8, 0.5, -0.5, 1.0, -5.0, 5.0, 30.0, 700.0, 1e4),
    ),
    "exp(x**2)*erfc(x)": Form(
        E(x**2) * s.erfc(x),
        lambda t: mp.exp(t * t) * mp.erfc(t),
        (0.0, 0.5, -0.5, 1.0, 5.0, 30.0, 1e4),
    ),
    "log(erfcx(x))": Form(
        L(s.erfcx(x)), lambda t: t * t + mp.log(mp.erfc(t)), (1e-3, 0.5, 1.0, 5.0, 30.0, 1e4)
    ),
    "dawsn(x)": Form(
        s.dawsn(x), dawsn, (0.0, 1e-8, 0.5, -0.5, 1.0, 5.0, -5.0, 30.0, 700.0, 1e4, -1e4, 1e10)
    ),
    # the gamma family
    "log(gamma(x))": Form(
        L(s.gamma(x)), mp.loggamma, (1e-8, 1e-3, 0.5, 5.0, 30.0, 200.0, 1e4), True
    ),
    "log(gamma(x + 1)/gamma(2*x))": Form(
        L(s.gamma(x + 1) / s.gamma(2 * x)),
        lambda t: mp.loggamma(t + 1) - mp.loggamma(2 * t),
        (0.5, 5.0, 200.0, 1e4),
        True,
    ),
    # Bessel functions
    "i0e(x)": Form(s.i0e(x), lambda t: ive(0, t), BESSEL),
    "i1e(x)": Form(s.i1e(x), lambda t: ive(1, t), BESSEL),
    "k0e(x)": Form(s.k0e(x), lambda t: kve(0, t), OF_K, True),
    "k1e(x)": Form(s.k1e(x), lambda t: kve(1, t), OF_K, True),
    "exp(-x)*i0(x)": Form(E(-x) * s.i0(x), lambda t: ive(0, t), BESSEL),
    "k1(x)*exp(x)": Form(s.k1(x) * E(x), lambda t: kve(1, t), OF_K, True),
    "log(i0(x))": Form(L(s.i0(x)), lambda t: mp.log(ive(0, t)) + t, (1e-8, *BESSEL)),
    "log(i1(x))": Form(L(s.i1(x)), lambda t: mp.log(ive(1, t)) + t, BESSEL, True),
    "log(iv(5/2, x))": Form(
        L(s.iv(2.5, x)), lambda t: mp.log(ive(2.5, t)) + t, (0.5, 1.0, 5.0, 30.0, 800.0), True
    ),
    "log(k0(x))": Form(L(s.k0(x)), lambda t: mp.log(kve(0, t)) - t, OF_K, True),
    "log(kv(3, x))": Form(L(s.kv(3, x)), lambda t: mp.log(kve(3, t)) - t, OF_K, True),
    "log(2*pi*i0(x))": Form(
        L(2 * sg.pi * s.i0(x)), lambda t: mp.log(2 * mp.pi * ive(0, t)) + t, BESSEL
    ),
    "i1(x)/i0(x)": Form(s.i1(x) / s.i0(x), lambda t: ive(1, t) / ive(0, t), (1e-8, *BESSEL)),
    "k1(x)/k0(x)": Form(s.k1(x) / s.k0(x), lambda t: kve(1, t) / kve(0, t), OF_K, True),
    "exp(x*0.5)/i0(x)": Form(
        E(0.5 * x) / s.i0(x), lambda t: mp.exp(-t / 2) / ive(0, t), (0.5, 5.0, 30.0, 800.0)
    ),
}


def places(form, name, order):
    """The points at which the result is a double; next to 0 derivatives are seen by those of 0."""
    points = [p for p in form.points if form.singular or order == 0 or not 0 < abs(p) < 1e-100]
    return [p for p in points if abs(reference(name, p, order)[0]) < 1e305]


@pytest.mark.parametrize("name", FORMS)
def test_value_and_three_derivatives(name):
    form = FORMS[name]
    for order in form.orders:
        f = sg.lambdify(x, sg.diff(form.formula, x, order))
        points = places(form, name, order)
        with np.errstate(divide="ignore"):
            on_arrays = f(np.array(points))
        for point, entry in zip(points, on_arrays.tolist(), strict=True):
            for got in (f(point), entry):
                assert math.isfinite(got), (order, point, got)
                assert is_close(got, name, point, order), (order, point, got)


# Sums of exponentials, shifted by hand

u = sg.vector("u", "n")
U = sg.matrix("U", ("m", "n"))
ROWS = np.array([[1000.0, 999.0, -1000.0], [0.0, 0.0, -40.0]])


def shifted(v, axis=None):
    """As it is written by hand, with the axis kept."""
    top = sg.max(v, axis=axis, keepdims=True)
    return top + sg.log(sg.sum(sg.exp(v - top), axis=axis, keepdims=True))


HAND_SHIFTED = {
    "max(u) + log(sum(exp(u - max(u))))": lambda: sg.max(U[0]) + L(sg.sum(E(U[0] - sg.max(U[0])))),
    "keepdims": lambda: sg.sum(shifted(U, 1)),
    "over all": lambda: sg.sum(shifted(U)),
    "by columns": lambda: sg.sum(shifted(U.T, 0)),
    "without the axis": lambda: sg.sum(
        L(sg.sum(E(U - sg.max(U, axis=1)[:, None]), axis=1)) + sg.max(U, axis=1)
    ),
    "twice": lambda: 2 * sg.max(U[0]) + 2 * L(sg.sum(E(U[0] - sg.max(U[0])))),
}


@pytest.mark.parametrize("name", HAND_SHIFTED)
def test_shifted_logsumexp_is_one_function(name):
    """No `where` of maxima is left in its gradient, at ties neither; value and gradient are right."""
    e = HAND_SHIFTED[name]()
    gradient = sg.grad(e, U)
    assert "where" not in str(gradient)
    plain = {
        "over all": sg.logsumexp(U),
        "max(u) + log(sum(exp(u - max(u))))": sg.logsumexp(U[0]),
        "twice": 2 * sg.logsumexp(U[0]),
    }.get(name, sg.sum(sg.logsumexp(U, axis=1)))
    at = {U: ROWS}
    np.testing.assert_allclose(sg.evaluate(e, at), sg.evaluate(plain, at), rtol=1e-15)
    expected = sg.evaluate(sg.grad(plain, U), at)
    np.testing.assert_allclose(sg.evaluate(gradient, at), expected, rtol=1e-14)


def test_a_shift_that_varies_along_the_summed_axis_stays():
    """``u[i] - logsumexp(u - m)`` has no shift u: only what is the same along the axis may be one."""
    e = (u - sg.max(u) - L(sg.sum(E(u - sg.max(u)))))[0]
    row = ROWS[1]
    share = np.exp(row - np.logaddexp.reduce(row))
    np.testing.assert_allclose(sg.evaluate(sg.grad(e, u), {u: row}), [1, 0, 0] - share, rtol=1e-13)


def test_logsumexp_of_nothing_but_minus_infinity():
    rows = np.array([[-np.inf, -np.inf], [0.0, -np.inf]])
    assert sg.evaluate(sg.logsumexp(U, axis=1), {U: rows}).tolist() == [-np.inf, 0.0]
    with np.errstate(invalid="ignore"):
        share = sg.evaluate(sg.softmax(U, axis=1), {U: rows})
    assert np.isnan(share[0]).all() and share[1].tolist() == [1.0, 0.0]


# Two variables


def test_logarithm_of_a_difference_of_exponentials():
    a, b = sg.symbols("a b")
    e = L(E(a) - E(b))
    f = sg.lambdify([a, b], [e, sg.diff(e, a), sg.diff(e, b), sg.diff(sg.diff(e, a), b)])
    with mp.workdps(60):
        for p, q in ((-800.0, -801.0), (0.0, -1e-20), (900.0, 0.0), (900.0, 899.0), (1.0, -50.0)):
            gap = mp.mpf(q) - mp.mpf(p)
            slope = -1 / mp.expm1(gap)
            expected = (p + log1mexp(gap), slope, 1 - slope, slope * (slope - 1))
            for got, want in zip(f(p, q), expected, strict=True):
                assert got == pytest.approx(float(want), rel=1e-13, abs=1e-300)


def test_saved_modules_hold_what_they_need(tmp_path):
    f = sg.lambdify(x, sg.diff(L(s.ndtr(x)) + L(s.i0(x)) + s.dawsn(x) + s.k0e(-x), x, 3))
    f.save(str(tmp_path / "saved.py"))
    space = {}
    exec((tmp_path / "saved.py").read_text(), space)
    assert space["f"](-30.0) == f(-30.0)


def test_logistic_to_the_smallest_floats():
    points = np.array([-745.0, -740.0, -709.5, -30.0, 0.0, 800.0, np.inf, -np.inf])
    got = sg.lambdify(x, sg.special.expit(x))(points)
    with mp.workdps(40):
        want = [float(1 / (1 + mp.exp(-mp.mpf(p)))) for p in points[:-2]]
    assert np.allclose(got, [*want, 1.0, 0.0], rtol=1e-15, atol=5e-324)
    single = sg.symbol("s", dtype="float32")
    got = sg.lambdify(single, sg.special.expit(single))(np.array([-100, 2], np.float32))
    assert got.dtype == np.float32 and got[0] == pytest.approx(3.8e-44, rel=0.05)


@pytest.mark.parametrize("size", [3, 200_000])
@pytest.mark.parametrize(
    "formula",
    [sg.norm, lambda v: sg.norm(v, 3), sg.std, lambda v: sg.sqrt(v @ v)],
)
def test_gradients_that_are_nan_raise_no_warning(formula, size):
    v = sg.vector("v", "n")
    assert np.isnan(sg.lambdify(v, sg.grad(formula(v), v))(np.zeros(size))).all()


@pytest.mark.parametrize("rows", [2, 20_000])
def test_rows_that_are_all_minus_infinity_raise_no_warning(rows):
    m = sg.matrix("M", ("m", "n"))
    X = np.zeros((rows, 10))
    X[1] = -np.inf
    for function, first, second in (
        (sg.softmax, 0.1, np.nan),
        (sg.log_softmax, -np.log(10), np.nan),
        (sg.logsumexp, np.log(10), -np.inf),
    ):
        got = sg.lambdify(m, function(m, axis=1))(X)
        assert np.allclose(got[0], first) and np.array_equal(
            got[1], np.full(got[1].shape, second), True
        )


def test_log1p_of_a_squared_tanh():
    f = sg.lambdify(x, sg.log1p(-(sg.tanh(x) ** 2)))
    assert [f(0.5), f(20.0)] == pytest.approx([-0.2402290139165550, -38.61370563888011], rel=1e-14)
