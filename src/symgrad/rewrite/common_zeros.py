"""Sums of functions of one quantity that cancel near 0: ``x - sin(x)``, ``exp(2*x) - exp(x)``.

All terms are ordinary numbers near u = 0, but of their sum only the rounding is left there. It is replaced
by its polynomial as a formula with a removable singularity is, see `symgrad.rewrite.removable`: as far from
0 as that errs less. So is a function of a sum that is 0 there, ``gammaln(1 + x)``. A look at the formula in
doubles, at ``u = 2**-30``, tells which are worth the long floats.

Reference: Higham, Accuracy and Stability of Numerical Algorithms, 2002, sections 1.7 and 1.14.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symgrad.expr.leaves import is_number
from symgrad.expr.node import Expr
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.rewrite.long_floats import FUNCTIONS
from symgrad.rewrite.one_quantity import OneQuantity
from symgrad.rewrite.pieces import NearPieces, is_known, split_around
from symgrad.rewrite.smooth import Near, near_common_zero
from symgrad.rewrite.zero_guards import is_constant, quantity_of

MAX_TERMS: Final = 8  # of a sum that is looked at
MAX_TREE: Final = 150  # nodes, as a tree
MAX_QUANTITIES: Final = 4  # that may be the one which goes to zero


def may_cancel(node: Expr) -> bool:
    """Whether a node is a short sum of floats, not of quantities alone; or a function of 1 + u."""
    if node.dtype.kind != "f" or node.size_as_tree > MAX_TREE:
        return False
    if node.op is ADD:
        return len(node.args) <= MAX_TERMS and any(
            is_known(t) and not is_constant(t) for t in node.args
        )
    return (
        node.op in FUNCTIONS and node.args[0].op is ADD and any(map(is_number, node.args[0].args))
    )


def split_at_common_zero(node: Expr, alone: OneQuantity) -> NearPieces | None:
    """A sum split so that a piece which cancels is replaced near zero; None if there is none."""
    for u in quantities_in(node):
        split = split_around(node, u, alone, _near if node.op is ADD else near_common_zero)
        if split.pieces:
            return split
        if u.op is not MUL and node.op is ADD:
            split = split_around(node, u, alone, _far, far=True)
            if split.pieces:
                return split
    return None


def _near(terms: Sequence[Expr], u: Expr) -> Near | None:
    return near_common_zero(terms, u) if len(terms) > 1 else None


def _far(terms: Sequence[Expr], u: Expr) -> Near | None:
    return near_common_zero(terms, u, far=True) if len(terms) > 1 else None


def quantities_in(node: Expr) -> list[Expr]:
    """What a formula is made of, and products that functions are applied to; none of a polynomial."""
    leaves: dict[Expr, None] = {}
    products: dict[Expr, None] = {}
    curved, stack, seen = False, [node], {node}
    while stack:
        x = stack.pop()
        if not is_known(x):
            if not is_constant(x):
                leaves[x] = None
            continue
        if x.op in FUNCTIONS:
            u = quantity_of(x.args[0])
            curved = True
            if u.op is MUL:
                products[u] = None
        curved = curved or (x.op is POW and not _is_power_of_quantity(x))
        fresh = [arg for arg in x.args if arg not in seen]
        seen.update(fresh)
        stack += reversed(fresh)
    return [*products, *leaves][:MAX_QUANTITIES] if curved else []


def _is_power_of_quantity(x: Expr) -> bool:
    return not is_constant(x.args[0]) and x.args[0].op is not ADD
