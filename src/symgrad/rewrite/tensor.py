"""The Einsum normal form: one node for a product of tensors, however it was written.

Inside an Einsum, an operand that is itself an Einsum or an elementwise product is written out in its
place, if it is used nowhere else or sums over nothing; layouts (transposes, broadcasts) always.
Operands with the same labels are multiplied entry by entry. A product with a layout among its factors
becomes an Einsum that sums over nothing. So ``sum(x * y)``, ``x @ y`` and ``einsum("i,i->", x, y)`` are
one node, and a chain of matrix products is contracted in the best order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symgrad.expr.dims import Dim, Shape
from symgrad.expr.leaves import EYE, is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import CountedImages, rewritten
from symgrad.expr.traverse import as_roots, ops_of
from symgrad.expr.types import BOOL
from symgrad.ops.arithmetic import (
    ADD,
    MUL,
    add_all,
    is_scaled_far,
    mul,
    mul_all,
    raw_product,
    split_coefficient,
)
from symgrad.ops.einsum import EINSUM, broadcast, einsum_node, is_layout, is_stretched_scalar
from symgrad.ops.guard import WHERE, is_guard
from symgrad.ops.symmetry import Labels
from symgrad.rewrite.collect import collect_product

Inlinable = Callable[[Expr], bool]
Mergeable = Callable[[Expr, Expr], bool]
# Operands of one Einsum, at most: more would be slow to order, and nobody reads them
MAX_OPERANDS = 16


def normal_einsum(node: Expr, inlinable: Inlinable) -> Expr:
    """An Einsum with what it may absorb written out.

    `inlinable` says of an operand whether it is used here only.
    """
    if is_layout(node):
        return _layout_moved_in(node, inlinable)
    inputs, out, spread = node.params
    scale, operands, labels, extents = written_out(node.args, inputs, inlinable, spread)
    more, operands, labels = _grouped(operands, labels, out)
    scale = scale * more
    if (
        scale == 1
        and len(operands) == len(node.args)
        and all(a is b for a, b in zip(operands, node.args, strict=True))
    ):
        return node
    result = einsum_node(operands, labels, out, extents)
    return result if scale == 1 else mul(number(scale, result.shape), result)


def merged_products(roots: Sequence[Expr], mergeable: Mergeable) -> Sequence[Expr]:
    """The roots with products of products as one Einsum, where the inner one is needed there only.

    ``mergeable(inner, outer)`` says which pairs to merge.
    """
    roots = as_roots(roots)
    if EINSUM not in ops_of(roots):
        return roots
    image = CountedImages(roots)
    return rewritten(roots, {EINSUM: lambda made: _merged(made, image, mergeable)}, image=image)


def _merged(node: Expr, image: CountedImages, mergeable: Mergeable) -> Expr:
    """An Einsum with the products in it written out that are needed once and may be merged."""

    def inlinable(x: Expr) -> bool:
        return x.op is EINSUM and image.alone(x) and mergeable(x, node)

    if node.ty is BOOL or is_layout(node) or not any(map(inlinable, node.args)):
        return node
    inputs, out, spread = node.params
    scale, operands, labels, extents = written_out(node.args, inputs, inlinable, spread)
    result = einsum_node(operands, labels, out, extents)
    return result if scale == 1 else mul(number(scale, result.shape), result)


def _layout_moved_in(node: Expr, inlinable: Inlinable) -> Expr:
    """``(A @ B).T -> B.T @ A.T``, and into the terms of a sum that holds such products.

    A product, or a sum, that is needed elsewhere too stays as it is.
    """
    (x,), ((labels,), out, spread) = node.args, node.params
    if spread or len(labels) != len(out) or not inlinable(x):
        return node
    if x.op is EINSUM and len(x.args) > 1:
        inputs, inner, _ = x.params
        rename = dict(zip(labels, inner, strict=True))
        return einsum_node(x.args, inputs, tuple([rename[n] for n in out]), {})
    if x.op is MUL and any(map(_is_scalar, x.args)) and not all(map(_is_scalar, x.args)):
        moved = EINSUM.build((raw_product(_tensors(x)),), node.params)
        if is_layout(moved):
            moved = _layout_moved_in(moved, inlinable)
        scalars = [_reshaped(f, node.shape) for f in x.args if _is_scalar(f)]
        return node if is_layout(moved) else mul_all([*scalars, moved])
    if x.op is ADD and len(x.args) <= MAX_OPERANDS and any(map(_absorbs_layout, x.args)):
        terms = [EINSUM.build((term,), node.params) for term in x.args]
        return add_all([_layout_moved_in(t, inlinable) if is_layout(t) else t for t in terms])
    return node


def _is_scalar(factor: Expr) -> bool:
    """Whether a factor is one number for all entries."""
    return is_number(factor) or is_stretched_scalar(factor)


def _tensors(product: Expr) -> tuple[Expr, ...]:
    return tuple([f for f in product.args if not _is_scalar(f)])


def _reshaped(factor: Expr, shape: Shape) -> Expr:
    """A factor that is one number for all entries, for those of another shape."""
    if is_number(factor):
        return number(factor.params[0], shape)
    return broadcast(factor.args[0], shape)


def _absorbs_layout(term: Expr) -> bool:
    """Whether a term, but for a number, is a product or a layout."""
    if term.op is MUL and len(term.args) == 2 and is_number(term.args[0]):
        term = term.args[1]
    return term.op is EINSUM and (len(term.args) > 1 or _is_tensor_layout(term))


def _grouped(
    operands: Sequence[Expr], labels: Sequence[Labels], out: Labels
) -> tuple[Any, list[Expr], list[Labels]]:
    """Operands with the same labels multiplied entry by entry, and the numbers that come out."""
    groups: dict[Any, list[Expr]] = {}
    for i, (x, ls) in enumerate(zip(operands, labels, strict=True)):
        alone = x.op is EYE or is_number(x) or not ls
        groups.setdefault((ls, i) if alone else (ls, None), []).append(x)
    scale: Any = 1
    kept: list[Expr] = []
    for parts in groups.values():
        product = parts[0]
        if len(parts) > 1:
            product = collect_product([(x, False) for x in parts], parts[0])
            if not is_number(product) and not is_scaled_far(product):
                c, rest = split_coefficient(product)
                assert rest is not None
                scale, product = scale * c, rest
        kept.append(product)
    places = [ls for ls, _ in groups]
    summed = any(n not in out for ls in places for n in ls)
    if len(kept) == 1 and kept[0].op is MUL and summed:
        head, last = _halves(kept[0].args)  # a sum of products is a dot product
        return scale, [raw_product(head), last], places * 2
    return scale, kept, places


def _halves(factors: Sequence[Expr]) -> tuple[tuple[Expr, ...], Expr]:
    """All factors but one, and that one: an inverse or the like, ``trace(inv(K) @ (A*B))``, or the last."""
    at = next((i for i, x in enumerate(factors) if x.op.matrices), len(factors) - 1)
    return (*factors[:at], *factors[at + 1 :]), factors[at]


def product_as_einsum(node: Expr) -> Expr:
    """A product with a stretched vector or matrix, or a transpose, as an Einsum; else itself."""
    if node.op is not MUL or node.ty is BOOL or not any(_is_tensor_layout(x) for x in node.args):
        return node
    if any(x.op is WHERE and is_guard(x) for x in node.args):
        return node
    axes = tuple(range(node.ndim))
    numbers = [x for x in node.args if is_number(x)]
    factors = [x for x in node.args if not is_number(x)]
    scale, operands, labels, extents = written_out(factors, [axes] * len(factors), only_layouts)
    extents.update(zip(axes, node.shape, strict=True))
    result = einsum_node(operands, labels, axes, extents)
    for c in numbers:
        result = mul(c, result)
    return result if scale == 1 else mul(number(scale, result.shape), result)


def hoisted(node: Expr) -> Expr:
    """An elementwise node of operands stretched alike, as the stretched result of smaller operands.

    In a product, the stretched scalars among the factors become one.
    """
    if node.ndim == 0 or not node.op.elementwise:
        return node
    stretched = [x for x in node.args if not is_number(x)]
    if not any(is_layout(x) for x in stretched) or (node.op is MUL and len(stretched) == 1):
        return node  # a number stays in front of a layout
    first = stretched[0]
    if all(
        is_layout(x) and x.params == first.params and x.args[0].shape == first.args[0].shape
        for x in stretched
    ):
        small = first.args[0].shape
        inner = node.op.build(tuple([_before_stretch(x, small) for x in node.args]), node.params)
        return EINSUM.build((inner,), first.params) if not is_number(inner) else node
    scalars = [x for x in stretched if is_stretched_scalar(x)]
    if node.op is MUL and len(scalars) > 1:
        product = collect_product([(x.args[0], False) for x in scalars], scalars[0].args[0])
        rest = [x for x in node.args if not is_stretched_scalar(x)]
        return mul_all([*rest, broadcast(product, node.shape)])
    return node


def _before_stretch(x: Expr, shape: Shape) -> Expr:
    if is_number(x):
        value, _, _, ty = x.params
        return number(value, shape, ty)
    return x.args[0]


def only_layouts(x: Expr) -> bool:
    """An `Inlinable` that leaves everything as it is; layouts are written out always."""
    return False


def sums_nothing(x: Expr) -> bool:
    """Whether an Einsum is an elementwise product, of operands transposed and stretched."""
    inputs, out, _ = x.params
    return all(n in out for labels in inputs for n in labels)


def _is_open(x: Expr, alone: bool) -> bool:
    """Whether a product is taken apart: it is needed here only, or a number times one array."""
    is_product = x.op is MUL and x.ty is not BOOL and not is_scaled_far(x)
    return is_product and (alone or _is_multiple(x))


def _is_multiple(x: Expr) -> bool:
    """Whether a product is one array times numbers and scalars, which are cheap to take out."""
    return sum(not (is_number(f) or is_stretched_scalar(f)) for f in x.args) <= 1


def _is_tensor_layout(x: Expr) -> bool:
    return is_layout(x) and x.args[0].ndim > 0


def written_out(
    args: Sequence[Expr],
    inputs: Sequence[Labels],
    inlinable: Inlinable,
    spread: Sequence[tuple[int, Dim]] = (),
) -> tuple[Any, list[Expr], list[Labels], dict[int, Dim]]:
    """A number, and operands with labels, whose product is that of `args`; and extents of labels.

    `spread` has the labels that only the result has, with their extents.
    """
    scale: Any = 1
    operands: list[Expr] = []
    labels: list[Labels] = []
    extents: dict[int, Dim] = dict(spread)
    fresh = max([n for ls in (*inputs, tuple(extents)) for n in ls], default=-1) + 64
    stack = [(x, ls, inlinable(x)) for x, ls in zip(reversed(args), reversed(inputs), strict=True)]
    while stack:
        x, ls, alone = stack.pop()
        extents.update(zip(ls, x.shape, strict=True))
        room = len(operands) + len(stack) + len(x.args) <= MAX_OPERANDS
        if x.op is EINSUM and ls and ((room and (alone or sums_nothing(x))) or is_layout(x)):
            inner, inner_out, spread = x.params
            rename = dict(zip(inner_out, ls, strict=True))
            for arg, own in zip(reversed(x.args), reversed(inner), strict=True):
                for n in own:
                    if n not in rename:
                        rename[n], fresh = fresh, fresh + 1
                stack.append((arg, tuple([rename[n] for n in own]), alone and inlinable(arg)))
            for n, dim in spread:  # a label that only the stretch has: a factor of ones
                operands.append(number(1, (dim,)))
                labels.append((rename[n],))
        elif room and _is_open(x, alone):
            for factor in reversed(x.args):
                c = value_of(factor)
                if c is not None and not isinstance(c, bool):
                    scale = scale * c
                else:
                    stack.append((factor, ls, inlinable(factor)))
        elif room and (parts := _scalars_and_rest(x)) is not None:
            stack += [(part, ls, False) for part in parts]
        else:
            operands.append(x)
            labels.append(ls)
    return scale, operands, labels, extents


def _scalars_and_rest(x: Expr) -> list[Expr] | None:
    """The stretched scalars in a product of several arrays, which are cheap to take out, and the others."""
    if x.op is not MUL or x.ty is BOOL or is_scaled_far(x) or not x.ndim:
        return None
    scalars = [f for f in x.args if is_stretched_scalar(f)]
    rest = [f for f in x.args if not is_stretched_scalar(f)]
    return [*scalars, raw_product(tuple(rest))] if scalars and len(rest) > 1 else None
