"""Rules that may make exponentials and logarithms shorter."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Final

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.ranges import is_positive
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    add_all,
    mul,
    mul_all,
    power,
    split_coefficient,
)
from symgrad.ops.stable import csch, sech
from symgrad.rewrite.powers import Exact, Powers, as_term, times
from symgrad.rewrite.ratios import (
    MAX_TERMS,
    Term,
    as_expr,
    cleared,
    multiplied,
    of_sum,
    over_common,
    split,
)
from symgrad.rewrite.rule import Guarantee, Rule

MAX_PARTS: Final = 3  # factors of the ratio of two exponentials
ROUNDING, DOMAIN = Guarantee.ROUNDING, Guarantee.DOMAIN


def _scaled(c: Fraction | int, x: Expr) -> Expr:
    return mul(number(c, x.shape), x)


# Products


def _joined(x: Expr) -> Expr | None:
    """``exp(u)*exp(v) -> exp(u + v)``."""
    term = split(x)
    if term is None:
        return None
    exponentials = {b: n for b, n in term[1].items() if b.op is f.exp}
    if len(exponentials) < 2:
        return None
    terms = [
        _scaled(n, t)
        for b, n in exponentials.items()
        for t in (b.args[0].args if b.args[0].op is ADD else b.args)
    ]
    rest: Powers = {b: n for b, n in term[1].items() if b not in exponentials}
    return mul_all([as_term(rest, x, term[0]), f.exp(add_all(terms))])


def _half_argument(x: Expr) -> Expr | None:
    """``exp(u)/(exp(u) + 1)**2 -> 1/(4*cosh(u/2)**2)``, ``exp(u)/(exp(2*u) - 1) -> 1/(2*sinh(u))``."""
    term = split(x)
    if term is None:
        return None
    c, powers = term
    for total, n in powers.items():
        found = _one_and_exponential(total)
        if found is None or n.__class__ is not int or n > 0:
            continue
        one, a, (base, k) = found  # one + a*exp(k*v)
        above = _exponential_of(powers, base, -k * n / Fraction(2))
        if above is None:
            continue
        u = _scaled(abs(Fraction(k)) / 2, base.args[0])
        function, sign = (f.cosh(u), a) if one == a else (f.sinh(u), a if k > 0 else -a)
        inside: Powers = {total: -n, above: -powers[above], function: n}
        return as_term(_integral(times(powers, inside)), x, c * Fraction(2 * sign) ** n)
    return None


def _without_decay(x: Expr) -> Expr | None:
    """``exp(-u)/expm1(-u) -> -1/expm1(u)``, to any power."""
    term = split(x)
    if term is None:
        return None
    for base, n in term[1].items():
        above = _exponential_of(term[1], f.exp(base.args[0]), -n) if base.op is f.expm1 else None
        if above is not None and n.__class__ is int and n < 0:
            turned = f.expm1(_scaled(-1, base.args[0]))
            inside: Powers = {base: -n, above: -term[1][above], turned: n}
            return as_term(times(term[1], inside), x, term[0] * (-1 if n % 2 else 1))
    return None


def _exponential_of(powers: Powers, base: Expr, n: Fraction | int) -> Expr | None:
    """The base among powers whose power is ``base**n``: ``exp(u)`` for ``exp(2*u)**(1/2)``."""
    scale, argument = split_coefficient(base.args[0])
    for b, m in powers.items():
        a, rest = split_coefficient(b.args[0]) if b.op is f.exp else (0, None)
        if rest is argument is not None and is_exact(a) and is_exact(scale) and a * m == scale * n:
            return b
    return None


def _integral(powers: Powers) -> Powers:
    return {b: n.numerator if n.denominator == 1 else n for b, n in powers.items()}


def _one_and_exponential(total: Expr) -> tuple[int, int, tuple[Expr, Fraction | int]] | None:
    """``(one, a, (exp(v), k))`` of a sum ``one + a*exp(k*v)``, in which `one` and `a` are 1 or -1."""
    if total.op is not ADD or len(total.args) != 2:
        return None
    terms = [split(arg) for arg in total.args]
    if terms[0] is None or terms[1] is None:
        return None
    terms.sort(key=lambda t: len(t[1]))  # type: ignore[index]
    (one, nothing), (c, powers) = terms  # type: ignore[misc]
    if nothing or abs(one) != 1 or abs(c) != 1 or len(powers) != 1:
        return None
    ((base, k),) = powers.items()
    return (int(one), int(c), (base, k)) if base.op is f.exp else None


# Sums


def _hyperbolic(x: Expr) -> Expr | None:
    """``exp(u) + exp(-u) -> 2*cosh(u)``, ``exp(u) - exp(-u) -> 2*sinh(u)``, times a common factor."""
    if len(x.args) != 2:
        return None
    first, second = [split(arg) for arg in x.args]
    if first is None or second is None or abs(first[0]) != abs(second[0]):
        return None
    for base, n in first[1].items():
        m = second[1].get(base, 0)
        rest = {b: k for b, k in first[1].items() if b is not base}
        if (
            base.op is f.exp
            and m == -n
            and rest == {b: k for b, k in second[1].items() if b is not base}
        ):
            u = _scaled(n, base.args[0])
            function = f.cosh(u) if first[0] == second[0] else f.sinh(u)
            return as_term(times(rest, {function: 1}), x, 2 * first[0])
    return None


def _by_one_exponential(x: Expr) -> Expr | None:
    """``a*exp(u) + b*exp(v) -> (a + b*r)*exp(u)`` where ``r = exp(v - u)`` is short.

    In Black and Scholes' formula ``S*exp(-d1**2/2)`` is ``K*exp(-r*T)*exp(-d2**2/2)`` by it.
    """
    if len(x.args) > MAX_TERMS:
        return None
    terms = [split(arg) for arg in x.args]
    if any(t is None for t in terms):
        return None
    exponents = [_exponent(t, x) for t in terms]  # type: ignore[arg-type]
    for i, j in combinations(range(len(terms)), 2):
        if exponents[i] is None or exponents[j] is None or exponents[i] is exponents[j]:
            continue
        ratio = _ratio(exponents[j], exponents[i])  # type: ignore[arg-type]
        if ratio is None:
            continue
        common: Term = (1, {f.exp(exponents[i]): 1})
        stem = multiplied(_without_exponentials(terms[i]), common)
        other = multiplied(_without_exponentials(terms[j]), multiplied(ratio, common))
        both = over_common([cleared(t) for t in (stem, other) if t is not None], x)
        joined = as_expr(both, x)
        if joined is None:
            continue
        return add_all([*[t for k, t in enumerate(x.args) if k not in (i, j)], joined])
    return None


def _exponent(term: Term, like: Expr) -> Expr | None:
    """u of the product ``exp(u)`` of all exponentials of a term, written as a sum."""
    parts = [
        _scaled(n, t)
        for b, n in term[1].items()
        if b.op is f.exp
        for t in (b.args[0].args if b.args[0].op is ADD else b.args)
    ]
    return add_all(parts) if parts else None


def _without_exponentials(term: Term | None) -> Term | None:
    return (
        None if term is None else (term[0], {b: n for b, n in term[1].items() if b.op is not f.exp})
    )


def _ratio(u: Expr, v: Expr) -> Term | None:
    """``exp(u - v)`` as a product of powers and few exponentials, where u - v cancels to that."""
    terms = [
        *(u.args if u.op is ADD else (u,)),
        *[_scaled(-1, t) for t in (v.args if v.op is ADD else (v,))],
    ]
    difference = add_all(terms)
    found = of_sum(difference) if difference.op is ADD else None
    if found is None or found[0] == 0:
        return None
    total = next((b for b, n in found[1].items() if b.op is ADD and n == 1), None)
    rest: Term = (found[0], {b: n for b, n in found[1].items() if b is not total})
    parts = [multiplied(rest, split(t)) for t in total.args] if total is not None else [rest]
    result: Term | None = (1, {})
    for part in parts[: MAX_PARTS + 1]:
        result = multiplied(result, _exponential(part, u))
    return result if len(parts) <= MAX_PARTS else None


def _exponential(exponent: Term | None, like: Expr) -> Term | None:
    """``exp(c*log(u))`` as ``u**c``; of another exponent if that is a monomial."""
    if exponent is None or any(b.op is ADD for b in exponent[1]):
        return None
    c, powers = exponent
    (base,) = powers if len(powers) == 1 else (None,)
    if base is not None and base.op is f.log and powers[base] == 1 and c.__class__ is int:
        return split(power(base.args[0], number(c)))
    return 1, {f.exp(as_term(powers, like, c)): 1}


def _tangent_sum(x: Expr) -> Expr | None:
    """``1 - 2/(exp(u) + 1) -> tanh(u/2)``, ``1 + 2/(exp(u) - 1) -> 1/tanh(u/2)``, times a factor."""
    if len(x.args) != 2:
        return None
    terms = [split(arg) for arg in x.args]
    for plain, quotient in (terms, terms[::-1]):
        found = None if plain is None else _over_one_and_exponential(quotient)
        if plain is None or found is None:
            continue
        one, u, (c, powers) = found
        if powers == plain[1] and c == -2 * one * plain[0]:
            return as_term(times(powers, {f.tanh(u): one}), x, plain[0])
    return None


def _over_one_and_exponential(term: Term | None) -> tuple[int, Expr, Term] | None:
    """``(1, u, t)`` of ``t/(exp(2*u) + 1)``, ``(-1, u, t)`` of ``t/(exp(2*u) - 1)``."""
    for total, n in term[1].items() if term is not None else ():
        found = _one_and_exponential(total) if n == -1 else None
        if term is not None and found is not None and found[1] == 1:
            one, _, (base, k) = found
            rest: Powers = {b: m for b, m in term[1].items() if b is not total}
            return one, _scaled(Fraction(k) / 2, base.args[0]), (term[0], rest)
    return None


def _tangent(x: Expr) -> Expr | None:
    """``(exp(u) - 1)/(exp(u) + 1) -> tanh(u/2)``, to any integer power."""
    term = split(x)
    sums: dict[tuple[Expr, Exact], dict[int, tuple[Expr, int]]] = {}
    for total, n in term[1].items() if term is not None else ():
        found = _one_and_exponential(total)
        if found is not None and n.__class__ is int:
            one, a, exponential = found
            sums.setdefault(exponential, {})[one * a] = (total, a)
    for (base, k), kinds in sums.items():
        if term is None or len(kinds) < 2:
            continue
        (minus, sign), (plus, other) = kinds[-1], kinds[1]
        n = term[1][minus]
        if term[1][plus] == -n:
            u = _scaled(Fraction(k) / 2, base.args[0])
            inside: Powers = {minus: -n, plus: n, f.tanh(u): n}
            return as_term(times(term[1], inside), x, term[0] * (sign * other) ** int(n))
    return None


# Logarithms


def _logarithms_joined(x: Expr) -> Expr | None:
    """``log(a) - log(b) -> log(a/b)`` for positive a and b."""
    found: list[tuple[int, Expr, Expr]] = []
    for t in x.args:
        c, rest = split_coefficient(t)
        if rest is not None and rest.op is f.log and c in (1, -1) and is_positive(rest.args[0]):
            found.append((int(c), rest.args[0], t))
    if len(found) < 2 or len(x.args) > MAX_TERMS:
        return None
    inside = mul_all([power(u, number(c, u.shape)) for c, u, _ in found])
    rest_terms = [t for t in x.args if not any(t is y for _, _, y in found)]
    return add_all([*rest_terms, f.log(inside)])


def _logarithms_in_exponent(y: Expr) -> Expr | None:
    """``exp(2*log(u) + v) -> u**2*exp(v)``"""
    terms = [split_coefficient(t) for t in (y.args[0].args if y.args[0].op is ADD else y.args)]
    logs = [(c, rest) for c, rest in terms if rest is not None and rest.op is f.log]
    if not logs or len(terms) > MAX_TERMS:
        return None
    left = [(c, rest) for c, rest in terms if rest is None or rest.op is not f.log]
    powers = [power(rest.args[0], number(c, y.shape)) for c, rest in logs]
    exponent = [number(c, y.shape) if t is None else mul(number(c, y.shape), t) for c, t in left]
    return mul_all([*powers, f.exp(add_all(exponent))] if left else powers)


def _exponential_in_logarithm(y: Expr) -> Expr | None:
    """``log(u*exp(v)) -> log(u) + v``"""
    term = split(y.args[0])
    if term is None:
        return None
    exponents = [_scaled(n, b.args[0]) for b, n in term[1].items() if b.op is f.exp]
    rest = {b: n for b, n in term[1].items() if b.op is not f.exp}
    if not exponents:
        return None
    return add_all([f.log(as_term(rest, y, term[0])), *exponents])


BY_ONE_EXPONENTIAL: Final = Rule(
    "a*exp(u) + b*exp(v) = (a + b*exp(v - u))*exp(u)", DOMAIN, ADD, _by_one_exponential
)
EXPONENTIAL_RULES: Final = (
    Rule("exp(u)*exp(v) = exp(u + v)", ROUNDING, MUL, _joined),
    Rule("exp(-u)/expm1(-u) = -1/expm1(u)", ROUNDING, MUL, _without_decay),
    Rule("(exp(u) - 1)/(exp(u) + 1) = tanh(u/2)", ROUNDING, MUL, _tangent),
    Rule("exp(u) + exp(-u) = 2*cosh(u)", ROUNDING, ADD, _hyperbolic),
    Rule("1 - 2/(exp(u) + 1) = tanh(u/2)", ROUNDING, ADD, _tangent_sum),
    BY_ONE_EXPONENTIAL,
    Rule("log(a) - log(b) = log(a/b), a and b > 0", ROUNDING, ADD, _logarithms_joined),
    Rule("exp(2*log(u) + v) = u**2*exp(v)", DOMAIN, f.exp, _logarithms_in_exponent),
    Rule("log(u*exp(v)) = log(u) + v", ROUNDING, f.log, _exponential_in_logarithm),
)

# The same formula in other functions, everywhere in it at once

LOGISTIC: Final = (
    Rule("expit(u) = 1/(1 + exp(-u))", ROUNDING, f.expit, lambda y: 1 / (1 + f.exp(-y.args[0]))),
)
HYPERBOLIC: Final = (
    Rule(
        "cosh(u) by exponentials",
        ROUNDING,
        f.cosh,
        lambda y: (f.exp(y.args[0]) + f.exp(-y.args[0])) / 2,
    ),
    Rule(
        "sinh(u) by exponentials",
        ROUNDING,
        f.sinh,
        lambda y: (f.exp(y.args[0]) - f.exp(-y.args[0])) / 2,
    ),
)
HALF_ARGUMENTS: Final = (
    Rule("exp(u)/(exp(u) + 1)**2 = 1/(4*cosh(u/2)**2)", ROUNDING, MUL, _half_argument),
)
RECIPROCALS: Final = (
    Rule("sech(u) = 1/cosh(u)", ROUNDING, sech, lambda y: 1 / f.cosh(y.args[0])),
    Rule("csch(u) = 1/sinh(u)", ROUNDING, csch, lambda y: 1 / f.sinh(y.args[0])),
)
EXPONENTIAL_FACES: Final = (RECIPROCALS, HALF_ARGUMENTS, LOGISTIC, HYPERBOLIC)
