"""Reverse mode: adjoints of a graph in one walk from the outputs to the leaves."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.autodiff.accumulate import accumulate
from symgrad.autodiff.guards import guard_again, guarded_rule, singular_below
from symgrad.errors import DerivativeError
from symgrad.expr.collector import COLLECTOR_PAUSED
from symgrad.expr.leaves import is_value, number
from symgrad.expr.node import Expr
from symgrad.expr.traverse import depends_on
from symgrad.ops.guard import WHERE, is_guard
from symgrad.rewrite.prepare import prepared
from symgrad.rewrite.simplify import in_names


@COLLECTOR_PAUSED
def pullback(
    outputs: Sequence[Expr],
    cotangents: Sequence[Expr],
    wrt: Sequence[Expr],
    simplified: bool = True,
) -> list[Expr]:
    """The cotangents of leaves, given those of outputs: ``sum_k u_k . d(output_k)/d(leaf)``.

    Time and size are linear in the number of distinct nodes of the outputs.

    Parameters
    ----------
    outputs, cotangents : sequence of Expr
        Pairwise of one shape.
    wrt : sequence of Expr
        Symbols; each result has the shape of its symbol, zero where the outputs do not mention it.
    simplified : bool
        Whether to tidy the results.

    Raises
    ------
    DerivativeError
        If the outputs depend on `wrt` through an op that has no derivative.
    """
    outputs, order, recall = prepared(outputs)
    active = depends_on(order, wrt)
    pending: dict[Expr, list[Expr]] = {}
    for y, g in zip(outputs, cotangents, strict=True):
        if y in active:
            pending.setdefault(y, []).append(g)
    found: dict[Expr, Expr] = {}
    singular = singular_below(order)
    for node in reversed(order):
        contributions = pending.pop(node, None)
        if contributions is None:
            continue
        g = accumulate(contributions)
        if not node.args:
            found[node] = g
        elif not is_value(g, 0) and differentiable(node):
            needed = [arg in active for arg in node.args]
            for i, c in enumerate(_cotangents(node, g, needed)):
                if c is not None and needed[i]:
                    arg = node.args[i]
                    if node in singular and is_guard(g):
                        c = guard_again(node, g, i, c)
                    pending.setdefault(arg, []).append(c)
    results = [
        number(0, x.shape) if 0 in x.shape else found.get(x, number(0, x.shape)) for x in wrt
    ]
    return in_names(results, recall, simplified)


def differentiable(node: Expr) -> bool:
    """Whether the values of a node vary continuously: integers and booleans do not."""
    return node.ty.weak or node.ty.dtype.kind == "f"


def _cotangents(node: Expr, g: Expr, needed: Sequence[bool]) -> Sequence[Expr | None]:
    if node.op.vjp is None:
        raise DerivativeError(
            f"{node.op.name} has no derivative; hold its operand fixed with a symbol of its own, or use"
            " a smooth substitute"
        )
    if node.op.elementwise and node.op is not WHERE and is_guard(g):
        return guarded_rule(node, g, needed)
    return node.op.vjp(g, node, needed)
