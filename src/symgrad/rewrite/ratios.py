"""Sums over one denominator: numerators written out, cancelled and put together again.

A term is a number times powers of bases (`symgrad.rewrite.powers`). Every function here gives None where
a coefficient is not exact or the numerator would be long. What is cancelled may have been zero, so the
results are of the guarantee "domain".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from symgrad.expr.leaves import is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact, power_value
from symgrad.expr.ranges import is_nonnegative, range_of
from symgrad.expr.traverse import toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, mul, split_coefficient
from symgrad.rewrite import polynomials
from symgrad.rewrite.polynomials import Polynomial
from symgrad.rewrite.powers import Exact, Powers, as_term, powers_of, raise_power, times
from symgrad.rewrite.sums import Coefficients, as_sum

Term = tuple[Exact, Powers]

MAX_TERMS: Final = 6  # of a sum that is put over one denominator
MAX_MONOMIALS: Final = 20  # of a numerator
MAX_DEGREE: Final = 6  # of a power of a sum that is written out
MAX_DEPTH: Final = 3  # denominators in sums below one another that are cleared
MAX_NESTING: Final = 4  # sums and roots of sums within one another that are written out
CIRCLES: Final = {f.sin: (f.cos, -1), f.cos: (f.sin, -1), f.cosh: (f.sinh, 1), f.sinh: (f.cosh, 1)}


# Terms


@lru_cache(maxsize=4096)
def split(x: Expr) -> Term | None:
    """A term as a number times powers; products to integer powers are taken apart.

    A search asks for that of the same terms again and again. It forgets them at its end.
    """
    c, rest = split_coefficient(x)
    if not is_exact(c):
        return None
    if rest is None:
        return c, {}
    opened: Term | None = (c, {})
    powers = powers_of(rest)
    below = {b.args[0] for b in powers if b.op is POW}
    for base, n in powers.items():
        part = (1, {base: n}) if base in below and not _has_inverse(base) else _opened(base, n)
        opened = None if part is None else multiplied(opened, part)
        if opened is None:
            return None
    return opened


def _is_nonzero(x: Expr) -> bool:
    """Whether x is an exact number other than 0."""
    value = value_of(x)
    return is_exact(value) and value != 0


def forget() -> None:
    """Let go of the terms and sums that a search has asked for."""
    split.cache_clear()
    of_sum.cache_clear()


def multiplied(a: Term | None, b: Term | None) -> Term | None:
    """The product of two terms."""
    if a is None or b is None:
        return None
    c, powers = a[0] * b[0], times(a[1], b[1])
    for base in [b for b, n in powers.items() if n.denominator == 1 and _is_nonzero(b)]:
        c = c * Fraction(value_of(base)) ** int(powers.pop(base))  # sqrt(2)*sqrt(2)
    return _exact(c), powers


def _has_inverse(base: Expr) -> bool:
    """Whether a product below ``base**n`` is nowhere zero, so that ``base**(n - 1)`` may be taken apart."""
    inner = split(base) if base.op is MUL else None
    return inner is not None and all(n < 0 or range_of(b).nonzero for b, n in inner[1].items())


def _opened(base: Expr, n: Exact) -> Term | None:
    if base.op is MUL:
        inner = split(base)
        whole = None if inner is None else raised(inner, n)
        return (1, {base: n}) if whole is None else whole
    q: Any = value_of(base.args[1]) if base.op is POW else None
    if is_exact(q):
        if n.__class__ is int:  # sqrt(u)**2
            return 1, {base.args[0]: _exact(q * n)}
        return raised((1, {base.args[0]: q}), n) or (1, {base: n})  # sqrt(u**2) is |u|
    if base.op is POW and n.__class__ is int:
        k, p = split_coefficient(base.args[1])  # x**(2*n) is (x**n)**2
        if k.__class__ is int and k not in (0, 1) and p is not None:
            inside = powers_of(POW.build((base.args[0], p), ()))
            return 1, {b: m * n * k for b, m in inside.items()}
    return 1, {base: n}


def raised(term: Term, n: Exact) -> Term | None:
    """``(c*product)**n``; for a root all factors but one must be known to be nonnegative."""
    c, powers = term
    if c == 0 or (c < 0 and n.__class__ is not int):
        return None
    result: Powers = {}
    scale = power_value(c, n)
    if not is_exact(scale):
        scale = 1
        for part, sign in ((c.numerator, 1), (c.denominator, -1)):
            if part != 1:
                raise_power(result, number(part), sign * n)
    unknown = 0
    for base, m in powers.items():
        if n.__class__ is not int and not is_nonnegative(base):
            if m.__class__ is int and m % 2 == 0:
                base = base if (m * n) % 2 == 0 else f.absolute(base)
            else:
                unknown += 1
                if m != 1:
                    return None
        raise_power(result, base, _exact(m * n))
    return None if unknown > 1 else (scale, result)


def _exact(n: Exact) -> Exact:
    return n.numerator if n.denominator == 1 else n


# Denominators


@lru_cache(maxsize=1024)
def of_sum(
    x: Expr, depth: int = MAX_DEPTH, squares: int = 0, written_out: bool = True
) -> Term | None:
    """A sum as one term: its numerator is a sum among the powers. See `over_common` for the options."""
    if len(x.args) > MAX_TERMS:
        return None
    if squares and not _has_circle(x):
        return None
    terms = terms_of(x, depth, written_out)
    if terms is None or not (squares or _joins(terms)):
        return None
    return over_common(terms, x, squares, written_out=written_out)


def _has_circle(x: Expr) -> bool:
    """Whether there may be the square of a function of a circle in a numerator."""
    return any(node.op in CIRCLES for node in toposort([x]))


def _joins(terms: Sequence[Term]) -> bool:
    """Whether there is anything to join: a denominator, a sum in a sum, a common factor, a square."""
    first = terms[0][1]
    if all(b.op.label is not None and n > 0 for _, powers in terms for b, n in powers.items()):
        return False  # a polynomial stays as it is
    if all(
        len(powers) == 1 and b.op is ADD and n == 1
        for _, powers in terms
        for b, n in powers.items()
    ):
        return False  # so do differences, which may be small: 2*(x - a) + 2*(x - b)
    return (
        len(terms) > 2
        or any(c.denominator > 1 for c, _ in terms)
        or any(b.op is ADD or n < 0 for _, powers in terms for b, n in powers.items())
        or any(all(b in powers for _, powers in terms) for b in first)
    )


def plain_terms(x: Expr, most: int = MAX_TERMS) -> list[Term] | None:
    """The terms of a sum as they are; None where there are more than `most`, or a number is not exact."""
    terms = [split(arg) for arg in x.args] if x.op is ADD and len(x.args) <= most else [None]
    found = [t for t in terms if t is not None]
    return found if len(found) == len(terms) else None


def terms_of(x: Expr, depth: int = MAX_DEPTH, written_out: bool = True) -> list[Term] | None:
    """The terms of a sum, denominators inside them cleared."""
    terms = []
    for arg in x.args if x.op is ADD else (x,):
        term = split(arg)
        if term is None:
            return None
        terms.append(cleared(term, depth, written_out))
    return terms


def cleared(term: Term, depth: int = MAX_DEPTH, written_out: bool = True) -> Term:
    """A term whose sums have no denominators: ``(x/a + 1)**n`` is ``(x + a)**n/a**n``."""
    c, powers = term
    result: Term = (c, {})
    for base, n in powers.items():
        part: Term | None = None
        if base.op is ADD and depth and has_denominator(base):
            inner = of_sum(base, depth - 1, written_out=written_out)
            part = None if inner is None else raised(inner, n)
        joined = multiplied(result, part or (1, {base: n}))
        assert joined is not None
        result = joined
    return result


def has_denominator(x: Expr) -> bool:
    """Whether a term of a sum, or of a sum in it, has a denominator."""
    for arg in x.args:
        term = split(arg)
        if term is not None and (term[0].denominator != 1 or any(n < 0 for n in term[1].values())):
            return True
        if term is not None and any(b.op is ADD and has_denominator(b) for b in term[1]):
            return True
    return False


def over_common(
    terms: Sequence[Term],
    like: Expr,
    squares: int = 0,
    whole: bool = False,
    written_out: bool = True,
) -> Term | None:
    """The sum of terms as one term.

    With `squares` 1 or 2, squares in the numerator are replaced by the other of sine and cosine (2: the
    other way round). With `whole` the numerator is written out though all terms share its factors. If not
    `written_out`, sums in it stay as they are.
    """
    terms = terms if written_out else _decaying(terms)
    common = _common(terms, whole, bool(squares))
    inverse: Powers = {base: -n for base, n in common.items()}
    ring = Ring.of([(c, times(powers, inverse)) for c, powers in terms], common, written_out)
    if ring is None:
        return None
    numerator = ring.numerator
    for first, second, sign in ring.circles(squares):
        numerator = ring.without_squares(numerator, first, second, sign)
    if not numerator:
        return 0, {}
    numerator = ring.cancelled(numerator, common)
    c = polynomials.content(numerator)
    monomial = polynomials.common_monomial(numerator)
    powers = times(common, ring.powers(monomial))
    rest = polynomials.divided(numerator, c, monomial)
    if len(rest) > 1:
        root = polynomials.root(rest, 2)
        total = as_sum(*ring.sum(root or rest, like), like)
        raise_power(powers, total, 2 if root else 1)
    return c, powers


def _decaying(terms: Sequence[Term]) -> list[Term]:
    """The terms with ``exp(-u)`` for a base, not ``1/exp(u)``, where only such powers occur."""
    bases = dict.fromkeys(b for _, powers in terms for b in powers if b.op is f.exp)
    turned = {
        b: f.exp(mul(number(-1, b.shape), b.args[0]))
        for b in bases
        if all(powers.get(b, 0) <= 0 for _, powers in terms)
    }
    return [
        (c, {turned.get(b, b): -n if b in turned else n for b, n in powers.items()})
        for c, powers in terms
    ]


def _common(terms: Sequence[Term], whole: bool, squares: bool) -> Powers:
    common: Powers = {}
    for base in dict.fromkeys(b for _, powers in terms for b in powers):
        exponents = [powers.get(base, 0) for _, powers in terms]
        n = min(exponents)
        alike = all((m - n).denominator == 1 for m in exponents)
        if base.op is ADD and n >= 0 and (whole or not (alike and n)):
            n = n % 1 if alike else 0
        if squares and base.op in CIRCLES and n > 1:
            n = n % 2  # the square may be replaced
        if n:
            common[base] = n
    return common


class Ring:
    """Variables of a numerator: bases to unit powers such as ``x**(1/2)``, and the numerator in them."""

    def __init__(self, written_out: bool) -> None:
        self.written_out = written_out
        self.units: dict[Expr, int] = {}
        self.place: dict[Expr, int] = {}
        self.numerator: Polynomial = {}

    @classmethod
    def of(cls, terms: Sequence[Term], common: Powers, written_out: bool) -> Ring | None:
        """The ring of some terms, with their sum; None where the sum is too long."""
        ring = cls(written_out)
        below: list[Term] = [(1, {b: 1}) for b, n in common.items() if b.op is ADD and n < 0]
        if not ring._gather([*terms, *below] if written_out else terms, MAX_NESTING):
            return None
        ring.place = {base: i for i, base in enumerate(ring.units)}
        total: Polynomial = {}
        for term in terms:
            part = ring.polynomial(term)
            if part is None or len(part) + len(total) > MAX_MONOMIALS:
                return None
            for m, c in part.items():
                polynomials.add_term(total, m, c)
        ring.numerator = total
        return ring

    def _gather(self, terms: Iterable[Term], depth: int) -> bool:
        """Enter the variables that the terms need; whether they are short and without denominators."""
        for _, powers in terms:
            for base, n in powers.items():
                whole, part = divmod(n, 1)
                if n < 0 or whole > MAX_DEGREE or not depth:
                    return False
                if self._is_sum(base) and whole:
                    inner = [split(arg) for arg in base.args]
                    if len(inner) > MAX_TERMS or not self._gather(
                        [t for t in inner if t is not None], depth - 1
                    ):
                        return False
                    if any(t is None for t in inner):
                        return False
                if not self._is_sum(base) or part:
                    self.units[base] = math.lcm(self.units.get(base, 1), n.denominator)
                if self._is_sum(base) and part and not self._gather([(1, {base: 1})], depth - 1):
                    return False  # its square may be written out
        return True

    def _is_sum(self, base: Expr) -> bool:
        """Whether a base is to be written out."""
        return base.op is ADD and self.written_out

    def polynomial(self, term: Term) -> Polynomial | None:
        """A term written out."""
        c, powers = term
        exponents = [0] * len(self.place)
        sums: list[Expr] = []
        for base, n in powers.items():
            if self._is_sum(base):
                sums += [base] * int(n // 1)
                n = n % 1
            if n:
                exponents[self.place[base]] += int(n * self.units[base])
        result: Polynomial = {tuple(exponents): c} if c != 0 else {}
        for base in sums:
            inner = self.of_sum(base)
            if inner is None or len(result) * len(inner) > MAX_MONOMIALS:
                return None
            result = polynomials.product(result, inner)
        return self._without_roots(result) if sums else result

    def of_sum(self, x: Expr) -> Polynomial | None:
        """A sum without denominators, written out."""
        total: Polynomial = {}
        for arg in x.args:
            term = split(arg)
            part = None if term is None else self.polynomial(term)
            if part is None:
                return None
            for m, c in part.items():
                polynomials.add_term(total, m, c)
        return total

    def _without_roots(self, p: Polynomial) -> Polynomial | None:
        """``(s**(1/2))**2`` of a sum s is the sum."""
        for base, i in self.place.items():
            unit = self.units[base]
            if not (self._is_sum(base) or is_number(base)) or all(m[i] < unit for m in p):
                continue
            inner = self.of_sum(base) if base.op is ADD else self.polynomial(split(base) or (1, {}))
            if inner is None:
                return None
            result: Polynomial = {}
            for m, c in p.items():
                left = (*m[:i], m[i] % unit, *m[i + 1 :])
                part: Polynomial = {left: c}
                for _ in range(m[i] // unit):
                    part = polynomials.product(part, inner)
                for n, d in part.items():
                    polynomials.add_term(result, n, d)
            p = result
        return p

    def circles(self, squares: int) -> list[tuple[int, int, int]]:
        """Places of two functions of one circle, the first to be replaced, and the sign between them."""
        if not squares:
            return []
        firsts = (f.sin, f.cosh) if squares == 1 else (f.cos, f.sinh)
        found = []
        for base, i in list(self.place.items()):
            if base.op in firsts and self.units[base] == 1:
                other, sign = CIRCLES[base.op]
                partner = other(base.args[0])
                if self.units.get(partner, 1) == 1:
                    found.append((i, self._entered(partner), sign))
        return found

    def _entered(self, base: Expr) -> int:
        if base not in self.place:
            self.place[base] = len(self.place)
            self.units[base] = 1
            self.numerator = {(*m, 0): c for m, c in self.numerator.items()}
        return self.place[base]

    def without_squares(self, p: Polynomial, first: int, second: int, sign: int) -> Polynomial:
        """``sin**2 = 1 - cos**2``, ``cosh**2 = 1 + sinh**2``, ``sinh**2 = cosh**2 - 1``."""
        width = len(self.place)
        p = {(*m, *[0] * (width - len(m))): c for m, c in p.items()}
        squared: Polynomial = {}
        base = next(b for b, i in self.place.items() if i == first)
        one = [0] * width
        squared[tuple(one)] = -1 if base.op is f.sinh else 1
        one[second] = 2
        squared[tuple(one)] = sign
        result: Polynomial = {}
        for m, c in p.items():
            part: Polynomial = {(*m[:first], m[first] % 2, *m[first + 1 :]): c}
            for _ in range(m[first] // 2):
                part = polynomials.product(part, squared)
            for n, d in part.items():
                polynomials.add_term(result, n, d)
        return result

    def cancelled(self, p: Polynomial, common: Powers) -> Polynomial:
        """p without what it shares with sums in the denominator, which are raised in `common`."""
        for base in [b for b, n in common.items() if self._is_sum(b) and n < 0]:
            below = self.of_sum(base)
            while below and common.get(base, 0) < 0:
                left = polynomials.quotient(p, below)
                if left is None:
                    break
                p = left
                raise_power(common, base, 1)
        return p

    def powers(self, monomial: polynomials.Monomial) -> Powers:
        """A monomial as powers of the bases."""
        return {
            base: _exact(Fraction(monomial[i], self.units[base]))
            for base, i in self.place.items()
            if monomial[i]
        }

    def sum(self, p: Polynomial, like: Expr) -> tuple[Coefficients, Exact]:
        """A polynomial as a map from term to coefficient, and the constant."""
        coefficients: Coefficients = {}
        constant: Exact = 0
        for m, c in self._ordered(p):
            powers = self.powers(m)
            if powers:
                term = as_term(powers, like)  # x**n * x**2 and x**(n + 2) are one
                coefficients[term] = coefficients.get(term, 0) + c
            else:
                constant = c
        return {term: c for term, c in coefficients.items() if c != 0}, constant

    def _ordered(self, p: Polynomial) -> Iterable[tuple[polynomials.Monomial, Exact]]:
        """By descending degree and then by name where the variables are symbols, else as they came."""
        used = [b for b, i in self.place.items() if any(m[i] for m in p)]
        if not all(b.op.label is not None for b in used):
            return p.items()
        places = [self.place[b] for b in sorted(used, key=lambda b: str(b.params[0]))]
        return sorted(p.items(), key=lambda t: (-sum(t[0]), [-t[0][i] for i in places]))


def as_expr(term: Term | None, like: Expr) -> Expr | None:
    """A term as a node."""
    if term is None:
        return None
    c, powers = term
    return as_term(powers, like, c) if c != 0 else as_sum({}, 0, like)
