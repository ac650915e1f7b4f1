"""Rules on whole powers of sums and on absolute values: ``x**2 + 2*x + 1``, ``|x|*|y|``."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Final

from symgrad.expr.leaves import value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul_all, split_coefficient
from symgrad.ops.elementwise import Elementwise
from symgrad.rewrite import polynomials
from symgrad.rewrite.collect import absolute_values
from symgrad.rewrite.powers import Powers, as_term, times
from symgrad.rewrite.ratios import CIRCLES, Ring, Term, as_expr, of_sum, plain_terms, raised, split
from symgrad.rewrite.rule import Guarantee, Rule
from symgrad.rewrite.sums import as_sum, combined

ROUNDING, EXACT, DOMAIN = Guarantee.ROUNDING, Guarantee.EXACT, Guarantee.DOMAIN
MAX_TERMS: Final = 10  # of a sum that may be a power of a shorter one
POWERS: Final = (2, 3, 4)
_HALF: Final = Fraction(1, 2)


def whole_power(x: Expr) -> Term | None:
    """``4*x**2 + 8*x + 4 -> (4, {x + 1: 2})``: a sum as a number times powers of symbols and of a sum."""
    terms = plain_terms(x, MAX_TERMS) or []
    ring = Ring.of(terms, {}, written_out=False) if len(terms) > 2 else None
    if ring is None or not ring.numerator:
        return None
    c, monomial = polynomials.content(ring.numerator), polynomials.common_monomial(ring.numerator)
    rest = polynomials.divided(ring.numerator, c, monomial)
    for n in POWERS:
        root = polynomials.root(rest, n) if len(rest) > n else None
        if root is not None:
            total = as_sum(*ring.sum(root, x), x)
            if n % 2 == 0 and _begins_negative(total):
                opposite = {m: -c for m, c in root.items()}
                total = as_sum(*ring.sum(opposite, x), x)
            return c, times(ring.powers(monomial), {total: n})
    return None


def _begins_negative(x: Expr) -> bool:
    """Whether the first term of a sum, by the canonical order, has a negative coefficient."""
    parts = [split_coefficient(t) for t in x.args] if x.op is ADD else []
    terms = [(rest.order, c) for c, rest in parts if rest is not None]
    return bool(terms) and bool(min(terms)[1] < 0)


def _whole_power(x: Expr) -> Expr | None:
    """``x**2 + 2*x + 1 -> (x + 1)**2``"""
    return as_expr(whole_power(x), x)


def _common_powers(x: Expr) -> Expr | None:
    """``x**2*y + x*y**2 -> x*y*(x + y)``: the least power of each symbol that is in all terms."""
    terms = plain_terms(x, MAX_TERMS)
    if terms is None:
        return None
    symbols = [base for base in terms[0][1] if base.op.label is not None]
    least = {base: min([powers.get(base, 0) for _, powers in terms]) for base in symbols}
    common = {base: n for base, n in least.items() if n > 0}
    if not common:
        return None
    inverse: Powers = {base: -n for base, n in common.items()}
    inner = [as_term(times(powers, inverse), x, c) for c, powers in terms]
    return mul_all([as_term(common, x), add_all(inner)])


def _conjugates(x: Expr) -> Expr | None:
    """``(x - 1)*(x + 1) -> x**2 - 1``, to any whole power."""
    term = split(x)
    sums = [b for b in term[1] if b.op is ADD and len(b.args) == 2] if term is not None else []
    for one, two in combinations(sums, 2):
        if term is None or term[1][one] != term[1][two] or term[1][one].__class__ is not int:
            continue
        plus, minus = combined((_HALF, one), (_HALF, two)), combined((_HALF, one), (-_HALF, two))
        if plus.op is not ADD and minus.op is not ADD:
            n = term[1][one]
            difference = combined((1, plus**2), (-1, minus**2))
            inside: Powers = {one: -n, two: -n, difference: n}
            return as_term(times(term[1], inside), x, term[0])
    return None


# Roots of squares


def _root_of_square(x: Expr) -> Expr | None:
    """``sqrt(x**2 + 2*x + 1) -> |x + 1|``, ``sqrt(1/cos(u)**2 - 1) -> |sin(u)|/|cos(u)|``."""
    base, n = x.args[0], value_of(x.args[1])
    if not is_exact(n) or n.denominator == 1 or base.op is not ADD:
        return None
    found = whole_power(base)
    if found is None and any(b.op in CIRCLES for t in base.args for b in (split(t) or (1, {}))[1]):
        squares = (of_sum(base, squares=k) for k in (1, 2))
        found = next((t for t in squares if t is not None and _is_square(t)), None)
    return None if found is None else as_expr(raised(found, n), x)


def _is_square(term: Term) -> bool:
    return term[0] > 0 and all(n % 2 == 0 for n in term[1].values())


# Absolute values


def _sign(x: Expr) -> Expr | None:
    """``u/|u| -> sign(u)``"""
    factors = list(x.args)
    made = absolute_values(factors)
    return mul_all(made) if len(made) < len(factors) else None


def _absolutes_joined(x: Expr) -> Expr | None:
    """``|a|*|b| -> |a*b|``, ``|x*y|/|y| -> |x|``."""
    term = split(x)
    found = {b: n for b, n in term[1].items() if b.op is f.absolute} if term is not None else {}
    if term is None or len(found) < 2 or any(abs(n) != 1 for n in found.values()):
        return None
    rest: Powers = {b: n for b, n in term[1].items() if b not in found}
    inside = mul_all([b.args[0] if n > 0 else 1 / b.args[0] for b, n in found.items()])
    inner = split(inside)
    whole = inside if inner is None else as_term(inner[1], x, inner[0])
    return mul_all([as_term(rest, x, term[0]), f.absolute(whole)])


def _turned_alike(x: Expr) -> Expr | None:
    """``|x - y| - |y - x| -> |x - y| - |x - y|``: functions of a difference and of that turned round."""
    terms = plain_terms(x, MAX_TERMS) or []
    found = [
        b
        for _, powers in terms
        for b in powers
        if isinstance(b.op, Elementwise) and b.op.parity and b.args[0].op is ADD
    ]
    for one, two in combinations(dict.fromkeys(found), 2):
        if one.op is two.op and value_of(combined((1, one.args[0]), (1, two.args[0]))) == 0:
            sign = 1 if one.op.parity == "even" else -1  # type: ignore[attr-defined]
            return add_all([_with(t, two, one, sign, x) for t in terms])
    return None


def _with(term: Term, old: Expr, new: Expr, sign: int, like: Expr) -> Expr:
    """A term with one function of a difference written by another."""
    c, powers = term
    n = powers.get(old, 0)
    inside: Powers = {old: -n, new: n}
    return (
        as_term(times(powers, inside), like, c * (sign ** int(n)))
        if n
        else as_term(powers, like, c)
    )


SQUARE_RULES: Final = (
    Rule("x**2 + 2*x + 1 = (x + 1)**2", ROUNDING, ADD, _whole_power),
    Rule("x**2*y + x*y**2 = x*y*(x + y)", ROUNDING, ADD, _common_powers),
    Rule("sqrt(x**2 + 2*x + 1) = |x + 1|", ROUNDING, POW, _root_of_square),
    Rule("(x - 1)*(x + 1) = x**2 - 1", ROUNDING, MUL, _conjugates),
    Rule("u/|u| = sign(u)", DOMAIN, MUL, _sign, (f.absolute,)),
    Rule("|a|*|b| = |a*b|", DOMAIN, MUL, _absolutes_joined, (f.absolute,)),
    Rule("|x - y| = |y - x|", EXACT, ADD, _turned_alike),
)
