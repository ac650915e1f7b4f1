"""All roots in an interval, against the numbers that are known; and those of polynomials."""

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.solve.intervals import RULES, bounds_of_formula

x, a = sg.symbols("x a")
FAMILIES = ("add", "mul", "astype", "named")  # of several operands, or none of their own


@pytest.mark.parametrize(
    ("f", "interval", "wanted"),
    [
        (sg.sin(x), (-10, 10), np.pi * np.arange(-3, 4)),
        (sg.sin(1 / x), (0.01, 1), 1 / (np.pi * np.arange(31, 0, -1))),
        (sg.exp(-x) * sg.sin(20 * x), (0, 5), np.pi / 20 * np.arange(32)),
        (x**3 - x, (-1, 1), [-1.0, 0.0, 1.0]),
        (sg.sqrt(x) - 0.5, (-1, 4), [0.25]),
        (x + sg.log(x), (-1, 3), [float(mpmath.lambertw(1))]),
        (x**2 + 1e-6, (-1, 1), []),
        (sg.cos(x) * sg.cosh(x) - 1, (1, 20), None),
        (sg.exp(x) == 3 * x, (-5, 5), None),
        (sg.tanh(5 * x) - x, (-2, 2), None),
    ],
)
def test_all_are_found_and_certified(f, interval, wanted):
    found = sg.all_roots(f, x, interval)
    assert found.certified and found.undecided.shape == (0, 2)
    if wanted is None:  # the changes of sign on a fine grid
        e = f.args[0] - f.args[1] if f.dtype.kind == "b" else f
        grid = np.linspace(*interval, 100_003)
        signs = np.sign(sg.lambdify([x], e)(grid))
        signs = signs[signs != 0]
        assert len(found.x) == np.count_nonzero(np.diff(signs))
        np.testing.assert_allclose(sg.lambdify([x], e)(found.x) / np.cosh(found.x), 0, atol=1e-13)
    else:
        np.testing.assert_allclose(found.x, wanted, rtol=1e-13, atol=1e-13)
    assert ((found.enclosures[:, 0] <= found.x) & (found.x <= found.enclosures[:, 1])).all()


def test_what_is_not_decided_is_said():
    found = sg.all_roots((x - 1) ** 2 * (x + 2), x, (-5, 5))
    np.testing.assert_allclose(found.x, [-2.0])
    assert not found.certified
    assert len(found.undecided) == 1 and np.abs(found.undecided - 1).max() < 1e-6
    pole = sg.all_roots(sg.tan(x) - x, x, (0.1, 3.0))
    assert pole.x.size == 0 and not pole.certified and abs(pole.undecided.mean() - np.pi / 2) < 1e-6


def test_parameters_and_errors():
    np.testing.assert_allclose(sg.all_roots(x**2 - a, x, (0, 3), {a: 2.0}).x, [np.sqrt(2)])
    with pytest.raises(sg.ArgumentError, match="needs values for a"):
        sg.all_roots(x**2 - a, x, (0, 3))
    with pytest.raises(sg.ArgumentError, match="not known for erf"):
        sg.all_roots(sg.special.erf(x) - x / 2, x, (-1, 1))
    with pytest.raises(sg.ArgumentError, match="finite a < b"):
        sg.all_roots(x, x, (0, np.inf))
    with pytest.raises(sg.DTypeError, match="real formulas and unknowns"):
        sg.all_roots(x, sg.symbol("n", dtype=int), (0, 1))


@pytest.mark.parametrize(
    "op", [op for op in RULES if op.name not in FAMILIES], ids=lambda op: op.name
)
def test_bounds_hold(op):
    """Values at points within are within the bounds; so are those at the ends of the domain."""
    f = op.build((x,), ())
    rng = np.random.default_rng(1)
    low = rng.uniform(-4, 4, 200)
    high = low + rng.exponential(1.0, 200)
    bounds = bounds_of_formula(f, x, low, high)
    call = sg.lambdify([x], f)
    with np.errstate(all="ignore"):
        for part in np.linspace(0, 1, 41):
            at = call(low + part * (high - low))
            known = np.isfinite(at)
            assert (bounds.low <= at)[known].all() and (at <= bounds.high)[known].all()


def test_polynomials():
    found = sg.polynomial_roots((x - 1) ** 3 * (x**2 + 4) * (2 * x - 1), x)
    np.testing.assert_allclose(found.x, [-2j, 2j, 0.5, 1.0], atol=1e-14)
    assert found.multiplicity.tolist() == [1, 1, 1, 3]
    floats = sg.polynomial_roots(x**5 - x - 1.25, x)
    np.testing.assert_allclose(floats.x**5 - floats.x, 1.25, rtol=1e-13)
    with pytest.raises(sg.ArgumentError, match="is no polynomial"):
        sg.polynomial_roots(sg.sin(x), x)
    with pytest.raises(sg.ArgumentError, match="every number is a root"):
        sg.polynomial_roots(x - x + a, x, {a: 0.0})
