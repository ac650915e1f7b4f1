"""Small arrays take few calls: functions of neighbouring slices as one, sums of products as one."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.expr.traverse import toposort
from symgrad.expr.tuning import tuned
from symgrad.ops.einsum import EINSUM
from symgrad.rewrite.joined_products import joined_products
from symgrad.rewrite.side_by_side import side_by_side

g = sg.matrix("g", (3, 8))
RNG = np.random.default_rng(5)


def same_values(symbols, before, after, rtol=1e-15):
    at = [RNG.normal(size=x.shape) for x in symbols]
    for x, y in zip(before, after, strict=True):
        wanted = sg.evaluate(x, dict(zip(symbols, at, strict=True)))
        got = sg.evaluate(y, dict(zip(symbols, at, strict=True)))
        np.testing.assert_allclose(got, wanted, rtol=rtol)


def count(outputs, op):
    return sum(node.op is op for node in toposort(outputs))


@pytest.mark.parametrize(
    ("parts", "calls"),
    [
        ([g[:, :2], g[:, 2:4], g[:, 4:8]], 1),
        ([g[:, :2], g[:, 2:4], g[:, 5:8]], 2),  # a gap
        ([g[:, :3], g[:, 2:4]], 2),  # shared entries
        ([g[0, 1:3], g[0, 3:5], g[1, 3:5]], 2),  # another row
        ([g[:2], g[2:]], 1),
        ([g[:, ::2], g[:, 1::2]], 2),
    ],
    ids=["all", "gap", "overlap", "rows", "first axis", "steps"],
)
def test_functions_of_neighbouring_slices(parts, calls):
    outputs = [sg.exp(-2 * sg.sin(x)) * (k + 1) for k, x in enumerate(parts)]
    joined = side_by_side(outputs)
    assert count(joined, sg.exp(g).op) == count(joined, sg.sin(g).op) == calls
    assert [y.shape for y in joined] == [y.shape for y in outputs]
    same_values([g], outputs, joined)


def test_other_numbers_and_other_functions_stay_apart():
    outputs = [sg.exp(2 * g[:, :2]), sg.exp(3 * g[:, 2:4]), sg.sin(g[:, 4:6])]
    assert side_by_side(outputs) is not None
    assert all(a is b for a, b in zip(side_by_side(outputs), outputs, strict=True))
    with tuned(large_entries=20):
        large = [sg.exp(g[:, :2]), sg.exp(g[:, 2:4])]
        assert all(a is b for a, b in zip(side_by_side(large), large, strict=True))


def test_sums_of_small_products():
    xs = [sg.matrix(f"x{k}", (2, 5)) for k in range(4)]
    ys = [sg.matrix(f"y{k}", (2, 6)) for k in range(4)]
    total = sum(x.T @ y for x, y in zip(xs, ys, strict=True)) + sg.matrix("c", (5, 6))
    (joined,) = joined_products([total])
    assert count([joined], EINSUM) == 1
    same_values([*xs, *ys, sg.matrix("c", (5, 6))], [total], [joined], rtol=1e-13)
    flat = [sg.matrix(f"f{k}", (20, 3)) for k in range(4)]
    dear = sum(x.T @ x for x in flat)  # to join them moves more than it saves
    assert joined_products([dear])[0] is dear
    matrix = sg.matrix("A", (5, 5))
    shared = sum(matrix @ x.T for x in xs)
    assert joined_products([shared])[0] is shared
