"""Taylor series as formulas, against SymPy's series, mpmath's coefficients and differences of values."""

import math

import mpmath
import numpy as np
import pytest
import sympy

import symgrad as sg
from symgrad.expr.traverse import toposort

x, y, a = sg.symbols("x y a")
special = sg.special

FORMULAS = [
    sg.exp(x),
    sg.exp(-x * y) * sg.cos(x),
    sg.exp(sg.sin(x)),
    sg.log(1 + x),
    sg.sqrt(1 + x),
    (a + x) ** 3,
    (1 + x) ** a,
    (1 + x) ** x,
    (1 + 2 * x) ** -2,
    1 / (1 - x - x**2),
    sg.tan(x),
    sg.tanh(x),
    sg.sinh(x) * sg.cosh(2 * x),
    sg.arcsin(x),
    sg.arctan(x),
    sg.arctanh(x),
    special.erf(x),
    sg.sin(x) / x,
    x / (sg.exp(x) - 1),
    (1 - sg.cos(x)) / x**2,
    sg.sin(x) ** 2 / (x * sg.tan(x)),
    x**3 + y,
    sg.constant(3) * y,
]


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_against_sympy(formula):
    order = 6
    got = sg.to_sympy(sg.taylor(formula, x, order=order))
    X = sg.to_sympy(x)
    want = sympy.series(sg.to_sympy(formula), X, 0, order + 1).removeO()
    assert sympy.simplify(sympy.expand(got - want)) == 0


NUMERIC = {
    "gamma": (special.gamma(x), mpmath.gamma, 1.5),
    "digamma": (special.digamma(x), mpmath.digamma, 2),
    "log": (sg.log(x), mpmath.log, 3),
    "power": (x**-1.5, lambda t: t ** mpmath.mpf(-1.5), 0.7),
    "x**x": (x**x, lambda t: t**t, 1.25),
    "bessel": (special.jv(2, x), lambda t: mpmath.besselj(2, t), 1.1),
    "expit": (special.expit(x), lambda t: 1 / (1 + mpmath.exp(-t)), -0.4),
    "logaddexp": (
        sg.logaddexp(x, 2 * x),
        lambda t: mpmath.log(mpmath.exp(t) + mpmath.exp(2 * t)),
        1,
    ),
    "hypot": (sg.hypot(x, 2), lambda t: mpmath.sqrt(t**2 + 4), 0.5),
    "abs": (sg.abs(x) * x, lambda t: abs(t) * t, -2),
    "branches": (sg.where(x > 0, sg.sin(x), sg.exp(x)), mpmath.sin, 0.3),
    "named": (sg.named(sg.exp(x), "p") ** 2 + x, lambda t: mpmath.exp(t) ** 2 + t, 0.2),
    "sinc": (sg.sinc(x), lambda t: mpmath.sinc(mpmath.pi * t), 0.25),
}


@pytest.mark.parametrize("name", NUMERIC)
def test_against_mpmath(name):
    formula, function, point = NUMERIC[name]
    order = 5
    with mpmath.workdps(40):
        want = [float(c) for c in mpmath.taylor(function, mpmath.mpf(point), order)]
    h = sg.symbol("h")
    shifted = sg.taylor(formula, x, about=point, order=order)
    values = sg.substitute(shifted, {x: h + sg.constant(point)})
    got = [
        float(sg.evaluate(sg.diff(values, h, k), {h: 0.0})) / math.factorial(k)
        for k in range(order + 1)
    ]
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def test_of_arrays():
    A, v = sg.matrix("A", (3, 3)), sg.vector("v", 3)
    rng = np.random.default_rng(12)
    at, w = 0.3 * rng.normal(size=(3, 3)), rng.normal(size=3)
    small = 1e-3
    for formula in (
        sg.linalg.inv(sg.eye(3) - x * A) @ v,
        sg.linalg.det(sg.eye(3) + x * A),
        sg.exp(x * v) * sg.sum(sg.sin(v * x)),
        sg.einsum("ij,j,i->j", x * A, v * x, sg.exp(x * v)),
        sg.concatenate([x * v, sg.cumsum(sg.cos(x * v))])[1:5],
        special.logsumexp(v * x**2 - x),
    ):
        series = sg.taylor(formula, x, order=5)
        assert series.shape == formula.shape
        f = sg.lambdify([x, A, v], [formula, series])
        exact, near = f(small, at, w)
        np.testing.assert_allclose(near, exact, rtol=1e-13, atol=1e-15)
        exact, near = f(0.05, at, w)
        np.testing.assert_allclose(near, exact, rtol=1e-6, atol=1e-6)


def test_about_a_formula_is_compiled():
    series = sg.taylor(sg.exp(x) * sg.sin(y * x), x, about=sg.cos(a), order=3)
    f = sg.lambdify([x, y, a], [series, sg.exp(x) * sg.sin(y * x)])
    near, exact = f(np.cos(0.7) + 1e-4, 1.3, 0.7)
    assert abs(near - exact) < 1e-14


def test_by_an_applied_function():
    t = sg.symbol("t")
    q = sg.function("q")(t)
    assert str(sg.taylor(sg.cos(q), q, order=2)) == str(sg.taylor(sg.cos(x), x, order=2)).replace(
        "x", "q(t)"
    )


def test_cost_is_linear_in_nodes():
    def nodes(n):
        e = x
        for _ in range(n):
            e = sg.tanh(e) + x / 3
        return len(toposort([sg.taylor(e, x, about=a, order=4)]))

    assert nodes(80) < 2.2 * nodes(40)


def test_deep_formulas():
    e = x
    for _ in range(600):
        e = sg.sin(e)
    assert sg.taylor(e, x, order=2) is x
    assert str(sg.taylor(e, x, order=3)) == "x - 100*x**3"


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        (1 / x, "1/x has no Taylor series in 'x' about this point: it has a pole"),
        (sg.exp(x) / x**2, "has a pole"),
        (sg.log(x), r"log\(x\) has no Taylor"),
        (sg.sqrt(x) + 1, r"sqrt\(x\) has no Taylor series.*branch point"),
        (x**y, "no Taylor"),
        (1 / (sg.sin(x) ** 2 + sg.cos(x) ** 2 - 1 - x), "has a pole"),
    ],
    ids=str,
)
def test_where_there_is_none(formula, said):
    with pytest.raises(sg.ArgumentError, match=said):
        sg.taylor(formula, x)


def test_arguments():
    v = sg.vector("v", 3)
    with pytest.raises(sg.ShapeError, match="scalar symbol, v has shape"):
        sg.taylor(sg.sum(v), v)
    with pytest.raises(sg.ShapeError, match="point of a series"):
        sg.taylor(x, x, about=v)
    with pytest.raises(sg.ArgumentError, match="must not depend on 'x'"):
        sg.taylor(x**2, x, about=x + 1)
    with pytest.raises(sg.ArgumentError, match="non-negative int"):
        sg.taylor(x, x, order=-1)
    with pytest.raises(sg.DerivativeError, match="dtype"):
        sg.taylor(x > 0, x)
    assert sg.taylor(sg.exp(x), x, order=0) is sg.constant(1)
