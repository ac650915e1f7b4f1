"""Regions: entrywise instructions over one iteration space become one loop over blocks.

Instructions are put into layers. A value that an instruction outside of all regions makes is there in
the layer after its operands; entrywise instructions over the same space that can run in the same layer
form one region, with the sums and extrema that end in them. No path leaves a region and comes back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from symgrad.expr.dims import Shape
from symgrad.expr.tuning import tuning
from symgrad.program.cost import cost_of
from symgrad.program.ir import Combine, Cut, Instr, Program, Value
from symgrad.program.outline import LoopGroup
from symgrad.program.reductions import ADD, DOT, ReductionStep, reduction_of


def regions(p: Program) -> list[LoopGroup]:
    """The entrywise work of a program that is worth loops."""
    return _Layers(p).groups()


def region(
    p: Program, space: Shape, members: Sequence[Value], leaving: Sequence[Value]
) -> LoopGroup:
    """Entrywise instructions over a space as a loop with these results."""
    combined = [_combined(p, space, k, v) for k, v in enumerate(leaving)]
    axes = tuple(range(len(space)))

    def cut(v: Value, a: Value) -> Cut:
        return along(p.instrs[a].shape, space)

    return LoopGroup(members, leaving, combined, leaving, space, axes, cut)


def along(shape: Shape, space: Shape) -> Cut:
    """How an operand that broadcasts is cut along all axes of a space."""
    first = len(space) - len(shape)
    return Cut(tuple([None if d == 1 else first + k for k, d in enumerate(shape)]))


def _combined(p: Program, space: Shape, k: int, v: Value) -> Combine:
    found = reduction_over(p.instrs, space, v)
    if found is None:
        return Combine(k, tuple(range(len(space))))
    kept = () if found.axes is None else [d for d in range(len(space)) if d not in found.axes]
    return Combine(k, tuple(kept), ADD if found.name == DOT else found.name)


def reduction_over(
    instrs: list[Instr] | tuple[Instr, ...], space: Shape, v: Value
) -> ReductionStep | None:
    """The reduction of an array over `space` that an instruction is, or None."""
    found = reduction_of(instrs[v].kind)
    if found is None:
        return None
    shapes = [instrs[a].shape for a in instrs[v].args]
    if found.name == DOT:
        fits = instrs[v].shape == () and all(shape == space for shape in shapes)
    else:
        fits = shapes == [space]
    return found if fits else None


def is_space(shape: Shape) -> bool:
    """Whether arrays of a shape may be large."""
    entries = 1
    for d in shape:
        if not isinstance(d, int):
            return True
        entries *= d
    return bool(shape) and entries >= tuning().space_entries


class _Layers:
    def __init__(self, p: Program) -> None:
        self.p = p
        self.live = p.live()
        self.space: list[Shape | None] = [None] * len(p.instrs)  # of the region that a value is in
        self.layer = [0] * len(p.instrs)  # of its region, or of the first that can use it
        self.users: list[list[Value]] = [[] for _ in p.instrs]

    def groups(self) -> list[LoopGroup]:
        """The regions, layer by layer."""
        for v in range(len(self.p.instrs)):
            if self.live[v]:
                self._place(v)
        self._sink()
        return [self._region(space, found) for (_, space), found in self._members().items()]

    # Layers

    def _place(self, v: Value) -> None:
        instr = self.p.instrs[v]
        for a in set(instr.args):
            self.users[a].append(v)
        self.space[v] = self._space_of(v)
        self.layer[v] = max([self._ready(a, self.space[v]) for a in instr.args], default=0)

    def _space_of(self, v: Value) -> Shape | None:
        instr = self.p.instrs[v]
        if instr.kind.entrywise:
            return instr.shape if is_space(instr.shape) else None
        for a in instr.args:
            space = self.space[a]
            if space is not None and reduction_over(self.p.instrs, space, v) is not None:
                return space if self.p.instrs[a].shape == space else None
        return None

    def _inside(self, v: Value) -> bool:
        """Whether a value is an array over the space of its region."""
        return self.space[v] is not None and self.p.instrs[v].shape == self.space[v]

    def _ready(self, v: Value, space: Shape | None) -> int:
        """The first layer in which a region over `space`, or the code before it, can use a value."""
        if self.space[v] is None or (self._inside(v) and self.space[v] == space):
            return self.layer[v]
        return self.layer[v] + 1

    def _sink(self) -> None:
        """Move what only one later region uses into it, where no more arrays must be kept for that."""
        kept = set(self.p.outputs)
        for v in range(len(self.p.instrs) - 1, -1, -1):
            if not self.live[v] or v in kept or not self._inside(v) or not self.users[v]:
                continue
            places = {(self.layer[u], self.space[u]) for u in self.users[v]}
            layer, space = min(places, key=lambda place: place[0])
            if len(places) > 1 or space != self.space[v] or layer <= self.layer[v]:
                continue
            if sum(self._must_stay(a, v) for a in self.p.instrs[v].args) <= 1:
                self.layer[v] = layer

    def _must_stay(self, a: Value, user: Value) -> bool:
        """Whether an operand would have to be kept as an array if its user moved to a later layer."""
        return self._inside(a) and all(
            u == user or (self.space[u], self.layer[u]) == (self.space[a], self.layer[a])
            for u in self.users[a]
        )

    # Regions

    def _members(self) -> dict[tuple[int, Shape], list[Value]]:
        """The instructions of each layer and space, where they are worth a loop."""
        found: dict[tuple[int, Shape], list[Value]] = defaultdict(list)
        for v, space in enumerate(self.space):
            if self.live[v] and space is not None:
                found[self.layer[v], space].append(v)
        least = tuning().space_cost
        costs = {at: sum(cost_of(self.p.instrs[v].kind) for v in vs) for at, vs in found.items()}
        return {at: found[at] for at in sorted(found, key=lambda at: at[0]) if costs[at] >= least}

    def _region(self, space: Shape, members: list[Value]) -> LoopGroup:
        inside, outputs = set(members), set(self.p.outputs)
        leaving = [
            v for v in members if v in outputs or any(u not in inside for u in self.users[v])
        ]
        return region(self.p, space, members, leaving)
