"""Derivatives of x**p at x = 0: by base and exponent, of every order, in every form a model has them.

The reference is the derivative as a sum, x**(p - j) * sum_i C(k, i) F^(i)(p) log(x)**(k - i) with the
falling factorial F, in 40 digits; at x = 0 the limit from above, term by term.
"""

import pickle
from itertools import product

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.traverse import check_graph, toposort
from symgrad.ops.arithmetic import mul_all
from symgrad.ops.power_derivatives import POWER_DERIVATIVE

x, p, a, b, t = sg.symbols("x p a b t")
EXPONENTS = (-2.0, -1.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.5)
BASES = (0.0, 0.5, 1.0, 2.0)


def reference(base, exponent, j, k):
    with mpmath.workdps(40):
        coefficients = mpmath.taylor(
            lambda q: mpmath.fprod([q - i for i in range(j)]), mpmath.mpf(exponent), k
        )
        terms = [
            (mpmath.binomial(k, i) * c * mpmath.factorial(i), k - i)
            for i, c in enumerate(coefficients)
        ]
        q = mpmath.mpf(exponent) - j
        if base:
            log = mpmath.log(base)
            return float(sum(c * log**n for c, n in terms) * mpmath.mpf(base) ** q)
        if q > 0:
            return 0.0
        c, n = next(((c, n) for c, n in terms if abs(c) > 1e-25), (mpmath.mpf(0), 0))
        if n == 0 and (q == 0 or c == 0):
            return float(c)
        return float(mpmath.sign(c) * (-1) ** n * mpmath.inf)


def derivative(e, order, names):
    for name in order:
        e = sg.diff(e, names[name])
    return e


@pytest.mark.parametrize(("j", "k"), [(j, k) for j in range(4) for k in range(4) if j + k])
@pytest.mark.parametrize("base_first", [True, False])
def test_every_order(j, k, base_first):
    order = "x" * j + "p" * k
    d = derivative(x**p, order if base_first else order[::-1], {"x": x, "p": p})
    check_graph(d)
    f = sg.lambdify([x, p], d)
    for base, exponent in product(BASES, EXPONENTS):
        expected = reference(base, exponent, j, k)
        assert f(base, exponent) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    points = [(base, e) for base, e in product(BASES, EXPONENTS)]
    expected = [reference(base, e, j, k) for base, e in points]
    finite = np.isfinite(expected)
    at = np.array(points)[finite].T
    np.testing.assert_allclose(f(*at), np.array(expected)[finite], rtol=1e-12, atol=1e-12)


def test_mixed_derivatives_are_one_node():
    assert sg.diff(sg.diff(x**p, x), p) is sg.diff(sg.diff(x**p, p), x)
    rows = sg.hessian(x**p, [x, p])
    assert rows[0][1] is rows[1][0]


@pytest.mark.parametrize("k", range(1, 5))
@pytest.mark.parametrize("kind", ["number", "array", "arange", "symbol", "integers"])
def test_polynomials(kind, k):
    """sum(c * x**i) at x = 0: its k-th derivative is k! c_k."""
    c = np.array([5.0, 3.0, 2.0, 7.0])
    e = {
        "number": sum(float(c[i]) * x**i for i in range(4)),
        "array": sg.sum(c * x ** np.arange(4)),
        "arange": sg.sum(sg.constant(c) * x ** sg.arange(4)),
        "symbol": sg.sum(c * x ** sg.vector("q", 4)),
        "integers": sg.sum(c * x ** sg.symbol("q", (4,), dtype=int)),
    }[kind]
    more = [s for s in sg.free_symbols(e) if s is not x]
    f = sg.lambdify([x, *more], sg.diff(e, x, k))
    values = [np.arange(4).astype(s.dtype) for s in more]
    expected = np.polynomial.Polynomial(c).deriv(k)
    for point in (0.0, -1.5, 2.0):
        assert f(point, *values) == pytest.approx(expected(point), rel=1e-13, abs=1e-13)


v = sg.vector("v", 3)
POINT = np.array([0.0, 0.5, 2.0])
ARRAYS = {
    "vandermonde": (sg.sum(v[:, None] ** np.arange(4)), v, POINT, [1.0, 2.75, 17.0]),
    "gathered": (sg.sum(v[np.array([0, 2, 2])] ** np.array([1.0, 2.0, 1.0])), v, POINT, [1, 0, 5]),
    "sliced": (sg.sum(v[:2] ** np.array([1, 3])), v, POINT, [1, 0.75, 0]),
    "shifted": (sg.sum((v - 2) ** np.arange(3)), v, np.full(3, 2.0), [0, 1, 0]),
    "by exponent": (sg.sum(np.array([0.0, 1.0, 2.0]) ** v), v, np.ones(3), [0, 0, 2 * np.log(2)]),
    "exponent of base 0": (sg.sum(sg.zeros(3) ** v), v, np.ones(3), [0, 0, 0]),
    "float_power": (sg.sum(sg.float_power(v, np.arange(3))), v, np.zeros(3), [0, 1, 0]),
    "np.power": (sg.sum(np.power(v, [1.0, 2.0, 0.0])), v, np.zeros(3), [1, 0, 0]),
    "matrix": (sg.sum(sg.outer(v, v) ** np.eye(3)), v, np.array([0.0, 1.0, 2.0]), [0, 2, 4]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name):
    e, wrt, point, expected = ARRAYS[name]
    gradient = sg.grad(e, wrt)
    np.testing.assert_allclose(sg.evaluate(gradient, {wrt: point}), expected, rtol=1e-13)
    assert np.isfinite(sg.evaluate(sg.hessian(e, wrt), {wrt: point})).all()


def test_large_arrays():
    n = 100_000
    w, e = sg.vector("w", "n"), sg.vector("e", "n")
    rng = np.random.default_rng(0)
    at = np.where(rng.random(n) < 0.3, 0.0, rng.random(n))
    powers = rng.integers(1, 4, n).astype(float)
    total = sg.sum(w**e)
    by_base, by_exponent = sg.lambdify([w, e], sg.grad(total, [w, e]))(at, powers)
    np.testing.assert_allclose(by_base, powers * at ** (powers - 1), rtol=1e-13)
    np.testing.assert_allclose(by_exponent, at**powers * np.log(np.where(at, at, 1)), rtol=1e-13)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_dtypes_are_kept(kind):
    w, q = sg.symbol("w", (3,), dtype=kind), sg.symbol("q", dtype=kind)
    f = sg.lambdify([w, q], sg.grad(sg.sum(w**q), [w, q]))
    at = np.array([0.0, 1.0, 2.0], kind)
    for result in f(at, np.dtype(kind).type(2)):
        assert result.dtype == kind
        assert np.isfinite(result).all()


# Powers of a quotient or a product: the chain rule multiplies by what is 0 as well

MODELS = {
    "power law": (a * t**b, lambda a, b, t: a * t**b),
    "scaled": ((t / a) ** b, lambda a, b, t: (t / a) ** b),
    "rate": ((a * t) ** b, lambda a, b, t: (a * t) ** b),
    "square": ((t**2 / a) ** b, lambda a, b, t: (t * t / a) ** b),
    "Weibull": (sg.exp(-((t / a) ** b)), lambda a, b, t: mpmath.exp(-((t / a) ** b))),
    "Hill": (
        (t / a) ** b / (1 + (t / a) ** b),
        lambda a, b, t: (t / a) ** b / (1 + (t / a) ** b),
    ),
}


@pytest.mark.parametrize(("i", "j"), [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (2, 1), (2, 2)])
@pytest.mark.parametrize("name", MODELS)
def test_models_with_a_datum_at_zero(name, i, j):
    """The model is constant in a and b at t = 0: all derivatives are 0 there."""
    e, model = MODELS[name]
    for order in ("a" * i + "b" * j, "b" * j + "a" * i):
        d = derivative(e, order, {"a": a, "b": b})
        f = sg.lambdify([a, b, t], d)
        for exponent in (0.4, 1.0, 1.5, 2.0):
            assert f(1.3, exponent, 0.0) == 0
            with mpmath.workdps(40):
                expected = mpmath.diff(
                    lambda a, b: model(a, b, mpmath.mpf("0.7")), (1.3, exponent), (i, j)
                )
            assert f(1.3, exponent, 0.7) == pytest.approx(float(expected), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("name", ["power law", "scaled", "Weibull", "Hill"])
def test_fits_with_a_datum_at_zero(name):
    times, values = sg.vector("times", 6), sg.vector("values", 6)
    e = MODELS[name][0]
    at = np.arange(6.0)
    rows = sg.stack([sg.substitute(e, {t: times[i]}) for i in range(6)])
    data = np.array([sg.evaluate(e, {a: 2.0, b: 1.3, t: s}) for s in at])
    solution = sg.least_squares(rows - values, [a, b], [times, values])([1.0, 1.0], at, data)
    assert solution.converged
    np.testing.assert_allclose(solution.x, [2.0, 1.3], rtol=1e-8)


def test_mass_action():
    """Rates k*prod(c**S), with stoichiometric coefficients 0, 1, 2 as a constant and as a symbol."""
    c, k, S = sg.vector("c", 3), sg.vector("k", 2), sg.matrix("S", (2, 3))
    orders = np.array([[1, 0, 2], [0, 1, 1]])
    point = np.array([0.0, 2.0, 0.0])
    for exponents, more in ((orders, []), (S, [S])):
        rates = k * sg.prod(c[None, :] ** exponents, axis=1)
        f = sg.lambdify([c, k, *more], [sg.jacobian(rates, c), sg.hessian(sg.sum(rates), c)])
        jacobian, hessian = f(point, np.ones(2), *[orders.astype(float) for _ in more])
        np.testing.assert_array_equal(jacobian, [[0, 0, 0], [0, 0, 2]])
        np.testing.assert_array_equal(hessian, [[0, 0, 0], [0, 0, 1], [0, 1, 0]])


# How it reads, and what is rewritten


def test_formulas_read_as_before():
    assert str(sg.diff(x**p, x)) == "p*x**(p - 1)"
    assert str(sg.diff(x**p, x, 2)) == "p*x**(p - 2)*(p - 1)"
    assert str(sg.diff(x**p, p)) == "x**p*log(x)"
    assert str(sg.diff(sg.diff(x**p, x), p)) == "x**(p - 1)*(p*log(x) + 1)"
    assert sg.latex(sg.diff(x**p, x)) == r"p x^{p - 1}"
    assert sg.diff(sg.log(x**p), x) is p / x
    assert sg.simplify(x * sg.diff(x**p, x) - p * x**p) is sg.constant(0)


def test_a_formula_written_by_hand_is_the_derivative():
    assert sg.simplify(p * x ** (p - 1)) is sg.diff(x**p, x)
    assert sg.simplify(p * (p - 1) * x ** (p - 2)) is sg.diff(x**p, x, 2)
    assert sg.simplify(sg.log(x) ** 2 * x**p) is sg.diff(x**p, p, 2)
    for e in (sg.diff(x**p, x), sg.diff(x**p, p), sg.diff(x**p, x, 3)):
        assert sg.simplify(sg.from_sympy(sg.to_sympy(e))) is e
        assert pickle.loads(pickle.dumps(e)) is e
    assert sg.lambdify([x, p], p * x ** (p - 1))(0.0, 0.0) == 0


def test_factors_that_stand_twice_are_kept():
    f = sg.lambdify([x, p], mul_all([p, p, x ** (p - 1), p]))
    assert f(2.0, 3.0) == 27 * 4
    g = sg.lambdify([t, a, b], mul_all([t, t, sg.diff((t / a) ** b, a), t]))
    assert g(0.5, 2.0, 3.0) == pytest.approx(-(0.5**6) * 3 / 2.0**4)


def test_nothing_special_where_the_base_is_not_zero():
    y = sg.symbol("y", positive=True)
    for e in (y**p, sg.exp(x) ** p, 2**p, np.array([1.0, 2.0]) ** p):
        for wrt in (p, *sg.free_symbols(e)[:1]):
            nodes = toposort([sg.diff(e, wrt, 2)])
            assert not any(node.op is POWER_DERIVATIVE for node in nodes)


K = sg.symbol("k")
ROOTS = {  # of products, and their derivatives by k where t > 0
    "sqrt(k*t)": (sg.sqrt(K * t), lambda k, t: mpmath.sqrt(k * t)),
    "3*sqrt(t*k)*p": (3 * sg.sqrt(t * K) * p, lambda k, t: 6 * mpmath.sqrt(k * t)),
    "sqrt(t/k)": (sg.sqrt(t / K), lambda k, t: mpmath.sqrt(t / k)),
    "sqrt(k*t**2)": (sg.sqrt(K * t**2), lambda k, t: mpmath.sqrt(k) * t),
    "(k*t)**0.3": ((K * t) ** 0.3, lambda k, t: (k * t) ** mpmath.mpf(0.3)),
    "(k*t)**1.5": ((K * t) ** 1.5, lambda k, t: (k * t) ** 1.5),
    "cbrt(k*t)": (sg.cbrt(K * t), lambda k, t: mpmath.cbrt(k * t)),
}


@pytest.mark.parametrize("name", ROOTS)
def test_roots_of_products_by_the_other_factor(name):
    """At t = 0 the root is 0 for every k, and so is its derivative."""
    formula, theirs = ROOTS[name]
    for order in (1, 2):
        f = sg.lambdify([K, t, p], sg.diff(formula, K, order))
        want = [0.0, *[float(mpmath.diff(theirs, (2, s), (order, 0))) for s in (0.5, 3)]]
        assert f(2.0, np.array([0.0, 0.5, 3.0]), 2.0) == pytest.approx(want, rel=1e-9)
        assert [f(2.0, s, 2.0) for s in (0.0, 0.5, 3.0)] == pytest.approx(want, rel=1e-9)


def test_a_root_keeps_its_pole():
    f = sg.lambdify([K, t], sg.diff(sg.sqrt(K * t), K))
    assert f(0.0, 2.0) == np.inf


@pytest.mark.parametrize(
    ("formula", "power"),
    [
        (sg.sqrt(x**p), lambda q: q / 2),
        (sg.sqrt(x) ** p, lambda q: q / 2),
        ((x**p) ** 1.5, lambda q: 1.5 * q),
        (x**p / sg.sqrt(x), lambda q: q - 0.5),
    ],
    ids=["sqrt(x**p)", "sqrt(x)**p", "(x**p)**1.5", "x**p/sqrt(x)"],
)
def test_powers_of_powers_by_the_base(formula, power):
    """At 0 as x**q has it with the exponent that all powers make together."""
    f = sg.lambdify([x, p], sg.diff(formula, x))
    exponents = np.array([1.5, 2.0, 3.0, 4.0, 6.0])
    exponents = exponents[power(exponents) >= 1]
    q = power(exponents)
    at_zero = np.where(q > 1, 0.0, 1.0)
    assert np.array_equal(f(0.0, exponents), at_zero)
    assert [f(0.0, e) for e in exponents.tolist()] == at_zero.tolist()
    assert np.allclose(f(2.0, exponents), q * 2.0 ** (q - 1), rtol=1e-14)
