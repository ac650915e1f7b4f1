"""One equation in one number that holds arrays inside: point by point, in batches, at any order."""

import multiprocessing
import pickle

import numpy as np
import pytest

import symgrad as sg
from symgrad import errors

x, p = sg.symbols("x p")
FLOWS, YEARS = np.array([-100.0, 30, 40, 50]), np.arange(4)
PARTS, RATIOS = np.array([0.3, 0.3, 0.4]), np.array([4.0, 1.2, 0.2])
T = np.array([1.0, 2.0, 3.0])
A = np.array([[2.0, 1, 0], [1, 3, 1], [0, 1, 4]])
I = np.eye(3)  # noqa: E741
EQUATIONS = {
    "return": (
        sg.sum(FLOWS / (1 + x) ** YEARS) * p,
        lambda x, p: np.sum(FLOWS / (1 + x) ** YEARS) * p,
        0.1,
        (0.0, 0.5),
    ),
    "yield": (
        sg.sum(T * sg.exp(-x * T)) - 5 * p,
        lambda x, p: np.sum(T * np.exp(-x * T)) - 5 * p,
        0.05,
        (-0.5, 1.0),
    ),
    "flash": (
        sg.sum(PARTS * (RATIOS - 1) / (1 + x * (RATIOS - 1))) + (p - 1) / 100,
        lambda x, p: np.sum(PARTS * (RATIOS - 1) / (1 + x * (RATIOS - 1))) + (p - 1) / 100,
        0.5,
        (0.0, 1.0),
    ),
    "determinant": (
        sg.linalg.det(A - x * sg.eye(3)) * p,
        lambda x, p: np.linalg.det(A - x * I) * p,
        1.0,
        (0.5, 2.0),
    ),
    "solve": (
        sg.linalg.solve(A + x * sg.eye(3), np.ones(3))[0] - 0.2 * p,
        lambda x, p: np.linalg.solve(A + x * I, np.ones(3))[0] - 0.2 * p,
        1.0,
        (0.0, 10.0),
    ),
    "stack": (
        sg.sum(sg.stack([x**2, x * p, -3 + 0 * x])),
        lambda x, p: x**2 + x * p - 3,
        1.0,
        (0.0, 5.0),
    ),
    "concatenate": (
        sg.sum(sg.concatenate([sg.reshape(x, (1,)), np.array([-2.0])]) * p),
        lambda x, p: (x - 2) * p,
        1.0,
        (0.0, 5.0),
    ),
    "broadcast": (
        sg.broadcast_to(sg.exp(x) - p, (3,))[1],
        lambda x, p: np.exp(x) - p,
        1.0,
        (-3.0, 5.0),
    ),
    "entry": (
        (np.array([2.0, 3.0]) * sg.exp(x))[1] - 3 * p,
        lambda x, p: 3 * np.exp(x) - 3 * p,
        1.0,
        (-3.0, 5.0),
    ),
    "polynomial": (
        sg.sum(np.array([1.0, -2, -1, 1]) * x ** np.arange(4)) - p,
        lambda x, p: np.polyval([1.0, -1, -2, 1], x) - p,
        2.5,
        (1.5, 4.0),
    ),
    "branches": (
        sg.sum(sg.where(T > 1.5, x * T, x**2)) - p * 5,
        lambda x, p: x * x + 5 * x - 5 * p,
        0.5,
        (0.0, 4.0),
    ),
    "norm": (
        sg.linalg.norm(x * T - 1) - p,
        lambda x, p: np.linalg.norm(x * T - 1) - p,
        2.0,
        (0.5, 9.0),
    ),
}
VALUES = np.array([1.0, 1.1, 1.2])


@pytest.mark.parametrize("name", EQUATIONS)
@pytest.mark.parametrize("how", ["plain", "order", "bracket", "bounds"])
def test_each_point_and_each_member_of_a_batch(name, how):
    e, f, start, ends = EQUATIONS[name]
    options = {"plain": {}, "order": {"order": 3}, "bracket": {"bracket": ends}}
    solver = sg.newton_root(e, x, p, **options.get(how, {"bounds": ends}))
    single = [solver(start, value) for value in VALUES]
    batch = solver(np.full(3, start), VALUES)
    column = solver(start, VALUES[:, None])
    assert batch.converged.all() and all(one.converged for one in single)
    np.testing.assert_allclose(batch.x, [one.x for one in single], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(column.x, batch.x[:, None], rtol=1e-12, atol=1e-15)
    for at, value in zip(batch.x, VALUES, strict=True):
        aside = 1e-9 * abs(at) + 1e-15
        assert f(at - aside, value) * f(at + aside, value) <= 0
        assert isinstance(single[0].x, float)


@pytest.mark.parametrize("name", EQUATIONS)
def test_the_same_as_an_expression(name):
    e, _, start, _ = EQUATIONS[name]
    want = sg.newton_root(e, x, p)(np.full(3, start), VALUES).x
    root = sg.implicit(e, x, p, x0=start)
    got = [float(sg.evaluate(root, {p: value})) for value in VALUES]
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)


def test_parameters_may_be_arrays():
    c, t = sg.vector("c", "n"), sg.vector("t", "n")
    price = sg.newton_root(sg.sum(c * sg.exp(-x * t)) - p, x, [p, c, t])
    pay = np.array([5.0, 5.0, 105.0])
    one = price(0.05, 100.0, pay, T)
    assert one.x == pytest.approx(0.04879016416943218, rel=1e-14)
    two = price(np.full(2, 0.05), np.array([90.0, 100.0]), pay, T)
    np.testing.assert_allclose(two.x, [0.08568952786512236, one.x], rtol=1e-14)
    several = price(0.05, 100.0, np.stack([pay, 2 * pay]), T)
    assert several.converged.all() and several.x[0] == pytest.approx(one.x, rel=1e-14)
    M = sg.matrix("M", (3, 3))
    values = sg.newton_root(sg.linalg.det(M - x * sg.eye(3)), x, M)
    found = values([1.0, 3.1, 5.0], A)
    np.testing.assert_allclose(found.x, np.linalg.eigvalsh(A), rtol=1e-12)
    np.testing.assert_allclose(values(1.0, np.stack([A, 2 * A])).x[0], found.x[0], rtol=1e-12)


# Callbacks, and errors that cross processes


def test_callbacks_of_batches_are_told_what_is_left():
    told = []
    solver = sg.newton_root(x**2 - p, x, p)
    targets = np.array([2.0, 3.0, 1e6])
    found = solver(np.ones(3), targets, callback=lambda *now: told.append(now))
    np.testing.assert_allclose(found.x, np.sqrt(targets), rtol=1e-15)
    left = [len(at) for _, at, _, _ in told]
    assert left[0] == 3 and left[-1] == 1 and left == sorted(left, reverse=True)
    assert all(len(at) == len(size) == len(step) for _, at, size, step in told)
    y = sg.symbol("y")
    told.clear()
    pair = sg.newton_root([x**2 + y**2 - p, x * y - 1], [x, y], p)
    pair(np.tile([2.0, 1.0], (4, 1)), np.linspace(3, 9, 4), callback=lambda *now: told.append(now))
    assert told[0][1].shape == told[0][3].shape == (4, 2) and told[0][2].shape == (4,)
    assert len(told[-1][1]) < 4


NO_ROOT = sg.newton_root(x**2 + 1, x)


def unsolved(start):
    return NO_ROOT(start, raise_on_failure=True).x


def test_errors_cross_processes():
    workers = multiprocessing.get_context("fork").Pool(1)
    with workers as pool, pytest.raises(errors.ConvergenceError) as caught:
        pool.map_async(unsolved, [1.0, 2.0]).get(timeout=60)
    assert caught.value.solution.status is not sg.Status.CONVERGED


@pytest.mark.parametrize(
    "kind",
    [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, Exception)],
    ids=lambda k: k.__name__,
)
def test_every_error_survives_pickling(kind):
    special = {
        errors.ConvergenceError: ("none", NO_ROOT(1.0)),
        errors.ParseError: ("no operand", "x +", 3),
        errors.MixedError: ("a message", None),
    }
    error = kind(*special.get(kind, ("a message",)))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind and str(again) == str(error)
    for name in ("text", "offset", "reason"):
        assert getattr(again, name, None) == getattr(error, name, None)
    assert repr(getattr(again, "solution", None)) == repr(getattr(error, "solution", None))


def test_errors_of_saved_modules_survive_pickling(tmp_path, monkeypatch):
    NO_ROOT.save(tmp_path / "no_root_here.py")
    monkeypatch.syspath_prepend(tmp_path)
    import no_root_here

    with pytest.raises(no_root_here.ConvergenceError) as caught:
        no_root_here.solve(1.0, raise_on_failure=True)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is no_root_here.ConvergenceError and str(again) == str(caught.value)


# Assumptions are bounds


def test_assumptions_on_an_unknown_are_bounds():
    plus, minus = sg.symbol("q", positive=True), sg.symbol("m", negative=True)
    least = sg.symbol("z", nonnegative=True)
    for order in (1, 2, 3):
        solver = sg.newton_root((plus + 3) * (plus - 5), plus, order=order)
        assert solver(0.5).x == pytest.approx(5.0)
        np.testing.assert_allclose(solver([0.5, 1e-5, 100.0]).x, 5.0, rtol=1e-14)
    assert sg.newton_root((minus + 3) * (minus - 5), minus)(-0.5).x == pytest.approx(-3.0)
    assert sg.newton_root(least * (least + 1), least)(1.0).x == 0.0  # 0 is allowed
    assert not sg.newton_root(plus * (plus + 1), plus)(1.0).converged  # 0 is not
    assert not sg.newton_root(plus + 1, plus)(1.0).converged
    tiny = sg.newton_root(sg.log(plus) + 50, plus)
    np.testing.assert_allclose(tiny([1.0, 1e-3, 50.0]).x, np.exp(-50.0), rtol=1e-14)
    both = sg.newton_root([plus**2 + minus**2 - 5, plus * minus + 2], [plus, minus])
    found = both([0.3, -0.4])
    assert found.converged and found.x[0] > 0 > found.x[1]
    inside = sg.newton_root((plus - 1) * (plus - 5), plus, bounds=(2.0, None))
    assert inside(3.0).x == pytest.approx(5.0)


def test_bounds_are_honest():
    square = sg.newton_root(x**2 - 4, x, bounds=(2, 10))
    assert square(5.0).converged and square(5.0).x == 2.0
    outside = sg.newton_root(x**2 - 4, x, bounds=(3, 10))
    assert not outside(5.0).converged and 3.0 <= outside(5.0).x <= 10.0
    assert not outside([5.0, 9.0]).converged.any()
