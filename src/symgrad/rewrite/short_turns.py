"""Rules for angles with multiples of pi: quarter turns, and whole numbers of half turns.

``sin(u + pi/2) = cos(u)``, ``cos((2*u - pi)/2) = sin(u)``, ``cos(u + n*pi) = (-1)**n*cos(u)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from symgrad.expr.leaves import PI, assumed, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.op import Op
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul, mul_all, power, split_coefficient
from symgrad.ops.elementwise import Elementwise
from symgrad.rewrite.powers import as_term
from symgrad.rewrite.ratios import Term, multiplied, plain_terms, raised, split
from symgrad.rewrite.rule import Guarantee, Rule
from symgrad.rewrite.sums import combined

ROUNDING: Final = Guarantee.ROUNDING
# what a function becomes after 0, 1, 2 and 3 quarter turns: the sign, and the function
AFTER: Final = {
    f.sin: ((1, f.sin), (1, f.cos), (-1, f.sin), (-1, f.cos)),
    f.cos: ((1, f.cos), (-1, f.sin), (-1, f.cos), (1, f.sin)),
}


def _terms(angle: Expr) -> Sequence[Expr]:
    """The terms of an angle, a number before a sum multiplied in: x and pi/2 of ``(2*x + pi)/2``."""
    c, rest = split_coefficient(angle)
    if rest is None or rest.op is not ADD or not is_exact(c):
        return (angle,)
    return rest.args if c == 1 else [mul(number(c, t.shape), t) for t in rest.args]


def _is_whole(x: Expr) -> bool:
    """Whether x is a product of whole numbers among the reals.

    Those of integer types are none: NumPy raises no integer to a negative one.
    """
    factors = x.args if x.op is MUL else (x,)
    return all(
        value_of(y).__class__ is int or (assumed(y, "integer") and y.dtype.kind == "f")
        for y in factors
    )


def _half_turns(term: Expr) -> Expr | None:
    """n of a term ``n*pi`` with a whole number n; None for any other term."""
    factors = term.args if term.op is MUL else (term,)
    rest = [y for y in factors if y is not PI]
    n = mul_all(rest) if rest else number(1)
    return n if len(rest) == len(factors) - 1 and _is_whole(n) else None


def _quarter_turns(term: Expr) -> int:
    """The odd number k of a term ``k*pi/2``, else 0."""
    c, rest = split_coefficient(term)
    k = 2 * c if rest is PI and is_exact(c) else 0
    return int(k) if k % 2 == 1 else 0


def _parity(terms: Sequence[Expr]) -> Expr:
    """``(-1)**n`` of a sum n of whole numbers; even ones leave nothing."""
    odd = []
    for term in terms:
        c, rest = split_coefficient(term)
        if c % 2:
            odd.append(number(1) if rest is None else rest)
    return power(number(-1), add_all(odd)) if odd else number(1)


def _turned(op: Elementwise, alone: int) -> Rule:
    """``cos(u + n*pi) -> (-1)**n*cos(u)``; `alone` is the value at 0."""

    def apply(y: Expr) -> Expr | None:
        terms = _terms(y.args[0])
        turns = [n for t in terms if (n := _half_turns(t)) is not None]
        rest = [t for t in terms if _half_turns(t) is None]
        if not turns or (not rest and not alone):
            return number(0) if turns else None
        function = op(add_all(rest)) if rest else number(alone)
        return function if op is f.tan else mul_all([_parity(turns), function])

    return Rule(f"{op.name}(u + n*pi), n whole", ROUNDING, op, apply)


def _after_quarters(y: Expr) -> Expr | None:
    """``sin(u + pi/2) -> cos(u)``, ``cos(pi/2 - u) -> sin(u)``, ``tan(u + pi/2) -> -1/tan(u)``."""
    terms = _terms(y.args[0])
    k = sum(map(_quarter_turns, terms))
    rest = [t for t in terms if not _quarter_turns(t)]
    return _at(y.op, add_all(rest), k) if k % 2 and rest else None


def _at(op: Op, u: Expr, k: int) -> Expr:
    """``op(u + k*pi/2)`` for an odd number k, as a function of u, or of -u where that has fewer signs."""
    sign = 1
    if all(split_coefficient(t)[0] < 0 for t in (u.args if u.op is ADD else (u,))):
        sign, u, k = (1 if op is f.cos else -1), combined((-1, u)), -k
    if op is f.tan:
        return mul_all([number(-sign), power(f.tan(u), number(-1))])
    turned, function = AFTER[op][k % 4]  # type: ignore[index]
    return mul_all([number(sign * turned), function(u)])


def _complementary(x: Expr) -> Expr | None:
    """``sin(u)**2 + sin(pi/2 - u)**2 -> sin(u)**2 + cos(u)**2``, of angles that differ so, too."""
    terms = plain_terms(x) or []
    found = dict.fromkeys(b for _, powers in terms for b in powers if b.op in AFTER)
    for one, two in combinations(found, 2):
        for s in (1, -1):
            right = combined((1, two.args[0]), (-s, one.args[0]))  # v = s*u + k*pi/2
            k = _quarter_turns(right)
            if k and right.op is not ADD:
                made = split(_at(two.op, combined((s, one.args[0])), k))
                parts = [p for t in terms if (p := _written(t, two, made)) is not None]
                whole = len(parts) == len(terms)
                return add_all([as_term(p, x, c) for c, p in parts]) if whole else None
    return None


def _written(term: Term, function: Expr, value: Term | None) -> Term | None:
    """A term with whole powers of a function written by its value."""
    n = term[1].get(function, 0)
    if value is None or n.__class__ is not int:
        return None
    rest = {b: m for b, m in term[1].items() if b is not function}
    return multiplied((term[0], rest), raised(value, n)) if n else term


def _power_of_sign(y: Expr) -> Expr | None:
    """``(-1)**(2*n + m) -> (-1)**m`` for whole numbers n and m."""
    base, p = y.args
    terms = p.args if p.op is ADD else (p,)
    plain = value_of(base) == -1 and value_of(p) is None
    return _parity(terms) if plain and all(map(_is_whole, terms)) else None


TURN_RULES: Final = (
    _turned(f.sin, 0),
    _turned(f.cos, 1),
    _turned(f.tan, 0),
    *[Rule(f"{op.name}(u + pi/2)", ROUNDING, op, _after_quarters) for op in (f.sin, f.cos, f.tan)],
    Rule("sin(pi/2 - u) = cos(u), beside sin(u)", ROUNDING, ADD, _complementary, tuple(AFTER)),
    Rule("(-1)**(2*n) = 1, n whole", ROUNDING, POW, _power_of_sign),
)
