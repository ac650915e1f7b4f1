"""The targets: what a formula goes through on its way to each kind of code, top to bottom.

A formula is prepared once, for all targets, and lowered to a program; the passes of a target follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from symgrad.expr.node import Expr
from symgrad.program.ir import Program
from symgrad.targets.passes import (
    ACCUMULATION,
    DEAD_CODE,
    FORMULA_PASSES,
    HALF_ANGLES,
    LOOPING,
    RECIPROCALS,
    SHORT_AXES,
    SINGLE_CALLS,
    STACKS,
    Pass,
)
from symgrad.targets.scalar_source import has_scalar_form


@dataclass(frozen=True)
class Target:
    """A kind of code.

    Attributes
    ----------
    name : str
    formulas : tuple of Pass
        Over formulas, before they are lowered.
    passes : tuple of Pass
        Over the program that they become.
    accepts : callable
        Whether a program, as it is lowered, has code of this kind.
    """

    name: str
    formulas: tuple[Pass[Sequence[Expr]], ...]
    passes: tuple[Pass[Program], ...]
    accepts: Callable[[Program], bool]

    def with_fast_math(self) -> Target:
        """The target where accuracy may be traded for speed."""
        return replace(self, passes=_after(SINGLE_CALLS, self.passes, HALF_ANGLES))


def _after(
    step: Pass[Program], passes: tuple[Pass[Program], ...], more: Pass[Program]
) -> tuple[Pass[Program], ...]:
    at = passes.index(step) + 1
    return (*passes[:at], more, *passes[at:])


def _always(p: Program) -> bool:
    return True


FLOATS: Final = Target("Python floats", FORMULA_PASSES, (), has_scalar_form)
ARRAYS: Final = Target(
    "arrays", FORMULA_PASSES, (SINGLE_CALLS, RECIPROCALS, ACCUMULATION, STACKS, DEAD_CODE), _always
)
# Other array libraries, whose arrays are not written into
LIBRARY: Final = Target("array libraries", FORMULA_PASSES, (SINGLE_CALLS, DEAD_CODE), _always)
LOOPS: Final = (LOOPING,)  # and then SLOTS, by the types of the arrays of a call
LARGE: Final = Target(
    "large arrays", (*FORMULA_PASSES, SHORT_AXES), (*ARRAYS.passes, *LOOPS), _always
)
