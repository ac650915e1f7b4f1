"""Extents: arithmetic with names, broadcasting, and what the errors say."""

import itertools

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.dims import (
    add_dims,
    as_dim,
    as_shape,
    broadcast_shapes,
    dim_names,
    divide_dims,
    floordiv_dims,
    map_dim,
    mul_dims,
    show_shape,
)


def test_sums_cancel_and_collect():
    assert add_dims("n", 1, "n", -1) == mul_dims(2, "n")
    assert add_dims("n", mul_dims(-1, "n")) == 0
    assert add_dims("n", 0) == "n"
    assert add_dims("m", "n") == add_dims("n", "m")
    assert hash(add_dims("m", "n")) == hash(add_dims("n", "m"))
    assert add_dims(2, 3) == 5


def test_products_expand():
    n1 = add_dims("n", 1)
    assert mul_dims(n1, n1) == add_dims(mul_dims("n", "n"), "n", "n", 1)
    assert mul_dims() == 1
    assert mul_dims("n", 0) == 0
    assert mul_dims("m", "n") == mul_dims("n", "m")


def test_quotients():
    mn = mul_dims("m", "n")
    assert divide_dims(mn, "n") == "m"
    assert divide_dims(mul_dims(6, mn), mul_dims(2, "m")) == mul_dims(3, "n")
    assert divide_dims("n", "m") is None
    assert divide_dims(7, 2) is None
    assert divide_dims(0, 0) in (0, 1)
    assert floordiv_dims(7, 2) == 3
    assert floordiv_dims(mul_dims(4, "n"), 2) == mul_dims(2, "n")
    assert str(floordiv_dims(add_dims("n", 1), 2)) == "(n + 1)//2"


@pytest.mark.parametrize("n", range(6))
def test_arithmetic_agrees_with_that_of_ints(n):
    def bind(_):
        return n

    for a, b in itertools.product((-2, 0, 3), (1, 2)):
        dim = add_dims(mul_dims(b, "n"), a)
        assert map_dim(dim, bind) == b * n + a
        assert map_dim(mul_dims(dim, dim), bind) == (b * n + a) ** 2
        assert map_dim(floordiv_dims(dim, 3), bind) == (b * n + a) // 3


def test_extents_print_as_written():
    assert str(add_dims("n", 1)) == "n + 1"
    assert str(add_dims(mul_dims(2, "m", "n"), mul_dims(-1, "n"), -3)) == "2*m*n - n - 3"
    assert show_shape(("n",)) == "(n,)"
    assert show_shape(()) == "()"
    assert dim_names(add_dims(mul_dims("m", "n"), floordiv_dims(add_dims("k", 1), 2))) == (
        "k",
        "m",
        "n",
    )


@pytest.mark.parametrize("bad", [-1, 1.5, True, "1n", "", None, "a b"])
def test_malformed_extents(bad):
    with pytest.raises(sg.ShapeError, match="extent"):
        as_dim(bad)


def test_shapes_from_one_extent_or_many():
    assert as_shape(3) == (3,)
    assert as_shape("n") == ("n",)
    assert as_shape([np.int64(2), "n"]) == (2, "n")


BROADCASTS = [
    (((3,), (2, 3)), (2, 3)),
    (((2, 1), (1, 3)), (2, 3)),
    (((), ("n",)), ("n",)),
    ((("m", 1), ("n",)), ("m", "n")),
    ((("n",), (1,), ("n",)), ("n",)),
    (((0,), (1,)), (0,)),
]


@pytest.mark.parametrize(("shapes", "expected"), BROADCASTS)
def test_broadcasting(shapes, expected):
    assert broadcast_shapes(*shapes) == expected
    if all(isinstance(d, int) for s in shapes for d in s):
        assert np.broadcast_shapes(*shapes) == expected


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ((2,), (3,), ["(2,)", "(3,)", "extent 2 meets 3", "axis -1"]),
        (("n",), ("m",), ["(n,)", "(m,)", "extent n meets m"]),
        (("n",), (3,), ["(n,)", "(3,)"]),
        (("m", "n"), ("m",), ["(m, n)", "(m,)", "expand_dims"]),
        ((add_dims("n", 1),), ("n",), ["(n + 1,)", "(n,)"]),
    ],
)
@pytest.mark.parametrize("function", [sg.add, sg.multiply, sg.maximum, sg.power, sg.arctan2])
def test_a_clash_names_the_shapes(a, b, words, function):
    x, y = sg.symbol("x", a), sg.symbol("y", b)
    with pytest.raises(sg.ShapeError) as error:
        function(x, y)
    for word in words:
        assert word in str(error.value)


def test_other_clashes_name_the_shapes_too():
    a, b = sg.matrix("A", ("m", "n")), sg.matrix("B", ("k", "n"))
    for call in (
        lambda: a @ b,
        lambda: sg.dot(a, b),
        lambda: sg.einsum("ij,jk->ik", a, b),
        lambda: sg.concatenate([a, b], axis=1),
        lambda: sg.stack([a, b]),
        lambda: sg.broadcast_to(a, ("k", "n")),
        lambda: sg.reshape(a, ("m", "m")),
        lambda: sg.linalg.inv(a),
        lambda: sg.linalg.solve(a, b),
    ):
        with pytest.raises(sg.ShapeError) as error:
            call()
        assert "(m, n)" in str(error.value)


def test_extents_of_results_are_formulas_of_names():
    v, w = sg.vector("v", "n"), sg.vector("w", "m")
    assert sg.concatenate([v, w, v]).shape == (add_dims(mul_dims(2, "n"), "m"),)
    assert v[1:-1].shape == (add_dims("n", -2),)
    assert sg.outer(v, w).ravel().shape == (mul_dims("m", "n"),)
    assert sg.kron(v, w).shape == (mul_dims("m", "n"),)
    assert v[::2].shape == (floordiv_dims(add_dims("n", 1), 2),)
    assert sg.pad(v, (1, 2)).shape == (add_dims("n", 3),)
    assert sg.reshape(sg.outer(v, w), (-1, "m")).shape == ("n", "m")
    assert sg.size(v, 0).shape == ()
    assert sg.evaluate(sg.size(v) + sg.sum(v), {v: np.ones(4)}) == 8.0
