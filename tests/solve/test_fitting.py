"""Fits of data as they are: outliers, deviations that are known, what is missing, and reports."""

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import symgrad as sg

a, k, c = sg.symbols("a k c")
t, y, s = (sg.vector(name, "n") for name in "tys")
z = sg.symbol("z")
MODEL = a * sg.exp(-k * t) + c
RNG = np.random.default_rng(5)
TIME = np.linspace(0.0, 4.0, 60)
DATA = 2.5 * np.exp(-1.3 * TIME) + 0.5 + 0.03 * RNG.standard_normal(60)
DATA[::9] += 0.8  # outliers
START = [2.0, 1.0, 0.3]


def model(time, a, k, c):
    return a * np.exp(-k * time) + c


@pytest.mark.parametrize("loss", ["soft_l1", "huber", "cauchy", "arctan"])
def test_losses_find_what_scipy_finds(loss):
    solver = sg.least_squares(MODEL - y, [a, k, c], [t, y], loss=loss, f_scale=0.1)
    found = solver(START, TIME, DATA)
    theirs = scipy.optimize.least_squares(
        lambda p: model(TIME, *p) - DATA,
        START,
        loss=loss,
        f_scale=0.1,
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )
    assert found.converged
    np.testing.assert_allclose(found.x, theirs.x, rtol=1e-6)
    assert found.residual == pytest.approx(np.sqrt(2 * theirs.cost), rel=1e-10)
    np.testing.assert_allclose(found.residuals, model(TIME, *found.x) - DATA)


def test_a_loss_may_be_a_formula():
    named = sg.least_squares(MODEL - y, [a, k, c], [t, y], loss="cauchy", f_scale=0.1)
    written = sg.least_squares(MODEL - y, [a, k, c], [t, y], loss=sg.log(1 + z), f_scale=0.1)
    ours, theirs = named(START, TIME, DATA), written(START, TIME, DATA)
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-9)
    np.testing.assert_allclose(ours.covariance, theirs.covariance, rtol=1e-6)


def test_the_covariance_of_a_loss_is_what_repeated_data_show():
    solver = sg.least_squares(a + k * t - y, [a, k], [t, y], loss="huber", f_scale=1.345)
    rng = np.random.default_rng(0)
    time = np.linspace(-1.0, 1.0, 80)
    noise = np.where(rng.random((400, 80)) < 0.1, 6.0, 1.0) * rng.standard_normal((400, 80))
    found = solver([0.0, 0.0], time, 1.0 + 2.0 * time + noise)
    assert found.converged.all()
    seen = np.std(found.x, axis=0)
    np.testing.assert_allclose(np.mean(found.stderr, axis=0), seen, rtol=0.1)
    linear = sg.least_squares(a + k * t - y, [a, k], [t, y])([0.0, 0.0], time, 1 + 2 * time + noise)
    assert (np.std(linear.x, axis=0) > 1.3 * seen).all()


@pytest.mark.parametrize("absolute", [False, True])
def test_deviations_as_curve_fit_takes_them(absolute):
    clean = model(TIME, 2.5, 1.3, 0.5) + 0.03 * np.random.default_rng(1).standard_normal(60)
    deviations = np.linspace(0.01, 0.1, 60)
    covariance = np.diag(deviations**2) + 1e-4
    for sigma in (deviations, covariance):
        best, cov = scipy.optimize.curve_fit(
            model, TIME, clean, START, sigma=sigma, absolute_sigma=absolute, xtol=1e-14, ftol=1e-14
        )
        solver = sg.least_squares(
            MODEL - y, [a, k, c], [t, y], sigma=sigma, absolute_sigma=absolute
        )
        found = solver(START, TIME, clean)
        np.testing.assert_allclose(found.x, best, rtol=1e-6)
        np.testing.assert_allclose(found.covariance, cov, rtol=1e-4)
    as_parameter = sg.least_squares(
        MODEL - y, [a, k, c], [t, y, s], sigma=s, absolute_sigma=absolute
    )(START, TIME, clean, deviations)
    best, cov = scipy.optimize.curve_fit(
        model, TIME, clean, START, sigma=deviations, absolute_sigma=absolute, xtol=1e-14, ftol=1e-14
    )
    np.testing.assert_allclose(as_parameter.covariance, cov, rtol=1e-4)


def test_fixed_unknowns_and_the_summary():
    solver = sg.least_squares(MODEL - y, [a, k, c], [t, y], fixed={c: 0.5})
    found = solver([2.0, 1.0], TIME, DATA)
    other = sg.least_squares(MODEL - 0.5 * c - y, [a, k], [t, y, c])(
        [2.0, 1.0], TIME, DATA - 0.5, 0.0
    )
    np.testing.assert_allclose(found.x, other.x, rtol=1e-9)
    text = str(found.summary())
    assert any(line.split() == ["c", "0.5", "fixed"] for line in text.splitlines())
    assert "degrees of freedom: 58" in text and "status: converged" in text
    tex = found.summary().latex()
    assert tex.startswith(r"\begin{tabular}{lrrr}") and "$k$ &" in tex
    with pytest.raises(sg.ArgumentError, match="c is fixed, and no unknown"):
        sg.least_squares(MODEL - y, [a, k], [t, y, c], fixed={c: 0.5})
    with pytest.raises(sg.ArgumentError, match="nothing to fit"):
        sg.least_squares(a - y, [a], [y], fixed={a: 1.0})


def test_missing_data_are_left_out():
    gaps, times = DATA.copy(), TIME.copy()
    gaps[[3, 17]], times[20] = np.nan, np.inf
    kept = np.isfinite(gaps) & np.isfinite(times)
    solvers = {
        policy: sg.least_squares(MODEL - y, [a, k, c], [t, y], nan_policy=policy)
        for policy in ("raise", "omit", "propagate")
    }
    with pytest.raises(sg.ArgumentError, match=r"parameter t is not finite: inf at \[20\]"):
        solvers["raise"](START, times, gaps)
    assert str(solvers["propagate"](START, times, gaps).status) == "non finite"
    for loss in ("linear", "cauchy"):
        omit = sg.least_squares(
            MODEL - y, [a, k, c], [t, y], loss=loss, f_scale=0.1, nan_policy="omit"
        )
        plain = sg.least_squares(MODEL - y, [a, k, c], [t, y], loss=loss, f_scale=0.1)
        found, wanted = omit(START, times, gaps), plain(START, times[kept], gaps[kept])
        assert found.converged and found.dof == wanted.dof == 54
        np.testing.assert_allclose(found.x, wanted.x, rtol=1e-8)
        np.testing.assert_allclose(found.covariance, wanted.covariance, rtol=1e-6)
        assert found.residuals.shape == (60,) and found.residuals[3] == 0
    many = solvers["omit"](START, TIME, np.stack([DATA, gaps]))
    assert many.dof.tolist() == [57, 55] and many.converged.all()


def test_intervals_of_confidence():
    # of a linear model they are those of Student's distribution
    found = sg.least_squares(a + k * t - y, [a, k], [t, y])([0.0, 0.0], TIME, DATA)
    wide = scipy.stats.t.ppf(0.975, 58) * found.stderr
    np.testing.assert_allclose(
        found.confidence(), np.stack([found.x - wide, found.x + wide], axis=1), rtol=1e-6
    )
    # of another the sum of squares at the ends is what the quantile says
    found = sg.least_squares(MODEL - y, [a, k, c], [t, y], loss="linear")(START, TIME, DATA)
    low, high = found.confidence(0.9)[1]
    assert low < found.x[1] < high and high - found.x[1] > found.x[1] - low  # skewed
    for end in (low, high):
        rest = sg.least_squares(MODEL - y, [a, c], [t, y, k])([2.0, 0.3], TIME, DATA, end)
        rise = (rest.residual**2 - found.residual**2) / found.residual_std**2
        assert np.sqrt(rise) == pytest.approx(scipy.stats.t.ppf(0.95, 57), rel=1e-6)
    vector = sg.vector("b", 2)
    as_vector = sg.least_squares(vector[0] + vector[1] * t - y, vector, [t, y])(
        np.zeros(2), TIME, DATA
    )
    np.testing.assert_allclose(
        as_vector.confidence(),
        np.stack([as_vector.x - wide, as_vector.x + wide], axis=1),
        rtol=1e-6,
    )
    mean = sg.least_squares(a - y, a, y)(0.0, DATA)
    spread = scipy.stats.t.ppf(0.975, 59) * mean.stderr[0]
    np.testing.assert_allclose(mean.confidence()[0], [mean.x - spread, mean.x + spread], rtol=1e-6)


def test_more_parameters_than_data():
    found = sg.least_squares(MODEL - y, [a, k, c], [t, y])(START, TIME[:2], DATA[:2])
    assert found.converged and found.residual < 1e-12 and found.dof == 0
    assert np.isnan(found.residual_std) and np.isinf(found.covariance).all()


def test_a_likelihood_has_a_covariance():
    mu, tau = sg.symbol("mu"), sg.symbol("tau", positive=True)
    likelihood = sg.sum((y - mu) ** 2) / (2 * tau) + sg.size(y, 0) * sg.log(tau) / 2
    found = sg.newton_minimize(likelihood, [mu, tau], y)([0.0, 1.0], DATA)
    n, var = DATA.size, np.var(DATA)
    np.testing.assert_allclose(found.x, [np.mean(DATA), var], rtol=1e-9)
    np.testing.assert_allclose(
        found.covariance, np.diag([var / n, 2 * var**2 / n]), rtol=1e-8, atol=1e-12
    )
    np.testing.assert_allclose(found.stderr, [np.sqrt(var / n), var * np.sqrt(2 / n)], rtol=1e-8)
    np.testing.assert_allclose(found.hessian @ found.covariance, np.eye(2), atol=1e-9)
    # under a constraint, on its tangents
    x1, x2 = sg.symbols("x1 x2")
    tied = sg.newton_minimize(x1**2 + x2**2 / 2, [x1, x2], equal=x1 - x2 - 1)([0.0, 0.0])
    np.testing.assert_allclose(tied.covariance, np.full((2, 2), 1 / 3))


def test_a_plot_of_residuals():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    found = sg.least_squares(MODEL - y, [a, k, c], [t, y])(START, TIME, DATA)
    axes = found.plot()
    np.testing.assert_allclose(axes[0].lines[1].get_ydata(), found.residuals)
    pyplot.close("all")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"loss": "l1"}, "the loss must be one of linear, soft_l1"),
        ({"loss": a * k}, "one scalar symbol"),
        ({"f_scale": 0.0}, "f_scale must be a positive number"),
        ({"nan_policy": "ignore"}, "nan_policy must be one of"),
        ({"sigma": -1.0}, "sigma must be positive"),
        ({"fixed": [a]}, "fixed is a dict"),
    ],
)
def test_wrong_options_are_named(given, words):
    with pytest.raises(sg.ArgumentError, match=words):
        sg.least_squares(MODEL - y, [a, k, c], [t, y], **given)
