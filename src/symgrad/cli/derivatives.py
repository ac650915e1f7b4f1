"""The commands that turn formulas into formulas, and print or draw them."""

from __future__ import annotations

import argparse
from typing import Literal

import symgrad as sg
from symgrad.cli.reading import one_formula, request, variables
from symgrad.cli.results import Result, code, show
from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr


def diff(arguments: argparse.Namespace) -> int:
    """Derivatives of one formula, of any order, or all second ones."""
    if arguments.hessian:
        if arguments.order != 1:
            raise ArgumentError("--hessian is of order 2; leave out --order")
        return hessian(arguments)
    given, formula = one_formula(arguments)
    return show(
        arguments, given, _derivatives(formula, variables(arguments, given, False), arguments.order)
    )


def grad(arguments: argparse.Namespace) -> int:
    """The gradient by the variables, by all of the formula unless they are named."""
    given, formula = one_formula(arguments)
    return show(arguments, given, _derivatives(formula, variables(arguments, given, True), 1))


def hessian(arguments: argparse.Namespace) -> int:
    """All second derivatives, row by row."""
    given, formula = one_formula(arguments)
    listed = variables(arguments, given, True)
    rows = sg.hessian(formula, listed)
    results = [
        Result({x: 2} if x is y else {x: 1, y: 1}, entry)
        for x, row in zip(listed, rows, strict=True)
        for y, entry in zip(listed, row, strict=True)
    ]
    return show(arguments, given, results)


def jacobian(arguments: argparse.Namespace) -> int:
    """The derivatives of several formulas, or of one that is an array, formula by formula."""
    given = request(arguments)
    listed = variables(arguments, given, True)
    several = len(given.formulas) > 1
    results = [
        Result({x: 1}, block, f"f{k}" if several else "")
        for k, formula in enumerate(given.formulas, 1)
        for x, block in zip(listed, sg.jacobian(formula, listed), strict=True)
    ]
    return show(arguments, given, results)


def taylor(arguments: argparse.Namespace) -> int:
    """The Taylor polynomial in one variable."""
    given, formula = one_formula(arguments)
    (x, *more) = variables(arguments, given, False)
    if more:
        raise ArgumentError("taylor expands in one variable")
    about = sg.parse(arguments.about.strip(), given.declared)
    series = sg.taylor(formula, x, about=about, order=arguments.order)
    return show(arguments, given, [Result({}, series)])


def simplify(arguments: argparse.Namespace) -> int:
    """The shortest form that is found; each of several formulas by itself."""
    given = request(arguments)
    level: Literal["basic", "full"] = "full" if arguments.full else "basic"
    found = [sg.simplify(formula, level=level) for formula in given.formulas]
    return show(arguments, given, _numbered(found))


def latex(arguments: argparse.Namespace) -> int:
    """Formulas in LaTeX, as they were typed."""
    given = request(arguments)
    arguments.latex = True
    return show(arguments, given, _numbered(given.formulas))


def python(arguments: argparse.Namespace) -> int:
    """The NumPy code of formulas."""
    given = request(arguments)
    results = _numbered(given.formulas)
    if arguments.json:
        return show(arguments, given, results)
    print(code(given, results))
    return 0


def draw(arguments: argparse.Namespace) -> int:
    """A picture of the graph of a formula, or of its derivatives."""
    given, formula = one_formula(arguments)
    formulas = [formula]
    if arguments.order:
        listed = variables(arguments, given, False)
        formulas = [r.formula for r in _derivatives(formula, listed, arguments.order)]
    sg.draw(formulas if len(formulas) > 1 else formulas[0], arguments.output)
    return 0


def _derivatives(formula: Expr, listed: list[Expr], order: int) -> list[Result]:
    if order == 1:
        gradient = sg.grad(formula, listed)
        return [Result({x: 1}, g) for x, g in zip(listed, gradient, strict=True)]
    return [Result({x: order}, sg.diff(formula, x, order)) for x in listed]


def _numbered(formulas: list[Expr]) -> list[Result]:
    """Formulas as results by themselves: f1, f2, where there are several."""
    return [Result({}, formula, f"f{k}") for k, formula in enumerate(formulas, 1)]
