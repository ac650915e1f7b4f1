"""The running error bound holds against 60-digit arithmetic, and is no wild guess."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.autodiff.rounding import rounding, rounding_all
from symgrad.expr.traverse import free_symbols

U = 2.0**-53
x, y, p = sg.symbols("x y p")


def bound_of(e, unknowns=None):
    """A function of what `e` mentions, by symbol."""
    m = rounding(e, unknowns)
    symbols = free(m)
    f = sg.lambdify(symbols, m) if symbols else lambda: sg.evaluate(m, {})

    def at(values):
        with np.errstate(all="ignore"):
            return np.asarray(f(*[values[s] for s in symbols]))

    return at


def bound_at(e, at, unknowns=None):
    return bound_of(e, unknowns)(at)


def free(e):
    return free_symbols(e)


def exact_of(e):
    """The value in 60-digit arithmetic, by way of SymPy."""
    symbols = free(e)
    function = sp.lambdify([sp.Symbol(s.name) for s in symbols], plain(e), "mpmath")

    def at(values):
        with mpmath.workdps(60):
            return function(*[mpmath.mpf(values[s]) for s in symbols])

    return at


def plain(e):
    image = sg.to_sympy(e)
    return image.subs({s: sp.Symbol(s.name) for s in image.free_symbols})


FORMULAS = [
    x**2 - 2,
    x - y * sg.sin(x) - p,
    sg.exp(x) - sg.exp(y),
    sg.log(x) - sg.log(y) + p,
    (x - 1) ** 7,
    x**7 - 7 * x**6 + 21 * x**5 - 35 * x**4 + 35 * x**3 - 21 * x**2 + 7 * x - 1,
    sg.sqrt(x) - sg.sqrt(y),
    sg.tanh(x) - 1,
    1 / (x - p) + 1 / (y - p),
    x * sg.exp(-x) * sg.cos(100 * x) - y,
    sg.where(x > y, x - y, y**3 - x),
    sg.abs(x - y) - p,
    sg.maximum(x, y) * p - sg.minimum(x, p),
    x / 3 - y / 7 + sg.pi * p,
    sg.special.erf(x) - sg.special.gamma(y),
    sg.arctan2(x, y) - sg.hypot(x, p),
    sg.exp(sg.sin(x) ** 2 + sg.cos(x) ** 2) - sg.E,
    x**p - y**x,
    sg.cosh(x) * sg.cosh(x) - sg.sinh(x) ** 2 - 1,
    sum((sg.sin(k * x) / k for k in range(1, 30)), start=x * 0),
]


@pytest.mark.parametrize("e", FORMULAS, ids=lambda e: str(e)[:40])
def test_errors_are_below_the_bound_and_near_it(e):
    rng = np.random.default_rng(7)
    symbols = free(e)
    f, exact, bound = sg.lambdify(symbols, e), exact_of(e), bound_of(e)
    terms = [sg.abs(t) for t in spread(e)]
    size = sg.lambdify(symbols, sum(terms[1:], start=terms[0]))
    assert rounding(e).shape == e.shape
    for _ in range(60):
        at = {
            s: float(v) for s, v in zip(symbols, rng.uniform(0.2, 3.0, len(symbols)), strict=True)
        }
        value = float(f(*at.values()))
        error = abs(value - exact(at))
        level = float(bound(at))
        assert error <= 2 * U * level
        # an own bit of an operand more, the terms of a sum, so it is no wild guess
        assert level <= 200 * float(size(*at.values()))


def spread(e):
    """Terms of a sum times their condition by every unknown: |t| and |x dt/dx|."""
    terms = [e]
    while any(t.op.name == "add" for t in terms):
        terms = [part for t in terms for part in (t.args if t.op.name == "add" else (t,))]
    return [t for term in terms for t in [term, *[s * sg.diff(term, s) for s in free(term)]]]


v = sg.vector("v", 4)
A = sg.matrix("A", (4, 4))
ARRAYS = {
    "sum": (sg.sum(v**2) - 1, lambda v: mpmath.fsum(t**2 for t in v) - 1),
    "prod": (sg.prod(v), mpmath.fprod),
    "logsumexp": (
        sg.log(sg.sum(sg.exp(v))) - 1,
        lambda v: mpmath.log(mpmath.fsum(mpmath.exp(t) for t in v)) - 1,
    ),
    "max": (sg.max(v) - sg.min(v), lambda v: max(v) - min(v)),
    "entry": ((v * v)[2] - v[0], lambda v: v[2] * v[2] - v[0]),
    "stack": (sg.stack([v[0] * v[1], v[2] / v[3]])[1] - 1, lambda v: v[2] / v[3] - 1),
    "cumsum": (sg.cumsum(v)[3] - v[0], lambda v: v[1] + v[2] + v[3]),
    "outer": (
        sg.sum(sg.outer(v, v)) - 1,
        lambda v: mpmath.fsum(a * b for a in v for b in v) - 1,
    ),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_formulas_that_hold_arrays(name):
    e, oracle = ARRAYS[name]
    f, bound = sg.lambdify(v, e), bound_of(e)
    rng = np.random.default_rng(3)
    for _ in range(40):
        at = rng.uniform(-2, 2, 4)
        with mpmath.workdps(60):
            error = abs(float(f(at)) - oracle([mpmath.mpf(float(t)) for t in at]))
        level = float(bound({v: at}))
        assert error <= 2 * U * level
        assert level < 3e3


@pytest.mark.parametrize("which", ["det", "inv", "solve"])
def test_linear_algebra(which):
    rng = np.random.default_rng(5)
    e = {
        "det": sg.linalg.det(A),
        "inv": sg.linalg.inv(A),
        "solve": sg.linalg.solve(A, v),
    }[which]
    symbols = free(e)
    f = sg.lambdify(symbols, e)
    for _ in range(10):
        at = {s: rng.normal(size=s.shape) for s in symbols}
        got = np.asarray(f(*at.values()), float)
        with mpmath.workdps(50):
            matrix = mpmath.matrix(at[A].tolist())
            if which == "det":
                want = [mpmath.det(matrix)]
            elif which == "inv":
                want = list(mpmath.inverse(matrix))
            else:
                want = list(mpmath.lu_solve(matrix, mpmath.matrix(at[v].tolist())))
            errors = [float(abs(g - w)) for g, w in zip(got.ravel().tolist(), want, strict=True)]
        level = bound_at(e, at)
        assert level.shape == got.shape
        assert (np.array(errors) <= 2 * U * level.ravel()).all()


def test_what_is_exact_has_no_error():
    n = sg.symbol("n", dtype=int)
    for e in [sg.constant(2), p * 0 + 3, n * 1.0, sg.constant(0.1)]:
        assert float(bound_at(e, {n: 3})) == 0 or e.args
    assert float(bound_at(x, {x: -3.0})) == 3.0
    assert float(bound_at(x, {x: -3.0}, [y])) == 0.0
    assert float(bound_at(x + p, {x: -3.0, p: 1.0}, [x])) == 5.0
    assert float(bound_at(2 * x, {x: -3.0})) == 6.0
    assert float(bound_at(sg.pi * 1, {})) == pytest.approx(np.pi)


def test_where_a_derivative_is_infinite_nothing_is_known():
    assert not np.isfinite(bound_at(sg.sqrt(x) - 1, {x: 0.0}))


def test_single_precision_has_a_coarser_unit():
    t = sg.symbol("t", dtype=np.float32)
    level = float(bound_at(t * t, {t: np.float32(1.5)}, [y]))
    assert level == pytest.approx(2.25 * 2.0**29)


def test_shared_nodes_are_walked_once():
    e = x
    for _ in range(3000):
        e = sg.sin(e) + e * 0.5
    (m,) = rounding_all([e])
    assert m.shape == ()
