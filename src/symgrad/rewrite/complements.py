"""Sums that vanish at an end of a function's range: ``1 - tanh(u)**2``, ``1 - erf(u)``, ``s - s**2``.

A sum of powers of one function s is a polynomial in s. Where it has a root r that s(u) approaches, the
sum cancels there, and the factor ``r - s`` is divided out of it, to its multiplicity; ``r - s(u)`` has a
form of its own that keeps its digits::

    1 - expit(u) = expit(-u)       1 - erf(u) = erfc(u)       1 - tanh(u) = 2*expit(-2*u)
    1 - ndtr(u)  = ndtr(-u)        1 + erf(u) = erfc(-u)      1 + tanh(u) = 2*expit(2*u)
    1 - erfc(u)  = erf(u)          2 - erfc(u) = erfc(-u)     1 - tanh(u)**2 = sech(u)**2

Powers may be negative (``1 - tanh(u)**-2``), and all terms may have a factor in common.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops import special
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add_all,
    mul,
    mul_all,
    power,
    raw_product,
    split_coefficient,
    without,
)
from symgrad.ops.stable import bose_einstein, sech

MAX_TERMS: Final = 32  # of a sum that is looked at
MAX_DEGREE: Final = 16

# The roots that a function approaches or crosses, each with ``root - s(u)``
Ends = tuple[tuple[Any, Callable[[Expr], Expr]], ...]
ENDS: Final[dict[Op, Ends]] = {
    f.expit: (
        (1, lambda u: f.expit(-u)),
        (Fraction(1, 2), lambda u: -f.tanh(u / 2) / 2),
    ),
    f.tanh: ((1, lambda u: 2 * f.expit(-2 * u)), (-1, lambda u: -2 * f.expit(2 * u))),
    special.erf: ((1, special.erfc), (-1, lambda u: -special.erfc(-u))),
    special.erfc: ((2, lambda u: special.erfc(-u)), (1, special.erf)),
    special.ndtr: (
        (1, lambda u: special.ndtr(-u)),
        (Fraction(1, 2), lambda u: special.erf(-u / f.sqrt(number(2, u.shape))) / 2),
    ),
    bose_einstein: ((-1, lambda u: bose_einstein(-u)),),
}
# Functions with ``s(u) + s(-u)`` a number, the first of their roots
MIRRORED: Final = (f.expit, special.erfc, special.ndtr, bose_einstein)


class LogisticTerm(NamedTuple):
    """``c * s**power * s(-u)**mirrored`` times the other factors of a term."""

    c: Any
    power: int
    mirrored: int
    term: Expr


def vanishing_sum(y: Expr) -> Expr | None:
    """A sum with the factors divided out in which it vanishes, or None."""
    if len(y.args) > MAX_TERMS:
        return None
    split = [(term, *split_coefficient(term)) for term in y.args]
    split = [row for row in split if not isinstance(row[1], bool)]
    for s, rest in dict.fromkeys(key for _, _, own in split for key in _bases(own)):
        monomials = [m for row in split for m in _monomials(*row, s, rest)]
        product = _divided(monomials, s) if len(monomials) > 1 else None
        if product is not None:
            factors = product if rest is None else [*product, rest]
            taken = {m.term for m in monomials}
            kept = [t for t in y.args if t not in taken]
            return add_all([*kept, mul_all(factors)])
    return None


def _factors(own: Expr | None) -> tuple[Expr, ...]:
    return () if own is None else own.args if own.op is MUL else (own,)


def _power_of(x: Expr) -> tuple[Expr, int]:
    """``(s, n)`` of a factor ``s**n`` with an integer n."""
    n = value_of(x.args[1]) if x.op is POW else None
    return (x.args[0], n) if n.__class__ is int else (x, 1)


def _bases(own: Expr | None) -> list[tuple[Expr, Expr | None]]:
    """The functions with ends among the factors of a term, each with the other factors."""
    factors = _factors(own)
    found = []
    for x in factors:
        s, _ = _power_of(x)
        if s.op in ENDS:
            mirror = _mirror(s)
            others = [t for t in without(factors, x) if _power_of(t)[0] is not mirror]
            found.append((s, _product(others)))
    return found


def _product(factors: list[Expr]) -> Expr | None:
    return raw_product(tuple(factors)) if factors else None


def _mirror(s: Expr) -> Expr | None:
    return s.op.build((-s.args[0],), ()) if s.op in MIRRORED else None


def _monomials(
    term: Expr, c: Any, own: Expr | None, s: Expr, rest: Expr | None
) -> list[LogisticTerm]:
    """A term as a monomial in s and its mirror image, if its other factors are `rest`; else nothing."""
    mirror = _mirror(s)
    power, mirrored, others = 0, 0, []
    for x in _factors(own):
        base, n = _power_of(x)
        if base is s:
            power += n
        elif base is mirror:
            mirrored += n
        else:
            others.append(x)
    return [LogisticTerm(c, power, mirrored, term)] if _product(others) is rest else []


def _divided(monomials: list[LogisticTerm], s: Expr) -> list[Expr] | None:
    """The factors of a polynomial in s with its ends divided out; None where that changes nothing."""
    low = min(m.power for m in monomials)
    below = min(m.mirrored for m in monomials)
    if max(m.power - low + m.mirrored - below for m in monomials) > MAX_DEGREE:
        return None
    p: list[Any] = [0]
    for m in monomials:
        p = _sum(p, _expanded(m.c, m.power - low, m.mirrored - below, ENDS[s.op][0][0]))
    while len(p) > 1 and p[-1] == 0:
        p.pop()
    counts: dict[Any, int] = {}
    for root, _ in ENDS[s.op]:
        while len(p) > 1 and sum(c * root**n for n, c in enumerate(p)) == 0:
            p = _quotient(p, root)
            counts[root] = counts.get(root, 0) + 1
    if not counts:
        return None
    mirror = _mirror(s)
    terms = [mul(number(c, s.shape), _raised(s, n)) for n, c in enumerate(p) if c != 0]
    made = [add_all(terms) if len(terms) > 1 else terms[0], _raised(s, low), *_ends(s, counts)]
    return made if mirror is None else [*made, _raised(mirror, below)]


def _ends(s: Expr, counts: dict[Any, int]) -> list[Expr]:
    """The product of ``root - s`` to the given multiplicities."""
    (u,) = s.args
    both = min(counts.get(1, 0), counts.get(-1, 0)) if s.op is f.tanh else 0
    factors = []
    if both:  # (1 - s)*(-1 - s) = -sech(u)**2
        factors += [power(sech(u), number(2 * both, u.shape)), number((-1) ** both, u.shape)]
    for root, far in ENDS[s.op]:
        n = counts.get(root, 0) - (both if root in (1, -1) else 0)
        if n:
            factors.append(power(far(u), number(n, u.shape)))
    return factors


def _sum(p: list[Any], q: list[Any]) -> list[Any]:
    return [a + b for a, b in zip_longest(p, q, fillvalue=0)]


def _expanded(c: Any, power: int, mirrored: int, root: Any) -> list[Any]:
    """``c * s**power * (root - s)**mirrored`` as coefficients of powers of s."""
    signs = [
        math.comb(mirrored, k) * root ** (mirrored - k) * (-1) ** k for k in range(mirrored + 1)
    ]
    return [0] * power + [c * k for k in signs]


def _raised(s: Expr, n: int) -> Expr:
    return power(s, number(n, s.shape)) if n else number(1, s.shape)


def _quotient(p: list[Any], root: Any) -> list[Any]:
    """``p(s)/(root - s)``, by Horner's scheme."""
    carried: Any = 0
    quotient = []
    for c in reversed(p[1:]):
        carried = c + carried * root
        quotient.append(-carried)
    return quotient[::-1]


def complement(x: Expr) -> Expr:
    """The argument of a logarithm: a sum that vanishes as a product, else as it is."""
    changed = vanishing_sum(x) if x.op is ADD else None
    return x if changed is None else changed
