"""Columns of a Jacobian, one variable at a time, each at the cost of what depends on the variable.

Forward accumulation with active sets: the outputs are prepared once, and a column is found from its
variable through the users of what is active, in topological order. So a sum of n terms costs a column the
terms that depend on the variable, and all columns together cost what the Jacobian has nodes. Of a
symmetric Jacobian, a Hessian, only the rows on and above the diagonal are followed.

Reference: Gower and Mello, A new framework for the computation of Hessians, Optim. Methods Softw. 27, 2012:
its edges are the pairs of a variable and a node of the gradient that are met here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush

from symgrad.autodiff.accumulate import accumulate
from symgrad.autodiff.forward import partials_of, tangent_by_rule
from symgrad.autodiff.parts import Parted, parted
from symgrad.autodiff.reverse import differentiable
from symgrad.expr.leaves import is_value
from symgrad.expr.node import Expr
from symgrad.expr.traverse import depends_on
from symgrad.ops.einsum import times
from symgrad.ops.layout import SLICE
from symgrad.rewrite.prepare import prepared


class JacobianColumns:
    """The Jacobian of some outputs by some symbols, to be asked for column by column.

    Parameters
    ----------
    outputs : sequence of Expr
    leaves : iterable of Expr
        All symbols that columns will be asked for.

    Attributes
    ----------
    recall : Recall
        How to find the names again in which results are written.
    """

    def __init__(self, outputs: Sequence[Expr], leaves: Iterable[Expr]) -> None:
        leaves = set(leaves)
        self.outputs, self._order, self.recall = prepared(outputs)
        self._active = depends_on(self._order, leaves)
        self._place = {x: k for k, x in enumerate(self._order) if _is_read(x, leaves)}
        self._first_row = self._first_rows()
        self._users = self._found_users()
        self._partials: dict[Expr, Sequence[Expr | None]] = {}

    def _first_rows(self) -> list[int]:
        """The first output that each node leads to, by its place in the order."""
        first: dict[Expr, int] = {}
        for k, y in enumerate(self.outputs):
            first.setdefault(y, k)
        for node in reversed(self._order):
            row = first[node]
            for arg in node.args:
                if first.get(arg, row) >= row:
                    first[arg] = row
        return [first[node] for node in self._order]

    def _found_users(self) -> dict[Expr, list[tuple[int, int]]]:
        """Per active node its users, by their place in the order, and its place among their operands."""
        users: dict[Expr, list[tuple[int, int]]] = {}
        for place, node in enumerate(self._order):
            if node in self._active and node.args and differentiable(node):
                for i, arg in enumerate(node.args):
                    if arg in self._active:
                        users.setdefault(arg, []).append((place, i))
        return users

    def column(self, tangents: Mapping[Expr, Expr], rows: int) -> dict[int, Expr]:
        """The tangents of the first `rows` outputs, by their number, where they are not zero.

        `tangents` has those of the leaves that are not zero, or of slices of leaves (see `parted`).

        Raises
        ------
        DerivativeError
            If an output depends on the leaves through an op that has no derivative.
        """
        known: dict[Expr, Expr] = {}
        arrived: dict[int, list[tuple[int, Expr]]] = {}
        waiting = [self._place[x] for x in tangents if x in self._place]
        heapify(waiting)
        while waiting:
            place = heappop(waiting)
            node = self._order[place]
            tangent = tangents.get(node)
            if tangent is None:
                tangent = self._tangent(node, arrived.pop(place))
            if tangent is None or is_value(tangent, 0):
                continue
            known[node] = tangent
            for user, i in self._users.get(node, ()):
                if user in arrived:
                    arrived[user].append((i, tangent))
                elif self._first_row[user] < rows:
                    arrived[user] = [(i, tangent)]
                    heappush(waiting, user)
        return {k: known[y] for k, y in enumerate(self.outputs[:rows]) if y in known}

    def parted(self, x: Expr) -> Parted | None:
        """How a leaf is read in parts, where it is; each has columns of its own."""
        if any(y is x for y in self.outputs):
            return None
        return parted(x, [self._order[place] for place, _ in self._users.get(x, ())])

    def _tangent(self, node: Expr, arrived: list[tuple[int, Expr]]) -> Expr | None:
        """The tangent of a node, given those of some operands."""
        if not node.op.elementwise:
            tangents: list[Expr | None] = [None] * len(node.args)
            for i, t in arrived:
                tangents[i] = t
            return tangent_by_rule(node, tangents)
        partials = self._partials.get(node)
        if partials is None:
            needed = [arg in self._active for arg in node.args]
            partials = self._partials[node] = partials_of(node, needed)
        arrived.sort(key=_operand)
        terms = [times(p, t) for i, t in arrived if (p := partials[i]) is not None]
        return accumulate(terms) if terms else None


def _is_read(x: Expr, leaves: Collection[Expr]) -> bool:
    """Whether columns may begin at a node: a leaf, or a slice of one."""
    return x in leaves or (x.op is SLICE and x.args[0] in leaves)


def _operand(arrived: tuple[int, Expr]) -> int:
    return arrived[0]
