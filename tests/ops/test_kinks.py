"""The documented derivative where a function has a kink, a jump, a tie or a pole."""

import numpy as np
import pytest
from tests.ops import differences

import symgrad as sg

INF, NAN = np.inf, np.nan
x, y = sg.symbols("x y")
v = sg.vector("v", "n")

# formula in x, point, first derivative there
POINTS = [
    (abs(x), 0.0, 0.0),
    (abs(x), -2.0, -1.0),
    (sg.fabs(x), 0.0, 0.0),
    (sg.sign(x), 0.0, 0.0),
    (sg.sign(x), 3.0, 0.0),
    (sg.maximum(x, 1.0), 1.0, 0.5),
    (sg.maximum(x, x), 1.0, 1.0),
    (sg.maximum(x, 1.0), 2.0, 1.0),
    (sg.maximum(1.0, x), 0.0, 0.0),
    (sg.minimum(x, 1.0), 1.0, 0.5),
    (sg.minimum(x, -x), 0.0, 0.0),
    (sg.fmax(x, 1.0), 1.0, 0.5),
    (sg.fmin(x, 1.0), 1.0, 0.5),
    (sg.fmax(x, NAN), 1.0, 0.0),
    (sg.clip(x, -1.0, 1.0), 1.0, 0.5),
    (sg.clip(x, -1.0, 1.0), -1.0, 0.5),
    (sg.clip(x, -1.0, 1.0), 0.0, 1.0),
    (sg.clip(x, -1.0, 1.0), 2.0, 0.0),
    (sg.floor(x), 2.0, 0.0),
    (sg.ceil(x), 2.0, 0.0),
    (sg.trunc(x), -2.0, 0.0),
    (sg.rint(x), 0.5, 0.0),
    (sg.round(x, 1), 0.25, 0.0),
    (sg.floor_divide(x, 2.0), 4.0, 0.0),
    (sg.mod(x, 2.0), 4.0, 1.0),
    (sg.mod(5.0, x), 2.0, -2.0),
    (sg.fmod(-5.0, x), 2.0, 2.0),
    (x - sg.floor(x), 3.0, 1.0),
    (sg.heaviside(x, 0.5), 0.0, 0.0),
    (sg.heaviside(0.0, x), 7.0, 1.0),
    (sg.heaviside(1.0, x), 7.0, 0.0),
    (sg.copysign(x, -1.0), 2.0, -1.0),
    (sg.copysign(x, -1.0), 0.0, 0.0),
    (sg.copysign(2.0, x), 1.0, 0.0),
    (sg.sqrt(x), 0.0, INF),
    (sg.cbrt(x), 0.0, INF),
    (x**1.5, 0.0, 0.0),
    (x**2, 0.0, 0.0),
    (x**0, 0.0, 0.0),
    (sg.log(x), 0.0, INF),
    (sg.arcsin(x), 1.0, INF),
    (sg.arccos(x), 1.0, -INF),
    (sg.hypot(x, 0.0), 2.0, 1.0),
    (sg.hypot(x, 0.0), 0.0, NAN),
    (sg.arctan2(x, 0.0), 0.0, NAN),
    (sg.spacing(x), 1.0, 0.0),
    (sg.nextafter(x, 2.0), 1.0, 1.0),
    (sg.where(x > 0, sg.sqrt(x), 0.0), 0.0, 0.0),
    (sg.where(x > 0, sg.log(x), 1.0), -1.0, 0.0),
    (sg.nan_to_num(x), INF, 0.0),
    (sg.nan_to_num(x), 2.0, 1.0),
    (sg.where(x > 0, 1.0, 2.0) * x, 0.0, 2.0),
    (sg.logaddexp(x, x), 1.0, 1.0),
    (sg.softplus(x), 1000.0, 1.0),
    (sg.softplus(x), -1000.0, 0.0),
    (sg.sigmoid(x), -1000.0, 0.0),
    (sg.tanh(x), 400.0, 0.0),
]


@pytest.mark.parametrize(
    ("f", "at", "expected"),
    POINTS,
    ids=[f"{f} at {p}".replace("/", " over ") for f, p, _ in POINTS],
)
def test_scalar(f, at, expected):
    """Reverse and forward, on floats and on arrays."""
    for derivative in (sg.grad(f, x), sg.diff(f, x)):
        g = sg.lambdify(x, derivative)
        with np.errstate(all="ignore"):
            values = [g(at), g(np.array([at]))[0]]
        for value in values:
            np.testing.assert_allclose(value, expected, rtol=1e-15, atol=1e-300, err_msg=g.source)


# formula in v, point, gradient there
GRADIENTS = [
    (sg.max(v), [1.0, 3.0, 3.0], [0.0, 0.5, 0.5]),
    (sg.min(v), [1.0, 1.0, 1.0], [1 / 3, 1 / 3, 1 / 3]),
    (sg.max(v) - sg.min(v), [2.0, 2.0], [0.0, 0.0]),
    (sg.max(abs(v)), [-2.0, 2.0], [-0.5, 0.5]),
    (sg.sum(abs(v)), [0.0, -1.0], [0.0, -1.0]),
    (sg.linalg.norm(v), [3.0, 4.0], [0.6, 0.8]),
    (sg.linalg.norm(v), [0.0, 0.0], [NAN, NAN]),
    (sg.linalg.norm(v, 1), [0.0, -4.0], [0.0, -1.0]),
    (sg.linalg.norm(v, np.inf), [-4.0, 4.0], [-0.5, 0.5]),
    (sg.linalg.norm(v, 0), [0.0, 4.0], [0.0, 0.0]),
    (sg.std(v), [1.0, 1.0], [NAN, NAN]),
    (sg.var(v), [1.0, 1.0], [0.0, 0.0]),
    (sg.prod(v), [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
    (sg.prod(v), [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]),
    (sg.sum(sg.cumprod(v)), [2.0, 0.0, 3.0], [1.0, 8.0, 0.0]),
    (sg.logsumexp(v), [-INF, 0.0], [0.0, 1.0]),
    (sg.logsumexp(v), [1000.0, 1000.0], [0.5, 0.5]),
    (sg.logsumexp(v), [-1000.0, -1000.0], [0.5, 0.5]),
    (sg.sum(sg.sign(v)), [0.0, 1.0], [0.0, 0.0]),
    (sg.sum(sg.where(v > 0, sg.sqrt(v), 0)), [0.0, 4.0], [0.0, 0.25]),
]


@pytest.mark.parametrize(
    ("f", "at", "expected"),
    GRADIENTS,
    ids=[f"{f} at {p}".replace("/", " over ") for f, p, _ in GRADIENTS],
)
def test_vector(f, at, expected):
    g = sg.lambdify(v, [sg.grad(f, v), sg.jacobian(f, v)])
    with np.errstate(all="ignore"):
        for value in g(np.array(at)):
            np.testing.assert_allclose(value, expected, rtol=1e-12)


@pytest.mark.parametrize("at", [[2.0, 3.0, 4.0], [0.0, 3.0, 4.0], [0.0, 0.0, 4.0], [0.0, 0.0, 0.0]])
@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_products_are_right_at_zeros_to_second_order(name, at):
    """Polynomials, so differences of sixth order are exact but for rounding."""
    weights = np.array([1.0, -2.0, 0.5])
    u = sg.vector("u", 3)
    f = sg.sum(weights * getattr(sg, name)(u))
    hessian = sg.lambdify(u, sg.hessian(f, u))(np.array(at))
    step = np.longdouble(0.125)

    def reference(array):
        return np.sum(weights * getattr(np, name)(array))

    for column, direction in enumerate(np.eye(3)):
        (expected,) = differences.hessian_times(
            reference, [np.array(at, np.longdouble)], [direction], step
        )
        np.testing.assert_allclose(hessian[:, column], expected.astype(float), atol=1e-14)


def test_a_batch_of_ties_shares_row_by_row():
    m = sg.matrix("m", (2, 3))
    g = sg.lambdify(m, sg.grad(sg.sum(sg.max(m, axis=1)), m))
    value = g(np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]]))
    np.testing.assert_allclose(value, [[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]])


NO_DERIVATIVE = {
    "argmax": sg.argmax,
    "argmin": sg.argmin,
    "any": sg.any,
    "all": sg.all,
}


@pytest.mark.parametrize("name", NO_DERIVATIVE)
def test_integers_and_booleans_have_no_derivative(name):
    with pytest.raises(sg.DerivativeError, match=r"int64|bool"):
        sg.grad(NO_DERIVATIVE[name](v), v)


def test_an_index_has_no_derivative_but_what_it_picks_has():
    g = sg.lambdify(v, sg.grad(v[sg.argmax(v)], v))
    np.testing.assert_array_equal(g(np.array([1.0, 3.0, 2.0])), [0.0, 1.0, 0.0])


def test_a_symbol_of_integers_is_refused():
    n = sg.symbol("n", dtype=int)
    with pytest.raises(sg.DerivativeError, match="'n' has dtype int64"):
        sg.grad(x**2 * n, n)
    assert sg.grad(x**2 * n, x) is sg.simplify(2 * x * n)


def test_dead_branches_stay_dead_to_second_order():
    f = sg.where(v > 0, sg.log(v) * sg.sqrt(v), v**2)
    at = np.array([0.0, -1.0, 4.0])
    hessian = sg.lambdify(v, sg.hessian(sg.sum(f), v))(at)
    assert np.all(np.isfinite(hessian))
    assert hessian[0, 0] == hessian[1, 1] == 2.0
