"""The allocator: which array each value is written into.

Results are written into arrays that are given. Intermediate arrays are written into slots: one that
nobody needs any more leaves its slot to the next of its shape and type, so that a call touches few pages
of memory, and none that the system has to hand out anew. Results never share memory with slots.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from symgrad.expr.dims import Shape, dim_names
from symgrad.expr.identifiers import Names
from symgrad.expr.kinds import WHERE, Contract, Into, Ufunc
from symgrad.program.contraction import is_dot, is_tensordot
from symgrad.program.dtypes import DType, dtypes_of, is_float, makes
from symgrad.program.ir import Instr, Loop, Program, Slot, Value, item_of
from symgrad.program.layouts import is_plain, layouts_of
from symgrad.program.reductions import reduction_of
from symgrad.program.regions import is_space


def with_slots(p: Program, given: Sequence[DType], stored: Sequence[bool] | None = None) -> Program:
    """The program whose large intermediates of floats are written into slots, for arguments of some types.

    `stored` says which outputs may be written into arrays that are given; all of them where None.
    """
    return _Allocator(p, given, stored or [True] * len(p.outputs)).run()


def in_place(p: Program, given: Sequence[DType], stored: Sequence[bool]) -> Program:
    """An entrywise program in which every array is written into one that is given, or into a slot."""
    return _InPlace(p, given, stored).run()


class _Allocator:
    def __init__(self, p: Program, given: Sequence[DType], stored: Sequence[bool]) -> None:
        self.p = p
        self.live = p.live()
        self.dtypes = dtypes_of(p, given)
        self.owners = _owners(p)
        self.layouts = layouts_of(p)
        self.last = self._last_uses()
        taken = [[n for n, _ in p.parameters], p.dim_names.values(), p.arrays]
        self.names = Names([name for names in taken for name in names])
        numbers = [k for k, into in enumerate(stored) if into]
        self.results = [self.names.fresh(f"y{k}") for k in range(len(numbers))]
        # the array of each value that is a result, its first one
        pairs = zip(numbers, self.results, strict=True)
        self.into = {p.outputs[k]: name for k, name in reversed([*pairs])}
        self.slots: list[Slot] = []
        self.free: dict[tuple[Shape, DType], list[int]] = defaultdict(list)
        self.home: dict[Value, int] = {}  # the slot of each value that is written into one
        self.parts: dict[Value, list[tuple[int, Value]]] = defaultdict(list)  # results of loops
        for v in range(len(p.instrs)):
            found = item_of(p, v)
            if found is not None:
                self.parts[p.instrs[v].args[0]].append((found[2], v))

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
        q.slots, q.results = self.slots, self.results
        q.types = [self.dtypes[v] for v in self.p.outputs]
        return q

    def _image(self, q: Program, v: Value, instr: Instr, image: dict[Value, Value]) -> Value:
        if isinstance(instr.kind, Loop):
            return self._loop(q, v, instr.kind, image)
        args = [image[a] for a in instr.args]
        if not self._may_write(v):
            return q.emit(instr.kind, tuple(args), instr.shape)
        place = None if v in self.into else self._overwritten(v, instr)
        if place is None:
            place = len(args)
            args.append(q.argument(self._array_for(v), instr.shape))
        return q.emit(Into(instr.kind, len(instr.args), place), tuple(args), instr.shape)

    def _loop(self, q: Program, v: Value, kind: Loop, image: dict[Value, Value]) -> Value:
        """A loop, with arrays for its results."""
        targets = list(kind.targets)
        args = [image[a] for a in self.p.instrs[v].args]
        for number, part in self.parts[v]:
            if kind.fills(number) and (part in self.into or self._may_have_slot(part)):
                targets[number] = len(args)
                args.append(q.argument(self._array_for(part), self.p.instrs[part].shape))
        return q.emit(replace(kind, targets=tuple(targets)), tuple(args), ())

    def _may_write(self, v: Value) -> bool:
        """Whether a value is written into an array that is there."""
        return v not in self.into and self._has_out(v) and self._may_have_slot(v)

    def _has_out(self, v: Value) -> bool:
        """Whether what computes a value can write into an array that is given, and as fast."""
        kind = self.p.instrs[v].kind
        if not is_plain(self.layouts[v]):
            return False
        if isinstance(kind, Ufunc):
            return kind != WHERE
        if isinstance(kind, Contract):
            return not is_dot(kind) and not is_tensordot(kind)
        return reduction_of(kind) is not None

    # Slots

    def _may_have_slot(self, v: Value) -> bool:
        """Whether a value is a large array of floats that no output shares memory with."""
        shape, known = self.p.instrs[v].shape, self.p.extents.keys() | self.p.dim_names.keys()
        sized = all(n in known for d in shape for n in dim_names(d)) and is_space(shape)
        return (
            self.live[v]
            and sized
            and is_float(self.dtypes[v])
            and self.last[v] < len(self.p.instrs)
        )

    def _array_for(self, v: Value) -> str:
        """The name of the array that a value is written into: its own, or a free slot."""
        if v in self.into:
            return self.into[v]
        key = self.p.instrs[v].shape, self.dtypes[v]
        if not self.free[key]:
            self.free[key].append(len(self.slots))
            self.slots.append(Slot(self.names.fresh(f"w{len(self.slots)}"), *key))
        self.home[v] = self.free[key].pop()
        return self.slots[self.home[v]].name

    def _release(self, v: Value) -> None:
        slot = self.home.pop(v)
        self.free[self.slots[slot][1:]].append(slot)

    def _overwritten(self, v: Value, instr: Instr) -> int | None:
        """The operand of an entrywise instruction that ends here, so that the result takes its slot."""
        if not instr.kind.entrywise:
            return None
        held = instr.args[:2] if instr.kind == WHERE else ()  # a choice is made in two copies
        for k, a in enumerate(instr.args):
            ends = a in self.home and self.last[a] == v and a not in held
            alone = all(b == a or a not in self.owners[b] for b in instr.args)
            like = self.p.instrs[a].shape == instr.shape and self.dtypes[a] == self.dtypes[v]
            if ends and alone and like:
                self.home[v] = self.home.pop(a)
                return k
        return None


class _InPlace(_Allocator):
    """The allocator for entrywise programs of known types, whose shapes are those of blocks."""

    def _may_write(self, v: Value) -> bool:
        return self.p.instrs[v].kind.entrywise

    def _may_have_slot(self, v: Value) -> bool:
        return True


def _owners(p: Program) -> list[frozenset[Value]]:
    """The values that made the memory of each value; the operands', where it may be theirs."""
    owners: list[frozenset[Value]] = []
    for v, instr in enumerate(p.instrs):
        if instr.kind.leaf or makes(instr.kind) or item_of(p, v) is not None:
            owners.append(frozenset([v]))
        elif isinstance(instr.kind, Loop):  # a tuple has no memory of its own
            owners.append(frozenset())
        else:
            owners.append(frozenset().union(*[owners[a] for a in instr.args]))
    return owners
