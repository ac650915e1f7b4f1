"""Steps as statements of C99, and a function around them.

What is used once stands where it is used, as long as the line stays short; every operand that is no single
number or name has its parentheses. Nothing is allocated, and nothing but ``math.h`` is called.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from symgrad.targets.native.primitives import Primitive
from symgrad.targets.native.steps import TRUTH, External, ScalarStep, ScalarSteps

LONGEST: Final = 64  # characters of an expression that is still written in place
INDENT: Final = "    "


def c_number(value: float) -> str:
    """A float as C reads it back."""
    if math.isfinite(value):
        return repr(float(value))
    return "NAN" if value != value else "INFINITY" if value > 0 else "-INFINITY"


class Statements:
    """The statements of steps, and the expressions of their outputs."""

    def __init__(self, made: ScalarSteps, inputs: Sequence[str], prefix: str = "t") -> None:
        self.made = made
        self.prefix = prefix
        self.inputs = inputs
        self.lines: list[str] = []
        self.text: list[str] = []
        uses = [0] * len(made.steps)
        for step in made.steps:
            for a in step.operands:
                uses[a] += 1
        for step, count in zip(made.steps, uses, strict=True):
            self._write(step, count)
        self.outputs = [self.text[v] for v in made.outputs]

    def _write(self, step: ScalarStep, uses: int) -> None:
        does = step.does
        if isinstance(does, bool):
            self.text.append(str(int(does)))
        elif isinstance(does, int):
            self.text.append(self.inputs[does])
        elif isinstance(does, float):
            self.text.append(c_number(does))
        else:
            code = self._code(step)
            if uses > 1 or len(code) > LONGEST:
                kind = "int" if step.type == TRUTH else "double"
                name = f"{self.prefix}{len(self.lines)}"
                self.lines.append(f"const {kind} {name} = {code};")
                code = name
            self.text.append(code)

    def _code(self, step: ScalarStep) -> str:
        does, given = step.does, [self.text[a] for a in step.operands]
        if isinstance(does, External):
            return f"{does.name}({', '.join(given)})"
        assert isinstance(does, Primitive)
        if "(" in does.c:
            return does.c.format(*given)
        return does.c.format(*[x if _is_atom(x) else f"({x})" for x in given])


def _is_atom(code: str) -> bool:
    """Whether an expression needs no parentheses: a name, a number that is not negative, or a call."""
    if re.fullmatch(r"\w+(\[\d+\])?", code) or (code[0].isdigit() and " " not in code):
        return True
    head, _, rest = code.partition("(")
    return head.isidentifier() and rest.endswith(")") and _closes_at_end(rest)


def _closes_at_end(rest: str) -> bool:
    """Whether the parenthesis that is open before a text is closed by its last character."""
    depth = 1
    for k, character in enumerate(rest):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return k == len(rest) - 1
    return False


def c_function(head: str, made: ScalarSteps, inputs: Sequence[str], places: Sequence[str]) -> str:
    """A function that stores outputs at `places`, or returns the one there is, where there is no place."""
    written = Statements(made, inputs)
    ends = [f"{place} = {code};" for place, code in zip(places, written.outputs, strict=False)]
    if not places:
        ends = [f"return {written.outputs[0]};"]
    body = [INDENT + line for line in [*written.lines, *ends]]
    return "\n".join([head, "{", *body, "}", ""])
