"""A formula is lowered once; its other forms start from that, and are made when calls pay for them."""

import numpy as np
import pytest

import symgrad as sg
from symgrad.compile import pipeline
from symgrad.compile.function import CompiledFunction
from symgrad.expr.tuning import tuned

x, y = sg.symbols("x y")
v, A = sg.vector("v", "n"), sg.matrix("A", ("m", "n"))
ONES, FEW = np.ones((400, 300)), np.linspace(0.1, 1, 100)


@pytest.fixture
def lowerings(monkeypatch):
    """How often formulas were lowered."""
    found = []
    lower = pipeline.lower

    def counted(*args):
        found.append(args)
        return lower(*args)

    monkeypatch.setattr(pipeline, "lower", counted)
    return found


@pytest.mark.parametrize(
    ("args", "formula", "calls"),
    [
        ([x, y], sg.sin(x) * y + sg.exp(x * y), [(1.0, 2.0)]),
        ([x, y], sg.sin(x) * y + sg.exp(x * y), [(FEW, FEW), (FEW, 2.0), (1.0, 2.0)]),
        ([v], sg.sum(sg.sin(v) ** 2 * v), [(FEW,), (ONES.ravel(),)]),
        ([A, v], A @ sg.sin(v) + sg.sum(sg.exp(A) * A, axis=1), [(ONES, ONES[0])]),
        ([A, v], A.T @ (A @ v), [(ONES[:3], ONES[0]), (ONES, ONES[0])]),
    ],
)
def test_the_first_calls_lower_once(lowerings, args, formula, calls):
    with tuned(large_entries=1000):
        f = sg.lambdify(args, formula)
        for values in calls:
            for _ in range(3):
                f(*values)
    assert len(lowerings) == 1


def test_a_batch_by_columns_lowers_one_problem_once(lowerings):
    w = sg.vector("w", 4)
    one = sg.sin(w[0] * w[1]) * w[2] ** 2 + sg.exp(-w[3]) / (1 + w[0] ** 2) + w[1] * w[3]
    f = sg.lambdify(sg.symbol("w", ("k", 4)), sg.vmap(sg.hessian(one, w), over={w: "k"}))
    values = np.random.default_rng(1).normal(size=(300, 4))
    for _ in range(3):
        expected = f(values[:10])
    assert len(lowerings) == 1  # too few problems for columns to be looked for
    for _ in range(3):
        assert np.allclose(f(values)[:10], expected, rtol=1e-12, atol=1e-14)
    assert len(lowerings) == 2


def test_out_of_small_arrays_takes_the_path_without_checks(monkeypatch):
    f = sg.lambdify([x, y], {"a": x * y, "b": [sg.sin(x)]})
    out = {"a": np.empty(100), "b": [np.empty(100)]}

    def refused(*args):
        raise AssertionError

    monkeypatch.setattr(CompiledFunction, "_checked", refused)
    for values in [(FEW, FEW), (FEW, 2.0)]:
        assert f(*values, out=out) is out
        assert np.array_equal(out["a"], values[0] * values[1])
        assert np.array_equal(out["b"][0], np.sin(FEW))
    with pytest.raises(sg.ShapeError):
        f(FEW, FEW, out={"a": np.empty(99), "b": [np.empty(100)]})


def test_results_may_be_written_over_arguments():
    f = sg.lambdify([x, y], [x + y, x - y])
    a, b = FEW.copy(), FEW[::-1].copy()
    f(a, b, out=[a, b])
    assert np.array_equal(a, FEW + FEW[::-1])
    assert np.array_equal(b, FEW - FEW[::-1])


def test_code_on_entries_waits_until_calls_have_lost_what_it_takes():
    w = sg.vector("w", 3)
    state = w
    for _ in range(4):
        state = sg.sin(state) * w + state
    for prompt, call in ((10_000, 2), (0, 1000 * 18 // (15 * 12 - 18))):
        with tuned(prompt_steps=prompt):
            f = sg.lambdify(w, state)
            expected = f(np.ones(3))
            for k in range(2, call + 2):
                assert callable(f._code._scalar) == (k <= call), k
                assert np.allclose(f(np.ones(3)), expected, rtol=1e-14, atol=0)
        assert "_pack" in f.scalar_source
