"""Times of building, differentiating, compiling and calling, each library in a process of its own."""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.case import Absent
from benchmarks.graphs.libraries import LIBRARIES
from benchmarks.graphs.table import GRAPHS

STAGES = ("build", "derivative", "compile", "first", "call")
RECURSION = 1_000_000  # chains are walked recursively by some


@dataclass
class Row:
    """One library on one graph: seconds of each stage, and what it took in memory.

    Attributes
    ----------
    nodes : int or None
        Of the derivative, where the library says so.
    seconds : dict
        By stage; `call` is the least of several.
    megabytes : float
        The peak of the process, less that before the graph was built.
    sample : list of float
        The sum of all entries of the derivative at a point, and of their absolute values.
    """

    graph: str
    size: int
    library: str
    nodes: int | None
    seconds: dict[str, float]
    megabytes: float
    sample: list[float]

    @property
    def making(self) -> float:
        """From nothing to the first result."""
        return sum(self.seconds[stage] for stage in ("build", "derivative", "compile", "first"))


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """A result, and the seconds that it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def peak() -> float:
    """The largest that this process has been, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(name: str, size: int, library: str) -> Row:
    """The row of a library on a graph, in this process."""
    graph = GRAPHS[name]
    made = LIBRARIES[library]()
    before = peak()
    count = graph.unknowns(size)
    seconds: dict[str, float] = {}

    def build() -> tuple[Any, Any]:
        xs = made.symbols(count)
        return xs, graph.outputs(made.xp, xs, size)

    (xs, outputs), seconds["build"] = timed(build)
    derivative, seconds["derivative"] = timed(lambda: made.derivative(graph.wanted, outputs, xs))
    f, seconds["compile"] = timed(lambda: made.compiled(xs, derivative))
    x = np.linspace(0.2, 0.9, count)
    values, seconds["first"] = timed(lambda: f(x))
    seconds["call"] = min(timed(lambda: f(x))[1] for _ in range(5))
    flat = np.concatenate([np.ravel(v) for v in values]) if isinstance(values, list) else values
    sample = [float(np.sum(flat)), float(np.sum(np.abs(flat)))]
    nodes = made.nodes(derivative)
    return Row(name, size, library, nodes, seconds, round(peak() - before, 1), sample)


def slope(rows: Sequence[Row], of: Callable[[Row], float], by: Callable[[Row], float]) -> float:
    """The exponent between the smallest and the largest size."""
    ordered = sorted(rows, key=lambda row: row.size)
    first, last = ordered[0], ordered[-1]
    return math.log(of(last) / of(first)) / math.log(by(last) / by(first))


def agreement(rows: Sequence[Row]) -> float:
    """The largest relative difference of sums of entries between libraries on one graph."""
    ours = rows[0].sample
    scale = max(abs(ours[1]), 1e-300)
    return max(abs(a - b) / scale for row in rows for a, b in zip(row.sample, ours, strict=True))


def table(rows: Sequence[Row]) -> str:
    """Times of each row, per node of our derivative, and ratios to CasADi's."""
    lines = [
        f"{'graph':11}{'size':>8} {'library':10}{'nodes':>9}"
        + "".join(f"{stage:>12}" for stage in STAGES)
        + f"{'MB':>9}{'us/node':>9}{'ours/it':>9}"
    ]
    for name in dict.fromkeys(row.graph for row in rows):
        mine = [row for row in rows if row.graph == name]
        nodes = {row.size: row.nodes for row in mine if row.library == "symgrad"}
        ours = {row.size: row.making for row in mine if row.library == "symgrad"}
        for row in sorted(mine, key=lambda row: row.size):
            per_node = 1e6 * row.making / nodes[row.size] if nodes.get(row.size) else math.nan
            ratio = ours[row.size] / row.making if row.size in ours else math.nan
            lines.append(
                f"{name:11}{row.size:8} {row.library:10}{row.nodes or '':>9}"
                + "".join(f"{row.seconds[stage]:12.5f}" for stage in STAGES)
                + f"{row.megabytes:9.1f}{per_node:9.1f}{ratio:9.2f}"
            )
        lines += exponents(mine)
    return "\n".join(lines)


def exponents(rows: Sequence[Row]) -> list[str]:
    """The growth of each library in nodes of our derivative, and whether values agree."""
    lines = []
    nodes = {row.size: row.nodes for row in rows if row.library == "symgrad"}
    for library in dict.fromkeys(row.library for row in rows):
        mine = [row for row in rows if row.library == library and nodes.get(row.size)]
        if len(mine) < 2:
            continue
        parts = {
            "making": slope(mine, lambda row: row.making, lambda row: float(nodes[row.size] or 1)),
            "derivative": slope(
                mine,
                lambda row: row.seconds["derivative"],
                lambda row: float(nodes[row.size] or 1),
            ),
        }
        shown = ", ".join(f"{what} ~ nodes**{power:.2f}" for what, power in parts.items())
        lines.append(f"  {library}: {shown}")
    for size in dict.fromkeys(row.size for row in rows):
        same = [row for row in rows if row.size == size]
        if len(same) > 1 and agreement(same) > 1e-6:
            lines.append(f"  VALUES DIFFER at {size} by {agreement(same):.1e}")
    return lines


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks graphs",
        description="Build, differentiate and compile large graphs, beside every installed peer.",
    )
    parser.add_argument("graphs", nargs="*", help=f"of {', '.join(GRAPHS)}; all by default")
    parser.add_argument("--only", metavar="PEER,PEER", help=f"of {', '.join(LIBRARIES)}")
    parser.add_argument("--large", action="store_true", help="the sizes that take minutes as well")
    parser.add_argument("--size", type=int, help="this size only")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for a row (120)")
    parser.add_argument("--json", metavar="FILE", help="write all rows")
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def in_a_process(name: str, size: int, library: str, limit: float) -> Row | None:
    """The row as a process of its own finds it; None where it does not come to an end."""
    line = [sys.executable, "-m", "benchmarks", "graphs", name, "--row", "--size", str(size)]
    try:
        done = subprocess.run(
            [*line, "--only", library],
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        print(f"{name} {size}: {library} takes more than {limit:g} s", file=sys.stderr)
        return None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"code {done.returncode}"])[-1]
        print(f"{name} {size}: {library} failed, {said}", file=sys.stderr)
        return None
    return Row(**json.loads(done.stdout.splitlines()[-1]))


def main(arguments: Sequence[str]) -> int:
    """Measure every row, and print the table."""
    given = options(arguments)
    names = given.graphs or list(GRAPHS)
    libraries = given.only.split(",") if given.only else list(LIBRARIES)
    unknown = [n for n in names if n not in GRAPHS] + [p for p in libraries if p not in LIBRARIES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; {', '.join([*GRAPHS, *LIBRARIES])}", file=sys.stderr)
        return 2
    if given.row:
        sys.setrecursionlimit(RECURSION)
        try:
            print(json.dumps(asdict(measured(names[0], given.size, libraries[0]))))
        except Absent as why:
            print(why, file=sys.stderr)
            return 3
        return 0
    rows: list[Row] = []
    for name in names:
        graph = GRAPHS[name]
        sizes = (*graph.sizes, *(graph.large if given.large else ()))
        for size in (given.size,) if given.size else sizes:
            for library in libraries:
                row = in_a_process(name, size, library, given.limit)
                if row is not None:
                    rows.append(row)
                    made = ", ".join(f"{k} {v:.3g} s" for k, v in row.seconds.items())
                    print(f"{name} {size} {library}: {made}", file=sys.stderr, flush=True)
                    if given.json:
                        with open(given.json, "w", encoding="utf-8") as file:
                            json.dump([asdict(r) for r in rows], file, indent=1)
    print(table(rows))
    return 0
