"""Reciprocals of functions that overflow: ``1/cosh(u) = sech(u)``, ``1/sinh(u) = csch(u)``.

They are 0 where the function overflows, and so are their derivatives, in which products of the kind
``cosh(u)/sinh(u)**2 = csch(u)/tanh(u)`` have one factor too many. ``1/expm1(u)`` is the occupation of
Bose and Einstein.
"""

from __future__ import annotations

from typing import Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import MUL, mul_all, power
from symgrad.ops.stable import bose_einstein, csch, sech
from symgrad.rewrite.exponentials import base_and_exponent

RECIPROCALS: Final = {f.cosh: sech, f.sinh: csch}


def reciprocal(y: Expr) -> Expr | None:
    """``cosh(u)**-k = sech(u)**k``, ``sinh(u)**-k = csch(u)**k``."""
    x, p = y.args
    k = value_of(p)
    if x.op not in RECIPROCALS or k is None or isinstance(k, bool) or not k < 0:
        return None
    return power(RECIPROCALS[x.op](x.args[0]), number(-k, p.shape))


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


def cosh_over_sinh(y: Expr) -> Expr | None:
    """``cosh(u)**m * csch(u)**k = csch(u)**(k - j) * cosh(u)**(m - j) * tanh(u)**-j``, ``j = min(m, k)``."""
    powers = {base: (n, x) for x in y.args for base, n in [base_and_exponent(x)]}
    for base, (m, over) in powers.items():
        if base.op is not f.cosh or not m > 0:
            continue
        (u,) = base.args
        k, under = powers.get(f.sinh(u), (0, None))
        if under is None or not k < 0:
            continue
        j = min(m, -k)
        rest = [x for x in y.args if x is not over and x is not under]
        made = [(f.tanh(u), -j), (base, m - j), (csch(u), -k - j)]
        return mul_all([*rest, *(power(b, number(n, b.shape)) for b, n in made if n)])
    return None
