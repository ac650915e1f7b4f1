"""The commands of Newton's method: roots of formulas and systems, and minima."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

import symgrad as sg
from symgrad.cli.reading import (
    Request,
    assignments,
    number,
    one_formula,
    request,
    value,
    variables,
)
from symgrad.cli.terminal import table
from symgrad.errors import ArgumentError, ParseError
from symgrad.expr.node import Expr
from symgrad.ops.comparison import equal, greater_equal, less_equal
from symgrad.parse.declarations import parted


class IterationProblem(NamedTuple):
    """What is to be solved: the formulas, the unknowns, and the values of all other symbols."""

    given: Request
    unknowns: list[Expr]
    params: dict[Expr, Any]

    def start(self, text: str) -> list[Any]:
        """The values of the unknowns that --x0 gives, by name or in their order."""
        if "=" not in text:
            parts = parted(text)
            if len(parts) != len(self.unknowns):
                raise ArgumentError(
                    f"--x0 gives {len(parts)} of the {len(self.unknowns)} unknowns {self.names()}"
                )
            return [value(part) for part in parts]
        found = assignments([text], "--x0", {str(x.name): x for x in self.unknowns})
        for x in self.unknowns:
            if x not in found:
                raise ArgumentError(f"--x0 does not say where {x.name} starts")
        return [found[x] for x in self.unknowns]

    def names(self) -> str:
        """The unknowns, in a row."""
        return ", ".join(str(x.name) for x in self.unknowns)

    def call(self, solver: Any, text: str, **options: Any) -> tuple[Any, list[Any]]:
        """The solution from the start that --x0 gives, and the iterates on the way."""
        places: dict[int, Any] = {}  # of the last attempt, where a step was tried again

        def note(count: int, at: Any, size: Any, step: Any) -> None:
            places[count] = np.ravel(at).copy(), float(np.max(np.abs(size)))

        start = self.start(text)
        x0 = start if len(start) > 1 else start[0]
        found = solver(x0, *self.params.values(), callback=note, **options)
        places[found.iterations] = _flat(found.x), float(found.residual)
        return found, [places[k] for k in sorted(places) if k <= found.iterations]


def _flat(x: Any) -> Any:
    parts = x if isinstance(x, list) else [x]
    return np.concatenate([np.ravel(part) for part in parts])


def _problem(arguments: argparse.Namespace, given: Request) -> IterationProblem:
    """The unknowns are the variables that are named, or the symbols that --param gives no value for."""
    known = {str(x.name): x for x in given.mentioned} | given.declared
    params = assignments(arguments.param or [], "--param", known)
    if arguments.variable is None and arguments.wrt is None:
        unknowns = [x for x in given.mentioned if x not in params]
    else:
        unknowns = variables(arguments, given, True)
    taken = {*unknowns, *params}
    rest = [x for x in given.mentioned if x not in taken]
    if rest or not unknowns:
        names = ", ".join(str(x.name) for x in (*unknowns, *rest)) or "none"
        raise ArgumentError(
            f"{arguments.command} takes a value for every symbol that is no unknown: say which of"
            f" {names} are the unknowns, and give the others with --param NAME=VALUE"
        )
    if twice := params.keys() & set(unknowns):
        raise ArgumentError(f"--param gives a value of the unknown {twice.pop().name}")
    return IterationProblem(given, unknowns, params)


def newton(arguments: argparse.Namespace) -> int:
    """A root of one formula, or of as many as there are unknowns."""
    if arguments.minimize:
        arguments.subject_to = None
        return minimize(arguments)
    problem = _problem(arguments, request(arguments))
    formulas = problem.given.formulas
    bracket = None
    if arguments.bracket is not None:
        bracket = [number(end) for end in arguments.bracket.split(",")]
    solver = sg.newton_root(
        formulas if len(formulas) > 1 else formulas[0],
        problem.unknowns if len(problem.unknowns) > 1 else problem.unknowns[0],
        list(problem.params),
        order=arguments.order,
        bracket=bracket,
    )
    return _report(arguments, problem, solver, "root")


def minimize(arguments: argparse.Namespace) -> int:
    """A minimum of a formula, under constraints where there are any."""
    given, formula = one_formula(arguments)
    texts = arguments.subject_to or []
    constraints = [_constraint(text, given.declared) for text in texts]
    whole = Request([formula, *constraints], [*given.texts, *texts], given.declared)
    problem = _problem(arguments, whole)
    solver = sg.newton_minimize(
        formula,
        problem.unknowns if len(problem.unknowns) > 1 else problem.unknowns[0],
        list(problem.params),
        equal=[c for c in constraints if c.op is equal] or None,
        inequal=[c for c in constraints if c.op is not equal] or None,
    )
    problem = problem._replace(given=given)
    return _report(arguments, problem, solver, "minimum")


def _constraint(text: str, declared: Mapping[str, Expr]) -> Expr:
    """A comparison of two formulas, such as ``x + y <= 1``."""
    found = sg.parse(text.strip(), declared)
    if found.op not in (equal, less_equal, greater_equal):
        raise ParseError("expected a constraint: x + y <= 1, x >= 0 or x == y", text.strip(), 0)
    return found


# What was found


def _report(
    arguments: argparse.Namespace, problem: IterationProblem, solver: Any, kind: str
) -> int:
    found, places = problem.call(
        solver, arguments.x0, tol=number(arguments.tol), maxiter=arguments.maxiter
    )
    formulas = problem.given.formulas
    alone = len(formulas) == 1 and len(problem.unknowns) == 1 and not problem.unknowns[0].shape
    at = dict(zip(problem.unknowns, _parts(found.x, len(problem.unknowns)), strict=True))
    values = [sg.evaluate(f, {**problem.params, **at}) for f in formulas]
    code, verdict = _verdict(found, kind, _place(at, values))
    if arguments.json:
        print(json.dumps(_as_json(arguments, problem, found, at, values, places), indent=2))
        return code
    if alone:
        _scalar_table(formulas[0], problem, [float(x[0]) for x, _ in places])
    else:
        _table(problem, places)
    steps = f"{found.iterations} iteration" + "s" * (found.iterations != 1)
    print(f"{'not ' * code}converged after {steps}{verdict}")
    return code


def _parts(x: Any, count: int) -> list[Any]:
    """The values of the unknowns one by one, of one array where all are scalars."""
    if count == 1:
        return [x]
    return [part if np.ndim(part) else float(part) for part in x]


def _place(at: Mapping[Expr, Any], values: list[Any]) -> str:
    places = [f"{x.name} = {_text(v)}" for x, v in at.items()]
    names = ["f"] if len(values) == 1 else [f"f{k}" for k in range(1, len(values) + 1)]
    return ", ".join([*places, *[f"{n} = {_text(v)}" for n, v in zip(names, values, strict=True)]])


def _text(number: Any) -> str:
    return repr(float(number)) if np.ndim(number) == 0 else str(np.asarray(number).tolist())


def _scalar_table(formula: Expr, problem: IterationProblem, places: list[float]) -> None:
    """The iterates of one unknown: formula, derivative and the step that follows, a line each."""
    (x,) = problem.unknowns
    evaluate: Any = sg.lambdify([x, *problem.params], [formula, sg.diff(formula, x)])
    steps = [after - before for before, after in pairwise(places)]
    rows = [
        [str(k), *[_text(v) for v in (at, *evaluate(at, *problem.params.values()), step)]]
        for k, (at, step) in enumerate(zip(places, [*steps, 0.0], strict=True))
    ]
    table(["iteration", "x", "f", "f'", "step"], rows)


def _table(problem: IterationProblem, places: list[Any]) -> None:
    """The iterates of several unknowns and the size of what is to vanish, a line each."""
    names = [
        str(x.name) if not x.shape else f"{x.name}{list(index)}"
        for x, part in zip(problem.unknowns, _split(problem, places[-1][0]), strict=True)
        for index in np.ndindex(part.shape)
    ]
    rows = [[str(k), *map(_text, x), _text(size)] for k, (x, size) in enumerate(places)]
    table(["iteration", *names, "residual"], rows)


def _split(problem: IterationProblem, x: Any) -> list[Any]:
    """The iterate as arrays of the unknowns; one unknown of open shape takes it whole."""
    if len(problem.unknowns) == 1:
        return [x]
    sizes = [int(np.prod([n for n in u.shape if isinstance(n, int)])) for u in problem.unknowns]
    return list(np.split(x, np.cumsum(sizes)[:-1]))


def _as_json(
    arguments: argparse.Namespace,
    problem: IterationProblem,
    found: Any,
    at: Mapping[Expr, Any],
    values: list[Any],
    places: list[Any],
) -> dict[str, Any]:
    return {
        "command": arguments.command,
        "formulas": problem.given.texts,
        "converged": bool(found.converged),
        "status": str(found.status),
        "iterations": int(found.iterations),
        "x": {str(x.name): np.asarray(v).tolist() for x, v in at.items()},
        "values": [np.asarray(v).tolist() for v in values],
        "residual": float(found.residual),
        "iterates": [np.asarray(x).tolist() for x, _ in places],
    }


def _verdict(found: Any, kind: str, place: str) -> tuple[int, str]:
    """Exit code, and what was found in words: 0 only for what was asked for."""
    if found.status is sg.Status.NON_FINITE:
        return 1, f": the formula or a derivative is not finite at {place}"
    if found.status is sg.Status.SINGULAR:
        return 1, f": the derivative is zero at {place}"
    if not found.converged:
        return 1, f": {found.status} at {place}"
    return 0, f" to a {kind}: {place}"
