"""The analysis that printers and code share: order of terms, sign, factors over factors."""

from fractions import Fraction

import symgrad as sg
from symgrad.print.terms import Power, Signed, flatten, ordered_terms, product_of, signed

x, y, z = sg.symbols("x y z")


def always(node):
    return True


def test_monomials_go_by_descending_degree_and_stay_as_entered_among_equals():
    terms = [sg.constant(1), x, y * z, x * y, z**3]
    assert ordered_terms(terms) == [z**3, y * z, x * y, x, sg.constant(1)]


def test_other_sums_stay_as_entered_with_numbers_last():
    terms = [x, sg.constant(2), sg.sin(x), x**2]
    assert ordered_terms(terms) == [x, sg.sin(x), x**2, sg.constant(2)]


def test_of_two_terms_the_negative_one_goes_second():
    assert ordered_terms([-x, y]) == [y, -x]
    assert ordered_terms([-x, -y]) == [-x, -y]
    assert ordered_terms([-x, y, z]) == [-x, y, z]
    assert ordered_terms([-2 * x * z, y * z]) == [y * z, -2 * x * z]


def test_named_parts_count_as_variables():
    p = sg.named(sg.sin(x), "p")
    assert ordered_terms([x, p**2]) == [p**2, x]


def test_signed():
    assert signed(-2 * x) == Signed(True, 2, (x,))
    assert signed(-2 * (x * y)) == Signed(True, 2, (x * y,))
    assert signed(Fraction(1, 2) * x) == Signed(False, Fraction(1, 2), (x,))
    assert signed(sg.constant(-3)) == Signed(True, 3, ())
    assert signed(sg.constant(-0.0)).negative
    assert signed(x) == Signed(False, 1, (x,))
    assert signed(x * y) == Signed(False, 1, (x, y))


def test_flatten_stops_where_it_may_not_merge():
    inner = x + y
    assert flatten(inner + z, always) == [x, y, z]
    assert flatten(inner + z, lambda node: False) == [inner, z]


def test_product():
    found = product_of(-3 * x / (2 * sg.sqrt(y) * z**2), always)
    assert found.negative
    assert found.coefficient == Fraction(3, 2)
    assert found.above == (Power(x, 1),)
    assert found.below == (Power(y, Fraction(1, 2)), Power(z, 2))


def test_exact_numbers_join_and_floats_do_not():
    assert product_of((2 * x) * (3 * y), always).coefficient == 6
    factors = product_of((0.1 * x) * (0.2 * y), always)
    assert factors.coefficient == 0.1
    assert [f.base for f in factors.above] == [x, sg.constant(0.2), y]


def test_order_is_linear_in_the_number_of_terms():
    terms = [sg.symbol(f"x{i}") ** (i % 3 + 1) for i in range(30_000)]
    ordered = ordered_terms(terms)
    assert ordered[0] is terms[2]
    assert ordered[-1] is terms[29_997]
