"""The passes, in order: over formulas, then over the program that they become.

A formula becomes a program by `lower`: strength reduction of sums, products and powers, the order of
contractions, and common subexpressions by value numbering happen there, node by node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from symgrad.expr.node import Expr
from symgrad.expr.traverse import Roots, toposort
from symgrad.ops.shown import computed_forms
from symgrad.program.accumulate import accumulate
from symgrad.program.half_angles import half_angles
from symgrad.program.ir import Program, Value
from symgrad.program.loops import with_loops
from symgrad.program.reciprocals import share_reciprocals
from symgrad.program.single_calls import expand
from symgrad.program.slots import with_slots
from symgrad.program.stacks import stacks
from symgrad.rewrite.branches import quiet_branches
from symgrad.rewrite.conjugates import without_cancellations
from symgrad.rewrite.exploding import without_explosions
from symgrad.rewrite.far_out import algebraic_far_out
from symgrad.rewrite.held_logarithms import logarithms_at_zero
from symgrad.rewrite.horner import horner
from symgrad.rewrite.identities import scaled_inside
from symgrad.rewrite.joined_products import joined_products
from symgrad.rewrite.names import definitions_written_out
from symgrad.rewrite.open_sums import open_sums
from symgrad.rewrite.parts_of_products import parts_of_products
from symgrad.rewrite.removable import smooth_near_zero
from symgrad.rewrite.scaling import scaled_norms
from symgrad.rewrite.scans import shared_scans
from symgrad.rewrite.sharing import share_factors
from symgrad.rewrite.short_axes import write_out_short_axes
from symgrad.rewrite.side_by_side import side_by_side
from symgrad.rewrite.slopes import right_at_zero
from symgrad.rewrite.stability import stabilize
from symgrad.rewrite.structured import by_structure
from symgrad.rewrite.tails import tails_in_exponents

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
        if live or instr.kind.leaf:
            image[v] = q.copied(instr, image)
    q.outputs = [image[v] for v in p.outputs]
    return q


def _slotted(p: Program) -> Program:
    return with_slots(p, [x.dtype for _, x in p.parameters])


# Without these a formula has no code, or code that is wrong somewhere
_NEEDED: Final[tuple[Pass[Sequence[Expr]], ...]] = (
    Pass(
        "computed forms", "derivatives as they are computed, not as they are read", computed_forms
    ),
    Pass("names", "named parts written out", definitions_written_out),
    Pass("powers of zero", "derivatives of powers that are right at base 0", right_at_zero),
    Pass("loops", "a loop whose results another gives, too, is part of it", shared_scans),
    Pass("structure", "matrices by their factors and parts", by_structure),
    Pass("stable forms", "what keeps accuracy in floating point", stabilize),
    Pass("removable singularities", "polynomials where formulas lose digits", smooth_near_zero),
    Pass("explosions", "sums of exponentials that are infinite far out", without_explosions),
    Pass("tails", "exponentials beside tails in one exponent", tails_in_exponents),
    Pass("cancellations", "sums that cancel over a common denominator", without_cancellations),
    Pass("logarithms of zero", "powers that win over logarithms", logarithms_at_zero),
    Pass("scaled norms", "roots of sums of squares, and quotients by them", scaled_norms),
    Pass("far out", "algebraic formulas that overflow on the way, by series", algebraic_far_out),
    Pass("quiet branches", "what a branch not taken computes raises nothing", quiet_branches),
)
IDENTITIES: Final[Pass[Sequence[Expr]]] = Pass(
    "identities", "factors of products with an identity multiply the small tensor", scaled_inside
)
NEEDED_PASSES: Final = (*_NEEDED, IDENTITIES)
FORMULA_PASSES: Final[tuple[Pass[Sequence[Expr]], ...]] = (
    *_NEEDED,
    Pass("open sums", "sums that are the first term of another are part of it", open_sums),
    Pass("shared factors", "pairs that several products hold, once", share_factors),
    Pass("Horner forms", "sums by powers of a base, where that saves products", horner),
    Pass("side by side", "functions of neighbouring slices of small arrays as one", side_by_side),
    Pass("parts of products", "diagonals and sums of what is computed anyway", parts_of_products),
    Pass("joined products", "sums of small products of matrices as one product", joined_products),
    IDENTITIES,
)


Trace = list[str]  # a line for each pass that was run, with what was left after it


def run_passes(form: Form, passes: Sequence[Pass[Form]], trace: Trace | None = None) -> Form:
    """A program, or formulas, after all passes."""
    for step in passes:
        form = step.run(form)
        if trace is not None:
            trace.append(f"{step.name}: {size_of(form)}; {step.does}")
    return form


def size_of(form: Any) -> str:
    """How large formulas or a program are, in words."""
    if isinstance(form, Program):
        return f"{form.steps()} instructions"
    return f"{len(toposort(form))} nodes"


def prepared(
    leaves: Sequence[Expr], passes: Sequence[Pass[Sequence[Expr]]] = FORMULA_PASSES
) -> Sequence[Expr]:
    """Formulas in the form in which they are lowered."""
    return run_passes(Roots(leaves), passes)


SINGLE_CALLS: Final = Pass("single calls", "every entrywise step is one ufunc call", expand)
HALF_ANGLES: Final = Pass(
    "half angles", "sines and cosines by the tangent of the half angle", half_angles
)
RECIPROCALS: Final = Pass(
    "reciprocals", "divisions by one array share its reciprocal", share_reciprocals
)
ACCUMULATION: Final = Pass("accumulation", "sums of parts of an array fill one array", accumulate)
STACKS: Final = Pass("stacks", "vectors of scalars are made of a list", stacks)
LOOPING: Final = Pass(
    "loops over blocks",
    "work on large arrays while its parts are in the cache, entry by entry or by rows",
    with_loops,
)
SLOTS: Final = Pass("slots", "intermediate arrays in memory that is used again", _slotted)
SHORT_AXES: Final = Pass("short axes", "axes of a few entries written out", write_out_short_axes)
DEAD_CODE: Final = Pass("dead code", "what no output needs is dropped", without_dead_code)
