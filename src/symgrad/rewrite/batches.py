"""Batches of small problems: the formulas of one problem, where each is a problem of its own.

A formula acts problem by problem if one named extent, the batch, is that of one axis of all that has it,
and no step mixes what is at different places along it. With the extent 1 in its place the formula is that
of one problem.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from symgrad.expr.dims import Shape
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import toposort
from symgrad.ops import layout
from symgrad.ops.einsum import EINSUM
from symgrad.ops.gathering import GATHER, SCATTER
from symgrad.ops.reshaping import RESHAPE
from symgrad.rewrite.unrolling import RULES


class MemberProblem(NamedTuple):
    """Parameters and outputs of one problem of a batch; those of the batch have an extent 1.

    Attributes
    ----------
    places : list of int or None
        Along which axis each parameter has the batch; None where it is the same for all problems.
    """

    parameters: list[Expr]
    outputs: list[Expr]
    places: list[int | None]


def place_of(shape: Shape, batch: str) -> int | None:
    """The axis of the batch."""
    return shape.index(batch) if batch in shape else None


def one_problem(parameters: Sequence[Expr], outputs: Sequence[Expr]) -> MemberProblem | None:
    """The formulas of one problem, or None where the formulas are not those of a batch.

    Outputs have the batch as their first axis.
    """
    names = {d for x in parameters for d in x.shape if not isinstance(d, int)}
    if len(names) != 1:
        return None
    (batch,) = names
    if not isinstance(batch, str) or any(y.shape[:1] != (batch,) for y in outputs):
        return None
    if not all(_keeps_apart(node, batch) for node in toposort(outputs)):
        return None
    images = replace([*parameters, *outputs], {}, {batch: 1})
    count = len(parameters)
    places = [place_of(x.shape, batch) for x in parameters]
    return MemberProblem(images[:count], images[count:], places)


def _keeps_apart(node: Expr, batch: str) -> bool:
    """Whether what is at a place along the batch is made of what operands have at that place."""
    if not (node.op in RULES or node.op in WITH_PLACES or node.op.elementwise):
        return False
    if node.shape.count(batch) > 1 or any(
        d != batch and not isinstance(d, int) for d in node.shape
    ):
        return False
    at = place_of(node.shape, batch)
    if at is None:
        return all(batch not in x.shape for x in node.args)
    keeps = WITH_PLACES.get(node.op)
    return keeps is None or keeps(node, at, batch)


def _contraction_keeps(node: Expr, at: int, batch: str) -> bool:
    pairs = zip(node.args, node.params.inputs, strict=True)
    label = node.params.out[at]
    return all(batch not in x.shape or labels[x.shape.index(batch)] == label for x, labels in pairs)


def _slice_keeps(node: Expr, at: int, batch: str) -> bool:
    place = place_of(node.args[0].shape, batch)
    return place is not None and bool(node.params.at[place] == layout.full_entry(batch))


def _reshape_keeps(node: Expr, at: int, batch: str) -> bool:
    """Where as many entries are before the batch as there were."""
    before = node.args[0].shape
    place = place_of(before, batch)
    return place is not None and _entries(before[:place]) == _entries(node.shape[:at])


def _entries(shape: Shape) -> int:
    return math.prod(d for d in shape if isinstance(d, int))


def _gather_keeps(node: Expr, at: int, batch: str) -> bool:
    x, *indices = node.args
    place = place_of(x.shape, batch)
    return place is not None and place >= len(indices)


def _scatter_keeps(node: Expr, at: int, batch: str) -> bool:
    return at >= len(node.args) - 1


# Whether steps that move entries keep the problems apart; elementwise ones do
WITH_PLACES: Final[Mapping[Any, Callable[[Expr, int, str], bool]]] = {
    EINSUM: _contraction_keeps,
    layout.CONCAT: lambda node, at, batch: bool(node.params.axis != at),
    layout.SLICE: _slice_keeps,
    layout.EMBED: lambda node, at, batch: bool(node.params.at[at] == layout.full_entry(batch)),
    RESHAPE: _reshape_keeps,
    GATHER: _gather_keeps,
    SCATTER: _scatter_keeps,
}
