"""Sums and products seen to be plain are what collecting makes of them."""

import random

import symgrad as sg
from symgrad.ops.arithmetic import ADD, MUL, raw_product, raw_sum
from symgrad.rewrite.collect import collect_product, collect_sum
from symgrad.rewrite.plain import is_plain_product, is_plain_sum
from symgrad.rewrite.simplify import simplify_all

x, y, z = sg.symbols("x y z")
ATOMS = [
    *(x, y, z, x**2, 1 / y, z**-2, x**y, x + y, 2 * x + 4, (x + 2) ** 3, (y - z) ** -1),
    *(sg.exp(x), sg.exp(2 * x), sg.exp(-y) ** 2, sg.sin(x), sg.cos(x), sg.tan(z), sg.sin(x) ** 2),
    *(sg.cos(x) ** 2, sg.abs(x), sg.sign(x), sg.tanh(y), sg.log(z), x * y, sg.sqrt(x), sg.cosh(y)),
    *(sg.where(x > 0, y, 0), sg.constant(3), sg.constant(0.5), -x, 3 * x * y, sg.constant(0)),
]


def test_plain_products_stay():
    rng = random.Random(5)
    plain = 0
    for _ in range(3000):
        factors = rng.choices(ATOMS, k=rng.choice((2, 2, 3, 4)))
        alone = [rng.random() < 0.5 for _ in factors]
        if not is_plain_product(factors, alone):
            continue
        plain += 1
        whole = raw_product(tuple(factors))
        assert collect_product(list(zip(factors, alone, strict=True)), whole) is whole, factors
    assert plain > 300


def test_plain_sums_stay():
    rng = random.Random(6)
    plain = 0
    for _ in range(3000):
        terms = rng.choices(ATOMS, k=rng.choice((2, 2, 3, 4)))
        if not is_plain_sum(terms):
            continue
        plain += 1
        whole = raw_sum(tuple(terms))
        assert collect_sum([(1, t) for t in terms], whole, False) is whole, terms
    assert plain > 300


def test_large_graphs_are_collected_still():
    xs = [sg.symbol(f"p{k}") for k in range(400)]
    roots = [v * sg.exp(v) * v + sg.sin(v) ** 2 + sg.cos(v) ** 2 - 3 * v + v for v in xs]
    (first, *_) = simplify_all(roots)
    assert first.op is ADD
    assert first is simplify_all([xs[0] ** 2 * sg.exp(xs[0]) + 1 - 2 * xs[0]])[0]
    assert simplify_all([raw_product((v, sg.sin(v), 1 / v)) for v in xs])[7] is sg.sin(xs[7])
    assert all(r.op is not MUL for r in simplify_all([v * (1 / v) for v in xs]))
