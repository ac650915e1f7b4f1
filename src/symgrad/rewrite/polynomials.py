"""Small polynomials of several variables with exact coefficients: what cancelling and factoring need.

A monomial is a tuple of exponents, one for each variable; a polynomial maps monomials to coefficients
that are not zero. Monomials compare as tuples do, which is the lexicographic order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

Exact = int | Fraction
Monomial = tuple[int, ...]
Polynomial = dict[Monomial, Exact]

MAX_STEPS: Final = 64  # of a division


def add_term(p: Polynomial, monomial: Monomial, c: Exact) -> None:
    """Add ``c*monomial`` to p in place."""
    total = p.get(monomial, 0) + c
    if total == 0:
        p.pop(monomial, None)
    else:
        p[monomial] = total


def product(p: Polynomial, q: Polynomial) -> Polynomial:
    """p times q."""
    result: Polynomial = {}
    for m, c in p.items():
        for n, d in q.items():
            add_term(result, tuple([i + j for i, j in zip(m, n, strict=True)]), c * d)
    return result


def quotient(p: Polynomial, q: Polynomial) -> Polynomial | None:
    """p divided by q where nothing is left over, else None."""
    left = dict(p)
    lead = max(q)
    result: Polynomial = {}
    for _ in range(MAX_STEPS):
        if not left:
            return result
        top = max(left)
        m = tuple([i - j for i, j in zip(top, lead, strict=True)])
        if min(m, default=0) < 0:
            return None
        c = _exact(Fraction(left[top]) / q[lead])
        result[m] = c
        for n, d in q.items():
            add_term(left, tuple([i + j for i, j in zip(m, n, strict=True)]), -c * d)
    return None


def square_root(p: Polynomial) -> Polynomial | None:
    """q with ``q*q = p``, its leading coefficient positive, or None."""
    lead = max(p)
    first = _root(p[lead])
    if first is None or any(i % 2 for i in lead):
        return None
    half = tuple([i // 2 for i in lead])
    result: Polynomial = {half: first}
    for _ in range(len(p)):
        left = dict(p)
        for m, c in product(result, result).items():
            add_term(left, m, -c)
        if not left:
            return result
        top = max(left)
        m = tuple([i - j for i, j in zip(top, half, strict=True)])
        if min(m) < 0 or m in result or m > half:
            return None
        result[m] = _exact(Fraction(left[top]) / (2 * first))
    return None


def content(p: Polynomial) -> Exact:
    """The greatest number that divides all coefficients; negative if the coefficients all are."""
    c = common_number(p.values())
    return -c if all(v < 0 for v in p.values()) else c


def common_number(values: Iterable[Exact]) -> Exact:
    """The greatest number of which all values are integer multiples."""
    fractions = [Fraction(v) for v in values]
    above = math.gcd(*[v.numerator for v in fractions])
    return _exact(Fraction(above, math.lcm(*[v.denominator for v in fractions])))


def common_monomial(p: Polynomial) -> Monomial:
    """The smallest exponent of each variable."""
    return tuple([min(column) for column in zip(*p, strict=True)])


def divided(p: Polynomial, c: Exact, monomial: Monomial) -> Polynomial:
    """p divided by a number and a monomial that divide it."""
    return {
        tuple([i - j for i, j in zip(m, monomial, strict=True)]): _exact(Fraction(d) / c)
        for m, d in p.items()
    }


def _exact(c: Fraction) -> Exact:
    return c.numerator if c.denominator == 1 else c


def _root(c: Exact) -> Exact | None:
    if c < 0:
        return None
    above, below = math.isqrt(c.numerator), math.isqrt(c.denominator)
    return (
        _exact(Fraction(above, below))
        if above**2 == c.numerator and below**2 == c.denominator
        else None
    )
