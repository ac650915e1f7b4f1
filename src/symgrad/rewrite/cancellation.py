"""Differences that cancel, rewritten so that they do not: ``exp(u) - 1``, ``sqrt(1 + u) - 1``."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from symgrad.expr.leaves import is_number, is_value, number, value_of
from symgrad.expr.node import Expr
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    POW,
    add_all,
    is_exact,
    mul,
    power_value,
    split_coefficient,
)


def difference(y: Expr) -> Expr | None:
    """``c*exp(u) - c = c*expm1(u)``, ``c - c*cos(u) = 2c*sin(u/2)**2``, and the like."""
    constant = next((t for t in y.args if is_number(t)), None)
    if constant is None:
        return None
    c = value_of(constant)
    for term in y.args:
        k, rest = split_coefficient(term)
        if rest is None or isinstance(k, bool) or isinstance(c, bool) or k == 0:
            continue
        other = _less(rest, -c / k if c % k else -c // k)
        if other is not None:
            kept = [t for t in y.args if t is not term and t is not constant]
            return add_all([*kept, mul(number(k, y.shape), other)])
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


def hyperbolic_sum(y: Expr) -> Expr | None:
    """``c*exp(u) - c*exp(-u) = 2c*sinh(u)``, ``c*exp(u) + c*exp(-u) = 2c*cosh(u)``."""
    found: dict[Expr, tuple[Any, Expr]] = {}
    for term in y.args:
        c, rest = split_coefficient(term)
        if rest is None or rest.op is not f.exp or isinstance(c, bool):
            continue
        u = rest.args[0]
        d, mirrored = found.get(mul(number(-1, u.shape), u), (0, term))
        if d in (c, -c):
            kept = [t for t in y.args if t is not term and t is not mirrored]
            function = f.cosh if d == c else f.sinh
            return add_all([*kept, mul(number(2 * c, y.shape), function(u))])
        found[u] = (c, term)
    return None


def softplus_difference(y: Expr) -> Expr | None:
    """``softplus(u) - u = softplus(-u)``, times a number."""
    terms = {rest: (c, t) for t in y.args for c, rest in [split_coefficient(t)] if rest is not None}
    for term, (c, whole) in terms.items():
        if term.op is not f.softplus or isinstance(c, bool):
            continue
        k, u = split_coefficient(term.args[0])
        partner = None if u is None else terms.get(u)
        if partner is not None and partner[0] == -c * k:
            kept = [t for t in y.args if t is not whole and t is not partner[1]]
            mirrored = mul(number(c, y.shape), f.softplus(-term.args[0]))
            return add_all([*kept, mirrored]) if kept else mirrored
    return None
