"""Sums of products by Horner's scheme, where that saves multiplications.

    c0 + c1*b + c3*b**3  =  c0 + b*(c1 + b**2*c3)

The base b is any factor with positive integer powers, the coefficients any other factors; a factor that
terms have in common is the case of one power. What is counted are the products of each term and the
powers that nothing else computes. Terms that other formulas use are shared work, and stay.

Each result may be off by other roundings; Horner's error bound is that of the sum of the terms (Higham,
Accuracy and Stability of Numerical Algorithms, 2002, section 5.1). Where terms
overflow with opposite signs their sum is nan, and the nested form may be the larger term's infinity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import EYE, NAMED_NUMBER, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.rewriting import rewritten
from symgrad.expr.traverse import as_roots, ops_of, toposort, uses_of
from symgrad.ops.arithmetic import (
    ADD,
    MAX_UNROLLED,
    MUL,
    POW,
    add_all,
    is_scaled_far,
    mul,
    power,
    raw_product,
)
from symgrad.ops.einsum import EINSUM
from symgrad.ops.identities import has_identity

MAX_FACTORS: Final = 16  # longer products are left alone

Power = tuple[Expr, int]  # a base and an exponent of at least 2


@dataclass(frozen=True)
class HornerTerm:
    """A number times powers of bases; where it is not taken apart, it is one base itself."""

    coefficient: Any
    powers: Mapping[Expr, int]

    def over(self, powers: Mapping[Expr, int]) -> HornerTerm:
        """The term divided by powers that it has."""
        rest = {b: n - powers.get(b, 0) for b, n in self.powers.items()}
        return HornerTerm(self.coefficient, {b: n for b, n in rest.items() if n})

    def without(self, base: Expr) -> HornerTerm:
        """The term over its power of a base."""
        return self.over({base: self.powers[base]})

    @property
    def products(self) -> int:
        """Multiplications of full-size arrays: numbers and smaller arrays are multiplied first."""
        small = abs(self.coefficient) != 1 or any(_is_small(b) for b in self.powers)
        return max(sum(not _is_small(b) for b in self.powers) + small - 1, 0)


def horner(outputs: Sequence[Expr]) -> Sequence[Expr]:
    """The outputs, with sums nested by powers of a base where that takes fewer multiplications."""
    outputs = as_roots(outputs)
    if ADD not in ops_of(outputs):
        return outputs
    scheme = _Scheme(toposort(outputs), uses_of(outputs))
    if not scheme.nestable:
        return outputs
    return rewritten(outputs, steps={ADD: scheme.nested})


def _is_small(base: Expr) -> bool:
    """Whether a factor is a known number, or has fewer axes than the products that it is in."""
    if base.op is NAMED_NUMBER:
        return True
    return base.op is EINSUM and len(base.args) == 1 and base.args[0].ndim < base.ndim


def _chain(n: int) -> Iterator[int]:
    """The powers that binary powering goes through to the n-th, without the first."""
    reached = 1
    for bit in bin(n)[3:]:
        reached *= 2
        yield reached
        if bit == "1":
            reached += 1
            yield reached


class _Scheme:
    """The sums of a graph as terms, and how many of them compute each power."""

    def __init__(self, order: Sequence[Expr], uses: Mapping[Expr, int]) -> None:
        self.uses = uses
        self.sums: dict[Expr, list[HornerTerm]] = {}
        self.held: Counter[Power] = Counter()
        self.opened: set[Expr] = set()  # products whose factors are those of a sum's term
        self.nestable: set[Expr] = set()  # sums of which several terms have a base in common
        for node in order:
            if node.op is ADD and node.dtype.kind == "f":
                terms = self.sums[node] = [self._term(arg, node) for arg in node.args]
                bases = [base for term in terms for base in term.powers]
                if len(set(bases)) < len(bases):
                    self.nestable.add(node)
        if self.nestable:
            self._hold(order)

    def _hold(self, order: Sequence[Expr]) -> None:
        """Count the powers of each sum once, and those that anything else mentions."""
        for terms in self.sums.values():
            self.held.update(_powers(terms))
        for node in order:
            if node not in self.sums and node not in self.opened:
                for arg in node.args:
                    if arg.op is POW:
                        self.held.update(_powers([_as_power(arg)]))

    def _term(self, x: Expr, total: Expr) -> HornerTerm:
        """A term of a sum; products that nothing else uses are taken apart."""
        coefficient: Any = 1
        powers: dict[Expr, int] = {}
        inner, stack = [], [x]
        while stack:
            factor = stack.pop()
            c = value_of(factor)
            if not (factor.ty.weak or factor.ty is total.ty or factor.dtype == total.dtype) or (
                c.__class__ is bool
            ):
                return HornerTerm(1, {x: 1})
            if c is not None:
                coefficient = coefficient * c
            elif factor.op is MUL and self.uses[factor] == 1 and not is_scaled_far(factor):
                inner.append(factor)
                stack += reversed(factor.args)
            elif factor.op is POW:
                for base, n in _as_power(factor).powers.items():
                    powers[base] = powers.get(base, 0) + n
            else:
                powers[factor] = powers.get(factor, 0) + 1
            if len(powers) > MAX_FACTORS:
                return _as_power(x)
        self.opened.update(inner)
        return HornerTerm(coefficient, powers)

    # Nesting

    def nested(self, node: Expr, image: Mapping[Expr, Expr]) -> Expr | None:
        """A sum in nested form, or None where nothing is saved."""
        if node not in self.nestable:
            return None
        terms = self.sums[node]
        self.held.subtract(_powers(terms))
        common = _common_number(terms)
        if common != 1:
            terms = [HornerTerm(_exact(Fraction(t.coefficient) / common), t.powers) for t in terms]
        nest = _Nest(self.held, node, image)
        parts = nest.parts(terms)
        self.held.update(nest.mine if parts is not None else _powers(terms))
        if parts is None:
            return None
        total = add_all(parts)
        total = total if common == 1 else mul(number(common, node.shape), total)
        return total if total.ty is node.ty else None


def _common_number(terms: Sequence[HornerTerm]) -> int | Fraction:
    """The positive exact number by which all terms are multiplied, but for signs."""
    sizes = {abs(t.coefficient) for t in terms}
    size = sizes.pop()
    return size if not sizes and is_exact(size) and size != 0 else 1


def _exact(c: Fraction) -> int | Fraction:
    return c.numerator if c.denominator == 1 else c


def _as_power(x: Expr) -> HornerTerm:
    """A factor as a power of a base, itself where its exponent is no small positive int."""
    n: Any = value_of(x.args[1]) if x.op is POW else None
    if n.__class__ is int and 2 <= n <= MAX_UNROLLED:
        return HornerTerm(1, {x.args[0]: n})
    return HornerTerm(1, {x: 1})


def _powers(terms: Iterable[HornerTerm]) -> set[Power]:
    """The powers that terms need, with those on the way to them."""
    return {(b, m) for t in terms for b, n in t.powers.items() if n > 1 for m in _chain(n)}


class _Nest:
    """Nests one sum; `mine` are the powers that the result computes."""

    def __init__(self, held: Counter[Power], like: Expr, image: Mapping[Expr, Expr]) -> None:
        self.held = held
        self.like = like
        self.image = image
        self.mine: set[Power] = set()

    def parts(self, terms: Sequence[HornerTerm]) -> list[Expr] | None:
        """The terms of a sum, those with powers of one base as one; None where nothing is saved.

        Bases come in the order of what they save, each with the terms that are still free. Nested sums
        have one factor less in each term, so this goes no deeper than products are long.
        """
        members: dict[Expr, list[int]] = {}
        for k, term in enumerate(terms):
            for base in term.powers:
                members.setdefault(base, []).append(k)
        found = {
            base: gain
            for base, ks in members.items()
            if len(ks) > 1 and (gain := self._saved(base, [terms[k] for k in ks])) > 0
        }
        taken: dict[int, Expr] = {}
        first: dict[int, Expr] = {}
        for base in sorted(found, key=found.__getitem__, reverse=True):
            free = [k for k in members[base] if k not in taken]
            chosen = [terms[k] for k in free]
            if len(free) > 1 and self._saved(base, chosen) > 0:
                taken.update(dict.fromkeys(free, base))
                first[free[0]] = self._in_powers(base, chosen)
        if not first:
            self.mine |= _powers(terms)
            return None
        rest = {k: self._product(t) for k, t in enumerate(terms) if k not in taken}
        self.mine |= _powers([terms[k] for k in rest])
        both = rest | first
        return [both[k] for k in sorted(both)]

    def _saved(self, base: Expr, terms: Sequence[HornerTerm]) -> int:
        """Multiplications saved by nesting terms in powers of a base."""
        if base.op is EYE or has_identity(base):
            return 0
        exponents = sorted({t.powers[base] for t in terms}, reverse=True)
        top = [t for t in terms if t.powers[base] == exponents[0]]
        bare = len(top) == 1 and len(top[0].powers) == 1 and abs(top[0].coefficient) == 1
        products = sum(t.products - t.without(base).products for t in terms)
        before = self._new(base, exponents)
        after = self._new(base, _gaps(exponents))
        return products - (len(exponents) - bare) + before - after

    def _new(self, base: Expr, exponents: Sequence[int]) -> int:
        """Multiplications for powers that nothing else computes."""
        if _is_small(base):
            return 0
        needed = {(base, m) for n in exponents for m in _chain(n)} - self.mine
        return sum(self.held[power] <= 0 for power in needed)

    def _in_powers(self, base: Expr, terms: Sequence[HornerTerm]) -> Expr:
        """``m*b**g1*(c1 + b**g2*(c2 + ...))`` for terms that all have powers of a base.

        What else all of them have is in front.
        """
        others = [b for b in terms[0].powers if b is not base and all(b in t.powers for t in terms)]
        common = {b: min(t.powers[b] for t in terms) for b in others}
        terms = [t.over(common) for t in terms]
        self.mine |= _powers([HornerTerm(1, common)])
        exponents = sorted({t.powers[base] for t in terms}, reverse=True)
        self.mine |= {(base, m) for gap in _gaps(exponents) for m in _chain(gap)}
        inner: list[Expr] = []
        for n, gap in zip(exponents, _gaps(exponents), strict=True):
            own = [t.without(base) for t in terms if t.powers[base] == n]
            parts = self.parts(own) or [self._product(t) for t in own]
            inner = [self._times(self._raised(base, gap), add_all([*parts, *inner]))]
        for b, n in common.items():
            inner = [self._times(self._raised(b, n), inner[0])]
        return inner[0]

    def _raised(self, base: Expr, n: int) -> Expr:
        return power(self.image[base], number(n, base.shape))

    def _times(self, x: Expr, y: Expr) -> Expr:
        c = value_of(y)
        if c is not None:
            return mul(y, x)
        return raw_product((*y.args, x)) if y.op is MUL else raw_product((x, y))

    def _product(self, term: HornerTerm) -> Expr:
        factors = [self._raised(b, n) for b, n in term.powers.items()]
        c = number(term.coefficient, self.like.shape)
        if not factors:
            return c
        product = raw_product(tuple(factors))
        if is_exact(term.coefficient) and term.coefficient == 1:
            return product
        return raw_product((c, *factors))


def _gaps(exponents: Sequence[int]) -> list[int]:
    """The differences of falling exponents, the last to zero."""
    return [a - b for a, b in zip(exponents, [*exponents[1:], 0], strict=True)]
