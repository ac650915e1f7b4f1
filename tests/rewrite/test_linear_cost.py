"""Simplification, differentiation and building are linear: sums, products and nests of any size."""

import gc
from collections import Counter
from importlib import import_module

import pytest

import symgrad as sg
from symgrad.expr.node import live_nodes
from symgrad.expr.traverse import toposort

x, y = sg.symbols("x y")
MANY = 100_000
SIZES = [20_000, pytest.param(MANY, marks=pytest.mark.slow)]


@pytest.fixture
def work(monkeypatch):
    """How many operands were looked at, by function."""
    seen = Counter()

    def count(file, name, size):
        module = import_module(f"symgrad.rewrite.{file}")
        function = getattr(module, name)

        def counted(*args, **kwargs):
            seen[name] += size(*args)
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, counted)

    count("simplify", "collect_sum", lambda terms, *rest: len(terms))
    count("simplify", "collect_product", lambda factors, *rest: len(factors))
    count("collect", "factored", lambda coefficients, *rest: len(coefficients))
    count("factor", "as_term", lambda powers, *rest: len(powers))
    return seen


def test_a_sum_of_one_term():
    total = x
    for _ in range(MANY - 1):
        total = total + x
    assert sg.simplify(total) is MANY * x
    assert sg.grad(total, x) is sg.constant(MANY)


@pytest.mark.parametrize("count", SIZES)
def test_a_sum_of_many_symbols(count, work):
    names = [sg.symbol(f"a{i}") for i in range(count)]
    total = sg.constant(0)
    for i, a in enumerate(names):
        total = total + a if i % 2 else total - a
    gc.collect()
    before = live_nodes()
    result = sg.simplify(total)
    assert len(result.args) == count
    assert live_nodes() - before < 10
    assert sum(work.values()) <= 2 * count
    slopes = sg.grad(total, names)
    assert [slopes[0], slopes[1]] == [sg.constant(-1), sg.constant(1)]
    doubled = sg.simplify(total + total - 3 * total)
    assert sg.simplify(doubled + total) is sg.constant(0)


def test_differences_in_differences(work):
    names = [sg.symbol(f"a{i}") for i in range(20_000)]
    nest = names[-1]
    for a in reversed(names[:-1]):
        nest = a - nest
    result = sg.simplify(nest)
    assert len(result.args) == 20_000
    assert sum(work.values()) <= 2 * 20_000
    assert [sg.constant(1), sg.constant(-1)] == sg.grad(nest, names[:2])


def test_a_product_of_many_factors(work):
    names = [sg.symbol(f"b{i}") for i in range(10_000)]
    total = sg.constant(1)
    for b in names:
        total = total * b
    result = sg.simplify(total)
    assert len(result.args) == 10_000
    assert sum(work.values()) <= 2 * 10_000
    assert sg.simplify(total / total) is sg.constant(1)
    functions = sg.constant(1)
    for b in names:
        functions = functions * sg.abs(b) * sg.sign(b) * sg.sin(b) / sg.cos(b) * sg.exp(b)
    work.clear()
    assert len(sg.simplify(functions).args) == 2 * 10_000 + 1  # b, tan(b), one exponential
    assert sum(work.values()) <= 10 * 10_000


NESTS = {
    "x*sin(x) + x": lambda z: sg.sin(z) * z + z,
    "x*sin(x)": lambda z: z * sg.sin(z),
    "x*(sin(x) + 1)": lambda z: z * (sg.sin(z) + 1),
    "x*exp(-x)": lambda z: z * sg.exp(-z),
    "x/(1 + x)": lambda z: z / (1 + z),
    "x + 1/x": lambda z: z + 1 / z,
    "2*(x + 1)": lambda z: 2 * (z + 1),
    "x + x**2": lambda z: z + z**2,
    "sqrt(1 + x**2)": lambda z: sg.sqrt(1 + z**2),
    "(x - 1)*sin(x) + x - 1": lambda z: (z - 1) * sg.sin(z) + z - 1,
    "abs(x)*sign(x)*y": lambda z: sg.abs(z) * sg.sign(z) * y,
    "x**2*sin(x)": lambda z: z**2 * sg.sin(z),
    "sin(x)/x": lambda z: sg.sin(z) / z,
    "exp(x)*exp(-2*x)": lambda z: sg.exp(z) * sg.exp(-2 * z),
    "where(x > y, x**2, sqrt(x))": lambda z: sg.where(z > y, z**2, sg.sqrt(z)),
    "log(1 + exp(x))*x": lambda z: sg.log(1 + sg.exp(z)) * z,
}


def nest(step, depth):
    e = x
    for _ in range(depth):
        e = step(e)
    return e


@pytest.mark.parametrize("name", NESTS)
def test_nests_grow_by_a_constant_per_level(name, work):
    """Sizes, and operands looked at, for depths that are all beyond what is tidied for reading."""
    sizes, looked = [], []
    for depth in (500, 700, 1100):
        e = nest(NESTS[name], depth)
        work.clear()
        simplified = sg.simplify(e)
        gradient = sg.grad(e, x)
        sizes.append(len(toposort([simplified, gradient])))
        looked.append(sum(work.values()))
    assert sizes[2] - sizes[1] <= 2 * (sizes[1] - sizes[0]) + 20
    assert looked[2] - looked[1] <= 2 * (looked[1] - looked[0]) + 20


def test_twenty_thousand_levels():
    e = nest(NESTS["x*sin(x) + x"], 20_000)
    gradient = sg.grad(e, x)
    assert len(toposort([e])) <= 3 * 20_000 + 1
    assert len(toposort([gradient])) <= 8 * 20_000


def test_shared_parts_are_not_taken_apart():
    """A sum that many products use stays one node."""
    shared = sum((sg.symbol(f"c{i}") for i in range(200)), start=sg.constant(0))
    total = sg.constant(0)
    for i in range(200):
        total = total + shared * sg.symbol(f"d{i}") ** 2 * sg.sin(shared)
    gc.collect()
    before = live_nodes()
    sg.simplify(total)
    assert live_nodes() - before < 2000


MATRIX_NESTS = {
    "Z @ A": lambda z: z @ A,
    "A @ Z + B": lambda z: A @ z + B,
    "A @ Z.T @ B + Z": lambda z: A @ z.T @ B + z,
    "(A @ Z).T": lambda z: (A @ z).T,
    "2*Z @ A - A @ Z": lambda z: 2 * z @ A - A @ z,
    "inv(Z + A)": lambda z: sg.linalg.inv(z + A),
    "Z @ Z + A": lambda z: z @ z + A,
}
A, B = sg.matrix("A", ("n", "n")), sg.matrix("B", ("n", "n"))


@pytest.mark.parametrize("name", MATRIX_NESTS)
def test_nests_of_matrices_cost_a_constant_per_level(name):
    for depth in (200, 800):
        z = B
        for _ in range(depth):
            z = MATRIX_NESTS[name](z)
        f = sg.trace(z)
        assert len(toposort([sg.simplify(f), *sg.grad(f, [A, B])])) <= 20 * depth


@pytest.mark.slow
def test_twenty_thousand_products_and_sums_of_matrices():
    z = B
    for i in range(20_000):
        z = A @ z + B if i % 2 else (z @ A).T - z
    f = sg.trace(z)
    gradient = sg.grad(f, A)
    assert len(toposort([sg.simplify(f)])) <= 4 * 20_000
    assert len(toposort([gradient])) <= 12 * 20_000
