"""`check_grad` passes what is right, and names the worst entry of what is wrong."""

from dataclasses import replace

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.node import make
from symgrad.ops.elementwise import elementwise

x, y = sg.symbols("x y")
v = sg.vector("v", "n")
A = sg.matrix("A", ("m", "n"))


@pytest.mark.parametrize(
    ("e", "wrt", "order"),
    [
        (sg.sin(x) * sg.exp(-x), x, 4),
        (sg.log(x) / sg.sqrt(x), x, 3),
        (sg.arccosh(x) + sg.arcsin(y), [x, y], 2),
        (x**y, [x, y], 2),
        (sg.logsumexp(v) * sg.sum(v**2), v, 2),
        (A @ v, [A, v], 2),
        (sg.softmax(v), v, 1),
        (sg.sum(A, axis=0), A, 1),
        (sg.concatenate([v, v[1:] * v[:-1]]), v, 2),
        (sg.norm(A), A, 2),
        (sg.where(x > 0, sg.sqrt(x), 0), x, 2),
    ],
)
def test_right_derivatives_pass(e, wrt, order):
    assert sg.check_grad(e, wrt, order=order) is None


def test_every_seed_gives_its_own_point_and_the_same_again():
    for seed in range(5):
        sg.check_grad(sg.sum(sg.sin(v) ** 3), v, seed=seed)


def test_assumptions_hold_at_the_point():
    p = sg.symbol("p", positive=True)
    m = sg.symbol("m", negative=True)
    k = sg.symbol("k", integer=True)
    spd = sg.matrix("S", (3, 3), spd=True)
    sg.check_grad(sg.log(p) + sg.log(-m) + p**k, [p, m], order=2)
    sg.check_grad(sg.linalg.logdet(spd), spd)
    diagonal = sg.matrix("D", (3, 3), diagonal=True)
    sg.check_grad(sg.sum(sg.exp(diagonal) @ spd), [diagonal, spd])


def test_float32_formulas_are_checked_in_float64():
    f = sg.vector("f", 3, dtype="float32")
    sg.check_grad(sg.sum(sg.exp(f) * f), f, order=2)


def test_values_can_be_given():
    sg.check_grad(sg.sum(sg.log(v - 10)), v, at={v: [11.0, 12.0]})
    sg.check_grad(A @ v, A, at={A: np.ones((2, 5))})
    with pytest.raises(sg.GradientCheckError):
        sg.check_grad(sg.abs(x), x, at={x: 1e-6})


def wrong(name, derivative):
    return elementwise(name, derivative=derivative, numpy="np.sin({0})", scalar="sin({0})")


def test_a_wrong_rule_is_found_in_both_modes():
    bad = wrong("bad_sine", lambda g, y, x: g * sg.cos(x) * 1.001)
    with pytest.raises(sg.GradientCheckError) as caught:
        sg.check_grad(sg.sum(bad(v) ** 2), v)
    message = str(caught.value)
    assert "bad_sine" in message
    assert "v[" in message
    assert "mode" in message
    assert "at v = [" in message


def test_a_wrong_second_derivative_is_found_at_order_two():
    half_right = wrong("odd", lambda g, y, x: g * not_quite_cos(x))
    not_quite_cos = elementwise(
        "not_quite_cos",
        derivative=lambda g, y, x: g * sg.sin(x),
        numpy="np.cos({0})",
        scalar="cos({0})",
    )
    sg.check_grad(half_right(x), x)
    with pytest.raises(sg.GradientCheckError):
        sg.check_grad(half_right(x), x, order=2)


def test_a_rule_that_is_wrong_in_one_mode_only_is_found():
    right = sg.cumsum(v)
    broken = replace(right.op, jvp=lambda y, tangents: 2 * right.op.jvp(right, tangents))
    e = make(broken, right.args, right.params, right.shape, right.ty)
    with pytest.raises(sg.GradientCheckError, match="forward"):
        sg.check_grad(e, v)


def test_the_worst_entry_is_named():
    bad = wrong("worse", lambda g, y, x: g * sg.where(x > 1, 2 * sg.cos(x), sg.cos(x)))
    with pytest.raises(sg.GradientCheckError, match=r"entry \[2\] of .* by v\[2\]"):
        sg.check_grad(bad(v), v, at={v: [0.1, 0.2, 1.2]})


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sg.check_grad(x > 0, x), sg.DerivativeError, ["bool"]),
        (lambda: sg.check_grad(x, sg.symbol("k", dtype=int)), sg.DerivativeError, ["k", "int"]),
        (lambda: sg.check_grad(x, x + 1), sg.ArgumentError, ["symbol"]),
        (lambda: sg.check_grad(x, x, at={y: 1.0}), sg.ArgumentError, ["y", "x"]),
        (lambda: sg.check_grad(x, x, order=0), sg.ArgumentError, ["0"]),
        (lambda: sg.check_grad(sg.log(-(x**2) - 1), x), sg.ArgumentError, ["finite", "at="]),
        (lambda: sg.check_grad(A @ v, v, at={v: np.ones((2, 2))}), sg.ShapeError, ["v"]),
        (lambda: sg.check_grad(sg.argmax(v), v), sg.DerivativeError, ["int64"]),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words)
