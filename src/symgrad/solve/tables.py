"""Solutions as tables, for notebooks: of one problem its fields, of a batch what became of it.

The classes are shipped with saved solvers, which need no tables: so these are attached to them here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

import numpy as np

from symgrad.solve.path import Path
from symgrad.solve.runtime.results import Fit, Solution, Status

SHOWN: Final = (
    5  # problems of a batch from its beginning, and as many of those that did not converge
)
LEFT_OUT: Final = "&hellip;"


def install() -> None:
    """Let notebooks show solutions as tables."""
    Solution._repr_html_ = html  # type: ignore[attr-defined]


def html(solution: Solution) -> str:
    """The table of a solution."""
    if np.ndim(solution.status):
        return _summary(solution) + table(*_problems(solution))
    if isinstance(solution, Fit) and solution.origin is not None:
        summary: str = solution.summary()._repr_html_()
        return summary
    rows = [(name, *_text(value)) for name, value in _entries(solution)]
    extra = [(n, *_text(getattr(solution, n))) for n in (*_ENDED, *solution.extras())]
    return table((), [*rows, *extra])


_ENDED: Final = ("status", "iterations", "residual")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """An HTML table; the first column names its rows."""
    lines = [f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>"] if head else []
    for first, *others in rows:
        cells = "".join(f"<td>{cell}</td>" for cell in others)
        lines.append(f"<tr><th>{first}</th>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _text(value: Any) -> tuple[str]:
    """A number to 10 digits, an array with its middle left out, anything else as text."""
    if isinstance(value, float):
        return (f"{value:.10g}",)
    if isinstance(value, np.ndarray):
        shown = np.array2string(value, precision=8, threshold=20, edgeitems=3)
        return (f"<code>{escape(shown)}</code>",)
    return (escape(str(value)),)


def _unknowns(solution: Solution) -> list[str]:
    """The names of the unknowns, where the solver is known; those of multipliers come last."""
    if solution.origin is None:
        return []
    return [str(x.name) for x in solution.origin[0].conditions.problem.unknowns]


def _named(names: list[str], values: list[Any]) -> dict[str, Any]:
    """Values by the names of their unknowns, or by their numbers."""
    known = names if len(names) >= len(values) else [f"x[{i}]" for i in range(len(values))]
    return dict(zip(known, values, strict=False))


def _entries(solution: Solution) -> list[tuple[str, Any]]:
    """The unknowns of one problem, by name where that is known."""
    names, x = _unknowns(solution), solution.x
    many = isinstance(x, list) or (isinstance(x, np.ndarray) and x.ndim == 1 and len(names) > 1)
    values = _named(names, list(x) if many else [x]) if names or many else {"x": x}
    return [(escape(name), value) for name, value in values.items()]


def _summary(solution: Solution) -> str:
    """How many problems there are, and how they ended."""
    status, count = np.ravel(solution.status), np.ravel(solution.iterations)
    ends = np.bincount(status, minlength=len(Status)).tolist()
    parts = [f"{n:,} {Status(k)}" for k, n in enumerate(ends) if n]
    words = f"{status.size:,} problems: {', '.join(parts)}"
    if count.size:
        words += f"; {count.min()} to {count.max()} iterations, median {np.median(count):g}"
    return f"<p>{words}</p>"


def _problems(solution: Solution) -> tuple[list[str], list[list[str]]]:
    """The first problems of a batch, and the first of those that did not converge."""
    shape = np.shape(solution.status)
    failed = np.flatnonzero(~np.ravel(solution.converged))
    chosen = sorted({*range(min(SHOWN, int(np.prod(shape)))), *failed[:SHOWN].tolist()})
    columns = _columns(solution, shape)
    head = ["problem", *columns, "status", "iterations", "residual"]
    rows, before = [], -1
    for k in chosen:
        if k > before + 1:
            rows.append([LEFT_OUT] * len(head))
        place = tuple(int(i) for i in np.unravel_index(k, shape))
        ended = (str(Status(int(solution.status[place]))), str(solution.iterations[place]))
        values = [_text(column[place])[0] for column in columns.values()]
        name = str(place[0] if len(place) == 1 else place)
        rows.append([name, *values, *ended, f"{float(solution.residual[place]):.3g}"])
        before = k
    if before + 1 < np.prod(shape):
        rows.append([LEFT_OUT] * len(head))
    return head, rows


def _columns(solution: Solution, shape: tuple[int, ...]) -> dict[str, Any]:
    """What is shown of each problem, by name: a parameter that is followed, and the unknowns."""
    along = {"parameter": np.asarray(solution.values)} if isinstance(solution, Path) else {}
    names, x = _unknowns(solution), solution.x
    if not isinstance(x, list):
        scalars = len(names) > 1 and x.ndim == len(shape) + 1
        x = list(np.moveaxis(x, -1, 0)) if scalars else [x]
    return along | (_named(names, x) if names else {"x": x[0]} if len(x) == 1 else _named([], x))
