"""The table of formulas whose accuracy is measured; no formula is worse compiled than written in NumPy."""

import math
import warnings

import numpy as np
import pytest
from benchmarks.accuracy import libraries, oracle
from benchmarks.accuracy.measure import WRONG, bits_lost, main, summary
from benchmarks.accuracy.table import Entry, entries

pytest.importorskip("scipy.special")
TABLE = entries()
FLOOR = 2.0  # bits: four units in the last place


def test_the_table():
    assert len(TABLE) >= 150
    assert len({(e.text, *e.ranges.values()) for e in TABLE}) == len(TABLE)
    assert {"cancellation", "tails", "far", "powers", "special"} <= {e.family for e in TABLE}


def test_points_are_in_their_range_and_the_same_every_time():
    entry = Entry("", "toy", "x + y", {"x": "near(1, 1e-3, 1e-1)", "y": "-log(1e-10, 1e2)"})
    points = entry.points(50)
    sizes = np.abs(points["x"] - 1)
    assert (
        np.all((sizes > 0.9e-3) & (sizes < 0.11)) and np.unique(np.sign(points["x"] - 1)).size == 2
    )
    assert np.all((points["y"] < 0) & (points["y"] > -101))
    np.testing.assert_array_equal(points["x"], entry.points(50)["x"])


def test_the_oracle_sees_beyond_doubles():
    entry = Entry("", "softplus", "log(1 + exp(x))", {"x": "lin(-700, -600)"})
    points = {"x": np.array([-700.0, -60.0, 2.0])}
    value, first, second = oracle.true_values(entry, points)
    logistic = np.exp(points["x"]) / (1 + np.exp(points["x"]))
    np.testing.assert_allclose(value, np.log1p(np.exp(points["x"])), rtol=1e-12)
    np.testing.assert_allclose(first, logistic, rtol=1e-12)
    np.testing.assert_allclose(second, logistic / (1 + np.exp(points["x"])), rtol=1e-12)


def test_bits():
    one = 1.0
    got = np.array([one, one + 2**-52, one + 2**-42, 0.0, math.nan, math.inf, math.inf, 5.0])
    want = np.array([one, one, one, one, one, one, math.inf, math.nan])
    bits = bits_lost(got, want)
    assert bits[:5].tolist() == [0, 0, 10, 52, 64]
    assert bits[5:7].tolist() == [64, 0]
    assert np.isnan(bits[7])


def test_summary_counts_what_is_wrong():
    entry = TABLE[0]
    found = {
        "symgrad": np.zeros((3, 2)),
        "JAX": np.array([[0.0, 1.0], [WRONG + 1, 0.0], [3.0, 0.0]]),
    }
    report = summary([(entry, found)], ["symgrad", "JAX"])
    assert report["JAX"]["wrong"] == 1 and report["symgrad"]["wrong"] == 0
    assert report["JAX"]["value"] == 0.5 and report["JAX"]["symgrad on the same"] == 0


def test_the_command():
    lines = []
    status = main(["sqrt(1 + x) - 1", "--points", "3", "--only", "sympy.lambdify"], lines.append)
    assert status == 0
    assert "symgrad" in lines[0] and "sympy.lambdify" in lines[0]
    assert main(["no such formula"], lines.append) == 2


def worse(entry, count):
    """By how many bits the compiled formula is worse than the formula as written, by the worst points."""
    points = entry.points(count)
    functions = oracle.derivatives(entry)[:1]
    want = np.array(
        [oracle.rounded(functions[0], row) for row in zip(*points.values(), strict=True)]
    )
    want = np.where(np.abs(want) < np.finfo(float).tiny, np.nan, want)  # nobody owes digits there
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        written = libraries.as_written(entry, points)[0]
        ours = libraries.symgrad(entry, points)[0]
    known = np.isfinite(want)
    if not known.any():
        return 0.0
    mine, theirs = bits_lost(ours, want)[known], bits_lost(written, want)[known]
    return float(np.max(mine) - max(float(np.max(theirs)), FLOOR - 1))


@pytest.mark.parametrize("entry", TABLE[::3], ids=lambda e: e.name)
def test_no_formula_is_worse_than_as_written(entry):
    assert worse(entry, 5) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("entry", TABLE, ids=lambda e: e.name)
def test_no_formula_is_worse_than_as_written_at_many_points(entry):
    assert worse(entry, 40) <= 1
