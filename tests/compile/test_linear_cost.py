"""Compilation costs the same for each node of a graph, however many there are."""

import random
import sys

import pytest

import symgrad as sg

x, y = sg.symbols("x y")


def nested(n):
    """A chain of functions; the products of its gradient are nested as deeply."""
    f = x
    for i in range(n):
        f = sg.sin(f) * y if i % 2 else sg.exp(f) + y
    return [x, y], f


def broad(n):
    names = [sg.symbol(f"a{i}") for i in range(n)]
    total = sg.constant(0)
    for a in names:
        total = total + sg.sin(a) * a
    return names, total


def shared(n):
    """Functions, quotients, sums and products of any two nodes that were made before."""
    choice = random.Random(n)
    names = [sg.symbol(f"a{i}") for i in range(10)]
    nodes = list(names)
    for _ in range(n):
        a, b = choice.choice(nodes[-60:]), choice.choice(nodes[-60:])
        nodes.append(choice.choice([a + b, a * b, a / b, sg.sin(a), sg.exp(a), sg.tanh(a), a**2]))
    return names, nodes[-1]


def calls(function):
    """How many calls of Python functions it takes."""
    count = 0

    def note(frame, event, arg):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    ("graph", "few", "many"), [(nested, 200, 600), (broad, 200, 600), (shared, 600, 1800)]
)
def test_compilation_is_linear_in_the_graph(graph, few, many):
    def work(n):
        names, f = graph(n)
        outputs = [f, *sg.grad(f, names)]
        size = len(sg.expr.traverse.toposort(outputs))
        return calls(lambda: sg.lambdify(names, outputs)(*[0.5] * len(names))) / size

    assert work(many) < 1.25 * work(few)
