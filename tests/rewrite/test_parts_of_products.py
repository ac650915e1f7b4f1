"""Products that are a diagonal, a sum or a transpose of another are taken from it."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.traverse import toposort
from symgrad.ops.einsum import EINSUM
from symgrad.rewrite.parts_of_products import parts_of_products

p, z, d = sg.matrix("p", ("n", 3)), sg.symbol("z", ("n", 3, 4)), sg.symbol("d", ("n", 3, 4))
WHOLE = sg.einsum("nk,nki,nkj->kij", p, z, d)
CASES = {
    "diagonal": ("nk,nki,nki->ki", 1),
    "sum of an axis": ("nk,nki,nkj->ki", 1),
    "trace": ("nk,nki,nki->k", 1),
    "transpose": ("nk,nki,nkj->jki", 1),
    "more is kept": ("nk,nki,nkj->nki", 2),
}


def products(outputs):
    return [node for node in toposort(outputs) if node.op is EINSUM and node.args[1:]]


@pytest.mark.parametrize("title", CASES)
def test_parts(title):
    labels, left = CASES[title]
    outputs = [WHOLE, sg.einsum(labels, p, z, d)]
    after = parts_of_products(outputs)
    assert len(products(after)) == left
    rng = np.random.default_rng(6)
    at = [rng.normal(size=s) for s in ((5, 3), (5, 3, 4), (5, 3, 4))]
    expected = [np.einsum("nk,nki,nkj->kij", *at), np.einsum(labels, *at)]
    for got, want in zip(sg.lambdify([p, z, d], list(after))(*at), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)


def test_what_is_a_product_of_operands_is_found_and_a_number_stays():
    inner = sg.sum(-2 * p[:, :, None] * (z * d), axis=0)
    after = parts_of_products([WHOLE, inner])
    assert len(products(after)) == 1
    at = [np.random.default_rng(7).normal(size=s) for s in ((5, 3), (5, 3, 4), (5, 3, 4))]
    got = sg.lambdify([p, z, d], list(after))(*at)[1]
    np.testing.assert_allclose(got, -2 * np.einsum("nk,nki,nki->ki", *at), rtol=1e-12, atol=1e-13)


def test_operands_that_occur_twice_are_left_alone():
    a = sg.matrix("a", (4, 4))
    outputs = [sg.einsum("ij,jk->ik", a, a), sg.einsum("ij,ji->", a, a)]
    after = parts_of_products(outputs)
    assert all(x is y for x, y in zip(after, outputs, strict=True))


def test_a_mixture_computes_its_largest_product_once():
    mu, q, L, X = (
        sg.matrix("mu", (2, 3)),
        sg.matrix("q", (2, 3)),
        sg.symbol("L", (2, 3, 3)),
        sg.matrix("X", ("n", 3)),
    )
    Q = sg.tril(L, -1) + sg.exp(q)[:, :, None] * sg.eye(3)
    Z = sg.einsum("kde,nke->nkd", Q, X[:, None, :] - mu)
    f = sg.sum(sg.logsumexp(-sg.sum(Z**2, axis=2) / 2, axis=1))
    compiled = sg.lambdify([mu, q, L, X], sg.grad(f, [mu, q, L]))
    assert '"abb->ab", t' in compiled.source
