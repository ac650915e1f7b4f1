"""A program as the source of a function for another array library."""

from __future__ import annotations

from typing import Any, Final

from symgrad.expr.identifiers import unused, words
from symgrad.expr.kinds import Argument, Literal
from symgrad.expr.pytrees import Nest, nest_code
from symgrad.expr.traverse import toposort
from symgrad.program.ir import Program, Value
from symgrad.targets.data import block_lines, short_lines
from symgrad.targets.expressions import Writer
from symgrad.targets.helpers import needed
from symgrad.targets.libraries.library import ArrayLibrary, LibrarySpelling
from symgrad.targets.numpy_source import INDENT, docstring, extent_code
from symgrad.targets.spelling import literal

HELD: Final = "_of_numpy"  # behind the name of a constant array, which is NumPy's


def library_source(program: Program, nest: Nest, name: str, doc: str, library: ArrayLibrary) -> str:
    """The source of a module with one function that computes the outputs of `program`.

    Raises
    ------
    ArgumentError
        For what the library lacks.
    """
    _check(program, library)
    body = _body(program, nest, library)
    helpers = needed(words("\n".join(body)), library.helpers)
    text = "\n".join([*body, *helpers])
    imports = [line for alias, line in library.imports.items() if f"{alias}." in text]
    if program.arrays:
        imports.append("import numpy as np")
    held = {f"{name}{HELD}": array for name, array in program.arrays.items()}
    arrays = [*short_lines(held), *block_lines(held)]
    head = [*imports, *[""] * bool(arrays), *arrays]
    for source in helpers:
        head += ["", "", *source.rstrip().splitlines()]
    taken = words("\n".join(head)) | words("\n".join(body))
    taken -= {n for n, _ in program.parameters}
    called = unused(name, taken)
    parameters = ", ".join([n for n, _ in program.parameters])
    inside = [INDENT + line if line else line for line in [*docstring(doc), *body]]
    lines = [f"def {called}({parameters}):", *inside]
    return "\n".join([*head, "", "", *lines, ""])


def _check(program: Program, library: ArrayLibrary) -> None:
    """Whether no node brings code of its own, which is written for NumPy."""
    for node in toposort(program.output_nodes):
        if node.op.definitions is not None:
            raise library.lacks(f"code for {node.op.name}")


def _body(program: Program, nest: Nest, library: ArrayLibrary) -> list[str]:
    spell = LibrarySpelling(library, program.dim_names)

    def number(value: Any) -> str:
        return spell.with_names(literal(value))

    writer = Writer(program, number, spell, recycle=True)
    writer.write()
    outputs = [
        _output(program, v, node, writer, spell)
        for v, node in zip(program.outputs, program.output_nodes, strict=True)
    ]
    statements = [*writer.statements, f"return {nest_code(nest, outputs)}"]
    mentioned = words("\n".join(statements))
    floats = [n for n, x in program.parameters if x.dtype.kind == "f"]
    prologue = [
        f"{n} = {'_floating' if n in floats else spell.with_names('np.asarray')}({n})"
        for n, _ in program.parameters
    ]
    prologue += [
        f"{n} = {extent_code(program, dim)}"
        for dim, n in program.dim_names.items()
        if n in mentioned
    ]
    for array in program.arrays:
        if array in mentioned:
            prologue.append(f"{array} = {spell.with_names('np.asarray')}({array}{HELD})")
    if "shape" in mentioned:
        shapes = ", ".join([f"{n}.shape" for n, _ in program.parameters])
        prologue.append(f"shape = {spell.with_names('np.broadcast_shapes')}({shapes})")
    if "dtype" in mentioned:
        listed = ", ".join([*floats, "0" if floats else "0.0"])
        prologue.append(f"dtype = {spell.with_names('np.result_type')}({listed})")
    return [*prologue, *statements]


def _output(program: Program, v: Value, node: Any, writer: Writer, spell: LibrarySpelling) -> str:
    """The code of an output: of full shape, and of the right type."""
    text, instr = writer.output(v), program.instrs[v]
    if program.batched:
        shape, full = "shape", _covers(program, v)
    else:
        shape, full = spell.shape(node.shape), instr.shape == node.shape
    number = isinstance(instr.kind, Literal)
    if full and not number and not node.ty.weak:
        return text
    dtype = "dtype" if node.ty.weak else f"{spell.library.alias}.{node.dtype.name}"
    if not number and not node.ty.weak:
        dtype = "None"
    return f"_output({text}, {dtype}, {shape})"


def _covers(program: Program, v: Value) -> bool:
    """Whether a value depends on every argument, so that it has their common shape."""
    waiting, seen, found = [v], {v}, set()
    while waiting:
        instr = program.instrs[waiting.pop()]
        if isinstance(instr.kind, Argument):
            found.add(instr.kind.name)
        more = set(instr.args) - seen
        seen |= more
        waiting += more
    return len(found) == len(program.parameters)
