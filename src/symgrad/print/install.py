"""Attach `str`, `repr` and the notebook's LaTeX to expressions, and to lists of them."""

from __future__ import annotations

from typing import Any

from symgrad.errors import SymgradError
from symgrad.expr.formulas import Formulas
from symgrad.expr.node import Expr
from symgrad.print.latex import latex
from symgrad.print.text import text


def install() -> None:
    """Make ``str(e)``, ``repr(e)`` and ``e._repr_latex_()`` print the formula."""

    def repr_latex(self: Expr) -> str:
        return f"$\\displaystyle {latex(self)}$"

    def repr_of_list(self: Formulas[Any]) -> str | None:
        try:
            return f"$\\displaystyle {latex(self)}$"
        except SymgradError:  # something else was put in
            return None

    def show(self: Expr) -> str:
        return text(self)

    for name, member in {"__str__": show, "__repr__": show, "_repr_latex_": repr_latex}.items():
        setattr(Expr, name, member)
    Formulas._repr_latex_ = repr_of_list  # type: ignore[attr-defined]
