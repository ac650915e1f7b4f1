"""Formulas that are continued to where a base is zero, before they are differentiated.

At x = 0 ``1/(1 + (k/x)**n)`` is 0, and ``cbrt(x**p)`` for p > 0 as well. Their derivatives there are those
of ``x**n/(x**n + k**n)`` and ``x**(p/3)``, but by the chain rule they are quotients of infinities or zeros.
So each becomes a choice of the two spellings by `at_zero`, which derivatives of any order inherit.

With S a sum whose terms have at most the pole ``x**-r`` at x = 0::

    S**-e = x**(r*e) * (x**r*S)**-e        (x**p)**q = x**(p*q)        cbrt(x**p) = x**(p/3)

References: limits from above, as those of `symgrad.ops.power_derivatives`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import is_number, is_value, number, value_of
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
    split_coefficient,
)
from symgrad.ops.continued import at_zero
from symgrad.ops.guard import WHERE, choose
from symgrad.ops.power_derivatives import never_zero

MAX_TERMS: Final = 8  # of a sum that divides
SMALL: Final = Fraction(1, 128)  # of x/k


def continued(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with such formulas as choices; those in a choice that was made before stay."""
    roots = as_roots(roots)
    if ops_of(roots).isdisjoint((POW, f.cbrt)):
        return roots
    before = _continued_before(roots) | _beside_poles(roots)

    def change(rule: Callable[[Expr], Found]) -> Callable[[Expr], Expr]:
        return lambda y: y if y in before else _choice(y, rule(y))

    return rewritten(roots, {op: change(rule) for op, rule in RULES.items()})


def _continued_before(roots: Sequence[Expr]) -> set[Expr]:
    """What the branches of earlier choices are made of."""
    if at_zero not in ops_of(roots):
        return set()
    choices = [y for y in toposort(roots) if y.op is WHERE and _has_test(y.args[0])]
    return set(toposort([branch for y in choices for branch in y.args[1:]]))


def _beside_poles(roots: Sequence[Expr]) -> set[Expr]:
    """Quotients that are multiplied by a pole of their own: ``u**n/(1 + u**n)`` is none at infinite u."""
    found: set[Expr] = set()
    for node in toposort(roots):
        if node.op is not MUL:
            continue
        divisors = [y for y in node.args if y.op is POW and y.args[0].op is ADD]
        for y in divisors:
            others = {b for z in node.args if z is not y for b, _ in _poles_of(z)}
            if any(b in others for t in y.args[0].args for b in _poles(t)):
                found.add(y)
    return found


def _has_test(condition: Expr) -> bool:
    return any(x.op is at_zero for x in toposort([condition]))


Found = tuple[Expr, Expr] | None  # a condition, and the formula that is right where it holds


def _choice(y: Expr, found: Found) -> Expr:
    return y if found is None else choose(found[0], found[1], y)


def _power(y: Expr) -> Found:
    base, p = y.args
    if base.op is POW:
        x, inner = base.args
        numbers = value_of(inner) is not None and value_of(p) is not None
        return None if numbers or never_zero(x) else (at_zero(x), power(x, mul(inner, p)))
    n = value_of(p)
    if base.op is not ADD or n is None or isinstance(n, bool) or not n < 0:
        return None
    return _quotient(base, -n) if len(base.args) <= MAX_TERMS else None


def _cube_root(y: Expr) -> Found:
    (base,) = y.args
    if base.op is not POW or never_zero(base.args[0]):
        return None
    x, p = base.args
    return at_zero(x), power(x, p / 3)


RULES: Final = {POW: _power, f.cbrt: _cube_root}


# Sums with a pole


def _quotient(total: Expr, e: Any) -> Found:
    """``S**-e`` with the highest pole of the terms of S taken out."""
    poles = [_poles(t) for t in total.args]
    for x in dict.fromkeys(x for found in poles for x in found):
        r = _highest([found[x] for found in poles if x in found])
        if r is None or never_zero(x):
            continue
        terms = [
            mul_all([_without(t, x), power(x, add(r, mul(number(-1, r.shape), found[x])))])
            if x in found
            else mul(t, power(x, r))
            for t, found in zip(total.args, poles, strict=True)
        ]
        over = power(x, mul(r, number(e, r.shape)))
        whole = mul(over, power(add_all(terms), number(-e, r.shape)))
        small = _beside_one(total, x, e)
        return at_zero(x if small is None else small), whole
    return None


def _beside_one(total: Expr, x: Expr, e: Any) -> Expr | None:
    """What is 0 where ``(k/x)**n`` is large in ``(1 + (k/x)**n)**-e`` for a whole e; None for others.

    Both spellings are right there; that of powers of x has no power of k/x to overflow.
    """
    if (
        len(total.args) != 2
        or e.__class__ is not int
        or not any(is_value(t, 1) for t in total.args)
    ):
        return None
    (term,) = [t for t in total.args if not is_value(t, 1)]
    if term.op is not POW:
        return None
    base, p = term.args
    c, _ = split_coefficient(p)
    if x not in {z.args[0] if z.op is POW else z for z in factors_of(base)}:
        return None
    small = base if c < 0 else power(base, number(-1, base.shape))
    return f.maximum(f.absolute(small) - number(SMALL, base.shape), number(0, base.shape))


def _highest(orders: Sequence[Expr]) -> Expr | None:
    """The highest order, of numbers or where all are one."""
    if all(r is orders[0] for r in orders):
        return orders[0]
    if all(value_of(r) is not None for r in orders):
        return max(orders, key=value_of)
    return None


def _poles(term: Expr) -> dict[Expr, Expr]:
    """The bases by which a term is divided, and how often."""
    found: dict[Expr, Expr] = {}
    for x in factors_of(term):
        for base, order in _poles_of(x):
            found[base] = add(found[base], order) if base in found else order
    return found


def _poles_of(x: Expr) -> list[tuple[Expr, Expr]]:
    """The bases by which a power divides, and how often: k and p of ``(x/k)**p``, x and p of ``x**-p``."""
    base, p = (x.args[0], x.args[1]) if x.op is POW else (x, number(1, x.shape))
    found = []
    for y in base.args if base.op is MUL else (base,):
        b, q = (y.args[0], mul(y.args[1], p)) if y.op is POW and y is not x else (y, p)
        c, _ = split_coefficient(q)
        if not is_number(b) and not isinstance(c, bool) and c < 0:
            found.append((b, mul(number(-1, q.shape), q)))
    return found


def _without(term: Expr, x: Expr) -> Expr:
    """A term without what divides by x."""
    factors = []
    for y in factors_of(term):
        base, p = (y.args[0], y.args[1]) if y.op is POW else (y, number(1, y.shape))
        inner = base.args if base.op is MUL else (base,)
        kept = [z for z in inner if z is not x and not (z.op is POW and z.args[0] is x)]
        if len(kept) == len(inner):
            factors.append(y)
        elif kept:
            factors.append(power(mul_all(kept), p))
    return mul_all(factors) if factors else number(1, term.shape)
