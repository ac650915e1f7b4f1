"""Factors by bases, and exponents by terms: what rules on products of exponentials look at.

In a product each base is to stand once, with its power: what a rule finds for a base must be all there is
of it. An exponent is a sum of numbers times terms, and a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.op import Op
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    factors_of,
    mul_all,
    power,
    raw_product,
    split_coefficient,
)
from symgrad.ops.stable import bose_einstein, csch, sech

MAX_TERMS: Final = 8  # of a sum that is taken apart
MAX_FACTORS: Final = 16  # of a product that is looked into from another
# Products in products that are opened, and how many factors they come to: what is left is a base of its own
MAX_LEVELS: Final = 8
MAX_OPENED: Final = 2 * MAX_FACTORS
RECIPROCAL_OF: Final[dict[Op, Op]] = {sech: f.cosh, csch: f.sinh, bose_einstein: f.expm1}

# Products


def product_of(factors: Sequence[Expr]) -> Expr:
    """The product of factors, those that are short products taken apart.

    A long product stays whole: taken into each product of a chain it would cost the square.
    """
    flat = [t for x in factors for t in (factors_of(x) if len(x.args) <= MAX_FACTORS else (x,))]
    return mul_all(flat) if len(flat) > 1 else flat[0]


def base_and_exponent(x: Expr) -> tuple[Expr, Any]:
    """``(u, n)`` of ``u**n`` with a number n; n is 1 for what is no power.

    A function that is a reciprocal, such as sech, is a power of what it is the reciprocal of.
    """
    n = value_of(x.args[1]) if x.op is POW else None
    base, n = (x, 1) if n is None or isinstance(n, bool) else (x.args[0], n)
    under = RECIPROCAL_OF.get(base.op)
    return (base, n) if under is None else (under.build(base.args, ()), -n)


def raised(base: Expr, n: Any) -> Expr:
    if isinstance(n, float) and n.is_integer():
        n = int(n)
    return power(base, number(n, base.shape))


def gathered(factors: Sequence[Expr]) -> list[Expr]:
    """The factors with powers of one base as one power: each base stands once.

    Rules on products need that: what they find for a base must be all there is of it.
    """
    for level in range(MAX_LEVELS + 1):
        opened = level < MAX_LEVELS and len(factors) <= MAX_OPENED
        flat = [
            t
            for x in factors
            for t in (factors_of(x) if opened and len(x.args) <= MAX_FACTORS else (x,))
        ]
        exponents: dict[Expr, Any] = {}
        whole: dict[Expr, Expr] = {}  # the power of a base, where it stands once
        for x in flat:
            base, n = base_and_exponent(x)
            if base in exponents:
                exponents[base] += n
                whole.pop(base, None)
            else:
                exponents[base] = n
                if base is x or (x.op is POW and x.args[0] is base and n.__class__ is not float):
                    whole[base] = x
        if len(exponents) == len(flat):
            return flat
        factors = [
            whole[u] if u in whole else raised(u, n) for u, n in exponents.items()
        ]  # (-u)**2 is u**2
    return list(factors)


def _seen_distinct(factors: Sequence[Expr]) -> bool:
    """Whether bases are seen to differ without taking products, or powers of powers, apart."""
    seen: set[Expr] = set()
    for x in factors:
        base = x.args[0] if x.op is POW else x
        if base in seen or base.op in (MUL, POW) or base.op in RECIPROCAL_OF:
            return False
        seen.add(base)
    return True


def distinct_factors(y: Expr) -> Expr:
    """A product in which each base, and each exponential, stands once; itself if that is so."""
    if _seen_distinct(y.args):
        return y
    counts = Counter(x for x in y.args if x.op is f.exp)
    rest = gathered([x for x in y.args if x.op is not f.exp])
    if len(counts) + len(rest) == len(y.args):
        return y
    exps = [e if n == 1 else f.exp(n * e.args[0]) for e, n in counts.items()]
    return raw_product((*exps, *rest)) if exps or rest else y


# Exponents


def multiple_of(w: Expr, z: Expr) -> tuple[Any, float]:
    """``(m, r)`` with ``w = m*z + r`` for numbers m and r; m is None if there are none."""
    ours, extra = linear_parts(w)
    theirs, offset = linear_parts(z)
    if not theirs or ours.keys() != theirs.keys():
        return None, 0.0
    first = next(iter(theirs))
    m = ratio(ours[first], theirs[first])
    if any(ours[t] != m * theirs[t] for t in theirs):
        return None, 0.0
    return m, extra - m * offset


def ratio(a: Any, b: Any) -> Any:
    if is_exact(a) and is_exact(b):
        q = Fraction(a) / Fraction(b)
        return q.numerator if q.denominator == 1 else q
    return a / b


def linear_parts(x: Expr) -> tuple[dict[Expr, Any], Any]:
    """The coefficients of a sum by term, and its number; a sum times a number in it is written out."""
    coefficients: dict[Expr, Any] = {}
    constant: Any = 0
    for scale, t in _multiples(1, x):
        for c, rest in _multiples(scale, t):
            if value_of(rest) is not None:
                constant = constant + c * value_of(rest)
            else:
                coefficients[rest] = coefficients.get(rest, 0) + c
    return {t: c for t, c in coefficients.items() if c != 0}, constant


def _multiples(scale: Any, x: Expr) -> list[tuple[Any, Expr]]:
    """``scale*x`` as numbers times terms, a short sum taken apart."""
    c, rest = split_coefficient(x)
    if rest is None:
        return [(scale, x)]
    if rest.op is ADD and len(rest.args) <= MAX_TERMS:
        return [(scale * c, t) for t in rest.args]
    return [(scale * c, rest)]
