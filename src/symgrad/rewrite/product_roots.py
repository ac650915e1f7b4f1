"""Roots of products beside their factors: ``x*y/(x*y)**(3/2) = (x*y)**(-1/2)``."""

from __future__ import annotations

from typing import Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops.arithmetic import MUL, POW, power
from symgrad.rewrite.powers import Exact, Powers, powers_of, raise_power

MAX_FACTORS: Final = 8  # of a product with a root, and of one below it


def roots_of_products(factors: list[Expr]) -> list[Expr]:
    """The factors with whole powers of what stands below a root as part of that, where they cancel."""
    roots = [x for x in factors if _is_root(x)] if len(factors) <= MAX_FACTORS else []
    for x in roots:
        base, p = x.args
        q = value_of(p)
        rest: Powers = {}
        for y in factors:
            if y is not x:
                for b, n in powers_of(y).items():
                    raise_power(rest, b, n)
        k = _multiplicity(powers_of(base), rest, q)
        if k:
            for b, n in powers_of(base).items():
                raise_power(rest, b, -k * n)
            made = [power(b, number(n, b.shape)) for b, n in rest.items()]
            return [*made, power(base, number(q + k, p.shape))]
    return factors


def _is_root(x: Expr) -> bool:
    """Whether a factor is a broken power of a product without a number."""
    if x.op is not POW or x.args[0].op is not MUL or len(x.args[0].args) > MAX_FACTORS:
        return False
    q = value_of(x.args[1])
    plain = value_of(x.args[0].args[0]) is None
    return plain and is_exact(q) and q.denominator != 1


def _multiplicity(base: Powers, rest: Powers, q: Exact) -> int:
    """The k, of the sign other than that of q and no larger, with ``base**k`` among the other factors."""
    times = [rest.get(b, 0) / n for b, n in base.items()]
    if q > 0:
        return -min(int(q), *[int(max(-t, 0)) for t in times]) if times else 0
    return min(int(-q), *[int(max(t, 0)) for t in times]) if times else 0
