"""The passes, in order: over formulas, then over the program that they become.

A formula becomes a program by `lower`: strength reduction of sums, products and powers, the order of
contractions, and common subexpressions by value numbering happen there, node by node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from symgrad.expr.node import Expr
from symgrad.lower.accumulate import accumulate
from symgrad.lower.expand import expand
from symgrad.lower.half_angles import half_angles
from symgrad.lower.horner import horner
from symgrad.lower.program import Program, Value
from symgrad.lower.reciprocals import share_reciprocals
from symgrad.lower.sharing import share_factors
from symgrad.lower.sums import open_sums
from symgrad.ops.shown import computed_forms
from symgrad.rewrite.branches import quiet_branches
from symgrad.rewrite.names import definitions_written_out
from symgrad.rewrite.removable import smooth_near_zero
from symgrad.rewrite.scaling import scaled_norms
from symgrad.rewrite.slopes import right_at_zero
from symgrad.rewrite.stability import stabilize
from symgrad.rewrite.structured import by_structure

Form = TypeVar("Form")


@dataclass(frozen=True)
class Pass(Generic[Form]):
    """A named step, from formulas to formulas of the same values or from program to program.

    Attributes
    ----------
    name : str
    does : str
        What it does, in a line.
    run : callable
    """

    name: str
    does: str
    run: Callable[[Form], Form]


def without_dead_code(p: Program) -> Program:
    """The program without what no output needs."""
    q = p.emptied()
    image: dict[Value, Value] = {}
    for v, (instr, live) in enumerate(zip(p.instrs, p.live(), strict=True)):
        if live or instr.code is None:
            image[v] = q.copied(instr, image)
    q.outputs = [image[v] for v in p.outputs]
    return q


# Without these a formula has no code, or code that is wrong somewhere
NEEDED_PASSES: Final[tuple[Pass[list[Expr]], ...]] = (
    Pass(
        "computed forms", "derivatives as they are computed, not as they are read", computed_forms
    ),
    Pass("names", "named parts written out", definitions_written_out),
    Pass("powers of zero", "derivatives of powers that are right at base 0", right_at_zero),
    Pass("structure", "matrices by their factors and parts", by_structure),
    Pass("stable forms", "what keeps accuracy in floating point", stabilize),
    Pass("removable singularities", "polynomials where formulas lose digits", smooth_near_zero),
    Pass("scaled norms", "roots of sums of squares, and quotients by them", scaled_norms),
    Pass("quiet branches", "what a branch not taken computes raises nothing", quiet_branches),
)
FORMULA_PASSES: Final[tuple[Pass[list[Expr]], ...]] = (
    *NEEDED_PASSES,
    Pass("open sums", "sums that are the first term of another are part of it", open_sums),
    Pass("shared factors", "pairs that several products hold, once", share_factors),
    Pass("Horner forms", "sums by powers of a base, where that saves products", horner),
)


def prepared(
    leaves: Sequence[Expr], passes: Sequence[Pass[list[Expr]]] = FORMULA_PASSES
) -> list[Expr]:
    """Formulas in the form in which they are lowered."""
    formulas = list(leaves)
    for step in passes:
        formulas = step.run(formulas)
    return formulas


HALF_ANGLES: Final = Pass(
    "half angles", "sines and cosines by the tangent of the half angle", half_angles
)
RECIPROCALS: Final = Pass(
    "reciprocals", "divisions by one array share its reciprocal", share_reciprocals
)
ACCUMULATION: Final = Pass("accumulation", "sums of parts of an array fill one array", accumulate)
DEAD_CODE: Final = Pass("dead code", "what no output needs is dropped", without_dead_code)
SINGLE_CALLS: Final = Pass("single calls", "every entrywise step is one ufunc call", expand)


def array_passes(fast_math: bool) -> tuple[Pass[Program], ...]:
    """What a program for arrays goes through."""
    return (*([HALF_ANGLES] if fast_math else []), RECIPROCALS, ACCUMULATION, DEAD_CODE)


def run_passes(p: Program, passes: tuple[Pass[Program], ...]) -> Program:
    """The program after all passes."""
    for step in passes:
        p = step.run(p)
    return p
