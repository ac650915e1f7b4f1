"""Logarithms beside powers that win over them at 0: ``x*log(x)``, ``x**p*log(x/k)**2`` for p > 0.

The limit of ``w**t * log(c*w**r)**n`` from above is 0 for t > 0, where floats make nan of zero times
infinity. In code the product of the powers and of the logarithms, or of sums with logarithms in their
terms, is 0 there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.ranges import is_positive
from symgrad.expr.rewriting import rewritten, transform
from symgrad.expr.traverse import as_roots, ops_of
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
    split_coefficient,
)
from symgrad.ops.einsum import is_layout
from symgrad.ops.guard import choose
from symgrad.ops.power_derivatives import (
    POWER_DERIVATIVE,
    falling_factorial,
    never_zero,
    parts_of,
    shifted,
)
from symgrad.ops.select import where


class ScaledPower(NamedTuple):
    """``factor * base**exponent``."""

    base: Expr
    exponent: Expr
    factor: Expr


def powers_in(z: Expr) -> list[ScaledPower]:
    """A factor as a power of each of its bases, x of ``(x/k)**p`` among them, with the rest as factor.

    A derivative of a power by its base is one; for what divides, as k does here, nothing is found.
    """
    one = number(1, z.shape)
    if value_of(z) is not None:
        return []
    if z.op is POWER_DERIVATIVE:
        return _powers_in_slope(z)
    if z.op is MUL:
        return [
            ScaledPower(b, e, mul_all([c, *z.args[:i], *z.args[i + 1 :]]))
            for i, y in enumerate(z.args)
            for b, e, c in powers_in(y)
        ]
    if z.op is not POW:
        return [ScaledPower(z, one, one)]
    p = z.args[1]
    inside = [(b, mul(e, p), power(c, p)) for b, e, c in powers_in(z.args[0])]
    of_product = z.args[0].op is MUL
    return [ScaledPower(*t) for t in inside if not (of_product and is_negative_number(t[1]))]


def _powers_in_slope(z: Expr) -> list[ScaledPower]:
    x, p, j, k, beside = parts_of(z)
    if k:
        return []
    scale, q = falling_factorial(p, j), shifted(p, -j)
    found = [ScaledPower(b, mul(e, q), mul(scale, power(c, q))) for b, e, c in powers_in(x)]
    if beside is None:
        return found
    more = power(beside.base, number(beside.times, z.shape))
    joined = []
    for b, e, c in found:
        own = power_of(more, b) or ScaledPower(b, number(0, z.shape), more)
        joined.append(ScaledPower(b, add(e, own.exponent), mul(c, own.factor)))
    return joined


def is_negative_number(x: Expr) -> bool:
    c, _ = split_coefficient(x)
    return not isinstance(c, bool) and bool(c < 0)


def power_of(z: Expr, base: Expr) -> ScaledPower | None:
    """A factor as a power of a base."""
    return next((p for p in powers_in(z) if p.base is base), None)


def logarithms_at_zero(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with products that are 0 where a power wins over a logarithm."""
    roots = as_roots(roots)
    if ops_of(roots).isdisjoint((f.log, f.log1p)):
        return roots
    return rewritten(roots, {MUL: _held})


def _held(y: Expr) -> Expr:
    found = held_logarithms(y.args) if any(map(logarithms_in, y.args)) else None
    if found is None:
        return y
    wins, vanishing, others = found
    if all(_is_finite_beside_logarithms(z) for z in vanishing):
        return mul_all([*[_without_poles(z, wins) for z in vanishing], *others])
    return mul_all([where(wins, 0, mul_all(vanishing)), *others])


def _is_finite_beside_logarithms(z: Expr) -> bool:
    """Whether a factor has logarithms, or sums of them with numbers, that may be taken of 1 instead."""
    found = logarithms_in(z)
    if not found:
        return value_of(z) is not None or z.op is not POWER_DERIVATIVE
    inner = z.args[0] if z.op is POW else z
    terms = inner.args if inner.op is ADD else (inner,)
    return all(
        split_coefficient(t)[1] is None or _is_logarithm(split_coefficient(t)[1]) for t in terms
    )


def _is_logarithm(x: Expr | None) -> bool:
    return x is not None and x.op in (f.log, f.log1p)


def _without_poles(z: Expr, wins: Expr) -> Expr:
    """A factor with logarithms that are 0 where `wins` holds: no product with them hides a nan."""

    def change(x: Expr) -> Expr:
        harmless = number(1 if x.op is f.log else 0, x.shape)
        return x.op.build((choose(wins, harmless, x.args[0]),), ())

    if not logarithms_in(z):
        return z
    return transform([z], lambda x: change(x) if x.op in (f.log, f.log1p) else x)[z]


def held_logarithms(factors: Sequence[Expr]) -> tuple[Expr, list[Expr], list[Expr]] | None:
    """The condition that powers win over logarithms, the factors that are 0 then, and the others."""
    logs = [(z, logarithms_in(z)) for z in factors]
    for w in dict.fromkeys(w for _, found in logs for v in found for w in _bases(v)):
        if never_zero(w) or is_positive(w):
            continue
        beside = [(z, e) for z, found in logs if not found and (e := _exponent(z, w)) is not None]
        wins = _wins(w, add_all([e for _, e in beside])) if beside else None
        if wins is None:
            continue
        taken = {z for z, _ in beside}
        taken |= {z for z, found in logs if any(b is w for v in found for b in _bases(v))}
        return wins, [z for z in factors if z in taken], [z for z in factors if z not in taken]
    return None


def _exponent(z: Expr, w: Expr) -> Expr | None:
    """The exponent of w in a factor, a derivative of its power by the exponent among them."""
    if z.op is POWER_DERIVATIVE and z.params[1]:
        z = POWER_DERIVATIVE.build(z.args, (z.params[0], 0, *z.params[2:]))
    found = power_of(z, w)
    return None if found is None else found.exponent


def _wins(w: Expr, exponent: Expr) -> Expr | None:
    """The condition that a power of w is 0 and stronger than any logarithm."""
    t = value_of(exponent)
    if t is None:
        return f.logical_and(f.equal(w, 0), f.greater(exponent, 0))
    return f.equal(w, 0) if t > 0 else None


def logarithms_in(z: Expr) -> list[Expr]:
    """What the logarithms of a factor, a power of it, or of the terms of a sum are taken of."""
    n = value_of(z.args[1]) if z.op is POW else None
    if n.__class__ is int and n > 0:
        z = z.args[0]
    terms = z.args if z.op is ADD else (z,)
    return [v for term in terms for x in factors_of(term) for v in _logs_of_factor(x)]


def _logs_of_factor(x: Expr) -> list[Expr]:
    n = value_of(x.args[1]) if x.op is POW else None
    inner = x.args[0] if n.__class__ is int and n > 0 else x
    if inner.op is f.log1p:
        return [1 + inner.args[0]]
    return [inner.args[0]] if inner.op is f.log else []


def _bases(v: Expr) -> list[Expr]:
    """The bases of the factors of what a logarithm is taken of."""
    inner = v.args[0] if is_layout(v) else v
    return [p.base for x in (inner.args if inner.op is MUL else (v,)) for p in powers_in(x)]
