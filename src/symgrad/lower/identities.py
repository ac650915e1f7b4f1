"""Products with an identity: what is zero is not computed, not multiplied and not added up.

``delta_ij A_kl`` is written as zeros with A along a diagonal. A scalar factor of such a product joins
A, so that it multiplies the small tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from symgrad.expr.leaves import EYE, is_number, number
from symgrad.expr.node import Expr
from symgrad.expr.traverse import images, toposort, transform
from symgrad.expr.types import BOOL, promote
from symgrad.ops.arithmetic import MUL, raw_product
from symgrad.ops.einsum import EINSUM, broadcast, einsum_node, is_stretched_scalar, scale
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


def scaled_inside(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with scalar factors of products with identities moved to the small tensor."""
    if not any(x.op is EYE for x in toposort(roots)):
        return roots
    image = transform(roots, _scaled_inside)
    return images(roots, image)


def _scaled_inside(node: Expr) -> Expr:
    if node.op is not MUL or node.ty is BOOL:
        return node
    tensors = [x for x in node.args if not _is_scalar(x)]
    if len(tensors) != 1 or len(node.args) == 1:
        return node
    (tensor,) = tensors
    factors = [_scalar(x) for x in node.args if x is not tensor]
    factor = raw_product(tuple(factors))
    if tensor.op is EYE:  # c I = diag(c, ..., c)
        entries = broadcast(factor, tensor.shape[:1])
        made = einsum_node([tensor, entries], [(0, 1), (0,)], (0, 1), {})
    elif has_identity(tensor):
        made = _with_scaled_rest(tensor, factor)
    else:
        return node
    return made if made.ty is node.ty else node


def _with_scaled_rest(tensor: Expr, factor: Expr) -> Expr:
    rest = split_identities(tensor)
    operands = [tensor.args[k] for k in rest.places]
    bound = {n for labels in rest.labels for n in labels}
    core = tuple([n for n in rest.out if n in bound])
    small = scale(einsum_node(operands, rest.labels, core, {}), factor)
    inputs, out, _ = tensor.params
    if not core:  # c I = diag(c, ..., c)
        core = out[:1]
        small = broadcast(small, tensor.shape[:1])
    pairs = [(x, ls) for x, ls in zip(tensor.args, inputs, strict=True) if x.op is EYE]
    return einsum_node([*[x for x, _ in pairs], small], [*[ls for _, ls in pairs], core], out, {})


def _is_scalar(x: Expr) -> bool:
    return is_number(x) or is_stretched_scalar(x)


def _scalar(x: Expr) -> Expr:
    return _spread_number(x) if is_number(x) else x.args[0]


def _spread_number(x: Expr) -> Expr:
    value, _, _, ty = x.params
    return number(value, (), ty)
