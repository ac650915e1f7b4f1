"""A loop over entries as a function of LLVM's: operands by their strides, results stored or reduced.

The innermost axis is gone through in chunks of a fixed length, each by a function of straight-line code in
a loop, which LLVM vectorises. Where a chunk meets an argument that a function is not for (a sine of 1e12),
it is done again by the code for all arguments.

A result that is reduced over the innermost axis gives a number a chunk; who calls reduces those. One that
is reduced over other axes only is added up in a row of memory of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from llvmlite import ir

from symgrad.program.ir import Instr
from symgrad.targets.native.entries import (
    BOOLEAN,
    OF_NUMBERS,
    DType,
    EntryCode,
    EntryValue,
    llvm_type,
)
from symgrad.targets.native.functions.number import BOOL, PLAIN, Processor
from symgrad.targets.native.steps import Unsupported

INT: Final = ir.IntType(64)
BYTE: Final = ir.IntType(8)
POINTER: Final = ir.PointerType()
VOID: Final = ir.VoidType()

CHUNK: Final = 512  # entries of the innermost axis between tests
SUMMED: Final = 128  # the same where sums are formed, as long as NumPy's own
# How an array goes along the innermost axis
RANGE: Final = 5  # numbers that say over what part a loop runs
SAME, NEXT, APART = "same", "next", "apart"


class LoopOperand(NamedTuple):
    """An operand: its type, and how it goes along the innermost axis."""

    type: DType
    step: str


class LoopResult(NamedTuple):
    """What becomes of a value.

    Attributes
    ----------
    value : int
        Its number among the instructions; of a dot, the two that are multiplied.
    type : dtype
        Of the array.
    step : str
        How the array goes along the innermost axis.
    ufunc : str or None
        What reduces it, ``"add"``, ``"maximum"`` or ``"minimum"``; None where it is stored.
    kept : bool
        Whether it is reduced over other axes than the innermost only.
    """

    value: tuple[int, ...]
    type: DType
    step: str = NEXT
    ufunc: str | None = None
    kept: bool = False

    @property
    def chunked(self) -> bool:
        """Whether there is a number for each chunk."""
        return self.ufunc is not None and not self.kept


@dataclass(frozen=True)
class LoopCode:
    """A loop over entries, for operands of known types and strides.

    Attributes
    ----------
    instrs : tuple of Instr
        What is computed; the first are the operands.
    operands : tuple of Array
    results : tuple of Result
    rank : int
        The number of axes.
    fast : bool
    processor : Processor
        See `function_in`.
    """

    instrs: tuple[Instr, ...]
    operands: tuple[LoopOperand, ...]
    results: tuple[LoopResult, ...]
    rank: int
    fast: bool = False
    processor: Processor = PLAIN

    @property
    def chunk(self) -> int:
        """The length of a chunk."""
        return SUMMED if any(r.ufunc for r in self.results) else CHUNK

    @property
    def is_flat(self) -> bool:
        """Whether it goes once through arrays without gaps, and reduces nothing."""
        still = all(x.step == NEXT or isinstance(x.type, type) for x in self.operands)
        return (
            self.rank == 1 and still and all(r.step == NEXT and not r.ufunc for r in self.results)
        )

    @property
    def arrays(self) -> int:
        """How many arrays there are."""
        return len(self.operands) + len(self.results)


def memory_type(d: DType) -> Any:
    """The type in memory."""
    found = llvm_type(d)
    return BYTE if found is BOOL or found == BOOL else found


def loop_module(loop: LoopCode, name: str = "loop") -> Any:
    """The module of a loop, with ``void name(ptr table, i64 first, last, start, stop, slab)``.

    A loop that `is_flat` has ``void name_flat(ptr words, i64 entries)`` too; its words are the addresses
    of operands and results in their order, and numbers of Python among them.

    The first two numbers are a range of the first axis, where there is more than one; the next two one of
    the innermost. The table holds words: for each operand and result its address, first those of
    arrays, then numbers in place of addresses (`slots`); the five numbers of the whole, with which
    ``void name_once(ptr table)`` runs; the extents; and for each operand and result its strides in bytes,
    and how many bytes further that of the next slab is.

    Raises
    ------
    Unsupported
        If something in it has no native code.
    """
    module = ir.Module()
    chunk, limited = _chunk(module, loop, whole=False)
    again = _chunk(module, loop, whole=True)[0] if limited else None
    _once(module, loop, name, _nest(module, loop, name, chunk, again))
    if loop.is_flat:
        _flat(module, loop, name, chunk, again)
    return module


def slots(loop_operands: Sequence[DType], results: int) -> list[int]:
    """Where operands and results are in the table: arrays before numbers of Python."""
    kinds = [isinstance(d, type) for d in loop_operands] + [False] * results
    arrays = [k for k, number in enumerate(kinds) if not number]
    order = [*arrays, *[k for k, number in enumerate(kinds) if number]]
    return [order.index(k) for k in range(len(kinds))]


def _once(module: Any, loop: LoopCode, name: str, function: Any) -> None:
    """The loop over all that the table says."""
    once = ir.Function(module, ir.FunctionType(VOID, [POINTER]), f"{name}_once")
    b = ir.IRBuilder(once.append_basic_block("entry"))
    (table,) = once.args
    places = [b.gep(table, [INT(loop.arrays + k)], source_etype=INT) for k in range(RANGE)]
    b.call(function, [table, *[b.load(place, typ=INT) for place in places]])
    b.ret_void()


def _flat(module: Any, loop: LoopCode, name: str, chunk: Any, again: Any) -> None:
    """The loop over arrays without gaps."""
    flat = ir.Function(module, ir.FunctionType(VOID, [POINTER, INT]), f"{name}_flat")
    b = ir.IRBuilder(flat.append_basic_block("entry"))
    words, entries = flat.args
    pointers, steps = [], []
    for a in range(loop.arrays):
        place = b.gep(words, [INT(a)], source_etype=INT)
        number = a < len(loop.operands) and isinstance(loop.operands[a].type, type)
        pointers.append(place if number else b.load(place, typ=POINTER))
        steps.append(INT(0))  # which is looked at where there are gaps
    _in_chunks(b, loop, chunk, again, [*pointers, *steps], INT(0), entries)
    b.ret_void()


# The innermost axis


def _chunk(module: Any, loop: LoopCode, whole: bool) -> tuple[Any, bool]:
    """``i1 chunk(ptr arrays..., i64 steps..., i64 first, i64 last, i64 number)``.

    It gives whether an argument was beyond what the code is for; also, whether any can be.
    """
    n = loop.arrays
    kind = ir.FunctionType(BOOL, [POINTER] * n + [INT] * (n + 3))
    function = ir.Function(module, kind, "again" if whole else "chunk")
    function.linkage = "internal"
    function.attributes.add("noinline")
    for result in function.args[len(loop.operands) : n]:
        result.add_attribute("noalias")
    writer = _Chunk(loop, function, whole)
    writer.write()
    return function, writer.limited


class _Chunk:
    def __init__(self, loop: LoopCode, function: Any, whole: bool) -> None:
        self.loop = loop
        self.function = function
        self.whole = whole
        self.limited = False
        n = loop.arrays
        self.pointers = function.args[:n]
        self.steps = function.args[n : 2 * n]
        self.first, self.last, self.number = function.args[2 * n :]

    def write(self) -> None:
        entry, body, end = [self.function.append_basic_block(w) for w in ("entry", "body", "end")]
        before = ir.IRBuilder(entry)
        still = {
            k: self._loaded(before, k, None)
            for k, x in enumerate(self.loop.operands)
            if x.step == SAME
        }
        before.branch(body)
        b = ir.IRBuilder(body)
        i = b.phi(INT)
        seen = b.phi(BYTE)
        totals = {k: b.phi(llvm_type(r.type)) for k, r in enumerate(self.loop.results) if r.chunked}
        entries = EntryCode(b, self.loop.fast, self.loop.processor, self.whole)
        values = self._values(b, entries, i, still)
        after: dict[int, Any] = {}
        for k, r in enumerate(self.loop.results):
            value = self._result(b, entries, r, values)
            place = len(self.loop.operands) + k
            if r.chunked:
                after[k] = reduced(b, r, totals[k], value)
                continue
            address = self._address(b, place, i)
            if r.kept:
                value = reduced(b, r, b.load(address, typ=memory_type(r.type)), value)
            b.store(b.zext(value, BYTE) if value.type == BOOL else value, address, align=1)
        found = seen
        for flag in entries.beyond:
            found = b.or_(found, b.zext(flag, BYTE))
        self.limited = bool(entries.beyond)
        following = b.add(i, INT(1), flags=["nsw", "nuw"])
        b.cbranch(b.icmp_signed("<", following, self.last), body, end)
        for phi, start, value in (
            (i, self.first, following),
            (seen, BYTE(0), found),
            *[(totals[k], start_of(self.loop.results[k]), after[k]) for k in totals],
        ):
            phi.add_incoming(start, entry)
            phi.add_incoming(value, body)
        b = ir.IRBuilder(end)
        for k, value in after.items():
            address = self._address(b, len(self.loop.operands) + k, self.number)
            b.store(value, address)
        b.ret(b.icmp_unsigned("!=", found, BYTE(0)))

    def _values(
        self, b: Any, entries: EntryCode, i: Any, still: dict[int, EntryValue]
    ) -> list[EntryValue]:
        values: list[EntryValue] = []
        for v, instr in enumerate(self.loop.instrs):
            if v < len(self.loop.operands):
                values.append(still[v] if v in still else self._loaded(b, v, i))
            elif not instr.args or instr.kind.entrywise:
                values.append(entries.emit(instr.kind, [values[a] for a in instr.args]))
            else:
                values.append(EntryValue(None, None))  # a reduction, which is a result
        return values

    def _result(self, b: Any, entries: EntryCode, r: LoopResult, values: list[EntryValue]) -> Any:
        """The value that is stored, or enters a reduction."""
        first, *others = [entries.cast(values[v], r.type) for v in r.value]
        for other in others:
            multiplied = b.fmul if r.type.kind == "f" else b.mul
            first = multiplied(first, other)
        return first

    def _loaded(self, b: Any, k: int, i: Any) -> EntryValue:
        d = self.loop.operands[k].type
        address = self.pointers[k] if i is None else self._address(b, k, i)
        value = b.load(address, typ=memory_type(d), align=1)  # as NumPy's arrays may be
        if OF_NUMBERS.get(d, d) == BOOLEAN:
            value = b.icmp_unsigned("!=", value, BYTE(0))
        return EntryValue(value, d)

    def _address(self, b: Any, k: int, i: Any) -> Any:
        n = len(self.loop.operands)
        array = self.loop.operands[k] if k < n else self.loop.results[k - n]
        if array.step == APART:
            return b.gep(self.pointers[k], [b.mul(i, self.steps[k])], source_etype=BYTE)
        return b.gep(self.pointers[k], [i], inbounds=True, source_etype=memory_type(array.type))


def reduced(b: Any, r: LoopResult, total: Any, value: Any) -> Any:
    """A total and one value more. The order of sums is LLVM's: it adds up several in parallel."""
    real = r.type.kind == "f"
    if r.ufunc == "add":
        return b.fadd(total, value, flags=["reassoc"]) if real else b.add(total, value)
    if not real:
        sign = ">" if r.ufunc == "maximum" else "<"
        return b.select(b.icmp_signed(sign, total, value), total, value)
    size = "f64" if r.type == np.float64 else "f32"
    name = f"llvm.{r.ufunc}.{size}"  # nan where either is nan
    kind = ir.FunctionType(value.type, [value.type] * 2)
    function = b.module.globals.get(name) or ir.Function(b.module, kind, name)
    return b.call(function, [total, value])


def start_of(r: LoopResult) -> Any:
    """What a reduction begins with."""
    return ir.Constant(llvm_type(r.type), identity(r.ufunc, r.type))


def identity(ufunc: str | None, d: DType) -> Any:
    """What changes nothing in a reduction.

    Raises
    ------
    Unsupported
        If there is no native code for it.
    """
    if d.kind not in "fi" or d.itemsize < 4 or ufunc not in {"add", "maximum", "minimum"}:
        raise Unsupported(f"{ufunc} along axes of {d.name}")
    if ufunc == "add":
        return 0
    least = ufunc == "maximum"
    if d.kind == "f":
        return -np.inf if least else np.inf
    return int(np.iinfo(d).min if least else np.iinfo(d).max)


# The other axes


def _nest(module: Any, loop: LoopCode, name: str, chunk: Any, again: Any) -> Any:
    kind = ir.FunctionType(VOID, [POINTER, *[INT] * 5])
    function = ir.Function(module, kind, name)
    table, first, last, start, stop, slab = function.args
    b = ir.IRBuilder(function.append_basic_block("entry"))

    def entry(k: int) -> Any:
        return b.load(b.gep(table, [INT(k)], source_etype=INT), typ=INT)

    start_of_extents = loop.arrays + RANGE
    extents = [entry(start_of_extents + k) for k in range(loop.rank)]
    width = loop.rank + 1
    pointers, strides = [], []
    for a, slot in enumerate(slots([x.type for x in loop.operands], len(loop.results))):
        row = [entry(start_of_extents + loop.rank + a * width + k) for k in range(width)]
        place = b.gep(table, [INT(slot)], source_etype=INT)
        if a < len(loop.operands) and isinstance(loop.operands[a].type, type):
            pointers.append(place)
        else:
            address = b.add(b.load(place, typ=INT), b.mul(row[-1], slab))
            pointers.append(b.inttoptr(address, POINTER))
        strides.append(row[:-1])
    ends = []
    for axis in range(loop.rank - 1):
        low, high = (first, last) if axis == 0 else (INT(0), extents[axis])
        i, after = _begin(b, low, high)
        ends.append((i, after))
        pointers = [
            b.gep(p, [b.mul(i, s[axis])], source_etype=BYTE)
            for p, s in zip(pointers, strides, strict=True)
        ]
    steps = [s[-1] for s in strides]
    _in_chunks(b, loop, chunk, again, [*pointers, *steps], start, stop)
    for i, after in reversed(ends):
        _end(b, i, after)
    b.ret_void()
    return function


def _in_chunks(
    b: Any, loop: LoopCode, chunk: Any, again: Any, arrays: list[Any], start: Any, stop: Any
) -> None:
    """The innermost axis from `start` to `stop`."""
    i, after = _begin(b, start, stop, loop.chunk)
    beyond = b.add(i, INT(loop.chunk))
    end = b.select(b.icmp_signed("<", beyond, stop), beyond, stop)
    arguments = [*arrays, i, end, b.sdiv(i, INT(loop.chunk))]
    flag = b.call(chunk, arguments)
    if again is not None:
        with b.if_then(flag, likely=False):
            b.call(again, arguments)
    _end(b, i, after, loop.chunk)


def _begin(b: Any, low: Any, high: Any, step: int = 1) -> tuple[Any, Any]:
    """Open ``for i in range(low, high, step)``; i, and the block behind it."""
    before = b.block
    test, body, after = [b.append_basic_block(w) for w in ("test", "inside", "after")]
    b.branch(test)
    b.position_at_end(test)
    i = b.phi(INT)
    i.add_incoming(low, before)
    b.cbranch(b.icmp_signed("<", i, high), body, after)
    b.position_at_end(body)
    return i, after


def _end(b: Any, i: Any, after: Any, step: int = 1) -> None:
    """Close a loop."""
    i.add_incoming(b.add(i, INT(step)), b.block)
    b.branch(i.parent)
    b.position_at_end(after)
