"""The command `plot`: a function of one variable with its derivatives."""

from __future__ import annotations

import argparse
from typing import Any, Final

import numpy as np

import symgrad as sg
from symgrad.cli.pictures import save_picture
from symgrad.cli.reading import assignments, number, one_formula, symbol_named
from symgrad.errors import ArgumentError

POINTS: Final = 800  # on the axis


def plot(arguments: argparse.Namespace) -> int:
    """Write the picture; values that are not finite leave a gap."""
    given, formula = one_formula(arguments)
    known = {str(x.name): x for x in given.mentioned}
    params = assignments(arguments.param or [], "--param", known)
    if arguments.variable is not None:
        x = symbol_named(arguments.variable, given.declared)
    else:
        free = [s for s in given.mentioned if s not in params]
        if len(free) != 1:
            names = ", ".join(str(s.name) for s in free) or "none"
            raise ArgumentError(
                f"plot takes a formula of one variable, not of {names}: see --param"
            )
        x = free[0]
    rest = [str(s.name) for s in given.mentioned if s is not x and s not in params]
    if rest:
        raise ArgumentError(f"plot needs a value of {rest[0]}: --param {rest[0]}=...")
    low, high = number(arguments.low), number(arguments.high)
    if not low < high:
        raise ArgumentError(f"--from must be below --to, not {low} and {high}")
    formulas = [formula, *[sg.diff(formula, x, n) for n in range(1, arguments.order + 1)]]
    at = np.linspace(low, high, POINTS)
    with np.errstate(all="ignore"):
        curves = sg.lambdify([x, *params], formulas)(at, *params.values())

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        for derivative, curve in zip(formulas, curves, strict=True):
            shown = np.where(np.isfinite(curve), curve, np.nan) * np.ones_like(at)
            axes.plot(at, shown, label=_short(str(derivative)))
        axes.axhline(0, linewidth=0.8)
        axes.set_xlabel(str(x.name))
        axes.legend()

    save_picture(arguments.output, paint)
    return 0


def _short(text: str) -> str:
    first = text.splitlines()[0]
    return first if len(first) <= 60 else first[:57] + "..."
