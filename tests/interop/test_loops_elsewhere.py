"""Loops in exchange with others: as JSON, and written out for SymPy."""

import json

import numpy as np
import pytest
import sympy

import symgrad as sg
from symgrad.errors import ConversionError, GraphError
from symgrad.interop import exchange

A = sg.symbol("a")


def geometric(xs, reverse=False):
    return sg.scan(lambda c, x: (A * c + x, c), 0.0, xs, reverse=reverse)


def nested():
    def step(c, row):
        return c + sg.scan(lambda d, y: (d * y + A, None), 1.0, row)[0], None

    return sg.scan(step, 0.0, sg.matrix("M", (3, 2)))[0]


def recurrent():
    w, xs = sg.matrix("W", (3, 3)), sg.matrix("Z", ("t", 3))
    h, _ = sg.scan(lambda h, x: (sg.tanh(h @ w + x), sg.sum(h)), sg.zeros((3,)), xs)
    return sg.grad(sg.sum(h), w)


FORMULAS = {
    "carry": lambda: geometric(sg.vector("X", "n"))[0],
    "outputs, backwards": lambda: geometric(sg.vector("X", "n"), reverse=True)[1],
    "slope": lambda: sg.diff(geometric(sg.vector("X", "n"))[0], A),
    "second slope": lambda: sg.diff(geometric(sg.vector("X", "n"))[0], A, 2),
    "a loop in a loop": nested,
    "weights": recurrent,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_loop_comes_back_from_json(name):
    e = FORMULAS[name]()
    assert sg.load_json(sg.save_json(e)) is e


def tampered(change):
    saved = json.loads(sg.save_json(geometric(sg.vector("X", "n"))[0]))
    node = next(row for row in saved["nodes"] if row[0] == "scan")
    change(node)
    saved["digest"] = exchange._digest(saved["nodes"], saved["value"])
    return json.dumps(saved)


def drop_operand(node):
    node[1].pop()


def free_symbol(node):
    _, groups, _, _ = node[2][0]["loop"]
    groups[2].clear()


def forward_row(node):
    node[2][0]["loop"][0][-1][1][0] = 99


@pytest.mark.parametrize("change", [drop_operand, free_symbol, forward_row])
def test_a_loop_that_does_not_hold_together_is_refused(change):
    with pytest.raises(GraphError, match="scan"):
        sg.load_json(tampered(change))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_loop_of_known_length_is_written_out_for_sympy(reverse):
    xs = sg.vector("X", 4)
    carry, outputs = geometric(xs, reverse)
    point = np.array([0.5, -1.5, 2.0, 0.25])
    symbols = {
        sympy.MatrixSymbol("X", 4, 1)[i, 0]: sympy.Float(value) for i, value in enumerate(point)
    }
    symbols[sg.to_sympy(A)] = sympy.Rational(9, 10)
    for e in (carry, sg.diff(carry, A), sg.diff(carry, A, 2)):
        expected = sg.evaluate(e, {xs: point, A: 0.9})
        assert abs(float(sg.to_sympy(e).subs(symbols)) - expected) < 1e-14
    states = [float(entry.subs(symbols)) for entry in map(sympy.sympify, sg.to_sympy(outputs))]
    np.testing.assert_allclose(states, sg.evaluate(outputs, {xs: point, A: 0.9}), atol=1e-14)


def test_loops_in_loops_are_written_out():
    image = sg.to_sympy(nested())
    entries = sympy.MatrixSymbol("M", 3, 2)
    a = sg.to_sympy(A)
    expected = sum((entries[i, 0] + a) * entries[i, 1] + a for i in range(3))
    assert sympy.expand(image - expected) == 0


def test_a_loop_of_unknown_length_has_no_image():
    with pytest.raises(ConversionError, match="scan of n steps cannot be written out"):
        sg.to_sympy(geometric(sg.vector("X", "n"))[0])


def test_an_entry_of_a_vector_has_an_image():
    assert sg.to_sympy(sg.vector("v", 4)[2]) == sympy.MatrixSymbol("v", 4, 1)[2, 0]
