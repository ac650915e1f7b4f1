"""Rules that may make powers of products and of quotients shorter: roots, and symbolic exponents.

A rule here gives a candidate; whether it is shorter, `symgrad.rewrite.search` finds out.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.ranges import is_positive
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul, mul_all, power, split_coefficient
from symgrad.rewrite.powers import Powers, as_term
from symgrad.rewrite.ratios import Term, multiplied, raised, split
from symgrad.rewrite.rule import Guarantee, Rule


def _root_over_itself(x: Expr) -> Expr | None:
    """``b/sqrt(a*b) -> sqrt(a*b)/a``: a root below, of a product that the rest cancels with."""
    term = split(x)
    if term is None:
        return None
    c, powers = term
    for base, n in powers.items():
        if base.op is not MUL or n.denominator == 1 or not -1 < n < 1:
            continue
        step = -1 if n > 0 else 1
        inner = split(base)
        factors = None if inner is None else raised(inner, -step)
        rest: Powers = {b: m for b, m in powers.items() if b is not base}
        whole = multiplied((c, rest), factors)
        if whole is not None and _is_shorter(whole, rest):
            return _with_root(whole, base, n + step, x)
    return None


def _is_shorter(term: Term, than: Powers) -> bool:
    """Whether a product has no more to it than another, by what their exponents add up to."""
    return _degree(term[1]) <= _degree(than)


def _degree(powers: Powers) -> Fraction:
    return sum([Fraction(n if n > 0 else -n) for n in powers.values()], Fraction(0))


def _with_root(term: Term, base: Expr, n: Fraction | int, like: Expr) -> Expr:
    return mul_all([as_term(term[1], like, term[0]), power(base, number(n, base.shape))])


def _turned_quotient(x: Expr) -> Expr | None:
    """``(a/b)**(-n) -> (b/a)**n``, ``1/sqrt(1/a) -> sqrt(a)``."""
    base, p = x.args
    n = value_of(p)
    negative = bool(n < 0) if n is not None else _is_negative(p)
    if not negative or n.__class__ is int or base.op not in (MUL, POW):
        return None
    inner = split(base)
    if inner is None or inner[0] < 0 or not any(m < 0 for m in inner[1].values()):
        return None
    turned = raised(inner, -1)
    if turned is None:
        return None
    return power(as_term(turned[1], base, turned[0]), mul(number(-1, p.shape), p))


def _is_negative(p: Expr) -> bool:
    """Whether an exponent is written as negative."""
    return all(split_coefficient(t)[0] < 0 for t in (p.args if p.op is ADD else (p,)))


def _number_out_of_exponent(x: Expr) -> Expr | None:
    """``(a*b)**(n - 1)*c -> (a*b)**n*c/(a*b)``: a number in the exponent of a product, taken out."""
    for place, factor in enumerate(x.args):
        base, p, k = _whole_power(factor)
        inner = split(base) if base.op is MUL and p.op is ADD else None
        numbers = [value_of(t) for t in p.args if value_of(t) is not None]
        if inner is None or len(numbers) != 1 or numbers[0].__class__ is not int:
            continue
        others = mul_all([y for j, y in enumerate(x.args) if j != place])
        whole = multiplied(split(others), raised(inner, k * numbers[0]))
        if whole is not None:
            rest = add_all([t for t in p.args if value_of(t) is None])
            power_of_it = power(base, mul(number(k, p.shape), rest))
            return mul_all([as_term(whole[1], x, whole[0]), power_of_it])
    return None


def _whole_power(x: Expr) -> tuple[Expr, Expr, int]:
    """``(u, p, k)`` of ``(u**p)**k``; of anything else k is 1."""
    if x.op is not POW:
        return x, x, 1
    (base, p), k = x.args, 1
    if base.op is POW and value_of(p).__class__ is int:
        k, (base, p) = value_of(p), base.args
    return base, p, k


def _quotient_of_bases(x: Expr) -> Expr | None:
    """``(p*q)**x/p**x -> q**x``, ``4**x/2**x -> 2**x`` for positive bases."""
    term = split(x)
    by_exponent: dict[Expr, list[tuple[Expr, Term | None]]] = {}  # factors, and what is raised
    for y, n in term[1].items() if term is not None else ():
        c, p = split_coefficient(y.args[1]) if y.op is POW else (0, None)
        if p is not None and c.__class__ is int and n.__class__ is int and is_positive(y.args[0]):
            raised_base = raised(split(y.args[0]) or (1, {y.args[0]: 1}), c * n)
            by_exponent.setdefault(p, []).append((y, raised_base))
    for p, factors in by_exponent.items():
        base: Term | None = (1, {})
        for _, part in factors:
            base = multiplied(base, part)
        most = sum([len(part[1]) + (part[0] != 1) for _, part in factors if part is not None])
        if term is None or base is None or len(factors) < 2:
            continue
        if len(base[1]) + (base[0] != 1) < most:  # something cancels: (K*L)**n is K**n*L**n as well
            rest: Powers = {b: n for b, n in term[1].items() if b not in dict(factors)}
            whole = power(as_term(base[1], x, base[0]), p)
            return mul_all([as_term(rest, x, term[0]), whole])
    return None


DOMAIN: Final = Guarantee.DOMAIN
SHORT_POWERS: Final = (
    Rule("b/sqrt(a*b) = sqrt(a*b)/a", DOMAIN, MUL, _root_over_itself),
    Rule("(a/b)**(-n) = (b/a)**n", DOMAIN, POW, _turned_quotient),
    Rule("(a*b)**(n - 1)*c = (a*b)**n*c/(a*b)", DOMAIN, MUL, _number_out_of_exponent),
    Rule("(a*b)**x/b**x = a**x, a and b > 0", DOMAIN, MUL, _quotient_of_bases),
)
