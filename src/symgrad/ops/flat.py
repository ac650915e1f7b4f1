"""Short sums and products made flat: quotients by products, and nodes over other operands."""

from __future__ import annotations

import operator
from fractions import Fraction
from functools import partial, reduce
from typing import Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.traverse import rebuild
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add,
    is_reciprocal,
    mul,
    parts_of,
    power,
    raw_product,
)
from symgrad.ops.grouping import MAX_FLAT, is_small, of_one_type


def reciprocal_of(x: Expr) -> Expr:
    """``1/x``; of a short product without quotients the product of reciprocals, ``1/(2*x*y)``."""
    minus = number(-1, x.shape)
    if x.op is not MUL or not is_small(x, x):
        return power(x, minus)
    c, above, below = parts_of(x)
    value = None if c is None else value_of(c)
    if below or not (value is None or (is_exact(value) and value)) or x.dtype.kind != "f":
        return power(x, minus)
    if not of_one_type(x.args, x.ty):
        return power(x, minus)
    factors = [power(factor, minus) for factor in above]
    if not all(f.op is POW and is_reciprocal(f) for f in factors):
        return power(x, minus)
    if value is not None:
        factors.insert(0, number(Fraction(1) / value, x.shape))
    return raw_product(tuple(factors))


def rebuilt_flat(node: Expr, args: tuple[Expr, ...]) -> Expr:
    """`node` over other operands, a short sum or product as the operators would make it."""
    join = _JOINS.get(node.op)
    if join is None or len(args) > MAX_FLAT or all(map(operator.is_, args, node.args)):
        return rebuild(node, args)
    return reduce(join, args)


_JOINS: Final = {ADD: partial(add, flat=True), MUL: partial(mul, flat=True)}
