"""The one place where generated source becomes a function."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from symgrad.expr.collector import COLLECTOR_PAUSED

DEFINITION: Final = re.compile(r"^def (\w+)", re.MULTILINE)


class _Text:
    """A loader (PEP 302) of a source: `linecache` asks it for the lines that a traceback shows.

    It stands in the namespace of the code, so the text goes when the functions go.
    """

    def __init__(self, source: str) -> None:
        self._source = source

    def get_source(self, name: str) -> str:
        """The text of the one module that it knows."""
        return self._source


def function_of(source: str) -> str:
    """The name of the function that a source ends with."""
    return DEFINITION.findall(source)[-1]  # type: ignore[no-any-return]


@COLLECTOR_PAUSED
def execute(source: str, name: str, known: Mapping[str, Any]) -> Callable[..., Any]:
    """The function that generated source ends with; `known` are the names that it uses.

    Tracebacks show its lines, under a file name made of `name`.
    """
    code = compile(source, f"symgrad {name!a} {abs(hash(source)):x}", "exec")
    namespace = {**known, "__name__": "symgrad.generated", "__loader__": _Text(source)}
    exec(code, namespace)
    key = function_of(source)
    function: Callable[..., Any] = namespace[key]
    if key not in function.__code__.co_names:  # it does not call itself: no cycle of references
        del namespace[key]
    return function
