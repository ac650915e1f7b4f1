"""How much a reader has to take in: the printed size of a scalar formula, counted without printing it.

A size is operators and calls, then characters: of two formulas with as many operations the one with
fewer characters is the shorter. A node that occurs twice is read twice. A `named` part is its name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import is_number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.traverse import toposort
from symgrad.ops.arithmetic import ADD, MUL, POW, split_coefficient

OPERATION: Final = 10  # characters that an operation weighs as much as
MAX_TERMS: Final = 8  # of a sum in which common factors are looked for
HUGE: Final = 1 << 40  # sizes beyond are all the same: a shared graph may print exponentially long


class Size(NamedTuple):
    """Operations, characters, whether brackets are needed around it in a product, and its sign.

    `fraction` tells whether it holds a fraction that a bar above or below it would be put over, `shared`
    whether it is a sum whose terms share a number or a symbol, which belongs before the brackets.
    """

    operations: int
    characters: int
    open: bool = False
    negative: bool = False
    fraction: bool = False
    shared: bool = False

    @property
    def weight(self) -> int:
        """One number to compare."""
        return OPERATION * self.operations + self.characters


Sizes = dict[Expr, Size]


def size_of(root: Expr, known: Sizes) -> Size:
    """The printed size of `root`; `known` remembers that of every node looked at."""
    if root not in known:
        for node in toposort([root], skip=known):
            known[node] = _size(node, known)
    return known[root]


def _size(node: Expr, known: Sizes) -> Size:
    value = value_of(node)
    if value is not None:
        return _number(value)
    if node.op.label is not None or not node.args:
        return Size(0, len(str(node.params[0])) if node.params else 6)
    if node.op is ADD:
        size = _sum([known[x] for x in node.args])
        nested = sum(map(_is_nested_polynomial, node.args))
        return size._replace(operations=size.operations + nested, shared=_shares(node.args))
    if node.op is MUL:
        return _product(node.args, known, any(map(stands_above, node.args)))
    if node.op is POW:
        return _product((node,), known, False)
    if node.op.formula is not None:
        return size_of(node.op.formula(node), known)
    inner = [known[x] for x in node.args]
    return _limited(
        1 + sum(x.operations for x in inner),
        len(node.op.name) + 2 * len(inner) + sum(x.characters for x in inner),
    )


def _limited(
    operations: int,
    characters: int,
    open_: bool = False,
    negative: bool = False,
    fraction: bool = False,
) -> Size:
    return Size(min(operations, HUGE), min(characters, HUGE), open_, negative, fraction)


def _number(value: Any) -> Size:
    operations = (value < 0) + (value.__class__ is Fraction)
    return Size(int(operations), len(str(value)), bool(operations), bool(value < 0))


def _sum(terms: Iterable[Size]) -> Size:
    """A minus sign of a term is the operator before it, but for the first."""
    terms = list(terms)
    signs = sum(x.negative for x in terms)
    leading = int(signs == len(terms))
    operations = sum(x.operations for x in terms) - signs + len(terms) - 1 + leading
    characters = sum(x.characters for x in terms) - signs + 3 * (len(terms) - 1) + leading
    return _limited(operations, characters, True, bool(leading), any(x.fraction for x in terms))


def _is_nested_polynomial(term: Expr) -> bool:
    """``x*(x + 4)``, which in a sum reads worse than ``x**2 + 4*x``, and is no longer."""
    _, rest = split_coefficient(term)
    if rest is None or rest.op is not MUL:
        return False
    bases = {_base(x) for x in rest.args if x.op is not POW or not _is_below(x)}
    return any(
        _base(y) in bases
        for x in bases
        if x.op is ADD
        for part in x.args
        for y in _factors_of(part)
        if _base(y).op.label is not None
    )


def _factors_of(term: Expr) -> tuple[Expr, ...]:
    """The factors of a term, but for its number."""
    rest = split_coefficient(term)[1]
    return () if rest is None else rest.args if rest.op is MUL else (rest,)


def _base(factor: Expr) -> Expr:
    return factor.args[0] if factor.op is POW else factor


def _shares(terms: Sequence[Expr]) -> bool:
    """Whether a whole number divides all terms, or a symbol all of a sum without fractions."""
    if len(terms) > MAX_TERMS:
        return False
    common: set[Expr] | None = None
    number = 0
    for term in terms:
        value, _ = split_coefficient(term)
        if value.__class__ is not int:
            return False
        number = math.gcd(number, value)
        factors = _factors_of(term)
        symbols = {_base(x) for x in factors if _base(x).op.label is not None}
        if any(map(_is_below, factors)):
            symbols = set()
        common = symbols if common is None else common & symbols
    return number > 1 or bool(common)


def shares_factor(total: Expr) -> bool:
    """Whether one power of a symbol stands in all terms, and what is left is free of it: ``a*x - a``."""
    if len(total.args) > MAX_TERMS:
        return False
    common: dict[Expr, Any] | None = None
    for term in total.args:
        own = {x: n for x, n in map(_power_of_symbol, _factors_of(term)) if x is not None}
        common = own if common is None else {x: n for x, n in common.items() if own.get(x) == n}
        if not common:
            return False
    return True


def _power_of_symbol(factor: Expr) -> tuple[Expr | None, Any]:
    base = _base(factor)
    n = value_of(factor.args[1]) if factor.op is POW else 1
    return (base, n) if base.op.label is not None and n is not None and n > 0 else (None, n)


def _product(factors: Iterable[Expr], known: Sizes, over: bool) -> Size:
    """A product; `over` tells whether something stands above the bar, so that ``x**(-n)`` goes below."""
    above: list[tuple[int, int]] = []
    below: list[tuple[int, int]] = []
    negative = False
    nested = shared = 0  # sums of fractions, sums with a common factor
    for x in factors:
        value = value_of(x)
        if value is not None:
            negative ^= bool(value < 0)
            _put_number(abs(value), above, below)
        else:
            under = stands_below(x) if over else _is_below(x)
            (below if under else above).append(_factor(x, known, under))
            if _base(x).op is ADD:
                nested += known[_base(x)].fraction
                shared += known[_base(x)].shared
    if not above:
        above.append((0, 1))
    operations = sum(n for n, _ in above) + len(above) - 1 + shared
    characters = sum(n for _, n in above) + len(above) - 1
    if below:
        operations += sum(n for n, _ in below) + len(below) + nested
        characters += sum(n for _, n in below) + len(below) + 2 * (len(below) > 1)
    return _limited(operations + negative, characters + negative, False, negative, bool(below))


def _put_number(value: Any, above: list[tuple[int, int]], below: list[tuple[int, int]]) -> None:
    parts = (value.numerator, value.denominator) if is_exact(value) else (value, 1)
    for part, place in zip(parts, (above, below), strict=True):
        if part != 1:
            place.append((0, len(str(part))))


def _is_below(x: Expr) -> bool:
    n = value_of(x.args[1]) if x.op is POW else None
    return n is not None and bool(n < 0)


def stands_below(x: Expr) -> bool:
    """Whether a factor is printed as a divisor: its exponent, or every term of it, is negative."""
    if x.op is not POW:
        return False
    n = value_of(x.args[1])
    if n is not None:
        return bool(n < 0)
    terms = x.args[1].args if x.args[1].op is ADD else (x.args[1],)
    return len(terms) <= MAX_TERMS and all(split_coefficient(t)[0] < 0 for t in terms)


def stands_above(x: Expr) -> bool:
    """Whether a factor is printed above the bar; a sign is not."""
    value = value_of(x)
    return not stands_below(x) if value is None else abs(value) != 1 and not _is_unit_share(value)


def _is_unit_share(value: Any) -> bool:
    return value.__class__ is Fraction and abs(value.numerator) == 1


def _factor(x: Expr, known: Sizes, under: bool) -> tuple[int, int]:
    """A factor without the sign of its exponent."""
    if x.op is not POW:
        inner = known[x]
        return inner.operations, inner.characters + 2 * inner.open
    base, p = known[x.args[0]], x.args[1]
    n = value_of(p)
    brackets = 2 * (base.open or x.args[0].op in (MUL, POW))
    if n is None:
        exponent = known[p]
        if under:  # without its sign
            exponent = exponent._replace(
                operations=exponent.operations - 1, characters=exponent.characters - 1
            )
        closed = is_number(p) or p.op.label is not None or not p.args
        sign = value_of(x.args[0]) == -1  # of (-1)**n, which is read as one thing
        return (
            base.operations - sign + exponent.operations + 1,
            base.characters + brackets + 2 + exponent.characters + (0 if closed else 2),
        )
    size = abs(n)
    if size == Fraction(1, 2):
        return base.operations + 1, base.characters + 6
    if size == 1:
        return base.operations, base.characters + brackets
    shown = _number(size)
    return (
        base.operations + 1 + shown.operations,
        base.characters + brackets + 2 + shown.characters + 2 * shown.open,
    )
