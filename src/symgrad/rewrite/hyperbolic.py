"""Reciprocals of functions that overflow: ``1/cosh(u) = sech(u)``, ``1/sinh(u) = csch(u)``.

They are 0 where the function overflows, and so are their derivatives, in which products of the kind
``cosh(u)/sinh(u)**2 = csch(u)/tanh(u)`` have one factor too many. ``1/expm1(u)`` is the occupation of
Bose and Einstein.
"""

from __future__ import annotations

import math
from typing import Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, mul_all, power, split_coefficient
from symgrad.ops.elementwise import Elementwise
from symgrad.ops.stable import bose_einstein, csch, sech
from symgrad.rewrite.bases import base_and_exponent, gathered
from symgrad.rewrite.hyperbolic_sums import hyperbolic_sum

RECIPROCALS: Final[dict[Op, Elementwise]] = {f.cosh: sech, f.sinh: csch}


def reciprocal(y: Expr) -> Expr | None:
    """``cosh(u)**-k = sech(u)**k``, ``sinh(u)**-k = csch(u)**k``; also of ``exp(u) + exp(-u)``."""
    x, p = y.args
    k = value_of(p)
    if k is None or isinstance(k, bool) or not k < 0:
        return None
    if x.op is MUL and k.__class__ is int and any(map(_overflows, x.args)):
        return mul_all([power(t, p) for t in x.args])
    whole = hyperbolic_sum(x) if x.op is ADD and len(x.args) == 2 else x
    if whole is None:
        return None
    c, function = split_coefficient(whole)
    if function is None or function.op not in RECIPROCALS:
        return None
    if c != 1 and (isinstance(c, bool) or (c < 0 and k.__class__ is not int)):
        return None
    made = power(RECIPROCALS[function.op](function.args[0]), number(-k, p.shape))
    return made if c == 1 else mul_all([power(number(c, p.shape), p), made])


def _overflows(x: Expr) -> bool:
    base = x.args[0] if x.op is POW else x
    return base.op in RECIPROCALS


def reciprocal_of_expm1(y: Expr) -> Expr | None:
    """``expm1(u)**-k = bose_einstein(u)**k`` for an integer k; also of ``c*expm1(u)``."""
    x, p = y.args
    k = value_of(p)
    if k.__class__ is not int or not k < 0:
        return None
    factors = x.args if x.op is MUL and len(x.args) == 2 else (x,)
    if factors[-1].op is not f.expm1 or (len(factors) == 2 and value_of(factors[0]) is None):
        return None
    occupation = power(bose_einstein(factors[-1].args[0]), number(-k, p.shape))
    return mul_all([*(power(c, p) for c in factors[:-1]), occupation])


def _as_function(x: Expr) -> Expr:
    """``2*sinh(u)`` for ``exp(u) - exp(-u)``; any other factor as it is."""
    made = hyperbolic_sum(x) if x.op is ADD and len(x.args) == 2 else None
    return x if made is None else made


def quotient(y: Expr) -> Expr | None:
    """``sinh(u)*sech(u) = tanh(u)``, ``cosh(u)*csch(u) = tanh(u)**-1``, to any powers.

    The sine, or cosine, may be written as a sum of exponentials.
    """
    factors = gathered([_as_function(x) for x in y.args])
    powers = {base: (n, x) for x in factors for base, n in [base_and_exponent(x)]}
    for base, (m, over) in powers.items():
        if base.op not in (f.cosh, f.sinh) or not m > 0:
            continue
        (u,) = base.args
        other = f.sinh(u) if base.op is f.cosh else f.cosh(u)
        k, under = powers.get(other, (0, None))
        if under is None or not k < 0:
            continue
        j = min(m, -k)
        if (m if base.op is f.sinh else k) % 1 == 0:  # of a negative sinh(u): whole powers only
            j = math.floor(j)
        if j == 0:
            continue
        rest = [x for x in factors if x is not over and x is not under]
        tangent = (f.tanh(u), j if base.op is f.sinh else -j)
        made = [tangent, (base, m - j), (RECIPROCALS[other.op](u), -k - j)]
        return mul_all([*rest, *(power(b, number(n, b.shape)) for b, n in made if n)])
    return None
