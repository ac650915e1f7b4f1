"""Means, variances and standard deviations under their names: ``(v - mean(v))/(n*std(v))``.

``sum(x)/n`` is ``mean(x)``, ``sum((x - mean(x))**2)/n`` is ``var(x)``, with one less below
``var(x, ddof=1)``, and the root of that ``std(x)``; along axes, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from symgrad.expr.dims import mul_dims
from symgrad.expr.leaves import SIZE, is_number, is_value, number, value_of
from symgrad.expr.node import Expr, make
from symgrad.expr.numbers import is_exact
from symgrad.ops import ufuncs as f
from symgrad.ops.arithmetic import ADD, MUL, POW, add_all, mul, mul_all, split_coefficient
from symgrad.ops.einsum import EINSUM, broadcast, is_layout, is_stretched_scalar
from symgrad.print.printed import MEAN, NORM, STD, VAR

MAX_FACTORS: Final = 12  # of a product that is looked at


class Total(NamedTuple):
    """A sum along axes of an array: its place among the factors, and the layout that it stands in."""

    place: int
    operand: Expr
    axes: tuple[int, ...]
    layout: Expr | None


def moment(product: Expr, latex: bool = False) -> Expr:
    r"""A product with a sum over as many terms as it divides by; itself where there is none.

    In LaTeX a mean is ``\bar{x}`` of a symbol, and stays ``\frac{1}{n} \sum u`` of anything else.
    """
    if len(product.args) > MAX_FACTORS:
        return product
    factors = _one_number(product.args)
    for place, x in enumerate(factors):
        total = _total(place, x)
        found = None if total is None else _divided(factors, total, latex)
        if found is not None:
            return found
    return product if len(factors) == len(product.args) else mul_all(factors)


def centred(x: Expr) -> Expr:
    """``3*u - sum(u)`` as ``3*(u - mean(u))``, for a vector of three entries."""
    if len(x.args) != 2:
        return x
    for term, other in (x.args, x.args[::-1]):
        (c, total), (k, u) = split_coefficient(term), split_coefficient(other)
        if total is None or u is None or not is_layout(total) or c.__class__ is bool:
            continue
        found = _total(0, total)
        if found is None or found.operand is not u:
            continue
        count = math.prod([u.shape[a] for a in found.axes if u.shape[a].__class__ is int])
        named = any(u.shape[a].__class__ is not int for a in found.axes)
        if named or not is_exact(k) or count == 1 or k != -c * count:
            continue
        mean = _laid_out(MEAN.build((u,), (found.axes,)), total)
        difference = add_all([u, mul(number(-1, x.shape), mean)])
        return mul(number(k, x.shape), difference) if k != 1 else difference
    return x


def _one_number(factors: Sequence[Expr]) -> list[Expr]:
    """Factors with the numbers of products among them in front."""
    found = [y for x in factors for y in (x.args if _is_multiple(x) else (x,))]
    numbers = [x for x in found if is_number(x)]
    if len(found) == len(factors) or not all(is_exact(value_of(x)) for x in numbers):
        return list(factors)
    c = math.prod([Fraction(value_of(x)) for x in numbers], start=Fraction(1))
    rest = [x for x in found if not is_number(x)]
    return rest if c == 1 else [number(c, rest[0].shape), *rest]


def _is_multiple(x: Expr) -> bool:
    return x.op is MUL and len(x.args) == 2 and is_number(x.args[0])


def _laid_out(x: Expr, layout: Expr) -> Expr:
    """x in the layout of another node."""
    return make(layout.op, (x,), layout.params, layout.shape, layout.ty)


def deviation(x: Expr) -> Expr:
    """``var(v)**(k/2)`` as ``std(v)**k``; any other power is itself."""
    if x.op is not POW:
        return x
    base, p = x.args
    n = value_of(p)
    if base.op is not VAR or n.__class__ is not Fraction or n.denominator != 2:
        return x
    std = STD.build(base.args, base.params)
    k = number(n.numerator, x.shape)
    return std if n.numerator == 1 else make(POW, (std, k), (), x.shape, x.ty)


def _total(place: int, x: Expr) -> Total | None:
    """A factor as a sum along axes, stretched or not."""
    layout = x if is_layout(x) else None
    inner = x if layout is None else x.args[0]
    if inner.op is POW and inner.args[0].op is NORM and is_value(inner.args[1], 2):
        (u,) = inner.args[0].args
        square = make(POW, (u, number(2, u.shape)), (), u.shape, u.ty)
        return Total(place, square, tuple(range(u.ndim)), layout)
    if inner.op is not EINSUM or len(inner.args) > 1:
        return None
    (labels,), out, spread = inner.params
    axes = tuple([axis for axis, n in enumerate(labels) if n not in out])
    kept = [n for n in labels if n in out]
    if spread or not axes or kept != list(out) or len(set(labels)) < len(labels):
        return None
    return Total(place, inner.args[0], axes, layout)


def _divided(factors: Sequence[Expr], total: Total, latex: bool) -> Expr | None:
    """The product with the mean, or the variance, in the place of a sum and its divisor."""
    scale, x = _deviating(total.operand, total.axes)
    partial = len(total.axes) < total.operand.ndim or bool(total.operand.args)
    if x is None and (_is_square(total.operand) or (latex and partial)):
        return None  # a mean of squares is a squared norm
    rest = [y for k, y in enumerate(factors) if k != total.place]
    dims = [total.operand.shape[a] for a in total.axes]
    for ddof in (0, 1) if x is not None else (0,):
        left = _without_count(rest, dims, ddof, scale)
        if left is None:
            continue
        made = (
            MEAN.build((total.operand,), (total.axes,))
            if x is None
            else VAR.build((x,), (total.axes, ddof))
        )
        made = made if total.layout is None else _laid_out(made, total.layout)
        return mul_all([*left, made]) if left else made
    return None


def _is_square(x: Expr) -> bool:
    return x.op is POW and is_value(x.args[1], 2)


def _deviating(x: Expr, axes: tuple[int, ...]) -> tuple[Any, Expr | None]:
    """``(k**2, u)`` of ``(k*(u - mean(u)))**2``, the mean along these axes; u is None for anything else."""
    if not _is_square(x):
        return 1, None
    k, total = split_coefficient(x.args[0])
    if total is None or total.op is not ADD or not is_exact(k):
        return 1, None
    for place, term in enumerate(total.args):
        c, rest = split_coefficient(term)
        if c != -1 or rest is None or not is_layout(rest):
            continue
        mean = rest.args[0]
        mean = moment(mean) if mean.op is MUL else mean
        u = add_all([*total.args[:place], *total.args[place + 1 :]])
        if mean.op is MEAN and mean.args[0] is u and mean.params[0] == axes:
            return k * k, u
    return 1, None


def _without_count(
    factors: Sequence[Expr], dims: Sequence[Any], ddof: int, scale: Any
) -> list[Expr] | None:
    """Factors without the divisor that is the number of terms, less `ddof`; None where it is not there.

    `scale` is a number that belongs to the terms.
    """
    if ddof and len(dims) > 1:
        return None
    known = math.prod([d for d in dims if d.__class__ is int])
    left = list(factors)
    named = [d for d in dims if d.__class__ is not int]
    whole = mul_dims(*dims)
    if named and len(dims) > 1 and any(_divides_by(x, whole, ddof) for x in left):
        named, known = [whole], 1
    for d in named:
        at = next((k for k, x in enumerate(left) if _divides_by(x, d, ddof)), None)
        if at is None:
            return None
        left[at : at + 1] = _with_one_less(left[at])
    count = known - ddof if not named else known
    if count == scale == 1:
        return left
    c = value_of(left[0]) if left else None
    if c is None or not is_exact(c) or abs(c * count * scale) != 1:
        return None
    return [number(-1, left[0].shape), *left[1:]] if c < 0 else left[1:]


def _divisor(x: Expr) -> tuple[Expr, int]:
    """``(u, k)`` of ``u**-k``; k is 0 for anything else."""
    x = x.args[0] if is_stretched_scalar(x) else x
    n = value_of(x.args[1]) if x.op is POW else None
    if n.__class__ is not int or n >= 0:
        return x, 0
    base = x.args[0]
    return (base.args[0] if is_stretched_scalar(base) else base), -n


def _with_one_less(x: Expr) -> list[Expr]:
    """What is left of ``1/n**k`` where one n is taken."""
    base, k = _divisor(x)
    if k == 1:
        return []
    below = make(POW, (base, number(1 - k)), (), (), base.ty)
    return [broadcast(below, x.shape) if x.shape else below]


def _divides_by(x: Expr, dim: Any, ddof: int) -> bool:
    """Whether a factor is a power of one over an extent, less `ddof`."""
    base, k = _divisor(x)
    if not k:
        return False
    if ddof:
        if base.op is f.maximum:  # no less than 0
            base = next((y for y in base.args if not is_value(y, 0)), base)
        if base.op is not ADD or len(base.args) != 2:
            return False
        base, one = sorted(base.args, key=lambda y: y.op is not SIZE)
        if not is_value(one, -ddof):
            return False
    return base.op is SIZE and bool(base.params.extent == dim)
