"""``sum(x - mean(x)) -> 0``: deviations from a mean add up to nothing, along any axes.

It is what keeps the derivative of a variance short: the mean moves too, but that counts for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from symgrad.expr.dims import mul_dims
from symgrad.expr.leaves import EYE, extent, is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import rewritten
from symgrad.expr.traverse import toposort
from symgrad.ops.arithmetic import ADD, MUL, add_all, mul, split_coefficient
from symgrad.ops.einsum import EINSUM, einsum_node, is_layout, is_stretched_scalar, scale
from symgrad.ops.matrices import scalar_and_rest
from symgrad.ops.symmetry import Labels
from symgrad.rewrite.collect import collect_product
from symgrad.rewrite.names import definitions_written_out, named_parts
from symgrad.rewrite.rule import Guarantee, Rule
from symgrad.rewrite.tensor import normal_einsum, only_layouts

MAX_TERMS: Final = 8


def _weighted_sum_of_deviations(y: Expr) -> Expr | None:
    """The same, with weights that do not vary along the axes of the mean."""
    inputs, out, _ = y.params
    counts = Counter(n for labels in inputs for n in set(labels))
    for x, labels in zip(y.args, inputs, strict=True):
        kept = tuple([n for n in labels if n in out or counts[n] > 1])
        if x.op is ADD and len(kept) < len(labels) and len(y.args) > 1:
            alone = EINSUM.build((x,), ((labels,), kept, ()))
            if alone.op is EINSUM and _sum_of_deviations(alone) is not None:
                return number(0, y.shape)
    return None


def _sum_of_deviations(y: Expr) -> Expr | None:
    x = y.args[0]
    if len(y.args) != 1 or x.op is not ADD or len(x.args) > MAX_TERMS or y.params.spread:
        return None
    (labels,), out, _ = y.params
    gone = [axis for axis, n in enumerate(labels) if n not in out]
    if not gone or len(set(labels)) != len(labels) or [n for n in labels if n in out] != list(out):
        return None
    for place, term in enumerate(x.args):
        total = _sum_of_the_same(term, gone)
        if total is not None and _is_sum(
            total, add_all([*x.args[:place], *x.args[place + 1 :]]), y
        ):
            return number(0, y.shape)
    return None


def without_named_deviations(roots: Sequence[Expr]) -> Sequence[Expr]:
    """The roots with sums of deviations from a mean that has a name, ``sum(x - mu)``, as 0."""

    def by_definition(y: Expr) -> Expr:
        if y.args[0].op is not ADD or not named_parts(toposort([y])):
            return y
        (plain,) = definitions_written_out([y])
        found = _sum_of_deviations(plain) if plain.op is EINSUM else None
        return y if found is None else found

    return rewritten(roots, {EINSUM: by_definition})


def _sum_of_the_same(term: Expr, gone: Sequence[int]) -> tuple[Expr, list[Expr]] | None:
    """Minus the sum of what is the same along all of `gone`: a scalar, and the tensors beside it."""
    scalars = [number(-1), extent(mul_dims(*[term.shape[axis] for axis in gone]))]
    tensors: list[Expr] = []
    factors = [term]
    while any(x.op is MUL for x in factors) and len(factors) <= MAX_TERMS:
        factors = [inner for x in factors for inner in (x.args if x.op is MUL else (x,))]
    for factor in factors:
        if is_number(factor):
            scalars.append(number(value_of(factor)))
        elif is_stretched_scalar(factor):
            scalars.append(factor.args[0])
        else:
            for part in _before_stretch(factor, gone):
                if part is None:
                    return None
                (tensors if part.ndim else scalars).append(part)
    return collect_product([(s, False) for s in scalars], scalars[0]), tensors


def _before_stretch(x: Expr, gone: Sequence[int]) -> Sequence[Expr | None]:
    """The factors of `x` without axes along which it is stretched; None where it is not."""
    if x.op is not EINSUM or len(x.args) > MAX_TERMS:
        return [None]
    if is_layout(x):
        return [_one_before_stretch(x, gone)]
    inputs, out, _ = x.params
    kept = tuple([n for axis, n in enumerate(out) if axis not in gone])
    plain = all(labels in ((), kept) for labels in inputs)
    return x.args if plain else [None]


def _one_before_stretch(x: Expr, gone: Sequence[int]) -> Expr | None:
    (labels,), out, spread = x.params
    dropped = {out[axis] for axis in gone}
    if not dropped <= {n for n, _ in spread}:
        return None
    kept = tuple([n for n in out if n not in dropped])
    rest = tuple([(n, d) for n, d in spread if n not in dropped])
    if kept == labels and not rest:
        return x.args[0]
    return EINSUM.build(x.args, ((labels,), kept, rest))


def _is_sum(total: tuple[Expr, list[Expr]], u: Expr, y: Expr) -> bool:
    """Whether a total is u summed as `y` sums."""
    (labels,), out, _ = y.params
    scalar, tensors = total
    k, base = split_coefficient(u)
    if base is None:
        return False
    found = einsum_node([base], [labels], out, {})
    if found.op is EINSUM:
        found = normal_einsum(found, only_layouts)
    if is_number(found) and not tensors:
        return is_number(scalar) and bool(value_of(scalar) == k * value_of(found))
    if not y.ndim:
        c, rest = split_coefficient(scalar)
        return not tensors and rest is found and bool(c == k)
    return len(tensors) == 1 and tensors[0] is found and bool(value_of(scalar) == k)


def _without_shift(x: Expr) -> Expr | None:
    """``u + c - mean(u + c) -> u - mean(u)`` of what is the same for all entries that the mean is of."""
    if not x.ndim or len(x.args) > MAX_TERMS:
        return None
    for place, term in enumerate(x.args):
        gone = _stretched_axes(term)
        rest = [t for i, y in enumerate(x.args) if i != place for t in _opened(y)]
        same = [t for t in rest if gone and gone <= _stretched_axes(t)]
        if not same or len(same) == len(rest) or len(rest) > MAX_TERMS:
            continue
        axes = tuple(range(x.ndim))
        out = tuple([n for n in axes if n not in gone])
        total = _sum_of_the_same(term, sorted(gone))
        whole = EINSUM.build((x,), ((axes,), out, ()))
        if total is None or not _is_sum(total, add_all(rest), whole):
            continue
        left = add_all([t for t in rest if not any(t is y for y in same)])
        count = extent(mul_dims(*[x.shape[axis] for axis in sorted(gone)]))
        mean = scale(einsum_node([left], [axes], out, {}), 1 / count)
        back = einsum_node([mean], [out], axes, {axis: x.shape[axis] for axis in gone})
        return add_all([*_opened(left), mul(number(-1, x.shape), back)])
    return None


def _opened(x: Expr) -> Sequence[Expr]:
    return x.args if x.op is ADD else (x,)


def _stretched_axes(term: Expr) -> set[int]:
    """The axes along which all entries of a term are the same."""
    _, x = split_coefficient(term)
    if x is None:
        return set(range(term.ndim))
    if x.op is MUL:
        return set.intersection(*map(_stretched_axes, x.args))
    if x.op is not EINSUM:
        return set()
    _, out, spread = x.params
    return {out.index(n) for n, _ in spread}


def _centred_already(y: Expr) -> Expr | None:
    """``(eye(n) - 1/n) @ d -> d`` of deviations d from a mean: they add up to nothing."""
    inputs, out, spread = y.params
    for place, (x, labels) in enumerate(zip(y.args, inputs, strict=True)):
        identity = [t for t in x.args if _is_identity(t)] if x.op is ADD and x.ndim == 2 else []
        others = [t for t in x.args if not _is_identity(t)]
        if len(identity) != 1 or len(x.args) > MAX_TERMS:
            continue
        for axis in (0, 1):
            at = [i for i, own in enumerate(inputs) if labels[axis] in own and i != place]
            if len(at) != 1 or labels[axis] in out or labels[0] == labels[1]:
                continue
            if all(axis in _stretched_axes(t) for t in others) and _adds_to_zero(
                y.args[at[0]], inputs[at[0]], labels[axis]
            ):
                operands = [*y.args[:place], *identity, *y.args[place + 1 :]]
                return einsum_node(operands, inputs, out, dict(spread))
    return None


def _sum_without_deviations(y: Expr) -> Expr | None:
    """``sum(A + c*(x - mean(x))) -> sum(A)``: terms that add up to nothing, along one axis of the sum."""
    x = y.args[0]
    if len(y.args) != 1 or x.op is not ADD or len(x.args) > MAX_TERMS or y.params.spread:
        return None
    (labels,), out, _ = y.params
    gone = [axis for axis, n in enumerate(labels) if n not in out]
    if not gone or len(set(labels)) != len(labels):
        return None
    kept = [t for t in x.args if not any(_vanishes(t, axis) for axis in gone)]
    if len(kept) == len(x.args):
        return None
    return EINSUM.build((add_all(kept),), y.params) if kept else number(0, y.shape)


def _vanishes(term: Expr, axis: int) -> bool:
    """Whether a term adds up to nothing along an axis: deviations times what does not vary there."""
    factors: Sequence[Expr] = [term]
    while any(x.op is MUL for x in factors) and len(factors) <= MAX_TERMS:
        factors = [inner for x in factors for inner in (x.args if x.op is MUL else (x,))]
    varying = [x for x in factors if axis not in _stretched_axes(x)]
    if len(varying) != 1 or is_number(varying[0]):
        return False
    (x,) = varying
    if x.op is not EINSUM or x.params.spread:
        return _adds_to_zero(x, tuple(range(x.ndim)), axis)
    inputs, out, _ = x.params
    at = [i for i, own in enumerate(inputs) if out[axis] in own]
    return len(at) == 1 and _adds_to_zero(x.args[at[0]], inputs[at[0]], out[axis])


def _is_identity(term: Expr) -> bool:
    """Whether a term is a multiple of the identity."""
    factors = term.args if term.op is MUL else (term,)
    rest = [x for x in factors if not (is_number(x) or is_stretched_scalar(x))]
    return len(rest) == 1 and rest[0].op is EYE


def _adds_to_zero(x: Expr, labels: Labels, label: int) -> bool:
    """Whether entries along an axis are deviations from their mean."""
    if x.op is not ADD or labels.count(label) != 1:
        return False
    axes = tuple(range(x.ndim))
    alone = EINSUM.build((x,), ((axes,), tuple([n for n in axes if labels[n] != label]), ()))
    return alone.op is EINSUM and _sum_of_deviations(alone) is not None


def _terms_of_diagonal(y: Expr) -> Expr | None:
    """``trace(A + B @ C) -> trace(A) + trace(B @ C)``, and so for diagonals of tensors.

    No product is formed of which the diagonal alone is needed.
    """
    x = y.args[0]
    if len(y.args) != 1 or x.op is not ADD or len(x.args) > MAX_TERMS:
        return None
    (labels,), out, _ = y.params
    if len(set(labels)) == len(labels) or (x.ndim == 2 and out):
        return None
    if not any(_is_product(term) for term in x.args):
        return None
    return add_all([EINSUM.build((term,), y.params) for term in x.args])


def _is_product(term: Expr) -> bool:
    _, rest = scalar_and_rest(term)
    return rest is not None and rest.op is EINSUM and len(rest.args) > 1


DEVIATION_RULES: Final = (
    Rule(
        "trace(A + B @ C) = trace(A) + trace(B @ C)", Guarantee.ROUNDING, EINSUM, _terms_of_diagonal
    ),
    Rule("sum(x - mean(x)) = 0", Guarantee.ROUNDING, EINSUM, _sum_of_deviations),
    Rule("sum(w*(x - mean(x))) = 0", Guarantee.ROUNDING, EINSUM, _weighted_sum_of_deviations),
    Rule("sum(A + c*(x - mean(x))) = sum(A)", Guarantee.ROUNDING, EINSUM, _sum_without_deviations),
    Rule("u + c - mean(u + c) = u - mean(u)", Guarantee.ROUNDING, ADD, _without_shift),
    Rule(
        "(eye(n) - 1/n) @ (x - mean(x)) = x - mean(x)", Guarantee.ROUNDING, EINSUM, _centred_already
    ),
)
