"""Memory of a function over large arrays: intermediate arrays are written into slots, which are reused.

An array that nobody needs any more leaves its slot to the next one of its shape, so that a call touches
few pages of memory, and none that the system has to hand out anew. Outputs never share memory with slots.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from symgrad.expr.dims import Shape, dim_names
from symgrad.lower.buffers import DType, body_dtypes, entry_dtype
from symgrad.lower.calls import ASTYPE, WHERE, Call, Literal, call_of, reduction_of
from symgrad.lower.contraction import MATMUL_CODE
from symgrad.lower.names import Names
from symgrad.lower.program import Code, Instr, Program, Value, code_of
from symgrad.lower.regions import Region, is_space, region_call, region_number
from symgrad.lower.rows import is_rows_call

FLOAT: Final = np.dtype(np.float64)
EINSUM: Final = "np.einsum("
# Functions, beside those that reduce, whose result is a new array of the type of their operands
MAKERS: Final = (
    EINSUM,
    "np.tensordot(",
    "np.vdot(",
    "np.diag(",
    "_embed(",
    "_embed_sum(",
    "_stencil",
    "_on_diagonal(",
    "_largest(",
    "_log_total(",
)


def with_slots(p: Program, regions: Sequence[Region]) -> tuple[Program, list[tuple[str, Shape]]]:
    """The program whose intermediates of float64 are written into slots, and the slots it needs.

    It is for calls in which all arrays of floats have that type. A slot is an identifier and a shape.
    """
    return _Planner(p, regions).run()


class _Planner:
    def __init__(self, p: Program, regions: Sequence[Region]) -> None:
        self.p = p
        self.regions = regions
        self.live = p.live()
        self.dtypes = _dtypes(p, regions)
        self.owners = _owners(p)
        self.last = self._last_uses()
        self.names = Names([n for n, _ in p.parameters] + [*p.dim_names.values(), *p.arrays])
        self.slots: list[tuple[str, Shape]] = []
        self.free: dict[Shape, list[int]] = defaultdict(list)
        self.home: dict[Value, int] = {}  # the slot of each value that is written into one
        self.parts: dict[Value, list[Value]] = defaultdict(list)  # of the tuple that a region gives
        for v, instr in enumerate(p.instrs):
            if _part_of(p, instr):
                self.parts[instr.args[0]].append(v)

    def _last_uses(self) -> list[int]:
        """Where the memory of each value is used last; never, for what leaves."""
        last = list(range(len(self.p.instrs)))
        for v, instr in enumerate(self.p.instrs):
            if self.live[v]:
                for owner in (o for a in instr.args for o in self.owners[a]):
                    last[owner] = v
        for owner in (o for v in self.p.outputs for o in self.owners[v]):
            last[owner] = len(self.p.instrs)
        return last

    def run(self) -> tuple[Program, list[tuple[str, Shape]]]:
        q = self.p.emptied()
        image: dict[Value, Value] = {}
        for v, instr in enumerate(self.p.instrs):
            if not self.live[v] and instr.code is not None:
                continue
            image[v] = self._image(q, v, instr, image)
            for owner in {o for a in instr.args for o in self.owners[a]}:
                if self.last[owner] == v and owner in self.home:
                    self._release(owner)
        q.outputs = [image[v] for v in self.p.outputs]
        return q, self.slots

    def _image(self, q: Program, v: Value, instr: Instr, image: dict[Value, Value]) -> Value:
        number = region_number(instr.code)
        if number is not None:
            return self._region(q, v, self.regions[number], number, image)
        writes = self._writing(instr) if self._may_have_slot(v) else None
        if writes is None:
            return q.copied(instr, image)
        args = [image[a] for a in instr.args]
        place = self._in_place(v, instr)
        if place is None:
            target = q.argument(self._take(v), instr.shape)
            code = code_of(writes.format(f"{{{len(args)}}}"), "", len(args) + 1)
            return q.emit(code, (*args, target), instr.shape)
        code = code_of(writes.format(f"{{{place}}}"), "", len(args))
        return q.emit(code, tuple(args), instr.shape)

    def _region(
        self, q: Program, v: Value, region: Region, number: int, image: dict[Value, Value]
    ) -> Value:
        """A call of a region, whose arrays are written into slots where no buffer was given."""
        targets = list(region.targets)
        more: list[Value] = []
        args = [image[a] for a in self.p.instrs[v].args]
        for part in self.parts[v]:
            k, shape = _index(self.p.instrs[part]), self.p.instrs[part].shape
            entrywise = region.reduction(region.results[k]) is None
            if targets[k] == "None" and entrywise and self._may_have_slot(part):
                targets[k] = f"{{{len(args) + len(more)}}}"
                more.append(q.argument(self._take(part), shape))
        return q.emit(region_call(number, len(args), targets, len(more)), (*args, *more), ())

    # Slots

    def _may_have_slot(self, v: Value) -> bool:
        """Whether a value is a large array of floats that no output shares memory with."""
        shape = self.p.instrs[v].shape
        known = all(n in self.p.extents for d in shape for n in dim_names(d))
        stays = self.last[v] < len(self.p.instrs)
        return self.live[v] and known and stays and is_space(shape) and _is_float(self.dtypes[v])

    def _take(self, v: Value) -> str:
        """The name of a free slot for a value."""
        shape = self.p.instrs[v].shape
        if not self.free[shape]:
            self.free[shape].append(len(self.slots))
            self.slots.append((self.names.fresh(f"w{len(self.slots)}"), shape))
        self.home[v] = self.free[shape].pop()
        return self.slots[self.home[v]][0]

    def _release(self, v: Value) -> None:
        slot = self.home.pop(v)
        self.free[self.slots[slot][1]].append(slot)

    def _in_place(self, v: Value, instr: Instr) -> int | None:
        """The operand of an entrywise instruction that ends here, so that the result takes its slot."""
        assert instr.code is not None
        if call_of(instr.code) is None:
            return None
        for k, a in enumerate(instr.args):
            ends = a in self.home and self.last[a] == v
            alone = all(b == a or a not in self.owners[b] for b in instr.args)
            if ends and alone and self.p.instrs[a].shape == instr.shape:
                self.home[v] = self.home.pop(a)
                return k
        return None

    def _writing(self, instr: Instr) -> str | None:
        """The template of an instruction with a place for the array it writes into, or None."""
        code = instr.code
        if code is None:
            return None
        call = call_of(code)
        if call is not None:
            return _writing_call(call)
        if code is MATMUL_CODE:
            return "np.matmul({{0}}, {{1}}, out={})"
        if (reduction_of(code) is not None or code.numpy.startswith(EINSUM)) and not code.view:
            return _escaped(code.numpy.removesuffix(")")) + ", out={})"
        return None


def _writing_call(call: Call) -> str | None:
    if call.name in (WHERE, ASTYPE) or any(isinstance(arg, Call) for arg in call.args):
        return None
    listed = ", ".join(
        repr(arg.value) if isinstance(arg, Literal) else f"{{{{{arg}}}}}" for arg in call.args
    )
    return f"{call.name}({listed}, out={{}})"


def _escaped(template: str) -> str:
    return template.replace("{", "{{").replace("}", "}}")


# What is known of values


def _owners(p: Program) -> list[frozenset[Value]]:
    """The values that made the memory of each value; the operands', where it may be theirs."""
    owners: list[frozenset[Value]] = []
    for v, instr in enumerate(p.instrs):
        if instr.code is None or _makes(instr.code):
            owners.append(frozenset([v]))
        elif (part := _part_of(p, instr)) is not None:
            owners.append(frozenset([v]) if part else frozenset())
        else:
            owners.append(frozenset().union(*[owners[a] for a in instr.args]))
    return owners


def _makes(code: Code) -> bool:
    """Whether an instruction makes a new array, or none."""
    if code.view:
        return False
    new = call_of(code) is not None or reduction_of(code) is not None
    return new or code is MATMUL_CODE or code.numpy.startswith(MAKERS)


def _part_of(p: Program, instr: Instr) -> bool | None:
    """True for a result of a region or of rows; False for the tuple of them; else None."""
    if _is_tuple(instr.code):
        return False
    if len(instr.args) == 1 and _is_tuple(p.instrs[instr.args[0]].code):
        return True
    return None


def _is_tuple(code: Code | None) -> bool:
    """Whether an instruction gives a tuple, which has no memory of its own."""
    return region_number(code) is not None or (code is not None and is_rows_call(code.numpy))


def _dtypes(p: Program, regions: Sequence[Region]) -> list[DType]:
    """The element types of values, None where they are not known, if arrays of floats are float64."""
    known: list[DType] = []
    types = {name: x.dtype for name, x in p.parameters}
    for instr in p.instrs:
        if instr.code is not None:
            known.append(_computed(p, instr, regions, known))
        elif instr.name in p.arrays:
            known.append(p.arrays[instr.name].dtype)
        elif instr.name:
            known.append(FLOAT if types[instr.name].kind == "f" else None)
        else:
            known.append(type(instr.literal))
    return known


def _is_float(d: DType) -> bool:
    return isinstance(d, np.dtype) and d == FLOAT  # None would count as float64


def _computed(p: Program, instr: Instr, regions: Sequence[Region], known: Sequence[DType]) -> DType:
    code = instr.code
    assert code is not None
    if len(instr.args) == 1:
        number = region_number(p.instrs[instr.args[0]].code)
        if number is not None:
            inputs = [known[a] for a in p.instrs[instr.args[0]].args]
            return _of_part(_index(instr), regions[number], inputs)
    call = call_of(code)
    condition = {call.args[0]} if call is not None and call.name == WHERE else set()
    read = [a for k, a in enumerate(instr.args) if k not in condition]
    if any(known[a] is None for a in read) or region_number(code) is not None:
        return None
    if call is not None:
        return entry_dtype(instr, known)
    floats = all(_is_float(known[a]) for a in instr.args)
    sums = reduction_of(code) is not None and not code.numpy.startswith(("np.any", "np.all"))
    keeps = sums or code.view or code is MATMUL_CODE or code.numpy.startswith(MAKERS)
    return FLOAT if floats and keeps else None


def _of_part(part: int, region: Region, inputs: Sequence[DType]) -> DType:
    if any(d is None for d in inputs):
        return None
    dtype: DType = body_dtypes(region, inputs)[region.results[part]]
    return dtype if region.reduction(region.results[part]) is None or _is_float(dtype) else None


def _index(part: Instr) -> int:
    """Which result of its region a value is."""
    assert part.code is not None
    return int(part.code.numpy.removeprefix("{0}[").removesuffix("]"))
