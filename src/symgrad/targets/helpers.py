"""The functions that generated code may call: real modules, whose source goes into the code.

They are read as text, and not imported: some need SciPy, which most code does without. Types, which only
readers of this library need, are left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from symgrad.runtime import helpers

FOLDER: Final = Path(helpers.__file__).parent
DEFINITION: Final = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
FOR_LINTERS: Final = re.compile(r"  # noqa.*")


class Helper(NamedTuple):
    """A function or class that code may call, and the others that it calls itself."""

    source: str
    calls: frozenset[str]


@cache
def modules(folder: Path = FOLDER) -> dict[str, str]:
    """The text of the module of each helper by its name, in the order of the modules of a folder."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))]
    return {name: text for text in texts for name in DEFINITION.findall(text)}


@cache
def helper(name: str, folder: Path = FOLDER) -> Helper:
    """One helper; the module that it is in is read when the first of them is needed."""
    text = modules(folder)[name]
    node = _definitions(text)[name]
    return Helper(_untyped(node, text), _names(node) & modules(folder).keys() - {name})


def needed(names: set[str], folder: Path = FOLDER) -> list[str]:
    """The sources of helpers, and of those that they call, in their order."""
    known = modules(folder)
    waiting = [name for name in names if name in known]
    found = set(waiting)
    while waiting:
        more = helper(waiting.pop(), folder).calls - found
        found |= more
        waiting += more
    return [helper(name, folder).source for name in known if name in found] if found else []


@cache
def _definitions(text: str) -> dict[str, ast.FunctionDef | ast.ClassDef]:
    body = ast.parse(text).body
    return {node.name: node for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def _names(tree: ast.AST) -> frozenset[str]:
    return frozenset([node.id for node in ast.walk(tree) if isinstance(node, ast.Name)])


def _untyped(definition: ast.AST, text: str) -> str:
    """The source of a definition without its annotations."""
    lines = text.encode().splitlines(keepends=True)
    for (row, first), (last_row, last), argument in sorted(_annotations(definition), reverse=True):
        rest = lines[last_row - 1][last:]
        if argument and rest.startswith(b" = "):  # of a default: without a type there are no spaces
            rest = b"=" + rest[3:]
        lines[row - 1 : last_row] = [lines[row - 1][:first] + rest]
    assert isinstance(definition, (ast.FunctionDef, ast.ClassDef))
    removed = len(text.encode().splitlines()) - len(lines)
    assert definition.end_lineno is not None
    whole = b"".join(lines[definition.lineno - 1 : definition.end_lineno - removed]).decode()
    return FOR_LINTERS.sub("", whole)


Place = tuple[int, int]  # row and column, in bytes


def _annotations(definition: ast.AST) -> Iterator[tuple[Place, Place, bool]]:
    """Where annotations stand, with the colon or arrow before them, and whether they are of arguments."""
    for node in ast.walk(definition):
        if isinstance(node, ast.arg) and node.annotation is not None:
            start = (node.lineno, node.col_offset + len(node.arg.encode()))
            yield start, _end(node.annotation), True
        elif isinstance(node, ast.AnnAssign):
            yield _end(node.target), _end(node.annotation), False
        elif isinstance(node, ast.FunctionDef) and node.returns is not None:
            start = (node.returns.lineno, node.returns.col_offset - len(" -> "))
            yield start, _end(node.returns), False


def _end(node: ast.expr) -> Place:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset
