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
from symgrad.program.ir import Loop, Program
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
    looped = run_passes(draft.of_large_arrays(spans), LOOPS, lines)
    lines += _loop_lines(looped, "  ", draft.options.native)
    lines.append(_slots_line(run_passes(looped, (SLOTS,), lines)))
    if is_block_form(nest, [y.shape for y in leaves]):
        lines.append(f"structure: block, {len(nest[2])} by {len(nest[2])}")
    lines += structure_lines(leaves)
    floats = ", Python floats" if code.of_floats else ", entries as Python floats"
    lines.append("paths: arrays" + (floats if code.scalar is not None else ""))
    if native is not None:
        lines.append(native.words())
    return "\n".join(lines)


def _loop_lines(looped: Program, indent: str, native: bool) -> list[str]:
    """The loops of a program, and those in their bodies; and which of them are native."""
    lines: list[str] = []
    for loop in looped.loops():
        lines.append(f"{indent}{loop.name}: {_described(loop)}{_native(loop) if native else ''}")
        lines += _loop_lines(loop.body, indent + "  ", native)
    return lines


def _native(loop: Loop) -> str:
    from symgrad.compile.native_choice import words  # noqa: PLC0415 (an extra)

    return f"; {words(loop)}"


def _slots_line(slotted: Program) -> str:
    written = sum(isinstance(instr.kind, Into) for instr in slotted.instrs)
    return f"  {len(slotted.slots)} arrays for intermediates, written {written} times"


def _spans(args: Sequence[Expr]) -> list[tuple[str, ...]] | None:
    """Scalars as arrays of one axis, where all arguments are scalars."""
    return [("axis0",)] * len(args) if all(x.shape == () for x in args) else None


def _described(loop: Loop) -> str:
    space = " x ".join(str(d) for d in loop.space)
    rows = "" if loop.is_entrywise and len(loop.axes) == len(loop.space) else "rows of "
    shifted = sum(c.place is not None for c in loop.results)
    reduced = sum(c.ufunc is not None for c in loop.results) - shifted
    ends = f", {shifted} added at shifted places" if shifted else ""
    ends += f", {reduced} reduced" if reduced else ""
    steps, results = loop.body.steps(), len(loop.targets)
    return f"over {rows}{space}: {steps} steps, {len(loop.operands)} in, {results} out{ends}"
