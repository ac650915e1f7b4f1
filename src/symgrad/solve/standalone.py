"""A module that stands alone: of some sources what is needed of them, in short, and the imports they use.

Needed are the definitions that the last parts lead to, and of a class the methods whose names are called.
Of docstrings the first line is kept.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from symgrad.targets.numpy_source import docstring

WIDTH: Final = 88  # of a line of imports, as ruff and black have it
_DOCUMENTED: Final = (ast.FunctionDef, ast.ClassDef)


class MethodText(NamedTuple):
    """A method of a class: its name, what it mentions, and its text."""

    name: str
    mentions: frozenset[str]
    text: str


class Definition(NamedTuple):
    """A statement at the top of a source: what it defines, what it mentions, and its text.

    The methods of a class are apart. Attributes that are mentioned have a dot in front.
    """

    defines: frozenset[str]
    mentions: frozenset[str]
    text: str
    methods: tuple[MethodText, ...] = ()


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


def standalone(
    sources: Sequence[str], last: Sequence[str], header: str, kept: frozenset[str] = frozenset()
) -> str:
    """A module of `last`, whole, behind those definitions of `sources` that it leads to.

    Parameters
    ----------
    sources : sequence of str
        Modules in the order in which they build on each other; no name is defined twice.
    last : sequence of str
        What the module is for.
    header : str
        Its docstring.
    kept : set of str
        Methods that are for who uses the module.
    """
    brief, whole = [parsed(_brief(source)) for source in sources], [parsed(s) for s in last]
    available, final = _definitions(brief), _definitions(whole)
    body, mentioned = _reached(available, final, kept)
    return _module(header, [*brief, *whole], body, mentioned)


def library(sources: Sequence[str], header: str) -> str:
    """All of `sources` as one module, for modules that `on_library` writes."""
    brief = [parsed(_brief(source)) for source in sources]
    definitions = _definitions(brief)
    mentioned = {name for d in definitions for name in _mentions(d)}
    return _module(header, brief, [_whole(d) for d in definitions], mentioned)


def on_library(sources: Sequence[str], last: Sequence[str], header: str, name: str) -> str:
    """A module of `last`, which imports what it needs of `sources` from the module `name`."""
    brief, whole = [parsed(_brief(source)) for source in sources], [parsed(s) for s in last]
    final = _definitions(whole)
    mentioned = {name for d in final for name in _mentions(d)}
    there = {n for d in _definitions(brief) for n in d.defines}
    shared = Source(tuple([Import(name, n, n) for n in sorted(there & mentioned)]), ())
    return _module(header, [*brief, *whole, shared], [_whole(d) for d in final], mentioned, name)


def _definitions(sources: Sequence[Source]) -> list[Definition]:
    return [d for source in sources for d in source.definitions]


def _whole(d: Definition) -> str:
    return "\n\n".join([d.text, *[m.text for m in d.methods]])


def _mentions(d: Definition) -> frozenset[str]:
    return d.mentions.union(*[m.mentions for m in d.methods])


def _module(
    header: str,
    sources: Sequence[Source],
    body: Sequence[str],
    mentioned: Container[str],
    own: str = "",
) -> str:
    """The text of a module: its docstring, what it imports of what it mentions, and its body."""
    imports = {i.alias: i for source in sources for i in source.imports}
    used = [i for alias, i in imports.items() if alias in mentioned]
    head = ["\n".join(docstring(header.strip())), "from __future__ import annotations"]
    return (
        "\n\n".join([*head, _import_block(used, own)]) + "".join(f"\n\n\n{d}" for d in body) + "\n"
    )


def _reached(
    available: Sequence[Definition], final: Sequence[Definition], kept: frozenset[str]
) -> tuple[list[str], set[str]]:
    """The texts of what `final` leads to, and of itself, and all that these mention."""
    wanted = {f".{name}" for name in kept}
    owners = frozenset(name for d in available for name in d.defines)
    for d in final:
        wanted |= _mentions(d)
    before = -1
    while before != len(wanted):
        before = len(wanted)
        for d in available:
            if _is_wanted(d, wanted, owners):
                wanted |= d.mentions.union(*[m.mentions for m in _called(d, wanted)])
    parts = [(d, _called(d, wanted)) for d in available if _is_wanted(d, wanted, owners)]
    chosen = ["\n\n".join([d.text, *[m.text for m in methods]]) for d, methods in parts]
    return [*chosen, *map(_whole, final)], wanted


def _is_wanted(d: Definition, wanted: set[str], owners: frozenset[str]) -> bool:
    """Whether something is defined that is wanted, or, in a statement, done with what is."""
    return not wanted.isdisjoint(d.defines or d.mentions & owners)


def _called(d: Definition, wanted: set[str]) -> list[MethodText]:
    """The methods that may be called: by name, or by Python."""
    return [m for m in d.methods if f".{m.name}" in wanted or m.name.startswith("__")]


def _import_block(imports: Iterable[Import], own: str) -> str:
    """The imports: those of Python's own library first, then others, then those from `own`.

    Each part is in the order of the alphabet.
    """
    parts: tuple[list[Import], ...] = ([], [], [])
    for i in sorted(imports, key=lambda i: (i.module, *_rank(i.name or ""))):
        known = i.module.split(".")[0] in sys.stdlib_module_names
        parts[0 if known else 2 if i.module == own else 1].append(i)
    return "\n\n".join("\n".join(_import_lines(part)) for part in parts if part)


def _rank(name: str) -> tuple[int, str]:
    """Constants first, then classes, then functions, as isort has them."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name


def _import_lines(listed: Sequence[Import]) -> list[str]:
    """Modules by themselves, then names by their module."""
    lines = [f"import {i.text()}" for i in listed if i.name is None]
    for module in dict.fromkeys(i.module for i in listed if i.name is not None):
        names = [i.text() for i in listed if i.module == module and i.name is not None]
        line = f"from {module} import {', '.join(names)}"
        wide = [f"from {module} import (", *[f"    {name}," for name in names], ")"]
        lines += [line] if len(line) <= WIDTH else wide
    return lines


def _brief(source: str) -> str:
    """A source with the first lines of its docstrings alone."""
    lines = source.splitlines()
    nodes = [n for n in ast.walk(ast.parse(source)) if isinstance(n, _DOCUMENTED)]
    texts = [n.body[0] for n in nodes if ast.get_docstring(n, clean=False)]
    for text in sorted(texts, key=lambda text: -text.lineno):
        first, last = text.lineno - 1, text.end_lineno or text.lineno
        if last > first + 1:
            lines[first:last] = [f'{lines[first]}"""']
    return "\n".join(lines)


@lru_cache(maxsize=256)
def parsed(source: str) -> Source:
    """The imports of a source, but those of this library, and its definitions with their comments."""
    lines = source.splitlines()
    imports: list[Import] = []
    definitions: list[Definition] = []
    for place, (node, start, end) in enumerate(_placed(ast.parse(source).body, 0)):
        text = "\n".join(lines[start:end]).strip("\n")
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports += _imported(node)
        elif isinstance(node, ast.ClassDef):
            definitions.append(_class(node, lines, start))
        elif not (place == 0 and isinstance(node, ast.Expr)):  # no docstring
            definitions.append(Definition(_defined(node), _mentioned([node]), text))
    return Source(tuple(imports), tuple(definitions))


def _placed(body: Sequence[ast.stmt], end: int) -> Iterator[tuple[ast.stmt, int, int]]:
    """Statements with their lines, and those of the comments in front of them, which begin at `end`."""
    for node in body:
        start, end = end, node.end_lineno or node.lineno
        yield node, start, end


def _class(node: ast.ClassDef, lines: Sequence[str], start: int) -> Definition:
    """A class: its own statements, and its methods."""
    head, own = [lines[start : node.lineno]], []
    methods: list[MethodText] = []
    names = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
    for part, first, last in _placed(node.body, node.lineno):
        method = isinstance(part, ast.FunctionDef)
        if not method and names & _mentioned(
            [part]
        ):  # what is done with methods: the class stays as it is
            text = "\n".join(lines[start : node.end_lineno]).strip("\n")
            return Definition(frozenset({node.name}), _mentioned([node]), text)
        if isinstance(part, ast.FunctionDef):
            text = "\n".join(lines[first:last]).strip("\n")
            methods.append(MethodText(part.name, _mentioned([part]), text))
        else:
            own.append(part)
            head.append(lines[first:last])
    text = "\n".join([line for part in head for line in part]).strip("\n")
    mentions = _mentioned([*own, *node.bases, *node.keywords, *node.decorator_list])
    return Definition(frozenset({node.name}), mentions, text, tuple(methods))


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
    if isinstance(node, ast.If):  # one or the other definition
        return frozenset[str]().union(*map(_defined, (*node.body, *node.orelse)))
    if isinstance(node, ast.Assign):
        targets: list[ast.expr] = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    else:
        return frozenset()
    names = [n for target in targets for n in ast.walk(target)]
    return frozenset(n.id for n in names if isinstance(n, ast.Name))


def _mentioned(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The names in some code, and with a dot in front attributes, and words that may be some."""
    walked = [n for node in nodes for n in ast.walk(node)]
    names = {n.id for n in walked if isinstance(n, ast.Name)}
    attributes = {f".{n.attr}" for n in walked if isinstance(n, ast.Attribute)}
    constants = [n.value for n in walked if isinstance(n, ast.Constant)]
    words = {f".{value}" for value in constants if isinstance(value, str)}
    return frozenset(names | attributes | words)
