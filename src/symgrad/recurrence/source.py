"""The code of a loop: a function that calls the code of a step, and writes its outputs side by side.

Where all that a step handles are single floats, there is code on Python floats, which is tried first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from symgrad.expr.dims import Dim, Shape
from symgrad.expr.node import Expr
from symgrad.expr.types import promote
from symgrad.ops.scan import ScanLoop
from symgrad.program.build import lower
from symgrad.program.ir import Program
from symgrad.targets.expressions import Writer
from symgrad.targets.numpy_source import INDENT, definitions_of, function_source
from symgrad.targets.passes import DEAD_CODE, SINGLE_CALLS, prepared
from symgrad.targets.scalar_source import (
    IMPORTED,
    TROUBLE,
    has_scalar_form,
    scalar_literal,
    scalar_spelling,
)


@lru_cache(maxsize=1024)
def source(loop: ScanLoop) -> tuple[str, dict[str, str]]:
    """The name of the function that runs a loop, and the functions that it is made of, by name."""
    symbols = [*loop.carries, *loop.elements, *loop.parameters]
    results = [*loop.following, *loop.outputs]
    formulas = prepared(results)
    program = lower(symbols, formulas)
    arrays = DEAD_CODE.run(SINGLE_CALLS.run(lower(symbols, formulas)))
    nest = ("tuple", (), tuple(range(len(results))))
    floats = _float_lines(loop, program) if _is_of_floats(loop, program) else []
    plain = "\n".join(
        [function_source(arrays, nest, "step"), *_function(loop, "loop", "step", floats)]
    )
    digest = hashlib.sha256(plain.encode()).hexdigest()[:8]
    name, step = f"_scan_{digest}", f"_step_{digest}"
    functions = {
        **definitions_of(arrays),
        step: function_source(arrays, nest, step),
        name: "\n".join([*_function(loop, name, step, floats), ""]),
    }
    return name, functions


def _named(prefix: str, group: Sequence[Expr]) -> list[str]:
    return [f"{prefix}{i}" for i in range(len(group))]


class _Names:
    """The names that the code has for what a loop handles."""

    def __init__(self, loop: ScanLoop) -> None:
        self.sizes = {d: f"_n{i}" for i, d in enumerate(loop.sizes)}
        self.carries = _named("_c", loop.carries)
        self.elements = _named("_x", loop.elements)
        self.parameters = _named("_p", loop.parameters)
        self.outputs = _named("_y", loop.outputs)

    def dim(self, d: Dim) -> str:
        """An extent as code."""
        return self.sizes.get(d, str(d))

    def shape(self, shape: Shape, *first: str) -> str:
        """A shape as code."""
        return f"({', '.join([*first, *map(self.dim, shape)])},)"


def _function(loop: ScanLoop, name: str, step: str, floats: Sequence[str]) -> list[str]:
    names = _Names(loop)
    arguments = ["_n", *names.sizes.values(), *names.carries, *names.elements, *names.parameters]
    quiet = bool(floats)
    body = _array_lines(loop, names, step)
    if quiet:  # as code on floats, which has inf and nan without a warning
        body = ['with np.errstate(all="ignore"):', *[INDENT + line for line in body]]
    lines = [*_given_lines(loop, names), *floats, *body]
    return [f"def {name}({', '.join(arguments)}):", *[INDENT + line for line in lines]]


def _given_lines(loop: ScanLoop, names: _Names) -> list[str]:
    """Numbers among the arguments are arrays of their shapes."""
    found = []
    for group, symbols, first in (
        (names.carries, loop.carries, []),
        (names.parameters, loop.parameters, []),
        (names.elements, loop.elements, ["_n"]),
    ):
        for name, x in zip(group, symbols, strict=True):
            if x.shape or first:
                shape = names.shape(x.shape, *first)
                found.append(f"{name} = np.broadcast_to({name}, {shape})")
    return found


def _array_lines(loop: ScanLoop, names: _Names, step: str) -> list[str]:
    shapes = [*[names.shape(c.shape) for c in loop.carries]]
    shapes += [names.shape(y.shape, "_n") for y in loop.outputs]
    shapes = ["()" if s == "(,)" else s for s in shapes]
    dtype = promote(*loop.types).dtype
    results = [f"_r{i}" for i in range(len(shapes))]
    lines = [
        f"_shapes = [{', '.join(shapes)}]",
        "_ends = np.cumsum([int(np.prod(_s)) for _s in _shapes])",
        f"_out = np.empty(_ends[-1], np.{dtype.name})",
        "_parts = np.split(_out, _ends[:-1])",
        f"{', '.join(results)}, = [_a.reshape(_s) for _a, _s in zip(_parts, _shapes)]",
    ]
    outputs = results[len(names.carries) :]
    given = [*names.carries, *[f"{x}[_t]" for x in names.elements], *names.parameters]
    targets = [*names.carries, *[f"{y}[_t]" for y in outputs]]
    over = "range(_n - 1, -1, -1)" if loop.reverse else "range(_n)"
    lines += [
        f"for _t in {over}:",
        f"{INDENT}{', '.join(targets)}, = {step}({', '.join(given)})",
    ]
    kept = zip(results, names.carries, strict=False)
    return [*lines, *[f"{r}[...] = {c}" for r, c in kept], "return _out"]


# Python floats


def _is_of_floats(loop: ScanLoop, program: Program) -> bool:
    return has_scalar_form(program) and all(y.dtype == np.float64 for y in loop.outputs)


def _float_lines(loop: ScanLoop, program: Program) -> list[str]:
    """The loop on Python floats, up to its return; what raises in it goes on to the code on arrays."""
    names = _Names(loop)
    writer = Writer(program, scalar_literal, scalar_spelling)
    writer.write()
    results = [writer.output(v) for v in program.outputs]
    own = [n for n, _ in program.parameters]
    k, m = len(loop.carries), len(loop.elements)
    carries, elements, parameters = own[:k], own[k : k + m], own[k + m :]
    backwards = "[::-1]" if loop.reverse else ""
    runs = [f"{x}{backwards}.tolist()" for x in names.elements]
    heads = {0: "for _ in range(_n):", 1: f"for {', '.join(elements)} in {', '.join(runs)}:"}
    head = heads.get(m, f"for {', '.join(elements)} in zip({', '.join(runs)}):")
    followed = f"{', '.join(carries)} = {', '.join(results[:k])}"
    step = [
        *writer.statements,
        *[f"{y}.append({v})" for y, v in zip(names.outputs, results[k:], strict=True)],
        *([followed] if k else []),
    ]
    body = [
        *[f"{n} = float({c})" for n, c in zip(carries, names.carries, strict=True)],
        *[f"{n} = float({p})" for n, p in zip(parameters, names.parameters, strict=True)],
        *[f"{y} = []" for y in names.outputs],
        head,
        *[INDENT + line for line in step],
        *[f"{y}.reverse()" for y in names.outputs if loop.reverse],
        f"return np.array([{', '.join([*carries, *[f'*{y}' for y in names.outputs]])}])",
    ]
    used = set(re.findall(r"(?<![\w.])[a-z]\w*", "\n".join(body))) & IMPORTED["math"].keys()
    imports = [f"from math import {', '.join(sorted(used))}"] if used else []
    return [
        *imports,
        "try:",
        *[INDENT + line for line in body],
        f"except {TROUBLE}:",
        f"{INDENT}pass",
    ]
