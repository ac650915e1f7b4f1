"""The functions that networks are made of, against NumPy and mpmath."""

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError, DTypeError, ShapeError

RNG = np.random.default_rng(5)


def close(a, b, tolerance=1e-12):
    return np.testing.assert_allclose(a, b, rtol=tolerance, atol=1e-300)


def slopes(function, x):
    """The derivative of each entry."""
    v = sg.symbol("v")
    f = sg.lambdify(v, sg.diff(function(v), v))
    return np.array([f(float(one)) for one in x])


def test_rectifiers():
    x = np.array([-2.0, 0.0, 3.0, np.nan, np.inf, -np.inf])
    s = sg.vector("x", 6)
    np.testing.assert_array_equal(sg.evaluate(sg.relu(s), {s: x}), np.maximum(x, 0))
    np.testing.assert_array_equal(
        sg.evaluate(sg.leaky_relu(s, 0.1), {s: x}), np.where(x > 0, x, 0.1 * x)
    )
    np.testing.assert_array_equal(slopes(sg.relu, x[:3]), [0, 0, 1])
    np.testing.assert_array_equal(slopes(lambda v: sg.leaky_relu(v, 0.1), x[:3]), [0.1, 0.1, 1])


@pytest.mark.parametrize("x", [-30.0, -8.0, -1.0, 0.0, 0.3, 2.0, 20.0])
def test_gelu(x):
    with mpmath.workdps(40):
        exact = mpmath.mpf(x) * mpmath.ncdf(x)
        slope = mpmath.ncdf(x) + mpmath.mpf(x) * mpmath.npdf(x)
    v = sg.symbol("v")
    close(sg.evaluate(sg.gelu(v), {v: x}), float(exact))
    close(slopes(sg.gelu, [x]), float(slope), 1e-11)
    inner = mpmath.sqrt(2 / mpmath.pi) * (x + 0.044715 * mpmath.mpf(x) ** 3)
    approximate = float(x / 2 * (1 + mpmath.tanh(inner)))
    got = sg.evaluate(sg.gelu(v, "tanh"), {v: x})
    assert abs(got - approximate) <= 1e-14 * max(1, abs(x))
    with pytest.raises(ArgumentError, match="'none', 'tanh'"):
        sg.gelu(v, "fast")


def test_one_hot():
    labels = np.array([[2, 0], [1, 5]])
    want = (labels[..., None] == np.arange(4)).astype(float)
    np.testing.assert_array_equal(sg.evaluate(sg.one_hot(labels, 4)), want)
    s = sg.symbol("labels", (2, 2), dtype=int)
    np.testing.assert_array_equal(sg.evaluate(sg.one_hot(s, 4), {s: labels}), want)
    assert sg.one_hot(s, 4).dtype == float
    with pytest.raises(DTypeError, match="integers as labels"):
        sg.one_hot([0.5], 3)


@pytest.mark.parametrize(("shape", "axis"), [((4, 3), -1), ((2, 5, 3), 1), ((3,), 0)])
def test_cross_entropy(shape, axis):
    z = RNG.normal(size=shape) * 300
    labels = RNG.integers(0, shape[axis], np.delete(shape, axis))
    shifted = z - z.max(axis, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))
    picked = np.take_along_axis(logs, np.expand_dims(labels, axis), axis)
    v = sg.variable(z)
    loss = sg.cross_entropy(v, labels, axis)
    close(loss.data, -picked.mean())
    loss.backward()
    shares = np.zeros(shape)
    np.put_along_axis(shares, np.expand_dims(labels, axis), 1, axis)
    np.testing.assert_allclose(
        v.grad.data, (np.exp(logs) - shares) / labels.size, rtol=0, atol=1e-15
    )
    close(sg.cross_entropy(v, shares, axis).data, -picked.mean())
    s = sg.symbol("z", shape)
    close(sg.evaluate(sg.cross_entropy(s, labels, axis), {s: z}), -picked.mean())


def test_cross_entropy_refuses_what_are_no_labels():
    z = sg.variable(np.zeros((4, 3)))
    with pytest.raises(ShapeError, match="classes 0 to 3 - 1"):
        sg.cross_entropy(z, [0, 1, 2, 3])
    with pytest.raises(ShapeError, match="from -1 to 2"):
        sg.cross_entropy(z, np.array([0, 1, 2, -1]))
    with pytest.raises(ShapeError, match=r"integers of shape \(4,\), or shares of shape \(4, 3\)"):
        sg.cross_entropy(z, [0, 1])


@pytest.mark.parametrize("shape", [(), (3,), (1, 3), (2, 1), (1, 1), (5, 1, 3), (5, 2, 3)])
def test_sum_to_is_the_adjoint_of_broadcast_to(shape):
    x, y = RNG.normal(size=(5, 2, 3)), RNG.normal(size=shape)
    got = sg.sum_to(sg.variable(x), shape)
    assert got.shape == shape
    close(np.sum(got.data * y), np.sum(x * np.broadcast_to(y, x.shape)), 1e-10)


@pytest.mark.parametrize("shape", [(2,), (1, 1, 1, 1), (3, 3)])
def test_sum_to_refuses_what_does_not_broadcast(shape):
    with pytest.raises(ShapeError, match="does not broadcast to"):
        sg.sum_to(sg.variable(np.zeros((5, 2, 3))), shape)


def test_dropout():
    x = sg.variable(np.ones((100, 100)))
    y = sg.dropout(x, 0.25, rng=3)
    assert set(np.unique(y.data)) == {0.0, 1 / 0.75}
    assert abs((y.data == 0).mean() - 0.25) < 0.02
    sg.sum(y).backward()
    np.testing.assert_array_equal(x.grad.data, y.data)
    np.testing.assert_array_equal(sg.dropout(x, 0.25, rng=3).data, y.data)
    with sg.test_mode():
        assert sg.dropout(x, 0.25) is x
    s, m = sg.vector("x", 3), sg.vector("m", 3)
    dropped = sg.evaluate(sg.dropout(s, 0.5, mask=m), {s: np.ones(3), m: np.array([1.0, 0, 1])})
    np.testing.assert_array_equal(dropped, [2, 0, 2])
    with pytest.raises(ArgumentError, match="needs a mask"):
        sg.dropout(s, 0.5)
    with pytest.raises(ArgumentError, match="less than 1, not 1"):
        sg.dropout(x, 1)
