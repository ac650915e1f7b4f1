"""Walks and substitution: order, depth, named extents bound on the way."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.rewriting import replace, transform
from symgrad.expr.traverse import count_uses, depends_on, rebuild, toposort

x, y, z = sg.symbols("x y z")


def test_operands_come_before_users_and_each_node_once():
    e = sg.sin(x + y) * (x + y) + sg.exp(x)
    order = toposort([e, x])
    assert len(set(order)) == len(order)
    place = {node: i for i, node in enumerate(order)}
    for node in order:
        assert all(place[arg] < place[node] for arg in node.args)


def test_uses_count_occurrences_and_roots():
    e = (x + y) * sg.sin(x + y)
    uses = count_uses(toposort([e]), [e])
    assert uses[x + y] == 2
    assert uses[x] == 1
    assert uses[e] == 1


def test_what_depends_on_a_leaf():
    a, b = sg.sin(x), sg.cos(y)
    e = a + b
    active = depends_on(toposort([e]), [x])
    assert a in active
    assert e in active
    assert b not in active


def test_free_symbols_in_order_of_appearance():
    a, b, c = sg.symbols("first_a first_b first_c")  # a product alive elsewhere keeps its order
    assert [s.name for s in sg.free_symbols(b * sg.sin(a) + c)] == ["first_b", "first_a", "first_c"]


def test_rebuilding_with_the_same_operands_gives_the_node_itself():
    e = sg.sin(x) * y
    assert rebuild(e, e.args) is e
    assert transform([e], lambda node: node)[e] is e
    assert replace([e], {}, {})[0] is e


def deep(levels, leaf=x):
    e = leaf
    for _ in range(levels):
        e = sg.sin(e) * e + e
    return e


@pytest.mark.parametrize("levels", [6_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_deep_graphs_are_ordinary(levels):
    e = deep(levels)
    assert len(toposort([e])) == 3 * levels + 1
    sg.check_graph(e)
    assert [s.name for s in sg.free_symbols(e)] == ["x"]
    moved = sg.substitute(e, {x: y})
    assert moved is deep(levels, y)
    assert str(e)
    assert sg.latex(e)


def test_substitution_is_simultaneous():
    assert sg.substitute(x - 2 * y, {x: y, y: x}) is y - 2 * x
    assert sg.substitute(x**2 + y, {x: 3, y: x}) is x + 9
    assert sg.substitute(x**2, {y: 1}) is x**2
    assert float(sg.substitute(x**2, {x: 1.5})) == 2.25


def test_substitution_binds_named_extents_throughout():
    v, w = sg.vector("v", "n"), sg.vector("w", "n")
    e = sg.sum(v * w) / sg.size(v) + sg.sum(sg.concatenate([w, w])[1:])
    bound = sg.substitute(e, {v: np.arange(3.0)})
    assert [s.shape for s in sg.free_symbols(bound)] == [(3,)]
    sg.check_graph(bound)
    (u,) = sg.free_symbols(bound)
    value = sg.evaluate(bound, {u: np.ones(3)})
    assert value == 3.0 / 3 + 5


@pytest.mark.parametrize(
    "key", [slice(-3, None), slice(1, None), 2, slice(None, -3), slice(None, None, -1)]
)
def test_slices_are_checked_when_an_extent_becomes_known(key):
    v = sg.vector("v", "n")
    w = sg.symbol("w", 2)
    array = np.arange(2.0)
    inside = key in (slice(1, None), slice(None, None, -1))
    if inside:
        e = sg.substitute(v[key], {v: w})
        sg.check_graph(e)
        np.testing.assert_array_equal(sg.evaluate(e, {w: array}), array[key])
    else:
        with pytest.raises(sg.ShapeError, match=r"beyond an operand of shape \(2,\)"):
            sg.substitute(v[key], {v: w})


def test_substituted_values_broadcast():
    v = sg.vector("v", 3)
    assert sg.evaluate(sg.substitute(sg.sum(v * x), {v: 2}), {x: 5.0}) == 30.0
    m = sg.matrix("M", (2, 3))
    assert sg.substitute(m, {m: v}).shape == (2, 3)


def test_substituting_an_expression_for_an_array():
    v = sg.vector("v", "n")
    e = sg.substitute(sg.sum(v**2), {v: sg.sin(v) + x})
    assert e is sg.sum((sg.sin(v) + x) ** 2)
    longer = sg.substitute(sg.sum(v**2) / sg.size(v), {v: sg.concatenate([v, v])})
    assert sg.evaluate(longer, {v: np.array([1.0, 2.0])}) == 2.5


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({x: np.ones(2)}, ["x", "(2,)", "()"]),
        ({sg.vector("v", 3): np.ones(4)}, ["v", "(4,)", "(3,)"]),
        ({sg.matrix("M", ("n", "n")): np.ones((2, 3))}, ["M", "(2, 3)", "(n, n)"]),
    ],
)
def test_values_that_do_not_fit(values, words):
    (leaf,) = values
    with pytest.raises(sg.ShapeError) as error:
        sg.substitute(sg.sum(leaf), values)
    for word in words:
        assert word in str(error.value)


def test_only_symbols_are_replaced():
    with pytest.raises(sg.ArgumentError, match="add expression"):
        sg.substitute(x + y, {x + y: 1})
    with pytest.raises(sg.ArgumentError, match="'x'"):
        sg.substitute(x + y, {"x": 1})
