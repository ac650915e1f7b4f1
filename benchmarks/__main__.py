"""The command ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from importlib import import_module

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
)
# Threads that have nothing to do sleep at once; spinning, they would slow down whoever has the next turn
IDLE = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "KMP_BLOCKTIME": "0",
    "GOMP_SPINCOUNT": "0",
    "OPENBLAS_THREAD_TIMEOUT": "18",  # 2**18 cycles
}

# Commands with options of their own: where they are, and the threads that they are confined to
MEASURES = {
    ("accuracy", "functions"): ("benchmarks.functions.ulps", 0),
    ("accuracy",): ("benchmarks.accuracy.measure", 0),
    ("solve_sets",): ("benchmarks.solve_sets.measure", 2),
    ("forms",): ("benchmarks.forms.measure", 0),
    ("graphs",): ("benchmarks.graphs.measure", 1),
    ("compiling",): ("benchmarks.compiling.measure", 1),
    ("growth",): ("benchmarks.growth.measure", 1),
}


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure symgrad and every installed peer on the same work.",
    )
    parser.add_argument(
        "cases",
        nargs="*",
        help="names of cases, all by default; or one of the commands with options of their own:"
        f" {', '.join(' '.join(words) for words in MEASURES)}",
    )
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, one second a row")
    parser.add_argument("--seconds", type=float, help="about how long to measure a row")
    parser.add_argument("--size", type=int, help="this size instead of those of the case")
    parser.add_argument("--only", metavar="PEER,PEER", help="these peers only")
    parser.add_argument("--threads", type=int, default=2, help="cores for everybody (default 2)")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    parser.add_argument("--plot", metavar="FILE", help="write a plot (needs matplotlib)")
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def confine(threads: int) -> None:
    """Give everything that this process starts the same cores and the same count of threads."""
    os.environ.update(dict.fromkeys(VARIABLES, str(threads)), **IDLE)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def command(given: argparse.Namespace, name: str, n: int, seconds: float) -> list[str]:
    """The process that measures one row."""
    line = [sys.executable, "-m", "benchmarks", name, "--row", "--size", str(n)]
    line += ["--seconds", str(seconds), "--threads", str(given.threads)]
    return line + (["--only", given.only] if given.only else [])


def main() -> int:
    """Measure each row in a process of its own; others count bits, operations, seconds a node."""
    for words, (module, threads) in MEASURES.items():
        if sys.argv[1 : len(words) + 1] == list(words):
            if threads:
                confine(threads)
            code: int = import_module(module).main(sys.argv[len(words) + 1 :])
            return code
    given = options()
    confine(given.threads)
    from benchmarks import report  # NumPy reads the number of threads when it is imported
    from benchmarks.cases import CASES
    from benchmarks.harness import Row, measure

    unknown = [name for name in given.cases if name not in CASES]
    if unknown or given.list:
        print(f"unknown: {', '.join(unknown)}; " if unknown else "", *CASES)
        return 2 if unknown else 0
    seconds = given.seconds or (1.0 if given.quick else 5.0)
    if given.row:
        only = given.only.split(",") if given.only else None
        row = measure(CASES[given.cases[0]], given.size, seconds, only)
        print(json.dumps(row.as_dict()))
        return 0
    rows = []
    for name in given.cases or CASES:
        case = CASES[name]
        for n in [given.size] if given.size else (given.quick and case.quick) or case.sizes:
            done = subprocess.run(
                command(given, name, n, seconds), stdout=subprocess.PIPE, text=True, check=False
            )
            if done.returncode:
                print(f"{case.label(n)}: not measured", file=sys.stderr)
                continue
            rows.append(Row.from_dict(json.loads(done.stdout.splitlines()[-1])))
            print(report.summary(rows[-1]), file=sys.stderr, flush=True)
            if given.json:
                report.write_json(given.json, rows, given.threads)
    print(report.heading(given.threads), "", sep="\n")
    print(report.table(rows, markdown=given.markdown))
    for note in report.notes(rows):
        print(note, file=sys.stderr)
    if given.plot:
        report.write_plot(given.plot, rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
