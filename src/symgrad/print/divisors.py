"""``a*x**(-n)`` reads ``a/x**n``: powers with a negative symbolic exponent stand below the bar."""

from __future__ import annotations

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr, make
from symgrad.ops.arithmetic import ADD, MUL, POW, mul, raw_sum, split_coefficient
from symgrad.rewrite.size import stands_above, stands_below

MAX_FACTORS = 16  # of a product that is looked at


def divided(product: Expr) -> Expr:
    """A product for reading; itself where no factor moves below, or nothing would be left above."""
    factors = product.args
    if len(factors) > MAX_FACTORS or not any(map(stands_below, factors)):
        return product
    if not any(map(stands_above, factors)):
        return product
    moved = tuple([_reciprocal(x) if stands_below(x) else x for x in factors])
    if all(a is b for a, b in zip(moved, factors, strict=True)):
        return product
    return make(MUL, moved, (), product.shape, product.ty)


def _reciprocal(x: Expr) -> Expr:
    """``x**(-n)`` as one over ``x**n``, as it stands; of a number as exponent itself."""
    base, p = x.args
    if not p.args:
        return x
    terms = p.args if p.op is ADD else (p,)
    turned = raw_sum(tuple([_negated(t) for t in terms]))
    below = make(POW, (base, turned), (), x.shape, x.ty)
    return make(POW, (below, number(-1, x.shape)), (), x.shape, x.ty)


def _negated(term: Expr) -> Expr:
    c, rest = split_coefficient(term)
    size = number(-c, term.shape)
    return size if rest is None else mul(size, rest)
