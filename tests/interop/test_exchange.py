"""Formulas as JSON: what is loaded is the node that was saved, and a damaged text is never a formula.

The contract tests of tests/ops save and load every op.
"""

import ast
import contextlib
import json
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest

import symgrad as sg
from symgrad.interop.exchange import _digest

x = sg.symbol("x", positive=True)
n = sg.symbol("n", integer=True)
k = sg.symbol("k", dtype=int)
v, A = sg.vector("v", "n"), sg.matrix("A", ("n", "n"), spd=True)
q = sg.function("q")(x)

FORMULAS = {
    "exact numbers": x**2 / 3 + 1.5,
    "pi and a name": sg.named(x**2, "p") + sg.pi,
    "large integer": x * 10**30,
    "an integer of 5,000 digits": sg.constant(10**5000) + x,
    "large fraction": sg.constant(10**4999) / 7**3000 + x,
    "infinity": x + float("inf"),
    "nan": x * float("nan"),
    "minus zero": sg.constant(-0.0) + sg.symbol("y"),
    "an awkward float": x * 0.1,
    "integer symbols": n**2 + k,
    "arrays": v[:3] @ sg.constant(np.array([0.1, np.nan, -0.0], dtype=np.float32)),
    "extents": sg.concatenate([v, v[1:], v[::2]]).sum() + sg.size(v, 0),
    "matrices": sg.hessian(sg.linalg.logdet(A) * (v @ A @ v), v),
    "undefined functions": sg.euler_lagrange(q.diff(x) ** 2 - q**2, q, x).equations[0],
    "branches": sg.where(x > 1, sg.sqrt(x - 1), 0),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_what_is_loaded_is_what_was_saved(name):
    text = sg.save_json(FORMULAS[name])
    assert text.isascii()
    assert "\n" not in text
    assert sg.load_json(text) is FORMULAS[name]
    assert sg.load_json(text.encode()) is FORMULAS[name]
    assert pickle.loads(pickle.dumps(FORMULAS[name])) is FORMULAS[name]


def test_nests():
    nest = {"f": [sg.sin(x), (x, v)], "g": {}}
    assert sg.load_json(sg.save_json(nest)) == {"f": [sg.sin(x), [x, v]], "g": {}}


def test_shared_parts_are_written_once_and_depth_is_no_matter():
    y = x
    for _ in range(5_000):
        y = sg.sin(y) * y
    text = sg.save_json(y)
    assert len(json.loads(text)["nodes"]) == 10_001
    assert sg.load_json(text) is y


def test_another_process_writes_the_same_text():
    code = "import symgrad as sg; x, y = sg.symbols('x y'); z = sg.exp(y)*x; print(sg.save_json(z + y*x))"
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(texts) == 1


def test_own_functions_are_given_on_the_way_back():
    g = sg.elementwise_function("wiggle", derivative=sg.cos, numpy="np.sin({0})")
    text = sg.save_json(g(x) * 2)
    with pytest.raises(sg.GraphError, match=r"'wiggle'.*functions="):
        sg.load_json(text)
    assert sg.load_json(text, functions=[g]) is g(x) * 2


def test_what_has_no_form_is_refused():
    with pytest.raises(sg.ArgumentError, match="constant"):
        sg.save_json([x, 1.0])
    with pytest.raises(sg.ArgumentError, match="key"):
        sg.save_json({1: x})
    with pytest.raises(sg.ArgumentError, match="text itself"):
        sg.load_json(x)


def signed(saved):
    """The text of a form, with the digest of what is in it now, as a forger would write it."""
    return json.dumps(saved | {"digest": _digest(saved.get("nodes"), saved.get("value"))})


def changed(row, place, value):
    """The text of sin(y)*[1., 2.] with one entry of the form put in place of another."""
    saved = json.loads(sg.save_json(sg.sin(sg.symbol("y")) * sg.constant(np.array([1.0, 2.0]))))
    target = saved if row is None else saved["nodes"][row]
    target[place] = value
    return signed(saved)


ROW = {json.dumps(node[0]): i for i, node in enumerate(json.loads(changed(None, "x", 0))["nodes"])}
ARRAY, SYMBOL, SINE = ROW['"constant"'], ROW['"symbol"'], ROW['"sin"']
FLOAT = {"dtype": ["<f8", False]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("3", "no object"),
        (changed(None, "symgrad", 2), "version 2"),
        (changed(None, "nodes", 5), "no list"),
        (changed(None, "value", {"node": 99}), "99"),
        (changed(None, "value", {"node": -1}), "-1"),
        (changed(None, "value", 5), "5"),
        (changed(SINE, 0, "eval"), "'eval', unknown"),
        (changed(SINE, 1, [SINE]), "no earlier rows"),
        (changed(SINE, 1, [True]), "no earlier rows"),
        (changed(SINE, 1, []), "sin"),
        (changed(SINE, 2, [3]), "sin"),
        (changed(SYMBOL, 2, ["y", ["n"], FLOAT, ["handsome"], None]), "symbol"),
        (changed(SYMBOL, 2, ["", [], FLOAT, [], None]), "symbol"),
        (changed(SYMBOL, 2, [["y"], [], FLOAT, [], None]), "symbol"),
        (changed(SYMBOL, 2, ["y", [], {"dtype": ["<c16", False]}, [], None]), "complex"),
        (changed(SYMBOL, 2, ["y", [-1], FLOAT, [], None]), "symbol"),
        (changed(ARRAY, 2, ["text", "int", [], FLOAT]), "constant"),
        (changed(ARRAY, 2, [{"float": "1.5"}, "int", [], FLOAT]), "contradict"),
        (changed(ARRAY, 2, [{"array": ["<f8", [2], "AAAA"]}, "array", [2], FLOAT]), "constant"),
        (changed(ARRAY, 2, [{"array": ["|O", [1], "A" * 12]}, "array", [1], FLOAT]), "constant"),
        (changed(ARRAY, 2, [{"fraction": [1, 0]}, "fraction", [], FLOAT]), "constant"),
        (changed(ARRAY, 2, [{"code": "1"}, "int", [], FLOAT]), "not a parameter"),
    ],
)
def test_damaged_texts_are_refused(text, message):
    with pytest.raises(sg.GraphError, match=message):
        sg.load_json(text)


def mutated(part, rng):
    """A form in which one entry, somewhere, is another of the usual kinds."""
    if isinstance(part, list) and part and rng.random() < 0.9:
        i = rng.randrange(len(part))
        return [*part[:i], mutated(part[i], rng), *part[i + 1 :]]
    if isinstance(part, dict) and part and rng.random() < 0.9:
        key = rng.choice(sorted(part))
        return part | {key: mutated(part[key], rng)}
    return rng.choice([0, 1, -1, 3, 10**40, None, True, "n", "x", "<f4", "import os", [], [0], {}])


def mutations(name, count):
    rng = random.Random(name)
    saved = json.loads(sg.save_json(FORMULAS[name]))
    for _ in range(count):
        part = rng.choice(["nodes", "value"])
        yield saved, saved | {part: mutated(saved[part], rng)}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_change_is_seen(name):
    for saved, other in mutations(name, 30):
        if other != saved:
            with pytest.raises(sg.GraphError, match=r"digest|nodes"):
                sg.load_json(json.dumps(other))


@pytest.mark.parametrize("name", FORMULAS)
def test_a_forged_text_runs_nothing(name):
    """It is refused, or it is a formula: at worst one that makes no sense, and cannot be compiled."""
    for _, other in mutations(name, 40):
        try:
            y = sg.load_json(signed(other))
        except sg.GraphError:
            continue
        if isinstance(y, sg.Expr):
            source = ""
            with contextlib.suppress(Exception):
                source = sg.lambdify(sg.free_symbols(y), y).source
            assert "os" not in imported(source)


def imported(source):
    """The names of the modules that a source imports, wherever it does."""
    nodes = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Import | ast.ImportFrom)]
    return {a.name for n in nodes for a in n.names}
