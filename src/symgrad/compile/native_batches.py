"""A function of scalars on arrays of one shape: all of it as one native loop, called without detours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from symgrad.compile.native_bodies import body_of_program
from symgrad.compile.native_loops import NativeWork
from symgrad.compile.pipeline import Options
from symgrad.program.ir import Program

FLOAT: Final = np.dtype(np.float64)
LEAST_WORK: Final = 2000  # additions; NumPy's calls take less time for less


class OneShape:
    """The results for floats and arrays of float64 of one shape."""

    def __init__(self, lowered: Callable[[], Program], options: Options) -> None:
        self._lowered = lowered
        self._options = options
        self._work: NativeWork | None = None
        self._nothing: list[None] = []

    def find(self, args: Sequence[Any]) -> list[Any] | None:
        """The results, one for each output; None for other arguments, or where there is no native code."""
        shape: tuple[int, ...] | None = None
        for x in args:
            if x.__class__ is np.ndarray:
                if x.dtype is not FLOAT or (shape is not None and x.shape != shape):
                    return None
                shape = x.shape
            elif x.__class__ is not float:
                return None
        if not shape:
            return None
        work = self._work or self._made()
        if len(args) != work.body.arity or work.body.cost * max(shape) < LEAST_WORK:
            return None
        return work.run(args, self._nothing)

    def _made(self) -> NativeWork:
        body = body_of_program(self._lowered())
        self._nothing = [None] * len(body.results)
        self._work = NativeWork(body, self._options.threads, self._options.fast_math)
        return self._work
