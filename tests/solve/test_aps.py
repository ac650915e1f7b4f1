"""Alefeld, Potra and Shi's problems: none wrong at any order, nearly all solved."""

import numpy as np
import pytest
from tests.solve.aps import PROBLEMS, x

import symgrad as sg

MOST_UNSOLVED = 4


def test_the_formulas_are_those_of_scipy():
    assert len(PROBLEMS) == 154
    for e, case in PROBLEMS[::7]:
        for at in (case["x0"], 0.5 * sum(case["bracket"])):
            want = case["f"](at, *case["args"])
            assert float(sg.evaluate(e, {x: at})) == pytest.approx(want, rel=1e-9, abs=1e-300)


def outcome(e, case, found):
    """Whether the root of the table was found, another one, or none; a wrong one fails."""
    if not found.converged:
        return "none"
    root, at = case["root"], found.x
    if abs(at - root) <= 1e-8 * abs(root) + 1e-15:
        return "root"
    beside = [float(sg.evaluate(e, {x: at * (1 + side)})) for side in (-1e-9, 1e-9)]
    assert beside[0] * beside[1] < 0, (case["ID"], found)
    return "another"


@pytest.mark.parametrize("bracketed", [False, True], ids=["start", "bracket"])
@pytest.mark.parametrize("order", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_order_and_bracket(order, bracketed):
    assert _unsolved(order, bracketed, PROBLEMS) <= MOST_UNSOLVED


@pytest.mark.slow
@pytest.mark.parametrize("bracketed", [False, True], ids=["start", "bracket"])
@pytest.mark.parametrize("order", [3, 4])
def test_higher_orders(order, bracketed):
    assert _unsolved(order, bracketed, PROBLEMS) <= MOST_UNSOLVED


@pytest.mark.parametrize("order", [2, 3, 4])
def test_some_at_higher_orders(order):
    assert _unsolved(order, False, PROBLEMS[::12]) == 0


def _unsolved(order, bracketed, problems):
    unsolved = 0
    with np.errstate(all="ignore"):
        for e, case in problems:
            ends = tuple(float(end) for end in case["bracket"])
            bracket = {"bracket": ends} if bracketed else {}
            start = float(np.clip(case["x0"], *ends)) if bracketed else float(case["x0"])
            found = sg.newton_root(e, x, order=order, **bracket)(start)
            unsolved += outcome(e, case, found) == "none"
    return unsolved
