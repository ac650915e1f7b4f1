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


def root(p: Polynomial, n: int) -> Polynomial | None:
    """q with ``q**n = p``, its leading coefficient positive, or None."""
    lead = max(p)
    first = _root(p[lead], n)
    if first is None or any(i % n for i in lead):
        return None
    start = tuple([i // n for i in lead])
    below = {tuple([(n - 1) * i for i in start]): first ** (n - 1)}  # of the leading term
    ((rest, scale),) = below.items()
    result: Polynomial = {start: first}
    for _ in range(len(p)):
        left = dict(p)
        for m, c in _power(result, n).items():
            add_term(left, m, -c)
        if not left:
            return result
        top = max(left)
        m = tuple([i - j for i, j in zip(top, rest, strict=True)])
        if min(m) < 0 or m in result or m > start:
            return None
        result[m] = _exact(Fraction(left[top]) / (n * scale))
    return None


def _power(p: Polynomial, n: int) -> Polynomial:
    result = p
    for _ in range(n - 1):
        result = product(result, p)
    return result


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


def _root(c: Exact, n: int) -> Exact | None:
    """The n-th root of a positive number, where it is exact."""
    if c <= 0:
        return None
    above, below = integer_root(c.numerator, n), integer_root(c.denominator, n)
    exact = above**n == c.numerator and below**n == c.denominator
    return _exact(Fraction(above, below)) if exact else None


def integer_root(k: int, n: int) -> int:
    """The whole part of the n-th root of k >= 0, by Newton's steps from above."""
    if n == 2 or k < 2:
        return math.isqrt(k) if n == 2 else k
    x = 1 << -(-k.bit_length() // n)
    while (y := ((n - 1) * x + k // x ** (n - 1)) // n) < x:
        x = y
    return x
