"""Factors that several products have in common, multiplied once: ``a*b*c, a*b*d`` by ``p = a*b``.

A product may be multiplied in any order. The pair of factors that most products hold comes first, then
the next, greedily, as is usual in the elimination of common subexpressions of polynomials (Breuer 1969).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
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
        found: list[Expr] = []
        for arg in node.args:
            inner = factors.get(arg) if uses[arg] == 1 and not is_scaled_far(arg) else None
            found += inner if inner is not None else _split(arg)
        if len(found) <= MAX_FACTORS:
            for arg in node.args:
                if uses[arg] == 1 and not is_scaled_far(arg):
                    factors.pop(arg, None)
            factors[node] = found
    return factors


def _split(x: Expr) -> list[Expr]:
    """A factor by its own: ``1/(x*y)`` is ``1/x`` and ``1/y``, so that divisions share their parts."""
    if x.op is not POW:
        return [x]
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
    if not is_exact(n) or not -3 <= n < 0 or (2 * n) % 1:
        return [x]
    base = x.args[0]
    whole, half = divmod(-Fraction(n), 1)
    parts = [power(base, number(-1, base.shape))] * int(whole)
    return [*parts, power(base, number(Fraction(-1, 2), base.shape))] if half else parts


class _Sharing:
    """Products as lists of numbered factors; a pair that is shared becomes a factor."""

    def __init__(self, products: dict[Expr, list[Expr]]) -> None:
        self.nodes: list[Expr] = []  # factor by number; pairs are products
        self.pairs: dict[int, Pair] = {}
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

    def _pairs_of(self, node: Expr) -> Iterator[Pair]:
        return iter(dict.fromkeys(combinations(sorted(self.factors[node]), 2)))

    def _meet(self) -> None:
        """Find the pairs that several products hold; one that a single product holds stays its own."""
        pairs = {node: list(self._pairs_of(node)) for node in self.factors}
        counts = Counter(chain.from_iterable(pairs.values()))
        self.holders = {pair: {} for pair, count in counts.items() if count > 1}
        for node, own in pairs.items():
            for pair in own:
                if pair in self.holders:
                    self.holders[pair][node] = None

    def _enter(self, node: Expr, number: int) -> None:
        """Note a product in which `number` has come up."""
        for pair in self._pairs_of(node):
            if number in pair:
                self.holders.setdefault(pair, {})[node] = None
            elif pair in self.holders:
                self.holders[pair][node] = None

    def _leave(self, node: Expr) -> None:
        for pair in self._pairs_of(node):
            if pair in self.holders:
                del self.holders[pair][node]

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
        number = len(self.nodes)
        self.nodes.append(raw_product((self.nodes[pair[0]], self.nodes[pair[1]])))
        self.pairs[number] = pair
        self.changed.update(held)
        found: dict[Pair, None] = {}
        for node in held:
            self._leave(node)
            for k in pair:
                self.factors[node].remove(k)
            self.factors[node].append(number)
            self._enter(node, number)
            found.update((p, None) for p in self._pairs_of(node) if number in p)
        return [p for p in found if len(self.holders[p]) > 1]

    def product(self, node: Expr, image: Images) -> Expr | None:
        """A product that holds pairs, over the images of its factors."""
        if node not in self.changed:
            return None
        factors = [self._image(k, image) for k in self.factors[node]]
        return raw_product((*self.numbers[node], *factors))

    def _image(self, k: int, image: Images) -> Expr:
        """The image of a factor; pairs nest at most as deep as a product is long."""
        node = self.nodes[k]
        if k in self.pairs:
            a, b = self.pairs[k]
            return raw_product((self._image(a, image), self._image(b, image)))
        if node in image:
            return image[node]
        return power(image[node.args[0]], node.args[1])
