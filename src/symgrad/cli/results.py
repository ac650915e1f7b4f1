"""Formulas with what they are the derivatives of, printed in the form that was asked for."""

from __future__ import annotations

import argparse
import json
from typing import Any, NamedTuple

import numpy as np

import symgrad as sg
from symgrad.cli.reading import Request, assignments
from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols


class Result(NamedTuple):
    """A formula, or one derivative: how often it was taken by which variable, and of which formula."""

    orders: dict[Expr, int]
    formula: Expr
    of: str = ""

    def label(self) -> str:
        """``d/dx``, ``d2/dx2`` and ``d2/dxdy``, or ``df1/dx`` for one of several formulas."""
        if not self.orders:
            return self.of
        below = "".join(f"d{x.name}{n if n > 1 else ''}" for x, n in self.orders.items())
        order = sum(self.orders.values())
        return f"d{order if order > 1 else ''}{self.of}/{below}"

    def latex_label(self) -> str:
        """The left side of an equation in LaTeX."""
        name = f"f_{{{self.of[1:]}}}" if self.of else "f"
        if not self.orders:
            return name
        below = [_powered(rf"\partial {sg.latex(x)}", n) for x, n in self.orders.items()]
        above = _powered(r"\partial", sum(self.orders.values()))
        return rf"\frac{{{above} {name}}}{{" + r"\,".join(below) + "}"


def _powered(text: str, n: int) -> str:
    return f"{text}^{{{n}}}" if n > 1 else text


def show(arguments: argparse.Namespace, given: Request, results: list[Result]) -> int:
    """Print results as text, LaTeX, code, a graph, values or JSON."""
    formulas = [result.formula for result in results]
    several = len(formulas) > 1
    chosen = vars(arguments)
    if chosen.get("at") and (chosen.get("latex") or chosen.get("python") or chosen.get("dot")):
        raise ArgumentError("--at prints values: leave out --latex, --python and --dot")
    values = _values(arguments.at, given, results) if chosen.get("at") else None
    if chosen.get("json"):
        print(json.dumps(_as_json(arguments, given, results, values), ensure_ascii=False, indent=2))
    elif chosen.get("python"):
        print(code(given, results))
    elif chosen.get("dot"):
        print(sg.to_dot(sg.stack(formulas) if several else formulas[0]))
    elif values is not None:
        _lines(results, [_shown(v) for v in values])
    else:
        printer = sg.latex if chosen.get("latex") else str
        _lines(results, [printer(f) for f in formulas], bool(chosen.get("latex")))
    return 0


def code(given: Request, results: list[Result]) -> str:
    """The NumPy code of the results, as a function of all symbols in the order of the text."""
    leaves = _leaves(given, results)
    formulas = [result.formula for result in results]
    source = sg.lambdify(leaves, formulas if len(formulas) > 1 else formulas[0]).source
    return str(source)


def _leaves(given: Request, results: list[Result]) -> list[Expr]:
    """The symbols of the formulas, and those by which they were differentiated."""
    variables = [x for result in results for x in result.orders]
    return list(dict.fromkeys([*given.mentioned, *variables]))


def _lines(results: list[Result], texts: list[str], latex: bool = False) -> None:
    """One result by itself; several as a line each, with what it is: in LaTeX as an equation."""
    for result, text in zip(results, texts, strict=True):
        if len(results) == 1:
            print(text)
        else:
            print(f"{result.latex_label()} = {text}" if latex else f"{result.label()}: {text}")


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(np.asarray(value).tolist())


def _as_json(
    arguments: argparse.Namespace, given: Request, results: list[Result], values: list[Any] | None
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {
            "label": result.label(),
            "text": str(result.formula),
            "latex": sg.latex(result.formula),
            "shape": [n if isinstance(n, int) else str(n) for n in result.formula.shape],
        }
        for result in results
    ]
    for row, value in zip(rows, values or [], strict=False):
        row["value"] = np.asarray(value).tolist()
    return {"command": arguments.command, "formulas": given.texts, "results": rows}


def _values(texts: list[str], given: Request, results: list[Result]) -> list[Any]:
    """The results at the point that --at describes."""
    formulas = [result.formula for result in results]
    known = {str(x.name): x for x in _leaves(given, results)}
    point = assignments(texts, "--at", given.declared | known if not given.declared else known)
    for symbol in free_symbols(*formulas):
        if symbol not in point:
            raise ArgumentError(f"the result mentions {symbol.name}; add --at {symbol.name}=...")
    found = [sg.evaluate(f, {x: point[x] for x in free_symbols(f)}) for f in formulas]
    return [float(v) if np.ndim(v) == 0 else v for v in found]
