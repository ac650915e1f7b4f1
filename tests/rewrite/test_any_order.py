"""One formula written in any order and grouping has one derivative and one simplified form: one node."""

import operator
import random

import numpy as np
import pytest

import symgrad as sg

x, y, z = sg.symbols("x y z")
p = sg.symbol("p", positive=True)
v, w, A = sg.vector("v", "n"), sg.vector("w", "n"), sg.matrix("A", ("n", "n"))

SCALARS = [x, y, p, x**2, y**2, 1 / y, 1 / x, sg.log(x + 2), sg.exp(x), sg.sin(x), sg.sqrt(p * z)]
SCALARS += [sg.cos(x * y), x + y, 1 / (x + y), sg.exp(-x * y), sg.constant(3), sg.constant(1) / 2]
SCALARS += [x**p, sg.sqrt(4 + x**2), 1 / (1 + sg.exp(-x)), sg.tanh(x), sg.abs(x)]
VECTORS = [v, w, sg.exp(v), 1 / w, A @ v, sg.sum(v) * w, x * v, 2 * w, v**2, 1 / (1 + v**2)]


def joined(parts, join, rng):
    """The parts in a random order, joined in a random grouping."""
    parts = list(parts)
    rng.shuffle(parts)
    while len(parts) > 1:
        i = rng.randrange(len(parts) - 1)
        parts[i : i + 2] = [join(parts[i], parts[i + 1])]
    return parts[0]


def written(terms, rng):
    """A sum of products in a random way to write it."""
    products = [joined(term, operator.mul, rng) for term in terms]
    return joined(products, operator.add, rng)


def random_terms(pool, rng, terms, factors):
    return [[rng.choice(pool) for _ in range(rng.randint(*factors))] for _ in range(terms)]


def one_of(results):
    first, *rest = results
    assert all(r is first for r in rest), sorted({str(r) for r in results})
    return first


@pytest.mark.parametrize("terms", [1, 2, 4])
@pytest.mark.parametrize("seed", range(8))
def test_scalars(seed, terms):
    rng = random.Random(100 * seed + terms)
    parts = random_terms(SCALARS, rng, terms, (3, 6) if terms == 1 else (2, 3))
    ways = [written(parts, rng) for _ in range(5)]
    derivative = one_of([sg.diff(e, x) for e in ways])
    one_of([sg.simplify(e) for e in ways])
    at = {x: 0.37, y: 1.3, z: 0.8, p: 0.7}
    h = 1e-6
    expected = (
        sg.evaluate(ways[0], {**at, x: 0.37 + h}) - sg.evaluate(ways[0], {**at, x: 0.37 - h})
    ) / (2 * h)
    np.testing.assert_allclose(sg.evaluate(derivative, at), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_vectors(seed):
    rng = random.Random(seed)
    parts = random_terms(VECTORS, rng, 1 + seed % 3, (1, 3))
    ways = [sg.sum(written(parts, rng)) for _ in range(5)]
    one_of([sg.grad(f, v) for f in ways])
    one_of([sg.simplify(f) for f in ways])


def test_quotients_of_quotients():
    ways = [
        1 / ((3 * x / p) * (3 * x - p) * (x - y)),
        1 / (3 * x * (3 * x - p) * (x - y) / p),
        1 / ((3 * x * (x - y) / p) * (3 * x - p)),
        p / (3 * x) / (3 * x - p) / (x - y),
    ]
    one_of([sg.diff(e, x) for e in ways])
    one_of([sg.simplify(e) for e in ways])


def test_what_must_not_be_regrouped_stays():
    """A number that scales its factor into range, and a branch that is dead."""
    scaled = (1e-170 * x) ** 2 * y * x * (1 / x)
    assert sg.evaluate(sg.diff(scaled, y), {x: 1e170, y: 1.0}) == pytest.approx(1)
    branch = sg.where(x > 0, sg.sqrt(x), 0) * y * (x * (1 / y))
    assert sg.evaluate(sg.diff(branch, x), {x: -1.0, y: 2.0}) == 0
