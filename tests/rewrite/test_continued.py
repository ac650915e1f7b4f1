"""Formulas of powers at base 0: values and three derivatives are the limits from above, or infinite."""

import math

import mpmath
import numpy as np
import pytest

import symgrad as sg

x, k, n, p, a = sg.symbols("x k n p a")
inf = math.inf
AT = {x: 0.0, k: 2.0, a: 3.0}

HILL = {  # the value and derivatives by x at 0 of x**n/(2**n + x**n)
    1.0: [0, 1 / 2, -2 / 4, 6 / 8],
    2.0: [0, 0, 2 / 4, 0],
    3.0: [0, 0, 0, 6 / 8],
    4.0: [0, 0, 0, 0],
    0.5: [0, inf, -inf, inf],
    1.5: [0, 0, inf],
    2.5: [0, 0, 0, inf],
}
SPELLINGS = {
    "1/(1 + (k/x)**n)": lambda n: 1 / (1 + (k / x) ** n),
    "1/(1 + (x/k)**-n)": lambda n: 1 / (1 + (x / k) ** -n),
    "x**n/(k**n + x**n)": lambda n: x**n / (k**n + x**n),
    "(x/k)**n/(1 + (x/k)**n)": lambda n: (x / k) ** n / (1 + (x / k) ** n),
    "1 - k**n/(k**n + x**n)": lambda n: 1 - k**n / (k**n + x**n),
}


def check(e, by, at, want):
    leaves = list(at)
    for order, value in enumerate(want):
        f = sg.lambdify(leaves, sg.diff(e, by, order) if order else e)
        with np.errstate(all="ignore"):  # of infinite values, as NumPy warns of them
            found = f(*at.values())
            arrays = f(*[np.array([v, v]) for v in at.values()])
        for got in (found, *np.ravel(arrays)):
            assert got == pytest.approx(value, rel=1e-12), (order, found, value)


@pytest.mark.parametrize("power", HILL)
@pytest.mark.parametrize("name", SPELLINGS)
def test_hill_curves_in_every_spelling(name, power):
    at = {x: 0.0, k: 2.0}
    check(SPELLINGS[name](n), x, at | {n: power}, HILL[power])
    check(SPELLINGS[name](n), n, at | {n: power}, [0, 0, 0])
    check(SPELLINGS[name](n), k, at | {n: power}, [0, 0, 0])
    number = int(power) if power % 1 == 0 else power
    check(SPELLINGS[name](number), x, at, HILL[power][:3])


NESTED = {
    "cbrt(x**p)": (
        sg.cbrt(x**p),
        {3.0: [0, 1, 0, 0], 6.0: [0, 0, 2, 0], 1.0: [0, inf, -inf, inf], 4.5: [0, 0, inf, -inf]},
    ),
    "sqrt(x**p)": (
        sg.sqrt(x**p),
        {2.0: [0, 1, 0, 0], 4.0: [0, 0, 2, 0], 3.0: [0, 0, inf, -inf], 1.0: [0, inf, -inf, inf]},
    ),
    "sqrt(x**p) + sqrt(x**4)": (
        sg.sqrt(x**p) + sg.sqrt(x**4),
        {2.0: [0, 1, 2, 0], 6.0: [0, 0, 2, 6], 0.0: [1, 0, 2, 0]},
    ),
    "(x**p)**2": ((x**p) ** 2, {0.5: [0, 1, 0, 0], 1.0: [0, 0, 2, 0]}),
    "(x**p)**(1/p)": ((x**p) ** (1 / p), {2.0: [0, 1, 0]}),
    "log(x**p)": (sg.log(x**p), {2.0: [-inf, inf, -inf, inf]}),
    "abs(x)**p": (sg.abs(x) ** p, {2.0: [0, 0, 2], 3.0: [0, 0, 0], 4.0: [0, 0, 0]}),
    "x**p*log(x)": (
        x**p * sg.log(x),
        {
            0.5: [0, -inf, inf],
            1.0: [0, -inf, inf, -inf],
            2.0: [0, 0, -inf, inf],
            3.0: [0, 0, 0, -inf],
            4.0: [0, 0, 0, 0],
        },
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_powers_inside_functions(name):
    e, wanted = NESTED[name]
    for power, want in wanted.items():
        check(e, x, {x: 0.0, p: power}, want)


def test_derivatives_by_the_exponent():
    for e in (sg.cbrt(x**p), sg.sqrt(x**p), x**p * sg.log(x), x**p * sg.log(x) ** 2):
        check(e, p, {x: 0.0, p: 3.0}, [0, 0, 0])


WITH_LOGARITHMS = {
    "x*log(x)": (x * sg.log(x), [0, -inf, inf, -inf]),
    "x*log(2*x)": (x * sg.log(2 * x), [0, -inf, inf, -inf]),
    "x*log(x)**2": (x * sg.log(x) ** 2, [0, inf]),
    "x**2*log(x)": (x**2 * sg.log(x), [0, 0, -inf, inf]),
    "x**3*log(x)**2": (x**3 * sg.log(x) ** 2, [0, 0, 0, inf]),
    "x**4*log(x/2)": (x**4 * sg.log(x / 2), [0, 0, 0, 0]),
    "sqrt(x)*log(x)": (sg.sqrt(x) * sg.log(x), [0, -inf, inf]),
    "binary entropy": (-x * sg.log(x) - (1 - x) * sg.log(1 - x), [0, inf, -inf]),
}


@pytest.mark.parametrize("name", WITH_LOGARITHMS)
def test_products_with_logarithms(name):
    e, want = WITH_LOGARITHMS[name]
    check(e, x, {x: 0.0}, want)


def test_entropies_of_arrays():
    q = sg.vector("q", "n")
    f = sg.lambdify(q, -sg.sum(q * sg.log(q)))
    assert f(np.array([0.0, 0.5, 0.5])) == pytest.approx(math.log(2), rel=1e-15)
    assert math.isnan(f(np.array([-1.0, 0.5])))


def test_the_formula_is_read_as_it_was():
    e = 1 / (1 + (k / x) ** n)
    assert str(sg.diff(e, x)) == "n*(k/x)**n/(x*((k/x)**n + 1)**2)"
    assert str(sg.diff(sg.cbrt(x**p), x)) == "p*x**(p - 1)/(3*cbrt(x**p)**2)"
    assert "at_zero" not in str(sg.grad(sg.sum(1 / (1 + (2 / sg.vector("v", 3)) ** n)), n))


def test_away_from_zero_nothing_changes():
    def formula(x, k):
        return 1 / (1 + (k / x) ** n) + sg.cbrt(x**p) + x**p * sg.log(x)

    u, v = sg.symbols("u v", positive=True)  # nowhere zero: nothing is continued
    for order in range(4):
        f = sg.lambdify([x, k, n, p], sg.diff(formula(x, k), x, order))
        g = sg.lambdify([u, v, n, p], sg.diff(formula(u, v), u, order))
        assert f(0.7, 1.3, 2.5, 1.7) == pytest.approx(g(0.7, 1.3, 2.5, 1.7), rel=1e-13)


@pytest.mark.parametrize("n", [1.0, 2.0, 2.5, 3.0])
def test_a_hill_curve_by_logarithms(n):
    x, k, p = sg.symbols("x k p")
    written = 1 / (1 + sg.exp(-p * (sg.log(x) - sg.log(k))))
    wanted = [written, sg.diff(written, x), sg.diff(written, x, 2)]
    f = sg.lambdify([x, k, p], wanted)
    g = sg.lambdify([x, k, p], [sg.simplify(w) for w in wanted])

    def hill(u):
        return u**n / (u**n + mpmath.mpf(1.5) ** n)

    for at in (1e-160, 1e-20, 1e-8, 1e-3, 0.3, 40.0):
        with mpmath.workdps(700):
            u = mpmath.mpf(at)
            h, m = hill(u), mpmath.mpf(n)
            first = m * h * (1 - h) / u
            true = [h, first, first * (m * (1 - 2 * h) - 1) / u]
            true = [float(t) for t in true]
        np.testing.assert_allclose(f(at, 1.5, n), true, rtol=1e-12, atol=1e-300)
        np.testing.assert_allclose(f(np.full(2, at), 1.5, n)[2], true[2], rtol=1e-12, atol=1e-300)
        if at > 1e-8:
            np.testing.assert_allclose(g(at, 1.5, n), true, rtol=1e-9)
    limit = {1.0: (0, 1 / 1.5), 2.0: (0, 0), 2.5: (0, 0), 3.0: (0, 0)}[n]
    np.testing.assert_allclose(f(0.0, 1.5, n)[:2], limit, rtol=1e-15)


def test_a_power_written_as_an_exponential():
    x = sg.symbol("x")
    f = sg.lambdify(x, [sg.exp(2 * sg.log(x)), sg.diff(sg.exp(3 * sg.log(x)), x, 2)])
    assert f(0.0) == [0.0, 0.0] and f(2.0) == [4.0, 12.0]


def test_no_product_with_a_logarithm_hides_a_nan():
    x, k = sg.symbols("x k")
    f = sg.lambdify([k, x], [k * x * sg.log(x), k * x**2 * (sg.log(x) + 1), k * x * sg.log(x) ** 2])
    assert np.all(np.isnan(f(np.nan, 0.0)))
    assert f(2.0, 0.0) == [0.0, 0.0, 0.0]
