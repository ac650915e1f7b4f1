"""Small arrays of known shapes: code on their entries gives what the code on arrays gives."""

import pickle

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ShapeError
from symgrad.rewrite.unrolling import by_entries, has_entries

x = sg.vector("x", 4)
A = sg.matrix("A", (2, 3))
s = sg.symbol("s")
V = np.array([0.7, -1.3, 2.1, 0.4])
M = np.array([[1.5, -0.2, 0.3], [0.9, 2.2, -1.1]])

formula = sg.sin(x[0]) * x[1] ** 2 + sg.exp(-x[2]) / (1 + x[3] ** 2) + x[0] * x[1] * x[2] * x[3]


def both(args, outputs, *values):
    """The function, its first result, by the code on arrays, and its second."""
    f = sg.lambdify(args, outputs)
    first = f(*values)
    return f, first, f(*values)


@pytest.mark.parametrize(
    "output",
    [
        formula,
        sg.grad(formula, x),
        sg.hessian(formula, x),
        sg.jacobian(sg.stack([x[0] * x[1], sg.sin(x[2]), x[3] ** 3]), x),
        sg.sum(x**2) * x,
        sg.outer(x, x) + sg.eye(4),
        x[::-1] * sg.constant(np.array([1.0, 0.0, 3.0, 4.0])),
        sg.concatenate([x[1:3], x[:1]]),
        sg.where(x[0] > 0, x, 2 * x),
        sg.reshape(x, (2, 2)) @ A,
        sg.sum(A[0] * x[:3]) * A[:, 1],
        sg.grad(sg.sum(sg.tanh(A @ x[1:])), A),
        sg.constant(3.0) + 0 * x[0],
        sg.pi * x,
        [formula * s, (sg.grad(formula, x) * s, {"s": s})],
    ],
    ids=lambda e: str(e)[:40],
)
def test_entries_give_what_arrays_give(output):
    f, first, second = both([x, A, s], output, V, M, 1.7)
    assert f.scalar_source is not None and "tolist" in f.scalar_source
    for a, b in zip(flat(first), flat(second), strict=True):
        assert type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(b, a, rtol=1e-13, atol=1e-13)


def flat(result):
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return [leaf for part in result for leaf in flat(part)]
    return [result]


def test_symmetric_entries_are_computed_once():
    h = sg.hessian(formula, x)
    grid = by_entries([("x", x)], [h]).outputs[0]
    assert all(grid[i, j] is grid[j, i] for i in range(4) for j in range(4))
    f, _, second = both(x, h, V)
    assert np.array_equal(second, second.T) and f.scalar_source.count("exp(") == 1


@pytest.mark.parametrize(
    ("output", "at"),
    [
        (sg.log(x[0]) * x, [-1.0, 1.0, 2.0, 3.0]),
        (sg.log(x), [0.0, 1.0, 2.0, -3.0]),
        (1 / x, [0.0, -0.0, np.inf, np.nan]),
        (sg.exp(x[0]) * x, [1000.0, 0.0, 1.0, -1.0]),
        (sg.sqrt(x), [-1.0, 0.0, 4.0, np.inf]),
        (x**3 - x, [np.inf, -np.inf, 1e200, 5e-324]),
        (x * sg.constant(np.array([0.0, 1.0, 1.0, 0.0])), [np.inf, 1.0, 2.0, np.nan]),
        (sg.maximum(x[0], x[1]) + x, [np.nan, 1.0, np.inf, -np.inf]),
    ],
    ids=str,
)
def test_edges_are_those_of_arrays(output, at):
    with np.errstate(all="ignore"):
        f, first, second = both(x, output, np.array(at))
        np.testing.assert_array_equal(second, first)
    assert f.scalar_source is not None


def test_other_arguments_take_the_general_path():
    f, first, _ = both([x, s], sg.grad(formula, x) * s, V, 2.0)
    np.testing.assert_allclose(f(V.tolist(), 2.0), first, rtol=1e-14)
    np.testing.assert_allclose(f(V[::-1][::-1], np.float64(2.0)), first, rtol=1e-14)
    np.testing.assert_allclose(f(np.stack([V, V])[0], 2), first, rtol=1e-14)
    np.testing.assert_allclose(f(s=2.0, x=V), first, rtol=1e-14)
    np.testing.assert_allclose(f(V.astype(np.float32), 2.0), first, rtol=1e-6)
    np.testing.assert_allclose(f(V.astype(">f8"), 2.0), first, rtol=1e-14)
    out = np.empty(4)
    assert f(V, 2.0, out=out) is out
    np.testing.assert_allclose(out, first, rtol=1e-14)
    with pytest.raises(ShapeError, match=r"argument x has shape \(3,\), needs \(4,\)"):
        f(V[:3], 2.0)
    with pytest.raises(TypeError, match="missing argument s"):
        f(V)


def test_results_are_new_writable_arrays():
    f, *_ = both(x, [x, x * 1, x + 1], V)
    results = f(V)
    results[0][:] = 0
    results[1] += 5
    assert V[0] == 0.7 and f(V)[0][0] == 0.7 and not np.may_share_memory(results[0], results[1])


def test_names_do_not_clash():
    t0, x0 = sg.symbol("t0"), sg.symbol("x0")
    odd = sg.vector("float64", 2)
    e = sg.exp(t0 * x0) + sg.log(x[0] * x0) * x[1] + odd[0] * odd[1]
    f, first, second = both([x, x0, t0, odd], e, V, 2.0, 0.5, np.array([3.0, 4.0]))
    assert first == pytest.approx(second, rel=1e-15)
    with np.errstate(invalid="ignore"):  # the general path gets the arguments as they were
        assert np.isnan(f(V, -2.0, 0.5, np.array([3.0, 4.0])))
    assert f(V, 2.0, t0=0.5, float64=np.array([3.0, 4.0])) == pytest.approx(second, rel=1e-15)


def test_pickles():
    f, first, _ = both(x, sg.hessian(formula, x), V)
    again = pickle.loads(pickle.dumps(f))
    for _ in range(3):
        np.testing.assert_allclose(again(V), first, rtol=1e-14)


def test_where_arrays_are_better_they_stay():
    big = sg.vector("v", 500)
    f, first, second = both(big, sg.sin(big) * big, np.linspace(0, 1, 500))
    assert f.scalar_source is None and "entries" not in f.explain()
    np.testing.assert_array_equal(first, second)
    n = sg.vector("v", "n")
    assert not has_entries([n], [n[0] * n[1]])
    assert not has_entries([sg.vector("f", 3, dtype=np.float32)], [sg.constant(1.0)])
    assert not has_entries([s], [sg.sin(s)])  # scalars have code of their own
    assert "entries as Python floats" in sg.lambdify(x, formula).explain()


def test_hundreds_of_entries():
    v = sg.vector("v", 300)
    f = sum(100 * (v[i + 1] - v[i] ** 2) ** 2 + (1 - v[i]) ** 2 for i in range(299))
    at = np.random.default_rng(0).normal(size=300)
    compiled, first, second = both(v, [f, sg.grad(f, v)], at)
    assert compiled.scalar_source is not None
    assert first[0] == pytest.approx(second[0], rel=1e-13)
    np.testing.assert_allclose(second[1], first[1], rtol=1e-12)
