"""The formulas of ``expressions.txt``: names, text, and where their variables are sampled."""

from __future__ import annotations

import ast
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("expressions.txt")


@dataclass(frozen=True)
class Entry:
    """One formula; the first variable is the one to differentiate by."""

    family: str
    name: str
    text: str
    ranges: Mapping[str, str]

    def points(self, count: int) -> dict[str, np.ndarray]:
        """Sampled arguments, the same in every run."""
        rng = np.random.default_rng(zlib.crc32(f"{self.name} {self.text}".encode()))
        return {name: sampled(where, count, rng) for name, where in self.ranges.items()}

    def value(self, names: Mapping[str, Any], number: Callable[[Any], Any] = lambda v: v) -> Any:
        """The formula in the functions and variables `names`; `number` makes its numbers."""
        tree = ast.parse(self.text, mode="eval")
        return built(tree.body, names, number)


OPERATIONS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}


def built(tree: ast.expr, names: Mapping[str, Any], number: Callable[[Any], Any]) -> Any:
    """A syntax tree of arithmetic and calls, evaluated."""
    if isinstance(tree, ast.Constant):
        return number(tree.value)
    if isinstance(tree, ast.Name):
        return names[tree.id]
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return -built(tree.operand, names, number)
    if isinstance(tree, ast.BinOp):
        operands = built(tree.left, names, number), built(tree.right, names, number)
        return OPERATIONS[type(tree.op)](*operands)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
        return names[tree.func.id](*[built(a, names, number) for a in tree.args])
    raise ValueError(f"not a formula of the table: {ast.unparse(tree)}")


def entries() -> list[Entry]:
    """All formulas, in their order."""
    found: list[Entry] = []
    family = ""
    for line in FILE.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            family = line.strip("[]")
            continue
        name, text, where = (part.strip() for part in line.split("|"))
        pairs = (item.split("=") for item in where.split(";"))
        found.append(Entry(family, name, text, {k.strip(): v.strip() for k, v in pairs}))
    return found


def sampled(where: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` numbers from a range such as ``slog(1e-8, 1e3)``."""
    sign = -1 if where.startswith("-") else 1
    call = ast.parse(where.removeprefix("-"), mode="eval").body
    assert isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    *center, low, high = (float(ast.literal_eval(a)) for a in call.args)
    if call.func.id == "lin":
        return sign * rng.uniform(low, high, count)
    sizes = np.exp(rng.uniform(np.log(low), np.log(high), count))
    if call.func.id == "log":
        return sign * sizes
    signed = np.where(rng.random(count) < 0.5, -sizes, sizes)
    return signed + center[0] if call.func.id == "near" else signed
