"""Star colourings of symmetric patterns: few groups, and every entry recovered."""

import itertools

import numpy as np
import pytest

import symgrad as sg
from symgrad.ops.symmetry import is_symmetric
from symgrad.structure.coloring import column_groups, grouped_values
from symgrad.structure.entries import entries_of
from symgrad.structure.star import is_mirrored, star_groups, star_places

N = 30


def band(width):
    return np.abs(np.subtract.outer(np.arange(N), np.arange(N))) <= width


def arrow(hub):
    pattern = np.eye(N, dtype=bool)
    pattern[hub] = pattern[:, hub] = True
    return pattern


def scattered(seed, density):
    pattern = np.random.default_rng(seed).random((N, N)) < density
    return pattern | pattern.T | np.eye(N, dtype=bool)


def grid(side):
    at = np.arange(side * side)
    row, column = np.divmod(at, side)
    return np.abs(np.subtract.outer(row, row)) + np.abs(np.subtract.outer(column, column)) <= 1


# title: pattern, most groups
PATTERNS = {
    "arrow": (arrow(0), 2),
    "arrow that points down": (arrow(N - 1), 2),
    "arrow from the middle": (arrow(11), 2),
    "diagonal": (np.eye(N, dtype=bool), 1),
    "tridiagonal": (band(1), 3),
    "pentadiagonal": (band(2), 5),
    "full": (np.ones((N, N), bool), N),
    "grid": (grid(5), 6),
    "arrow without diagonal": (arrow(0) & ~np.eye(N, dtype=bool), 2),
    "nothing": (np.zeros((N, N), bool), 1),
    **{f"random {k}": (scattered(k, 0.02 * (k + 1)), N) for k in range(8)},
}


@pytest.mark.parametrize("title", PATTERNS)
def test_every_entry_is_recovered(title):
    pattern, most = PATTERNS[title]
    n = len(pattern)
    rows, columns = np.nonzero(pattern)
    groups = star_groups(rows, columns, n)
    count = int(groups.max()) + 1
    assert count <= most
    matrix = np.random.default_rng(1).normal(size=(n, n))
    matrix = np.where(pattern, matrix + matrix.T, 0.0)
    compressed = matrix @ np.eye(count)[groups]
    places = star_places(rows, columns, groups, count)
    np.testing.assert_allclose(compressed.ravel()[places], matrix[pattern], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("title", ["arrow", "tridiagonal", "grid", "random 1", "random 3"])
def test_no_path_of_four_has_two_groups(title):
    pattern, _ = PATTERNS[title]
    near = [set(np.flatnonzero(row)) - {k} for k, row in enumerate(pattern)]
    groups = star_groups(*np.nonzero(pattern), len(pattern))
    for b, c in zip(*np.nonzero(pattern & ~np.eye(len(pattern), dtype=bool)), strict=True):
        assert groups[b] != groups[c]
        for a, d in itertools.product(near[b] - {c}, near[c] - {b}):
            assert a == d or len({groups[k] for k in (a, b, c, d)}) > 2


def test_an_arrow_has_as_many_groups_of_columns_as_columns():
    rows, columns = np.nonzero(arrow(0))
    assert column_groups(rows, columns, N).max() + 1 == N
    assert star_groups(rows, columns, N).max() + 1 == 2


def test_patterns_that_are_not_mirrored():
    assert is_mirrored(*np.nonzero(arrow(3)), N)
    assert not is_mirrored(*np.nonzero(np.tri(N)), N)


x = sg.vector("x", N)
C = np.where(arrow(0), np.random.default_rng(3).normal(size=(N, N)), 0.0)
HESSIANS = {
    "arrow": (sg.exp(x[0]) * sg.constant(C + C.T) + sg.diag(sg.exp(x)), 2),
    "arrow and diagonal": (sg.diag(x**2) + sg.constant(C + C.T), 2),
}


@pytest.mark.parametrize("title", HESSIANS)
def test_symmetric_matrices_by_fewer_products(title):
    H, number = HESSIANS[title]
    assert is_symmetric(H)
    at = entries_of(H).at
    found = grouped_values(H, at)
    sg.check_graph(found.values)
    assert found.number == number and found.mirrored and "symmetry" in found.how
    point = np.random.default_rng(4).normal(size=N)
    got = sg.lambdify(x, found.values)(point)
    np.testing.assert_allclose(got, sg.lambdify(x, H)(point).ravel()[at], rtol=1e-12, atol=1e-13)
    result = sg.lambdify(x, H, sparse="csr")(point)
    np.testing.assert_allclose(result.toarray(), sg.lambdify(x, H)(point), rtol=1e-12, atol=1e-13)


def test_a_pattern_alone_is_no_symmetry():
    """Mirrored zeros with other values: only groups without a common row will do."""
    J = sg.diag(x**2) + sg.constant(C)
    assert not is_symmetric(J)
    found = grouped_values(J, entries_of(J).at)
    assert found is None or not found.mirrored
    point = np.random.default_rng(4).normal(size=N)
    result = sg.lambdify(x, J, sparse="csr")(point)
    np.testing.assert_allclose(result.toarray(), np.diag(point**2) + C, rtol=1e-14)
