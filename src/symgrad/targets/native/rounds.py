"""Many problems side by side: a loop of a solver that stops at its formulas, which are computed for all.

Each problem has a lane: the variables of its loop, and what its formulas are asked for. In a round, the
formulas of all lanes are computed by vectorised code; then each lane goes on to its next question. Lanes
whose problems are done take the next ones, so that lanes stay full.
"""

from __future__ import annotations

from typing import Final

from llvmlite import ir

from symgrad.targets.native.functions.table import BY_C_NAME, FUNCTIONS, function_in
from symgrad.targets.native.functions.trigonometric import LIMIT
from symgrad.targets.native.kernels import KernelPiece, number
from symgrad.targets.native.loop_code import ASKS, Resumable
from symgrad.targets.native.processors import processor
from symgrad.targets.native.steps import External, ScalarSteps

LANES: Final = 64
LONGEST: Final = 300  # steps of formulas that are computed side by side


def has_rounds(made: ScalarSteps) -> bool:
    """Whether formulas have vectorised code."""
    return made.length() <= LONGEST and all(
        not f.scipy and f.name in BY_C_NAME for f in made.externals()
    )


class _Lane(KernelPiece):
    """The steps of one lane: what they read and write lies beside that of other lanes."""

    def __init__(self, made: ScalarSteps) -> None:
        super().__init__(made, {})
        self.module = ir.Module()

    def external(self, f: External) -> str:
        own = function_in(self.module, BY_C_NAME[f.name], processor=processor(), whole=False)
        return str(own.name)

    def place(self, base: str, place: int, name: str) -> str:
        self.lines.append(f"  {name}c = getelementptr double, ptr {base}, i64 {place * LANES}")
        self.lines.append(f"  {name}p = getelementptr double, ptr {name}c, i64 %k")
        return f"{name}p"


def kernels_code(made: ScalarSteps) -> str:
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
define internal void @take(i64 %problem, i64 %k, ptr %columns, ptr %steps, double %tol, i64 %maxiter,
                           ptr %found, ptr %in, ptr %lanes, ptr %arguments, ptr %values, ptr %numbers) {{
entry:
  %in.place = mul i64 %k, {inputs}
  %in.at = getelementptr double, ptr %in, i64 %in.place
  call void @read(i64 %problem, ptr %columns, ptr %steps, ptr %in.at)
  %lane = getelementptr double, ptr %lanes, i64 %k
  %asked = getelementptr double, ptr %arguments, i64 %k
  %got = getelementptr double, ptr %values, i64 %k
  %begun = call i64 @step(i1 true, ptr %in.at, ptr %found, double %tol, i64 %maxiter, ptr %lane,
                          ptr %asked, ptr %got)
  %number.at = getelementptr i64, ptr %numbers, i64 %k
  store i64 %problem, ptr %number.at
  ret void
}}
define void @batch(ptr %columns, ptr %steps, i64 %first, i64 %last, double %tol, i64 %maxiter,
                   ptr noalias %x, ptr noalias %sizes, ptr noalias %heights, ptr noalias %counts) {{
entry:
  %found = alloca double, i64 {width}
  %in = alloca double, i64 {all_inputs}, align 64
  %lanes = alloca double, i64 {all_variables}, align 64
  %arguments = alloca double, i64 {all_given}, align 64
  %values = alloca double, i64 {all_formulas}, align 64
  %numbers = alloca i64, i64 {lanes}
  %usual = alloca i64, i64 {lanes}, align 64
  br label %fill
fill:
  %begun = phi i64 [0, %entry], [%begun.after, %begin]
  %problem = add i64 %first, %begun
  %room = icmp ult i64 %begun, {lanes}
  %problems = icmp slt i64 %problem, %last
  %both = and i1 %room, %problems
  br i1 %both, label %begin, label %round
begin:
  call void @take(i64 %problem, i64 %begun, ptr %columns, ptr %steps, double %tol, i64 %maxiter,
                  ptr %found, ptr %in, ptr %lanes, ptr %arguments, ptr %values, ptr %numbers)
  %begun.after = add i64 %begun, 1
  br label %fill
round:
  %next = phi i64 [%problem, %fill], [%next.kept, %each]
  %active = phi i64 [%begun, %fill], [%active.left, %each]
  %some = icmp ugt i64 %active, 0
  br i1 %some, label %compute, label %done
compute:
  %far = call i1 @kernels(ptr %arguments, ptr %values, i64 %active)
  br i1 %far, label %again, label %straight
again:
  %a = phi i64 [0, %compute], [%a.after, %again]
  %a.asked = getelementptr double, ptr %arguments, i64 %a
  %a.got = getelementptr double, ptr %values, i64 %a
  call void @apart(ptr %a.asked, ptr %a.got)
  %a.after = add i64 %a, 1
  %a.more = icmp ult i64 %a.after, %active
  br i1 %a.more, label %again, label %straight
straight:
  call void @usual(i64 %active, double %tol, i64 %maxiter, ptr %lanes, ptr %arguments, ptr %values,
                   ptr %usual)
  br label %each
each:
  %next.kept = phi i64 [%next, %straight], [%next.on, %on], [%next.kept, %moved]
  %k = phi i64 [0, %straight], [%k.after, %on], [%k, %moved]
  %active.left = phi i64 [%active, %straight], [%active.left, %on], [%less, %moved]
  %not.all = icmp ult i64 %k, %active.left
  br i1 %not.all, label %look, label %round
look:
  %usual.at = getelementptr i64, ptr %usual, i64 %k
  %was.usual = load i64, ptr %usual.at
  %skip = icmp ne i64 %was.usual, 0
  br i1 %skip, label %on, label %go
go:
  %k.in = mul i64 %k, {inputs}
  %k.in.at = getelementptr double, ptr %in, i64 %k.in
  %k.number.at = getelementptr i64, ptr %numbers, i64 %k
  %k.number = load i64, ptr %k.number.at
  %k.lane = getelementptr double, ptr %lanes, i64 %k
  %k.asked = getelementptr double, ptr %arguments, i64 %k
  %k.got = getelementptr double, ptr %values, i64 %k
  %state = call i64 @step(i1 false, ptr %k.in.at, ptr %found, double %tol, i64 %maxiter, ptr %k.lane,
                          ptr %k.asked, ptr %k.got)
  %k.asks = icmp eq i64 %state, {asks}
  br i1 %k.asks, label %on, label %end
on:
  %next.on = phi i64 [%next.kept, %look], [%next.kept, %go], [%next.taken, %refill]
  %k.after = add i64 %k, 1
  br label %each
end:
  %k.count.at = getelementptr i64, ptr %counts, i64 %k.number
  store i64 %state, ptr %k.count.at
  call void @stored(ptr %found, i64 %k.number, ptr %x, ptr %sizes, ptr %heights)
  %others = icmp slt i64 %next.kept, %last
  br i1 %others, label %refill, label %shrink
refill:
  call void @take(i64 %next.kept, i64 %k, ptr %columns, ptr %steps, double %tol, i64 %maxiter,
                  ptr %found, ptr %in, ptr %lanes, ptr %arguments, ptr %values, ptr %numbers)
  %next.taken = add i64 %next.kept, 1
  br label %on
shrink:
  %less = sub i64 %active.left, 1
  %is.last = icmp eq i64 %k, %less
  br i1 %is.last, label %moved, label %move
move:
  %m.in = mul i64 %less, {inputs}
  %m.in.at = getelementptr double, ptr %in, i64 %m.in
  call void @llvm.memcpy.p0.p0.i64(ptr %k.in.at, ptr %m.in.at, i64 {input_bytes}, i1 false)
  %m.lane = getelementptr double, ptr %lanes, i64 %less
{variables_moved}
  %m.asked = getelementptr double, ptr %arguments, i64 %less
{arguments_moved}
  %m.usual.at = getelementptr i64, ptr %usual, i64 %less
  %m.usual = load i64, ptr %m.usual.at
  store i64 %m.usual, ptr %usual.at
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


STORED: Final = """
define internal void @stored(ptr %found, i64 %k, ptr %x, ptr %sizes, ptr %heights) alwaysinline {{
entry:
  %row = mul i64 %k, {unknowns}
  %x.at = getelementptr double, ptr %x, i64 %row
{copied}
  %size.from = getelementptr double, ptr %found, i64 {unknowns}
  %size = load double, ptr %size.from
  %size.at = getelementptr double, ptr %sizes, i64 %k
  store double %size, ptr %size.at
{height}
  ret void
}}
"""
HEIGHT: Final = """\
  %height.from = getelementptr double, ptr %found, i64 {place}
  %height = load double, ptr %height.from
  %height.at = getelementptr double, ptr %heights, i64 %k
  store double %height, ptr %height.at"""


def stored_code(unknowns: int, values: int) -> str:
    """The text of what puts the results of a problem into arrays: unknowns, ``|F|``, and a value."""
    return STORED.format(
        unknowns=unknowns,
        copied=_copies("%found", "%x.at", unknowns, "c", 1, 1),
        height=HEIGHT.format(place=unknowns + 1) if values else "",
    )


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
        lanes=LANES,
        asks=ASKS,
        all_inputs=inputs * LANES,
        all_variables=variables * LANES,
        all_given=given * LANES,
        all_formulas=formulas * LANES,
        input_bytes=8 * inputs,
        variables_moved=_copies("%m.lane", "%k.lane", variables, "w", LANES, LANES),
        arguments_moved=_copies("%m.asked", "%k.asked", loop.given, "u", LANES, LANES),
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
