"""``p*((1 - y)/(1 - p) - y/p)*(1 - p) -> p - y``: a factor that clears the denominators of a sum.

A product with a sum each of whose denominators stands among the other factors is multiplied out where
that is shorter. The sum must be needed here only. Denominators that cancel may be zero in the formula as
written, so the result may be defined at more points.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from symgrad.expr.leaves import is_number, number
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.ops.arithmetic import ADD, MUL, mul, raw_product, split_coefficient
from symgrad.ops.guard import WHERE, is_guard
from symgrad.rewrite.collect import collect_sum
from symgrad.rewrite.powers import Powers, as_term, powers_of, times

MAX_TERMS: Final = 6
MAX_FACTORS: Final = 8


def cleared(product: Expr, alone: Callable[[Expr], bool]) -> Expr:
    """`product` with a sum multiplied out whose denominators all cancel; itself where that is no gain."""
    if product.op is not MUL or not 1 < len(product.args) <= MAX_FACTORS:
        return product
    for place, x in enumerate(product.args):
        if x.op is ADD and len(x.args) <= MAX_TERMS and alone(x):
            shorter = _multiplied_out(product, place)
            if shorter is not None:
                return shorter
    return product


def _multiplied_out(product: Expr, place: int) -> Expr | None:
    total = product.args[place]
    others = [*product.args[:place], *product.args[place + 1 :]]
    if any(x.op is WHERE and is_guard(x) for x in (*others, *total.args)):
        return None
    number_of, rest = split_coefficient(raw_product(tuple(others)))
    if rest is None:
        return None
    terms = [split_coefficient(term) for term in total.args]
    below: Powers = {}
    for _, term in terms:
        for base, n in powers_of(term).items() if term is not None else ():
            if n < 0:
                below[base] = max(below.get(base, 0), -n)
    above = powers_of(rest)
    if not below or any(above.get(base, 0) < n for base, n in below.items()):
        return None
    written = [
        (
            1,
            mul(
                number(c, product.shape),
                _term(times(powers_of(t) if t is not None else {}, below), product),
            ),
        )
        for c, t in terms
    ]
    inside = collect_sum(written, product)
    left = as_term(times(above, {base: -n for base, n in below.items()}), product, number_of)
    result = inside if is_number(left) and left.params[0] == 1 else mul(left, inside)
    return result if _size(result) < _size(product) else None


def _term(powers: Powers, like: Expr) -> Expr:
    return as_term(powers, like) if powers else number(1, like.shape)


def _size(x: Expr) -> int:
    """The nodes of a formula, each as often as it is read."""
    size: dict[Expr, int] = {}
    for node in toposort([x]):
        size[node] = 1 + sum([size[arg] for arg in node.args])
    return size[x]
