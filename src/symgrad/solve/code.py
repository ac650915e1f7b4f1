"""The generated part of a solver: the functions of its formulas, and the loop or the call around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from symgrad.batching import vmap
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
    return "\n".join([f"def make_{name}():", *body, "", f"{INDENT}return {name}"])


def batched(problem: Problem, outputs: Sequence[Expr]) -> tuple[list[Expr], list[Expr]]:
    """Symbols and outputs with an axis for the problems in front."""
    taken = {n for x in problem.symbols for d in x.shape for n in dim_names(d)}
    extent = next(n for n in ["problems", *(f"problems_{k}" for k in range(99))] if n not in taken)
    over = dict.fromkeys(problem.symbols, extent)
    replaced = {x: vmap(x, over={x: extent}) for x in over}
    return list(replaced.values()), vmap(list(outputs), over=over)


def system_code(
    problem: Problem,
    outputs: Sequence[Expr],
    call: str,
    defaults: str,
    write: Callable[[Problem, Sequence[Expr]], Loop | None] | None = None,
) -> str:
    """The functions of a system, for one problem and for a batch, and the call of its solver.

    `write` gives a loop on floats to try first.
    """
    loop = write(problem, outputs) if write else None
    lines = "".join(f"{INDENT}{line}\n" for line in loop.lines) if loop else ""
    imports = "\n".join(loop.imports) if loop else ""
    one = made("evaluate", problem.symbols, outputs)
    many = made("evaluate_batch", *batched(problem, outputs))
    names = _identifiers(problem)
    listed = ", ".join(names[len(problem.unknowns) :])
    return f"""\
{imports}


{one}


evaluate = make_evaluate()


{many}


def solve(x0, {listed + ", " if listed else ""}*, {defaults}, raise_on_failure=False, callback=None):
{lines}    return {call.format(params=_tuple(names[len(problem.unknowns) :]), form=_form(problem))}
"""


def large_code(
    problem: Problem,
    outputs: Sequence[Expr],
    directions: Sequence[Expr],
    products: Sequence[Expr],
    options: dict[str, object],
) -> str:
    """Value with gradient, Hessian-vector products, and the call of the solver that needs no matrix."""
    names = _identifiers(problem)[len(problem.unknowns) :]
    listed = "".join(f"{name}, " for name in names)
    return f"""\
{made("evaluate", problem.symbols, outputs)}


evaluate = make_evaluate()


{made("product", [*problem.unknowns, *directions, *problem.params], products)}


product = make_product()


def solve(x0, {listed}*, tol=1e-10, maxiter=500, raise_on_failure=False, callback=None):
    return solve_large(
        {_form(problem)}, evaluate, product, x0, {_tuple(names)}, {options!r},
        tol, maxiter, raise_on_failure, callback,
    )
"""


def sparse_code(
    problem: Problem,
    outputs: Sequence[Expr],
    options: dict[str, object],
    solver: str = "solve_sparse",
    defaults: str = "tol=1e-12, maxiter=200",
) -> str:
    """Residuals, entries of the Jacobian and their places, and the call of the sparse solver."""
    names = _identifiers(problem)[len(problem.unknowns) :]
    listed = "".join(f"{name}, " for name in names)
    return f"""\
{made("evaluate", problem.symbols, outputs)}


evaluate = make_evaluate()


def solve(x0, {listed}*, {defaults}, raise_on_failure=False, callback=None):
    return {solver}(
        {_form(problem)}, evaluate, x0, {_tuple(names)}, {options!r},
        tol, maxiter, raise_on_failure, callback,
    )
"""


def _tuple(names: Sequence[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


def _form(problem: Problem) -> str:
    form = problem.form
    return f"Form({form.kind!r}, {form.unknowns!r}, {form.params!r})"


def _identifiers(problem: Problem) -> list[str]:
    return program_of(problem, [])[1]


def equation_code(
    problem: Problem, outputs: Sequence[Expr], slope: Expr, call: str, fast: bool
) -> str:
    """The solver of one equation: the loop on floats, and the function that batches run.

    `outputs` are value and step, which is ``-value/slope``.
    """
    loop = equation_loop(problem, outputs) if fast else None
    names = _identifiers(problem)[1:]
    listed = ", ".join(names)
    head = (
        f"def solve(x0, {listed + ', ' if listed else ''}*,"
        " tol=1e-12, maxiter=100, raise_on_failure=False, callback=None):"
    )
    written, kernels = _kernels(problem, slope)
    called = call.format(params=_tuple(names), form=_form(problem), kernels=kernels)
    body = [INDENT + line for line in [*(loop.lines if loop else []), f"return {called}"]]
    imports = loop.imports if loop else []
    return "\n".join(
        [
            *imports,
            made("evaluate", problem.symbols, outputs),
            "",
            "",
            "evaluate = make_evaluate()",
            "",
            "",
            *written,
            head,
            *body,
            "",
        ]
    )


def _kernels(problem: Problem, slope: Expr) -> tuple[list[str], str]:
    """The kernels that batches run, and the argument of the solver that holds them.

    The fast one has sine and cosine by the tangent of the half angle; the exact one decides.
    """
    symbols, value = problem.symbols, problem.formulas[0]
    if any(x.dtype != np.float64 for x in symbols):
        return [], "None"
    fast = in_place(symbols, [value, slope], "value_and_slope", fast_math=True)
    exact = in_place(symbols, [value], "value_alone")
    if exact is None or fast is None:
        return [], "None"
    lines = [*fast.source.splitlines(), "", "", *exact.source.splitlines(), "", ""]
    if any("scipy.special." in line for line in lines):
        lines = ["import scipy.special", "", "", *lines]
    lines += [f"kernels = Kernels(Kernel({fast.of}), Kernel({exact.of}))", "", ""]
    return lines, "kernels"
