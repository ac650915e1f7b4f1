"""The generated part of a solver: the functions of its formulas, and the loop or the call around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgrad.autodiff import hvp, jacobian
from symgrad.autodiff.rounding import rounding_all
from symgrad.batching import vmap
from symgrad.compile.execute import function_of
from symgrad.compile.in_place import in_place
from symgrad.compile.lambdify import lambdify
from symgrad.errors import ArgumentError
from symgrad.expr.dims import dim_names
from symgrad.expr.leaves import symbol
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.ops.arithmetic import add_all
from symgrad.ops.einsum import sum_axes
from symgrad.program.build import is_batched, lower
from symgrad.solve.loops import LoopParts, equation_loop, program_of
from symgrad.solve.losses import Loss
from symgrad.solve.problem import Problem
from symgrad.solve.templates import LoopText
from symgrad.targets.numpy_source import INDENT
from symgrad.targets.passes import NEEDED_PASSES, prepared
from symgrad.targets.scalar_source import TROUBLE, has_scalar_form
from symgrad.targets.statements import math_imports, scalar_statements


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


def over_problems(name: str, problem: Problem, outputs: Sequence[Expr]) -> tuple[str, bool]:
    """A function of arrays with an axis of problems in front, and whether it acts entry by entry.

    Formulas of scalars throughout, inner nodes too, take arrays as they are. Others are batched, and
    where that is not possible the problems are taken one by one.
    """
    if is_batched(problem.symbols, toposort(outputs)):
        return _function(name, problem.symbols, outputs), True
    try:
        return _function(name, *batched(problem, outputs)), False
    except ArgumentError:
        one = made(f"{name}_of_one", problem.symbols, outputs)
    lines = [
        *[one, "", "", f"def make_{name}():", f"{INDENT}one = make_{name}_of_one()", ""],
        f"{INDENT}def {name}(*arrays):",
        f"{INDENT * 2}rows = [one(*row) for row in zip(*arrays)]",
        f"{INDENT * 2}return [np.stack(column) for column in zip(*rows)]",
        *["", f"{INDENT}return {name}", "", "", f"{name} = make_{name}()"],
    ]
    return "\n".join(lines), False


def rounding_code(problem: Problem, formulas: Sequence[Expr]) -> str:
    """The function `rounding`: running error bounds of formulas, with an axis of problems in front."""
    return over_problems("rounding", problem, rounding_all(formulas, problem.unknowns))[0]


def _module(
    problem: Problem,
    functions: Sequence[str],
    called: str,
    options: dict[str, Any],
    defaults: str,
    loop: LoopText | None = None,
) -> str:
    """Functions, and `solve`: a loop to try first, and the call of a solver of the runtime.

    `called` is its name with the first arguments; the last are the rounding levels and the `SolverCall`.
    """
    names = program_of(problem, [])[1][len(problem.unknowns) :]
    listed = "".join(f"{name}, " for name in names)
    form = f"ProblemForm({', '.join(map(repr, problem.form))})"
    plain = {key: value for key, value in options.items() if key != "limits"}
    imports = {*(loop.imports if loop else []), *_imports_of(repr(plain))}
    lines = [f"{INDENT}{line}" for line in (loop.lines if loop else [])]
    written = repr(plain)
    if "limits" in options:  # bounds that depend on parameters
        functions = [*functions, over_problems("limits", problem, options["limits"])[0]]
        written = f'{written} | {{"limits": limits}}'
    return "\n".join(
        [
            *sorted(imports),
            *["", ""] * bool(imports),
            "\n\n\n".join(functions),
            "",
            "",
            f"def solve(x0, {listed}*, {defaults}, xtol=None, ftol=None, gtol=None, x_scale=None,",
            "          raise_on_failure=False, callback=None):",
            *lines,
            f"{INDENT}form = {form}",
            f"{INDENT}options = {written}",
            f"{INDENT}given = ({listed.strip()})",
            f"{INDENT}tolerances = Tolerances(tol, xtol, ftol, gtol, x_scale)",
            f"{INDENT}call = SolverCall(",
            f"{INDENT}    form, x0, given, options, tolerances, maxiter, raise_on_failure, callback",
            f"{INDENT})",
            f"{INDENT}return {called}, rounding, call)",
            "",
        ]
    )


def _imports_of(options: str) -> list[str]:
    return ["from math import inf"] if re.search(r"\binf\b", options) else []


def _function(name: str, symbols: Sequence[Expr], outputs: Sequence[Expr]) -> str:
    return f"{made(name, symbols, outputs)}\n\n\n{name} = make_{name}()"


def _on_floats(name: str, symbols: Sequence[Expr], outputs: Sequence[Expr]) -> list[str]:
    """A function, and where all is scalar one on floats in front of it, which takes nothing else."""
    plain = _function(name, symbols, outputs)
    program = lower(symbols, prepared(outputs, NEEDED_PASSES), taken=frozenset({name}))
    if any(x.shape for x in (*symbols, *outputs)) or not has_scalar_form(program):
        return [plain]
    statements, found = scalar_statements(program)
    given = ", ".join([n for n, _ in program.parameters])
    returned = f"return ({', '.join(found)},)"
    body = ("\n" + INDENT * 3).join([*statements, returned])
    lines = [
        f"def {name}_on_floats({name}):",
        f"{INDENT}def on_floats({given}):",
        f"{INDENT * 2}try:",
        f"{INDENT * 3}{body}",
        f"{INDENT * 2}except {TROUBLE}:",
        f"{INDENT * 3}return {name}(*map(np.float64, ({given},)))",
        "",
        f"{INDENT}return on_floats",
    ]
    imports = math_imports(["\n".join(lines)])
    text = "\n".join([*imports, *["", ""] * bool(imports), *lines])
    return [plain, text, f"{name} = {name}_on_floats({name})"]


def system_code(
    problem: Problem,
    outputs: Sequence[Expr],
    called: str,
    parts: int,
    options: dict[str, Any],
    defaults: str,
    write: Callable[[Problem, Sequence[Expr]], LoopParts | None] | None = None,
) -> str:
    """The functions of a system, for one problem and for a batch, and the call of its solver.

    The first `parts` outputs are values; `write` gives a loop on floats to try first.
    """
    functions = [
        _function("evaluate", problem.symbols, outputs),
        made("evaluate_batch", *batched(problem, outputs)),
    ]
    found = write(problem, outputs) if write else None
    loop = found.python() if found is not None else None
    called = f"{called}(evaluate, make_evaluate_batch, {parts}"
    return _module(problem, functions, called, options, defaults, loop)


def fit_code(
    problem: Problem,
    lost: Problem,
    outputs: Sequence[Expr],
    options: dict[str, Any],
    late: Sequence[str],
) -> str:
    """The same for residuals and their Jacobian, of least squares.

    `lost` is the problem with the loss, and with weights of residuals as further parameters where some may
    be left out; `late` are the names of the functions that are made later.
    """
    functions = [
        _function("evaluate", lost.symbols, outputs),
        made("evaluate_batch", *batched(lost, outputs)),
    ]
    more = ", ".join([name if name in late else "None" for name in ("influence", "probe")])
    called = f"solve_fit(evaluate, make_evaluate_batch, {len(lost.formulas)}, product, {more}"
    return _module(problem, functions, called, options, "tol=1e-10, maxiter=2000")


def probe_code(problem: Problem) -> str:
    """The function `probe`: the residuals alone, of many problems."""
    return over_problems("probe", problem, list(problem.formulas))[0]


def influence_code(problem: Problem, loss: Loss) -> str:
    """The function `influence`: psi, its derivative, and the Jacobian of residuals, of many problems."""
    leaves = list(problem.unknowns)
    pairs = [loss.influence(r) for r in problem.formulas]
    blocks = jacobian(list(problem.formulas), leaves)
    outputs = [*[p for p, _ in pairs], *[q for _, q in pairs], *[b for row in blocks for b in row]]
    return over_problems("influence", problem, outputs)[0]


def curvature_code(problem: Problem) -> str:
    """The function `product`: the Hessian of ``unit*sum(r**2)/2`` times directions, of many problems.

    Its arguments are unknowns, directions, parameters and the unit of each problem.
    """
    leaves = list(problem.unknowns)
    unit = symbol("unit of residuals")
    directions = [symbol(f"direction of {x.name}", x.shape) for x in leaves]
    squares = [sum_axes(r**2, range(r.ndim)) for r in problem.formulas]
    products = hvp(unit * add_all(squares) / 2, leaves, directions)
    whole = problem._replace(unknowns=(*leaves, *directions), params=(*problem.params, unit))
    return over_problems("product", whole, products)[0]


def constrained_code(
    problem: Problem,
    outputs: Sequence[Expr],
    curvature: Callable[[], tuple[list[Expr], list[Expr]]],
    parts: tuple[int, int],
    options: dict[str, Any],
) -> str:
    """Value, constraints and their slopes; the Hessian of a Lagrangian; the call of the solver under both.

    `curvature` gives blocks, and their arguments after the unknowns.
    """
    blocks, more = curvature()
    symbols = [*problem.unknowns, *more, *problem.params]
    functions = [
        *_on_floats("evaluate", problem.symbols, outputs),
        *_on_floats("curvature", symbols, blocks),
    ]
    called = f"solve_constrained(evaluate, curvature, {parts!r}"
    return _module(problem, functions, called, options, "tol=1e-10, maxiter=1000")


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


def sparse_fit_code(problem: Problem, outputs: Sequence[Expr], options: dict[str, Any]) -> str:
    """Residuals, entries of their Jacobian and its places, and the call of the sparse solver of fits."""
    functions = [_function("evaluate", problem.symbols, outputs)]
    called = "solve_sparse_fit(evaluate, product"
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
    problem: Problem,
    outputs: Sequence[Expr],
    quotient: Expr,
    options: dict[str, Any],
    ends: Sequence[Expr] | None = None,
) -> str:
    """The solver of one equation: the loop on floats, and the functions that batches run.

    `outputs` are value, step and slope; the step is ``-value/quotient``. `ends` are those of a bracket that
    depends on parameters.
    """
    free = options["globalize"] and options["bracket"] is None and ends is None
    free &= "limits" not in options
    parts = equation_loop(options["bounds"], options["order"], problem, outputs) if free else None
    loop = parts.python() if parts is not None else None
    evaluate, entrywise = over_problems("evaluate", problem, outputs)
    newton = outputs[2] is quotient
    kernels = _kernels(problem, quotient) if entrywise and newton else []
    bracket = [] if ends is None else [over_problems("ends", problem, ends)[0]]
    named = "ends" if bracket else None
    called = f"solve_equation(evaluate, {'kernels' if kernels else None}, {entrywise}, {named}"
    functions = [evaluate, *bracket, *kernels]
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
