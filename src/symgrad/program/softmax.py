"""Softmax: ``exp(x - logsumexp(x))`` and ``logsumexp(x)`` by the same exponentials.

    e = exp(x - top),  s = sum(e),  softmax(x) = e/s,  logsumexp(x) = log(s) + top

with the largest entry as `top`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symgrad.expr import kinds
from symgrad.expr.kinds import (
    DIVIDE,
    SUBTRACT,
    WHOLE,
    Index,
    Reduce,
    Squeeze,
    Ufunc,
    Written,
)
from symgrad.expr.leaves import value_of
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import ADD, MUL
from symgrad.ops.einsum import EINSUM
from symgrad.ops.reduction import LOGSUMEXP, axes_of, stretched_back
from symgrad.ops.ufuncs import exp
from symgrad.program.arithmetic import binary
from symgrad.program.ir import Program, Value

LOG_TOTAL: Final = Written("_log_total({0})", "")  # -inf at 0 without a warning


def softmaxes(order: Sequence[Expr]) -> dict[Expr, Expr]:
    """The nodes ``exp(x - logsumexp(x))`` of a graph, with the logsumexp of each."""
    pairs = ((node, _total(node)) for node in order if node.op is exp)
    return {node: total for node, total in pairs if total is not None}


def _total(node: Expr) -> Expr | None:
    """The logsumexp that is subtracted in an exponential of its own operand, or None."""
    terms = node.args[0]
    if terms.op is not ADD or len(terms.args) != 2:
        return None
    for x, other in (terms.args, terms.args[::-1]):
        if other.op is MUL and len(other.args) == 2 and value_of(other.args[0]) == -1:
            back = other.args[1]
            y = back.args[0] if back.op is EINSUM and len(back.args) == 1 else back
            if y.op is LOGSUMEXP and y.args[0] is x and stretched_back(y, y) is back:
                return y
    return None


class Exponentials:
    """The values that the softmaxes and the logsumexp of one operand share."""

    def __init__(self, p: Program, y: Expr, x: Value) -> None:
        self.p = p
        self.y = y
        axes = y.params.axes
        shape = y.args[0].shape
        kept = tuple(1 if k in axes else d for k, d in enumerate(shape))
        axes = axes_of(y)
        self.top = p.emit(Reduce("largest", axes, keepdims=True), (x,), kept)
        shifted = binary(p, SUBTRACT, x, self.top)
        self.e = p.emit(Ufunc("exp"), (shifted,), shape)
        self.sum = p.emit(Reduce("add", axes), (self.e,), y.shape)

    def softmax(self) -> Value:
        """``e/s``."""
        axes = self.y.params.axes
        shape = self.y.args[0].shape
        kept = tuple(1 if k in axes else d for k, d in enumerate(shape))
        index = Index(tuple([None if k in axes else WHOLE for k in range(len(shape))]))
        under = self.sum
        if self.y.shape != ():
            under = self.p.emit(index, (self.sum,), kept)
        return binary(self.p, DIVIDE, self.e, under)

    def logsumexp(self) -> Value:
        """``log(s) + top``."""
        log = self.p.emit(LOG_TOTAL, (self.sum,), self.y.shape)
        top = self.p.emit(Squeeze(self.y.params.axes), (self.top,), self.y.shape)
        return binary(self.p, kinds.ADD, log, top)
