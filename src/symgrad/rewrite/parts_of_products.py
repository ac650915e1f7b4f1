"""Products that are a part of another one: its diagonal, its sum over an axis, or itself transposed.

The gradient of a mixture by its triangular factors needs ``einsum("nk,nki,nkj->kij", p, z, d)``; that by
the logarithms of their diagonals ``einsum("nk,nki,nki->ki", p, z, d)``, whose entries are among those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from symgrad.expr.leaves import EYE, is_number, number
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.expr.rewriting import Images, rewritten
from symgrad.expr.traverse import as_roots, toposort
from symgrad.ops.arithmetic import MUL, mul
from symgrad.ops.einsum import EINSUM, einsum_node
from symgrad.ops.symmetry import Labels
from symgrad.rewrite.tensor import written_out


class LabelledProduct(NamedTuple):
    """A contraction with products among its operands written out.

    Attributes
    ----------
    scale : number
    labels : dict
        By operand, which occurs once.
    out : tuple of int
    """

    scale: Any
    labels: dict[Expr, Labels]
    out: Labels


class PartOfProduct(NamedTuple):
    """How a product follows from a wider one: its labels in the terms of that one, and a number."""

    whole: Expr
    names: Labels
    out: Labels
    scale: Any


def parts_of_products(outputs: Sequence[Expr]) -> Sequence[Expr]:
    """The outputs, with products that are parts of others taken from those."""
    outputs = as_roots(outputs)
    products = [node for node in toposort(outputs) if node.op is EINSUM and node.args[1:]]
    parts = _parts(products)
    if not parts:
        return outputs

    def step(node: Expr, image: Images) -> Expr | None:
        part = parts.get(node)
        if part is None:
            return None
        if part.whole not in image:
            image.complete([part.whole])
        made = einsum_node([image[part.whole]], [part.names], part.out, {})
        return made if part.scale == 1 else mul(number(part.scale, made.shape), made)

    return rewritten(outputs, steps={EINSUM: step})


def _parts(products: Sequence[Expr]) -> dict[Expr, PartOfProduct]:
    groups: dict[frozenset[Expr], list[tuple[Expr, LabelledProduct]]] = {}
    for node in products:
        written = _labelled(node)
        if written is not None:
            groups.setdefault(frozenset(written.labels), []).append((node, written))
    found: dict[Expr, PartOfProduct] = {}
    for group in groups.values():
        group.sort(key=lambda pair: -len(pair[1].out))
        for k, (node, own) in enumerate(group):
            wholes = (_part(own, *other) for other in group[:k] if other[0] not in found)
            part = next((p for p in wholes if p is not None), None)
            if part is not None:
                found[node] = part
    return found


def _labelled(node: Expr) -> LabelledProduct | None:
    """A product of arrays each of which occurs once, which sums over a label; else None."""
    scale, operands, labels, _ = written_out(node.args, node.params.inputs, _is_product)
    if node.params.spread or len(set(operands)) < len(operands):
        return None
    if any(x.op is EYE or is_number(x) for x in operands):
        return None
    out = node.params.out
    if all(n in out for own in labels for n in own) or not is_exact(scale):
        return None
    return LabelledProduct(scale, dict(zip(operands, labels, strict=True)), out)


def _is_product(x: Expr) -> bool:
    return x.op is MUL


def _part(own: LabelledProduct, whole: Expr, wide: LabelledProduct) -> PartOfProduct | None:
    """How a product follows from another of the same operands; None where it does not."""
    names: dict[int, int] = {}
    for x, labels in wide.labels.items():
        for n, m in zip(labels, own.labels[x], strict=True):
            if names.setdefault(n, m) != m:
                return None
    kept = tuple([names[n] for n in wide.out])
    summed = [m for n, m in names.items() if n not in wide.out]
    apart = len(set(summed)) == len(summed) and not set(summed) & {*kept, *own.out}
    if not apart or wide.scale != 1:
        return None
    return PartOfProduct(whole, kept, own.out, own.scale)
