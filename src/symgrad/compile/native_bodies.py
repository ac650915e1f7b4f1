"""What a loop over entries does, as native code needs it: its operands first, then what is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from symgrad.expr.kinds import Argument
from symgrad.program.cost import cost_of
from symgrad.program.dtypes import reduced_dtype
from symgrad.program.ir import Instr, Loop, Program
from symgrad.program.reductions import DOT, reduction_of
from symgrad.targets.native.entries import OF_NUMBERS, DType
from symgrad.targets.native.loops import identity
from symgrad.targets.native.steps import Unsupported
from symgrad.targets.native.typed import types_of


class Kept(NamedTuple):
    """A result of a loop: its values, what reduces it, and the axes that are kept."""

    values: tuple[int, ...]
    ufunc: str | None
    axes: tuple[int, ...]


@dataclass(frozen=True)
class NativeBody:
    """What a loop does, with its operands first.

    Attributes
    ----------
    instrs : tuple of Instr
    arity : int
    results : tuple of Kept
    rank : int
    cost : int
        The additions that take as long as an entry.
    """

    instrs: tuple[Instr, ...]
    arity: int
    results: tuple[Kept, ...]
    rank: int
    cost: int


def body_of(loop: Loop) -> NativeBody:
    """The body of a loop over entries.

    Raises
    ------
    Unsupported
        If it is another loop, or reduces in a way that there is no native code for.
    """
    if not loop.is_entrywise or any(c.place is not None for c in loop.results):
        raise Unsupported("work that is not entry by entry")
    instrs, number = _operands_first(loop.body)
    results = []
    for v, combine in zip(loop.body.outputs, loop.results, strict=True):
        if combine.ufunc is None:
            results.append(Kept((number[v],), None, tuple(range(len(loop.space)))))
            continue
        found = reduction_of(loop.body.instrs[v].kind)
        if found is None:
            raise Unsupported("a reduction of what is reduced")
        name = "add" if found.name == DOT else found.name
        axes = tuple([k for k in combine.axes if k is not None])
        operands = tuple([number[a] for a in loop.body.instrs[v].args])
        results.append(Kept(operands, name, axes))
    cost = sum(cost_of(instr.kind) for instr in instrs)
    return NativeBody(tuple(instrs), len(loop.operands), tuple(results), len(loop.space), cost)


def body_of_program(p: Program) -> NativeBody:
    """All of a program over scalars, with its outputs stored."""
    instrs, number = _operands_first(p)
    results = [Kept((number[v],), None, ()) for v in p.outputs]
    cost = sum(cost_of(instr.kind) for instr in instrs)
    return NativeBody(tuple(instrs), len(p.parameters), tuple(results), 0, cost)


def _operands_first(p: Program) -> tuple[list[Instr], dict[int, int]]:
    """The needed instructions of a program behind its operands, and their new numbers."""
    instrs, parameters, live = p.instrs, p.parameters, p.live()
    places = {name: k for k, (name, _) in enumerate(parameters)}
    listed = [Instr(Argument(name), (), x.shape) for name, x in parameters]
    number: dict[int, int] = {}
    for v, instr in enumerate(instrs):
        if isinstance(instr.kind, Argument):
            number[v] = places[instr.kind.name]
        elif live[v]:
            number[v] = len(listed)
            listed.append(instr._replace(args=tuple([number[a] for a in instr.args])))
    return listed, number


def result_types(body: NativeBody, operands: Sequence[DType]) -> list[DType]:
    """The types of the results for operands of some types.

    Raises
    ------
    Unsupported
        If there is no native code for them.
    """
    known = types_of(body.instrs, body.arity, operands)
    found = []
    for kept in body.results:
        d = known[kept.values[0]]
        if len(kept.values) > 1:
            d = np.result_type(*[known[v] for v in kept.values])
        d = OF_NUMBERS.get(d, d)
        if kept.ufunc is not None:
            d = reduced_dtype(kept.ufunc, d)
            identity(kept.ufunc, d)
        found.append(d)
    return found
