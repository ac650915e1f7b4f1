"""Collecting sums and products: like terms, like bases, numeric content, common factors.

Every function here is linear in the terms or factors it is given. Guarantees: like terms and bases
reassociate floats (rounding); a cancelled factor, ``x/x -> 1``, defines the result at more points
(domain); ``sin(u)**2 + cos(u)**2 -> 1`` is rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import EYE, is_number, number, symbol, value_of
from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add_all,
    factor_rank,
    is_exact,
    is_simple,
    mul,
    mul_all,
    power,
    raw_product,
    raw_sum,
    split_coefficient,
)
from symgrad.ops.einsum import EINSUM, einsum_key
from symgrad.ops.guard import WHERE, is_guard

Coefficients = dict[Expr, Any]
SLOT: Final = "slot"  # marks the symbols that stand for "some operand here"

# Sums


def collect_sum(terms: Sequence[tuple[Any, Expr]], like: Expr) -> Expr:
    """``sum of sign * term``, with like terms collected; `like` gives shape and type.

    Terms keep the order in which they first appear.
    """
    coefficients, constant = _coefficients(terms)
    _expand_multiples(coefficients)
    constant = _squares_of_circle(coefficients, constant)
    _merge_contractions(coefficients, like)
    kept = {rest: c for rest, c in coefficients.items() if not (is_exact(c) and c == 0)}
    if not kept:
        return number(constant, like.shape)
    if constant == 0 and len(kept) > 1:
        factored = _factor_common(kept, like)
        if factored is not None:
            return factored
    return _sum_of(kept, constant, like)


def _coefficients(terms: Iterable[tuple[Any, Expr]]) -> tuple[Coefficients, Any]:
    coefficients: Coefficients = {}
    constant: Any = 0
    for sign, term in terms:
        if term.op is MUL or is_number(term):
            c, rest = split_coefficient(term)
            if sign != 1:
                c = c * sign
        else:
            c, rest = sign, term
        if rest is None:
            constant = constant + c
        elif rest in coefficients:
            coefficients[rest] = coefficients[rest] + c
        else:
            coefficients[rest] = c
    return coefficients, constant


def _sum_of(coefficients: Coefficients, constant: Any, like: Expr) -> Expr:
    terms = [
        rest if is_exact(c) and c == 1 else mul(number(c, like.shape), rest)
        for rest, c in coefficients.items()
    ]
    if not (is_exact(constant) and constant == 0):
        terms.append(number(constant, like.shape))
    return add_all(terms)


# A sum inside a sum, times a number, is written out if that collects anything; up to this length
MAX_EXPANDED: Final = 8


def _expand_multiples(coefficients: Coefficients) -> None:
    """``x + 2*(x + y) -> 3*x + 2*y``."""
    nested = [r for r in coefficients if r.op is ADD and len(r.args) <= MAX_EXPANDED]
    for rest in nested:
        parts = [split_coefficient(term) for term in rest.args]
        if any(r is None for _, r in parts) or not any(
            r in coefficients for _, r in parts if r is not None
        ):
            continue
        scale = coefficients.pop(rest)
        for c, r in parts:
            assert r is not None
            coefficients[r] = coefficients.get(r, 0) + scale * c


# (first function, second function, sign): first(u)**2 + sign * second(u)**2 = 1
_CIRCLES: Final = {f.sin: (f.cos, 1), f.cosh: (f.sinh, -1)}
_SQUARED: Final = (f.sin, f.cos, f.sinh, f.cosh)


def _square_in(term: Expr) -> tuple[Expr, Expr | None] | None:
    """``(s, rest)`` with ``term = s**2 * rest`` and s one of the functions of a circle."""
    factors = term.args if term.op is MUL else (term,)
    for i, factor in enumerate(factors):
        if factor.op is POW and factor.args[0].op in _SQUARED and value_of(factor.args[1]) == 2:
            rest = (*factors[:i], *factors[i + 1 :])
            return factor.args[0], raw_product(rest) if rest else None
    return None


def _squares_of_circle(coefficients: Coefficients, constant: Any) -> Any:
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
            constant = constant + c
        else:
            coefficients[rest] = coefficients.get(rest, 0) + c
    return constant


def _merge_contractions(coefficients: Coefficients, like: Expr) -> None:
    """``A @ x + A @ y -> A @ (x + y)``: Einsums that differ in one operand are added in that operand."""
    terms = [term for term in coefficients if term.op is EINSUM and len(term.args) > 1]
    if len(terms) < 2:
        return
    seen: dict[Any, tuple[Expr, int]] = {}
    for term in terms:
        for i, operand in enumerate(term.args):
            if operand.op is EYE:
                continue
            slot = symbol("slot", operand.shape, unique=SLOT)
            args = (*term.args[:i], slot, *term.args[i + 1 :])
            key = einsum_key(args, term.params)
            partner, j = seen.get(key, (term, i))
            if partner is not term and partner in coefficients and term in coefficients:
                c, d = coefficients.pop(partner), coefficients.pop(term)
                pair = [(c, partner.args[j]), (d, operand)]
                total = collect_sum([(k, x) for k, x in pair], operand)
                merged = EINSUM.build((*term.args[:i], total, *term.args[i + 1 :]), term.params)
                scale, rest = split_coefficient(merged)
                if rest is not None:
                    coefficients[rest] = coefficients.get(rest, 0) + scale
                break
            seen[key] = (term, i)


def _factors(term: Expr) -> tuple[Expr, ...]:
    return term.args if term.op is MUL else (term,)


def _factor_common(coefficients: Coefficients, like: Expr) -> Expr | None:
    """``h*a + h*b -> h*(a + b)`` for a factor h of all terms that is more than a power of a symbol."""
    terms = list(coefficients)
    common = [h for h in _factors(terms[0]) if not is_simple(h) and h.op is not ADD]
    for term in terms[1:]:
        if not common:
            return None
        present = _factors(term)
        common = [h for h in common if any(h is p for p in present)]
    if not common:
        return None
    inner: Coefficients = {}
    constant: Any = 0
    for term, c in coefficients.items():
        rest = [x for x in _factors(term) if not any(x is h for h in common)]
        if rest:
            inner[raw_product(tuple(rest))] = c
        else:
            constant = constant + c
    return raw_product((*common, _sum_of(inner, constant, like)))


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
        terms.append(k if rest is None else mul(k, rest))
    return content, raw_sum(tuple(terms))


def _gcd(values: Sequence[int | Fraction]) -> Fraction:
    """The greatest g such that every value is an integer multiple of it."""
    fractions = [Fraction(v) for v in values]
    num = math.gcd(*[v.numerator for v in fractions])
    den = math.lcm(*[v.denominator for v in fractions])
    g = Fraction(num, den)
    return g if g else Fraction(1)


# Products


def collect_product(factors: Sequence[tuple[Expr, bool]], like: Expr) -> Expr:
    """The product of factors, with like bases collected; `like` gives shape and type.

    Each factor comes with whether it is used here only, so that it may be taken apart. The result has
    its number first, then powers of symbols, then functions, then sums, each as first met.
    """
    for x, _ in factors:
        if x.op is WHERE and is_guard(x) or x.ty is BOOL:
            return mul_all([x for x, _ in factors])
    coefficient, bases, exponents = _gather(factors)
    if is_exact(coefficient) and coefficient == 0:
        return number(0, like.shape)
    built: list[Expr] = []
    for base, parts in bases.items():
        factor = parts[0] if len(parts) == 1 else _merged_power(base, parts)
        if is_number(factor):
            coefficient = coefficient * value_of(factor)
        else:
            built.append(factor)
    if exponents:
        built.extend(_exponentials(exponents))
    built = _absolute_values(built)
    coefficient, built = _extract_content(coefficient, built, factors)
    return _product_of(coefficient, built, like)


def _gather(
    factors: Sequence[tuple[Expr, bool]],
) -> tuple[Any, dict[Expr, list[Expr]], list[tuple[Expr, bool]]]:
    """The number, the factors by base, and the exponentials; products are taken apart."""
    coefficient: Any = 1
    bases: dict[Expr, list[Expr]] = {}
    exponentials: list[tuple[Expr, bool]] = []
    stack = [(x, 1, single) for x, single in reversed(factors)]
    while stack:
        x, n, single = stack.pop()
        op = x.op
        if op is MUL:
            stack.extend([(arg, n, single) for arg in reversed(x.args)])
        elif op is POW:
            base, p = x.args
            k = value_of(p)
            if base.op is MUL and k.__class__ is int:
                stack.append((base, n * k, single))
            else:
                bases.setdefault(base, []).append(x if n == 1 else power(base, _scaled(p, n)))
        elif op is f.exp and n == 1:
            exponentials.append((x, single))
        elif n == 1 and is_number(x):
            coefficient = coefficient * x.params[0]
        else:
            bases.setdefault(x, []).append(x if n == 1 else power(x, number(n, x.shape)))
    return coefficient, bases, exponentials


def _scaled(p: Expr, n: int) -> Expr:
    return mul(number(n, p.shape), p)


def _merged_power(base: Expr, parts: Sequence[Expr]) -> Expr:
    """``base**a * base**b -> base**(a + b)``."""
    terms: list[tuple[Any, Expr]] = []
    for x in parts:
        if x is base:
            terms.append((1, number(1, x.shape)))
        elif x.op is POW and x.args[0] is base:
            p = x.args[1]
            terms.extend([(1, t) for t in (p.args if p.op is ADD else (p,))])
        else:
            return mul_all(parts)
    return power(base, collect_sum(terms, base))


def _exponentials(factors: Sequence[tuple[Expr, bool]]) -> list[Expr]:
    """``exp(a)*exp(b) -> exp(a + b)`` if neither is needed elsewhere, or the sum is simpler.

    An exponential that is shared costs more merged than multiplied.
    """
    if len(factors) < 2:
        return [x for x, _ in factors]
    distinct = {split_coefficient(x.args[0])[1] for x, _ in factors}
    if not (all(single for _, single in factors) or len(distinct) < len(factors)):
        return [x for x, _ in factors]
    total = collect_sum([(1, x.args[0]) for x, _ in factors], factors[0][0].args[0])
    merged = f.exp(total)
    return [] if value_of(merged) == 1 else [merged]


def _absolute_values(factors: list[Expr]) -> list[Expr]:
    """``u*sign(u) -> |u|`` and ``|u|*sign(u) -> u``."""
    signs = [x for x in factors if x.op is f.sign]
    for s in signs:
        u = s.args[0]
        for i, x in enumerate(factors):
            if x is u or (x.op is f.absolute and x.args[0] is u):
                merged = f.absolute(u) if x is u else u
                factors = [*factors[:i], merged, *factors[i + 1 :]]
                factors = [y for y in factors if y is not s]
                break
    return factors


def _extract_content(
    coefficient: Any, built: list[Expr], factors: Sequence[tuple[Expr, bool]]
) -> tuple[Any, list[Expr]]:
    """The numeric content of sums moves to the front of their product, if they are used here only."""
    for x in built:
        if x.op is ADD:
            break
    else:
        return coefficient, built
    single = {x for x, alone in factors if alone}
    result = []
    for x in built:
        if x.op is ADD and x in single and is_exact(coefficient):
            c, x = content_of(x)
            coefficient = coefficient * c
        result.append(x)
    return coefficient, result


def _product_of(coefficient: Any, built: list[Expr], like: Expr) -> Expr:
    if not built:
        return number(coefficient, like.shape)
    built.sort(key=factor_rank)
    if is_exact(coefficient) and coefficient == 1:
        return raw_product(tuple(built))
    if len(built) == 1:
        return mul(number(coefficient, like.shape), built[0])
    return raw_product((number(coefficient, like.shape), *built))
