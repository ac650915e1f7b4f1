"""Sums of exponentials that are infinite far out: ``exp(2*x) - exp(x)``, ``(x*cosh(x) - sinh(x))/x**2``.

There ``inf - inf`` is no number, though the largest term decides; and in a quotient by powers of x they are
infinite too early. By powers of one exponential, the lowest first, nothing cancels::

    c*exp(m*w) + d*exp(n*w) = exp(m*w)*(c + d*exp((n - m)*w)),  n > m

Beyond ``|w| = 40`` sinh and cosh are halves of exponentials, and ``expm1(w) = exp(w)``, to the last digit.
Such sums are chosen there, their other factors multiplied into the terms; sums of exponentials alone with
numbers are written so everywhere, with ``exp(u) - 1 = expm1(u)``.

Reference: Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 5 (Horner's method).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.ranges import is_nonnegative, range_of
from symgrad.expr.rewriting import Images, rewritten
from symgrad.expr.traverse import as_roots, ops_of
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add_all,
    factors_of,
    mul,
    mul_all,
    split_coefficient,
)
from symgrad.ops.guard import choose
from symgrad.ops.scaled import quotient
from symgrad.rewrite import cancellation
from symgrad.rewrite.collect import collect_product
from symgrad.rewrite.rule import Guarantee, Rule

HYPERBOLIC: Final = (f.sinh, f.cosh)
GROWING: Final = (f.exp, f.expm1, *HYPERBOLIC)
MAX_TERMS: Final = 12
MAX_FACTORS: Final = 8
MAX_SEEN: Final = 64  # nodes of a factor among which the quantity is looked for
FAR: Final = 40  # where exp(-FAR) is less than the rounding of 1


class Term(NamedTuple):
    """``rest * product of g(m*w)**n`` over the functions g that grow."""

    rest: list[Expr]
    growing: list[tuple[Any, Any, int]]  # g, m and n


def without_explosions(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with sums of functions that grow by powers of one exponential, far out."""
    roots = as_roots(roots)
    if ops_of(roots).isdisjoint(GROWING):
        return roots
    return rewritten(roots, {}, steps={ADD: _chosen, MUL: _chosen})


def _exponents(x: Expr) -> tuple[Expr, Any] | None:
    """w and m of a function of ``m*w`` that grows."""
    if x.op not in GROWING:
        return None
    m, w = split_coefficient(x.args[0])
    return None if w is None or not is_exact(m) or m == 0 else (w, m)


def _term(factors: Sequence[Expr], w: Expr) -> Term:
    """A product by its functions of multiples of w."""
    rest: list[Expr] = []
    growing = []
    for x in factors:
        base, n = (x.args[0], value_of(x.args[1])) if x.op is POW else (x, 1)
        found = _exponents(base)
        if found is not None and found[0] is w and n.__class__ is int and n > 0:
            growing.append((base.op, found[1], n))
        else:
            rest.append(x)
    return Term(rest, growing)


def _quantities(terms: Iterable[Sequence[Expr]]) -> list[Expr]:
    """What functions that grow are functions of, where more than one term, by its factors, has them."""
    found: dict[Expr, int] = {}
    for factors in terms:
        here = {}
        for x in factors:
            exponents = _exponents(x.args[0] if x.op is POW else x)
            if exponents is not None:
                here[exponents[0]] = 1
        for w in here:
            found[w] = found.get(w, 0) + 1
    return [w for w, count in found.items() if count > 1]


# Sums of exponentials with numbers, everywhere


def sum_of_exponentials(y: Expr) -> Expr | None:
    """``c*exp(m*w) + d*exp(n*w)`` by powers, for numbers c and d of different signs."""
    if not 2 <= len(y.args) <= MAX_TERMS:
        return None
    for w in _quantities(map(factors_of, y.args)):
        for sign in (1, -1):
            powers: dict[Any, Any] = {}
            others = []
            for t in y.args:
                m, c = _single(t, w)
                if m * sign > 0:
                    powers[m * sign] = powers.get(m * sign, 0) + c
                else:
                    others.append(t)
            if len(powers) > 1 and min(powers.values()) < 0 < max(powers.values()):
                rests = {m: number(c, y.shape) for m, c in powers.items()}
                return add_all([_by_powers(rests, mul(number(sign, w.shape), w)), *others])
    return None


def _single(term: Expr, w: Expr) -> tuple[Any, Any]:
    """m and c of ``c*exp(m*w)``; 0 and 0 of any other term."""
    c, rest = split_coefficient(term)
    if rest is None or isinstance(c, bool) or rest.op is not f.exp:
        return 0, 0
    found = _exponents(rest)
    return (found[1], c) if found is not None and found[0] is w else (0, 0)


def _by_powers(rests: dict[Any, Expr], w: Expr, large: bool = False) -> Expr:
    """``sum(rest*exp(m*w))`` by Horner's method, the lowest power in front; a `large` one in two steps."""
    orders = sorted(rests, reverse=True)
    total = rests[orders[0]]
    for above, below in pairwise(orders):
        step = f.exp(mul(number(_tidy(above - below), w.shape), w))
        total = add_all([rests[below], mul(total, step)])
        shorter = cancellation.difference(total) if total.op is ADD else None
        total = total if shorter is None else shorter
    lowest = orders[-1]
    if large and lowest > 0:
        half = f.exp(mul(number(_tidy(-lowest / Fraction(2)), w.shape), w))
        return quotient(quotient(total, half), half)
    return total if lowest == 0 else mul(total, f.exp(mul(number(_tidy(lowest), w.shape), w)))


def _tidy(m: Any) -> Any:
    return m.numerator if m.__class__ is Fraction and m.denominator == 1 else m


# Sums with other factors, far out


def _chosen(y: Expr, image: Images) -> Expr | None:
    """A sum, or a product with one, chosen far out; None for any other."""
    sums = [x for x in y.args if x.op is ADD]
    inner = y if y.op is ADD else sums[0] if len(sums) == 1 else None
    spread = [] if inner is None else _spread(inner)
    products = spread if inner is y else _spread(y)
    met = [w for w in _quantities(spread) if _may_explode([_term(p, w) for p in products], w)]
    if not met:
        return None
    terms = [_multiplied(factors, y) for factors in products]
    for w in [w for w in _quantities(map(factors_of, terms)) if any(w is v for v in met)]:
        known = [_term(factors_of(t), w) for t in terms]
        if all(map(is_nonnegative, terms)) or not any(_varies(t, w) for t in known):
            continue
        made = y
        for sign in (-1, 1):
            toward = w if sign > 0 else -w
            if _grow(known, sign, w):
                edge = number(_edge(known), w.shape)
                made = choose(f.greater(toward, edge), _far(known, sign, toward, y), made)
        if made is not y:
            return made
    return None


def _may_explode(terms: Sequence[Term], w: Expr) -> bool:
    """Whether more than one term grows without bound, and there is more of w than exponentials."""
    grow = _grow(terms, 1, w) or _grow(terms, -1, w)
    return grow and any(_varies(t, w) for t in terms)


def _grow(terms: Sequence[Term], sign: int, w: Expr) -> bool:
    """Whether more than one term grows as ``sign*w`` does, which may be far out."""
    if sum(_grows(t, sign) for t in terms) < 2:
        return False
    reached = range_of(w)
    return bool((reached.high if sign > 0 else -reached.low) > _edge(terms))


def _edge(terms: Sequence[Term]) -> Fraction:
    """The size of w beyond which sums are chosen."""
    return FAR / Fraction(min(abs(m) for t in terms for _, m, _ in t.growing))


def _varies(t: Term, w: Expr) -> bool:
    """Whether a term has more of w than exponentials, which with numbers are by powers already."""
    return any(g is not f.exp for g, _, _ in t.growing) or _is_near_top(w, t.rest)


def _is_near_top(w: Expr, nodes: Sequence[Expr]) -> bool:
    """Whether w is among the first nodes of some formulas, level by level; the search is bounded."""
    seen, level = set(nodes), list(nodes)
    while level and len(seen) < MAX_SEEN and w not in seen:
        level = [x for node in level for x in node.args if x not in seen]
        seen.update(level)
    return w in seen


def _spread(y: Expr) -> list[list[Expr]]:
    """The factors of each term of a sum, or product with one, multiplied out; none where there are many."""
    found: list[list[Expr]] = []
    stack = [[y]]
    while stack:
        factors = [z for x in stack.pop() for z in factors_of(x)]
        sums = [z for z in factors if z.op is ADD]
        if len(sums) != 1 or len(factors) > MAX_FACTORS:
            found.append(factors)
        else:
            others = [z for z in factors if z is not sums[0]]
            stack += [[*others, t] for t in reversed(sums[0].args)]
        if len(stack) + len(found) > MAX_TERMS:
            return []
    return found


def _multiplied(factors: Sequence[Expr], like: Expr) -> Expr:
    """A product, powers of one base as one."""
    return collect_product([(x, True) for x in factors], like)


def _grows(t: Term, sign: int) -> bool:
    return any(g in HYPERBOLIC or m * sign > 0 for g, m, _ in t.growing)


def _far(terms: Sequence[Term], sign: int, toward: Expr, like: Expr) -> Expr:
    """The sum for large ``toward = sign*w``."""
    rests: dict[Any, list[Expr]] = {}
    for t in terms:
        order, scale = Fraction(0), Fraction(1)
        for g, m, n in t.growing:
            order += n * (
                abs(m) if g in HYPERBOLIC else m * sign if m * sign > 0 or g is f.exp else 0
            )
            scale *= _scale(g, m * sign) ** n
        rest = mul_all([number(_tidy(scale), like.shape), *t.rest])
        rests.setdefault(order, []).append(rest)
    return _by_powers({m: add_all(parts) for m, parts in rests.items()}, toward, True)


def _scale(g: Any, m: Any) -> Fraction:
    """What the function is beside its exponential."""
    if g is f.cosh:
        return Fraction(1, 2)
    if g is f.sinh:
        return Fraction(1, 2) if m > 0 else Fraction(-1, 2)
    return Fraction(-1) if g is f.expm1 and m < 0 else Fraction(1)


POWERS_OF_EXPONENTIAL: Final = Rule(
    "c*exp(m*w) + d*exp(n*w) = exp(m*w)*(c + d*exp((n - m)*w))",
    Guarantee.ROUNDING,
    ADD,
    sum_of_exponentials,
    (f.exp,),
)
