"""What was done to a formula, pass by pass, as text."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.compile.pipeline import Code, Options
from symgrad.emit.nest import Nest, is_block_form
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.lower.factorisations import shared_factors
from symgrad.lower.lowering import lower
from symgrad.lower.passes import SINGLE_CALLS, array_passes
from symgrad.lower.program import Program
from symgrad.lower.regions import Region, fuse
from symgrad.lower.sharing import share_factors
from symgrad.lower.sums import open_sums
from symgrad.rewrite.stability import stabilize
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
    stable = stabilize(leaves)
    shared = share_factors(open_sums(stable))
    p = lower(args, shared, _spans(args), dict(options.sizes))
    lines = [title, code.doc, "", f"formula: {len(toposort(leaves))} nodes"]
    lines.append(f"stable forms: {len(toposort(stable))} nodes")
    lines.append(f"shared factors: {len(toposort(shared))} nodes")
    lines.append(f"lowering: {_count(p)} instructions; powers by products, contractions in order")
    factored = {use.matrix for use in shared_factors(toposort(shared)).values()}
    if factored:
        lines.append(f"factorisations: {len(factored)}, each for several results, where SciPy is")
    for step in (*array_passes(options.fast_math), SINGLE_CALLS):
        p = step.run(p)
        lines.append(f"{step.name}: {_count(p)} instructions; {step.does}")
    _, regions = fuse(p)
    lines.append(f"fusion: {len(regions)} region(s) for large arrays")
    lines += [f"  {_described(r)}" for r in regions]
    if is_block_form(nest, [y.shape for y in leaves]):
        lines.append(f"structure: block, {len(nest[2])} by {len(nest[2])}")
    lines += structure_lines(leaves)
    lines.append("paths: arrays" + (", Python floats" if code.has_scalar else ""))
    return "\n".join(lines)


def _spans(args: Sequence[Expr]) -> list[tuple[str, ...]] | None:
    """Scalars as arrays of one axis, where all arguments are scalars."""
    return [("axis0",)] * len(args) if all(x.shape == () for x in args) else None


def _count(p: Program) -> int:
    return sum(live and i.code is not None for i, live in zip(p.instrs, p.live(), strict=True))


def _described(region: Region) -> str:
    space = " x ".join(str(d) for d in region.space)
    steps = sum(instr.code is not None for instr in region.body)
    ends = f", {len(region.reductions())} reduced" if region.reductions() else ""
    return f"over {space}: {steps} steps, {len(region.inputs)} in, {len(region.results)} out{ends}"
