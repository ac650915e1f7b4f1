"""Sums of powers of one base that differ by numbers: where the base is 0 the lowest power decides.

``p*x**(p - 1)*log(x) + x**(p - 1)`` and ``x**(p/2 - 2) - x**(p/2 - 1)`` are sums of infinities of both
signs at x = 0, though only one of the terms counts there. The terms are joined by their powers of a base::

    sum = C*x**e + C'*x**(e + 1) + ...    which is C*x**e at x = 0 where C is not 0, else C'*x**(e + 1), ...
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, add_all, factors_of, mul, mul_all, power
from symgrad.ops.power_derivatives import never_zero
from symgrad.ops.select import where
from symgrad.rewrite.collect import collect_sum
from symgrad.rewrite.held_logarithms import logarithms_in, power_of, powers_in

MAX_TERMS: Final = 8  # of a sum that is looked at

Slopes = Callable[[Sequence[Expr]], Sequence[Expr]]  # factors with derivatives of powers as one


class PowerTerm(NamedTuple):
    """``coefficient * base**exponent``; the coefficient is 0 where `scale` is."""

    exponent: Expr
    coefficient: Expr
    scale: Expr


def right_sum(y: Expr, slopes: Slopes) -> Expr:
    """A sum as a choice by a base, if all its terms may be infinite where that is 0; else as it is."""
    if len(y.args) > MAX_TERMS:
        return y
    terms = [slopes(factors_of(t)) for t in y.args]
    for base in dict.fromkeys(p.base for z in terms[0] for p in powers_in(z)):
        found = [_term(factors, base) for factors in terms]
        known = [t for t in found if t is not None]
        groups = _by_exponent(known) if len(known) == len(terms) else None
        if groups is not None and not never_zero(base) and _may_be_low(groups[0][0].exponent):
            return where(f.equal(base, 0), _lowest(base, groups), y)
    return y


def _term(factors: Sequence[Expr], base: Expr) -> PowerTerm | None:
    """The product of factors as a power of the base; None where it has none."""
    powers = [(z, power_of(z, base)) for z in factors]
    found = [p for _, p in powers if p is not None]
    if not found:
        return None
    scale = mul_all([p.factor for p in found])
    others = [z for z, p in powers if p is None]
    return PowerTerm(add_all([p.exponent for p in found]), mul_all([scale, *others]), scale)


def _by_exponent(terms: Sequence[PowerTerm]) -> list[list[PowerTerm]] | None:
    """Terms of equal exponents together, the lowest first; None where they differ by symbols."""
    first = terms[0].exponent
    groups: dict[Any, list[PowerTerm]] = {}
    for t in terms:
        parts = [(1, u) for u in _flat(t.exponent)] + [(-1, u) for u in _flat(first)]
        difference = value_of(collect_sum(parts, first, False))
        if difference is None:
            return None
        groups.setdefault(difference, []).append(t)
    return [groups[d] for d in sorted(groups)]


def _flat(x: Expr) -> list[Expr]:
    """The terms of a sum, and of sums in it."""
    if x.op is not ADD:
        return [x]
    return [u for t in x.args for u in (t.args if t.op is ADD else (t,))]


def _may_be_low(exponent: Expr) -> bool:
    """Whether a power may be infinite at 0: its exponent is a symbol less a number."""
    terms = _flat(exponent)
    numbers = [v for t in terms for v in [value_of(t)] if v is not None]
    return len(numbers) < len(terms) and any(v < 0 for v in numbers)


def _lowest(base: Expr, groups: Sequence[Sequence[PowerTerm]]) -> Expr:
    """What the sum is where the base is 0."""
    total: Expr = number(0, base.shape)
    for terms in reversed(groups):
        exponent = terms[0].exponent
        coefficient = add_all([_coefficient(t) for t in terms])
        here = where(f.greater(exponent, 0), 0, mul(coefficient, power(base, exponent)))
        total = where(f.not_equal(coefficient, 0), here, total)
    return total


def _coefficient(t: PowerTerm) -> Expr:
    """A coefficient, with zeros that win over logarithms."""
    if not logarithms_in(t.coefficient) or value_of(t.scale) is not None:
        return t.coefficient
    return where(f.not_equal(t.scale, 0), t.coefficient, 0)
