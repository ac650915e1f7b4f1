"""A program as the source of a NumPy function."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Any, Final

from symgrad.expr.dims import Dim, map_dim
from symgrad.expr.identifiers import RESERVED, unused, words
from symgrad.expr.kinds import Argument, Call, Into, Kind, Literal, Reduce, Ufunc
from symgrad.expr.pytrees import Nest, nest_code
from symgrad.expr.traverse import toposort
from symgrad.program.ir import Program, Value
from symgrad.targets.data import block_lines, short_lines
from symgrad.targets.expressions import Writer
from symgrad.targets.helpers import needed
from symgrad.targets.spelling import NumpySpelling, literal

INDENT = "    "
DTYPE = re.compile(
    r"(?<![.\w])dtype\)"
)  # the name that the prologue gives the common type of floats


def numpy_source(
    program: Program,
    nest: Nest,
    name: str = "f",
    doc: str = "",
    *,
    more: Sequence[str] = (),
) -> str:
    """The source of a module with one function that computes the outputs of `program`.

    Long constant arrays are for the caller to bind; see `symgrad.targets.data`. The function has the name
    `name`, or one that resembles it where the code uses that for something else; `more` are parameters
    behind its own. Where the program has slots its order is kept.
    """
    body = _body(program, nest)
    head = _head(program, body)
    name = unused(name, _taken(program, head, body))
    return "\n".join([*head, "", "", *_function(program, name, doc, more, body), ""])


def block_source(program: Program, name: str) -> str:
    """The source of a module with the function of the body of a loop, which has arrays to write into.

    Its parameters are extents, operands, arrays for results and slots; it returns a list of its outputs.
    """
    writer = _writer(program, ordered=True)
    returned = f"return [{', '.join([writer.output(v) for v in program.outputs])}]"
    body = [*writer.statements, returned]
    more = [*program.results, *[slot.name for slot in program.slots]]
    names = [*program.dim_names.values(), *[n for n, _ in program.parameters], *more]
    lines = [f"def {name}({', '.join(names)}):", *_indented(body)]
    return "\n".join([*_head(program, body), "", "", *lines, ""])


def _function(
    program: Program, name: str, doc: str, more: Sequence[str], body: list[str]
) -> list[str]:
    """The lines of a function."""
    parameters = [*[n for n, _ in program.parameters], *more]
    lines = [f"def {name}({', '.join(parameters)}):"]
    return lines + _indented([*(docstring(doc) if doc else []), *body])


# What raises no warning in code that holds certain functions: their results there are as documented
QUIET: Final = {
    'with np.errstate(all="ignore"):  # of branches not taken': ("where",),
    'with np.errstate(all="ignore"):  # of quotients at the origin': ("_norm", "hypot"),
    'with np.errstate(invalid="ignore"):  # of rows that are all -inf': ("largest", "logsumexp"),
    'with np.errstate(over="ignore", under="ignore"):  # of squares': ("square",),
}


def _function_of(kind: Kind) -> str:
    """The name of the function that an instruction calls, if any."""
    inner = kind.kind if isinstance(kind, Into) else kind
    if isinstance(inner, Ufunc):
        return inner.name
    return inner.function if isinstance(inner, (Call, Reduce)) else ""


def _writer(program: Program, ordered: bool) -> Writer:
    """The statements of a program; where not in its order, with names that are used again."""
    spell = NumpySpelling(program.dim_names)
    writer = Writer(program, literal, spell, ordered=ordered, recycle=not ordered)
    writer.write()
    return writer


def _body(program: Program, nest: Nest) -> list[str]:
    """The lines of a function's body."""
    writer = _writer(program, ordered=bool(program.slots))
    outputs = _Outputs(program, writer)
    statements, codes = writer.statements, outputs.codes()
    outputs.needs_dtype |= any(DTYPE.search(line) for line in [*statements, *codes])
    result = nest_code(nest, codes)
    body = [*outputs.prologue(), *statements, f"return {result}"]
    called = {_function_of(kind) for kind in program.every_kind()}
    for line, functions in QUIET.items():
        if not called.isdisjoint(functions):
            body = [line, *_indented(body)]
            break
    return [*_asarrays(program), *_extents(program, words("\n".join(body))), *body]


def _taken(program: Program, head: Sequence[str], body: Sequence[str]) -> set[str]:
    """The names that a function beside `head` with this body must not have."""
    own = {*[n for n, _ in program.parameters], *program.dim_names.values()}
    own |= {line.strip().partition(" = ")[0] for line in body}
    used = words("\n".join(body)) - own
    above = words("\n".join(head))
    used |= {"_base64", *program.arrays, *[w for w in above if w[0] == "_" or w in RESERVED]}
    return used


def _indented(lines: list[str]) -> list[str]:
    return [INDENT + line if line else line for line in lines]


def docstring(doc: str) -> list[str]:
    """A docstring that any text may stand in."""
    plain = doc.replace("\\", "\\\\").replace('"""', r"\"\"\"")
    safe = [_printable(line) for line in plain.splitlines()] or [""]
    if safe[-1].endswith('"') and not _is_escaped(safe[-1]):
        safe[-1] = safe[-1][:-1] + r"\""
    if len(safe) == 1:
        return [f'"""{safe[0]}"""']
    return [f'"""{safe[0]}', *safe[1:], '"""']


def _is_escaped(line: str) -> bool:
    """Whether the last sign of a line has a backslash of its own before it."""
    before = line[:-1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _printable(line: str) -> str:
    """A line with escapes for what no file of text should hold, such as zero bytes."""
    if line.isprintable():
        return line
    return "".join([c if c.isprintable() else c.encode("unicode_escape").decode() for c in line])


def _head(program: Program, body: Sequence[str]) -> list[str]:
    """Imports, helper functions and short constant arrays."""
    definitions = definitions_of(program)
    helpers = needed(words("\n".join([*body, *definitions.values()])))
    text = "\n".join([*body, *definitions.values(), *helpers])
    head = [f"import {name}" for name in ("math",) if f"{name}." in "\n".join(helpers)]
    head.append("import numpy as np")
    if "scipy.special." in text:
        head.append("import scipy.special")
    for source in [*helpers, *definitions.values()]:
        head += ["", "", *source.rstrip().splitlines()]
    arrays = short_lines(program.arrays)
    return [*head, "", *arrays] if arrays else head


def definitions_of(program: Program) -> dict[str, str]:
    """The source of the functions that single nodes bring along, by name."""
    found: dict[str, str] = {}
    for node in toposort(program.output_nodes):
        if node.op.definitions is not None:
            found |= node.op.definitions(node)
    return found


def function_source(program: Program, nest: Nest, name: str) -> str:
    """The source of a function alone, with the constant arrays before it.

    The functions that it calls, helpers and those of `definitions_of`, are for the caller to provide.
    """
    own = {key: f"{name}_{key}" for key in program.arrays}
    arrays = {own[key]: array for key, array in program.arrays.items()}
    body = [*[f"{key} = {held}" for key, held in own.items()], *_body(program, nest)]
    constants = [*block_lines(arrays), *short_lines(arrays)]
    lines = _function(program, name, "", (), body)
    return "\n".join([*constants, *[""] * (2 * bool(constants)), *lines, ""])


def _asarrays(program: Program) -> list[str]:
    if program.batched:
        return []
    return [f"{name} = np.asarray({name})" for name, x in program.parameters if x.shape]


def _extents(program: Program, mentioned: Container[str]) -> list[str]:
    return [
        f"{name} = {extent_code(program, dim)}"
        for dim, name in program.dim_names.items()
        if name in mentioned
    ]


def extent_code(program: Program, d: Dim) -> str:
    """The code of an extent by the shapes of the arguments."""

    def of(name: str) -> str:
        argument, axis = program.extents[name]
        return f"{argument}.shape[{axis}]"

    return str(map_dim(d, of))


def largest_code(program: Program, dims: Sequence[Dim]) -> str:
    """The code of the largest of some extents by the shapes of the arguments; empty where there is none."""
    return f"max({', '.join([*[extent_code(program, d) for d in dims], '0'])})" if dims else ""


class _Outputs:
    """The code of the outputs: of full shape, of the right type, aliasing nothing."""

    def __init__(self, program: Program, writer: Writer) -> None:
        self.p = program
        self.writer = writer
        self.names = NumpySpelling(program.dim_names)
        self.needs_shape = False
        self.needs_dtype = False
        self.alias = self._aliases()
        self.covers = self._covers()
        self.seen: set[Value] = set()

    def _aliases(self) -> list[bool]:
        """Whether a value may share memory with an argument or a constant."""
        alias: list[bool] = []
        for instr in self.p.instrs:
            if instr.kind.leaf:
                alias.append(not isinstance(instr.kind, Literal))
            else:
                alias.append(instr.kind.view and any(alias[a] for a in instr.args))
        return alias

    def _covers(self) -> list[int]:
        """Which arguments a value depends on, as bits."""
        bit = {name: 1 << i for i, (name, _) in enumerate(self.p.parameters)}
        covers: list[int] = []
        for instr in self.p.instrs:
            mask = bit.get(instr.kind.name, 0) if isinstance(instr.kind, Argument) else 0
            for arg in instr.args:
                mask |= covers[arg]
            covers.append(mask)
        return covers

    def codes(self) -> list[str]:
        pairs = zip(self.p.outputs, self.p.output_nodes, strict=True)
        return [self._code(v, node) for v, node in pairs]

    def _code(self, v: Value, node: Any) -> str:
        text = self.writer.output(v)
        instr = self.p.instrs[v]
        shape = self._shape(node)
        if isinstance(instr.kind, Literal):
            if shape == "()" and not self.p.batched:
                return (
                    f"{self._typed(text, node)}[()]"
                    if node.ty.weak
                    else f"np.{node.dtype.name}({text})"
                )
            dtype = self._dtype() if node.ty.weak else f"np.{node.dtype.name}"
            self._use_shape()
            filled = f"np.zeros({shape}, " if text in ("0", "0.0") else f"np.full({shape}, {text}, "
            return f"{filled}{dtype})[()]"
        full = (
            self.covers[v] == (1 << len(self.p.parameters)) - 1
            if self.p.batched
            else (instr.shape == node.shape)
        )
        weak = node.ty.weak and bool(self.p.parameters)
        typed = (
            f", {self._dtype()}" if weak and (not full or self.alias[v] or v in self.seen) else ""
        )
        if not full:
            self._use_shape()
            return f"np.array(np.broadcast_to({text}, {shape}){typed})[()]"
        if self.alias[v] or v in self.seen:
            return f"np.array({text}{typed})[()]"
        self.seen.add(v)
        return self._typed(text, node) if weak else text

    def _typed(self, text: str, node: Any) -> str:
        return (
            f"np.asarray({text}, {self._dtype()})[()]"
            if node.shape == ()
            else (f"np.asarray({text}, {self._dtype()})")
        )

    def _shape(self, node: Any) -> str:
        if self.p.batched:
            return "shape"
        return self.names.shape(node.shape)

    def _use_shape(self) -> None:
        self.needs_shape = self.p.batched

    def _dtype(self) -> str:
        self.needs_dtype = True
        return "dtype"

    def prologue(self) -> list[str]:
        """The statements that the codes rely on; call after `codes`."""
        names = [name for name, _ in self.p.parameters]
        lines = []
        if self.needs_shape:
            shapes = ", ".join(f"np.shape({name})" for name in names)
            lines.append(f"shape = np.broadcast_shapes({shapes})")
        if self.needs_dtype:
            floats = [n for n, x in self.p.parameters if x.dtype.kind == "f"] or names
            lines.append(
                f"dtype = np.result_type({', '.join([*floats, '0.0' if not floats else '0'])})"
            )
        return lines
