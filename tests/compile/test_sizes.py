"""The order of contractions: by a hint, or by the extents of a call."""

import pickle

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError

A, B, C = sg.matrix("A", ("m", "n")), sg.matrix("B", ("n", "p")), sg.matrix("C", ("p", "q"))
PRODUCT = sg.einsum("ij,jk,kl->il", A, B, C)
LEFT, RIGHT = {"m": 2, "n": 500, "p": 500, "q": 500}, {"m": 500, "n": 500, "p": 500, "q": 2}


def test_a_hint_chooses_the_order():
    left = sg.lambdify([A, B, C], PRODUCT, sizes=LEFT)
    right = sg.lambdify([A, B, C], PRODUCT, sizes=RIGHT)
    assert "A @ B @ C" in left.source and "A @ (B @ C)" in right.source


@pytest.mark.parametrize(("sizes", "code"), [(LEFT, "A @ B @ C"), (RIGHT, "A @ (B @ C)")])
def test_without_a_hint_the_extents_of_the_call_do(sizes, code):
    f = sg.lambdify([A, B, C], PRODUCT)
    f = pickle.loads(pickle.dumps(f))
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=tuple(sizes[d] for d in x.shape)) for x in (A, B, C)]
    np.testing.assert_allclose(f(*arrays), np.linalg.multi_dot(arrays), rtol=1e-10)
    (made,) = f._sized.values()
    assert code in made.source
    f(*arrays)
    assert len(f._sized) == 1


def test_one_function_serves_all_sizes():
    f = sg.lambdify([A, B, C], [PRODUCT, sg.sum(PRODUCT)])
    rng = np.random.default_rng(2)
    for sizes in (LEFT, RIGHT, {"m": 1, "n": 2, "p": 3, "q": 4}, {"m": 0, "n": 2, "p": 3, "q": 4}):
        arrays = [rng.normal(size=tuple(sizes[d] for d in x.shape)) for x in (A, B, C)]
        expected = arrays[0] @ arrays[1] @ arrays[2]
        product, total = f(*arrays)
        np.testing.assert_allclose(product, expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(total, expected.sum(), rtol=1e-7, atol=1e-7)


def test_known_extents_need_no_second_look():
    u, v = sg.matrix("U", (3, 4)), sg.matrix("V", (4, 5))
    f = sg.lambdify([u, v], sg.einsum("ij,jk,ml->ik", u, v, v))
    assert not f._code.ordered


@pytest.mark.parametrize("sizes", [{"n": 2.5}, {3: 4}, {"n": True}, {"n": -1}])
def test_bad_sizes(sizes):
    with pytest.raises(ArgumentError, match="sizes"):
        sg.lambdify([A, B, C], PRODUCT, sizes=sizes)
