"""The command `symgrad`: derivatives of a formula, and Newton's method on it.

Exit codes: 0 for a result, 1 for an iteration that did not get where it was sent, 2 for bad input,
with one line on stderr that says what is wrong and, for a formula, a caret under the place.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import symgrad as sg
from symgrad.errors import ArgumentError, ParseError, SymgradError
from symgrad.expr.leaves import SYMBOL
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols

EXAMPLES: Final = """\
examples:
  symgrad diff "x**4 - 2*x**2" x
  symgrad diff "x**4 - 2*x**2" x --order 2 --at x=2
  symgrad diff "exp(-x**2)*sin(y)" --wrt x,y --latex
  symgrad newton "x**4 - 2*x**2" x --minimize --x0 2
  symgrad draw "tanh(x)" x --order 3 -o tanh.svg
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (that of the process unless given) and return its exit code.

    Raises
    ------
    SystemExit
        With code 2 for wrong options, with code 0 after --help and --version.

    Examples
    --------
    >>> main(["diff", "x**4 - 2*x**2", "x"])
    4*x**3 - 4*x
    0
    """
    try:
        arguments = _parser().parse_args(_shielded(sys.argv[1:] if argv is None else argv))
        run: Callable[[argparse.Namespace], int] = arguments.run
        code = run(arguments)
        sys.stdout.flush()
        return code
    except (SymgradError, ArithmeticError, ValueError) as error:
        print(f"symgrad: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


# Options


def _shielded(argv: Sequence[str]) -> list[str]:
    """`argv` with a space before formulas such as "-x**2", which argparse takes for options."""
    return [
        f" {text}"
        if text[:1] == "-" and text[:2] != "--" and text not in ("-", "-h", "-o")
        else text
        for text in argv
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="symgrad",
        description="Derivatives of formulas, as formulas and as NumPy code.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"symgrad {sg.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    _diff_options(commands.add_parser("diff", help="print derivatives", allow_abbrev=False))
    _newton_options(
        commands.add_parser("newton", help="find a root or a minimum", allow_abbrev=False)
    )
    _draw_options(
        commands.add_parser("draw", help="draw the graph of a formula", allow_abbrev=False)
    )
    return parser


def _draw_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("formula", type=str.strip, help='such as "tanh(x)"')
    add("variable", nargs="?", help="the variable; the only one of the formula unless given")
    add("--wrt", metavar="X,Y", help="several variables: all derivatives in one picture")
    add("--order", type=_order, default=0, metavar="N", help="draw the N-th derivative (0)")
    add("-o", "--output", required=True, metavar="FILE", help="svg, png, pdf, dot or mmd (Mermaid)")
    parser.set_defaults(run=_draw)


def _diff_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("formula", type=str.strip, help='such as "x**4 - 2*x**2"')
    add("variable", nargs="?", help="the variable; the only one of the formula unless given")
    add("--wrt", metavar="X,Y", help="several variables: one derivative a line")
    add("--order", type=_count, default=1, metavar="N", help="which derivative (1)")
    add("--hessian", action="store_true", help="all second derivatives by the variables")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--latex", action="store_true", help="print LaTeX")
    form.add_argument("--python", action="store_true", help="print the NumPy code")
    form.add_argument("--dot", action="store_true", help="print the graph, for Graphviz")
    form.add_argument(
        "--at", action="append", metavar="X=V,Y=W", help="print the value at a point; repeatable"
    )
    parser.set_defaults(run=_diff)


def _newton_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("formula", type=str.strip, help='such as "x**4 - 2*x**2"')
    add("variable", nargs="?", help="the variable; the only one of the formula unless given")
    add("--minimize", action="store_true", help="look for a minimum, not for a root")
    add("--x0", required=True, metavar="V", help="where to start")
    add(
        "--tol",
        default="1e-12",
        metavar="V",
        help="size of the last step, relative above 1 (1e-12)",
    )
    add("--maxiter", type=_count, default=50, metavar="N", help="the most steps to take (50)")
    parser.set_defaults(run=_newton, wrt=None)


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


def _number(text: str) -> float:
    """The value of a formula without variables, such as ``-1e-3`` or ``pi/2``."""
    formula = sg.parse(text.strip())
    symbols = free_symbols(formula)
    if symbols:
        raise ParseError("expected a number", text.strip(), text.strip().find(str(symbols[0].name)))
    return float(sg.evaluate(formula, {}))


def _symbol(text: str) -> Expr:
    name = text.strip()
    symbol = sg.parse(name) if name.isidentifier() else None
    if symbol is None or symbol.op is not SYMBOL:
        raise ParseError("expected the name of a variable", name, 0)
    return symbol


def _mentioned(formula: Expr, text: str) -> list[Expr]:
    """The symbols of a formula in the order in which its text mentions them."""
    place = {word: k for k, word in reversed(list(enumerate(re.findall(r"\w+", text))))}
    return sorted(free_symbols(formula), key=lambda s: place.get(str(s.name), len(place)))


def _variables(arguments: argparse.Namespace, formula: Expr, all_of_them: bool) -> list[Expr]:
    """The variables that were named, or those of the formula where that leaves no choice."""
    if arguments.variable is not None and arguments.wrt is not None:
        raise ArgumentError("name the variables once: as an argument or with --wrt")
    listed = arguments.variable if arguments.wrt is None else arguments.wrt
    if listed is not None:
        return list(dict.fromkeys(_symbol(name) for name in listed.split(",")))
    found = _mentioned(formula, arguments.formula)
    if len(found) == 1 or (found and all_of_them):
        return found
    names = ", ".join(sorted(str(s.name) for s in found)) or "none"
    raise ArgumentError(f"say by which variable to differentiate; the formula mentions {names}")


# diff


class Result(NamedTuple):
    """One derivative, and how often it was taken by which variable."""

    orders: dict[Expr, int]
    formula: Expr

    def label(self) -> str:
        """``d/dx``, ``d2/dx2`` and ``d2/dxdy``."""
        below = "".join(f"d{x.name}{n if n > 1 else ''}" for x, n in self.orders.items())
        order = sum(self.orders.values())
        return f"d{order if order > 1 else ''}/{below}"

    def latex_label(self) -> str:
        """The left side of an equation in LaTeX."""
        below = [_powered(rf"\partial {sg.latex(x)}", n) for x, n in self.orders.items()]
        above = _powered(r"\partial", sum(self.orders.values()))
        return rf"\frac{{{above} f}}{{" + r"\,".join(below) + "}"


def _powered(text: str, n: int) -> str:
    return f"{text}^{{{n}}}" if n > 1 else text


def _diff(arguments: argparse.Namespace) -> int:
    formula = sg.parse(arguments.formula)
    variables = _variables(arguments, formula, arguments.hessian)
    if arguments.hessian:
        if arguments.order != 1:
            raise ArgumentError("--hessian is of order 2; leave out --order")
        results = _second(formula, variables)
    else:
        results = _derivatives(formula, variables, arguments.order)
    leaves = list(dict.fromkeys([*_mentioned(formula, arguments.formula), *variables]))
    formulas = [result.formula for result in results]
    if arguments.python:
        print(sg.lambdify(leaves, formulas if len(formulas) > 1 else formulas[0]).source)
    elif arguments.dot:
        print(sg.to_dot(sg.stack(formulas) if len(formulas) > 1 else formulas[0]))
    elif arguments.at:
        values = _values(arguments.at, formulas, set(leaves))
        _show(results, [repr(float(sg.evaluate(f, values))) for f in formulas])
    else:
        texts = [(sg.latex if arguments.latex else str)(f) for f in formulas]
        _show(results, texts, arguments.latex)
    return 0


def _draw(arguments: argparse.Namespace) -> int:
    formula = sg.parse(arguments.formula)
    formulas = [formula]
    if arguments.order:
        variables = _variables(arguments, formula, False)
        formulas = [r.formula for r in _derivatives(formula, variables, arguments.order)]
    sg.draw(formulas if len(formulas) > 1 else formulas[0], arguments.output)
    return 0


def _derivatives(formula: Expr, variables: list[Expr], order: int) -> list[Result]:
    if order == 1:
        gradient = sg.grad(formula, variables)
        return [Result({x: 1}, g) for x, g in zip(variables, gradient, strict=True)]
    return [Result({x: order}, sg.diff(formula, x, order)) for x in variables]


def _second(formula: Expr, variables: list[Expr]) -> list[Result]:
    """All second derivatives, row by row."""
    rows = sg.hessian(formula, variables)
    return [
        Result({x: 2} if x is y else {x: 1, y: 1}, entry)
        for x, row in zip(variables, rows, strict=True)
        for y, entry in zip(variables, row, strict=True)
    ]


def _show(results: list[Result], texts: list[str], latex: bool = False) -> None:
    """One result by itself; several as a line each, with what it is: in LaTeX as an equation."""
    for result, text in zip(results, texts, strict=True):
        if len(results) == 1:
            print(text)
        else:
            print(f"{result.latex_label()} = {text}" if latex else f"{result.label()}: {text}")


def _values(texts: list[str], formulas: list[Expr], leaves: set[Expr]) -> dict[Expr, float]:
    """The point that --at describes."""
    values: dict[Expr, float] = {}
    for text in ",".join(texts).split(","):
        name, sign, value = text.partition("=")
        if not sign:
            raise ParseError("expected a value: name=value", text, len(text))
        symbol = _symbol(name)
        if symbol not in leaves:
            raise ArgumentError(f"--at {text.strip()}: the formula does not mention {symbol.name}")
        if symbol in values:
            raise ArgumentError(f"--at gives {symbol.name} twice")
        values[symbol] = _number(value)
    for symbol in free_symbols(*formulas):
        if symbol not in values:
            raise ArgumentError(f"the result mentions {symbol.name}; add --at {symbol.name}=...")
    return values


# newton


class Row(NamedTuple):
    """One iterate: the formula and its derivative there, and the step that follows."""

    x: float
    f: float
    slope: float
    step: float


def _newton(arguments: argparse.Namespace) -> int:
    formula = sg.parse(arguments.formula)
    variables = _variables(arguments, formula, all_of_them=False)
    mentioned = list(dict.fromkeys([*variables, *free_symbols(formula)]))
    if len(mentioned) > 1:
        names = ", ".join(str(s.name) for s in mentioned)
        raise ArgumentError(f"newton takes a formula of one variable, not of {names}")
    x = mentioned[0]
    solver = (sg.newton_minimize if arguments.minimize else sg.newton_root)(formula, x)
    places: dict[int, float] = {}  # of the last attempt, where a step was tried again

    def note(count: int, at: Any, size: float, step: Any) -> None:
        places[count] = float(at if isinstance(at, float) else at[0])

    x0, tol = _number(arguments.x0), _number(arguments.tol)
    found = solver(x0, tol=tol, maxiter=arguments.maxiter, callback=note)
    places[found.iterations] = found.x
    _table(formula, x, [places[k] for k in sorted(places) if k <= found.iterations])
    code, verdict = _verdict(found, arguments.minimize, float(sg.evaluate(formula, {x: found.x})))
    steps = f"{found.iterations} iteration" + "s" * (found.iterations != 1)
    print(f"{'not ' * code}converged after {steps}{verdict}")
    return code


def _table(formula: Expr, x: Expr, places: list[float]) -> None:
    """The iterates, a line each."""
    evaluate: Any = sg.lambdify(x, [formula, sg.diff(formula, x)])
    steps = [after - before for before, after in pairwise(places)]
    print("iteration" + "".join(f" {title:>24}" for title in ("x", "f", "f'", "step")))
    for count, (at, step) in enumerate(zip(places, [*steps, 0.0], strict=True)):
        f, slope = (float(value) for value in evaluate(at))
        print(f"{count:9d}" + "".join(f" {v!r:>24}" for v in Row(at, f, slope, step)))


def _verdict(found: Any, minimize: bool, value: float) -> tuple[int, str]:
    """Exit code, and what was found in words: 0 only for what was asked for."""
    place = f"x = {found.x!r}, f = {value!r}"
    if found.status is sg.Status.NON_FINITE:
        return 1, f": the formula or a derivative is not finite at {place}"
    if found.status is sg.Status.SINGULAR:
        return 1, f": the derivative is zero at {place}"
    if not found.converged:
        return 1, f": {found.status} at {place}"
    return 0, f" to a {'minimum' if minimize else 'root'}: {place}"
