"""Rules that may make quotients of circular and hyperbolic functions shorter.

Factors at an angle are written at its half where something divides them that cancels then:
``sin(2*u)/sin(u) = 2*cos(u)``, ``(1 - cos(2*u))/(1 + cos(2*u)) = sin(u)**2/cos(u)**2 = tan(u)**2``.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, mul, mul_all, split_coefficient
from symgrad.ops.elementwise import Elementwise
from symgrad.rewrite.powers import Exact, Powers, as_term, raise_power, times
from symgrad.rewrite.ratios import Term, split
from symgrad.rewrite.rule import Guarantee, Rule
from symgrad.rewrite.short_trigonometry import FAMILIES, FUNCTIONS, of_two_terms

DOMAIN, ROUNDING = Guarantee.DOMAIN, Guarantee.ROUNDING
TANGENTS: Final = ((f.sin, f.cos, f.tan), (f.sinh, f.cosh, f.tanh))


# Factors at an angle and at its half


class Halved(NamedTuple):
    """A factor as ``c*sine(u)**sines*cosine(u)**cosines``, where u is half of its angle."""

    c: Exact
    sines: int
    cosines: int


def _at_half_angles(x: Expr) -> Expr | None:
    """``sin(2*u)/sin(u) -> 2*cos(u)``, ``(1 - cos(2*u))/sin(2*u) -> tan(u)``; and of sinh, cosh."""
    term = split(x)
    if term is None:
        return None
    for sine, cosine, s in FAMILIES:
        whole: dict[Expr, dict[Expr, Halved]] = {}  # angle: its factors
        for base, n in term[1].items():
            found = _halved(base, sine, cosine, s) if n.__class__ is int else None
            if found is not None:
                whole.setdefault(found[0], {})[base] = found[1]
        for angle, factors in whole.items():
            u = mul(number(Fraction(1, 2), angle.shape), angle)
            beside = [term[1].get(y, 0) for y in (sine(u), cosine(u))]
            signs = {n > 0 for n in [*beside, *[term[1][y] for y in factors]] if n}
            if len(signs) == 2:
                return _written_at(u, term, factors, x, (sine, cosine))
    return None


def _by_tangent_of_half(x: Expr) -> Expr | None:
    """``sin(2*u)/(1 + cos(2*u))**2 -> tan(u)/(1 + cos(2*u))``, ``1/tan(u)`` where the sign is minus."""
    term = split(x)
    for (sine, cosine, s), (_, _, tangent) in zip(FAMILIES, TANGENTS, strict=True):
        for base, n in term[1].items() if term is not None else ():
            found = _halved(base, sine, cosine, s) if base.op is ADD else None
            if term is None or found is None or n.__class__ is not int or n >= 0:
                continue
            angle, (c, sines, _) = found
            k = min(int(term[1].get(sine(angle), 0)), -int(n))
            if k > 0:
                # c*cosine(u)**2 or c*sine(u)**2 below 2*sine(u)*cosine(u)
                u = mul(number(Fraction(1, 2), angle.shape), angle)
                inside: Powers = {sine(angle): -k, base: k, tangent(u): -k if sines else k}
                scale = term[0] * (Fraction(2) / c) ** k
                return as_term(
                    times(term[1], inside), x, scale.numerator if scale.denominator == 1 else scale
                )
    return None


def _halved(
    base: Expr, sine: Elementwise, cosine: Elementwise, s: int
) -> tuple[Expr, Halved] | None:
    """The angle of ``sin(2*u)``, ``p + p*cos(2*u)`` or ``p - p*cos(2*u)``, and the factor at u."""
    if base.op is sine:
        return base.args[0], Halved(2, 1, 1)
    if base.op is not ADD or len(base.args) != 2:
        return None
    for one, other in (base.args, base.args[::-1]):
        p = value_of(one)
        q, function = split_coefficient(other)
        if p is not None and is_exact(p) and function is not None and function.op is cosine:
            if q == p:
                return function.args[0], Halved(2 * p, 0, 2)
            if q == -p:
                return function.args[0], Halved(-2 * s * p, 2, 0)
    return None


def _written_at(
    u: Expr, term: Term, factors: dict[Expr, Halved], like: Expr, family: Sequence[Elementwise]
) -> Expr:
    """A term with some factors written by sine and cosine of u, or by its tangent."""
    c, powers = Fraction(term[0]), dict(term[1])
    sine, cosine = [function(u) for function in family]
    for base, at_half in factors.items():
        n = int(powers.pop(base))
        c *= Fraction(at_half.c) ** n
        for function, k in ((sine, at_half.sines), (cosine, at_half.cosines)):
            if k:
                raise_power(powers, function, k * n)
    made = as_term(powers, like, c.numerator if c.denominator == 1 else c)
    by_tangent = _tangent(made)
    return made if by_tangent is None else by_tangent


def _tangent(x: Expr) -> Expr | None:
    """``cos(u)**n/sin(u)**n -> tan(u)**-n``; of sinh and cosh, too."""
    term = split(x)
    for sine, cosine, tangent in TANGENTS:
        for base, n in term[1].items() if term is not None else ():
            if term is None or base.op is not sine or n.__class__ is not int:
                continue
            (u,) = base.args
            if term[1].get(cosine(u)) == -n:
                inside: Powers = {base: -n, cosine(u): n, tangent(u): n}
                return as_term(times(term[1], inside), x, term[0])
    return None


def _tangent_opened(x: Expr) -> Expr | None:
    """``sin(u)/tan(u) -> cos(u)``, ``sin(2*u)*tan(u) -> sin(2*u)*sin(u)/cos(u)``, and so on."""
    term = split(x)
    for sine, cosine, tangent in TANGENTS:
        for base, n in term[1].items() if term is not None else ():
            if term is None or base.op is not tangent or n.__class__ is not int:
                continue
            (u,) = base.args
            twice = sine(mul(number(2, u.shape), u))
            if {sine(u), cosine(u), twice}.isdisjoint(term[1]):
                continue
            inside: Powers = {base: -n, sine(u): n, cosine(u): -n}
            return as_term(times(term[1], inside), x, term[0])
    return None


# Sums


def _exponential(x: Expr, terms: Sequence[Term]) -> Expr | None:
    """``cosh(u) + sinh(u) -> exp(u)``, ``cosh(u) - sinh(u) -> exp(-u)``, times a common factor."""
    for (c, powers), (d, other) in (terms, terms[::-1]):
        for base, n in powers.items() if abs(c) == abs(d) else ():
            if base.op is not f.cosh or n != 1 or other.get(f.sinh(base.args[0])) != 1:
                continue
            rest = times(powers, {base: -1})
            if rest == times(other, {f.sinh(base.args[0]): -1}):
                sign = number(1 if c == d else -1, base.shape)
                return mul_all([as_term(rest, x, c), f.exp(mul(sign, base.args[0]))])
    return None


ANGLE_RULES: Final = (
    Rule("sin(2*u)/sin(u) = 2*cos(u)", DOMAIN, MUL, _at_half_angles, FUNCTIONS, within=True),
    Rule(
        "sin(2*u)/(1 + cos(2*u)) = tan(u)", DOMAIN, MUL, _by_tangent_of_half, FUNCTIONS, within=True
    ),
    Rule("sin(u)/tan(u) = cos(u)", DOMAIN, MUL, _tangent_opened, (f.tan, f.tanh)),
    Rule("cosh(u) + sinh(u) = exp(u)", ROUNDING, ADD, of_two_terms(_exponential), (f.cosh,)),
)

# The same formula in other functions, everywhere in it at once

ANGLE_FACES: Final = ((Rule("cos(u)/sin(u) = 1/tan(u)", ROUNDING, MUL, _tangent),),)
