"""`scan` against the same steps written out: value, gradient, products with the Hessian."""

import pickle

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError, DTypeError, ShapeError
from symgrad.expr.traverse import check_graph, toposort

RNG = np.random.default_rng(7)
W, V, H0 = sg.matrix("W", (3, 3)), sg.matrix("V", (2, 3)), sg.vector("h0", 3)
XS = sg.matrix("xs", ("n", 2))
A, X0 = sg.symbols("a x0")
TS = sg.vector("ts", "n")


def rnn(h, x):
    h = sg.tanh(h @ W + x @ V)
    return h, sg.sum(h**2)


def ode(state, t):
    """A Runge-Kutta step of a driven pendulum."""
    q, p = state["q"], state["p"]

    def slope(q, p):
        return p, -sg.sin(q) - A * p + 0.3 * sg.cos(t)

    k1 = slope(q, p)
    k2 = slope(q + 0.1 * k1[0], p + 0.1 * k1[1])
    following = {"q": q + 0.1 * k2[0], "p": p + 0.1 * k2[1]}
    return following, [following["q"], following["p"] ** 2]


def kalman(carry, z):
    """A filter for a position that drifts, observed with noise."""
    m, P = carry
    F, Q = np.array([[1.0, 0.1], [0.0, 1.0]]), 0.01 * np.eye(2)
    m, P = F @ m, F @ P @ F.T + A**2 * Q
    s = P[0, 0] + 0.5
    gain = P[:, 0] / s
    residual = z - m[0]
    return (m + gain * residual, P - sg.outer(gain, P[0])), sg.log(s) + residual**2 / s


def discounted(v, r):
    return r + A * v, None


CASES = {
    "rnn": (rnn, H0, XS, [W, V, H0, XS], False),
    "rnn backwards": (rnn, H0, XS, [W, V, H0, XS], True),
    "ode": (ode, {"q": X0, "p": 0.0}, TS, [A, X0, TS], False),
    "kalman": (kalman, (np.zeros(2), np.eye(2)), TS, [A, TS], False),
    "discounted": (discounted, 0.0, TS, [A, TS], True),
}


def unrolled(step, init, xs, n, reverse):
    """The same by a loop of Python's."""
    carry, ys = init, [None] * n
    for i in reversed(range(n)) if reverse else range(n):
        carry, ys[i] = step(carry, xs[i])
    if ys[0] is None:
        return carry, None
    if isinstance(ys[0], list):
        return carry, [sg.stack([y[k] for y in ys]) for k in range(len(ys[0]))]
    return carry, sg.stack(ys)


def flat(nest):
    if nest is None:
        return []
    if isinstance(nest, dict):
        nest = list(nest.values())
    return [e for part in nest for e in flat(part)] if isinstance(nest, (list, tuple)) else [nest]


def loss_of(results):
    return sum(sg.sum((i + 1) * sg.sin(e)) for i, e in enumerate(flat(results)))


def data_for(symbols, n):
    return [
        RNG.normal(size=tuple(n if d == "n" else d for d in s.shape)) * 0.7 if s.shape else 0.4
        for s in symbols
    ]


def close(got, want, tolerance=1e-10):
    for a, b in zip(flat(got), flat(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_value_gradient_and_hessian_products(name):
    step, init, xs, symbols, reverse = CASES[name]
    n = 5
    fixed = [sg.symbol(s.name, tuple(n if d == "n" else d for d in s.shape)) for s in symbols]
    given = dict(zip(symbols, fixed, strict=True))
    looped = sg.scan(step, init, xs, reverse=reverse)
    plain = unrolled(step, init, given[xs], n, reverse)
    values = data_for(symbols, n)
    close(sg.lambdify(symbols, flat(looped))(*values), sg.lambdify(fixed, flat(plain))(*values))
    loss, plain_loss = loss_of(looped), loss_of(plain)
    check_graph(loss)
    gradient, plain_gradient = sg.grad(loss, symbols), sg.grad(plain_loss, fixed)
    close(
        sg.lambdify(symbols, list(gradient))(*values),
        sg.lambdify(fixed, list(plain_gradient))(*values),
    )
    x, y = symbols[0], fixed[0]
    v = sg.symbol("direction", x.shape)
    direction = RNG.normal(size=x.shape) if x.shape else 1.0
    want = sg.lambdify([*fixed, v], sg.hvp(plain_loss, y, v))(*values, direction)
    forward_over_reverse = sg.hvp(loss, x, v)
    reverse_over_reverse = sg.grad(sg.sum(gradient[0] * v), x)
    for again in (forward_over_reverse, reverse_over_reverse):
        close(sg.lambdify([*symbols, v], again)(*values, direction), want, 1e-9)


def test_a_third_derivative():
    value, _ = sg.scan(lambda v, r: (r + sg.sin(A * v), None), X0, TS)
    plain, _ = unrolled(lambda v, r: (r + sg.sin(A * v), None), X0, sg.vector("ts", 4), 4, False)
    x = RNG.normal(size=4)
    got = sg.evaluate(sg.diff(value, A, 3), {A: 0.6, X0: 0.3, TS: x})
    want = sg.evaluate(sg.diff(plain, A, 3), {A: 0.6, X0: 0.3, sg.vector("ts", 4): x})
    np.testing.assert_allclose(got, want, rtol=1e-9)


def test_the_jacobian_by_forward_accumulation():
    h, _ = sg.scan(rnn, H0, XS)
    fixed = sg.matrix("xs", (4, 2))
    plain, _ = unrolled(rnn, H0, fixed, 4, False)
    values = data_for([W, V, H0, fixed], 4)
    got = sg.lambdify([W, V, H0, XS], sg.jacobian(h, W))(*values)
    close(got, sg.lambdify([W, V, H0, fixed], sg.jacobian(plain, W))(*values))
    got = sg.lambdify([W, V, H0, XS], sg.jacobian(h, XS))(*values)
    close(got, sg.lambdify([W, V, H0, fixed], sg.jacobian(plain, fixed))(*values))


def test_length_costs_nothing_to_build():
    sizes = set()
    for n in (3, 1_000_000):
        xs = sg.matrix("xs", (n, 2))
        loss = loss_of(sg.scan(rnn, H0, xs))
        sizes.add(len(toposort([loss, *sg.grad(loss, [W, xs])])))
    assert len(sizes) == 1


def test_no_steps_and_one():
    h, ys = sg.scan(rnn, H0, XS)
    f = sg.lambdify([W, V, H0, XS], [h, ys, sg.grad(sg.sum(h) + sg.sum(ys), W)])
    for n in (0, 1):
        values = data_for([W, V, H0, XS], n)
        h_n, ys_n, slope = f(*values)
        assert ys_n.shape == (n,)
        want = values[2] if n == 0 else np.tanh(values[2] @ values[0] + values[3][0] @ values[1])
        close([h_n], [want])
        assert n or not slope.any()


def test_without_arrays_the_length_is_given():
    x, y = sg.symbol("x"), sg.symbol("y")
    root, path = sg.scan(lambda c, _: ((c + x / c) / 2, c), y, length=6)
    f = sg.lambdify([x, y], [root, sg.diff(root, x), path])
    value, slope, steps = f(2.0, 1.5)
    assert value == pytest.approx(np.sqrt(2), rel=1e-14)
    assert slope == pytest.approx(1 / np.sqrt(8), rel=1e-12)
    assert steps.shape == (6,)


def test_a_scan_inside_a_scan():
    def outer(c, row):
        total, _ = sg.scan(lambda v, r: (r + sg.tanh(c * v), None), c, row)
        return total, total * A

    def plain(c, row):
        total = c
        for i in range(3):
            total = row[i] + sg.tanh(c * total)
        return total, total * A

    grid, fixed = sg.matrix("g", ("n", 3)), sg.matrix("g", (4, 3))
    x = RNG.normal(size=(4, 3))
    loss, want = loss_of(sg.scan(outer, X0, grid)), loss_of(unrolled(plain, X0, fixed, 4, False))
    got = sg.lambdify([A, X0, grid], [loss, *sg.grad(loss, [X0, grid, A])])(0.7, 0.2, x)
    close(got, sg.lambdify([A, X0, fixed], [want, *sg.grad(want, [X0, fixed, A])])(0.7, 0.2, x))
    second = sg.evaluate(sg.diff(loss, X0, 2), {A: 0.7, X0: 0.2, grid: x})
    expected = sg.evaluate(sg.diff(want, X0, 2), {A: 0.7, X0: 0.2, fixed: x})
    np.testing.assert_allclose(second, expected, rtol=1e-9)


def test_one_loop_gives_value_and_stored_states():
    loss = loss_of(sg.scan(rnn, H0, XS))
    f = sg.lambdify([W, V, H0, XS], [loss, sg.grad(loss, W)])
    calls = [line for line in f.source.splitlines() if "_scan_" in line and "def " not in line]
    assert len(calls) == 2  # forwards and backwards


def test_floats_have_code_of_their_own():
    value, path = sg.scan(lambda v, r: (r + sg.exp(A * v), v), 0.0, TS)
    f = sg.lambdify([A, TS], [value, path])
    assert "from math import exp" in f.source
    x = RNG.normal(size=4)
    carry, want = 0.0, []
    for r in x:
        want.append(carry)
        carry = r + np.exp(0.5 * carry)
    close(f(0.5, x), [carry, np.array(want)])
    value, path = f(50.0, np.full(4, 9.0))  # beyond the floats: as NumPy has it, without a warning
    assert value == np.inf
    assert path.tolist()[:2] == [0.0, 10.0]


def test_single_precision_stays():
    xs = sg.symbol("x", ("n", 2), dtype="float32")
    w = sg.symbol("w", (2, 2), dtype="float32")
    h, ys = sg.scan(lambda h, x: (sg.tanh(h @ w + x), sg.sum(h)), np.zeros(2, "float32"), xs)
    assert (h.dtype, ys.dtype, sg.grad(sg.sum(ys), w).dtype) == (np.float32,) * 3
    values = [RNG.normal(size=(2, 2)).astype("float32"), RNG.normal(size=(3, 2)).astype("float32")]
    out = sg.lambdify([w, xs], [h, ys, sg.grad(sg.sum(h), w)])(*values)
    assert {a.dtype for a in out} == {np.dtype("float32")}


def test_integer_arrays_are_elements():
    table = sg.matrix("table", (4, 2))
    labels = sg.symbol("labels", ("n",), dtype=int)
    h, _ = sg.scan(lambda h, i: (sg.sin(h + table[i]), None), np.zeros(2), labels)
    values = [RNG.normal(size=(4, 2)), np.array([0, 3, 3, 1])]
    h_n, slope = sg.lambdify([table, labels], [h, sg.grad(sg.sum(h), table)])(*values)
    state = np.zeros(2)
    for i in values[1]:
        state = np.sin(state + values[0][i])
    close([h_n], [state])
    step = 1e-6
    for at in [(3, 0), (2, 1), (1, 1)]:
        moved = [values[0].copy(), values[0].copy()]
        moved[0][at] += step
        moved[1][at] -= step
        ends = [sg.evaluate(sg.sum(h), {table: m, labels: values[1]}) for m in moved]
        assert slope[at] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


# What is done with formulas


def test_prints():
    value, _ = sg.scan(lambda v, r: (r + A * v, None), X0, TS)
    assert str(value) == "scan((c, x) -> (a*c + x), x0, ts)[0]"
    beside, _ = sg.scan(
        lambda c, e: (c * sg.symbol("x") + e, None), sg.symbol("c"), sg.vector("v", "n")
    )
    assert str(beside) == "scan((c, x1) -> (c*x + x1), c, v)[0]"
    assert sg.latex(beside) == (
        r"{\operatorname{scan}\left(\left(c, x_{1}\right) \mapsto"
        r" \left(c x + x_{1}\right), c, v\right)}_{0}"
    )
    doubled = sg.substitute(value, {A: 2 * X0})
    assert str(doubled) == "scan((c, x) -> (a*c + x), x0, ts, a=2*x0)[0]"
    assert "scan" in sg.latex(value)
    root, _ = sg.scan(lambda c, _: (sg.cos(c), None), X0, length=6, reverse=True)
    assert str(root) == "scan((c) -> (cos(c)), x0, length=6, reverse=True)[0]"


def test_substitutes():
    value, ys = sg.scan(lambda v, r: (r + A * v, v), X0, TS)
    x = RNG.normal(size=3)
    again = sg.substitute(sg.sum(ys) * value, {A: X0**2, TS: sg.constant(x)})
    want, plain = unrolled(lambda v, r: (r + X0**2 * v, v), X0, sg.constant(x), 3, False)
    at = {X0: 0.8}
    np.testing.assert_allclose(
        sg.evaluate(again, at), sg.evaluate(sg.sum(plain) * want, at), rtol=1e-12
    )


def test_pickles():
    loss = loss_of(sg.scan(rnn, H0, XS))
    gradient = sg.grad(loss, W)
    again = pickle.loads(pickle.dumps([loss, gradient]))
    assert again[0] is loss
    assert again[1] is gradient


def test_is_one_formula_with_its_like():
    assert sg.scan(rnn, H0, XS)[1] is sg.scan(rnn, H0, XS)[1]
    assert sg.scan(rnn, H0, XS)[1] is not sg.scan(rnn, H0, XS, reverse=True)[1]


@pytest.mark.parametrize("over", [[XS], [H0], [W, XS], [V, H0]])
def test_batches(over):
    h, ys = sg.scan(rnn, H0, XS)
    loss = sg.sum(h**2) + sg.sum(sg.sin(ys))
    outputs = [h, ys, sg.grad(loss, W)]
    values = dict(zip([W, V, H0, XS], data_for([W, V, H0, XS], 4), strict=True))
    many = {x: np.stack([values[x] * (1 + 0.1 * i) for i in range(3)]) for x in over}
    symbols = [sg.vmap(x, over={x: "b"}) if x in many else x for x in values]
    f = sg.lambdify(symbols, sg.vmap(outputs, over=dict.fromkeys(over, "b")))
    got = f(*[many.get(x, values[x]) for x in values])
    one = sg.lambdify(list(values), outputs)
    for i in range(3):
        want = one(*[many[x][i] if x in many else values[x] for x in values])
        close([part[i] for part in got], want)


# Errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: sg.scan(lambda c, x: c, H0, XS),
            ArgumentError,
            r"returns the next carry and an output",
        ),
        (
            lambda: sg.scan(lambda c, x: ((c, c), None), H0, XS),
            ArgumentError,
            r"carry of the form \(a, b\); that of init is a",
        ),
        (
            lambda: sg.scan(lambda c, x: (sg.sum(c), None), H0, XS),
            ShapeError,
            r"the carry has shape \(3,\) in init and \(\) behind a step",
        ),
        (
            lambda: sg.scan(lambda c, x: ((c[0] + H0, c[1]), None), (0.0, H0), XS),
            ShapeError,
            "part 0 of the carry has shape",
        ),
        (
            lambda: sg.scan(lambda c, x: (c * H0, None), np.zeros(3, "float32"), XS),
            DTypeError,
            "dtype float32 in init and float64 behind a step",
        ),
        (
            lambda: sg.scan(lambda c, x: (c, sg.argmax(c)), H0, XS),
            DTypeError,
            "an output of the step of scan has dtype int64",
        ),
        (
            lambda: sg.scan(lambda c, x: (c, None), H0),
            ArgumentError,
            "length=, the number of steps",
        ),
        (lambda: sg.scan(lambda c, x: (c, None), H0, A), ShapeError, "has no axis"),
        (
            lambda: sg.scan(lambda c, x: (c, None), H0, [np.zeros(3), np.zeros(4)]),
            ShapeError,
            "one extent, not of 3, 4",
        ),
        (
            lambda: sg.scan(lambda c, x: (c, None), H0, np.zeros(3), length=4),
            ShapeError,
            "one extent, not of 3, 4",
        ),
    ],
)
def test_errors_name_the_culprit(call, error, message):
    with pytest.raises(error, match=message):
        call()
