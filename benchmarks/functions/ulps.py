"""A table of ulps: ``python -m benchmarks accuracy functions``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.case import Absent, library
from benchmarks.functions.samples import SAMPLES, arguments_of, ulps

COUNT = 4000


def numpys(name: str) -> Callable[..., Any] | None:
    """The function of NumPy or SciPy of this name."""
    if not name.startswith("special."):
        return getattr(np, name)  # type: ignore[no-any-return]
    try:
        special = library("scipy.special")
    except Absent:
        return None
    return getattr(special, name.removeprefix("special."))  # type: ignore[no-any-return]


def main(arguments: Sequence[str], say: Callable[[str], None] = print) -> int:
    """Largest and mean error of each function, in double and single precision, and those of NumPy."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks accuracy functions",
        description="Units in the last place that native functions and NumPy's lose, against mpmath.",
    )
    parser.add_argument("names", nargs="*", help="names of functions; all by default")
    parser.add_argument("--points", type=int, default=COUNT, help="points for each function")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in SAMPLES]
    if unknown:
        say(f"no function is named {', '.join(unknown)}")
        return 2
    from benchmarks.functions.loops import loops
    from symgrad.compile.native_plans import processor
    from symgrad.targets.native.functions.table import FUNCTIONS

    names = given.names or list(SAMPLES)
    here = processor()
    made = [
        ("native", loops(names, processor=here)),
        ("fast_math", loops(names, fast=True, processor=here)),
    ]
    single = loops(names, "float32")
    heads = ("native", "fast_math", "NumPy", "float32", "NumPy float32")
    say(f"{'ulps: largest, mean':20}" + "".join(f"{word:>16}" for word in heads))
    worse = []
    for name in names:
        cells = []
        for dtype, functions in ((np.float64, made), (np.float32, [("float32", single)])):
            xs = arguments_of(name, given.points, dtype)
            rows: list[tuple[str, Any]] = [(word, found[name]) for word, found in functions]
            for word, function in [*rows, ("NumPy", numpys(name))]:
                if function is None:
                    cells.append("-")
                    continue
                with np.errstate(all="ignore"):
                    errors = ulps(name, xs, np.asarray(function(*xs)))
                most = float(np.nanmax(errors))
                cells.append(f"{most:.3f} {float(np.nanmean(errors)):.3f}")
                bound = 2.5 if word == "fast_math" else max(0.5, FUNCTIONS[name].ulps)
                if word != "NumPy" and most > bound:
                    worse.append(f"{name} ({word}): {most:.3f} above {bound}")
        say(f"{name:20}" + "".join(f"{cell:>16}" for cell in cells))
    for line in worse:
        say(line)
    return 1 if worse else 0
