"""What Sphinx needs beside its own extensions: formulas as MathML, and pages made from the library itself.

Formulas are MathML, which browsers draw by themselves, so the pages need nothing from the network.
"""

import re
from typing import Any

import numpy as np
from docutils import nodes
from docutils.statemachine import StringList
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from tests.ops.cases import CASES

import symgrad as sg
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.table import OPS

OPERANDS = ("x", "y", "z", "w")
ARRAYS = ("A", "B", "C", "D")
SIZES = {"m": 2, "n": 3, "k": 4}  # where an operation needs extents that are known
OPERATOR = re.compile(r"\\operatorname\{(\w+)\}")


# Formulas


def _mathml(node: nodes.Node, display: str) -> str:
    """A formula; the names of functions, also those with digits, stand upright."""
    return convert(OPERATOR.sub(r"\\mathrm{\1}", node.astext()), display=display)


def inline_math(writer: Any, node: nodes.math) -> None:
    """A formula in a line of text."""
    writer.body.append(_mathml(node, "inline"))
    raise nodes.SkipNode


def displayed_math(writer: Any, node: nodes.math_block) -> None:
    """A formula on lines of its own."""
    writer.body.append(f'<div class="formula">{_mathml(node, "block")}</div>\n')
    raise nodes.SkipNode


# Pages made from the library


class Lines(SphinxDirective):
    """A directive that stands for lines of Markdown."""

    def lines(self) -> list[str]:
        """The lines."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """What the lines are as a document."""
        held = nodes.container()
        self.state.nested_parse(StringList(self.lines(), source="symgrad"), 0, held)
        return held.children


class Functions(Lines):
    """A table of the functions of entries in a module: ``{functions} symgrad.special``."""

    required_arguments = 1

    def lines(self) -> list[str]:
        module = sg.special if self.arguments[0].endswith("special") else sg
        rows = [
            "| function | formula | derivatives | domain of the tests |",
            "| --- | --- | --- | --- |",
        ]
        for name in module.__all__:
            function = getattr(module, name)
            if isinstance(function, Elementwise) and name == function.name:
                rows.append(_row(function))
        return rows


def _row(function: Elementwise) -> str:
    symbols, value = _applied(function)
    slopes = ", ".join(f"${slope}$" for slope in _slopes(value, symbols)) or "none"
    domain = ", ".join(f"[{low:g}, {high:g}]" for low, high in dict.fromkeys(function.domain))
    cells = (f"`{function.name}`", f"${sg.latex(value)}$", slopes, domain)
    return "| " + " | ".join(cell.replace("|", r"\vert ") for cell in cells) + " |"


def _applied(function: Elementwise) -> tuple[list[sg.Expr], sg.Expr]:
    """A function of symbols: of floats, and where it takes none, of integers or booleans."""
    names = OPERANDS[: function.arity]
    for first, last in ((float, float), (float, int), (int, int), (bool, bool)):
        types = [first] * (len(names) - 1) + [last]
        symbols = [sg.symbol(name, dtype=t) for name, t in zip(names, types, strict=True)]
        try:
            return symbols, function(*symbols)
        except sg.DTypeError:
            continue
    raise AssertionError(f"{function.name} takes no type")


def _slopes(value: sg.Expr, symbols: list[sg.Expr]) -> list[str]:
    try:
        return [sg.latex(sg.diff(value, x)) for x in symbols]
    except sg.DerivativeError:
        return []


class Operations(Lines):
    """A table of the operations on arrays, each by the first of the cases that the tests have for it."""

    def lines(self) -> list[str]:
        shown: dict[str, str] = {}
        for case in CASES:
            if len(case.operands) > len(ARRAYS):
                continue
            sizes = None if case.named else SIZES
            operands = [
                sg.symbol(name, o.extents(sizes), np.dtype(o.dtype))
                for name, o in zip(ARRAYS, case.operands, strict=False)
            ]
            made = case.call(sg, *operands)
            value = made[0] if isinstance(made, (tuple, list)) else made
            alone = value.args and set(value.args) <= set(operands)
            if alone and value.op.name not in shown and not value.op.elementwise:
                shown[value.op.name] = _operation(value, operands, case.operands)
        head = "| operation | formula | derivatives times $u$ | domain of the tests |"
        rows = [shown[name] for name in OPS if name in shown]
        return [head, "| --- | --- | --- | --- |", *rows]


def _operation(value: sg.Expr, operands: list[sg.Expr], drawn: Any) -> str:
    u = sg.symbol("u", value.shape)
    slopes = []
    for x in operands:
        try:
            slopes.append(f"${sg.latex(sg.vjp(value, x, u))}$")
        except sg.DerivativeError:
            continue
    domain = ", ".join(dict.fromkeys(f"[{o.low:g}, {o.high:g}]" for o in drawn))
    cells = (f"`{value.op.name}`", f"${sg.latex(value)}$", ", ".join(slopes) or "none", domain)
    return "| " + " | ".join(cell.replace("|", r"\vert ") for cell in cells) + " |"


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline_math, None), (displayed_math, None))
    app.add_directive("functions", Functions)
    app.add_directive("operations", Operations)
    return {"parallel_read_safe": True}
