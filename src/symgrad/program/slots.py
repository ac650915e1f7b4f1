"""Memory of a function over large arrays: intermediate arrays are written into slots, which are reused.

An array that nobody needs any more leaves its slot to the next one of its shape, so that a call touches
few pages of memory, and none that the system has to hand out anew. Outputs never share memory with slots.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from symgrad.expr.dims import Shape, dim_names
from symgrad.expr.identifiers import Names
from symgrad.expr.kinds import (
    WHERE,
    Argument,
    Array,
    Call,
    Cast,
    Contract,
    Into,
    Item,
    Kind,
    Literal,
    Loop,
    OnDiagonal,
    Place,
    Reduce,
    Target,
    Ufunc,
)
from symgrad.program.buffers import DType, body_dtypes, entry_dtype
from symgrad.program.contraction import is_dot, is_tensordot
from symgrad.program.fusion import Region, is_space
from symgrad.program.ir import Instr, Program, Value
from symgrad.program.reductions import reduction_of
from symgrad.program.softmax import LOG_TOTAL
from symgrad.program.stencils import Stencil

FLOAT: Final = np.dtype(np.float64)
# Kinds, beside those of entries and those that reduce, whose result is a new array of the type of their
# operands
MAKERS: Final = (Contract, Place, OnDiagonal, Reduce)
DIAG: Final = Call("np.diag")
OF_NUMBERS: Final = ("add", "multiply", "maximum", "minimum", "largest", "logsumexp")


def with_slots(p: Program) -> Program:
    """The program whose intermediates of float64 are written into slots.

    It is for calls in which all arrays of floats have that type.
    """
    return _Planner(p).run()


class _Planner:
    def __init__(self, p: Program) -> None:
        self.p = p
        self.live = p.live()
        self.dtypes = _dtypes(p)
        self.owners = _owners(p)
        self.last = self._last_uses()
        self.names = Names([n for n, _ in p.parameters] + [*p.dim_names.values(), *p.arrays])
        self.slots: list[tuple[str, Shape]] = []
        self.free: dict[Shape, list[int]] = defaultdict(list)
        self.home: dict[Value, int] = {}  # the slot of each value that is written into one
        self.parts: dict[Value, list[Value]] = defaultdict(list)  # of the tuple that a loop gives
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

    def run(self) -> Program:
        q = self.p.emptied()
        image: dict[Value, Value] = {}
        for v, instr in enumerate(self.p.instrs):
            if not self.live[v] and not instr.kind.leaf:
                continue
            image[v] = self._image(q, v, instr, image)
            for owner in {o for a in instr.args for o in self.owners[a]}:
                if self.last[owner] == v and owner in self.home:
                    self._release(owner)
        q.outputs = [image[v] for v in self.p.outputs]
        q.slots = self.slots
        return q

    def _image(self, q: Program, v: Value, instr: Instr, image: dict[Value, Value]) -> Value:
        kind = instr.kind
        if isinstance(kind, Loop):
            return self._loop(q, v, kind, image)
        if not (_may_write(kind) and self._may_have_slot(v)):
            return q.copied(instr, image)
        args = [image[a] for a in instr.args]
        place = self._in_place(v, instr)
        if place is None:
            place = len(args)
            args.append(q.argument(self._take(v), instr.shape))
        return q.emit(Into(kind, len(instr.args), place), tuple(args), instr.shape)

    def _loop(self, q: Program, v: Value, kind: Loop, image: dict[Value, Value]) -> Value:
        """A loop, whose arrays are written into slots where no array was given."""
        targets = list(kind.targets)
        args = [image[a] for a in self.p.instrs[v].args]
        for part in self.parts[v]:
            k, shape = _number_of(self.p.instrs[part]), self.p.instrs[part].shape
            if targets[k] is None and kind.plan.fills(k) and self._may_have_slot(part):
                targets[k] = Target("operand", len(args))
                args.append(q.argument(self._take(part), shape))
        return q.emit(replace(kind, targets=tuple(targets)), tuple(args), ())

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
        if not instr.kind.entrywise:
            return None
        for k, a in enumerate(instr.args):
            ends = a in self.home and self.last[a] == v
            alone = all(b == a or a not in self.owners[b] for b in instr.args)
            if ends and alone and self.p.instrs[a].shape == instr.shape:
                self.home[v] = self.home.pop(a)
                return k
        return None


def _may_write(kind: Kind) -> bool:
    """Whether code of a kind can write into an array that is given."""
    if isinstance(kind, Ufunc):
        return kind != WHERE
    if isinstance(kind, Contract):
        return not is_dot(kind) and not is_tensordot(kind)
    return reduction_of(kind) is not None


# What is known of values


def _owners(p: Program) -> list[frozenset[Value]]:
    """The values that made the memory of each value; the operands', where it may be theirs."""
    owners: list[frozenset[Value]] = []
    for v, instr in enumerate(p.instrs):
        if instr.kind.leaf or _makes(instr.kind):
            owners.append(frozenset([v]))
        elif (part := _part_of(p, instr)) is not None:
            owners.append(frozenset([v]) if part else frozenset())
        else:
            owners.append(frozenset().union(*[owners[a] for a in instr.args]))
    return owners


def _makes(kind: Kind) -> bool:
    """Whether an instruction makes a new array, or none."""
    return kind.entrywise or isinstance(kind, MAKERS) or kind in (DIAG, LOG_TOTAL)


def _part_of(p: Program, instr: Instr) -> bool | None:
    """True for a result of a loop; False for the tuple of them; else None."""
    if _is_tuple(instr.kind):
        return False
    if isinstance(instr.kind, Item) and _is_tuple(p.instrs[instr.args[0]].kind):
        return True
    return None


def _is_tuple(kind: Kind) -> bool:
    """Whether an instruction gives a tuple, which has no memory of its own."""
    return isinstance(kind, Loop)


def _dtypes(p: Program) -> list[DType]:
    """The element types of values, None where they are not known, if arrays of floats are float64."""
    known: list[DType] = []
    types = {name: x.dtype for name, x in p.parameters}
    for instr in p.instrs:
        kind = instr.kind
        if isinstance(kind, Argument):
            known.append(FLOAT if types[kind.name].kind == "f" else None)
        elif isinstance(kind, Array):
            known.append(p.arrays[kind.name].dtype)
        elif isinstance(kind, Literal):
            known.append(type(kind.value))
        else:
            known.append(_computed(p, instr, known))
    return known


def _is_float(d: DType) -> bool:
    return isinstance(d, np.dtype) and d == FLOAT  # None would count as float64


def _computed(p: Program, instr: Instr, known: Sequence[DType]) -> DType:
    kind = instr.kind
    if isinstance(kind, Item):
        loop = p.instrs[instr.args[0]]
        if not isinstance(loop.kind, Loop):
            return None
        return _of_part(kind.number, loop.kind.plan, [known[a] for a in loop.args])
    read = instr.args[1:] if kind == WHERE else instr.args
    if any(known[a] is None for a in read) or isinstance(kind, Loop):
        return None
    if isinstance(kind, (Ufunc, Cast)):
        return None if kind == Cast(None) else entry_dtype(instr, known)
    floats = all(_is_float(known[a]) for a in instr.args)
    keeps = kind.view or isinstance(kind, MAKERS) or kind in (DIAG, LOG_TOTAL)
    truth = isinstance(kind, Reduce) and kind.function not in OF_NUMBERS
    return FLOAT if floats and keeps and not truth else None


def _of_part(part: int, plan: Any, inputs: Sequence[DType]) -> DType:
    """The element type of a result of a loop."""
    if isinstance(plan, Stencil):
        return FLOAT if all(_is_float(d) for d in inputs) else None
    if any(d is None for d in inputs) or not isinstance(plan, Region):
        return None
    dtype: DType = body_dtypes(plan, inputs)[plan.results[part]]
    return dtype if plan.fills(part) or _is_float(dtype) else None


def _number_of(part: Instr) -> int:
    """Which result of its region a value is."""
    assert isinstance(part.kind, Item)
    return part.kind.number
