"""Many problems side by side: a loop of a solver that stops at its formulas, which are computed for all.

Each problem has a lane: the variables of its loop, and what its formulas are asked for. In a round, the
formulas of all lanes are computed by vectorised code; then each lane goes on to its next question. Lanes
whose problems are done take the next ones, so that lanes stay full.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from llvmlite import ir

from symgrad.targets.native.functions.table import FUNCTIONS, function_in
from symgrad.targets.native.functions.trigonometric import LIMIT
from symgrad.targets.native.kernels import Piece, number
from symgrad.targets.native.loop_code import ASKS, Resumable
from symgrad.targets.native.primitives import LIBRARY
from symgrad.targets.native.steps import External, Steps

LANES: Final = 256
LONGEST: Final = 300  # steps of formulas that are computed side by side
BY_C_NAME: Final[Mapping[str, str]] = {c: name for name, c in LIBRARY.items() if name in FUNCTIONS}


def has_rounds(made: Steps) -> bool:
    """Whether formulas have vectorised code."""
    return made.length() <= LONGEST and all(
        not f.scipy and f.name in BY_C_NAME for f in made.externals()
    )


class _Lane(Piece):
    """The steps of one lane: what they read and write lies beside that of other lanes."""

    def __init__(self, made: Steps) -> None:
        super().__init__(made, {})
        self.module = ir.Module()

    def external(self, f: External) -> str:
        return str(function_in(self.module, BY_C_NAME[f.name], whole=False).name)

    def place(self, base: str, place: int, name: str) -> str:
        self.lines.append(f"  {name}c = getelementptr double, ptr {base}, i64 {place * LANES}")
        self.lines.append(f"  {name}p = getelementptr double, ptr {name}c, i64 %k")
        return f"{name}p"


def kernels_code(made: Steps) -> str:
    """The text of ``i1 kernels(in, out, count)``: formulas of the first lanes.

    True where a sine was asked for that its code is not for, of a large number.
    """
    lane = _Lane(made)
    computed = [v for v, step in enumerate(made.steps) if step.computes]
    lines = lane.written(computed, [], made.outputs)
    far = ["  %far0 = or i1 %far, false"]
    for step in made.steps:
        if isinstance(step.does, External) and FUNCTIONS[BY_C_NAME[step.does.name]].large:
            n, x = len(far), lane.names[step.operands[0]]
            far += [
                f"  %size{n} = call double @llvm.fabs.f64(double {x})",
                f"  %large{n} = fcmp ogt double %size{n}, {number(LIMIT)}",
                f"  %finite{n} = fcmp olt double %size{n}, {number(float('inf'))}",
                f"  %beyond{n} = and i1 %large{n}, %finite{n}",
                f"  %far{n} = or i1 %{_last(far)}, %beyond{n}",
            ]
    body = [
        "define internal i1 @kernels(ptr noalias %in, ptr noalias %out, i64 %count) {",
        "entry:",
        "  br label %lane",
        "lane:",
        "  %k = phi i64 [0, %entry], [%after, %lane]",
        f"  %far = phi i1 [false, %entry], [%{_last(far)}, %lane]",
        *lines,
        *far,
        "  %after = add nuw nsw i64 %k, 1",
        "  %more = icmp ult i64 %after, %count",
        "  br i1 %more, label %lane, label %done",
        "done:",
        f"  ret i1 %{_last(far)}",
        "}",
        "",
    ]
    text = "\n".join(str(f) for f in lane.module.functions)
    return text + "\n" + "\n".join(body)


def _last(lines: list[str]) -> str:
    return lines[-1].split("=")[0].strip().removeprefix("%")


BATCH: Final = """
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
define internal void @apart(ptr %arguments, ptr %values) {{
entry:
  %in = alloca double, i64 {given}
  %out = alloca double, i64 {formulas}
{gathered}
  call void @kernel(ptr %in, ptr %out)
{scattered}
  ret void
}}
define void @batch(ptr %columns, ptr %steps, i64 %first, i64 %last, double %tol, i64 %maxiter,
                   ptr noalias %found, ptr noalias %counts) {{
entry:
  %in = alloca double, i64 {all_inputs}, align 64
  %lanes = alloca double, i64 {all_variables}, align 64
  %arguments = alloca double, i64 {all_given}, align 64
  %values = alloca double, i64 {all_formulas}, align 64
  %numbers = alloca i64, i64 {lanes}
  br label %fill
fill:
  %next = phi i64 [%first, %entry], [%next.after, %filled], [%next.kept, %each]
  %active = phi i64 [0, %entry], [%active.after, %filled], [%active.left, %each]
  %room = icmp ult i64 %active, {lanes}
  %problems = icmp slt i64 %next, %last
  %both = and i1 %room, %problems
  br i1 %both, label %take, label %round
take:
  %in.lane = mul i64 %active, {inputs}
  %in.at = getelementptr double, ptr %in, i64 %in.lane
  br label %read
read:
  %j = phi i64 [0, %take], [%j.after, %read]
  %column.at = getelementptr ptr, ptr %columns, i64 %j
  %column = load ptr, ptr %column.at
  %step.at = getelementptr i64, ptr %steps, i64 %j
  %step = load i64, ptr %step.at
  %place = mul i64 %next, %step
  %value.at = getelementptr double, ptr %column, i64 %place
  %value = load double, ptr %value.at
  %to = getelementptr double, ptr %in.at, i64 %j
  store double %value, ptr %to
  %j.after = add i64 %j, 1
  %all = icmp eq i64 %j.after, {inputs}
  br i1 %all, label %start, label %read
start:
  %row = mul i64 %next, {width}
  %out = getelementptr double, ptr %found, i64 %row
  %lane.place = mul i64 %active, {variables}
  %lane = getelementptr double, ptr %lanes, i64 %lane.place
  %asked = getelementptr double, ptr %arguments, i64 %active
  %got = getelementptr double, ptr %values, i64 %active
  %begun = call i64 @step(i1 true, ptr %in.at, ptr %out, double %tol, i64 %maxiter, ptr %lane,
                          ptr %asked, ptr %got)
  %asks = icmp eq i64 %begun, {asks}
  br i1 %asks, label %keep, label %finish
keep:
  %number.at = getelementptr i64, ptr %numbers, i64 %active
  store i64 %next, ptr %number.at
  br label %filled
finish:
  %count.at = getelementptr i64, ptr %counts, i64 %next
  store i64 %begun, ptr %count.at
  br label %filled
filled:
  %one.more = zext i1 %asks to i64
  %active.after = add i64 %active, %one.more
  %next.after = add i64 %next, 1
  br label %fill
round:
  %some = icmp ugt i64 %active, 0
  br i1 %some, label %compute, label %done
compute:
  %far = call i1 @kernels(ptr %arguments, ptr %values, i64 %active)
  br i1 %far, label %again, label %each
again:
  %a = phi i64 [0, %compute], [%a.after, %again]
  %a.asked = getelementptr double, ptr %arguments, i64 %a
  %a.got = getelementptr double, ptr %values, i64 %a
  call void @apart(ptr %a.asked, ptr %a.got)
  %a.after = add i64 %a, 1
  %a.more = icmp ult i64 %a.after, %active
  br i1 %a.more, label %again, label %each
each:
  %next.kept = phi i64 [%next, %compute], [%next, %again], [%next.kept, %on], [%next.kept, %moved]
  %k = phi i64 [0, %compute], [0, %again], [%k.after, %on], [%k, %moved]
  %active.left = phi i64 [%active, %compute], [%active, %again], [%active.left, %on], [%less, %moved]
  %not.all = icmp ult i64 %k, %active.left
  br i1 %not.all, label %go, label %fill
go:
  %k.in = mul i64 %k, {inputs}
  %k.in.at = getelementptr double, ptr %in, i64 %k.in
  %k.number.at = getelementptr i64, ptr %numbers, i64 %k
  %k.number = load i64, ptr %k.number.at
  %k.row = mul i64 %k.number, {width}
  %k.out = getelementptr double, ptr %found, i64 %k.row
  %k.place = mul i64 %k, {variables}
  %k.lane = getelementptr double, ptr %lanes, i64 %k.place
  %k.asked = getelementptr double, ptr %arguments, i64 %k
  %k.got = getelementptr double, ptr %values, i64 %k
  %state = call i64 @step(i1 false, ptr %k.in.at, ptr %k.out, double %tol, i64 %maxiter, ptr %k.lane,
                          ptr %k.asked, ptr %k.got)
  %k.asks = icmp eq i64 %state, {asks}
  br i1 %k.asks, label %on, label %end
on:
  %k.after = add i64 %k, 1
  br label %each
end:
  %k.count.at = getelementptr i64, ptr %counts, i64 %k.number
  store i64 %state, ptr %k.count.at
  %less = sub i64 %active.left, 1
  %is.last = icmp eq i64 %k, %less
  br i1 %is.last, label %moved, label %move
move:
  %m.in = mul i64 %less, {inputs}
  %m.in.at = getelementptr double, ptr %in, i64 %m.in
  call void @llvm.memcpy.p0.p0.i64(ptr %k.in.at, ptr %m.in.at, i64 {input_bytes}, i1 false)
  %m.place = mul i64 %less, {variables}
  %m.lane = getelementptr double, ptr %lanes, i64 %m.place
  call void @llvm.memcpy.p0.p0.i64(ptr %k.lane, ptr %m.lane, i64 {variable_bytes}, i1 false)
  %m.number.at = getelementptr i64, ptr %numbers, i64 %less
  %m.number = load i64, ptr %m.number.at
  store i64 %m.number, ptr %k.number.at
  %m.got = getelementptr double, ptr %values, i64 %less
{values_moved}
  br label %moved
moved:
  br label %each
done:
  ret void
}}
"""


def batch_code(loop: Resumable, inputs: int, formulas: int, width: int) -> str:
    """The text of ``void batch(...)``, which solves problems `first` to `last` and stores what it finds."""
    variables, given = max(len(loop.variables), 1), max(loop.given, 1)
    gathered = _copies("%arguments", "%in", loop.given, "g", LANES, 1)
    scattered = _copies("%out", "%values", formulas, "s", 1, LANES)
    moved = _copies("%m.got", "%k.got", formulas, "v", LANES, LANES)
    return BATCH.format(
        given=given,
        formulas=formulas,
        inputs=inputs,
        width=width,
        variables=variables,
        lanes=LANES,
        asks=ASKS,
        all_inputs=inputs * LANES,
        all_variables=variables * LANES,
        all_given=given * LANES,
        all_formulas=formulas * LANES,
        input_bytes=8 * inputs,
        variable_bytes=8 * variables,
        gathered=gathered,
        scattered=scattered,
        values_moved=moved,
    )


def _copies(source: str, to: str, count: int, word: str, step: int, step_to: int) -> str:
    lines = []
    for k in range(count):
        lines += [
            f"  %{word}{k}.from = getelementptr double, ptr {source}, i64 {k * step}",
            f"  %{word}{k} = load double, ptr %{word}{k}.from",
            f"  %{word}{k}.to = getelementptr double, ptr {to}, i64 {k * step_to}",
            f"  store double %{word}{k}, ptr %{word}{k}.to",
        ]
    return "\n".join(lines)
