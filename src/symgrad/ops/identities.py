"""Products with identities, taken apart: what is zero is not computed, multiplied or added up.

``delta_ij A_kl`` is A along a diagonal, and zero elsewhere.
"""

from __future__ import annotations

from typing import NamedTuple

from symgrad.expr.leaves import EYE
from symgrad.expr.node import Expr
from symgrad.expr.types import promote
from symgrad.ops.einsum import EINSUM
from symgrad.ops.symmetry import Labels


class Rest(NamedTuple):
    """An Einsum without its identities.

    `places` are the other operands, `labels` theirs with each pair of labels of an identity made one,
    `out` the labels of their product, and `full` those of the whole result.
    """

    places: list[int]
    labels: list[Labels]
    out: Labels
    full: Labels


def has_identity(node: Expr) -> bool:
    """Whether an Einsum is a product of identities with something else of the same type."""
    if node.op is not EINSUM or EYE not in [x.op for x in node.args]:
        return False
    inputs, out, spread = node.params
    others = [x for x in node.args if x.op is not EYE]
    pairs = [ls for x, ls in zip(node.args, inputs, strict=True) if x.op is EYE]
    ends = [n for pair in pairs for n in pair]
    return (
        bool(others)
        and not spread
        and len(set(ends)) == len(ends)
        and set(ends) <= set(out)
        and promote(*[x.ty for x in others]).dtype == node.dtype
    )


def split_identities(node: Expr) -> Rest:
    """The rest of an Einsum that `has_identity`."""
    inputs, out, _ = node.params
    names = dict(ls for x, ls in zip(node.args, inputs, strict=True) if x.op is EYE)
    names = {max(pair): min(pair) for pair in names.items()}
    places = [k for k, x in enumerate(node.args) if x.op is not EYE]

    def renamed(labels: Labels) -> Labels:
        return tuple([names.get(n, n) for n in labels])

    kept = tuple([n for n in out if n not in names])
    return Rest(places, [renamed(inputs[k]) for k in places], kept, renamed(out))
