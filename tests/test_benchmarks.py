"""Benchmarks run, agree in value, and report honestly; how fast anybody is, no test says."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks import report
from benchmarks.case import Absent, Case, by_hand, flat
from benchmarks.cases import CASES
from benchmarks.compiling import measure as compiling
from benchmarks.compiling.table import SOURCES
from benchmarks.forms import measure as forms
from benchmarks.forms.table import formulas
from benchmarks.graphs import measure as graphs
from benchmarks.graphs.table import GRAPHS
from benchmarks.growth import measure as growth
from benchmarks.harness import Outcome, Row, difference, measure, prepare
from benchmarks.peers import PEERS

import symgrad as sg

ROOT = Path(__file__).parents[1]
HERE = {
    "symgrad",
    "fast_math",
    "native",
    "native fast_math",
    "structured",
    "by hand",
    "SciPy",
    "sympy.lambdify",
    "sympy cse",
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_participants_agree(case):
    inputs = case.inputs(case.tiny, np.random.default_rng(1))
    runs, outcomes = prepare(case, inputs, HERE)
    assert case.reference in runs
    assert {name: o.note for name, o in outcomes.items() if o.status in ("wrong", "failed")} == {}
    if outcomes["symgrad"].status == "absent":
        assert "newton" in outcomes["symgrad"].note
    assert "by hand" in runs or {"sympy.lambdify", "sympy cse"} <= set(runs)


@pytest.mark.parametrize("name", [n for n in PEERS if not n.startswith("sympy")])
def test_a_peer_takes_part_or_is_absent(name):
    case = CASES["points"]
    inputs = case.inputs(case.tiny, np.random.default_rng(1))
    _, outcomes = prepare(case, inputs, {"by hand", name})
    assert outcomes[name].status in ("measured", "absent")


def toy(**participants):
    ours = {"symgrad": by_hand(lambda x: 2 * x), "by hand": by_hand(lambda x: x + x)}
    return Case(
        "toy", "toy, {n}", lambda n, rng: (rng.normal(size=n),), (5,), ours | participants, 5
    )


def fail(x):
    raise ValueError("no")


def refuse(x):
    raise Absent("not here")


@pytest.fixture
def row():
    slow = by_hand(lambda x: sum(2 * x for _ in range(300)) / 300)
    peers = {"numba": by_hand(lambda x: 2.001 * x), "SciPy": by_hand(fail), "torch": refuse}
    return measure(toy(autograd=slow, **peers), 5, budget=0.02)


def test_the_wrong_and_the_failing_are_reported_not_timed(row):
    outcomes = row.outcomes
    assert [outcomes[k].status for k in ("numba", "SciPy", "torch")] == [
        "wrong",
        "failed",
        "absent",
    ]
    assert outcomes["numba"].error == pytest.approx(5e-4)
    assert outcomes["SciPy"].note == "ValueError: no"
    assert all(math.isnan(outcomes[k].ratio) for k in ("numba", "SciPy", "torch"))
    assert sorted(report.notes([row])) == [
        "toy, 5: SciPy failed: ValueError: no",
        "toy, 5: numba wrong: off by 5.0e-04",
    ]


def test_ratios_are_to_symgrad(row):
    ours, slow = row.outcomes["symgrad"], row.outcomes["autograd"]
    assert (ours.low, ours.ratio, ours.high) == (1, 1, 1)
    assert slow.low <= slow.ratio <= slow.high


def test_a_row_survives_json(row, tmp_path):
    again = Row.from_dict(json.loads(json.dumps(row.as_dict())))
    assert again.as_dict() == row.as_dict()
    report.write_json(tmp_path / "out.json", [row], threads=2)
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["machine"]["packages"]["numpy"] == np.__version__
    assert [r["case"] for r in data["rows"]] == ["toy"]


def test_the_table():
    outcomes = {
        "symgrad": Outcome("measured", figure=2.5e-6, ratio=1.0),
        "by hand": Outcome("measured", ratio=1.256),
        "jax.jit": Outcome("measured", ratio=1234.5),
        "numba": Outcome("wrong", "off by 1"),
        "torch": Outcome("absent"),
    }
    rows = [Row("toy", 5, "toy, 5", "s", 1e-12, 3, outcomes)]
    rows.append(Row("big", 1, "big", "MB", 1e-12, 3, {"symgrad": Outcome("measured", figure=12.4)}))
    assert report.table(rows, markdown=True).splitlines() == [
        "| work | symgrad | by hand | numba | jax.jit |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| toy, 5 | 2.5 us | 1.26 | wrong | 1,234 |",
        "| big | 12 MB |  |  |  |",
    ]
    first, *rest = report.table(rows).splitlines()
    assert first.split() == ["work", "symgrad", "by", "hand", "numba", "jax.jit"]
    assert all(len(line) == len(first) for line in rest)


def test_the_plot(row, tmp_path):
    pytest.importorskip("matplotlib")
    report.write_plot(tmp_path / "out.png", [row])
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("results", "error"),
    [([1.0, [2.0, 4.0]], 0.0), ([[1.0], 2.0, 4.4], 0.1), ([1.0, 2.0], math.inf)],
)
def test_differences_are_relative_to_the_largest_entry(results, error):
    expected = flat([1.0, np.array([2.0, 4.0])])
    assert difference(flat(results), expected) == pytest.approx(error)


def test_nan_is_wrong():
    assert difference(flat([math.nan]), flat([1.0])) == math.inf


def test_the_command():
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "scalar",
        "--seconds",
        "0.01",
        "--only",
        "by hand",
    ]
    done = subprocess.run(
        [*command, "--markdown"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    machine, _, header, _, line = done.stdout.splitlines()
    assert "threads; Python" in machine
    assert header == "| work | symgrad | by hand |"
    assert line.startswith("| derivative of x**4 - 2*x**2, one number |")


def test_an_unknown_case_is_refused():
    command = [sys.executable, "-m", "benchmarks", "nonsense"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert "unknown: nonsense" in done.stdout


def test_forms_report_both_texts(capsys):
    """The command prints what both libraries print, and counts operations of the texts themselves."""
    assert forms.operations("-sin(x)/(4*x**2)") == 5
    assert forms.main(["lens", "power"]) == 0
    shown = capsys.readouterr().out
    assert "y**2/(x + y)**2" in shown and "2 derivatives:" in shown
    assert forms.main(["no such formula"]) == 2


def test_printed_derivatives_are_no_longer_than_sympy_s():
    """A sample of the table; `python -m benchmarks forms` runs all of it."""
    rows = [forms.measured(f) for f in list(formulas())[::23]]
    assert max(row.ratio for row in rows) <= 1.2
    assert sum(row.count for row in rows) < sum(row.their_count for row in rows)


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_are_measured(name):
    """Every graph at two small sizes: all stages, nodes, and derivatives that are right."""
    sizes = (6, 12) if GRAPHS[name].unknowns(7) == 7 else (60, 120)
    rows = [graphs.measured(name, n, "symgrad") for n in sizes]
    assert all(set(row.seconds) == set(graphs.STAGES) and row.nodes > 0 for row in rows)
    shown = graphs.table(rows)
    assert "symgrad: making ~ nodes**" in shown
    off = replace(rows[0], library="other", sample=[1.0, 2.0])
    assert "VALUES DIFFER" in graphs.table([*rows, off])


def test_derivatives_of_graphs_against_differences():
    for name in ("dag", "arm", "chain"):
        outputs, count = GRAPHS[name].outputs, GRAPHS[name].unknowns(12)
        xs = [sg.symbol(f"x{i}") for i in range(count)]
        y = outputs(sg, xs, 12)
        at = np.linspace(0.2, 0.9, count)
        value, slopes = sg.lambdify(xs, [y, sg.grad(y, xs)])(*at)
        assert abs(outputs(np, at, 12) - value) < 1e-12 * max(1, abs(value))
        steps = 1e-6 * np.eye(count)
        differences = [(outputs(np, at + h, 12) - outputs(np, at - h, 12)) / 2e-6 for h in steps]
        np.testing.assert_allclose(slopes, differences, rtol=1e-6, atol=1e-7)


def test_unknown_graphs_are_named(capsys):
    assert graphs.main(["nonsense"]) == 2
    assert "unknown: nonsense" in capsys.readouterr().err


def test_compilation_is_measured_in_turns(capsys):
    """Against itself, in two processes: every line has figures of both."""
    arguments = ["dag", "--size", "20", "--turns", "1", "--against", str(ROOT / "src")]
    assert compiling.main(arguments) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split()[:3] == ["graph", "size", "of"]
    assert [line.split()[:3] for line in lines] == [["dag", "20", w] for w in compiling.WANTED]
    assert all(float(figure) > 0 for line in lines for figure in line.split()[3:])
    assert compiling.main(["nonsense"]) == 2


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_source_is_compiled(source):
    for wanted in compiling.WANTED:
        assert compiling.compiled(source, 12, wanted)["nodes"] > 0


def test_derivatives_grow_as_formulas_do(capsys):
    assert growth.main(["--orders", "4"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("order")]
    assert [line.rsplit(" ", 1)[1] for line in lines] == [
        "0.4199743416",
        "-0.6397000084",
        "0.6216266808",
        "0.6650910448",
    ]
    for way in (growth.formula, growth.variables):
        assert [nodes for _, nodes in way(8)][-1] < 40
