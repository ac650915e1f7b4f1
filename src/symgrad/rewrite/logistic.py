"""``exp(-u)/(exp(-u) + c) -> 1/(c*exp(u) + 1)``: a logistic function with the minus sign gone."""

from __future__ import annotations

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, POW, add, mul, power, split_coefficient


def logistic_quotients(factors: list[Expr]) -> list[Expr]:
    """Factors of a product with such quotients shortened, to any power."""
    if not any(x.op is f.exp for x in factors):
        return factors
    result = list(factors)
    for x in factors:
        found = _reciprocal(x)
        at = None if found is None else _place(result, found[0])
        if found is not None and at is not None:
            del result[at]  # it is taken once
            result[_place(result, x)] = found[1]  # type: ignore[index]
    return result


def _place(factors: list[Expr], x: Expr) -> int | None:
    return next((i for i, factor in enumerate(factors) if factor is x), None)


def _reciprocal(x: Expr) -> tuple[Expr, Expr] | None:
    """For ``(exp(-u) + c)**-n``: ``exp(-n*u)``, and the product of both."""
    if x.op is not POW or x.args[0].op is not ADD or len(x.args[0].args) != 2:
        return None
    n = value_of(x.args[1])
    growth, c = x.args[0].args
    if growth.op is not f.exp:
        growth, c = c, growth
    if growth.op is not f.exp or not is_exact(value_of(c)) or n.__class__ is not int or n >= 0:
        return None
    exponent = growth.args[0]
    if not split_coefficient(exponent)[0] < 0:
        return None
    flipped = f.exp(mul(number(-1, x.shape), exponent))
    short = power(add(mul(c, flipped), number(1, x.shape)), x.args[1])
    return f.exp(mul(number(-n, x.shape), exponent)), short
