"""Formulas over an axis that is too long for one array: what is computed by pieces, and what is added up.

The axis is that of a named extent. A node with it is computed on each piece, if its rows do not mix; a
reduction over it is computed on each piece, and the parts are combined. So formulas fall into stages: the
reductions of a stage need those of the stages before, as the sum of squares about a mean needs the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.leaves import SIZE, SYMBOL, is_number, symbol
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import replace
from symgrad.expr.traverse import toposort
from symgrad.ops.einsum import EINSUM
from symgrad.ops.gathering import GATHER
from symgrad.ops.layout import CONCAT, EMBED, SLICE, full_entry
from symgrad.ops.reduction import LOGSUMEXP, MAX, MIN, PROD
from symgrad.ops.reshaping import RESHAPE

Combine = Callable[[Any, Any], Any]
COMBINED: Final[dict[Any, Combine]] = {
    EINSUM: np.add,
    MAX: np.maximum,
    MIN: np.minimum,
    PROD: np.multiply,
    LOGSUMEXP: np.logaddexp,
}


class LongReduction(NamedTuple):
    """A reduction over the long axis: its node, what stands for its value, and how parts are combined."""

    node: Expr
    value: Expr
    combine: Combine


class Stages(NamedTuple):
    """A computation over pieces of an axis.

    Attributes
    ----------
    reductions : list of list of Reduction
        Those of each stage, whose nodes hold the values of the stages before as symbols.
    outputs : list of Expr
        The outputs, with values of all reductions as symbols.
    size : Expr
        The symbol of the extent of the whole axis.
    """

    reductions: list[list[LongReduction]]
    outputs: list[Expr]
    size: Expr


def stages_of(outputs: Sequence[Expr], dim: str) -> Stages:
    """The stages of formulas over the axis `dim`.

    Raises
    ------
    ArgumentError
        For an operation that mixes rows along it, naming that.
    """
    size = symbol("size of the long axis")
    level: dict[Expr, int] = {}
    reductions: dict[Expr, Combine] = {}
    order = toposort(outputs)
    for node in order:
        level[node] = max((level[a] for a in node.args), default=0)
        if node.op is SYMBOL or node.op is SIZE:
            continue
        combine = _combined(node, dim)
        if combine is not None:
            reductions[node], level[node] = combine, level[node] + 1
    known: dict[Expr, Expr] = {n: size for n in order if n.op is SIZE and n.params[0] == dim}
    found: list[list[LongReduction]] = []
    for k in range(1, 1 + max((level[n] for n in reductions), default=0)):
        nodes = [n for n in reductions if level[n] == k]
        values = [symbol(f"reduction {k}.{i}", n.shape) for i, n in enumerate(nodes)]
        written = replace(nodes, known, {})
        stage = zip(written, values, nodes, strict=True)
        found.append([LongReduction(w, v, reductions[n]) for w, v, n in stage])
        known |= dict(zip(nodes, values, strict=True))
    return Stages(found, replace(list(outputs), known, {}), size)


def long_axis(node: Expr, dim: str) -> int | None:
    """Which axis of a node is the long one.

    Raises
    ------
    ArgumentError
        If several are.
    """
    axes = [i for i, d in enumerate(node.shape) if d == dim]
    if len(axes) > 1:
        raise ArgumentError(
            f"{node} has the long axis {dim} twice: pieces of it do not fit together"
        )
    return axes[0] if axes else None


def _combined(node: Expr, dim: str) -> Combine | None:
    """How the parts of a node are combined, or None where it is computed piece by piece or is short.

    Raises
    ------
    ArgumentError
        If it mixes rows.
    """
    axis, given = long_axis(node, dim), [long_axis(a, dim) for a in node.args]
    if all(g is None for g in given):
        if axis is None or node.op is EINSUM or is_number(node):  # short, a broadcast, or all alike
            return None
        raise _mixed(node, dim)
    if node.op is EINSUM:
        labels = {node.params.inputs[i][g] for i, g in enumerate(given) if g is not None}
        if len(labels) > 1:
            raise _mixed(node, dim)
        return None if axis is not None else np.add
    if axis is None:
        if node.op in COMBINED and node.op is not EINSUM:
            return COMBINED[node.op]
        raise _mixed(node, dim)
    if _keeps_rows(node, axis, given, dim):
        return None
    raise _mixed(node, dim)


def _keeps_rows(node: Expr, axis: int, given: Sequence[int | None], dim: str) -> bool:
    """Whether each row of a node is made of the same row of its operands."""
    op, first = node.op, given[0]
    if op.elementwise:
        return all(g in (axis, None) for g in given)
    if op in (MAX, MIN, PROD, LOGSUMEXP):
        return first not in node.params.axes
    if op.matrices:
        return all(g is None or g < a.ndim - 2 for g, a in zip(given, node.args, strict=True))
    if op is CONCAT:
        return bool(node.params.axis != axis) and all(g == axis for g in given)
    if op in (SLICE, EMBED) and first is not None:
        return bool(node.params.at[axis if op is EMBED else first] == full_entry(dim))
    if op is GATHER:
        return first is None
    if op is RESHAPE and first is not None:
        before = node.args[0].shape[:first], node.shape[:axis]
        if all(isinstance(d, int) for d in (*before[0], *before[1])):
            return prod(before[0]) == prod(before[1])
    return False


def _mixed(node: Expr, dim: str) -> ArgumentError:
    return ArgumentError(
        f"{node.op.name} mixes what is far apart along {dim}, so that pieces cannot be computed by"
        f" themselves: {str(node)[:80]}"
    )
