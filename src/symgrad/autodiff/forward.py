"""Forward mode: tangents of a graph in one walk from the leaves to the outputs.

A tangent may have trailing axes beyond those of its node, one direction per entry. Seeded with the
identity these are the axes of a Jacobian, and the identity is relabelled away wherever it goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symgrad.autodiff.accumulate import accumulate
from symgrad.autodiff.reverse import differentiable
from symgrad.errors import DerivativeError
from symgrad.expr.collector import COLLECTOR_PAUSED
from symgrad.expr.leaves import is_value, number
from symgrad.expr.node import Expr
from symgrad.expr.traverse import depends_on
from symgrad.ops.einsum import times
from symgrad.rewrite.prepare import prepared
from symgrad.rewrite.simplify import in_names


@COLLECTOR_PAUSED
def pushforward(
    outputs: Sequence[Expr], tangents: Mapping[Expr, Expr], simplified: bool = True
) -> list[Expr]:
    """The tangents of outputs, given those of leaves: ``sum_x d(output)/dx . t_x``.

    Time and size are linear in the number of distinct nodes of the outputs.

    Parameters
    ----------
    outputs : sequence of Expr
    tangents : mapping from symbol to Expr
        Each of the shape of its symbol, followed by axes that are the same for all.
    simplified : bool
        Whether to tidy the results.

    Raises
    ------
    DerivativeError
        If the outputs depend on the symbols through an op that has no derivative.
    """
    outputs, order, recall = prepared(outputs)
    active = depends_on(order, tangents)
    known: dict[Expr, Expr] = dict(tangents)
    extra = next((t.shape[x.ndim :] for x, t in tangents.items()), ())
    for node in order:
        if node in active and node.args and differentiable(node):
            tangent = tangent_of(node, [known.get(arg) for arg in node.args])
            if tangent is not None and not is_value(tangent, 0):
                known[node] = tangent
    empty = 0 in extra
    results = [
        number(0, (*y.shape, *extra)) if empty or 0 in y.shape or y not in known else known[y]
        for y in outputs
    ]
    return in_names(results, recall, simplified)


def tangent_of(node: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    """The tangent of a node, given those of its operands; None is zero."""
    if all(t is None for t in tangents):
        return None
    if not node.op.elementwise:
        return tangent_by_rule(node, tangents)
    partials = partials_of(node, [t is not None for t in tangents])
    terms = [
        times(p, t)
        for p, t in zip(partials, tangents, strict=True)
        if p is not None and t is not None
    ]
    return accumulate(terms) if terms else None


def tangent_by_rule(node: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    """The tangent of a node that mixes entries, given those of its operands; None is zero."""
    if node.op.jvp is None:
        raise DerivativeError(
            f"{node.op.name} has no derivative; hold its operand fixed with a symbol of its own, or"
            " use a smooth substitute"
        )
    return node.op.jvp(node, tangents)


def partials_of(node: Expr, needed: Sequence[bool]) -> Sequence[Expr | None]:
    """The partial derivatives of an elementwise node by the operands that are needed."""
    if node.op.vjp is None:
        raise DerivativeError(
            f"{node.op.name} has no derivative; hold its operand fixed with a symbol of its own, or"
            " use a smooth substitute"
        )
    return node.op.vjp(number(1, node.shape), node, needed)
