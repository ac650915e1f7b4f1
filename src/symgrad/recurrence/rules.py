"""How the step of a loop is differentiated and batched: it becomes the step of another loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

from symgrad.autodiff import pullback
from symgrad.autodiff.forward import pushforward
from symgrad.batching import vmap
from symgrad.expr.dims import Dim, Shape
from symgrad.expr.leaves import symbol
from symgrad.expr.node import Expr
from symgrad.expr.traverse import free_symbols
from symgrad.ops.arithmetic import add
from symgrad.ops.cast import cast
from symgrad.ops.scan import ScanLoop, sizes_of

Flags = tuple[bool, ...]


def fresh(
    loop: ScanLoop, groups: Sequence[tuple[str, Sequence[Expr]]], extra: Shape = ()
) -> list[Any]:
    """Symbols like those of each group, with a prefix to the name, that the loop does not have."""
    taken = {*loop.carries, *loop.elements, *loop.parameters}
    for k in count():
        made = [
            [
                symbol(f"{prefix}{x.name or i}", (*x.shape, *extra), x.dtype, unique=("step", k, i))
                for i, x in enumerate(group)
            ]
            for prefix, group in groups
        ]
        if taken.isdisjoint([x for group in made for x in group]):
            return made
    raise AssertionError("numbers do not end")


def chosen(group: Sequence[Expr], flags: Iterable[bool]) -> list[Expr]:
    """Those of a group that a flag stands for."""
    return [x for x, on in zip(group, flags, strict=True) if on]


def typed(exprs: Iterable[Expr], like: Iterable[Expr]) -> tuple[Expr, ...]:
    """Expressions of the element types of others."""
    return tuple([e if e.ty is x.ty else cast(e, x.ty) for e, x in zip(exprs, like, strict=True)])


@lru_cache(maxsize=1024)
def adjoint(loop: ScanLoop, wanted: tuple[Flags, Flags], live: Flags) -> tuple[ScanLoop, Flags]:
    """The step backwards: see `symgrad.ops.scan.cotangents`.

    Its carry is the adjoint of the carry, and a sum for each parameter that is wanted. With it comes which
    of the elements, the stored carries and the cotangents of live outputs it mentions: a linear step
    needs no states.
    """
    elements, parameters = chosen(loop.elements, wanted[0]), chosen(loop.parameters, wanted[1])
    outputs = chosen(loop.outputs, live)
    groups = [("a_", loop.carries), ("sum_", parameters), ("g_", outputs)]
    behind, sums, given = fresh(loop, groups)
    found = pullback(
        [*loop.following, *outputs],
        [*behind, *given],
        [*loop.carries, *elements, *parameters],
    )
    before = found[: len(behind)]
    by_elements = found[len(behind) : len(behind) + len(elements)]
    by_parameters = found[len(behind) + len(elements) :]
    total = [add(s, g) for s, g in zip(sums, by_parameters, strict=True)]
    following = typed([*before, *total], [*behind, *sums])
    outputs_of = typed(by_elements, elements)
    candidates = (*loop.elements, *loop.carries, *given)
    mentioned = set(free_symbols(*following, *outputs_of))
    used = tuple([x in mentioned for x in candidates])
    step = ScanLoop(
        (*behind, *sums),
        tuple(chosen(candidates, used)),
        loop.parameters,
        following,
        outputs_of,
        loop.length,
        not loop.reverse,
        sizes_of([*behind, *sums, *candidates, *loop.parameters]),
        loop.rules,
    )
    return step, used


@lru_cache(maxsize=1024)
def tangent(loop: ScanLoop, moving: tuple[Flags, Flags], extra: Shape) -> ScanLoop:
    """The step with tangents: see `symgrad.ops.scan.tangent`."""
    elements, parameters = chosen(loop.elements, moving[0]), chosen(loop.parameters, moving[1])
    groups = [("d_", loop.carries), ("dx_", elements), ("dp_", parameters)]
    d_carries, d_elements, d_parameters = fresh(loop, groups, extra)
    by = [*loop.carries, *elements, *parameters]
    directions = [*d_carries, *d_elements, *d_parameters]
    results = [*loop.following, *loop.outputs]
    found = pushforward(results, dict(zip(by, directions, strict=True)))
    k = len(loop.following)
    everything = (*loop.carries, *loop.elements, *loop.parameters, *directions)
    return ScanLoop(
        (*loop.carries, *d_carries),
        (*loop.elements, *d_elements),
        (*loop.parameters, *d_parameters),
        (*loop.following, *typed(found[:k], d_carries)),
        typed(found[k:], loop.outputs),
        loop.length,
        loop.reverse,
        sizes_of(everything),
        loop.rules,
    )


@lru_cache(maxsize=1024)
def batched(loop: ScanLoop, carries: tuple[Flags, Flags], dim: Dim) -> ScanLoop:
    """The step of a batch of problems: see `symgrad.ops.scan`."""
    groups = (
        loop.carries,
        chosen(loop.elements, carries[0]),
        chosen(loop.parameters, carries[1]),
    )
    over = {x: vmap(x, over={x: dim}) for group in groups for x in group}
    results = vmap([*loop.following, *loop.outputs], over=over)
    k = len(loop.following)
    elements = tuple([over.get(x, x) for x in loop.elements])
    parameters = tuple([over.get(x, x) for x in loop.parameters])
    many = tuple([over[x] for x in loop.carries])
    return ScanLoop(
        many,
        elements,
        parameters,
        typed(results[:k], loop.carries),
        typed(results[k:], loop.outputs),
        loop.length,
        loop.reverse,
        sizes_of([*many, *elements, *parameters, *results]),
        loop.rules,
    )
