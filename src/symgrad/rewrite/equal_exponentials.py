"""Exponentials that are equal but for a product of powers, as one: so that they cancel in a formula.

In the formula of Black and Scholes ``K*exp(-r*T)*exp(-d2**2/2)`` is ``S*exp(-d1**2/2)``; the derivatives
are full of the difference of the two, which is 0, and which floats compute to a part in 1e12. Written out
(`symgrad.rewrite.expanded`) the exponents of the two products differ by ``log(S/K)`` alone. Only
differences that are logarithms are used: what is left, ``S/K``, overflows no earlier than what was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.rewriting import rewritten
from symgrad.expr.traverse import toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, factors_of, mul, power
from symgrad.ops.einsum import EINSUM, is_layout
from symgrad.ops.named import NAMED
from symgrad.rewrite.absorption import exponent_through_layout
from symgrad.rewrite.collect import collect_product, collect_sum
from symgrad.rewrite.expanded import MAX_TREE, Monomial, expanded, logarithm_in, opened_nodes
from symgrad.rewrite.powers import Exact, as_term
from symgrad.rewrite.rule import Guarantee, Rule, by_op, changes_by

MAX_EXPONENTIALS: Final = 64  # of formulas that are looked into
MAX_SUM: Final = 64  # terms of a sum that is looked at
MAX_TERMS: Final = 16  # of them with exponentials
MAX_FACTORS: Final = 24  # of a term, products in it opened
Logarithms = dict[Expr, Exact]


class ExponentialTerm(NamedTuple):
    """A term: its exponentials, their exponents, and its other factors."""

    exponentials: tuple[Expr, ...]
    exponents: tuple[Expr, ...]
    others: tuple[Expr, ...]

    @property
    def key(self) -> frozenset[Expr]:
        """What tells the exponentials apart."""
        return frozenset(self.exponents)


def _part(term: Expr) -> ExponentialTerm:
    factors = [(x, _exponent(x)) for x in _factors(term)]
    return ExponentialTerm(
        tuple([x for x, u in factors if u is not None]),
        tuple([u for _, u in factors if u is not None]),
        tuple([x for x, u in factors if u is None]),
    )


def _factors(term: Expr) -> list[Expr]:
    """The factors of a term, of products in it too, also through a broadcast; long products whole."""
    found: list[Expr] = []
    stack = [term]
    while stack:
        x = stack.pop()
        inside = _opened(x)
        if len(inside) == 1 or len(found) + len(stack) + len(inside) > MAX_FACTORS:
            found.append(x)
        else:
            stack.extend(reversed(inside))
    return found


def _opened(x: Expr) -> Sequence[Expr]:
    """The factors of a product, of a whole power of one, and of one that is broadcast."""
    if is_layout(x):
        return [EINSUM.build((y,), x.params) for y in factors_of(x.args[0])]
    if x.op is POW and value_of(x.args[1]).__class__ is int:
        return [power(y, x.args[1]) for y in factors_of(x.args[0])]
    return factors_of(x)


def _exponent(factor: Expr) -> Expr | None:
    """u of ``exp(u)``, n*u of ``exp(u)**n``; also by a name, and through a broadcast."""
    base, n = factor, None
    if factor.op is POW:
        base, n = factor.args
        if not is_exact(value_of(n)):
            return None
    while base.op is NAMED:
        base = base.args[0]
    u = exponent_through_layout(base)
    return u if u is None or n is None else mul(n, u)


def _logarithms_and_rest(
    exponents: Sequence[Expr],
) -> tuple[Logarithms, frozenset[tuple[Monomial, Exact]]] | None:
    """The logarithms with their numbers in a sum of exponents, and all its other monomials."""
    written = expanded(add_all(exponents) if len(exponents) > 1 else exponents[0])
    if written is None:
        return None
    logs: Logarithms = {}
    rest = []
    for monomial, c in written.items():
        u = logarithm_in(monomial)
        if u is None:
            rest.append((monomial, c))
        else:
            logs[u] = c
    return logs, frozenset(rest)


def one_exponential(y: Expr) -> Expr | None:
    """``a*exp(u) + b*exp(v) = (a + b*p)*exp(u)`` where ``v - u`` is the logarithm of p, powers."""
    parts = [_part(term) for term in y.args] if _may_match(y) else []
    if len({part.key for part in parts if part.key}) < 2:
        return None
    groups: dict[frozenset[tuple[Monomial, Exact]], list[tuple[int, Logarithms]]] = {}
    for i, part in enumerate(parts):
        found = _logarithms_and_rest(part.exponents) if part.exponents else None
        if found is not None and found[1]:
            groups.setdefault(found[1], []).append((i, found[0]))
    groups = {k: group for k, group in groups.items() if len({parts[i].key for i, _ in group}) > 1}
    if not groups:
        return None
    joined = [_joined(parts, group, y) for group in groups.values()]
    taken = {i for group in groups.values() for i, _ in group}
    kept = [term for i, term in enumerate(y.args) if i not in taken]
    return add_all([*kept, *joined])


def _joined(
    parts: Sequence[ExponentialTerm], group: Sequence[tuple[int, Logarithms]], like: Expr
) -> Expr:
    """The sum of terms whose exponents differ by logarithms, all by the shortest of them."""
    first, logs = min(group, key=lambda member: _size(parts[member[0]].exponents))
    terms = []
    for i, own in group:
        ratio = _powers({u: own.get(u, 0) - logs.get(u, 0) for u in {**own, **logs}})
        factors = [*parts[i].others, *ratio, *parts[first].exponentials]
        terms.append((1, collect_product([(x, True) for x in factors], like)))
    return collect_sum(terms, like)


def _may_match(y: Expr) -> bool:
    """Whether some terms, and not many, have exponentials among their factors."""
    return len(y.args) <= MAX_SUM and 1 < sum(map(_has_exponential, y.args)) <= MAX_TERMS


def _has_exponential(term: Expr) -> bool:
    """Whether a term has exponentials, and none whose exponent is too long to be written out."""
    exponents = _exponents_in(term)
    if not exponents or any(u.size_as_tree > MAX_TREE for u in exponents):
        return False
    return any(_exponent(x) is not None for x in _factors(term))


def _exponents_in(term: Expr) -> list[Expr]:
    """The exponents among the factors of a term, found without taking it apart; not of long products."""
    found, stack = [], [term]
    for _ in range(4 * MAX_FACTORS):
        if not stack:
            break
        x = stack.pop()
        if x.op is MUL:
            stack.extend(x.args)
        elif x.op is f.exp:
            found.append(x.args[0])
        elif x.op is POW or x.op is NAMED or is_layout(x):
            stack.append(x.args[0])
    return found


def _holds_logarithm(u: Expr) -> bool:
    """Whether an exponent has a logarithm where it is written out."""
    return u.size_as_tree <= MAX_TREE and any(node.op is f.log for node in opened_nodes(u))


def _size(exponents: Sequence[Expr]) -> int:
    return sum(u.size_as_tree for u in exponents)


def _powers(logs: Logarithms) -> list[Expr]:
    """``exp(sum of c*log(u))`` as powers."""
    return [power(u, number(c, u.shape)) for u, c in logs.items() if c != 0]


def product_of_powers(y: Expr) -> Expr | None:
    """``exp(u)*exp(v) = p*exp(w)`` where ``u + v`` cancels to the logarithm of p and at most one term w."""
    exponents = _exponents_in(y)
    if len(exponents) < 2 or not any(map(_holds_logarithm, exponents)):
        return None
    part = _part(y)
    if len(part.exponents) < 2:
        return None
    found = _logarithms_and_rest(part.exponents)
    if found is None or not found[0] or len(found[1]) > 1:
        return None
    logs, rest = found
    if any(len(expanded(u) or ()) <= len(logs) + len(rest) for u in part.exponents):
        return None
    exponential = [f.exp(as_term(dict(monomial), y, c)) for monomial, c in rest]
    factors = [*part.others, *_powers(logs), *exponential]
    return collect_product([(x, True) for x in factors], y)


EQUAL_EXPONENTIALS: Final = (
    Rule(
        "a*exp(u) + b*exp(v) = (a + b*p)*exp(u), v - u = log(p)",
        Guarantee.DOMAIN,
        ADD,
        one_exponential,
        (f.exp,),
    ),
    Rule(
        "exp(u)*exp(v) = p*exp(w), u + v = log(p) + w",
        Guarantee.DOMAIN,
        MUL,
        product_of_powers,
        (f.exp,),
    ),
)
BY_OP: Final = by_op(EQUAL_EXPONENTIALS)


def without_equal_exponentials(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with exponentials that are equal but for powers as one; names are looked into."""
    order = toposort(roots)
    if not _has_exponentials(order):
        return roots
    return rewritten(roots, changes_by(BY_OP, limit=1))


def _has_exponentials(order: Iterable[Expr]) -> bool:
    """Whether there are a few exponentials of more than a multiple of a symbol, two at least."""
    composed = (node for node in order if node.op is f.exp and node.args[0].size_as_tree > 3)
    return 2 <= len(list(islice(composed, MAX_EXPONENTIALS + 1))) <= MAX_EXPONENTIALS
