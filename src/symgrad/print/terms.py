"""Sums and products as a reader orders them; powers as roots and reciprocals.

Everything here is linear in the number of operands looked at. Nothing builds a node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, NamedTuple

from symgrad.expr.leaves import CONST, NAMED_NUMBER, SIZE, SYMBOL, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.einsum import EINSUM, is_layout, is_stretched_scalar
from symgrad.ops.named import NAMED

Merges = Callable[[Expr], bool]  # whether an operand may be written into the formula of its user

MAX_SHOWN: Final = 100  # operands of one node that are written out


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

    Monomials go by descending degree, other sums stay as entered; numbers go last; of two terms a
    negative one goes second: ``x**2 - 2*x + 1``, ``exp(x) + 1``, ``1 - x``.
    """
    numbers = [t for t in args if coefficient_of(t) is not None]
    terms = [t for t in args if coefficient_of(t) is None] if numbers else list(args)
    degrees = _degrees(terms)
    if degrees is not None and any(a < b for a, b in pairwise(degrees)):
        order = sorted(range(len(terms)), key=lambda i: -degrees[i])
        terms = [terms[i] for i in order]
    terms += numbers
    if len(terms) == 2 and _is_negative(terms[0]) and not _is_negative(terms[1]):
        terms.reverse()
    return terms


def _is_negative(term: Expr) -> bool:
    """Whether a term starts with a minus sign; products nest in their first operand."""
    for _ in range(MAX_SHOWN):
        if term.op is not MUL:
            break
        term = term.args[0]
    value = coefficient_of(term)
    return value is not None and is_minus(value)


def _degrees(terms: Sequence[Expr]) -> list[int] | None:
    degrees = []
    for term in terms:
        degree = _degree(term)
        if degree is None:
            return None
        degrees.append(degree)
    return degrees


def _degree(term: Expr) -> int | None:
    """The total degree of a monomial, or None."""
    total = 0
    stack = [term]
    while stack:
        node = _unstretched(stack.pop())
        if node.op in _VARIABLES:
            total += 1
        elif node.op is MUL:
            stack.extend(node.args)
        elif node.op is POW:
            n = coefficient_of(node.args[1])
            if n.__class__ is not int or n < 0 or _unstretched(node.args[0]).op not in _VARIABLES:
                return None
            total += n
        elif node.op is not NAMED_NUMBER and coefficient_of(node) is None:
            return None
    return total


_VARIABLES: Final = (SYMBOL, NAMED, SIZE)


def _unstretched(node: Expr) -> Expr:
    while node.op is EINSUM and is_layout(node):
        node = node.args[0]
    return node


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


def _rank(factor: Power) -> int:
    """Powers of symbols go before functions, functions before sums, each kind as entered."""
    base = _unstretched(factor.base)
    if base.op in _VARIABLES or base.op in (CONST, NAMED_NUMBER):
        return 0
    return 2 if base.op is ADD else 1


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
        above, below = sorted(self.above, key=_rank), sorted(self.below, key=_rank)
        hidden = max(0, len(above) - MAX_SHOWN) + max(0, len(below) - MAX_SHOWN)
        return Product(
            self.negative,
            self.coefficient,
            tuple(above[:MAX_SHOWN]),
            tuple(below[:MAX_SHOWN]),
            hidden,
        )
