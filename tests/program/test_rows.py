"""Work on rows: which part of a program it is, and that blocks of rows give what all rows give."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.compile.pipeline import Draft, Options
from symgrad.expr.tuning import tuned
from symgrad.program.outline import outlined
from symgrad.program.rows import rows

X, Y = sg.matrix("X", ("n", "d")), sg.matrix("Y", ("n", "k"))
W, B = sg.matrix("W", ("d", "k")), sg.matrix("B", ("k", "k"))
S, P = sg.matrix("S", ("n", "n")), sg.matrix("P", ("n", 3))
v, w, b = sg.vector("v", "n"), sg.vector("w", "d"), sg.vector("b", "k")
t = sg.symbol("t")
SYMBOLS = [X, Y, W, B, S, P, v, w, b, t]

Z = sg.tanh(X @ W + b)
NETWORK = sg.sum((Z @ B - Y) ** 2) / 2
CROSS_ENTROPY = sg.sum(sg.logsumexp(X @ W, axis=1) - sg.sum(Y * (X @ W), axis=1))
LOGISTIC = sg.sum(sg.logaddexp(0.0, -v * (X @ w)))
MIXTURE = sg.sum(
    sg.logsumexp(-sg.sum((X[:, None, :] - W.T[None, :, :]) ** 2, axis=2) * t + b, axis=1)
)

BY_ROWS = {
    "network": [NETWORK, *sg.grad(NETWORK, [W, B, b])],
    "rows leave": [sg.softmax(X @ W, axis=1), sg.grad(CROSS_ENTROPY, W)],
    "cross-entropy": sg.grad(CROSS_ENTROPY, [W, X]),
    "logistic": [LOGISTIC, sg.grad(LOGISTIC, w), sg.hessian(LOGISTIC, w)],
    "mixture": [MIXTURE, *sg.grad(MIXTURE, [W, b, t])],
    "weighted rows": sg.einsum("ni,ij,nj,n->", Z, B, sg.exp(Z), v),
    "stacks": sg.sum(sg.einsum("ni,nj->nij", Z, Z) @ sg.einsum("ni,nj->nij", Z, Y), axis=0) * t,
    "row by row": sg.sum(Z * sg.sum(Z, axis=1)[:, None] / sg.max(Z, axis=1)[:, None], axis=0),
    "extrema over rows": [sg.max(Z @ B, axis=0), sg.min(sg.sum(Z, axis=1) * v)],
    "vector and rows": sg.exp(v) @ sg.sin(X @ W),
    "branches": sg.sum(sg.where(Z @ B > 0, sg.sqrt(sg.abs(Z @ B)), 0), axis=0),
    "later use": (Z @ B) / sg.sum(Z @ B, axis=0),
    "used whole as well": sg.sum(Z @ sg.tanh(Z.T @ Z), axis=0),
    "masks": [sg.any(Z @ B > 1.5, axis=0), sg.all(sg.sum(Z, axis=1) < 1)],
}
OTHERS = {
    "neighbours": sg.sum(sg.tanh(X[1:] @ W) * (X @ W)[:-1]),
    "columns of pairs": sg.sum(sg.exp(S) * v, axis=0) @ sg.exp(S),
    "square": [sg.exp(S @ S), sg.sum(sg.exp(S) @ S.T)],
    "running sums": sg.sum(sg.cumsum(X @ W, axis=0) * Y),
    "pairs of points": sg.sum(sg.exp(-sg.sum((P[:, None] - P) ** 2, axis=2)), axis=1),
    "number of rows": sg.sum(Z @ B, axis=0) / sg.size(X, 0),
    "diagonals": sg.sum(sg.diagonal(sg.exp(S) @ S) * v),
    "order of rows": sg.sum(sg.sort(X @ w) * v) if hasattr(sg, "sort") else sg.sum(v),
}


def found(outputs):
    program = Draft(SYMBOLS, outputs, Options()).of_large_arrays()
    loops = outlined(program, rows(program)).loops()
    return loops[0] if loops else None


def arguments(n, seed=5, d=4, k=3):
    rng = np.random.default_rng(seed)
    shapes = [(n, d), (n, k), (d, k), (k, k), (n, n), (n, 3), (n,), (d,), (k,)]
    return [*[rng.normal(size=shape) for shape in shapes], 0.7]


def as_list(outputs):
    return outputs if isinstance(outputs, list) else [outputs]


@pytest.mark.parametrize("n", [1, 3, 10, 31])
@pytest.mark.parametrize("name", [*BY_ROWS, *OTHERS])
def test_blocks_of_rows_give_what_all_rows_give(name, n, tiny_blocks):
    f = sg.lambdify(SYMBOLS, as_list({**BY_ROWS, **OTHERS}[name]))
    given = arguments(n) if name != "neighbours" or n > 1 else arguments(2)
    for result, wanted in zip(f(*given), f._plain()(*given), strict=True):
        assert np.shape(result) == np.shape(wanted)
        assert np.asarray(result).dtype == np.asarray(wanted).dtype
        np.testing.assert_allclose(result, wanted, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", BY_ROWS)
def test_what_is_by_rows(name):
    loop = found(as_list(BY_ROWS[name]))
    assert loop is not None and any(cut.axes[:1] == (0,) for cut in loop.operands)
    f = sg.lambdify(SYMBOLS, as_list(BY_ROWS[name]))
    assert "_loop0(" in f.large_source and "over rows of n: " in f.explain()


def test_what_needs_other_rows_is_not():
    for name in ("neighbours", "columns of pairs", "square", "running sums", "diagonals"):
        loop = found(as_list(OTHERS[name]))
        if loop is not None:  # a part of it may be
            assert all("cumsum" not in str(kind) for kind in loop.body.every_kind())
            assert all(i.shape.count("n") <= 1 for i in loop.body.instrs)


def test_sums_of_a_loss_are_all_that_leaves():
    loop = found(BY_ROWS["network"])
    assert [c.ufunc for c in loop.results] == ["add"] * 4
    assert [len(c.axes) for c in loop.results] == [0, 2, 2, 1]


def test_float32_and_ints_are_computed_in_their_own_types(tiny_blocks):
    f = sg.lambdify(SYMBOLS, BY_ROWS["network"])
    given = [np.asarray(a, np.float32) for a in arguments(10)]
    for result, wanted in zip(f(*given), f._plain()(*given), strict=True):
        assert result.dtype == wanted.dtype == np.float32
        np.testing.assert_allclose(result, wanted, rtol=1e-4)


def test_rows_are_written_where_the_caller_says(tiny_blocks):
    f = sg.lambdify(SYMBOLS, sg.softmax(X @ W, axis=1))
    given = arguments(11)
    buffer = np.full((11, 3), np.nan)
    assert f(*given, out=buffer) is buffer
    np.testing.assert_allclose(buffer, f._plain()(*given), rtol=1e-13)


def test_large_problems_go_through_the_cache_in_blocks():
    f = sg.lambdify([X, W, b, B, Y], [NETWORK, *sg.grad(NETWORK, [W, B, b])])
    rng = np.random.default_rng(6)
    shapes = [(6000, 20), (20, 30), (30,), (30, 30), (6000, 30)]
    given = [rng.normal(size=shape) / 4 for shape in shapes]
    with tuned(rows_bytes=1 << 18):
        first, second = f(*given), f(*given)
    for result, again, wanted in zip(first, second, f._plain()(*given), strict=True):
        assert np.array_equal(result, again)
        np.testing.assert_allclose(result, wanted, rtol=1e-11)
