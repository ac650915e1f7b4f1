"""Sums in sums and products in products are collected together, and never mixed up."""

import pytest

import symgrad as sg
from symgrad.ops.arithmetic import raw_product

x, y, z = sg.symbols("x y z")
MINUS = sg.constant(-1)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (lambda: -sg.sin(x) * (y + 0.5), lambda: raw_product((MINUS, sg.sin(x), y + 0.5))),
        (lambda: (-(y + 0.5)) * sg.sin(x), lambda: raw_product((MINUS, sg.sin(x), y + 0.5))),
        (lambda: z * (-(y + 2) * y), lambda: raw_product((MINUS, y, z, y + 2))),
        (lambda: x - (y - (z - x)), lambda: z - y),
        (lambda: -(x + y) - (x - y), lambda: -2 * x),
        (lambda: x * (y * (z * (x * y))), lambda: raw_product((x**2, y**2, z))),
    ],
)
def test_minus_a_sum_is_a_term_of_a_sum_and_a_factor_of_a_product(written, expected):
    assert sg.simplify(written()) is expected()


def test_the_derivative_of_a_product_with_minus_a_sum_keeps_all_terms():
    assert sg.diff(-sg.cos(x) * (y + 2), x) is sg.sin(x) * (y + 2)
