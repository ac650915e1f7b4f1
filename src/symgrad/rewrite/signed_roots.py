"""Roots of sums with terms of both signs, scaled where the sum over- or underflows: ``sqrt(b**2 - 4*a*c)``.

With ``t_i = s_i*r_i**2``, s_i the signs and r_i roots that are ordinary numbers wherever the result is one,

    (sum of t_i)**n = R**(2*n) * (sum of s_i*(r_i/R)**2)**n        R = max(r_i)

Where the sum is finite and not tiny, it is taken as it is.

Reference: Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 27.8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    MUL,
    POW,
    add_all,
    factors_of,
    mul,
    mul_all,
    power,
    split_coefficient,
)
from symgrad.ops.comparison import isfinite
from symgrad.ops.guard import choose
from symgrad.ops.scaled import quotient

MAX_TERMS: Final = 6
TINY: Final = 1e-280  # below, digits of the terms may be lost


def signed_power(total: Expr, terms: Sequence[Expr], n: Any) -> Expr | None:
    """``total**n`` for a number n that is not whole; None where no term can overflow alone."""
    found = _scaled(total, terms) if abs(n) < 1 else None
    if found is None:
        return None
    size, inside = found
    far = mul(power(size, number(2 * n, size.shape)), power(inside, number(n, total.shape)))
    return _where_needed(total, size, power(total, number(n, total.shape)), far)


def signed_logarithm(y: Expr, terms: Sequence[Expr]) -> Expr | None:
    """The logarithm of a sum by those of its terms, ``L + log(sum of s_i*exp(l_i - L))``, L the largest."""
    (total,) = y.args
    if y.op is f.log1p:
        terms = [number(1, y.shape), *terms]
    if not _may_overflow(total, terms):
        return None
    parts = [_signed(t, _logarithm) for t in terms]
    logs = [add_all(part) for _, part in parts]
    largest = reduce(f.maximum, logs)
    inside = add_all([s * f.exp(x - largest) for (s, _), x in zip(parts, logs, strict=True)])
    far = largest + f.log(inside)
    if y.op is f.log1p:
        return choose(isfinite(total), y, far)
    return choose(f.logical_or(_is_plain(total), f.equal(total, number(0, y.shape))), y, far)


def _scaled(total: Expr, terms: Sequence[Expr]) -> tuple[Expr, Expr] | None:
    """R and the sum of ``s_i*(r_i/R)**2``."""
    if not _may_overflow(total, terms):
        return None
    parts = [_signed(t, _root) for t in terms]
    roots = [mul_all([number(1, total.shape), *part]) for _, part in parts]
    size = reduce(f.maximum, roots)
    pairs = zip(parts, roots, strict=True)
    return size, add_all([s * power(quotient(r, size), number(2, r.shape)) for (s, _), r in pairs])


def _may_overflow(total: Expr, terms: Sequence[Expr]) -> bool:
    """Whether a short sum of floats has a term that overflows before what it is made of."""
    short = 2 <= len(terms) <= MAX_TERMS and total.dtype.kind == "f"
    return short and any(map(_is_product, terms))


def _where_needed(total: Expr, size: Expr, as_it_is: Expr, far: Expr) -> Expr:
    outside = f.logical_or(_is_plain(total), f.equal(size, number(0, size.shape)))
    return choose(outside, as_it_is, far)


def _is_plain(total: Expr) -> Expr:
    """Whether a sum is neither infinite nor so small that its terms lost digits."""
    least = number(TINY, total.shape)
    return f.logical_and(isfinite(total), f.greater(f.absolute(total), least))


def _is_product(term: Expr) -> bool:
    """Whether a term has two factors that are no numbers, or a power above one."""
    _, rest = split_coefficient(term)
    if rest is None:
        return False
    return rest.op is MUL or (rest.op is POW and _exceeds_one(value_of(rest.args[1])))


def _exceeds_one(n: Any) -> bool:
    return n is not None and not isinstance(n, bool) and n > 1


Size = Callable[[Expr, int], Expr]  # of ``|base|**k``, its root or logarithm


def _root(base: Expr, k: int) -> Expr:
    if k % 2 == 0:
        return power(f.absolute(base), number(k // 2, base.shape))
    return power(f.sqrt(f.absolute(base)), number(k, base.shape))


def _logarithm(base: Expr, k: int) -> Expr:
    return number(k, base.shape) * f.log(f.absolute(base))


def _signed(term: Expr, size: Size) -> tuple[Expr, list[Expr]]:
    """The sign of a term, and the sizes of its factors."""
    c, rest = split_coefficient(term)
    sign, sizes = number(-1 if c < 0 else 1, term.shape), [size(number(abs(c), term.shape), 1)]
    for x in () if rest is None else factors_of(rest):
        base, k = (x.args[0], value_of(x.args[1])) if x.op is POW else (x, 1)
        if k.__class__ is not int:
            base, k = x, 1
        sizes.append(size(base, k))
        if k % 2:
            sign = mul(sign, f.sign(base))
    return sign, sizes
