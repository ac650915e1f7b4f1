"""Which functions stand on the surface of a node: among the factors of a product, the terms of a sum.

Rules on products and sums look for certain functions. Whether they are there is seen from sets of functions
that each node takes from its operands, before anything is taken apart. Powers, products in products, names
and what is stretched are looked through; and sums in sums, but nothing deeper than that: there would be
everything in a large graph.
"""

from __future__ import annotations

from collections.abc import Iterable

from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.einsum import is_layout
from symgrad.ops.named import NAMED

Functions = int  # a set of functions, as bits


class Surface:
    """The functions of `ops` on the surface of nodes, remembered by node."""

    def __init__(self, ops: Iterable[Op]) -> None:
        self._bits: dict[Op, Functions] = {op: 1 << i for i, op in enumerate(dict.fromkeys(ops))}
        self._factors: dict[Expr, Functions] = {}

    def set_of(self, ops: Iterable[Op]) -> Functions:
        """Some of the functions as a set."""
        found = 0
        for op in ops:
            found |= self._bits[op]
        return found

    def of(self, node: Expr) -> Functions:
        """The functions on the surface of a node."""
        if node.op is not ADD:
            return self._among_factors(node)
        found = 0
        for term in node.args:
            for x in term.args if term.op is ADD else (term,):
                found |= self._among_factors(x)
        return found

    def _among_factors(self, node: Expr) -> Functions:
        known = self._factors
        stack = [node]
        while stack:
            x = stack[-1]
            if x not in known:
                inner = _factors(x)
                waiting = [y for y in inner if y not in known]
                if waiting:
                    stack += waiting
                    continue
                found = 0 if inner else self._bits.get(x.op, 0)
                for y in inner:
                    found |= known[y]
                known[x] = found
            stack.pop()
        return known[node]


def _factors(x: Expr) -> tuple[Expr, ...]:
    """What the functions among the factors of x are among the factors of; nothing for any other node."""
    if x.op is MUL:
        return x.args
    return x.args[:1] if x.op is POW or x.op is NAMED or is_layout(x) else ()
