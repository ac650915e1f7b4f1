"""Short sums as a person writes them: written out where terms cancel, factored where they share.

Everything here looks at sums of at most `MAX_TERMS` terms, so its cost per node is bounded. A sum is a
map from term (without its number) to coefficient, and a number. All rewrites are of the guarantee
"rounding"; where a denominator is cancelled the result may be defined at more points ("domain").
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from itertools import product
from typing import Any, Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact, plus
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, factors_of, is_simple, split_coefficient
from symgrad.rewrite.powers import Exact, Powers, as_term, powers_of, times
from symgrad.rewrite.sums import Coefficients, as_sum, content_of, is_zero, squares_of_circle

MAX_TERMS: Final = 8  # of a sum that is factored, and of one that is written out inside another
EXPONENTIALS: Final = (f.exp, f.exp2, f.expm1, f.cosh, f.sinh)
MAX_MONOMIALS: Final = 24  # that one term is written out to

Monomials = list[tuple[Any, Expr | None]]  # a number times a term; None is the term 1


# Writing out


def expand(
    coefficients: Coefficients, constant: Any, like: Expr
) -> tuple[Coefficients, Any] | None:
    """``x + 2*(x + y) -> 3*x + 2*y``: products with a sum are written out where that is shorter.

    A product is a candidate if one of its monomials occurs elsewhere; the candidates are written out
    if that leaves fewer factors and no more terms: ``2*(x - a) + 2*(x - b)`` keeps its differences,
    which may be small. None if there is nothing to write out.
    """
    written = {}
    for term, c in coefficients.items():
        if is_exact(c) and _has_sum(term):
            monomials = _monomials(term, c, like, 1)
            if monomials is not None:
                written[term] = monomials
    if not written:
        return None
    found = Counter(rest for m in written.values() for rest in {r for _, r in m})
    found.update(term for term in coefficients if term not in written)
    if not is_zero(constant):
        found[None] += 1
    chosen = {t: m for t, m in written.items() if any(found[rest] > 1 for _, rest in m)}
    trial = {term: c for term, c in coefficients.items() if term not in chosen}
    total = constant
    for monomials in chosen.values():
        total = _add_to(trial, total, monomials)
    total = squares_of_circle(trial, total)
    longer = _length(trial, total) > _length(coefficients, constant)
    if not chosen or (longer and not _round_anyway(chosen)):
        return None
    return (trial, total) if _atoms(trial, total) < _atoms(coefficients, constant) else None


def _round_anyway(terms: Iterable[Expr]) -> bool:
    """Whether terms are powers of one symbol times one polynomial in it, each of which rounds as it is.

    Then no digits are lost when they are written out; a difference ``x - a`` may be exact.
    """
    symbols: set[Expr] = set()
    for term in terms:
        factors = factors_of(term)
        sums = [x for x in factors if x.op is ADD]
        monomials = [*[x for x in factors if x.op is not ADD], *sums[0].args]
        if len(sums) > 1 or not all(map(_is_plain, monomials)):
            return False
        if all(_degree(x) < 2 for x in sums[0].args):
            return False
        for x in monomials:
            rest = split_coefficient(x)[1]
            symbols.update(() if rest is None else powers_of(rest))
    return len(symbols) == 1


def _degree(term: Expr) -> Any:
    """How many factors a monomial has, powers counted."""
    rest = split_coefficient(term)[1]
    return 0 if rest is None else sum(abs(n) for n in powers_of(rest).values())


def _length(coefficients: Coefficients, constant: Any) -> int:
    return len(coefficients) + (not is_zero(constant))


def _has_sum(term: Expr) -> bool:
    if term.op is MUL:
        return any(x.op is ADD for x in term.args)
    return term.op is ADD


def _add_to(coefficients: Coefficients, constant: Any, monomials: Monomials) -> Any:
    for c, rest in monomials:
        if rest is None:
            constant = plus(constant, c)
        else:
            total = coefficients.get(rest, 0) + c
            if is_zero(total):
                coefficients.pop(rest, None)
            else:
                coefficients[rest] = total
    return constant


def _monomials(term: Expr | None, c: Any, like: Expr, highest: int) -> Monomials | None:
    """The monomials of ``c*term``, its short sums (to powers up to `highest`) written out.

    None if there are too many, or a coefficient is not exact.
    """
    outside: Powers = {}
    sums: list[Expr] = []
    for base, n in powers_of(term).items() if term is not None else ():
        if base.op is ADD and n in range(1, highest + 1) and len(base.args) <= MAX_TERMS:
            sums.extend([base] * int(n))
        else:
            outside[base] = n
    if math.prod([len(s.args) for s in sums]) > MAX_MONOMIALS:
        return None
    result: Monomials = []
    for choice in product(*[[split_coefficient(t) for t in s.args] for s in sums]):
        k, powers = c, outside
        for d, rest in choice:
            if not is_exact(d):
                return None
            k = k * d
            if rest is not None:
                powers = times(powers, powers_of(rest))
        result.append((k, as_term(powers, like) if powers else None))
    return result


def _atoms(coefficients: Coefficients, constant: Any) -> int:
    """The number of factors that a reader of the sum sees."""
    count = 0 if is_zero(constant) else 1
    for term in coefficients:
        for x in _factors(term):
            base = x.args[0] if x.op is POW else x
            terms = base.args if base.op is ADD else (base,)
            count += sum(
                len(_factors(t)) - (value_of(_factors(t)[0]) is not None) or 1 for t in terms
            )
    return count


def _factors(term: Expr) -> tuple[Expr, ...]:
    return factors_of(term)


# Factoring

Terms = list[tuple[Any, Powers]]


def factored(coefficients: Coefficients, constant: Any, like: Expr) -> Expr | None:
    """``h*a + h*b -> h*(a + b)``, and ``a/q + b/q**2 -> (a*q + b)/q**2`` where that is shorter.

    A factor h is more than a power of a symbol: sums of monomials stay as they are. None if nothing
    is to be factored.
    """
    count = _length(coefficients, constant)
    if not 1 < count <= MAX_TERMS or all(_is_monomial(term) for term in coefficients):
        return None
    terms: Terms = [(c, powers_of(term)) for term, c in coefficients.items()]
    if not is_zero(constant):
        terms.append((constant, {}))
    common = _common(terms)
    over = {base for base, n in common.items() if n < 0 and not is_simple(base)}
    over = {base for base in over if _varies(base, terms) and not _has_power_of(base, common)}
    if over:
        joined = _over_denominator(terms, common, over, like)
        if joined is not None:
            return joined
        common = {base: n for base, n in common.items() if base not in over}
    if common:
        inner, rest = _divided(terms, common, like)
        rest = squares_of_circle(inner, rest)
        return _assemble(*(expand(inner, rest, like) or (inner, rest)), common, like)
    return _cancelled_denominator(terms, like) if len(terms) <= MAX_TERMS // 2 else None


def _is_monomial(term: Expr) -> bool:
    return all(map(is_simple, factors_of(term)))


def _common(terms: Terms) -> Powers:
    """What all terms have: functions and sums, denominators, and what stands below ``x**n``."""
    common: Powers = {}
    for base in terms[0][1]:
        exponents = [powers.get(base, 0) for _, powers in terms]
        if 0 not in exponents and _may_split(base, exponents):
            common[base] = min(exponents)
    for base in [b for b in common if b.op is POW]:
        # x**(n - 1)*(a + b*x) is defined at 0 where x**n*(a/x + b) is not; with log(x) neither is
        x = base.args[0]
        exponents = [powers.get(x, 0) for _, powers in terms]
        n = (max if any(f.log(x) in powers for _, powers in terms) else min)(exponents)
        if n and _integral(exponents):
            common[x] = n
    return common


def _may_split(base: Expr, exponents: list[Exact]) -> bool:
    if base.op is f.exp:
        return len(set(exponents)) == 1
    if is_simple(base):
        return max(exponents) < 0
    return _integral(exponents)


def _has_power_of(base: Expr, common: Powers) -> bool:
    return any(b.op is POW and b.args[0] is base for b in common)


def _integral(exponents: list[Exact]) -> bool:
    """Whether exponents differ by integers."""
    return all((n - exponents[0]) % 1 == 0 for n in exponents)


def _varies(base: Expr, terms: Terms) -> bool:
    return len({powers.get(base, 0) for _, powers in terms}) > 1


def _divided(terms: Terms, common: Powers, like: Expr) -> tuple[Coefficients, Any]:
    """The terms without their common factor."""
    inverse = {base: -n for base, n in common.items()}
    inner: Coefficients = {}
    constant: Any = 0
    for c, powers in terms:
        left = times(powers, inverse)
        constant = _add_to(inner, constant, [(c, as_term(left, like) if left else None)])
    return inner, constant


def _over_denominator(terms: Terms, common: Powers, over: set[Expr], like: Expr) -> Expr | None:
    """The terms over one denominator, if the numerator is short."""
    numerator = _numerator(terms, common, like)
    if numerator is None:
        return None
    inner, constant = numerator
    count = _length(inner, constant)
    if count > 1 and not _is_multiple_of(inner, constant, over, like):
        polynomial = all(base.op is not ADD or all(map(_is_plain, base.args)) for base in over)
        if count > len(terms) - (not polynomial) or any(map(_has_exponential, over)):
            return None
    return _assemble(inner, constant, common, like)


def _numerator(terms: Terms, common: Powers, like: Expr) -> tuple[Coefficients, Any] | None:
    """The terms divided by `common` and written out."""
    inner: Coefficients = {}
    constant: Any = 0
    quotients, rest = _divided(terms, common, like)
    for term, c in quotients.items():
        monomials = _monomials(term, c, like, 2)
        if monomials is None or not is_exact(c):
            return None
        constant = _add_to(inner, constant, monomials)
    return inner, squares_of_circle(inner, constant + rest)


def _is_plain(term: Expr) -> bool:
    rest = split_coefficient(term)[1]
    return rest is None or _is_monomial(rest)


def _has_exponential(base: Expr) -> bool:
    """Whether a base grows like an exponential: a numerator with more of them would overflow."""
    terms = base.args if base.op is ADD else (base,)
    return any(x.op in EXPONENTIALS for term in terms for x in _factors(term))


def _is_multiple_of(inner: Coefficients, constant: Any, bases: set[Expr], like: Expr) -> bool:
    total = as_sum(inner, constant, like)
    return total.op is ADD and content_of(total)[1] in bases


def _cancelled_denominator(terms: Terms, like: Expr) -> Expr | None:
    """``1 - x/(x + 1) -> 1/(x + 1)``: one denominator for all if the numerator is one term."""
    for base in dict.fromkeys(b for _, powers in terms for b in powers):
        exponents = [powers.get(base, 0) for _, powers in terms]
        if min(exponents) >= 0 or is_simple(base) or base.op is f.exp or not _integral(exponents):
            continue
        common = {base: min(exponents)}
        numerator = _numerator(terms, common, like)
        if numerator is not None and _length(*numerator) <= 1:
            return _assemble(*numerator, common, like)
    return None


def _assemble(inner: Coefficients, constant: Any, common: Powers, like: Expr) -> Expr:
    """``common * (inner + constant)``, with numbers and powers of symbols moved to the front."""
    outside = common
    if inner and is_zero(constant):
        terms = [(c, powers_of(term)) for term, c in inner.items()]
        shared = _shared_monomial([powers for _, powers in terms])
        outside = times(common, shared)
        inner, constant = _divided(terms, shared, like)
    content, primitive = _content_and_powers(as_sum(inner, constant, like))
    return (
        as_term(times(outside, primitive), like, content) if content != 0 else number(0, like.shape)
    )


def _content_and_powers(x: Expr) -> tuple[Any, Powers]:
    """A sum, or a term, as a number times powers."""
    if x.op is ADD:
        content, primitive = content_of(x)
        return content, {primitive: 1}
    content, rest = split_coefficient(x)
    return content, {} if rest is None else powers_of(rest)


def _shared_monomial(terms: list[Powers]) -> Powers:
    """The powers of symbols that all terms have."""
    shared: Powers = {}
    for base in terms[0]:
        exponents = [powers.get(base, 0) for powers in terms]
        if is_simple(base) and 0 not in exponents and _integral(exponents):
            shared[base] = min(exponents)
    return shared


def over_one_denominator(x: Expr) -> tuple[Powers, Any, Expr] | None:
    """``(d, c, n)`` with the sum ``x = d*c*n``, where ``a/q + b`` is ``(a + b*q)/q``; n is a sum."""
    if len(x.args) > MAX_TERMS:
        return None
    terms: Terms = []
    for term in x.args:
        c, rest = split_coefficient(term)
        terms.append((c, {} if rest is None else powers_of(rest)))
    below = [b for _, powers in terms for b, n in powers.items() if n < 0 and not is_simple(b)]
    common = {b: min(powers.get(b, 0) for _, powers in terms) for b in below}
    if not common:
        return None
    inner, constant = _divided(terms, common, like=x)
    total = as_sum(inner, constant, x)
    return (common, *content_of(total)) if total.op is ADD else None
