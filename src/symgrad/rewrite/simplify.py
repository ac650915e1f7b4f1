"""The simplifier of graphs of any size: one linear pass from the leaves to the roots.

Nested sums, and nested products, that are used once make one cluster, which is collected at its root;
so a sum of n terms costs n however it was written. A node that is used more than once is never taken
apart into its users.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from symgrad.expr.collector import COLLECTOR_PAUSED
from symgrad.expr.leaves import CONST, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, walk
from symgrad.expr.traverse import count_uses, rebuild, toposort
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, is_scaled_far, mul_all, raw_product
from symgrad.ops.einsum import EINSUM
from symgrad.ops.ufuncs import exp
from symgrad.rewrite.algebra import ALGEBRA
from symgrad.rewrite.clearing import cleared
from symgrad.rewrite.collect import collect_product, collect_sum
from symgrad.rewrite.collecting import CLEARED, COLLECT_PRODUCTS, COLLECT_SUMS, SHORTEST_SUMS
from symgrad.rewrite.deviations import without_named_deviations
from symgrad.rewrite.distribute import opened
from symgrad.rewrite.entries import joined_parts
from symgrad.rewrite.equal_exponentials import without_equal_exponentials
from symgrad.rewrite.matrices import without_cofactors
from symgrad.rewrite.names import Recall, cut, named_parts, put_back, symbols_for
from symgrad.rewrite.plain import is_plain_product, is_plain_sum
from symgrad.rewrite.rule import Guarantee, Rule, permitted, rewrite
from symgrad.rewrite.slopes import recognised, without_slopes
from symgrad.rewrite.tensor import hoisted, normal_einsum, product_as_einsum

MAX_READ: Final = 1000  # nodes of a formula that is worth putting into its shortest form
MAX_PASSES: Final = 5


@COLLECTOR_PAUSED
def simplify_all(
    roots: Sequence[Expr], written_out: bool = False, guarantee: Guarantee = Guarantee.DOMAIN
) -> list[Expr]:
    """The roots simplified together, so that what they share stays shared.

    Only rules that change no more than `guarantee` permits are used. Terms and powers are collected in
    one pass over a graph of any size. A formula small enough to be read is also factored and written
    out where that makes it shorter, until nothing changes. With `written_out` no product becomes a node
    that stands for a formula, such as a derivative of a power.
    """
    images = list(roots)
    run = _Pass(images, written_out, guarantee)
    parts = named_parts(run.order)
    if parts:
        symbols = symbols_for(parts)
        return put_back(simplify_all(cut(images, symbols), written_out, guarantee), symbols)
    for turn in range(MAX_PASSES):
        run = _Pass(images, written_out, guarantee) if turn else run
        before, images = images, run.run()
        if not run.readable or all(a is b for a, b in zip(before, images, strict=True)):
            break
    return images


def in_names(roots: Sequence[Expr], recall: Recall, simplified: bool) -> list[Expr]:
    """Derivatives in terms of the names of what was differentiated, and simplified."""
    named = recall(roots)
    return tidied(named, recall) if simplified else named


def tidied(roots: Sequence[Expr], recall: Recall) -> list[Expr]:
    """Formulas in terms of names, simplified; what is equal by the definitions of the names cancels."""
    found = simplify_all(roots)
    by_names = (without_named_deviations, recall.by_definitions) if recall.parts else ()
    for step in (recall, without_equal_exponentials, *by_names):
        changed = step(found)
        if any(a is not b for a, b in zip(found, changed, strict=True)):
            found = simplify_all(changed)
    return found


class _Pass:
    """One run over one set of roots."""

    def __init__(self, roots: Sequence[Expr], written_out: bool, guarantee: Guarantee) -> None:
        self.roots = list(roots)
        self.written_out = written_out
        self.guarantee = guarantee
        self.rules = permitted(ALGEBRA, guarantee)
        self.order = toposort(self.roots)
        self.readable = len(self.order) <= MAX_READ
        self.uses = count_uses(self.order, self.roots)
        self.absorbed = self._absorbed()
        self.image = Images()
        self.image_uses: dict[Expr, int] = {}

    def run(self) -> list[Expr]:
        whole = [node for node in self.order if node not in self.absorbed]
        walk(whole, self.image, step_of=lambda op: self._step)
        return list(self.image.of(self.roots))

    def _step(self, node: Expr, image: Images) -> Expr:
        if not node.args:
            return node
        made = self._simplified(node)
        self.image_uses[made] = self.image_uses.get(made, 0) + self.uses[node]
        return made

    def _absorbed(self) -> set[Expr]:
        """Nodes that are collected with their only user: a sum in a sum, a product in a product.

        Minus a sum, in a sum, is absorbed with the sum inside; in a product it is a factor.
        """
        in_sum: set[Expr] = set()
        in_product: set[Expr] = set()
        uses = self.uses
        sums, products = self._may(COLLECT_SUMS), self._may(COLLECT_PRODUCTS)
        for user in reversed(self.order):
            if sums and (user.op is ADD or user in in_sum):
                for arg in user.args:
                    if uses[arg] == 1 and (arg.op is ADD or _negated_sum(arg, uses)):
                        in_sum.add(arg)
            elif products and user.op is MUL:
                for arg in user.args:
                    if arg.op is MUL and uses[arg] == 1 and not is_scaled_far(arg):
                        in_product.add(arg)
        return in_sum | in_product

    def _simplified(self, node: Expr) -> Expr:
        if node.op is ADD and self._may(COLLECT_SUMS):
            return self._sum(node)
        if node.op is MUL and self._may(COLLECT_PRODUCTS):
            return product_as_einsum(hoisted(self._product(node)))
        args = tuple([self.image[arg] for arg in node.args])
        built = rebuild(node, args)
        if not self._may(COLLECT_PRODUCTS):
            return rewrite(built, self.rules)
        if built.op is POW and args[0].op is exp and self.uses[node.args[0]] == 1:
            return exp(built.args[1] * args[0].args[0])
        if _is_power_of_product(built) and self.uses[node.args[0]] == 1:
            return collect_product([(built, True)], node)
        if built.op is EINSUM:
            built = opened(normal_einsum(built, self._alone), self._alone)
        elif built.ndim and built.op.elementwise:
            built = hoisted(built)
        return rewrite(built, self.rules)

    def _may(self, rule: Rule) -> bool:
        return self.guarantee.permits(rule.guarantee)

    def _alone(self, image: Expr) -> bool:
        """Whether a simplified node is needed in one place only."""
        return self.image_uses.get(image, 1) <= 1

    def _is_plain(self, factor: Expr) -> bool:
        """Whether a number times this factor is as simple as it gets."""
        op = factor.op
        return op.label is not None or (
            op is POW and self.image[factor] is factor and factor.args[0].op.label is not None
        )

    def _sum(self, node: Expr) -> Expr:
        terms: list[tuple[Any, Expr]] = []
        stack: list[tuple[Any, Expr]] = [(1, node)]
        while stack:
            sign, x = stack.pop()
            if x is node or x in self.absorbed:
                if x.op is MUL:  # minus a sum
                    sign, x = -sign, x.args[1]
                stack.extend([(sign, arg) for arg in reversed(x.args)])
                continue
            image = self.image[x]
            if image.op is ADD and x.op is not ADD and self.uses[x] == 1:
                terms.extend([(sign, arg) for arg in image.args])
            else:
                terms.append((sign, image))
        if not self.readable and all(sign == 1 for sign, _ in terms):
            plain = [term for _, term in terms]
            if is_plain_sum(plain):
                return add_all(plain)
        total = collect_sum(terms, node, self.readable and self._may(SHORTEST_SUMS))
        joined = joined_parts(total) if total.op is ADD else None
        return rewrite(total, self.rules) if joined is None else joined

    def _product(self, node: Expr) -> Expr:
        if len(node.args) == 2 and node.args[0].op is CONST and self._is_plain(node.args[1]):
            return node
        factors: list[tuple[Expr, bool]] = []
        stack = [node]
        while stack:
            x = stack.pop()
            if x is node or x in self.absorbed:
                stack.extend(reversed(x.args))
            else:
                image = self.image[x]
                single = self.uses[x] == 1 and (image.op is not POW or self._alone(image.args[0]))
                factors.append((image, single))
        if not self.readable and is_plain_product(*zip(*factors, strict=True)):
            return raw_product(tuple([x for x, _ in factors]))
        product = collect_product(without_slopes(_regular(factors)), node)
        if self.readable and self._may(CLEARED):
            product = cleared(product, self._alone)
        if product.op is not MUL or self.written_out:
            return product
        known = recognised(product.args)
        return mul_all(known) if len(known) < len(product.args) else product


def _regular(factors: list[tuple[Expr, bool]]) -> list[tuple[Expr, bool]]:
    """Factors with cofactors written out by the inverse where they are divided by a determinant."""
    plain = without_cofactors([x for x, _ in factors])
    return [(x, single) for x, (_, single) in zip(plain, factors, strict=True)]


def _negated_sum(x: Expr, uses: dict[Expr, int]) -> bool:
    """Whether `x` is minus a sum that is used here only."""
    return (
        x.op is MUL
        and len(x.args) == 2
        and x.args[1].op is ADD
        and uses[x.args[1]] == 1
        and value_of(x.args[0]) == -1
    )


def _is_power_of_product(x: Expr) -> bool:
    return x.op is POW and x.args[0].op is MUL and value_of(x.args[1]).__class__ is int
