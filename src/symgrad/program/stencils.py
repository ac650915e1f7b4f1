"""Stencils: sums of shifted parts over large arrays, row by row in one loop.

The gradient of a formula over neighbours, ``sum(phi(u[1:] - u[:-1]))``, adds an array to one that is one
row longer, at two places. Instead of making the array and walking over both once for each place, a block
of rows of the result is filled while the rows that go into it are in the cache.
"""

from __future__ import annotations

from collections.abc import Mapping

from symgrad.expr.dims import Shape
from symgrad.expr.kinds import Entry, Place, Span
from symgrad.program.ir import Combine, Cut, Instr, Program, Value
from symgrad.program.outline import LoopGroup
from symgrad.program.reductions import ADD, SUBTRACT
from symgrad.program.regions import along, is_space


def stencils(p: Program) -> list[LoopGroup]:
    """The sums of shifted parts of a program, each with the work on its parts that nobody else needs."""
    live = p.live()
    at = [v for v, i in enumerate(p.instrs) if live[v] and _is_stencil(i)]
    if not at:
        return []
    users = p.users()
    return [_stencil(p, v, users) for v in at]


def _is_stencil(instr: Instr) -> bool:
    kind = instr.kind
    by_rows = isinstance(kind, Place) and len(kind.places) > 1 and all(map(_by_rows, kind.places))
    return by_rows and is_space(instr.shape)


def _by_rows(index: tuple[Entry, ...]) -> bool:
    """Whether the first entry of an index is a slice of step one that begins at a known row."""
    first = index[0] if index else None
    if not isinstance(first, Span) or first.step != 1:
        return False
    return first.start is None or isinstance(first.start, int)


def _start(index: tuple[Entry, ...]) -> int:
    first = index[0]
    assert isinstance(first, Span)
    return int(first.start or 0)


def _stencil(p: Program, v: Value, users: list[set[Value]]) -> LoopGroup:
    """The loop of the sum that an instruction is; its blocks are rows of the sum."""
    kind, parts = p.instrs[v].kind, p.instrs[v].args
    assert isinstance(kind, Place)
    starts: dict[Shape, list[int]] = {}  # of parts of each shape
    for a, index in zip(parts, kind.places, strict=True):
        starts.setdefault(p.instrs[a].shape, []).append(_start(index))
    halos = {space: (max(found), min(found)) for space, found in starts.items()}
    ufuncs = [SUBTRACT if minus else ADD for minus in kind.negative]
    combined = [
        Combine(0, _cut(p.instrs[a].shape, p.instrs[a].shape, halos).axes, ufunc, index)
        for a, index, ufunc in zip(parts, kind.places, ufuncs, strict=True)
    ]

    def cut(u: Value, a: Value) -> Cut:
        return _cut(p.instrs[a].shape, p.instrs[u].shape, halos)

    return LoopGroup(_inside(p, v, users), parts, combined, [v], kind.shape, (0,), cut)


def _cut(shape: Shape, space: Shape, halos: Mapping[Shape, tuple[int, int]]) -> Cut:
    """How an operand of work over one of the spaces is cut: along rows only."""
    axes = along(shape, space).axes
    rows = tuple([axis if axis == 0 else None for axis in axes])
    return Cut(rows, halos[space] if 0 in rows else (0, 0))


def _inside(p: Program, v: Value, users: list[set[Value]]) -> list[Value]:
    """The entrywise work over the spaces of parts that nobody else needs."""
    spaces = {p.instrs[a].shape for a in p.instrs[v].args}
    found: dict[Value, Shape] = {v: ()}
    for a in range(v - 1, -1, -1):
        instr = p.instrs[a]
        own = instr.kind.entrywise and instr.shape in spaces
        if own and users[a] and all(found.get(u) in (instr.shape, ()) for u in users[a]):
            found[a] = instr.shape
    return sorted(found.keys() - {v})
