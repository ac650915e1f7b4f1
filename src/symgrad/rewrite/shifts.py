"""The logarithm of a sum of exponentials as it is written by hand, with its shift.

``m = max(u); m + log(sum(exp(u - m)))`` is ``logsumexp(u)`` for any m that is the same along the summed
axes. As one node it has the derivative ``exp(u - logsumexp(u))``, without the parts by m that cancel.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.expr.numbers import is_exact
from symgrad.ops.arithmetic import ADD, add_all, mul, split_coefficient, without
from symgrad.ops.einsum import broadcast, is_layout
from symgrad.ops.reduction import LOGSUMEXP, stretched_back

MAX_TERMS: Final = 16  # of a sum that is looked at


def unshifted(y: Expr) -> Expr | None:
    """``c*logsumexp(u - m) + c*m = c*logsumexp(u)``, also where both are stretched."""
    terms = [
        t for x in y.args for t in (x.args if x.op is ADD and len(x.args) <= MAX_TERMS else (x,))
    ]
    if len(terms) > MAX_TERMS:
        return None
    for term in terms:
        c, rest = split_coefficient(term)
        if rest is None or isinstance(c, bool):
            continue
        total = rest.args[0] if is_layout(rest) and len(rest.args) == 1 else rest
        if total.op is not LOGSUMEXP or total.args[0].op is not ADD:
            continue
        for shift in terms:
            plain = _over(shift, c)
            left = None if plain is None or shift is term else _without(total, plain)
            if left is None:
                continue
            new = LOGSUMEXP.build((left,), total.params)
            new = new if total is rest else rest.op.build((new,), rest.params)
            kept = without(terms, term, shift)
            whole = mul(number(c, y.shape), new) if c != 1 else new
            return add_all([*kept, whole]) if kept else whole
    return None


def _over(term: Expr, c: Any) -> Expr | None:
    """``term/c``, for a number c that goes into it exactly."""
    k, rest = split_coefficient(term)
    if rest is None or isinstance(k, bool):
        return None
    if k == c:
        return rest
    exact = is_exact(k) and is_exact(c)
    return mul(number(Fraction(k) / Fraction(c), rest.shape), rest) if exact else None


def _without(total: Expr, shift: Expr) -> Expr | None:
    """The operand of a logsumexp with ``- shift`` taken out, or None where it is not there."""
    terms = total.args[0].args
    for stretched in _stretched(shift, total):
        gone = mul(number(-1, stretched.shape), stretched)
        left = without(terms, gone) if any(t is gone for t in terms) else []
        if left:
            return add_all(left) if len(left) > 1 else left[0]
    return None


def _stretched(shift: Expr, total: Expr) -> Iterator[Expr]:
    """A term beside a logsumexp in the shape of the operand, if it is the same along the summed axes."""
    shape, (axes,) = total.args[0].shape, total.params
    if shift.shape == shape and _is_constant_along(shift, axes):
        yield shift
    if shift.ndim == len(shape) and all(shift.shape[a] == 1 for a in axes):
        others = (k for k in range(shift.ndim) if k not in axes)
        if all(shift.shape[k] in (1, shape[k]) for k in others):
            yield broadcast(shift, shape)
    if shift.shape == total.shape:
        yield stretched_back(shift, total)


def _is_constant_along(x: Expr, axes: tuple[int, ...]) -> bool:
    """Whether `x` is something stretched over these axes."""
    if not is_layout(x):
        return False
    (labels,), out, _ = x.params
    extents = dict(zip(labels, x.args[0].shape, strict=True))
    return all(extents.get(out[a], 1) == 1 for a in axes)
