"""Linear interpolation in a table, as `numpy.interp`: a formula over places found by `searchsorted`."""

from __future__ import annotations

from typing import Any

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import extent
from symgrad.expr.node import Expr
from symgrad.ops.elementwise import as_expr
from symgrad.ops.indexing import take
from symgrad.ops.public import public
from symgrad.ops.select import where
from symgrad.ops.shapes import concatenate
from symgrad.ops.sorting import argsort, searchsorted
from symgrad.ops.ufuncs import add, divide, maximum, minimum, mod, multiply, subtract


@public
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Expr:
    """Values between the points of a table by straight lines, as `numpy.interp`.

    Parameters
    ----------
    x : expression
        Where to interpolate, of any shape.
    xp, fp : vectors of one length
        The table; `xp` ascends, unless there is a period.
    left, right : scalar, optional
        The values below ``xp[0]`` and above ``xp[-1]``, ``fp[0]`` and ``fp[-1]`` if not given.
    period : number, optional
        Points are taken modulo this; `left` and `right` are not looked at then.

    Raises
    ------
    ShapeError
        If the table is empty, or not two vectors of one length.
    ArgumentError
        For a period of 0.

    Notes
    -----
    The derivative by `x` is the slope, at a point of the table that of the piece to its right, 0 beyond
    the ends. By `fp` and `xp` it is that of the line through the two points beside `x`.

    Examples
    --------
    >>> import symgrad as sg
    >>> f = sg.vector("f", 3)
    >>> sg.evaluate(sg.grad(sg.interp(0.5, [0.0, 1.0, 2.0], f), f), {f: [3.0, 5.0, 1.0]})
    array([0.5, 0.5, 0. ])
    """
    t, knots, values = as_expr(x), as_expr(xp), as_expr(fp)
    if knots.ndim != 1 or knots.shape != values.shape or knots.shape[0] == 0:
        raise ShapeError(
            "interp needs a table of two vectors of one length, at least 1, got shapes"
            f" {show_shape(knots.shape)} and {show_shape(values.shape)}"
        )
    if period is not None:
        t, knots, values = _periodic(t, knots, values, period)
        left = right = None
    first, last = knots[0], knots[-1]
    below = values[0] if left is None else left
    above = values[-1] if right is None else right
    inside = where(t >= last, values[-1], _on_lines(t, knots, values))
    return where(t > last, above, where(t < first, below, inside))


def _on_lines(t: Expr, knots: Expr, values: Expr) -> Expr:
    """``f_j + (f_k - f_j)/(x_k - x_j)*(t - x_j)`` for the two points beside `t`, the outermost beyond."""
    n = knots.shape[0]
    end = subtract(extent(n), 1)
    second = min(1, n - 1) if isinstance(n, int) else minimum(1, end)
    k = maximum(minimum(searchsorted(knots, t, "right"), end), second)
    j = maximum(subtract(k, 1), 0)
    x_j, x_k, f_j, f_k = (take(v, i) for v in (knots, values) for i in (j, k))
    slope = divide(subtract(f_k, f_j), subtract(x_k, x_j))
    return add(multiply(slope, subtract(t, x_j)), f_j)


def _periodic(t: Expr, knots: Expr, values: Expr, period: Any) -> tuple[Expr, Expr, Expr]:
    """A table modulo a period, sorted, with its last point once more before and its first behind."""
    if isinstance(period, (int, float)) and period == 0:
        raise ArgumentError("interp needs a period that is not 0")
    p = abs(as_expr(period))
    t, knots = mod(t, p), mod(knots, p)
    order = argsort(knots)
    knots, values = take(knots, order), take(values, order)
    knots = concatenate([knots[-1:] - p, knots, knots[:1] + p])
    return t, knots, concatenate([values[-1:], values, values[:1]])
