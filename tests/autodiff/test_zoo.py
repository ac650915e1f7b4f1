"""Derivatives of formulas of every kind: against differences, and against each other."""

from itertools import pairwise

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.traverse import check_graph, toposort

x, y, z = sg.symbols("x y z")
p = sg.symbol("p", positive=True)
v, w = sg.vector("v", "n"), sg.vector("w", "n")
A, B = sg.matrix("A", ("n", "n")), sg.matrix("B", ("m", "n"))

SCALARS = {
    "polynomial": (x**3 * y - 2 * x * y**2 + y, [x, y]),
    "quotient": (sg.sin(x * y) / (1 + x**2 + y**2), [x, y]),
    "tower": (sg.exp(-(x**2)) * sg.cosh(x * y) + sg.arctan2(x, y + 3), [x, y]),
    "power": (p**x + p**1.5 * x, [x, p]),
    "logistic": (sg.log(1 + sg.exp(x * y)) - x * sg.special.expit(y), [x, y]),
    "kinks apart": (sg.abs(x) * y + sg.maximum(x, y) * sg.minimum(x, 3 * y), [x, y]),
    "branches": (sg.where(x > y, x**2 * y, sg.sin(y)), [x, y]),
    "quadratic form": (v @ A @ v, [v, A]),
    "norms": (sg.norm(v) + sg.norm(A) ** 2 + sg.norm(v - 5 * w, 1), [v, w, A]),
    "softmax": (sg.softmax(v) @ w, [v, w]),
    "logsumexp": (sg.logsumexp(A, axis=0) @ v, [A, v]),
    "variance": (sg.var(v, ddof=1) + sg.std(w), [v, w]),
    "products": (sg.prod(v) + sg.sum(sg.cumprod(v) * sg.cumsum(w)), [v, w]),
    "extrema": (sg.max(v) * sg.min(w) + sg.sum(sg.max(A, axis=1)), [v, w, A]),
    "slices": (sg.sum((v[1:] - v[:-1] ** 2) ** 2 + v[1:] * w[::-1][:-1]), [v, w]),
    "gather": (sg.sum(v[[0, 0, 2]] ** 2 * w[[2, 1, 0]]), [v, w]),
    "joined": (sg.sum(sg.concatenate([v, w]) ** 3) + sg.sum(sg.stack([v, w]) @ v), [v, w]),
    "triangles": (sg.sum(sg.tril(A) @ sg.triu(A, 1)) + sg.trace(A @ A), [A]),
    "layout": (
        sg.sum(sg.roll(sg.flip(v), 1) * w) + sg.sum(sg.repeat(w, 2) ** 3 * sg.tile(v, 2)),
        [v, w],
    ),
    "determinant": (sg.linalg.logdet(A @ A.T + sg.eye("n")), [A]),
    "inverse": (v @ sg.linalg.inv(A + 4 * sg.eye("n")) @ w, [v, A, w]),
    "solve": (sg.sum(sg.linalg.solve(A + 4 * sg.eye("n"), v) ** 2), [A, v]),
    "kron": (sg.sum(sg.kron(v, w) ** 2) + sg.sum(sg.outer(v, w) ** 3), [v, w]),
    "network": (sg.sum(sg.tanh(B @ sg.tanh(A @ v)) ** 2), [v, A, B]),
    "named": (sg.named(v @ w, "d") ** 3, [v, w]),
}
EXTENTS = {"n": 3, "m": 2}


def point(seed=3):
    """Distinct values, away from kinks and ties."""
    rng = np.random.default_rng(seed)
    values = {}
    for leaf in (x, y, z, p, v, w, A, B):
        shape = tuple(EXTENTS[d] for d in leaf.shape)
        values[leaf] = rng.permutation(np.linspace(0.3, 1.7, max(int(np.prod(shape)), 1))).reshape(
            shape
        )
        values[leaf] = np.asarray(values[leaf] * (1 + 0.01 * rng.normal(size=shape)))
    values[y] = np.asarray(0.4)
    return values


def value(e, values):
    return np.asarray(sg.evaluate(e, values))


def differences(f, leaf, values, h=1e-3):
    """Central differences of a function of arrays, extrapolated to sixth order."""
    base = values[leaf]
    result = np.zeros((*np.shape(f(values)), *base.shape))
    weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
    for index in np.ndindex(*base.shape):
        for k, weight in weights.items():
            for sign in (1, -1):
                moved = base.copy()
                moved[index] += sign * k * h
                result[(..., *index)] += sign * weight / h * f({**values, leaf: moved})
    return result


@pytest.mark.parametrize("name", SCALARS)
def test_gradient_and_hessian_against_differences(name):
    f, leaves = SCALARS[name]
    values = point()
    gradients = sg.grad(f, leaves)
    for leaf, g in zip(leaves, gradients, strict=True):
        check_graph(g)
        assert g.shape == leaf.shape
        expected = differences(lambda at: value(f, at), leaf, values)
        np.testing.assert_allclose(value(g, values), expected, rtol=1e-8, atol=1e-8)
    leaf = leaves[0]
    h = sg.hessian(f, leaf)
    check_graph(h)
    expected = differences(lambda at: value(gradients[0], at), leaf, values)
    np.testing.assert_allclose(value(h, values), expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", SCALARS)
def test_modes_agree_with_each_other(name):
    f, leaves = SCALARS[name]
    values = point()
    rng = np.random.default_rng(0)
    directions = [rng.normal(size=values[leaf].shape) for leaf in leaves]
    constants = [sg.constant(d) if d.ndim else sg.constant(float(d)) for d in directions]
    others = [s for s in sg.free_symbols(f) if s not in set(leaves)]
    fixed = sg.substitute(f, {s: values[s] for s in others})
    bound = {leaf: sg.symbol(str(leaf.name), values[leaf].shape) for leaf in leaves}
    g = sg.substitute(fixed, bound)
    inner = [bound[leaf] for leaf in leaves]
    at = {bound[leaf]: values[leaf] for leaf in leaves}

    def number(e):
        return np.asarray(sg.evaluate(e, at))

    forward = number(sg.jvp(g, inner, constants))
    gradients = [number(e) for e in sg.grad(g, inner)]
    reverse = sum(np.sum(a * d) for a, d in zip(gradients, directions, strict=True))
    np.testing.assert_allclose(forward, reverse, rtol=1e-10, atol=1e-10)
    for e, expected in zip(sg.vjp(g, inner, sg.constant(2)), gradients, strict=True):
        np.testing.assert_allclose(number(e), 2 * expected, rtol=1e-12)
    curvature = [number(e) for e in sg.hvp(g, inner, constants)]
    blocks = sg.hessian(g, inner)
    for row, expected in zip(blocks, curvature, strict=True):
        total = sum(
            np.tensordot(number(block), d, axes=d.ndim)
            for block, d in zip(row, directions, strict=True)
        )
        np.testing.assert_allclose(total, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", ["polynomial", "tower", "logistic", "quotient"])
def test_fifth_order(name):
    f, (s, _) = SCALARS[name]
    values = point()
    fourth = sg.diff(f, s, 4)
    expected = differences(lambda at: value(fourth, at), s, values)
    np.testing.assert_allclose(value(sg.diff(f, s, 5), values), expected, rtol=1e-6, atol=1e-6)


def test_third_order_of_a_vector_formula():
    f = sg.sum(sg.exp(v) * w) * (v @ w)
    values = point()
    h = sg.hessian(f, v)
    third = sg.jacobian(h, v)
    assert third.shape == ("n", "n", "n")
    expected = differences(lambda at: value(h, at), v, values)
    np.testing.assert_allclose(value(third, values), expected, rtol=1e-7, atol=1e-7)


def test_sin_four_times_is_where_it_started():
    assert sg.diff(sg.sin(x), x, 4) is sg.sin(x)
    e = sg.sin(x)
    sizes = []
    for _ in range(10):
        e = sg.diff(e, x)
        sizes.append(len(toposort([e])))
    assert max(sizes) <= 4


def test_mixed_partials_are_one_node():
    for name in ("polynomial", "quotient", "tower"):
        f, (a, b) = SCALARS[name]
        (_, upper), (lower, _) = sg.hessian(f, [a, b])
        assert upper is lower
        other = sg.diff(sg.diff(f, b), a)
        np.testing.assert_allclose(value(other, point()), value(upper, point()), rtol=1e-12)


def test_rosenbrock_written_three_ways():
    n = 30
    vector = sg.vector("u", n)
    names = [sg.symbol(f"u{i}") for i in range(n)]

    def loop(u):
        return sum(100 * (u[i + 1] - u[i] ** 2) ** 2 + (1 - u[i]) ** 2 for i in range(n - 1))

    slices = sg.sum(100 * (vector[1:] - vector[:-1] ** 2) ** 2 + (1 - vector[:-1]) ** 2)
    data = np.linspace(-1, 1, n)
    by_slices = sg.lambdify(vector, sg.grad(slices, vector))(data)
    by_entries = sg.lambdify(vector, sg.grad(loop(vector), vector))(data)
    by_names = sg.lambdify(names, sg.grad(loop(names), names))(*data.tolist())
    np.testing.assert_allclose(by_entries, by_slices, rtol=1e-12)
    np.testing.assert_allclose(by_names, by_slices, rtol=1e-12)


def test_the_gradient_grows_with_the_graph_only():
    sizes = []
    for n in (100, 200, 400):
        names = [sg.symbol(f"s{i}") for i in range(n)]
        f = sg.constant(0)
        for a, b in pairwise(names):
            f = f + 100 * (b - a**2) ** 2 + (1 - a) ** 2
        sizes.append(len(toposort(sg.grad(f, names))))
    assert sizes[2] - sizes[1] == 2 * (sizes[1] - sizes[0])


def test_what_does_not_occur_has_derivative_zero():
    assert sg.grad(x**2, y) is sg.constant(0)
    gx, gy = sg.grad(x**2, [x, y])
    assert gx is 2 * x
    assert gy is sg.constant(0)
    assert sg.jacobian(v, w).shape == ("n", "n")
    assert not np.any(value(sg.grad(v @ v, w) * 1.0 + w * 0, point()))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sg.grad(v, v), sg.ShapeError, ["scalar", "jacobian"]),
        (lambda: sg.grad(x, x + 1), sg.ArgumentError, ["symbol", "not x + 1;"]),
        (lambda: sg.grad(x, sg.symbol("k", dtype=int)), sg.DerivativeError, ["k", "float"]),
        (lambda: sg.diff(x, v), sg.ShapeError, ["v", "jacobian"]),
        (lambda: sg.diff(x, x, -1), sg.ArgumentError, ["-1"]),
        (lambda: sg.diff(x, x, 1.5), sg.ArgumentError, ["1.5"]),
        (lambda: sg.jvp(v @ v, v, sg.ones(2)), sg.ShapeError, ["(2,)", "(n,)"]),
        (lambda: sg.vjp(v, v, 1.0), sg.ShapeError, ["()", "(n,)"]),
        (lambda: sg.jvp(v @ w, [v, w], [v]), sg.ArgumentError, ["2"]),
        (lambda: sg.grad(sg.argmax(v), v), sg.DerivativeError, ["int64"]),
        (lambda: sg.grad(x > 0, x), sg.DerivativeError, ["bool"]),
    ],
)
def test_errors_name_what_to_write_instead(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words)
