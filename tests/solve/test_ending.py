"""One end rule: what is no root is never called one, in any unit; what is one is found to its last bits."""

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError, DTypeError, ShapeError

x, y, s, t, a = sg.symbols("x y s t a")
u, v = x / s, y / s
STARTS = (0.0, -3.3, 0.5, 30.0)
UNITS = ((1.0, 1.0), (2.0**-100, 1.0), (2.0**20, 2.0**-900))

WITHOUT_ROOT = {
    "parabola": u**2 + 1,
    "exponential": sg.exp(u) + 1,
    "fading": sg.exp(-u),
    "gaussian": sg.exp(-(u**2)),
    "pole": 1 / u,
    "double pole": 1 / u**2,
    "shifted pole": 1 / (u - 1) ** 3,
    "saturated": sg.tanh(u) - 1,
    "erf": sg.special.erf(u) - 1,
    "jump": sg.where(u > 1, u + 1, u - 3),
    "steep jump": sg.where(u > 1, 1e6 * (u - 1) + 1, 1e6 * (u - 1) - 1),
    "flat minimum": u**4 + 1e-6,
    "nearly a double root": (u - 1) ** 2 + 1e-18,
    "kink": sg.abs(u) + 0.1,
    "square root": sg.sqrt(u) + 1,
    "cusp": sg.sqrt(sg.abs(u - 1)) + 1e-3,
}


@pytest.mark.parametrize("alone", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("order", [1, 4])
@pytest.mark.parametrize("name", WITHOUT_ROOT)
def test_no_root_is_no_root_in_any_unit(name, order, alone):
    """From all starts in a batch; one by one among the longer tests, and from the first."""
    solver = sg.newton_root(t * WITHOUT_ROOT[name], x, [s, t], order=order)
    for length, size in UNITS[: 3 if order == 1 else 1]:
        starts = np.array(STARTS) * length
        assert not solver(starts, length, size).converged.any()
        for at in starts if alone else starts[:1]:
            assert not solver(float(at), length, size).converged


WITH_ROOTS = {
    "square": (u**2 - 2, [mpmath.sqrt(2), -mpmath.sqrt(2)]),
    "cubic": (u**3 - u - 1, [mpmath.findroot(lambda z: z**3 - z - 1, 1.3)]),
    "exp": (sg.exp(u) - 3, [mpmath.log(3)]),
    "cos": (sg.cos(u) - u, [mpmath.findroot(lambda z: mpmath.cos(z) - z, 0.7)]),
    "lambert": (u * sg.exp(u) - 1, [mpmath.lambertw(1)]),
    "double": ((u - 1) ** 2, [1]),
    "triple": ((u - 1) ** 3, [1]),
    "fivefold": ((u + 2) ** 5, [-2]),
    "cycle": (u**3 - 2 * u + 2, [mpmath.findroot(lambda z: z**3 - 2 * z + 2, -1.77)]),
}


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("name", WITH_ROOTS)
def test_roots_are_right_to_their_last_bits_in_any_unit(name, order):
    e, roots = WITH_ROOTS[name]
    solver = sg.newton_root(t * e, x, [s, t], order=order)
    for length, size in UNITS[: 3 if order == 1 else 1]:
        found = solver(np.array(STARTS) * length, length, size)
        for at, sound in zip(found.x, found.converged, strict=True):
            off = min(abs(mpmath.mpf(float(at)) / length - root) / abs(root) for root in roots)
            assert sound and off < 1e-11
        apart = [solver(float(at) * length, length, size) for at in STARTS]
        assert all(one.converged for one in apart)


TO_ZERO = [u**2, u**3, u**9, sg.sin(u), sg.exp(u) - 1, sg.abs(u), u * sg.exp(-u), sg.cbrt(u)]


@pytest.mark.parametrize("e", TO_ZERO, ids=str)
def test_a_root_at_zero(e):
    found = sg.newton_root(t * e, x, [s, t])(np.array([1.0, 0.5, -0.7]), 1.0, 1e-50)
    assert found.converged.all() and np.abs(found.x).max() < 1e-15


CANCELLING = [sg.sin(u) - u, 1 - sg.cos(u), sg.exp(u) - 1 - u, u**2 - 2 * u + 1]


@pytest.mark.parametrize("e", CANCELLING, ids=str)
def test_multiple_roots_end_at_the_rounding_level(e):
    found = sg.newton_root(e, x, s)(np.array([0.8, 1.2]), 1.0)
    assert found.converged.all() and found.iterations.max() < 60
    assert np.abs(found.residual).max() < 1e-15


def test_small_units_are_no_end():
    square = sg.newton_root(x**2 - a, x, a)
    for start in (1e-6, 1.0, 1e3):
        assert square(start, 4e-30).x == pytest.approx(2e-15, rel=1e-15)
    assert square([1e-6, 1.0, 1e3], 4e-30).x == pytest.approx([2e-15] * 3, rel=1e-15)
    steep = sg.exp(x / 1e-12) - 2
    for bracket in (None, (0, 1e-11), (-1.0, 1.0)):
        found = sg.newton_root(steep, x, bracket=bracket)(3e-12)
        assert found.converged and found.x == pytest.approx(1e-12 * np.log(2), rel=1e-13)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_flat_points(order):
    two = sg.newton_root(x**2 - 2, x, order=order)
    for found in (two(0.0), two(np.zeros(2))):
        assert np.all(found.converged) and np.allclose(np.abs(found.x), np.sqrt(2.0), rtol=1e-15)
    none = sg.newton_root(x**2 + 1, x, order=order)
    assert not none(0.0).converged and not none(np.zeros(2)).converged.any()


def test_infinite_values_have_a_sign():
    huge = sg.newton_root(sg.exp(x) - 1e300, x)
    for start in (0.0, 750.0):
        assert huge(start).x == pytest.approx(np.log(1e300), rel=1e-15)


def test_an_ill_conditioned_equation_of_kepler():
    e, m = 0.999999999, 1e-9
    found = sg.newton_root(x - a * sg.sin(x) - y, x, [a, y])([1e-9, 0.1, 1.0], e, m)
    with mpmath.workdps(40):
        root = mpmath.findroot(lambda z: z - mpmath.mpf(e) * mpmath.sin(z) - mpmath.mpf(m), 0.0018)
    assert found.converged.all()
    np.testing.assert_allclose(found.x, float(root), rtol=1e-9)


SYSTEMS_WITHOUT = {
    "circle": [u**2 + v**2 + 1, u - v],
    "fading": [sg.exp(-u), v - 1],
    "saturated": [sg.tanh(u) - 1, v - 1],
    "pole": [1 / u, v - 1],
    "jump": [sg.where(u > 1, u + 1, u - 3), v - u],
    "inconsistent": [u + v - 1, 2 * u + 2 * v - 3],
}


@pytest.mark.parametrize("name", SYSTEMS_WITHOUT)
def test_systems_without_a_root(name):
    solver = sg.newton_root([t * f for f in SYSTEMS_WITHOUT[name]], [x, y], [s, t])
    for length, size in UNITS[:2]:
        starts = length * np.array([[1.0, 1.0], [0.3, 0.9], [-5.0, 4.0]])
        found = solver(starts, length, size)
        assert not found.converged.any()
        assert not solver(starts[1], length, size).converged


SYSTEMS_WITH = {
    "circle": ([u**2 + v**2 - 5, u * v - 2], {(2, 1), (1, 2), (-2, -1), (-1, -2)}),
    "zero": ([u**2 + v**2 - 1, u * v], {(1, 0), (0, 1), (-1, 0), (0, -1)}),
    "singular": ([u**2, v - 1], {(0, 1)}),
    "rosenbrock": ([10 * (v - u**2), 1 - u], {(1, 1)}),
    "saddle": ([u**2 - v**2, u * v], {(0, 0)}),
}


@pytest.mark.parametrize("name", SYSTEMS_WITH)
def test_systems_in_any_unit(name):
    F, roots = SYSTEMS_WITH[name]
    solver = sg.newton_root([t * f for f in F], [x, y], [s, t])
    for length, size in ((1.0, 1.0), (2.0**-90, 1.0), (2.0**60, 2.0**-700)):
        starts = length * np.array([[1.0, 0.8], [3.0, -2.0], [0.3, 0.9]])
        found = solver(starts, length, size)
        assert found.converged.all()
        for at, start in zip(found.x / length, starts, strict=True):
            off = min(np.abs(at - root).max() for root in np.array(sorted(roots)))
            assert off < 1e-12
            single = solver(start, length, size)
            assert single.converged


def test_norms_do_not_underflow():
    w = sg.vector("w", 2)
    found = sg.newton_root(1e-170 * (w**2 - 2), w)(np.array([1.5, 1.5]))
    assert found.converged and found.x == pytest.approx(np.sqrt([2.0, 2.0]), rel=1e-15)


def test_other_attempts_follow_the_iteration_limit():
    """The chained valley of Rosenbrock, at which full steps in a trust region run out of steps."""
    w = sg.vector("w", 10)
    F = sg.concatenate([sg.stack([1 - w[0]]), 10 * (w[1:] - w[:-1] ** 2)])
    solver = sg.newton_root(F, w)
    for start in ([-1.2, *[1.0] * 9], [-1.2, 1.0] * 5, [5.0] * 10):
        found = solver(np.array(start))
        assert found.converged
        np.testing.assert_allclose(found.x, 1.0, rtol=1e-9)


@pytest.mark.parametrize("c", [0.9, 1.0])
def test_chandrasekhar(c):
    """At c = 1 the Jacobian is singular at the root."""
    n = 20
    mu = (np.arange(n) + 0.5) / n
    A = c * mu[:, None] / (2 * n * (mu[:, None] + mu))
    h = sg.vector("h", n)
    found = sg.newton_root(h - 1 / (1 - sg.constant(A) @ h), h)(np.ones(n))
    assert found.converged and found.residual < 1e-13


def test_sparse_systems_end_at_the_rounding_level():
    m = 24
    z = sg.vector("z", m * m)
    U = sg.reshape(z, (m, m))
    P = sg.pad(U, 1)
    laplace = 4 * U - P[2:, 1:-1] - P[:-2, 1:-1] - P[1:-1, 2:] - P[1:-1, :-2]
    bratu = sg.reshape(laplace - 6.0 / (m + 1) ** 2 * sg.exp(U), (m * m,))
    solver = sg.newton_root(bratu, z)
    assert "sparse" in solver.explain()
    found = solver(np.zeros(m * m))
    assert found.converged and found.iterations <= 6
    scaled = sg.newton_root(1e-170 * bratu, z)(np.zeros(m * m))
    assert scaled.converged and scaled.iterations <= 6
    np.testing.assert_allclose(scaled.x, found.x, rtol=1e-10)
    nothing = sg.newton_root(z**2 + 1, z, method="sparse")(np.full(m * m, 0.3))
    assert not nothing.converged


def test_implicit_has_the_same_rule():
    def at(F, value, x0=1.0):
        return float(sg.evaluate(sg.implicit(F, x, x0=x0), {a: value}))

    assert at(x**2 - a, 4e-30) == pytest.approx(2e-15, rel=1e-14)
    assert at(x**2 - a, 0.0) == 0.0
    assert at((x - a) ** 4, 1.0, 3.0) == pytest.approx(1.0, rel=1e-14)
    assert at(sg.exp(x / 1e-12) - a, 2.0, 3e-12) == pytest.approx(1e-12 * np.log(2), rel=1e-13)
    assert at(sg.exp(x) - a, 1e300, 0.0) == pytest.approx(np.log(1e300), rel=1e-15)
    for F in (sg.sqrt(x) + a, sg.exp(-x) * a, sg.tanh(x) - a, sg.sign(x) - a / 2, a / x, x**2 + a):
        assert np.isnan(at(F, 1.0)) and np.isnan(at(F, 1.0, 0.0))
    w = sg.vector("w", 2)
    small = sg.implicit(1e-170 * (w**2 - a), w, x0=np.array([1.5, 1.5]))
    np.testing.assert_allclose(sg.evaluate(small, {a: 2.0}), np.sqrt(2.0), rtol=1e-15)
    fading = sg.implicit(sg.stack([sg.exp(-w[0]) * a, w[1] - 1]), w, x0=np.array([0.9, 0.1]))
    assert np.isnan(sg.evaluate(fading, {a: 2.0})).all()


def test_tolerances_have_scipys_names():
    root = sg.newton_root(x**2 - a, x, a)
    best = root(1.0, 2.0)
    assert root(1.0, 2.0, xtol=1e-2).iterations < best.iterations
    assert root(1.0, 2.0, ftol=1e-2).residual <= 1e-2
    assert root(1.0, 2.0, ftol=1e-2).iterations < best.iterations
    assert root(1.0, 1e-20, x_scale=1.0).converged
    pair = sg.newton_root([x**2 + y**2 - a, x * y - 1], [x, y], a)
    np.testing.assert_allclose(pair([2.0, 1.0], 3.0, x_scale=[1.0, 2.0]).x, pair([2.0, 1.0], 3.0).x)
    with pytest.raises(ArgumentError, match="gtol is for minima and fits"):
        root(1.0, 2.0, gtol=1e-3)
    with pytest.raises(ArgumentError, match="xtol must be a number"):
        root(1.0, 2.0, xtol=-1.0)
    with pytest.raises(ArgumentError, match="positive and finite"):
        root(1.0, 2.0, x_scale=0.0)
    with pytest.raises(ShapeError, match="x_scale"):
        pair([2.0, 1.0], 3.0, x_scale=[1.0])
    with pytest.raises(DTypeError, match="x_scale"):
        root(1.0, 2.0, x_scale="one")
