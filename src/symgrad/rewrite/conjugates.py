"""Sums of roots and quotients that cancel, over a common denominator: ``sqrt(1 + x**2) - x``.

The terms of a sum are written out as monomials; what divides them is taken out as a factor. What is left
is a sum of polynomials times different roots. Where that is one, terms cancel as numbers do::

    1/(x + 1) - 1/x = -1/(x*(x + 1))        1/s - x**2/s**3 = 1/s**3  for s = sqrt(1 + x**2)

Two, ``u + v``, that have different signs are a difference of squares, which no longer has roots::

    u + v = (u**2 - v**2)/(u - v)           sqrt(1 + x**2) - x = 1/(sqrt(1 + x**2) + x)  for x > 0

and of cube roots ``u + v = (u**3 + v**3)/(u**2 - u*v + v**2)``, whatever their signs. It is done where
terms cancel on the way, and where bounds of the rounding errors say that it keeps digits.

References: Hamming, Numerical Methods for Scientists and Engineers, 1973, section 3.2; Goldberg, What every
computer scientist should know about floating-point arithmetic, 1991, section 1.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import reduce
from itertools import combinations
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import as_float, is_exact, power_value
from symgrad.expr.ranges import is_nonnegative
from symgrad.expr.rewriting import rewritten
from symgrad.expr.traverse import toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul, mul_all, power, split_coefficient
from symgrad.ops.comparison import isfinite
from symgrad.ops.einsum import is_layout
from symgrad.ops.guard import choose
from symgrad.ops.scaled import quotient
from symgrad.rewrite.error_bounds import digits_kept
from symgrad.rewrite.expanded import ONE, Expanded, Monomial, exact, expanded, product_of, sum_of
from symgrad.rewrite.near_arguments import NEAR
from symgrad.rewrite.polynomials import common_number
from symgrad.rewrite.powers import Exact
from symgrad.rewrite.rule import Guarantee, Rule, by_op, changes_by

MAX_TERMS: Final = 6  # of a sum that is looked at
MAX_TREE: Final = 120  # nodes, as a tree, of such a sum
MAX_NUMERATOR: Final = 8  # monomials of a numerator
MAX_REMEMBERED: Final = 1024
FAR_DOWN: Final = 4  # the degree of divisors whose product may be infinite too early
MAX_EXACT: Final = 2**40  # above and below, of fractions that are kept

Root = Monomial  # a product of roots: exponents between 0 and 1, of cube roots 1 or 2
Exponents = dict[Expr, Exact]


def without_cancellations(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with all sums that cancel joined."""
    return rewritten(roots, changes_by(by_op(CANCELLATIONS)))


def _concerns(y: Expr) -> bool:
    """Whether a sum is looked at: a short one with a root, or something that divides."""
    return len(y.args) <= MAX_TERMS and y.size_as_tree <= MAX_TREE and any(map(_is_odd, y.args))


def without_cancellation(y: Expr) -> Expr | None:
    """A sum with the terms joined that cancel; None where nothing is gained."""
    if not _concerns(y):
        return None
    kind = _kind(y)
    if kind in _in_vain:
        return None
    found = [
        add_all([joined, *others])
        for group, others in _groups(y.args)
        for joined in [_joined(add_all(group), group)]
        if joined is not None
    ]
    gains = zip(digits_kept(y, found), found, strict=True) if found else ()
    best = max(((g, x) for g, x in gains if g is not None), default=None, key=lambda pair: pair[0])
    if best is None:
        if len(_in_vain) >= MAX_REMEMBERED:
            _in_vain.clear()
        _in_vain.add(kind)
        return None
    return best[1]


# Sums for which nothing is gained, as they are met over and over in derivatives of a sum over pairs
_in_vain: Final[set[tuple[Any, ...]]] = set()


def _kind(y: Expr) -> tuple[Any, ...]:
    """The structure of a sum: its operations, numbers, and which quantities are the same."""
    rows: list[Any] = []
    places: dict[Expr, int] = {}
    for node in toposort([y]):
        if node.op in (ADD, MUL, POW, f.cbrt) or is_layout(node):
            rows.append((node.op, node.params, *[places[arg] for arg in node.args]))
        else:
            value = value_of(node)
            rows.append(is_nonnegative(node) if value is None else (value.__class__, value))
        places[node] = len(places)
    return tuple(rows)


def _groups(terms: Sequence[Expr]) -> Iterator[tuple[Sequence[Expr], Sequence[Expr]]]:
    """All terms, and pairs of them; and what is left beside them."""
    yield terms, ()
    for i, j in combinations(range(len(terms)), 2) if len(terms) > 2 else ():
        if _is_odd(terms[i]) or _is_odd(terms[j]):
            yield (terms[i], terms[j]), [t for k, t in enumerate(terms) if k not in (i, j)]


def _is_odd(term: Expr) -> bool:
    """Whether a root, what divides, or a power of a sum is among the factors of a term."""
    return any(_divides_or_roots(x) for x in (term.args if term.op is MUL else (term,)))


def _divides_or_roots(x: Expr) -> bool:
    if x.op is f.cbrt:
        return True
    n: Any = value_of(x.args[1]) if x.op is POW and not is_number(x.args[0]) else None
    return is_exact(n) and (n < 0 or n.__class__ is not int or x.args[0].op is ADD)


# A sum as a factor times a sum of polynomials times roots


class _Parts(NamedTuple):
    """``factor * sum(polynomial * root)``; `before` is the number of monomials that met."""

    factor: Exponents
    by_root: dict[Root, Expanded]
    before: int


def _joined(total: Expr, group: Sequence[Expr]) -> Expr | None:
    parts = _parts(group)
    if parts is None:
        return None
    if len(parts.by_root) == 1:
        ((root, whole),) = parts.by_root.items()
        if len(whole) > min(MAX_NUMERATOR, parts.before - 1):
            return None
        made = _scaled([_polynomial(whole, group), _root(root, total)], parts.factor)
        return _where_finite(whole, made, total, group)
    return _by_conjugate(total, parts, group) if len(parts.by_root) == 2 else None


def _parts(group: Sequence[Expr]) -> _Parts | None:
    monomials: list[tuple[Exponents, Exact]] = []
    for term in group:
        written = expanded(term)
        if not written:
            return None
        monomials += [(dict(m), c) for m, c in written.items()]
    bases = dict.fromkeys(b for m, _ in monomials for b in m)
    least = {b: min(m.get(b, 0) for m, _ in monomials) for b in bases}
    by_root: dict[Root, Expanded] = {}
    before = 0
    for m, c in monomials:
        opened = _opened({b: m.get(b, 0) - low for b, low in least.items()}, c)
        if opened is None:
            return None
        root, whole = opened
        before += len(whole)
        by_root[root] = sum_of([by_root.get(root, {}), whole])
    factor = {b: n for b, n in least.items() if n != 0}
    return _Parts(factor, {r: w for r, w in by_root.items() if w}, before)


def _opened(m: Exponents, c: Exact) -> tuple[Root, Expanded] | None:
    """A monomial as roots times a polynomial in what is under them."""
    root: Exponents = {}
    factors: list[Expanded] = [{ONE: c}]
    for b, n in m.items():
        count, left = _split(b, n)
        if left:
            root[b] = left
        if count:
            inside = expanded(_inside(b))
            if inside is None:
                return None
            factors += [inside] * count
    whole = product_of(factors)
    return None if whole is None else (frozenset(root.items()), whole)


def _inside(base: Expr) -> Expr:
    return base.args[0] if base.op is f.cbrt else base


def _split(base: Expr, n: Exact) -> tuple[int, Exact]:
    """How often what is under the root counts in ``base**n``, and the exponent that is left."""
    if base.op is f.cbrt:
        return (n // 3, n % 3) if n.__class__ is int else (0, n)
    return n // 1, n % 1


# Two parts: u + v


def _by_conjugate(total: Expr, parts: _Parts, group: Sequence[Expr]) -> Expr | None:
    roots = list(parts.by_root)
    degree = _degree(roots)
    if degree is None:
        return None
    first, second = [_raised(r, p, degree) for r, p in parts.by_root.items()]
    if first is None or second is None:
        return None
    sign = 1 if degree == 3 else -1
    difference = sum_of([first, {m: sign * c for m, c in second.items()}])
    if not 0 < len(difference) <= min(MAX_NUMERATOR, len(first) + len(second) - 1):
        return None
    a, b = [_polynomial(p, group) for p in parts.by_root.values()]
    r, s = [_root(root, total) for root in roots]
    u, v = a * r, b * s
    if degree == 3:
        made = _scaled([_over(difference, u**2 - u * v + v**2, group)], parts.factor)
        return _where_finite(difference, made, total, group)
    apart = _apart(a, b)
    if apart is None:
        return None
    divisor = _size(a) * r + _size(b) * s
    made = _scaled([_sign(a, b), _over(difference, divisor, group)], parts.factor)
    large = max(map(_degree_of, parts.by_root.values())) > 1
    finite = _is_finite(difference, group, divisor if large else None)
    holds = [c for c in (finite, apart) if isinstance(c, Expr)]
    return choose(reduce(f.logical_and, holds), made, total) if holds else made


def _where_finite(numerator: Expanded, made: Expr, total: Expr, group: Sequence[Expr]) -> Expr:
    """What was made, or the sum as it was where a long numerator is infinite."""
    finite = _is_finite(numerator, group)
    return made if finite is None else choose(finite, made, total)


def _is_finite(
    numerator: Expanded, group: Sequence[Expr], divisor: Expr | None = None
) -> Expr | None:
    """Whether a long numerator, and a divisor, are finite; None where it goes without saying."""
    _, _, rest = _common(numerator)
    checked = [] if divisor is None else [divisor]
    if len(rest) > 1 and _degree_of(rest) > 1:
        checked.append(_sum(rest, group))
    return isfinite(add_all(checked)) if checked else None


def _degree_of(p: Expanded) -> Exact:
    """The highest degree of its monomials."""
    return max(sum(n for _, n in m) for m in p)


def _degree(roots: Sequence[Root]) -> int | None:
    """2 for square roots, 3 for cube roots; None for others, and for both."""
    degrees = {3 if b.op is f.cbrt else Fraction(n).denominator for r in roots for b, n in r}
    return degrees.pop() if degrees in ({2}, {3}) else None


def _raised(root: Root, whole: Expanded, degree: int) -> Expanded | None:
    """A polynomial times a root to the power at which the root is none."""
    factors = [whole] * degree
    for b, n in root:
        opened = expanded(_inside(b))
        if opened is None:
            return None
        factors += [opened] * int(n if b.op is f.cbrt else n * degree)
    return product_of(factors)


def _apart(a: Expr, b: Expr) -> Expr | bool | None:
    """The condition that a and b have different signs; True, or None for never, where that is known."""
    signs = [_known_sign(x) for x in (a, b)]
    if all(signs):
        return True if signs[0] != signs[1] else None
    for x, other in ((a, signs[1]), (b, signs[0])):
        if other:
            return _is_negative(x) if other > 0 else _is_negative(-x)
    return f.not_equal(_is_negative(a), _is_negative(b))


def _is_negative(x: Expr) -> Expr:
    c, rest = split_coefficient(x)
    zero = number(0, x.shape)
    return f.less(x, zero) if rest is None or not c < 0 else f.greater(rest, zero)


def _known_sign(x: Expr) -> int:
    if is_nonnegative(x):
        return 1
    return -1 if is_nonnegative(-x) else 0


def _size(x: Expr) -> Expr:
    known = _known_sign(x)
    return f.absolute(x) if not known else x if known > 0 else -x


def _sign(a: Expr, b: Expr) -> Expr:
    """The sign of a, where that of b is the other one."""
    known = _known_sign(a) or -_known_sign(b)
    return number(known, a.shape) if known else f.sign(a)


# Back to formulas


def _sorted(pairs: Iterable[tuple[Expr, Exact]]) -> list[tuple[Expr, Exact]]:
    return sorted(pairs, key=lambda pair: pair[0].order)


def _root(root: Root, like: Expr) -> Expr:
    return mul_all(
        [number(1, like.shape), *[power(b, number(n, b.shape)) for b, n in _sorted(root)]]
    )


def _scaled(factors: Sequence[Expr], scale: Exponents) -> Expr:
    """A product times powers; high ones divide one by one, since their product may be infinite."""
    made = mul_all(factors)
    powers = [(b, number(n, made.shape), n) for b, n in _sorted(scale.items())]
    if len(powers) < 2 or sum(n for _, _, n in powers) >= -FAR_DOWN:
        return mul_all([made, *[power(b, n) for b, n, _ in powers]])
    for b, exponent, n in powers:
        made = quotient(made, power(b, -exponent)) if n < 0 else mul(made, power(b, exponent))
    return made


def _polynomial(p: Expanded, group: Sequence[Expr]) -> Expr:
    """A polynomial, with the number and the monomial that all its terms have in front."""
    c, common, rest = _common(p)
    return mul_all([_product(common, c, group), _written(rest, group)])


def _over(p: Expanded, divisor: Expr, group: Sequence[Expr]) -> Expr:
    """A polynomial over a divisor: one factor is divided, so that no product is too large."""
    c, common, rest = _common(p)
    inside = _written(rest, group)
    if common and is_number(inside):
        base, n = _sorted(common.items())[0]
        common = common | {base: n - 1}
        return mul_all([inside, quotient(base, divisor), _product(common, c, group)])
    return mul_all(
        [
            _product(common, 1, group),
            quotient(mul(number(_coefficient(c), inside.shape), inside), divisor),
        ]
    )


def _common(p: Expanded) -> tuple[Exact, Exponents, Expanded]:
    """A polynomial as a number, a monomial and a rest."""
    c = common_number(p.values())
    c = -c if all(d < 0 for d in p.values()) else c
    exponents = [dict(m) for m in p]
    common = {b: low for b in exponents[0] if (low := min(m.get(b, 0) for m in exponents)) > 0}
    rest: Expanded = {}
    for m, d in p.items():
        left = [(b, n - common.get(b, 0)) for b, n in m]
        rest[frozenset([(b, n) for b, n in left if n])] = exact(Fraction(d) / c)
    return c, common, rest


def _written(p: Expanded, group: Sequence[Expr]) -> Expr:
    """A sum, as a square if it is one: ``(a - b)**2`` does not cancel as ``a**2 - 2*a*b + b**2`` does."""
    if len(p) != 3:
        return _sum(p, group)
    for m, c in p.items():
        ends = [_root_of_monomial(n, d) for n, d in p.items() if n is not m]
        if any(e is None for e in ends):
            continue
        a, b = [e for e in ends if e is not None]
        if product_of([a, b]) == {m: exact(Fraction(c if c > 0 else -c) / 2)}:
            whole = sum_of([a, {n: d if c > 0 else -d for n, d in b.items()}])
            return power(_sum(whole, group), number(2, group[0].shape))
    return _sum(p, group)


def _root_of_monomial(m: Monomial, c: Exact) -> Expanded | None:
    """The square root of a monomial with even exponents and a square number."""
    root: Any = power_value(c, Fraction(1, 2)) if c > 0 else None
    if not is_exact(root) or any(n % 2 for _, n in m):
        return None
    return {frozenset([(b, n // 2) for b, n in m]): root}


def _sum(p: Expanded, group: Sequence[Expr]) -> Expr:
    return add_all([_product(dict(m), c, group) for m, c in p.items()])


def _product(m: Exponents, c: Exact, group: Sequence[Expr]) -> Expr:
    shape = group[0].shape
    factors = [power(b, number(n, shape)) for b, n in _sorted(m.items()) if n]
    return mul_all([number(_coefficient(c), shape), *factors])


def _coefficient(c: Exact) -> Any:
    """A number; one that came from floats is a float again."""
    large = max(abs(c.numerator), c.denominator) > MAX_EXACT
    return as_float(c) if large else c


CANCELLATIONS: Final = (
    Rule(
        "u + v = (u**2 - v**2)/(u - v), 1/a - 1/b = (b - a)/(a*b)",
        Guarantee.DOMAIN,
        ADD,
        without_cancellation,
    ),
    *NEAR,
)
