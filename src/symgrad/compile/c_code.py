"""The C code of a compiled function: scalars by value, arrays by pointer, and their extents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symgrad.compile.entry_steps import entry_steps
from symgrad.compile.pipeline import Draft
from symgrad.errors import ArgumentError
from symgrad.program.single_calls import expand
from symgrad.targets.c.arrays import c_arrays
from symgrad.targets.c.module import CArgument, CFile, c_file
from symgrad.targets.native.steps import ScalarSteps, Unsupported, steps_of


def c_code(draft: Draft, doc: str) -> CFile:
    """The files of a function.

    Raises
    ------
    ArgumentError
        If something has no C code: functions that C's library lacks, or decompositions of matrices.
    """
    name, shapes = draft.options.name, [y.shape for y in draft.leaves]
    program = draft.lowered()
    try:
        if program.batched:
            made: ScalarSteps | None = steps_of(program, portable=True)
            shapes = [()] * len(shapes)
        else:
            made = _entries_of_known_extents(draft)
        if made is None:
            _refuse_truths(draft)
            return c_arrays(expand(program), name, shapes, doc)
    except Unsupported as found:
        raise ArgumentError(f"{name} has no C code, for {found}") from None
    arguments = [CArgument(parameter, x.shape) for parameter, x in program.parameters]
    return c_file(made, name, arguments, shapes, doc)


def _entries_of_known_extents(draft: Draft) -> ScalarSteps | None:
    """The steps of all entries; None where loops over arrays are to be printed."""
    known = all(isinstance(d, int) for x in (*draft.args, *draft.leaves) for d in x.shape)
    try:
        return entry_steps(draft, True) if known else None
    except Unsupported:
        return None


def _refuse_truths(draft: Draft) -> None:
    if any(y.dtype.kind == "b" for y in draft.leaves):
        raise Unsupported("arrays of truth values")


def save_c(made: CFile, path: Any) -> None:
    """Write a ``.c`` file, and the header of the same name beside it."""
    target = Path(path)
    target.write_text(made.source, encoding="utf-8")
    target.with_suffix(".h").write_text(made.header, encoding="utf-8")
