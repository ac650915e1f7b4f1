"""Special functions: values and derivatives against mpmath, protocols, behaviour at the edges."""

import mpmath
import numpy as np
import pytest
import scipy.special
import sympy as sp

import symgrad as sg
from symgrad import special
from symgrad.errors import ArgumentError
from symgrad.interop.sympy import to_sympy

X, A, B = sg.symbol("x"), sg.symbol("a"), sg.symbol("b")
ONE = [
    "erf erfc erfcx erfi dawsn erfinv ndtr log_ndtr ndtri logit log_expit expit softplus",
    "gamma gammaln digamma entr expi exp1 lambertw",
    "j0 j1 y0 y1 i0 i1 k0 k1 i0e i1e k0e k1e",
]
ONE = " ".join(ONE).split()
TWO = "beta betaln xlogy xlog1py rel_entr kl_div".split()
UNIT = {"erfinv", "ndtri", "logit"}
POINTS = [0.3, 0.55, 0.8]
ORDERED = ["polygamma", "jv", "yv", "iv", "kv", "ive", "kve"]


def points(name):
    return POINTS if name in UNIT else [0.4, 1.1, 2.7]


def oracle(e, symbols):
    """The value of a formula by mpmath, through its SymPy image."""
    names = [sp.Symbol(s.name, real=True) for s in symbols]
    return sp.lambdify(names, to_sympy(e), "mpmath")


def check(e, symbols, at, tolerance=1e-10):
    """Value, and first and second derivatives by the first symbol, against mpmath."""
    with mpmath.workdps(40):
        f = oracle(e, symbols)
        for order in range(3):
            got = sg.evaluate(sg.diff(e, symbols[0], order), dict(zip(symbols, at, strict=True)))
            want = mpmath.diff(lambda t: f(t, *at[1:]), mpmath.mpf(at[0]), order)
            assert got == pytest.approx(float(want), rel=tolerance, abs=1e-12), order


@pytest.mark.parametrize("name", ONE)
def test_functions_of_one_operand(name):
    function = getattr(special, name)
    for t in points(name):
        check(function(X), [X], [t])
        theirs = getattr(scipy.special, name)(t)
        assert sg.evaluate(function(X), {X: t}) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("name", TWO)
def test_functions_of_two_operands(name):
    function = getattr(special, name)
    for a, b in ((0.4, 1.3), (2.1, 0.7)):
        check(function(A, B), [A, B], [a, b])
        check(function(B, A), [A, B], [a, b])
        theirs = getattr(scipy.special, name)(a, b)
        assert sg.evaluate(function(A, B), {A: a, B: b}) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("name", ORDERED)
@pytest.mark.parametrize("n", [0, 1, 3])
def test_functions_with_an_order(name, n):
    function = getattr(special, name)
    for t in (0.4, 2.7):
        check(function(n, X), [X], [t])
        theirs = getattr(scipy.special, name)(n, t)
        assert sg.evaluate(function(n, X), {X: t}) == pytest.approx(theirs, rel=1e-12)


def test_bessel_functions_of_broken_order():
    check(special.jv(0.5, X), [X], [1.3])
    assert special.jv(2.0, X) is special.jv(2, X)


@pytest.mark.parametrize("name", [*ONE, *TWO])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_keep_shape_and_dtype(name, dtype):
    function = getattr(special, name)
    count = 1 if name in ONE else 2
    leaves = [sg.symbol(f"s{i}", (2, 3), dtype) for i in range(count)]
    data = np.linspace(0.2, 0.8, 6).astype(dtype).reshape(2, 3)
    values = {leaf: data + np.asarray(i, dtype) for i, leaf in enumerate(leaves)}
    got = sg.evaluate(function(*leaves), values)
    assert function(*leaves).dtype == got.dtype == dtype
    want = getattr(scipy.special, name)(*values.values())
    np.testing.assert_allclose(got, want, rtol=1e-5 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize("name", ORDERED)
def test_ordered_functions_keep_dtype(name):
    leaf = sg.symbol("s", 3, np.float32)
    e = getattr(special, name)(2, leaf)
    got = sg.evaluate(e, {leaf: np.array([0.5, 1.0, 2.0], np.float32)})
    assert e.dtype == got.dtype == np.float32


def test_scipy_functions_take_expressions():
    assert scipy.special.erf(X) is special.erf(X)
    assert scipy.special.psi(X) is special.digamma(X)
    assert scipy.special.jv(2, X) is special.jv(2, X)
    assert scipy.special.lambertw(X) is special.lambertw(X)
    assert scipy.special.expit(X) is special.expit(X)
    assert scipy.special.lambertw(X, -1) is special.lambertw(X, k=-1)
    with pytest.raises(ArgumentError, match="branches 0 and -1"):
        scipy.special.lambertw(X, 1)
    with pytest.raises(ArgumentError, match=r"numpy.bdtr .*not defined"):
        scipy.special.bdtr(X, 2, 0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hermite_polynomials_of_whole_degree_keep_dtype(dtype):
    leaf = sg.symbol("s", 3, dtype)
    got = sg.evaluate(special.eval_hermite(3, leaf), {leaf: np.array([0.5, 1.0, 2.0], dtype)})
    assert got.dtype == dtype
    np.testing.assert_allclose(got, [-5.0, -4.0, 40.0], rtol=1e-6)
    assert np.isnan(sg.evaluate(special.eval_hermite(2.5, X), {X: 0.5}))


def test_derivatives_close_under_themselves():
    assert sg.diff(special.gammaln(X), X) is special.digamma(X)
    assert sg.diff(special.gammaln(X), X, 5) is special.polygamma(4, X)
    assert special.polygamma(0, X) is special.digamma(X)
    assert sg.diff(special.j0(X), X) is -special.j1(X)


@pytest.mark.parametrize("order", [-1, 0.5, None, "1"])
def test_orders_of_polygamma(order):
    with pytest.raises(ArgumentError, match="non-negative int"):
        special.polygamma(order, X)


def test_orders_are_numbers_or_expressions():
    assert special.jv(sg.constant(2), X) is special.jv(2, X)
    with pytest.raises(ArgumentError, match="order of jv must be a number"):
        special.jv("A", X)
    with pytest.raises(ArgumentError, match="order of ive must be a number"):
        special.ive(A, X)


def test_xlogy_at_zero():
    f = special.xlogy(A, B)
    by_a, by_b = sg.diff(f, A), sg.diff(f, B)
    mixed = sg.diff(by_b, A)
    at = {A: 0.0, B: 0.0}
    assert sg.evaluate(f, at) == 0.0
    with np.errstate(divide="ignore"):
        assert sg.evaluate(by_a, at) == -np.inf
    assert sg.evaluate(by_b, at) == 0.0
    assert sg.evaluate(mixed, {A: 0.0, B: 2.0}) == 0.5
    assert sg.evaluate(by_b, {A: 0.0, B: 2.0}) == 0.0


def test_logarithms_of_small_probabilities():
    f = special.log_ndtr(X)
    for t in (-5.0, -30.0):
        with mpmath.workdps(40):
            log_cdf = lambda s: mpmath.log(mpmath.erfc(-s / mpmath.sqrt(2)) / 2)  # noqa: E731
            want = [float(mpmath.diff(log_cdf, mpmath.mpf(t), n)) for n in range(3)]
        got = [sg.evaluate(sg.diff(f, X, n), {X: t}) for n in range(3)]
        np.testing.assert_allclose(got[:2], want[:2], rtol=1e-11)
        np.testing.assert_allclose(got[2], want[2], rtol=1e-7)  # a difference of near terms
    g = special.log_expit(X)
    assert sg.evaluate(g, {X: -800.0}) == -800.0
    assert sg.evaluate(sg.diff(g, X), {X: -800.0}) == 1.0


def test_lambertw_at_zero():
    f = special.lambertw(X)
    assert [sg.evaluate(sg.diff(f, X, n), {X: 0.0}) for n in range(4)] == [0.0, 1.0, -2.0, 9.0]


def test_exact_arguments_give_exact_values():
    assert special.erf(sg.constant(0)) is sg.constant(0)
    assert special.gamma(sg.constant(4)) is sg.constant(6)
    assert special.erf(-X) is -special.erf(X)


@pytest.mark.parametrize("name", special.__all__)
def test_everything_is_documented(name):
    assert getattr(special, name).__doc__
    assert name in ("log_softmax", "softmax", "softplus", "logsumexp") or hasattr(
        scipy.special, name
    )


def test_notation():
    e = special.gamma(X) + special.jv(2, X) + special.polygamma(1, X)
    assert str(e) == "gamma(x) + jv(2, x) + polygamma(1, x)"
    assert r"\Gamma\left(x\right)" in sg.latex(e)
    assert r"J_{2}\left(x\right)" in sg.latex(e)
    assert r"\psi^{(1)}\left(x\right)" in sg.latex(e)


def test_special_is_a_module_that_holds_the_functions_alone():
    from symgrad.special import erf

    names = dir(sg.special)
    assert sg.special.erf is erf
    assert {"erf", "gammaln", "ndtr"} <= set(names)
    assert not {"Final", "Expr", "annotations", "log_erfc_derivative", "BESSEL_OPS"} & set(names)
