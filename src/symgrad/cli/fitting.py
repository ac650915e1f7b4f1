"""The command `fit`: a model, the columns of a CSV file, and what its parameters are."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from typing import Any, NamedTuple

import numpy as np

import symgrad as sg
from symgrad.cli.pictures import save_picture
from symgrad.cli.reading import assignments, contents, source
from symgrad.cli.terminal import table
from symgrad.errors import ArgumentError
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols


class Model(NamedTuple):
    """The formula, its parameters, the columns it mentions, and the name of the one that it is to meet."""

    formula: Expr
    parameters: list[Expr]
    columns: list[Expr]
    y: str


def fit(arguments: argparse.Namespace) -> int:
    """Fit the model by least squares and print its parameters with their standard errors."""
    data = _columns(arguments.data)
    model = _model(arguments, data)
    target = sg.vector(model.y, "n")
    sigma = None
    params = [*model.columns, target]
    if arguments.sigma is not None:
        sigma = sg.vector(_column(arguments.sigma, data), "n")
        params.append(sigma)
    solver = sg.least_squares(model.formula - target, model.parameters, params, sigma=sigma)
    start = assignments([arguments.x0], "--x0", {str(p.name): p for p in model.parameters})
    missing = [str(p.name) for p in model.parameters if p not in start]
    if missing:
        raise ArgumentError(
            f"--x0 does not say where {', '.join(missing)} starts: --x0 {missing[0]}=1"
        )
    x0 = [start[p] for p in model.parameters]
    found = solver(x0, *[data[str(p.name)] for p in params], maxiter=arguments.maxiter)
    if arguments.output is not None:
        _picture(arguments.output, model, data, found)
    if arguments.json:
        print(json.dumps(_as_json(arguments, model, found), indent=2))
    else:
        _report(model, found)
    return 0 if found.converged else 1


def _columns(path: str) -> dict[str, Any]:
    """The columns of a CSV file by their names, as arrays of floats."""
    text = sys.stdin.read() if path == "-" else contents(path)
    rows = [row for row in csv.reader(io.StringIO(text), skipinitialspace=True) if row]
    if len(rows) < 2:
        raise ArgumentError(f"{path} holds no rows of numbers below a row of names")
    names = [name.strip() for name in rows[0]]
    if len(set(names)) < len(names) or not all(name.isidentifier() for name in names):
        raise ArgumentError(
            f"the first row of {path} must name each column once, as in t,y; it is {','.join(rows[0])}"
        )
    numbers = []
    for line, row in enumerate(rows[1:], 2):
        try:
            numbers.append([float(entry) for entry in row])
        except ValueError as error:
            raise ArgumentError(f"row {line} of {path}: {error}") from None
        if len(row) != len(names):
            raise ArgumentError(f"row {line} of {path} has {len(row)} entries, not {len(names)}")
    return dict(zip(names, np.array(numbers).T, strict=True))


def _column(name: str, data: dict[str, Any]) -> str:
    if name not in data:
        raise ArgumentError(f"the data have no column {name}; they have {', '.join(data)}")
    return name


def _model(arguments: argparse.Namespace, data: dict[str, Any]) -> Model:
    """The formula over the columns; what it mentions beside them are the parameters."""
    formula = sg.parse(source(arguments.formula), {name: sg.vector(name, "n") for name in data})
    mentioned = sorted(free_symbols(formula), key=lambda s: str(s.name))
    columns = [s for s in mentioned if s.name in data]
    parameters = [s for s in mentioned if s.name not in data]
    if not parameters:
        raise ArgumentError("the model mentions no parameter beside the columns of the data")
    if not columns:
        raise ArgumentError(f"the model mentions no column of the data: {', '.join(data)}")
    rest = [n for n in data if n not in {s.name for s in columns} and n != arguments.sigma]
    if arguments.y is None and len(rest) != 1:
        raise ArgumentError(
            f"say with --y which column the model is to meet: {', '.join(rest) or 'it mentions all'}"
        )
    return Model(formula, parameters, columns, _column(arguments.y or rest[0], data))


def _report(model: Model, found: Any) -> None:
    rows = [
        [str(p.name), repr(float(value)), repr(float(error))]
        for p, value, error in zip(model.parameters, found.x, found.stderr, strict=True)
    ]
    table(["parameter", "value", "standard error"], rows)
    print(
        f"residual standard deviation {float(found.residual_std)!r}, {found.dof} degrees of freedom"
    )
    verdict = "converged" if found.converged else f"not converged: {found.status},"
    print(f"{verdict} after {found.iterations} iterations")


def _as_json(arguments: argparse.Namespace, model: Model, found: Any) -> dict[str, Any]:
    return {
        "command": "fit",
        "formula": str(model.formula),
        "converged": bool(found.converged),
        "status": str(found.status),
        "iterations": int(found.iterations),
        "x": {str(p.name): float(v) for p, v in zip(model.parameters, found.x, strict=True)},
        "stderr": {
            str(p.name): float(v) for p, v in zip(model.parameters, found.stderr, strict=True)
        },
        "covariance": np.asarray(found.covariance).tolist(),
        "residual_std": float(found.residual_std),
        "dof": int(found.dof),
    }


def _picture(path: str, model: Model, data: dict[str, Any], found: Any) -> None:
    """Data and model over the first column that the model mentions, and the residuals below."""
    name = str(model.columns[0].name)
    values = dict(zip(model.parameters, found.x, strict=True))
    fitted = sg.evaluate(model.formula, {**values, **{c: data[str(c.name)] for c in model.columns}})
    order = np.argsort(data[name])

    def paint(figure: Any) -> None:
        above, below = figure.subplots(2, sharex=True, height_ratios=(3, 1))
        above.plot(data[name], data[model.y], "o", label=model.y)
        above.plot(data[name][order], fitted[order], label=str(model.formula))
        above.legend()
        below.plot(data[name], data[model.y] - fitted, "o")
        below.axhline(0, linewidth=0.8)
        below.set(xlabel=name, ylabel="residual")

    save_picture(path, paint)
