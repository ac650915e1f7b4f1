"""A function of scalars on arrays of one shape: all of it as one native loop, called without detours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from symgrad.compile.native_bodies import body_of_program
from symgrad.compile.native_loops import MAX_PLANS, NativeWork
from symgrad.compile.native_plans import LoopPlan
from symgrad.compile.pipeline import Options
from symgrad.expr.pytrees import Nest, rebuild_nest
from symgrad.program.ir import Program

FLOAT: Final = np.dtype(np.float64)
LEAST_WORK: Final = 2000  # additions; NumPy's calls take less time for less


class OneShape:
    """The results for floats and contiguous arrays of float64 of one shape."""

    def __init__(self, lowered: Callable[[], Program], nest: Nest, options: Options) -> None:
        self._lowered = lowered
        self._options = options
        self._nest = nest
        self._listed = not isinstance(nest, int) and nest == (
            "list",
            (),
            tuple(range(len(nest[2]))),
        )
        self._work: NativeWork | None = None
        self._plans: dict[tuple[Any, int], LoopPlan | None] = {}

    def find(self, args: Sequence[Any]) -> Any:
        """The results in their form; None for other arguments, or where there is no native code."""
        shape: tuple[int, ...] | None = None
        arrays = 0  # one bit for each
        for x in args:
            arrays += arrays
            if x.__class__ is np.ndarray:
                if x.dtype is not FLOAT or not x.flags.c_contiguous:
                    return None
                if x.shape != shape:
                    if shape is not None:
                        return None
                    shape = x.shape
                arrays += 1
            elif x.__class__ is not float:
                return None
        if not shape:
            return None
        key = shape, arrays
        plan = self._plans[key] if key in self._plans else self._made(key, args)
        if plan is None:
            return None
        results = plan.fresh(args)
        return results if self._listed else rebuild_nest(self._nest, results)

    def _made(self, key: tuple[Any, int], args: Sequence[Any]) -> LoopPlan | None:
        """The plan for arguments that are new."""
        if self._work is None:
            body = body_of_program(self._lowered())
            self._work = NativeWork(body, self._options.threads, self._options.fast_math)
        work, plan = self._work, None
        pays = work.body.cost * math.prod(key[0]) >= LEAST_WORK
        if pays and len(args) == work.body.arity:
            plan = work.plan(args, [None] * len(work.body.results))
        for oldest in [*self._plans][: 1 - MAX_PLANS]:
            self._plans.pop(oldest, None)
        self._plans[key] = plan
        return plan
