"""The analysis that printers and code share: order of terms, sign, factors over factors."""

from fractions import Fraction

import symgrad as sg
from symgrad.ops.arithmetic import add_all
from symgrad.print.terms import Power, Signed, flatten, ordered_terms, product_of, signed

x, y, z = sg.symbols("x y z")


def always(node):
    return True


def same(found, expected):
    return len(found) == len(expected) and all(a is b for a, b in zip(found, expected, strict=True))


def test_monomials_go_by_descending_degree_and_then_by_names():
    terms = [sg.constant(1), x, y * z, x * y, z**3]
    assert same(ordered_terms(terms), [z**3, x * y, y * z, x, sg.constant(1)])


def test_functions_go_after_monomials_and_numbers_last():
    terms = [x, sg.constant(2), sg.sin(x), x**2]
    assert same(ordered_terms(terms), [x**2, x, sg.sin(x), sg.constant(2)])


def test_a_sum_does_not_start_with_a_minus_sign_if_it_need_not():
    assert same(ordered_terms([-x, y]), [y, -x])
    assert same(ordered_terms([-x, -y]), [-x, -y])
    assert same(ordered_terms([-x, y, z]), [y, z, -x])
    assert same(ordered_terms([-2 * x * z, y * z]), [y * z, -2 * x * z])
    one = sg.constant(1)
    assert same(ordered_terms([-x, one, -y]), [one, -x, -y])
    assert same(ordered_terms([-(x**2), x, one]), [-(x**2), x, one])
    assert same(ordered_terms([-x, one, x * sg.log(x)]), [x * sg.log(x), -x, one])


def test_named_parts_count_as_variables():
    p = sg.named(sg.sin(x), "p")
    assert same(ordered_terms([x, p**2]), [p**2, x])


def test_signed():
    assert signed(-2 * x) == Signed(True, 2, (x,))
    assert signed(-2 * (x * y)) == Signed(True, 2, (x, y))
    assert signed(Fraction(1, 2) * x) == Signed(False, Fraction(1, 2), (x,))
    assert signed(sg.constant(-3)) == Signed(True, 3, ())
    assert signed(sg.constant(-0.0)).negative
    assert signed(x) == Signed(False, 1, (x,))
    assert signed(x * y) == Signed(False, 1, (x, y))


def test_flatten_stops_where_it_may_not_merge():
    inner = sg.sin(x * y) + y
    whole = add_all([inner, z])
    assert same(flatten(whole, always), [sg.sin(x * y), y, z])
    assert same(flatten(whole, lambda node: False), [inner, z])


def test_product():
    found = product_of(-3 * x / (2 * sg.sqrt(y) * z**2), always)
    assert found.negative
    assert found.coefficient == Fraction(3, 2)
    assert found.above == (Power(x, 1),)
    assert found.below == (Power(z, 2), Power(y, Fraction(1, 2)))


def test_exact_numbers_join_and_floats_do_not():
    assert product_of((2 * x) * (3 * y), always).coefficient == 6
    factors = product_of((0.1 * x) * (0.2 * y), always)
    assert factors.coefficient == 0.1
    assert same([f.base for f in factors.above], [sg.constant(0.2), x, y])


def test_order_is_linear_in_the_number_of_terms():
    terms = [sg.symbol(f"x{i}") ** (i % 3 + 1) for i in range(30_000)]
    ordered = ordered_terms(terms)
    assert ordered[0] is terms[2]
    assert ordered[-1] is terms[29_997]
