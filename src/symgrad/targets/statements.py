"""The statements of a program over scalars, for code that is written around them."""

from __future__ import annotations

from symgrad.program.ir import Program
from symgrad.targets.expressions import Writer
from symgrad.targets.scalar_source import _imports, scalar_literal, scalar_spelling


def scalar_statements(program: Program) -> tuple[list[str], list[str]]:
    """Statements on Python floats, and the expressions of the outputs after them."""
    writer = Writer(program, scalar_literal, scalar_spelling)
    writer.write()
    return writer.statements, [writer.output(v) for v in program.outputs]


def math_imports(lines: list[str]) -> list[str]:
    """The imports that such statements need."""
    return [line for line in _imports(lines) if line]
