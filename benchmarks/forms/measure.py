"""The printed derivatives of ours and of SymPy, their operations counted in the same way."""

from __future__ import annotations

import argparse
import ast
import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sympy as sp

import symgrad as sg
from benchmarks.forms.table import Formula, formulas


def operations(text: str) -> int:
    """Operators and calls of functions in a text of Python: what a reader has to take in."""
    counted = (ast.BinOp, ast.UnaryOp, ast.Call)
    return sum(isinstance(node, counted) for node in ast.walk(ast.parse(text, mode="eval")))


class ndtr(sp.Function):  # type: ignore[misc]
    """The normal distribution function, which SymPy lacks."""

    def fdiff(self, argindex: int = 1) -> Any:
        return sp.exp(-(self.args[0] ** 2) / 2) / sp.sqrt(2 * sp.pi)


def symbols_in(text: str) -> list[str]:
    """The names in a formula that are no functions and no numbers."""
    tree = ast.parse(text, mode="eval")
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call)}  # type: ignore[attr-defined]
    names = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    return sorted({name for name in names if name not in called} - {"pi"})


def ours(formula: Formula) -> str:
    """The derivative as symgrad prints it."""
    symbols = {
        n: sg.symbol(n, positive=True) if n in formula.positive else sg.symbol(n)
        for n in symbols_in(formula.text)
    }
    return str(sg.diff(sg.parse(formula.text, symbols), symbols[formula.variable]))


def sympy_forms(formula: Formula) -> dict[str, str]:
    """SymPy's derivative, as it comes, simplified and factored."""
    names: dict[str, Any] = {
        n: sp.Symbol(n, real=True, positive=n in formula.positive or None)
        for n in symbols_in(formula.text)
    }
    names["ndtr"] = ndtr
    plain = sp.diff(sp.sympify(formula.text, names), names[formula.variable])
    forms: dict[str, Callable[[Any], Any]] = {
        "diff": lambda e: e,
        "simplify": sp.simplify,
        "factor": sp.factor,
    }
    return {name: str(form(plain)) for name, form in forms.items()}


@dataclass(frozen=True)
class Row:
    """One formula: both texts and their operations."""

    family: str
    name: str
    text: str
    theirs: str
    by: str
    count: int
    their_count: int
    milliseconds: float

    @property
    def ratio(self) -> float:
        return self.count / self.their_count if self.their_count else float(self.count or 1)


def measured(formula: Formula) -> Row:
    """The row of a formula; of SymPy's forms the one of fewest operations, then of fewest characters."""
    start = time.perf_counter()
    text = ours(formula)
    spent = 1e3 * (time.perf_counter() - start)
    forms = sympy_forms(formula)
    by = min(forms, key=lambda name: (operations(forms[name]), len(forms[name])))
    counts = operations(text), operations(forms[by])
    return Row(formula.family, formula.name, text, forms[by], by, *counts, round(spent, 2))


def summary(rows: Sequence[Row]) -> str:
    """The figures of all rows in a few lines."""
    total, theirs = sum(r.count for r in rows), sum(r.their_count for r in rows)
    means = math.exp(sum(math.log(max(r.ratio, 1e-9)) for r in rows) / len(rows))
    return "\n".join(
        [
            f"{len(rows)} derivatives: {total} operations of symgrad, {theirs} of the best of SymPy's",
            f"ratio of the sums {total / theirs:.3f}, geometric mean {means:.3f}",
            f"shorter {sum(r.ratio < 1 for r in rows)}, equal {sum(r.ratio == 1 for r in rows)},"
            f" longer {sum(r.ratio > 1 for r in rows)}, above 1.2: {sum(r.ratio > 1.2 for r in rows)}",
        ]
    )


def table(rows: Iterable[Row], markdown: bool) -> str:
    """Both texts of every row."""
    if markdown:
        lines = [
            "| derivative of | ratio | symgrad | best of SymPy's |",
            "| --- | ---: | --- | --- |",
        ]
        lines += [f"| {r.name} | {r.ratio:.2f} | `{r.text}` | `{r.theirs}` |" for r in rows]
        return "\n".join(lines)
    return "\n".join(
        f"{r.ratio:5.2f}  {r.name} ({r.milliseconds:.1f} ms)\n       {r.count:3}  {r.text}\n"
        f"       {r.their_count:3}  {r.theirs}  [{r.by}]"
        for r in rows
    )


def main(arguments: Sequence[str]) -> int:
    """Print the table, worst ratio first, and the sums."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks forms",
        description="Printed operations of derivatives: symgrad beside the best of SymPy's diff,"
        " simplify and factor.",
    )
    parser.add_argument("names", nargs="*", help="names of formulas, all by default")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--json", metavar="FILE", help="write all rows")
    given = parser.parse_args(arguments)
    chosen = [f for f in formulas() if not given.names or f.name in given.names]
    if not chosen:
        print(f"no formula is named {' or '.join(given.names)}", file=sys.stderr)
        return 2
    rows = sorted(map(measured, chosen), key=lambda row: -row.ratio)
    print(table(rows, given.markdown))
    print(summary(rows))
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump([asdict(row) | {"ratio": row.ratio} for row in rows], file, indent=1)
    return 0
