"""Sums over axes of sums that hold products of matrices: taken term by term, to the same value."""

import numpy as np

import symgrad as sg

A, B = sg.matrix("A", (2, 4)), sg.symbol("B", (2, 3, 3))
v = sg.vector("v", 4)


def test_a_term_with_an_identity_becomes_a_number_times_the_rest():
    """The sum over both axes of the identity is a number, so what is left is no product of matrices."""
    term = sg.einsum("ij,j,lm->ilm", A, v, sg.eye(3))
    for formula in (term + B, 2 * term - B, B - term):
        total = sg.sum(formula, axis=(1, 2))
        a, b, w = np.arange(8.0).reshape(2, 4), np.arange(18.0).reshape(2, 3, 3), np.arange(4.0)
        c, d = {term + B: (1, 1), 2 * term - B: (2, -1), B - term: (-1, 1)}[formula]
        expected = 3 * c * (a @ w) + d * b.sum(axis=(1, 2))
        got = sg.lambdify([A, B, v], total)(a, b, w)
        np.testing.assert_allclose(got, expected, rtol=1e-14)
