"""Sums as pieces around a quantity u: products of what does not depend on u, and a formula of u alone.

A piece is replaced close to u = 0 by the polynomial that `symgrad.rewrite.smooth` finds for its formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symgrad.expr.leaves import number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import Images, transform
from symgrad.expr.traverse import depends_on, toposort
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul_all, power
from symgrad.ops.guard import choose
from symgrad.ops.polynomial import polyval
from symgrad.ops.scaled import quotient
from symgrad.rewrite.long_floats import FUNCTIONS
from symgrad.rewrite.one_quantity import OneQuantity
from symgrad.rewrite.one_variable import HELD, square_of
from symgrad.rewrite.smooth import Near, near_zero
from symgrad.rewrite.zero_guards import is_constant


@dataclass(frozen=True)
class NearPiece:
    """`factors` times the sum of `terms`, which are formulas of `u`, close to zero as `near` says."""

    factors: tuple[Expr, ...]
    u: Expr
    terms: tuple[Expr, ...]
    near: Near
    far: bool = False  # of 1/u near 0

    def built(self, made: Mapping[Expr, Expr]) -> Expr:
        """The piece as a choice between polynomial and formula, over the images of `u` and `factors`."""
        u = made[self.u]
        inner = transform(self.terms, lambda node: node, {self.u: u})
        formula = add_all([inner[t] for t in self.terms])
        if self.far:
            inside = f.greater_equal(f.absolute(u), number(1 / self.near.radius, u.shape))
            part = choose(inside, _polynomial(self.near, quotient(number(1, u.shape), u)), formula)
            return mul_all([*[made[x] for x in self.factors], part])
        if self.near.radius == 0:
            inside = f.equal(u, number(0, u.shape))
        else:
            inside = f.less_equal(f.absolute(u), number(self.near.radius, u.shape))
        part = choose(inside, _polynomial(self.near, u), formula)
        factors = [made[x] for x in self.factors]
        return mul_all([*factors, part]) if factors else part


@dataclass(frozen=True)
class NearPieces:
    """A sum as pieces around a quantity, and its other terms."""

    pieces: list[NearPiece]
    others: list[Expr]

    def inputs(self) -> list[Expr]:
        """The nodes of which images are needed to build the sum again."""
        return [*self.others, *[x for piece in self.pieces for x in (piece.u, *piece.factors)]]

    def built(self, image: Images) -> Expr:
        """The sum over images of its inputs, which are added to the images."""
        image.complete(self.inputs())
        rest = [image[t] for t in self.others]
        return add_all([*[piece.built(image) for piece in self.pieces], *rest])


def _polynomial(near: Near, u: Expr) -> Expr:
    variable = power(u, number(2, u.shape)) if near.even else u
    series = polyval(near.coefficients, variable)
    return mul_all([power(u, number(near.order, u.shape)), series]) if near.order else series


def is_negative(exponent: Expr) -> bool:
    n = value_of(exponent)
    return n is not None and not isinstance(n, bool) and bool(n < 0)


def innermost(u: Expr) -> Expr:
    """The quantity that functions of u are functions of: s of ``u = sqrt(s)``, whose powers are u's."""
    return (square_of(u) or [u])[0]


def is_known(node: Expr) -> bool:
    """Whether a node is a formula of its operands that can be evaluated near zero."""
    if node.op is POW:
        n, base = value_of(node.args[1]), value_of(node.args[0])
        return n is not None or (base is not None and not isinstance(base, bool) and base > 0)
    return bool(node.args) and (
        node.op in (ADD, MUL)
        or node.op in FUNCTIONS
        or (node.op in HELD and any(map(is_constant, node.args)))
    )


def _is_function(node: Expr) -> bool:
    return node.op in FUNCTIONS


def quantities_of(order: Sequence[Expr]) -> OneQuantity:
    """Which nodes of a topological order are formulas of one quantity."""
    return OneQuantity(order, is_constant, is_known, _is_function)


def split_around(
    node: Expr,
    u: Expr,
    alone: OneQuantity,
    near: Callable[[Sequence[Expr], Expr], Near | None] = near_zero,
    far: bool = False,
) -> NearPieces:
    """A sum of products as pieces around u; terms in which u mixes with other quantities are left.

    `near` tells of formulas of u what replaces their sum close to 0, or close to 1/u = 0.
    """
    order = toposort([node])
    parts = [x for x in u.args if not is_constant(x)] if u.op is MUL else []
    dependent = depends_on(order, [u, *parts])
    scaled, inner_most = _Scaled(order, u), innermost(u)
    groups: dict[tuple[Expr, ...], list[tuple[Expr, Expr]]] = {}
    split = NearPieces([], [])
    for term in node.args if node.op is ADD else (node,):
        factors: list[Expr] = []
        inside = [number(1, node.shape)]
        for x in flat_factors(term):
            if x is u or alone.is_of(x, inner_most):
                inside.append(x)
            elif x not in dependent:
                factors.append(x)
            elif (parts_of_x := scaled.of(x)) is not None:
                inside.append(parts_of_x[0])
                factors += parts_of_x[1]
            else:
                inside = []
                break
        if inside:
            rest: tuple[Expr, ...] = (mul_all(factors),) if factors else ()
            groups.setdefault(rest, []).append((mul_all(inside), term))
        else:
            split.others.append(term)
    for outer, pairs in groups.items():
        inner = tuple([formula for formula, _ in pairs])
        found = near(inner, u)
        if found is None:
            split.others.extend([term for _, term in pairs])
        else:
            split.pieces.append(NearPiece(outer, u, inner, found, far))
    return split


def flat_factors(term: Expr) -> list[Expr]:
    """The factors of a product, also those of products in it."""
    flat: list[Expr] = []
    stack = [term]
    while stack:
        x = stack.pop()
        if x.op is MUL:
            stack.extend(reversed(x.args))
        else:
            flat.append(x)
    return flat


class _Scaled:
    """For u = k*v, with v any factor of it: formulas F of v and k as ``k**d`` times a formula of u."""

    def __init__(self, order: Sequence[Expr], u: Expr) -> None:
        self.u, self.order = u, order
        numbers = [k for k in u.args if is_constant(k)] if u.op is MUL else []
        self.alone = mul_all([u, *[power(k, number(-1, k.shape)) for k in numbers]])  # v, for k = 1
        least: dict[Expr, Any] = {}
        for x in order if u.op is MUL else ():
            if x.op is POW and is_negative(x.args[1]):
                least[x.args[0]] = min(least.get(x.args[0], 0), value_of(x.args[1]))
        parts = [v for v in u.args if v in least] if u.op is MUL else []
        self.ways = [self._degrees(v) for v in sorted(parts, key=least.__getitem__)]

    def _degrees(self, v: Expr) -> tuple[Expr, list[Expr], dict[Expr, tuple[int, ...]]]:
        """The degree of every node in each factor of k, where it has one."""
        scales = [k for k in self.u.args if k is not v and not is_constant(k)]
        none = (0,) * len(scales)
        degrees = {k: tuple([int(k is other) for other in scales]) for k in scales}
        degrees[v], degrees[self.u] = (-1,) * len(scales), none
        for x in self.order:
            if x not in degrees:
                degree = none if is_constant(x) else _degree(x, degrees, none)
                if degree is not None:
                    degrees[x] = degree
        return v, scales, degrees

    def of(self, x: Expr) -> tuple[Expr, list[Expr]] | None:
        """The formula of u, and the powers of the factors of k; None if there are no such."""
        for v, scales, degrees in self.ways:
            if x in degrees and not any(x is k for k in scales):
                known = {v: self.alone, self.u: self.u}
                known |= {k: number(1, k.shape) for k in scales}
                formula = transform([x], lambda node: node, known)[x]
                powers = zip(scales, degrees[x], strict=True)
                return formula, [power(k, number(d, k.shape)) for k, d in powers if d]
        return None


def _degree(
    x: Expr, degrees: dict[Expr, tuple[int, ...]], none: tuple[int, ...]
) -> tuple[int, ...] | None:
    """The degree of a sum, product, power or function from those of its operands."""
    known = [degrees[arg] for arg in x.args if arg in degrees]
    if x.op is POW:
        n = value_of(x.args[1])
        whole = x.args[0] in degrees and n.__class__ is int
        return tuple([n * d for d in degrees[x.args[0]]]) if whole else None
    if not known or len(known) < len(x.args):
        return None
    if x.op is MUL:
        return tuple([sum(column) for column in zip(*known, strict=True)])
    if x.op is ADD:
        return known[0] if len(set(known)) == 1 else None
    return none if x.op in FUNCTIONS and known[0] == none else None
