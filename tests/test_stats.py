"""Distributions against `scipy.stats`: values in and out of the support, derivatives by differences."""

import numpy as np
import pytest
import scipy.stats

import symgrad as sg
from symgrad import stats

X = sg.symbol("x")
SHAPES = {
    "n": 5.0, "p": 0.3, "mu": 1.8, "df": 2.6, "a": 2.3, "b": 1.4, "s": 0.9, "c": 1.7, "dfn": 3.1, "dfd": 4.2
}  # fmt: skip
CONTINUOUS = [n for n in stats.__all__ if isinstance(getattr(stats, n), stats.Continuous)]
DISCRETE = [n for n in stats.__all__ if isinstance(getattr(stats, n), stats.Discrete)]
POINTS = [-2.3, 0.2, 0.6, 1.4, 4.3]


def prepared(name, last):
    """The parameters, and symbols for them."""
    values = [SHAPES[s] for s in getattr(stats, name).shapes] + last
    return values, [sg.symbol(f"s{k}") for k in range(len(values))]


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous(name):
    values, symbols = prepared(name, [0.1, 1.3])
    ours, theirs = getattr(stats, name), getattr(scipy.stats, name)
    kinds = ["logpdf", "pdf", "cdf", "sf", "logcdf", "logsf"]
    made = [getattr(ours, kind)(X, *symbols) for kind in kinds]
    slope = sg.diff(made[0], X)
    f = sg.lambdify([X, *symbols], [made, slope])
    for x in POINTS:
        with np.errstate(all="ignore"):
            got, by_x = f(x, *values)
            arrays, _ = f(np.array([x, x]), *values)
            want = [getattr(theirs, kind)(x, *values) for kind in kinds]
            around = [theirs.logpdf(x + h, *values) for h in (-1e-5, 1e-5)]
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-300)
        np.testing.assert_allclose([a[0] for a in arrays], want, rtol=1e-11, atol=1e-300)
        if np.isfinite(around).all():
            assert by_x == pytest.approx((around[1] - around[0]) / 2e-5, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete(name):
    values, symbols = prepared(name, [1])
    ours, theirs = getattr(stats, name), getattr(scipy.stats, name)
    kinds = ["logpmf", "pmf", "cdf", "sf", "logcdf", "logsf"]
    f = sg.lambdify([X, *symbols], [getattr(ours, kind)(X, *symbols) for kind in kinds])
    for k in (-1, 1, 2, 2.5, 4, 6, 9):
        with np.errstate(all="ignore"):
            want = [getattr(theirs, kind)(k, *values) for kind in kinds]
            got = f(float(k), *values)
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-300)


def test_parameters_that_are_none_give_nan_and_declared_ones_are_not_asked():
    sigma = sg.symbol("sigma")
    f = sg.lambdify([X, sigma], stats.norm.cdf(X, 0, sigma))
    assert np.isnan(f(0.5, -1.0))
    positive = sg.symbol("sigma", positive=True)
    assert str(stats.norm.logpdf(X, 0, positive)) == "-(x/sigma)**2/2 - log(2*pi)/2 - log(sigma)"


def test_normal_vectors():
    rng = np.random.default_rng(4)
    v, m, c = sg.vector("v", 3), sg.vector("m", 3), sg.matrix("c", (3, 3))
    root = rng.normal(size=(3, 3))
    at = {v: rng.normal(size=3), m: rng.normal(size=3), c: root @ root.T + np.eye(3)}
    theirs = scipy.stats.multivariate_normal
    got = sg.evaluate(stats.multivariate_normal.logpdf(v, m, c), at)
    assert got == pytest.approx(theirs.logpdf(at[v], at[m], at[c]), rel=1e-12)
    got = sg.evaluate(stats.multivariate_normal.pdf(v, m, 2.0), at)
    assert got == pytest.approx(theirs.pdf(at[v], at[m], 2.0), rel=1e-12)
    with pytest.raises(sg.ArgumentError, match="needs a mean or a matrix"):
        stats.multivariate_normal.logpdf(v, cov=2.0)
    with pytest.raises(sg.ShapeError, match="of a vector"):
        stats.multivariate_normal.logpdf(c)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stats.norm.pdf(X, 0, 1, 2), "takes loc, scale behind x; got 3"),
        (lambda: stats.norm.pdf(X, sigma=1), "'sigma' is unknown; the parameters are loc, scale"),
        (lambda: stats.gamma.pdf(X, 2, a=2), "'a' is given twice"),
        (lambda: stats.gamma.pdf(X), "gamma needs a"),
        (lambda: stats.poisson.pmf(X, 2, scale=1), "'scale' is unknown"),
    ],
)
def test_calls_that_do_not_fit(call, message):
    with pytest.raises(sg.ArgumentError, match=message):
        call()
