"""What was done to a formula, pass by pass, as text."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.compile.pipeline import Code, Options, array_program
from symgrad.emit.nest import Nest, is_block_form
from symgrad.expr.kinds import Into
from symgrad.expr.node import Expr
from symgrad.expr.traverse import Roots, toposort
from symgrad.lower.factorisations import shared_factors
from symgrad.lower.lowering import lower
from symgrad.lower.passes import FORMULA_PASSES, LOOPS, SLOTS, array_passes, prepared
from symgrad.lower.program import Program
from symgrad.lower.regions import Region
from symgrad.lower.rows import Rows
from symgrad.lower.short_axes import SHORT, write_out_short_axes
from symgrad.lower.stencils import Stencil
from symgrad.structure.recognise import structure_lines


def explain(
    args: Sequence[Expr],
    leaves: Sequence[Expr],
    nest: Nest,
    options: Options,
    title: str,
    code: Code,
) -> str:
    """The passes that a formula went through, with the instructions left after each."""
    lines = [title, code.doc, "", f"formula: {len(toposort(leaves))} nodes"]
    formulas: Sequence[Expr] = Roots(leaves)
    for change in FORMULA_PASSES:
        formulas = change.run(formulas)
        lines.append(f"{change.name}: {len(toposort(formulas))} nodes; {change.does}")
    p = lower(args, formulas, _spans(args), dict(options.sizes))
    lines.append(f"lowering: {p.steps()} instructions; powers by products, contractions in order")
    factored = {use.matrix for use in shared_factors(toposort(formulas)).values()}
    if factored:
        lines.append(f"factorisations: {len(factored)}, each for several results, where SciPy is")
    for step in array_passes(options.fast_math):
        p = step.run(p)
        lines.append(f"{step.name}: {p.steps()} instructions; {step.does}")
    lines += _large_lines(args, leaves, options)
    if is_block_form(nest, [y.shape for y in leaves]):
        lines.append(f"structure: block, {len(nest[2])} by {len(nest[2])}")
    lines += structure_lines(leaves)
    floats = ", Python floats" if code.of_floats else ", entries as Python floats"
    lines.append("paths: arrays" + (floats if code.scalar is not None else ""))
    return "\n".join(lines)


def _large_lines(args: Sequence[Expr], leaves: Sequence[Expr], options: Options) -> list[str]:
    """What is done for large arrays."""
    whole = prepared(leaves)
    written_out = write_out_short_axes(whole)
    lines = ["for large arrays:"]
    if any(new is not old for new, old in zip(written_out, whole, strict=True)):
        lines.append(
            f"short axes: {len(toposort(written_out))} nodes; axes of 2 to {SHORT} entries written out"
        )
    p = array_program(args, leaves, options, _spans(args))
    for step in LOOPS:
        p = step.run(p)
    return lines + _loop_lines(p, SLOTS.run(p))


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
