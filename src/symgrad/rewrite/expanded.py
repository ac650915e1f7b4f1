"""A formula written out: a sum of monomials, in which equal formulas that were written differently meet.

A monomial is a product of exact powers of bases. Sums, products, powers of sums to small integers, names
and logarithms of products are opened; anything else is a base. Floats are the fractions that they are, so
two formulas that agree here are the same real function wherever both are defined.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.ranges import is_positive
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.einsum import EINSUM, is_layout
from symgrad.ops.named import NAMED
from symgrad.ops.shown import SHOWN
from symgrad.rewrite.powers import Exact, Powers, as_term, times
from symgrad.rewrite.ratios import raised

Monomial = frozenset[tuple[Expr, Exact]]
Expanded = dict[Monomial, Exact]

MAX_TREE: Final = 400  # nodes, as a tree, of a formula that is written out
MAX_MONOMIALS: Final = 40
MAX_DEGREE: Final = 4
OPENED: Final = (ADD, MUL, POW, NAMED, SHOWN, f.log, f.exp)
ONE: Final[Monomial] = frozenset()


def expanded(x: Expr) -> Expanded | None:
    """The monomials of a formula; None where there would be many, or a number is no finite one."""
    if x.size_as_tree > MAX_TREE:
        return None
    found: dict[Expr, Expanded] = {}
    for node in opened_nodes(x):
        made = _monomials(node, found)
        if made is None or len(made) > MAX_MONOMIALS:
            return None
        found[node] = made
    return found[x]


def logarithm_in(monomial: Monomial) -> Expr | None:
    """u of the monomial ``log(u)``."""
    if len(monomial) != 1:
        return None
    ((base, n),) = monomial
    return base.args[0] if n == 1 and base.op is f.log else None


def opened_nodes(x: Expr) -> list[Expr]:
    """The nodes of a formula down to what is a base, operands first."""
    order: list[Expr] = []
    seen: set[Expr] = set()
    stack = [(x, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            if node.op in OPENED or is_layout(node):
                stack += [(arg, False) for arg in node.args]
    return order


def _monomials(node: Expr, found: dict[Expr, Expanded]) -> Expanded | None:
    value = value_of(node)
    if value is not None:
        if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
            return None
        return {ONE: exact(Fraction(value))} if value != 0 else {}
    parts = [found[arg] for arg in node.args if arg in found]
    if node.op in (NAMED, SHOWN):
        return parts[0]
    if node.op is ADD:
        return sum_of(parts)
    if node.op is MUL:
        return product_of(parts)
    made = None
    if node.op is POW:
        made = _power(node, parts[0])
    elif node.op is f.log:
        made = _logarithm(node, parts[0], found)
    elif is_layout(node):
        made = _stretched(node, parts[0])
    return _base(node) if made is None else made


def sum_of(parts: list[Expanded]) -> Expanded:
    total: Expanded = {}
    for part in parts:
        for monomial, c in part.items():
            _put(total, monomial, c)
    return total


def product_of(parts: list[Expanded]) -> Expanded | None:
    total: Expanded = {ONE: 1}
    for part in parts:
        if len(part) * len(total) > MAX_MONOMIALS**2:
            return None
        longer: Expanded = {}
        for m, c in total.items():
            for n, d in part.items():
                _put(longer, frozenset(times(dict(m), dict(n)).items()), c * d)
        total = longer
    return total


def _put(total: Expanded, monomial: Monomial, c: Exact) -> None:
    c = exact(Fraction(total.get(monomial, 0) + c))
    if c == 0:
        total.pop(monomial, None)
    else:
        total[monomial] = c


def _power(node: Expr, base: Expanded) -> Expanded | None:
    """A power of one monomial, or of a sum to a small integer; None where it is a base itself."""
    n = value_of(node.args[1])
    if not is_exact(n) or isinstance(n, bool) or not base:
        return None
    if len(base) == 1:
        ((monomial, c),) = base.items()
        term = raised((c, dict(monomial)), n)
        return None if term is None else {frozenset(term[1].items()): term[0]}
    if n.__class__ is int and 0 < n <= MAX_DEGREE:
        return product_of([base] * n)
    return {frozenset({(node.args[0], n)}): 1}


def _logarithm(node: Expr, inside: Expanded, found: dict[Expr, Expanded]) -> Expanded | None:
    """``log(c*a**m*exp(u)**n*b) = log(c) + m*log(a) + n*u + log(b)`` for positive c and a."""
    if len(inside) != 1:
        return None
    ((monomial, c),) = inside.items()
    size = c if c > 0 else -c
    rest: Powers = {} if c > 0 else {number(-1, node.shape): 1}
    total: Expanded = {} if size == 1 else _base(f.log(number(size, node.shape)))
    for base, n in monomial:
        known = found.get(base.args[0]) if base.op is f.exp else _base(f.log(base))
        if not is_positive(base):
            rest[base] = n
        elif known is None:
            return None
        else:
            for part, d in known.items():
                _put(total, part, n * d)
    if rest:
        _put(total, frozenset({(f.log(as_term(rest, node)), 1)}), 1)
    return total


def _stretched(node: Expr, inside: Expanded) -> Expanded:
    """A broadcast of a sum of monomials as that of the broadcasts of their bases, where these fit."""
    shape = node.args[0].shape
    if any(base.shape != shape for monomial in inside for base, _ in monomial):
        return _base(node)
    return {
        frozenset({(EINSUM.build((base,), node.params), n) for base, n in monomial}): c
        for monomial, c in inside.items()
    }


def _base(x: Expr) -> Expanded:
    return {frozenset({(x, 1)}): 1}


def exact(c: Fraction) -> Exact:
    """A fraction, as an int where it is one."""
    return c.numerator if c.denominator == 1 else c
