"""Sums of exponentials and hyperbolic functions that cancel: ``cosh(u) - sinh(u) = exp(-u)``.

A product of exponentials, hyperbolic sines and cosines is a sum of exponentials with numbers: ``cosh(u)``
is ``exp(u)/2 + exp(-u)/2``. Terms with the same other factors are added so, and where exponentials cancel,
or where two of ``u`` and ``-u`` are left, the sum is written by what is left::

    cosh(u)**2 - sinh(u)**2 = 1          exp(u) - 2*cosh(u) = -exp(-u)
    exp(u) - cosh(u) = sinh(u)           cosh(u)*cosh(v) - sinh(u)*sinh(v) = cosh(u - v)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import POW, add_all, factors_of, mul, mul_all, raw_product
from symgrad.rewrite.bases import linear_parts

MAX_TERMS: Final = 16  # of a sum that is looked at
MAX_POWER: Final = 4  # of a function that is written out
MAX_EXPONENTIALS: Final = 16  # that a term is written out to
FUNCTIONS: Final = (f.exp, f.expm1, f.cosh, f.sinh)

Exponent = frozenset[
    tuple[Expr | None, Any]
]  # the numbers of the terms of a sum; None for a plain one
Exponentials = dict[Exponent, Fraction]
ZERO: Final[Exponent] = frozenset()


class HyperbolicTerm(NamedTuple):
    """A term of a sum: a sum of exponentials with numbers, times other factors."""

    exponentials: Exponentials
    others: Expr | None
    functions: int
    term: Expr


def hyperbolic_sum(y: Expr) -> Expr | None:
    """A sum with the terms joined in which exponentials cancel, or make a hyperbolic function."""
    if len(y.args) > MAX_TERMS or sum(map(_has_function, y.args)) < 2:
        return None
    parts = [part for term in y.args for part in [_part(term)] if part is not None]
    for group in _connected(parts):
        joined = _joined(group, y) if sum(p.functions > 0 for p in group) > 1 else None
        if joined is not None:
            taken = {part.term for part in group}
            others = [] if group[0].others is None else [group[0].others]
            whole = mul_all([*others, joined]) if others else joined
            return add_all([whole, *[t for t in y.args if t not in taken]])
    return None


def _base(factor: Expr) -> tuple[Expr, Any]:
    return (factor.args[0], value_of(factor.args[1])) if factor.op is POW else (factor, 1)


def _has_function(term: Expr) -> bool:
    return any(_base(x)[0].op in FUNCTIONS for x in factors_of(term))


def _part(term: Expr) -> HyperbolicTerm | None:
    """A term as exponentials; None where a number in it is not finite."""
    total: Exponentials = {ZERO: Fraction(1)}
    others = []
    functions = 0
    for x in factors_of(term):
        base, n = _base(x)
        c = value_of(x)
        if c is not None:
            if isinstance(c, bool) or not math.isfinite(c):
                return None
            total = {u: k * Fraction(c) for u, k in total.items()}
        elif base.op is f.exp and n.__class__ is int:
            functions += 1
            total = _product(total, {_scaled(_exponent(base), n): Fraction(1)})
        elif base.op in FUNCTIONS and n in range(1, MAX_POWER + 1):
            functions += 1
            for _ in range(n):
                total = _product(total, _by_exponentials(base))
        else:
            others.append(x)
    if len(total) > MAX_EXPONENTIALS:
        return None
    return HyperbolicTerm(total, raw_product(tuple(others)) if others else None, functions, term)


def _by_exponentials(x: Expr) -> Exponentials:
    u, half = _exponent(x), Fraction(1, 2)
    if x.op is f.expm1:
        return {u: Fraction(1), ZERO: Fraction(-1)}
    return {u: half, _scaled(u, -1): half if x.op is f.cosh else -half}


def _exponent(x: Expr) -> Exponent:
    terms, constant = linear_parts(x.args[0])
    return frozenset([*terms.items(), *([(None, constant)] if constant != 0 else [])])


def _scaled(u: Exponent, n: int) -> Exponent:
    return frozenset((t, n * c) for t, c in u)


def _product(a: Exponentials, b: Exponentials) -> Exponentials:
    total: Exponentials = {}
    for u, c in a.items():
        for v, d in b.items():
            _add(total, _sum(u, v), c * d)
    return total


def _sum(u: Exponent, v: Exponent) -> Exponent:
    terms = dict(u)
    for t, c in v:
        terms[t] = terms.get(t, 0) + c
    return frozenset((t, c) for t, c in terms.items() if c != 0)


def _add(total: Exponentials, u: Exponent, c: Fraction) -> None:
    total[u] = total.get(u, Fraction(0)) + c
    if total[u] == 0:
        del total[u]


def _connected(parts: Sequence[HyperbolicTerm]) -> list[list[HyperbolicTerm]]:
    """The terms with the same other factors, in groups that share exponents but for the sign."""
    groups: list[tuple[Expr | None, set[Exponent], list[HyperbolicTerm]]] = []
    for part in parts:
        mine = {w for u in part.exponentials for w in (u, _scaled(u, -1))}
        members = [part]
        apart = []
        for others, exponents, group in groups:
            if others is part.others and not mine.isdisjoint(exponents):
                mine |= exponents
                members = [*group, *members]
            else:
                apart.append((others, exponents, group))
        groups = [*apart, (part.others, mine, members)]
    return [members for _, _, members in groups if len(members) > 1]


def _joined(group: Sequence[HyperbolicTerm], like: Expr) -> Expr | None:
    """The sum of exponentials in its short form; None where nothing cancels and no function is found."""
    total: Exponentials = {}
    for part in group:
        for u, c in part.exponentials.items():
            _add(total, u, c)
    cancelled = len({u for part in group for u in part.exponentials}) > len(total)
    if len(total) == 2:
        (u, c), (v, d) = total.items()
        if v == _scaled(u, -1) and abs(c) == abs(d):
            function = f.cosh if c == d else f.sinh
            return mul(_number(2 * c, like), function(_expression(u, like)))
    if not cancelled or len(total) > 1:
        return None
    for u, c in total.items():
        return mul(_number(c, like), f.exp(_expression(u, like)))
    return number(0, like.shape)


def _number(c: Fraction, like: Expr) -> Expr:
    return number(c.numerator if c.denominator == 1 else c, like.shape)


def _expression(u: Exponent, like: Expr) -> Expr:
    terms = [
        number(c, like.shape) if t is None else mul(number(c, like.shape), t)
        for t, c in sorted(u, key=lambda item: "" if item[0] is None else item[0].order)
    ]
    return add_all(terms) if terms else number(0, like.shape)
