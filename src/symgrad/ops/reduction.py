"""Reductions and scans: sums and means by Einsum, extrema, products, logsumexp, cumulative ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from symgrad.errors import ShapeError
from symgrad.expr.dims import Shape, mul_dims, show_shape
from symgrad.expr.interval import NONNEGATIVE, REALS
from symgrad.expr.leaves import arange, extent, number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import BOOL, INT, Ty, as_ty, resolve
from symgrad.ops.arithmetic import mul
from symgrad.ops.cast import cast
from symgrad.ops.einsum import broadcast, einsum_node, insert_axes, sum_axes, times, transpose_axes
from symgrad.ops.elementwise import as_expr
from symgrad.ops.guard import choose
from symgrad.ops.layout import concat, full_entry, slice_entry, slice_of
from symgrad.ops.public import normalize_axes, normalize_axis, public
from symgrad.ops.reshaping import linear, reshape_to
from symgrad.ops.select import as_condition
from symgrad.ops.ufuncs import divide, equal, exp, power, sqrt, subtract

UNSIGNED: Final = as_ty(np.uint64)

# Reductions over axes


def _without(shape: Shape, axes: tuple[int, ...]) -> Shape:
    return tuple([d for i, d in enumerate(shape) if i not in axes])


def stretched_back(x: Expr, y: Expr) -> Expr:
    """A reduced value stretched over the axes that were reduced in `y`."""
    return broadcast(insert_axes(x, y.params[0]), y.args[0].shape)


def _reduction(
    name: str,
    vjp: Callable[..., Sequence[Expr | None]] | None,
    type_of: Callable[[Ty], Ty],
    *,
    jvp: Callable[[Expr, Sequence[Expr | None]], Expr | None] | None = None,
    numpy: Any = None,
    **fields: Any,
) -> Op:
    """An op over normalised axes, which the result lacks; params are ``(axes,)``."""

    def build(args: tuple[Expr, ...], params: Params) -> Expr:
        (x,) = args
        if not params[0]:
            return x
        return make(op, args, params, *infer(args, params))

    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        return _without(args[0].shape, params[0]), type_of(args[0].ty)

    def code(node: Expr, dim: Any) -> str:
        return f"np.{name}({{0}}{axis_code(node)})"

    op = Op(
        name=name,
        build=build,
        infer=infer,
        vjp=vjp,
        jvp=jvp,
        numpy=numpy or code,
        text=lambda node: f"{name}({{0}}{axis_code(node)})",
        **fields,
    )
    return op


def axis_code(node: Expr) -> str:
    """The axis argument of a reduction as code; nothing where all axes go."""
    axes = node.params[0]
    if len(axes) == node.args[0].ndim:
        return ""
    return f", axis={axes[0] if len(axes) == 1 else axes}"


def _extremum_share(y: Expr) -> Expr:
    """1 at the entries that attain the extremum, divided by how many do."""
    x = y.args[0]
    hit = choose(
        equal(x, stretched_back(y, y)), number(1.0, x.shape, x.ty), number(0.0, x.shape, x.ty)
    )
    return hit / stretched_back(sum_axes(hit, y.params[0]), y)


def _extremum_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    return [mul(stretched_back(g, y), _extremum_share(y))]


def _extremum_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    return None if t is None else sum_axes(times(_extremum_share(y), t), y.params[0])


_EXTREMUM_NOTE: Final = "Entries that tie share the derivative equally."

MAX: Final = _reduction(
    "max",
    _extremum_cotangent,
    lambda ty: ty,
    jvp=_extremum_tangent,
    range=lambda y, x: x,
    notes=_EXTREMUM_NOTE,
)
MIN: Final = _reduction(
    "min",
    _extremum_cotangent,
    lambda ty: ty,
    jvp=_extremum_tangent,
    range=lambda y, x: x,
    notes=_EXTREMUM_NOTE,
)
ANY: Final = _reduction("any", None, lambda ty: BOOL)
ALL: Final = _reduction("all", None, lambda ty: BOOL)


def _others(y: Expr) -> Expr:
    """For every entry the product of all the others: products before it times products after it.

    Zeros need no special case, unlike in ``prod(x)/x``.
    """
    x, axes = y.args[0], y.params[0]
    rows, restore = _axes_last(x, axes)
    one = number(1, (*rows.shape[:-1], 1))
    before = concat([one, _drop_last(cumprod_last(rows))], rows.ndim - 1)
    after = flip_last(concat([one, _drop_last(cumprod_last(flip_last(rows)))], rows.ndim - 1))
    return restore(mul(before, after))


def _axes_last(x: Expr, axes: tuple[int, ...]) -> tuple[Expr, Callable[[Expr], Expr]]:
    """`x` with `axes` flattened into a last one, and the way back."""
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    order = (*kept, *axes)
    moved = transpose_axes(x, order)
    rows = reshape_to(moved, (*moved.shape[: len(kept)], mul_dims(*[x.shape[a] for a in axes])))
    inverse = tuple(order.index(i) for i in range(x.ndim))
    return rows, lambda z: transpose_axes(reshape_to(z, moved.shape), inverse)


def _drop_last(x: Expr) -> Expr:
    return _sliced(x, -1, slice(None, -1))


def _sliced(x: Expr, axis: int, key: slice) -> Expr:
    entries = [full_entry(d) for d in x.shape]
    entries[axis] = slice_entry(key, x.shape[axis], x.shape)
    return slice_of(x, tuple(entries))


def flip_last(x: Expr) -> Expr:
    """`x` with its last axis reversed."""
    return _sliced(x, -1, slice(None, None, -1))


def _integer_sum_type(ty: Ty) -> Ty:
    """The type of sums and products: booleans and short integers are added up in long ones."""
    kind = ty.dtype.kind
    if kind in "bi" and not ty.weak:
        return INT
    return UNSIGNED if kind == "u" else ty


def _prod_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    return None if t is None else sum_axes(times(_others(y), t), y.params[0])


PROD: Final = _reduction(
    "prod",
    lambda g, y, needed: [mul(stretched_back(g, y), _others(y))],
    _integer_sum_type,
    jvp=_prod_tangent,
    range=lambda y, x: NONNEGATIVE if x.nonnegative else REALS,
)


def _softmax(y: Expr) -> Expr:
    return exp(subtract(y.args[0], stretched_back(y, y)))


def _logsumexp_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    return None if t is None else sum_axes(times(_softmax(y), t), y.params[0])


LOGSUMEXP: Final = _reduction(
    "logsumexp",
    lambda g, y, needed: [mul(stretched_back(g, y), _softmax(y))],
    lambda ty: resolve(np.exp, (ty,)),
    jvp=_logsumexp_tangent,
    numpy=lambda node, dim: f"_logsumexp({{0}}{axis_code(node)})",
)


def _arg_extremum(name: str) -> Op:
    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        return _without(args[0].shape, params[0]), INT

    def code(node: Expr, dim: Any) -> str:
        return f"np.{name}({{0}}{axis_code(node)})"

    op = Op(
        name=name,
        build=lambda args, params: make(op, args, params, *infer(args, params)),
        infer=infer,
        numpy=code,
        text=lambda node: f"{name}({{0}}{axis_code(node)})",
        range=NONNEGATIVE,
    )
    return op


ARGMAX: Final = _arg_extremum("argmax")
ARGMIN: Final = _arg_extremum("argmin")


# Scans


def _scan(name: str, vjp: Any, jvp: Any) -> Op:
    """A cumulative op along one axis; params are ``(axis,)``."""

    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        return args[0].shape, _integer_sum_type(args[0].ty)

    op = Op(
        name=name,
        build=lambda args, params: make(op, args, params, *infer(args, params)),
        infer=infer,
        vjp=vjp,
        jvp=jvp,
        numpy=lambda node, dim: f"np.{name}({{0}}, axis={node.params[0]})",
        text=lambda node: f"{name}({{0}}, axis={node.params[0]})",
        range=lambda y, x: NONNEGATIVE if x.nonnegative else REALS,
    )
    return op


def _flip_axis(x: Expr, axis: int) -> Expr:
    return _sliced(x, axis, slice(None, None, -1))


def _cumsum_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    (axis,) = y.params
    return [_flip_axis(CUMSUM.build((_flip_axis(g, axis),), (axis,)), axis)]


CUMSUM: Op = _scan(
    "cumsum",
    _cumsum_cotangent,
    linear(lambda y, t: CUMSUM.build((t,), y.params)),
)


def cumprod_last(x: Expr) -> Expr:
    """Products of leading entries along the last axis."""
    return CUMPROD.build((x,), (x.ndim - 1,))


def _cumprod_partials(y: Expr) -> Expr:
    """``P[..., i, k] = d y_k / d x_i``: the cumulative product with x_i replaced by 1, for k >= i.

    Right at zeros too, which ``y_k / x_i`` is not; the price is one more axis.
    """
    x, (axis,) = y.args[0], y.params
    rows = _last_axis(x, axis)
    n = rows.shape[-1]
    rank = rows.ndim
    index = arange(n)
    i = broadcast(insert_axes(index, (1,)), (*rows.shape[:-1], n, n))
    k = broadcast(index, (*rows.shape[:-1], n, n))
    spread = broadcast(insert_axes(rows, (rank - 1,)), (*rows.shape[:-1], n, n))
    ones = number(1, spread.shape)
    products = cumprod_last(choose(equal(i, k), ones, spread))
    return choose(k >= i, products, number(0, spread.shape))


def _last_axis(x: Expr, axis: int) -> Expr:
    return transpose_axes(x, (*(a for a in range(x.ndim) if a != axis), axis))


def _axis_from_last(x: Expr, axis: int) -> Expr:
    order = list(range(x.ndim - 1))
    order.insert(axis, x.ndim - 1)
    return transpose_axes(x, order)


def _cumprod_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    (axis,) = y.params
    partials = _cumprod_partials(y)  # [..., i, k], with labels 0 ... n
    batch, i, k = tuple(range(y.ndim - 1)), y.ndim - 1, y.ndim
    rows = einsum_node(
        [partials, _last_axis(g, axis)], [(*batch, i, k), (*batch, k)], (*batch, i), {}
    )
    return [_axis_from_last(rows, axis)]


def _cumprod_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    if t is None:
        return None
    (axis,) = y.params
    partials = _cumprod_partials(y)
    batch = tuple(range(y.ndim - 1))
    i, k, extra = y.ndim - 1, y.ndim, tuple(range(y.ndim + 1, t.ndim + 1))
    order = list(batch)
    order.insert(axis, i)
    out = list(batch)
    out.insert(axis, k)
    return einsum_node([partials, t], [(*batch, i, k), (*order, *extra)], (*out, *extra), {})


CUMPROD: Final = _scan("cumprod", _cumprod_cotangent, _cumprod_tangent)


# The public functions


def _reduce(op: Op, x: Any, axis: Any, keepdims: bool) -> Expr:
    operand = as_expr(x)
    axes = normalize_axes(axis, operand.ndim)
    return _keep(op.build((operand,), (axes,)), axes, keepdims)


def _keep(result: Expr, axes: tuple[int, ...], keepdims: bool) -> Expr:
    return insert_axes(result, axes) if keepdims else result


def _check_not_empty(x: Expr, axes: tuple[int, ...], who: str) -> None:
    if 0 in [x.shape[a] for a in axes]:
        raise ShapeError(f"{who} of an empty axis has no value; shape {show_shape(x.shape)}")


@public
def sum(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:  # noqa: A001
    """Sum over axes, as `numpy.sum`; booleans are counted."""
    x = as_expr(a)
    axes = normalize_axes(axis, x.ndim)
    return _keep(sum_axes(cast(x, _integer_sum_type(x.ty)), axes), axes, keepdims)


def count_of(x: Expr, axes: tuple[int, ...]) -> Expr:
    """How many entries are reduced, as a scalar."""
    return extent(mul_dims(*[x.shape[a] for a in axes]))


@public
def mean(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """Arithmetic mean over axes, as `numpy.mean`."""
    x = as_expr(a)
    axes = normalize_axes(axis, x.ndim)
    _check_not_empty(x, axes, "mean")
    return _keep(divide(sum_axes(x, axes), count_of(x, axes)), axes, keepdims)


@public
def var(a: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Expr:
    """Variance over axes, as `numpy.var`, from the squared deviations."""
    x = as_expr(a)
    axes = normalize_axes(axis, x.ndim)
    _check_not_empty(x, axes, "var")
    deviation = subtract(x, mean(x, axes, keepdims=True))
    total = sum_axes(power(deviation, 2), axes)
    return _keep(divide(total, subtract(count_of(x, axes), ddof)), axes, keepdims)


@public
def std(a: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Expr:
    """Standard deviation over axes, as `numpy.std`; its derivative is nan where it is 0."""
    return sqrt(var(a, axis, ddof, keepdims))


@public
def prod(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """Product over axes, as `numpy.prod`; the derivative is right at zeros too."""
    return _reduce(PROD, a, axis, keepdims)


def _extremum(op: Op, a: Any, axis: Any, keepdims: bool) -> Expr:
    x = as_expr(a)
    _check_not_empty(x, normalize_axes(axis, x.ndim), op.name)
    return _reduce(op, x, axis, keepdims)


@public
def max(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:  # noqa: A001
    """Largest entry over axes, as `numpy.max`; entries that tie share the derivative equally."""
    return _extremum(MAX, a, axis, keepdims)


@public
def min(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:  # noqa: A001
    """Smallest entry over axes, as `numpy.min`; entries that tie share the derivative equally."""
    return _extremum(MIN, a, axis, keepdims)


@public
def any(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:  # noqa: A001
    """Whether any entry is true, as `numpy.any`."""
    return _reduce(ANY, as_condition(a), axis, keepdims)


@public
def all(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:  # noqa: A001
    """Whether all entries are true, as `numpy.all`."""
    return _reduce(ALL, as_condition(a), axis, keepdims)


def _arg(op: Op, a: Any, axis: Any, keepdims: bool) -> Expr:
    x = as_expr(a)
    if axis is None:
        flat = reshape_to(x, (mul_dims(*x.shape),))
        _check_not_empty(flat, (0,), op.name)
        result = op.build((flat,), ((0,),))
        return reshape_to(result, (1,) * x.ndim) if keepdims else result
    axes = (normalize_axis(axis, x.ndim),)
    _check_not_empty(x, axes, op.name)
    return _keep(op.build((x,), (axes,)), axes, keepdims)


@public
def argmax(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """Index of the largest entry, as `numpy.argmax`: an integer, without derivative."""
    return _arg(ARGMAX, a, axis, keepdims)


@public
def argmin(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """Index of the smallest entry, as `numpy.argmin`: an integer, without derivative."""
    return _arg(ARGMIN, a, axis, keepdims)


@public
def logsumexp(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """``log(sum(exp(a)))`` over axes without overflow, as `scipy.special.logsumexp`."""
    return _reduce(LOGSUMEXP, a, axis, keepdims)


@public
def softmax(x: Any, axis: Any = None) -> Expr:
    """``exp(x)/sum(exp(x))`` over axes without overflow, as `scipy.special.softmax`."""
    return exp(subtract(x, logsumexp(x, axis, keepdims=True)))


@public
def log_softmax(x: Any, axis: Any = None) -> Expr:
    """``log(softmax(x))``, as `scipy.special.log_softmax`."""
    return subtract(x, logsumexp(x, axis, keepdims=True))


def _scanned(op: Op, a: Any, axis: Any) -> Expr:
    x = as_expr(a)
    if axis is None:
        x, axis = reshape_to(x, (mul_dims(*x.shape),)), 0
    return op.build((x,), (normalize_axis(axis, x.ndim),))


@public
def cumsum(a: Any, axis: Any = None) -> Expr:
    """Cumulative sum along an axis, as `numpy.cumsum`; None flattens."""
    return _scanned(CUMSUM, a, axis)


@public
def cumprod(a: Any, axis: Any = None) -> Expr:
    """Cumulative product along an axis, as `numpy.cumprod`; right at zeros to any order."""
    return _scanned(CUMPROD, a, axis)


REDUCTION_OPS: Final = (MAX, MIN, ANY, ALL, PROD, LOGSUMEXP, ARGMAX, ARGMIN, CUMSUM, CUMPROD)
