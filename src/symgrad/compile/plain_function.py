"""A compiled function as a plain one of Python: for `inspect`, and for other compilers such as Numba."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any
from weakref import finalize

from symgrad.compile.execute import execute
from symgrad.compile.pipeline import Code, Draft
from symgrad.expr.pytrees import Nest
from symgrad.targets.data import standing_alone
from symgrad.targets.lists import FLOATS
from symgrad.targets.scalar_source import plain_source


def plain_function(draft: Draft, code: Code, nest: Nest) -> Callable[..., Any]:
    """The code on floats where it is a function of scalars that has some, else the NumPy code."""
    program = draft.lowered()
    if FLOATS.accepts(program):
        source = plain_source(program, nest, draft.options.name, code.doc)
    else:
        source = standing_alone(code.source, code.arrays)
    return execute(source, draft.options.name, code.arrays)


def show_lines(function: Callable[..., Any]) -> None:
    """Let `inspect` and tracebacks find the lines of a generated function, as long as there is one."""
    code: Any = function.__code__
    name = code.co_filename
    if name not in linecache.cache:
        text = function.__globals__["__loader__"].get_source(name)
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        finalize(function, linecache.cache.pop, name, None)


class Wrapped:
    """The ``__wrapped__`` of compiled functions, which `inspect` follows; their class has none."""

    def __get__(self, function: Any, kind: type) -> Any:
        if function is None:
            raise AttributeError("__wrapped__")
        return function.python_function
