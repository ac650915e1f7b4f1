"""Einsum nodes of every form, lowered and run, against `numpy.einsum`."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.traverse import check_graph
from symgrad.ops.einsum import einsum_node

EXTENT = {0: 2, 1: 3, 2: 4, 3: 2}


def random_case(rng):
    """Operands with random labels, an output that may drop, permute and invent labels."""
    count = int(rng.integers(1, 4))
    inputs = [
        tuple(int(n) for n in rng.integers(0, 4, size=rng.integers(0, 4))) for _ in range(count)
    ]
    pool = sorted({n for labels in inputs for n in labels} | {int(rng.integers(0, 4))})
    out = tuple(int(n) for n in rng.permutation(pool)[: rng.integers(0, len(pool) + 1)])
    return inputs, out


def reference(arrays, inputs, out):
    letters = "abcdefgh"
    bound = {n for labels in inputs for n in labels}
    extra = [n for n in out if n not in bound]
    operands = [*arrays, *[np.ones(EXTENT[n]) for n in extra]]
    labels = [*inputs, *[(n,) for n in extra]]
    text = ",".join("".join(letters[n] for n in ls) for ls in labels)
    return np.einsum(text + "->" + "".join(letters[n] for n in out), *operands)


@pytest.mark.parametrize("seed", range(150))
def test_random_einsum(seed):
    rng = np.random.default_rng(seed)
    inputs, out = random_case(rng)
    names = {0: "p", 1: "q", 2: "r", 3: 2}
    symbols = [
        sg.symbol(f"x{i}", tuple(names[n] for n in labels)) for i, labels in enumerate(inputs)
    ]
    anchors = [sg.vector(f"w{n}", names[n]) for n in range(4)]
    node = einsum_node(symbols, inputs, out, names)
    check_graph(node)
    arrays = [rng.normal(size=tuple(EXTENT[n] for n in labels)) for labels in inputs]
    ends = [np.ones(EXTENT[n]) for n in range(4)]
    expected = reference(arrays, inputs, out)
    f = sg.lambdify([*symbols, *anchors], node)
    result = f(*arrays, *ends)
    assert np.shape(result) == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_contraction_of_stretched_operands(seed):
    """Operands that are broadcasts of smaller values must be seen at their full shape."""
    rng = np.random.default_rng(1000 + seed)
    a, v, s = sg.matrix("a", ("m", "n")), sg.vector("v", "n"), sg.symbol("s")
    forms = [
        (sg.sum(a * v, axis=0), lambda a, v, s: (a * v).sum(axis=0)),
        (sg.sum(a + v), lambda a, v, s: (a + v).sum()),
        (sg.sum(v + s), lambda a, v, s: (v + s).sum()),
        (a.T @ (a + s), lambda a, v, s: a.T @ (a + s)),
        ((a * s + v) @ (v * s), lambda a, v, s: (a * s + v) @ (v * s)),
        (sg.mean(a * 0 + v, axis=0), lambda a, v, s: v),
        (sg.broadcast_to(v, ("m", "n")) @ v, lambda a, v, s: np.tile(v, (len(a), 1)) @ v),
        (sg.cumsum(a * 0 + v, axis=0), lambda a, v, s: np.cumsum(a * 0 + v, axis=0)),
        (sg.concatenate([a, a * 0 + v]), lambda a, v, s: np.concatenate([a, a * 0 + v])),
    ]
    node, numpy_form = forms[seed % len(forms)]
    arrays = rng.normal(size=(3, 4)), rng.normal(size=4), float(rng.normal())
    result = sg.lambdify([a, v, s], node)(*arrays)
    np.testing.assert_allclose(result, numpy_form(*arrays), rtol=1e-12, atol=1e-12)


def test_contraction_order_avoids_the_matrix_product():
    a, b = sg.matrix("A", ("m", "n")), sg.matrix("B", ("n", "p"))
    v = sg.vector("v", "p")
    f = sg.lambdify([a, b, v], sg.einsum("ij,jk,k->i", a, b, v))
    assert "A @ (B @ v)" in f.source


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda a, b, v: a @ v, "A @ v"),
        (lambda a, b, v: a.T @ b, "A.T @ B"),
        (lambda a, b, v: (a @ b).T, "A @ B"),
        (lambda a, b, v: v @ v, "v @ v"),
        (lambda a, b, v: sg.outer(v, v), "v[:, None]*v"),
        (lambda a, b, v: sg.trace(a), "np.sum(np.diagonal(A))"),
        (lambda a, b, v: sg.diag(v), "np.diag(v)"),
        (lambda a, b, v: sg.vdot(a, b), "np.vdot(A, B)"),
        (lambda a, b, v: sg.sum(a, axis=0), "np.sum(A, axis=0)"),
    ],
)
def test_contractions_run_as_the_plain_numpy_call(build, expected):
    a, b, v = sg.matrix("A", ("n", "n")), sg.matrix("B", ("n", "n")), sg.vector("v", "n")
    assert expected in sg.lambdify([a, b, v], build(a, b, v)).source


def test_stacks_of_matrices_are_one_matmul():
    A, B = sg.symbol("A", ("b", "m", "n")), sg.symbol("B", ("b", "n", "k"))
    rng = np.random.default_rng(41)
    a, b = rng.normal(size=(4, 2, 3)), rng.normal(size=(4, 3, 5))
    for spec in ("bij,bjk->bik", "bij,bjk->kbi", "bij,bjk->ikb"):
        f = sg.lambdify([A, B], sg.einsum(spec, A, B))
        assert " @ " in f.source.split('"""')[-1] and "einsum" not in f.source.split('"""')[-1]
        np.testing.assert_allclose(f(a, b), np.einsum(spec, a, b), rtol=1e-13)
    g = sg.lambdify(A, sg.einsum("bij,bik->bjk", A, A))
    assert "einsum" not in g.source.split('"""')[-1]
    np.testing.assert_allclose(g(a), np.einsum("bij,bik->bjk", a, a), rtol=1e-13)


def test_axes_of_extent_one_are_no_sums():
    """The one column of a solution is taken, not added up."""
    A, b, c = sg.matrix("A", ("n", "n")), sg.vector("b", "n"), sg.vector("c", "n")
    e = sg.einsum("i,ij->", c, sg.linalg.solve(A, b[:, None]))
    f = sg.lambdify([A, b, c], e)
    assert "np.sum" not in f.source and "[:, 0]" in f.source
    a = np.array([[2.0, 1.0], [0.0, 4.0]])
    np.testing.assert_allclose(f(a, np.ones(2), np.array([1.0, 2.0])), 0.375 + 0.5, rtol=1e-15)
