"""Vectors of scalars in code are one array of a list."""

import numpy as np

import symgrad as sg

x, y = sg.symbols("x y")


def test_a_vector_of_scalars_is_a_list():
    v = sg.vector("v", "n")
    formula = sg.concatenate([sg.stack([x * y, sg.exp(x), sg.constant(0.5), y]) * 2, v])
    f = sg.lambdify([x, y, v], formula)
    assert "np.array([" in f.source
    assert "broadcast_to" not in f.source
    given = np.array([1.0, 2.0])
    np.testing.assert_allclose(f(2.0, 3.0, given), [12, 2 * np.exp(2), 1, 6, 1, 2], rtol=1e-15)
    assert f(np.float32(2), np.float32(3), given.astype(np.float32)).dtype == np.float32


def test_parts_of_more_entries_are_joined():
    v = sg.vector("v", "n")
    f = sg.lambdify([x, v], sg.concatenate([sg.stack([x]), v]))
    assert "np.concatenate" in f.source
    np.testing.assert_array_equal(f(1.0, [2.0, 3.0]), [1, 2, 3])
