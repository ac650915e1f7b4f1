"""Products that take exponentials in: ``exp(z)*expit(-z) = expit(z)``, ``exp(u)*exp(-logsumexp(v))``.

A logistic function times an exponential is a logistic function, or an exponential that is smaller;
``expm1``, ``sinh`` and ``cosh`` take exponentials in as well. Sums are multiplied out where that absorbs
all of theirs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add_all,
    factors_of,
    mul,
    raw_product,
    split_coefficient,
)
from symgrad.ops.einsum import EINSUM, is_layout
from symgrad.ops.reduction import LOGSUMEXP
from symgrad.rewrite.bases import (
    MAX_FACTORS,
    MAX_OPENED,
    MAX_TERMS,
    RECIPROCAL_OF,
    base_and_exponent,
    gathered,
    linear_parts,
    multiple_of,
    product_of,
    raised,
    ratio,
)

# What may take in an exponential, best first
HOLDS: Final[tuple[Op, ...]] = (f.sinh, f.expm1, f.cosh, f.expit)
LOGARITHMS: Final = (LOGSUMEXP, f.logaddexp, f.softplus)


def absorb(y: Expr) -> Expr | None:
    """``exp(m*z)*expit(-z)**k = expit(z)**m * expit(-z)**(k - m)`` for 0 < m <= k, and its like.

    ``exp(m*u)*expm1(u)**-k = (-expm1(-u))**-m * expm1(u)**(m - k)``, ``expm1(u)*expit(-u) =
    tanh(u/2)``, ``sinh(u)*exp(u) = expm1(2*u)/2``, ``sinh(u)/cosh(u) = tanh(u)``, ``exp(u)/cosh(u) =
    2*expit(2*u)``. Linear in the number of factors.
    """
    if not _may_absorb(y):
        return None
    whole = [_exponential_of_power(x) for x in y.args]
    if any(a is not b for a, b in zip(whole, y.args, strict=True)):
        found = absorb(raw_product(tuple(whole)))
        if found is not None:
            return found
    exps = [x for x in y.args if x.op is f.exp]
    rest = gathered([x for x in y.args if x.op is not f.exp])
    if not exps:
        return _hyperbolic(rest)
    if 1 < len(exps) <= MAX_TERMS:
        w = add_all([e.args[0] for e in exps])
        if not any(linear_parts(w)):
            return product_of([number(1, y.shape), *rest])
        made = _taken_in([w], rest)
        if made is not None:
            return product_of(made)
    made = _taken_in([e.args[0] for e in exps], rest)
    return _hyperbolic([*exps, *rest]) if made is None else product_of(made)


def _may_absorb(y: Expr) -> bool:
    """Whether a product has two exponentials, or a function that takes one in, maybe in its products."""
    stack, exps, looked = [y], 0, 0
    while stack and looked < MAX_OPENED:
        x = stack.pop()
        looked += 1
        if x.op is MUL:
            stack.extend(x.args)
        elif x.op is POW:
            stack.append(x.args[0])
        elif x.op is f.exp:
            exps += 1
        elif x.op in HOLDS or x.op in RECIPROCAL_OF:
            return True
        if exps > 1:
            return True
    return bool(stack)


def _exponential_of_power(x: Expr) -> Expr:
    """``exp(n*u)`` for ``exp(u)**n``, which a logistic function takes in like any other."""
    n = value_of(x.args[1]) if x.op is POW and x.args[0].op is f.exp else None
    return x if n is None or isinstance(n, bool) else f.exp(mul(x.args[1], x.args[0].args[0]))


def _taken_in(exponents: Sequence[Expr], others: Sequence[Expr]) -> list[Expr] | None:
    """The factors `others` and ``exp(w)`` for each exponent w, those taken in that can be.

    The others are `gathered`.
    """
    holders: dict[frozenset[Expr], list[Expr]] = {}
    for x in sorted(others, key=_priority):
        if _priority(x) < len(HOLDS):
            u = base_and_exponent(x)[0].args[0]
            holders.setdefault(frozenset(linear_parts(u)[0]), []).append(x)
    result: list[Expr] = []
    spent: set[Expr] = set()
    for w in exponents:
        for x in holders.get(frozenset(linear_parts(w)[0]), ()):
            made = None if x in spent else _with_exponential(*base_and_exponent(x), w)
            if made is not None:
                spent.add(x)
                result.extend(made)
                break
        else:
            result.append(f.exp(w))
    return [*[x for x in others if x not in spent], *result] if spent else None


def _priority(x: Expr) -> int:
    op = base_and_exponent(x)[0].op
    return HOLDS.index(op) if op in HOLDS else len(HOLDS)


def _with_exponential(base: Expr, k: Any, w: Expr) -> list[Expr] | None:
    """Factors that make up ``base**k * exp(w)``, if they are better than these two."""
    if base.op is f.expit and k > 0:
        z = -base.args[0]
        m, rest = multiple_of(w, z)
        if m is None or m <= 0:
            return None
        taken = min(m, k)
        made = [raised(f.expit(z), taken), raised(base, k - taken)]
        if m > k:
            made.append(f.exp((m - k) * z))
        return [*made, number(math.exp(rest), base.shape)] if rest else made
    if base.op is f.expm1 and k < 0:
        u = base.args[0]
        m, rest = multiple_of(w, u)
        if m is None or rest or not 0 < m <= -k or m.__class__ is not int:
            return None
        return [raised(-f.expm1(-u), -m), raised(base, k + m)]
    if base.op is f.cosh and k < 0:
        u = base.args[0]
        m, rest = multiple_of(w, u)
        if m is None or rest or not k <= m <= -k:
            return None
        above, below = f.expit(2 * u), f.expit(-2 * u)
        return [
            raised(number(2, base.shape), -k),
            raised(above, ratio(m - k, 2)),
            raised(below, ratio(-m - k, 2)),
        ]
    if base.op is f.sinh and k == 1:
        u = base.args[0]
        m, rest = multiple_of(w, u)
        if rest or m not in (1, -1):
            return None
        return [f.expm1(2 * m * u), number(Fraction(m, 2), base.shape)]
    return None


def _hyperbolic(factors: Sequence[Expr]) -> Expr | None:
    """``expm1(u)*expit(-u) = tanh(u/2)`` and ``sinh(u)/cosh(u) = tanh(u)``; factors are `gathered`."""
    powers = dict(map(base_and_exponent, factors))
    for s, m in powers.items():
        if s.op not in (f.sinh, f.expm1) or not m > 0:
            continue
        u = s.args[0]
        over = f.cosh(u) if s.op is f.sinh else f.expit(-u)
        k = powers.get(over, 0)
        if (k < 0 and s.op is f.sinh) or (k > 0 and s.op is f.expm1):
            taken = min(m, abs(k))
            if m % 1 == 0:  # of a negative number: whole powers only
                taken = math.floor(taken)
            if taken == 0:
                continue
            left = k + taken if k < 0 else k - taken
            tangent = f.tanh(u if s.op is f.sinh else u / 2)
            made = [raised(tangent, taken), raised(s, m - taken), raised(over, left)]
            bases = {s, over}
            rest = [x for x in factors if base_and_exponent(x)[0] not in bases]
            return product_of([*rest, *made])
    return None


# Exponentials with logarithms in their exponents


def softmax_product(y: Expr) -> Expr | None:
    """``exp(u) * exp(-logsumexp(v)) = exp(u - logsumexp(v))``, also through a broadcast."""
    exponents = [exponent_through_layout(x) for x in y.args]
    found = [u for u in exponents if u is not None]
    if len(found) < 2 or not any(has_logarithm(u) for u in found):
        return None
    rest = [x for x, u in zip(y.args, exponents, strict=True) if u is None]
    return product_of([*rest, f.exp(add_all(found))]) if rest else f.exp(add_all(found))


def exponent_through_layout(x: Expr) -> Expr | None:
    """u, where `x` is ``exp(u)`` or that stretched; stretched as `x` is."""
    if x.op is f.exp:
        return x.args[0]
    if is_layout(x) and x.args[0].op is f.exp:
        return EINSUM.build((x.args[0].args[0],), x.params)
    return None


def has_logarithm(u: Expr) -> bool:
    """Whether an exponent is, or has as a term, the logarithm of a sum of exponentials."""
    for part in u.args if u.op is ADD else (u,):
        term = split_coefficient(part)[1]
        if term is not None and is_layout(term):
            term = split_coefficient(term.args[0])[1]
        if term is not None and term.op in LOGARITHMS:
            return True
    return False


# Sums, term by term


def multiply_out(y: Expr) -> Expr | None:
    """``(exp(u) + 2*exp(v))*expit(-u)``: term by term, where that absorbs every exponential."""
    looked_at = len(y.args) <= MAX_FACTORS and _may_absorb_terms(y)
    factors = gathered(y.args) if looked_at else ()
    for x in factors:
        if x.op is not ADD or len(x.args) > MAX_TERMS:
            continue
        others = [t for t in factors if t is not x and (_absorbs(t) or t.op is f.exp)]
        within = [t for term in x.args for t in factors_of(term)]
        if not any(map(_grows, [*others, *within])) or not any(map(_absorbs, [*others, *within])):
            continue
        terms = [_absorbed(product_of([*factors_of(term), *others])) for term in x.args]
        if any(map(_grows, terms)):
            continue
        rest = [t for t in factors if t is not x and not any(t is o for o in others)]
        return product_of([*rest, add_all(terms)]) if rest else add_all(terms)
    return None


def _may_absorb_terms(y: Expr) -> bool:
    """Whether a product has a sum, and a function that takes in exponentials by it or in its terms."""
    stack, sums, absorbs = [y], False, False
    for _ in range(MAX_OPENED):
        if not stack or (sums and absorbs):
            return sums and absorbs
        x = stack.pop()
        if x.op is MUL:
            stack.extend(x.args)
        elif x.op is POW:
            stack.append(x.args[0])
        elif x.op is ADD:
            sums = True
            absorbs = absorbs or any(_absorbs(t) for term in x.args for t in factors_of(term))
        else:
            absorbs = absorbs or _absorbs(x)
    return True


def _absorbs(x: Expr) -> bool:
    base, k = base_and_exponent(x)
    return (base.op is f.expit and k > 0) or (x.op is f.exp and has_logarithm(x.args[0]))


def _grows(term: Expr) -> bool:
    """Whether a term has an exponential among its factors that nothing holds down."""
    return any(x.op is f.exp and not has_logarithm(x.args[0]) for x in factors_of(term))


def _absorbed(term: Expr) -> Expr:
    for _ in range(MAX_TERMS):
        changed = None
        if term.op is MUL:
            changed = absorb(term)
            changed = softmax_product(term) if changed is None else changed
        if changed is None:
            break
        term = changed
    return term
