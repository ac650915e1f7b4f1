"""The commands and their options, as tables."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import symgrad as sg
from symgrad.cli import derivatives, fitting, iterations, plotting, serving, shells, timing

DESCRIPTION: Final = "Derivatives of formulas, as formulas and as NumPy code."
EPILOG: Final = """\
examples:
  symgrad diff "x**4 - 2*x**2" x
  symgrad diff "x**4 - 2*x**2" x --order 2 --at x=2
  symgrad grad "x @ A @ x" x --declare "A: (n, n) symmetric, x: n" --latex
  symgrad hessian "x**y" --latex
  symgrad newton "x**2 + y**2 - 4; x*y - 1" x,y --x0 2,0.5
  symgrad minimize "x**4 - 2*x**2" x --x0 2
  symgrad fit "a*exp(-b*t)" --data decay.csv --x0 a=1,b=1
  symgrad draw "tanh(x)" x --order 3 -o tanh.svg

A formula is Python's arithmetic with NumPy's names. `-` reads it from standard input, `@FILE` from a file;
several are parted by a semicolon. Arrays are declared: --declare "A: (m, n), x: n, y: positive".

exit codes: 0 a result; 1 an iteration did not converge to what it was asked for; 2 bad input
"""


class Option(NamedTuple):
    """An argument of `argparse.ArgumentParser.add_argument`: its names and its settings."""

    names: tuple[str, ...]
    settings: dict[str, Any]


class Command(NamedTuple):
    """A command: its name, what it does in a line, what carries it out, and the options it takes."""

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    options: tuple[Option, ...]
    forms: tuple[Option, ...] = ()  # of which one at most may be given


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, not {text.strip()!r}")
    return value


def _order(text: str) -> int:
    return 0 if text.strip() == "0" else _count(text)


def _option(*names: str, **settings: Any) -> Option:
    return Option(names, settings)


FORMULA: Final = _option(
    "formula",
    type=str.strip,
    help='such as "x**4 - 2*x**2"; - for standard input, @FILE for a file',
)
VARIABLE: Final = _option(
    "variable",
    nargs="?",
    help="the variable, or several: x,y; the only one of the formula if left out",
)
WRT: Final = _option("--wrt", metavar="X,Y", help="the variables, as an option")
DECLARE: Final = _option(
    "--declare",
    action="append",
    metavar="DECLARATIONS",
    help='shapes and assumptions, such as "A: (n, n) symmetric, x: n, s: positive"; repeatable',
)
JSON: Final = _option("--json", action="store_true", help="print JSON")
OUTPUT: Final = _option("-o", "--output", metavar="FILE", help="the picture to write")
X0: Final = _option(
    "--x0", required=True, metavar="V", help="where to start: 1, 1,2 or x=1,y=[1,2]"
)
PARAM: Final = _option(
    "--param", action="append", metavar="A=V", help="values of the other symbols; repeatable"
)
TOL: Final = _option(
    "--tol", default="1e-12", metavar="V", help="size of the last step, relative above 1 (1e-12)"
)
MAXITER: Final = _option("--maxiter", type=_count, default=50, metavar="N", help="most steps (50)")
FORMS: Final = (
    _option("--latex", action="store_true", help="print LaTeX"),
    _option("--python", action="store_true", help="print the NumPy code"),
    _option("--dot", action="store_true", help="print the graph, for Graphviz"),
    JSON,
)
AT: Final = _option(
    "--at", action="append", metavar="X=V,Y=W", help="the value at a point: x=1,v=[1,2]; repeatable"
)
OF_FORMULA: Final = (FORMULA, VARIABLE, WRT, DECLARE)

COMMANDS: Final = (
    Command(
        "diff",
        "print derivatives by the variables",
        derivatives.diff,
        (
            *OF_FORMULA,
            _option("--order", type=_count, default=1, metavar="N", help="which derivative (1)"),
            _option("--hessian", action="store_true", help="all second derivatives: as hessian"),
            AT,
        ),
        FORMS,
    ),
    Command("grad", "print the gradient", derivatives.grad, (*OF_FORMULA, AT), FORMS),
    Command(
        "hessian", "print all second derivatives", derivatives.hessian, (*OF_FORMULA, AT), FORMS
    ),
    Command(
        "jacobian",
        "print the derivatives of several formulas",
        derivatives.jacobian,
        (*OF_FORMULA, AT),
        FORMS,
    ),
    Command(
        "taylor",
        "print the Taylor polynomial",
        derivatives.taylor,
        (
            *OF_FORMULA,
            _option("--order", type=_order, default=4, metavar="N", help="the highest power (4)"),
            _option("--about", default="0", metavar="V", help="the point (0)"),
            AT,
        ),
        FORMS,
    ),
    Command(
        "simplify",
        "print a formula in its shortest form",
        derivatives.simplify,
        (FORMULA, DECLARE, _option("--full", action="store_true", help="search without bound"), AT),
        FORMS,
    ),
    Command("latex", "print the LaTeX of a formula", derivatives.latex, (FORMULA, DECLARE, JSON)),
    Command(
        "python", "print the NumPy code of a formula", derivatives.python, (FORMULA, DECLARE, JSON)
    ),
    Command(
        "newton",
        "find a root, of one formula or of a system",
        iterations.newton,
        (
            *OF_FORMULA,
            X0,
            PARAM,
            _option("--minimize", action="store_true", help="look for a minimum: as minimize"),
            _option("--order", type=_count, default=1, metavar="N", help="order of the method (1)"),
            _option("--bracket", metavar="A,B", help="ends of an interval that holds a root"),
            TOL,
            MAXITER,
            JSON,
        ),
    ),
    Command(
        "minimize",
        "find a minimum",
        iterations.minimize,
        (
            *OF_FORMULA,
            X0,
            PARAM,
            _option(
                "--subject-to",
                action="append",
                metavar="C",
                help="x + y <= 1, x**2 == y; repeatable",
            ),
            TOL,
            MAXITER,
            JSON,
        ),
    ),
    Command(
        "fit",
        "fit a model to the columns of a CSV file",
        fitting.fit,
        (
            FORMULA,
            _option(
                "--data",
                required=True,
                metavar="FILE",
                help="CSV with a row of names; - reads stdin",
            ),
            _option(
                "--y",
                metavar="NAME",
                help="the column to be met; the one the model does not mention",
            ),
            _option("--sigma", metavar="NAME", help="the column of standard deviations"),
            _option("--x0", required=True, metavar="A=V,B=W", help="where the parameters start"),
            _option("--maxiter", type=_count, default=200, metavar="N", help="most steps (200)"),
            _option(
                "-o", "--output", metavar="FILE", help="a picture of data, model and residuals"
            ),
            JSON,
        ),
    ),
    Command(
        "plot",
        "write a picture of a function of one variable and its derivatives",
        plotting.plot,
        (
            FORMULA,
            VARIABLE,
            PARAM,
            _option(
                "--from", dest="low", default="-5", metavar="V", help="where the axis begins (-5)"
            ),
            _option("--to", dest="high", default="5", metavar="V", help="where it ends (5)"),
            _option(
                "--order",
                type=_order,
                default=1,
                metavar="N",
                help="derivatives up to this one (1)",
            ),
            _option("-o", "--output", required=True, metavar="FILE", help="png, svg or pdf"),
        ),
    ),
    Command(
        "draw",
        "draw the graph of a formula, or of a derivative",
        derivatives.draw,
        (
            *OF_FORMULA,
            _option(
                "--order", type=_order, default=0, metavar="N", help="draw the N-th derivative (0)"
            ),
            _option(
                "-o",
                "--output",
                required=True,
                metavar="FILE",
                help="svg, png, pdf, dot or mmd",
            ),
        ),
    ),
    Command(
        "bench",
        "time a formula and its gradient",
        timing.bench,
        (
            FORMULA,
            PARAM,
            DECLARE,
            _option(
                "--points",
                type=_count,
                default=1000,
                metavar="N",
                help="entries of arrays (1000)",
            ),
            JSON,
        ),
    ),
    Command(
        "serve",
        "show a page for formulas in the browser, on this machine alone",
        serving.run,
        (
            _option(
                "--port", type=_order, default=8642, metavar="N", help="port, 0 for any (8642)"
            ),
            _option("--no-browser", action="store_true", help="do not open the browser"),
        ),
    ),
    Command(
        "completion",
        "print the completion script of a shell",
        shells.completion,
        (_option("shell", choices=shells.SHELLS, help="the shell"),),
    ),
)


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    found = argparse.ArgumentParser(
        prog="symgrad",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    found.add_argument("--version", action="version", version=f"symgrad {sg.__version__}")
    added = found.add_subparsers(required=True, metavar="command", dest="command")
    for command in COMMANDS:
        below = added.add_parser(
            command.name, help=command.help, description=command.help, allow_abbrev=False
        )
        for option in command.options:
            below.add_argument(*option.names, **option.settings)
        either = below.add_mutually_exclusive_group() if command.forms else below
        for option in command.forms:
            either.add_argument(*option.names, **option.settings)
        below.set_defaults(run=command.run)
    shells.offer(found)
    return found


def shielded(argv: Sequence[str]) -> list[str]:
    """`argv` with a space before formulas such as "-x**2", which argparse takes for options."""
    return [
        f" {text}" if re.match(r"-[^-]", text) and text not in ("-h", "-o") else text
        for text in argv
    ]
