"""The one place where generated source becomes a function."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any, Final

MAX_TRACEBACK_LINES: Final = 1000


def execute(source: str, name: str, namespace: dict[str, Any]) -> Callable[..., Any]:
    """The function `name` of generated source.

    The source is known to `linecache`, so that tracebacks show its lines.
    """
    filename = f"<symgrad {name} {abs(hash(source)):x}>"
    code = compile(source, filename, "exec")
    lines = source.splitlines(keepends=True)
    if len(lines) < MAX_TRACEBACK_LINES:
        linecache.cache[filename] = (len(source), None, lines, filename)
    exec(code, namespace)
    return namespace[name]  # type: ignore[no-any-return]
