"""Exponentials beside tails of the normal distribution, multiplied in the exponent: ``exp(w)*erfc(u)``.

In the distribution function of the inverse Gaussian, ``exp(2*l/m)*ndtr(-sqrt(l/x)*(x/m + 1))``, and in heat
kernels an infinity meets a zero. In the tail ``erfc(u) = exp(-u**2)*erfcx(u)``, so that

    exp(w)*erfc(u) = exp(w - u**2)*erfcx(u)            exp(w)*ndtr(u) = exp(w - u**2/2)*erfcx(-u/sqrt(2))/2

The exponent is written out where that keeps digits, as a square if it is one: ``-l*(x - m)**2/(2*m**2*x)``.

Formulas: NIST Digital Library of Mathematical Functions, 7.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from typing import Final, NamedTuple

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import as_float
from symgrad.expr.rewriting import rewritten
from symgrad.ops import special
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, factors_of, mul, mul_all, power, without
from symgrad.ops.guard import choose
from symgrad.rewrite.error_bounds import digits_kept
from symgrad.rewrite.expanded import Expanded, exact, expanded, product_of, sum_of
from symgrad.rewrite.powers import as_term
from symgrad.rewrite.rule import Guarantee, Rule

MAX_FACTORS: Final = 16
MAX_TERMS: Final = 6  # of a sum that is taken term by term
HALF: Final = Fraction(1, 2)


class Tail(NamedTuple):
    """A factor ``erfc(u)**k`` or ``ndtr(-sqrt(2)*u)**k``: its square, tail and scaled form for u > 0."""

    square: Expr
    inside: Expr
    scaled: Expr
    k: int


def tails_in_exponents(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with products of exponentials and tails in a form that neither overflows nor underflows."""
    return rewritten(roots, {MUL: _joined})


def _joined(y: Expr) -> Expr:
    if not any(x.op is f.exp for x in y.args) and not any(map(_tail, y.args)):
        return y
    return next((made for rule in RULES if (made := rule(y)) is not None), y)


def _sum_with_tails(y: Expr) -> Expr | None:
    """``exp(w)*(a*erfc(u) + b*exp(v))`` term by term."""
    outer = [x for x in y.args if x.op is f.exp]
    sums = [x for x in y.args if x.op is ADD and any(_has_tail(t) for t in x.args)]
    if not outer or len(sums) != 1 or len(sums[0].args) > MAX_TERMS:
        return None
    rest = without(y.args, *outer, *sums)
    terms = [_with_exponentials(outer, t) for t in sums[0].args]
    return mul_all([*rest, add_all(terms)])


def _has_tail(term: Expr) -> bool:
    return any(map(_tail, factors_of(term)))


def _with_exponentials(outer: Sequence[Expr], term: Expr) -> Expr:
    """A term times exponentials, all exponentials as one."""
    factors = factors_of(term)
    exponentials = [*outer, *[x for x in factors if x.op is f.exp]]
    others = [x for x in factors if x.op is not f.exp]
    one = f.exp(_exponent([x.args[0] for x in exponentials], []))
    whole = mul_all([*others, one])
    joined = product_with_tails(whole) if whole.op is MUL else None
    return whole if joined is None else joined


def product_with_tails(y: Expr) -> Expr | None:
    """``exp(w)*erfc(u)``, or a quotient of two tails, by one exponential where all are tails."""
    if len(y.args) > MAX_FACTORS:
        return None
    found = [(x, _tail(x)) for x in y.args]
    tails = [t for _, t in found if t is not None]
    exponentials = [x for x in y.args if x.op is f.exp]
    if not tails or not (exponentials or len({t.k > 0 for t in tails}) > 1):
        return None
    rest = [x for x, t in found if t is None and x.op is not f.exp]
    exponent = _exponent([x.args[0] for x in exponentials], tails)
    scaled = mul_all([*rest, *[t.scaled for t in tails], f.exp(exponent)])
    return choose(reduce(f.logical_and, [t.inside for t in tails]), scaled, y)


def _tail(x: Expr) -> Tail | None:
    base, k = (x.args[0], value_of(x.args[1])) if x.op is POW else (x, 1)
    if k.__class__ is not int or base.op not in (special.erfc, special.ndtr):
        return None
    (u,) = base.args
    zero, exponent = number(0, u.shape), number(k, u.shape)
    if base.op is special.erfc:
        return Tail(u**2, f.greater(u, zero), power(special.erfcx(u), exponent), k)
    scaled = special.erfcx(-u / f.sqrt(number(2, u.shape))) / 2
    return Tail(u**2 / 2, f.less(u, zero), power(scaled, exponent), k)


RULES: Final = (product_with_tails, _sum_with_tails)


# Exponents


def _exponent(given: Sequence[Expr], tails: Sequence[Tail]) -> Expr:
    """The sum of exponents and of the negative squares, in the form that keeps most digits."""
    terms = [*given, *[mul(number(-t.k, t.square.shape), t.square) for t in tails]]
    plain = add_all(terms)
    parts = [expanded(t) for t in terms]
    known = [p for p in parts if p is not None]
    if len(known) < len(parts):
        return plain
    total = sum_of(known)
    if not total:
        return number(0, plain.shape)
    if len(total) == sum(map(len, known)):  # nothing has cancelled
        return plain
    forms = [form for form in (_as_square(total, plain), _as_sum(total, plain)) if form is not None]
    gains = zip(digits_kept(plain, forms), forms, strict=True)
    return max(
        ((g, form) for g, form in gains if g is not None),
        default=(0, plain),
        key=lambda pair: pair[0],
    )[1]


def _as_sum(p: Expanded, like: Expr) -> Expr:
    return add_all([_term(frozenset(m), c, like) for m, c in p.items()])


def _as_square(p: Expanded, like: Expr) -> Expr | None:
    """``a - 2*sqrt(a*b) + b = a*(1 - sqrt(b/a))**2`` of three monomials; None of others."""
    if len(p) != 3:
        return None
    for middle, c in p.items():
        (a, d), (b, e) = [(m, k) for m, k in p.items() if m is not middle]
        if product_of([{a: d}, {b: e}]) != product_of([{middle: exact(Fraction(c) / 2)}] * 2):
            continue
        ratio = {base: -n for base, n in a}
        over = product_of([{middle: c}, {frozenset(ratio.items()): exact(Fraction(-1, 2) / d)}])
        if over is not None:
            ((m, k),) = over.items()
            return mul(_term(a, d, like), power(1 - _term(m, k, like), number(2, like.shape)))
    return None


def _term(m: frozenset[tuple[Expr, int | Fraction]], c: int | Fraction, like: Expr) -> Expr:
    powers = dict(sorted(m, key=lambda pair: pair[0].order))
    size = max(abs(c.numerator), c.denominator)
    return as_term(powers, like, c if size < 2**53 else as_float(c))


TAILS: Final = (
    Rule("exp(w)*erfc(u) = exp(w - u**2)*erfcx(u)", Guarantee.ROUNDING, MUL, product_with_tails),
)
