"""Sums and products as a reader orders them; powers as roots and reciprocals.

Everything here is linear in the number of operands looked at. Nothing builds a node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.order import (
    CONSTANT,
    NUMBER,
    PLAIN,
    SCALAR,
    number_text,
    place_of,
)
from symgrad.ops.arithmetic import MUL, POW
from symgrad.ops.arithmetic_order import place_of_power
from symgrad.ops.einsum import EINSUM, is_stretched_scalar

Merges = Callable[[Expr], bool]  # whether an operand may be written into the formula of its user

MAX_SHOWN: Final = 100  # operands of one node that are written out
MAX_FACTORS: Final = 64  # factors of a term that are looked at to sort it


# Signs


class Signed(NamedTuple):
    """``(-1)**negative * coefficient * product(factors)``, with a coefficient that has no sign."""

    negative: bool
    coefficient: Any
    factors: tuple[Expr, ...]


def coefficient_of(node: Expr) -> Any:
    """The value of a numeric node, or None; booleans do not count."""
    value = value_of(node)
    return None if value.__class__ is bool else value


def reading_value(node: Expr) -> Any:
    """The value of a number; a float of narrow dtype with the digits that its dtype needs."""
    value = value_of(node)
    if value.__class__ is float and not node.ty.weak and node.dtype.itemsize < 8:
        return float(str(node.dtype.type(value)))
    return value


def is_minus(value: Any) -> bool:
    """Whether a number prints with a minus sign."""
    return bool(value < 0) or (value == 0 and math.copysign(1.0, value) < 0)


def signed(term: Expr) -> Signed:
    """A term as sign, coefficient and remaining factors; a number has no factors.

    >>> from symgrad.expr.leaves import symbol
    >>> from symgrad.ops import table
    >>> x = symbol("x")
    >>> signed(-2 * x) == Signed(True, 2, (x,))
    True
    """
    is_product = term.op is MUL
    value = coefficient_of(term.args[0] if is_product else term)
    if value is None:
        return Signed(False, 1, term.args if is_product else (term,))
    rest = term.args[1:] if is_product else ()
    return Signed(True, -value, rest) if is_minus(value) else Signed(False, value, rest)


# The order of a sum


def ordered_terms(args: Sequence[Expr]) -> list[Expr]:
    """Terms in the order in which a person writes them.

    Terms go by descending degree, those of one degree by names, after them those with functions and
    brackets; numbers go last. A sum does not start with a minus sign if it need not, but for
    polynomials: ``x**2 - 2*x + 1``, ``exp(x) + 1``, ``1 - x``, ``b + c - a``, ``-x**2 + 2*x + 1``.
    """
    numbers = [t for t in args if coefficient_of(t) is not None]
    terms = [t for t in args if coefficient_of(t) is None] if numbers else list(args)
    keyed = sorted([(_reading_key(t), k) for k, t in enumerate(terms)])
    order = [k for _, k in keyed]
    if order and _is_negative(terms[order[0]]):
        _start_with_plus([key for key, _ in keyed], order, terms, alone=len(args) == 2)
        plus = [t for t in numbers if not is_minus(coefficient_of(t))]
        if plus and all(_is_negative(t) for t in terms[:MAX_SHOWN]):
            return [*numbers, *[terms[k] for k in order]]
    return [*[terms[k] for k in order], *numbers]


def _start_with_plus(
    keys: list[ReadingKey], order: list[int], terms: Sequence[Expr], alone: bool
) -> None:
    """Let a sum that would start with a minus sign start with terms that have a plus sign.

    They are those of the same degree; else the first one there is, but not in a polynomial in descending
    powers of more than two terms.
    """
    same = sum(key.degree == keys[0].degree for key in keys)
    plus = [k for k in order[:same] if not _is_negative(terms[k])]
    if plus:
        order[:same] = [*plus, *[k for k in order[:same] if _is_negative(terms[k])]]
    elif alone or any(key.with_functions for key in keys[:MAX_SHOWN]):
        for at, k in enumerate(order[:MAX_SHOWN]):
            if not _is_negative(terms[k]):
                order.insert(0, order.pop(at))
                break


class ReadingKey(NamedTuple):
    """What the terms of a sum are sorted by."""

    degree: Any  # minus the total degree, functions and brackets counted as variables
    with_functions: bool
    factors: tuple[tuple[str, Any], ...]  # by their texts: base, minus exponent
    text: str


def _reading_key(term: Expr) -> ReadingKey:
    """In sums of arrays scalars are coefficients: ``A + c*eye(n)``."""
    degree: Any = 0
    with_functions = False
    factors: list[tuple[str, Any]] = []
    for base, exponent in _factors_of(term):
        if term.shape and base.order[0] == SCALAR:
            continue
        place = place_of(base)
        if place == CONSTANT:
            continue
        degree += exponent
        with_functions = with_functions or place not in PLAIN
        factors.append((base.order, -exponent))
    factors.sort()
    return ReadingKey(-degree, with_functions, tuple(factors), term.order)


SYMBOLIC_DEGREE: Final = 2  # that of x**n


def _factors_of(term: Expr) -> list[tuple[Expr, Any]]:
    """The factors of a term as base and exponent, without numbers; those of a contraction, too."""
    found: list[tuple[Expr, Any]] = []
    stack = [term]
    while stack and len(found) < MAX_FACTORS:
        x = stack.pop()
        if x.op is MUL or x.op is EINSUM:
            stack.extend(x.args)
        elif x.op is POW and x.args[0].op is not MUL:
            n = coefficient_of(x.args[1])
            found.append((x.args[0], SYMBOLIC_DEGREE if n is None or n != n else n))
        elif coefficient_of(x) is None:
            found.append((x, 1))
    return found


def _is_negative(term: Expr) -> bool:
    """Whether a term starts with a minus sign; products nest in their first operand."""
    for _ in range(MAX_SHOWN):
        if term.op is not MUL:
            break
        term = term.args[0]
    value = coefficient_of(term)
    return value is not None and is_minus(value)


# Flat sums and products


class Sum(NamedTuple):
    """The terms of a sum, in order; `hidden` more are not shown."""

    children: tuple[Expr, ...]
    hidden: int


class Power(NamedTuple):
    """A factor: `base` to a positive number."""

    base: Expr
    exponent: Any


class Product(NamedTuple):
    """Sign, coefficient and factors over factors; `hidden` more factors are not shown.

    The coefficient is a number without sign; the parts of a Fraction belong above and below.
    """

    negative: bool
    coefficient: Any
    above: tuple[Power, ...]
    below: tuple[Power, ...]
    hidden: int

    @property
    def children(self) -> tuple[Expr, ...]:
        """The bases of all factors that are shown."""
        return tuple([factor.base for factor in (*self.above, *self.below)])


def flatten(node: Expr, merges: Merges) -> list[Expr]:
    """The operands of a sum or product, those of nested ones in their place."""
    op = node.op
    flat: list[Expr] = []
    stack = list(reversed(node.args))
    while stack:
        arg = stack.pop()
        while is_stretched_scalar(arg) and merges(arg):
            arg = arg.args[0]
        if arg.op is op and merges(arg):
            stack.extend(reversed(arg.args))
        else:
            flat.append(arg)
    return flat


def sum_of(node: Expr, merges: Merges) -> Sum:
    """A sum node for reading."""
    terms = ordered_terms(flatten(node, merges))
    return Sum(tuple(terms[:MAX_SHOWN]), max(0, len(terms) - MAX_SHOWN))


def product_of(node: Expr, merges: Merges) -> Product:
    """A product, or a power with a numeric exponent, for reading."""
    draft = _Draft()
    for factor in flatten(node, merges) if node.op is MUL else [node]:
        base, exponent = power_parts(factor)
        if coefficient_of(factor) is not None:
            draft.put_number(factor, above=True)
        elif exponent == -1 and base.op is MUL and merges(factor) and merges(base):
            for inner in _denominator(base, merges):
                draft.put(inner, above=False)
        elif is_minus(exponent):
            draft.below.append(Power(base, -exponent))
        else:
            draft.above.append(Power(base, exponent))
    return draft.finish()


def power_parts(node: Expr) -> tuple[Expr, Any]:
    """``(base, exponent)`` of a node with a numeric exponent; 1 for anything else."""
    if node.op is POW:
        exponent = coefficient_of(node.args[1])
        if exponent is not None:
            return node.args[0], exponent
    return node, 1


def _denominator(base: Expr, merges: Merges) -> list[Expr]:
    """The factors of a denominator; one that holds a quotient itself stays whole."""
    factors = flatten(base, merges)
    return [base] if any(is_minus(power_parts(f)[1]) for f in factors) else factors


def _order(factor: Power) -> str:
    """The text by which a factor is sorted; a number that is none of the coefficient goes first."""
    base, n = factor
    if place_of(base) == NUMBER:
        return f"{SCALAR}{CONSTANT}{base.order}"
    place = place_of_power(base, n)
    rest = base.order[2 if place == place_of(base) else 1 :]
    return f"{base.order[0]}{place}{rest}{number_text(n)}"


class _Draft:
    """A product being put together."""

    def __init__(self) -> None:
        self.negative = False
        self.coefficient: Any = 1
        self.above: list[Power] = []
        self.below: list[Power] = []

    def put(self, factor: Expr, above: bool) -> None:
        if coefficient_of(factor) is not None:
            self.put_number(factor, above)
        else:
            (self.above if above else self.below).append(Power(*power_parts(factor)))

    def put_number(self, factor: Expr, above: bool) -> None:
        """Exact numbers join the coefficient, as does one float; further floats stay factors."""
        value = reading_value(factor)
        sign = is_minus(value)
        size = -value if sign else value
        if is_exact(self.coefficient) and is_exact(size) and (above or size):
            self.coefficient *= size if above else Fraction(1) / size
        elif self.coefficient == 1 and is_exact(self.coefficient) and above:
            self.coefficient = size
        else:
            (self.above if above else self.below).append(Power(factor, 1))
            return
        self.negative ^= sign

    def finish(self) -> Product:
        above, below = sorted(self.above, key=_order), sorted(self.below, key=_order)
        hidden = max(0, len(above) - MAX_SHOWN) + max(0, len(below) - MAX_SHOWN)
        return Product(
            self.negative,
            self.coefficient,
            tuple(above[:MAX_SHOWN]),
            tuple(below[:MAX_SHOWN]),
            hidden,
        )
