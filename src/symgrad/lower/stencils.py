"""Sums of shifted parts over large arrays: what is added, and where, row by row in one loop.

The gradient of a formula over neighbours, ``sum(phi(u[1:] - u[:-1]))``, adds an array to one that is one
row longer, at two places. Instead of making the array and walking over both once for each place, a block
of rows of the result is filled while the rows that go into it are in the cache.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from symgrad.expr.dims import Shape
from symgrad.lower.calls import Call, call_of
from symgrad.lower.program import Code, Instr, Program, Value, code_of
from symgrad.lower.regions import Region, is_space, region_of

SUM: Final = "_embed_sum("


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


@dataclass(frozen=True)
class Stencil:
    """A sum of shifted parts; the inputs of its groups follow one another in its call."""

    groups: tuple[Region, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Place:
    """A term of a sum as the code has it: its index, and whether it is subtracted."""

    index: str
    negative: bool


@lru_cache(maxsize=1024)
def places_of(code: Code) -> tuple[str, tuple[Place, ...]] | None:
    """Shape and places of a sum of parts, or None where an instruction is none that goes by rows."""
    if not code.numpy.startswith(SUM):
        return None
    names = [f"_operand{i}" for i in range(len(code.needs))]
    call = ast.parse(code.numpy.format(*names), mode="eval").body
    assert isinstance(call, ast.Call)
    places = []
    for term in call.args[1:]:
        assert isinstance(term, ast.Tuple)
        _, index, negative = term.elts
        if not _goes_by_rows(index):
            return None
        places.append(Place(ast.unparse(index), bool(ast.literal_eval(negative))))
    return ast.unparse(call.args[0]), tuple(places)


def _goes_by_rows(index: ast.expr) -> bool:
    """Whether the first entry of an index is a slice of step one."""
    if not isinstance(index, ast.Tuple) or not index.elts:
        return False
    first = index.elts[0]
    return isinstance(first, ast.Call) and len(first.args) < 3


def stencils(p: Program) -> tuple[Program, list[Stencil]]:
    """The program with sums of parts as calls of ``_stencil0``, ``_stencil1``, ..., and what they do."""
    live = p.live()
    at = [v for v, i in enumerate(p.instrs) if live[v] and _is_stencil(i)]
    if not at:
        return p, []
    users = _users(p, live)
    q = p.emptied()
    found: list[Stencil] = []
    image: dict[Value, Value] = {}
    for v, instr in enumerate(p.instrs):
        if v in at:
            image[v] = _call(p, q, v, users, image, found)
        elif live[v] or instr.code is None:
            image[v] = q.copied(instr, image)
    q.outputs = [image[v] for v in p.outputs]
    return q, found


def _is_stencil(instr: Instr) -> bool:
    return instr.code is not None and places_of(instr.code) is not None and is_space(instr.shape)


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
    found: list[Stencil],
) -> Value:
    """The call of the stencil that an instruction is."""
    instr = p.instrs[v]
    assert instr.code is not None
    described = places_of(instr.code)
    assert described is not None
    shape, places = described
    spaces = dict.fromkeys(p.instrs[a].shape for a in instr.args)
    groups = [_group(p, v, space, users) for space in spaces]
    where = {a: (g, k) for g, (_, ends) in enumerate(groups) for k, a in enumerate(ends)}
    parts = [Part(*where[a], place.negative) for a, place in zip(instr.args, places, strict=True)]
    regions = tuple(region for region, _ in groups)
    inputs = [image[a] for region in regions for a in region.inputs]
    operands = ", ".join(f"{{{k}}}" for k in range(len(inputs)))
    indices = "".join(f"({place.index}), " for place in places)
    out = f"out[{p.outputs.index(v)}]" if v in p.outputs else "None"
    text = f"_stencil{len(found)}(({operands},), {shape}, ({indices}), {out})"
    found.append(Stencil(regions, tuple(parts)))
    return q.emit(code_of(text, "", len(inputs)), tuple(inputs), instr.shape)


def _group(
    p: Program, v: Value, space: Shape, users: Sequence[set[Value]]
) -> tuple[Region, list[Value]]:
    """The region that makes the parts of one shape, and these parts."""
    ends = list(dict.fromkeys(a for a in p.instrs[v].args if p.instrs[a].shape == space))
    inside: set[Value] = set()
    for a in range(max(ends), -1, -1):
        if users[a] and users[a] <= inside | {v} and _is_entrywise(p.instrs[a], space):
            inside.add(a)
    return region_of(p, space, sorted(inside), ends), ends


def _is_entrywise(instr: Instr, space: Shape) -> bool:
    call = None if instr.code is None else call_of(instr.code)
    flat = call is not None and not any(isinstance(arg, Call) for arg in call.args)
    return flat and instr.shape == space
