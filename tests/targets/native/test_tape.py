"""Long programs as loops over a tape: the values of straight code, whatever their steps."""

import itertools
import math
import threading

import numpy as np
import pytest

import symgrad as sg
from symgrad.compile import native as choice
from symgrad.compile.native import on_tape
from symgrad.targets.native.tape import groups_of

xs = sg.symbols("x0:9")


@pytest.fixture(autouse=True)
def every_program(monkeypatch):
    """Programs of any length on a tape."""
    monkeypatch.setattr(choice, "LONG", 1)
    monkeypatch.setattr("symgrad.targets.native.tape.LEAST_GROUP", 1)


def pairs(f):
    return [f(a, b) for a, b in itertools.combinations(xs, 2)]


FORMULAS = {
    "hessian": sg.hessian(sum(pairs(lambda a, b: sg.sin(a * b))), xs),
    "functions": [
        [sg.exp(a) * b, sg.arctan2(a, b), sg.log1p(a * a), sg.hypot(a, b), sg.cbrt(a), sg.tanh(b)]
        for a, b in itertools.pairwise(xs)
    ],
    "truths": {
        "a": pairs(lambda a, b: sg.where(a > b, a, sg.maximum(b, 2 * a))),
        "b": pairs(lambda a, b: sg.logical_and(a > b, a > 0)),
        "c": [sg.constant(2.0), xs[3], True, *pairs(lambda a, b: a == b)[:3]],
    },
    "scipy": [sg.special.gamma(x * x + 1) + sg.special.jv(2, x) for x in xs],
    "chain": sum(sg.exp(-x) for x in xs) ** 3,
    "nothing": [xs[0], 1.5, xs[0]],
}


@pytest.mark.parametrize("name", FORMULAS)
def test_values_are_those_of_the_numpy_code(name):
    f = sg.lambdify(xs, FORMULAS[name], backend="native")
    plain = sg.lambdify(xs, FORMULAS[name])
    rng = np.random.default_rng(len(name))
    for scale in (1.0, 1e-3, 30.0):
        given = (rng.normal(size=9) * scale).tolist()
        got, want = f(*given), plain(*given)
        assert same(got, want)
    assert on_tape(f._as_native().steps) == (name not in {"nothing", "scipy"})


def same(got, want):
    assert isinstance(want, type(got))
    if isinstance(want, dict):
        return all(same(got[k], want[k]) for k in want)
    if isinstance(want, (list, tuple)):
        return all(same(g, w) for g, w in zip(got, want, strict=True))
    return got == pytest.approx(want, rel=1e-12, abs=1e-14)


def test_special_values_and_large_arguments():
    formulas = [[sg.sin(x), sg.cos(x), sg.exp(x), x - x * 1, 0 * x] for x in xs]
    f, plain = sg.lambdify(xs, formulas, backend="native"), sg.lambdify(xs, formulas)
    given = [1e300, -1e22, math.inf, -math.inf, math.nan, -0.0, 2.0**31, 710.0, -5e-324]
    got, want = np.array(f(*given)), np.array(plain(*given))
    np.testing.assert_allclose(got, want, rtol=1e-15)
    np.testing.assert_array_equal(np.signbit(got[5]), np.signbit(want[5]))
    f(*[1.0] * 9)
    np.testing.assert_array_equal(np.array(f(*given)), got)  # nothing stays on the tape


def test_entries_of_arrays():
    hessian = sg.hessian(sum(pairs(lambda a, b: sg.cos(a * b))), xs)
    f = sg.lambdify(xs, sg.stack([sg.stack(row) for row in hessian]), backend="native")
    assert "entries of small arrays" in f.explain()
    a = np.random.default_rng(3).normal(size=9)
    product = np.outer(a, a)
    off = -np.sin(product) - product * np.cos(product)
    np.fill_diagonal(off, 0)
    bend = -np.cos(product) * a**2
    np.fill_diagonal(bend, 0)
    for _ in range(3):
        got = f(*a.tolist())
        np.testing.assert_allclose(got, off + np.diag(bend.sum(axis=1)), rtol=1e-11, atol=1e-11)


def test_steps_stand_by_depth_and_kind():
    f = sg.lambdify(xs, FORMULAS["hessian"], backend="native")
    steps = f._as_native().steps
    groups = groups_of(steps)
    assert sorted(v for g in groups for v in g.members) == [
        v for v, step in enumerate(steps.steps) if step.computes
    ]
    before = {v for v, step in enumerate(steps.steps) if not step.computes}
    for group in groups:
        assert {steps.steps[v].does for v in group.members} == {group.does}
        assert all(a in before for v in group.members for a in steps.steps[v].operands)
        before.update(group.members)


def test_calls_from_several_threads():
    f = sg.lambdify(xs, FORMULAS["hessian"], backend="native")
    points = np.random.default_rng(5).normal(size=(6, 9)).tolist()
    want, wrong = [f(*p) for p in points], []

    def work(k):
        wrong.extend([1 for _ in range(100) if f(*points[k]) != want[k]])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
