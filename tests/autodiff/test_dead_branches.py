"""A branch that is not taken contributes nothing to a derivative: no nan, no inf, no warning.

Each formula is differentiated again and again in both modes, and evaluated where a branch that is not
taken is infinite or undefined, on floats and on arrays. Expected values come from the live branch alone.
"""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.traverse import toposort

x = sg.symbol("x")
v = sg.vector("v", 3)
where, log, sqrt = sg.where, sg.log, sg.sqrt
M = np.arange(9.0).reshape(3, 3)

# name: (formula, point, the live branch there)
SCALARS = {
    "sqrt at 0": (where(x > 0, sqrt(x), 0), 0.0, 0 * x),
    "sqrt below 0": (where(x > 0, sqrt(x), 0), -1.0, 0 * x),
    "log at 0": (where(x > 0, log(x), 0), 0.0, 0 * x),
    "log below 0": (where(x > 0, log(x), x), -1.0, x),
    "division": (where(x != 0, 1 / x, x**2), 0.0, x**2),
    "sine over x": (where(x != 0, sg.sin(x) / x, 1), 0.0, 1 - x**2 / 6),  # a smooth function
    "x to the x": (where(x > 0, x**x, sg.exp(x)), 0.0, sg.exp(x)),
    "negated": (where(sg.logical_not(x > 0), x**3, sqrt(x)), 0.0, x**3),
    "nested in the branch": (
        where(x > 0, where(x > 1, sqrt(x - 1), log(x)), 0),
        0.0,
        0 * x,
    ),
    "nested, second dead": (where(x > 0, where(x > 1, sqrt(x - 1), x), 0), 1.0, x),
    "nested in the other": (where(x > 1, sqrt(x - 1), where(x > 0, log(x), x)), 0.0, x),
    "used twice in a branch": (where(x > 0, sqrt(x) + log(x) * sqrt(x), 0), 0.0, 0 * x),
    "used in a product": (where(x > 0, sqrt(x) * sqrt(x + 1) * log(x) ** 2, x), 0.0, x),
    "factor of a branch": (where(x > 0, sqrt(x), 0) * sg.exp(x), 0.0, 0 * x),
    "product of branches": (where(x > 0, sqrt(x), 0) * where(x > 0, log(x), 0), 0.0, 0 * x),
    "inside a function": (sg.exp(where(x > 0, log(x), x)), 0.0, sg.exp(x)),
    "inside a root": (sqrt(1 + where(x > 0, log(x), x) ** 2), 0.0, sqrt(1 + x**2)),
    "sum of branches": (where(x > 0, sqrt(x), 0) + where(x < 0, sqrt(-x), x), 0.0, x),
    "shared by branches": (
        where(x > 0, sqrt(x), 0) + where(x > 1, sqrt(x) * x, 0),
        0.0,
        0 * x,
    ),
    "named": (where(x > 0, sg.named(log(x), "L") ** 2, x), 0.0, x),
    "select": (sg.select([x < -1, x > 0], [log(-x - 1), log(x)], x), 0.0, x),
    "select at the other pole": (sg.select([x < -1, x > 0], [log(-x - 1), log(x)], x), -1.0, x),
    "piecewise": (
        sg.piecewise(x, [x < 0, x >= 1], [lambda t: sqrt(-t), lambda t: sqrt(t - 1), sg.sin]),
        0.0,
        sg.sin(x),
    ),
    "maximum in a branch": (where(x > 0, sg.maximum(log(x), -1), x), 0.0, x),
    "maximum of two poles": (where(x > 0, sg.maximum(sqrt(x) - 1, log(x)), x), 0.0, x),
    "clip in a branch": (where(x > 0, sg.clip(log(x), -1, 1), x), 0.0, x),
    "abs in a branch": (where(x != 0, sg.abs(log(sg.abs(x))), x), 0.0, x),
    "arcsin": (where(sg.abs(x) < 1, sg.arcsin(x), x**2), 1.0, x**2),
    "arccosh": (where(x > 1, sg.arccosh(x), x**2), 1.0, x**2),
    "arctanh": (where(x < 1, sg.arctanh(x), x**2), 1.0, x**2),
    "cbrt": (where(x > 0, sg.cbrt(x), x**2), 0.0, x**2),
    "hypot": (where(x != 0, sg.hypot(x, x), x**2), 0.0, x**2),
    "arctan2": (where(x > 0, sg.arctan2(x, x), x), 0.0, x),
    "logaddexp of poles": (where(x > 0, sg.logaddexp(log(x), 2 * log(x)), x), 0.0, x),
    "mod": (where(x > 0, sg.mod(log(x), 1), x), 0.0, x),
    "condition with a pole": (where(sqrt(sg.abs(x)) > 0.5, sqrt(x), x**2), 0.0, x**2),
}


@pytest.mark.parametrize("name", SCALARS)
@pytest.mark.parametrize("modes", ["rrr", "fff", "rfr", "frf"])
def test_scalars_to_third_order(name, modes):
    e, point, live = SCALARS[name]
    for mode in ["", *modes]:
        if mode:
            e = sg.grad(e, x) if mode == "r" else sg.jvp(e, x, 1)
            live = sg.diff(live, x)
        expected = sg.evaluate(live, {x: point})
        assert sg.evaluate(e, {x: point}) == pytest.approx(expected, abs=1e-14)
        both = sg.evaluate(e, {x: np.array([point, point])})
        np.testing.assert_allclose(both, expected, atol=1e-14)


VECTORS = {
    "sqrt": sg.sum(where(v > 0, sqrt(v), 0)),
    "log times": sg.sum(where(v > 0, log(v), 0) * v),
    "sine over x": sg.sum(where(v != 0, sg.sin(v) / v, 1) ** 2),
    "entropy": -sg.sum(where(v > 0, v * log(v), 0)),
    "dot": where(v > 0, sqrt(v), 0) @ np.array([1.0, 2.0, 3.0]),
    "matrix": sg.sum((M @ where(v > 0, log(v), 0)) ** 2),
    "function of a matrix product": sg.sum(sg.sin(M @ where(v > 0, log(v), 0))),
    "outer": sg.sum(sg.outer(where(v > 0, sqrt(v), 0), where(v != 0, 1 / v, 0))),
    "index": where(v[0] > 0, log(v[0]), 0) * v[1],
    "slices": sg.sum(where(v[1:] > v[:-1], sqrt(v[1:] - v[:-1]), 0)),
    "mean": sg.mean(where(v > 0, v * log(v), 0)),
    "cumsum": sg.sum(sg.cumsum(where(v > 0, log(v), 0)) ** 2),
    "broadcast": sg.sum(sg.reshape(where(v > 0, sqrt(v), 0), (3, 1)) * np.ones((1, 2))),
    "concatenate": sg.sum(sg.concatenate([where(v > 0, sqrt(v), 0), v]) ** 2),
    "product": sg.prod(1 + where(v > 0, sqrt(v), 0)),
    "max": sg.max(where(v > 0, log(v), -5)),
    "logsumexp": sg.logsumexp(where(v > 0, log(v), 0)),
    "flip": sg.sum(sg.flip(where(v > 0, log(v), 0)) * v),
    "gather": sg.sum(sg.take(where(v > 0, sqrt(v), 0), np.array([0, 0, 2])) ** 2),
    "branch of a gather": sg.sum(where(v[[0, 0, 2]] > 0, sqrt(v)[[0, 0, 2]], 0)),
    "einsum": sg.einsum("i,j,ij->", where(v > 0, sqrt(v), 0), v, M),
    "pad": sg.sum(sg.pad(where(v > 0, sqrt(v), 0), 1) ** 2),
    "std": sg.std(where(v > 0, sqrt(v), 0)),
    "scalar condition, vector branch": sg.sum(where(v[0] > 0, log(v[0]) * v, v)),
    "scalar condition, matrix branch": sg.sum(
        where(sg.sum(v) > 1, sqrt(sg.sum(v) - 1) * sg.outer(v, v), sg.outer(v, v)) ** 2
    ),
    "scalar condition, reduction": where(sg.sum(v**2) > 100, sqrt(sg.sum(v**2) - 100), sg.sum(v)),
    "branch of a product with a matrix": sg.sum(where(v > 0, (M * sqrt(v)).T @ v, v)),
    "shape changes in a branch": sg.sum(
        where(v > 0, sg.ravel(sg.reshape(log(v), (3, 1)) * np.ones((3, 1))), v)
    ),
    "division by what is zero": sg.sum(where(v != 0, sg.sum(v) / v, 0)),
    "vector of branches": where(v > 0, sqrt(v), 0),
}
POINT = np.array([0.0, 1.0, -1.0])


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_to_second_order(name):
    """At dead points the derivatives are finite, and both modes agree."""
    e = VECTORS[name]
    total = sg.sum(e)
    u = sg.vector("u", 3)
    gradient = sg.grad(total, v)
    values = {v: POINT, u: np.array([1.0, 2.0, 4.0])}
    g = sg.evaluate(gradient, values)
    assert np.isfinite(g).all()
    jacobian = sg.evaluate(sg.jacobian(e, v), values)
    np.testing.assert_allclose(jacobian.sum(axis=0) if e.ndim else jacobian, g, atol=1e-12)
    hessian = sg.evaluate(sg.hessian(total, v), values)
    assert np.isfinite(hessian).all()
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-12)
    for product in (sg.hvp(total, v, u), sg.grad(gradient @ u, v), sg.jvp(gradient, v, u)):
        np.testing.assert_allclose(sg.evaluate(product, values), hessian @ values[u], atol=1e-12)


@pytest.mark.parametrize(
    ("e", "expected"),
    [
        (where(sg.sum(v**2) > 0, sg.norm(v), 0), np.zeros(3)),
        (sg.sum(where(sg.sum(v**2) > 0, v / sg.norm(v), v)), np.ones(3)),
        (where(sg.prod(v) != 0, log(sg.prod(v)), sg.sum(v**2)), np.zeros(3)),
    ],
)
def test_a_scalar_condition_protects_what_is_below_reductions(e, expected):
    zero = {v: np.zeros(3)}
    np.testing.assert_array_equal(sg.evaluate(sg.grad(e, v), zero), expected)
    assert np.isfinite(sg.evaluate(sg.hessian(e, v), zero)).all()


def test_values_at_live_points_are_those_of_the_live_branch():
    e = where(x > 0, sqrt(x) * log(x), x**2)
    for point in (0.3, -0.4, 2.0):
        live = sqrt(x) * log(x) if point > 0 else x**2
        for n in range(4):
            ours, theirs = (sg.evaluate(sg.diff(f, x, n), {x: point}) for f in (e, live))
            assert ours == pytest.approx(theirs, rel=1e-13)


def test_branches_on_one_condition_add_up_to_one_branch():
    assert str(sg.grad(where(x > 0, x**2, -x), x)) == "where(x > 0, 2*x, -1)"
    assert str(sg.diff(where(x > 0, x**2, -x), x)) == "where(x > 0, 2*x, -1)"


def test_a_long_chain_of_branches_costs_its_length():
    sizes = []
    for n in (150, 300):
        e = x
        for k in range(n):
            e = where(x > k, sqrt(e) * log(e), e)
        sizes.append(len(toposort([sg.grad(e, x)])))
    assert sizes[1] < 2.1 * sizes[0]


def test_derivatives_of_floats_are_floats():
    v = sg.symbol("v", shape=(3,))
    for e in (
        sg.sum(sg.where(sg.any(v > 1), 2.0, v)),
        sg.sum(sg.where(sg.any(v > 1), 2 * v, v)),
        sg.sum(sg.where(v > 1, 3 * v, v)),
        sg.sum(3 * v),
    ):
        f = sg.lambdify(v, [sg.grad(e, v), sg.grad(e, v)])
        assert all(g.dtype == np.float64 for g in f(np.zeros(3)))
        assert all(g.dtype == np.float32 for g in f(np.zeros(3, np.float32)))


def test_a_choice_over_the_rows_of_a_solution():
    """The condition of such a choice is a column that stands for sums as well."""
    v, b = sg.symbol("v", (3,)), sg.symbol("B", (3, 3))
    t = sg.maximum(sg.linalg.solve(b.T @ b + sg.eye(3), v), 0)
    at = {v: np.array([0.6, -0.4, 0.7]), b: np.diag([1.0, 2.0, 3.0]) + 0.1}
    slope = sg.evaluate(sg.grad(sg.sum(sg.sin(t)), b), at)
    step = 1e-6 * np.arange(9.0).reshape(3, 3)
    up, down = (sg.evaluate(sg.sum(sg.sin(t)), at | {b: at[b] + s * step}) for s in (1, -1))
    assert np.sum(slope * step) == pytest.approx((up - down) / 2, rel=1e-6)
    tangent = sg.jvp(t, b, sg.constant(step))
    assert np.all(np.isfinite(sg.evaluate(tangent, at)))
