"""How much a reader has to take in: the printed size of a scalar formula, counted without printing it.

A size is operators and calls, then characters: of two formulas with as many operations the one with
fewer characters is the shorter. A node that occurs twice is read twice. A `named` part is its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import is_number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.traverse import toposort
from symgrad.ops.arithmetic import ADD, MUL, POW

OPERATION: Final = 10  # characters that an operation weighs as much as
HUGE: Final = 1 << 40  # sizes beyond are all the same: a shared graph may print exponentially long


class Size(NamedTuple):
    """Operations, characters, whether brackets are needed around it in a product, and its sign.

    `fraction` tells whether it holds a fraction that a bar above or below it would be put over.
    """

    operations: int
    characters: int
    open: bool = False
    negative: bool = False
    fraction: bool = False

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
        return _sum([known[x] for x in node.args])
    if node.op is MUL or node.op is POW:
        return _product(node.args if node.op is MUL else (node,), known)
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


def _product(factors: Iterable[Expr], known: Sizes) -> Size:
    above: list[tuple[int, int]] = []
    below: list[tuple[int, int]] = []
    negative = False
    nested = 0  # sums of fractions
    for x in factors:
        value = value_of(x)
        if value is not None:
            negative ^= bool(value < 0)
            _put_number(abs(value), above, below)
        else:
            (below if _is_below(x) else above).append(_factor(x, known))
            base = x.args[0] if x.op is POW else x
            nested += base.op is ADD and known[base].fraction
    if not above:
        above.append((0, 1))
    operations = sum(n for n, _ in above) + len(above) - 1
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


def _factor(x: Expr, known: Sizes) -> tuple[int, int]:
    """A factor without the sign of its exponent."""
    if x.op is not POW:
        inner = known[x]
        return inner.operations, inner.characters + 2 * inner.open
    base, p = known[x.args[0]], x.args[1]
    n = value_of(p)
    brackets = 2 * (base.open or x.args[0].op in (MUL, POW))
    if n is None:
        exponent = known[p]
        closed = is_number(p) or p.op.label is not None or not p.args
        return (
            base.operations + exponent.operations + 1,
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
