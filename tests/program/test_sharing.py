"""Factors that products have in common: by form, and by value."""

import numpy as np

import symgrad as sg
from symgrad.expr.traverse import check_graph, toposort
from symgrad.ops.arithmetic import MUL
from symgrad.rewrite.sharing import share_factors

a, b, c, d = sg.symbols("a b c d")


def products(outputs):
    return [node for node in toposort(outputs) if node.op is MUL]


def test_a_pair_of_factors_is_multiplied_once():
    shared = share_factors([a * b * c, d * (a * b + a)])
    assert a * b in set(products(shared))
    first = shared[0]
    assert set(first.args) == {a * b, c}


def test_the_pair_of_most_products_comes_first():
    x = sg.sin(a)
    shared = share_factors([x * b * c, x * c * d, sg.exp(x * c)])
    pair = x * c
    assert sum(pair in set(node.args) for node in products(shared)) == 2
    assert shared[2] is sg.exp(pair)


def test_products_with_nothing_in_common_stay():
    outputs = [a * b * c, sg.sin(a * d), b * d]
    assert all(p is q for p, q in zip(share_factors(outputs), outputs, strict=True))


def test_divisions_share_what_they_divide_by():
    f = sg.lambdify([a, b, c, d], [a / (b * sg.sqrt(c)), d / (b * c**1.5)])
    assert "t0 = 1/(b*np.sqrt(c))" in f.source and f.source.count("np.sqrt") == 1
    values = 1.3, 0.7, 2.9, -0.4
    got = f(*[np.array([t]) for t in values])
    expected = 1.3 / (0.7 * 2.9**0.5), -0.4 / (0.7 * 2.9**1.5)
    np.testing.assert_allclose(np.ravel(got), expected, rtol=1e-15)


def test_integers_and_long_products_are_left_alone():
    n, m = sg.symbols("n m", dtype=int)
    outputs = [n * m * 3, n * m + 1]
    assert share_factors(outputs)[0] is outputs[0]
    many = sg.symbols(" ".join(f"x{k}" for k in range(40)))
    long = many[0]
    for x in many[1:]:
        long = long * x
    (shared, _) = share_factors([long, many[0] * many[1] * a])
    values = {x: 1 + k / 100 for k, x in enumerate(many)}
    np.testing.assert_allclose(
        sg.evaluate(shared, values), np.prod(list(values.values())), rtol=1e-12
    )


def test_random_products_keep_their_values():
    rng = np.random.default_rng(11)
    leaves = [a, b, c, d, sg.sin(a), sg.exp(b), 1 / c, sg.sqrt(d), 1 / (c * d)]
    values = {a: 0.7, b: -0.4, c: 1.9, d: 2.3}
    for _ in range(60):
        outputs = []
        for _ in range(6):
            product = sg.constant(int(rng.integers(1, 4)))
            for k in rng.integers(0, len(leaves), size=rng.integers(1, 7)):
                product = product * leaves[k] if rng.random() < 0.7 else leaves[k] * product
            outputs.append(product)
        outputs.append(outputs[0] * outputs[1] + outputs[2])
        shared = share_factors(outputs)
        check_graph(*shared)
        assert len(products(shared)) <= len(products(outputs)) + sum(
            len(node.args) - 2 for node in products(outputs)
        )
        for before, after in zip(outputs, shared, strict=True):
            np.testing.assert_allclose(
                sg.evaluate(after, values), sg.evaluate(before, values), rtol=1e-13
            )


def test_reciprocals_of_what_is_negated():
    """``1/(-x)`` and ``(-x)**(-3/2)`` have a sign of their own, which is no factor to share."""
    x = sg.symbol("x")
    outputs = [sg.sin(b) / (-x), sg.sin(b) / (-x) ** 2 * a, a * sg.sin(b) * (-x) ** -1.5 / (-x * b)]
    f = sg.lambdify([a, b, x], outputs)
    sine = np.sin(0.7)
    expected = [sine / 2, 1.3 * sine / 4, 1.3 * sine * 2.0**-1.5 / 2 / 0.7]
    np.testing.assert_allclose(f(1.3, 0.7, -2.0), expected, rtol=1e-14)
    y = sg.where(x < 0, 0, sg.sqrt(x)) + sg.where(-x < 0, 0, sg.sqrt(-x))
    slopes = sg.lambdify(x, [sg.diff(y, x, k) for k in range(3)])
    np.testing.assert_allclose(
        np.array(slopes(-2.0), float), [2**0.5, -(2**-0.5) / 2, -(2**-1.5) / 4], rtol=1e-14
    )
