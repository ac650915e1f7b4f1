"""Guards of zero: ``where(u == 0, value, formula)``, and ``where(|u| < 1e-8, value, formula)``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from symgrad.expr.leaves import NAMED_NUMBER, is_number, is_value, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import transform
from symgrad.expr.traverse import toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import MUL, POW, mul_all, split_coefficient
from symgrad.ops.einsum import is_layout
from symgrad.ops.guard import WHERE

CLOSE_BY: Final = 1e-2  # what guards compare with, at most
_MIRRORED: Final = {
    f.equal: f.equal,
    f.not_equal: f.not_equal,
    f.less: f.greater,
    f.greater: f.less,
    f.less_equal: f.greater_equal,
    f.greater_equal: f.less_equal,
}
_OUTSIDE: Final = (f.not_equal, f.greater, f.greater_equal)  # true away from zero


@dataclass(frozen=True)
class Guard:
    """``where(u == 0, value, formula)``; or ``where(|u| < reach, value, formula)``, if that is the same."""

    condition: Expr  # u == 0
    u: Expr
    reach: float
    value: Expr
    formula: Expr


def guard_of(node: Expr) -> Guard | None:
    """A node as a guard of zero; None if it is none."""
    if node.op is not WHERE:
        return None
    condition, a, b = node.args
    if condition.op is f.logical_not:
        condition, a, b = condition.args[0], b, a
    test = _test_of_zero(condition)
    if test is None:
        return None
    x, reach, outside = test
    if outside:
        a, b = b, a
    u = quantity_of(x)
    if reach:
        reach *= float(abs(_factor(u)) / abs(_factor(x)))
    inside = condition if condition.op is f.equal else f.equal(x, number(0, x.shape))
    return Guard(
        inside, u, reach, a, _without_choice(b, node.args[0], 1 if b is node.args[1] else 2)
    )


def _test_of_zero(condition: Expr) -> tuple[Expr, float, bool] | None:
    """What is near 0, how near, and whether it is not: ``(x, 0, False)`` of ``x == 0``."""
    if condition.op not in _MIRRORED:
        return None
    op, (left, right) = condition.op, condition.args
    if is_number(left):
        op, left, right = _MIRRORED[op], right, left
    r = value_of(right)
    if r is None or isinstance(r, bool) or is_number(left) or not 0 <= r < CLOSE_BY:
        return None
    if left.op is f.absolute:
        x, reach = left.args[0], float(r)
    elif left.op is POW and is_value(left.args[1], 2):
        x, reach = left.args[0], math.sqrt(r)
    elif r == 0 and op in (f.equal, f.not_equal):
        x, reach = left, 0.0
    else:
        return None
    at_zero = (f.equal, f.not_equal, f.greater, f.less_equal)
    near = (f.less, f.less_equal, f.greater, f.greater_equal)
    return (x, reach, op in _OUTSIDE) if op in (near if r else at_zero) else None


def _factor(x: Expr) -> Any:
    return split_coefficient(x)[0]


def quantity_of(x: Expr) -> Expr:
    """What is zero where `x` is: x without a number as its factor."""
    if x.op is MUL:
        rest = [a for a in x.args if not is_constant(a)]
        if rest and len(rest) < len(x.args):
            return mul_all(rest)
    return x


def is_constant(x: Expr) -> bool:
    """Whether x is a number, pi and E among them, maybe stretched."""
    inner = x.args[0] if is_layout(x) else x
    return is_number(inner) or inner.op is NAMED_NUMBER


def _without_choice(formula: Expr, condition: Expr, taken: int) -> Expr:
    """The formula where the guard lets it through: choices inside by the same condition are made."""
    if not any(n.op is WHERE and n.args[0] is condition for n in toposort([formula])):
        return formula

    def change(n: Expr) -> Expr:
        return n.args[taken] if n.op is WHERE and n.args[0] is condition else n

    return transform([formula], change)[formula]
