"""Python's own protocols on expressions: copies, numbers, text, and operators of every side."""

import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest

import symgrad as sg

x, y = sg.symbols("x y")
v, w = sg.vector("v", 3), sg.vector("w", "n")
A = sg.matrix("A", (3, 3))
EXPRESSIONS = [
    x**2 * y,
    v[[True, False, True]],
    sg.sort(v) @ sg.constant([1.0, 2.0, 3.0]),
    sg.interp(x, [0.0, 1.0, 2.0], v),
    sg.roll(w, 2),
    sg.grad(sg.logsumexp(v, where=[True, True, False]), v),
    sg.searchsorted(v, w, "right"),
]


@pytest.mark.parametrize("index", range(len(EXPRESSIONS)))
def test_copies_are_the_same_expression(index):
    e = EXPRESSIONS[index]
    assert copy.copy(e) is e
    assert copy.deepcopy([e, {1: e}])[1][1] is e
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(e, protocol)) is e
    assert hash(e) == hash(copy.copy(e))
    assert {e: 1}[e] == 1
    assert str(e)
    assert sg.latex(e)


def test_constants_are_numbers():
    two = sg.constant(2)
    assert complex(two) == 2 + 0j
    assert float(sg.constant(Fraction(1, 2))) == 0.5
    assert format(sg.constant(1.25), ".1f") == "1.2"
    assert format(sg.constant(Fraction(1, 4)), ".3f") == "0.250"
    assert f"{two:>4}" == "   2"
    assert f"{x}" == "x"
    assert f"{x:>4}" == "   x"


SAME = [
    (round(x), sg.rint(x)),
    (round(x, 2), sg.round(x, 2)),
    (math.floor(x), sg.floor(x)),
    (math.ceil(x), sg.ceil(x)),
    (math.trunc(x), sg.trunc(x)),
    (pow(x, 2), x**2),
    (pow(2, x), 2**x),
    (divmod(7, x)[1], 7 % x),
    (divmod(x, 7)[0], x // 7),
    (np.float64(2) * x, x * np.float64(2)),
    (np.int64(2) + x, x + np.int64(2)),
    (np.sum([x, y, x]), x + y + x),
    (sum([x, y, x]), x + y + x),
    ([1.0, 2.0, 3.0] @ v, np.array([1.0, 2.0, 3.0]) @ v),
    (np.conjugate(v), v),
    (np.real(v), v),
    (np.piecewise(v, v > 0, [lambda t: t**2]), sg.where(v > 0, v**2, 0)),
    (
        np.piecewise(v, [v > 0], [lambda t, a, b: a * t + b, 5.0], 2, b=1),
        sg.where(v > 0, 2 * v + 1, 5.0),
    ),
    (np.clip(v, None, 1), sg.minimum(v, 1)),
    (np.select([v > 0, v < -1], [v, -v], 7.0), sg.where(v > 0, v, sg.where(v < -1, -v, 7.0))),
]


@pytest.mark.parametrize("index", range(len(SAME)))
def test_operators_and_builtins(index):
    ours, expected = SAME[index]
    assert ours is expected


REFUSED = [
    (lambda: sorted([x, y]), sg.TruthError, "truth value"),
    (lambda: max(x, y), sg.TruthError, "truth value"),
    (lambda: x in (y,), sg.TruthError, "equal in value"),
    (lambda: x < y < 1, sg.TruthError, "truth value"),
    (lambda: [y, x].index(x), sg.TruthError, "is b"),
    (lambda: math.sin(x), sg.TruthError, "symgrad.sin"),
    (lambda: complex(x), sg.TruthError, "complex"),
    (lambda: pow(x, 2, 5), sg.ArgumentError, "modulus"),
    (lambda: f"{x:.3f}", sg.ArgumentError, "format '.3f'"),
    (lambda: divmod(x, None), TypeError, "unsupported operand"),
    (lambda: divmod("a", x), TypeError, "not all arguments|unsupported operand"),
    (lambda: x.foo, AttributeError, "no attribute 'foo'"),
    (lambda: setattr(x, "foo", 1), AttributeError, "immutable"),
    (lambda: list(w), sg.SymbolicIterationError, "not known"),
    (lambda: len(x), sg.SymbolicIterationError, "scalar"),
    (lambda: np.add(np.zeros(3), v, out=np.zeros(3)), sg.ArgumentError, "memory"),
    (lambda: np.sort(v, order="a"), sg.ArgumentError, "order"),
    (lambda: np.sort(x), sg.ShapeError, "axis"),
    (lambda: np.interp(x, [1.0, 2.0], [1.0]), sg.ShapeError, "one length"),
    (lambda: np.interp(x, [], []), sg.ShapeError, "at least 1"),
    (lambda: np.interp(x, [0.0, 1.0], [1.0, 2.0], period=0), sg.ArgumentError, "period"),
    (lambda: np.searchsorted(A, x), sg.ShapeError, "sorted vector"),
    (lambda: np.searchsorted(v, x, side="mid"), sg.ArgumentError, "mid"),
    (lambda: np.take_along_axis(A, [0], 1), sg.ShapeError, "as many axes"),
]


@pytest.mark.parametrize("index", range(len(REFUSED)))
def test_refused(index):
    call, kind, words = REFUSED[index]
    with pytest.raises(kind, match=words):
        call()


def test_in_place_operators_make_new_expressions():
    e = v
    for change in ("e += 1", "e -= 2", "e *= 3", "e /= 4", "e **= 2", "e %= 5", "e @= A"):
        space = {"e": e, "A": A}
        exec(change, space)
        assert space["e"] is not e
    a = np.ones(3)
    with pytest.raises(sg.ArgumentError, match="memory"):
        a += v
