"""Sums of arrays that are zero but for a part: each part is added to one array, at its place.

``embed(x, [1:]) - embed(y, [:-1]) + ...`` makes an array of zeros for each term; adding and subtracting
the parts in one such array, as a person writes the gradient of a stencil, makes one.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Final

from symgrad.lower.program import ADD_CODE, NEG_CODE, SUB_CODE, Code, Program, Value, code_of

SUMS: Final = (ADD_CODE, SUB_CODE)

Term = tuple[bool, Value]  # whether it is subtracted, and what


@lru_cache(maxsize=1024)
def place_of(code: Code) -> tuple[str, str] | None:
    """Shape and index of the array of zeros that an instruction puts its operand into, as code."""
    if not code.numpy.startswith("_embed("):
        return None
    call = ast.parse(code.numpy.format("x"), mode="eval").body
    assert isinstance(call, ast.Call)
    shape, index = (ast.unparse(arg) for arg in call.args[1:])
    return shape, index


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
        image.append(q.copied(instr, image) if terms is None else _sum(p, q, v, terms, image, uses))
    q.outputs = [image[v] for v in p.outputs]
    return q


def _roots(p: Program, uses: list[int]) -> dict[Value, list[Term]]:
    """The sums that are no part of another, with their terms, where two terms or more are parts."""
    inner = {
        a
        for instr in p.instrs
        if instr.code in SUMS
        for a in instr.args
        if uses[a] == 1 and p.instrs[a].code in SUMS
    }
    sums = [v for v, i in enumerate(p.instrs) if uses[v] and i.code in SUMS and v not in inner]
    found = {v: _terms(p, v, inner) for v in sums}
    return {v: t for v, t in found.items() if sum(_is_part(p, x, uses) for _, x in t) > 1}


def _terms(p: Program, root: Value, inner: set[Value]) -> list[Term]:
    """The terms of a sum, in order."""
    terms: list[Term] = []
    stack: list[Term] = [(False, root)]
    while stack:
        negative, v = stack.pop()
        instr = p.instrs[v]
        if v == root or v in inner:
            first, second = instr.args
            stack.append((negative != (instr.code is SUB_CODE), second))
            stack.append((negative, first))
        else:
            terms.append((negative, v))
    return terms


def _is_part(p: Program, v: Value, uses: list[int]) -> bool:
    code = p.instrs[v].code
    return uses[v] == 1 and code is not None and place_of(code) is not None


def _sum(
    p: Program, q: Program, root: Value, terms: list[Term], image: list[Value], uses: list[int]
) -> Value:
    parts = [_part(p, term) for term in terms if _is_part(p, term[1], uses)]
    shape = p.instrs[root].shape
    listed = ", ".join(
        f"({{{k}}}, {place[1]}, {negative})" for k, (negative, _, place) in enumerate(parts)
    )
    code = code_of(f"_embed_sum({parts[0][2][0]}, {listed})", "", len(parts))
    total = q.emit(code, tuple([image[x] for _, x, _ in parts]), shape)
    for negative, v in terms:
        if not _is_part(p, v, uses):
            total = q.emit(SUB_CODE if negative else ADD_CODE, (total, image[v]), shape)
    return total


def _part(p: Program, term: Term) -> tuple[bool, Value, tuple[str, str]]:
    """Sign, array and place of a part; a negated array is subtracted instead."""
    negative, v = term
    code = p.instrs[v].code
    assert code is not None
    place = place_of(code)
    assert place is not None
    x = p.instrs[v].args[0]
    while p.instrs[x].code is NEG_CODE:
        negative, x = not negative, p.instrs[x].args[0]
    return negative, x, place
