"""Rules on roots of numbers: ``sqrt(12) + sqrt(27) = 5*sqrt(3)``, ``2/sqrt(2) = sqrt(2)``."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.rewrite.powers import Powers, as_term, raise_power
from symgrad.rewrite.ratios import Term, plain_terms, split
from symgrad.rewrite.rule import Guarantee, Rule
from symgrad.rewrite.sums import combined

ROUNDING: Final = Guarantee.ROUNDING
LARGEST: Final = 1 << 20  # number that is taken apart


def _with_simple_roots(term: Term) -> Term | None:
    """A term whose roots of numbers have no power in them and stand above: ``sqrt(8)``, ``1/sqrt(2)``.

    None where there are no roots of whole numbers.
    """
    roots = {
        b: n for b, n in term[1].items() if (v := value_of(b)).__class__ is int and 1 < v < LARGEST
    }
    if not roots:
        return None
    primes: dict[int, Fraction] = {}
    for base, n in roots.items():
        for p, k in _factors(int(value_of(base))):
            primes[p] = primes.get(p, Fraction(0)) + Fraction(n) * k
    c = Fraction(term[0])
    bases: dict[Fraction, int] = {}
    for p, n in primes.items():
        whole, part = divmod(n, 1)
        c *= Fraction(p) ** int(whole)
        if part:
            bases[part] = bases.get(part, 1) * p
    powers: Powers = {b: n for b, n in term[1].items() if b not in roots}
    for part, product in bases.items():
        raise_power(powers, number(product), part)
    return (c.numerator if c.denominator == 1 else c), powers


def _factors(n: int) -> list[tuple[int, int]]:
    """The primes of n with their multiplicities."""
    found = []
    p = 2
    while p * p <= n:
        k = 0
        while n % p == 0:
            n, k = n // p, k + 1
        if k:
            found.append((p, k))
        p += 1
    return [*found, (n, 1)] if n > 1 else found


def _product(x: Expr) -> Expr | None:
    """``2/sqrt(2) -> sqrt(2)``, ``sqrt(6)*sqrt(2) -> 2*sqrt(3)``."""
    term = split(x)
    made = None if term is None else _with_simple_roots(term)
    return None if made is None else as_term(made[1], x, made[0])


def _sum(x: Expr) -> Expr | None:
    """``sqrt(12) + sqrt(27) -> 5*sqrt(3)``, ``1/sqrt(2) + sqrt(2)/2 -> sqrt(2)``."""
    terms = plain_terms(x) or []
    simple = [_with_simple_roots(t) for t in terms]
    made = [a or b for a, b in zip(simple, terms, strict=True)]
    return combined(*[(1, as_term(powers, x, c)) for c, powers in made]) if any(simple) else None


RADICAL_RULES: Final = (
    Rule("2/sqrt(2) = sqrt(2)", ROUNDING, MUL, _product, (POW,)),
    Rule("sqrt(12) + sqrt(27) = 5*sqrt(3)", ROUNDING, ADD, _sum, (POW,)),
)
