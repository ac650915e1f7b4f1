"""Long programs of numbers as a few loops of machine code: steps of one kind and depth, side by side.

Straight code of many thousand steps takes seconds to compile, and runs one step at a time. Here all values
lie in one row of memory, the tape: inputs, numbers, then the steps by their depth, those of one kind in a
row. Each such group is one call of a loop that LLVM vectorises, over operands that lie in a row too, are
one value, or are found by a table of places. So compiling takes what the kinds take, not the steps.

The tape is a variable of the module: who calls holds the lock of the interpreter, and nothing of Python
runs in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from llvmlite import ir

from symgrad.targets.native.functions.number import Processor
from symgrad.targets.native.functions.table import BY_C_NAME, FUNCTIONS, function_in
from symgrad.targets.native.functions.trigonometric import LIMIT
from symgrad.targets.native.kernels import number, symbol_name
from symgrad.targets.native.primitives import Primitive
from symgrad.targets.native.steps import TRUTH, External, ScalarSteps

LEAST_GROUP: Final = 8  # steps of a group on average
ROW, ONE, TABLE = "row", "one", "table"  # how the operands of a group lie


class TapeGroup(NamedTuple):
    """Steps of one kind and depth."""

    does: Primitive | External
    members: list[int]


def groups_of(made: ScalarSteps) -> list[TapeGroup]:
    """The steps that compute, by depth and kind."""
    depth = [0] * len(made.steps)
    found: dict[tuple[int, Primitive | External], list[int]] = {}
    for v, step in enumerate(made.steps):
        if isinstance(step.does, (Primitive, External)):
            depth[v] = 1 + max([depth[a] for a in step.operands], default=0)
            found.setdefault((depth[v], step.does), []).append(v)
    order = sorted(found.items(), key=lambda item: item[0][0])
    return [TapeGroup(does, members) for (_, does), members in order]


def pays_on_tape(made: ScalarSteps) -> bool:
    """Whether a program has many steps of one kind at each depth, and nobody else runs in between.

    Functions of SciPy may warn, by code of Python's that calls what it likes, on the same tape.
    """
    if any(f.scipy for f in made.externals()):
        return False
    return made.length() >= LEAST_GROUP * len(groups_of(made))


def tape_code(made: ScalarSteps, processor: Processor, name: str = "kernel") -> str:
    """The text of ``void name(ptr in, ptr out)``, as `kernel` has it, and of its loops."""
    return _Tape(made, processor).written(name)


class _Tape:
    def __init__(self, made: ScalarSteps, processor: Processor) -> None:
        self.made = made
        self.processor = processor
        self.module = ir.Module()  # of the functions of numbers
        self.place: dict[int, int] = {}
        self.numbers: list[float] = []
        self.loops: dict[tuple[object, tuple[str, ...]], str] = {}
        self.texts: list[str] = []
        self.tables: list[str] = []
        self.calls: list[str] = []

    def written(self, name: str) -> str:
        inputs = len(self.made.arguments)
        for v, step in enumerate(self.made.steps):
            if isinstance(step.does, (bool, float)):
                self.place[v] = inputs + len(self.numbers)
                self.numbers.append(float(step.does))
            elif isinstance(step.does, int):
                self.place[v] = step.does
        length = inputs + len(self.numbers)
        for does, members in groups_of(self.made):
            operands = [*zip(*[self.made.steps[v].operands for v in members], strict=True)]
            rows = [[self.place[v] for v in column] for column in operands]
            self._call(does, rows, length, len(members))
            for v in members:
                self.place[v] = length
                length += 1
        self._call(None, [[self.place[v] for v in self.made.outputs]], None, len(self.made.outputs))
        values = ", ".join([f"double {number(x)}" for x in self.numbers])
        count = len(self.numbers)
        return "\n".join(
            [
                *[t for t in str(self.module).splitlines() if not t.startswith("target ")],
                *self.texts,
                f"@tape = internal global [{max(length, 1)} x double] zeroinitializer, align 64",
                f"@tape_numbers = internal constant [{count} x double] [{values}]",
                *self.tables,
                "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)",
                f"define internal void @{name}(ptr noalias %in, ptr noalias %out) {{",
                "entry:",
                f"  call void @llvm.memcpy.p0.p0.i64(ptr @tape, ptr %in, i64 {8 * inputs}, i1 false)",
                f"  %numbers = getelementptr double, ptr @tape, i64 {inputs}",
                "  call void @llvm.memcpy.p0.p0.i64(ptr %numbers, ptr @tape_numbers,"
                f" i64 {8 * count}, i1 false)",
                *self.calls,
                "  ret void",
                "}",
                "",
            ]
        )

    def _call(
        self,
        does: Primitive | External | None,
        rows: Sequence[Sequence[int]],
        to: int | None,
        count: int,
    ) -> None:
        """Have a group computed: from places on the tape to a place on it, or, at None, to the outputs."""
        forms = tuple([_form(row) for row in rows])
        loop = self._loop(does, forms)
        n = len(self.calls)
        given = []
        for k, (row, form) in enumerate(zip(rows, forms, strict=True)):
            if form == TABLE:
                listed = ", ".join([f"i32 {place}" for place in row])
                table = f"@places{len(self.tables)}"
                self.tables.append(f"{table} = internal constant [{count} x i32] [{listed}]")
                given.append(f"ptr {table}")
            else:
                self.calls.append(f"  %g{n}x{k} = getelementptr double, ptr @tape, i64 {row[0]}")
                given.append(f"ptr %g{n}x{k}")
        target = "%out"
        if to is not None:
            target = f"%g{n}"
            self.calls.append(f"  {target} = getelementptr double, ptr @tape, i64 {to}")
        if count:
            self.calls.append(
                f"  call void {loop}({', '.join([f'ptr {target}', *given])}, i64 {count})"
            )

    def _loop(self, does: Primitive | External | None, forms: tuple[str, ...]) -> str:
        """The loop for a kind of step, written when it is first needed."""
        key = (does, forms)
        if key not in self.loops:
            name = f"@group{len(self.loops)}"
            self.loops[key] = name
            function = does if isinstance(does, External) else None
            own = BY_C_NAME.get(function.name) if function else None
            parts = [_LoopText(self, does, forms, own, whole=True)]
            if own is not None and FUNCTIONS[own].large is not None:
                parts.insert(0, _LoopText(self, does, forms, own, whole=False))
            for part, follows in [*pairwise(parts), (parts[-1], None)]:
                self.texts.append(part.written(name, f"{name}w" if follows else ""))
                name += "w"
        return self.loops[key]


def _form(row: Sequence[int]) -> str:
    """How places lie."""
    if all(place == row[0] for place in row):
        return ONE
    return ROW if all(b == a + 1 for a, b in pairwise(row)) else TABLE


class _LoopText:
    """One loop: `own` is the vectorised function that it calls, with all arguments, or with small ones."""

    def __init__(
        self,
        tape: _Tape,
        does: Primitive | External | None,
        forms: tuple[str, ...],
        own: str | None,
        whole: bool,
    ) -> None:
        self.tape = tape
        self.does = does
        self.forms = forms
        self.own = own
        self.whole = whole

    def written(self, name: str, otherwise: str) -> str:
        """The text; `otherwise` is the loop that does all again where an argument is too large."""
        parameters = [f"ptr %x{k}" for k in range(len(self.forms))]
        lines = [
            f"define internal void {name}({', '.join(['ptr noalias %to', *parameters])}, i64 %count)"
            " noinline {",
            "entry:",
            "  br label %one",
            "one:",
            "  %i = phi i64 [0, %entry], [%after, %one]",
        ]
        if otherwise:
            lines.append("  %far = phi i1 [false, %entry], [%far.now, %one]")
        given = []
        for k, form in enumerate(self.forms):
            lines += self._load(k, form)
            given.append(self._given(k, lines))
        lines += self._value(given)
        if otherwise:
            lines += [
                "  %size = call double @llvm.fabs.f64(double %v0)",
                f"  %large = fcmp ogt double %size, {number(LIMIT)}",
                "  %far.now = or i1 %far, %large",
            ]
        lines += [
            "  %to.at = getelementptr double, ptr %to, i64 %i",
            "  store double %value, ptr %to.at",
            "  %after = add nuw nsw i64 %i, 1",
            "  %more = icmp ult i64 %after, %count",
            "  br i1 %more, label %one, label %done",
            "done:",
        ]
        if otherwise:
            arguments = ", ".join(["ptr %to", *parameters, "i64 %count"])
            lines += [
                "  br i1 %far.now, label %again, label %end",
                "again:",
                f"  call void {otherwise}({arguments})",
                "  br label %end",
                "end:",
            ]
        return "\n".join([*lines, "  ret void", "}", ""])

    @staticmethod
    def _load(k: int, form: str) -> list[str]:
        if form == ONE:
            return [f"  %v{k} = load double, ptr %x{k}"]
        if form == ROW:
            return [
                f"  %a{k} = getelementptr double, ptr %x{k}, i64 %i",
                f"  %v{k} = load double, ptr %a{k}",
            ]
        return [
            f"  %p{k} = getelementptr i32, ptr %x{k}, i64 %i",
            f"  %n{k} = load i32, ptr %p{k}",
            f"  %w{k} = zext i32 %n{k} to i64",
            f"  %a{k} = getelementptr double, ptr @tape, i64 %w{k}",
            f"  %v{k} = load double, ptr %a{k}",
        ]

    def _given(self, k: int, lines: list[str]) -> str:
        """The operand in its type."""
        if isinstance(self.does, Primitive) and self.does.operands[k] == TRUTH:
            lines.append(f"  %b{k} = fcmp une double %v{k}, 0.0")
            return f"%b{k}"
        return f"%v{k}"

    def _value(self, given: Sequence[str]) -> list[str]:
        if self.does is None:
            return [f"  %value = select i1 true, double {given[0]}, double {given[0]}"]
        if isinstance(self.does, Primitive):
            made = self.does.llvm.format(*given)
            if self.does.result == TRUTH:
                return [f"  %truth = {made}", "  %value = uitofp i1 %truth to double"]
            return [f"  %value = {made}"]
        name = symbol_name(self.does)
        if self.own is not None:
            processor = self.tape.processor
            made = function_in(self.tape.module, self.own, processor=processor, whole=self.whole)
            name = str(made.name)
        listed = ", ".join([f"double {x}" for x in given])
        return [f'  %value = call double @"{name}"({listed})']
