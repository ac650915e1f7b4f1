"""What may call itself a minimum: units, saddles, minima of higher order, bounds, and none at all."""

import numpy as np
import pytest
import scipy.optimize

import symgrad as sg

x, y, z, a, b = sg.symbols("x y z a b")
METHODS = ("newton", "cg", "sparse")
every_method = pytest.mark.parametrize("method", METHODS)


def rosenbrock(u, v):
    return (1 - u) ** 2 + 100 * (v - u**2) ** 2


def is_lowest(f, unknowns, found, reaches=(1e-2, 1e-4)):
    """Whether no random point nearby is lower, but for rounding."""
    values = sg.lambdify(unknowns, f)
    at = np.atleast_1d(found.x)
    scale = np.where(at == 0, 1.0, np.abs(at))
    rng = np.random.default_rng(0)
    for reach in reaches:
        near = values(*(at + reach * scale * rng.normal(size=(300, at.size))).T)
        if near.min() < found.value - 1e-11 * abs(found.value) - 1e-30:
            return False
    return True


# Units


@every_method
@pytest.mark.parametrize("unit", [1e-30, 1e-10, 1.0, 1e10, 1e30])
@pytest.mark.parametrize("factor", [1e-200, 1.0, 1e160])
def test_units_do_not_matter(method, unit, factor):
    f = factor * rosenbrock(x / unit, y / unit)
    found = sg.newton_minimize(f, [x, y], method=method)([-1.2 * unit, unit])
    assert found.converged and found.curvature == "positive definite"
    np.testing.assert_allclose(found.x, [unit, unit], rtol=1e-9)


@every_method
@pytest.mark.parametrize("units", [(1e-10, 1e3), (1e-20, 1e10), (1e5, 1e-8)])
def test_unknowns_of_different_units(method, units):
    f = rosenbrock(x / units[0], y / units[1])
    found = sg.newton_minimize(f, [x, y], method=method)([-1.2 * units[0], units[1]])
    assert found.converged
    np.testing.assert_allclose(found.x, units, rtol=1e-6)


def test_iterates_are_the_same_in_all_units():
    def path(unit):
        seen = []
        f = rosenbrock(x / unit, y / unit) + sg.cosh(x / unit)
        solver = sg.newton_minimize(f, [x, y])
        solver([-1.2 * unit, unit], callback=lambda count, at, *rest: seen.append(at / unit))
        return np.array(seen)

    for unit in (2.0**-90, 2.0**60):
        np.testing.assert_allclose(path(unit), path(1.0), rtol=1e-6, atol=1e-9)


@every_method
def test_atoms_in_metres(method):
    r = sg.symbol("r", positive=True)
    well = 4 * 1.65e-21 * ((3.4e-10 / r) ** 12 - (3.4e-10 / r) ** 6)
    found = sg.newton_minimize(well, r, method=method)(4e-10)
    assert found.converged and found.x == pytest.approx(2 ** (1 / 6) * 3.4e-10, rel=1e-9)
    assert found.value == pytest.approx(-1.65e-21, rel=1e-12)


# Saddles whose Hessian does not tell

SADDLES = {
    "two flat directions": x**4 - y**4,
    "one flat direction": x**2 - y**4,
    "sixth order": x**2 - y**6,
    "a monkey's": x**3 - 3 * x * y**2,
    "cubic": x**2 * y - y**3,
    "between the axes": x**4 + y**4 - 3 * x**2 * y**2,
    "a narrow cone": x**4 + y**4 - 2.2 * x**2 * y**2,
    "along a curve": (y - x**2) * (y - 3 * x**2),
    "inflection": x**3 + y**2,
    "bent valley": x**2 * y + y**2,
}


@every_method
@pytest.mark.parametrize("name", SADDLES)
def test_saddles_are_no_minima(method, name):
    solver = sg.newton_minimize(SADDLES[name], [x, y], method=method)
    for start in ([0.0, 0.0], [1.0, 0.0], [0.0, 1.0])[: 1 if method == "sparse" else 3]:
        assert not solver(start, maxiter=60).converged
    shifted = sg.substitute(SADDLES[name], {x: x - 2, y: y + 3})
    assert not sg.newton_minimize(shifted, [x, y], method=method)([2.0, -3.0], maxiter=60).converged


def test_saddles_of_a_batch():
    f = x**4 + a * y**4 + (a + 1) * z**2
    found = sg.newton_minimize(f, [x, y, z], a)(np.zeros(3), np.array([1.0, -1.0, 2.0, -0.5]))
    assert found.converged.tolist() == [True, False, True, False]


DEGENERATE = {
    "quartics": (x**4 + y**4, [0, 0]),
    "two orders": (x**4 + y**6, [0, 0]),
    "a valley": ((x - y) ** 4, None),
    "two valleys": ((x * y) ** 2, None),
    "a circle": ((x**2 + y**2 - 1) ** 2, None),
    "nearly a cone": (x**4 + y**4 - 1.9 * x**2 * y**2, [0, 0]),
    "beside zero": ((x - 1) ** 4 + (y + 2) ** 4, [1, -2]),
}


@pytest.mark.parametrize("method", ["newton", "cg"])
@pytest.mark.parametrize("name", DEGENERATE)
def test_minima_of_higher_order(method, name):
    f, where = DEGENERATE[name]
    found = sg.newton_minimize(f, [x, y], method=method)([1.0, 2.0])
    assert found.converged and found.iterations < 150
    assert is_lowest(f, [x, y], found)
    if where is not None:
        np.testing.assert_allclose(found.x, where, atol=1e-5)


def powell(n):
    v = sg.vector("v", n)
    p, q, r, s = (v[k::4] for k in range(4))
    f = sg.sum((p + 10 * q) ** 2) + 5 * sg.sum((r - s) ** 2)
    f += sg.sum((q - 2 * r) ** 4) + 10 * sg.sum((p - s) ** 4)
    return f, v, np.tile([3.0, -1.0, 0.0, 1.0], n // 4)


def nondquar(n):
    v = sg.vector("v", n)
    inner = sg.sum((v[: n - 2] + v[1 : n - 1] + v[n - 1]) ** 4)
    f = (v[0] - v[1]) ** 2 + inner + (v[n - 2] + v[n - 1]) ** 2
    return f, v, np.resize([1.0, -1.0], n)


@pytest.mark.parametrize("problem", [powell, nondquar])
@pytest.mark.parametrize(("n", "method"), [(20, "newton"), (20, "sparse"), (1000, "sparse")])
def test_minima_of_higher_order_in_many_unknowns(problem, n, method):
    f, v, start = problem(n)
    found = sg.newton_minimize(f, v, method=method)(start)
    assert found.converged and found.iterations < 50
    assert 0 <= found.value < 1e-30


# No minimum at all


@every_method
@pytest.mark.parametrize("f", [-(x**2), x, x**3, -(x**4), x - sg.cosh(x), -sg.exp(x)])
def test_what_falls_without_end_says_so(method, f):
    found = sg.newton_minimize(f, x, method=method)(1.0)
    assert not found.converged and found.status == sg.Status.UNBOUNDED


@pytest.mark.parametrize(
    ("method", "start"),
    [*[(m, s) for m in ("newton", "cg") for s in (1.0, 40.0, 750.0, 1000.0)], ("sparse", 40.0)],
)
@pytest.mark.parametrize(
    "f", [sg.exp(-x), 1 + sg.exp(-x), sg.exp(-(x**2)), 1 / (1 + x**2), sg.tanh(-x)]
)
def test_an_infimum_at_infinity_is_no_minimum(method, f, start):
    assert not sg.newton_minimize(f, x, method=method)(start).converged


def test_a_plateau_that_was_reached_is_a_minimum():
    hinge = sg.maximum(x, 0) ** 2
    assert sg.newton_minimize(hinge, x)(1.0).converged
    assert not sg.newton_minimize(hinge, x)(-1.0).converged  # nothing to be seen from there


# Bounds


@pytest.mark.parametrize("seed", range(8))
def test_minima_within_bounds(seed):
    rng = np.random.default_rng(seed)
    unknowns = [x, y, z]
    linear, square = rng.normal(size=3) * 2, rng.normal(size=(3, 3))
    f = sum(float(c) * u for c, u in zip(linear, unknowns, strict=True))
    f += 0.1 * sum(u**4 for u in unknowns) + sg.exp(-(x**2) - (y - 1) ** 2)
    for i, u in enumerate(unknowns):
        f += sum(float(square[i, k]) * u * unknowns[k] for k in range(3))
    low, high = np.sort(rng.normal(size=(2, 3)), axis=0)
    pairs = list(zip(low.tolist(), high.tolist(), strict=True))
    slope = sg.lambdify(unknowns, sg.grad(f, unknowns))
    starts = np.array([low, high, (low + high) / 2])
    solver = sg.newton_minimize(f, unknowns, bounds=pairs)
    together = solver(starts)
    for k, start in enumerate(starts):
        for found in (
            solver(start),
            sg.newton_minimize(f, unknowns, bounds=pairs, method="cg")(start),
        ):
            assert found.converged
            g, at = np.array(slope(*found.x)), found.x
            held = ((at <= low) & (g >= 0)) | ((at >= high) & (g <= 0))
            assert (np.abs(g[~held]) < 1e-7).all() and (at >= low).all() and (at <= high).all()
        np.testing.assert_allclose(together.x[k], solver(start).x, atol=1e-7)


def test_an_unknown_is_released_and_curvature_followed_inward():
    assert sg.newton_minimize(-(x**2), x, bounds=(0, 1))(0.0).x == 1.0
    assert sg.newton_minimize(-(x**2), x, bounds=(-1, 0))(0.0).x == -1.0
    held = sg.newton_minimize(x**3, x, bounds=(0, 1))(0.5)
    assert held.converged and held.x < 1e-6
    both = sg.newton_minimize((x + y - 1) ** 2 + (x - y) ** 2, [x, y], bounds=[(0, 9), (0, 9)])
    np.testing.assert_allclose(both([0.0, 0.0]).x, [0.5, 0.5], rtol=1e-9)


def test_assumptions_are_bounds():
    p = sg.symbol("p", positive=True)
    assert sg.newton_minimize((p + 1) ** 2, p)(1.0).x >= 0
    assert sg.newton_minimize((p - 1) ** 2 + p, p)(3.0).x == pytest.approx(0.5)
    fit = sg.least_squares((p + 3) * (p - 5), p)(3.0)
    assert fit.x == pytest.approx(5.0)


# Keywords


def test_tolerances_have_their_own_meanings():
    solver = sg.newton_minimize(rosenbrock(x, y), [x, y])
    exact = solver([-1.2, 1.0], callback=lambda *told: None)  # which no loop takes
    early = solver([-1.2, 1.0], gtol=5.0)
    slope = sg.lambdify([x, y], sg.grad(rosenbrock(x, y), [x, y]))
    assert early.converged and early.iterations < exact.iterations
    assert 0 < np.abs(slope(*early.x)).max() <= 5.0
    coarse = solver([-1.2, 1.0], ftol=0.5)
    assert coarse.converged and coarse.iterations < exact.iterations
    loose = solver([-1.2, 1.0], xtol=1e-2)
    assert loose.converged and loose.iterations <= exact.iterations


def test_callbacks_of_batches_tell_how_many_are_left():
    left = []
    solver = sg.newton_minimize(rosenbrock(x, y), [x, y])
    starts = np.array([[1.0, 1.0], [-1.2, 1.0], [3.0, 3.0]])
    found = solver(starts, callback=lambda count, at, size, step: left.append(len(at)))
    assert found.converged.all() and left[0] == 3 and left == sorted(left, reverse=True)
    np.testing.assert_allclose(found.x, solver(starts).x, rtol=1e-8)


# Fits

TIME = np.linspace(0.0, 10.0, 60)
t, data = sg.vector("t", 60), sg.vector("data", 60)
RATES = sg.symbols("p q")
TWO = a * sg.exp(-RATES[0] * t) + b * sg.exp(-RATES[1] * t) - data


@pytest.mark.parametrize("unit", [1e-200, 1e-100, 1.0, 1e100])
@pytest.mark.parametrize("start", [[1, 1, 1, 1], [2.5, 2.5, 0.3, 0.3], [0, 0, 0, 0]])
def test_a_saddle_of_a_fit_is_left(unit, start):
    """Two equal exponentials: the Jacobian has equal columns, and no step of its own parts them."""
    units = np.array([unit, unit, 1.0, 1.0])
    solver = sg.least_squares(TWO, [a, b, *RATES], [t, data])
    values = unit * (2 * np.exp(-TIME) + 3 * np.exp(-0.1 * TIME))
    found = solver(np.array(start) * units, TIME, values)
    assert found.converged and found.curvature == "positive definite"
    assert found.residual < 1e-8 * unit
    np.testing.assert_allclose(np.sort(found.x / units), [0.1, 1, 2, 3], rtol=1e-6)


@pytest.mark.parametrize("unit", [1e-200, 1e-100, 1.0, 1e100])
def test_covariances_in_all_units(unit):
    line = sg.least_squares(a * t + b - data, [a, b], [t, data])
    values = 2 * TIME + 1 + np.sin(7 * TIME)
    one, other = line([0.0, 0.0], TIME, values), line([0.0, 0.0], TIME, unit * values)
    assert other.converged and other.curvature == "positive definite"
    np.testing.assert_allclose(other.x / unit, one.x, rtol=1e-12)
    if unit > 1e-150:  # below, variances underflow
        np.testing.assert_allclose(other.stderr / unit, one.stderr, rtol=1e-9)


def test_two_peaks_started_at_their_bounds():
    m, n, v, w = sg.symbols("m n v w")
    peaks = a * sg.exp(-(((t - m) / v) ** 2)) + b * sg.exp(-(((t - n) / w) ** 2)) - data
    unknowns = [a, m, v, b, n, w]
    pairs = [(0, 10), (0, 10), (0.1, 5)] * 2
    values = 3 * np.exp(-((TIME - 3) ** 2)) + 2 * np.exp(-(((TIME - 7) / 0.7) ** 2))
    solver = sg.least_squares(peaks, unknowns, [t, data], bounds=pairs)
    slope = sg.lambdify([*unknowns, t, data], sg.grad(sg.sum(peaks**2) / 2, unknowns))
    low, high = np.array(pairs).T
    for start in ([10, 10, 5, 10, 0, 5], [0, 0, 0.1, 0, 10, 0.1], [0, 5, 1, 0, 5, 1]):
        found = solver(np.array(start, float), TIME, values)
        assert found.converged
        g, at = np.array(slope(*found.x, TIME, values)), found.x
        free = ~(((at <= low) & (g >= 0)) | ((at >= high) & (g <= 0)))
        assert np.abs(g[free]).max(initial=0.0) < 1e-7


def test_large_residuals_take_few_steps():
    """Newton's steps end what steps on residuals alone would end slowly."""
    v = sg.vector("v", 2)
    p, q = v[0], v[1]
    r = sg.stack([-13 + p + ((5 - q) * q - 2) * q, -29 + p + ((q + 1) * q - 14) * q])
    found = sg.least_squares(r, v)(np.array([0.5, -2.0]))
    other = scipy.optimize.least_squares(
        sg.lambdify(v, r), [0.5, -2.0], xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    assert found.converged and found.iterations < 20
    np.testing.assert_allclose(found.x, other.x, rtol=1e-6)


# Saddles of higher order


HIDDEN = {  # what falls, along curves or by its sixth order only, where third and fourth order do not
    "a valley along an axis": x**6 - y**6 + x**2 * y**2,
    "a valley between the axes": (x**2 - y**2) ** 2 / 4 - (x + y) ** 6 + (x - y) ** 6,
    "a narrow valley": (x**2 - 3 * y**2) ** 2 / 4 - (x + y) ** 6,
    "a cosine but for its series": x**2 + sg.cos(y) + y**2 / 2 - 1 - y**4 / 24,
    "three unknowns": (x * y * z) ** 2 - x**7,
    "in small units": (x / 1e-20) ** 6 - (y / 1e-20) ** 6 + (x * y / 1e-40) ** 2,
}
REAL = {
    "a valley": (x**2 - 3 * y**2) ** 2 / 4 + (x + y) ** 6,
    "quartic and quadratic": x**2 * y**2 + x**4,
    "a cosine but for its series": x**2 - sg.cos(y) - y**2 / 2 + 1 + y**4 / 24,
}


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("name", HIDDEN)
def test_a_saddle_of_sixth_order_is_no_minimum(name, bounded):
    f = HIDDEN[name]
    unknowns = sorted(sg.free_symbols(f), key=str)
    unit = 1e-20 if "units" in name else 1.0
    bounds = {"bounds": [(-unit, unit)] * len(unknowns)} if bounded else {}
    found = sg.newton_minimize(f, unknowns, **bounds)(np.zeros(len(unknowns)))
    assert found.value < -1e-10
    assert found.converged == bounded  # on the bounds, or without end


@pytest.mark.parametrize("name", REAL)
def test_a_minimum_of_higher_order_is_one(name):
    for start in ([0.0, 0.0], [3.0, 2.0])[: 1 if name == "a valley" else 2]:
        found = sg.newton_minimize(REAL[name], [x, y])(start)
        assert found.converged and found.curvature == "positive semidefinite"
        assert abs(found.value) < 1e-15


# Bounds that exclude 0


LOGARITHMIC = {
    "entropy": (lambda u: u * sg.log(u), np.exp(-1.0)),
    "barrier": (lambda u: u - sg.log(u), 1.0),
    "barrier in small units": (lambda u: u / 1e-20 - sg.log(u), 1e-20),
    "pole": (lambda u: u + 1 / u, 1.0),
    "root": (lambda u: u - sg.sqrt(u), 0.25),
}


@pytest.mark.parametrize("name", LOGARITHMIC)
def test_a_bound_that_excludes_zero_is_approached(name):
    """A Newton step beyond it leads to where the logarithm tells nothing of where it came from."""
    f, want = LOGARITHMIC[name]
    p, q = sg.symbol("p", positive=True), sg.symbol("q", negative=True)
    w = sg.symbol("w", shape=(3,), positive=True)
    for start in (5.0, 1e5, 1e-5):
        assert sg.newton_minimize(f(p), p)(start).x == pytest.approx(want, rel=1e-7)
        assert sg.newton_minimize(f(-q), q)(-start).x == pytest.approx(-want, rel=1e-7)
        found = sg.newton_minimize(sg.sum(f(w)), w, method="cg")(np.full(3, start))
        assert found.converged
        np.testing.assert_allclose(found.x, want, rtol=1e-7)


def test_a_bound_that_excludes_zero_may_hold_the_minimum():
    p = sg.symbol("p", positive=True)
    for start in (5.0, 1e-5):
        found = sg.newton_minimize((p + 1) ** 2, p)(start)
        assert found.converged and 0 < found.x < 1e-300


FADING = {
    "an overflow takes the slope": (4 * (y + 0.3) ** 2 + 1 / (x**6 + 1), [1.0, 1.0]),
    "all but zero from the start": ((y - 1) ** 2 + sg.exp(-x), [800.0, 1.5]),
    "along an unknown": (1 / sg.maximum(y, 0) + x**2, [-7.0, 1.0]),
}


@every_method
@pytest.mark.parametrize("name", FADING)
def test_one_unknown_along_which_the_objective_fades_is_no_minimum(method, name):
    f, start = FADING[name]
    assert not sg.newton_minimize(f, [x, y], method=method)(start).converged


@every_method
def test_an_unknown_that_does_not_matter_any_more_may_stay_where_it_is(method):
    f = sg.maximum(y, 0) ** 2 + (x - 1) ** 2
    for start in ([3.0, -3.0], [3.0, 3.0]):
        found = sg.newton_minimize(f, [x, y], method=method)(start)
        assert found.converged and found.x[0] == pytest.approx(1.0) and found.x[1] <= 1e-9


def test_a_step_that_leaves_an_unknown_alone_says_nothing_of_its_slope():
    top = 100000000.0
    divisor = sg.where(y - top > 0, y - top, -1)
    f = 1e-60 * (x - 1) ** 2 + 4 * (y - 0.5) ** 2 + sg.tanh(0.5 * x * (y + 1)) / divisor
    found = sg.newton_minimize(f, [x, y], method="sparse")([-1.0, -1.0])
    assert not found.converged or found.residual < 1e-6
