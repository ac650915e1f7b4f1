"""A native function that Python calls with small arrays of known shapes, and that gives such arrays.

Their entries are copied to the memory of a kernel ``void kernel(ptr in, ptr out)``, one argument after the
other, and its results to new arrays; what has another shape or type is handed on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from symgrad.expr.pytrees import Nest
from symgrad.targets.native import calls
from symgrad.targets.native.call_writer import CallWriter
from symgrad.targets.native.numpy_objects import IS_PLAIN, PLAIN, ArrayObjects

FLOAT: Final = np.dtype(np.float64)
API: Final = {
    "PyArray_New": "ptr @{}(ptr, i32, ptr, i32, ptr, ptr, i32, i32, ptr)",
    "PyArray_Scalar": "ptr @{}(ptr, ptr, ptr)",
    "llvm.memcpy.p0.p0.i64": "void @{}(ptr, ptr, i64, i1)",
}
KNOWN: Final = ("numpy_array", "float64")

ENTRIES: Final = (
    """
define internal i1 @exact(ptr %object, i32 %axes, ptr %shape, i64 %bytes, ptr %to) {{
entry:
"""
    + IS_PLAIN
    + """  %nd.at = getelementptr i8, ptr %object, i64 {nd}
  %nd = load i32, ptr %nd.at
  %same_nd = icmp eq i32 %nd, %axes
  %good = and i1 %is_float64, %is_plain
  %shaped = and i1 %good, %same_nd
  br i1 %shaped, label %shapes, label %no
shapes:
  %extents.at = getelementptr i8, ptr %object, i64 {dimensions}
  %extents = load ptr, ptr %extents.at
  br label %next
next:
  %k = phi i32 [0, %shapes], [%after, %axis]
  %more = icmp slt i32 %k, %axes
  br i1 %more, label %axis, label %yes
axis:
  %one.at = getelementptr i64, ptr %extents, i32 %k
  %one = load i64, ptr %one.at
  %other.at = getelementptr i64, ptr %shape, i32 %k
  %other = load i64, ptr %other.at
  %after = add i32 %k, 1
  %same = icmp eq i64 %one, %other
  br i1 %same, label %next, label %no
yes:
  %data.at = getelementptr i8, ptr %object, i64 {data}
  %data = load ptr, ptr %data.at
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %data, i64 %bytes, i1 false)
  ret i1 true
no_array:
  br label %no
no:
  ret i1 false
}}
define internal ptr @array_of(i32 %axes, ptr %shape, i64 %bytes, ptr %from) {{
entry:
  %made = call ptr @PyArray_New(ptr @numpy_array, i32 %axes, ptr %shape, i32 {number}, ptr null, ptr null,
                                i32 0, i32 0, ptr null)
  %failed = icmp eq ptr %made, null
  br i1 %failed, label %done, label %fill
fill:
  %data.at = getelementptr i8, ptr %made, i64 {data}
  %data = load ptr, ptr %data.at
  call void @llvm.memcpy.p0.p0.i64(ptr %data, ptr %from, i64 %bytes, i1 false)
  br label %done
done:
  ret ptr %made
}}
"""
)


class FixedShapes:
    """What the entries of arguments, or of outputs, are: their shapes, and where each begins."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], word: str) -> None:
        self.shapes = list(shapes)
        self.sizes = [math.prod(shape) for shape in shapes]
        self.starts = [sum(self.sizes[:k]) for k in range(len(shapes))]
        self.total = sum(self.sizes)
        self.word = word

    def constants(self) -> list[str]:
        """The extents of arrays, as code."""
        return [
            f"@{self.word}{k} = internal constant [{len(s)} x i64] [{', '.join([f'i64 {n}' for n in s])}]"
            for k, s in enumerate(self.shapes)
            if s
        ]

    def array(self, k: int) -> str:
        """The operands that tell of an array: its axes, extents and bytes."""
        return f"i32 {len(self.shapes[k])}, ptr @{self.word}{k}, i64 {8 * self.sizes[k]}"


def entry_call_code(
    arguments: Sequence[tuple[int, ...]],
    outputs: Sequence[tuple[int, ...]],
    nest: Nest,
    objects: ArrayObjects,
    may_raise: bool = False,
) -> str:
    """The text of the entries that run ``void kernel(ptr in, ptr out)`` for these shapes.

    An output of shape () is what NumPy gives, a float64.
    """
    given, made = FixedShapes(arguments, "given"), FixedShapes(outputs, "made")
    writer = _OfEntries(made)
    writer.called_with(len(arguments))
    writer.arguments(given)
    writer.line("call void @kernel(ptr %in, ptr %out)")
    if may_raise:
        writer.raised()
    result = writer.result(nest)
    memory = [
        f"%in = alloca double, i64 {max(given.total, 1)}, align 64",
        f"%out = alloca double, i64 {max(made.total, 1)}, align 64",
    ]
    code = writer.function(memory, result) + calls.FAST
    own = ENTRIES.format(
        type_at=calls.type_offset(), plain=PLAIN, number=FLOAT.num, **objects._asdict()
    )
    outside = [
        *[f"declare {signature.format(name)}" for name, signature in API.items()],
        *[f"@{name} = external global i8" for name in KNOWN],
        *given.constants(),
        *made.constants(),
    ]
    return "\n".join([calls.head(code), *outside, own, code])


def entry_call_symbols(objects: ArrayObjects) -> dict[str, int]:
    """The addresses that the code refers to, beside those of every call."""
    return {
        "PyArray_New": objects.new,
        "PyArray_Scalar": objects.scalar,
        "numpy_array": id(np.ndarray),
        "float64": id(FLOAT),
    }


class _OfEntries(CallWriter):
    """A call with arrays and numbers of known shapes."""

    def __init__(self, made: FixedShapes) -> None:
        super().__init__([False] * len(made.shapes))
        self.results = made

    def arguments(self, given: FixedShapes) -> None:
        for k, shape in enumerate(given.shapes):
            to = self.made(f"getelementptr double, ptr %in, i64 {given.starts[k]}")
            argument = self.argument(k)
            if shape:
                good = self.call(f"i1 @exact(ptr {argument}, {given.array(k)}, ptr {to})")
            else:
                good = self.call(f"i1 @number(ptr {argument}, ptr {to})")
            self.unless(self.made(f"xor i1 {good}, true"), "general")

    def leaf(self, k: int) -> str:
        place = self.made(f"getelementptr double, ptr %out, i64 {self.results.starts[k]}")
        if self.results.shapes[k]:
            return self.call(f"ptr @array_of({self.results.array(k)}, ptr {place})")
        return self.call(f"ptr @PyArray_Scalar(ptr {place}, ptr @float64, ptr null)")


def arrays_of(shapes: Sequence[Any]) -> list[tuple[int, ...]]:
    """Shapes whose extents are all numbers, as tuples of ints."""
    return [tuple([int(d) for d in shape]) for shape in shapes]
