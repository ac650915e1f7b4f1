"""Rules on the gamma function and its family, by ``gamma(u + 1) = u*gamma(u)``."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations
from typing import Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.ranges import is_nonnegative
from symgrad.ops import gamma_family as g
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, add_all, mul_all
from symgrad.rewrite.powers import Powers, as_term, times
from symgrad.rewrite.ratios import plain_terms, split
from symgrad.rewrite.rule import Guarantee, Rule
from symgrad.rewrite.sums import combined

DOMAIN: Final = Guarantee.DOMAIN
MAX_STEPS: Final = 4  # from one argument to the other


def _steps(u: Expr, v: Expr) -> int:
    """The whole number ``u - v``, where it is from 1 to `MAX_STEPS`, else 0."""
    k = value_of(combined((1, u), (-1, v)))
    return k if k.__class__ is int and 0 < k <= MAX_STEPS else 0


def _rising(v: Expr, k: int) -> list[Expr]:
    """``v, v + 1, ..., v + k - 1``"""
    return [v, *[combined((1, v), (i, number(1))) for i in range(1, k)]]


def _quotient(x: Expr) -> Expr | None:
    """``gamma(u + 2)/gamma(u) -> u*(u + 1)``, to any whole power."""
    term = split(x)
    found = [b for b in term[1] if b.op is g.gamma] if term is not None else []
    for one, two in permutations(found, 2):
        if term is None or term[1][one].__class__ is not int or term[1][two] != -term[1][one]:
            continue
        k, n = _steps(one.args[0], two.args[0]), term[1][one]
        if k:
            rest = as_term(times(term[1], {one: -n, two: n}), x, term[0])
            return mul_all([rest, *[y ** int(n) for y in _rising(two.args[0], k)]])
    return None


def _beta_opened(x: Expr) -> Expr | None:
    """``beta(a, b)*gamma(a + b) -> gamma(a)*gamma(b)``, to any whole power."""
    term = split(x)
    for base, n in term[1].items() if term is not None else ():
        if term is None or base.op is not g.beta:
            continue
        a, b = base.args
        whole = g.gamma(combined((1, a), (1, b)))
        if term[1].get(whole, 0) * n > 0:
            inside: Powers = {base: -n, whole: -n}
            return as_term(
                times(times(term[1], inside), times({g.gamma(a): n}, {g.gamma(b): n})), x, term[0]
            )
    return None


def _difference(x: Expr) -> Expr | None:
    """``gammaln(u + 1) - gammaln(u) -> log(u)``, ``digamma(u + 1) - digamma(u) -> 1/u``, times a factor.

    The logarithm is that of an absolute value, as SciPy's is.
    """
    terms = plain_terms(x) or []
    for i, j in permutations(range(len(terms)), 2):
        (c, powers), (d, other) = terms[i], terms[j]
        for one, n in powers.items():
            if one.op not in STEPS or n != 1 or c != -d:
                continue
            rest: Powers = {b: m for b, m in powers.items() if b is not one}
            two = next((b for b in other if b.op is one.op and times(rest, {b: 1}) == other), None)
            k = 0 if two is None else _steps(one.args[0], two.args[0])
            if two is None or not k:
                continue
            made = mul_all([as_term(rest, x, c), STEPS[one.op](_rising(two.args[0], k))])
            return add_all([made, *[arg for m, arg in enumerate(x.args) if m not in (i, j)]])
    return None


def _lowered(x: Expr) -> Expr | None:
    """``digamma(u + 1) - 1/u -> digamma(u)``, times a factor."""
    terms = plain_terms(x) or []
    for i, j in permutations(range(len(terms)), 2):
        (c, powers), (d, other) = terms[i], terms[j]
        for one, n in powers.items():
            if one.op is not g.digamma or n != 1:
                continue
            u = combined((1, one.args[0]), (-1, number(1)))
            below = split(1 / u)
            rest: Powers = {b: m for b, m in powers.items() if b is not one}
            if (
                below is not None
                and d == -c * Fraction(below[0])
                and other == times(rest, below[1])
            ):
                made = as_term(times(rest, {g.digamma(u): 1}), x, c)
                return add_all([made, *[arg for m, arg in enumerate(x.args) if m not in (i, j)]])
    return None


def _logarithm(factors: Sequence[Expr]) -> Expr:
    inside = mul_all(factors)
    return f.log(inside if is_nonnegative(inside) else f.absolute(inside))


def _reciprocals(factors: Sequence[Expr]) -> Expr:
    return add_all([1 / y for y in factors])


STEPS: Final = {g.gammaln: _logarithm, g.digamma: _reciprocals}
GAMMA_RULES: Final = (
    Rule("gamma(u + 1)/gamma(u) = u", DOMAIN, MUL, _quotient, (g.gamma,)),
    Rule("beta(a, b)*gamma(a + b) = gamma(a)*gamma(b)", DOMAIN, MUL, _beta_opened, (g.beta,)),
    Rule("digamma(u + 1) - digamma(u) = 1/u", DOMAIN, ADD, _difference, (g.gammaln, g.digamma)),
    Rule("digamma(u + 1) - 1/u = digamma(u)", DOMAIN, ADD, _lowered, (g.digamma,)),
)
