"""Rules on sums of circular and hyperbolic functions of several angles, and of multiples of one angle.

Each reads a sum of two terms, times what both share, as one product or one function.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import permutations, product
from typing import Final, NamedTuple

from symgrad.expr.leaves import PI, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul, mul_all, power, split_coefficient
from symgrad.ops.elementwise import Elementwise
from symgrad.rewrite.powers import Exact, Powers, as_term, raise_power, times
from symgrad.rewrite.ratios import Term, multiplied, plain_terms, split
from symgrad.rewrite.rule import Guarantee, Rule
from symgrad.rewrite.short_ratios import written_out
from symgrad.rewrite.short_trigonometry import FAMILIES, FUNCTIONS, MAX_TERMS, of_two_terms
from symgrad.rewrite.sums import combined

ROUNDING: Final = Guarantee.ROUNDING
MAX_MULTIPLE: Final = 8  # of an angle whose cosine is a polynomial of that of the angle
# tangent, sine, cosine, and s in tangent(2u) = 2*tangent(u)/(1 + s*tangent(u)**2)
TANGENTS: Final = ((f.tan, f.sin, f.cos, -1), (f.tanh, f.sinh, f.cosh, 1))


# what even and odd Chebyshev polynomials of a function are functions of
FUNCTION_OF: Final[dict[Op, tuple[Elementwise, Elementwise]]] = {
    f.cos: (f.cos, f.cos),
    f.sin: (f.cos, f.sin),
    f.cosh: (f.cosh, f.cosh),
    f.sinh: (f.cosh, f.sinh),
}
_HALF: Final = Fraction(1, 2)


def _scaled(c: Exact, x: Expr) -> Expr:
    return mul(number(c, x.shape), x)


def _without(powers: Powers, *bases: Expr) -> Powers:
    left = dict(powers)
    for base in bases:
        left.pop(base, None)
    return left


def _spread(angle: Expr) -> Expr:
    """``x*(m + n)`` as ``m*x + n*x``; any other angle as it is."""
    term = split(angle) if angle.op is MUL else None
    sums = [b for b, n in term[1].items() if b.op is ADD and n == 1] if term is not None else []
    if term is None or len(sums) != 1:
        return angle
    rest = (term[0], _without(term[1], *sums))
    parts = [multiplied(rest, t) for t in plain_terms(sums[0]) or ()]
    return add_all([as_term(p[1], angle, p[0]) for p in parts if p is not None]) if parts else angle


# One function of a sum of angles beside a product of functions of the parts


class PartsOfAngle(NamedTuple):
    """``F(a*u + b*v)`` beside ``G(u)*H(v)``: the angles, their signs, and which of G and H are sines."""

    angles: tuple[Expr, Expr]
    signs: tuple[int, int]
    kinds: tuple[int, int]


def _beside_product(x: Expr, terms: Sequence[Term]) -> Expr | None:
    """``sin(u + v) - sin(u)*cos(v) -> cos(u)*sin(v)``, ``2*sin(u)*cos(v) - sin(u + v) -> sin(u - v)``."""
    for (c, powers), (d, other) in (terms, terms[::-1]):
        for sine, cosine, s in FAMILIES:
            for whole, n in powers.items():
                if whole.op not in (sine, cosine) or n != 1 or _spread(whole.args[0]).op is not ADD:
                    continue
                rest = _without(powers, whole)
                found = _parts(whole, rest, other, (cosine, sine))
                made = None if found is None else _joined(whole, found, c, d, (cosine, sine, s))
                if made is not None:
                    return as_term(times(rest, made[1]), x, made[0])
    return None


def _parts(
    whole: Expr, rest: Powers, other: Powers, family: Sequence[Elementwise]
) -> PartsOfAngle | None:
    """The two functions among other factors whose angles make that of `whole`."""
    found = [b for b, n in other.items() if b.op in family and n == 1 and b not in rest]
    if len(found) != 2 or _without(other, *found) != rest:
        return None
    u, v = found[0].args[0], found[1].args[0]
    for a, b in product((1, -1), repeat=2):
        if value_of(combined((a, _spread(u)), (b, _spread(v)), (-1, _spread(whole.args[0])))) == 0:
            sines = [int(y.op is family[1]) for y in found]
            return PartsOfAngle((u, v), (a, b), (sines[0], sines[1]))
    return None


def _joined(
    whole: Expr,
    found: PartsOfAngle,
    c: Exact,
    d: Exact,
    family: tuple[Elementwise, Elementwise, int],
) -> Term | None:
    """``c*F(a*u + b*v) + d*G(u)*H(v)`` as one product of functions, or as one function.

    ``sin(a*u + b*v) = a*sin(u)*cos(v) + b*cos(u)*sin(v)``; ``cos(a*u + b*v) = cos(u)*cos(v) +
    s*a*b*sin(u)*sin(v)``. Of b the second part has the sign.
    """
    (u, v), (a, b), kinds = found
    cosine, sine, s = family
    if whole.op is sine:
        first, second, scales = (1, 0), (0, 1), {(1, 0): a, (0, 1): b}
    else:
        first, second, scales = (0, 0), (1, 1), {(0, 0): 1, (1, 1): s * a * b}
    if kinds not in scales:
        return None
    if c * scales[kinds] == -d:
        left = second if kinds == first else first
        functions: Powers = {}
        for kind, angle in zip(left, (u, v), strict=True):
            raise_power(functions, (cosine, sine)[kind](angle), 1)
        return c * scales[left], functions
    if 2 * c * scales[kinds] == -d:
        function = (sine if whole.op is sine else cosine)(combined((a, u), (-b, v)))
        return (-c if kinds == first else c), {function: 1}
    return None


def _as_product(x: Expr, terms: Sequence[Term]) -> Expr | None:
    """``sin(u) + sin(v) -> 2*sin((u + v)/2)*cos((u - v)/2)``; and of cos, sinh, cosh."""
    (c, powers), (d, other) = terms
    if abs(c) != abs(d):
        return None
    for sine, cosine, s in FAMILIES:
        for one, n in powers.items():
            if one.op not in (sine, cosine) or n != 1 or _spread(one.args[0]).op is not ADD:
                continue
            rest = _without(powers, one)
            two = next((b for b, m in other.items() if b.op is one.op and m == 1), None)
            if two is None or two is one or _without(other, two) != rest:
                continue
            u, v = _spread(one.args[0]), _spread(two.args[0])
            plus, minus = combined((_HALF, u), (_HALF, v)), combined((_HALF, u), (-_HALF, v))
            if one.op is sine:
                kinds, k = ((sine, cosine) if c == d else (cosine, sine)), 2 * c
            else:
                kinds, k = ((cosine, cosine), 2 * c) if c == d else ((sine, sine), 2 * s * c)
            functions: Powers = {}
            for function, angle in zip(kinds, (plus, minus), strict=True):
                raise_power(functions, function(angle), 1)
            return as_term(times(rest, functions), x, k)
    return None


def _of_squares(x: Expr, terms: Sequence[Term]) -> Expr | None:
    """``(a*cos(u) + b*cos(v))**2 + (a*sin(u) + b*sin(v))**2 -> a**2 + b**2 + 2*a*b*cos(u - v)``."""
    (c, powers), (d, other) = terms
    for one, n in powers.items() if c == d else ():
        rest = _without(powers, one)
        two = next((b for b, m in other.items() if m == 2 and b.op is ADD), None)
        if n != 2 or one.op is not ADD or two is None or _without(other, two) != rest:
            continue
        cosines, sines = (_by_angles(one, f.cos), _by_angles(two, f.sin))
        if not cosines or not sines:
            cosines, sines = (_by_angles(two, f.cos), _by_angles(one, f.sin))
        if len(cosines) != 2 or {*cosines} != {*sines}:
            continue
        (u, (a, first)), (v, (b, second)) = cosines.items()
        (p, same), (q, too) = sines[u], sines[v]
        if (first, second) != (same, too) or abs(a) != abs(p) or abs(b) != abs(q):
            continue
        angle = combined((1, u), (-1 if a * b == p * q else 1, v))
        parts: list[Term] = [(a * a, times(first, first)), (b * b, times(second, second))]
        parts.append((2 * a * b, times(times(first, second), {f.cos(angle): 1})))
        inside = add_all([as_term(powers, x, k) for k, powers in parts])
        return as_term(times(rest, {inside: 1}), x, c)
    return None


def _by_angles(total: Expr, function: Elementwise) -> dict[Expr, Term]:
    """The angles of a function in a sum of two terms, each with what stands before the function."""
    found: dict[Expr, Term] = {}
    for c, powers in plain_terms(total, 2) or ():
        inside = [b for b, n in powers.items() if b.op is function and n == 1]
        if len(inside) == 1:
            found[inside[0].args[0]] = (c, _without(powers, *inside))
    return found


# Multiples of one angle


def _multiple(x: Expr) -> Expr | None:
    """``4*cos(u)**3 - 3*cos(u) -> cos(3*u)``: a Chebyshev polynomial of a cosine; of sin, sinh, cosh."""
    terms = plain_terms(x, MAX_TERMS)
    if terms is None:
        return None
    bases = (b for _, powers in (terms[0], terms[-1]) for b in powers if b.op in FUNCTIONS)
    for base in dict.fromkeys(bases):
        rest = _without(terms[0][1], base)
        if any(_without(powers, base) != rest for _, powers in terms):
            continue
        polynomial = {powers.get(base, 0): c for c, powers in terms}
        n = max(polynomial)
        if n.__class__ is int and 2 < n <= MAX_MULTIPLE and min(polynomial) >= 0:
            return _by_multiple(x, base, int(n), polynomial, rest)
    return None


def _by_multiple(
    x: Expr, base: Expr, n: int, polynomial: dict[Exact, Exact], rest: Powers
) -> Expr | None:
    """``rest*c*T_n(cos(u))`` as ``rest*c*cos(n*u)``; an even T_n of a sine is a cosine."""
    expected = _chebyshev(n)
    if base.op is f.sinh:
        expected = {k: abs(c) for k, c in expected.items()}
    scale = polynomial[n] / Fraction(expected[n])
    if polynomial != {k: c * scale for k, c in expected.items()}:
        return None
    function = FUNCTION_OF[base.op][n % 2]
    if base.op is f.sin and n % 4 in (2, 3):
        scale = -scale
    whole = function(_scaled(n, base.args[0]))
    return as_term(times(rest, {whole: 1}), x, scale.numerator if scale.denominator == 1 else scale)


@cache
def _chebyshev(n: int) -> dict[int, int]:
    """The coefficients of T_n, by ``T_(k+1)(x) = 2*x*T_k(x) - T_(k-1)(x)``."""
    before, now = {0: 1}, {1: 1}
    for _ in range(n - 1):
        following = {k + 1: 2 * c for k, c in now.items()}
        for k, c in before.items():
            following[k] = following.get(k, 0) - c
        before, now = now, {k: c for k, c in following.items() if c}
    return now


def _tangent_of_double(x: Expr) -> Expr | None:
    """``2*tanh(u)/(1 + tanh(u)**2) -> tanh(2*u)``, ``2*tan(u)/(1 - tan(u)**2) -> tan(2*u)``."""
    term = split(x)
    for tangent, _, _, s in TANGENTS:
        for base, n in term[1].items() if term is not None else ():
            if term is None or base.op is not tangent or abs(n) != 1:
                continue
            for total, m in term[1].items():
                p = _one_and_square(total, base, s) if m == -n else None
                if p is not None:
                    inside: Powers = {base: -n, total: n, tangent(_scaled(2, base.args[0])): n}
                    c = term[0] / Fraction(2 * p) ** int(n)
                    return as_term(times(term[1], inside), x, _exact(c))
    return None


def _one_and_square(total: Expr, base: Expr, s: int) -> Exact | None:
    """p of the sum ``p + s*p*base**2``."""
    terms = plain_terms(total, 2) or []
    for (p, nothing), (q, square) in (terms, terms[::-1]) if terms else ():
        if not nothing and square == {base: 2}:
            return p if q == s * p else None
    return None


def _by_whole_angle(x: Expr) -> Expr | None:
    """``a + b*t + c*t**2`` of ``t = tan(u/2)`` as ``(a + c + b*sin(u) + (a - c)*cos(u))/(1 + cos(u))``."""
    terms = plain_terms(x) or []
    tangents = dict.fromkeys(b for _, powers in terms for b in powers if b.op is f.tan)
    for t in tangents if len(tangents) == 1 else ():
        u = _scaled(2, t.args[0])
        if (
            split_coefficient(u)[0].denominator != 1
            or split_coefficient(t.args[0])[0].denominator == 1
        ):
            continue
        parts: dict[Exact, list[Expr]] = {0: [], 1: [], 2: []}
        for c, powers in terms:
            n = powers.get(t, 0)
            if n not in parts:
                return None
            parts[n].append(as_term(_without(powers, t), x, c))
        if not parts[2]:
            return None
        one, first, square = [add_all(found) if found else number(0) for found in parts.values()]
        whole = combined((1, one), (1, square))
        across = combined((1, one), (-1, square))
        above = add_all([whole, mul_all([first, f.sin(u)]), mul_all([across, f.cos(u)])])
        return mul_all([above, power(add_all([number(1), f.cos(u)]), number(-1))])
    return None


def _written_by_whole_angle(x: Expr) -> Expr | None:
    """The same of a sum with the products in it written out."""
    plain = written_out(x)
    return _by_whole_angle(x if plain is None else plain)


# Sine and cosine of one angle


class Wave(NamedTuple):
    """The sum ``a*sin(u) + b*cos(u)``."""

    u: Expr
    a: Exact
    b: Exact


def _wave(total: Expr) -> Wave | None:
    found: dict[Op, tuple[Expr, Exact]] = {}
    for c, powers in plain_terms(total, 2) or ():
        ((base, n),) = powers.items() if len(powers) == 1 else ((total, 0),)
        if n == 1 and base.op in (f.sin, f.cos):
            found[base.op] = (base.args[0], c)
    if len(found) < 2 or found[f.sin][0] is not found[f.cos][0]:
        return None
    return Wave(found[f.sin][0], found[f.sin][1], found[f.cos][1])


def _of_waves(x: Expr) -> Expr | None:
    """``(sin(u) - cos(u))/(sin(u) + cos(u)) -> tan(u - pi/4)``; squares of them."""
    term = split(x)
    if term is None:
        return None
    c, powers = term
    found = [(base, _wave(base), n) for base, n in powers.items() if n.__class__ is int]
    waves = [(base, w, int(n)) for base, w, n in found if w is not None and abs(w.a) == abs(w.b)]
    for (one, w, n), (two, v, m) in permutations(waves, 2):
        if w.u is v.u and w.a * w.b > 0 > v.a * v.b and m == -n:
            # (sin - cos)/(sin + cos) = tan(u - pi/4), to the power -n
            tangent = f.tan(add_all([w.u, mul(number(Fraction(-1, 4)), PI)]))
            inside: Powers = {one: -n, two: n, tangent: -n}
            return as_term(times(powers, inside), x, _exact(c * (Fraction(w.a) / v.a) ** n))
    for one, w, n in waves:
        if n % 2 == 0:  # (a*sin + b*cos)**2 = a**2*(1 + s*sin(2*u))
            sine = mul(number(1 if w.a * w.b > 0 else -1), f.sin(_scaled(2, w.u)))
            square: Powers = {one: -n, add_all([number(1), sine]): n // 2}
            return as_term(times(powers, square), x, _exact(c * Fraction(w.a) ** n))
    return None


def _over_function(x: Expr) -> Expr | None:
    """``(a*sin(u) + b*cos(u))/sin(u)**n -> (a + b/tan(u))/sin(u)**(n - 1)``, and so over a cosine."""
    term = split(x)
    sums = [b for b, n in term[1].items() if b.op is ADD and n == 1] if term is not None else []
    if term is None or len(sums) != 1:
        return None
    (total,) = sums
    inner = plain_terms(total, MAX_TERMS) or []
    for tangent, sine, cosine, _ in TANGENTS:
        for below, n in term[1].items():
            if below.op not in (sine, cosine) or n.__class__ is not int or n > -1 or not inner:
                continue
            (u,) = below.args
            other, k = (cosine(u), -1) if below.op is sine else (sine(u), 1)
            changed: list[Expr] = []
            for c, powers in inner:
                if powers.get(below, 0) > 0:
                    inside: Powers = {below: -1}
                elif powers.get(other) == 1:
                    inside = {other: -1, tangent(u): k}
                else:
                    break
                changed.append(as_term(times(powers, inside), x, c))
            else:
                rest = times(_without(term[1], total), {below: 1})
                raise_power(rest, add_all(changed), 1)
                return as_term(rest, x, term[0])
    return None


def _exact(c: Fraction | int) -> Exact:
    return c.numerator if c.denominator == 1 else c


ANGLE_SUM_RULES: Final = (
    Rule(
        "sin(u + v) - sin(u)*cos(v) = cos(u)*sin(v)",
        ROUNDING,
        ADD,
        of_two_terms(_beside_product),
        FUNCTIONS,
    ),
    Rule(
        "sin(u) + sin(v) = 2*sin((u + v)/2)*cos((u - v)/2)",
        ROUNDING,
        ADD,
        of_two_terms(_as_product),
        FUNCTIONS,
    ),
    Rule(
        "(a*cos(u) + b*cos(v))**2 + (a*sin(u) + b*sin(v))**2 = a**2 + b**2 + 2*a*b*cos(u - v)",
        ROUNDING,
        ADD,
        of_two_terms(_of_squares, inside=True),
    ),
    Rule("4*cos(u)**3 - 3*cos(u) = cos(3*u)", ROUNDING, ADD, _multiple, FUNCTIONS),
    Rule("1 + tan(u/2)**2 = 2/(1 + cos(u))", ROUNDING, ADD, _by_whole_angle, (f.tan,)),
    Rule(
        "2*tanh(u)/(1 + tanh(u)**2) = tanh(2*u)", ROUNDING, MUL, _tangent_of_double, (f.tan, f.tanh)
    ),
    *[
        Rule(
            f"(sin(u) + cos(u))**2 = 1 + sin(2*u), of {op.name}",
            ROUNDING,
            op,
            _of_waves,
            (f.sin,),
            within=True,
        )
        for op in (MUL, POW)
    ],
    Rule(
        "(a*sin(u) + b*cos(u))/sin(u) = a + b/tan(u)",
        ROUNDING,
        MUL,
        _over_function,
        FUNCTIONS,
        within=True,
    ),
)

# The same formula in other functions, everywhere in it at once

ANGLE_SUM_FACES: Final = (
    (
        Rule(
            "sums in tan(u/2) by sin(u) and cos(u)",
            ROUNDING,
            ADD,
            _written_by_whole_angle,
        ),
    ),
)
