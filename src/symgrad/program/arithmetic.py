"""Lowering of sums, products and powers, with strength reduction on the way.

A sum becomes additions and subtractions, a product multiplications and at most one division, a power
repeated squaring, square roots and reciprocals. Operands of smaller shape are combined first: what
depends on scalars only is computed once.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np

from symgrad.expr.dims import broadcast_shapes
from symgrad.expr.kinds import (
    ADD,
    DIVIDE,
    MULTIPLY,
    NEGATIVE,
    POWER,
    SQRT,
    SUBTRACT,
    Extent,
    Kind,
    PerExtent,
)
from symgrad.expr.leaves import value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import as_float, is_exact, power_value
from symgrad.ops.arithmetic import MAX_UNROLLED, MUL, POW
from symgrad.program.ir import (
    Program,
    Value,
)

Lookup = Callable[[Expr], Value]


def as_literal(value: Any) -> Any:
    """A number as it stands in code: Fractions become floats."""
    return as_float(value) if isinstance(value, Fraction) else value


def _on_floats(ufunc: np.ufunc, x: Any, y: Any) -> float:
    """``ufunc(x, y)`` of two numbers on floats: inf and nan, never an exception."""
    with np.errstate(all="ignore"):
        return float(ufunc(as_float(x), as_float(y)))


def binary(p: Program, kind: Kind, a: Value, b: Value) -> Value:
    """One binary instruction; numbers are computed at once."""
    x, y = p.number_of(a), p.number_of(b)
    if x is not None and y is not None:
        value = _compute(kind, x, y)
        if value is not None:
            return p.literal(value)
    if kind == MULTIPLY:
        if x is not None and x == 1:
            return b
        if y is not None and y == 1:
            return a
        if y is not None and x is None:
            a, b = b, a
    elif kind == DIVIDE:
        if y is not None and y == 1:
            return a
        if x is not None and _is_extent(p, b):
            kind = PerExtent()
    return p.emit(kind, (a, b), broadcast_shapes(p.instrs[a].shape, p.instrs[b].shape))


def _is_extent(p: Program, v: Value) -> bool:
    """Whether a value is a Python int when the program runs: an extent, or a product of extents."""
    if p.number_of(v) is not None:
        return False
    waiting = [v]
    while waiting:
        v = waiting.pop()
        instr = p.instrs[v]
        if p.number_of(v).__class__ is int or isinstance(instr.kind, Extent):
            continue
        if instr.shape != () or instr.kind not in (MULTIPLY, ADD, SUBTRACT):
            return False
        waiting += instr.args
    return True


_ON_NUMBERS: Final = {
    ADD: (operator.add, np.add),
    SUBTRACT: (operator.sub, np.subtract),
    MULTIPLY: (operator.mul, np.multiply),
    DIVIDE: (operator.truediv, np.divide),
}


def _compute(kind: Kind, x: Any, y: Any) -> Any:
    if isinstance(x, bool) or isinstance(y, bool):
        return None
    if kind not in _ON_NUMBERS:
        return None
    exact, ufunc = _ON_NUMBERS[kind]
    try:
        return exact(x, y)
    except (ZeroDivisionError, OverflowError):
        return _on_floats(ufunc, x, y)


def negated(p: Program, a: Value) -> Value:
    """``-a``."""
    x = p.number_of(a)
    if x is not None and not isinstance(x, bool):
        return p.literal(-x)
    return p.emit(NEGATIVE, (a,), p.instrs[a].shape)


# Sums


def lower_sum(p: Program, node: Expr, value: Lookup) -> Value:
    """A sum: positive terms first where the first is negative, small shapes together.

    A number that all terms are multiplied by comes last: ``a/2 - b/2`` is ``(a - b)/2``.
    """
    common = _common_number(node)
    terms = [_signed_term(p, arg, value, common) for arg in node.args]
    groups: dict[Any, list[tuple[bool, Value]]] = {}
    for negative, v in terms:
        groups.setdefault(p.instrs[v].shape, []).append((negative, v))
    first, *others = sorted(groups, key=lambda shape: (len(shape), sum([d != 1 for d in shape])))
    total = _add_up(p, groups[first])
    for shape in others:
        total = _add_two(p, _add_up(p, groups[shape]), total)
    negative, v = total
    if common == 1:
        return negated(p, v) if negative else v
    top, bottom = _ratio(-common if negative else common)
    return binary(p, DIVIDE, binary(p, MULTIPLY, p.literal(top), v), p.literal(bottom))


def _common_number(node: Expr) -> int | Fraction:
    """The positive exact number by which all terms of a sum are multiplied, but for signs."""
    size = _size(node.args[0])
    if size in (0, 1) or any(_size(term) != size for term in node.args[1:]):
        return 1
    return size  # type: ignore[no-any-return]


def _size(term: Expr) -> Any:
    """The exact positive number in front of a term; 1 where there is none."""
    c: Any = value_of(term.args[0]) if term.op is MUL else None
    return abs(c) if is_exact(c) and not isinstance(c, bool) else 1


def _signed_term(
    p: Program, term: Expr, value: Lookup, common: int | Fraction
) -> tuple[bool, Value]:
    """A term as (whether it is subtracted, its absolute value over a common number)."""
    c = value_of(term)
    if c is not None and not isinstance(c, bool):
        return c < 0, p.literal(as_literal(abs(c)))
    if term.op is MUL:
        c = value_of(term.args[0])
        if c is not None and c < 0:
            scale = -1 if common == 1 else Fraction(-1) / common
            return True, lower_product(p, term, value, scale)
        if common != 1:
            return False, lower_product(p, term, value, scale=Fraction(1) / common)
    v = value(term)
    instr = p.instrs[v]
    return (True, instr.args[0]) if instr.kind == NEGATIVE else (False, v)


def _add_up(p: Program, terms: Sequence[tuple[bool, Value]]) -> tuple[bool, Value]:
    first = next((i for i, (negative, _) in enumerate(terms) if not negative), 0)
    total = terms[first]
    for i, term in enumerate(terms):
        if i != first:
            total = _add_two(p, total, term)
    return total


def _add_two(p: Program, a: tuple[bool, Value], b: tuple[bool, Value]) -> tuple[bool, Value]:
    if a[0] == b[0]:
        return a[0], binary(p, ADD, a[1], b[1])
    if a[0]:
        a, b = b, a
    return False, binary(p, SUBTRACT, a[1], b[1])


# Products


def lower_product(p: Program, node: Expr, value: Lookup, scale: int | Fraction = 1) -> Value:
    """A product times a number, as ``numerator / denominator`` with numbers in front."""
    over: list[Value] = []
    under: list[Value] = []
    coefficient: Any = scale
    for factor in node.args:
        c = value_of(factor)
        if c is not None and not isinstance(c, bool):
            coefficient = coefficient * c
            continue
        if factor.op is POW:
            n = value_of(factor.args[1])
            if is_exact(n) and n < 0:
                under.append(lower_power(p, value(factor.args[0]), -n))
                continue
        over.append(value(factor))
    coefficient, over, under = _without_signs(p, coefficient, over, under)
    top, bottom = _ratio(abs(coefficient))
    negative = coefficient < 0
    if negative and (top != 1 or not over):
        top, negative = -top, False
    elif negative:
        negative = not _negate_smallest(p, over)
    numerator = _times(p, [*([p.literal(top)] if top != 1 or not over else []), *over])
    if bottom != 1:
        under.insert(0, p.literal(bottom))
    result = binary(p, DIVIDE, numerator, _times(p, under)) if under else numerator
    return negated(p, result) if negative else result


def _negate_smallest(p: Program, factors: list[Value]) -> bool:
    """Put a minus on the factor of fewest axes, if another has more; whether that was done."""
    ranks = [_rank(p, v) for v in factors]
    if min(ranks) == max(ranks):
        return False
    at = ranks.index(min(ranks))
    factors[at] = negated(p, factors[at])
    return True


def _rank(p: Program, v: Value) -> int:
    """The axes along which a value varies."""
    shape = p.instrs[v].shape
    return sum([d != 1 for d in shape]) if shape else 0


def _without_signs(
    p: Program, coefficient: Any, over: list[Value], under: list[Value]
) -> tuple[Any, list[Value], list[Value]]:
    """Factors that are negated give their signs to the number in front: ``(-a)*b`` is ``-(a*b)``."""
    flips = sum([p.instrs[v].kind is NEGATIVE for v in (*over, *under)])
    if not flips:
        return coefficient, over, under
    bare = [[_bare(p, v) for v in values] for values in (over, under)]
    return (-coefficient if flips % 2 else coefficient), bare[0], bare[1]


def _bare(p: Program, v: Value) -> Value:
    instr = p.instrs[v]
    return instr.args[0] if instr.kind == NEGATIVE else v


def _ratio(c: Any) -> tuple[Any, Any]:
    """A positive number as numerator and denominator, where floats hold both and need both."""
    if not isinstance(c, Fraction) or c.denominator == 1:
        return (c.numerator if isinstance(c, Fraction) else c), 1
    if c.denominator & (c.denominator - 1) == 0 or max(c.numerator, c.denominator) > 2**53:
        return as_literal(c), 1
    return c.numerator, c.denominator


def _times(p: Program, values: Sequence[Value]) -> Value:
    if len(values) == 1:
        return values[0]
    ordered = sorted(values, key=lambda v: _rank(p, v))
    total = ordered[0]
    for v in ordered[1:]:
        total = (
            p.emit(MULTIPLY, (v, v), p.instrs[v].shape)
            if v == total
            else binary(p, MULTIPLY, total, v)
        )
    return total


# Powers


def lower_power(p: Program, base: Value, n: int | Fraction) -> Value:
    """``base ** n`` for an exact exponent, by squaring, square roots and one division."""
    x = p.number_of(base)
    if x is not None:
        known = power_value(x, float(n) if isinstance(x, float) else n)
        return p.literal(_on_floats(np.power, x, n) if known is None else as_literal(known))
    if n < 0:
        return binary(p, DIVIDE, p.literal(1), lower_power(p, base, -n))
    shape = p.instrs[base].shape
    whole, rest = divmod(Fraction(n), 1)
    if whole > MAX_UNROLLED or rest not in (0, Fraction(1, 2)):
        return p.emit(POWER, (base, p.literal(as_literal(n))), shape)
    root = p.emit(SQRT, (base,), shape) if rest else None
    if whole == 0:
        assert root is not None
        return root
    power = _integer_power(p, base, int(whole))
    return power if root is None else binary(p, MULTIPLY, power, root)


def _integer_power(p: Program, base: Value, n: int) -> Value:
    """Binary powering: ``x**(2k) = (x**k)**2``, ``x**(2k+1) = x**(2k) * x``."""
    shape = p.instrs[base].shape
    result = base
    for bit in bin(n)[3:]:
        result = p.emit(MULTIPLY, (result, result), shape)
        if bit == "1":
            result = binary(p, MULTIPLY, result, base)
    return result


def lower_pow_node(p: Program, node: Expr, value: Lookup) -> Value:
    """A power node: exact exponents are reduced, others computed."""
    x, e = node.args
    n = value_of(e)
    if is_exact(n):
        return lower_power(p, value(x), n)
    a, b = value(x), value(e)
    known = p.number_of(a), p.number_of(b)
    if None not in known:
        return p.literal(_on_floats(np.power, *known))
    return p.emit(POWER, (a, b), broadcast_shapes(p.instrs[a].shape, p.instrs[b].shape))
