"""The shortest of many forms of a scalar formula: candidates by rules, chosen by printed size.

From the leaves to the root, each node is replaced by the shortest form that a few rounds of rules find
for it. That is done for the formula as it is and for its other faces, such as the one with tangents
written as quotients; the best few go into the next round. The first of equally short forms is taken.
The work is counted, in nodes that rules look at or make, and the search ends where it is used up: the
same formula has the same form in every process.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from symgrad.expr.collector import COLLECTOR_PAUSED
from symgrad.expr.leaves import value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, transform, walked
from symgrad.expr.traverse import ops_of, toposort
from symgrad.expr.types import BOOL
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, split_coefficient
from symgrad.ops.continued import at_zero
from symgrad.ops.guard import WHERE
from symgrad.rewrite.names import cut, named_parts, put_back, symbols_for
from symgrad.rewrite.ratios import forget
from symgrad.rewrite.rule import by_op, rewrite
from symgrad.rewrite.short_angle_sums import ANGLE_SUM_FACES, ANGLE_SUM_RULES
from symgrad.rewrite.short_angles import ANGLE_FACES, ANGLE_RULES
from symgrad.rewrite.short_exponentials import (
    BY_ONE_EXPONENTIAL,
    EXPONENTIAL_FACES,
    EXPONENTIAL_RULES,
)
from symgrad.rewrite.short_gamma import GAMMA_RULES
from symgrad.rewrite.short_powers import SHORT_POWERS
from symgrad.rewrite.short_radicals import RADICAL_RULES
from symgrad.rewrite.short_ratios import RATIO_RULES
from symgrad.rewrite.short_squares import SQUARE_RULES
from symgrad.rewrite.short_trigonometry import TRIGONOMETRIC_FACES, TRIGONOMETRIC_RULES
from symgrad.rewrite.short_turns import TURN_RULES
from symgrad.rewrite.simplify import simplify_all
from symgrad.rewrite.size import OPERATION, Sizes, shares_factor, size_of
from symgrad.rewrite.surface import Surface

LOCAL: Final = by_op(
    (
        *(*RATIO_RULES, *SHORT_POWERS, *TURN_RULES, *TRIGONOMETRIC_RULES, *ANGLE_RULES),
        *(*ANGLE_SUM_RULES, *EXPONENTIAL_RULES, *SQUARE_RULES, *RADICAL_RULES, *GAMMA_RULES),
    )
)
MERGING: Final = by_op((BY_ONE_EXPONENTIAL,))  # saves work, so it goes first
FACES: Final = (*ANGLE_FACES, *ANGLE_SUM_FACES, *TRIGONOMETRIC_FACES, *EXPONENTIAL_FACES)
FACES_BY_OP: Final = tuple(map(by_op, FACES))
# functions without which some rules do nothing: looking for them is no work
AMONG: Final = tuple(op for group in LOCAL.values() for rule in group for op in rule.among)
NEEDED: Final = {
    rule: Surface(AMONG).set_of(rule.among, rule.within)
    for group in LOCAL.values()
    for rule in group
    if rule.among
}

WIDTH: Final = 2  # formulas that are kept from round to round
ROUNDS: Final = 3
STEPS: Final = 6  # rules that are applied to a node one after the other
OVERFLOW: Final = 1000  # operations that a form is longer by that may overflow where others do not,
HALF: Final = 0.5  # and one with a symbol left in every term of a sum
EXPONENTIALS: Final = (f.exp, f.exp2, f.expm1, f.cosh, f.sinh)
SLACK: Final = 48  # by how much what a rule made may be longer to be worth a search
MADE: Final = 4  # the work per operand of a rule that applies, where one that does not is 1
LEFT_OVER: Final = 500  # of the work, for a last look at the parts of what was found
DEPTH: Final = 2  # how deep what a rule made is searched in turn


SMALL: Final = 56  # nodes; in larger formulas rules do more at a time, so they may do less often


@dataclass(frozen=True)
class Budget:
    """How many nodes a formula may have, and how much work its search may be."""

    nodes: int
    work: int


BOUNDED: Final = Budget(300, 2800)
WITHOUT_BOUND: Final = Budget(1 << 40, 1 << 40)


@COLLECTOR_PAUSED
def shortest(
    forms: Sequence[Expr], bounds: Budget = BOUNDED, spent: Callable[[int], None] | None = None
) -> Expr:
    """The shortest form in print that the rules reach from some forms of one formula.

    The first of them where it is no scalar formula without branches, or too large. `spent` is told the
    work that was done.
    """
    order = toposort(forms)
    if len(order) > bounds.nodes * len(forms) or not all(map(_is_plain, order)):
        return forms[0]
    symbols = symbols_for(named_parts(order))  # names stay, and what they stand for
    search = _Search(bounds.work * SMALL**2 // max(SMALL, len(toposort(forms[:1]))) ** 2)
    try:
        return put_back([search.run(cut(forms, symbols))], symbols)[0]
    finally:
        if spent is not None:
            spent(search.spent)
        forget()  # no node outlives its users


def may_be_shortened(x: Expr) -> bool:
    """Whether any rule of the search applies to a scalar formula as it is; if none does, it finds nothing.

    That takes a small part of the time of a search.
    """
    order = toposort([x])
    if at_zero in ops_of([x]):
        return True
    if any(y.op.formula for y in (x.args if x.op is MUL else ())):
        return all(map(_is_plain, order))
    try:
        return all(map(_is_plain, order)) and any(
            (made := rule.apply(node)) is not None and made is not node
            for node in order
            for rules in (LOCAL, MERGING, *FACES_BY_OP)
            for rule in rules.get(node.op, ())
        )
    finally:
        forget()


def shorter_of(a: Expr, b: Expr) -> Expr:
    """b where it has fewer operations in print, else a."""
    search = _Search(0)
    return b if search.operations(b) < search.operations(a) else a


def _is_plain(node: Expr) -> bool:
    """Whether a node is a real scalar without branches; one that stands for a formula is a function.

    Infinities, and quotients by 0, follow no rule of algebra.
    """
    value = value_of(node.args[0] if node.op is POW else node)
    if value is not None and (not math.isfinite(value) or (node.op is POW and value == 0)):
        return False
    return node.shape == () and node.ty is not BOOL and node.op is not WHERE


def _is_quotient_of_infinities(product: Expr) -> bool:
    """Whether an exponential stands over another: ``(x*exp(x) + 1)/(exp(x) - 1)``.

    Over ``exp(u) + 1`` any may stand, and over ``exp(u) - 1`` an exponential alone: code computes those
    quotients by logistic and hyperbolic functions.
    """
    above: set[bool] = set()  # of exponentials: whether in a sum
    below: set[int] = set()  # of sums with an exponential: the number beside it, or 0
    for factor in product.args:
        base, n = (factor.args[0], value_of(factor.args[1])) if factor.op is POW else (factor, 1)
        if n is not None and any(map(_grows, base.args if base.op is ADD else (base,))):
            if n > 0:
                above.add(base.op is ADD)
            else:
                below.add(_beside_exponential(base))
    return (bool(above) and 0 in below) or (True in above and -1 in below)


def _beside_exponential(x: Expr) -> int:
    """1 or -1 of a sum ``exp(u) + 1`` or ``exp(u) - 1``, else 0."""
    if x.op is not ADD or len(x.args) != 2 or not any(y.op is f.exp for y in x.args):
        return 0
    return next((k for k in (1, -1) if any(value_of(y) == k for y in x.args)), 0)


def _grows(term: Expr) -> bool:
    """Whether a term has an exponential whose exponent is not written as negative."""
    factors = list(term.args if term.op is MUL else (term,))
    inside = [y for x in factors if x.op is ADD for y in x.args]
    factors += [x for y in inside for x in (y.args if y.op is MUL else (y,))]
    return any(x.op in EXPONENTIALS and split_coefficient(x.args[0])[0] > 0 for x in factors)


def _is_exponential(total: Expr) -> bool:
    """Whether a sum holds ``cosh(u) - sinh(u)``, of which no digit is left where u is large."""
    held = [split_coefficient(t) for t in total.args]
    cosines = {x.args[0]: abs(c) for c, x in held if x is not None and x.op is f.cosh}
    return any(
        cosines.get(x.args[0]) == abs(c) for c, x in held if x is not None and x.op is f.sinh
    )


class Faults(NamedTuple):
    """What speaks against a form: it may overflow where others do not, terms share a factor or cancel."""

    overflows: bool
    shares: bool


class _Search:
    """What is known in the course of one search."""

    def __init__(self, work: int) -> None:
        self.work, self.left, self.left_over = work, work, min(work, LEFT_OVER)
        self.sizes: Sizes = {}
        self.image = Images()
        self.faults: dict[Expr, Faults] = {}
        self.surface = Surface(AMONG)

    @property
    def spent(self) -> int:
        """The work done so far."""
        return self.work - max(self.left, 0)

    def weight(self, x: Expr) -> float:
        """What a form is chosen by: its size, longer for what may overflow."""
        return size_of(x, self.sizes).weight + OPERATION * self._penalty(x)

    def operations(self, x: Expr) -> float:
        """Of two forms with as many operations the one that is there already is good enough.

        It is not where a symbol is left in every term of a sum: ``a*x**2 - a``.
        """
        return size_of(x, self.sizes).operations + self._penalty(x)

    def _penalty(self, root: Expr) -> float:
        known = self.faults
        for node in toposort([root], skip=known):
            overflows = node.op is MUL and _is_quotient_of_infinities(node)
            shares = node.op is ADD and (shares_factor(node) or _is_exponential(node))
            for arg in node.args:
                overflows |= known[arg].overflows
                shares |= known[arg].shares
            known[node] = Faults(overflows, shares)
        found = known[root]
        return OVERFLOW * found.overflows + HALF * found.shares

    def run(self, forms: Sequence[Expr]) -> Expr:
        merge = partial(rewrite, rules=MERGING, limit=2)
        merged = [transform([x], merge)[x] for x in forms]
        given = sorted(dict.fromkeys([*forms, *merged]), key=self.operations)[:WIDTH]
        whole = min(self._candidates(given, set(given)), key=self.operations, default=given[0])
        # what a rule makes of the whole formula may be out of reach from the leaves
        best = min([self._best(given), self._best([whole])], key=self.operations)
        best = self._finished(best) if self.left <= 0 else best
        return best if any(best is x for x in forms) else self._tidied(best)

    def _best(self, beam: Sequence[Expr]) -> Expr:
        """The shortest form after a few rounds."""
        for _ in range(ROUNDS):
            made = [y for x in beam for y in self._faces(x)]
            ranked = sorted(dict.fromkeys([*beam, *made]), key=self.operations)[:WIDTH]
            done = all(a is b for a, b in zip(ranked, beam, strict=False)) or self.left <= 0
            beam = ranked
            if done:
                break
        return beam[0]

    def _finished(self, x: Expr) -> Expr:
        """What single rules make of the parts, and of the whole, where the work is used up, while that is
        shorter.
        """
        self.left, self.image = self.left_over, Images()
        x = min([x, self.improved(x, 0)], key=self.operations)
        for _ in range(STEPS):
            made = [y for rule in LOCAL.get(x.op, ()) if (y := rule.apply(x)) is not None]
            best = min([x, *made], key=self.operations)
            if best is x:
                break
            x = best
        return x

    def _tidied(self, x: Expr) -> Expr:
        """As the pass for all graphs would leave it, where that is no longer: so the form stays one.

        What is written out stays so: ``(g - 1)/x**g`` is no derivative of a power any more.
        """
        (tidy,) = simplify_all([x], written_out=not any(y.op.formula for y in toposort([x])))
        return tidy if self.operations(tidy) <= self.operations(x) else x

    def _faces(self, x: Expr) -> list[Expr]:
        """The formula improved, and what it becomes in other functions."""
        results = [self.improved(x, DEPTH)]
        for rules in FACES_BY_OP:
            if self.left > 0 and any(node.op in rules for node in toposort([x])):
                face = transform([x], partial(rewrite, rules=rules, limit=1))[x]
                results.append(self.improved(face, DEPTH))
        return results

    def improved(self, root: Expr, depth: int) -> Expr:
        """The graph with every node in its shortest form, from the leaves to the root."""

        def step(node: Expr, image: Images) -> Expr:
            built = image.over(node)
            if not node.args or self.left <= 0:
                return built
            return image[built] if built in image else self._climbed(built, node, depth)

        return walked([root], step, self.image)[root]

    def _climbed(self, x: Expr, given: Expr, depth: int) -> Expr:
        """A node after the rules that shorten it most, one after the other.

        `given` is the node before its operands were shortened: they may have fitted together better.
        """
        self.image[x] = x
        seen = {x, given}
        tried = [x] if given is x else [x, given]
        for _ in range(STEPS):
            best = x
            for y in self._candidates(tried, seen):
                if depth and self.weight(y) < self.weight(best) + SLACK:
                    y = self.improved(y, depth - 1)
                if self.operations(y) < self.operations(x) and self.weight(y) < self.weight(best):
                    best = y
            if best is x:
                break
            x = best
            tried = [x]
        return x

    def _candidates(self, tried: Sequence[Expr], seen: set[Expr]) -> Iterator[Expr]:
        """What rules make of some nodes, each once."""
        for x in tried:
            for rule in LOCAL.get(x.op, ()):
                if self.left <= 0:
                    return
                if rule in NEEDED and not self.surface.of(x) & NEEDED[rule]:
                    continue
                self.left -= 1
                y = rule.apply(x)
                if y is not None:
                    self.left -= MADE * len(x.args)
                    if y not in seen:
                        seen.add(y)
                        yield y
