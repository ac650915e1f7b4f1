"""Which loops run as native code, and which native code that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.compile.native_bodies import body_of, result_types
from symgrad.compile.native_loops import native_entrywise
from symgrad.compile.native_stencils import native_stencil, parts_of_sum, sum_of_parts
from symgrad.program.ir import Loop
from symgrad.targets.native.steps import Unsupported


def native_loop(
    loop: Loop, threads: int | None, fast: bool, other: Callable[..., Any]
) -> Callable[..., Any]:
    """A loop as native code, where it has some; else the other function."""
    make = native_entrywise if _is_plain(loop) else native_stencil
    try:
        return make(loop, threads, fast, other)
    except Unsupported:
        return other


def words(loop: Loop) -> str:
    """Whether a loop over arrays of float64 is native, and if not, why: for `explain`."""
    try:
        if _is_plain(loop):
            body, operands = body_of(loop), len(loop.operands)
        else:
            body, reads = sum_of_parts(loop.body, parts_of_sum(loop))
            operands = len(reads)
        result_types(body, [np.dtype(np.float64)] * operands)
    except Unsupported as found:
        return f"NumPy, for {found}"
    return "native"


def _is_plain(loop: Loop) -> bool:
    """Whether no result is a sum of parts at shifted places."""
    return all(combine.place is None for combine in loop.results)
