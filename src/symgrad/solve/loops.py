"""The whole iteration of one small problem as code on floats, with its formulas written in place.

What such a loop does not solve goes on, from the start, to the methods of `runtime`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from symgrad.expr.identifiers import words
from symgrad.expr.node import Expr
from symgrad.program.build import lower
from symgrad.program.ir import Program
from symgrad.rewrite.unrolling import by_entries, has_entries
from symgrad.solve.modules import namespace
from symgrad.solve.problem import Problem, size_of
from symgrad.solve.runtime.ending import regular_rate
from symgrad.solve.templates import EQUATION, FULL_STEPS, MINIMUM, SYSTEM, USUAL, LoopText, Template
from symgrad.targets.numpy_source import INDENT
from symgrad.targets.passes import NEEDED_PASSES, prepared
from symgrad.targets.scalar_source import has_scalar_form
from symgrad.targets.statements import scalar_statements

MOST_UNKNOWNS = 4  # scalars of a system that is written out
MOST_COMPILED = 8  # and of one that is compiled
MOST_ENTRIES = 10  # of small arrays; LAPACK is faster for more
# Names of the function around the loop, and of those beside it
OWN = """x0 tol maxiter xtol ftol gtol x_scale raise_on_failure callback value form options given call
    tolerances rounding solve evaluate evaluate_batch product kernels value_and_slope value_alone
    inf""".split()
KEYWORDS = (*("tol", "maxiter", "xtol", "ftol", "gtol", "x_scale", "raise_on_failure", "callback"),)


def program_of(problem: Problem, outputs: Sequence[Expr]) -> tuple[Program, list[str]]:
    """The program of `outputs`, and the identifiers of unknowns and parameters in it."""
    program = lower(problem.symbols, prepared(outputs, NEEDED_PASSES), taken=_own())
    return program, [name for name, _ in program.parameters]


@cache
def _own() -> frozenset[str]:
    """The names that the generated function uses itself: those of its templates and of the runtime."""
    count = range(max(MOST_UNKNOWNS, MOST_ENTRIES))
    numbered = [f"{name}{i}" for name in ("r", "p", "last", "scale", "top") for i in count]
    numbered += [f"j{i}{k}" for i in count for k in count]
    text = "\n".join([part for template in (EQUATION, SYSTEM, MINIMUM) for part in template])
    written = words(re.sub(r"\{\w+\}|#.*", "", "\n".join([text, USUAL])))
    return frozenset({*OWN, *written, *numbered, *namespace()})


Written = tuple[list[str], list[str]]  # statements, and what outputs are after them
Formulas = Callable[[Program], Written | None]


def on_floats(program: Program) -> Written | None:
    """Formulas on floats of Python, where they all have code for these."""
    return scalar_statements(program) if has_scalar_form(program) else None


class LoopParts(NamedTuple):
    """A loop for a problem: a template, and what goes into its places.

    Attributes
    ----------
    template : Template
    parts : dict
    names : list of str
        The identifiers of unknowns and parameters.
    program : Program
        The formulas.
    """

    template: Template
    parts: dict[str, Any]
    names: list[str]
    program: Program

    def python(self) -> LoopText:
        """The code of the loop."""
        return self.template.python(self.parts)


def equation_loop(
    bounds: Any,
    order: int,
    problem: Problem,
    outputs: Sequence[Expr],
    written: Formulas = on_floats,
) -> LoopParts | None:
    """Full steps of an order for one equation, by value, step and slope; None where it holds arrays.

    What it returns is beyond doubt: steps that are short against x, and contract, or end in the last
    bits of x. All else goes on, from the start, to `solve_equation`.
    """
    f = problem.formulas[0]
    newton = outputs[1] is -f / outputs[2]
    # Newton's step is written as value/slope and subtracted: one multiplication less
    program, names = program_of(problem, [f, outputs[2]] if newton else outputs)
    code = written(program) if program.batched else None
    if code is None:
        return None
    statements, found = code
    value, slope = found[0], found[-1]
    if not value.isidentifier():
        statements, value = [*statements, f"value = {value}"], "value"
    short = "-part <= step <= part < inf"
    inside = " and ".join(_sides(bounds))
    contracts = "abs(step) <= 0.1*abs(gap) < inf or slope == before"
    sharp = f"abs(slope*{names[0]}) > 1e-290 and ({contracts}"
    parts = _named(
        statements=statements,
        x=names[0],
        test=" and ".join([f"{n}.__class__ is float" for n in ["x0", *names[1:]]]),
        params=_listed(names[1:]),
        keywords=", ".join([f"{k}={k}" for k in KEYWORDS]),
        value=value,
        slope=slope,
        step=f"{value}/slope" if newton else found[1],
        rate=f"{regular_rate(order):.2g}",
        short=short if newton else f"{short} and abs({value}/slope) <= part",
        sharp=f"{sharp} or is_sharp(rounding({', '.join(names)}), slope*{names[0]}))",
        sharp_alone=f"{sharp})",
        begun=[f"if not ({inside.format('x0')}):", f"{INDENT}bound = 0.0"] if inside else (),
        **FULL_STEPS,
        last_bits=f"abs({names[0]} - last) <= 2e-15*abs(last) and abs(step) <= 0.1*abs(gap) < inf",
        inside=f" and {inside.format(names[0])}" if inside else "",
        last_inside=f" and {inside.format('last')}" if inside else "",
        sign="-" if newton else "+",
    )
    return LoopParts(EQUATION, parts, names, program)


def _named(**parts: Any) -> dict[str, Any]:
    return {"usual": USUAL, **parts}


def _sides(bounds: Any) -> list[str]:
    """Tests that a number is within its bounds, as templates."""
    if bounds is None:
        return []
    low, high = bounds[0]
    return [
        *([f"{{0}} >= {low!r}"] if low is not None else []),
        *([f"{{0}} <= {high!r}"] if high is not None else []),
    ]


def _listed(params: Sequence[str]) -> str:
    return "".join([f", {p}" for p in params])


def system_loop(
    problem: Problem, outputs: Sequence[Expr], written: Formulas = on_floats
) -> LoopParts | None:
    """Damped steps for a few equations in as many scalar unknowns, by residuals and Jacobian."""
    n = len(problem.unknowns)
    return _matrix_loop(SYSTEM, problem, outputs, written, 0, n * n)


def minimum_loop(
    bounds: Any, problem: Problem, outputs: Sequence[Expr], written: Formulas = on_floats
) -> LoopParts | None:
    """Damped steps in a few scalar unknowns while all pivots of the Hessian are positive.

    `outputs` are the value, the gradient, and the Hessian or its diagonal. A step must lower the value
    by what Armijo's rule asks for; by rounding, the last ones lower the gradient only. Pivots are measured
    against the largest curvature of their unknown so far, and steps against their unknown, or, where that
    tends to 0, against the largest value that it had. What is returned is a strict minimum beyond doubt,
    within the bounds: steps were short, and left little of the gradient.
    """
    entries = len(outputs) - 1 - len(problem.unknowns)
    return _matrix_loop(MINIMUM, problem, outputs, written, 1, entries, bounds)


def _matrix_loop(
    template: Template,
    problem: Problem,
    outputs: Sequence[Expr],
    written: Formulas,
    values: int,
    entries: int,
    bounds: Any = None,
) -> LoopParts | None:
    """A loop by `values` numbers, a vector, and so many entries of a matrix or its diagonal."""
    if problem.form.kind in ("scalar", "scalars"):
        most = MOST_UNKNOWNS if written is on_floats else MOST_COMPILED
        draft = _of_scalars(problem, outputs, values, entries, most)
    else:
        draft = _of_entries(problem, outputs, values, entries)
    code = written(draft.program) if draft is not None and draft.program.batched else None
    if draft is None or code is None:
        return None
    n, names = draft.n, draft.names
    statements, found = code
    diagonal = len(found) == values + 2 * n and entries == len(problem.unknowns)
    if len(found) != values + n + (n if diagonal else n * n):
        return None
    places = [(i, k) for i in range(n) for k in range(n) if i == k or not diagonal]
    matrix = [f"j{i}{k} = {v}" for (i, k), v in zip(places, found[values + n :], strict=True)]
    first = [*["value"][:values], *[f"r{i}" for i in range(n)]]
    known = [f"{name} = {v}" for name, v in zip(first, found, strict=False)]
    parts = _named(
        statements=[*statements, *known],
        numbers=draft.numbers,
        names=", ".join(names) + ("," if len(names) == 1 else ""),
        matrix=matrix,
        **_within_bounds(bounds, names[:n]),
        **_steps_of(names[:n], draft.wrapped, definite=bool(values), diagonal=diagonal),
    )
    return LoopParts(template, parts, names, draft.program)


class LoopDraft(NamedTuple):
    """A problem on the way to a loop on floats.

    Attributes
    ----------
    program : Program
        Over floats, whose outputs are numbers, a vector, and a matrix in row order or its diagonal.
    names : list of str
        The floats, unknowns first; there are `n`.
    numbers : str
        The call that makes floats of what is given.
    wrapped : callable
        The code of the point, from that of its entries.
    """

    program: Program
    names: list[str]
    n: int
    numbers: str
    wrapped: Callable[[Sequence[str]], str]


def _of_scalars(
    problem: Problem, outputs: Sequence[Expr], values: int, entries: int, most: int
) -> LoopDraft | None:
    n, scalar = len(problem.unknowns), problem.form.kind == "scalar"
    if n > most or len(outputs) != values + n + entries:
        return None
    program, names = program_of(problem, outputs)
    start = "[x0]" if scalar else "x0"
    numbers = f"floats_of({start}, {n}{_listed(names[n:])})"
    return LoopDraft(program, names, n, numbers, lambda p: p[0] if scalar else _array_code(p, (n,)))


def _of_entries(
    problem: Problem, outputs: Sequence[Expr], values: int, entries: int
) -> LoopDraft | None:
    """Small arrays by their entries: the floats are those of unknowns, then those of parameters."""
    shapes = [x.shape for x in problem.symbols]
    count = len(problem.unknowns)
    n = size_of(problem.unknowns)
    if n is None or n > MOST_ENTRIES or not has_entries(problem.symbols, outputs):
        return None
    given = program_of(problem, [])[1]
    entered = by_entries(
        list(zip(given, problem.symbols, strict=True)), prepared(outputs, NEEDED_PASSES)
    )
    if entered is None:
        return None
    grids, sizes = entered.outputs, [prod(s) for s in shapes[:count]]
    vector = grids[values : len(grids) - entries]
    rest = grids[len(grids) - entries :]
    rows = [g.size for g in vector]
    whole = [m * k for m in rows for k in sizes]
    if sum(rows) == n and [g.size for g in rest] == whole:
        parts = iter(rest)
        matrix = np.concatenate(
            [np.concatenate([next(parts).reshape(m, k) for k in sizes], axis=1) for m in rows]
        )
    elif [g.size for g in rest] == sizes:
        matrix = np.concatenate([g.ravel() for g in rest])
    else:
        return None
    listed = [y for g in (*grids[:values], *vector, matrix) for y in np.ravel(g)]
    inputs = [x for grid in entered.parameters for x in np.ravel(grid)]
    program = lower(inputs, listed, taken=_own() | set(given))
    names = [name for name, _ in program.parameters]
    kind, params = problem.form.kind, _listed(given[count:])
    numbers = f"floats_of_entries({kind!r}, {tuple(shapes)!r}, x0{params})"
    return LoopDraft(program, names, n, numbers, partial(_arrays_code, kind, shapes[:count]))


def _array_code(parts: Sequence[str], shape: tuple[Any, ...]) -> str:
    """The code of an array by that of its entries."""
    flat = f"np.array([{', '.join(parts)}])"
    return flat if len(shape) == 1 else f"{flat}.reshape({shape!r})"


def _arrays_code(kind: str, shapes: Sequence[tuple[Any, ...]], parts: Sequence[str]) -> str:
    """The code of unknowns in their form."""
    listed, start = [], 0
    for shape in shapes:
        stop = start + prod(shape)
        listed.append(_array_code(parts[start:stop], shape) if shape else parts[start])
        start = stop
    return f"[{', '.join(listed)}]" if kind == "arrays" else listed[0]


def _within_bounds(bounds: Any, unknowns: list[str]) -> dict[str, str]:
    """The tests whether a point is within its bounds, and whether not."""
    tests = [
        test.format(x)
        for x, pair in zip(unknowns, bounds or [], strict=False)
        for test in _sides([pair])
    ]
    return {
        "inside": "".join([f" and {test}" for test in tests]),
        "outside": "".join([f" or not {test}" for test in tests]),
    }


def _steps_of(
    unknowns: list[str],
    wrapped: Callable[[Sequence[str]], str],
    definite: bool,
    diagonal: bool,
) -> dict[str, Any]:
    """The parts of a template that depend on the unknowns alone."""
    n = len(unknowns)
    pivots = [f"j{i}{i}" for i in range(n)]
    points = {"point": unknowns, "last": [f"last{i}" for i in range(n)]}
    remembered = [f"last{i} = {x}" for i, x in enumerate(unknowns)]
    moved = [f"{x} += p{i}" for i, x in enumerate(unknowns)]
    return {
        "size": "abs(r0)" if n == 1 else f"hypot({', '.join(f'r{i}' for i in range(n))})",
        "scales": ", ".join(f"scale{i}" for i in range(n)),
        "magnitudes": ", ".join(f"abs({x})" for x in unknowns),
        "tops": ", ".join(f"top{i}" for i in range(n)),
        "zeros": ", ".join(["0.0"] * n),
        "learn": [
            line
            for i, x in enumerate(unknowns)
            for line in [f"if not -scale{i} <= {x} <= scale{i}:", f"{INDENT}scale{i} = abs({x})"]
        ],
        "steep": "".join(  # no underflow
            [f" and (scale{i} == 0.0 or top{i}*scale{i} > 1e-290)" for i in range(n)]
        ),
        "tends": " and ".join(
            [
                f"(abs(p{i}) <= tol*abs({x})"
                f" or abs(p{i}) <= 2.2e-16*scale{i} and abs({x}) <= 1e-3*abs(p{i}))"
                for i, x in enumerate(unknowns)
            ]
        ),
        "fall": _sum_of(n, "r{0}*(r{0}/j{0}{0})"),
        "elimination": _elimination(n, definite, diagonal),
        "move": [*remembered, *moved],
        "shorten": [f"{x} = last{i} + part*p{i}" for i, x in enumerate(unknowns)],
        "regular": " and ".join(
            [
                f"abs({pivot}) > 1e-280 and ({x} == 0.0 or abs({pivot}*{x}) > 1e-280)"
                for pivot, x in zip(pivots, unknowns, strict=True)
            ]
        ),
        "bits": " and ".join(
            [f"abs({x} - last{i}) <= 2e-15*abs({x})" for i, x in enumerate(unknowns)]
        ),
        "small": _all_within("tol", unknowns),
    } | {name: wrapped(parts) for name, parts in points.items()}


def _sum_of(n: int, term: str) -> str:
    return " + ".join([term.format(i) for i in range(n)])


def _all_within(tolerance: str, unknowns: list[str]) -> str:
    tests = [f"abs(p{i}) <= {tolerance}*abs({x}) < inf" for i, x in enumerate(unknowns)]
    return " and ".join(tests)


def _elimination(n: int, definite: bool, diagonal: bool) -> list[str]:
    """Statements that solve ``J p = -r``, with partial pivoting or as long as pivots are positive."""
    lines = []
    for k in range(n if definite else 0):
        lines += [f"if j{k}{k} > top{k}:", f"{INDENT}top{k} = j{k}{k}"]
    for k in range(n):
        below = [] if diagonal else range(k + 1, n)
        for i in [] if definite else below:
            rows = [", ".join([*[f"j{m}{c}" for c in range(k, n)], f"r{m}"]) for m in (k, i)]
            lines.append(f"if abs(j{i}{k}) > abs(j{k}{k}):")
            lines.append(f"{INDENT}{rows[0]}, {rows[1]} = {rows[1]}, {rows[0]}")
        if definite:
            lines += [f"if not j{k}{k} > 1e-8*top{k}:", f"{INDENT}break"]
        for i in below:
            lines.append(f"step = j{i}{k}/j{k}{k}")
            lines += [f"j{i}{c} -= step*j{k}{c}" for c in range(k + 1, n)]
            lines.append(f"r{i} -= step*r{k}")
    for k in reversed(range(n)):
        known = "".join([f" + j{k}{c}*p{c}" for c in range(k + 1, n) if not diagonal])
        lines.append(f"p{k} = -(r{k}{known})/j{k}{k}" if known else f"p{k} = -r{k}/j{k}{k}")
    return lines
