"""The functions on the surface of a node, and that no rule is left out which would have matched."""

import random

import pytest
from tests.rewrite.test_each_rule import MADE_FOR

import symgrad as sg
from symgrad.expr.traverse import toposort
from symgrad.ops.arithmetic import ADD, MUL, POW, raw_product, raw_sum
from symgrad.ops.elementwise import as_expr
from symgrad.rewrite import stability
from symgrad.rewrite.surface import Surface

x, y, z = sg.symbols("x y z")
v = sg.vector("v", 3)


def names(node):
    surface = Surface([sg.exp, sg.sinh, sg.log])
    found = surface.of(node)
    return {op.name for op in (sg.exp, sg.sinh, sg.log) if surface.set_of([op]) & found}


def test_factors_powers_and_products_in_products():
    assert names(x * sg.exp(y)) == {"exp"}
    assert names(x * (y * sg.sinh(z)) ** -2) == {"sinh"}
    assert names(v * sg.exp(x)) == {"exp"}
    assert names(sg.named(sg.exp(x), "a") * y) == {"exp"}


def test_terms_and_sums_in_sums():
    assert names(x + y * sg.exp(z)) == {"exp"}
    assert names(x + y * (z + sg.exp(z))) == set()
    assert names(sg.sin(sg.exp(z)) + x * sg.log(y)) == {"log"}


def test_terms_of_sums_among_factors_are_a_set_of_their_own():
    surface = Surface([sg.exp])
    within, plain = surface.set_of([sg.exp], within=True), surface.set_of([sg.exp])
    product = x * (1 + sg.exp(y)) ** -2
    assert surface.of(product) & within
    assert not surface.of(product) & plain
    assert not surface.of(x * (1 + z * (1 + sg.exp(y)))) & within


def test_a_power_of_a_number_is_a_function():
    surface = Surface([POW])
    assert surface.of(3 + 2**x) & surface.set_of([POW])
    assert not surface.of(3 + x**2) & surface.set_of([POW])


SEARCHING = [
    rule
    for group in stability.STABILITY.values()
    for rule in group
    if rule.among and rule.name in MADE_FOR
]
BUILT = {ADD: raw_sum, MUL: raw_product, POW: lambda args: POW.build(args, ())}


@pytest.mark.parametrize("rule", SEARCHING, ids=lambda rule: rule.name)
def test_a_rule_is_reached_by_what_it_is_made_for(rule):
    rewriting = stability._Rewriting(stability.STABILITY)
    formulas = [
        BUILT[rule.op](tuple([as_expr(arg) for arg in made(u, w)]))
        for made in MADE_FOR[rule.name]
        for u, w in [(x, y), (2 * x, y), (x + y, z), (x * y, sg.sin(z))]
    ]
    matched = [e for e in formulas if e.op is rule.op and rule.apply(e) is not None]
    assert matched
    assert all(rule in rewriting._wanted(e) for e in matched)


def test_no_rule_is_left_out():
    """Of all rules on many sums and products, those left out would not have changed them."""
    choice = random.Random(3)
    functions = [sg.exp, sg.sinh, sg.cosh, sg.expm1, sg.tanh, sg.special.expit, sg.log, sg.sin]
    functions += [sg.cos, sg.sqrt, sg.softplus, sg.special.erfcx, lambda u: 2**u]
    rewriting = stability._Rewriting(stability.STABILITY)
    left_out = 0
    for _ in range(60):
        nodes = [x, -x, y, 2 * x]
        for _ in range(12):
            a, b = choice.choice(nodes), choice.choice(nodes[-4:])
            nodes.append(choice.choice([a + b, a * b, a / b, a - b, choice.choice(functions)(b)]))
        for node in toposort(nodes):
            wanted = rewriting._wanted(node)
            for rule in stability.STABILITY.get(node.op, ()):
                if rule not in wanted:
                    left_out += 1
                    changed = rule.apply(node)
                    assert changed is None or changed is node
    assert left_out > 1000
