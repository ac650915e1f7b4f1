"""Logarithms of a sum and a root, which are inverse hyperbolic functions: ``log(x + sqrt(x**2 + 1))``.

With ``p**2`` and a number c > 0 under the root, whatever p is and however it is written::

    log(p + sqrt(p**2 + c)) = arcsinh(p/sqrt(c)) + log(c)/2
    log(p + sqrt(p**2 - c)) = arccosh(p/sqrt(c)) + log(c)/2
    log(p - sqrt(p**2 - c)) = log(c)/2 - arccosh(p/sqrt(c))

where the sum cancels, for a large negative p, or is near 1. Formulas: NIST Digital Library of Mathematical
Functions, 4.37.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, POW, add_all, split_coefficient
from symgrad.rewrite.expanded import ONE, expanded, product_of, sum_of

MAX_TERMS: Final = 4  # of the sum
HALF: Final = Fraction(1, 2)


def log_of_root_sum(y: Expr) -> Expr | None:
    """``log(p + sqrt(p**2 + c))`` and ``log(p +- sqrt(p**2 - c))`` for a number c > 0."""
    found = _root_in(y.args[0])
    if found is None:
        return None
    p, sign, c = found
    if c < 0 and sign < 0:
        return None  # the logarithm of a negative number
    size = f.sqrt(number(abs(c), p.shape))
    u = p if abs(c) == 1 else p / size
    whole = f.arcsinh(u) if c < 0 else sign * f.arccosh(u)
    return whole if abs(c) == 1 else whole + f.log(size)


def log_of_unit_root_sum(y: Expr) -> Expr | None:
    """The same for c = 1, where the derivatives are short as well."""
    found = _root_in(y.args[0])
    return log_of_root_sum(y) if found is not None and abs(found[2]) == 1 else None


def _root_in(x: Expr) -> tuple[Expr, int, Any] | None:
    """p, the sign of the root, and ``p**2`` less what is under it, of a sum of p and a root."""
    if x.op is not ADD or len(x.args) > MAX_TERMS:
        return None
    roots = [(t, c, r) for t in x.args for c, r in [split_coefficient(t)] if _is_root(r)]
    if len(roots) != 1:
        return None
    ((term, sign, root),) = roots
    if root is None or isinstance(sign, bool) or abs(sign) != 1:
        return None
    p = add_all([t for t in x.args if t is not term])
    under, own = expanded(root.args[0]), expanded(p)
    square = None if own is None else product_of([own, own])
    if under is None or square is None:
        return None
    rest = sum_of([square, {m: -c for m, c in under.items()}])
    return (p, int(sign), rest[ONE]) if rest.keys() == {ONE} else None


def _is_root(x: Expr | None) -> bool:
    return x is not None and x.op is POW and value_of(x.args[1]) == HALF
