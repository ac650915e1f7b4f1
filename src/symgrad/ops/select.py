"""Choosing by condition: `where`, `select`, `piecewise`, `clip`, `nan_to_num`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.expr.leaves import number
from symgrad.expr.node import Expr
from symgrad.expr.types import BOOL, WEAK_FLOAT, promote
from symgrad.ops.einsum import broadcast_all
from symgrad.ops.elementwise import as_expr
from symgrad.ops.guard import choose
from symgrad.ops.public import public
from symgrad.ops.ufuncs import isinf, isnan, maximum, minimum, not_equal, signbit


def as_condition(value: Any) -> Expr:
    """A boolean expression; numbers are compared with zero."""
    condition = as_expr(value)
    return condition if condition.ty is BOOL else not_equal(condition, number(0))


@public
def where(condition: Any, x1: Any = None, x2: Any = None) -> Expr:
    """`x1` where `condition` holds, else `x2`; all three broadcast.

    The branch not taken contributes nothing to a derivative, whatever its value.

    Raises
    ------
    ArgumentError
        If only the condition is given: the number of its true entries is not known to a graph.
    """
    if x1 is None or x2 is None:
        raise ArgumentError("where needs a condition and two operands: where(c, a, b)")
    return choose(*broadcast_all([as_condition(condition), as_expr(x1), as_expr(x2)]))


@public
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Expr:
    """The first choice whose condition holds, as `numpy.select`."""
    if len(condlist) != len(choicelist):
        raise ArgumentError(
            f"select got {len(condlist)} conditions and {len(choicelist)} choices; give one choice"
            " per condition"
        )
    result = as_expr(default)
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result


@public
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Expr:
    """Functions of `x` by condition, as `numpy.piecewise`: the last condition that holds wins.

    `condlist` is a list of conditions, or a single one. Entries of `funclist` are values, or functions
    that are called with the operand, `args` and `kw`; one more than there are conditions is the default,
    0 otherwise.
    """
    if isinstance(condlist, Expr) or (
        np.ndim(condlist[0]) == 0 and not isinstance(condlist[0], Expr)
    ):
        condlist = [condlist]
    if len(funclist) - len(condlist) not in (0, 1):
        raise ArgumentError(
            f"piecewise got {len(condlist)} conditions and {len(funclist)} functions; give one"
            " function per condition and at most one default"
        )
    operand = as_expr(x)

    def value(function: Any) -> Any:
        return function(operand, *args, **kw) if isinstance(function, Callable) else function  # type: ignore[arg-type]

    has_default = len(funclist) > len(condlist)
    result = as_expr(value(funclist[-1]) if has_default else 0)
    for condition, function in zip(condlist, funclist, strict=False):
        result = where(condition, value(function), result)
    return result


@public
def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Expr:
    """`a` limited to the interval from `a_min` to `a_max`; None is no limit.

    `min` and `max` are NumPy's other names for the limits.

    The derivative by `a` is 1 inside, 0 outside and 1/2 at a limit.
    """
    if (a_min is not None and min is not None) or (a_max is not None and max is not None):
        raise ArgumentError(
            "clip got a limit under both its names; give a_min or min, a_max or max"
        )
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    result = as_expr(a)
    if low is not None:
        result = maximum(result, low)
    if high is not None:
        result = minimum(result, high)
    return result


@public
def nan_to_num(
    x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Expr:
    """`x` with nan and infinities replaced by numbers, as `numpy.nan_to_num`."""
    operand = as_expr(x)
    info = np.finfo(operand.dtype if operand.dtype.kind == "f" else np.float64)
    ty = promote(operand.ty, WEAK_FLOAT)
    high = number(float(info.max if posinf is None else posinf), (), ty)
    low = number(float(info.min if neginf is None else neginf), (), ty)
    finite = where(isinf(operand), where(signbit(operand), low, high), operand)
    return where(isnan(operand), nan, finite)
