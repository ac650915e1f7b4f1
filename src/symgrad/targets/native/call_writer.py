"""The object that a native call returns, a nest of lists, tuples and dicts, as code of Python's C API.

All references are owned by the outermost object as soon as they are there, so an error drops them with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from symgrad.expr.pytrees import Nest

RUN: Final = 8  # numbers in a row from which they are packed by a loop
OWNED: Final = 4  # what stands before the keys of dicts in the tuple of a builtin
# What is no work of this code: there may be other code behind it, else it is for a function of Python
GENERAL: Final = (
    "general:",
    "  %next = load ptr, ptr @next",
    "  %last = icmp eq ptr %next, null",
    "  br i1 %last, label %python, label %further",
    "further:",
    "  %found = tail call ptr %next(ptr null, ptr %args, i64 %count, ptr %names)",
    "  ret ptr %found",
    "python:",
    "  %function = call ptr @PyTuple_GetItem(ptr %self, i64 0)",
    "  %given = call ptr @PyObject_Vectorcall(ptr %function, ptr %args, i64 %count, ptr %names)",
    "  ret ptr %given",
)


def keys_of(nest: Nest) -> list[Any]:
    """The keys of all dicts of a nest, in order."""
    if isinstance(nest, int):
        return []
    _, keys, parts = nest
    return [*keys, *[key for part in parts for key in keys_of(part)]]


class CallWriter:
    """Writes lines, names of values, and the object that is returned around its leaves.

    Attributes
    ----------
    packs : sequence of bool
        For each output whether it is a float, of which many in a row are packed by a loop.
    """

    def __init__(self, packs: Sequence[bool]) -> None:
        self.packs = packs
        self.lines: list[str] = []
        self.count = 0
        self.keys = OWNED
        self.whole = ""  # the outermost object of the result

    def leaf(self, k: int) -> str:
        """The object of an output, a new reference."""
        raise NotImplementedError

    def line(self, text: str) -> None:
        """An instruction without a value."""
        self.lines.append(f"  {text}")

    def made(self, text: str) -> str:
        """A value of its own name."""
        self.count += 1
        self.line(f"%t{self.count} = {text}")
        return f"%t{self.count}"

    def call(self, text: str) -> str:
        """What a function gives."""
        return self.made(f"call {text}")

    def unless(self, wrong: str, label: str) -> None:
        """Go to a label if something is wrong."""
        self.count += 1
        self.line(f"br i1 {wrong}, label %{label}, label %l{self.count}")
        self.lines.append(f"l{self.count}:")

    def called_with(self, count: int) -> None:
        """Go on with so many arguments and no keywords."""
        many = self.made(f"icmp ne i64 %count, {count}")
        named = self.made("icmp ne ptr %names, null")
        self.unless(self.made(f"or i1 {many}, {named}"), "general")

    def argument(self, k: int) -> str:
        """The object that is given."""
        place = self.made(f"getelementptr ptr, ptr %args, i64 {k}")
        return self.made(f"load ptr, ptr {place}")

    def raised(self) -> None:
        """Hand on an exception of Python that a function has left behind."""
        error = self.call("ptr @PyErr_Occurred()")
        self.unless(self.made(f"icmp ne ptr {error}, null"), "nothing")

    # The whole

    def function(self, memory: Sequence[str], result: str, lost: Sequence[str] = ()) -> str:
        """The entry ``call``: its memory, the lines, the result, and what is done where one fails.

        Parameters
        ----------
        memory, lost : sequence of str
            Lines in front of all others, and those after which an error is handed on.
        result : str
            The object.
        """
        lines = [
            "define ptr @call(ptr %self, ptr %args, i64 %count, ptr %names) {",
            "entry:",
            *[f"  {line}" for line in memory],
            *self.lines,
            f"  ret ptr {result}",
            *GENERAL,
        ]
        text = "\n".join(self.lines)
        if "label %drop" in text:
            lines += [
                "drop:",
                f"  call void @Py_DecRef(ptr {self.whole})",
                *["  br label %nothing"],
            ]
        if "label %drop" in text or "label %nothing" in text:
            lines += ["nothing:", *[f"  {line}" for line in lost], "  ret ptr null"]
        return "\n".join([*lines, "}", ""])

    # Results

    def result(self, nest: Nest) -> str:
        """The object that is returned."""
        if isinstance(nest, int):
            self.whole = self.leaf(nest)
        else:
            self.whole = self._container(nest)
            self.needed(self.whole, "nothing")
            self._fill(self.whole, nest)
        return self.whole

    def needed(self, made: str, label: str = "drop") -> None:
        """Go to a label if an object is not there."""
        self.unless(self.made(f"icmp eq ptr {made}, null"), label)

    def _container(self, nest: Nest) -> str:
        kind, _, parts = nest
        if kind == "dict":
            return self.call("ptr @PyDict_New()")
        return self.call(f"ptr @Py{kind.title()}_New(i64 {len(parts)})")

    def _fill(self, into: str, nest: Nest) -> None:
        kind, keys, parts = nest
        first = self.keys
        self.keys += len(keys)
        k = 0
        while k < len(parts):
            run = self._run(parts, k) if kind != "dict" else 0
            if run >= RUN:
                values = self.made(f"getelementptr double, ptr %out, i64 {parts[k]}")
                good = self.call(
                    f"i1 @packed_{kind.title()}(ptr {into}, i64 {k}, ptr {values}, i64 {run})"
                )
                self.unless(self.made(f"xor i1 {good}, true"), "drop")
                k += run
                continue
            self._put(into, kind, first, k, parts[k])
            k += 1

    def _run(self, parts: Sequence[Nest], start: int) -> int:
        """How many floats that follow each other among the outputs stand there in a row."""
        k = start
        while (
            k < len(parts)
            and isinstance(parts[k], int)
            and parts[k] == parts[start] + k - start
            and self.packs[parts[k]]
        ):
            k += 1
        return k - start

    def _put(self, into: str, kind: str, first: int, k: int, part: Nest) -> None:
        """Make a part, give it to what it stands in, and then fill it."""
        made = self.leaf(part) if isinstance(part, int) else self._container(part)
        self.needed(made)
        if kind == "dict":
            key = self.call(f"ptr @PyTuple_GetItem(ptr %self, i64 {first + k})")
            status = self.call(f"i32 @PyDict_SetItem(ptr {into}, ptr {key}, ptr {made})")
            self.line(f"call void @Py_DecRef(ptr {made})")
        else:
            status = self.call(f"i32 @Py{kind.title()}_SetItem(ptr {into}, i64 {k}, ptr {made})")
        self.unless(self.made(f"icmp ne i32 {status}, 0"), "drop")
        if not isinstance(part, int):
            self._fill(made, part)
