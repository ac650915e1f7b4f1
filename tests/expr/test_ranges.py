"""Ranges: what is known of the values of every op, against values."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from tests.properties.interpreters import numpy_value

import symgrad as sg
from symgrad.expr.interval import INF, NONNEGATIVE, POSITIVE, REALS, Interval, point
from symgrad.expr.ranges import is_nonnegative, is_positive, range_of
from symgrad.ops.table import OPS

x, y = sg.symbols("x y")
p, q = sg.symbol("p", positive=True), sg.symbol("q", nonnegative=True)
m = sg.symbol("m", negative=True)
v, A = sg.vector("v", 4), sg.matrix("A", (3, 3))


@pytest.mark.parametrize(
    ("formula", "want"),
    [
        (sg.exp(x), POSITIVE),
        (1 + sg.tanh(x), Interval(0, 2, True, True)),
        (1 - sg.tanh(x) ** 2, Interval(0, 1, True, False)),
        (2 + sg.sin(x), Interval(1, 3)),
        (1 / (3 + sg.sin(x)), Interval(Fraction(1, 4), Fraction(1, 2))),
        (sg.sigmoid(x), Interval(0, 1, True, True)),
        (sg.abs(x) - 1, Interval(-1)),
        (p * m, -POSITIVE),
        (q + p, POSITIVE),
        (q - p, REALS),
        (m**3, -POSITIVE),
        (m**-2, POSITIVE),
        (q**0.5, NONNEGATIVE),
        (p**x, POSITIVE),
        (x**2 * y**2, NONNEGATIVE),
        (sg.maximum(x, 1), Interval(1)),
        (sg.minimum(x, -1), Interval(-INF, -1)),
        (sg.where(x > 0, p, 2), POSITIVE),
        (sg.copysign(x, -2), Interval(-INF, 0)),
        (sg.sign(q), Interval(0, 1)),
        (sg.floor(sg.exp(x)), NONNEGATIVE),
        (sg.sum(v**2), NONNEGATIVE),
        (v @ v, NONNEGATIVE),
        (sg.sum(sg.exp(v)), POSITIVE),
        (sg.sum(sg.exp(sg.vector("w", "n"))), NONNEGATIVE),
        (sg.max(sg.cos(v)), Interval(-1, 1)),
        (sg.concatenate([sg.exp(v), v**2]), NONNEGATIVE),
        (sg.constant([1.0, -2.0]), Interval(-2, 1)),
        (sg.constant(math.nan), REALS),
        (sg.pi - 4, Interval(-2, 0)),
        (x > 0, Interval(0, 1)),
        (sg.symbol("u", dtype="uint8") - 1, NONNEGATIVE),
    ],
)
def test_ranges(formula, want):
    assert range_of(formula) == want


def test_rounding_does_not_carry_a_value_beyond_its_range():
    close = sg.constant(0.3) - 0.1 * sg.sin(x) - 0.2 * sg.cos(x)
    assert not is_nonnegative(close)
    assert is_nonnegative(sg.constant(0.31) - 0.1 * sg.sin(x) - 0.2 * sg.cos(x))


def test_large_formulas_are_known_whole():
    e = sg.exp(x)
    for k in range(100):
        e = sg.exp(x * k) + e * 2
    assert is_positive(e)
    deep = sg.exp(x)
    for _ in range(20_000):
        deep = sg.abs(deep) + 1
    assert range_of(deep).low >= 1


def sampled(op, rng):
    """A node of an op and values for its operands from where tests may sample it."""
    spans = op.domain or ((-3.0, 3.0),) * op.arity
    leaves = sg.symbols(" ".join(f"a{k}" for k in range(op.arity)) + ",")
    leaves = leaves if isinstance(leaves, tuple) else (leaves,)
    wide = [(min(low, -3.0), max(high, 3.0)) for low, high in spans]
    return op(*leaves), {a: rng.uniform(*span, 200) for a, span in zip(leaves, wide, strict=True)}


ELEMENTWISE = [op for op in OPS.values() if hasattr(op, "arity") and hasattr(np, op.name)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_values_of_every_op_lie_in_its_range(op):
    """With operands of any sign, of one sign, and between numbers."""
    rng = np.random.default_rng(3)
    if op.name == "ldexp":
        return
    node, at = sampled(op, rng)
    for shapes in ("any", "positive", "negative", "unit"):
        image = {
            a: {"any": a, "positive": sg.exp(a), "negative": -sg.exp(a), "unit": sg.tanh(a)}[shapes]
            for a in at
        }
        e = sg.substitute(node, image)
        known = range_of(e)
        values = np.asarray(numpy_value(e, at), dtype=float)
        values = values[np.isfinite(values)]
        assert np.all(values >= known.low), (str(e), known)
        assert np.all(values <= known.high), (str(e), known)
        if known.positive and op.name not in ("expm1",):
            assert np.all(values >= 0), str(e)


def test_random_formulas_lie_in_their_ranges():
    chance, rng = random.Random(2), np.random.default_rng(2)
    at = {x: rng.uniform(-3, 3, 50), y: rng.uniform(-3, 3, 50), p: rng.uniform(0.01, 3, 50)}
    at |= {m: -rng.uniform(0.01, 3, 50), q: np.abs(rng.uniform(-1, 3, 50))}
    told = 0
    for _ in range(400):
        terms = list(at)
        for _ in range(6):
            a, b = chance.choice(terms), chance.choice(terms)
            terms.append(
                chance.choice(
                    [
                        a + b,
                        a * b,
                        a - b,
                        -a,
                        a**2,
                        a**3,
                        sg.abs(a),
                        1 / a,
                        sg.sin(a),
                        sg.tanh(a),
                        sg.maximum(a, b),
                    ]
                    + [
                        sg.where(a > b, a, b**2),
                        sg.sign(a),
                        sg.floor(a),
                        sg.mod(a, p),
                        a / 3,
                        2 - a,
                        sg.sqrt(a),
                    ]
                )
            )
        e = terms[-1]
        known, values = range_of(e), np.asarray(numpy_value(e, at), dtype=float)
        values = values[np.isfinite(values)]
        slack = 1e-12 * max(1.0, float(np.max(np.abs(values), initial=0)))
        assert np.all((values >= known.low - slack) & (values <= known.high + slack)), (
            str(e),
            known,
        )
        told += known not in (REALS,)
    assert told > 150


@pytest.mark.parametrize(
    "a",
    [Interval(-1, 2), Interval(0, INF, True), Interval(-3, -1), REALS, point(0), Interval(-2, 0)],
)
@pytest.mark.parametrize(
    "b", [Interval(-1, 2), Interval(0, INF, True), Interval(-3, -1), point(2.5), Interval(0, 1)]
)
def test_arithmetic_of_intervals(a, b):
    rng = np.random.default_rng(0)

    def numbers(i):
        low, high = max(float(i.low), -50.0), min(float(i.high), 50.0)
        return rng.uniform(low, high, 300)

    s, t = numbers(a), numbers(b)
    for made, values in (
        (a + b, s + t),
        (a * b, s * t),
        (a | b, np.concatenate([s, t])),
        (abs(a), np.abs(s)),
        (-a, -s),
        (a.power(2), s**2),
        (a.power(3), s**3),
        (a.power(-1), 1 / s[s != 0]),
        (a.power(-2), 1 / s[s != 0] ** 2),
        (a.larger(b), np.maximum(s, t)),
        (a.smaller(b), np.minimum(s, t)),
    ):
        assert np.all((values >= float(made.low) - 1e-9) & (values <= float(made.high) + 1e-9)), (
            made
        )
