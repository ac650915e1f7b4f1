"""Reshape: entries in C order in another shape, and what is known without moving them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from symgrad.errors import ShapeError
from symgrad.expr.dims import Dim, Shape, map_shape, mul_dims, show_shape
from symgrad.expr.kinds import Reshape
from symgrad.expr.leaves import EYE, eye, is_number, number
from symgrad.expr.node import Expr, make
from symgrad.expr.op import Op, Params
from symgrad.expr.types import Ty
from symgrad.ops.arithmetic import MUL, mul
from symgrad.ops.einsum import broadcast, einsum_node, is_stretched_scalar, relabel
from symgrad.ops.guard import WHERE, is_guard, move_guard


def filled(x: Expr, shape: Shape) -> Expr | None:
    """A number in another shape, or None where `x` is no number."""
    if not is_number(x):
        return None
    value, _, _, ty = x.params
    return number(value, shape, ty)


def _known(x: Expr, shape: Shape) -> Expr | None:
    """A number, a stretched scalar, or an identity by the factors of its extent; else None."""
    if is_stretched_scalar(x):
        return broadcast(x.args[0], shape)
    half = len(shape) // 2
    if x.op is EYE and shape[:half] == shape[half:] and len(shape) == 2 * half:
        identities = [eye(d, x.dtype) for d in shape[:half]]
        pairs = [(axis, axis + half) for axis in range(half)]
        return einsum_node(identities, pairs, tuple(range(2 * half)), {})
    return filled(x, shape)


def linear(rule: Callable[[Expr, Expr], Expr]) -> Callable[..., Expr | None]:
    """The jvp of an op that is linear in its first operand: the op itself, on the tangent."""

    def jvp(y: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
        return None if tangents[0] is None else rule(y, tangents[0])

    return jvp


def reshape_to(x: Expr, shape: Shape) -> Expr:
    """`x` with its entries, in C order, in another shape of the same size."""
    if x.shape == shape:
        return x
    known = _known(x, shape)
    if known is not None:
        return known
    if x.op is RESHAPE:
        return reshape_to(x.args[0], shape)
    if x.op is MUL and len(x.args) == 2 and is_number(x.args[0]) and x.args[1].op is RESHAPE:
        return mul(reshape_to(x.args[0], shape), reshape_to(x.args[1], shape))
    if x.op is WHERE and is_guard(x):
        return move_guard(x, lambda arg: reshape_to(arg, shape))
    if tuple(d for d in x.shape if d != 1) == tuple(d for d in shape if d != 1):
        return _by_unit_axes(x, shape)
    return make(RESHAPE, (x,), (shape,), shape, x.ty)


def _by_unit_axes(x: Expr, shape: Shape) -> Expr:
    """A reshape that only adds and drops axes of extent 1 is a relabelling."""
    out = tuple(range(len(shape)))
    kept = [axis for axis in out if shape[axis] != 1]
    fresh = len(shape)
    labels = []
    for dim in x.shape:
        if dim == 1:
            labels.append(fresh)
            fresh += 1
        else:
            labels.append(kept.pop(0))
    full: dict[int, Dim] = dict(enumerate(shape))
    full.update(zip(labels, x.shape, strict=True))
    return relabel(x, tuple(labels), out, full)


def _infer_reshape(args: tuple[Expr, ...], params: Params) -> tuple[Shape, Ty]:
    (shape,) = params
    if mul_dims(*args[0].shape) != mul_dims(*shape):
        raise ShapeError(
            f"cannot reshape {show_shape(args[0].shape)} to {show_shape(shape)}: sizes differ"
        )
    return shape, args[0].ty


class ReshapeParams(NamedTuple):
    """The shape of the result."""

    shape: Shape


def _reshape_latex(node: Expr) -> str:
    if node.ndim == 1:
        return r"\operatorname{{vec}}\left({0}\right)"
    return rf"\operatorname{{{{reshape}}}}\left({{0}}, {show_shape(node.shape)}\right)"


RESHAPE: Final = Op(
    name="reshape",
    fields=ReshapeParams,
    moves=True,
    build=lambda args, params: reshape_to(args[0], *params),
    infer=_infer_reshape,
    vjp=lambda g, y, needed: [reshape_to(g, y.args[0].shape)],
    jvp=linear(lambda y, t: reshape_to(t, (*y.shape, *t.shape[y.args[0].ndim :]))),
    numpy=lambda node: Reshape(node.params.shape),
    text=lambda node: f"reshape({{0}}, {show_shape(node.shape)})",
    latex=_reshape_latex,
    map_dims=lambda params, rename: (map_shape(params[0], rename),),
    batch=lambda node, args, carries, dim: reshape_to(args[0], (dim, *node.shape)),
    unrolled=lambda node, x: x.reshape(node.shape),
    range=lambda y, x: x,
)
