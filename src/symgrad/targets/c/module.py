"""A C99 file with its header: a function of numbers and arrays of known extents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from symgrad.expr.dims import Shape
from symgrad.targets.c.functions import c_function
from symgrad.targets.c.names import c_name, c_names
from symgrad.targets.native.steps import ScalarSteps

WIDTH: Final = 96


class CArgument(NamedTuple):
    """An argument: its name, and its extents."""

    name: str
    shape: Shape


class CFile(NamedTuple):
    """The text of a ``.c`` file and of its header."""

    source: str
    header: str

    def whole(self) -> str:
        """Both in one: a file that needs no header."""
        return self.source


def c_file(
    made: ScalarSteps, name: str, arguments: Sequence[CArgument], outputs: Sequence[Shape], doc: str
) -> CFile:
    """The files of a function of arguments, of which steps take the entries one after the other.

    Scalars are passed by value, arrays as pointers to their entries in C's order; results go to one
    pointer for each output, or are returned where there is one number.
    """
    name = c_name(name)
    names = c_names([a.name for a in arguments])
    inputs: list[str] = []
    parameters: list[str] = []
    for own, a in zip(names, arguments, strict=True):
        size = math.prod(int(d) for d in a.shape)
        parameters.append(f"const double {own}[{size}]" if a.shape else f"double {own}")
        inputs += [f"{own}[{k}]" for k in range(size)] if a.shape else [own]
    single = len(outputs) == 1 and not outputs[0]
    places: list[str] = []
    for k, shape in enumerate(outputs if not single else ()):
        size = math.prod(int(d) for d in shape)
        parameters.append(f"double out{k}[{size}]" if shape else f"double *out{k}")
        places += [f"out{k}[{j}]" for j in range(size)] if shape else [f"*out{k}"]
    head = f"{'double' if single else 'void'} {name}({', '.join(parameters) or 'void'})"
    body = c_function(wrapped(head), made, inputs, places)
    heads = [(doc, head)]
    if arguments and not any(a.shape for a in arguments) and not any(outputs):
        many, more = _many(name, names, len(outputs))
        heads.append((f"{name} of count points, one after the other.", many))
        body += f"\n{more}"
    return files(name, heads, body)


def _many(name: str, names: Sequence[str], outputs: int) -> tuple[str, str]:
    """The head and the text of a function of many points, in arrays."""
    results = [f"out{k}" for k in range(outputs)]
    parameters = [f"const double *{x}" for x in names] + [f"double *{y}" for y in results]
    head = f"void {name}_many({', '.join(['size_t count', *parameters])})"
    given = [f"{x}[k]" for x in names]
    call = (
        f"out0[k] = {name}({', '.join(given)});"
        if outputs == 1
        else f"{name}({', '.join([*given, *[f'&{y}[k]' for y in results]])});"
    )
    lines = ["{", "    for (size_t k = 0; k < count; ++k) {", f"        {call}", "    }", "}", ""]
    return head, "\n".join([wrapped(head), *lines])


def files(name: str, heads: Sequence[tuple[str, str]], body: str) -> CFile:
    """The files of functions by their heads, with a word on each."""
    prototypes = []
    for doc, head in heads:
        lines = [f" * {line}".rstrip() for line in doc.replace("*/", "* /").splitlines()]
        prototypes.append("\n".join(["/*", *lines, " */", f"{wrapped(head)};", ""]))
    prototype = "\n".join(prototypes)
    guard = f"{name.upper()}_H"
    opened = '#ifdef __cplusplus\nextern "C" {\n#endif\n'
    closed = "#ifdef __cplusplus\n}\n#endif\n"
    header = "\n".join(
        [
            f"#ifndef {guard}\n#define {guard}\n\n#include <stddef.h>\n",
            opened,
            prototype,
            closed,
            f"#endif /* {guard} */\n",
        ]
    )
    return CFile("\n".join(["#include <math.h>\n#include <stddef.h>\n", prototype, body]), header)


def wrapped(head: str) -> str:
    """A head in lines that are not too long."""
    first, _, rest = head.partition("(")
    lines, line = [], f"{first}("
    for part in rest.split(", "):
        if len(line) + len(part) > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = "    "
        line += f"{part}, "
    return "\n".join([*lines, line.removesuffix(", ")])
