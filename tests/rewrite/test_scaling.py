"""Roots of sums of squares, and their derivatives, from 1e-320 to 1e300; warnings are errors here.

Every expected value is that at ordinary arguments, times the power of ten by which the arguments differ.
"""

import math

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.ops.arithmetic import raw_product

x, y = sg.symbols("x y")
v, M = sg.vector("v", "n"), sg.matrix("M", ("m", "n"))
SCALES = (1e200, 1e-200)

HOMOGENEOUS = {  # the degree of the value
    "hypot": (sg.hypot(x, y), 1),
    "written out": (sg.sqrt(x**2 + y**2), 1),
    "with factors": (sg.sqrt(9 * x**2 + 4 * y**2), 1),
    "nested": (sg.hypot(sg.hypot(x, y), 2 * x), 1),
    "three": (sg.sqrt(x**2 + y**2 + (x - y) ** 2), 1),
    "arctan2": (sg.arctan2(y, x), 0),
    "unit": (x / sg.sqrt(x**2 + y**2), 0),
    "cosine": (x / sg.hypot(x, y), 0),
}


@pytest.mark.parametrize("name", HOMOGENEOUS)
@pytest.mark.parametrize("scale", SCALES)
def test_functions_of_two(name, scale):
    e, degree = HOMOGENEOUS[name]
    orders = {0: [e], 1: [sg.diff(e, x), sg.diff(e, y)]}
    if degree:
        orders[2] = [sg.diff(e, x, 2), sg.diff(sg.diff(e, x), y), sg.diff(e, y, 2)]
    for order, formulas in orders.items():
        f = sg.lambdify([x, y], formulas)
        want = np.array(f(3.0, -2.0)) * scale ** (degree - order)
        np.testing.assert_allclose(f(3 * scale, -2 * scale), want, rtol=1e-13)
        arrays = f(np.array([3 * scale, 3.0]), np.array([-2 * scale, -2.0]))
        np.testing.assert_allclose(np.array(arrays)[:, 0], want, rtol=1e-13)


@pytest.mark.parametrize("order", [None, 1, 2, 3, 4, 1.5, 2.5, np.inf, -np.inf])
@pytest.mark.parametrize("scale", [*SCALES, 1e-320])
def test_norms_of_vectors(order, scale):
    e = sg.norm(v, order)
    at = np.array([3.0, -4.0, 5.0])
    digits = 1e-13 if scale > 1e-300 else 1e-3
    value, slope = sg.lambdify(v, e), sg.lambdify(v, sg.grad(e, v))
    for _ in range(2):  # the second call may run other code
        np.testing.assert_allclose(value(at * scale), value(at) * scale, rtol=digits)
        np.testing.assert_allclose(slope(at * scale), slope(at), rtol=digits)
    assert value(at) == pytest.approx(np.linalg.norm(at, order), rel=1e-14)
    assert value(np.zeros(3)) == 0


@pytest.mark.parametrize("scale", SCALES)
def test_hessian_of_a_norm(scale):
    f = sg.lambdify(v, sg.hessian(sg.norm(v), v))
    at = np.array([3.0, -4.0])
    np.testing.assert_allclose(f(at * scale), f(at) / scale, rtol=1e-13)
    w = sg.vector("w", 2)
    g = sg.lambdify(w, sg.hessian(sg.norm(w), w))
    for _ in range(2):
        np.testing.assert_allclose(g(at * scale), f(at) / scale, rtol=1e-13)


@pytest.mark.parametrize(
    "options", [{}, {"axis": 1}, {"axis": 0, "keepdims": True}, {"ord": "fro"}]
)
@pytest.mark.parametrize("scale", SCALES)
def test_norms_of_matrices(options, scale):
    f = sg.lambdify(M, sg.grad(sg.sum(sg.norm(M, **options)), M))
    at = np.array([[3.0, -4.0, 1.0], [0.5, 2.0, -1.0]])
    np.testing.assert_allclose(f(at * scale), f(at), rtol=1e-13)
    mixed = at * np.array([[scale], [1.0]])
    if options.get("axis") == 1:
        np.testing.assert_allclose(f(mixed), f(at), rtol=1e-13)


@pytest.mark.parametrize(
    ("e", "exact", "points"),
    [
        (sg.arcsinh(x), mpmath.asinh, (1e200, -1e200, 1e-200, 1e-320, 0.5)),
        (sg.sqrt(1 + x**2), lambda z: mpmath.sqrt(1 + z**2), (1e200, -1e200, 1e-200, 1e-320)),
        (sg.arctan(x), mpmath.atan, (1e200, -1e200, 1e-200, 1e-320, 0.5)),
        (1 / (1 + x**2), lambda z: 1 / (1 + z**2), (1e200, -1e200, 1e-200, 1e-320)),
        (x / (1 + x**2), lambda z: z / (1 + z**2), (1e200, -1e200, 1e-200, 1e-320)),
        (sg.arccosh(x), mpmath.acosh, (1e200, 1.0000001, 3.0)),
        (sg.sqrt(x**2 - 1), lambda z: mpmath.sqrt(z**2 - 1), (1e200, -1e200, 1.0000001)),
        (sg.arctanh(x), mpmath.atanh, (1e-200, 1e-320, 0.9999999999, -0.5)),
        (sg.arcsin(x), mpmath.asin, (1e-200, 1e-320, 0.9999999999, -0.5)),
    ],
    ids=lambda value: str(value) if isinstance(value, sg.Expr) else "",
)
def test_functions_of_one_to_second_order(e, exact, points):
    for order in range(3):
        f = sg.lambdify(x, sg.diff(e, x, order))
        many = f(np.array(points)).tolist()
        for p, got in zip(points, many, strict=True):
            with mpmath.workdps(700):
                want = float(mpmath.diff(exact, mpmath.mpf(p), order, h=mpmath.mpf(10) ** -360))
            assert got == pytest.approx(want, rel=1e-13, abs=1e-320)
            assert f(p) == pytest.approx(want, rel=1e-13, abs=1e-320)


def test_differences_of_squares_do_not_cancel():
    f = sg.lambdify([x, y], x**2 - y**2)
    a, b = 1 + 2.0**-30, 1 - 2.0**-40
    with mpmath.workdps(60):
        want = float(mpmath.mpf(a) ** 2 - mpmath.mpf(b) ** 2)
    assert f(a, b) == pytest.approx(want, rel=1e-15)
    assert f(np.array([a]), np.array([b]))[0] == pytest.approx(want, rel=1e-15)


def test_infinite_and_missing_entries_stay():
    f = sg.lambdify(v, sg.norm(v))
    assert f(np.array([np.inf, 1.0])) == np.inf
    assert np.isnan(f(np.array([np.nan, 1.0])))
    assert f(np.zeros(0)) == 0


@pytest.mark.parametrize("size", ["n", 3])
@pytest.mark.parametrize("scale", SCALES)
def test_standard_deviations(size, scale):
    u = sg.vector("u", size)
    at = np.array([3.0, -4.0, 5.0])
    value, slope = sg.lambdify(u, sg.std(u)), sg.lambdify(u, sg.grad(sg.std(u), u))
    for _ in range(2):
        assert value(at * scale) == pytest.approx(np.std(at) * scale, rel=1e-13)
        np.testing.assert_allclose(slope(at * scale), slope(at), rtol=1e-12)


@pytest.mark.parametrize("power", [3, 2.5, 5])
def test_what_vanishes_faster_than_the_root_that_divides_it(power):
    """Second derivatives of the p-th power of a distance, p > 2, are 0 at the origin."""
    pairs = [(x, x), (x, y), (y, y)]
    for e in ((x**2 + y**2) ** (power / 2), sg.hypot(x, y) ** power):
        f = sg.lambdify([x, y], [sg.diff(e, *pair) for pair in pairs])
        assert [float(d) for d in f(0.0, 0.0)] == [0, 0, 0]
        assert np.isfinite(f(np.array([0.0, 3.0]), np.array([0.0, 4.0]))).all()
        a = 5.0 ** (power - 4)
        want = [power * a * (25 + (power - 2) * s) for s in (9, 16)]
        assert f(3.0, 4.0)[::2] == pytest.approx(want, rel=1e-14)
        assert f(3.0, 4.0)[1] == pytest.approx(power * (power - 2) * a * 12, rel=1e-14)
    v = sg.vector("v", 2)
    H = sg.lambdify(v, sg.hessian(sg.norm(v) ** power, v))
    np.testing.assert_array_equal(H(np.zeros(2)), np.zeros((2, 2)))


def test_quotients_by_a_root_that_have_no_limit_stay_undefined():
    with np.errstate(all="ignore"):
        for e in (x / sg.hypot(x, y), x * y / (x**2 + y**2)):
            assert np.isnan(sg.lambdify([x, y], e)(0.0, 0.0))
    f = sg.lambdify([x, y], 3 * (2 * x**2 + y**2) / sg.sqrt(x**2 + y**2))
    assert f(3e200, 4e200) == pytest.approx(20.4e200, rel=1e-15)
    assert f(3e-200, 4e-200) == pytest.approx(20.4e-200, rel=1e-15)


FAR = {  # of s = x/c, with values and derivatives by s
    "square": (lambda s: s**2 - 2, lambda s: 2 * s),
    "product": (lambda s: s * (2 * s), lambda s: 4 * s),
    "polynomial": (lambda s: s**2 + 3 * s + 1, lambda s: 2 * s + 3),
    "power of a power": (lambda s: (s**2) ** 2, lambda s: 4 * s**3),
    "root": (lambda s: sg.sqrt(s**2 + 1), lambda s: s / np.sqrt(s**2 + 1)),
    "gaussian": (lambda s: sg.exp(-(s**2)), lambda s: -2 * s * np.exp(-(s**2))),
}


@pytest.mark.parametrize("c", [1e170, 1e-170, 1e-100])
@pytest.mark.parametrize("name", FAR)
def test_numbers_whose_products_leave_the_range_of_floats(name, c):
    """As units that x is measured in: (x/c)**2 is an ordinary number where neither c**2 nor x**2 is."""
    f, slope = FAR[name]
    e, s = f(x / c), 1.5
    value = float(sg.evaluate(f(y), {y: s}))
    assert sg.lambdify(x, e)(s * c) == pytest.approx(value, rel=1e-13)
    assert sg.lambdify(x, sg.simplify(e))(s * c) == pytest.approx(value, rel=1e-13)
    for d in (sg.diff(e, x), sg.simplify(sg.diff(e, x))):
        assert sg.lambdify(x, d)(s * c) == pytest.approx(slope(s) / c, rel=1e-13)
    v, A = sg.vector("v", 3), sg.matrix("A", (3, 3))
    at, a = np.array([0.5, 1.0, 1.5]), np.diag([1.0, 2.0, 3.0])
    g = sg.lambdify(v, sg.grad(sg.sum(f(v / c)), v))(at * c)
    np.testing.assert_allclose(g, slope(at) / c, rtol=1e-13)
    quadratic = (v / c) @ (A @ (v / c))
    both = sg.lambdify([v, A], [sg.simplify(quadratic), sg.grad(quadratic, v)])(at * c, a)
    assert both[0] == pytest.approx(at @ a @ at) and both[1] == pytest.approx(2 * a @ at / c)


@pytest.mark.parametrize("c", [1e170, 1e-170])
def test_roots_of_formulas_in_far_units(c):
    v = sg.vector("v", 2)
    for F, unknown, start in (((x / c) ** 2 - 2, x, 3 * c), ((v / c) ** 2 - 2, v, np.full(2, c))):
        found = sg.newton_root(F, unknown)(start)
        assert found.converged
        np.testing.assert_allclose(found.x, np.sqrt(2) * c, rtol=1e-14)


@pytest.mark.parametrize("outer", [sg.square, sg.sin, sg.arctanh])
def test_a_divisor_that_stands_twice_divides_twice(outer):
    """Products of transposes, written out, hold 1/(D**2 + 1) as two factors of their own."""
    D, V = sg.matrix("D", (2, 3)), np.array([[1.0, 2.0, -1.0], [0.5, 0.3, 0.7]])
    at = np.array([[1.079, 1.114, 1.22], [0.751, 0.799, -0.733]])
    f = sg.sum(outer(sg.log(D**2 + 1).T / 4) * np.arange(1.0, 7).reshape(3, 2))
    gradient = sg.lambdify(D, sg.grad(f, D))
    want = (gradient(at + 1e-5 * V) - gradient(at - 1e-5 * V)) / 2e-5
    got = sg.lambdify(D, sg.hvp(f, D, sg.constant(V)))(at)
    np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-8)
    S = 1 / (x**2 + 1)
    twice = raw_product((x, S, S))
    assert sg.lambdify(x, twice)(2.0) == pytest.approx(2 / 25, rel=1e-15)


FAR_AND_NEAR = (1e200, -1e200, 1e160, 3.0, -0.75, 1e-160, 1e-200)
SUMS = {  # of squares and what is never negative, with sg or mpmath as m
    "sqrt(x**2 + 9)": lambda m, x: m.sqrt(x**2 + 9),
    "sqrt(x**2 + 1/2)": lambda m, x: m.sqrt(x**2 + 0.5),
    "sqrt(2*x**2 + 3)": lambda m, x: m.sqrt(2 * x**2 + 3),
    "sqrt(x**2 + exp(1))": lambda m, x: m.sqrt(x**2 + m.exp(m.cos(0 * x))),
    "9 + 2*x**2 over a root": lambda m, x: 3 * (2 * x**2 + 9) / m.sqrt(x**2 + 9),
    "(x**2 + 9)**-(3/2)": lambda m, x: (x**2 + 9) ** -1.5,
    "(x**2 + 3)**0.1": lambda m, x: (x**2 + 3) ** 0.1,
    "x/sqrt(x**2 + 2)": lambda m, x: x / m.sqrt(x**2 + 2),
    "x/(x**2 + 5)**2": lambda m, x: x / (x**2 + 5) ** 2,
    "log(x**2 + 9)": lambda m, x: m.log(x**2 + 9),
    "log(x**2 + 1)": lambda m, x: m.log(x**2 + 1),
    "log(3*x**2 + 1)": lambda m, x: m.log(3 * x**2 + 1),
    "(2*x**2 + 1)/sqrt(x**2 + 1)": lambda m, x: (2 * x**2 + 1) / m.sqrt(x**2 + 1),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_of_squares_and_numbers(name):
    formula = SUMS[name]
    for order in range(4):
        f = sg.lambdify(x, sg.diff(formula(sg, x), x, order))
        many = f(np.array(FAR_AND_NEAR)).tolist()
        for t, of_array in zip(FAR_AND_NEAR, many, strict=True):
            with mpmath.workdps(900):
                step = mpmath.mpf(10) ** -250
                exact = mpmath.diff(lambda u: formula(mpmath, u), mpmath.mpf(t), order, h=step)
                want = float(exact)
            for got in (of_array, f(t)):
                assert got == pytest.approx(want, rel=1e-13, abs=1e-300), (order, t)


def test_what_is_infinite_is_so():
    f = sg.lambdify(x, (x**2 + 9) ** 1.5)
    assert f(1e200) == math.inf
    assert f(4.0) == 125


SEVERAL = {
    "sqrt(x**2 + y**2 + 4)": lambda m, x, y: m.sqrt(x**2 + y**2 + 4),
    "sqrt(2*x**2 + 3*y**2)": lambda m, x, y: m.sqrt(2 * x**2 + 3 * y**2),
    "sqrt(x**2 + |y|)": lambda m, x, y: m.sqrt(x**2 + abs(y)),
    "sqrt(1 + (x/y)**2)": lambda m, x, y: m.sqrt(1 + (x / y) ** 2),
    "log(x**2 + y**2)": lambda m, x, y: m.log(x**2 + y**2),
    "log(1 + x**2 + y**2)": lambda m, x, y: m.log(1 + x**2 + y**2),
    "(1 + x**2)**y": lambda m, x, y: (1 + x**2) ** y,
}


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize(
    "at", [(1e200, 0.25), (3e200, 1e200), (1e-200, 2e-200), (2.0, -3.0)], ids=str
)
def test_sums_of_several_squares(name, at):
    formula = SEVERAL[name]
    e = formula(sg, x, y)
    f = sg.lambdify([x, y], [e, sg.diff(e, x)])
    with mpmath.workdps(900):
        t, u = map(mpmath.mpf, at)
        step = mpmath.mpf(10) ** -450
        want = [formula(mpmath, t, u), mpmath.diff(lambda s: formula(mpmath, s, u), t, h=step)]
        want = [math.inf if w > 1e400 else float(w) for w in want]
    if np.isfinite(want).all():
        np.testing.assert_allclose(f(*at), want, rtol=1e-13)
        np.testing.assert_allclose(np.ravel(f(*[np.array([v]) for v in at])), want, rtol=1e-13)


def test_a_factored_difference_is_divided_as_a_whole():
    """``(x - 1)**-2*(x**2 - 1)`` far out: powers of ``x - 1`` apart were 0 and infinite, and the rest 2."""
    quotient = (x**2 - 1) / (x - 1)
    for order, want in ((1, 1.0), (2, 0.0)):
        f = sg.lambdify(x, sg.diff(quotient, x, order))
        for at in (3.0, 1e100, 1e160, -1e200):
            assert f(at) == pytest.approx(want, abs=1e-15)
