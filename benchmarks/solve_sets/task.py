"""One problem with its solvers, how each ends, and how long it takes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

Found = tuple[Any, bool]  # the point, and whether the solver calls it a solution
REPEATS = 7
LONG = 0.3  # seconds, after which a run is not repeated


@dataclass(frozen=True)
class Task:
    """One problem.

    Attributes
    ----------
    family, name : str
    solvers : dict of callable
        By name, ``symgrad`` first; each gives a point and whether it is called a solution.
    right : callable
        Whether a point is a solution.
    """

    family: str
    name: str
    solvers: dict[str, Callable[[], Found]]
    right: Callable[[Any], bool] = field(compare=False)


def ours(solver: Any, x0: Any, *params: Any, **options: Any) -> Found:
    """What a solver of this library gives."""
    found = solver(x0, *params, **options)
    return found.x, bool(found.converged)


def theirs(run: Callable[[], Any]) -> Found:
    """What one of SciPy's gives."""
    found = run()
    return found.x, bool(found.success)


def _is_finite(x: Any) -> bool:
    parts = x if isinstance(x, (list, tuple)) else [x]
    return all(bool(np.isfinite(np.asarray(v, float)).all()) for v in parts)


class Outcome(NamedTuple):
    """How a solver ended: "solved", "honest" (it says that it has not), or "wrong"; and seconds."""

    verdict: str
    seconds: float


def outcome(task: Task, name: str) -> Outcome:
    """Run a solver, and time it."""
    solve = task.solvers[name]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            solve()  # what is compiled at the first call
            seconds = []
            for _ in range(REPEATS):
                start = perf_counter()
                x, converged = solve()
                seconds.append(perf_counter() - start)
                if seconds[-1] > LONG:
                    break
        except Exception:  # a solver that raises has not claimed anything
            return Outcome("honest", np.nan)
        right = _is_finite(x) and task.right(x)
    if not converged:
        return Outcome("honest", min(seconds))
    return Outcome("solved" if right else "wrong", min(seconds))
