"""The whole iteration of one small problem as code on floats, with its formulas written in place.

What such a loop does not solve goes on, from the start, to the methods of `runtime`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from symgrad.expr.identifiers import words
from symgrad.expr.node import Expr
from symgrad.program.build import lower
from symgrad.program.ir import Program
from symgrad.solve.modules import namespace
from symgrad.solve.problem import Problem
from symgrad.solve.templates import EQUATION, FULL_STEPS, MINIMUM, SYSTEM, USUAL, Loop, Template
from symgrad.targets.numpy_source import INDENT
from symgrad.targets.passes import NEEDED_PASSES, prepared
from symgrad.targets.scalar_source import has_scalar_form
from symgrad.targets.statements import scalar_statements

MOST_UNKNOWNS = 4  # of a system that is written out
MOST_COMPILED = 8  # and that is compiled
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
    count = range(MOST_COMPILED)
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


class Parts(NamedTuple):
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

    def python(self) -> Loop:
        """The code of the loop."""
        return self.template.python(self.parts)


def equation_loop(
    bounds: Any, problem: Problem, outputs: Sequence[Expr], written: Formulas = on_floats
) -> Parts | None:
    """Full steps for one equation, by value, step and slope; None where it holds arrays.

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
        short=short if newton else f"{short} and abs({value}/slope) <= part",
        sharp=f"{sharp} or is_sharp(rounding({', '.join(names)}), slope*{names[0]}))",
        sharp_alone=f"{sharp})",
        **FULL_STEPS,
        last_bits=f"abs({names[0]} - last) <= 2e-15*abs(last)",
        inside=f" and {inside.format(names[0])}" if inside else "",
        last_inside=f" and {inside.format('last')}" if inside else "",
        sign="-" if newton else "+",
    )
    return Parts(EQUATION, parts, names, program)


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
) -> Parts | None:
    """Damped steps for a few equations in as many scalar unknowns, by residuals and Jacobian."""
    n = len(problem.unknowns)
    return _matrix_loop(SYSTEM, problem, outputs, written, 0, n * n)


def minimum_loop(
    bounds: Any, problem: Problem, outputs: Sequence[Expr], written: Formulas = on_floats
) -> Parts | None:
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
) -> Parts | None:
    """A loop by `values` numbers, a vector, and so many entries of a matrix or its diagonal."""
    n, most = len(problem.unknowns), MOST_UNKNOWNS if written is on_floats else MOST_COMPILED
    if problem.form.kind not in ("scalar", "scalars") or n > most:
        return None
    program, names = program_of(problem, outputs)
    code = written(program) if program.batched else None
    if code is None or len(outputs) != values + n + entries:
        return None
    statements, found = code
    places = [(i, k) for i in range(n) for k in range(n) if i == k or entries > n]
    matrix = [f"j{i}{k} = {v}" for (i, k), v in zip(places, found[values + n :], strict=True)]
    first = [*["value"][:values], *[f"r{i}" for i in range(n)]]
    known = [f"{name} = {v}" for name, v in zip(first, found, strict=False)]
    scalar = problem.form.kind == "scalar"
    parts = _named(
        statements=[*statements, *known],
        start="[x0]" if scalar else "x0",
        params=_listed(names[n:]),
        names=", ".join(names) + ("," if len(names) == 1 else ""),
        matrix=matrix,
        **_within_bounds(bounds, names[:n]),
        **_steps_of(names[:n], scalar, definite=bool(values), diagonal=entries == n),
    )
    return Parts(template, parts, names, program)


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


def _steps_of(unknowns: list[str], scalar: bool, definite: bool, diagonal: bool) -> dict[str, Any]:
    """The parts of a template that depend on the unknowns alone."""
    n = len(unknowns)
    pivots = [f"j{i}{i}" for i in range(n)]
    points = {"point": unknowns, "last": [f"last{i}" for i in range(n)]}
    remembered = [f"last{i} = {x}" for i, x in enumerate(unknowns)]
    moved = [f"{x} += p{i}" for i, x in enumerate(unknowns)]
    return {
        "n": str(n),
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
        "regular": " and ".join([f"abs({pivot}) > 1e-280" for pivot in pivots]),
        "bits": " and ".join(
            [f"abs({x} - last{i}) <= 2e-15*abs({x})" for i, x in enumerate(unknowns)]
        ),
        "small": _all_within("tol", unknowns),
    } | {
        name: parts[0] if scalar else f"np.array([{', '.join(parts)}])"
        for name, parts in points.items()
    }


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
