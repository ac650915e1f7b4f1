"""Which nodes of a graph are functions of one quantity: of u and of numbers, and of nothing else.

A node x is one of u where every way down from x, but those that end in numbers, goes through u: where u
is a dominator of x, as compilers say of control flow. The nearest dominator of a node is the nearest that
those of its operands have in common, so one walk finds the tree of dominators; whether u stands above x
in it takes O(log n) steps with jump pointers.

References: Cooper, Harvey, Kennedy, A simple, fast dominance algorithm, 2001; Myers, An applicative
random-access stack, 1983, on jump pointers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symgrad.expr.node import Expr


class OneQuantity:
    """The tree of dominators of a topological order.

    Operands of a node count where `transparent` says so: any other is a quantity of its own. Nodes for
    which `constant` holds are numbers, and those for which `function` holds are counted on the way.
    """

    def __init__(
        self,
        order: Sequence[Expr],
        constant: Callable[[Expr], bool],
        transparent: Callable[[Expr], bool],
        function: Callable[[Expr], bool],
    ) -> None:
        self._place: dict[Expr, int] = {}  # of nodes that are no numbers; 0 is the root of the tree
        self._numbers: dict[Expr, bool] = {}  # and whether there is a function in them
        self._parent, self._jump, self._depth, self._functions = [0], [0], [0], [0]
        for node in order:
            if constant(node):
                self._numbers[node] = False
            elif not transparent(node):
                self._append(node, 0, function(node))
            else:
                self._add(node, function(node))

    def _add(self, node: Expr, met: bool) -> None:
        """A node that is made of its operands."""
        met = met or any(self._numbers.get(arg, False) for arg in node.args)
        places = [self._place[arg] for arg in node.args if arg not in self._numbers]
        if not places:
            self._numbers[node] = met
            return
        below = places[0]
        for place in places[1:]:
            below = self._common(below, place)
        met = met or any(self._functions[p] > self._functions[below] for p in places)
        self._append(node, below, met)

    def _append(self, node: Expr, below: int, met: bool) -> None:
        self._place[node] = len(self._parent)
        jump, depth = self._jump, self._depth
        over = jump[below]
        even = depth[below] - depth[over] == depth[over] - depth[jump[over]]
        self._parent.append(below)
        jump.append(jump[over] if even else below)
        depth.append(depth[below] + 1)
        self._functions.append(self._functions[below] + met)

    def _common(self, a: int, b: int) -> int:
        """The nearest dominator of both."""
        parent, jump, depth = self._parent, self._jump, self._depth
        if depth[a] < depth[b]:
            a, b = b, a
        a = self._at_depth(a, depth[b])
        while a != b:
            a, b = (parent[a], parent[b]) if jump[a] == jump[b] else (jump[a], jump[b])
        return a

    def _at_depth(self, a: int, depth: int) -> int:
        while self._depth[a] > depth:
            over = self._jump[a]
            a = over if self._depth[over] >= depth else self._parent[a]
        return a

    def is_of(self, x: Expr, u: Expr) -> bool:
        """Whether x is a function of u alone, or a number."""
        if x in self._numbers:
            return True
        a, b = self._place.get(x, 0), self._place.get(u, 0)
        return (
            b != 0 and self._depth[a] >= self._depth[b] and self._at_depth(a, self._depth[b]) == b
        )

    def applies_functions(self, x: Expr, u: Expr) -> bool:
        """Whether x is a function of u alone, or a number, with one of those that are counted."""
        if x in self._numbers:
            return self._numbers[x]
        if not self.is_of(x, u):
            return False
        return self._functions[self._place[x]] > self._functions[self._place[u]]
