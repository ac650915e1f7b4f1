"""Loops over entries that run as native code.

Whatever comes in is checked here or in the plan: the code itself trusts its table.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from symgrad.compile.native_bodies import NativeBody, body_of, result_types
from symgrad.compile.native_plans import Layout, LoopPlan, NativeKernel
from symgrad.program.ir import Loop
from symgrad.targets.native import engine
from symgrad.targets.native.entries import DType
from symgrad.targets.native.loops import (
    NEXT,
    RANGE,
    SAME,
    LoopCode,
    LoopOperand,
    LoopResult,
    loop_module,
)
from symgrad.targets.native.processors import processor
from symgrad.targets.native.steps import Unsupported

MAX_PLANS: Final = 64  # that a loop keeps
_NUMBERS: Final = (float, int, bool)


def native_entrywise(
    loop: Loop, threads: int | None, fast: bool, other: Callable[..., Any]
) -> NativeLoop:
    """A loop over entries as native code.

    Raises
    ------
    Unsupported
        If it has none.
    """
    return NativeLoop(loop, NativeWork(body_of(loop), threads, fast), other)


class NativeLoop:
    """A loop as a function of extents, operands, and an array or None for each result.

    It gives the results as a list. What has no native code for the types that come is left to `other`.
    """

    def __init__(self, loop: Loop, work: NativeWork, other: Callable[..., Any]) -> None:
        self.work = work
        self.other = other
        self._first = len(loop.extents)
        self._last = self._first + work.body.arity
        self._places = [c.result for c in loop.results]

    def __call__(self, *args: Any) -> list[Any]:
        operands = [readable(x) for x in args[self._first : self._last]]
        given = [args[self._last + k] for k in self._places]
        results = self.work.run(operands, given)
        if results is None:
            return self.other(*args)  # type: ignore[no-any-return]
        return [results[self._places.index(k)] for k in range(len(results))]


class NativeWork:
    """Work on entries, with a plan for each layout of operands that came."""

    def __init__(self, body: NativeBody, threads: int | None, fast: bool) -> None:
        self.body = body
        self.threads = threads
        self.fast = fast
        self.kernels: dict[LoopCode, NativeKernel] = {}
        self._types: dict[tuple[DType, ...], list[DType] | None] = {}
        self._plans: dict[Any, LoopPlan] = {}

    def run(self, operands: Sequence[Any], given: Sequence[Any]) -> list[Any] | None:
        """The results, in arrays that are given where they fit; None where types have no native code.

        Results are never written into memory that an operand has.
        """
        plan = self.plan(operands, given)
        if plan is None:
            return None
        results = plan.run(operands, given)
        if results is None:  # copies are nobody else's
            copies = [x.copy() if x.__class__ is np.ndarray else x for x in operands]
            nothing = [None] * len(given)
            again = self.plan(copies, nothing)
            assert again is not None
            results = again.run(copies, nothing)
        return results

    def plan(self, operands: Sequence[Any], given: Sequence[Any]) -> LoopPlan | None:
        """The plan for arrays of these layouts; None where there is no native code for their types."""
        key = (*[_layout(x) for x in operands], *[_layout(x) for x in given])
        found = self._plans.get(key)
        if found is None:
            layouts = [None if x is None else Layout(*x) for x in key]
            inputs = [x for x in layouts[: len(operands)] if x is not None]
            outputs = layouts[len(operands) :]
            types = self._result_types(tuple([x.type for x in inputs]))
            if types is None:
                return None
            found = LoopPlan(
                self.body, types, inputs, outputs, self.threads, self.fast, self._kernel
            )
            for oldest in [*self._plans][: 1 - MAX_PLANS]:
                self._plans.pop(oldest, None)
            self._plans[key] = found
        return found

    def _result_types(self, key: tuple[DType, ...]) -> list[DType] | None:
        if key not in self._types:
            try:
                self._types[key] = result_types(self.body, key)
            except Unsupported:
                self._types[key] = None
        return self._types[key]

    def _kernel(self, code: LoopCode) -> NativeKernel:
        """The native function of a loop."""
        found = self.kernels.get(code)
        if found is None:
            entries = ["loop", "loop_once", *["loop_flat"] * code.is_flat]
            library = engine.compiled(loop_module(code), entries)
            run = library.function("loop", None, ctypes.c_void_p, *[ctypes.c_int64] * RANGE)
            others = [library.address(name) for name in entries[1:]]
            found = self.kernels[code] = NativeKernel(run, *others)
        return found

    def flat(self, types: Sequence[DType]) -> NativeKernel:
        """The kernel for operands of these types, arrays of them without gaps.

        Raises
        ------
        Unsupported
            If there is no native code for the types.
        """
        operands = [LoopOperand(d, SAME if isinstance(d, type) else NEXT) for d in types]
        found = self.result_types(types)
        results = [LoopResult(k.values, d) for k, d in zip(self.body.results, found, strict=True)]
        code = LoopCode(
            self.body.instrs, tuple(operands), tuple(results), 1, self.fast, processor()
        )
        return self._kernel(code)

    def result_types(self, types: Sequence[DType]) -> list[DType]:
        """The types of the results for operands of these types.

        Raises
        ------
        Unsupported
            If there is no native code for them.
        """
        found = self._result_types(tuple(types))
        if found is None:
            raise Unsupported("arguments of these types")
        return found


def _layout(x: Any) -> tuple[Any, ...] | None:
    """What a plan depends on, of an operand or an array for a result."""
    if x.__class__ is np.ndarray:
        return x.dtype, x.shape, x.strides
    return None if x is None else (x.__class__,)


def readable(x: Any) -> Any:
    """An operand as an array of the machine's byte order, or a number of Python that fits a word."""
    kind = x.__class__
    if kind is np.ndarray:
        return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))
    if kind in _NUMBERS:
        return x if kind is not int or -(2**63) <= x < 2**63 else float(x)
    return np.asarray(x)
