"""A native function that Python calls with arrays of one shape: one call checks, allocates and computes.

The code takes contiguous arrays of float64, all of one shape, and numbers beside them; whatever else it is
given, it hands on. Which arguments are arrays is a number of bits, and for each that came there is a
kernel in a table, ``void kernel(ptr words, i64 entries)``. Nothing of Python runs between the checks and
the kernel, so what was checked still holds.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from symgrad.expr.pytrees import Nest
from symgrad.targets.native import calls, engine
from symgrad.targets.native.call_writer import CallWriter
from symgrad.targets.native.numpy_objects import IS_PLAIN, PLAIN, ArrayObjects, array_objects

MOST: Final = 48  # arguments, and results
KERNELS: Final = 16  # of a table
ANY: Final = 2**62  # entries

API: Final = {
    "PyEval_SaveThread": "ptr @{}()",
    "PyEval_RestoreThread": "void @{}(ptr)",
    "PyArray_New": "ptr @{}(ptr, i32, ptr, i32, ptr, ptr, i32, i32, ptr)",
}
KNOWN: Final = ("numpy_array", "float64", "kernels")

# An argument: a number, or an array of the shape of those before it
OPERAND: Final = (
    """
define internal i1 @operand(ptr %object, ptr %word, ptr %like, ptr %mask, i64 %bit) {{
entry:
"""
    + IS_PLAIN
    + """  %good = and i1 %is_float64, %is_plain
  br i1 %good, label %shaped, label %no
shaped:
  %data.at = getelementptr i8, ptr %object, i64 {data}
  %data = load ptr, ptr %data.at
  store ptr %data, ptr %word
  %seen = load i64, ptr %mask
  %now = or i64 %seen, %bit
  store i64 %now, ptr %mask
  %nd.at = getelementptr i8, ptr %object, i64 {nd}
  %nd = load i32, ptr %nd.at
  %extents.at = getelementptr i8, ptr %object, i64 {dimensions}
  %extents = load ptr, ptr %extents.at
  %before = load ptr, ptr %like
  %is_first = icmp eq ptr %before, null
  br i1 %is_first, label %first, label %compare
first:
  store ptr %object, ptr %like
  %has_axes = icmp sgt i32 %nd, 0
  ret i1 %has_axes
compare:
  %nd.before.at = getelementptr i8, ptr %before, i64 {nd}
  %nd.before = load i32, ptr %nd.before.at
  %extents.before.at = getelementptr i8, ptr %before, i64 {dimensions}
  %extents.before = load ptr, ptr %extents.before.at
  %same_nd = icmp eq i32 %nd, %nd.before
  br i1 %same_nd, label %axes, label %no
axes:
  %k = phi i32 [0, %compare], [%after, %next]
  %more = icmp slt i32 %k, %nd
  br i1 %more, label %axis, label %yes
axis:
  %one.at = getelementptr i64, ptr %extents, i32 %k
  %one = load i64, ptr %one.at
  %other.at = getelementptr i64, ptr %extents.before, i32 %k
  %two = load i64, ptr %other.at
  %same = icmp eq i64 %one, %two
  br i1 %same, label %next, label %no
next:
  %after = add i32 %k, 1
  br label %axes
no_array:
  %is_number = call i1 @number(ptr %object, ptr %word)
  ret i1 %is_number
yes:
  ret i1 true
no:
  ret i1 false
}}
define internal i64 @entries(ptr %like) {{
entry:
  %nd.at = getelementptr i8, ptr %like, i64 {nd}
  %nd = load i32, ptr %nd.at
  %extents.at = getelementptr i8, ptr %like, i64 {dimensions}
  %extents = load ptr, ptr %extents.at
  br label %axes
axes:
  %k = phi i32 [0, %entry], [%after, %axis]
  %product = phi i64 [1, %entry], [%longer, %axis]
  %more = icmp slt i32 %k, %nd
  br i1 %more, label %axis, label %done
axis:
  %extent.at = getelementptr i64, ptr %extents, i32 %k
  %extent = load i64, ptr %extent.at
  %longer = mul i64 %product, %extent
  %after = add i32 %k, 1
  br label %axes
done:
  ret i64 %product
}}
define internal ptr @chosen(i64 %mask) {{
entry:
  br label %next
next:
  %k = phi i64 [0, %entry], [%after, %other]
  %mask.at = getelementptr i64, ptr @kernels, i64 %k
  %address.k = add i64 %k, 1
  %address.at = getelementptr i64, ptr @kernels, i64 %address.k
  %address = load ptr, ptr %address.at
  %last = icmp eq ptr %address, null
  br i1 %last, label %done, label %compare
compare:
  %has = load i64, ptr %mask.at
  %same = icmp eq i64 %has, %mask
  br i1 %same, label %done, label %other
other:
  %after = add i64 %k, 2
  br label %next
done:
  ret ptr %address
}}
define internal void @compute(ptr %kernel, ptr %words, i64 %entries) {{
entry:
  %short = icmp ule i64 %entries, {locked}
  br i1 %short, label %at_once, label %alone
at_once:
  call void %kernel(ptr %words, i64 %entries)
  ret void
alone:
  %state = call ptr @PyEval_SaveThread()
  call void %kernel(ptr %words, i64 %entries)
  call void @PyEval_RestoreThread(ptr %state)
  ret void
}}
define internal ptr @array_like(ptr %like, i32 %number, ptr %object.to, ptr %word) {{
entry:
  %nd.at = getelementptr i8, ptr %like, i64 {nd}
  %nd = load i32, ptr %nd.at
  %extents.at = getelementptr i8, ptr %like, i64 {dimensions}
  %extents = load ptr, ptr %extents.at
  %made = call ptr @PyArray_New(ptr @numpy_array, i32 %nd, ptr %extents, i32 %number, ptr null, ptr null,
                                i32 0, i32 0, ptr null)
  store ptr %made, ptr %object.to
  %failed = icmp eq ptr %made, null
  br i1 %failed, label %done, label %address
address:
  %data.at = getelementptr i8, ptr %made, i64 {data}
  %data = load ptr, ptr %data.at
  store ptr %data, ptr %word
  br label %done
done:
  ret ptr %made
}}
define internal void @drop_all(ptr %objects, i64 %count) {{
entry:
  br label %next
next:
  %k = phi i64 [0, %entry], [%after, %on]
  %more = icmp ult i64 %k, %count
  br i1 %more, label %one, label %done
one:
  %object.at = getelementptr ptr, ptr %objects, i64 %k
  %object = load ptr, ptr %object.at
  %gone = icmp eq ptr %object, null
  br i1 %gone, label %on, label %drop
drop:
  call void @Py_DecRef(ptr %object)
  br label %on
on:
  %after = add i64 %k, 1
  br label %next
done:
  ret void
}}
"""
)


class ArrayCall:
    """The builtin of a function, and its table of kernels.

    Attributes
    ----------
    entry : int
        The address of its vectorcall, good as long as this object is there.
    function : callable
        The builtin.
    """

    def __init__(
        self,
        name: str,
        count: int,
        types: Sequence[Any],
        nest: Nest,
        general: Callable[..., Any],
        bounds: tuple[int, int] = (ANY, ANY),
    ) -> None:
        objects = array_objects()
        assert objects is not None
        self.table = (ctypes.c_size_t * (2 * KERNELS + 2))()
        self.filled = 0
        self.owned = calls.owned_by(name, general, nest)
        self.owned.keep(self.table)
        symbols = {
            **self.owned.symbols(),
            **{name: engine.python_symbol(name) for name in API if name.startswith("PyEval")},
            "PyArray_New": objects.new,
            "numpy_array": id(np.ndarray),
            "float64": id(np.dtype(np.float64)),
            "kernels": ctypes.addressof(self.table),
        }
        text = array_call_code(count, types, nest, objects, bounds)
        library = engine.compiled(text, calls.ENTRIES, symbols, level=1)
        self.function = calls.builtin(library, self.owned)
        self.entry = library.address("fast")

    def add(self, mask: int, kernel: int, owner: Any) -> None:
        """A kernel for arguments of which these are arrays: the first has the lowest bit."""
        if self.filled < KERNELS:
            self.owned.keep(owner)
            self.table[2 * self.filled] = mask
            self.table[2 * self.filled + 1] = kernel  # from here on it is found
            self.filled += 1


def has_array_calls(count: int, results: int) -> bool:
    """Whether such a builtin can be made here, for so many arguments and results."""
    return max(count, results) <= MOST and not calls.obstacle() and array_objects() is not None


def array_call_code(
    count: int,
    types: Sequence[Any],
    nest: Nest,
    objects: ArrayObjects,
    bounds: tuple[int, int] = (ANY, ANY),
) -> str:
    """The text of the entries for so many arguments, and results of these dtypes in this form.

    Parameters
    ----------
    bounds : (int, int)
        The most entries that are computed at all, and the most with the interpreter's lock held.
    """
    most, locked = bounds
    writer = _OfArrays(types)
    writer.called_with(count)
    writer.operands(count)
    writer.outputs(count, most)
    result = writer.result(nest)
    memory = [
        f"%words = alloca i64, i64 {count + len(types)}, align 64",
        f"%objects = alloca [{max(len(types), 1)} x ptr], align 8",
        f"store [{max(len(types), 1)} x ptr] zeroinitializer, ptr %objects",
        "%like.at = alloca ptr",
        "store ptr null, ptr %like.at",
        "%mask.at = alloca i64",
        "store i64 0, ptr %mask.at",
    ]
    lost = [f"call void @drop_all(ptr %objects, i64 {len(types)})"]
    code = writer.function(memory, result, lost) + calls.FAST
    own = OPERAND.format(
        type_at=calls.type_offset(), plain=PLAIN, locked=locked, **objects._asdict()
    )
    outside = [
        *[f"declare {signature.format(name)}" for name, signature in API.items()],
        *[f"@{name} = external global i8" for name in KNOWN],
    ]
    return "\n".join([calls.head(code), *outside, own, code])


class _OfArrays(CallWriter):
    """A call with arrays of one shape."""

    def __init__(self, types: Sequence[Any]) -> None:
        super().__init__([False] * len(types))
        self.numbers = [np.dtype(d).num for d in types]

    def operands(self, count: int) -> None:
        for k in range(count):
            given = self.argument(k)
            word = self.made(f"getelementptr i64, ptr %words, i64 {k}")
            good = self.call(
                f"i1 @operand(ptr {given}, ptr {word}, ptr %like.at, ptr %mask.at, i64 {1 << k})"
            )
            self.unless(self.made(f"xor i1 {good}, true"), "general")

    def outputs(self, count: int, most: int) -> None:
        """Choose a kernel, make the arrays, and have them filled."""
        self.line("%like = load ptr, ptr %like.at")
        self.needed("%like", "general")
        entries = self.call("i64 @entries(ptr %like)")
        few = self.made(f"sub i64 {entries}, 1")
        self.unless(self.made(f"icmp uge i64 {few}, {most}"), "general")
        mask = self.made("load i64, ptr %mask.at")
        kernel = self.call(f"ptr @chosen(i64 {mask})")
        self.needed(kernel, "general")
        for k, number in enumerate(self.numbers):
            to = self.made(f"getelementptr ptr, ptr %objects, i64 {k}")
            word = self.made(f"getelementptr i64, ptr %words, i64 {count + k}")
            made = self.call(f"ptr @array_like(ptr %like, i32 {number}, ptr {to}, ptr {word})")
            self.needed(made, "nothing")
        self.line(f"call void @compute(ptr {kernel}, ptr %words, i64 {entries})")

    def leaf(self, k: int) -> str:
        place = self.made(f"getelementptr ptr, ptr %objects, i64 {k}")
        made = self.made(f"load ptr, ptr {place}")
        self.line(f"store ptr null, ptr {place}")
        return made
