"""The figures that depend on the machine are one record, replaced as one."""

import threading

import pytest

import symgrad as sg
from symgrad.expr.tuning import MEASURED, tuned, tuning


def test_figures_hold_within_a_context_and_come_back():
    assert tuning() is MEASURED
    with tuned(space_cost=1):
        assert tuning().space_cost == 1 and tuning().space_entries == MEASURED.space_entries
        with tuned(space_cost=2, float_steps=3):
            assert (tuning().space_cost, tuning().float_steps) == (2, 3)
        assert tuning().space_cost == 1
    assert tuning() is MEASURED
    with pytest.raises(TypeError), tuned(no_such_figure=1):
        pass


def test_other_threads_keep_theirs():
    found = []
    with tuned(space_cost=1):
        thread = threading.Thread(target=lambda: found.append(tuning().space_cost))
        thread.start()
        thread.join()
    assert found == [MEASURED.space_cost]


def test_plans_follow_the_figures():
    v = sg.vector("v", "n")
    with tuned(space_cost=1000):
        assert "_loop" not in sg.lambdify(v, sg.exp(v) * 2).explain()
    assert "_loop" in sg.lambdify(v, sg.exp(v) * 2 + sg.sin(v)).explain()
