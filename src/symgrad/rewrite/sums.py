"""A sum as a map from term to coefficient, with the identities that need nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact, plus
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    POW,
    add_all,
    factors_of,
    mul,
    raw_product,
    raw_sum,
    split_coefficient,
)

Coefficients = dict[Expr, Any]


def is_zero(c: Any) -> bool:
    """Whether a coefficient is an exact zero; a float that is 0.0 stays."""
    return is_exact(c) and bool(c == 0)


def as_sum(coefficients: Coefficients, constant: Any, like: Expr) -> Expr:
    """The sum node; `like` gives the shape."""
    terms = [
        rest if is_exact(c) and c == 1 else mul(number(c, like.shape), rest, flat=True)
        for rest, c in coefficients.items()
    ]
    if not terms or not is_zero(constant):
        terms.append(number(constant, like.shape))
    return add_all(terms)


def content_of(x: Expr) -> tuple[Any, Expr]:
    """``(c, primitive)`` with the sum ``x = c * primitive`` and c the greatest common number.

    c is negative if every coefficient is; it is 1 unless all coefficients are exact.
    """
    parts = []
    for term in x.args:
        c, rest = split_coefficient(term)
        if not is_exact(c):
            return 1, x
        parts.append((c, rest))
    content = _gcd([c for c, _ in parts])
    if all(c < 0 for c, _ in parts):
        content = -content
    if content == 1:
        return 1, x
    terms = []
    for c, rest in parts:
        q = Fraction(c) / content
        k = number(q, x.shape)
        terms.append(k if rest is None else mul(k, rest, flat=True))
    return content, raw_sum(tuple(terms))


def negated(x: Expr) -> Expr:
    """Minus a sum, as a sum."""
    return raw_sum(tuple(mul(number(-1, x.shape), term, flat=True) for term in x.args))


def combined(*terms: tuple[int | Fraction, Expr]) -> Expr:
    """Sums and other terms, each times its number, added, with what cancels left out."""
    coefficients: Coefficients = {}
    constant: Any = 0
    for k, x in terms:
        for t in x.args if x.op is ADD else (x,):
            c, rest = split_coefficient(t)
            if rest is None:
                constant = plus(constant, k * c)
            else:
                coefficients[rest] = coefficients.get(rest, 0) + k * c
    left = {rest: c for rest, c in coefficients.items() if not is_zero(c)}
    return as_sum(left, constant, terms[0][1])


def _gcd(values: Sequence[int | Fraction]) -> Fraction:
    """The greatest g such that every value is an integer multiple of it."""
    fractions = [Fraction(v) for v in values]
    num = math.gcd(*[v.numerator for v in fractions])
    den = math.lcm(*[v.denominator for v in fractions])
    g = Fraction(num, den)
    return g if g else Fraction(1)


# (first function, second function, sign): first(u)**2 + sign * second(u)**2 = 1
_CIRCLES: Final = {f.sin: (f.cos, 1), f.cosh: (f.sinh, -1)}
_SQUARED: Final = (f.sin, f.cos, f.sinh, f.cosh)


def _square_in(term: Expr) -> tuple[Expr, Expr | None] | None:
    """``(s, rest)`` with ``term = s**2 * rest`` and s one of the functions of a circle."""
    factors = factors_of(term)
    for i, factor in enumerate(factors):
        if factor.op is POW and factor.args[0].op in _SQUARED and value_of(factor.args[1]) == 2:
            rest = (*factors[:i], *factors[i + 1 :])
            return factor.args[0], raw_product(rest) if rest else None
    return None


def squares_of_circle(coefficients: Coefficients, constant: Any) -> Any:
    """``c*sin(u)**2 + c*cos(u)**2 -> c`` and ``c*cosh(u)**2 - c*sinh(u)**2 -> c``, also times a factor."""
    squares: dict[tuple[Any, Expr, Expr | None], Expr] = {}
    for term in coefficients:
        found = _square_in(term)
        if found is not None:
            s, rest = found
            squares[s.op, s.args[0], rest] = term
    for (op, u, rest), term in squares.items():
        if op not in _CIRCLES:
            continue
        other_op, sign = _CIRCLES[op]
        other = squares.get((other_op, u, rest))
        if other is None or coefficients[term] != sign * coefficients[other]:
            continue
        c = coefficients.pop(term)
        del coefficients[other]
        if rest is None:
            constant = plus(constant, c)
        else:
            coefficients[rest] = coefficients.get(rest, 0) + c
    return constant
