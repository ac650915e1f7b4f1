"""Sums of shifted parts over large arrays: what is added, and where, row by row in one loop.

The gradient of a formula over neighbours, ``sum(phi(u[1:] - u[:-1]))``, adds an array to one that is one
row longer, at two places. Instead of making the array and walking over both once for each place, a block
of rows of the result is filled while the rows that go into it are in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from symgrad.expr.dims import Shape
from symgrad.expr.kinds import Extents, Item, Place, Places, Span, Target
from symgrad.program.fusion import Region, is_space, region_of
from symgrad.program.ir import Instr, Program, Value


@dataclass(frozen=True)
class Part:
    """What is added at one place.

    Attributes
    ----------
    group : int
        The region that makes it.
    result : int
        Which of its results it is.
    negative : bool
        Whether it is subtracted.
    """

    group: int
    result: int
    negative: bool


@dataclass(frozen=True, eq=False)
class Stencil:
    """A sum of shifted parts; the inputs of its groups follow one another in its call.

    Attributes
    ----------
    groups : tuple of Region
    parts : tuple of Part
    shape : tuple
        Of the sum.
    places : tuple of index
        Where each part is added.
    """

    groups: tuple[Region, ...]
    parts: tuple[Part, ...]
    shape: Shape
    places: tuple[tuple[Any, ...], ...]
    word: ClassVar[str] = "stencil"

    @property
    def arity(self) -> int:
        """The number of inputs of all groups."""
        return sum(region.arity for region in self.groups)

    @property
    def given(self) -> tuple[Any, ...]:
        """The shape, and the places of the parts."""
        return Extents(self.shape), Places(self.places)

    def fills(self, result: int) -> bool:
        """Whether the sum, its only result, can be written into an array that is given."""
        return True


def _goes_by_rows(index: tuple[Any, ...]) -> bool:
    """Whether the first entry of an index is a slice of step one."""
    return bool(index) and isinstance(index[0], Span) and index[0].step == 1


def stencils(p: Program) -> Program:
    """The program with sums of parts as loops."""
    live = p.live()
    at = [v for v, i in enumerate(p.instrs) if live[v] and _is_stencil(i)]
    if not at:
        return p
    users = _users(p, live)
    q = p.emptied()
    image: dict[Value, Value] = {}
    for v, instr in enumerate(p.instrs):
        if v in at:
            image[v] = _call(p, q, v, users, image)
        elif live[v] or instr.kind.leaf:
            image[v] = q.copied(instr, image)
    q.outputs = [image[v] for v in p.outputs]
    return q


def _is_stencil(instr: Instr) -> bool:
    kind = instr.kind
    by_rows = (
        isinstance(kind, Place) and len(kind.places) > 1 and all(map(_goes_by_rows, kind.places))
    )
    return by_rows and is_space(instr.shape)


def _users(p: Program, live: Sequence[bool]) -> list[set[Value]]:
    """The instructions that use each value; -1 where it is an output."""
    users: list[set[Value]] = [set() for _ in p.instrs]
    for v, instr in enumerate(p.instrs):
        if live[v]:
            for a in instr.args:
                users[a].add(v)
    for v in p.outputs:
        users[v].add(-1)
    return users


def _call(
    p: Program,
    q: Program,
    v: Value,
    users: Sequence[set[Value]],
    image: dict[Value, Value],
) -> Value:
    """The call of the stencil that an instruction is."""
    instr = p.instrs[v]
    kind = instr.kind
    assert isinstance(kind, Place)
    spaces = dict.fromkeys(p.instrs[a].shape for a in instr.args)
    groups = [_group(p, v, space, users) for space in spaces]
    where = {a: (g, k) for g, (_, _, ends) in enumerate(groups) for k, a in enumerate(ends)}
    parts = [Part(*where[a], minus) for a, minus in zip(instr.args, kind.negative, strict=True)]
    regions = tuple([region for region, _, _ in groups])
    plan = Stencil(regions, tuple(parts), kind.shape, kind.places)
    target = Target("out", p.outputs.index(v)) if v in p.outputs else None
    result = q.loop(plan, [image[a] for _, inputs, _ in groups for a in inputs], [target])
    return q.emit(Item(0), (result,), instr.shape)


def _group(
    p: Program, v: Value, space: Shape, users: Sequence[set[Value]]
) -> tuple[Region, list[Value], list[Value]]:
    """The region that makes the parts of one shape, its inputs, and these parts."""
    ends = list(dict.fromkeys(a for a in p.instrs[v].args if p.instrs[a].shape == space))
    inside: set[Value] = set()
    for a in range(max(ends), -1, -1):
        if users[a] and users[a] <= inside | {v} and _is_entrywise(p.instrs[a], space):
            inside.add(a)
    return *region_of(p, space, sorted(inside), ends), ends


def _is_entrywise(instr: Instr, space: Shape) -> bool:
    return instr.kind.entrywise and instr.shape == space
