"""Times of `lambdify` and of the first call, per node, and their ratios to those of another checkout."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.compiling.table import SOURCES, Source

ROOT = Path(__file__).parents[2]
WANTED = ("value", "gradient")
TURNS = 5


class Worker:
    """A process that compiles graphs with the library of one checkout."""

    def __init__(self, source: Path) -> None:
        path = os.pathsep.join([str(source), str(ROOT)])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.compiling.measure", "--worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def seconds(self, name: str, size: int, wanted: str) -> dict[str, float]:
        """What `compiled` measures, in that process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{name} {size} {wanted}\n")
        self.process.stdin.flush()
        answer: dict[str, float] = json.loads(self.process.stdout.readline())
        return answer

    def stop(self) -> None:
        """Let the process end."""
        self.process.communicate()


def compiled(source: Source, size: int, wanted: str) -> dict[str, float]:
    """Nodes of what is compiled, and seconds of CPU of `lambdify` and of the first call after it."""
    import symgrad as sg  # that of the checkout
    from symgrad.expr.traverse import toposort

    xs = list(sg.symbols(" ".join(f"x{k}" for k in range(source.unknowns))))
    value = source.made(sg, xs, size)
    outputs: Any = value if wanted == "value" else sg.grad(value, xs)
    nodes = len(toposort([value] if wanted == "value" else outputs))
    at = [0.2 + 0.05 * k for k in range(len(xs))]
    start = time.process_time()
    f = sg.lambdify(xs, outputs)
    made = time.process_time()
    f(*at)
    return {"nodes": nodes, "lambdify": made - start, "first": time.process_time() - made}


def work() -> None:
    """Compile what lines of the standard input name."""
    for line in sys.stdin:
        name, size, wanted = line.split()
        print(json.dumps(compiled(SOURCES[name], int(size), wanted)), flush=True)


def least(turns: Sequence[dict[str, float]], stages: Sequence[str]) -> float:
    """The microseconds a node of some stages together in the quickest turn."""
    return min(1e6 * sum(t[s] for s in stages) / t["nodes"] for t in turns)


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks compiling",
        description="Compile graphs, here and in another checkout, in turns.",
    )
    parser.add_argument("graphs", nargs="*", help=f"of {', '.join(SOURCES)}; all by default")
    parser.add_argument("--against", metavar="SRC", type=Path, help="`src` of another checkout")
    parser.add_argument("--size", type=int, help="this size only")
    parser.add_argument("--turns", type=int, default=TURNS, help=f"how often ({TURNS})")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def row(
    workers: Sequence[Worker], name: str, size: int, wanted: str, turns: int
) -> tuple[int, list[tuple[float, float]]]:
    """The nodes here, and of each checkout the microseconds a node without and with the first call."""
    found: list[list[dict[str, float]]] = [[] for _ in workers]
    for _ in range(turns):
        for worker, times in zip(workers, found, strict=True):
            times.append(worker.seconds(name, size, wanted))
    each = [(least(t, ["lambdify"]), least(t, ["lambdify", "first"])) for t in found]
    return int(found[0][0]["nodes"]), each


def main(arguments: Sequence[str]) -> int:
    """Print a line for each graph, size, and its value or gradient."""
    given = options(arguments)
    if given.worker:
        work()
        return 0
    names = given.graphs or list(SOURCES)
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; {', '.join(SOURCES)}", file=sys.stderr)
        return 2
    workers = [Worker(ROOT / "src"), *([Worker(given.against)] if given.against else [])]
    print(f"{'graph':12}{'size':>8} {'of':9}{'nodes':>8}{'us/node':>9}{'+ first':>9}{'ratios':>16}")
    for name in names:
        for size in (given.size,) if given.size else SOURCES[name].sizes:
            for wanted in WANTED:
                nodes, each = row(workers, name, size, wanted, given.turns)
                own = each[0]
                ratios = "".join(
                    [f"{a / b:8.2f}" for other in each[1:] for a, b in zip(other, own, strict=True)]
                )
                print(
                    f"{name:12}{size:8} {wanted:9}{nodes:8}{own[0]:9.1f}{own[1]:9.1f}{ratios}",
                    flush=True,
                )
    for worker in workers:
        worker.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
