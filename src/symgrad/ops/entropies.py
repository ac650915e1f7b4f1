"""Entropies: ``x*log(y)`` and its kin, 0 at ``x = 0``, as `scipy.special` has them."""

from __future__ import annotations

from typing import Final

from symgrad.expr.interval import NONNEGATIVE
from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.ops.guard import choose
from symgrad.ops.special_record import special_function
from symgrad.ops.ufuncs import log, log1p, logical_or, not_equal

_POSITIVE: Final = (0.2, 4.0)


def _unless_both_zero(a: Expr, b: Expr, value: Expr) -> Expr:
    """`value` where a or b is not 0, else 0."""
    return choose(logical_or(not_equal(a, 0), not_equal(b, 0)), value, number(0, value.shape))


_AT_ORIGIN: Final = (
    "At x = 0 the value is 0 for every y; there the derivative by x is that of the logarithm (-inf"
    " where the logarithm is), and the derivative by y is 0."
)

xlogy = special_function(
    "xlogy",
    r"\operatorname{{xlogy}}",
    (
        lambda g, y, a, b: g * log(b),
        lambda g, y, a, b: _unless_both_zero(a, b, g * a / b),
    ),
    sympy=lambda sp, a, b: sp.Piecewise((0, sp.Eq(a, 0)), (a * sp.log(b), True)),
    domain=((-3.0, 3.0), _POSITIVE),
    special=(0.0,),
    notes=_AT_ORIGIN,
)
xlog1py = special_function(
    "xlog1py",
    r"\operatorname{{xlog1py}}",
    (
        lambda g, y, a, b: g * log1p(b),
        lambda g, y, a, b: _unless_both_zero(a, b + 1, g * a / (b + 1)),
    ),
    sympy=lambda sp, a, b: sp.Piecewise((0, sp.Eq(a, 0)), (a * sp.log(1 + b), True)),
    domain=((-3.0, 3.0), (-0.8, 3.0)),
    special=(0.0,),
    notes=_AT_ORIGIN,
)
entr = special_function(
    "entr",
    r"\operatorname{{entr}}",
    lambda g, y, x: g * (-log(x) - 1),
    sympy=lambda sp, x: sp.Piecewise((-x * sp.log(x), x > 0), (0, sp.Eq(x, 0)), (-sp.oo, True)),
    domain=_POSITIVE,
    exact={0: 0, 1: 0},
    special=(0.0, -1.0),
    notes="The derivative at 0 is inf.",
)
rel_entr = special_function(
    "rel_entr",
    r"\operatorname{{rel\_entr}}",
    (
        lambda g, y, a, b: g * (log(a / b) + 1),
        lambda g, y, a, b: _unless_both_zero(a, b, -g * a / b),
    ),
    sympy=lambda sp, a, b: sp.Piecewise(
        (a * sp.log(a / b), sp.And(a > 0, b > 0)), (0, sp.And(sp.Eq(a, 0), b >= 0)), (sp.oo, True)
    ),
    domain=_POSITIVE,
    notes="At x = 0 the derivative by x is -inf, the derivative by y is 0.",
)
kl_div = special_function(
    "kl_div",
    r"\operatorname{{kl\_div}}",
    (
        lambda g, y, a, b: g * log(a / b),
        lambda g, y, a, b: _unless_both_zero(a, b, g * (1 - a / b)),
    ),
    sympy=lambda sp, a, b: sp.Piecewise(
        (a * sp.log(a / b) - a + b, sp.And(a > 0, b > 0)),
        (b, sp.And(sp.Eq(a, 0), b >= 0)),
        (sp.oo, True),
    ),
    domain=_POSITIVE,
    notes="At x = 0 the derivative by x is -inf; at x = y = 0 the derivative by y is 0.",
    range=NONNEGATIVE,
)
