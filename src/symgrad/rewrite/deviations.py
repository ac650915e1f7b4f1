"""``sum(x - mean(x)) -> 0``: deviations from a mean add up to nothing, along any axes.

It is what keeps the derivative of a variance short: the mean moves too, but that counts for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from symgrad.expr.dims import mul_dims
from symgrad.expr.leaves import extent, is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.rewriting import rewritten
from symgrad.expr.traverse import toposort
from symgrad.ops.arithmetic import ADD, MUL, add_all, split_coefficient
from symgrad.ops.einsum import EINSUM, einsum_node, is_layout, is_stretched_scalar
from symgrad.ops.matrices import scalar_and_rest
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
)
