"""Differences of distribution functions, computed in the tail that they are small in.

Far out on the right ``ndtr(b) - ndtr(a)`` is a difference of two numbers near 1, while ``ndtr(-a) -
ndtr(-b)`` is the same of two small ones. With k = -1 where ``b > -a``, else 1::

    ndtr(b) - ndtr(a) = k*(ndtr(k*b) - ndtr(k*a))

and so for the logistic function; for erfc, which is small on the right, with the other k.
"""

from __future__ import annotations

from typing import Final

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops import special
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    add_all,
    factors_of,
    mul,
    mul_all,
    raw_product,
    split_coefficient,
    without,
)
from symgrad.rewrite.rule import Guarantee, Rule

MAX_TERMS: Final = 16  # of a sum that is looked at
# Functions s with s(u) + s(-u) a number: the k for arguments far on the right
FAR_RIGHT: Final[dict[Op, int]] = {special.ndtr: -1, f.expit: -1, special.erfc: 1}


def tail_difference(y: Expr) -> Expr | None:
    """``c*s(u) - c*s(v) = c*k*(s(k*u) - s(k*v))``, where k tells which tail u and v are in."""
    if len(y.args) > MAX_TERMS:
        return None
    seen: dict[tuple[Op, Expr | None], tuple[object, Expr, Expr]] = {}
    for term in y.args:
        c, own = split_coefficient(term)
        factors = factors_of(own) if own is not None else ()
        for s in factors:
            if s.op not in FAR_RIGHT or _is_mirrored(s.args[0]):
                continue
            others = without(factors, s)
            rest = raw_product(tuple(others)) if others else None
            other = seen.setdefault((s.op, rest), (c, s, term))
            if other[0] == -c and other[1] is not s:
                whole = mul(number(c, y.shape), _in_tail(s, other[1]))
                kept = without(y.args, term, other[2])
                return add_all([whole if rest is None else mul_all([whole, rest]), *kept])
    return None


def _in_tail(a: Expr, b: Expr) -> Expr:
    """``s(u) - s(v)`` in the tail of u and v."""
    (u,), (v,) = a.args, b.args
    right = mul(number(2.0 * FAR_RIGHT[a.op], u.shape), f.greater(u, -v))
    k = add_all([right, number(-float(FAR_RIGHT[a.op]), u.shape)])
    return mul(k, add_all([a.op.build((mul(k, u),), ()), -b.op.build((mul(k, v),), ())]))


def _is_mirrored(u: Expr) -> bool:
    """Whether an argument is turned round already."""
    terms = [t for x in (u.args if u.op is MUL else ()) if x.op is ADD for t in x.args]
    return any(x.op is f.greater for t in terms for x in factors_of(t))


TAIL_DIFFERENCE: Final = Rule(
    "ndtr(u) - ndtr(v) in the tail of u and v",
    Guarantee.ROUNDING,
    ADD,
    tail_difference,
    tuple(FAR_RIGHT),
)
