"""Short axes written out: by form, and with the values of the plain code."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.traverse import toposort
from symgrad.expr.tuning import MEASURED
from symgrad.ops.einsum import EINSUM
from symgrad.rewrite.short_axes import write_out_short_axes

X, Y = sg.matrix("X", ("n", 3)), sg.matrix("Y", ("m", 3))
Z, W = sg.matrix("Z", ("n", 2)), sg.matrix("W", (3, "k"))
T = sg.symbol("T", (2, "n", "n"))
v, w = sg.vector("v", "n"), sg.vector("w", 3)

DIFFERENCES = X[:, None, :] - Y[None, :, :]
DISTANCES = sg.sqrt(sg.sum(DIFFERENCES**2, axis=2) + 1)


def entrywise(outputs):
    """What is computed entry by entry."""
    return [y for y in toposort(outputs) if y.op.elementwise]


def has_short_and_long_axis(shape):
    long = [d for d in shape if isinstance(d, str)]
    return len(long) > 0 and any(isinstance(d, int) and d <= MEASURED.short_axis for d in shape)


WRITTEN_OUT = {
    "distances": DISTANCES,
    "forces": sg.grad(sg.sum(1 / DISTANCES**3), X),
    "both ends": sg.grad(sg.sum(sg.exp(-DISTANCES)), [X, Y]),
    "own pairs": sg.grad(sg.sum(sg.log(1 + sg.sum((X[:, None] - X) ** 2, axis=2))), X),
    "weighted": sg.sum(sg.einsum("ijk,k->ij", sg.tanh(DIFFERENCES), sg.exp(w))),
    "plane": sg.grad(sg.sum(sg.exp(-sg.sum((Z[:, None] - Z) ** 2, axis=2)) * v), Z),
    "leading axis": sg.sum(sg.sin(T) ** 2, axis=0),
    "branches": sg.sum(sg.where(DIFFERENCES > 0, sg.sqrt(sg.abs(DIFFERENCES)), 0), axis=2),
    "rows": sg.sum((X - w) ** 2, axis=1),
    "constants": sg.sum((X - np.array([1.0, 2.0, 4.0])) ** 2 * 2, axis=1),
}
LEFT_ALONE = {
    "an output": [DIFFERENCES**2, DISTANCES],
    "a matrix product": sg.sum(sg.tanh(sg.tanh(X) @ W)),
    "extrema": sg.max(DIFFERENCES**2, axis=2),
    "a diagonal": sg.einsum("ii,i->i", sg.exp(sg.matrix("S", (3, 3))), w),
    "no long axis": sg.sum(sg.exp(sg.matrix("S", (5, 3))), axis=1),
    "no entrywise work": sg.einsum("ik,jk->ij", X, Y),
}
SYMBOLS = [X, Y, Z, W, T, v, w]


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_form_and_values(name, tiny_blocks):
    outputs = WRITTEN_OUT[name]
    outputs = outputs if isinstance(outputs, list) else [outputs]
    changed = write_out_short_axes(outputs)
    assert not any(a is b for a, b in zip(changed, outputs, strict=True))
    rank = max(y.ndim for y in outputs)
    assert [y for y in entrywise(outputs) if y.ndim > rank and has_short_and_long_axis(y.shape)]
    assert not [y for y in entrywise(changed) if y.ndim > rank and has_short_and_long_axis(y.shape)]
    f = sg.lambdify(SYMBOLS, outputs)
    rng = np.random.default_rng(3)
    shapes = [(5, 3), (4, 3), (5, 2), (3, 6), (2, 5, 5), (5,), (3,)]
    arguments = [rng.normal(size=shape) for shape in shapes]
    for result, wanted in zip(f(*arguments), f._plain()(*arguments), strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_is_left_alone(name):
    outputs = LEFT_ALONE[name]
    outputs = outputs if isinstance(outputs, list) else [outputs]
    changed = write_out_short_axes(outputs)
    assert all(a is b for a, b in zip(changed, outputs, strict=True))


def test_forces_of_particles_are_one_region_of_pairs():
    energy = sg.sum(1 / (1 + sg.sum((X[:, None] - X) ** 2, axis=2)))
    f = sg.lambdify(X, [energy, sg.grad(energy, X)])
    assert "short axes: " in f.explain() and f.explain().count("_loop") == 1
    assert "(x, axis=2)" not in f.large_source
    x = np.random.default_rng(4).normal(size=(300, 3))
    for result, wanted in zip(f(x), f._plain()(x), strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-11, atol=1e-12)


def test_an_einsum_is_still_one_where_it_sums_long_axes():
    (changed,) = write_out_short_axes([sg.einsum("ijk,j->ik", sg.exp(DIFFERENCES), sg.ones("m"))])
    sums = [y for y in toposort([changed]) if y.op is EINSUM and len(y.params[1]) == 1]
    assert len(sums) >= 3
