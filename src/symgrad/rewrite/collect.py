"""Collecting sums and products: like terms, like bases, numeric content, common factors.

Every function here is linear in the terms or factors it is given. Guarantees: like terms and bases
reassociate floats (rounding); a cancelled factor, ``x/x -> 1``, defines the result at more points
(domain); ``sin(u)**2 + cos(u)**2 -> 1`` is rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from symgrad.expr.leaves import EYE, is_number, number, symbol, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact, plus, power_value, times
from symgrad.expr.types import BOOL
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    NAN,
    POW,
    has_pole,
    is_scaled_far,
    mul,
    mul_all,
    power,
    raw_product,
    split_coefficient,
)
from symgrad.ops.einsum import EINSUM, transpose_axes
from symgrad.ops.guard import WHERE, choose, is_guard
from symgrad.ops.symmetry import einsum_key
from symgrad.rewrite.factor import MAX_TERMS, expand, factored, over_one_denominator
from symgrad.rewrite.logistic import logistic_quotients
from symgrad.rewrite.powers import Powers, raise_power
from symgrad.rewrite.product_roots import roots_of_products
from symgrad.rewrite.sums import (
    Coefficients,
    as_sum,
    content_of,
    is_zero,
    negated,
    squares_of_circle,
)

SLOT: Final = "slot"  # marks the symbols that stand for "some operand here"

MAX_NESTED: Final = 4  # products merged in the operands of merged products

# Sums


def collect_sum(
    terms: Sequence[tuple[Any, Expr]], like: Expr, shortest: bool = True, nested: int = 0
) -> Expr:
    """``sum of sign * term``, with like terms collected; `like` gives shape and type.

    Terms keep the order in which they first appear. With `shortest` the sum is also factored, and
    products in it are written out, where that makes it shorter. `nested` counts the merged products
    that the sum is an operand of.
    """
    coefficients, constant = _coefficients(terms)
    constant = squares_of_circle(coefficients, constant)
    constant = _merge_guards(coefficients, constant, like)
    if nested < MAX_NESTED:
        _merge_contractions(coefficients, nested + 1)
    kept = {rest: c for rest, c in coefficients.items() if not is_zero(c)}
    if not kept:
        return number(constant, like.shape)
    best = _shortest(kept, constant, like) if shortest else None
    return as_sum(kept, constant, like) if best is None else best


def _shortest(coefficients: Coefficients, constant: Any, like: Expr) -> Expr | None:
    """The sum factored, or written out and factored; None if it is best as it is."""
    result = factored(coefficients, constant, like)
    if result is not None:
        return result
    written = expand(coefficients, constant, like)
    if written is None:
        return None
    coefficients, constant = written
    if not coefficients:
        return number(constant, like.shape)
    result = factored(coefficients, constant, like)
    return as_sum(coefficients, constant, like) if result is None else result


def _coefficients(terms: Iterable[tuple[Any, Expr]]) -> tuple[Coefficients, Any]:
    coefficients: Coefficients = {}
    constant: Any = 0
    for sign, term in terms:
        if term.op is MUL or is_number(term):
            c, rest = split_coefficient(term)
            if sign != 1:
                c = times(c, sign)
        else:
            c, rest = sign, term
        if rest is None:
            constant = plus(constant, c)
        elif rest in coefficients:
            coefficients[rest] = plus(coefficients[rest], c)
        else:
            coefficients[rest] = c
    return coefficients, constant


def _merge_guards(coefficients: Coefficients, constant: Any, like: Expr) -> Any:
    """``where(c, a, 0) + where(c, 0, b) -> where(c, a, b)``: guards by one condition become one."""
    by_condition: dict[Expr, list[Expr]] = {}
    for term in coefficients:
        if term.op is WHERE and is_guard(term):
            by_condition.setdefault(term.args[0], []).append(term)
    for condition, terms in by_condition.items():
        if len(terms) < 2:
            continue
        scales = [coefficients.pop(term) for term in terms]
        branches = [
            collect_sum([(c, t.args[k]) for c, t in zip(scales, terms, strict=True)], like)
            for k in (1, 2)
        ]
        scale, rest = split_coefficient(choose(condition, *branches))
        if rest is None:
            constant = plus(constant, scale)
        else:
            coefficients[rest] = plus(coefficients.get(rest, 0), scale)
    return constant


def _merge_contractions(coefficients: Coefficients, nested: int) -> None:
    """``A @ x + A @ y -> A @ (x + y)``: Einsums that differ in one operand are added in that operand.

    A matrix may stand transposed in one of them: ``A @ x + A.T @ x -> (A + A.T) @ x``.
    """
    terms = [term for term in coefficients if term.op is EINSUM and len(term.args) > 1]
    if len(terms) < 2:
        return
    seen: dict[Any, tuple[Expr, int]] = {}
    for term in terms:
        for i, operand in enumerate(term.args):
            if operand.op is EYE:
                continue
            key, turned_key = _slot_keys(term, i)
            partner, j = seen.get(key, (term, i))
            turned = partner is term and len(terms) <= MAX_TERMS and turned_key in seen
            if turned:
                partner, j = seen[turned_key]
            if partner is not term and partner in coefficients and term in coefficients:
                scales = coefficients.pop(partner), coefficients.pop(term)
                other = transpose_axes(operand, (1, 0)) if turned else operand
                c, total = _weighted_sum(scales, partner.args[j], other, nested)
                operands = (*partner.args[:j], total, *partner.args[j + 1 :])
                scale, rest = split_coefficient(EINSUM.build(operands, partner.params))
                if rest is not None:
                    added = scale if c == 1 else times(c, scale)
                    coefficients[rest] = plus(coefficients.get(rest, 0), added)
                break
            seen[key] = (term, i)


def _weighted_sum(scales: tuple[Any, Any], a: Expr, b: Expr, nested: int) -> tuple[Any, Expr]:
    """``(k, s)`` with ``k*s = c*a + d*b`` for scales c and d, the number in front where there is one."""
    c, d = scales
    if c == d:
        return c, collect_sum([(1, a), (1, b)], a, nested=nested)
    total = collect_sum([(c, a), (d, b)], a, nested=nested)
    return content_of(total) if total.op is ADD else (1, total)


def _slot_keys(term: Expr, i: int) -> tuple[Any, Any]:
    """What an Einsum is but for its i-th operand; and with a matrix there transposed, or None."""
    inputs, out, spread = term.params
    shape = term.args[i].shape
    keys = [None, None]
    for turn, labels in enumerate((inputs[i], inputs[i][::-1])):
        if turn == 0 or len(labels) == 2:
            slot = symbol("slot", shape[::-1] if turn else shape, unique=SLOT)
            args = (*term.args[:i], slot, *term.args[i + 1 :])
            keys[turn] = einsum_key(args, ((*inputs[:i], labels, *inputs[i + 1 :]), out, spread))
    return keys[0], keys[1]


# Products


def collect_product(factors: Sequence[tuple[Expr, bool]], like: Expr) -> Expr:
    """The product of factors, with like bases collected; `like` gives shape and type.

    Each factor comes with whether it is used here only, so that it may be taken apart. The result has
    its number first, then powers of symbols, then functions, then sums, each as first met.
    """
    for x, _ in factors:
        if (x.op is WHERE and is_guard(x)) or x.ty is BOOL:
            return mul_all([x for x, _ in factors])
    coefficient, bases, exponents = _gather(factors)
    if is_exact(coefficient) and coefficient == 0:
        return number(NAN if any(has_pole(x) for x, _ in factors) else 0, like.shape)
    built: list[Expr] = []
    for base, parts in bases.items():
        factor = parts[0] if len(parts) == 1 else _merged_power(base, parts)
        if is_number(factor):
            coefficient = times(coefficient, value_of(factor))
        else:
            built.append(factor)
    if exponents:
        built.extend(_exponentials(exponents))
    built = logistic_quotients(tangents(absolute_values(roots_of_products(built))))
    single = {x for x, alone in factors if alone}
    coefficient, built = primitive_sums(coefficient, built, single)
    return _product_of(coefficient, built, single, like)


def _gather(
    factors: Sequence[tuple[Expr, bool]],
) -> tuple[Any, dict[Expr, list[Expr]], list[tuple[Expr, bool]]]:
    """The number, the factors by base, and the exponentials.

    Products are taken apart, but long ones that are needed elsewhere: in a chain of products each of
    which holds the one before, that would cost the square of their number.
    """
    coefficient: Any = 1
    bases: dict[Expr, list[Expr]] = {}
    exponentials: list[tuple[Expr, bool]] = []
    stack = [(x, 1, single) for x, single in reversed(factors)]
    while stack:
        x, n, single = stack.pop()
        op = x.op
        if op is MUL and (single or len(x.args) <= MAX_TERMS) and not is_scaled_far(x):
            stack.extend([(arg, n, single) for arg in reversed(x.args)])
        elif op is POW:
            base, p = x.args
            k = value_of(p)
            short = base.op is MUL and (single or len(base.args) <= MAX_TERMS)
            if short and k.__class__ is int and not is_scaled_far(base):
                stack.append((base, n * k, single))
            elif base.op is f.exp and k.__class__ is int:
                exponentials.append((power(x, number(n, x.shape)), single))
            else:
                bases.setdefault(base, []).append(x if n == 1 else power(base, _scaled(p, n)))
        elif op is f.exp:
            exponentials.append((x if n == 1 else power(x, number(n, x.shape)), single))
        elif n == 1 and is_number(x):
            coefficient = times(coefficient, x.params[0])
        else:
            bases.setdefault(x, []).append(x if n == 1 else power(x, number(n, x.shape)))
    return coefficient, bases, exponentials


def _scaled(p: Expr, n: int) -> Expr:
    return mul(number(n, p.shape), p)


def _merged_power(base: Expr, parts: Sequence[Expr]) -> Expr:
    """``base**a * base**b -> base**(a + b)``; ``0**2 * 0**-1`` is undefined, and no power of 0."""
    if value_of(base) == 0:
        return number(NAN if any(map(has_pole, parts)) else 0, base.shape)
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
    """``exp(u)*exp(2*u) -> exp(3*u)``, and ``exp(a)*exp(b) -> exp(a + b)`` if needed here only.

    An exponential that is shared costs more merged than multiplied.
    """
    groups: dict[Expr | None, list[tuple[Expr, bool]]] = {}
    for x, single in factors:
        groups.setdefault(split_coefficient(_exponent(x))[1], []).append((x, single))
    if len(groups) > 1 and all(single for _, single in factors):
        groups = {None: list(factors)}
    merged = [x[0][0] if len(x) == 1 else _merged_exponential(x) for x in groups.values()]
    return [x for x in merged if value_of(x) != 1]


def _exponent(x: Expr) -> Expr:
    """u of ``exp(u)``, n*u of ``exp(u)**n``."""
    return mul(x.args[1], x.args[0].args[0]) if x.op is POW else x.args[0]


def _merged_exponential(factors: Sequence[tuple[Expr, bool]]) -> Expr:
    exponents = [_exponent(x) for x, _ in factors]
    terms = [(1, t) for u in exponents for t in (u.args if u.op is ADD else (u,))]
    return f.exp(collect_sum(terms, exponents[0]))


# Absolute values and signs


def _base_and_exponent(x: Expr) -> tuple[Expr, Any]:
    n = value_of(x.args[1]) if x.op is POW else None
    return (x.args[0], n) if is_exact(n) else (x, 1)


def absolute_values(factors: list[Expr]) -> list[Expr]:
    """Powers of u, ``|u|`` and ``sign(u)`` collected: ``u*sign(u) -> |u|``, ``sign(u)/|u| -> 1/u``."""
    powers = [_base_and_exponent(x) for x in factors]
    signed = (f.sign, f.absolute)
    about = dict.fromkeys(b.args[0] for b, _ in powers if b.op in signed)
    if not about:
        return factors
    mine: dict[Expr, list[Expr]] = {u: [] for u in about}  # each factor counts once
    exponents: dict[Expr, Powers] = {u: {} for u in about}
    result = []
    for x, (base, n) in zip(factors, powers, strict=True):
        u = base.args[0] if base.op in signed else base
        if u in about:
            raise_power(exponents[u], base, n)
            mine[u].append(x)
        else:
            result.append(x)
    for u, own in exponents.items():
        merged = _signed_power(u, *[own.get(k, 0) for k in (u, f.absolute(u), f.sign(u))])
        result.extend(mine[u] if merged is None else merged)
    return result


def _signed_power(u: Expr, a: Any, b: Any, s: Any) -> list[Expr] | None:
    """``u**a * |u|**b * sign(u)**s`` in few factors, or None if it is best as it is.

    ``|u|**b = u**b * sign(u)**b`` for an integer b. A square of the sign is 1 but at 0; it is left
    out where there is a pole at 0 anyway, or a zero.
    """
    if any(n.__class__ is not int for n in (a, b, s)):
        pole = a < 0 or b < 0
        return [_raised(u, a), _raised(f.absolute(u), b)] if s and s % 2 == 0 and pole else None
    n = a + b
    odd = (s + b) % 2
    if not a and not b and s > 0:
        return [f.sign(u)] if odd else [_raised(f.sign(u), 2)]
    if not odd:
        return [_raised(u, n)] if n else []
    if n % 2:
        return [_raised(f.absolute(u), n)]
    if n > 0:
        return [*([_raised(u, n - 1)]), f.absolute(u)]
    return [f.sign(u)] if n == 0 else [f.sign(u), _raised(u, n)]


def _raised(base: Expr, n: Any) -> Expr:
    return power(base, number(n, base.shape))


# Tangents

_TANGENTS: Final = {f.sin: (f.cos, f.tan), f.sinh: (f.cosh, f.tanh)}
_OF_TANGENTS: Final = (f.sin, f.cos, f.tan, f.sinh, f.cosh, f.tanh)


def tangents(factors: list[Expr]) -> list[Expr]:
    """``sin(u)**n/cos(u)**n -> tan(u)**n``; of sinh and cosh also ``cosh(u)/sinh(u) -> 1/tanh(u)``."""
    if not any(_base_and_exponent(x)[0].op in _TANGENTS for x in factors):
        return factors
    powers: Powers = {}
    others = []
    for x in factors:
        base, n = _base_and_exponent(x)
        if base.op in _OF_TANGENTS:
            raise_power(powers, base, n)
        else:
            others.append(x)
    made = False
    for base, n in list(powers.items()):
        if base.op in _TANGENTS and (n > 0 or base.op is f.sinh):
            below, tangent = _TANGENTS[base.op]
            under = below(base.args[0])
            if powers.get(under) == -n:
                made = True
                del powers[base], powers[under]
                raise_power(powers, tangent(base.args[0]), n)
    return [*others, *[_raised(base, n) for base, n in powers.items()]] if made else factors


# Numbers in sums


def primitive_sums(
    coefficient: Any, built: list[Expr], single: set[Expr]
) -> tuple[Any, list[Expr]]:
    """``(2*x + 2)*(x + 1)*(1 - x)/(x - 1) -> -2*(x + 1)**2``: sums that are multiples of each other.

    The number of a sum moves to the front if the sum is used here only, or meets a multiple of itself.
    """
    sums = [x for x in built if x.op is ADD or (x.op is POW and x.args[0].op is ADD)]
    if not sums or not is_exact(coefficient):
        return coefficient, built
    if len(sums) > 1 and all(len(_base_and_exponent(x)[0].args) <= MAX_TERMS for x in sums):
        if _alike(sums):
            coefficient, built = _multiples(coefficient, built, sums)
        coefficient, built = _cancelled_sums(coefficient, built)
    result = []
    for x in built:
        if x.op is ADD and x in single:
            c, x = content_of(x)
            coefficient = coefficient * c
        result.append(x)
    return coefficient, result


def _alike(sums: Sequence[Expr]) -> bool:
    """Whether two of some powers of sums have the same terms but for numbers, as multiples do."""
    terms = [_base_and_exponent(x)[0].args for x in sums]
    if len({len(args) for args in terms}) == len(terms):
        return False
    return len({frozenset([split_coefficient(t)[1] for t in args]) for args in terms}) < len(terms)


def _multiples(coefficient: Any, built: list[Expr], sums: Sequence[Expr]) -> tuple[Any, list[Expr]]:
    """Powers of sums that are a number times each other, as powers of one of them."""
    exponents: Powers = {}
    scale: Any = 1
    for x in sums:
        base, n = _base_and_exponent(x)
        c, primitive = content_of(base)
        negative = negated(primitive)
        if negative in exponents:
            c, primitive = -c, negative
        factor = power_value(c, n)
        if factor is None:
            return coefficient, built
        scale = scale * factor
        raise_power(exponents, primitive, n)
    if len(exponents) == len(sums):
        return coefficient, built
    rest = [x for x in built if not any(x is y for y in sums)]
    return coefficient * scale, [*rest, *[_raised(base, n) for base, n in exponents.items()]]


def _cancelled_sums(coefficient: Any, built: list[Expr]) -> tuple[Any, list[Expr]]:
    """``(x/q + 1)/(x + q) -> 1/q``: a sum that is another one over a denominator."""
    below = {base for base, n in map(_base_and_exponent, built) if base.op is ADD and n < 0}
    for i, x in enumerate(built):
        joined = over_one_denominator(x) if below and x.op is ADD else None
        if joined is None or joined[2] not in below:
            continue
        powers: Powers = dict(joined[0])
        for k, y in enumerate(built):
            base, n = _base_and_exponent(joined[2] if k == i else y)
            raise_power(powers, base, n)
        return coefficient * joined[1], [_raised(base, n) for base, n in powers.items()]
    return coefficient, built


def _has_minus(x: Expr) -> bool:
    """Whether a short sum has a term with a minus sign."""
    return len(x.args) <= MAX_TERMS and any(split_coefficient(t)[0] < 0 for t in x.args)


def _product_of(coefficient: Any, built: list[Expr], single: set[Expr], like: Expr) -> Expr:
    if not built:
        return number(coefficient, like.shape)
    if is_exact(coefficient) and coefficient == 1:
        return raw_product(tuple(built))
    if len(built) == 1:
        (x,) = built
        if coefficient == -1 and x.op is ADD and x in single and _has_minus(x):
            return negated(x)
        return mul(number(coefficient, like.shape), x, flat=True)
    return raw_product((number(coefficient, like.shape), *built))
