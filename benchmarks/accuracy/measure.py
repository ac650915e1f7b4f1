"""Bits lost, by library, formula and order of the derivative."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy.libraries import LIBRARIES, computed
from benchmarks.accuracy.oracle import true_values
from benchmarks.accuracy.table import Entry, entries
from benchmarks.case import Absent

OURS = "symgrad"
MOST = 64.0  # bits lost by what is no number
WRONG = 26.0  # half the digits
POINTS = 12
ORDERS = ("value", "first", "second")

Found = dict[str, np.ndarray]  # bits by library, of shape (3, points)


def bits_lost(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """``log2`` of the error in units in the last place, from 0 to 64; nan where the truth is unknown."""
    with np.errstate(all="ignore"):
        size = np.minimum(np.abs(want), np.finfo(float).max)
        error = np.abs(got - want) / np.spacing(size)
        bits = np.clip(np.log2(np.maximum(error, 1.0)), 0.0, MOST)
    bits = np.where(np.isnan(got), MOST, bits)
    bits = np.where(np.isinf(got) | np.isinf(want), MOST, bits)
    bits = np.where(got == want, 0.0, bits)
    return np.where(np.isnan(want), np.nan, bits)


def of_entry(entry: Entry, names: Sequence[str], count: int) -> Found:
    """The bits that each library loses, without those that cannot do it."""
    points = entry.points(count)
    want = true_values(entry, points)
    found: Found = {}
    for name in names:
        try:
            found[name] = bits_lost(computed(name, entry, points), want)
        except Absent:
            continue
    return found


def mean(bits: np.ndarray) -> float:
    """The mean over all that is known."""
    return float(np.nanmean(bits)) if np.isfinite(bits).any() else math.nan


def cell(bits: np.ndarray | None) -> str:
    return "-" if bits is None else " ".join(f"{mean(row):4.1f}" for row in bits)


def table(results: Sequence[tuple[Entry, Found]], names: Sequence[str]) -> str:
    """A line for each formula: the mean bits lost in value, first and second derivative."""
    width = max(len(e.name) for e, _ in results)
    lines = [f"{'bits lost: value, 1st, 2nd':{width}}  " + "  ".join(f"{n:>14}" for n in names)]
    family = ""
    for entry, found in results:
        if entry.family != family:
            family = entry.family
            lines.append(f"[{family}]")
        cells = "  ".join(f"{cell(found.get(n)):>14}" for n in names)
        lines.append(f"{entry.name:{width}}  {cells}")
    return "\n".join(lines)


def summary(
    results: Sequence[tuple[Entry, Found]], names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Per library: the formulas that it can do, mean bits, wrong results, and ours on the same formulas."""
    report: dict[str, dict[str, Any]] = {}
    for name in names:
        mine = [(found[name], found[OURS]) for _, found in results if name in found]
        if not mine:
            continue
        bits = np.stack([b for b, _ in mine])
        ours = np.stack([o for _, o in mine])
        worst = np.nanmax(np.where(np.isnan(bits), -1, bits), axis=2)
        report[name] = {
            "formulas": len(mine),
            "mean": mean(bits),
            **{order: mean(bits[:, k]) for k, order in enumerate(ORDERS)},
            "wrong": int(np.sum(np.any(worst > WRONG, axis=1))),
            "symgrad on the same": mean(ours),
        }
    return report


def lines_of(report: dict[str, dict[str, Any]]) -> str:
    """The summary as text."""
    heads = ["formulas", "mean", *ORDERS, "wrong", "symgrad on the same"]
    lines = [f"{'':16}" + "".join(f"{h:>{max(9, len(h) + 2)}}" for h in heads)]
    for name, row in report.items():
        cells = [f"{row[h]:.2f}" if isinstance(row[h], float) else str(row[h]) for h in heads]
        padded = [f"{c:>{max(9, len(h) + 2)}}" for c, h in zip(cells, heads, strict=True)]
        lines.append(f"{name:16}" + "".join(padded))
    return "\n".join(lines)


def main(arguments: Sequence[str], say: Callable[[str], None] = print) -> int:
    """The command; exit status 1 if another library loses fewer bits in the mean, on what it can do."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks accuracy",
        description="Bits lost in double precision by symgrad and every installed peer.",
    )
    parser.add_argument("names", nargs="*", help="parts of names of formulas; all by default")
    parser.add_argument("--points", type=int, default=POINTS, help="points for each formula")
    parser.add_argument("--only", metavar="LIBRARY,LIBRARY", help="these libraries only")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    given = parser.parse_args(arguments)
    chosen = [e for e in entries() if not given.names or any(n in e.name for n in given.names)]
    if not chosen:
        say(f"no formula is named like {', '.join(given.names)}")
        return 2
    only = given.only.split(",") if given.only else list(LIBRARIES)
    names = [name for name in LIBRARIES if name == OURS or name in only]
    results = []
    for k, entry in enumerate(chosen):
        print(f"\r{k + 1}/{len(chosen)} {entry.name:50}", end="", file=sys.stderr, flush=True)
        results.append((entry, of_entry(entry, names, given.points)))
    print(file=sys.stderr)
    present = [n for n in names if any(n in found for _, found in results)]
    report = summary(results, present)
    say(table(results, present))
    say("")
    say(lines_of(report))
    if given.json:
        rows = [
            {"name": e.name, "formula": e.text, **{n: b.tolist() for n, b in found.items()}}
            for e, found in results
        ]
        Path(given.json).write_text(json.dumps({"summary": report, "formulas": rows}, indent=1))
    beaten = [n for n, row in report.items() if row["mean"] < row["symgrad on the same"]]
    if beaten:
        say(f"fewer bits lost by {', '.join(beaten)}")
    return 1 if beaten else 0
