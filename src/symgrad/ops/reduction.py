"""The ops that reduce or scan axes: extrema, products, logsumexp, cumulative sums and products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from symgrad.expr.dims import Shape, mul_dims
from symgrad.expr.interval import NONNEGATIVE, REALS
from symgrad.expr.kinds import Call, Reduce
from symgrad.expr.leaves import arange, number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import BOOL, INT, WEAK_FLOAT, Ty, as_ty, promote, resolve
from symgrad.ops.arithmetic import mul
from symgrad.ops.batch import axes_behind, axis_behind
from symgrad.ops.cast import cast
from symgrad.ops.einsum import broadcast, einsum_node, insert_axes, sum_axes, times, transpose_axes
from symgrad.ops.guard import choose
from symgrad.ops.layout import AxisParams, concat, full_entry, part, slice_entry, slice_of
from symgrad.ops.reshaping import linear, reshape_to
from symgrad.ops.ufuncs import equal, exp, subtract

UNSIGNED: Final = as_ty(np.uint64)

# Reductions over axes


class AxesParams(NamedTuple):
    """The axes that go."""

    axes: tuple[int, ...]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Reduction(Op):
    r"""An op over normalised axes, which the result lacks; `sympy` takes the entries that go into one.

    Attributes
    ----------
    sign : str or None
        Its sign in LaTeX, such as ``\max``, under which axes can stand.
    """

    sign: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Scan(Op):
    """A cumulative op along one axis; `sympy` takes the entries up to one."""


def _without(shape: Shape, axes: tuple[int, ...]) -> Shape:
    return tuple([d for i, d in enumerate(shape) if i not in axes])


def stretched_back(x: Expr, y: Expr) -> Expr:
    """A reduced value stretched over the axes that were reduced in `y`."""
    return broadcast(insert_axes(x, y.params.axes), y.args[0].shape)


def _reduction(
    name: str,
    vjp: Callable[..., Sequence[Expr | None]] | None,
    type_of: Callable[[Ty], Ty],
    *,
    jvp: Callable[[Expr, Sequence[Expr | None]], Expr | None] | None = None,
    function: str,
    floats: bool = False,
    **fields: Any,
) -> Reduction:
    """The record of a reduction; `function` is that of `symgrad.expr.kinds.Reduce`.

    One of `floats` converts other numbers first: its code begins at infinity.
    """

    def build(args: tuple[Expr, ...], params: Params) -> Expr:
        (x,), (axes,) = args, params
        if floats and x.dtype.kind != "f":
            x = cast(x, promote(x.ty, WEAK_FLOAT))
        if not axes:
            return x
        return make(op, (x,), (axes,), *infer((x,), params))

    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        return _without(args[0].shape, *params), type_of(args[0].ty)

    op = Reduction(
        name=name,
        fields=AxesParams,
        batch=axes_behind,
        build=build,
        infer=infer,
        vjp=vjp,
        jvp=jvp,
        numpy=lambda node: Reduce(function, axes_of(node)),
        text=lambda node: f"{name}({{0}}{axis_text(node)})",
        latex=lambda node: _notation(node, name, node.params.axes, op.sign),
        **fields,
    )
    return op


def _notation(node: Expr, name: str, axes: tuple[int, ...], sign: str | None = None) -> str:
    r"""``\max_{j} M_{ij}``; of all entries, and of other functions, ``\max(v)``."""
    ndim = node.args[0].ndim
    index = "ijklmnopqr"[:ndim]
    over = "".join([index[axis] for axis in axes]) if ndim <= 10 else ""
    if sign is not None and over and (name == "prod" or len(axes) < ndim):
        return rf"{sign}_{{{{{over}}}}} {{{{{{0}}}}}}_{{{{{index}}}}}"
    head = sign or rf"\operatorname{{{{{name}}}}}"
    below = rf"_{{{{{over}}}}}" if over and len(axes) < ndim else ""
    return rf"{head}{below}\left({{0}}\right)"


def axes_of(node: Expr) -> tuple[int, ...] | None:
    """The axes of a reduction; None where all of them go."""
    axes: tuple[int, ...] = node.params.axes
    return None if len(axes) == node.args[0].ndim else axes


def axis_text(node: Expr) -> str:
    """The axis argument of a reduction as text; nothing where all axes go."""
    axes = axes_of(node)
    return "" if axes is None else f", axis={axes[0] if len(axes) == 1 else axes}"


def _extremum_share(y: Expr) -> Expr:
    """1 at the entries that attain the extremum, divided by how many do."""
    x = y.args[0]
    hit = choose(
        equal(x, stretched_back(y, y)), number(1.0, x.shape, x.ty), number(0.0, x.shape, x.ty)
    )
    return hit / stretched_back(sum_axes(hit, y.params.axes), y)


def _extremum_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    return [mul(stretched_back(g, y), _extremum_share(y))]


def _extremum_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    return None if t is None else sum_axes(times(_extremum_share(y), t), y.params.axes)


_EXTREMUM_NOTE: Final = "Entries that tie share the derivative equally."

MAX: Final = _reduction(
    "max",
    _extremum_cotangent,
    lambda ty: ty,
    jvp=_extremum_tangent,
    function="maximum",
    sign=r"\max",
    sympy=lambda sp, *xs: sp.Max(*xs),
    range=lambda y, x: x,
    notes=_EXTREMUM_NOTE,
)
MIN: Final = _reduction(
    "min",
    _extremum_cotangent,
    lambda ty: ty,
    jvp=_extremum_tangent,
    function="minimum",
    sign=r"\min",
    sympy=lambda sp, *xs: sp.Min(*xs),
    range=lambda y, x: x,
    notes=_EXTREMUM_NOTE,
)
ANY: Final = _reduction(
    "any", None, lambda ty: BOOL, function="logical_or", sympy=lambda sp, *xs: sp.Or(*xs)
)
ALL: Final = _reduction(
    "all", None, lambda ty: BOOL, function="logical_and", sympy=lambda sp, *xs: sp.And(*xs)
)


def others(y: Expr) -> Expr:
    """For every entry the product of all the others: products before it times products after it.

    Zeros need no special case, unlike in ``prod(x)/x``.
    """
    x, axes = y.args[0], y.params.axes
    rows, restore = axes_last(x, axes)
    after = flip_last(_products_before(flip_last(rows)))
    return restore(mul(_products_before(rows), after))


def _products_before(rows: Expr) -> Expr:
    """For every entry the product of those before it in its row, 1 for the first."""
    last = rows.ndim - 1
    one_first = concat([number(1, (*rows.shape[:-1], 1)), rows], last)
    return cumprod_last(part(one_first, last, 0, rows.shape[-1]))


def axes_last(x: Expr, axes: tuple[int, ...]) -> tuple[Expr, Callable[[Expr], Expr]]:
    """`x` with `axes` flattened into a last one, and the way back."""
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    order = (*kept, *axes)
    moved = transpose_axes(x, order)
    rows = reshape_to(moved, (*moved.shape[: len(kept)], mul_dims(*[x.shape[a] for a in axes])))
    inverse = tuple(order.index(i) for i in range(x.ndim))
    return rows, lambda z: transpose_axes(reshape_to(z, moved.shape), inverse)


def _sliced(x: Expr, axis: int, key: slice) -> Expr:
    entries = [full_entry(d) for d in x.shape]
    entries[axis] = slice_entry(key, x.shape[axis], x.shape)
    return slice_of(x, tuple(entries))


def flip_last(x: Expr) -> Expr:
    """`x` with its last axis reversed."""
    return _sliced(x, -1, slice(None, None, -1))


def integer_sum_type(ty: Ty) -> Ty:
    """The type of sums and products: booleans and short integers are added up in long ones."""
    kind = ty.dtype.kind
    if kind in "bi" and not ty.weak:
        return INT
    return UNSIGNED if kind == "u" else ty


def _prod_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    return None if t is None else sum_axes(times(others(y), t), y.params.axes)


PROD: Final = _reduction(
    "prod",
    lambda g, y, needed: [mul(stretched_back(g, y), others(y))],
    integer_sum_type,
    jvp=_prod_tangent,
    function="multiply",
    sign=r"\prod",
    sympy=lambda sp, *xs: sp.Mul(*xs),
    range=lambda y, x: NONNEGATIVE if x.nonnegative else REALS,
)


def _softmax(y: Expr) -> Expr:
    return exp(subtract(y.args[0], stretched_back(y, y)))


def _logsumexp_tangent(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    (t,) = tangents
    return None if t is None else sum_axes(times(_softmax(y), t), y.params.axes)


LOGSUMEXP: Final = _reduction(
    "logsumexp",
    lambda g, y, needed: [mul(stretched_back(g, y), _softmax(y))],
    lambda ty: resolve(np.exp, (ty,)),
    jvp=_logsumexp_tangent,
    function="logsumexp",
    floats=True,
    sympy=lambda sp, *xs: sp.log(sp.Add(*[sp.exp(x) for x in xs])),
)


def _arg_extremum(name: str) -> Reduction:
    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        return _without(args[0].shape, *params), INT

    op = Reduction(
        name=name,
        fields=AxesParams,
        batch=axes_behind,
        build=lambda args, params: make(op, args, params, *infer(args, params)),
        infer=infer,
        numpy=lambda node: Reduce(name, axes_of(node)),
        text=lambda node: f"{name}({{0}}{axis_text(node)})",
        range=NONNEGATIVE,
    )
    return op


ARGMAX: Final = _arg_extremum("argmax")
ARGMIN: Final = _arg_extremum("argmin")


# Scans


def _scan(name: str, vjp: Any, jvp: Any, **fields: Any) -> Scan:
    """The record of a scan."""

    def infer(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
        return args[0].shape, integer_sum_type(args[0].ty)

    op = Scan(
        name=name,
        fields=AxisParams,
        batch=axis_behind,
        build=lambda args, params: make(op, args, params, *infer(args, params)),
        infer=infer,
        vjp=vjp,
        jvp=jvp,
        numpy=lambda node: Call(f"np.{name}", (), (("axis", node.params.axis),)),
        text=lambda node: f"{name}({{0}}{f', axis={node.params.axis}' * (node.ndim > 1)})",
        latex=lambda node: _notation(node, name, node.params),
        range=lambda y, x: NONNEGATIVE if x.nonnegative else REALS,
        **fields,
    )
    return op


def _flip_axis(x: Expr, axis: int) -> Expr:
    return _sliced(x, axis, slice(None, None, -1))


def _cumsum_cotangent(g: Expr, y: Expr, needed: Sequence[bool]) -> list[Expr | None]:
    (axis,) = y.params
    return [_flip_axis(CUMSUM.build((_flip_axis(g, axis),), (axis,)), axis)]


CUMSUM: Scan = _scan(
    "cumsum",
    _cumsum_cotangent,
    linear(lambda y, t: CUMSUM.build((t,), y.params)),
    linear=True,
    sympy=lambda sp, *xs: sp.Add(*xs),
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


CUMPROD: Final = _scan(
    "cumprod", _cumprod_cotangent, _cumprod_tangent, sympy=lambda sp, *xs: sp.Mul(*xs)
)


REDUCTION_OPS: Final = (MAX, MIN, ANY, ALL, PROD, LOGSUMEXP, ARGMAX, ARGMIN, CUMSUM, CUMPROD)
