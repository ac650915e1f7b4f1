"""``python -m benchmarks solve_sets``: what is solved, honestly not, or wrongly, and how long it takes."""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

from benchmarks.solve_sets.sets import SETS
from benchmarks.solve_sets.task import Outcome, outcome

OURS = "symgrad"


def main(arguments: list[str]) -> int:
    """Solve the sets that are named, all by default, and print a table of families."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks solve_sets", description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"{', '.join(SETS)}; all by default")
    parser.add_argument("--each", action="store_true", help="print every problem as well")
    given = parser.parse_args(arguments)
    families: dict[str, list[dict[str, Outcome]]] = defaultdict(list)
    wrong = 0
    for name in given.sets or SETS:
        for task in SETS[name]():
            row = {solver: outcome(task, solver) for solver in task.solvers}
            families[task.family].append(row)
            wrong += row[OURS].verdict == "wrong"
            if given.each or row[OURS].verdict != "solved":
                listed = [f"{k} {v.verdict} {1e3 * v.seconds:.3g} ms" for k, v in row.items()]
                print(f"{task.family}: {task.name}: {'; '.join(listed)}", flush=True)
    for family, rows in families.items():
        print_family(family, rows)
    return int(wrong > 0)


def print_family(family: str, rows: list[dict[str, Outcome]]) -> None:
    """Counts for every solver, and our time against SciPy's best where both solve."""
    print(f"\n{family}: {len(rows)} problems")
    for solver in rows[0]:
        verdicts = [row[solver].verdict for row in rows]
        counts = ", ".join(f"{verdicts.count(v)} {v}" for v in ("solved", "honest", "wrong"))
        times = [row[solver].seconds for row in rows if row[solver].verdict == "solved"]
        middle = 1e3 * float(np.median(times)) if times else np.nan
        print(f"  {solver:14} {counts}; {middle:.3g} ms in the median")
    ratios = []
    for row in rows:
        best = [o.seconds for k, o in row.items() if k != OURS and o.verdict == "solved"]
        if best and row[OURS].verdict == "solved":
            ratios.append(row[OURS].seconds / min(best))
    if ratios:
        print(
            f"  time against SciPy's best: {np.median(ratios):.2f} in the median, {max(ratios):.2f} at most"
        )
