"""Undefined functions: derivatives of every kind, notation, and values once they are given."""

import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest

import symgrad as sg

t, x, y = sg.symbols("t x y")
q, f = sg.function("q"), sg.function("f")
Q, V, A = q(t), q(t).diff(t), q(t).diff(t, 2)


def same(found, expected):
    return all(sg.simplify(a - b) is sg.constant(0) for a, b in zip(found, expected, strict=True))


def test_a_function_is_its_name_and_what_is_assumed():
    assert sg.function("q") == q
    assert sg.function("q")(t) is Q
    assert sg.function("q", positive=True)(t) is not Q
    p = sg.function("p", positive=True)(t)
    assert sg.simplify(sg.sqrt(p**2)) is p
    assert sg.simplify(sg.sqrt(Q**2)) is not Q
    assert sg.simplify(sg.abs(p)) is p
    assert sg.simplify(sg.abs(p.diff(t))) is not p.diff(t)
    assert q(t, x) is not Q


def test_derivatives_are_one_node_in_every_order():
    orders = set(itertools.permutations((x, x, y)))
    assert len({sg.diff(f(x, y), *by) for by in orders}) == 1
    assert sg.diff(f(x, y), x, 2, y) is f.derivative(2, 1)(x, y)
    assert sg.diff(Q, t, 7).params[1] == (7,)
    assert sg.diff(f(y), x) is sg.constant(0)


def test_partial_derivatives_hold_all_else_fixed():
    L = V**2 * Q / 2 - sg.cos(Q) * t
    assert sg.diff(L, Q) is sg.diff(L.subs(V, x).subs(Q, y), y).subs({x: V, y: Q})
    assert sg.diff(L, V) is V * Q
    assert sg.diff(L, A) is sg.constant(0)
    assert sg.diff(f(Q), Q) is f.derivative(1)(Q)
    assert sg.diff(f(Q, V), V) is f.derivative(0, 1)(Q, V)


def test_the_total_derivative_follows_the_chain_rule():
    assert sg.diff(sg.sin(Q), t) is sg.cos(Q) * V
    total = sg.diff(f(t, Q, V), t)
    parts = [f.derivative(*row)(t, Q, V) for row in np.eye(3, dtype=int).tolist()]
    values = dict(zip([*parts, V, A], [2.0, 3.0, 5.0, 7.0, 11.0], strict=True))
    assert sg.evaluate(total, values) == 2 + 3 * 7 + 5 * 11


def test_every_derivative_takes_functions():
    L = Q * V**2
    assert same(sg.grad(L, [Q, V]), [V**2, 2 * Q * V])
    (qq, qv), (vq, vv) = sg.hessian(L, [Q, V])
    assert same([qq, qv, vq, vv], [sg.constant(0), 2 * V, 2 * V, 2 * Q])
    assert same([sg.jacobian(L, V)], [2 * Q * V])
    direction = sg.jvp(L, [Q, V], [x, y])
    assert sg.evaluate(direction, {Q: 2.0, V: 3.0, x: 5.0, y: 7.0}) == 5 * 9 + 7 * 12
    assert sg.evaluate(sg.vjp(L, V, x), {Q: 2.0, V: 3.0, x: 5.0}) == 60
    assert sg.hvp(L, Q, x) is sg.constant(0)
    assert same(sg.grad(t * Q, [t, Q]), [Q, t])  # independent of each other
    assert sg.grad(t * Q, t) is not Q


def test_arrays_entry_by_entry():
    v = sg.vector("v", 3)
    total = sg.sum(f(v) ** 2)
    gradient = sg.grad(total, v)
    assert gradient.shape == (3,)
    values = sg.lambdify(v, gradient, functions={f: sg.sin})(np.arange(3.0))
    np.testing.assert_allclose(values, np.sin(2 * np.arange(3.0)), rtol=1e-14)
    by_function = sg.grad(total, f(v))
    assert by_function is 2 * f(v)
    assert sg.grad(total, f(v)[0]) is 2 * f(v)[0]
    assert str(f.derivative(1)(v)) == "f'(v)"


SHOWN = [
    (Q, "q(t)", "q"),
    (V, "diff(q(t), t)", r"\dot{q}"),
    (A, "diff(q(t), t, 2)", r"\ddot{q}"),
    (Q.diff(t, 3), "diff(q(t), t, 3)", r"\dddot{q}"),
    (Q.diff(t, 4), "diff(q(t), t, 4)", r"\ddddot{q}"),
    (Q.diff(t, 5), "diff(q(t), t, 5)", r"q^{\left(5\right)}"),
    (V**2, "diff(q(t), t)**2", r"\dot{q}^{2}"),
    (sg.function("theta_1")(t).diff(t), "diff(theta_1(t), t)", r"\dot{\theta}_{1}"),
    (f(x), "f(x)", r"f\left(x\right)"),
    (f(x).diff(x), "diff(f(x), x)", r"f'\left(x\right)"),
    (f(x).diff(x, 4), "diff(f(x), x, 4)", r"f^{\left(4\right)}\left(x\right)"),
    (f.derivative(1)(x**2), "f'(x**2)", r"f'\left(x^{2}\right)"),
    (q.derivative(1)(0), "q'(0)", r"q'\left(0\right)"),
    (f(x, y).diff(x, y), "diff(f(x, y), x, y)", r"f_{xy}\left(x, y\right)"),
    (
        f(x, y).diff(y, 5),
        "diff(f(x, y), y, 5)",
        r"\partial_{y}^{5} f\left(x, y\right)",
    ),
    (
        f.derivative(1, 0)(x, 2 * x),
        "f.derivative(1, 0)(x, 2*x)",
        r"f^{\left(1,0\right)}\left(x, 2 x\right)",
    ),
    (f.derivative(0, 1)(x, x), "f.derivative(0, 1)(x, x)", None),
    (f.derivative(0, 1)(Q, t), "f.derivative(0, 1)(q(t), t)", None),
    (f.derivative(1, 0)(Q, V), "diff(f(q(t), diff(q(t), t)), q(t))", None),
]


@pytest.mark.parametrize(("e", "text", "latex"), SHOWN, ids=[row[1] for row in SHOWN])
def test_notation(e, text, latex):
    assert str(e) == text
    assert latex is None or sg.latex(e) == latex
    functions = [q, f, sg.function("theta_1")]
    assert sg.parse(text, functions=functions) is e


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q", "q is a function and needs its operands"),
        ("q'(x, y)", "takes 1 operand, got 2"),
        ("f.derivative(1, 0)(x)", "takes 2 operands, got 1"),
        ("g(x)", "g is a symbol, no function"),
        ("x.derivative(1)(x)", "only functions can be called"),
        ("q.integral(1)(x)", "an operator is missing"),
    ],
)
def test_texts_that_are_none(text, message):
    with pytest.raises(sg.ParseError, match=message):
        sg.parse(text, functions={"q": q, "f": f})


def test_functions_of_a_text_are_functions():
    with pytest.raises(sg.ArgumentError, match="functions holds 3"):
        sg.parse("f(x)", functions={"f": 3})


def test_values_and_code_take_functions_as_arguments():
    L = V**2 / 2 - sg.cos(Q)
    call = sg.lambdify([Q, V], L)
    assert call(0.5, 2.0) == 2.0 - np.cos(0.5)
    many = call(np.array([0.0, 0.5]), np.array([1.0, 2.0]))
    np.testing.assert_allclose(many, [-0.5, 2.0 - np.cos(0.5)], rtol=1e-15)
    assert sg.evaluate(L, {Q: 0.5, V: 2.0}) == call(0.5, 2.0)
    assert L.evalf(subs={Q: 0.5, V: 2.0}) == call(0.5, 2.0)
    assert sg.lambdify([t, Q], t * Q)(2.0, 3.0) == 6.0
    assert pickle.loads(pickle.dumps(call))(0.5, 2.0) == call(0.5, 2.0)
    root = sg.newton_root(Q**2 - x, Q, x)(1.0, 2.0)
    assert root.x == pytest.approx(np.sqrt(2), rel=1e-14)


@pytest.mark.parametrize(
    "call",
    [
        lambda: sg.lambdify(Q, Q + V),
        lambda: sg.lambdify(t, Q),
        lambda: sg.lambdify([], q(0)),
        lambda: sg.evaluate(Q + V, {Q: 1.0}),
        lambda: sg.evaluate(q(2 * t), {Q: 1.0, t: 1.0}),
    ],
)
def test_what_is_left_undefined_is_named(call):
    with pytest.raises(sg.ArgumentError, match=r"is undefined: give it as an argument.*functions="):
        call()


def test_substitution_of_functions():
    assert sg.substitute(A + Q, {Q: sg.sin(2 * t)}) is -3 * sg.sin(2 * t)
    assert sg.substitute(V * Q, {Q: 3}) is 3 * V  # a value at one moment says nothing of others
    assert sg.substitute(V * Q, {Q: Q + 1}) is V * (Q + 1)
    assert sg.substitute(V * Q, {Q: sg.exp(t), V: x}) is x * sg.exp(t)
    assert sg.substitute(A, {V: sg.sin(t)}) is sg.cos(t)
    assert sg.substitute(q(2 * t), {Q: t}) is q(2 * t)
    assert sg.substitute(q(x).diff(x) + f(q(x)), {q: lambda u: u**2, f: sg.exp}) is (
        2 * x + sg.exp(x**2)
    )
    assert V.subs(t, 0) is q.derivative(1)(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sg.function(""), "non-empty str"),
        (lambda: sg.function("f", spd=True), "unknown assumption 'spd'"),
        (f, "needs arguments"),
        (f.derivative, "takes the order"),
        (lambda: f.derivative(-1), "takes the order"),
        (lambda: f.derivative(1, 0)(x), "takes 2 arguments, got 1"),
        (lambda: sg.lambdify([Q, Q], Q), "given twice"),
        (lambda: sg.diff(x, Q + 1), "symbol"),
        (x.evalf, "no value for x"),
        (lambda: sg.pi.evalf(30), "up to 15 digits"),
    ],
)
def test_errors(call, message):
    with pytest.raises(sg.ArgumentError, match=message):
        call()


def test_pickling_and_text_are_the_same_in_another_process():
    e = sg.diff(f(Q, V), t)
    assert pickle.loads(pickle.dumps(e)) is e
    code = f"import pickle; print(pickle.loads({pickle.dumps(e)!r}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == str(e)


def test_numbers_of_constants():
    assert isinstance((sg.sqrt(2) * sg.pi).evalf(), float)
    assert (sg.sqrt(2) * sg.pi).evalf() == pytest.approx(np.sqrt(2) * np.pi, rel=1e-15)
    v = sg.vector("v", 2)
    assert (2 * v).evalf(subs={v: [1.0, 2.0]}).tolist() == [2.0, 4.0]


def test_batches():
    e = sg.vmap(x * f(x), over={x: "b"})
    assert e.shape == ("b",)
    got = sg.lambdify(sg.vector("x", "b"), e, functions={f: sg.exp})(np.arange(3.0))
    np.testing.assert_allclose(got, np.arange(3.0) * np.exp(np.arange(3.0)), rtol=1e-15)
