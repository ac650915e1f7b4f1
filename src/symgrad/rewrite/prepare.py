"""What is done to a formula before it is differentiated.

What has a stable form takes it: in a derivative the exponentials and the sum that divides them drift
apart, and a logarithm of a tail leaves a quotient of two things that underflow. A product of a few
matrices becomes one Einsum, so that its derivative consists of whole products too:
``A @ X @ C + A.T @ X @ C.T`` for ``trace(X.T @ A @ X @ C)``. A value given at a removable
singularity becomes a smooth continuation. Sums and products of all eigenvalues become traces and
determinants. In a product of many the partial products are worth keeping, since its derivatives share
them.

A named part, and the formula around it, are prepared each on its own, so that no rule mixes them; a
removable singularity is looked for in the formula with its names written out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symgrad.expr.node import Expr
from symgrad.expr.rewriting import rewritten
from symgrad.expr.traverse import as_roots, ops_of, toposort
from symgrad.ops.decompositions import EIGH_VALUES
from symgrad.ops.named import NAMED
from symgrad.ops.shown import computed_forms
from symgrad.rewrite.canonical import canonical
from symgrad.rewrite.continued import continued
from symgrad.rewrite.matrices import EIGENVALUE_RULES
from symgrad.rewrite.matrix_powers import OF_PRODUCTS
from symgrad.rewrite.names import (
    NO_NAMES,
    Recall,
    definitions_written_out,
    named_parts,
    with_names,
)
from symgrad.rewrite.removable import differentiable_at_zero
from symgrad.rewrite.rule import by_op, changes_by
from symgrad.rewrite.simplify import MAX_READ
from symgrad.rewrite.stability import closed_forms
from symgrad.rewrite.structured import OF_STRUCTURE, by_structure
from symgrad.rewrite.tensor import merged_products

OF_EIGENVALUES: Final = changes_by(by_op(EIGENVALUE_RULES))
POWERS: Final = changes_by(OF_PRODUCTS)
MAX_FACTORS: Final = 6  # of a product that is differentiated as a whole


def prepared(roots: Sequence[Expr]) -> tuple[Sequence[Expr], list[Expr], Recall]:
    """The roots in the form to differentiate, their topological order, and how to find names again."""
    roots = computed_forms(roots)
    order = toposort(roots)
    parts = named_parts(order)
    if not parts:
        return *_prepared(roots), NO_NAMES
    whole = definitions_written_out([*roots, *[part.args[0] for part in parts]])
    if _has_smooth_guard(whole):
        ready, order = _prepared(whole)
        bodies = ready[len(roots) :]
        images = [NAMED.build((x,), p.params) for x, p in zip(bodies, parts, strict=True)]
        return ready[: len(roots)], order, Recall(parts, images)
    ready, recall = with_names(roots, parts, lambda pieces: _prepared(pieces)[0])
    return ready, toposort(ready), recall


def _has_smooth_guard(roots: Sequence[Expr]) -> bool:
    after = differentiable_at_zero(roots)
    return any(a is not b for a, b in zip(after, roots, strict=True))


def _prepared(roots: Sequence[Expr]) -> tuple[Sequence[Expr], list[Expr]]:
    roots = as_roots(roots)
    if len(toposort(roots)) <= MAX_READ:
        roots = canonical(roots)
    roots = as_roots(differentiable_at_zero(continued(closed_forms(roots))))
    if EIGH_VALUES in ops_of(roots):
        roots = rewritten(roots, OF_EIGENVALUES)
    roots = as_roots(by_structure(roots, OF_STRUCTURE))
    if len(toposort(roots)) <= MAX_READ:
        roots = as_roots(merged_products(rewritten(roots, POWERS), _is_short))
    return roots, toposort(roots)


def _is_short(inner: Expr, outer: Expr) -> bool:
    return len(inner.args) + len(outer.args) <= MAX_FACTORS
