"""Printing costs the graph, not its tree: named and shared parts, bounds, linear time."""

import subprocess
import sys

import pytest

import symgrad as sg
from symgrad.print.printer import MAX_DEFINITIONS, MAX_LENGTH
from symgrad.print.text import text

x, y = sg.symbols("x y")
PRINTERS = [str, sg.latex]


def nest(step, levels, start=x):
    e = start
    for level in range(levels):
        e = step(e, level)
    return e


def test_named_parts_are_listed_after_where():
    p = sg.named(x**2 + 1, "p")
    q = sg.named(p + y, "q")
    assert str(p**3) == "p**3 where p = x**2 + 1"
    assert str(p * q) == "p*q where p = x**2 + 1, q = p + y"
    assert str(p) == "p where p = x**2 + 1"


def test_names_that_clash_get_a_number():
    first, second = sg.named(x**2, "p"), sg.named(x**3, "p")
    assert str(first + second) == "p + p_2 where p = x**2, p_2 = x**3"
    assert str(sg.named(x**2, "x") + x) == "x + x_2 where x_2 = x**2"


def test_a_small_formula_is_flat_however_shared():
    e = nest(lambda e, _: e * (e + 1), 3)
    assert "where" not in str(e)


def test_shared_parts_of_a_large_formula_become_definitions():
    e = nest(lambda e, level: e * (e + level), 12)
    lines = str(e).splitlines()
    assert lines[0] == "t10*(t10 + 11) where"
    assert lines[1] == "  t1 = x**2*(x**2 + 1)" or lines[1].startswith("  t1 = ")
    assert lines[-1] == "  t10 = t9*(t9 + 10)"


def test_definitions_do_not_take_the_names_of_symbols():
    t1 = sg.symbol("t1")
    shown = str(nest(lambda e, level: e * (e + level), 12, t1))
    assert "  t1 = " not in shown
    assert "  t2 = " in shown


def test_a_shared_reciprocal_is_printed_once():
    # each level uses 1/(e + 1) twice, in products that would write its base out
    e = nest(lambda e, _: x / (e + 1) + 1 / (e + 1), 40)
    assert len(str(e)) < 3000


def test_a_long_sum_is_cut_with_a_count():
    terms = [sg.symbol(f"x{i}") for i in range(20_000)]
    e = nest(lambda e, i: e + terms[i + 1] ** 2, len(terms) - 1, terms[0])
    for show in PRINTERS:
        shown = show(e)
        assert "19900 more terms" in shown
        assert len(shown) < 3000


def test_a_long_product_and_a_long_stack_are_cut_with_a_count():
    symbols = [sg.symbol(f"x{i}") for i in range(1000)]
    assert "900 more factors" in str(nest(lambda e, i: e * symbols[i], 1000, sg.constant(1)) / y)
    assert "900 more" in str(sg.stack(symbols))
    assert "900 more" in sg.latex(sg.stack(symbols))


@pytest.mark.parametrize("levels", [5_000, pytest.param(20_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("show", PRINTERS)
@pytest.mark.parametrize(
    "step",
    [
        lambda e, _: sg.sin(e) * e + e,
        lambda e, _: sg.sin(e),
        lambda e, _: 1 / (e + 1),
        lambda e, _: e - sg.exp(-e),
        lambda e, _: sg.named(e + 1, "p"),
        lambda e, _: sg.where(e > 0, e, -e),
    ],
    ids=["shared", "chain", "quotients", "differences", "named", "where"],
)
def test_depth_is_no_limit(show, step, levels):
    shown = show(nest(step, levels))
    assert "more definitions left out" in shown
    assert len(shown) < 2 * MAX_LENGTH


def test_work_grows_with_the_graph():
    def calls(levels):
        e = nest(lambda e, _: sg.sin(e) * e + e, levels)
        count = 0

        def counted(frame, event, arg):
            nonlocal count
            count += event == "call"

        sys.setprofile(counted)
        try:
            str(e)
        finally:
            sys.setprofile(None)
        return count

    assert calls(20_000) < 12 * calls(2000)


def test_definitions_are_counted_exactly():
    shown = str(nest(lambda e, _: sg.sin(e) * e + e, 1000)).splitlines()
    assert len(shown) == 1 + MAX_DEFINITIONS + 1
    assert shown[0].startswith("sin(t999)*t999")
    assert shown[-1] == f"  ... {999 - MAX_DEFINITIONS} more definitions left out"


def test_max_length_bounds_the_definitions():
    e = nest(lambda e, _: sg.sin(e) * e + e, 1000)
    assert len(text(e, max_length=500)) < 700
    assert "more definitions left out" in sg.latex(e, max_length=500)


SCRIPT = """
import symgrad as sg
x, y, z = sg.symbols("x y z")
e = x
for level in range(30):
    e = sg.sin(e) * y + sg.exp(e * z) / (e + level)
g = sg.grad(e, [x, y, z])
print(*g, *map(sg.latex, g), *map(sg.to_dot, g), sep="\\n")
"""


def test_the_same_text_in_every_process():
    runs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
