"""Formulas with removable singularities keep their digits near 0, with all derivatives.

Expected values are derivatives by mpmath: its numerical differentiation with 150 digits.
"""

import importlib.util
import math

import mpmath
import numpy as np
import pytest

import symgrad as sg

x, y, k, t = sg.symbols("x y k t")
v = sg.vector("v", "n")
POINTS = (1e-8, -1e-4, 1e-2, 0.1, 0.3, -0.6, 0.9, 2.0, 7.0)
ORDERS = range(5)

# Our formula, mpmath's, and how far the points go
FORMULAS = {
    "sin(x)/x": (lambda m, u: m.sin(u) / u, 10),
    "tan(x)/x": (lambda m, u: m.tan(u) / u, 1),
    "sinh(x)/x": (lambda m, u: m.sinh(u) / u, 10),
    "tanh(x)/x": (lambda m, u: m.tanh(u) / u, 10),
    "arctan(x)/x": (lambda m, u: m.arctan(u) / u, 10),
    "arcsin(x)/x": (lambda m, u: m.arcsin(u) / u, 1),
    "arcsinh(x)/x": (lambda m, u: m.arcsinh(u) / u, 10),
    "arctanh(x)/x": (lambda m, u: m.arctanh(u) / u, 1),
    "expm1(x)/x": (lambda m, u: m.expm1(u) / u, 10),
    "(exp(x) - 1)/x": (lambda m, u: (m.exp(u) - 1) / u, 10),
    "log1p(x)/x": (lambda m, u: m.log1p(u) / u, 10),
    "(1 - cos(x))/x**2": (lambda m, u: (1 - m.cos(u)) / u**2, 10),
    "(x - sin(x))/x**3": (lambda m, u: (u - m.sin(u)) / u**3, 10),
    "x/expm1(x)": (lambda m, u: u / m.expm1(u), 10),
    "x/sinh(x)": (lambda m, u: u / m.sinh(u), 3),
    "Langevin": (lambda m, u: 1 / m.tanh(u) - 1 / u, 3),
    "1/sin(x) - 1/x": (lambda m, u: 1 / m.sin(u) - 1 / u, 1),
    "spherical Bessel": (lambda m, u: (m.sin(u) - u * m.cos(u)) / u**2, 10),
    "(1 - cos(x))**2/x**2": (lambda m, u: (1 - m.cos(u)) ** 2 / u**2, 10),
    "sin(3*x)/x": (lambda m, u: m.sin(3 * u) / u, 10),
    "erf(x)/x": (lambda m, u: m.erf(u) / u, 10),
}


class Ours:
    erf = staticmethod(sg.special.erf)

    def __getattr__(self, name):
        return getattr(sg, name)


class Theirs:
    def __getattr__(self, name):
        return getattr(mpmath, name.replace("arc", "a"))


def derivative(formula, at, order):
    """The derivative and the next one, to 60 digits or more."""
    with mpmath.workdps(200):
        return tuple(
            mpmath.diff(lambda z: formula(Theirs(), z), mpmath.mpf(at), order + i) for i in (0, 1)
        )


def assert_close(got, formula, at, order):
    """Within 1e-13, or 100 times what the rounding of the argument would change."""
    want, slope = derivative(formula, at, order)
    slack = 1e-13 * abs(want) + 3e-14 * abs(slope * at)
    assert abs(got - want) <= slack, (order, at, got, float(want))


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("guarded", [False, True])
def test_derivatives_to_fourth_order(name, guarded):
    formula, far = FORMULAS[name]
    e = formula(Ours(), x)
    if guarded:
        with mpmath.workdps(200):
            at_zero = mpmath.chop(formula(Theirs(), mpmath.mpf(10) ** -25), 1e-20)
        e = sg.where(x == 0, float(at_zero), e)
    points = [p for p in POINTS if abs(p) < far and not (name == "x/sinh(x)" and p > 2)]
    for order in ORDERS if not guarded else (0, 1, 2, 4):
        f = sg.lambdify(x, sg.diff(e, x, order))
        for p, got in zip(points, f(np.array(points)).tolist(), strict=True):
            assert_close(got, formula, p, order)
        assert f(points[0]) == pytest.approx(f(np.array(points))[0], rel=1e-15, abs=1e-300)
        if order or guarded:  # the value as written may stay nan at 0
            near = f(1e-300)
            assert f(0.0) == pytest.approx(near, rel=1e-13, abs=1e-200)
            assert f(np.array([0.0]))[0] == pytest.approx(near, rel=1e-13, abs=1e-200)


@pytest.mark.parametrize(
    "guard",
    [
        lambda f: sg.where(x == 0, 1, f),
        lambda f: sg.where(x != 0, f, 1),
        lambda f: sg.where(abs(x) == 0, 1, f),
        lambda f: sg.where(abs(x) > 0, f, 1),
        lambda f: sg.where(sg.less(0, abs(x)), f, 1.0),
        lambda f: sg.where(2 * x == 0, 1, f),
        lambda f: sg.where(sg.logical_not(x == 0), f, 1),
    ],
)
def test_every_way_to_guard(guard):
    second = sg.diff(guard(sg.sin(x) / x), x, 2)
    f = sg.lambdify(x, second)
    assert [f(p) for p in (0.0, 1e-9)] == pytest.approx([-1 / 3, -1 / 3], rel=1e-15)


@pytest.mark.parametrize(
    "guard",
    [
        lambda f: sg.where(abs(x) < 1e-8, 1, f),
        lambda f: sg.where(abs(x) > 1e-8, f, 1.0),
        lambda f: sg.where(sg.less(1e-12, abs(2 * x)), f, 1),
        lambda f: sg.where(x**2 <= 1e-16, 1, f),
        lambda f: sg.where(abs(x) < 1e-8, 1, sg.sin(x) / sg.where(abs(x) < 1e-8, 1, x)),
    ],
)
def test_a_guard_within_which_the_formula_is_constant_but_for_rounding(guard):
    f = sg.lambdify(x, [sg.diff(guard(sg.sin(x) / x), x, n) for n in range(3)])
    for p in (0.0, 1e-12, 1e-9, 1e-7):
        assert f(p) == pytest.approx([1, -p / 3, -1 / 3], rel=1e-13, abs=1e-300)


def test_a_guard_within_which_the_formula_changes_is_a_constant_there():
    for e in (
        sg.where(abs(x) < 1e-3, 1, sg.sin(x) / x),
        sg.where(abs(x) < 1e-3, 1, sg.expm1(x) / x),
    ):
        assert sg.lambdify(x, sg.diff(e, x))(1e-4) == 0


SPECIAL = {
    "j1(x)/x": (lambda s: s.j1(x) / x, lambda m, u: m.besselj(1, u) / u),
    "i1(x)/x": (lambda s: s.i1(x) / x, lambda m, u: m.besseli(1, u) / u),
    "(1 - j0(x))/x**2": (lambda s: (1 - s.j0(x)) / x**2, lambda m, u: (1 - m.j0(u)) / u**2),
    "dawsn(x)/x": (
        lambda s: s.dawsn(x) / x,
        lambda m, u: m.sqrt(m.pi) / 2 * m.exp(-u * u) * m.erfi(u) / u,
    ),
    "(erfcx(x) - 1)/x": (
        lambda s: (s.erfcx(x) - 1) / x,
        lambda m, u: (m.exp(u * u) * m.erfc(u) - 1) / u,
    ),
    "log2(1 + x)/x": (lambda s: sg.log2(1 + x) / x, lambda m, u: m.log(1 + u, 2) / u),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_functions(name):
    ours, theirs = SPECIAL[name]
    for order in (0, 2):
        f = sg.lambdify(x, sg.diff(ours(sg.special), x, order))
        for p in (1e-9, 1e-3, 0.4):
            with mpmath.workdps(60):
                want = mpmath.diff(lambda u: theirs(mpmath, u), p, order, h=p * 1e-15)
            assert f(p) == pytest.approx(float(want), rel=1e-13)


def test_what_has_an_essential_singularity_is_left_as_written():
    """Digits of sin(sinh(1/x)) are not to be had near 0, nor looked for."""
    for outer in (sg.special.expit, sg.sin, sg.exp):
        e = outer(sg.sinh(1 / x)) * sg.cosh(1 / x) / x**2
        want = (
            (1 / 0.7**2)
            * math.cosh(1 / 0.7)
            * float(sg.evaluate(outer(x), {x: math.sinh(1 / 0.7)}))
        )
        assert sg.lambdify(x, e)(0.7) == pytest.approx(want, rel=1e-14)


def test_a_guard_with_a_safe_denominator():
    safe = sg.where(x == 0, 1, x)
    f = sg.lambdify(x, sg.diff(sg.where(x == 0, 1, sg.sin(safe) / safe), x, 2))
    assert [f(p) for p in (0.0, 1e-9)] == pytest.approx([-1 / 3, -1 / 3], rel=1e-15)


def test_a_guard_with_another_value_is_left_alone():
    e = sg.where(x == 0, 5.0, sg.sin(x) / x)
    assert sg.evaluate(e, {x: 0.0}) == 5.0
    assert sg.diff(e, x) is sg.where(x == 0, 0, sg.diff(sg.sin(x) / x, x))


def test_factors_that_do_not_go_to_zero():
    e = sg.where(x == 0, y, y * sg.sin(x) / x)
    for order, want in ((0, 3.0), (1, 0.0), (2, -1.0)):
        f = sg.lambdify([x, y], sg.diff(e, x, order))
        assert f(0.0, 3.0) == want
        assert f(1e-9, 3.0) == pytest.approx(want, abs=1e-8)
    assert sg.evaluate(sg.diff(e, y), {x: 0.0, y: 3.0}) == 1.0


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_scaled_argument(scale):
    """``sin(k*t)/(k*t)`` and ``sin(k*t)/t`` with k a symbol."""
    for e, power in ((sg.sin(k * t) / (k * t), 2), (sg.sin(k * t) / t, 3)):
        f = sg.lambdify([k, t], sg.diff(e, t, 2))
        for p in (0.0, 1e-9, 0.01, 0.3):
            want, _ = derivative(FORMULAS["sin(x)/x"][0], p or 1e-25, 2)
            assert f(scale, p / scale) == pytest.approx(float(want) * scale**power, rel=1e-12)


def test_a_radius():
    """``sin(r)/r`` of ``r = sqrt(x**2 + y**2)``."""
    r = sg.sqrt(x**2 + y**2)
    f = sg.lambdify([x, y], sg.grad(sg.sin(r) / r, [x, y]))
    assert f(3e-9, 4e-9) == pytest.approx([-1e-9, -4e-9 / 3], rel=1e-14)


def test_arrays():
    e = sg.sum(sg.where(v == 0, 1, sg.sin(v) / v))
    points = np.array([0.0, 1e-9, 0.3])
    second = [float(derivative(FORMULAS["sin(x)/x"][0], p or 1e-25, 2)[0]) for p in points]
    np.testing.assert_allclose(
        sg.evaluate(sg.hessian(e, v), {v: points}), np.diag(second), rtol=1e-13
    )
    f = sg.lambdify(x, sg.diff(sg.arctan(x) / x, x, 2))
    many = np.linspace(-3, 3, 100_001)
    some = many[::5000]
    np.testing.assert_array_equal(f(many)[::5000], [f(np.array([p]))[0] for p in some])


def test_narrow_floats_stay_narrow():
    s = sg.symbol("s", dtype="float32")
    f = sg.lambdify(s, sg.diff(sg.arctan(s) / s, s, 2))
    assert f(np.float32(1e-3)).dtype == np.float32
    assert f(np.float32(1e-3)) == pytest.approx(-2 / 3, rel=1e-5)


def test_saved_modules_hold_the_polynomial(tmp_path):
    f = sg.lambdify(x, sg.diff(sg.arctan(x) / x, x, 2), name="bend")
    f.save(tmp_path / "bend.py")
    spec = importlib.util.spec_from_file_location("bend", tmp_path / "bend.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    points = np.array([0.0, 1e-9, 0.4, 3.0])
    np.testing.assert_array_equal(module.bend(points), f(points))


@pytest.mark.parametrize("e", [sg.exp(x) / x, sg.cos(x) / x**2, sg.log(x) / x, sg.sin(1 / x) / x])
def test_poles_and_others_are_left_as_written(e):
    assert "where" not in sg.lambdify(x, e).source
    assert "where" not in sg.lambdify(x, sg.diff(e, x)).source


def test_sinc_and_exprel():
    assert np.sinc(x) is sg.sinc(x)
    points = np.array([0.0, 1e-9, 0.3, 2.5, -1.7])
    np.testing.assert_allclose(sg.evaluate(sg.sinc(x), {x: points}), np.sinc(points), rtol=1e-14)
    special = pytest.importorskip("scipy.special")
    assert special.exprel(x) is sg.special.exprel(x)
    ours = sg.evaluate(sg.special.exprel(x), {x: points})
    np.testing.assert_allclose(ours, special.exprel(points), rtol=1e-15)
    for text, e in (("sinc(x)", sg.sinc(x)), ("exprel(x)", sg.special.exprel(x))):
        assert sg.parse(text, {"x": x}) is e


@pytest.mark.parametrize(
    ("name", "c"),
    [
        *(("sin", 0.3), ("expm1", 1e-3), ("arctan", 123.4), ("arctan", 0.3), ("sinc", 1 / math.pi)),
        *(("exprel", 0.7), ("Langevin", 123.4)),
    ],
)
def test_floats_as_factors_leave_no_poles(name, c):
    """Products of floats are rounded, so that sums cancel no longer to 0: that is no pole."""
    u = c * x
    formula, theirs = {
        "sin": (sg.where(x == 0, 1, sg.sin(u) / u), lambda v: mpmath.sin(v) / v),
        "expm1": (sg.where(u == 0, c, sg.expm1(u) / x), lambda v: c * mpmath.expm1(v) / v),
        "arctan": (sg.where(x == 0, c, sg.arctan(u) / x), lambda v: c * mpmath.atan(v) / v),
        "sinc": (sg.sinc(u), lambda v: mpmath.sin(mpmath.pi * v) / (mpmath.pi * v)),
        "exprel": (sg.special.exprel(u), lambda v: mpmath.expm1(v) / v),
        "Langevin": (sg.where(x == 0, 0, 1 / sg.tanh(u) - 1 / u), lambda v: mpmath.coth(v) - 1 / v),
    }[name]
    for order in (1, 2, 3):
        f = sg.lambdify(x, sg.diff(formula, x, order))
        with mpmath.workdps(120):
            series = mpmath.taylor(theirs, mpmath.mpf(10) ** -40, order + 1)
        scale = abs(float(series[order])) + abs(float(series[order + 1]))
        for v in (0.0, 1e-9, 1e-3):
            with mpmath.workdps(120):
                at = mpmath.mpf(c) * v + mpmath.mpf(10) ** -40
                want = float(mpmath.diff(theirs, at, order)) * c**order
            assert f(v) == pytest.approx(want, rel=1e-9, abs=1e-11 * scale * c**order)


def test_a_small_pole_is_one():
    f = sg.lambdify(x, 1e-12 / x + sg.expm1(0.3 * x) / x)
    assert f(1e-6) == pytest.approx(0.3 + 1e-6 + 0.045e-6, rel=1e-12)


@pytest.mark.parametrize("c", [3.0, 1e20, 1e80, 1e140])
def test_large_numbers_as_factors(c):
    """The coefficients of a series in x would be no numbers; that of c*x is not one of x."""
    for e, want in (
        ((1 - sg.cos(c * x)) / x**2, lambda u: 2 * (mpmath.sin(u / 2) * c / u) ** 2),
        ((sg.exp(c * x) - 1) / x, lambda u: mpmath.expm1(u) * (c / u)),
    ):
        f = sg.lambdify(x, e)
        for u in (1e-5, 0.3, 2.0):
            assert f(u / c) == pytest.approx(float(want(mpmath.mpf(u))), rel=1e-10)
