"""The generated part of a solver: the functions of its formulas, and the loop or the call around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgrad.batching import vmap
from symgrad.compile.execute import function_of
from symgrad.compile.in_place import in_place
from symgrad.compile.lambdify import lambdify
from symgrad.emit.numpy_source import INDENT
from symgrad.expr.dims import dim_names
from symgrad.expr.node import Expr
from symgrad.solve.loops import Loop, equation_loop, program_of
from symgrad.solve.problem import Problem


def made(name: str, symbols: Sequence[Expr], outputs: Sequence[Expr]) -> str:
    """A function that makes the function `name`, so that its helpers and constants are its own."""
    source = lambdify(symbols, list(outputs), name=name).source
    lines = [line for line in source.splitlines() if line != "import numpy as np"]
    while lines and not lines[0]:
        lines.pop(0)
    body = [INDENT + line if line else "" for line in lines]
    return "\n".join([f"def make_{name}():", *body, "", f"{INDENT}return {function_of(source)}"])


def batched(problem: Problem, outputs: Sequence[Expr]) -> tuple[list[Expr], list[Expr]]:
    """Symbols and outputs with an axis for the problems in front."""
    taken = {n for x in problem.symbols for d in x.shape for n in dim_names(d)}
    extent = next(n for n in ["problems", *(f"problems_{k}" for k in range(99))] if n not in taken)
    over = dict.fromkeys(problem.symbols, extent)
    replaced = {x: vmap(x, over={x: extent}) for x in over}
    return list(replaced.values()), vmap(list(outputs), over=over)


def _module(
    problem: Problem,
    functions: Sequence[str],
    called: str,
    options: dict[str, Any],
    defaults: str,
    loop: Loop | None = None,
) -> str:
    """Functions, and `solve`: a loop to try first, and the call of a solver of the runtime.

    `called` is its name with the first arguments; the last one is the `Call`.
    """
    names = program_of(problem, [])[1][len(problem.unknowns) :]
    listed = "".join(f"{name}, " for name in names)
    form = f"Form({', '.join(map(repr, problem.form))})"
    imports = {*(loop.imports if loop else []), *_imports_of(repr(options))}
    lines = [f"{INDENT}{line}" for line in (loop.lines if loop else [])]
    return "\n".join(
        [
            *sorted(imports),
            *["", ""] * bool(imports),
            "\n\n\n".join(functions),
            "",
            "",
            f"def solve(x0, {listed}*, {defaults}, raise_on_failure=False, callback=None):",
            *lines,
            f"{INDENT}form = {form}",
            f"{INDENT}options = {options!r}",
            f"{INDENT}given = ({listed.strip()})",
            f"{INDENT}call = Call(form, x0, given, options, tol, maxiter, raise_on_failure, callback)",
            f"{INDENT}return {called}, call)",
            "",
        ]
    )


def _imports_of(options: str) -> list[str]:
    return ["from math import inf"] if re.search(r"\binf\b", options) else []


def _function(name: str, symbols: Sequence[Expr], outputs: Sequence[Expr]) -> str:
    return f"{made(name, symbols, outputs)}\n\n\n{name} = make_{name}()"


def system_code(
    problem: Problem,
    outputs: Sequence[Expr],
    called: str,
    parts: int,
    options: dict[str, Any],
    defaults: str,
    write: Callable[[Problem, Sequence[Expr]], Loop | None] | None = None,
) -> str:
    """The functions of a system, for one problem and for a batch, and the call of its solver.

    The first `parts` outputs are values; `write` gives a loop on floats to try first.
    """
    functions = [
        _function("evaluate", problem.symbols, outputs),
        made("evaluate_batch", *batched(problem, outputs)),
    ]
    loop = write(problem, outputs) if write else None
    called = f"{called}(evaluate, make_evaluate_batch, {parts}"
    return _module(problem, functions, called, options, defaults, loop)


def large_code(
    problem: Problem,
    outputs: Sequence[Expr],
    directions: Sequence[Expr],
    products: Sequence[Expr],
    options: dict[str, Any],
) -> str:
    """Value with gradient, Hessian-vector products, and the call of the solver that needs no matrix."""
    symbols = [*problem.unknowns, *directions, *problem.params]
    functions = [
        _function("evaluate", problem.symbols, outputs),
        _function("product", symbols, products),
    ]
    called = "solve_large(evaluate, product"
    return _module(problem, functions, called, options, "tol=1e-10, maxiter=500")


def sparse_code(
    problem: Problem,
    outputs: Sequence[Expr],
    called: str,
    options: dict[str, Any],
    defaults: str,
) -> str:
    """Residuals, entries of the Jacobian and their places, and the call of the sparse solver."""
    functions = [_function("evaluate", problem.symbols, outputs)]
    return _module(problem, functions, f"{called}(evaluate", options, defaults)


def equation_code(
    problem: Problem, outputs: Sequence[Expr], slope: Expr, options: dict[str, Any]
) -> str:
    """The solver of one equation: the loop on floats, and the functions that batches run.

    `outputs` are value and step, which is ``-value/slope``.
    """
    free = options["globalize"] and options["bracket"] is None and options["bounds"] is None
    loop = equation_loop(problem, outputs) if free else None
    kernels = _kernels(problem, slope)
    functions = [_function("evaluate", problem.symbols, outputs), *kernels]
    called = f"solve_equation(evaluate, {'kernels' if kernels else None}"
    return _module(problem, functions, called, options, "tol=1e-12, maxiter=100", loop)


def _kernels(problem: Problem, slope: Expr) -> list[str]:
    """The kernels that batches run; nothing where the formulas have none.

    The fast one has sine and cosine by the tangent of the half angle; the exact one decides.
    """
    symbols, value = problem.symbols, problem.formulas[0]
    if any(x.dtype != np.float64 for x in symbols):
        return []
    fast = in_place(symbols, [value, slope], "value_and_slope", fast_math=True)
    exact = in_place(symbols, [value], "value_alone")
    if exact is None or fast is None:
        return []
    parts = [fast.source.rstrip(), exact.source.rstrip()]
    if any("scipy.special." in part for part in parts):
        parts = ["import scipy.special", *parts]
    return [*parts, f"kernels = Kernels(Kernel({fast.of}), Kernel({exact.of}))"]
