"""Calls that are watched: an end to their time, and a bar that shows how far they are.

A batch is solved in blocks one after another, a single problem step by step, so that it can be left.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.solve.conditions import Conditions
from symgrad.solve.runtime.arguments import SolverCall, Tolerances, joined, prepare
from symgrad.solve.runtime.results import Solution, Status, delivered

BLOCKS = 32  # of a batch, at most


class TimeUpError(Exception):
    """Raised out of a solver's iteration, where its time is over; it carries the last iterate."""

    def __init__(self, count: int, x: Any, residual: Any) -> None:
        super().__init__()
        self.count, self.x, self.residual = count, x, residual


def watched(
    run: Callable[..., Any],
    conditions: Conditions,
    values: list[Any],
    options: dict[str, Any],
    max_time: float | None,
    progress: bool,
) -> Solution:
    """What `run` finds within a time, with a bar if wanted.

    Raises
    ------
    ArgumentError
        For a time that is not positive, or without tqdm for a bar.
    """
    number = isinstance(max_time, (int, float, np.number)) and not isinstance(max_time, bool)
    if max_time is not None and not (number and max_time > 0):
        raise ArgumentError(f"max_time must be a positive number of seconds, not {max_time!r}")
    end = np.inf if max_time is None else monotonic() + float(max_time)
    raising = options.pop("raise_on_failure", False)
    form = conditions.form
    call = SolverCall(form, values[0], tuple(values[1:]), {}, Tolerances(0.0), 0, False, None)
    problems = prepare(call)
    bar = _bar(len(problems.x), progress, bool(problems.batch))
    try:
        if problems.batch and len(problems.x):
            found = _in_blocks(run, conditions, problems, options, end, bar)
        else:
            found = _step_by_step(run, conditions, values, problems, options, end, bar)
    finally:
        if bar is not None:
            bar.close()
    return delivered(found, raising)


def _bar(count: int, progress: bool, batch: bool) -> Any:
    """A bar of tqdm on a terminal and in notebooks; none elsewhere."""
    if not progress:
        return None
    try:
        from tqdm.auto import tqdm  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise ArgumentError(
            "a progress bar needs tqdm: install the extra, pip install 'symgrad[progress]'"
        ) from error
    return tqdm(total=count if batch else None, unit="problems" if batch else "steps", disable=None)


def _step_by_step(
    run: Callable[..., Any],
    conditions: Conditions,
    values: list[Any],
    problems: Any,
    options: dict[str, Any],
    end: float,
    bar: Any,
) -> Solution:
    """One problem, left at an iterate where its time is over."""
    told = options.pop("callback", None)

    def watch(count: int, x: Any, residual: Any, step: Any) -> None:
        if told is not None:
            told(count, x, residual, step)
        if bar is not None:
            bar.update(count - bar.n)
        if monotonic() > end:
            raise TimeUpError(count, x, residual)

    try:
        found: Solution = run(*values, callback=watch, **options)
    except TimeUpError as over:
        x = joined(conditions.form, np.asarray(over.x, float).reshape(1, -1), problems)
        found = Solution(x, False, over.count, float(over.residual), Status.TIME_LIMIT)
    return found


def _in_blocks(
    run: Callable[..., Any],
    conditions: Conditions,
    problems: Any,
    options: dict[str, Any],
    end: float,
    bar: Any,
) -> Solution:
    """A batch in blocks; what the time does not suffice for is where it started."""
    if options.get("callback") is not None:
        raise ArgumentError("a batch that is watched takes no callback beside")
    form, count = conditions.form, len(problems.x)
    block = max(1, -(-count // BLOCKS))
    parts: list[Any] = []
    start = 0
    while start < count and monotonic() <= end:
        which = slice(start, min(start + block, count))
        size = which.stop - start
        some = problems._replace(batch=(size,))
        x0 = joined(form, problems.x[which], some)
        parts.append(run(x0, *[v[which] for v in problems.params], **options))
        start = which.stop
        if bar is not None:
            bar.update(size)
    return _merged(form, problems, parts, start)


def _merged(form: Any, problems: Any, parts: list[Any], done: int) -> Solution:
    """The solutions of blocks as one; the others with the status "time limit"."""
    count, batch = len(problems.x), problems.batch
    rest = problems._replace(batch=(count - done,))
    left = joined(form, problems.x[done:], rest)
    kind = type(parts[0]) if parts else Solution
    more = [] if done == count else [left]
    if form.kind == "arrays":
        columns = zip(*[p.x for p in parts], *more, strict=True)
        x: Any = [_shaped(np.concatenate(c), batch) for c in columns]
    else:
        x = _shaped(np.concatenate([*[p.x for p in parts], *more]), batch)
    fill = {"converged": False, "iterations": 0, "residual": np.nan, "status": Status.TIME_LIMIT}
    fields = {n: _field([getattr(p, n) for p in parts], v, count, batch) for n, v in fill.items()}
    found = kind(x, *fields.values())
    for name in found.extras():
        values = [getattr(p, name) for p in parts]
        if not all(isinstance(v, np.ndarray) and v.ndim for v in values):
            setattr(found, name, values[0])
            continue
        blank = "unknown" if values[0].dtype.kind == "U" else np.nan
        setattr(found, name, _field(values, blank, count, batch))
    return found


def _field(values: list[Any], blank: Any, count: int, batch: tuple[int, ...]) -> Any:
    """Rows of blocks, and `blank` for the problems that are left."""
    if not values:
        return np.full(batch, blank)
    rows = np.concatenate(values)
    if len(rows) < count:
        rest = np.full((count - len(rows), *rows.shape[1:]), blank).astype(rows.dtype, copy=False)
        rows = np.concatenate([rows, rest])
    return _shaped(rows, batch)


def _shaped(rows: Any, batch: tuple[int, ...]) -> Any:
    return rows.reshape(*batch, *rows.shape[1:])
