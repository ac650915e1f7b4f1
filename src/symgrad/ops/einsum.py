"""The one multilinear op: product, transpose, diagonal, trace, sum and broadcast in one node.

``Einsum`` has one tuple of labels per operand and one for the result. A label that the result lacks is
summed over; a label that only the result has is a broadcast, and its extent is a parameter. Labels are
small ints, numbered in order of appearance.

The cotangent of an operand is another Einsum: the cotangent of the result takes that operand's place,
and what was the operand's labels becomes the result's. That is the whole of matrix calculus.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice, product
from typing import Final, NamedTuple

from symgrad.errors import ShapeError
from symgrad.expr.dims import Dim, Shape, broadcast_shapes, map_dim, mul_dims, show_shape
from symgrad.expr.interval import NONNEGATIVE, REALS, Interval, point
from symgrad.expr.leaves import EYE, extent, eye, is_number, is_value, number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params, Rename
from symgrad.expr.order import (
    BETWEEN,
    CONTRACTION,
    CUT,
    FUNCTION,
    LONGEST,
    PLAIN,
    SHOWN,
    in_order,
    place_of,
)
from symgrad.expr.types import BOOL, INT, Ty, promote
from symgrad.ops.arithmetic import add_all, mul
from symgrad.ops.arithmetic_ranges import range_of_product
from symgrad.ops.cast import cast
from symgrad.ops.guard import WHERE, is_guard, move_guard
from symgrad.ops.symmetry import MAX_NUMBERINGS, Labels, einsum_key, is_symmetric, numbered

Term = tuple[Expr, Labels]  # an operand and its labels


class EinsumParams(NamedTuple):
    """The labels of each operand and of the result, and the extents of those that no operand has."""

    inputs: tuple[Labels, ...]
    out: Labels
    spread: tuple[tuple[int, Dim], ...]


# Construction


def einsum_node(
    operands: Sequence[Expr], inputs: Sequence[Labels], out: Labels, extents: dict[int, Dim]
) -> Expr:
    """The Einsum of `operands`, after local rewrites.

    `extents` gives the extent of each label of `out` that no operand has; more may be given.
    Numbers and scalars move out as factors, and so do operands that share no label with the rest;
    identities relabel, a lone operand is relabelled.
    """
    full = dict(extents)
    operands, inputs = _inline_transposes(operands, inputs)
    operands, inputs = _inline_identities(list(operands), list(inputs), out, full)
    for operand, labels in zip(operands, inputs, strict=True):
        full.update(zip(labels, operand.shape, strict=True))
    identities = [x.ty for x in operands if x.op is EYE]
    operands, inputs, mentioned = _drop_identities(operands, inputs, out)
    pairs = list(zip(operands, inputs, strict=True))
    kept = [pair for pair in pairs if not _moves_out(*pair)]
    lost = mentioned.difference(out, *[labels for _, labels in kept])
    core, *scalars = _components(kept, out)
    result = _contract(core, out, full)
    for part in scalars:
        result = scale(result, _contract(part, (), full))
    for label in sorted(lost):
        result = _repeated(result, full[label])
    for factor in (x for x, labels in pairs if _moves_out(x, labels)):
        result = scale(result, factor)
    if identities and not result.ty.weak:
        result = cast(result, promote(result.ty, *identities))
    return result


def _inline_transposes(
    operands: Sequence[Expr], inputs: Sequence[Labels]
) -> tuple[Sequence[Expr], Sequence[Labels]]:
    """Operands that are transposes of others as those others."""
    if len(operands) < 2 or not any(x.op is EINSUM and len(x.args) == 1 for x in operands):
        return operands, inputs
    found, labels = list(operands), list(inputs)
    for i, x in enumerate(operands):
        if x.op is EINSUM and len(x.args) == 1:
            (inner,), out, _ = x.params
            distinct = len(inner) == len(set(inner)) and set(inner) == set(out)
            if distinct and x.ty is not BOOL:
                rename = dict(zip(out, inputs[i], strict=True))
                found[i], labels[i] = x.args[0], tuple([rename[n] for n in inner])
    return found, labels


def _inline_identities(
    operands: list[Expr], inputs: list[Labels], out: Labels, full: dict[int, Dim]
) -> tuple[list[Expr], list[Labels]]:
    """Write out operands that hold an identity: nothing shared is lost, and the identity may cancel."""
    if not any(x.op is EINSUM and any(a.op is EYE for a in x.args) for x in operands):
        return operands, inputs
    fresh = max([label for ls in (*inputs, out, tuple(full)) for label in ls], default=0) + 1
    result: list[Term] = []
    for x, labels in zip(operands, inputs, strict=True):
        if x.op is not EINSUM or x.params.spread or not any(a.op is EYE for a in x.args):
            result.append((x, labels))
            continue
        inner, inner_out, _ = x.params
        if len(set(labels)) != len(labels):
            result.append((x, labels))
            continue
        rename = dict(zip(inner_out, labels, strict=True))
        for arg, ls in zip(x.args, inner, strict=True):
            for label in ls:
                if label not in rename:
                    rename[label] = fresh
                    fresh += 1
            result.append((arg, tuple([rename[label] for label in ls])))
    return [x for x, _ in result], [ls for _, ls in result]


def _sums(args: Sequence[Expr], inputs: Sequence[Labels], out: Labels) -> bool:
    """Whether anything is added up: a label that goes, of an extent that is not 1."""
    return any(
        label not in out and dim != 1
        for arg, labels in zip(args, inputs, strict=True)
        for label, dim in zip(labels, arg.shape, strict=True)
    )


def _type_of(operands: Sequence[Expr], sums: bool) -> Ty:
    ty = promote(*[x.ty for x in operands])
    return INT if sums and ty is BOOL else ty


def _moves_out(x: Expr, labels: Labels) -> bool:
    return is_number(x) or not labels


def _repeated(x: Expr, dim: Dim) -> Expr:
    """`x` added up over an extent that it does not depend on."""
    return x if dim == 1 else scale(x, extent(dim))


def scale(x: Expr, factor: Expr) -> Expr:
    """``factor * x`` for a factor that is a scalar, or a number of any shape."""
    if is_value(x, 1) and x.ty.weak and not is_number(factor):
        return broadcast(factor, x.shape)
    if is_number(factor):
        value, _, _, ty = factor.params
        return mul(number(value, x.shape, ty), x)
    return mul(broadcast(factor, x.shape), x)


def _drop_identities(
    operands: list[Expr], inputs: list[Labels], out: Labels
) -> tuple[list[Expr], list[Labels], set[int]]:
    """Eliminate identities: ``delta_ij`` renames j to i unless the result needs both.

    Returns the operands and labels that stay, and every label that is still mentioned.
    """
    mentioned = {label for labels in inputs for label in labels}
    index = 0
    while index < len(operands):
        if operands[index].op is EYE:
            i, j = inputs[index]
            if j in out:
                i, j = j, i
            if j not in out or i == j:
                del operands[index], inputs[index]
                if i != j:
                    inputs = [tuple([i if n == j else n for n in labels]) for labels in inputs]
                    mentioned.discard(j)
                continue
        index += 1
    return operands, inputs, mentioned


def _components(kept: list[Term], out: Labels) -> list[list[Term]]:
    """The operands that hang together with the result, then groups that make scalars by themselves."""
    if len(kept) < 2:
        return [kept]
    parts: list[list[Term]] = []
    left, start = kept, out
    while left:
        reached = _reached(left, start)
        parts.append([pair for pair in left if not reached.isdisjoint(pair[1])])
        left = [pair for pair in left if reached.isdisjoint(pair[1])]
        start = left[0][1] if left else ()
    return parts


def _reached(terms: list[Term], start: Labels) -> set[int]:
    """The labels that operands lead to, from those of `start`."""
    reached, size = set(start), -1
    while len(reached) > size:
        size = len(reached)
        for _, labels in terms:
            if not reached.isdisjoint(labels):
                reached.update(labels)
    return reached


def _contract(kept: list[Term], out: Labels, full: dict[int, Dim]) -> Expr:
    if not kept:
        return number(1, tuple(full[label] for label in out))
    if len(kept) == 1:
        x, labels = kept[0]
        return _relabel(x, labels, out, full)
    return _raw(kept, out, full)


def _raw(kept: list[Term], out: Labels, full: dict[int, Dim]) -> Expr:
    """The node itself, with labels renumbered in order of appearance."""
    kept = _oriented(kept, out)
    labels = kept[0][1]
    if len(kept) > 1 and all(ls == labels and place_of(x) in PLAIN for x, ls in kept):
        kept = [(x, labels) for x in in_order([x for x, _ in kept])]  # multiplied entry by entry
    present = {label for _, labels in kept for label in labels}
    core = tuple([label for label in out if label in present])
    summed = [label for label in present if label not in core and full[label] != 1]
    if core != out and (len(kept) > 1 or summed):
        # what is stretched is stretched last: only layouts have labels of their own
        result = _raw(kept, core, full)
        return relabel(result, core, out, full)
    names: dict[int, int] = {}
    for _, labels in kept:
        for label in labels:
            names.setdefault(label, len(names))
    bound = len(names)
    for label in out:
        names.setdefault(label, len(names))
    inputs = tuple([tuple([names[label] for label in labels]) for _, labels in kept])
    new_out = tuple([names[label] for label in out])
    spread = tuple([(names[label], full[label]) for label in out if names[label] >= bound])
    operands = tuple([x for x, _ in kept])
    params = (inputs, new_out, spread)
    return make(EINSUM, operands, params, *_infer(operands, params))


def _oriented(kept: list[Term], out: Labels) -> list[Term]:
    """Symmetric operands written the way that needs no transpose, where there is one."""
    flips = [(ls, ls[::-1]) if is_symmetric(x) else (ls,) for x, ls in kept]
    if len(kept) < 2 or all(len(pair) == 1 for pair in flips):
        return kept
    ways = islice(product(*flips), MAX_NUMBERINGS)
    best = min(ways, key=lambda ls: numbered([out, *ls], (), ()))
    return [(x, ls) for (x, _), ls in zip(kept, best, strict=True)]


def _relabel(x: Expr, labels: Labels, out: Labels, full: dict[int, Dim]) -> Expr:
    """The Einsum of one operand, merged with a layout below it."""
    if labels == out or (labels == out[::-1] and is_symmetric(x)):
        return x
    distinct = len(set(labels)) == len(labels)
    if x.op is WHERE and distinct and set(labels) <= set(out) and is_guard(x):
        return move_guard(x, lambda arg: relabel(arg, labels, out, full))
    if not (distinct and is_layout(x)):
        return _raw([(x, labels)], out, full)
    (inner,), inner_out, spread = x.params
    offset = max([*full, *labels, *out], default=0) + 1
    rename = dict(zip(inner_out, labels, strict=True))
    merged = tuple([rename.get(label, label + offset) for label in inner])
    full.update(zip(merged, x.args[0].shape, strict=True))
    result = relabel(x.args[0], merged, out, full)
    for label, _ in spread:
        if rename[label] not in out:
            result = _repeated(result, full[rename[label]])
    return result


def relabel(x: Expr, labels: Labels, out: Labels, full: dict[int, Dim]) -> Expr:
    """The Einsum of one operand; `full` has the extent of every label."""
    if is_number(x):
        return einsum_node([x], [labels], out, full)
    if labels == ():
        shape = tuple(full[label] for label in out)
        if x.op is WHERE and is_guard(x):
            return move_guard(x, lambda arg: broadcast(arg, shape))
        return _raw([(x, labels)], out, full) if out else x
    return _relabel(x, labels, out, full)


def _infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    inputs, out, spread = params
    extents: dict[int, Dim] = dict(spread)
    for arg, labels in zip(args, inputs, strict=True):
        for label, dim in zip(labels, arg.shape, strict=True):
            if extents.setdefault(label, dim) != dim:
                shapes = " and ".join(show_shape(a.shape) for a in args)
                raise ShapeError(
                    f"operands of shape {shapes} do not fit: extent {extents[label]} meets {dim}"
                )
    return tuple(extents[label] for label in out), _type_of(args, _sums(args, inputs, out))


def _build(args: tuple[Expr, ...], params: Params) -> Expr:
    inputs, out, spread = params
    _infer(args, params)
    return einsum_node(args, inputs, out, dict(spread))


# Derivatives


def _cotangents(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    return [_cotangent(g, y, i) if wanted else None for i, wanted in enumerate(needed)]


def _cotangent(g: Expr, y: Expr, index: int) -> Expr:
    inputs, out, _ = y.params
    operands = [g, *y.args[:index], *y.args[index + 1 :]]
    labels = [out, *inputs[:index], *inputs[index + 1 :]]
    target: list[int] = []
    fresh = max([label for ls in (*inputs, out) for label in ls], default=0) + 1
    extents: dict[int, Dim] = {}
    for label, dim in zip(inputs[index], y.args[index].shape, strict=True):
        if label in target:  # a diagonal: the cotangent is zero off it
            operands.append(eye(dim, dtype=(y.args[index] if g.ty.weak else g).dtype))
            labels.append((label, fresh))
            label, fresh = fresh, fresh + 1
        target.append(label)
        extents[label] = dim
    return einsum_node(operands, labels, tuple(target), extents)


def _tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    inputs, out, spread = y.params
    fresh = max([label for ls in (*inputs, out) for label in ls], default=0) + 1
    terms = []
    for index, tangent in enumerate(tangents):
        if tangent is not None:
            extra = tuple(range(fresh, fresh + tangent.ndim - len(inputs[index])))
            operands = [*y.args[:index], tangent, *y.args[index + 1 :]]
            labels = [*inputs[:index], (*inputs[index], *extra), *inputs[index + 1 :]]
            terms.append(einsum_node(operands, labels, (*out, *extra), dict(spread)))
    return add_all(terms) if terms else None


def _map_dims(params: Params, rename: Rename) -> Params:
    inputs, out, spread = params
    return inputs, out, tuple((label, map_dim(dim, rename)) for label, dim in spread)


def _range(y: Expr, *ranges: Interval) -> Interval:
    inputs, out, _ = y.params
    one = range_of_product(
        ((x, labels), r) for x, labels, r in zip(y.args, inputs, ranges, strict=True)
    )
    summed = {
        label: dim
        for x, labels in zip(y.args, inputs, strict=True)
        for label, dim in zip(labels, x.shape, strict=True)
        if label not in out
    }
    count = mul_dims(*summed.values())
    if isinstance(count, int):
        return one * point(count)
    return NONNEGATIVE if one.nonnegative else -NONNEGATIVE if one.nonpositive else REALS


def _order(args: tuple[Expr, ...], params: Params, rank: str) -> str:
    """A stretched scalar is that scalar, another layout stands beside its operand."""
    inputs, out, _ = params
    if len(args) > 1:
        texts = sorted([arg.order_text[:CUT] for arg in args])[:SHOWN]
        return f"{rank}{CONTRACTION}{BETWEEN.join(texts)}"
    (x,), (labels,) = args, inputs
    if not labels:
        return x.order_text
    laid = f"{BETWEEN}{labels}{out}"[: LONGEST // 2]
    if all(label in out for label in labels) and len(set(labels)) == len(labels):
        return f"{x.order_text[: LONGEST - len(laid)]}{laid}"
    return f"{rank}{FUNCTION}sum{BETWEEN}{x.order_text[: LONGEST // 2]}{laid}"


def _batch(node: Expr, args: Sequence[Expr], carries: Sequence[bool], dim: Dim) -> Expr:
    """One more label: in front of the result and of the operands that carry the batch."""
    inputs, out, spread = node.params
    lead = max([n for labels in (*inputs, out) for n in labels], default=-1) + 1
    labels = [(lead, *ls) if has else ls for ls, has in zip(inputs, carries, strict=True)]
    return einsum_node(list(args), labels, (lead, *out), {**dict(spread), lead: dim})


EINSUM: Final = Op(
    name="einsum",
    order=_order,
    fields=EinsumParams,
    key=einsum_key,
    build=_build,
    infer=_infer,
    vjp=_cotangents,
    jvp=_tangent,
    map_dims=_map_dims,
    batch=_batch,
    range=_range,
)


# Layouts, the single-operand cases


def broadcast(x: Expr, shape: Shape) -> Expr:
    """`x` stretched to `shape`, which its own shape broadcasts to."""
    if x.shape == shape:
        return x
    if is_number(x):
        value, _, _, ty = x.params
        return number(value, shape, ty)
    out = tuple(range(len(shape)))
    offset = len(shape) - len(x.shape)
    labels: list[int] = []
    spare = len(shape)
    for axis, dim in enumerate(x.shape):
        if dim == shape[axis + offset]:
            labels.append(axis + offset)
        else:  # extent 1: summed away, then stretched
            labels.append(spare)
            spare += 1
    full = dict(enumerate(shape))
    full.update(zip(labels, x.shape, strict=True))
    return relabel(x, tuple(labels), out, full)


def transpose_axes(x: Expr, axes: Sequence[int]) -> Expr:
    """`x` with its axes permuted; `axes` are normalised."""
    labels = tuple(range(x.ndim))
    return einsum_node([x], [labels], tuple(axes), {})


def sum_axes(x: Expr, axes: Iterable[int]) -> Expr:
    """`x` summed over normalised axes."""
    gone = set(axes)
    labels = tuple(range(x.ndim))
    return einsum_node([x], [labels], tuple(a for a in labels if a not in gone), {})


def insert_axes(x: Expr, axes: Iterable[int]) -> Expr:
    """`x` with axes of extent 1 at these positions of the result."""
    new = set(axes)
    out = tuple(range(x.ndim + len(new)))
    labels = tuple([a for a in out if a not in new])
    full: dict[int, Dim] = dict.fromkeys(new, 1)
    full.update(zip(labels, x.shape, strict=True))
    return relabel(x, labels, out, full)


def broadcast_all(args: Sequence[Expr]) -> list[Expr]:
    """`args` broadcast to their common shape."""
    if all(arg.shape == args[0].shape for arg in args):
        return list(args)
    shape = broadcast_shapes(*[arg.shape for arg in args])
    return [broadcast(arg, shape) for arg in args]


def is_layout(x: Expr) -> bool:
    """Whether `x` is its one operand transposed and stretched, nothing summed but extents of 1."""
    if x.op is not EINSUM or len(x.args) != 1:
        return False
    (labels,), out, _ = x.params
    return len(set(labels)) == len(labels) and all(
        label in out or dim == 1 for label, dim in zip(labels, x.args[0].shape, strict=True)
    )


def is_stretched_scalar(x: Expr) -> bool:
    """Whether `x` is a scalar broadcast to a shape, which no reader writes."""
    return x.op is EINSUM and bool(x.params.inputs == ((),))


def times(partial: Expr, tangent: Expr) -> Expr:
    """A partial derivative times a tangent that may have further trailing axes, entry by entry."""
    if partial.shape == tangent.shape:
        return mul(partial, tangent)
    labels = tuple(range(tangent.ndim))
    own = labels[: partial.ndim]
    if is_guard(partial):
        wide = relabel(partial, own, labels, dict(zip(labels, tangent.shape, strict=True)))
        return mul(wide, tangent)
    return einsum_node([partial, tangent], [own, labels], labels, {})


def size_of(shape: Shape) -> Expr:
    """The number of entries of a shape, as a scalar."""
    return extent(mul_dims(*shape))
