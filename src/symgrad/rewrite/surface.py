"""Which functions stand on the surface of a node: among the factors of a product, the terms of a sum.

Rules on products and sums look for certain functions. Whether they are there is seen from sets of functions
that each node takes from its operands, before anything is taken apart. Powers, products in products, names
and what is stretched are looked through; and sums in sums, but nothing deeper than that: there would be
everything in a large graph. What stands in the terms of sums among factors is a set of its own. A power of
a number counts as a function, the number before a product does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symgrad.expr.leaves import CONST
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.einsum import EINSUM, is_layout
from symgrad.ops.named import NAMED

Functions = int  # a set of functions, as bits


class Surface:
    """The functions of `ops` on the surface of nodes, remembered by node."""

    def __init__(self, ops: Iterable[Op]) -> None:
        self._bits: dict[Op, Functions] = {op: 1 << i for i, op in enumerate(dict.fromkeys(ops))}
        self._count = len(self._bits)
        self._all = (1 << self._count) - 1
        self._known: dict[Expr, Functions] = {}  # of a sum: those in its terms, within

    def set_of(self, ops: Iterable[Op], within: bool = False) -> Functions:
        """Some of the functions as a set; those in sums among factors, too, with `within`."""
        found = 0
        for op in ops:
            found |= self._bits[op]
        return found | found << self._count if within else found

    def of(self, node: Expr) -> Functions:
        """The functions on the surface of a node."""
        found = self._known.get(node)
        if found is None:
            found = self._found(node)
        return found >> self._count if node.op is ADD else found

    def _found(self, node: Expr) -> Functions:
        known = self._known
        stack = [node]
        while stack:
            x = stack[-1]
            if x not in known:
                inner = _inner(x)
                waiting = [y for y in inner if y not in known]
                if waiting:
                    stack += waiting
                    continue
                found = 0
                for y in inner:
                    found |= known[y]
                if x.op is ADD:
                    found = (found & self._all) << self._count
                if x.op is ADD or not inner:
                    found |= self._bits.get(x.op, 0)
                known[x] = found
            stack.pop()
        return known[node]


def _inner(x: Expr) -> Sequence[Expr]:
    """The factors of a node, the terms of a sum and of sums in it; nothing for any other node."""
    op = x.op
    if op is MUL:
        return x.args[1:] if x.args[0].op is CONST else x.args
    if op is ADD:
        if any(term.op is ADD for term in x.args):
            return [y for term in x.args for y in (term.args if term.op is ADD else (term,))]
        return x.args
    if op is POW:
        return () if x.args[0].op is CONST else x.args[:1]
    return x.args[:1] if op is NAMED or (op is EINSUM and is_layout(x)) else ()
