"""Sums of exponentials, and products with them: logistic functions and softmax instead of overflow.

For ``S = c*exp(a) + d*exp(b)`` with positive c and d, and ``z = a - b + log(c/d)``::

    S = d*exp(b)/expit(-z),    c*exp(a)/S = expit(z),    d*exp(b)/S = expit(-z)

so that a quotient of exponentials by powers of S is a product of logistic functions. A sum of three
or more, or one over an axis, is ``exp(L)`` with its logarithm L a logaddexp or logsumexp.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, mul, power, split_coefficient
from symgrad.ops.einsum import EINSUM
from symgrad.ops.reduction import LOGSUMEXP
from symgrad.rewrite.bases import product_of

# What an expression is, as exponentials


class Exponential(NamedTuple):
    """``c*exp(u)``; u is None for a plain number."""

    c: Any
    u: Expr | None


def exponentials_of(x: Expr) -> list[Exponential] | None:
    """The terms of a sum of positive multiples of exponentials and numbers, else None.

    At least one term is an exponential.
    """
    if x.op is not ADD:
        return None
    found = []
    for term in x.args:
        c, rest = split_coefficient(term)
        if (
            isinstance(c, bool)
            or not 0 < c < math.inf
            or (rest is not None and rest.op is not f.exp)
        ):
            return None
        found.append(Exponential(c, None if rest is None else rest.args[0]))
    return found if any(u is not None for _, u in found) else None


def log_of_number(c: Any, like: Expr) -> Expr:
    """``log(c)`` as a number where it is one, else as a node."""
    return f.log(number(c, like.shape))


def log_sum(parts: Sequence[Exponential], like: Expr) -> Expr:
    """``log(sum of c*exp(u))`` without overflow."""
    exponents = []
    for c, u in parts:
        if u is None:
            exponents.append(log_of_number(c, like))
        else:
            exponents.append(u if c == 1 else u + log_of_number(c, like))
    total = exponents[0]
    for u in exponents[1:]:
        total = _logaddexp(total, u)
    return total


def _logaddexp(a: Expr, b: Expr) -> Expr:
    if value_of(a) == 0:
        return f.softplus(b)
    return f.softplus(a) if value_of(b) == 0 else f.logaddexp(a, b)


def summed_exponent(x: Expr) -> Expr | None:
    """u, where `x` is ``sum(exp(u))`` over some axes, the others in order."""
    if x.op is not EINSUM or len(x.args) != 1 or x.args[0].op is not f.exp:
        return None
    (labels,), out, spread = x.params
    kept = tuple(n for n in labels if n in out)
    if spread or kept != out or len(set(labels)) != len(labels) or len(out) == len(labels):
        return None
    return x.args[0].args[0]


def log_total(x: Expr) -> Expr | None:
    """``logsumexp(u)`` for ``sum(exp(u))``."""
    u = summed_exponent(x)
    if u is None:
        return None
    (labels,), out, _ = x.params
    axes = tuple(i for i, n in enumerate(labels) if n not in out)
    return LOGSUMEXP.build((u,), (axes,))


# Powers of sums


def power_of_hyperbolic(y: Expr) -> Expr | None:
    """``(2*cosh(u))**n = 2**n * cosh(u)**n``, as sums of exponentials become."""
    x, p = y.args
    if x.op is MUL and len(x.args) == 2 and x.args[1].op in (f.cosh, f.sinh):
        c, n = value_of(x.args[0]), value_of(p)
        if c is not None and n is not None and (c > 0 or n.__class__ is int):
            return product_of([power(t, p) for t in x.args])
    return None


def power_of_total(y: Expr) -> Expr | None:
    """``sum(exp(u))**-k = exp(-k*logsumexp(u))``."""
    k = value_of(y.args[1])
    if k is None or isinstance(k, bool) or not k < 0:
        return None
    total = log_total(y.args[0])
    return None if total is None else f.exp(mul(y.args[1], total))


def power_of_sum(y: Expr) -> Expr | None:
    """``S**p = d**p * exp(p*b) * expit(-z)**-p`` for p < 0, and ``exp(p*log(S))`` for longer sums."""
    x, p = y.args
    k = value_of(p)
    if k is None or isinstance(k, bool) or not k < 0:
        return None
    parts = exponentials_of(x)
    if parts is None:
        return None
    if len(parts) > 2:
        return f.exp(mul(p, log_sum(parts, x)))
    (c, a), (d, b) = sorted(parts, key=lambda part: part.u is None)
    assert a is not None
    z = a if b is None else a - b
    if c != d:
        z = z + math.log(c / d)
    factors = [number(d, x.shape) ** p, power(f.expit(-z), number(-k, p.shape))]
    return product_of(factors if b is None else [*factors, f.exp(mul(p, b))])
