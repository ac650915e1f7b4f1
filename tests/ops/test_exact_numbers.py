"""Exact numbers of any size: folded exactly, floats where they meet floats, right in code and in print."""

import math
import operator
import random
from fractions import Fraction

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.leaves import value_of
from symgrad.expr.numbers import float_power, root_of_int, text_of_number

x = sg.symbol("x")
i = sg.symbol("i", dtype=int)
BIG = 10**300
HUGE = 10**400  # beyond the range of floats


def number(e):
    return float(np.asarray(sg.evaluate(e, {})))


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("10**300 % 7", BIG % 7),
        ("-10**300 % 7", -BIG % 7),
        ("(2**70)//3", 2**70 // 3),
        ("-7//2", -4),
        ("(7/2) % (1/3)", Fraction(7, 2) % Fraction(1, 3)),
        ("floor(10**300)", BIG),
        ("ceil(7/2)", 4),
        ("trunc(-7/2)", -3),
        ("rint(5/2)", 2),
        ("rint(7/2)", 4),
        ("fmod(-7, 3)", -1),
        ("abs(-2**70)", 2**70),
        ("sign(-10**300)", -1),
        ("maximum(10**30, 10**31)", 10**31),
        ("minimum(2**70, 2**71)", 2**70),
        ("copysign(10**300, -1)", -BIG),
        ("hypot(3*10**300, 4*10**300)", 5 * BIG),
        ("heaviside(10**300, 0)", 1),
        ("where(10**300 > 10**299, 1, 2)", 1),
    ],
)
def test_functions_of_exact_numbers_are_exact(text, want):
    folded = sg.parse(text)
    assert value_of(folded) == want
    assert number(folded) == float(want)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("0/0", math.nan),
        ("5//0", math.inf),
        ("-5//0", -math.inf),
        ("0//0", math.nan),
        ("5 % 0", math.nan),
        ("0*(1/0)", math.nan),
        ("(2 - 2)/(3 - 3)", math.nan),
        ("1/0", math.inf),
    ],
)
def test_by_zero_numbers_are_what_floats_give(text, want):
    np.testing.assert_equal(number(sg.parse(text)), want)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_zero_over_zero_after_substitution_and_simplification():
    y = sg.symbol("y")
    for e in (x / y, sg.simplify(x / y), 3 * x / y):
        np.testing.assert_equal(number(sg.substitute(e, {x: 0, y: 0})), math.nan)
    np.testing.assert_equal(number(sg.simplify(sg.constant(0) / (y - y))), math.nan)


OPERATIONS = {
    operator.floordiv: sg.floor_divide,
    operator.mod: sg.mod,
    max: sg.maximum,
    min: sg.minimum,
    operator.lt: sg.less,
    operator.ge: sg.greater_equal,
    operator.eq: sg.equal,
}


def random_number(chance):
    size = chance.choice([3, 60, 64, 200, 1100])
    value = chance.randrange(-(2**size), 2**size)
    return Fraction(value, chance.randrange(1, 2**20)) if chance.random() < 0.3 else value


def test_random_numbers_of_all_sizes():
    chance = random.Random(5)
    for _ in range(300):
        a, b = random_number(chance), random_number(chance) or 1
        for exact, ours in OPERATIONS.items():
            assert value_of(ours(a, b)) == exact(a, b), (exact, a, b)
        for exact, ours in ((math.floor, sg.floor), (math.ceil, sg.ceil), (abs, sg.abs)):
            assert value_of(ours(a)) == exact(a), (exact, a)


def test_huge_numbers_among_floats_and_in_functions():
    huge = sg.constant(HUGE)
    assert value_of(huge // 10**399) == 10
    assert number(sg.log(huge)) == pytest.approx(400 * math.log(10), rel=1e-15)
    assert number(sg.log2(sg.constant(2) ** 2000)) == 2000
    assert number(sg.log10(1 / huge)) == pytest.approx(-400)
    assert number(sg.sqrt(huge)) == 1e200
    assert number(huge**0.3) == pytest.approx(1e120, rel=1e-12)
    assert number(huge * 1.5) == number(huge + 1.5) == math.inf
    assert number(1 / huge) == 0
    assert value_of(sg.maximum(huge, 2.5)) == math.inf


@pytest.mark.parametrize(
    ("formula", "want"),
    [
        (x * BIG, 2.5e300),
        (x + BIG, 1e300),
        (x % BIG, 2.5),
        (x // 2**70, 0.0),
        (sg.maximum(x, 2**70), 2.0**70),
        (sg.where(x > 2**70, 2**64, x), 2.5),
        (x / HUGE, 0.0),
        (x * HUGE, math.inf),
        (x - HUGE + 1.5, -math.inf),
    ],
)
@pytest.mark.parametrize("argument", [2.5, np.array([2.5, 2.5])])
def test_huge_numbers_in_code(formula, want, argument):
    np.testing.assert_array_equal(
        sg.lambdify(x, formula)(argument), np.full(np.shape(argument), want)
    )


def test_numbers_beyond_int64_make_integers_floats():
    for formula, want in [(i * 2**70, 3 * 2.0**70), (i + 2**70, 2.0**70), (i % 2**70, 3.0)]:
        assert formula.dtype == np.float64
        for argument in (3, np.array([3])):
            got = np.asarray(sg.lambdify(i, formula)(argument))
            assert got.dtype == np.float64
            assert np.all(got == want)
    assert (i * 2**40).dtype == np.int64


@pytest.mark.parametrize(
    "value", [10**1000, 7**9000, -(7**9000), Fraction(7**9000, 10**5000 + 1)], ids=range(4)
)
def test_long_numbers_print(value):
    text = text_of_number(value)
    top, _, bottom = text.partition("/")
    for digits, exact in (
        (top, Fraction(value).numerator),
        (bottom or "1", Fraction(value).denominator),
    ):
        tail = int(digits[-20:])
        assert abs(exact) % 10**20 == abs(tail) % 10**20
        assert math.isclose(len(digits.lstrip("-")), math.log10(abs(exact)), abs_tol=1.01)
    shown = str(x * sg.constant(value))
    assert max(top.lstrip("-"), bottom, key=len) in shown
    assert len(sg.latex(x * sg.constant(value))) >= len(text) - 1


def test_roots_and_powers_of_long_ints():
    chance = random.Random(1)
    for _ in range(200):
        root, degree = (
            chance.randrange(0, 10 ** chance.choice([2, 20, 200])),
            chance.randrange(2, 6),
        )
        assert root_of_int(root**degree, degree) == root
        if root > 1:
            assert root_of_int(root**degree + 1, degree) is None
    assert float_power(HUGE, 0.5) == pytest.approx(1e200, rel=1e-13)
    assert float_power(Fraction(1, HUGE), 0.25) == pytest.approx(1e-100, rel=1e-13)
    assert float_power(HUGE, -2.0) == 0
    assert float_power(HUGE, 2.0) == math.inf


def test_typed_integers_stay_those_of_numpy():
    with np.errstate(all="ignore"):
        for a, b in ((7, 2), (-7, 2), (5, 3)):
            typed = sg.floor_divide(np.int64(a), np.int64(b)), sg.mod(np.int64(a), np.int64(b))
            assert [int(sg.evaluate(e, {})) for e in typed] == [a // b, a % b]
            assert all(e.dtype == np.int64 for e in typed)


# Assumptions on reals


def test_an_integer_symbol_is_real():
    n = sg.symbol("n", integer=True)
    assert n.dtype == np.float64
    assert sg.diff(n**2, n) is sg.simplify(2 * n)
    assert sg.lambdify(n, n**2)(2**40) == 1.2089258196146292e24
    assert np.array_equal(sg.lambdify(n, (-1) ** n * n)(np.arange(4.0)), [0, -1, 2, -3])
    v = sg.vector("v", 3)
    with pytest.raises(sg.ShapeError, match="dtype=int"):
        v[n]
    assert sg.lambdify([v, i], v[i])(np.array([1.0, 2.0, 3.0]), 1) == 2
    assert sg.symbol("k", dtype=int).dtype == np.int64
    assert sg.symbol("k", dtype=int, integer=True).dtype == np.int64


def test_integer_symbols_of_sympy():
    sympy = pytest.importorskip("sympy")
    m = sympy.Symbol("m", integer=True)
    ours = sg.from_sympy(m**2 + sympy.sin(sympy.pi * m) + (-1) ** m)
    (leaf,) = sg.free_symbols(ours)
    assert leaf is sg.symbol("m", integer=True)
    assert sg.to_sympy(leaf).is_integer
    assert sg.lambdify(leaf, ours)(2.0**40) == 2.0**80 + 1
    assert sg.diff(sg.from_sympy(m**3), leaf) is sg.simplify(3 * leaf**2)
