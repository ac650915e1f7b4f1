"""SciPy's optimizers on problems made by `scipy_problem`."""

import pickle

import numpy as np
import pytest
import scipy.optimize
from tests.solve.nist import NAMES, load
from tests.solve.test_nist import digits

import symgrad as sg


def rosenbrock():
    x = sg.vector("x", 5)
    return sg.scipy_problem(sg.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), x)


START = np.array([1.3, 0.7, 0.8, 1.9, 1.2])


@pytest.mark.parametrize(
    ("method", "derivatives"),
    [
        ("BFGS", ["jac"]),
        ("L-BFGS-B", ["jac"]),
        ("Newton-CG", ["jac", "hess"]),
        ("Newton-CG", ["jac", "hessp"]),
        ("trust-ncg", ["jac", "hessp"]),
        ("trust-exact", ["jac", "hess"]),
        ("trust-constr", ["jac", "hess"]),
    ],
)
def test_minimize(method, derivatives):
    p = rosenbrock()
    options = {name: getattr(p, name) for name in derivatives}
    found = scipy.optimize.minimize(p.fun, START, method=method, tol=1e-9, **options)
    np.testing.assert_allclose(found.x, np.ones(5), rtol=1e-5)


def test_derivatives_are_those_of_scipys_rosenbrock():
    p = rosenbrock()
    v = np.arange(5.0)
    assert p.fun(START) == pytest.approx(scipy.optimize.rosen(START), rel=1e-13)
    np.testing.assert_allclose(p.jac(START), scipy.optimize.rosen_der(START), rtol=1e-12)
    np.testing.assert_allclose(p.hess(START), scipy.optimize.rosen_hess(START), rtol=1e-12)
    product = scipy.optimize.rosen_hess_prod(START, v)
    np.testing.assert_allclose(p.hessp(START, v), product, rtol=1e-12)


def test_value_and_gradient_share_one_evaluation():
    p = rosenbrock()
    calls = []
    first = p._first
    p._first = lambda *args: calls.append(args) or first(*args)
    p.fun(START), p.jac(START), p.fun(START.copy())
    assert len(calls) == 1
    x = START.copy()
    p.jac(x)
    x += 1.0  # optimizers write into their vector
    assert p.fun(x) == pytest.approx(scipy.optimize.rosen(START + 1.0), rel=1e-13)
    assert len(calls) == 2


def test_what_is_returned_can_be_written_to():
    p = rosenbrock()
    p.jac(START)[:] = 0.0
    p.hess(START)[:] = 0.0
    np.testing.assert_allclose(p.jac(START), scipy.optimize.rosen_der(START), rtol=1e-12)
    np.testing.assert_allclose(p.hess(START), scipy.optimize.rosen_hess(START), rtol=1e-12)


def mixed():
    """A scalar, a vector and a matrix; f is convex with its minimum where all parts are 0."""
    a, v, m = sg.symbol("a"), sg.vector("v", 3), sg.matrix("M", (2, 3))
    c = sg.symbol("c")
    f = sg.sum((m @ v - 1) ** 2) + c * (a - 2) ** 2 + sg.exp(a) * sg.sum(v**2) + sg.sum(m**4)
    return f, [a, v, m], c


def test_several_unknowns_and_parameters():
    f, unknowns, c = mixed()
    p = sg.scipy_problem(f, unknowns, [c])
    rng = np.random.default_rng(0)
    values = [0.3, rng.normal(size=3), rng.normal(size=(2, 3))]
    x = p.pack(*values)
    assert x.shape == (p.size,) == (10,)
    back = p.unpack(x)
    assert all(np.array_equal(b, v) for b, v in zip(back, values, strict=True))
    assert p.fun(x, 3.0) == sg.evaluate(f, dict(zip([*unknowns, c], [*values, 3.0], strict=True)))
    slope = scipy.optimize.approx_fprime(x, p.fun, 1e-7, 3.0)
    np.testing.assert_allclose(p.jac(x, 3.0), slope, rtol=1e-4, atol=1e-5)
    curvature = scipy.optimize.approx_fprime(x, p.jac, 1e-7, 3.0)
    np.testing.assert_allclose(p.hess(x, 3.0), curvature, rtol=1e-4, atol=1e-5)
    v = rng.normal(size=10)
    np.testing.assert_allclose(p.hessp(x, v, 3.0), p.hess(x, 3.0) @ v, rtol=1e-12)
    # another parameter at the same x is another value
    assert p.fun(x, 4.0) == pytest.approx(p.fun(x, 3.0) + (0.3 - 2) ** 2, rel=1e-13)


def test_minimize_with_args():
    f, unknowns, c = mixed()
    p = sg.scipy_problem(f, unknowns, [c])
    x0 = p.pack(0.3, np.full(3, 0.5), np.full((2, 3), 0.5))
    found = scipy.optimize.minimize(
        p.fun, x0, args=(3.0,), jac=p.jac, hess=p.hess, method="trust-exact", tol=1e-10
    )
    assert np.abs(p.jac(found.x, 3.0)).max() < 1e-8


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_root(method):
    x, y = sg.symbols("x y")
    p = sg.scipy_problem([x**2 + y**2 - 4, x * y - 1], [x, y])
    found = scipy.optimize.root(p.fun, [2.0, 0.3], jac=p.jac, method=method)
    assert found.success
    assert np.abs(p.fun(found.x)).max() < 1e-10


def test_one_scalar_equation():
    x = sg.symbol("x")
    p = sg.scipy_problem([sg.cos(x) - x], x)
    found = scipy.optimize.root(p.fun, [1.0], jac=p.jac)
    assert found.x == pytest.approx([0.7390851332151607], rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_least_squares_on_the_sets_of_nist(name):
    """SciPy's Levenberg-Marquardt from the near start, with our exact Jacobian."""
    fit = load(name)
    p = sg.scipy_problem(fit.residuals, fit.parameters)
    options = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "max_nfev": 5000}
    with np.errstate(over="ignore", invalid="ignore"):  # at trial points far away
        found = scipy.optimize.least_squares(
            p.fun, fit.starts[1], jac=p.jac, x_scale="jac", method="lm", **options
        )
    assert digits(found.x, fit.certified) > 6


def test_a_problem_pickles():
    p = pickle.loads(pickle.dumps(rosenbrock()))
    assert p.fun(START) == rosenbrock().fun(START)
    np.testing.assert_allclose(p.hess(START), rosenbrock().hess(START))


def test_errors_name_the_problem():
    x, y = sg.symbols("x y")
    v = sg.vector("v", "n")
    with pytest.raises(sg.ArgumentError, match="does not mention the unknown 'y'"):
        sg.scipy_problem(x**2, [x, y])
    with pytest.raises(sg.ArgumentError, match="at least one unknown"):
        sg.scipy_problem(x**2, [])
    with pytest.raises(sg.ArgumentError, match="not among the arguments"):
        sg.scipy_problem(x**2 + y, x)
    with pytest.raises(sg.ShapeError, match=r"unknown v has shape \(n,\)"):
        sg.scipy_problem(sg.sum(v**2), v)
    p = sg.scipy_problem(x**2 + y**2, [x, y])
    with pytest.raises(sg.ShapeError, match=r"x, y has shape \(3,\), needs \(2,\)"):
        p.fun(np.zeros(3))
    with pytest.raises(sg.ShapeError, match="value of x has shape"):
        p.pack(np.zeros(2), 1.0)
    residuals = sg.scipy_problem([x**2 - y, y - 1], [x, y])
    with pytest.raises(sg.ArgumentError, match="hess belongs to a scalar objective"):
        residuals.hess(np.zeros(2))
