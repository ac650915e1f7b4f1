"""einsum with lists of labels, with ellipses, and with axes of extent 1, against NumPy's."""

import numpy as np
import pytest

import symgrad as sg

ONES = np.random.default_rng(5).uniform(0.5, 1.5, (6, 6, 6))


def o(*shape):
    return ONES[tuple(slice(0, n) for n in (*shape, *[1] * (3 - len(shape))))].reshape(shape)


CALLS = [
    (o(3, 4), [0, 1], o(4, 2), [1, 2], [0, 2]),
    (o(3, 4), [0, 1], o(4, 2), [1, 2]),
    (o(3, 4), [0, 1], o(4, 2), [1, 2], []),
    (o(3, 4), [1, 0]),
    (o(3, 4), [7, 5], o(4, 2), [5, 51], [51, 7]),
    (o(3, 3), [0, 0]),
    (o(3, 3), [0, 0], [0]),
    (o(2, 3, 3), [..., 1, 1]),
    (o(2, 3, 3), (..., 1, 1), o(2), (...,), [...]),
    (o(3, 4), [..., 0], [0, ...]),
    (o(2), [...], o(3), [0], [..., 0]),
    (o(3), [np.int64(0)], o(3), [np.int64(0)], []),
    (o(), [], o(3), [2], [2]),
    ("i j, j k -> k i", o(2, 3), o(3, 4)),
    ("ij,jk", o(2, 3), o(3, 4)),
    ("ba", o(2, 3)),
    ("ii", o(3, 3)),
    ("iij,ij->j", o(3, 3, 2), o(3, 2)),
    ("i,->i", o(3), o()),
    ("...i", o(2, 3)),
    ("...,...", o(2, 3), o(3)),
    ("i...->...", o(2, 3)),
    ("ij->ij...", o(2, 3)),
    ("...i,...i->...", o(1, 3), o(4, 3)),
    ("i...,ij...->j...", o(2, 1), o(2, 3, 4)),
    ("ij,jk", o(3, 1), o(4, 2)),
    ("ij,ij->i", o(3, 1), o(3, 2)),
    ("i,i->i", o(1), o(4)),
    ("iij,ij->j", o(3, 3, 2), o(1, 2)),
    ("ij,jk->ik", np.zeros((0, 3)), o(3, 2)),
    ("ij->j", np.zeros((0, 3))),
]


@pytest.mark.parametrize("index", range(len(CALLS)))
def test_values_and_derivatives(index):
    call = CALLS[index]
    symbols = [
        sg.symbol(f"x{i}", a.shape) if isinstance(a, np.ndarray) else None
        for i, a in enumerate(call)
    ]
    expressions = [a if x is None else x for a, x in zip(call, symbols, strict=True)]
    at = {x: a for a, x in zip(call, symbols, strict=True) if x is not None}
    node = sg.einsum(*expressions)
    sg.check_graph(node)
    assert np.einsum(*expressions, optimize="greedy") is node
    expected = np.einsum(*call)
    value = sg.evaluate(node, at)
    assert np.shape(value) == np.shape(expected)
    np.testing.assert_allclose(value, expected)
    f = sg.sum(node**2)
    sg.check_grad(f, list(at), at=at)
    sg.check_grad(sg.sum(sg.grad(f, next(iter(at))) ** 2), list(at), at=at)


A, B = sg.matrix("A", (3, 4)), sg.matrix("B", (4, 2))
S = sg.matrix("S", (3, 3))
REFUSED = [
    (sg.einsum, sg.ArgumentError, "subscripts"),
    (lambda: sg.einsum(A, [0, 1], B), sg.ArgumentError, "list of its labels"),
    (lambda: sg.einsum(A, [0, -1]), sg.ArgumentError, "labels"),
    (lambda: sg.einsum(A, [0, True]), sg.ArgumentError, "labels"),
    (lambda: sg.einsum(A, [0, 1.5]), sg.ArgumentError, "labels"),
    (lambda: sg.einsum(A, [0, 1], [2]), sg.ArgumentError, "no operand has label 'C'"),
    (lambda: sg.einsum(A, [0, 1], [0, 0]), sg.ArgumentError, "twice"),
    (lambda: sg.einsum(A, [0]), sg.ShapeError, r"\(3, 4\)"),
    (lambda: sg.einsum(A, [0, 1], B, [0, 1]), sg.ShapeError, "do not fit"),
    (lambda: sg.einsum("...i->i", A), sg.ArgumentError, "needs ..."),
    (lambda: sg.einsum("i..j", A), sg.ArgumentError, "no list of labels"),
    (lambda: sg.einsum("...i...", A), sg.ArgumentError, "no list of labels"),
    (lambda: sg.einsum("ij->i->j", A), sg.ArgumentError, "label"),
    (lambda: sg.einsum("ii", sg.matrix("R", (1, 3))), sg.ShapeError, "do not fit"),
    (lambda: np.einsum("ij", A, out=np.zeros((3, 4))), sg.ArgumentError, "out="),
]


@pytest.mark.parametrize("index", range(len(REFUSED)))
def test_refused(index):
    call, kind, words = REFUSED[index]
    with pytest.raises(kind, match=words):
        call()


def test_dtype_and_many_labels():
    assert sg.einsum("ij->", A, dtype=np.float32).dtype == np.float32
    assert sg.einsum(A, [0, 700], B, [700, 999], [0, 999]) is A @ B
    assert sg.einsum(S, [3, 3]) is sg.trace(S)


def test_variables():
    P = sg.variable(np.full((2, 3), 2.0))
    sg.sum(sg.einsum(P, [0, 1], P, [0, 1], [0])).backward()
    np.testing.assert_array_equal(P.grad.data, np.full((2, 3), 4.0))
