"""Logarithms of sums of exponentials, and softmax, over axes and without overflow."""

from __future__ import annotations

import math
from typing import Any

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.ops.einsum import broadcast, sum_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.guard import choose
from symgrad.ops.public import normalize_axes, public, public_as_typed
from symgrad.ops.reducing import kept, masked, reduced
from symgrad.ops.reducing import max as largest
from symgrad.ops.reduction import LOGSUMEXP
from symgrad.ops.select import as_condition
from symgrad.ops.stop import stop_gradient
from symgrad.ops.ufuncs import absolute, add, exp, isfinite, log, multiply, sign, subtract


@public_as_typed
def logsumexp(
    a: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
    *,
    where: Any = None,
) -> Any:
    """``log(sum(exp(a)))`` over axes without overflow, as `scipy.special.logsumexp`.

    Parameters
    ----------
    a : expression
    axis, keepdims, where
        As for `sum`. Of no entries it is -inf.
    b : expression, optional
        Factors of the exponentials, ``log(sum(b*exp(a)))``; they broadcast with `a` and may be zero.
    return_sign : bool
        Whether to return the logarithm of the absolute value of the sum, and its sign.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", "n")
    >>> print(sg.grad(sg.logsumexp(x), x))
    softmax(x)
    """
    x = as_expr(a)
    if b is None and not return_sign:
        return reduced(LOGSUMEXP, masked(x, where, -math.inf, "logsumexp"), axis, keepdims)
    factors = as_expr(1 if b is None else b)
    exponents = add(x, multiply(factors, 0) if factors.ndim else 0)
    exponents = masked(exponents, where, -math.inf, "logsumexp")
    axes = normalize_axes(axis, exponents.ndim)
    live = _live(factors, exponents)
    top = largest(live, axes, keepdims=True, initial=-math.inf)
    top = stop_gradient(choose(isfinite(top), top, number(0.0, top.shape, top.ty)))
    terms = multiply(factors, exp(subtract(live, top)))
    total = sum_axes(terms, axes)
    top = sum_axes(top, axes)
    if not return_sign:
        return kept(add(log(total), top), axes, keepdims)
    size = kept(add(log(absolute(total)), top), axes, keepdims)
    return size, kept(sign(total), axes, keepdims)


def _live(factors: Expr, exponents: Expr) -> Expr:
    """Exponents, -inf where the factor is zero, so that they do not count."""
    held = broadcast(as_condition(factors), exponents.shape)
    return choose(held, exponents, number(-math.inf, exponents.shape, exponents.ty))


@public
def softmax(x: Any, axis: Any = None) -> Expr:
    """``exp(x)/sum(exp(x))`` over axes without overflow, as `scipy.special.softmax`.

    Where all entries are -inf it is nan, as SciPy has it: they have no share of nothing.
    """
    return exp(subtract(x, logsumexp(x, axis, keepdims=True)))


@public
def log_softmax(x: Any, axis: Any = None) -> Expr:
    """``log(softmax(x))``, as `scipy.special.log_softmax`.

    Where all entries are -inf it is nan, as SciPy has it.
    """
    return subtract(x, logsumexp(x, axis, keepdims=True))
