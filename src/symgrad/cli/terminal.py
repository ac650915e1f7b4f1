"""Tables: drawn by rich on a terminal, where it is installed, and plain text in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

WIDTH = 24  # of a column of floats: all their digits fit


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print a table; columns are aligned on the right, the first by its title."""
    if sys.stdout.isatty() and find_spec("rich") is not None:
        _drawn(titles, rows, title)
    else:
        _plain(titles, rows)


def _plain(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    first = max(len(row[0]) for row in (titles, *rows))
    for row in (titles, *rows):
        print(f"{row[0]:>{first}}" + "".join(f" {entry:>{WIDTH}}" for entry in row[1:]))


def _drawn(titles: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    drawn = Table(title=title or None)
    for name in titles:
        drawn.add_column(name, justify="right")
    for row in rows:
        drawn.add_row(*row)
    Console().print(drawn)
