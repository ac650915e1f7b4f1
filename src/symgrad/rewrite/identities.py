"""Scalar factors of products with identities join the small tensor: ``c*(delta_ij A_kl)`` by ``c*A``."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.expr.leaves import EYE, is_number, number
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import rewritten
from symgrad.expr.traverse import as_roots, ops_of
from symgrad.expr.types import BOOL
from symgrad.ops.arithmetic import MUL, raw_product
from symgrad.ops.einsum import broadcast, einsum_node, is_stretched_scalar, scale
from symgrad.ops.identities import has_identity, split_identities


def scaled_inside(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with scalar factors of products with identities moved to the small tensor."""
    roots = as_roots(roots)
    return rewritten(roots, {MUL: _scaled_inside}) if EYE in ops_of(roots) else roots


def _scaled_inside(node: Expr) -> Expr:
    if node.ty is BOOL:
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
