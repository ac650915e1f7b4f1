"""The C code of a compiled function: scalars by value, arrays of known extents by pointer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symgrad.compile.entry_steps import entry_steps
from symgrad.compile.pipeline import Draft
from symgrad.errors import ArgumentError
from symgrad.targets.c.module import CArgument, CFile, c_file
from symgrad.targets.native.steps import Unsupported, steps_of


def c_code(draft: Draft, doc: str) -> CFile:
    """The files of a function.

    Raises
    ------
    ArgumentError
        If something has no C code: extents that are not known, or functions that C's library lacks.
    """
    program = draft.lowered()
    arguments = [CArgument(name, x.shape) for name, x in program.parameters]
    try:
        made = steps_of(program, portable=True) if program.batched else entry_steps(draft, True)
    except Unsupported as found:
        raise ArgumentError(f"{draft.options.name} has no C code, for {found}") from None
    shapes = [() if program.batched else y.shape for y in draft.leaves]
    return c_file(made, draft.options.name, arguments, shapes, doc)


def save_c(made: CFile, path: Any) -> None:
    """Write a ``.c`` file, and the header of the same name beside it."""
    target = Path(path)
    target.write_text(made.source, encoding="utf-8")
    target.with_suffix(".h").write_text(made.header, encoding="utf-8")
