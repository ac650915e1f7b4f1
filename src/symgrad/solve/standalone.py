"""A module that stands alone: of some sources the definitions that are needed, and the imports they use."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple


class Definition(NamedTuple):
    """A statement at the top of a source: what it defines, what it mentions, and its text."""

    defines: frozenset[str]
    mentions: frozenset[str]
    text: str


class Import(NamedTuple):
    """One name that is imported: from where, or a module by itself."""

    module: str
    name: str | None
    alias: str

    def text(self) -> str:
        """The name as an import statement has it."""
        original = self.module if self.name is None else self.name
        return original if original == self.alias else f"{original} as {self.alias}"


class Source(NamedTuple):
    """What stands at the top of a source."""

    imports: tuple[Import, ...]
    definitions: tuple[Definition, ...]


def standalone(sources: Sequence[str], last: Sequence[str], header: str) -> str:
    """A module of `last`, whole, behind those definitions of `sources` that it leads to.

    Parameters
    ----------
    sources : sequence of str
        Modules in the order in which they build on each other; no name is defined twice.
    last : sequence of str
        What the module is for.
    header : str
        Its docstring.
    """
    read = [parsed(source) for source in (*sources, *last)]
    available = [d for source in read[: len(sources)] for d in source.definitions]
    kept = [d for source in read[len(sources) :] for d in source.definitions]
    chosen = _reached(available, kept)
    body = [d for d in available if d in chosen] + kept
    mentioned = frozenset[str]().union(*[d.mentions for d in body])
    imports = {i.alias: i for source in read for i in source.imports if i.alias in mentioned}
    head = [f'"""{header.strip()}\n"""', "from __future__ import annotations"]
    blocks = [*head, _import_block(imports.values()), *[d.text for d in body]]
    return "\n\n".join(blocks[:3]) + "\n\n\n" + "\n\n\n".join(blocks[3:]) + "\n"


def _reached(available: Sequence[Definition], kept: Sequence[Definition]) -> set[Definition]:
    """The definitions that others lead to, from those that are kept, and what is done with them."""
    owner = {name: d for d in available for name in d.defines}
    chosen: set[Definition] = set()
    waiting = list(kept)
    while waiting:
        found = {owner[name] for name in waiting.pop().mentions if name in owner} - chosen
        chosen |= found
        waiting += found
    done = [d for d in available if not d.defines]
    return chosen | {d for d in done if any(owner.get(name) in chosen for name in d.mentions)}


def _import_block(imports: Iterable[Import]) -> str:
    """The imports: those of Python's own library first, each part in the order of the alphabet."""
    parts: dict[bool, list[Import]] = {False: [], True: []}
    for i in sorted(imports, key=lambda i: (i.module, i.name or "", i.alias)):
        parts[i.module.split(".")[0] not in sys.stdlib_module_names].append(i)
    return "\n\n".join("\n".join(_import_lines(part)) for part in parts.values() if part)


def _import_lines(listed: Sequence[Import]) -> list[str]:
    """Modules by themselves, then names by their module."""
    lines = [f"import {i.text()}" for i in listed if i.name is None]
    for module in dict.fromkeys(i.module for i in listed if i.name is not None):
        names = ", ".join(i.text() for i in listed if i.module == module and i.name is not None)
        lines.append(f"from {module} import {names}")
    return lines


@lru_cache(maxsize=256)
def parsed(source: str) -> Source:
    """The imports of a source, but those of this library, and its definitions with their comments."""
    lines = source.splitlines()
    imports: list[Import] = []
    definitions: list[Definition] = []
    end = 0
    for place, node in enumerate(ast.parse(source).body):
        last = node.end_lineno or node.lineno
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports += _imported(node)
        elif not (place == 0 and isinstance(node, ast.Expr)):  # no docstring
            text = "\n".join(lines[end:last]).strip("\n")
            definitions.append(Definition(_defined(node), _mentioned(node), text))
        end = last
    return Source(tuple(imports), tuple(definitions))


def _imported(node: ast.Import | ast.ImportFrom) -> list[Import]:
    if isinstance(node, ast.Import):
        return [Import(a.name, None, a.asname or a.name.split(".")[0]) for a in node.names]
    module = node.module or ""
    if module == "__future__" or module.split(".")[0] == __name__.split(".")[0]:
        return []
    return [Import(module, a.name, a.asname or a.name) for a in node.names]


def _defined(node: ast.stmt) -> frozenset[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return frozenset({node.name})
    if isinstance(node, ast.Assign):
        targets: list[ast.expr] = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    else:
        return frozenset()
    names = [n for target in targets for n in ast.walk(target)]
    return frozenset(n.id for n in names if isinstance(n, ast.Name))


def _mentioned(node: ast.stmt) -> frozenset[str]:
    return frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
