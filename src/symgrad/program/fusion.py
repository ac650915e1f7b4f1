"""Fusion: entrywise instructions over one iteration space become a region, one loop over blocks.

Instructions are put into layers. A value that an instruction outside of all regions makes is there in
the layer after its operands; entrywise instructions over the same space that can run in the same layer
form one region, with the sums and extrema that end in them. No path leaves a region and comes back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from symgrad.expr.dims import Shape
from symgrad.expr.kinds import Argument, Item, Literal, Target
from symgrad.expr.tuning import tuning
from symgrad.program.cost import cost_of
from symgrad.program.ir import Instr, Program, Value
from symgrad.program.reductions import DOT, Reduction, reduction_of


@dataclass(frozen=True, eq=False)
class Region:
    """Entrywise work over the blocks of an iteration space, and the reductions that end in it.

    Attributes
    ----------
    space : tuple
        The extents, as the program knows them.
    arity : int
        The number of inputs, which are the first values of `body`.
    body : tuple of Instr
        Inputs, literals, then computations in order; operands count in `body`.
    results : tuple of int
        Values of `body` that leave: arrays over the space, or reductions.
    """

    space: Shape
    arity: int
    body: tuple[Instr, ...]
    results: tuple[Value, ...]
    word: ClassVar[str] = "region"
    given: ClassVar[tuple[Any, ...]] = ()

    def fills(self, result: int) -> bool:
        """Whether a result is an array over the space."""
        return self.reduction(self.results[result]) is None

    @property
    def cost(self) -> int:
        """The additions that take as long as the work on one entry."""
        return sum(cost_of(instr.kind) for instr in self.body)

    def reductions(self) -> list[tuple[Value, Reduction]]:
        """The results that are reductions."""
        pairs = [(v, self.reduction(v)) for v in self.results]
        return [(v, r) for v, r in pairs if r is not None]

    def reduction(self, v: Value) -> Reduction | None:
        """The reduction that a value of the body is, or None."""
        return reduction_over(self.body, self.space, v)


def reduction_over(
    instrs: list[Instr] | tuple[Instr, ...], space: Shape, v: Value
) -> Reduction | None:
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


def fuse(p: Program) -> Program:
    """The program with regions as loops."""
    return _Fusion(p).run()


def is_space(shape: Shape) -> bool:
    """Whether arrays of a shape may be large."""
    entries = 1
    for d in shape:
        if not isinstance(d, int):
            return True
        entries *= d
    return entries >= tuning().space_entries


class _Fusion:
    def __init__(self, p: Program) -> None:
        self.p = p
        self.live = p.live()
        self.space: list[Shape | None] = [None] * len(p.instrs)  # of the region that a value is in
        self.layer = [0] * len(p.instrs)  # of its region, or of the first that can use it
        self.users: list[list[Value]] = [[] for _ in p.instrs]

    def run(self) -> Program:
        for v in range(len(self.p.instrs)):
            if self.live[v]:
                self._place(v)
        self._sink()
        return self._rebuilt()

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

    # The new program

    def _rebuilt(self) -> Program:
        groups: dict[tuple[int, Shape], list[Value]] = defaultdict(list)
        plain: dict[int, list[Value]] = defaultdict(list)
        for v in range(len(self.p.instrs)):
            if not self.live[v] and not self.p.instrs[v].kind.leaf:
                continue
            space = self.space[v]
            if space is None:
                plain[self.layer[v]].append(v)
            else:
                groups[self.layer[v], space].append(v)
        for (layer, space), members in list(groups.items()):
            if sum(cost_of(self.p.instrs[v].kind) for v in members) < tuning().space_cost:
                plain[layer] += groups.pop((layer, space))
        q = self.p.emptied()
        image: dict[Value, Value] = {}
        for layer in sorted({*plain, *[layer for layer, _ in groups]}):
            for v in plain[layer]:
                instr = self.p.instrs[v]
                image[v] = q.copied(instr, image)
            for (at, space), members in groups.items():
                if at == layer:
                    self._region(q, space, members, image)
        q.outputs = [image[v] for v in self.p.outputs]
        return q

    def _region(
        self, q: Program, space: Shape, members: list[Value], image: dict[Value, Value]
    ) -> None:
        inside = set(members)
        outputs = set(self.p.outputs)
        leaving = [
            v for v in members if v in outputs or any(u not in inside for u in self.users[v])
        ]
        region, inputs = region_of(self.p, space, members, leaving)
        result = q.loop(region, [image[a] for a in inputs], self._targets(leaving))
        for i, v in enumerate(leaving):
            image[v] = q.emit(Item(i), (result,), self.p.instrs[v].shape)

    def _targets(self, leaving: Sequence[Value]) -> tuple[Target | None, ...]:
        """The arrays that the caller may have given for values that leave a region."""
        place = {v: k for k, v in reversed(list(enumerate(self.p.outputs)))}
        given = [v in place and self._inside(v) for v in leaving]
        return tuple(
            Target("out", place[v]) if g else None for v, g in zip(leaving, given, strict=True)
        )


def region_of(
    p: Program, space: Shape, members: Sequence[Value], leaving: Sequence[Value]
) -> tuple[Region, list[Value]]:
    """The region of some instructions of a program, and its inputs; what leaves may be one as well."""
    inside = set(members)
    entering = dict.fromkeys(a for v in members for a in p.instrs[v].args if a not in inside)
    entering.update(dict.fromkeys(v for v in leaving if v not in inside))
    literals = [a for a in entering if isinstance(p.instrs[a].kind, Literal)]
    inputs = [a for a in entering if a not in literals]
    local = {v: i for i, v in enumerate([*inputs, *literals, *members])}
    body = [Instr(Argument(f"x{i}"), (), p.instrs[a].shape) for i, a in enumerate(inputs)]
    body += [p.instrs[a] for a in literals]
    body += [_renumbered(p.instrs[v], local) for v in members]
    return Region(space, len(inputs), tuple(body), tuple([local[v] for v in leaving])), inputs


def _renumbered(instr: Instr, local: dict[Value, Value]) -> Instr:
    args = tuple([local[a] for a in instr.args])
    return Instr(instr.kind, args, instr.shape)
