"""Names of long code are used again; short code keeps a name for each value."""

import re

import numpy as np

import symgrad as sg
from symgrad.targets.expressions import MIN_NAMES

x, y = sg.symbols("x y")


def test_a_name_is_free_after_its_last_use():
    e = x
    for _ in range(MIN_NAMES + 5):
        e = sg.sin(e) * y + e  # two uses, so a name for each level
    source = sg.lambdify([x, y], e).source
    names = re.findall(r"^    (t\d+) = ", source, re.MULTILINE)
    assert len(names) > MIN_NAMES and len(set(names)) == 1


def test_a_name_is_kept_while_it_is_needed():
    kept = sg.exp(x) + y
    e = kept
    for k in range(MIN_NAMES + 5):
        e = sg.sin(e) * y + e * k
    f = sg.lambdify([x, y], [e * kept, kept])
    holder = re.search(r"^    (t\d+) = np.exp\(x\) \+ y$", f.source, re.MULTILINE)[1]
    assert len(re.findall(rf"^    {holder} = ", f.source, re.MULTILINE)) == 1
    assert f(np.array([0.3]), np.array([0.7]))[1][0] == np.exp(0.3) + 0.7


def test_short_code_stays():
    e = x
    for _ in range(5):
        e = sg.sin(e) * y + e
    names = re.findall(r"^    (t\d+) = ", sg.lambdify([x, y], e).source, re.MULTILINE)
    assert len(names) == len(set(names)) > 3


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
