"""Loops in LaTeX: a step is a map, and its formulas are LaTeX as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symgrad.expr.node import Expr
from symgrad.ops.scan import arguments_shown, written
from symgrad.print.definitions import WritingPlan, plan_of
from symgrad.print.latex_leaves import extent_piece
from symgrad.print.latex_names import latex_name
from symgrad.print.printer import ATOM, MAX_LENGTH, Piece, Printer
from symgrad.print.reading import shown as shown_in_latex
from symgrad.rewrite.readable import readable


def scan_latex(
    node: Expr, parts: Sequence[Piece], printer_of: Callable[[WritingPlan], Printer]
) -> Piece:
    """A loop: the step as a map, and what it starts from and runs over."""

    def show(e: Expr) -> str:
        plan = plan_of(shown_in_latex(readable(e), latex=True))
        document = printer_of(plan).document(MAX_LENGTH)
        listed = [f"{name} = {value}" for name, value in document.definitions]
        return document.body + rf" \text{{ where }} {', '.join(listed)}" * bool(listed)

    loop = node.params.loop
    names, formulas = written(loop, show)
    shown, replaced = arguments_shown(node)
    bound = ", ".join(map(latex_name, names))
    step = rf"\left({bound}\right) \mapsto \left({', '.join(formulas)}\right)"
    listed = [step, *[parts[i].text for i in shown]]
    listed += [f"{latex_name(name)} = {parts[i].text}" for i, name in replaced]
    listed += [] if loop.elements else [extent_piece(loop.length).text]
    listed += [r"\text{backwards}"] if loop.reverse else []
    return Piece(rf"\operatorname{{scan}}\left({', '.join(listed)}\right)", ATOM)
