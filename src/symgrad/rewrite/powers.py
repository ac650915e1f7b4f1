"""A product as a map from base to exact exponent: the form in which factors are compared.

``3*x**2*exp(-2*u)*y**(n - 1)`` is the number 3 and ``{x: 2, exp(u): -2, y**n: 1, y: -1}``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symgrad.expr.leaves import is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.types import BOOL
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    POW,
    add_all,
    factors_of,
    mul,
    mul_all,
    power,
    raw_product,
    raw_sum,
    split_coefficient,
)

Exact = int | Fraction
Powers = dict[Expr, Exact]


def powers_of(term: Expr) -> Powers:
    """The factors of a term without numeric coefficient."""
    powers: Powers = {}
    for factor in factors_of(term):
        _put(powers, factor)
    return powers


def _put(powers: Powers, factor: Expr) -> None:
    if factor.op is POW:
        base, p = factor.args
        n = value_of(p)
        if is_exact(n):
            raise_power(powers, base, n)
        elif n is None and not is_number(base):
            _put_symbolic(powers, base, p)
        else:
            raise_power(powers, factor, 1)
    elif factor.op is f.exp:
        c, u = split_coefficient(factor.args[0])
        if u is None or not is_exact(c):
            raise_power(powers, factor, 1)
        else:
            raise_power(powers, f.exp(u), c)
    else:
        raise_power(powers, factor, 1)


def _put_symbolic(powers: Powers, base: Expr, p: Expr) -> None:
    """``x**(n + 2)`` as ``{x**n: 1, x: 2}``."""
    terms = p.args if p.op is ADD else (p,)
    numbers = [value_of(t) for t in terms if is_number(t)]
    rest = tuple(t for t in terms if not is_number(t))
    if len(numbers) == 1 and is_exact(numbers[0]):
        raise_power(powers, power(base, raw_sum(rest)), 1)
        raise_power(powers, base, numbers[0])
    else:
        raise_power(powers, power(base, p), 1)


def raise_power(powers: Powers, base: Expr, n: Exact) -> None:
    """Multiply by ``base**n``."""
    total = powers.get(base, 0) + n
    if total == 0:
        powers.pop(base, None)
    else:
        powers[base] = total


def times(a: Powers, b: Powers) -> Powers:
    """The product of two products."""
    result = dict(a)
    for base, n in b.items():
        raise_power(result, base, n)
    return result


def as_term(powers: Powers, like: Expr, coefficient: Any = 1) -> Expr:
    """The product: the number, powers of symbols, then functions, then sums, each as first met."""
    left = dict(powers)
    factors = []
    for base, n in powers.items():
        if base in left and base.op is POW and n == 1 and base.args[0] in left:
            factors.append(_joined(base, left.pop(base.args[0])))
            del left[base]
    for base, n in left.items():
        if n == 1 and base.ty is not BOOL:
            factors.append(base)
        elif base.op is f.exp:
            factors.append(f.exp(mul(number(n, base.shape), base.args[0])))
        else:
            factors.append(power(base, number(n, base.shape)))
    if not factors:
        return number(coefficient, like.shape)
    if is_exact(coefficient) and coefficient == 1:
        return raw_product(tuple(factors))
    return mul_all([number(coefficient, like.shape), *factors])


def _joined(x: Expr, k: Exact) -> Expr:
    """``u**n * u**k -> u**(n + k)``."""
    base, p = x.args
    terms = p.args if p.op is ADD else (p,)
    return power(base, add_all([*terms, number(k, p.shape)]))
