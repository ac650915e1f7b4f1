"""Names of long code are used again; short code keeps a name for each value."""

import re

import numpy as np
from symgrad.emit.recycle import MIN_NAMES, recycled

import symgrad as sg

x, y = sg.symbols("x y")


def test_a_name_is_free_after_its_last_use():
    statements = [f"t{k + 1} = np.sin(t{k})*x" if k else "t1 = x" for k in range(MIN_NAMES)]
    statements += ["keep = t3 + x", "t99 = keep*np.t1"]
    lines, results = recycled(statements, ["keep", "t99"])
    assert lines[1] == "t1 = np.sin(t1)*x" and lines[-2].startswith("keep = ") is False
    kept = lines[-2].split(" = ")[0]
    assert lines[-1].endswith(f" = {kept}*np.t1")  # an attribute is no name
    assert results == [kept, lines[-1].split(" = ")[0]]


def test_short_code_stays():
    statements = ["t0 = x*x", "t1 = t0 + 1", "t2 = t1*t1"]
    assert recycled(statements, ["t2"]) == (statements, ["t2"])


def test_long_code_gives_the_same_with_few_names():
    e, outputs = x, []
    for k in range(120):
        e = sg.sin(e) * y + e / (1 + e * e * (k % 7))
        if k % 30 == 0:
            outputs.append(e)
    f = sg.lambdify([x, y], [*outputs, e])
    names = set(re.findall(r"\bt\d+\b", f.source))
    assert len(names) < 30 and f.source.count(" = ") > 100
    a, b = np.random.default_rng(3).uniform(-1, 1, (2, 5))
    arrays = f(a, b)
    for k in range(5):
        floats = f(float(a[k]), float(b[k]))
        np.testing.assert_allclose([r[k] for r in arrays], floats, rtol=1e-11)
    np.testing.assert_array_equal(arrays, f(a, b))
