"""One form for every way to write a product or a sum: in any order, in any grouping.

``x*log(x)*(1/y)*y**2`` and ``x*y**2*log(x)*(1/y)`` are two nodes as they are written, since a grouping may
keep a value from overflowing, or digits from cancelling. What is made of them, derivatives and simplified
formulas, is to be one node: it is made of a product of all factors, with integer powers of one base
put together, and of a sum of all terms, with like terms put together. A product or a sum that is needed
elsewhere stays whole, but for monomials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from symgrad.expr.leaves import is_number, is_value, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.numbers import plus, power_value, times
from symgrad.expr.op import Op
from symgrad.expr.order import PLAIN, in_order, place_of
from symgrad.expr.rewriting import Images, images, walk
from symgrad.expr.traverse import as_roots, toposort, uses_of
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    POW,
    is_scaled_far,
    mul_all,
    power,
    split_coefficient,
)
from symgrad.ops.grouping import of_one_type
from symgrad.ops.guard import WHERE, is_guard
from symgrad.rewrite.sums import Coefficients, as_sum, is_zero


def canonical(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with the products in products, and the sums in sums, that are needed once, taken apart."""
    roots = as_roots(roots)
    order = toposort(roots)
    if any(node.op is POW and is_value(node.args[0], 0) for node in order):
        return roots  # 0**2 * 0**-1 is undefined
    uses = uses_of(roots)
    parts = _parts_of_others(order, uses)

    def step(node: Expr, image: Images) -> Expr | None:
        kind = _kind(node)
        joined = kind is not None and _is_open(node) and _is_to_be_joined(node, kind, parts)
        return _JOINED[kind](node, parts, image) if kind and joined else None

    image = Images()
    whole = [node for node in order if node not in parts or uses[node] != 1]
    walk(whole, image, step_of=lambda op: step)
    return images(roots, image)


def _parts_of_others(order: Sequence[Expr], uses: Mapping[Expr, int]) -> set[Expr]:
    """The nodes that become part of what needs them: of one user, or of all where they are monomials."""
    found = set()
    for user in order:
        kind = _kind(user)
        if kind is not None and _is_open(user):
            for arg in user.args:
                if _kind(arg) is kind and _is_open(arg) and (uses[arg] == 1 or _is_monomial(arg)):
                    found.add(arg)
    return found


def _is_monomial(x: Expr) -> bool:
    return x.op is MUL and all(place_of(arg) in PLAIN for arg in x.args if not is_number(arg))


def _is_to_be_joined(node: Expr, kind: Op, parts: AbstractSet[Expr]) -> bool:
    """Whether a node has parts that are taken apart, or two that are put together."""
    if any(arg in parts and _kind(arg) is kind for arg in node.args):
        return True
    if node.op is POW or len(node.args) == 2:
        return False
    common = [_like(arg, kind) for arg in node.args]
    return len(set(common)) < len(common)


def _like(x: Expr, kind: Op) -> Expr | None:
    """What two terms, or two factors, that are put together have in common; None of numbers."""
    if is_number(x):
        return None
    return split_coefficient(x)[1] if kind is ADD else _int_power(x)[0]


def _kind(x: Expr) -> Op | None:
    """Whether a node is a sum, or a product or an integer power of one."""
    if x.op is not POW:
        return x.op if x.op in (ADD, MUL) else None
    base, n = x.args[0], value_of(x.args[1])
    if base.op not in (MUL, POW) or n.__class__ is not int:
        return None
    far = base.op is MUL and isinstance(value_of(base.args[0]), float) and abs(n) > 1
    return None if far else MUL


def _is_open(x: Expr) -> bool:
    """Whether operands may be regrouped: none is a branch, or a number out of range; all have one type."""
    operands = x.args[:1] if x.op is POW else x.args
    if not of_one_type(operands, x.ty) or is_scaled_far(x):
        return False
    return not any(arg.op is WHERE and is_guard(arg) for arg in operands)


def _sum(node: Expr, parts: AbstractSet[Expr], image: Images) -> Expr:
    """The sum of all terms; like terms are one term."""
    coefficients: Coefficients = {}
    constant: Any = 0
    for x in in_order([x for x, _ in _images(node, parts, image)]):
        c, rest = split_coefficient(x)
        if rest is None:
            constant = plus(constant, c)
        else:
            coefficients[rest] = plus(coefficients.get(rest, 0), c)
    return as_sum({x: c for x, c in coefficients.items() if not is_zero(c)}, constant, node)


def _product(node: Expr, parts: AbstractSet[Expr], image: Images) -> Expr:
    """The product of all factors; integer powers of one base are one power."""
    coefficient: Any = 1
    exponents: dict[Expr, int] = {}
    for x, n in _images(node, parts, image):
        if is_number(x):
            coefficient = times(coefficient, power_value(value_of(x), n))
        else:
            base, k = _int_power(x)
            exponents[base] = exponents.get(base, 0) + n * k
    built = in_order([power(base, number(n, base.shape)) for base, n in exponents.items() if n])
    scale = number(coefficient, node.shape)
    return mul_all([scale, *built]) if built else scale


def _int_power(x: Expr) -> tuple[Expr, int]:
    if x.op is POW:
        base, n = x.args[0], value_of(x.args[1])
        if n.__class__ is int and base.ty is x.ty:
            return base, n
    return x, 1


def _images(node: Expr, parts: AbstractSet[Expr], image: Images) -> Iterator[tuple[Expr, int]]:
    """The images of the operands of a node and of its parts, from left to right; with exponents.

    An operand that became a sum, or a product, is taken apart in its turn.
    """
    kind = _kind(node)
    stack = [(node, 1)]
    while stack:
        x, n = stack.pop()
        if x is not node and (x not in parts or _kind(x) is not kind):
            made = image[x]
            if made.op is kind and x.op is not kind and _is_open(made):
                yield from [(arg, n) for arg in made.args]
            else:
                yield made, n
        elif x.op is POW:
            stack.append((x.args[0], n * value_of(x.args[1])))
        else:
            stack.extend([(arg, n) for arg in reversed(x.args)])


_JOINED: Final = {ADD: _sum, MUL: _product}
