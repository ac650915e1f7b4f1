"""Undefined functions and their derivatives, from SymPy and back."""

import pytest
import sympy as sp
from sympy.physics.mechanics import dynamicsymbols

import symgrad as sg
from symgrad.interop.sympy import from_sympy, to_sympy

t, x, y = sp.symbols("t x y", real=True)
q, f = sp.Function("q"), sp.Function("f")

FORMULAS = [
    q(t),
    q(t).diff(t, 2) * q(t),
    f(x, y).diff(x, y, y),
    f(x**2).diff(x, 2),
    f(x, 2 * x).diff(x),
    f(q(t)).diff(t),
    f(q(t), q(t).diff(t)).diff(t),
    sp.Function("p", positive=True)(t),
    sp.Derivative(sp.sin(q(t)) * q(t).diff(t), q(t)),
    sp.Derivative(sp.sin(x) * y, x, y),
    sp.Subs(sp.Derivative(f(x, y), x), (x, y), (t, 3)),
]


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_both_ways(formula):
    e = from_sympy(formula)
    image = to_sympy(e)
    assert sp.simplify((image - formula).doit()) == 0
    assert sp.simplify(to_sympy(from_sympy(image)) - image) == 0


def test_symbols_that_are_one_to_nobody():
    a, b = sp.Dummy("a"), sp.Symbol("a")
    assert from_sympy(a) is not from_sympy(b)
    assert from_sympy(a) is from_sympy(a)


def test_dynamicsymbols_enter_everywhere():
    theta = dynamicsymbols("theta")
    L = theta.diff() ** 2 / 2 + sp.cos(theta)
    call = sg.lambdify([theta, theta.diff()], L)
    assert call(0.5, 2.0) == pytest.approx(2 + float(sp.cos(0.5)), rel=1e-15)
    assert sg.evaluate(L, {theta: 0.5, theta.diff(): 2.0}) == call(0.5, 2.0)
    assert sg.grad(L, [theta, theta.diff()])[1] is from_sympy(theta.diff())
    time = sp.Symbol("t")
    equations = sg.euler_lagrange(L, theta, time)
    expected = theta.diff(time, 2) + sp.sin(theta)
    assert equations[0] is from_sympy(expected)
