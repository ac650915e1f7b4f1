"""Sums and products in which there is nothing to collect, seen from their operands alone.

Most of those in a large graph are: they are what the constructors made of operands that have nothing in
common. To see that takes a look at each operand; to collect takes maps, and nodes that are made anew. What
is plain here is what collecting would leave as it is; whatever is not seen to be so is collected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from symgrad.expr.leaves import CONST, is_number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.determinant import COFACTORS
from symgrad.ops.einsum import EINSUM
from symgrad.ops.guard import WHERE
from symgrad.ops.layout import EMBED
from symgrad.ops.power_derivatives import POWER_DERIVATIVE

_GATHERED: Final = (MUL, POW, WHERE, EINSUM, COFACTORS, POWER_DERIVATIVE, f.sign, f.absolute)
_TRIGONOMETRIC: Final = (f.sin, f.cos, f.tan, f.sinh, f.cosh, f.tanh)


def is_plain_product(factors: Sequence[Expr], alone: Sequence[bool]) -> bool:
    """Whether factors have bases that differ, and none that a rule on products looks for.

    `alone` says which factors are used in this product only: the number of such a sum moves out of it.
    """
    first = factors[0]
    start = 0
    if first.op is CONST:
        value = value_of(first)
        if value is None or not first.ty.weak or value in (0, 1):
            return False
        start = 1
    bases: set[Expr] = set()
    sums = exponentials = angles = 0
    for x, single in zip(factors[start:], alone[start:], strict=True):
        base = x
        if x.op is POW:
            base, p = x.args
            if value_of(p) is None or base.op is f.exp:
                return False
        op = base.op
        if base in bases or op is CONST or op in _GATHERED or base.ty is BOOL:
            return False
        if op is ADD:
            if single and base is x:
                return False
            sums += 1
        elif op is f.exp:
            exponentials += 1
        elif op in _TRIGONOMETRIC:
            angles += 1
        bases.add(base)
    return exponentials < 2 and angles < 2 and (not sums or (sums == 1 and not exponentials))


def is_plain_sum(terms: Sequence[Expr]) -> bool:
    """Whether terms differ by more than a number, and none is of a kind that rules on sums look for."""
    seen: set[Any] = set()
    contractions = 0
    for k, term in enumerate(terms):
        op = term.op
        factors = term.args if op is MUL else (term,)
        if op is MUL:
            if factors[0].op is CONST and value_of(factors[0]) is not None:
                factors = factors[1:]
        elif op in (ADD, WHERE, EMBED) or (is_number(term) and _moves(term, k + 1 < len(terms))):
            return False
        elif op is EINSUM and len(term.args) > 1:
            contractions += 1
        key = factors[0] if len(factors) == 1 else factors
        if key in seen or any(map(_is_square_of_circle, factors)):
            return False
        seen.add(key)
    return contractions < 2


def _moves(constant: Expr, ahead: bool) -> bool:
    """Whether a number is not yet where it belongs: at the end, and gone where it is 0."""
    return ahead or value_of(constant) == 0


def _is_square_of_circle(x: Expr) -> bool:
    return x.op is POW and x.args[0].op in _TRIGONOMETRIC
