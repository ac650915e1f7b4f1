"""Derivatives of powers that are right at base 0: how they are computed, recognised and taken apart.

``p*x**(p - 1)`` and ``x**p*log(x)`` are nan at x = 0 where a zero meets an infinity, though the
derivatives there are finite. A `POWER_DERIVATIVE` is such a derivative as one node. In code its zeros
win: the exponent is 0 where the factor is 0, and the logarithm is taken of 1 where the power is 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

from symgrad.expr.leaves import SIZE, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import rewritten
from symgrad.expr.traverse import as_roots, ops_of, toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add,
    add_all,
    factors_of,
    mul,
    mul_all,
    power,
    without,
)
from symgrad.ops.continued import at_zero
from symgrad.ops.guard import WHERE, choose
from symgrad.ops.power_derivatives import (
    POWER_DERIVATIVE,
    BaseFactor,
    falling_factorial,
    never_zero,
    parts_of,
    power_derivative,
    power_formula,
    shifted,
)
from symgrad.ops.select import where
from symgrad.rewrite.collect import collect_sum
from symgrad.rewrite.held_logarithms import held_logarithms, power_of, powers_in
from symgrad.rewrite.sums_at_zero import right_sum

# In code


def right_at_zero(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with derivatives of powers in a form whose code is right at base 0."""
    roots = as_roots(roots)
    if at_zero in ops_of(roots):
        roots = rewritten(roots, {MUL: _into_branches})
        roots = as_roots(rewritten(roots, {at_zero: lambda x: f.equal(x.args[0], 0)}))
    if ops_of(roots).isdisjoint((POWER_DERIVATIVE, POW)):
        return roots
    if not any(
        node.op is POWER_DERIVATIVE or _may_be_slope(node) or _roots_of_products(node)
        for node in toposort(roots)
    ):
        return roots
    summed = rewritten(roots, {ADD: lambda y: right_sum(y, _slopes) if _has_slope(y) else y})
    joined = rewritten(summed, {MUL: _right_product})
    return rewritten(joined, {POWER_DERIVATIVE: _value, MUL: _without_holes})


def _has_slope(y: Expr) -> bool:
    return any(_is_slope(z) for t in y.args for z in factors_of(t))


def _into_branches(node: Expr) -> Expr:
    """``where(at_zero(x), a, b)*c`` as ``where(at_zero(x), a*c, b*c)``, in which powers meet."""
    for i, y in enumerate(node.args):
        if y.op is WHERE and y.args[0].op is at_zero:
            condition, a, b = y.args
            rest = [*node.args[:i], *node.args[i + 1 :]]
            return choose(condition, *[_into_branches(mul_all([x, *rest])) for x in (a, b)])
    return node


def _without_holes(node: Expr) -> Expr:
    factors = recognised(node.args)
    if len(factors) == len(node.args):
        return mul_all(_held_roots(node)) if _roots_of_products(node) else node
    return mul_all([_value(x) if x.op is POWER_DERIVATIVE else x for x in factors])


def _value(y: Expr) -> Expr:
    """A derivative of a power, for any base of at least zero."""
    x, p, j, k, factor = parts_of(y)
    value = _at_any_base(x, p, j, k)
    if factor is None:
        return value
    t, m, r = factor
    left = (
        add(mul(number(r, p.shape), shifted(p, -j)), number(m, p.shape))
        if r > 1
        else shifted(p, m - j)
    )
    wins = f.logical_and(f.equal(t, 0), f.greater(left, 0))
    return where(wins, 0, mul(power(t, number(m, t.shape)), value))


def _at_any_base(x: Expr, p: Expr, j: int, k: int) -> Expr:
    factor, q = falling_factorial(p, j), shifted(p, -j)
    if k == 0:  # where the factor is zero, 0*x**0
        return mul(factor, power(x, where(f.not_equal(factor, 0), q, 0)))
    logarithm = f.log(where(f.logical_and(f.equal(x, 0), f.greater(q, 0)), 1, x))
    total = mul(factor, logarithm)
    if value_of(factor) is None:
        total = where(f.not_equal(factor, 0), total, 0)
    for i in range(1, k + 1):
        total = total if i == 1 else mul(total, logarithm)
        scale = number(math.comb(k, i), p.shape)
        total = add(total, mul(scale, falling_factorial(p, j, i)))
    return mul(total, power(x, q))


# Powers of the base beside a derivative, as sqrt(x**p) and sqrt(x)**p by x have them


def _right_product(node: Expr) -> Expr:
    """A product in which powers of one base meet, and powers win over logarithms, where the base is 0."""
    found = _without_signs(_slopes(node.args))
    factors = _powers_beside(found)
    held = held_logarithms(factors) if any(map(_is_slope, factors)) else None
    if held is not None:
        wins, vanishing, others = held
        product = mul_all([_value(z) if z.op is POWER_DERIVATIVE else z for z in vanishing])
        return mul_all([where(wins, 0, product), *others])
    return node if factors is found and len(found) == len(node.args) else mul_all(factors)


def _powers_beside(factors: list[Expr]) -> list[Expr]:
    """Powers of a base beside a derivative of one: where the base is 0 they are one power of it.

    As ``b**s * (x**p)'`` with x = b**r, or ``(x**n)' * (x**n)''``.
    """
    for b in dict.fromkeys(p.base for z in factors if _is_slope(z) for p in powers_in(z)):
        found = [(z, p) for z in factors if (p := power_of(z, b)) is not None]
        if len(found) < 2:
            continue
        factor = mul_all([p.factor for _, p in found])
        total = add_all([p.exponent for _, p in found])
        kept = power(b, where(f.not_equal(factor, 0), total, 0))
        product = mul_all([_value(z) if z.op is POWER_DERIVATIVE else z for z, _ in found])
        both = where(f.equal(b, 0), mul(factor, kept), product)
        return [*without(factors, *[z for z, _ in found]), both]
    return factors


def _is_slope(z: Expr) -> bool:
    """Whether a factor is a derivative of a power, or a power of one, or has a symbol as exponent."""
    return z.op is POWER_DERIVATIVE or (
        z.op is POW and (z.args[0].op is POWER_DERIVATIVE or _is_symbolic_power(z))
    )


def _without_signs(factors: list[Expr]) -> list[Expr]:
    """Factors without ``sign(u)**2`` beside a power of ``|u|``, which are its limit at u = 0."""
    bases = {p.base for z in factors for p in powers_in(z)}
    return [
        z
        for z in factors
        if not (
            z.op is POW
            and z.args[0].op is f.sign
            and (n := value_of(z.args[1])).__class__ is int
            and n % 2 == 0
            and f.absolute(z.args[0].args[0]) in bases
        )
    ]


# Roots of products beside a factor of theirs, as the derivative of sqrt(k*t) by k has them


def _root_of_product(x: Expr) -> tuple[Expr, Fraction | float] | None:
    """``(u, q)`` of ``x = u**q`` with a product u and q < 0; also of powers of cube roots."""
    if x.op is not POW:
        return None
    u, q = x.args[0], value_of(x.args[1])
    if u.op is f.cbrt and q.__class__ is int:
        u, q = u.args[0], Fraction(q, 3)
    divides = u.op is MUL and isinstance(q, (int, Fraction, float)) and q < 0
    return (u, q) if divides else None


def _roots_of_products(node: Expr) -> bool:
    return node.op is MUL and any(_root_of_product(x) is not None for x in node.args)


def _may_vanish(t: Expr) -> bool:
    """Whether a factor is 0 somewhere: extents and reciprocals are not."""
    if t.op is POW:
        n = value_of(t.args[1])
        return t.args[0].op is not SIZE and n is not None and n > 0
    return t.op is not SIZE and not never_zero(t)


def _held_roots(node: Expr) -> list[Expr]:
    """Factors with ``(k*t**r)**q`` taken of 1 where t is 0, if ``t**m`` beside it makes the product 0.

    That is where ``m + r*q > 0``, so that 0 is the limit.
    """
    beside = dict(_base_and_count(z) for z in node.args)
    found = []
    for x in node.args:
        root = _root_of_product(x)
        if root is not None:
            u, q = root
            held = [
                f.equal(t, 0)
                for t, r in map(_base_and_count, u.args)
                if r and beside.get(t) and beside[t] + r * q > 0 and _may_vanish(t)
            ]
            if held:
                safe = where(reduce(f.logical_or, held), 1, u)
                x = power(f.cbrt(safe) if x.args[0].op is f.cbrt else safe, x.args[1])
        found.append(x)
    return found


# Recognised and taken apart


def _may_be_slope(node: Expr) -> bool:
    return node.op is MUL and any(_is_symbolic_power(x) for x in node.args)


def _is_symbolic_power(x: Expr) -> bool:
    return x.op is POW and value_of(x.args[1]) is None and not never_zero(x.args[0])


def recognised(factors: Sequence[Expr]) -> list[Expr]:
    """Factors with derivatives of ``x**p`` as one, together with powers of a factor of x beside them."""
    return _with_factors(_slopes(factors))


def _slopes(factors: Sequence[Expr]) -> list[Expr]:
    """Factors with derivatives of ``x**p`` as one: ``p*(p - 1)*x**(p - 2)``, ``x**p*log(x)**2``."""
    if not any(x.op is POWER_DERIVATIVE or _is_symbolic_power(x) for x in factors):
        return list(factors)
    counts = Counter(factors)
    found: list[Expr] = []
    for y in factors:
        group, slope = _slope_of(y, counts) if _is_symbolic_power(y) else ([], y)
        counts.subtract(group)
        found.append(slope)
    used = Counter(factors)
    used.subtract(counts)
    return [z for z in found if not _taken(z, used)]


def _slope_of(y: Expr, counts: Counter[Expr]) -> tuple[list[Expr], Expr]:
    """Factors that make a derivative with a power ``y = x**q``, and that; without any, y itself.

    They are q + 1, q + 2, ..., as far as there are such, or a power of the logarithm.
    """
    x, q = y.args
    group: list[Expr] = []
    while counts[factor := shifted(q, len(group) + 1)] > 0 and factor is not x:
        group.append(factor)
    if group:
        return group, power_derivative(x, group[-1], len(group), 0)
    logarithm = f.log(x)
    for z in counts:
        n: Any = value_of(z.args[1]) if z.op is POW and z.args[0] is logarithm else None
        k = 1 if z is logarithm else n
        if k.__class__ is int and k > 0 and counts[z] > 0:
            return [z], power_derivative(x, q, 0, k)
    return [], y


def _taken(x: Expr, used: Counter[Expr]) -> bool:
    """Whether a factor went into a derivative; each such is counted down."""
    taken = used[x] > 0
    used[x] -= taken
    return taken


def _with_factors(factors: list[Expr]) -> list[Expr]:
    """Factors with ``t**m`` beside a derivative of ``(t/a)**p`` in one node with it."""
    slopes = [y for y in factors if y.op is POWER_DERIVATIVE and y.args[0].op is MUL]
    if not slopes:
        return factors
    others = [y for y in factors if y not in set(slopes)]
    for at, y in enumerate(slopes):
        inside = dict(_base_and_count(z) for z in y.args[0].args)
        for z in others:
            x, p, j, k, factor = parts_of(slopes[at])
            base, n = _base_and_count(z)
            if not n or not inside.get(base) or never_zero(base):
                continue
            if factor is None or factor.base is base:
                times = n + (0 if factor is None else factor.times)
                slopes[at] = power_derivative(x, p, j, k, BaseFactor(base, times, inside[base]))
                others = without(others, z)
    return [*others, *slopes]


def _base_and_count(z: Expr) -> tuple[Expr, int]:
    """``(t, m)`` of a factor ``t**m`` with an int m > 0; m is 0 for a number."""
    n: Any = value_of(z.args[1]) if z.op is POW else None
    if n.__class__ is int and n > 0:
        return z.args[0], n
    return z, int(value_of(z) is None and z.op is not POWER_DERIVATIVE)


def without_slopes(factors: Sequence[tuple[Expr, bool]]) -> Sequence[tuple[Expr, bool]]:
    """Factors with a derivative of a power written out where powers of its base stand beside it.

    That is where nothing is lost at base 0, as in ``x * (p*x**(p - 1))``, and in a quotient by
    the power itself, as in ``x**p*log(x) / x**p``.
    """
    if not any(x.op is POWER_DERIVATIVE for x, _ in factors):
        return factors
    return [
        (power_formula(*parts_of(x)), single)
        if x.op is POWER_DERIVATIVE and _may_be_opened(x, [y for y, _ in factors])
        else (x, single)
        for x, single in factors
    ]


def _may_be_opened(y: Expr, factors: Sequence[Expr]) -> bool:
    x, p, j, k, _ = parts_of(y)
    terms: list[Expr] = []
    for z in factors:
        if z is x:
            terms.append(number(1, p.shape))
        elif z.op is POW and z.args[0] is x:
            terms += z.args[1].args if z.args[1].op is ADD else z.args[1:]
    n = value_of(collect_sum([(1, t) for t in terms], p, False)) if terms else None
    if n is not None:
        return n.__class__ is int and k == 0 and n >= j
    return (
        bool(terms) and value_of(collect_sum([(1, t) for t in (*terms, p)], p, False)) is not None
    )
