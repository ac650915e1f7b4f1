"""NumPy's reductions and scans of expressions, with NumPy's options.

``where`` counts the entries at which it holds, and no other contributes to a value or to a derivative;
``initial`` is one more entry; ``dtype`` is the type in which entries are added up or multiplied. There
is nothing to write into while a formula is made, so ``out`` is refused.
"""

from __future__ import annotations

from typing import Any

from symgrad.errors import ArgumentError, ShapeError
from symgrad.expr.dims import broadcast_shapes, mul_dims, show_shape
from symgrad.expr.leaves import extent, number
from symgrad.expr.node import Expr
from symgrad.expr.op import Op
from symgrad.expr.types import WEAK_FLOAT, as_ty, promote
from symgrad.ops.cast import cast
from symgrad.ops.einsum import broadcast, insert_axes, sum_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.guard import choose
from symgrad.ops.layout import concat
from symgrad.ops.public import normalize_axes, normalize_axis, public, refuse_out
from symgrad.ops.reduction import (
    ALL,
    ANY,
    ARGMAX,
    ARGMIN,
    CUMPROD,
    CUMSUM,
    MAX,
    MIN,
    PROD,
    axes_last,
    integer_sum_type,
)
from symgrad.ops.reshaping import reshape_to
from symgrad.ops.select import as_condition
from symgrad.ops.ufuncs import (
    add,
    divide,
    maximum,
    multiply,
    power,
    sqrt,
    subtract,
)

Axes = tuple[int, ...]

# What the options do to the operand and to the result


def _operand(a: Any, dtype: Any = None) -> Expr:
    x = as_expr(a)
    return x if dtype is None else cast(x, as_ty(dtype))


def masked(x: Expr, where: Any, neutral: Any, who: str) -> Expr:
    """`x`, with the neutral entry of a reduction where the condition does not hold."""
    if where is True or where is None:
        return x
    return choose(_mask(x, where, who), x, number(neutral, x.shape, None if x.ty.weak else x.ty))


def _mask(x: Expr, where: Any, who: str) -> Expr:
    """A condition, stretched over the operand.

    Raises
    ------
    ShapeError
        If it does not broadcast to the operand. A larger one is refused as well.
    """
    condition = as_condition(where)
    try:
        fits = broadcast_shapes(condition.shape, x.shape) == x.shape
    except ShapeError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{who}: where= of shape {show_shape(condition.shape)} does not broadcast to an operand of"
            f" shape {show_shape(x.shape)}"
        )
    return broadcast(condition, x.shape)


def kept(result: Expr, axes: Axes, keepdims: bool) -> Expr:
    return insert_axes(result, axes) if keepdims else result


def reduced(op: Op, x: Expr, axis: Any, keepdims: bool) -> Expr:
    axes = normalize_axes(axis, x.ndim)
    return kept(op.build((x,), (axes,)), axes, keepdims)


def _check_not_empty(x: Expr, axes: Axes, who: str, instead: str = "") -> None:
    if 0 in [x.shape[a] for a in axes]:
        raise ShapeError(
            f"{who} of an empty axis has no value; shape {show_shape(x.shape)}{instead}"
        )


# Sums and products


@public
def sum(  # noqa: A001
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Expr:
    """Sum over axes, as `numpy.sum`; booleans are counted.

    Parameters
    ----------
    a : expression
    axis : None, int or tuple of int
        None is all axes.
    dtype : dtype-like, optional
        The type in which entries are added up.
    out : None
        There is nothing to write into while a formula is made.
    keepdims : bool
        Whether the axes stay, with extent 1.
    initial : scalar, optional
        Added to the sum.
    where : condition, optional
        Entries to add up; it broadcasts to the shape of `a`, and may be an expression.

    Raises
    ------
    ShapeError
        For an axis out of range, or a `where` that does not broadcast to `a`.
    ArgumentError
        For an `out`.

    Examples
    --------
    >>> import symgrad as sg
    >>> x = sg.vector("x", 3)
    >>> print(sg.grad(sg.sum(x**2, where=[True, False, True]), x))
    where([True, False, True], 2*x, 0)
    """
    refuse_out(out, "sum")
    x = _operand(a, dtype)
    axes = normalize_axes(axis, x.ndim)
    entries = masked(
        cast(x, x.ty if dtype is not None else integer_sum_type(x.ty)), where, 0, "sum"
    )
    total = sum_axes(entries, axes)
    return kept(total if initial is None else add(total, _scalar(initial, "sum")), axes, keepdims)


@public
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Expr:
    """Product over axes, as `numpy.prod`; the derivative is right at zeros too.

    Options are those of `sum`; `initial` is one more factor.
    """
    refuse_out(out, "prod")
    entries = masked(_operand(a, dtype), where, 1, "prod")
    result = reduced(PROD, entries, axis, keepdims)
    return result if initial is None else multiply(result, _scalar(initial, "prod"))


def _scalar(value: Any, who: str) -> Expr:
    initial = as_expr(value)
    if initial.shape != ():
        raise ShapeError(f"{who}: initial= must be a scalar, got shape {show_shape(initial.shape)}")
    return initial


# Moments


def count_of(x: Expr, axes: Axes) -> Expr:
    """How many entries are reduced, as a scalar."""
    return extent(mul_dims(*[x.shape[a] for a in axes]))


def _count(x: Expr, axes: Axes, where: Any, who: str) -> Expr:
    """How many entries are reduced, those where the condition holds."""
    if where is True or where is None:
        return count_of(x, axes)
    return sum_axes(cast(_mask(x, where, who), x.ty if x.dtype.kind == "f" else WEAK_FLOAT), axes)


def _mean(x: Expr, axes: Axes, where: Any, who: str) -> Expr:
    return divide(sum_axes(masked(x, where, 0, who), axes), _count(x, axes, where, who))


@public
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = None,
) -> Expr:
    """Arithmetic mean over axes, as `numpy.mean`; of no entries it is nan.

    Options are those of `sum`.
    """
    refuse_out(out, "mean")
    x = _operand(a, dtype)
    axes = normalize_axes(axis, x.ndim)
    return kept(_mean(x, axes, where, "mean"), axes, keepdims)


@public
def var(
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
    """Variance over axes, as `numpy.var`, from the squared deviations.

    Options are those of `sum`, and:

    Parameters
    ----------
    ddof, correction : number
        The squares are divided by the number of entries less this, and not less than 0; two names for
        one thing.
    mean : expression, optional
        The mean, with the axes kept, if it is known already; it is differentiated as what it is.
    """
    return _var(a, axis, dtype, out, ddof, keepdims, where, mean, correction, "var")


def _var(
    a: Any,
    axis: Any,
    dtype: Any,
    out: Any,
    ddof: Any,
    keepdims: bool,
    where: Any,
    center: Any,
    correction: Any,
    who: str,
) -> Expr:
    refuse_out(out, who)
    if correction is not None:
        if ddof != 0:
            raise ArgumentError(f"{who} got ddof and correction, which are one thing; give one")
        ddof = correction
    x = masked(_operand(a, dtype), where, 0, who)  # what is left out is finite, in derivatives too
    axes = normalize_axes(axis, x.ndim)
    if center is None:
        center = insert_axes(_mean(x, axes, where, who), axes)
    total = sum_axes(masked(power(subtract(x, center), 2), where, 0, who), axes)
    return kept(divide(total, _degrees(_count(x, axes, where, who), ddof)), axes, keepdims)


def _degrees(count: Expr, ddof: Any) -> Expr:
    """The number of entries less `ddof`; not below 0, as NumPy has it."""
    if ddof.__class__ is int and ddof == 0:
        return count
    return maximum(subtract(count, ddof), 0)


@public
def std(
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
    """Standard deviation over axes, as `numpy.std`; its derivative is nan where it is 0.

    Options are those of `var`.
    """
    return sqrt(_var(a, axis, dtype, out, ddof, keepdims, where, mean, correction, "std"))


# Extrema


def _extremum(
    op: Op, a: Any, axis: Any, out: Any, keepdims: bool, initial: Any, where: Any
) -> Expr:
    refuse_out(out, op.name)
    x = as_expr(a)
    axes = normalize_axes(axis, x.ndim)
    if initial is None:
        if where is not None and where is not True:
            raise ArgumentError(
                f"{op.name} with where= needs initial=, its value where no entry is chosen, such as"
                f" initial={'-' * (op is MAX)}np.inf"
            )
        _check_not_empty(x, axes, op.name, "; initial= gives it one")
        return reduced(op, x, axes, keepdims)
    first = _scalar(initial, op.name)
    ty = promote(x.ty, first.ty)
    entries, first = cast(x, ty), cast(first, ty)
    if where is not None and where is not True:
        entries = choose(_mask(x, where, op.name), entries, broadcast(first, x.shape))
    rows, _ = axes_last(entries, axes)
    one_more = concat([broadcast(first, (*rows.shape[:-1], 1)), rows], rows.ndim - 1)
    return kept(op.build((one_more,), ((rows.ndim - 1,),)), axes, keepdims)


@public
def max(  # noqa: A001
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Expr:
    """Largest entry over axes, as `numpy.max`; entries that tie share the derivative equally.

    Options are those of `sum`; `initial` is one more entry, and the value where there is no other.

    Raises
    ------
    ShapeError
        For an empty axis without `initial`.
    ArgumentError
        For `where` without `initial`.
    """
    return _extremum(MAX, a, axis, out, keepdims, initial, where)


@public
def min(  # noqa: A001
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Expr:
    """Smallest entry over axes, as `numpy.min`; entries that tie share the derivative equally.

    Options and errors are those of `max`.
    """
    return _extremum(MIN, a, axis, out, keepdims, initial, where)


@public
def any(  # noqa: A001
    a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = None
) -> Expr:
    """Whether any entry is true, as `numpy.any`."""
    refuse_out(out, "any")
    return reduced(ANY, masked(as_condition(a), where, False, "any"), axis, keepdims)


@public
def all(  # noqa: A001
    a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = None
) -> Expr:
    """Whether all entries are true, as `numpy.all`."""
    refuse_out(out, "all")
    return reduced(ALL, masked(as_condition(a), where, True, "all"), axis, keepdims)


def _arg(op: Op, a: Any, axis: Any, out: Any, keepdims: bool) -> Expr:
    refuse_out(out, op.name)
    x = as_expr(a)
    if axis is None:
        flat = reshape_to(x, (mul_dims(*x.shape),))
        _check_not_empty(flat, (0,), op.name)
        result = op.build((flat,), ((0,),))
        return reshape_to(result, (1,) * x.ndim) if keepdims else result
    axes = (normalize_axis(axis, x.ndim),)
    _check_not_empty(x, axes, op.name)
    return kept(op.build((x,), (axes,)), axes, keepdims)


@public
def argmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Expr:
    """Index of the largest entry, as `numpy.argmax`: an integer, without derivative."""
    return _arg(ARGMAX, a, axis, out, keepdims)


@public
def argmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Expr:
    """Index of the smallest entry, as `numpy.argmin`: an integer, without derivative."""
    return _arg(ARGMIN, a, axis, out, keepdims)


# Scans


def _scanned(op: Op, a: Any, axis: Any, dtype: Any, out: Any) -> Expr:
    refuse_out(out, op.name)
    x = _operand(a, dtype)
    if axis is None:
        x, axis = reshape_to(x, (mul_dims(*x.shape),)), 0
    return op.build((x,), (normalize_axis(axis, x.ndim),))


@public
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Expr:
    """Cumulative sum along an axis, as `numpy.cumsum`; None flattens."""
    return _scanned(CUMSUM, a, axis, dtype, out)


@public
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Expr:
    """Cumulative product along an axis, as `numpy.cumprod`; right at zeros to any order."""
    return _scanned(CUMPROD, a, axis, dtype, out)
