"""NumPy's reductions that leave nan out: those of `symgrad.ops.reducing`, where the entries are not nan."""

from __future__ import annotations

from typing import Any

from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.ops import reducing
from symgrad.ops.elementwise import as_expr
from symgrad.ops.public import public, refuse_out
from symgrad.ops.select import as_condition
from symgrad.ops.select import where as chosen
from symgrad.ops.ufuncs import greater, isnan, logical_and, logical_not, sqrt, subtract


def _counted(x: Expr, condition: Any = None) -> Expr:
    """Where entries are not nan, and a condition holds."""
    present = logical_not(isnan(x))
    if condition is None or condition is True:
        return present
    return logical_and(present, as_condition(condition))


@public
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Expr:
    """Sum of the entries that are not nan, as `numpy.nansum`.

    Options are those of `sum`. Entries that are nan contribute nothing to the derivative either.

    Examples
    --------
    >>> import numpy as np, symgrad as sg
    >>> x = sg.vector("x", 3)
    >>> sg.evaluate(sg.grad(sg.nansum(x**2), x), {x: [1.0, np.nan, 3.0]})
    array([2., 0., 6.])
    """
    x = as_expr(a)
    return reducing.sum(x, axis, dtype, out, keepdims, initial, _counted(x, where))  # type: ignore[no-any-return]


@public
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Expr:
    """Product of the entries that are not nan, as `numpy.nanprod`; options are those of `prod`."""
    x = as_expr(a)
    return reducing.prod(x, axis, dtype, out, keepdims, initial, _counted(x, where))  # type: ignore[no-any-return]


@public
def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = None,
) -> Expr:
    """Mean of the entries that are not nan, as `numpy.nanmean`; nan where there are none."""
    x = as_expr(a)
    return reducing.mean(x, axis, dtype, out, keepdims, where=_counted(x, where))  # type: ignore[no-any-return]


@public
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: Any = None,
) -> Expr:
    """Variance of the entries that are not nan, as `numpy.nanvar`.

    It is nan where there are not more than `ddof` of them. Options are those of `var`.
    """
    refuse_out(out, "nanvar")
    x = as_expr(a)
    counted = _counted(x, where)
    value = reducing.var(
        x, axis, dtype, None, ddof, keepdims, where=counted, mean=mean, correction=correction
    )
    less = ddof if correction is None else correction
    free = subtract(reducing.sum(counted, axis=axis, keepdims=keepdims), less)
    return chosen(greater(free, 0), value, float("nan"))  # type: ignore[no-any-return]


@public
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: Any = None,
) -> Expr:
    """Standard deviation of the entries that are not nan, as `numpy.nanstd`; options are those of `var`."""
    refuse_out(out, "nanstd")
    return sqrt(
        nanvar(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction)
    )


def _extremum(
    largest: bool, a: Any, axis: Any, out: Any, keepdims: bool, initial: Any, where: Any
) -> Expr:
    refuse_out(out, "nanmax" if largest else "nanmin")
    x = as_expr(a)
    counted = _counted(x, where)
    reduce, least = (reducing.max, -float("inf")) if largest else (reducing.min, float("inf"))
    if x.dtype.kind != "f":
        return reduce(x, axis, None, keepdims, initial, where)  # type: ignore[no-any-return]
    present = chosen(counted, x, least)
    value = reduce(present, axis, None, keepdims, initial)
    if initial is not None:
        return value  # type: ignore[no-any-return]
    some = reducing.any(counted, axis=axis, keepdims=keepdims)
    return chosen(some, value, number(float("nan")))  # type: ignore[no-any-return]


@public
def nanmax(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Expr:
    """Largest of the entries that are not nan, as `numpy.nanmax`; nan where there are none.

    Options are those of `max`; entries that tie share the derivative equally.
    """
    return _extremum(True, a, axis, out, keepdims, initial, where)


@public
def nanmin(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Expr:
    """Smallest of the entries that are not nan, as `numpy.nanmin`; nan where there are none.

    Options are those of `max`; entries that tie share the derivative equally.
    """
    return _extremum(False, a, axis, out, keepdims, initial, where)


@public
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Expr:
    """Cumulative sum along an axis with nan as 0, as `numpy.nancumsum`; None flattens."""
    x = as_expr(a)
    return reducing.cumsum(chosen(isnan(x), 0, x), axis, dtype, out)  # type: ignore[no-any-return]


@public
def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Expr:
    """Cumulative product along an axis with nan as 1, as `numpy.nancumprod`; None flattens."""
    x = as_expr(a)
    return reducing.cumprod(chosen(isnan(x), 1, x), axis, dtype, out)  # type: ignore[no-any-return]
