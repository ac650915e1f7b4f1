"""A value that every derivative takes for a constant, wherever it stands."""

import pickle

import numpy as np
import pytest

import symgrad as sg

x, y = sg.symbols("x y")
v = sg.vector("v", 3)
AT = np.array([0.5, 1.5, 2.5])


def held(f, leaf):
    """`f` of a stopped leaf, by the derivative with a leaf of its own in its place."""
    c = sg.symbol("c", leaf.shape)
    return f(sg.stop_gradient(leaf), leaf), f(c, leaf), c


FUNCTIONS = [
    lambda c, u: sg.sum(sg.sin(u) * c + c**2 * u**3),
    lambda c, u: sg.sum(sg.exp(c * u) / (1 + c**2)),
    lambda c, u: sg.sum(sg.where(c > 1, u**2 * c, sg.log(u) + c)),
    lambda c, u: sg.norm(u * u - c) ** 2 + sg.sum(c) * sg.prod(u + c),
    lambda c, u: sg.logsumexp(u * sg.stop_gradient(c + 1)),
]


@pytest.mark.parametrize("f", FUNCTIONS)
def test_it_is_a_constant_to_derivatives_of_every_order(f):
    stopped, open_, c = held(f, v)
    for make in (
        lambda e: e,
        lambda e: sg.grad(e, v),
        lambda e: sg.hessian(e, v),
        lambda e: sg.jacobian(sg.hessian(e, v), v),
        lambda e: sg.hvp(e, v, sg.ones(3)),
        lambda e: sg.jvp(e, v, v),
        lambda e: sg.vjp(e, v, 2.0),
    ):
        value = sg.lambdify(v, make(stopped))(AT)
        np.testing.assert_allclose(value, sg.lambdify([v, c], make(open_))(AT, AT), rtol=1e-12)


def test_straight_through():
    h = sg.tanh(x)
    f = h + sg.stop_gradient(sg.rint(x) - h)
    value, slope = sg.lambdify(x, [f, sg.diff(f, x)])(1.4)
    assert value == 1.0
    assert slope == pytest.approx(1 - np.tanh(1.4) ** 2)


def test_simplify_leaves_it_and_code_has_none_of_it():
    e = x - sg.stop_gradient(x)
    assert sg.simplify(e) is e
    assert sg.diff(e, x) is sg.constant(1)
    f = sg.lambdify(x, sg.stop_gradient(sg.sin(x)) * x)
    assert "return np.sin(x)*x" in f.source or "return x*np.sin(x)" in f.source
    assert f(2.0) == pytest.approx(2 * np.sin(2.0))
    np.testing.assert_allclose(f(AT), AT * np.sin(AT))


def test_it_needs_no_node_where_there_is_no_derivative_anyway():
    for e in (sg.constant(3), sg.pi, sg.constant(AT), sg.eye(3), sg.stop_gradient(x)):
        assert sg.stop_gradient(e) is e
    assert sg.stop_gradient(2.5) is sg.constant(2.5)
    assert sg.grad(sg.stop_gradient(x) ** 2, x) is sg.constant(0)


def test_notation_and_pickling():
    e = sg.stop_gradient(x**2) * y
    assert "stop_gradient(x**2)" in str(e)
    assert sg.parse(str(e), [x, y]) is e
    assert r"\operatorname{stop\_gradient}\left(x^{2}\right)" in sg.latex(e)
    assert sg.to_sympy(e) == sg.to_sympy(x**2 * y)
    assert pickle.loads(pickle.dumps(e)) is e
    assert sg.stop_gradient(sg.symbol("i", dtype=int)).dtype == np.int64
    assert "stop_gradient" in sg.__all__


def test_batches_and_variables():
    e = sg.grad(sg.sum(v * sg.stop_gradient(v)), v)
    batched = sg.vmap(e, over={v: "b"})
    data = np.stack([AT, 2 * AT])
    np.testing.assert_array_equal(sg.lambdify(sg.free_symbols(batched), batched)(data), data)
    P = sg.variable(3.0)
    (sg.stop_gradient(P) * P).backward()
    assert float(P.grad.data) == 3.0
