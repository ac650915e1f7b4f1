"""Horner forms: by form, and by value."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.kinds import MULTIPLY
from symgrad.expr.traverse import check_graph, toposort
from symgrad.program.build import lower
from symgrad.rewrite.horner import horner
from symgrad.rewrite.open_sums import open_sums

x, y, a, b, c = sg.symbols("x y a b c")
POINT = {x: 1.3, y: -0.7, a: 0.4, b: 2.1, c: -1.9}


def products(outputs):
    """Multiplications of the program."""
    p = lower(list(POINT), outputs)
    pairs = zip(p.instrs, p.live(), strict=True)
    return sum(live and i.kind == MULTIPLY for i, live in pairs)


def nested(*formulas):
    return horner(open_sums([sg.parse(f, symbols=POINT_NAMES) for f in formulas]))


POINT_NAMES = {str(s.name): s for s in POINT}


@pytest.mark.parametrize(
    ("formula", "form"),
    [
        ("a*x**2 + b*x + c", "x*(b + x*a) + c"),
        ("1 + 2*x - 3*x**2 + 5*x**4", "1 + x*(2 + x*(-3 + x**2*5))"),
        ("a*sin(y) + b*sin(y) + c", "sin(y)*(a + b) + c"),
        ("x**3*y + 2*x**2*y**2", "y*x**2*(x + 2*y)"),
        ("a*x**5 + b*x**3", "x**3*(b + x**2*a)"),
        ("2*a*x + 2*b*x + 2*c", "2*(x*(a + b) + c)"),
        ("a/y + b/y", "(a + b)/y"),
        ("exp(x)**2*a + exp(x)*b", "exp(x)*(b + exp(x)*a)"),
    ],
)
def test_forms(formula, form):
    (got,) = nested(formula)
    (before,) = open_sums([sg.parse(formula, symbols=POINT_NAMES)])
    assert products([got]) <= products([sg.parse(form, symbols=POINT_NAMES)])
    assert sg.lambdify(list(POINT), got)(*POINT.values()) == pytest.approx(
        sg.evaluate(before, POINT), rel=1e-14
    )
    check_graph(got)


@pytest.mark.parametrize(
    "formula",
    [
        "x**2 + y**2",
        "4*x**3 - 4*x",
        "a*x + x",
        "a/x**2 + b/x + c*y",
        "x**2 + x",
        "sin(x)*a + cos(x)*b",
        "x**(1/2)*a + x**(3/2)*b",
        "a*x**100 + b*y",
    ],
)
def test_what_saves_nothing_stays(formula):
    e = sg.parse(formula, symbols=POINT_NAMES)
    (opened,) = open_sums([e])
    assert horner([opened])[0] is opened


def test_shared_terms_and_powers_stay_shared():
    cubic = open_sums([a * x**3 + b * x**2 + c * x, sg.sin(a * x**3)])
    got = horner(cubic)
    assert a * x**3 in set(toposort([got[1]])) and a * x**3 in set(toposort([got[0]]))
    assert products(got) <= products(cubic)
    quadratic = [a * x**2 + b * y, sg.exp(x**2), sg.cos(x**2)]
    assert horner(quadratic)[0] is quadratic[0]


def test_source_of_arrays_and_of_floats():
    u, p, q, r = sg.symbols("u p1 q1 r1")  # no other test multiplies them: factors keep their order
    f = sg.lambdify([u, p, q, r], p * u**3 + q * u**2 + r * u + 1)
    assert "return u*(r1 + u*(q1 + u*p1)) + 1\n" in f.source
    assert "return u*(r1 + u*(q1 + u*p1)) + 1.0\n" in f.scalar_source
    assert "Horner forms" in f.explain()


def test_chebyshev_polynomial_of_20th_degree():
    weights = np.polynomial.chebyshev.cheb2poly([0] * 20 + [1]).astype(int)
    e = sum(int(w) * x**n for n, w in enumerate(weights))
    f = sg.lambdify(x, e)
    assert products(horner(open_sums([e]))) == 11  # x*x, and ten steps
    at = np.linspace(-1, 1, 201)
    # rounding of the monomials, of size 1e7 near the ends, and of the expected values
    bound = 20 * 2e-16 + 1e-15 * np.polynomial.polynomial.polyval(np.abs(at), np.abs(weights))
    expected = np.cos(20 * np.arccos(at))
    assert np.all(np.abs(f(at) - expected) <= bound)
    assert np.all(np.abs([f(float(t)) for t in at] - expected) <= bound)


def test_random_polynomials_keep_their_values_and_cost_no_more():
    rng = np.random.default_rng(5)
    leaves = [x, y, a, b, sg.sin(x), sg.exp(y), 1 / b, sg.sqrt(b), x - y]
    for _ in range(80):
        outputs = []
        for _ in range(3):
            total = sg.constant(int(rng.integers(-2, 3)))
            for _ in range(rng.integers(2, 9)):
                term = sg.constant(int(rng.integers(1, 4)))
                for k in rng.integers(0, len(leaves), size=rng.integers(0, 5)):
                    term = term * leaves[k] ** int(rng.integers(1, 5))
                total = total + term if rng.random() < 0.7 else total - term
            outputs.append(total)
        outputs.append(sg.sin(outputs[0]) * x**3 + x)
        before = open_sums(outputs)
        after = horner(before)
        check_graph(*after)
        assert products(after) <= products(before)
        scale = [sg.evaluate(abs_terms(e), POINT) for e in before]
        for p, q, s in zip(before, after, scale, strict=True):
            assert abs(sg.evaluate(p, POINT) - sg.evaluate(q, POINT)) <= 1e-13 * s


def abs_terms(e):
    """The sum of the sizes of the terms of a sum."""
    return sum(sg.abs(t) for t in e.args) if e.op.name == "add" else sg.abs(e) + 1


def test_tensors_multiply_small_factors_first():
    v, A = sg.vector("v", "n"), sg.matrix("A", ("m", "n"))
    outputs = [a * v * A + a * A**2 * 3]  # a*v and 3*a cost next to nothing
    got = horner(open_sums(outputs))
    rng = np.random.default_rng(1)
    at = {v: rng.normal(size=4), A: rng.normal(size=(3, 4)), a: 0.3}
    np.testing.assert_allclose(sg.evaluate(got[0], at), sg.evaluate(outputs[0], at), rtol=1e-14)
    f = sg.lambdify([v, a, b], sg.sum(a * v + b * v**2 + 3 * v**3))
    assert "v*(v*(" in f.source


def test_types_stay():
    s = sg.symbol("s", dtype=np.float32)
    mixed = s * a + s * b + s**2
    assert horner([mixed])[0].dtype == mixed.dtype
    narrow = 2.5 * s**3 + s**2 * 3 - s
    data = np.linspace(0, 1, 5, dtype=np.float32)
    assert sg.lambdify(s, narrow)(data).dtype == np.float32
    n, m = sg.symbols("n m", dtype=int)
    whole = n * m + n**2
    assert horner([whole])[0] is whole


def test_long_sums_cost_their_length():
    many = sg.symbols(" ".join(f"x{k}" for k in range(3000)))
    total = sum(a * s**2 + b * s for s in many)
    (opened,) = open_sums([total])
    (got,) = horner([opened])
    assert len(toposort([got])) < 6 * len(many)
