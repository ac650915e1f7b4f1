"""Parts of a program become loops: the body of each, and the program around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from symgrad.expr.dims import Dim, Shape, dim_names
from symgrad.expr.identifiers import Names
from symgrad.expr.kinds import Item, Literal, dims_of
from symgrad.expr.leaves import symbol
from symgrad.program.ir import Combine, Cut, Loop, Program, Value


@dataclass(frozen=True)
class LoopGroup:
    """Instructions that are to be a loop.

    Attributes
    ----------
    members : sequence of int
        The instructions of the body, in order.
    outputs : sequence of int
        What the body gives: members, or what enters and leaves as it is.
    combined : sequence of Combine
        What becomes of each output.
    results : sequence of int
        The values of the program that the results of the loop are.
    space : tuple
    axes : tuple of int
        See `Loop`.
    cut : callable
        ``cut(v, a)`` is how operand `a` of member `v` is cut, where it enters; of an output that enters,
        `v` is `a`.
    sized : bool
        Whether the body takes the extents that shapes in it mention.
    """

    members: Sequence[Value]
    outputs: Sequence[Value]
    combined: Sequence[Combine]
    results: Sequence[Value]
    space: Shape
    axes: tuple[int, ...]
    cut: Callable[[Value, Value], Cut]
    sized: bool = False
    finish: Callable[[Program], Program] = lambda body: body


class _Body:
    """The body of a group, and what enters."""

    def __init__(self, p: Program, group: LoopGroup) -> None:
        self.p = p
        self.group = group
        self.shifted = any(c.place is not None for c in group.combined)
        self.names = Names(p.dim_names.values())
        self.body = Program([], False)
        self.entering: dict[tuple[Value, Cut, Shape], Value] = {}
        self.image: dict[Value, Value] = {}

    def made(self) -> Program:
        p, body = self.p, self.body
        self._enter()
        for v in self.group.members:
            instr = p.instrs[v]
            args = tuple([self._operand(v, a) for a in instr.args])
            self.image[v] = body.emit(instr.kind, args, instr.shape)
        body.outputs = [self._operand(v, v) for v in self.group.outputs]
        named = {n for d in self._extents() for n in dim_names(d)}
        body.dim_names = {d: p.dim_names.get(d) or self.names.fresh(d) for d in sorted(named)}
        return self.group.finish(body)

    def _enter(self) -> None:
        """Let the operands come first, in the order in which they are used."""
        inside = set(self.group.members)
        pairs = [(v, a) for v in self.group.members for a in self.p.instrs[v].args]
        for v, a in [*pairs, *[(v, v) for v in self.group.outputs]]:
            if a not in inside and not isinstance(self.p.instrs[a].kind, Literal):
                self._operand(v, a)

    def _extents(self) -> Iterator[Dim]:
        """What the body, and whoever runs it, must know."""
        for instr in self.body.instrs:
            yield from (*instr.kind.dims(), *(instr.shape if self.group.sized else ()))
        for combine in self.group.combined:
            if combine.place is not None:
                yield from (*self.group.space, *dims_of(combine.place))

    def _operand(self, v: Value, a: Value) -> Value:
        if a in self.image:
            return self.image[a]
        instr = self.p.instrs[a]
        if isinstance(instr.kind, Literal):
            return self.body.emit(instr.kind, (), ())
        space = self.p.instrs[v].shape if self.shifted else ()  # of several, each with its halo
        key = (a, self.group.cut(v, a), space)
        if key not in self.entering:
            name = self.names.fresh(f"x{len(self.entering)}")
            self.body.parameters.append((name, symbol(name, instr.shape)))
            self.entering[key] = self.body.argument(name, instr.shape)
        return self.entering[key]


def outlined(p: Program, groups: Sequence[LoopGroup]) -> Program:
    """The program with groups as loops.

    Groups share no results, and no path leaves a group and comes back. What of a group is needed outside,
    and is no result, is computed there as well.
    """
    if not groups:
        return p
    return _Around(p, groups).run()


class _Around:
    """The program around loops. A unit is a value, or ``-1 - k`` for group `k`."""

    def __init__(self, p: Program, groups: Sequence[LoopGroup]) -> None:
        self.p = p
        self.groups = groups
        self.bodies = [_Body(p, group) for group in groups]
        self.made = [body.made() for body in self.bodies]
        self.count = len(p.loops())  # of loops, by which they are named
        self.unit = {v: -1 - k for k, group in enumerate(groups) for v in group.results}

    def run(self) -> Program:
        q = self.p.emptied()
        names = Names([*[n for n, _ in q.parameters], *q.dim_names.values(), *q.arrays])
        for d in dict.fromkeys(d for body in self.made for d in body.dim_names):
            if d not in q.dim_names:
                q.dim_names[d] = names.fresh(d)
        image: dict[Value, Value] = {}
        for unit in self._order():
            if unit < 0:
                self._loop(q, -1 - unit, image)
            else:
                image[unit] = q.copied(self.p.instrs[unit], image)
        q.outputs = [image[v] for v in self.p.outputs]
        return q

    def _loop(self, q: Program, k: int, image: dict[Value, Value]) -> None:
        group, body = self.groups[k], self.made[k]
        keys = [*self.bodies[k].entering]
        loop = Loop(
            f"_loop{self.count}",
            body,
            group.space,
            group.axes,
            tuple([cut for _, cut, _ in keys]),
            tuple(group.combined),
            tuple(body.dim_names),
            (None,) * len(group.results),
        )
        self.count += 1
        result = q.emit(loop, tuple([image[a] for a, _, _ in keys]), ())
        for i, v in enumerate(group.results):
            image[v] = q.emit(Item(i), (result,), self.p.instrs[v].shape)

    def _order(self) -> list[int]:
        """All units that are needed, each after those that it needs, early ones first."""
        needs = self._needs()
        left = {unit: len(before) for unit, before in needs.items()}
        users: dict[int, list[int]] = {unit: [] for unit in needs}
        for unit, before in needs.items():
            for other in before:
                users[other].append(unit)
        ready = [(self._first(unit), unit) for unit, count in left.items() if not count]
        heapify(ready)
        order: list[int] = []
        while ready:
            _, unit = heappop(ready)
            order.append(unit)
            for user in users[unit]:
                left[user] -= 1
                if not left[user]:
                    heappush(ready, (self._first(user), user))
        assert len(order) == len(needs)
        return order

    def _first(self, unit: int) -> Value:
        return unit if unit >= 0 else min(self.groups[-1 - unit].results)

    def _needs(self) -> Mapping[int, set[int]]:
        """The units that are needed, with those that each of them needs."""
        unit = self.unit
        entering = [{a for a, _, _ in body.entering} for body in self.bodies]
        wanted = {*self.p.outputs}.union(*entering)
        needs = {-1 - k: {unit.get(a, a) for a in before} for k, before in enumerate(entering)}
        for v in range(len(self.p.instrs) - 1, -1, -1):
            instr = self.p.instrs[v]
            if v in wanted and v not in unit:
                wanted.update(instr.args)
                needs[v] = {unit.get(a, a) for a in instr.args}
        return needs
