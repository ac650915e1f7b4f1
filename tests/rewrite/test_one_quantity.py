"""Functions of one quantity, found by dominators, against a search for each quantity."""

import random

import symgrad as sg
from symgrad.expr.leaves import is_number
from symgrad.expr.traverse import toposort
from symgrad.rewrite.one_quantity import OneQuantity


def entire(node):
    """What stands for what can be looked through: all but absolute values."""
    return bool(node.args) and node.op.name != "abs"


def searched(order, u):
    """For each node that is a function of u alone whether a sine is between, by a walk for this u."""
    found = {u: False}
    for node in order:
        if node is u:
            continue
        if is_number(node):
            found[node] = False
        elif entire(node) and all(arg in found for arg in node.args):
            found[node] = node.op is sg.sin or any(found[arg] for arg in node.args)
    return found


def test_functions_of_one_quantity():
    choice = random.Random(5)
    for _ in range(40):
        nodes = [*sg.symbols("a b"), sg.constant(2), sg.sin(sg.constant(3))]
        for _ in range(14):
            a, b = choice.choice(nodes[-6:]), choice.choice(nodes)
            nodes.append(choice.choice([a + b, a * b, sg.sin(a), sg.absolute(a), sg.exp(a)]))
        order = toposort(nodes)
        found = OneQuantity(order, is_number, entire, lambda node: node.op is sg.sin)
        for u in order:
            if u.op.name == "symbol" or (u.args and not toposort_is_numbers(u)):
                expected = searched(order, u)
                for node in order:
                    assert found.is_of(node, u) == (node in expected)
                    assert found.applies_functions(node, u) == expected.get(node, False)


def toposort_is_numbers(u):
    return all(is_number(leaf) for leaf in toposort([u]) if not leaf.args)


def test_a_node_that_is_not_there_is_no_quantity():
    a, b, c = sg.symbols("a b c")
    found = OneQuantity(toposort([a + b]), is_number, entire, lambda node: False)
    assert not found.is_of(a, c)
    assert not found.is_of(c, a)


def test_chains_that_end_in_one_symbol():
    """The nearest dominator of ``f(f(...f(a)))*a`` is found in steps that do not add up to the square."""
    a = sg.symbol("a")
    nodes = [a]
    for _ in range(20_000):
        nodes.append(sg.sin(nodes[-1]))
    products = [node * a for node in nodes[1:]]
    found = OneQuantity(toposort(products), is_number, entire, lambda node: node.op is sg.sin)
    assert found.applies_functions(products[-1], a)
    assert not found.is_of(products[-1], nodes[1])
