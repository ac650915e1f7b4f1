"""Differences that cancel, rewritten so that they do not: ``exp(u) - 1``, ``sqrt(1 + u) - 1``."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import is_number, is_value, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact, plus, power_value
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    POW,
    add_all,
    mul,
    split_coefficient,
)
from symgrad.ops.stable import sech

# What is near a number somewhere: roots of sums, powers of a number and functions
FUNCTIONS: Final = (ADD, POW, f.expit, f.exp, f.cos, f.cosh, sech, f.exp2)

Terms = dict[Expr, Any]  # the numbers of the terms of a sum; those that no rule may touch


def like_terms(y: Expr) -> tuple[Terms, Any, list[Expr]]:
    """The numbers of a sum's terms, its number, and the terms with a truth value as their number.

    A term that stands twice is one term with the sum of its numbers: rules on sums need that, since what
    they find for a term must be all there is of it.
    """
    terms: Terms = {}
    constant: Any = 0
    others = []
    for t in y.args:
        c, rest = split_coefficient(t)
        if isinstance(c, bool):
            others.append(t)
        elif rest is None:
            constant = plus(constant, c)
        else:
            terms[rest] = terms.get(rest, 0) + c
    return terms, constant, others


def sum_of(terms: Terms, constant: Any, others: list[Expr], like: Expr, *more: Expr) -> Expr:
    """The sum that `like_terms` took apart, and further terms."""
    kept = [mul(number(c, like.shape), t) for t, c in terms.items() if not (is_exact(c) and c == 0)]
    if not (is_exact(constant) and constant == 0):
        kept.append(number(constant, like.shape))
    kept += [*others, *more]
    return add_all(kept) if kept else number(0, like.shape)


def distinct_terms(y: Expr) -> Expr:
    """A sum in which each term, but for its number, stands once; itself if that is so."""
    terms, constant, others = like_terms(y)
    numbers = sum(is_number(t) for t in y.args)
    if len(terms) + len(others) + bool(numbers) == len(y.args):
        return y
    return sum_of(terms, constant, others, y)


def difference(y: Expr) -> Expr | None:
    """``c*exp(u) - c = c*expm1(u)``, ``c - c*cos(u) = 2c*sin(u/2)**2``, and the like."""
    if not any(is_number(t) for t in y.args):
        return None
    terms, c, others = like_terms(y)
    for rest, k in terms.items():
        if k == 0:
            continue
        other = _less(rest, -c / k if c % k else -c // k)
        if other is not None:
            kept = {t: n for t, n in terms.items() if t is not rest}
            return sum_of(kept, 0, others, y, mul(number(k, y.shape), other))
    return None


def _less(x: Expr, d: Any) -> Expr | None:
    """``x - d`` in a form that does not cancel, for an x that is near d somewhere."""
    if x.op is POW and value_of(x.args[1]) == Fraction(1, 2):
        return _less_root(x, d)
    if x.op is f.expit and 2 * d == 1:
        return f.tanh(x.args[0] / 2) / 2
    return _less_one(x) if d == 1 else None


def _less_one(x: Expr) -> Expr | None:
    if x.op is f.exp:
        return f.expm1(x.args[0])
    if x.op is f.cos:
        return -2 * f.sin(x.args[0] / 2) ** 2
    if x.op is f.cosh:
        return 2 * f.sinh(x.args[0] / 2) ** 2
    if x.op is sech:
        return -f.tanh(x.args[0]) * f.tanh(x.args[0] / 2)
    if x.op is f.expit:
        return -f.expit(-x.args[0])
    if x.op is f.exp2:
        return f.expm1(x.args[0] * math.log(2))
    if x.op is POW:
        base = value_of(x.args[0])
        if base is not None and base > 0:
            return f.expm1(x.args[1] * math.log(base))
    return None


def _less_root(x: Expr, d: Any) -> Expr | None:
    """``sqrt(d**2 + u) - d = u/(sqrt(d**2 + u) + d)`` for d > 0."""
    inside = x.args[0]
    if not d > 0 or inside.op is not ADD or not is_exact(d):
        return None
    rest = [t for t in inside.args if not is_value(t, power_value(d, 2))]
    if len(rest) != len(inside.args) - 1 or any(is_number(t) for t in rest):
        return None
    return add_all(rest) / (x + number(d, x.shape))


def softplus_difference(y: Expr) -> Expr | None:
    """``softplus(u) - u = softplus(-u)``, times a number."""
    terms, constant, others = like_terms(y)
    for term, c in terms.items():
        if term.op is not f.softplus:
            continue
        k, u = split_coefficient(term.args[0])
        if u is not None and terms.get(u) == -c * k:
            kept = {t: n for t, n in terms.items() if t is not term and t is not u}
            mirrored = mul(number(c, y.shape), f.softplus(-term.args[0]))
            return sum_of(kept, constant, others, y, mirrored)
    return None
