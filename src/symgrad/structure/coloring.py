"""Columns that share no row, computed together: Curtis, Powell and Reid's groups of columns.

A. R. Curtis, M. J. D. Powell, J. K. Reid, On the estimation of sparse Jacobian matrices, IMA J. Appl.
Math. 13, 1974. A Jacobian times a seed matrix with one column for each group holds every entry of the
Jacobian. The product is formed in the graph: a Jacobian is linear in the identity of its columns, and
the seed takes the place of that identity.
Of a symmetric matrix there may be fewer groups: see `symgrad.structure.star`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.expr.leaves import CONST, EYE, constant, is_number, number
from symgrad.expr.node import Expr
from symgrad.expr.traverse import toposort
from symgrad.ops.arithmetic import ADD, MUL
from symgrad.ops.einsum import EINSUM, broadcast, einsum_node, is_layout, relabel, transpose_axes
from symgrad.ops.gathering import SCATTER
from symgrad.ops.guard import WHERE
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.symmetry import is_symmetric
from symgrad.structure.entries import is_linear
from symgrad.structure.picks import taken
from symgrad.structure.star import is_mirrored, star_groups, star_places


def column_groups(rows: Any, columns: Any, width: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The group of each column, greedily: columns of one group have no row in common.

    >>> import numpy as np
    >>> column_groups(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 2, 2, 3]), 4).tolist()
    [0, 1, 0, 1]
    """
    groups = np.zeros(width, np.int64)
    seen: dict[int, set[int]] = {}
    order = np.argsort(columns, kind="stable")
    bounds = np.searchsorted(columns[order], np.arange(width + 1))
    for column in range(width):
        touched = rows[order[bounds[column] : bounds[column + 1]]].tolist()
        used = set().union(*[seen.get(r, ()) for r in touched])
        group = next(k for k in range(width) if k not in used)
        groups[column] = group
        for r in touched:
            seen.setdefault(r, set()).add(group)
    return groups


def cost(root: Expr) -> int:
    """About how many entrywise operations a formula of known extents takes."""
    total = 0
    for node in toposort([root]):
        made = node.args[0] if node.op is SCATTER else node
        size = int(np.prod(made.shape, dtype=np.int64)) if node.args else 0
        if node.op is EINSUM and not is_layout(node):
            size = _product_cost(node)
        total += size if node.op.elementwise else size * (node.op.cost or 1)
    return total


def _product_cost(node: Expr) -> int:
    """Of a product: as its two largest operands meet."""
    pairs = sorted(zip(node.args, node.params.inputs, strict=True), key=lambda pair: -len(pair[1]))
    extents: dict[int, int] = {}
    for x, labels in pairs[:2]:
        extents.update(zip(labels, x.shape, strict=True))
    return int(np.prod(list(extents.values()), dtype=np.int64))


class Grouped(NamedTuple):
    """Entries by groups of columns, how many groups there are, and whether symmetry made them fewer."""

    values: Expr
    number: int
    mirrored: bool

    @property
    def how(self) -> str:
        """A description."""
        return f"{self.number} groups of columns" + (" and symmetry" if self.mirrored else "")


def grouped_values(J: Expr, at: Any) -> Grouped | None:
    """The entries of a matrix at C-order positions by groups of columns.

    None where the graph does not show the identity that the seed takes the place of.
    """
    rows, columns = np.divmod(at, J.shape[1])
    groups = column_groups(rows, columns, J.shape[1])
    count = int(groups.max(initial=-1)) + 1
    places, mirrored = rows * count + groups[columns], False
    if count > 1 and is_symmetric(J) and is_mirrored(rows, columns, J.shape[1]):
        star = star_groups(rows, columns, J.shape[1])
        if star.max() + 1 < count:
            groups, count, mirrored = star, int(star.max()) + 1, True
            places = star_places(rows, columns, groups, count)
    if not count or count >= J.shape[1]:
        return None
    seed = constant(np.eye(count)[groups].astype(J.dtype))
    product = _seeded(J, seed)
    if product is None:
        return None
    flat = reshape_to(product, (J.shape[0] * count,))
    return Grouped(taken(flat, places), count, mirrored)


# A matrix times the seed, through the graph


class SeedRequest(NamedTuple):
    """A node whose axis `axis` holds the columns."""

    node: Expr
    axis: int


class SeedStep(NamedTuple):
    """The operands that must be multiplied by the seed, and what is made of them."""

    needs: list[SeedRequest]
    make: Callable[[list[Expr]], Expr]


def _seeded(J: Expr, seed: Expr) -> Expr | None:
    """``J @ seed``, where the columns of J come from identities alone; else None."""
    first = SeedRequest(J, 1)
    steps: dict[SeedRequest, SeedStep] = {}
    done: dict[SeedRequest, Expr] = {}
    stack = [first]
    while stack:
        request = stack[-1]
        if request in done:
            stack.pop()
        elif request in steps:
            stack.pop()
            step = steps[request]
            done[request] = step.make([done[r] for r in step.needs])
        else:
            found = RULES.get(request.node.op, _by_record)(*request, seed)
            if found is None:
                return None
            steps[request] = found
            stack.extend([r for r in found.needs if r not in done])
    return done[first]


def _eye(node: Expr, axis: int, seed: Expr) -> SeedStep | None:
    return SeedStep([], lambda parts: seed if axis else transpose_axes(seed, (1, 0)))


def _sum(node: Expr, axis: int, seed: Expr) -> SeedStep | None:
    return SeedStep(
        [SeedRequest(x, axis) for x in node.args], lambda parts: ADD.build(tuple(parts), ())
    )


def _by_record(node: Expr, axis: int, seed: Expr) -> SeedStep | None:
    """By the rule of the record; a linear function of entries passes the product on."""
    if node.op.columns is not None:
        found = node.op.columns(node, axis, seed)
        return (
            None if found is None else SeedStep([SeedRequest(*pair) for pair in found[0]], found[1])
        )
    if not (node.op.elementwise and is_linear(node)):
        return None
    return SeedStep(
        [SeedRequest(x, axis) for x in node.args],
        lambda parts: node.op.build(tuple(parts), node.params),
    )


def _narrowed(x: Expr, axis: int, count: int) -> Expr | None:
    """A tensor that is the same in all columns, with `count` of them; None if it is not."""
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    if is_number(x):
        value, _, _, ty = x.params
        return number(value, shape, ty)
    if not is_layout(x):
        return None
    (labels,), out, _ = x.params
    if out[axis] in labels:
        return None
    full = dict(zip(out, shape, strict=True))
    full.update(zip(labels, x.args[0].shape, strict=True))
    return relabel(x.args[0], labels, out, full)


def _product(node: Expr, axis: int, seed: Expr) -> SeedStep | None:
    """One factor has columns of its own."""
    fixed = [_narrowed(x, axis, seed.shape[1]) for x in node.args]
    moving = [k for k, x in enumerate(fixed) if x is None]
    if len(moving) != 1:
        return None

    def make(parts: list[Expr]) -> Expr:
        return node.op.build(tuple([parts[0] if x is None else x for x in fixed]), node.params)

    return SeedStep([SeedRequest(node.args[moving[0]], axis)], make)


def _choice(node: Expr, axis: int, seed: Expr) -> SeedStep | None:
    condition = _narrowed(node.args[0], axis, seed.shape[1])
    if condition is None:
        return None
    needs: list[SeedRequest] = []
    places: list[int | None] = []
    for x in node.args[1:]:
        zero = is_number(x) and x.params[0] == 0
        places.append(None if zero else len(needs))
        if not zero:
            needs.append(SeedRequest(x, axis))

    def make(parts: list[Expr]) -> Expr:
        zero = number(0, condition.shape)
        return WHERE.build((condition, *[zero if k is None else parts[k] for k in places]), ())

    return SeedStep(needs, make)


def _einsum(node: Expr, axis: int, seed: Expr) -> SeedStep | None:
    inputs, out, spread = node.params
    column = out[axis]
    holders = [k for k, labels in enumerate(inputs) if column in labels]
    identities = [k for k in holders if node.args[k].op is EYE]
    if len(holders) == 1 and inputs[holders[0]].count(column) == 1:
        (k,) = holders

        def make(parts: list[Expr]) -> Expr:
            operands = [*node.args[:k], parts[0], *node.args[k + 1 :]]
            return einsum_node(operands, list(inputs), out, dict(spread))

        return SeedStep([SeedRequest(node.args[k], inputs[k].index(column))], make)
    if not identities:
        return None
    k = identities[0]
    row = next((n for n in inputs[k] if n != column), None)
    if row is None:
        return None
    fresh = max([n for ls in (*inputs, out) for n in ls]) + 1
    labels = [tuple([row if n == column else n for n in ls]) for ls in inputs]
    labels[k] = (row, fresh)
    target = tuple([fresh if n == column else n for n in out])

    def joined(parts: list[Expr]) -> Expr:
        operands = [*node.args[:k], seed, *node.args[k + 1 :]]
        return einsum_node(operands, labels, target, dict(spread))

    return SeedStep([], joined)


def _constant(node: Expr, axis: int, seed: Expr) -> SeedStep | None:
    """Arrays are multiplied at once; zeros stay zeros; other numbers are full columns."""
    if not is_number(node):
        product = np.tensordot(node.params[0].array, seed.params[0].array, (axis, 0))
        return SeedStep([], lambda parts: constant(np.moveaxis(product, -1, axis)))
    shape = (*node.shape[:axis], seed.shape[1], *node.shape[axis + 1 :])
    if node.params[0] != 0:
        return None
    return SeedStep([], lambda parts: broadcast(number(0, (), node.ty), shape))


Rule = Callable[[Expr, int, Expr], SeedStep | None]

RULES: Final[dict[Any, Rule]] = {
    EYE: _eye,
    CONST: _constant,
    ADD: _sum,
    MUL: _product,
    EINSUM: _einsum,
    WHERE: _choice,
}
