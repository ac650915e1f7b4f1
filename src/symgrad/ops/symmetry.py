"""When two products are one, and when a matrix equals its transpose.

Both are read off the labels of an Einsum, and each needs the other: a product is the same product
whichever way the axes of a symmetric operand are named, and ``X.T @ S @ X`` is symmetric since naming
its two axes the other way around gives the same product.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice, permutations, product
from typing import Any, Final

import numpy as np

from symgrad.expr.leaves import CONST, EYE, assumed, is_number
from symgrad.expr.node import Expr, remember_symmetry
from symgrad.expr.op import Params
from symgrad.ops.arithmetic import ADD, MUL

Labels = tuple[int, ...]

# The ways to number the labels of one product that are tried, at most
MAX_NUMBERINGS: Final = 64
# Among how many operands a symmetry is looked for
MAX_LOOKED_AT: Final = 8


def einsum_key(args: tuple[Expr, ...], params: Params) -> Any:
    """The product whatever the order of its operands, and of the axes of symmetric ones.

    Operands are sorted by identity; among equal operands, and among the two ways to write the axes of
    a symmetric matrix, the numbering of labels that comes first is taken.
    """
    if len(args) == 1:
        return args, params
    inputs, out, spread = params
    order = sorted(range(len(args)), key=lambda i: id(args[i]))
    operands = tuple([args[i] for i in order])
    best = min(
        numbered(labels, out, spread)
        for labels in _arrangements(operands, [inputs[i] for i in order])
    )
    return operands, best


def numbered(inputs: Sequence[Labels], out: Labels, spread: Any) -> Any:
    """Labels renumbered in order of appearance."""
    names: dict[int, int] = {}
    for labels in (*inputs, out):
        for n in labels:
            names.setdefault(n, len(names))
    return (
        tuple([names[n] for n in out]),
        tuple([tuple([names[n] for n in labels]) for labels in inputs]),
        tuple(sorted([(names[n], dim) for n, dim in spread], key=lambda pair: pair[0])),
    )


def _arrangements(operands: Sequence[Expr], inputs: list[Labels]) -> Iterable[list[Labels]]:
    """The ways to give labels to sorted operands that mean the same product."""
    choices: list[list[Sequence[Labels]]] = []
    start = 0
    while start < len(operands):
        stop = start
        while stop < len(operands) and operands[stop] is operands[start]:
            stop += 1
        group = inputs[start:stop]
        ways = [list(w) for w in permutations(group)] if len(group) <= 3 else [group]
        if is_symmetric(operands[start]):
            ways = [list(w) for way in ways for w in product(*[(ls, ls[::-1]) for ls in way])]
        choices.append(list(ways))
        start = stop
    return (
        [labels for way in ways for labels in way]
        for ways in islice(product(*choices), MAX_NUMBERINGS)
    )


def joined_by(inputs: Sequence[Labels], start: Labels) -> list[int]:
    """The operands that hang together with some labels."""
    reached = set(start)
    for _ in inputs:
        reached |= {n for labels in inputs if reached & set(labels) for n in labels}
    return [i for i, labels in enumerate(inputs) if reached & set(labels)]


# Symmetric matrices


def is_product(x: Expr) -> bool:
    """Whether `x` is an Einsum."""
    return x.op.key is einsum_key


def is_symmetric(x: Expr) -> bool:
    """Whether `x` is a matrix known to equal its transpose.

    Known of leaves and constants, inverses, entrywise functions of symmetric matrices, sums with the
    transposes of their terms, and products that read the same from both ends, such as ``X.T @ S @ X``
    and ``outer(v, v)``. Every node is looked at once in its life.
    """
    stack = [] if x.symmetric is not None else [x]
    while stack:
        node = stack[-1]
        square = node.ndim == 2 and node.shape[0] == node.shape[1]
        waiting = [arg for arg in node.args if arg.symmetric is None] if square else []
        if waiting and node.symmetric is None:
            stack += waiting
            continue
        stack.pop()
        if node.symmetric is None:
            remember_symmetry(node, square and _equals_its_transpose(node))
    return bool(x.symmetric)


def _equals_its_transpose(x: Expr) -> bool:
    """Whether a square matrix is symmetric, given what its operands are."""
    if x.op is CONST and not is_number(x):
        array = x.params[0].array
        return bool(np.array_equal(array, array.T))
    if not x.args:
        return x.op is EYE or is_number(x) or assumed(x, "symmetric", "spd", "diagonal")
    if is_product(x):
        return _reads_the_same_mirrored(x)
    if all(arg.symmetric for arg in x.args):
        return x.op.elementwise or x.op.keeps_symmetry
    return x.op is ADD and len(x.args) <= MAX_LOOKED_AT and _sums_to_its_transpose(x.args)


def _reads_the_same_mirrored(x: Expr) -> bool:
    """Whether exchanging the two axes of the result gives the same product."""
    inputs, (row, column), spread = x.params
    if len(x.args) == 1:
        (arg,) = x.args
        return arg.ndim == 0 or (not spread and bool(arg.symmetric))
    if len(x.args) > MAX_LOOKED_AT:
        return False
    pairs = list(zip(x.args, inputs, strict=True))
    if any(a.op is EYE and set(ls) == {row, column} for a, ls in pairs):
        return True  # a diagonal matrix
    ends = [sorted([id(a) for a, ls in pairs if n in ls]) for n in (row, column)]
    if ends[0] != ends[1]:
        return False
    mirrored = einsum_key(x.args, (inputs, (column, row), spread))
    return bool(einsum_key(x.args, x.params) == mirrored)


def _sums_to_its_transpose(terms: Sequence[Expr]) -> bool:
    """Whether the terms of a sum that are not symmetric come with their transposes: ``A + A.T``."""
    here: Counter[Any] = Counter()
    mirrored: Counter[Any] = Counter()
    for term in terms:
        if not term.symmetric:
            scaled = term.op is MUL and len(term.args) == 2 and is_number(term.args[0])
            c, x = term.args if scaled else (None, term)
            here[c, _orientation(x)] += 1
            mirrored[c, _orientation(x, mirrored=True)] += 1
    return here == mirrored


def _orientation(x: Expr, mirrored: bool = False) -> Any:
    """A matrix, or its transpose, as something to compare."""
    if not is_product(x):
        return x, mirrored
    inputs, out, spread = x.params
    if len(x.args) > 1:
        return einsum_key(x.args, (inputs, out[::-1] if mirrored else out, spread))
    turned = x.args[0].ndim == 2 and not spread and inputs[0] == out[::-1]
    return (x.args[0], not mirrored) if turned else (x, mirrored)
