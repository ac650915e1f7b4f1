"""Sums that vanish at an end of a function's range: ``1 - tanh(u)**2``, ``1 - erf(u)``, ``s - s**2``.

A sum of powers of one function s is a polynomial in s. Where it has a root r that s(u) approaches, the
sum cancels there, and the factor ``r - s`` is divided out of it, to its multiplicity; ``r - s(u)`` has a
form of its own that keeps its digits::

    1 - expit(u) = expit(-u)       1 - erf(u) = erfc(u)       1 - tanh(u) = 2*expit(-2*u)
    1 - ndtr(u)  = ndtr(-u)        1 + erf(u) = erfc(-u)      1 + tanh(u) = 2*expit(2*u)
    1 - erfc(u)  = erf(u)          2 - erfc(u) = erfc(-u)     1 - tanh(u)**2 = sech(u)**2

Powers may be negative (``1 - tanh(u)**-2``), and all terms may have a factor in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.ops import special
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul_all, power, split_coefficient
from symgrad.ops.stable import sech

MAX_TERMS: Final = 32  # of a sum that is looked at
MAX_DEGREE: Final = 16

# The roots that a function approaches, each with ``root - s(u)``, or ``s(u) - root`` for one below
Ends = tuple[tuple[Any, Callable[[Expr], Expr]], ...]
ENDS: Final[dict[Op, Ends]] = {
    f.expit: ((1, lambda u: f.expit(-u)),),
    f.tanh: ((1, lambda u: 2 * f.expit(-2 * u)), (-1, lambda u: -2 * f.expit(2 * u))),
    special.erf: ((1, special.erfc), (-1, lambda u: -special.erfc(-u))),
    special.erfc: ((1, special.erf), (2, lambda u: special.erfc(-u))),
    special.ndtr: (
        (1, lambda u: special.ndtr(-u)),
        (Fraction(1, 2), lambda u: special.erf(-u / f.sqrt(number(2, u.shape))) / 2),
    ),
}


class Group(NamedTuple):
    """Terms ``c_n * s**n * rest`` of a sum: their coefficients by n, and which terms they are."""

    coefficients: dict[int, Any]
    terms: set[Expr]


def vanishing_sum(y: Expr) -> Expr | None:
    """A sum with the factors divided out in which it vanishes, or None."""
    if len(y.args) > MAX_TERMS or not any(map(_bases, y.args)):
        return None
    split = [(term, *split_coefficient(term)) for term in y.args]
    for s, rest in dict.fromkeys(key for term in y.args for key in _bases(term)):
        group = _group(split, s, rest)
        product = _divided(group.coefficients, s)
        if product is not None:
            factors = product if rest is None else [*product, rest]
            kept = [t for t in y.args if t not in group.terms]
            return add_all([*kept, mul_all(factors)])
    return None


def _bases(term: Expr) -> Iterator[tuple[Expr, Expr | None]] | list[tuple[Expr, Expr | None]]:
    """The functions with ends among the factors of a term, each with the other factors."""
    if term.op is not MUL and term.op is not POW and term.op not in ENDS:
        return []
    factors = [x for x in (term.args if term.op is MUL else (term,)) if value_of(x) is None]
    found = []
    for x in factors:
        base = x.args[0] if x.op is POW else x
        if base.op in ENDS and (base is x or value_of(x.args[1]).__class__ is int):
            others = [t for t in factors if t is not x]
            found.append((base, mul_all(others) if others else None))
    return found


def _group(split: list[tuple[Expr, Any, Expr | None]], s: Expr, rest: Expr | None) -> Group:
    coefficients: dict[int, Any] = {}
    terms = set()
    for term, c, own in split:
        if isinstance(c, bool):
            continue
        if own is rest:
            n = 0
        else:
            found = () if own is None else _bases(own)
            if not any(base is s and others is rest for base, others in found):
                continue
            n = _exponent(own, s)
        coefficients[n] = coefficients.get(n, 0) + c
        terms.add(term)
    return Group(coefficients, terms)


def _exponent(term: Expr | None, s: Expr) -> int:
    assert term is not None
    for x in term.args if term.op is MUL else (term,):
        if x is s:
            return 1
        if x.op is POW and x.args[0] is s:
            return int(value_of(x.args[1]))
    return 0


def _divided(coefficients: dict[int, Any], s: Expr) -> list[Expr] | None:
    """The factors of a polynomial in s with its ends divided out; None where it has none there."""
    low, high = min(coefficients), max(coefficients)
    if len(coefficients) < 2 or high - low > MAX_DEGREE:
        return None
    p = [coefficients.get(n, 0) for n in range(low, high + 1)]
    (u,), counts = s.args, {}
    for root, _ in ENDS[s.op]:
        while len(p) > 1 and sum(c * root**n for n, c in enumerate(p)) == 0:
            p = _quotient(p, root)
            counts[root] = counts.get(root, 0) + 1
    if not counts:
        return None
    factors = []
    if s.op is f.tanh:  # both ends at once
        both = min(counts.get(1, 0), counts.get(-1, 0))
        if both:  # (1 - s)*(-1 - s) = -sech(u)**2
            factors.append(power(sech(u), number(2 * both, u.shape)))
            factors.append(number((-1) ** both, u.shape))
            counts = {root: n - both for root, n in counts.items()}
    for root, far in ENDS[s.op]:
        if counts.get(root):
            factors.append(power(far(u), number(counts[root], u.shape)))
    terms = [mul_all([number(c, s.shape), _raised(s, n)]) for n, c in enumerate(p) if c != 0]
    return [add_all(terms) if len(terms) > 1 else terms[0], _raised(s, low), *factors]


def _raised(s: Expr, n: int) -> Expr:
    return power(s, number(n, s.shape)) if n else number(1, s.shape)


def _quotient(p: list[Any], root: Any) -> list[Any]:
    """``p(s)/(root - s)``, by Horner's scheme."""
    carried: Any = 0
    quotient = []
    for c in reversed(p[1:]):
        carried = c + carried * root
        quotient.append(-carried)
    return quotient[::-1]


def complement(x: Expr) -> Expr:
    """The argument of a logarithm: a sum that vanishes as a product, else as it is."""
    changed = vanishing_sum(x) if x.op is ADD else None
    return x if changed is None else changed
