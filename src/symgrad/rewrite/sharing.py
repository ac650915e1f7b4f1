"""Factors that several products have in common, multiplied once: ``a*b*c, a*b*d`` by ``p = a*b``.

A product may be multiplied in any order. The pair of factors that most products hold comes first, then
the next, greedily, as is usual in the elimination of common subexpressions of polynomials (Breuer 1969).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import chain, combinations
from typing import Any, Final

from symgrad.expr.leaves import is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.rewriting import Images, rewritten
from symgrad.expr.traverse import as_roots, toposort, uses_of
from symgrad.ops.arithmetic import MUL, POW, is_scaled_far, power, raw_product

MAX_FACTORS: Final = 16  # longer products are left alone: their pairs are many

Pair = tuple[int, int]


def share_factors(outputs: Sequence[Expr]) -> Sequence[Expr]:
    """The outputs, with pairs of factors that several products hold as products of their own."""
    outputs = as_roots(outputs)
    products = _products(outputs)
    if len(products) < 2:
        return outputs
    sharing = _Sharing(products)
    sharing.extract()
    if not sharing.changed:
        return outputs
    return rewritten(outputs, steps={MUL: sharing.product})


def _products(outputs: Sequence[Expr]) -> dict[Expr, list[Expr]]:
    """Products of floats with all their factors; those that are part of one other are within it."""
    uses = uses_of(outputs)
    factors: dict[Expr, list[Expr]] = {}
    for node in toposort(outputs):
        if node.op is not MUL or node.dtype.kind != "f":
            continue
        within = {x for x in node.args if x.op is MUL and uses[x] == 1 and not is_scaled_far(x)}
        found: list[Expr] = []
        for arg in node.args:
            if arg in within and arg in factors:
                found += factors[arg]
            elif arg.op is POW:
                found += _split(arg)
            else:
                found.append(arg)
        if len(found) <= MAX_FACTORS:
            for arg in within:
                factors.pop(arg, None)
            factors[node] = found
    return factors


def _split(x: Expr) -> list[Expr]:
    """A power by its own factors: ``1/(x*y)`` is ``1/x`` and ``1/y``: divisions share their parts."""
    inner = x.args[0]
    if inner.op is MUL and value_of(x.args[1]) == -1 and not is_scaled_far(inner):
        parts = [part for f in x.args[0].args for part in _split_power(power(f, x.args[1]))]
    else:
        parts = _split_power(x)
    # a power of -x is built as one of x with a sign before it, which is no part
    return parts if all(part.op is POW or is_number(part) or part is x for part in parts) else [x]


def _split_power(x: Expr) -> list[Expr]:
    """Negative powers by ``1/x`` and ``1/sqrt(x)``, so that divisions by powers of `x` share them."""
    n: Any = value_of(x.args[1]) if x.op is POW else None
    if not is_exact(n) or n == -1 or not -3 <= n < 0 or (2 * n) % 1:
        return [x]
    base = x.args[0]
    whole, half = divmod(-Fraction(n), 1)
    parts = [power(base, number(-1, base.shape))] * int(whole)
    return [*parts, power(base, number(Fraction(-1, 2), base.shape))] if half else parts


class _Sharing:
    """Products as lists of numbered factors; a pair that is shared becomes a factor."""

    def __init__(self, products: dict[Expr, list[Expr]]) -> None:
        self.nodes: list[Expr] = []  # factor by number; those of pairs come after
        self.pairs: dict[int, Pair] = {}
        self.made: dict[int, Expr] = {}  # images by number
        self.factors: dict[Expr, list[int]] = {}
        self.numbers: dict[Expr, list[Expr]] = {}
        self.holders: dict[Pair, dict[Expr, None]] = {}
        self.changed: set[Expr] = set()
        known: dict[Expr, int] = {}
        for node, factors in products.items():
            self.numbers[node] = [f for f in factors if is_number(f)]
            self.factors[node] = [self._number(f, known) for f in factors if not is_number(f)]
        self._meet()

    def _number(self, factor: Expr, known: dict[Expr, int]) -> int:
        if factor not in known:
            known[factor] = len(self.nodes)
            self.nodes.append(factor)
        return known[factor]

    def _meet(self) -> None:
        """Find the pairs that several products hold; one that a single product holds stays its own."""
        often = Counter(chain.from_iterable(map(set, self.factors.values())))
        pairs: dict[Expr, Iterable[Pair]] = {}
        for node, factors in self.factors.items():
            common = sorted([k for k in factors if often[k] > 1])
            if len(common) > 1:
                pairs[node] = dict.fromkeys(combinations(common, 2))
        counts = Counter(chain.from_iterable(pairs.values()))
        self.holders = {pair: {} for pair, count in counts.items() if count > 1}
        for node, own in pairs.items():
            for pair in own:
                if pair in self.holders:
                    self.holders[pair][node] = None

    def _forget(self, node: Expr, pair: Pair, rest: list[int]) -> None:
        """Take the pairs out that a product no longer holds when `rest` is left of it without a pair."""
        gone = [] if all(k in rest for k in pair) else [pair]
        for k in dict.fromkeys(pair):
            left = rest.count(k)
            if left == 0:
                gone += [(k, other) if k < other else (other, k) for other in rest]
            if left < 2:
                gone.append((k, k))
        for p in gone:
            held = self.holders.get(p)
            if held:
                held.pop(node, None)

    def extract(self) -> None:
        """Make factors of pairs until no two products hold the same pair."""
        heap = [(-len(held), pair) for pair, held in self.holders.items() if len(held) > 1]
        heapq.heapify(heap)
        while heap:
            count, pair = heapq.heappop(heap)
            held = list(self.holders[pair])
            if len(held) < 2:
                continue
            if len(held) != -count:
                heapq.heappush(heap, (-len(held), pair))
                continue
            for new in self._merge(pair, held):
                heapq.heappush(heap, (-len(self.holders[new]), new))

    def _merge(self, pair: Pair, held: list[Expr]) -> list[Pair]:
        """Put the product of a pair in its place; the pairs that this product makes with others."""
        number = len(self.nodes) + len(self.pairs)
        self.pairs[number] = pair
        self.changed.update(held)
        found: dict[Pair, None] = {}
        for node in held:
            factors = self.factors[node]
            for k in pair:
                factors.remove(k)
            self._forget(node, pair, factors)
            for k in dict.fromkeys(factors):
                found[k, number] = None
                self.holders.setdefault((k, number), {})[node] = None
            factors.append(number)
        return [p for p in found if len(self.holders[p]) > 1]

    def product(self, node: Expr, image: Images) -> Expr | None:
        """A product that holds pairs, over the images of its factors."""
        if node not in self.changed:
            return None
        factors = [self._image(k, image) for k in self.factors[node]]
        return raw_product((*self.numbers[node], *factors))

    def _image(self, k: int, image: Images) -> Expr:
        """The image of a factor; pairs nest at most as deep as a product is long."""
        found = self.made.get(k)
        if found is None:
            if k in self.pairs:
                a, b = self.pairs[k]
                found = raw_product((self._image(a, image), self._image(b, image)))
            else:
                node = self.nodes[k]
                known = image.get(node)
                found = power(image[node.args[0]], node.args[1]) if known is None else known
            self.made[k] = found
        return found
