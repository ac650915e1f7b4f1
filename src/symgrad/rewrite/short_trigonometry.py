"""Rules that may make circular and hyperbolic functions shorter: double and half angles, tangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Final

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.op import Op
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul, power, split_coefficient
from symgrad.ops.elementwise import Elementwise
from symgrad.rewrite.powers import Exact, Powers, as_term, raise_power, times
from symgrad.rewrite.ratios import Term, split
from symgrad.rewrite.rule import Guarantee, Rule, first_of

ROUNDING, EXACT = Guarantee.ROUNDING, Guarantee.EXACT

# sine, cosine, and s in cos(2u) = cos(u)**2 + s*sin(u)**2, 1 = cos(u)**2 - s*sin(u)**2
FAMILIES: Final = ((f.sin, f.cos, -1), (f.sinh, f.cosh, 1))
# cosine and s in 1 + s*tangent(u)**2 = cosine(u)**-2
COSINES: Final[dict[Op, tuple[Elementwise, int]]] = {f.tan: (f.cos, 1), f.tanh: (f.cosh, -1)}
# g and s in 1 - f(u)**2 = s*g(u)**2
SQUARES: Final[dict[Op, tuple[Elementwise, int]]] = {
    f.sin: (f.cos, 1),
    f.cos: (f.sin, 1),
    f.cosh: (f.sinh, -1),
}
FUNCTIONS: Final = (f.sin, f.cos, f.sinh, f.cosh)
MAX_TERMS: Final = 8  # of a sum in which two terms are looked for

RuleFunction = Callable[[Expr], Expr | None]


def _twice(u: Expr) -> Expr:
    return mul(number(2, u.shape), u)


def _half(u: Expr) -> Expr:
    return mul(number(Fraction(1, 2), u.shape), u)


# Double angles


def _sine_of_double(x: Expr) -> Expr | None:
    """``sin(u)*cos(u) -> sin(2*u)/2``, to any integer power; and of sinh and cosh."""
    term = split(x)
    if term is None:
        return None
    c, powers = term
    for sine, cosine, _ in FAMILIES:
        for base, n in powers.items():
            other = cosine(base.args[0]) if base.op is sine else None
            m = powers.get(other, 0) if other is not None else 0
            if n.__class__ is int and m.__class__ is int and n * m > 0:
                k = min(n, m) if n > 0 else max(n, m)
                inside: Powers = {base: -k, other: -k, sine(_twice(base.args[0])): k}  # type: ignore[dict-item]
                return as_term(times(powers, inside), x, c * Fraction(1, 2) ** k)
    return None


def _squares_of_tangents(x: Expr) -> Expr | None:
    """``c*(1 - tanh(u)**2) -> c/cosh(u)**2``, ``sqrt(1 + tan(u)**2) -> 1/|cos(u)|``."""
    term = split(x)
    for base, n in term[1].items() if term is not None else ():
        found = _one_and_square(base)
        if term is None or found is None:
            continue
        one, cosine = found
        whole = n.__class__ is int
        if (whole and cosine.op is f.cos) or (not whole and one != 1):
            continue  # 1 + tan(u)**2 meets other rules
        below = cosine if whole or cosine.op is f.cosh else f.absolute(cosine)
        rest = times(term[1], {base: -n, below: -2 * n})
        c = term[0] * Fraction(one) ** int(n) if whole else term[0]
        return as_term(rest, x, c.numerator if c.denominator == 1 else c)
    return None


def _one_and_square(x: Expr) -> tuple[Exact, Expr] | None:
    """``(p, cos(u))`` of ``p + p*tan(u)**2``, ``(p, cosh(u))`` of ``p - p*tanh(u)**2``."""
    if x.op is not ADD or len(x.args) != 2:
        return None
    first, second = [split(t) for t in x.args]
    for one, square in ((first, second), (second, first)):
        if one is None or square is None or one[1] or len(square[1]) != 1:
            continue
        ((base, n),) = square[1].items()
        if n == 2 and base.op in COSINES:
            cosine, sign = COSINES[base.op]
            if square[0] == sign * one[0]:
                return one[0], cosine(base.args[0])
    return None


def _conjugates(x: Expr) -> Expr | None:
    """``(1 - sin(u))*(1 + sin(u)) -> cos(u)**2``, to any integer power; of cos and cosh, too."""
    term = split(x)
    found: dict[Expr, list[tuple[Expr, Exact, Exact]]] = {}
    for base, n in term[1].items() if term is not None else ():
        parts = _number_and_function(base) if n.__class__ is int else None
        if parts is not None:
            one, a, function = parts
            found.setdefault(function, []).append((base, one, a))
    for function, sums in found.items():
        for (first, one, a), (second, other, b) in combinations(sums, 2):
            if term is None or abs(one) != abs(a) or one * b != -other * a:
                continue
            n, m = term[1][first], term[1][second]
            if n * m <= 0:
                continue
            k = int(min(n, m) if n > 0 else max(n, m))
            partner, sign = SQUARES[function.op]
            inside: Powers = {first: -k, second: -k, partner(function.args[0]): 2 * k}
            c = term[0] * (sign * one * Fraction(other)) ** k
            return as_term(times(term[1], inside), x, c.numerator if c.denominator == 1 else c)
    return None


def _number_and_function(x: Expr) -> tuple[Exact, Exact, Expr] | None:
    """``(p, q, f)`` of the sum ``p + q*f`` of a number and a function of a circle."""
    if x.op is not ADD or len(x.args) != 2:
        return None
    terms = sorted([split_coefficient(t) for t in x.args], key=lambda t: t[1] is not None)
    (p, nothing), (q, function) = terms
    plain = nothing is None and function is not None and function.op in SQUARES
    return (p, q, function) if plain and is_exact(p) and is_exact(q) else None  # type: ignore[return-value]


def of_two_terms(
    join: Callable[[Expr, Sequence[Term]], Expr | None], inside: bool = False
) -> RuleFunction:
    """A rule on sums that joins two of their terms where sine or cosine stands in one of them.

    Or, with `inside`, where the square of a sum does.
    """

    def is_wanted(base: Expr, n: Exact) -> bool:
        return base.op is ADD and n == 2 if inside else base.op in FUNCTIONS

    def apply(x: Expr) -> Expr | None:
        if len(x.args) > MAX_TERMS:
            return None
        terms = [split(arg) for arg in x.args]
        circular = [
            term is not None and any(is_wanted(b, n) for b, n in term[1].items()) for term in terms
        ]
        for i, j in combinations(range(len(terms)), 2):
            a, b = terms[i], terms[j]
            if a is None or b is None or not (circular[i] or circular[j]):
                continue
            joined = join(x, (a, b))
            if joined is not None:
                rest = [arg for k, arg in enumerate(x.args) if k not in (i, j)]
                return add_all([joined, *rest]) if rest else joined
        return None

    return apply


def _cosine_of_double(x: Expr, terms: Sequence[Term]) -> Expr | None:
    """``cos(u)**2 - sin(u)**2 -> cos(2*u)``, and so for ``2*cos(u)**2 - 1`` and ``1 - 2*sin(u)**2``."""
    found = [base for _, powers in terms for base, n in powers.items() if n == 2]
    for sine, cosine, s in FAMILIES:
        for u in dict.fromkeys(b.args[0] for b in found if b.op in (sine, cosine)):
            parts = [_parts(term, sine(u), cosine(u)) for term in terms]
            if None in parts or parts[0][3] != parts[1][3]:  # type: ignore[index]
                continue
            one, a, b = [sum(part[i] for part in parts) for i in range(3)]  # type: ignore[index, misc]
            # one*1 + a*sin**2 + b*cos**2 = k*(cos**2 + s*sin**2) + m*(cos**2 - s*sin**2), m = 0
            k = (b + one + s * (a - s * one)) / Fraction(2)
            m = (b + one - s * (a - s * one)) / Fraction(2)
            if m == 0 and k != 0:
                rest: Powers = dict(parts[0][3])  # type: ignore[index]
                raise_power(rest, cosine(_twice(u)), 1)
                return as_term(rest, x, k.numerator if k.denominator == 1 else k)
    return None


def _parts(
    term: Term, sine: Expr, cosine: Expr
) -> tuple[Fraction, Fraction, Fraction, Powers] | None:
    """What a term holds of 1, sine**2 and cosine**2, and its other factors."""
    c, powers = term
    rest = dict(powers)
    square = [rest.pop(base, 0) for base in (sine, cosine)]
    if square not in ([0, 0], [2, 0], [0, 2]):
        return None
    at = 1 if square[0] else 2 if square[1] else 0
    held = [Fraction(0)] * 3
    held[at] = Fraction(c)
    return held[0], held[1], held[2], rest


def _square_of_half(x: Expr, terms: Sequence[Term]) -> Expr | None:
    """``1 - cos(2*u) -> 2*sin(u)**2``, ``1 + cos(2*u) -> 2*cos(u)**2``; and of cosh."""
    for (c, powers), (d, other) in (terms, terms[::-1]):
        for sine, cosine, s in FAMILIES:
            for base, n in powers.items():
                rest = {b: m for b, m in powers.items() if b is not base}
                if base.op is not cosine or n != 1 or rest != other or abs(c) != abs(d):
                    continue
                u = _half(base.args[0])
                if c == d:  # d*(1 + cos) = 2*d*cos**2
                    return as_term(times(rest, {cosine(u): 2}), x, 2 * d)
                return as_term(times(rest, {sine(u): 2}), x, -2 * s * d)
    return None


# Sums and differences of angles


def _of_difference(x: Expr, terms: Sequence[Term]) -> Expr | None:
    """``cos(u)*cos(v) + sin(u)*sin(v) -> cos(u - v)``, and so for sums, sine, sinh and cosh."""
    for sine, cosine, s in FAMILIES:
        angles = [b.args[0] for b, n in terms[0][1].items() if b.op in (sine, cosine) and n == 1]
        for u, v in combinations(angles, 2):
            found = [_as_product(term, sine, cosine, u, v) for term in terms]
            (c, one, rest), (d, two, other) = found
            if c is None or d is None or rest != other or abs(c) != abs(d) or one == two:
                continue
            kinds = {one: c, two: d}
            if {(0, 0), (1, 1)} == set(kinds):  # cos(u)*cos(v) + k*sin(u)*sin(v), k = -1 for u + v
                k = kinds[1, 1] / Fraction(kinds[0, 0])
                function, scale, sign = cosine, kinds[0, 0], s * k
            elif {(1, 0), (0, 1)} == set(kinds):  # sin(u)*cos(v) + k*cos(u)*sin(v)
                function, scale, sign = sine, kinds[1, 0], kinds[0, 1] / Fraction(kinds[1, 0])
            else:
                continue
            angle = u + v if sign > 0 else u - v
            return as_term(times(rest, {function(angle): 1}), x, scale)
    return None


def _as_product(
    term: Term, sine: Elementwise, cosine: Elementwise, u: Expr, v: Expr
) -> tuple[Exact | None, tuple[int, int], Powers]:
    """Coefficient, of which angles there is the sine, and other factors; None first for anything else."""
    c, powers = term
    rest = dict(powers)
    kinds = []
    for angle in (u, v):
        held = [rest.pop(function(angle), 0) for function in (cosine, sine)]
        if held not in ([1, 0], [0, 1]):
            return None, (0, 0), rest
        kinds.append(held[1])
    return c, (kinds[0], kinds[1]), rest  # type: ignore[return-value]


# Functions of inverse functions


def _of_inverse(outer: Elementwise, inner: Elementwise, value: Callable[[Expr], Expr]) -> Rule:
    def apply(y: Expr) -> Expr | None:
        return value(y.args[0].args[0]) if y.args[0].op is inner else None

    return Rule(f"{outer.name}({inner.name}(u)) as a root", ROUNDING, outer, apply)


def _root(a: int, b: int, u: Expr) -> Expr:
    """``sqrt(a + b*u**2)``"""
    return f.sqrt(a + b * power(u, number(2, u.shape)))


INVERSES: Final = (
    _of_inverse(f.sin, f.arccos, lambda u: _root(1, -1, u)),
    _of_inverse(f.cos, f.arcsin, lambda u: _root(1, -1, u)),
    _of_inverse(f.tan, f.arcsin, lambda u: u / _root(1, -1, u)),
    _of_inverse(f.cos, f.arctan, lambda u: 1 / _root(1, 1, u)),
    _of_inverse(f.sin, f.arctan, lambda u: u / _root(1, 1, u)),
    _of_inverse(f.cosh, f.arcsinh, lambda u: _root(1, 1, u)),
)
TRIGONOMETRIC_RULES: Final = (
    Rule("sin(u)*cos(u) = sin(2*u)/2", ROUNDING, MUL, _sine_of_double),
    Rule(
        "1 - sin(u)**2 in factors, 1 - tanh(u)**2 = cosh(u)**-2",
        ROUNDING,
        MUL,
        first_of(_conjugates, _squares_of_tangents),
    ),
    Rule("sqrt(1 + tan(u)**2) = 1/|cos(u)|", ROUNDING, POW, _squares_of_tangents),
    Rule("cos(u)**2 - sin(u)**2 = cos(2*u)", ROUNDING, ADD, of_two_terms(_cosine_of_double)),
    Rule("cos(u)*cos(v) + sin(u)*sin(v) = cos(u - v)", ROUNDING, ADD, of_two_terms(_of_difference)),
    Rule("1 - cos(2*u) = 2*sin(u)**2", ROUNDING, ADD, of_two_terms(_square_of_half)),
)

# The same formula in other functions, everywhere in it at once


def _quotient(above: Elementwise, below: Elementwise) -> Callable[[Expr], Expr | None]:
    return lambda y: above(y.args[0]) / below(y.args[0])


def _opened(value: Callable[[Expr], Expr]) -> Callable[[Expr], Expr | None]:
    """The value at half of an argument that is an even multiple of something."""

    def apply(y: Expr) -> Expr | None:
        c, rest = split_coefficient(y.args[0])
        even = rest is not None and c.__class__ is int and c % 2 == 0
        return value(_half(y.args[0])) if even else None

    return apply


TANGENTS: Final = (
    Rule("tan(u) = sin(u)/cos(u)", ROUNDING, f.tan, _quotient(f.sin, f.cos)),
    Rule("tanh(u) = sinh(u)/cosh(u)", ROUNDING, f.tanh, _quotient(f.sinh, f.cosh)),
)
SINES_OF_DOUBLES: Final = (
    Rule("sin(2*u) = 2*sin(u)*cos(u)", ROUNDING, f.sin, _opened(lambda u: 2 * f.sin(u) * f.cos(u))),
    Rule(
        "sinh(2*u) = 2*sinh(u)*cosh(u)",
        ROUNDING,
        f.sinh,
        _opened(lambda u: 2 * f.sinh(u) * f.cosh(u)),
    ),
)
DOUBLES_BY_SINES: Final = (
    *SINES_OF_DOUBLES,
    Rule("cos(2*u) = 1 - 2*sin(u)**2", ROUNDING, f.cos, _opened(lambda u: 1 - 2 * f.sin(u) ** 2)),
    Rule(
        "cosh(2*u) = 1 + 2*sinh(u)**2", ROUNDING, f.cosh, _opened(lambda u: 1 + 2 * f.sinh(u) ** 2)
    ),
)
DOUBLES_BY_COSINES: Final = (
    *SINES_OF_DOUBLES,
    Rule("cos(2*u) = 2*cos(u)**2 - 1", ROUNDING, f.cos, _opened(lambda u: 2 * f.cos(u) ** 2 - 1)),
    Rule(
        "cosh(2*u) = 2*cosh(u)**2 - 1", ROUNDING, f.cosh, _opened(lambda u: 2 * f.cosh(u) ** 2 - 1)
    ),
)
TRIGONOMETRIC_FACES: Final = (TANGENTS, INVERSES, DOUBLES_BY_SINES, DOUBLES_BY_COSINES)
