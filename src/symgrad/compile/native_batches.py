"""A function of scalars on arrays of one shape: all of it as one native loop, called without detours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from symgrad.compile.native import MAKING
from symgrad.compile.native_bodies import body_of_program
from symgrad.compile.native_loops import MAX_PLANS, NativeWork
from symgrad.compile.native_plans import LoopPlan
from symgrad.compile.pipeline import Options
from symgrad.expr.pytrees import Nest, rebuild_nest
from symgrad.expr.tuning import tuning
from symgrad.program.ir import Program
from symgrad.runtime.threads import cores
from symgrad.targets.native.array_calls import ANY, ArrayCall, has_array_calls
from symgrad.targets.native.steps import Unsupported

FLOAT: Final = np.dtype(np.float64)
LEAST_WORK: Final = 2000  # additions; where plans are run by Python, NumPy takes less time for less


class OneShape:
    """The results for floats and contiguous arrays of float64 of one shape.

    Attributes
    ----------
    call : ArrayCall or None
        What does the same in machine code from the first call on, for arrays that one thread computes.
    """

    def __init__(
        self,
        lowered: Callable[[], Program],
        nest: Nest,
        options: Options,
        general: Callable[..., Any],
        ready: Callable[[ArrayCall], None],
    ) -> None:
        self._lowered = lowered
        self._options = options
        self._nest = nest
        self._general = general
        self._ready = ready
        self._listed = not isinstance(nest, int) and nest == (
            "list",
            (),
            tuple(range(len(nest[2]))),
        )
        self._work: NativeWork | None = None
        self._plans: dict[tuple[Any, int], LoopPlan | None] = {}
        self._masks: set[int] = set()
        self.call: ArrayCall | None = None

    def find(self, args: Sequence[Any]) -> Any:
        """The results in their form; None for other arguments, or where there is no native code."""
        shape: tuple[int, ...] | None = None
        mask, bit = 0, 1  # one bit for each array
        for x in args:
            if x.__class__ is np.ndarray:
                if x.dtype is not FLOAT or not x.flags.c_contiguous:
                    return None
                if x.shape != shape:
                    if shape is not None:
                        return None
                    shape = x.shape
                mask += bit
            elif x.__class__ is not float:
                return None
            bit += bit
        if not shape:
            return None
        key = shape, mask
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
        shape, mask = key
        if len(args) == work.body.arity:
            with MAKING:  # once: what runs in other threads must not be replaced under them
                self._called(mask, args)
            pays = work.body.cost * math.prod(shape) >= LEAST_WORK
            if pays or self.call is not None:
                plan = work.plan(args, [None] * len(work.body.results))
        for oldest in [*self._plans][: 1 - MAX_PLANS]:
            self._plans.pop(oldest, None)
        self._plans[key] = plan
        return plan

    def _called(self, mask: int, args: Sequence[Any]) -> None:
        """Have the next calls with arrays in these places run by machine code."""
        work = self._work
        assert work is not None
        results = len(work.body.results)
        if mask in self._masks or not has_array_calls(len(args), results):
            return
        self._masks.add(mask)
        types = [FLOAT if x.__class__ is np.ndarray else float for x in args]
        try:
            found = work.result_types(types)
            kernel = work.flat(types)
        except Unsupported:
            return
        if self.call is not None:
            self.call.add(mask, kernel.flat, kernel)
            return
        name, nest = self._options.name, self._nest
        self.call = ArrayCall(name, len(args), found, nest, self._general, self._bounds())
        self.call.add(mask, kernel.flat, kernel)
        self._ready(self.call)

    def _bounds(self) -> tuple[int, int]:
        """The entries from which several threads pay, and the interpreter is left to others."""
        assert self._work is not None
        long = max(0, (tuning().threaded_work - 1) // max(1, self._work.body.cost))
        alone = (self._options.threads or cores()) == 1
        return (ANY, long) if alone else (long, long)
