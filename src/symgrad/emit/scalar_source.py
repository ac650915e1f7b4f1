"""A program over scalars as Python code on floats, with the functions of `math`."""

from __future__ import annotations

import math
import re
from typing import Any

from symgrad.emit.expressions import Writer
from symgrad.emit.nest import Nest, nest_code
from symgrad.emit.numpy_source import INDENT
from symgrad.lower.program import Code, Program

# What Python raises where IEEE arithmetic has inf or nan
TROUBLE = "(ValueError, ZeroDivisionError, OverflowError)"


def scalar_literal(value: Any) -> str:
    """A number as a float of Python."""
    if isinstance(value, bool):
        return repr(value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    if math.isfinite(number):
        return repr(number)
    return "nan" if number != number else "inf" if number > 0 else "-inf"


def _scalar_template(code: Code) -> str:
    return code.scalar


def has_scalar_form(program: Program) -> bool:
    """Whether every instruction has code for Python floats."""
    return (
        program.batched
        and not program.arrays
        and all(x.dtype.kind == "f" and x.dtype.itemsize == 8 for _, x in program.parameters)
        and all(instr.code is None or instr.code.scalar for instr in program.instrs)
    )


def scalar_source(program: Program, nest: Nest, name: str = "f") -> str:
    """The source of a function that takes floats at once and hands everything else on.

    The function expects ``general``, which takes any arguments, and ``missing`` in its globals.
    """
    writer = Writer(program, scalar_literal, _scalar_template)
    writer.write()
    result = nest_code(nest, [writer.output(v) for v in program.outputs])
    body = [*writer.statements, f"return {result}"]
    names = [n for n, _ in program.parameters]
    parameters = ", ".join([*(f"{n}=missing" for n in names), "*extra", "out=None"])
    test = " and ".join([*(f"{n}.__class__ is float" for n in names), "not extra and out is None"])
    lines = [
        *_imports(body),
        f"def {name}({parameters}):",
        f"{INDENT}if {test}:",
        f"{INDENT * 2}try:",
        *[INDENT * 3 + line for line in body],
        f"{INDENT * 2}except {TROUBLE}:",
        f"{INDENT * 3}pass",
        f"{INDENT}return general({', '.join([*names, '*extra', 'out=out'])})",
    ]
    return "\n".join([*lines, ""])


def _imports(body: list[str]) -> list[str]:
    text = "\n".join(body)
    used = sorted(set(re.findall(r"(?<![\w.])[a-z]\w*", text)) & set(dir(math)))
    lines = [f"from math import {', '.join(used)}"] if used else []
    if "scipy.special." in text:
        lines += ["", "import scipy.special"] if lines else ["import scipy.special"]
    return [*lines, "", ""] if lines else []
