"""What the page shows of a formula: each part is a function of the question, and gives plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

import symgrad as sg
from symgrad.errors import ArgumentError, GradientCheckError, ParseError, SymgradError
from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols
from symgrad.parse.declarations import declarations
from symgrad.web.markup import highlighted, mathml

POINTS: Final = 301  # of a plotted curve
MAX_ENTRIES: Final = 36  # second derivatives shown
LABELS: Final = ("f", "f\N{PRIME}", "f\N{DOUBLE PRIME}")  # of the curves
SHOWN: Final = 40  # iterations of Newton's method


class Question(NamedTuple):
    """What was typed: a formula with its symbols, the variables, and where to plot and to start."""

    formula: Expr
    variables: list[Expr]
    index_notation: bool
    low: str
    high: str
    start: str

    def latex(self, e: Expr) -> str:
        """An expression in the notation that was asked for."""
        return sg.latex(e, style="index" if self.index_notation else "matrix")

    def shown(self, label: str, e: Expr) -> dict[str, Any]:
        """An expression as the page shows it."""
        text = self.latex(e)
        return {"label": mathml(label), "latex": text, "mathml": mathml(text), "text": str(e)}

    @property
    def alone(self) -> Expr | None:
        """The variable of a function of one scalar, which can be plotted and solved."""
        (*symbols,) = free_symbols(self.formula)
        scalar = not self.formula.shape and len(symbols) == 1 and not symbols[0].shape
        return symbols[0] if scalar else None


def answer(asked: Mapping[str, str]) -> dict[str, Any]:
    """The parts named in ``asked["parts"]``, or an error with its place in the field it is about.

    Parameters
    ----------
    asked : mapping from str to str
        ``formula``, ``declare``, ``variables``, ``notation`` ("matrix" or "index"), ``low``, ``high``,
        ``start``, and ``parts``, names with commas between. A part that the formula does not have is left
        out: the plot of a function of two variables, say.
    """
    try:
        question = _read(asked)
    except _FieldError as error:
        return {"error": error.report}
    found: dict[str, Any] = {}
    for part in asked.get("parts", "formula").split(","):
        if part not in PARTS:
            return {"error": {"message": f"no part {part!r}: {', '.join(PARTS)}"}}
        try:
            found[part] = PARTS[part](question)
        except _NotShown:
            continue
        except (SymgradError, ArithmeticError, ValueError) as error:
            found[part] = {"note": str(error)}
    return found


# The question


class _NotShown(Exception):
    """A part that a formula of this kind does not have."""


class _FieldError(Exception):
    """An error in one field of the form."""

    def __init__(self, field: str, error: Exception) -> None:
        self.report: dict[str, Any] = {"field": field, "message": str(error).split("\n")[0]}
        if isinstance(error, ParseError):
            self.report |= {"message": error.reason, "text": error.text, "offset": error.offset}
        super().__init__(field)


def _read(asked: Mapping[str, str]) -> Question:
    declared: dict[str, Expr] = {}
    field = "declare"
    try:
        if asked.get("declare", "").strip():
            declared = declarations([asked["declare"]])
        field = "formula"
        formula = sg.parse(asked.get("formula", ""), declared)
        field = "variables"
        variables = _variables(asked.get("variables", ""), formula, declared)
    except (SymgradError, ValueError) as error:
        raise _FieldError(field, error) from None
    index = asked.get("notation") == "index"
    ends = (asked.get("low") or "-5", asked.get("high") or "5", asked.get("start") or "1")
    return Question(formula, variables, index, *ends)


def _variables(text: str, formula: Expr, declared: Mapping[str, Expr]) -> list[Expr]:
    """The variables that were named; all symbols of the formula where none were."""
    if not text.strip():
        return sorted(free_symbols(formula), key=lambda s: (s.ndim == 0, str(s.name)))
    found = []
    for name in text.split(","):
        symbol = sg.parse(name.strip(), declared)
        if symbol.op is not SYMBOL:
            raise ParseError("expected the name of a variable", name.strip(), 0)
        found.append(symbol)
    return list(dict.fromkeys(found))


# The parts


def _formula(question: Question) -> dict[str, Any]:
    symbols = [
        {"name": str(s.name), "shape": [str(n) for n in s.shape], "mathml": mathml(sg.latex(s))}
        for s in sorted(free_symbols(question.formula), key=lambda s: str(s.name))
    ]
    return {**question.shown("f", question.formula), "symbols": symbols}


def _gradient(question: Question) -> list[dict[str, Any]]:
    return [
        question.shown(rf"\frac{{\partial f}}{{\partial {sg.latex(x)}}}", g)
        for x, g in zip(question.variables, _first(question), strict=True)
    ]


def _first(question: Question) -> list[Expr]:
    """The derivatives by the variables: gradients, or Jacobians of what is no scalar."""
    derivative = sg.jacobian if question.formula.shape else sg.grad
    return list(derivative(question.formula, question.variables)) if question.variables else []


def _hessian(question: Question) -> list[dict[str, Any]]:
    if question.formula.shape:
        raise _NotShown
    if len(question.variables) ** 2 > MAX_ENTRIES:
        raise ArgumentError(f"more than {MAX_ENTRIES} second derivatives: name fewer variables")
    rows = sg.hessian(question.formula, question.variables) if question.variables else []
    return [
        question.shown(_second_label(x, y), entry)
        for i, (x, row) in enumerate(zip(question.variables, rows, strict=True))
        for y, entry in zip(question.variables[i:], row[i:], strict=True)
    ]


def _second_label(x: Expr, y: Expr) -> str:
    below = (
        rf"\partial {sg.latex(x)}^{{2}}"
        if x is y
        else rf"\partial {sg.latex(x)}\,\partial {sg.latex(y)}"
    )
    return rf"\frac{{\partial^{{2}} f}}{{{below}}}"


def _code(question: Question) -> dict[str, str]:
    symbols = sorted(free_symbols(question.formula), key=lambda s: str(s.name))
    leaves = list(dict.fromkeys([*symbols, *question.variables]))
    source = str(sg.lambdify(leaves, [question.formula, _first(question)]).source)
    return {"text": source, "html": highlighted(source)}


def _graph(question: Question) -> dict[str, str]:
    drawn: Any = sg.draw(question.formula)
    return {"svg": drawn.svg[drawn.svg.index("<svg") :]}


def _check(question: Question) -> dict[str, str]:
    if not question.variables:
        raise _NotShown
    try:
        sg.check_grad(question.formula, question.variables)
    except GradientCheckError as error:
        return {"verdict": "differ", "text": str(error)}
    return {
        "verdict": "agree",
        "text": "At a random point the derivatives agree with differences of the value.",
    }


def _plot(question: Question) -> dict[str, Any]:
    x = _alone(question)
    low, high = _number(question.low), _number(question.high)
    if not low < high:
        raise ArgumentError(f"the left end must be below the right one, not {low} and {high}")
    formulas = [question.formula, sg.diff(question.formula, x), sg.diff(question.formula, x, 2)]
    at = np.linspace(low, high, POINTS)
    with np.errstate(all="ignore"):
        curves = sg.lambdify(x, formulas)(at)
    return {
        "x": at.tolist(),
        "curves": [
            {"label": label, "y": _finite(np.broadcast_to(curve, at.shape))}
            for label, curve in zip(LABELS, curves, strict=True)
        ],
    }


def _finite(curve: Any) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in curve.tolist()]


def _newton(question: Question) -> dict[str, Any]:
    x = _alone(question)
    rows: list[list[float]] = []

    def note(count: int, at: Any, size: Any, step: Any) -> None:
        if len(rows) < SHOWN:
            rows.append([count, float(np.ravel(at)[0]), float(np.ravel(size)[0])])

    found = sg.newton_root(question.formula, x)(_number(question.start), callback=note)
    return {
        "rows": [[n, repr(at), repr(size)] for n, at, size in rows],
        "converged": bool(found.converged),
        "text": f"{found.status} after {found.iterations} iterations at {x.name} = {found.x!r}",
    }


def _alone(question: Question) -> Expr:
    if question.alone is None:
        raise _NotShown
    return question.alone


def _number(text: str) -> float:
    value = sg.parse(text)
    if free_symbols(value):
        raise ArgumentError(f"expected a number, not {text}")
    return float(sg.evaluate(value, {}))


PARTS: Final[Mapping[str, Callable[[Question], Any]]] = {
    "formula": _formula,
    "gradient": _gradient,
    "hessian": _hessian,
    "code": _code,
    "graph": _graph,
    "check": _check,
    "plot": _plot,
    "newton": _newton,
}
