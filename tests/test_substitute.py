"""Substitution of entries and slices: the rest of the symbol stays."""

import numpy as np
import pytest

import symgrad as sg

v, A = sg.vector("v", 3), sg.matrix("A", ("m", "n"))
x = sg.symbol("x")
V = np.array([3.0, 5.0, 7.0])
M = np.arange(12.0).reshape(3, 4) + 1


@pytest.mark.parametrize(
    ("pick", "value"),
    [
        (lambda w: w[0], 2.0),
        (lambda w: w[-1], -4),
        (lambda w: w[1:], np.array([8.0, 9.0])),
        (lambda w: w[::2], 0.5),
        (lambda w: w[::-1], np.array([1.0, 2.0, 4.0])),
    ],
)
@pytest.mark.parametrize(
    "formula",
    [sg.sum(v**2), v[0] * v[-1] + v[1], sg.exp(v), v[1:] - v[:-1], sg.cumsum(v)],
    ids=str,
)
def test_entries_as_if_written_into_the_array(formula, pick, value):
    changed = V.copy()
    changed[:] = V
    if np.ndim(pick(V)):
        pick(changed)[...] = value
    else:
        changed[np.flatnonzero(pick(V) == V)[0]] = value
    f = sg.lambdify(v, formula)
    got = sg.lambdify(v, sg.substitute(formula, {pick(v): value}))(V)
    assert np.allclose(got, f(changed), rtol=1e-15)


def test_entries_of_matrices():
    f = sg.sum(A * A, axis=0) + A[0]
    got = sg.lambdify(A, f.subs({A[:, 1]: 2.0, A[2, 3]: 0}))(M)
    changed = M.copy()
    changed[:, 1], changed[2, 3] = 2.0, 0.0
    assert np.array_equal(got, (changed * changed).sum(0) + changed[0])


def test_the_other_entries_stay_as_written():
    w = sg.vector("w", 3)
    assert str((w[0] * w[1] + w[2]).subs({w[0]: 3})) == "3*w[1] + w[2]"
    assert str((w[0] * w[1]).subs(w[0], w[1])) == "w[1]**2"


def test_at_once_and_differentiable():
    f = sg.substitute(v[0] * x + sg.sum(v), {v[0]: x, x: 5.0})
    assert sg.evaluate(f, {v: V, x: 2.0}) == 2.0 * 5.0 + 2.0 + 5.0 + 7.0
    g = sg.sum(v**2).subs({v[0]: x})
    assert np.array_equal(sg.lambdify([v, x], sg.grad(g, v))(V, 2.0), [0.0, 10.0, 14.0])
    assert sg.lambdify([v, x], sg.diff(g, x))(V, 2.0) == 4.0


def test_what_is_no_entry_is_refused():
    with pytest.raises(sg.ShapeError, match=r"value of v\[0\] has shape \(3,\), needs \(\)"):
        v[0].subs({v[0]: V})
    with pytest.raises(sg.ArgumentError, match="must be a symbol"):
        v[0].subs({2 * v[0]: 1.0})


def test_extents_that_are_not_known():
    w = sg.vector("w", "n")
    assert sg.lambdify(w, sg.sum(w).subs({w[-1]: 2.0}))(V) == 10.0
    assert sg.lambdify(w, (w[0] * w[-1]).subs({w[-1]: 2.0}))(V[:1]) == 4.0  # one entry is both
    assert sg.lambdify(w, sg.sum(w).subs({w[1:]: 0.0}))(V) == 3.0
