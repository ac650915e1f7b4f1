"""What was done to a formula, pass by pass, as text."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.compile.pipeline import Code, Options
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.lower.lowering import lower
from symgrad.lower.passes import FORMULA_PASSES, SINGLE_CALLS, array_passes
from symgrad.lower.regions import Region, fuse
from symgrad.structure.recognise import structure_lines


def explain(
    args: Sequence[Expr], leaves: Sequence[Expr], options: Options, title: str, code: Code
) -> str:
    """The passes that a formula went through, with the instructions left after each."""
    lines = [title, code.doc, "", f"formula: {len(toposort(leaves))} nodes"]
    formulas = list(leaves)
    for change in FORMULA_PASSES:
        formulas = change.run(formulas)
        lines.append(f"{change.name}: {len(toposort(formulas))} nodes; {change.does}")
    p = lower(args, formulas, _spans(args), dict(options.sizes))
    lines.append(f"lowering: {p.steps()} instructions; powers by products, contractions in order")
    for step in (*array_passes(options.fast_math), SINGLE_CALLS):
        p = step.run(p)
        lines.append(f"{step.name}: {p.steps()} instructions; {step.does}")
    _, regions = fuse(p)
    lines.append(f"fusion: {len(regions)} region(s) for large arrays")
    lines += [f"  {_described(r)}" for r in regions]
    lines += structure_lines(leaves)
    floats = ", Python floats" if code.of_floats else ", entries as Python floats"
    lines.append("paths: arrays" + (floats if code.scalar is not None else ""))
    return "\n".join(lines)


def _spans(args: Sequence[Expr]) -> list[tuple[str, ...]] | None:
    """Scalars as arrays of one axis, where all arguments are scalars."""
    return [("axis0",)] * len(args) if all(x.shape == () for x in args) else None


def _described(region: Region) -> str:
    space = " x ".join(str(d) for d in region.space)
    steps = sum(instr.code is not None for instr in region.body)
    ends = f", {len(region.reductions())} reduced" if region.reductions() else ""
    return f"over {space}: {steps} steps, {len(region.inputs)} in, {len(region.results)} out{ends}"
