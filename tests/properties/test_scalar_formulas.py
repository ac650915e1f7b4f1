"""Random scalar formulas: every way to the same number gives the same number."""

import math

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import symgrad as sg
from symgrad.expr.traverse import check_graph

x, y = sg.symbols("x y")
STEADY = settings(
    derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck)
)

UNARY = [
    (sg.sin, np.sin),
    (sg.cos, np.cos),
    (sg.tanh, np.tanh),
    (sg.exp, np.exp),
    (sg.arctan, np.arctan),
    (sg.cosh, np.cosh),
    (lambda a: sg.log(1 + a**2), lambda a: np.log(1 + a**2)),
    (lambda a: sg.log(1 + sg.exp(a)), lambda a: np.logaddexp(0, a)),
    (lambda a: sg.sqrt(2 + a**2), lambda a: np.sqrt(2 + a**2)),
    (lambda a: 1 / (1 + a**2), lambda a: 1 / (1 + a**2)),
    (lambda a: 1 / (1 + sg.exp(-a)), lambda a: 1 / (1 + np.exp(-a))),
    (lambda a: -a, lambda a: -a),
    (lambda a: a**3, lambda a: a**3),
    (lambda a: 2 * a - 1, lambda a: 2 * a - 1),
    (sg.abs, np.abs),
]
BINARY = [
    (lambda a, b: a + b, np.add),
    (lambda a, b: a - b, np.subtract),
    (lambda a, b: a * b, np.multiply),
    (lambda a, b: a / (2 + b**2), lambda a, b: a / (2 + b**2)),
    (sg.maximum, np.maximum),
    (sg.hypot, np.hypot),
    (lambda a, b: sg.where(a > b, a * b, b), lambda a, b: np.where(a > b, a * b, b)),
]


def _extend(children):
    unary = st.tuples(st.sampled_from(UNARY), children).map(
        lambda t: (t[0][0](t[1][0]), lambda *at: t[0][1](t[1][1](*at)))
    )
    binary = st.tuples(st.sampled_from(BINARY), children, children).map(
        lambda t: (
            t[0][0](t[1][0], t[2][0]),
            lambda *at: t[0][1](t[1][1](*at), t[2][1](*at)),
        )
    )
    return unary | binary


LEAVES = st.sampled_from(
    [
        (x, lambda a, b: a),
        (y, lambda a, b: b),
        (sg.constant(2), lambda a, b: 2.0 + 0 * a),
        (sg.constant(0.5), lambda a, b: 0.5 + 0 * a),
    ]
)
FORMULAS = st.recursive(LEAVES, _extend, max_leaves=8)
POINTS = st.tuples(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))


def moderate(values):
    return np.all(np.isfinite(values)) and np.max(np.abs(values)) < 1e6


@STEADY
@given(FORMULAS, POINTS)
def test_paths_agree_with_numpy(formula, at):
    e, reference = formula
    with np.errstate(all="ignore"):
        expected = float(reference(*map(np.float64, at)))
    assume(moderate(expected))
    f = sg.lambdify([x, y], [e, sg.simplify(e)])
    scale = 1 + abs(expected)
    for floats in f(*at):
        assert math.isclose(floats, expected, rel_tol=1e-9, abs_tol=1e-9 * scale)
    for arrays in f(np.full(3, at[0]), at[1]):
        assert arrays.shape == (3,)
        np.testing.assert_allclose(arrays, expected, rtol=1e-9, atol=1e-9 * scale)


@STEADY
@given(FORMULAS, POINTS)
def test_derivatives_agree_with_differences(formula, at):
    e, reference = formula
    gradient = sg.grad(e, [x, y])
    check_graph(*gradient)
    forward = [sg.diff(e, leaf) for leaf in (x, y)]
    f = sg.lambdify([x, y], [gradient, forward, sg.jvp(e, [x, y], [1, 2])])
    reverse, one_by_one, along = f(*at)
    assume(moderate(reverse))
    np.testing.assert_allclose(reverse, one_by_one, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(along, reverse[0] + 2 * reverse[1], rtol=1e-8, atol=1e-8)
    h = 1e-4
    here = reference(*map(np.float64, at))
    for i in (0, 1):
        right = (reference(*(at + np.eye(2)[i] * h)) - here) / h
        left = (here - reference(*(at - np.eye(2)[i] * h))) / h
        assume(abs(right - left) < 1e-2 * (1 + abs(right)))  # no kink here
        slopes = []
        for k in (1, 2):
            step = np.eye(2)[i] * k * h
            high, low = reference(*(at + step)), reference(*(at - step))
            slopes.append((high - low) / (2 * k * h))
        assume(abs(slopes[0] - slopes[1]) < 1e-3 * (1 + abs(slopes[0])))  # nor nearby
        extrapolated = (4 * slopes[0] - slopes[1]) / 3
        np.testing.assert_allclose(reverse[i], extrapolated, rtol=1e-4, atol=1e-4)


@STEADY
@given(FORMULAS, POINTS)
def test_second_derivatives_are_symmetric_and_simplification_keeps_them(formula, at):
    e, _ = formula
    (xx, xy), (yx, yy) = sg.hessian(e, [x, y])
    other = sg.diff(sg.diff(sg.simplify(e), y), x)
    values = sg.lambdify([x, y], [xx, xy, yx, yy, other])(*at)
    assume(moderate(values))
    np.testing.assert_allclose(values[1], values[2], rtol=1e-8, atol=1e-8)
    scale = 1 + max(abs(v) for v in values)
    np.testing.assert_allclose(values[4], values[1], rtol=1e-6, atol=1e-6 * scale)


@STEADY
@given(FORMULAS, POINTS)
def test_text_and_sympy_read_back(formula, at):
    e, _ = formula
    back = sg.parse(str(e), symbols=[x, y])
    through = sg.from_sympy(sg.to_sympy(e))
    names = {str(s.name): s for s in sg.free_symbols(through)}
    renamed = sg.substitute(through, {s: {"x": x, "y": y}[n] for n, s in names.items()})
    values = sg.lambdify([x, y], [e, back, renamed])(*at)
    assume(moderate(values))
    np.testing.assert_allclose(values[1:], values[0], rtol=1e-7, atol=1e-7 * (1 + abs(values[0])))


@STEADY
@given(FORMULAS)
def test_simplification_is_settled(formula):
    """Simplifying again changes nothing but, at most, the length of the text."""
    e, _ = formula
    once = sg.simplify(e)
    check_graph(once)
    assert len(str(sg.simplify(once))) <= len(str(once))
