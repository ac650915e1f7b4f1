"""Logarithms in an exponent are powers: ``exp(c*log(u)) = u**c``, ``exp(n*(log(x) - log(k)))``.

At u = 0 the power and its derivatives are ordinary numbers, where the exponential is one of infinity.
"""

from __future__ import annotations

from typing import Final

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, factors_of, mul_all, power, split_coefficient
from symgrad.rewrite.rule import Guarantee, Rule

MAX_TERMS: Final = 4  # of a sum of logarithms


def exp_of_log(y: Expr) -> Expr | None:
    """``exp(c*log(u)) -> u**c``, also of a sum or difference of logarithms in place of one."""
    factors = factors_of(y.args[0])
    for i, x in enumerate(factors):
        base = _exponential(x)
        if base is not None:
            rest = [*factors[:i], *factors[i + 1 :]]
            return power(base, mul_all(rest)) if rest else base
    return None


def _exponential(x: Expr) -> Expr | None:
    """``exp(x)`` of a logarithm, or of a sum of whole multiples of logarithms."""
    if x.op is f.log:
        return x.args[0]
    if x.op is not ADD or len(x.args) > MAX_TERMS:
        return None
    powers = []
    for t in x.args:
        c, rest = split_coefficient(t)
        if rest is None or rest.op is not f.log or not is_exact(c):
            return None
        powers.append(power(rest.args[0], number(c, t.shape)))
    return mul_all(powers)


EXP_OF_LOG: Final = Rule("exp(c*log(u)) = u**c", Guarantee.DOMAIN, f.exp, exp_of_log)
