"""Sums of exponentials, and products with them: logistic functions and softmax instead of overflow.

For ``S = c*exp(a) + d*exp(b)`` with positive c and d, and ``z = a - b + log(c/d)``::

    S = d*exp(b)/expit(-z),    c*exp(a)/S = expit(z),    d*exp(b)/S = expit(-z)

so that a quotient of exponentials by powers of S is a product of logistic functions. A sum of three
or more, or one over an axis, is ``exp(L)`` with its logarithm L a logaddexp or logsumexp.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.op import Op
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    add_all,
    factors_of,
    mul,
    mul_all,
    power,
    raw_product,
    split_coefficient,
)
from symgrad.ops.einsum import EINSUM, is_layout
from symgrad.ops.reduction import LOGSUMEXP
from symgrad.ops.stable import bose_einstein, csch, sech

MAX_TERMS: Final = 8  # of a sum that is multiplied out term by term
MAX_FACTORS: Final = 16  # of a product that is looked into from another
HOLDS: Final[tuple[Op, ...]] = (
    f.sinh,
    f.expm1,
    f.cosh,
    f.expit,
)  # what may take in an exponential, best first
RECIPROCAL_OF: Final[dict[Op, Op]] = {sech: f.cosh, csch: f.sinh, bose_einstein: f.expm1}
LOGARITHMS: Final = (LOGSUMEXP, f.logaddexp, f.softplus)


# What an expression is, as exponentials


class Exponential(NamedTuple):
    """``c*exp(u)``; u is None for a plain number."""

    c: Any
    u: Expr | None


def exponentials_of(x: Expr) -> list[Exponential] | None:
    """The terms of a sum of positive multiples of exponentials and numbers, else None.

    At least one term is an exponential.
    """
    if x.op is not ADD:
        return None
    found = []
    for term in x.args:
        c, rest = split_coefficient(term)
        if (
            isinstance(c, bool)
            or not 0 < c < math.inf
            or (rest is not None and rest.op is not f.exp)
        ):
            return None
        found.append(Exponential(c, None if rest is None else rest.args[0]))
    return found if any(u is not None for _, u in found) else None


def log_of_number(c: Any, like: Expr) -> Expr:
    """``log(c)`` as a number where it is one, else as a node."""
    return f.log(number(c, like.shape))


def log_sum(parts: Sequence[Exponential], like: Expr) -> Expr:
    """``log(sum of c*exp(u))`` without overflow."""
    exponents = []
    for c, u in parts:
        if u is None:
            exponents.append(log_of_number(c, like))
        else:
            exponents.append(u if c == 1 else u + log_of_number(c, like))
    total = exponents[0]
    for u in exponents[1:]:
        total = _logaddexp(total, u)
    return total


def _logaddexp(a: Expr, b: Expr) -> Expr:
    if value_of(a) == 0:
        return f.softplus(b)
    return f.softplus(a) if value_of(b) == 0 else f.logaddexp(a, b)


def summed_exponent(x: Expr) -> Expr | None:
    """u, where `x` is ``sum(exp(u))`` over some axes, the others in order."""
    if x.op is not EINSUM or len(x.args) != 1 or x.args[0].op is not f.exp:
        return None
    (labels,), out, spread = x.params
    kept = tuple(n for n in labels if n in out)
    if spread or kept != out or len(set(labels)) != len(labels) or len(out) == len(labels):
        return None
    return x.args[0].args[0]


def log_total(x: Expr) -> Expr | None:
    """``logsumexp(u)`` for ``sum(exp(u))``."""
    u = summed_exponent(x)
    if u is None:
        return None
    (labels,), out, _ = x.params
    axes = tuple(i for i, n in enumerate(labels) if n not in out)
    return LOGSUMEXP.build((u,), (axes,))


def product_of(factors: Sequence[Expr]) -> Expr:
    """The product of factors, those that are short products taken apart.

    A long product stays whole: taken into each product of a chain it would cost the square.
    """
    flat = [t for x in factors for t in (_factors(x) if len(x.args) <= MAX_FACTORS else (x,))]
    return mul_all(flat) if len(flat) > 1 else flat[0]


def _factors(term: Expr) -> tuple[Expr, ...]:
    return factors_of(term)


# Powers of sums


def power_of_hyperbolic(y: Expr) -> Expr | None:
    """``(2*cosh(u))**n = 2**n * cosh(u)**n``, as sums of exponentials become."""
    x, p = y.args
    if x.op is MUL and len(x.args) == 2 and x.args[1].op in (f.cosh, f.sinh):
        c, n = value_of(x.args[0]), value_of(p)
        if c is not None and n is not None and (c > 0 or n.__class__ is int):
            return product_of([power(t, p) for t in x.args])
    return None


def power_of_total(y: Expr) -> Expr | None:
    """``sum(exp(u))**-k = exp(-k*logsumexp(u))``."""
    k = value_of(y.args[1])
    if k is None or isinstance(k, bool) or not k < 0:
        return None
    total = log_total(y.args[0])
    return None if total is None else f.exp(mul(y.args[1], total))


def power_of_sum(y: Expr) -> Expr | None:
    """``S**p = d**p * exp(p*b) * expit(-z)**-p`` for p < 0, and ``exp(p*log(S))`` for longer sums."""
    x, p = y.args
    k = value_of(p)
    if k is None or isinstance(k, bool) or not k < 0:
        return None
    parts = exponentials_of(x)
    if parts is None:
        return None
    if len(parts) > 2:
        return f.exp(mul(p, log_sum(parts, x)))
    (c, a), (d, b) = sorted(parts, key=lambda part: part.u is None)
    assert a is not None
    z = a if b is None else a - b
    if c != d:
        z = z + math.log(c / d)
    factors = [number(d, x.shape) ** p, power(f.expit(-z), number(-k, p.shape))]
    return product_of(factors if b is None else [*factors, f.exp(mul(p, b))])


# Products


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


# Products in products that are opened, and how many factors they come to: what is left is a base of its own
MAX_LEVELS: Final = 8
MAX_OPENED: Final = 2 * MAX_FACTORS


def gathered(factors: Sequence[Expr]) -> list[Expr]:
    """The factors with powers of one base as one power: each base stands once.

    Rules on products need that: what they find for a base must be all there is of it.
    """
    for level in range(MAX_LEVELS + 1):
        opened = level < MAX_LEVELS and len(factors) <= MAX_OPENED
        flat = [
            t
            for x in factors
            for t in (_factors(x) if opened and len(x.args) <= MAX_FACTORS else (x,))
        ]
        exponents: dict[Expr, Any] = {}
        whole: dict[Expr, Expr] = {}  # the power of a base, where it stands once
        for x in flat:
            base, n = base_and_exponent(x)
            if base in exponents:
                exponents[base] += n
                whole.pop(base, None)
            else:
                exponents[base] = n
                if base is x or (x.op is POW and x.args[0] is base and n.__class__ is not float):
                    whole[base] = x
        if len(exponents) == len(flat):
            return flat
        factors = [
            whole[u] if u in whole else _raised(u, n) for u, n in exponents.items()
        ]  # (-u)**2 is u**2
    return list(factors)


def _seen_distinct(factors: Sequence[Expr]) -> bool:
    """Whether bases are seen to differ without taking products, or powers of powers, apart."""
    seen: set[Expr] = set()
    for x in factors:
        base = x.args[0] if x.op is POW else x
        if base in seen or base.op in (MUL, POW) or base.op in RECIPROCAL_OF:
            return False
        seen.add(base)
    return True


def distinct_factors(y: Expr) -> Expr:
    """A product in which each base, and each exponential, stands once; itself if that is so."""
    if _seen_distinct(y.args):
        return y
    counts = Counter(x for x in y.args if x.op is f.exp)
    rest = gathered([x for x in y.args if x.op is not f.exp])
    if len(counts) + len(rest) == len(y.args):
        return y
    exps = [e if n == 1 else f.exp(n * e.args[0]) for e, n in counts.items()]
    return raw_product((*exps, *rest)) if exps or rest else y


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


def base_and_exponent(x: Expr) -> tuple[Expr, Any]:
    """``(u, n)`` of ``u**n`` with a number n; n is 1 for what is no power.

    A function that is a reciprocal, such as sech, is a power of what it is the reciprocal of.
    """
    n = value_of(x.args[1]) if x.op is POW else None
    base, n = (x, 1) if n is None or isinstance(n, bool) else (x.args[0], n)
    under = RECIPROCAL_OF.get(base.op)
    return (base, n) if under is None else (under.build(base.args, ()), -n)


def _with_exponential(base: Expr, k: Any, w: Expr) -> list[Expr] | None:
    """Factors that make up ``base**k * exp(w)``, if they are better than these two."""
    if base.op is f.expit and k > 0:
        z = -base.args[0]
        m, rest = multiple_of(w, z)
        if m is None or m <= 0:
            return None
        taken = min(m, k)
        made = [_raised(f.expit(z), taken), _raised(base, k - taken)]
        if m > k:
            made.append(f.exp((m - k) * z))
        return [*made, number(math.exp(rest), base.shape)] if rest else made
    if base.op is f.expm1 and k < 0:
        u = base.args[0]
        m, rest = multiple_of(w, u)
        if m is None or rest or not 0 < m <= -k or m.__class__ is not int:
            return None
        return [_raised(-f.expm1(-u), -m), _raised(base, k + m)]
    if base.op is f.cosh and k < 0:
        u = base.args[0]
        m, rest = multiple_of(w, u)
        if m is None or rest or not k <= m <= -k:
            return None
        above, below = f.expit(2 * u), f.expit(-2 * u)
        return [
            _raised(number(2, base.shape), -k),
            _raised(above, _ratio(m - k, 2)),
            _raised(below, _ratio(-m - k, 2)),
        ]
    if base.op is f.sinh and k == 1:
        u = base.args[0]
        m, rest = multiple_of(w, u)
        if rest or m not in (1, -1):
            return None
        return [f.expm1(2 * m * u), number(Fraction(m, 2), base.shape)]
    return None


def _raised(base: Expr, n: Any) -> Expr:
    if isinstance(n, float) and n.is_integer():
        n = int(n)
    return power(base, number(n, base.shape))


def multiple_of(w: Expr, z: Expr) -> tuple[Any, float]:
    """``(m, r)`` with ``w = m*z + r`` for numbers m and r; m is None if there are none."""
    ours, extra = linear_parts(w)
    theirs, offset = linear_parts(z)
    if not theirs or ours.keys() != theirs.keys():
        return None, 0.0
    first = next(iter(theirs))
    m = _ratio(ours[first], theirs[first])
    if any(ours[t] != m * theirs[t] for t in theirs):
        return None, 0.0
    return m, extra - m * offset


def _ratio(a: Any, b: Any) -> Any:
    if is_exact(a) and is_exact(b):
        q = Fraction(a) / Fraction(b)
        return q.numerator if q.denominator == 1 else q
    return a / b


def linear_parts(x: Expr) -> tuple[dict[Expr, Any], Any]:
    """The coefficients of a sum by term, and its number; a sum times a number in it is written out."""
    coefficients: dict[Expr, Any] = {}
    constant: Any = 0
    for scale, t in _multiples(1, x):
        for c, rest in _multiples(scale, t):
            if value_of(rest) is not None:
                constant = constant + c * value_of(rest)
            else:
                coefficients[rest] = coefficients.get(rest, 0) + c
    return {t: c for t, c in coefficients.items() if c != 0}, constant


def _multiples(scale: Any, x: Expr) -> list[tuple[Any, Expr]]:
    """``scale*x`` as numbers times terms, a short sum taken apart."""
    c, rest = split_coefficient(x)
    if rest is None:
        return [(scale, x)]
    if rest.op is ADD and len(rest.args) <= MAX_TERMS:
        return [(scale * c, t) for t in rest.args]
    return [(scale * c, rest)]


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
            made = [_raised(tangent, taken), _raised(s, m - taken), _raised(over, left)]
            bases = {s, over}
            rest = [x for x in factors if base_and_exponent(x)[0] not in bases]
            return product_of([*rest, *made])
    return None


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


def multiply_out(y: Expr) -> Expr | None:
    """``(exp(u) + 2*exp(v))*expit(-u)``: term by term, where that absorbs every exponential."""
    looked_at = len(y.args) <= MAX_FACTORS and _may_absorb_terms(y)
    factors = gathered(y.args) if looked_at else ()
    for x in factors:
        if x.op is not ADD or len(x.args) > MAX_TERMS:
            continue
        others = [t for t in factors if t is not x and (_absorbs(t) or t.op is f.exp)]
        within = [t for term in x.args for t in _factors(term)]
        if not any(map(_grows, [*others, *within])) or not any(map(_absorbs, [*others, *within])):
            continue
        terms = [_absorbed(product_of([*_factors(term), *others])) for term in x.args]
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
            absorbs = absorbs or any(_absorbs(t) for term in x.args for t in _factors(term))
        else:
            absorbs = absorbs or _absorbs(x)
    return True


def _absorbs(x: Expr) -> bool:
    base, k = base_and_exponent(x)
    return (base.op is f.expit and k > 0) or (x.op is f.exp and has_logarithm(x.args[0]))


def _grows(term: Expr) -> bool:
    """Whether a term has an exponential among its factors that nothing holds down."""
    return any(x.op is f.exp and not has_logarithm(x.args[0]) for x in _factors(term))


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
