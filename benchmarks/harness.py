"""Check that all participants compute the same, then measure them in turns.

In each round every participant runs once, in an order shuffled anew. What counts is the ratio of its
time to symgrad's in the same round: load on the machine, clock speed and memory layout then change both.
The median over the rounds is reported, with the quartiles.
"""

from __future__ import annotations

import gc
import math
import time
import zlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.case import Absent, Case, Run, flat
from benchmarks.peers import participants

OURS = "symgrad"
BLOCK = 1e-3  # seconds that a measurement takes at least; quicker work is repeated
ROUNDS = (3, 200)  # the fewest, and the most
REHEARSED = 0.05  # seconds of work that is rehearsed before each measurement, to fill the caches


@dataclass(frozen=True)
class Outcome:
    """What is known of one participant in one case at one size.

    `status` is "measured", "absent", "wrong" or "failed"; `note` says more. `figure` is in the unit of
    the case; `ratio` is to symgrad in the same round: median, lower and upper quartile.
    """

    status: str
    note: str = ""
    error: float = math.nan
    figure: float = math.nan
    ratio: float = math.nan
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Row:
    """The outcomes of one case at one size, by participant."""

    case: str
    size: int
    label: str
    unit: str
    tolerance: float
    rounds: int
    outcomes: Mapping[str, Outcome]

    def as_dict(self) -> dict[str, Any]:
        """For JSON; figures that were not measured are left out."""
        data = asdict(self)
        data["outcomes"] = {
            name: {k: v for k, v in o.items() if v == v and v != ""}
            for name, o in data["outcomes"].items()
        }
        return data

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Row:
        """The inverse of `as_dict`."""
        outcomes = {name: Outcome(**o) for name, o in data["outcomes"].items()}
        return Row(**{**data, "outcomes": outcomes})


def measure(case: Case, n: int, budget: float, only: Collection[str] | None = None) -> Row:
    """One row of the table: everybody who is installed and right, measured for about `budget` seconds.

    With `only`, symgrad and the reference are beside those named.
    """
    if only is not None:
        only = {OURS, case.reference, *only}
    rng = np.random.default_rng(zlib.crc32(f"{case.name} {n}".encode()))
    runs, outcomes = prepare(case, case.inputs(n, rng), only)
    figures = in_turns(case, runs, budget, rng) if OURS in runs else {}
    ours = figures.get(OURS, [])
    for name, mine in figures.items():
        ratios = [a / b if b else math.nan for a, b in zip(mine, ours, strict=False)]
        low, ratio, high = (float(q) for q in np.quantile(ratios, (0.25, 0.5, 0.75)))
        error, figure = outcomes[name].error, float(np.median(mine))
        outcomes[name] = Outcome("measured", "", error, figure, ratio, low, high)
    return Row(case.name, n, case.label(n), case.unit, case.tolerance, len(ours), outcomes)


def prepare(
    case: Case, inputs: tuple[Any, ...], only: Collection[str] | None = None
) -> tuple[dict[str, Run], dict[str, Outcome]]:
    """Those whose results are right, ready to run, and what is known of everybody."""
    runs: dict[str, Run] = {}
    results: dict[str, list[np.ndarray]] = {}
    outcomes: dict[str, Outcome] = {}
    for name, build in participants(case, inputs, only).items():
        try:
            runs[name] = build()
            results[name] = flat(runs[name]()[1] if case.reported else runs[name]())
        except Absent as reason:
            outcomes[name] = Outcome("absent", str(reason))
        except Exception as error:  # a peer's failure is its result
            outcomes[name] = Outcome("failed", f"{type(error).__name__}: {error}"[:300])
    if case.reference not in results:
        why = outcomes.get(case.reference, Outcome("absent"))
        raise RuntimeError(f"{case.name}: no reference, {case.reference}: {why.note}")
    for name, result in results.items():
        error = difference(result, results[case.reference])
        right = error <= case.tolerance
        outcomes[name] = Outcome("measured" if right else "wrong", f"off by {error:.1e}", error)
        if not right:
            del runs[name]
    return {k: runs[k] for k in results if k in runs}, outcomes


def difference(results: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """The largest difference of an entry, relative to the largest entry of each expected array.

    Libraries group results differently (a Hessian as rows or as a matrix): the order of the entries counts.
    """
    if sum(a.size for a in results) != sum(b.size for b in expected):
        return math.inf
    a = np.concatenate([r.ravel() for r in results])
    worst, start = 0.0, 0
    for b in expected:
        part = a[start : start + b.size]
        start += b.size
        if b.size and not np.array_equal(part, b.ravel()):
            scale = float(np.max(np.abs(b))) or 1.0
            off = float(np.max(np.abs(part - b.ravel()))) / scale
            worst = off if off > worst or math.isnan(off) else worst
    return math.inf if math.isnan(worst) else worst


def in_turns(
    case: Case, runs: Mapping[str, Run], budget: float, rng: np.random.Generator
) -> dict[str, list[float]]:
    """The figures of each participant, round by round; the slowest leave after the fewest rounds."""
    meter = reported if case.reported else clock
    repeats = {name: 1 if case.reported else repeats_of(run) for name, run in runs.items()}
    figures: dict[str, list[float]] = {name: [] for name in runs}
    lasting = dict.fromkeys(runs, 0.0)
    start = time.perf_counter()
    for turn in range(ROUNDS[1]):
        if turn >= ROUNDS[0] and time.perf_counter() - start > budget:
            break
        names = [k for k in runs if turn < ROUNDS[0] or k == OURS or lasting[k] < budget / 10]
        for name in rng.permutation(names):
            begun = time.perf_counter()
            figures[name].append(meter(runs[name], repeats[name]))
            lasting[name] = time.perf_counter() - begun
    return figures


def repeats_of(run: Run) -> int:
    """How often to run quick work in one measurement."""
    seconds, count = clock(run, 1), 1
    while seconds * count < BLOCK:
        count = max(2 * count, int(BLOCK / max(seconds, 1e-9)))
        seconds = clock(run, count)
    return count


def clock(run: Run, repeats: int) -> float:
    """Seconds that the work takes, with the results dropped between repetitions."""
    loop = range(repeats)
    enabled = gc.isenabled()
    gc.disable()
    try:
        begun = time.perf_counter()
        run()
        if repeats == 1 and time.perf_counter() - begun > REHEARSED:
            return time.perf_counter() - begun
        begun = time.perf_counter()
        for _ in loop:
            run()
        return (time.perf_counter() - begun) / repeats
    finally:
        if enabled:
            gc.enable()


def reported(run: Run, repeats: int) -> float:
    """The figure that a participant gives itself."""
    return float(run()[0])
