"""The shortest form in print: what the search finds, keeps and leaves alone."""

import itertools
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest

import symgrad as sg
from symgrad.autodiff import derivatives
from symgrad.errors import ArgumentError
from symgrad.expr.ranges import range_of
from symgrad.expr.traverse import check_graph, toposort
from symgrad.ops.shown import SHOWN, computed_forms, shown
from symgrad.rewrite.by_names import shortest_by_names
from symgrad.rewrite.readable import shown_forms
from symgrad.rewrite.search import Budget, shortest
from symgrad.rewrite.size import size_of

x, y, a = sg.symbols("x y a")
p, q = sg.symbol("p", positive=True), sg.symbol("q", positive=True)
n = sg.symbol("n")
k = sg.symbol("k", integer=True)
NAMES = {s.name: s for s in (x, y, a, p, q, n, k)}

SIMPLIFIED = """
sin(pi)                                     0
cos(pi)                                     -1
sin(pi/6)                                   1/2
tan(3*pi/4)                                 -1
log(E)                                      1
log(E**2)                                   2
E**x                                        exp(x)
sqrt(2)*sqrt(pi)*x                          x*sqrt(2*pi)
2*sin(x)*cos(x)                             sin(2*x)
sin(x)**2/(1-cos(x))                        cos(x) + 1
n*sin(y)**(n-1)*(cos(n*x)*cos(x)-sin(n*x)*sin(x)) n*sin(y)**(n - 1)*cos(x*(n + 1))
exp(-x)/expm1(-x)                           -1/expm1(x)
1/((x-a)**2+y**2)-2*y**2/((x-a)**2+y**2)**2 ((x - a)**2 - y**2)/(y**2 + (x - a)**2)**2
(1-tanh(x/2)**2)/(1+tanh(x/2)**2)           1/cosh(x)
(1+tan(x/2)**2)/(2*tan(x/2))                1/sin(x)
a*cos(x)**2-a*sin(x)**2+exp(y)              a*cos(2*x) + exp(y)
1/cos(x)**2-tan(x)**2                       1
exp(x)/2+exp(-x)/2                          cosh(x)
exp(x)*exp(y)/exp(a)                        exp(x + y - a)
log(p)-log(q)                               log(p/q)
1/(a**2*(x**2/a**2+1))                      1/(a**2 + x**2)
1/(1/x+1/y)                                 x*y/(x + y)
1/(p*x)+1/(p*y)                             (x + y)/(p*x*y)
(x**2-1)/(x-1)                              x + 1
x/(x+1)+1/(x+1)                             1
p/sqrt(p)*sqrt(q)                           sqrt(p*q)
cos(asin(x))**2                             1 - x**2
sin(2*x)/sin(x)                             2*cos(x)
-y*a*sin(2*x)/sin(x)**2                     -2*a*y/tan(x)
2*sin(x)*cos(x)/sin(x)**2                   2/tan(x)
sin(2*x)/tan(x)                             2*cos(x)**2
cos(x)/sin(x)                               1/tan(x)
(1-cos(2*x))/(1+cos(2*x))                   tan(x)**2
sin(x)/(1+cos(x))                           tan(x/2)
sinh(2*x)/cosh(x)                           2*sinh(x)
y*cosh(x)+y*sinh(x)+1                       y*exp(x) + 1
exp(x)*(cosh(x)-sinh(x))                    1
sinh(x)-cosh(x)                             -exp(-x)
sin(pi*k)                                   0
cos(pi*k)                                   (-1)**k
(-1)**(2*k+1)                               -1
((-1)**k)**2                                1
sin(x+y)-sin(x)*cos(y)                      sin(y)*cos(x)
cos(x-y)-cos(x+y)                           2*sin(x)*sin(y)
cosh(x+y)+cosh(x-y)                         2*cosh(x)*cosh(y)
sin(pi/2-x)+cos((2*x+pi)/2)                 cos(x)-sin(x)
sin(pi/4+x)**2+sin(pi/4-x)**2               1
3*sin(x)-4*sin(x)**3                        sin(3*x)
2*tanh(x)/(1+tanh(x)**2)                    tanh(2*x)
(sin(x)-cos(x))/(sin(x)+cos(x))             tan(x - pi/4)
sqrt(1/cos(x)**2-1)                         abs(tan(x))
exp(log(x)+y)                               x*exp(y)
exp(log(x)-log(y))                          x/y
log(p*exp(x))                               x + log(p)
(p*q)**x/p**x                               q**x
4**x/2**x                                   2**x
sqrt(x**2+2*x+1)                            abs(x + 1)
sqrt(p**2+2*p+1)                            p + 1
sqrt(x**4+2*x**2+1)                         x**2 + 1
abs(x*y)/abs(y)                             abs(x)
abs(x-y)-abs(y-x)                           0
1/sqrt(2)+sqrt(2)/2                         sqrt(2)
sqrt(12)+sqrt(27)                           5*sqrt(3)
1/(x-1)-1/(x+1)                             2/(x**2 - 1)
x**2-2*x*y+y**2                             (x - y)**2
x**2+2*x*y+y**2+2*x+2*y+1                   (x + y + 1)**2
x**2*y+x*y**2                               x*y*(x + y)
gamma(x+2)/gamma(x)                         x*(x + 1)
(1+tan(x/2)**2)/2                           1/(cos(x) + 1)
sin((a+n)*x)+sin((a-n)*x)                   2*sin(a*x)*cos(n*x)
(a*cos(x)+n*cos(y))**2+(a*sin(x)+n*sin(y))**2 2*a*n*cos(x - y) + a**2 + n**2
beta(x,y)*gamma(x+y)                        gamma(x)*gamma(y)
"""
KEPT = """
4*x**3-4*x
x**2-2*x+1+y
(x*cos(x)-sin(x))/x**2
exp(x)*(x-1)/x**2
2*(x-a)+2*(x-y)
tan(x)**2+1
1-tanh(x)**2
2*(3*x**2-1)/(x**2+1)**3
x**n*(n+1)
"""


@pytest.mark.parametrize("line", SIMPLIFIED.strip().splitlines())
def test_short_forms(line):
    formula, expected = line.split(maxsplit=1)
    result = sg.simplify(sg.parse(formula, NAMES))
    assert result is sg.parse(expected, NAMES) or str(result) == expected
    assert sg.simplify(result) is result
    check_graph(result)


@pytest.mark.parametrize("formula", KEPT.strip().splitlines())
def test_what_is_short_stays_as_it_is(formula):
    """No form is taken for fewer characters alone, and polynomials and differences stay."""
    e = derivatives.simplify_all([sg.parse(formula, NAMES)])[0]
    assert str(sg.simplify(e)) == str(e)


GRID = [
    np.array(column)
    for column in zip(
        *itertools.product((-1.3, -0.4, 0.0, 0.7, 1.0), (-0.8, 0.0, 1.7), (0.6, 1.9), (2.0, -0.5)),
        strict=True,
    )
]
LEAVES = (x, x, y, p, p, sg.constant(1), sg.constant(2), sg.constant(-1))
CALLS = (
    *(sg.sin, sg.cos, sg.tan, sg.sinh, sg.cosh, sg.tanh),
    *(sg.exp, sg.exp, sg.log, sg.sqrt, sg.arctan, sg.special.expit),
)


def random_formula(rng, depth):
    if depth == 0:
        return rng.choice(LEAVES)
    e, kind = random_formula(rng, depth - 1), rng.randrange(12)
    if kind < 3:
        return e + random_formula(rng, depth - 1)
    if kind < 5:
        return e * random_formula(rng, depth - 1)
    if kind < 7:
        return e / random_formula(rng, depth - 1)
    if kind == 7:
        return e ** rng.choice([2, 3, -1, -2])
    return p**n * e if kind == 8 else rng.choice(CALLS)(e)


@pytest.mark.parametrize("seed", range(1, 7))
def test_random_formulas_keep_their_values(seed):
    """Wherever a formula is defined, at both signs, 0 and 1, its short form has its value."""
    rng = random.Random(seed)
    changed = 0
    for _ in range(15):
        e = random_formula(rng, rng.choice([2, 3, 4]))
        form = shortest([e])
        if form is e:
            continue
        changed += 1
        parts = sg.lambdify(
            [x, y, p, n], [s for s in toposort([e]) if s.args]
        )  # where all is defined
        with np.errstate(all="ignore"):
            values = [np.broadcast_to(v, GRID[0].shape) for v in parts(*GRID)]
            other = np.broadcast_to(sg.lambdify([x, y, p, n], form)(*GRID), GRID[0].shape)
        defined = np.all([np.abs(v) < 1e9 for v in values], axis=0)
        one = values[-1]
        np.testing.assert_allclose(
            other[defined], one[defined], rtol=1e-6, atol=1e-7, err_msg=str(e)
        )
    assert changed


def test_bounded_work_gives_the_same_form_in_every_process():
    code = (
        "import symgrad as sg\n"
        "x, y, a, b = sg.symbols('x y a b')\n"
        "e = sum([sg.tan(x*k)/(a + k*y) + sg.exp(k*x)*b for k in range(1, 7)])\n"
        "print(sg.simplify(e), '|', sg.diff(sg.arctan((a*x + b)/y)/(1 + sg.exp(-x)), x))\n"
    )
    command = [sys.executable, "-c", code]
    runs = {
        subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(3)
    }
    assert len(runs) == 1


def test_the_search_ends_where_its_work_is_used_up():
    e = sg.tan(x) / (1 + sg.tan(x) ** 2) + 1 / (1 / x + 1 / y)
    assert shortest([e], Budget(300, 0)) is e
    assert shortest([e], Budget(2, 10**6)) is e
    assert shortest([e]) is not e


def test_branches_arrays_and_infinities_are_left_alone():
    v = sg.vector("v", "n")
    for e in (
        sg.where(x > 0, 1 / (1 / x + 1 / y), x),
        sg.sum(1 / (1 / v + 1)),
        sg.parse("1/(1/x + 1/y) + 1/0", NAMES),
    ):
        assert shortest([e]) is e


def test_what_may_overflow_is_no_shorter():
    """Planck's law over one denominator would be nan where exp(x) is infinite."""
    for e in (
        3 * x**2 / (sg.exp(x) - 1) - x**3 * sg.exp(x) / (sg.exp(x) - 1) ** 2,
        1 / (1 + sg.exp(-x)) + x * sg.exp(-x) / (1 + sg.exp(-x)) ** 2,
        sg.exp(-x) * (1 - a) / (1 + sg.exp(-x) * (1 - a)) ** 2,
    ):
        form = sg.simplify(e)
        f = sg.lambdify([x, a], form)
        with np.errstate(all="ignore"):
            assert np.isfinite(f(1e4, 0.3))


def test_full_takes_what_sympy_has_where_that_prints_shorter():
    e = sg.sin(x) ** 4 - sg.cos(x) ** 4
    short = sg.simplify(e, level="full")
    assert str(short) == "-cos(2*x)"
    assert size_of(short, {}).weight <= size_of(sg.simplify(e), {}).weight


SIZES = (
    "x",
    "x + 1",
    "-x - y",
    "2*x/3",
    "x**2/(x + y)**2",
    "-sin(x)/(4*x*y)",
    "sqrt(x + 1)",
    "x**(n - 1)",
)


@pytest.mark.parametrize("text", SIZES)
def test_sizes_are_those_of_the_text(text):
    import ast

    e = sg.parse(text, NAMES)
    counted = sum(
        isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Call))
        for node in ast.walk(ast.parse(str(e), mode="eval"))
    )
    assert size_of(e, {})[:2] == (counted, len(str(e)))


# Derivatives: read in one form, computed in the other

DERIVATIVES = """
atan(y/x)               -y/(x**2 + y**2)
1/(1/x+1/y)             y**2/(x + y)**2
atan(x/a)/a             1/(a**2 + x**2)
asin(x/p)               1/sqrt(p**2 - x**2)
log(tan(x/2))           1/sin(x)
sin(2*x)/sin(x)         -2*sin(x)
log(sin(x))**2          2*log(sin(x))/tan(x)
2*atan(tanh(x/2))       1/cosh(x)
(p/q)**a*x              (p/q)**a
1/(1+exp(-x))           exp(x)/(exp(x) + 1)**2
"""


@pytest.mark.parametrize("line", DERIVATIVES.strip().splitlines())
def test_derivatives_read_short(line):
    formula, expected = line.split(maxsplit=1)
    f = sg.parse(formula, NAMES)
    plain = derivatives.diff(f, x)
    for d in (sg.diff(f, x), sg.grad(f, x), sg.jacobian(f, x)):
        assert str(d) == expected
        assert computed_forms([d]) == [plain]
        assert sg.latex(d) == sg.latex(sg.parse(expected, NAMES))
        check_graph(d)


def test_compiled_code_does_not_depend_on_what_is_read():
    f = sg.sin(x) * sg.cos(x) + sg.arctan(y / x)
    read, plain = sg.grad(f, [x, y]), derivatives.grad(f, [x, y])
    assert str(read) != str(plain)
    assert "cos(2" not in sg.lambdify([x, y], [f, *read]).source
    code = [sg.lambdify([x, y], [f, *g]).source.split('"""')[-1] for g in (read, plain)]
    assert code[0] == code[1]
    assert sg.hessian(f, [x, y])[0][1] is sg.hessian(f, [x, y])[1][0]


def test_a_derivative_of_a_derivative_is_that_of_what_is_computed():
    f = sg.log(sg.tan(x / 2))
    assert sg.diff(f, x).op is SHOWN
    assert sg.diff(sg.diff(f, x), x) is sg.diff(f, x, 2)
    assert sg.simplify(sg.diff(f, x)) is sg.parse("1/sin(x)", NAMES)
    assert str(2 * sg.diff(f, x)) == "2/sin(x)"
    assert str(sg.to_sympy(sg.diff(f, x))) == "1/sin(x)"
    assert shown_forms([sg.substitute(sg.diff(f, x), {x: y})])[0] is 1 / sg.sin(y)


LARGE = sg.log(sg.tan(x / 2)) * sg.exp(-(y**2)) + sg.sin(x) * sg.cos(x) * y


@pytest.fixture
def searches(monkeypatch):
    """The formulas that were searched."""
    found = []

    def counted(forms, *rest):
        found.append(forms[0])
        return shortest(forms, *rest)

    monkeypatch.setattr("symgrad.rewrite.readable.shortest_by_names", counted)
    return found


def test_a_larger_derivative_is_searched_when_it_is_first_read(searches):
    f = LARGE * sg.symbol("fresh")
    d, by_y = sg.grad(f, [x, y])
    code = sg.lambdify([*sg.free_symbols(f)], [d, by_y, sg.diff(d, x)])
    assert code(0.3, 0.7, 2.0) and code.source and code.explain()
    assert d.op is by_y.op is SHOWN
    assert not searches
    assert str(d) == str(d) and sg.latex(d) == sg.latex(d)
    assert len(searches) == 1 and searches[0] is d.args[0]
    assert len(str(d)) < len(str(d.args[0]))


def test_a_small_derivative_that_is_short_is_a_plain_node():
    assert sg.diff(x**2 * y, x) is sg.diff(y * x**2, x) is sg.simplify(2 * x * y)
    assert sg.diff(sg.sin(x), x, 4) is sg.sin(x)
    assert sg.grad(x**4 - 2 * x**2, x) is 4 * x**3 - 4 * x
    assert sg.diff(sg.diff(LARGE, x), x) is sg.diff(LARGE, x, 2)
    assert sg.grad(LARGE, [x, y])[0] is sg.grad(LARGE, x)


def test_a_derivative_with_two_forms_is_a_node_like_others():
    d = sg.diff(LARGE, x)
    assert pickle.loads(pickle.dumps(d)) is d
    assert sg.free_symbols(d) == sg.free_symbols(LARGE)
    assert sg.substitute(d, {y: 1}) is sg.substitute(sg.substitute(d, {y: a}), {a: 1})
    assert sg.substitute(sg.diff(x**3 * LARGE, x), {x: 0, y: 0}).op is not SHOWN
    assert d - d is sg.constant(0)
    assert range_of(sg.diff(sg.exp(x**2 * y) / p + p * x**2, p) ** 2).nonnegative
    assert str(sg.vmap(d, {x: "b"}).shape) == "('b',)"
    sg.check_grad(d, [x, y])


def test_what_cancels_in_a_form_is_asked_for_by_nobody():
    """A symbol that does not stand in the formula needs no value."""
    assert sg.free_symbols(sg.diff(sg.log(a * x) + a * 0, x)) == [x]
    e = shown(y * sg.sin(a) ** 2 / (1 - sg.cos(a)) - y * sg.cos(a) + sg.exp(x))
    assert sg.free_symbols(e) == [y, a, x] and str(e) == "y + exp(x)"
    assert sg.lambdify([x, y], e)(0.0, 2.0) == sg.evaluate(e, {x: 0.0, y: 2.0}) == 3.0
    with pytest.raises(ArgumentError, match="mention y"):
        sg.lambdify(x, e)
    with pytest.raises(ArgumentError, match="no value for y"):
        sg.evaluate(e, {x: 0.0})


def test_the_greeks():
    S, K, T, v, r = (sg.symbol(name, positive=True) for name in ("S", "K", "T", "v", "r"))
    N = sg.special.ndtr
    d1 = (sg.log(S / K) + (r + v**2 / 2) * T) / (v * sg.sqrt(T))
    C = S * N(d1) - K * sg.exp(-r * T) * N(d1 - v * sg.sqrt(T))
    for by, expected in {
        S: N(d1),
        K: -sg.exp(-r * T) * N(d1 - v * sg.sqrt(T)),
        v: S * sg.exp(-(d1**2) / 2) * sg.sqrt(T) / sg.sqrt(2 * sg.pi),
        r: K * T * sg.exp(-r * T) * N(d1 - v * sg.sqrt(T)),
    }.items():
        (form,) = shown_forms([sg.diff(C, by)])
        assert len(str(form)) < 90
        point = {S: 101.0, K: 97.0, T: 0.7, v: 0.3, r: 0.02}
        assert float(sg.evaluate(form, point)) == pytest.approx(float(sg.evaluate(expected, point)))


GREEKS = {
    "S": "ndtr(d_1)",
    "S S": "exp(-d_1**2/2)/(S*sigma*sqrt(2*pi*T))",
    "sigma": "S*sqrt(T/(2*pi))*exp(-d_1**2/2)",
    "r": "K*T*ndtr(d_2)*exp(-r*T)",
    "S sigma": "-d_2*exp(-d_1**2/2)/(sigma*sqrt(2*pi))",
    "sigma sigma": "S*d_1*d_2*sqrt(T/(2*pi))*exp(-d_1**2/2)/sigma",
}


@pytest.mark.parametrize("by", GREEKS)
def test_names_know_what_they_stand_for(by):
    """``S*phi(d_1) = K*exp(-r*T)*phi(d_2)`` holds by the definitions of both."""
    market = {s: sg.symbol(s, positive=True) for s in ("S", "K", "T", "sigma", "r")}
    S, K, T, sigma, r = market.values()
    d1 = sg.named((sg.log(S / K) + (r + sigma**2 / 2) * T) / (sigma * sg.sqrt(T)), "d_1")
    d2 = sg.named(d1 - sigma * sg.sqrt(T), "d_2")
    C = S * sg.special.ndtr(d1) - K * sg.exp(-r * T) * sg.special.ndtr(d2)
    names = market | {"d_1": d1, "d_2": d2}
    form = sg.parse(GREEKS[by], names)
    greek = sg.diff(C, *[market[s] for s in by.split()])
    assert str(greek).partition(" where ")[0] == str(form).partition(" where ")[0]
    point = dict(zip(market.values(), (101.0, 97.0, 0.7, 0.3, 0.02), strict=True))
    expected = float(sg.evaluate(greek, point))
    assert float(sg.evaluate(form, point)) == pytest.approx(expected, rel=1e-9)
    assert float(sg.evaluate(shown_forms([greek])[0], point)) == pytest.approx(expected, rel=1e-9)


def test_powers_of_a_name_are_found_by_its_definition():
    m, v, c = (sg.symbol(s, positive=True) for s in "mvc")
    gamma = sg.named(1 / sg.sqrt(1 - v**2 / c**2), "gamma")
    assert str(sg.diff(gamma * m * v, v)).startswith("gamma**3*m where gamma = ")
    q2 = sg.named((x - y) ** 2, "q")  # q**(1/2) is abs(x - y): the sign is lost
    for e in (sg.diff(q2**2, x), sg.diff(sg.exp(q2) * q2, x)):
        point = {x: 0.3, y: 0.8}
        value = sg.evaluate(shown_forms([e])[0], point)
        assert float(value) == pytest.approx(float(sg.evaluate(e, point)))


@pytest.mark.parametrize("seed", range(2))
def test_random_formulas_with_names_keep_their_values(seed):
    rng = random.Random(seed)
    for _ in range(6):
        body = random_formula(rng, 2)
        name = sg.named(body, "u")
        inner = random_formula(rng, 1)
        e = name * sg.named(name + inner, "w") + random_formula(rng, 2) * sg.exp(name) * name**2
        if not sg.free_symbols(e):
            continue
        d = derivatives.diff(e, sg.free_symbols(e)[0])
        with np.errstate(all="ignore"):
            one, other = (
                np.broadcast_to(sg.lambdify([x, y, p, n], form)(*GRID), GRID[0].shape)
                for form in (d, shortest_by_names([d]))
            )
        defined = np.isfinite(one) & (np.abs(one) < 1e9)
        np.testing.assert_allclose(
            other[defined], one[defined], rtol=1e-6, atol=1e-7, err_msg=str(d)
        )


@pytest.mark.parametrize("dtype", [int, "int8", "uint8"])
def test_powers_of_a_sign_are_not_taken_in_integers(dtype):
    """``(-1)**n`` has no value for a negative n there, and unsigned ones wrap around."""
    n = sg.symbol("n", dtype=dtype)
    e = sg.cos(sg.pi * n)
    at = {n: np.array(255 if dtype == "uint8" else -3, dtype=dtype)}
    assert sg.evaluate(sg.simplify(e), at) == pytest.approx(-1.0)
