"""Products and sums have one canonical order: in identity, in text and LaTeX, in every process."""

import itertools
import os
import random
import subprocess
import sys

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.order import digest, in_order, text_of
from symgrad.expr.traverse import check_graph, toposort

x, y, z, a, b, c, n = sg.symbols("x y z a b c n")
h = sg.named(sg.constant(6.626e-34), "h")
v, w = sg.vector("v", "n"), sg.vector("w", "n")
A, B = sg.matrix("A", ("n", "n")), sg.matrix("B", ("n", "n"))
q = sg.function("q")(sg.symbol("t"))


# One node

FACTORS = {
    "symbols": [2, x, y, z],
    "powers": [3, x**2, y, z**3],
    "functions": [2, x, sg.sin(y), sg.exp(-x)],
    "roots": [x, sg.sqrt(y), sg.sqrt(1 + z)],
    "sums": [5, x, x + 1, y - 1],
    "constants": [2, sg.pi, x, sg.E],
    "named numbers": [2, h, x, y],
    "entries": [2, v[1], v[0], x],
    "undefined functions": [2, q, q.diff(sg.symbol("t")), x],
    "symbolic powers": [n, x ** (n - 1), a],
    "arrays": [2, a, v, w],
    "matrices": [3, A, a, B],
}
TERMS = {
    "symbols": [x, y, z],
    "monomials": [x**2, 2 * x, sg.constant(1), x * y],
    "differences": [x, -y, -z, sg.constant(2)],
    "short functions": [sg.sin(x), sg.cos(x), x],
    "arrays": [v, 2 * w, a * v * w],
}


def products_of(parts, joined):
    """All ways to write down a product or sum one operand after the other."""
    for way in itertools.permutations(parts):
        whole = way[0]
        for part in way[1:]:
            whole = joined(whole, part)
        yield whole


@pytest.mark.parametrize("name", FACTORS)
def test_a_product_is_one_node_however_it_is_written(name):
    first, *others = products_of(FACTORS[name], lambda p, q: p * q)
    assert all(other is first for other in others)
    (p, q, *rest) = FACTORS[name]
    grouped = rest[0] * (p * q) if len(rest) == 1 else (p * rest[0]) * (rest[1] * q)
    assert grouped is first
    check_graph(first)


@pytest.mark.parametrize("name", TERMS)
def test_a_sum_is_one_node_however_it_is_written(name):
    first, *others = products_of(TERMS[name], lambda p, q: p + q)
    assert all(other is first for other in others)
    check_graph(first)


DERIVATIVES = [
    (x**2 * y, x, 2 * x * y),
    (x**3 * y, x, 3 * x**2 * y),
    (x * y * z, x, y * z),
    (z * y * x**2, x, y * 2 * z * x),
    (x**2 / y, x, 2 * x / y),
    (x**2 / (y * z), x, 2 * x / (z * y)),
    (sg.log(x) / 2, x, 1 / (2 * x)),
    (x**2 / y**3, y, -3 * x**2 / y**4),
    (y * sg.exp(-x) * z, x, -z * y * sg.exp(-x)),
    (sg.pi * x**2 * z, x, 2 * x * z * sg.pi),
    (x**2 * h * y, x, 2 * x * y * h),
    (sg.sqrt(x) * y, x, y / (2 * sg.sqrt(x))),
    (a * x**2 + b * x + c, x, b + 2 * x * a),
    (x * y - z * x, x, y - z),
    (v[0] ** 2 * v[1], v[0], 2 * v[1] * v[0]),
]


@pytest.mark.parametrize(("e", "wrt", "expected"), DERIVATIVES)
def test_a_derivative_is_the_node_that_a_person_writes(e, wrt, expected):
    assert sg.diff(e, wrt) is expected


def test_gradients_by_arrays_and_substitution_join_products():
    assert sg.grad(a * sg.sum(v**2), v) is 2 * a * v
    assert 2 * a * v is v * (a * 2)
    assert sg.substitute(x * c, {c: y * z}) is z * x * y
    assert sg.substitute(x + c, {c: y + z}) is z + y + x
    assert sg.substitute(x * c, {c: x}) is x**2
    assert sg.simplify(x * (y + z) - x * z) is y * x


def test_what_another_grouping_could_spoil_keeps_its_grouping():
    large = 1e200
    for e, expected in (
        ((x / y) * z, large),
        (x * (z / y), large),
        ((x / y) * (z / y), 1.0),
        (x / y / z, 1 / large),
    ):
        f = sg.lambdify([x, y, z], e)
        assert f(large, large, large) == pytest.approx(expected, rel=1e-15)
        assert np.asarray(f(*[np.array([large] * 3)] * 3)) == pytest.approx(expected, rel=1e-15)
    difference = (z - y) + a
    assert sg.evaluate(difference, {z: 1e16, y: 1e16, a: 1e-3}) == 1e-3
    assert sg.evaluate((a - y) + (z - b), {a: 1e16, y: 1e16, z: 0.5, b: 0.25}) == 0.25
    i = sg.symbol("i", dtype=int)
    assert (i * i) * x is not i * (i * x)  # the first wraps around


STEPS = {
    "products": lambda a, b, c, d: a * (b * c) * d,
    "differences": lambda a, b, c, d: (a - b) + (c - d),
    "quotients": lambda a, b, c, d: a / (b * c) * 3 * d,
    "numbers": lambda a, b, c, d: 0.1 * a * b * 0.3 / c + d - a,
    "both groupings": lambda a, b, c, d: (c * a) * (d * b) + (a + c + d) + (c + a + d),
}


@pytest.mark.parametrize("name", STEPS)
def test_variables_keep_every_grouping_to_the_last_bit(name):
    rng = np.random.default_rng(len(name))
    for names in ("wxyz", "zyxw", "ywzx"):
        for _ in range(20):
            values = rng.normal(size=4).tolist()
            leaves = [sg.variable(v, name=n) for v, n in zip(values, names, strict=True)]
            assert STEPS[name](*leaves).data == STEPS[name](*values)


# Text and LaTeX

SHOWN = [
    (y * x * 2, "2*x*y", "2 x y"),
    (z * y**2 * x**3, "x**3*y**2*z", "x^{3} y^{2} z"),
    (sg.sin(x) * y * 3, "3*y*sin(x)", r"3 y \sin\left(x\right)"),
    ((x + 1) * sg.sin(x) * x, "x*sin(x)*(x + 1)", r"x \sin\left(x\right) \left(x + 1\right)"),
    (sg.cos(x) * sg.sin(x), "sin(x)*cos(x)", r"\sin\left(x\right) \cos\left(x\right)"),
    (sg.sin(y) * sg.exp(-x), "exp(-x)*sin(y)", r"e^{-x} \sin\left(y\right)"),
    (sg.sqrt(y) * x * sg.pi, "pi*x*sqrt(y)", r"\pi x \sqrt{y}"),
    (x * sg.sqrt(2), "sqrt(2)*x", r"\sqrt{2} x"),
    (x ** (n - 1) * n, "n*x**(n - 1)", "n x^{n - 1}"),
    (v * a * 2, "2*a*v", "2 a v"),
    (v * (a + b), "(a + b)*v", r"\left(a + b\right) v"),
    (v[10] * v[2] * v[0], "v[0]*v[2]*v[10]", "v_{0} v_{2} v_{10}"),
    (x * y / (2 * z), "x*y/(2*z)", r"\frac{x y}{2 z}"),
    (1 - x**2, "1 - x**2", "1 - x^{2}"),
    (1 + 2 * x + x**2, "x**2 + 2*x + 1", "x^{2} + 2 x + 1"),
    (b + x * a, "a*x + b", "a x + b"),
    (y**2 - 2 * y * x + x**2, "x**2 - 2*x*y + y**2", "x^{2} - 2 x y + y^{2}"),
    (1 - x - y, "1 - x - y", "1 - x - y"),
    (c + b - a, "b + c - a", "b + c - a"),
    (2 * x - x**2 + 1, "-x**2 + 2*x + 1", "-x^{2} + 2 x + 1"),
    (sg.sin(x) + x, "x + sin(x)", r"x + \sin\left(x\right)"),
    (sg.sin(x) + x * sg.cos(x), "x*cos(x) + sin(x)", None),
    (1 - x + x * sg.log(x), "x*log(x) - x + 1", None),
    (1 + sg.tanh(x) + sg.tanh(x) ** 2, "tanh(x)**2 + tanh(x) + 1", None),
    (b + a * x**n, "a*x**n + b", "a x^{n} + b"),
    (w + A @ v, "A @ v + w", "A v + w"),
    (c * sg.eye("n") + A, "A + c*eye(n)", "A + c I_{n}"),
    ((9 * x**2 + 1) * (x + 1) * (x - 1), "(x - 1)*(x + 1)*(9*x**2 + 1)", None),
]


@pytest.mark.parametrize(("e", "text", "latex"), SHOWN)
def test_text_and_latex_read_as_an_author_writes(e, text, latex):
    assert str(e) == text
    assert latex is None or sg.latex(e) == latex


def test_names_in_natural_order():
    names = ["x_10", "X", "x", "x_2", "β", "x_1", "k", "T", r"\gamma", "N", "α", "a"]
    symbols = [sg.symbol(name) for name in names]
    expected = ["a", r"\gamma", "k", "N", "T", "X", "x", "x_1", "x_2", "x_10", "α", "β"]
    for seed in range(3):
        random.Random(seed).shuffle(symbols)
        assert [s.name for s in in_order(symbols)] == expected
        product = symbols[0]
        for s in symbols[1:]:
            product = product * s
        assert str(product) == "*".join(expected)


# Costs


def test_texts_are_short_and_tell_formulas_apart():
    e, nodes = x, []
    for k in range(2000):
        e = sg.sin(e) * e + y**k
        nodes.append(e)
    assert max(len(text_of(node)) for node in toposort([e])) <= 100
    products = [sg.exp(sg.sin(node)) for node in nodes[-5:]]
    assert len({(text_of(p), digest(p)) for p in products}) == 5
    assert products[0] * products[1] is products[1] * products[0]


def test_symbols_of_one_name_have_an_order_if_their_tags_have_one():
    first, second = sg.symbol("s", unique=1), sg.symbol("s", unique=2)
    assert first * second is second * first
    forward, backward = in_order([first, second]), in_order([second, first])
    assert [s.params for s in forward] == [s.params for s in backward]
    opaque = [sg.symbol("s", unique=object()) for _ in range(2)]
    assert opaque[0] * opaque[1] is opaque[1] * opaque[0]


# Processes

SCRIPT = """
import sys
import symgrad as sg
order = sys.argv[1]
made = {}
for name in order:
    made[name] = sg.symbol(name)
if order != "xyzab":  # other formulas that are alive must not matter
    held = [made["z"] * made["y"] * made["x"], made["b"] + made["a"], sg.sin(made["b"]) * made["x"]]
x, y, z, a, b = (made[name] for name in "xyzab")
v = sg.vector("v", "n")
f = (x**2 * y * sg.sin(a * x) + b * z * sg.exp(-x * y) / (1 + a**2)) * sg.sqrt(x + b) + z * y * x
for e in (f, sg.diff(f, x), sg.diff(f, y), sg.diff(f, x, b), sg.grad(a * sg.sum(sg.exp(b * v) * v), v)):
    print(str(e), sg.latex(e), sep="\\n")
print(sg.lambdify([x, y, z, a, b], sg.diff(f, x)).source)
"""


def test_every_process_prints_the_same():
    printed = set()
    for seed, order in (("0", "xyzab"), ("1", "bazyx"), ("77", "yaxbz")):
        result = subprocess.run(
            [sys.executable, "-c", SCRIPT, order],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        printed.add(result.stdout)
    assert len(printed) == 1
