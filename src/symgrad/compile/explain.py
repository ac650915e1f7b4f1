"""What was done to a formula, pass by pass, as text."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.compile.native import Native
from symgrad.compile.pipeline import Code, Draft
from symgrad.expr.kinds import Into
from symgrad.expr.node import Expr
from symgrad.expr.pytrees import Nest, is_block_form
from symgrad.expr.traverse import Roots, toposort
from symgrad.program.factorisations import shared_factors
from symgrad.program.fusion import Region
from symgrad.program.ir import Program
from symgrad.program.rows import Rows
from symgrad.program.stencils import Stencil
from symgrad.structure.recognise import structure_lines
from symgrad.targets.lists import ARRAYS, LOOPS
from symgrad.targets.passes import FORMULA_PASSES, SHORT_AXES, SLOTS, run_passes, size_of


def explain(draft: Draft, nest: Nest, title: str, code: Code, native: Native | None = None) -> str:
    """The passes that a formula went through, with what was left after each."""
    leaves, spans = draft.leaves, _spans(draft.args)
    lines = [title, code.doc, "", f"formula: {size_of(leaves)}"]
    formulas = run_passes(Roots(leaves), FORMULA_PASSES, lines)
    program = draft.lowered(spans)
    lines.append(f"lowering: {size_of(program)}; powers by products, contractions in order")
    factored = {use.matrix for use in shared_factors(toposort(formulas)).values()}
    if factored:
        lines.append(f"factorisations: {len(factored)}, each for several results, where SciPy is")
    run_passes(program, draft.target(ARRAYS).passes, lines)
    lines.append("for large arrays:")
    if run_passes(formulas, (SHORT_AXES,)) is not formulas:
        run_passes(formulas, (SHORT_AXES,), lines)
    looped = run_passes(draft.of_large_arrays(spans), LOOPS)
    lines += _loop_lines(looped, SLOTS.run(looped))
    if is_block_form(nest, [y.shape for y in leaves]):
        lines.append(f"structure: block, {len(nest[2])} by {len(nest[2])}")
    lines += structure_lines(leaves)
    floats = ", Python floats" if code.of_floats else ", entries as Python floats"
    lines.append("paths: arrays" + (floats if code.scalar is not None else ""))
    if native is not None:
        lines.append(native.words())
    return "\n".join(lines)


def _loop_lines(looped: Program, slotted: Program) -> list[str]:
    """The loops of a program, and the arrays that it writes intermediates into."""
    lines: list[str] = []
    for loop, into in zip(looped.loops(), slotted.loops(), strict=True):
        plan, rows = loop.plan, into.plan
        if isinstance(plan, Stencil):
            parts = f"a sum of {len(plan.parts)} shifted parts by blocks of rows"
            lines.append(f"{loop.name}: {parts}")
        elif isinstance(plan, Region):
            lines.append(f"{loop.name}: {_described(plan)}")
        elif isinstance(plan, Rows) and isinstance(rows, Rows):
            steps, results = plan.body.steps(), len(plan.finals)
            lines.append(f"{loop.name}: {steps} instructions on blocks of rows, {results} results")
            lines += [f"  {line}" for line in _loop_lines(plan.body, rows.body)]
    written = sum(isinstance(instr.kind, Into) for instr in slotted.instrs)
    lines.append(f"{len(slotted.slots)} arrays for intermediates, written {written} times")
    return lines


def _spans(args: Sequence[Expr]) -> list[tuple[str, ...]] | None:
    """Scalars as arrays of one axis, where all arguments are scalars."""
    return [("axis0",)] * len(args) if all(x.shape == () for x in args) else None


def _described(region: Region) -> str:
    space = " x ".join(str(d) for d in region.space)
    steps = sum(not instr.kind.leaf for instr in region.body)
    ends = f", {len(region.reductions())} reduced" if region.reductions() else ""
    return f"over {space}: {steps} steps, {region.arity} in, {len(region.results)} out{ends}"
