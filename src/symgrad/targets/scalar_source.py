"""A program over scalars as Python code on floats, with the functions of `math`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import islice
from typing import Any, Final

from symgrad.expr.dims import Shape
from symgrad.expr.identifiers import unused, words
from symgrad.expr.kinds import (
    ADD,
    DIVIDE,
    MULTIPLY,
    NEGATIVE,
    POWER,
    SQRT,
    SUBTRACT,
    Formula,
    Kind,
    Ufunc,
    Written,
)
from symgrad.expr.pytrees import Nest, nest_code
from symgrad.expr.templates import entrywise_kind
from symgrad.ops.table import OPS
from symgrad.program.ir import Program
from symgrad.targets.expressions import Writer
from symgrad.targets.numpy_source import INDENT, docstring
from symgrad.targets.spelling import INFIX, Spelling, spelling_of

# What Python raises where IEEE arithmetic has inf or nan
TROUBLE = "(ValueError, ZeroDivisionError, OverflowError)"

# Names that the code may use, by module; none of an argument begins with an underscore
IMPORTED: Final = {
    "math": {name: name for name in dir(math) if name[0] != "_"},
    "struct": {"_pack": "pack as _pack"},
    "numpy": {"_float64": "float64 as _float64", "_ndarray": "ndarray as _ndarray"},
}


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


# Arithmetic, which has no records of its own; the code of all other functions is on theirs
INFIX_KINDS: Final = (ADD, SUBTRACT, MULTIPLY, DIVIDE, NEGATIVE)
ARITHMETIC: Final[dict[Kind, str]] = {
    **{kind: INFIX[kind.name].template for kind in INFIX_KINDS},
    POWER: "pow({0}, {1})",
    SQRT: "sqrt({0})",
}


@cache
def _functions(special: bool) -> dict[Kind, str]:
    """The code on floats of ufuncs of NumPy, or of SciPy, by the records of the ops that they are.

    To read a template of SciPy's functions takes SciPy, which formulas without them do without.
    """
    found: dict[Kind, str] = dict(ARITHMETIC)
    for op in OPS.values():
        if not (op.elementwise and isinstance(op.numpy, str) and isinstance(op.scalar, str)):
            continue
        if ("scipy." in op.numpy) == special:
            count = len(set(re.findall(r"{\d}", op.numpy)))
            kind = entrywise_kind(op.numpy, op.scalar, count)
            if isinstance(kind, Ufunc):
                found.setdefault(kind, op.scalar)
    return found


@lru_cache(maxsize=4096)
def scalar_template(kind: Kind) -> str:
    """The code of a kind on Python floats; empty where there is none."""
    if isinstance(kind, (Formula, Written)):
        return kind.scalar
    special = isinstance(kind, Ufunc) and kind.name.startswith("special.")
    return _functions(special).get(kind, "")


def scalar_spelling(kind: Kind, count: int) -> Spelling:
    """How a kind that has code on Python floats is written."""
    if kind in INFIX_KINDS:
        return INFIX[kind.name]
    return spelling_of(scalar_template(kind), count)


def has_scalar_form(program: Program) -> bool:
    """Whether every instruction has code for Python floats."""
    return (
        program.batched
        and not program.arrays
        and all(x.dtype.kind == "f" and x.dtype.itemsize == 8 for _, x in program.parameters)
        and all(instr.kind.leaf or scalar_template(instr.kind) for instr in program.instrs)
    )


def scalar_source(program: Program, nest: Nest, name: str = "f") -> str:
    """The source of a function that takes floats at once and hands everything else on.

    The function expects ``_general``, which takes any arguments, ``_missing``, and ``_numbers``, the types
    that are converted to floats, in its globals.
    """
    writer = Writer(program, scalar_literal, scalar_spelling)
    writer.write()
    result = nest_code(nest, [writer.output(v) for v in program.outputs])
    tests = {n: f"{n}.__class__ is float" for n, _ in program.parameters}
    return guarded_source(name, tests, [*writer.statements, f"return {result}"], converts=True)


def plain_source(program: Program, nest: Nest, name: str, doc: str) -> str:
    """The source of a function of floats alone: it raises where IEEE arithmetic has inf or nan.

    Names of the parameters and of the function are those of the program.
    """
    writer = Writer(program, scalar_literal, scalar_spelling)
    writer.write()
    result = nest_code(nest, [writer.output(v) for v in program.outputs])
    body = [*writer.statements, f"return {result}"]
    names = [n for n, _ in program.parameters]
    name = unused(name, words("\n".join(body)) - set(names))
    shown = docstring(doc) if doc else []
    lines = [
        *_imports(body),
        f"def {name}({', '.join(names)}):",
        *[INDENT + x for x in (*shown, *body)],
    ]
    return "\n".join([*lines, ""])


def entries_source(
    program: Program,
    nest: Nest,
    name: str,
    arguments: Sequence[tuple[str, Shape]],
    shapes: Sequence[Shape],
) -> str:
    """The like for small arrays of float64, over a program of their entries.

    The parameters of the program are the entries of the arguments, of which the names and shapes are
    given; its outputs are the entries of outputs of the given shapes. Expects the type ``_double``, too.
    """
    writer = Writer(program, scalar_literal, scalar_spelling, taken=[n for n, _ in arguments])
    writer.write()
    entries = iter([n for n, _ in program.parameters])
    targets = [(n, _targets(entries, s)) for n, s in arguments]
    unpacked = [f"{target} = {n}.tolist()" for n, target in targets if target != n]
    values = iter([writer.output(v) for v in program.outputs])
    result = nest_code(nest, [_packed(list(islice(values, math.prod(s))), s) for s in shapes])
    tests = {n: _array_test(n, s) if s else f"{n}.__class__ is float" for n, s in arguments}
    return guarded_source(name, tests, [*unpacked, *writer.statements, f"return {result}"])


def _targets(names: Iterator[str], shape: Shape) -> str:
    """Names of entries, nested as `tolist` nests them."""
    if not shape:
        return next(names)
    parts = [_targets(names, shape[1:]) for _ in range(int(shape[0]))]
    rows = [f"({part})" for part in parts] if len(shape) > 1 else parts
    return ", ".join(rows) + ("," if len(rows) == 1 else "")


def _array_test(name: str, shape: Shape) -> str:
    known = f"{name}.__class__ is _ndarray and {name}.dtype is _double"
    return f"{known} and {name}.shape == {shape!r}"


def _packed(values: Sequence[str], shape: Shape) -> str:
    """An array of float64, by its bytes; a number as what NumPy gives."""
    if not shape:
        return f"_float64({values[0]})"
    return f'_ndarray({shape!r}, _float64, bytearray(_pack("{len(values)}d", {", ".join(values)})))'


def guarded_source(
    name: str, tests: Mapping[str, str], body: Sequence[str], converts: bool = False
) -> str:
    """A function that runs `body` for arguments that pass their tests, and hands on all others.

    With `converts`, numbers of the types ``_numbers`` are made floats first.
    """
    parameters = [f"{n}=_missing" for n in tests] + ["/"] * bool(tests)
    test = " and ".join([*tests.values(), "not _more and not _named"])
    given = ", ".join([*tests, "*_more", "**_named"])
    name = unused(name, words("\n".join([test, *body])) - tests.keys())
    handed_on = _handed_on([*tests], given, converts and bool(tests))
    lines = [
        *_imports([test, *body, *handed_on]),
        f"def {name}({', '.join([*parameters, '*_more', '**_named'])}):",
        f"{INDENT}if not ({test}):",
        *[INDENT * 2 + line for line in handed_on],
        f"{INDENT}try:",
        *[INDENT * 2 + line for line in body],
        f"{INDENT}except {TROUBLE}:",
        f"{INDENT * 2}return _general({given})",
    ]
    return "\n".join([*lines, ""])


def _handed_on(names: Sequence[str], given: str, converts: bool) -> list[str]:
    """What is done with arguments that are not all floats: those of an unpacked array come first."""
    if not converts:
        return [f"return _general({given})"]
    alone = "not _more and not _named"
    unpacked = " and ".join([*[f"{n}.__class__ is _float64" for n in names], alone])
    numbers = " and ".join([*[f"{n}.__class__ in _numbers" for n in names], alone])
    converted = [f"{n} = float({n})" for n in names]
    return [
        f"if {unpacked}:",
        *[f"{INDENT}{line}" for line in converted],
        f"elif {numbers}:",
        f"{INDENT}try:",
        *[f"{INDENT * 2}{line}" for line in converted],
        f"{INDENT}except OverflowError:",
        f"{INDENT * 2}return _general({given})",
        "else:",
        f"{INDENT}return _general({given})",
    ]


def _imports(body: Sequence[str]) -> list[str]:
    used = set(re.findall(r"(?<![\w.])[a-z_]\w*", "\n".join(body)))
    found = {
        module: [names[n] for n in sorted(used & names.keys())]
        for module, names in IMPORTED.items()
    }
    lines = [f"from {module} import {', '.join(names)}" for module, names in found.items() if names]
    if any("scipy.special." in line for line in body):
        lines += ["", "import scipy.special"] if lines else ["import scipy.special"]
    return [*lines, "", ""] if lines else []
