"""SymPy's own tests of `lambdify` with the import changed: the docs list those that differ."""

import ast
import inspect
import re
import warnings
from pathlib import Path

import pytest
from sympy.utilities.tests import test_lambdify

import symgrad as sg

PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "from_sympy.md"
OTHER = re.compile(
    r"""\b(mpmath|cmath|numexpr|tensorflow|cupy|jax|numba)\b|["']sympy["']|printer=|lambdastr"""
)


def calls_lambdify(function):
    return any(
        isinstance(node, ast.Call) and getattr(node.func, "id", "") == "lambdify"
        for node in ast.walk(function)
    )


def counted():
    """The names of the tests that count: see the page."""
    source = inspect.getsource(test_lambdify)
    return [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test")
        and calls_lambdify(node)
        and not OTHER.search(ast.get_source_segment(source, node))
    ]


def passes(name, space):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            space[name]()
    except (Exception, pytest.fail.Exception):
        return False
    except BaseException as error:
        if type(error).__name__ != "Failed":  # of SymPy's raises
            raise
        return False
    return True


@pytest.mark.slow
def test_those_that_differ_are_listed():
    source = inspect.getsource(test_lambdify)
    changed = source.replace(
        "from sympy.utilities.lambdify import lambdify\n", "from symgrad import lambdify\n"
    )
    assert changed != source
    space = {"__name__": "changed"}
    exec(compile(changed, "test_lambdify", "exec"), space)
    assert space["lambdify"] is sg.lambdify
    names = counted()
    differing = {name for name in names if not passes(name, space)}
    table = PAGE.read_text(encoding="utf-8").partition("| test | what differs")[2]
    assert differing == set(re.findall(r"`(test_\w+)`", table))
    said = re.search(
        r"(\d+) of them call `lambdify`(?s:.*?)changed (\d+) of these pass", PAGE.read_text()
    )
    assert (len(names), len(names) - len(differing)) == tuple(map(int, said.groups()))
