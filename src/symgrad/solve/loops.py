"""The whole iteration of one small problem as code on floats, with its formulas written in place.

What such a loop does not solve goes on, from the start, to the methods of `runtime`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from symgrad.autodiff import diff
from symgrad.emit.numpy_source import INDENT
from symgrad.emit.scalar_source import TROUBLE, has_scalar_form
from symgrad.emit.statements import math_imports, scalar_statements
from symgrad.expr.node import Expr
from symgrad.lower.lowering import lower
from symgrad.lower.names import words
from symgrad.lower.passes import NEEDED_PASSES, prepared
from symgrad.lower.program import Program
from symgrad.solve.modules import namespace
from symgrad.solve.problem import Problem

MOST_UNKNOWNS = 4  # of a system that is written out
# Names of the function around the loop, and of those beside it
OWN = """x0 tol maxiter raise_on_failure callback value form options given call solve evaluate
    evaluate_batch product kernels value_and_slope value_alone inf""".split()
KEYWORDS = ("tol", "maxiter", "raise_on_failure", "callback")


class Loop(NamedTuple):
    """The imports that a loop needs, and its lines at the beginning of a function."""

    imports: list[str]
    lines: list[str]


def program_of(problem: Problem, outputs: Sequence[Expr]) -> tuple[Program, list[str]]:
    """The program of `outputs`, and the identifiers of unknowns and parameters in it."""
    program = lower(problem.symbols, prepared(outputs, NEEDED_PASSES), taken=_own())
    return program, [name for name, _ in program.parameters]


@cache
def _own() -> frozenset[str]:
    """The names that the generated function uses itself: those of its templates and of the runtime."""
    count = range(MOST_UNKNOWNS)
    numbered = [f"{name}{i}" for name in ("r", "p", "last") for i in count]
    numbered += [f"j{i}{k}" for i in count for k in count]
    written = words(re.sub(r"\{\w+\}|#.*", "", "\n".join([EQUATION, SYSTEM, MINIMUM])))
    return frozenset({*OWN, *written, *numbered, *namespace()})


def _written(template: str, statements: Sequence[str], depth: int, **parts: str) -> Loop:
    """A template with the statements of its formulas; the parts are expressions and names."""
    parts["usual"] = "tol.__class__ is float and tol >= 3e-16 and maxiter.__class__ is int"
    listed = ("\n" + INDENT * depth).join(statements) or "pass"
    text = template.format(statements=listed, trouble=TROUBLE, **parts)
    return Loop(math_imports([text]), text.splitlines())


EQUATION = """\
if not ({test}):
    numbers = floats_of([x0], 1{params})
    if numbers is not None:
        return solve(*numbers, {keywords})
elif callback is None and {usual}:
    {x} = x0
    bound = inf
    small = False
    try:
        for count in range(maxiter + 1):
            {statements}
            size = abs({value})
            if size < bound:
                if size == 0.0 or small and size <= 0.4*bound:
                    return Solution({x}, True, count, size, CONVERGED)
                step = {step}
                bound = size
                last = {x}
                {x} {sign}= step
                small = -tol <= step <= tol or {outside} and abs(step) <= tol*abs({x})
            elif small and size == size:  # a last step, after which |F| cannot fall any more
                return Solution(last, True, count - 1, bound, CONVERGED)
            else:
                break
    except {trouble}:
        pass"""


def equation_loop(problem: Problem, outputs: Sequence[Expr]) -> Loop | None:
    """Full steps for one equation, by value and step; None where there is no code on floats."""
    f, x = problem.formulas[0], problem.unknowns[0]
    newton = outputs[1] is -f / diff(f, x)
    # Newton's step is written as value/slope and subtracted: one multiplication less
    program, names = program_of(problem, [f, diff(f, x)] if newton else outputs)
    if not has_scalar_form(program):
        return None
    statements, (value, s) = scalar_statements(program)
    if not value.isidentifier():
        statements, value = [*statements, f"value = {value}"], "value"
    return _written(
        EQUATION,
        statements,
        3,
        x=names[0],
        test=" and ".join([f"{n}.__class__ is float" for n in ["x0", *names[1:]]]),
        params=_listed(names[1:]),
        keywords=", ".join([f"{k}={k}" for k in KEYWORDS]),
        value=value,
        step=f"{value}/({s})" if newton else s,
        outside=f"not -1.0 <= {names[0]} <= 1.0",
        sign="-" if newton else "+",
    )


def _listed(params: Sequence[str]) -> str:
    return "".join([f", {p}" for p in params])


SYSTEM = """\
numbers = floats_of({start}, {n}{params})
if numbers is not None and callback is None and {usual}:
    {names} = numbers
    bound = inf
    part = 0.0
    count = 0
    small = False
    try:
        while True:
            {statements}
            size = {size}
            if size < bound:
                if size == 0.0 or small and size <= 0.4*bound:
                    return Solution({point}, True, count, size, CONVERGED)
                if count >= maxiter:
                    break
                {matrix}
                {elimination}
                {move}
                small = {small}
                bound = size
                part = 1.0
                count += 1
            elif small and size == size:  # a last step, after which |F| cannot fall any more
                return Solution({last}, True, count - 1, bound, CONVERGED)
            elif part > 0.01:  # a shorter step
                part *= 0.5
                {shorten}
                small = False
            else:
                break
    except {trouble}:
        pass"""

MINIMUM = """\
numbers = floats_of({start}, {n}{params})
if numbers is not None and callback is None and {usual}:
    {names} = numbers
    bound = floor = inf
    part = fall = 0.0
    count = 0
    small = sound = False
    try:
        while True:
            {statements}
            size = {size}
            if value <= floor - 1e-4*part*fall or size < bound and value <= floor + 4e-15*abs(floor):
                if sound and small and (size <= 0.01*bound or {tiny}):
                    return strict_minimum({point}, count, size, value)
                if small or count >= maxiter:  # short steps, but not those to a strict minimum
                    break
                {matrix}
                top = {trace}
                {elimination}
                sound = {determinant} > 1e-8*top**{n}
                fall = {fall}
                {move}
                small = {small}
                bound = size
                floor = value
                part = 1.0
                count += size > 0.0  # no step leads from a point without slope
            elif sound and small and size == size:  # a last step, and no lower value
                return strict_minimum({last}, count - 1, bound, floor)
            elif part > 0.001:  # a shorter step
                part *= 0.5
                {shorten}
                small = False
            else:
                break
    except {trouble}:
        pass"""


def system_loop(problem: Problem, outputs: Sequence[Expr]) -> Loop | None:
    """Damped steps for a few equations in as many scalar unknowns, by residuals and Jacobian."""
    n = len(problem.unknowns)
    return _matrix_loop(SYSTEM, problem, outputs, 0, n * n)


def minimum_loop(problem: Problem, outputs: Sequence[Expr]) -> Loop | None:
    """Damped steps in a few scalar unknowns while all pivots of the Hessian are positive.

    `outputs` are the value, the gradient, and the Hessian or its diagonal. A step must lower the value
    by what Armijo's rule asks for; by rounding, the last ones lower the gradient only.
    """
    return _matrix_loop(MINIMUM, problem, outputs, 1, len(outputs) - 1 - len(problem.unknowns))


def _matrix_loop(
    template: str, problem: Problem, outputs: Sequence[Expr], values: int, entries: int
) -> Loop | None:
    """A loop by `values` numbers, a vector, and so many entries of a matrix or its diagonal."""
    n = len(problem.unknowns)
    if problem.form.kind not in ("scalar", "scalars") or n > MOST_UNKNOWNS:
        return None
    program, names = program_of(problem, outputs)
    if not has_scalar_form(program) or len(outputs) != values + n + entries:
        return None
    statements, found = scalar_statements(program)
    places = [(i, k) for i in range(n) for k in range(n) if i == k or entries > n]
    written = [f"j{i}{k} = {v}" for (i, k), v in zip(places, found[values + n :], strict=True)]
    first = [*["value"][:values], *[f"r{i}" for i in range(n)]]
    known = [f"{name} = {v}" for name, v in zip(first, found, strict=False)]
    scalar = problem.form.kind == "scalar"
    return _written(
        template,
        [*statements, *known],
        3,
        start="[x0]" if scalar else "x0",
        params=_listed(names[n:]),
        names=", ".join(names) + ("," if len(names) == 1 else ""),
        matrix=("\n" + INDENT * 4).join(written),
        **_steps_of(names[:n], scalar, definite=bool(values), diagonal=entries == n),
    )


def _steps_of(unknowns: list[str], scalar: bool, definite: bool, diagonal: bool) -> dict[str, str]:
    """The parts of a template that depend on the unknowns alone."""
    n, nested = len(unknowns), "\n" + INDENT * 4
    pivots = [f"j{i}{i}" for i in range(n)]
    points = {"point": unknowns, "last": [f"last{i}" for i in range(n)]}
    remembered = [f"last{i} = {x}" for i, x in enumerate(unknowns)]
    moved = [f"{x} += p{i}" for i, x in enumerate(unknowns)]
    return {
        "n": str(n),
        "size": "abs(r0)" if n == 1 else f"sqrt({_sum_of(n, 'r{0}*r{0}')})",
        "trace": " + ".join(pivots),
        "determinant": "*".join(pivots),
        "fall": _sum_of(n, "r{0}*r{0}/j{0}{0}"),
        "elimination": nested.join(_elimination(n, definite, diagonal)),
        "move": nested.join([*remembered, *moved]),
        "shorten": nested.join(f"{x} = last{i} + part*p{i}" for i, x in enumerate(unknowns)),
        "small": _all_within("tol", unknowns),
        "tiny": _all_within("4.5e-16", unknowns),
    } | {
        name: parts[0] if scalar else f"np.array([{', '.join(parts)}])"
        for name, parts in points.items()
    }


def _sum_of(n: int, term: str) -> str:
    return " + ".join([term.format(i) for i in range(n)])


def _all_within(tolerance: str, unknowns: list[str]) -> str:
    tests = [f"abs(p{i}) <= {tolerance}*max(1.0, abs({x}))" for i, x in enumerate(unknowns)]
    return " and ".join(tests)


def _elimination(n: int, definite: bool, diagonal: bool) -> list[str]:
    """Statements that solve ``J p = -r``, with partial pivoting or as long as pivots are positive."""
    lines = []
    for k in range(n):
        below = [] if diagonal else range(k + 1, n)
        for i in [] if definite else below:
            rows = [", ".join([*[f"j{m}{c}" for c in range(k, n)], f"r{m}"]) for m in (k, i)]
            lines.append(f"if abs(j{i}{k}) > abs(j{k}{k}):")
            lines.append(f"{INDENT}{rows[0]}, {rows[1]} = {rows[1]}, {rows[0]}")
        if definite:
            lines += [f"if not j{k}{k} > 1e-8*top:", f"{INDENT}break"]
        for i in below:
            lines.append(f"step = j{i}{k}/j{k}{k}")
            lines += [f"j{i}{c} -= step*j{k}{c}" for c in range(k + 1, n)]
            lines.append(f"r{i} -= step*r{k}")
    for k in reversed(range(n)):
        known = "".join([f" + j{k}{c}*p{c}" for c in range(k + 1, n) if not diagonal])
        lines.append(f"p{k} = -(r{k}{known})/j{k}{k}" if known else f"p{k} = -r{k}/j{k}{k}")
    return lines
