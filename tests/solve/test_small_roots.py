"""Roots that are small against the start, and none where 0 is not the root."""

import numpy as np
import pytest

import symgrad as sg

x, y, c = sg.symbols("x y c")
p = sg.symbol("p", positive=True)
STARTS = np.array([1.0, 2.0, -0.5, 0.3])
SMALL = [1e-20, 1e-40, 1e-50, 1e-60, 1e-100, 1e-200]
ORDERS = [1, 2, 3, 4]


@pytest.mark.parametrize("order", ORDERS)
def test_no_root_however_near_zero_the_minimum_is(order):
    solver = sg.newton_root(x**2 + c, x, c, order=order)
    for small in SMALL:
        assert not solver(STARTS, small).converged.any()
        assert not any(solver(float(at), small).converged for at in STARTS)
    plain = sg.newton_root(x**2 + c, x, c, order=order, globalize=False)
    assert not plain(STARTS[:, None], np.array(SMALL)).converged.any()


@pytest.mark.parametrize("order", ORDERS)
def test_a_root_far_below_the_start(order):
    solver = sg.newton_root(x**2 - c, x, c, order=order)
    for small in SMALL:
        for found in (solver(STARTS, small), *[solver(float(at), small) for at in STARTS[:2]]):
            assert np.all(found.converged)
            np.testing.assert_allclose(np.abs(found.x), np.sqrt(small), rtol=1e-11)
    assert solver(1.0, 1e-100).x > 0 > solver(-1.0, 1e-100).x
    inverse = sg.newton_root(1 / x - c, x, c, order=order)
    for large, start in ((1e20, 1.0), (1e20, 1e-3), (1e20, 1e-19), (1e-59, 1e19), (1e-140, 1.0)):
        for found in (inverse(start, large), inverse([start], large)):
            assert np.all(found.converged)
            np.testing.assert_allclose(found.x, 1 / large, rtol=1e-11)


@pytest.mark.parametrize("order", ORDERS)
def test_multiple_roots_are_roots(order):
    for e, root in ((x**2, 0.0), (x**3, 0.0), ((x - 1) ** 2, 1.0), ((x - 1) ** 3, 1.0)):
        found = sg.newton_root(e, x, order=order)(np.array([1.25, 3.0, -0.7]))
        assert found.converged.all() and np.abs(found.x - root).max() <= 4e-16


def test_nearly_a_double_root_is_none_at_any_order():
    """Steps of order n leave 1/(n + 1)**2 of |F|; it has nothing of a root that these are short."""
    for order in (1, 3, 5):
        for gap in (1e-18, 1e-26):
            found = sg.newton_root((x - 1) ** 2 + c, x, c, order=order)(STARTS, gap)
            assert not found.converged.any()


def test_a_window_of_ordinary_values_is_found():
    """Beyond it F has underflowed, or is infinite."""
    fading = sg.exp(-x / c) * (x / c - 2.25)
    solver = sg.newton_root(fading, x, c)
    for scale, start in ((1e170, 0.0), (1e-20, 1.0), (1.0, 1e9), (0.01, -500.0)):
        found = solver(start, scale)
        assert found.converged and found.x == pytest.approx(2.25 * scale, rel=1e-12)


def test_a_start_at_a_pole():
    hill = (x / c) ** 3 / (1 + (x / c) ** 3) - 0.364
    for order in (1, 3):
        solver = sg.newton_root(hill, x, c, order=order)
        for found in (solver(-5.06e107, 5.06e107), solver([-5.06e107], 5.06e107)):
            assert not np.any(found.converged) or np.all(np.asarray(found.x) > 0)
    pair = sg.newton_root([hill, y - 1], [x, y], c)([-5.06e107, 1.0], 5.06e107)
    assert not pair.converged or pair.x[0] > 0


def test_a_steep_jump_is_no_root():
    """|F| falls to a twentieth of itself, by a short step."""
    jump = sg.where(x > 1, 1e13 * (x - 1) + 1, x - 1.05)
    found = sg.newton_root(jump, x)(np.array([1 + 1e-13, 1 + 3e-13]))
    assert not found.converged.any()
    assert not sg.newton_root(jump, x)(1 + 1e-13).converged


def saved(*problem, **how):
    """The solver as the module that it is saved as."""
    module = {}
    exec(sg.newton_root(*problem, **how).source, module)
    return module["solve"]


MAKERS = {"runtime": sg.newton_root, "saved": saved}


@pytest.mark.parametrize("form", MAKERS)
def test_what_excludes_zero_has_no_root_there(form):
    """Kepler's third law for a period of 0."""
    gm, period = sg.symbols("gm period")
    law = p**3 / gm - (period / (2 * np.pi)) ** 2
    for order in (1, 2):
        axis = MAKERS[form](law, p, [gm, period], order=order)
        for found in (axis(1e7, 4e14, 0.0), axis(np.array([1e7, 1e6]), 4e14, 0.0)):
            assert not np.any(found.converged)
        right = (4e14 * (5400 / (2 * np.pi)) ** 2) ** (1 / 3)
        assert axis(1e7, 4e14, 5400.0).x == pytest.approx(right, rel=1e-12)
    pair = MAKERS[form]([p**3, y - 1], [p, y])
    assert not pair([1.0, 2.0]).converged and not pair([[1.0, 2.0], [3.0, 1.0]]).converged.any()


@pytest.mark.parametrize("form", MAKERS)
def test_a_start_outside_begins_inside(form):
    solver = MAKERS[form](p**2 - c, p, c)
    for found in (solver(-1.0, 4.0), solver(0.0, 4.0), solver([-1.0, 0.0, -1e9], 4.0)):
        assert np.all(found.converged) and np.allclose(found.x, 2.0, rtol=1e-14)
    pair = MAKERS[form]([p**2 - y, y - 4], [p, y])
    assert pair([-1.0, 3.0]).x == pytest.approx([2.0, 4.0])
    n = sg.symbol("n", negative=True)
    assert MAKERS[form](n**2 - c, n, c)([3.0, 0.0], 4.0).x == pytest.approx([-2.0, -2.0])
    box = MAKERS[form](x**2 - c, x, c, bounds=(1.0, 5.0))
    assert box([-7.0, 80.0], 4.0).x == pytest.approx([2.0, 2.0])
    large = sg.newton_root([p**2 - y, y - 4], [p, y], method="sparse")
    assert large([-1.0, 3.0]).x == pytest.approx([2.0, 4.0])


def test_a_start_outside_of_minima_and_fits():
    well = p + c / p
    for found in (sg.newton_minimize(well, p, c)(s, 4.0) for s in (-1.0, 0.0, [-1.0, 0.0, -30.0])):
        assert np.all(found.converged) and np.allclose(found.x, 2.0, rtol=1e-8)
    t, data = sg.vector("t", "m"), sg.vector("data", "m")
    times = np.linspace(0.1, 3.0, 12)
    fit = sg.least_squares(p * sg.exp(-p * t) - data, p, [t, data])
    for start in (-2.0, 0.0, 0.5):
        found = fit(start, times, 0.7 * np.exp(-0.7 * times))
        assert found.converged and found.x == pytest.approx(0.7, rel=1e-8)


def test_systems_with_small_roots_and_with_none():
    for small in (1e-20, 1e-60):
        none = sg.newton_root([x**2 + small, y - 1], [x, y])
        assert not none([1.0, 2.0]).converged
        assert not none([[1.0, 2.0], [0.3, 4.0]]).converged.any()
        root = sg.newton_root([x**2 - small, y - 1], [x, y])
        for found in (root([1.0, 2.0]), root([[1.0, 2.0], [0.3, 4.0]])):
            assert np.all(found.converged)
            np.testing.assert_allclose(found.x[..., 0], np.sqrt(small), rtol=1e-11)


def test_implicit_has_no_root_beside_zero_either():
    def at(F, value, x0=1.0):
        return float(sg.evaluate(sg.implicit(F, x, x0=x0), {c: value}))

    for small in SMALL[:4]:
        assert np.isnan(at(x**2 + c, small))
        assert abs(at(x**2 - c, small)) == pytest.approx(np.sqrt(small), rel=1e-12)
    assert at(c * x**3, 1.0) == at(c * x**3, 1e-200) == 0.0
    for gap in (1e-18, 1e-26, 1e-28, 1e-40):
        assert np.isnan(at((x - 1) ** 2 + c, gap, 3.0))
    assert at((x - 1) ** 2 + c, 0.0, 3.0) == 1.0


UNDERFLOWING = {
    "quartic": ((x**2 - c**2) ** 2 + (y - x) ** 2 * c**2, 1.0),
    "decay": (sum((x * sg.exp(-y * k) - 3 * c * sg.exp(-0.7 * k)) ** 2 for k in (0.1, 1, 3)), 0.0),
}


@pytest.mark.parametrize("name", UNDERFLOWING)
def test_a_gradient_that_has_underflowed_shows_no_minimum(name):
    """The objective and parts of its gradient are 0 in these units, and the Hessian is definite."""
    f, power = UNDERFLOWING[name]
    right = np.array([1.0, 1.0]) if name == "quartic" else np.array([3.0, 0.7])
    for method in ("newton", "cg"):
        solver = sg.newton_minimize(f, [x, y], c, method=method)
        for unit in (1e-170, 1e-160, 1e-140, 1.0):
            size = np.array([unit, unit**power])
            starts = size * np.array([[0.8, 0.9], [1.1, 1.0]]) * right
            for found in (solver(starts[0], unit), solver(starts, unit)):
                off = np.abs(found.x / size / right - 1).max(axis=-1)
                assert np.all(~np.asarray(found.converged) | (off < 1e-6))
            assert unit < 1.0 or np.all(found.converged)


def test_quadratic_minima_in_any_unit():
    f = (x - c) ** 2 + (y + 2 * c) ** 2 + x * y / 2
    solver = sg.newton_minimize(f, [x, y], c)
    for unit in (1e-300, 1e-170, 1e-160, 1e-100, 1.0, 1e100, 1e150):
        for found in (solver([0.6 * unit, unit], unit), solver([[unit, 0.0], [0.0, unit]], unit)):
            assert np.all(found.converged)
            np.testing.assert_allclose(found.x / unit, np.ones_like(found.x) * [1.6, -2.4], 1e-9)


def test_an_infinite_slope_is_no_witness():
    """At 0, where the rounding level of a square root is not known, F is small against the start only."""
    for found in (
        sg.newton_root(1e29 * (sg.sqrt(x / c) - 0.75), x, c)(s, 1e-88) for s in (0.01, [0.01])
    ):
        assert np.all(found.converged)
        np.testing.assert_allclose(found.x, 0.75**2 * 1e-88, rtol=1e-12)
    none = sg.newton_root(sg.sqrt(x / c) + 0.75, x, c)
    assert not none(0.01, 1e-88).converged and not none([0.01, 0.0], 1e-88).converged.any()


def test_constants_of_derivatives_may_be_larger_than_numbers():
    unit = 4.75e-170
    hill = (x / unit) ** 3 / (1 + (x / unit) ** 3) - 0.5
    found = sg.newton_root(hill, x, order=3)(np.array([unit, 1.0]))
    assert not np.any(found.converged & (np.abs(found.x / unit - 1) > 1e-9))


def test_equations_of_very_different_sizes():
    """A small one is not lost in the rounding of a large one, nor its Jacobian's row."""
    small, large = 1e-34, 2e10
    none = [
        [small * (x**2 + y**2 + 1e-30), large * (x - y)],
        [small / (x - 0.9), large * (y - x)],
        [small * (sg.tanh(x) - 1), large * (y - x)],
        [1e47 * (x + y - 2), small * (x + y - 1)],
    ]
    for F in none:
        assert not sg.newton_root(F, [x, y])([[0.5, 0.8], [-1.2, 0.3]]).converged.any()
    crossed = sg.newton_root([1e47 * (x**2 - y - 3), small * (y**2 - x - 2)], [x, y])
    for found in (crossed([2.0, 1.8]), crossed([[2.0, 1.8], [3.0, 1.0]])):
        at = np.atleast_2d(found.x)
        assert np.all(found.converged)
        assert np.abs(at[:, 0] ** 2 - at[:, 1] - 3).max() < 1e-13
        assert np.abs(at[:, 1] ** 2 - at[:, 0] - 2).max() < 1e-13


def test_a_singular_root_at_zero_is_found_where_the_unknowns_only_tend_to_it():
    """Powell's singular function: the Jacobian has rank 2 at its root."""
    u = sg.vector("u", 4)
    a, b, c, d = [u[i] for i in range(4)]
    F = sg.stack([a + 10 * b, 5**0.5 * (c - d), (b - 2 * c) ** 2, 10**0.5 * (a - d) ** 2])
    found = sg.newton_root(F, u)([3.0, -1.0, 0.0, 1.0])
    assert found.converged and not found.x.any() and found.iterations < 100


def test_single_systems_end_where_their_last_steps_are_lost_in_rounding():
    n = 20
    u = sg.vector("u", n)
    padded = sg.concatenate([sg.zeros(1), u, sg.zeros(1)])
    F = padded[:-2] - 2 * u + padded[2:] + sg.exp(u) / (n + 1) ** 2
    found = sg.newton_root(F, u)(np.zeros(n))
    assert found.converged and found.iterations <= 6 and found.residual < 1e-15
