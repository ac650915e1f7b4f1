"""The call of a solver of one equation: batches in blocks, and what code on floats hands over."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import Any

import numpy as np

from symgrad.solve.runtime.arguments import Form, box, joined, prepare, shaped
from symgrad.solve.runtime.results import Solution, Status, checked
from symgrad.solve.runtime.scalar import Scalars, solve_scalars

BLOCK = 8192  # problems at a time, so that their arrays stay in the cache


def solve_equation(
    form: Form,
    evaluate: Callable[..., Any],
    x0: Any,
    params: tuple[Any, ...],
    options: dict[str, Any],
    tol: float,
    maxiter: int,
    raise_on_failure: bool,
    callback: Any,
) -> Solution:
    """The `Solution` of ``F(x) = 0`` for one problem or a batch of any shape."""
    problems = prepare(form, x0, params)
    x = problems.x[:, 0]
    bounds = box(options["bounds"], problems.shapes)
    run = {**options, "bounds": bounds, "callback": None if problems.batch else callback}
    values = [_thin(p, np.asarray(v)) for p, v in zip(problems.params, params, strict=True)]

    def block(start: int) -> Scalars:
        part = slice(start, start + BLOCK)
        rows = [v[part] if v.shape[0] == x.size else v for v in values]
        return solve_scalars(evaluate, x[part], rows, tol, maxiter, **run)

    done = _each(block, range(0, x.size, BLOCK))
    names = ("x", "size", "count", "status")
    x, size, count, status = (np.concatenate([getattr(s, n) for s in done]) for n in names)
    batch = problems.batch
    state = shaped(status, batch) if batch else Status(int(status[0]))
    solution = Solution(
        joined(form, x[:, None], problems),
        shaped(status == Status.CONVERGED, batch),
        shaped(count, batch),
        shaped(size, batch),
        state,
    )
    return checked(solution, raise_on_failure)  # type: ignore[no-any-return]


def _thin(flat: Any, given: Any) -> Any:
    """A parameter of shape (problems,), or (1,) where it is the same for all."""
    return given.reshape(1) if given.size == 1 else flat


def _each(run: Callable[[int], Any], starts: range) -> list[Any]:
    """`run` for each start, on all processors: NumPy leaves the interpreter free meanwhile."""
    workers = min(cpu_count() or 1, len(starts))
    if workers < 2:
        return [run(start) for start in starts] or [run(0)]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, starts))
