"""Sums of arrays that are zero but for a part: each part is added to one array, at its place.

``embed(x, [1:]) - embed(y, [:-1]) + ...`` makes an array of zeros for each term; adding and subtracting
the parts in one such array, as a person writes the gradient of a stencil, makes one.
"""

from __future__ import annotations

from typing import Final

from symgrad.expr.dims import Shape, broadcast_shapes
from symgrad.expr.kinds import ADD, NEGATIVE, SUBTRACT, Entry, Place
from symgrad.program.ir import Program, Value

SUMS: Final = (ADD, SUBTRACT)

Term = tuple[bool, Value]  # whether it is subtracted, and what


def accumulate(p: Program) -> Program:
    """The program with sums of two parts or more as accumulation into one array."""
    uses = p.uses()
    roots = _roots(p, uses)
    if not roots:
        return p
    q = p.emptied()
    image: list[Value] = []
    for v, instr in enumerate(p.instrs):
        terms = roots.get(v)
        image.append(q.copied(instr, image) if terms is None else _sum(p, q, terms, image, uses))
    q.outputs = [image[v] for v in p.outputs]
    return q


def _roots(p: Program, uses: list[int]) -> dict[Value, list[Term]]:
    """The sums that are no part of another, with their terms, where two terms or more are parts."""
    inner = {
        a
        for instr in p.instrs
        if instr.kind in SUMS
        for a in instr.args
        if uses[a] == 1 and p.instrs[a].kind in SUMS
    }
    sums = [v for v, i in enumerate(p.instrs) if uses[v] and i.kind in SUMS and v not in inner]
    found = {v: _terms(p, v, inner) for v in sums}
    return {v: t for v, t in found.items() if len(_parts_of(p, t, uses)) > 1}


def _terms(p: Program, root: Value, inner: set[Value]) -> list[Term]:
    """The terms of a sum, in order."""
    terms: list[Term] = []
    stack: list[Term] = [(False, root)]
    while stack:
        negative, v = stack.pop()
        instr = p.instrs[v]
        if v == root or v in inner:
            first, second = instr.args
            stack.append((negative != (instr.kind == SUBTRACT), second))
            stack.append((negative, first))
        else:
            terms.append((negative, v))
    return terms


def _parts_of(p: Program, terms: list[Term], uses: list[int]) -> set[Value]:
    """The terms that are parts of arrays of one shape, that of the first."""
    shapes: dict[Value, Shape] = {}
    for _, v in terms:
        kind = p.instrs[v].kind
        if uses[v] == 1 and isinstance(kind, Place):
            shapes[v] = kind.shape
    first = next(iter(shapes.values()), ())
    return {v for v, shape in shapes.items() if shape == first}


def _sum(p: Program, q: Program, terms: list[Term], image: list[Value], uses: list[int]) -> Value:
    inside = _parts_of(p, terms, uses)
    parts = [_part(p, *term) for term in terms if term[1] in inside]
    shape = p.instrs[next(iter(inside))].shape
    negative, values, places = zip(*parts, strict=True)
    total = q.emit(Place(shape, places, negative), tuple([image[x] for x in values]), shape)
    for minus, v in terms:
        if v not in inside:
            shape = broadcast_shapes(shape, p.instrs[v].shape)
            total = q.emit(SUBTRACT if minus else ADD, (total, image[v]), shape)
    return total


def _part(p: Program, negative: bool, v: Value) -> tuple[bool, Value, tuple[Entry, ...]]:
    """Sign, array and place of a part; a negated array is subtracted instead."""
    instr = p.instrs[v]
    assert isinstance(instr.kind, Place)
    (place,) = instr.kind.places
    x = instr.args[0]
    while p.instrs[x].kind == NEGATIVE:
        negative, x = not negative, p.instrs[x].args[0]
    return negative, x, place
