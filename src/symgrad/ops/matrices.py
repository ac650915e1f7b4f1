"""What the ops of matrices share: batched contractions by letters, transposes, checks.

A tangent may have axes behind those of its node, one direction per entry (see `symgrad.expr.op`).
`contract` carries them along, so that one formula serves both modes of differentiation.
"""

from __future__ import annotations

import numpy as np

from symgrad.errors import ShapeError
from symgrad.expr.dims import show_shape
from symgrad.expr.leaves import EYE, eye, is_number, number
from symgrad.expr.node import Expr
from symgrad.expr.types import Ty, resolve
from symgrad.ops.arithmetic import MUL, mul_all
from symgrad.ops.cast import cast
from symgrad.ops.einsum import (
    EINSUM,
    broadcast,
    einsum_node,
    insert_axes,
    is_layout,
    is_stretched_scalar,
    transpose_axes,
)
from symgrad.ops.symmetry import Labels
from symgrad.ops.ufuncs import multiply


def float_of(ty: Ty) -> Ty:
    """The element type in which NumPy computes linear algebra on this one."""
    return resolve(np.true_divide, (ty, ty))


def as_float(x: Expr) -> Expr:
    """`x` in the type in which linear algebra is computed."""
    return cast(x, float_of(x.ty))


def contract(spec: str, batch: int, *operands: Expr) -> Expr:
    """A product in letters, such as ``"ij,jk->ik"``, over operands with `batch` leading axes more.

    Axes that an operand has behind those of its letters trail the result.
    """
    inputs, _, out = spec.partition("->")
    letters = sorted(set(spec) - set(",->"))
    label = {letter: batch + i for i, letter in enumerate(letters)}
    first = batch + len(letters)
    lead = tuple(range(batch))
    labels: list[Labels] = []
    extra: Labels = ()
    for x, text in zip(operands, inputs.split(","), strict=True):
        trailing = tuple(range(first, first + x.ndim - batch - len(text)))
        extra = max(extra, trailing, key=len)
        labels.append((*lead, *[label[c] for c in text], *trailing))
    return einsum_node(operands, labels, (*lead, *[label[c] for c in out], *extra), {})


def transposed(x: Expr) -> Expr:
    """`x` with its last two axes exchanged."""
    return transpose_axes(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def untransposed(x: Expr) -> Expr | None:
    """A, where `x` is a node that exchanges the last two axes of A; else None."""
    if x.op is not EINSUM or len(x.args) != 1 or x.ndim < 2:
        return None
    (labels,), out, spread = x.params
    if spread or len(labels) != len(out) or labels != (*out[:-2], out[-1], out[-2]):
        return None
    return x.args[0]


def symmetric_part(x: Expr, batch: int) -> Expr:
    """``(x + x.T)/2`` of matrices that may have trailing axes."""
    return (x + contract("ij->ji", batch, x)) / 2


def over_matrix(g: Expr, x: Expr) -> Expr:
    """A batch of scalars stretched over the two matrix axes of `x`."""
    return broadcast(insert_axes(g, (g.ndim, g.ndim + 1)), x.shape)


def diagonal_of(x: Expr) -> Expr:
    """The diagonals of square matrices; v of ``diag(v)``."""
    if x.op is EINSUM and any(arg.op is EYE for arg in x.args) and x.ndim == 2:
        inputs, (row, column), _ = x.params
        labels = [tuple([row if n == column else n for n in ls]) for ls in inputs]
        return einsum_node(x.args, labels, (row,), {row: x.shape[0]})
    return contract("ii->i", x.ndim - 2, x)


def spread_diagonal(d: Expr, x: Expr) -> Expr:
    """The diagonal matrices, of the shape of `x`, with entries `d`."""
    identity = broadcast(eye(x.shape[-1], d.dtype), x.shape)
    return contract("ij,i->ij", x.ndim - 2, identity, d)


def scale_of_identity(x: Expr) -> Expr | None:
    """c of shape ``x.shape``, for ``x = c*eye(n)`` with a number or a scalar c; None for another matrix."""
    if x.op is EYE:
        return number(1, x.shape)
    if x.op is EINSUM and x.ndim == 2:
        inputs, out, spread = x.params
        identity = [k for k, arg in enumerate(x.args) if arg.op is EYE]
        rest = [arg for arg in x.args if arg.op is not EYE]
        plain = len(identity) == 1 and sorted(inputs[identity[0]]) == sorted(out) and not spread
        if plain and all(arg.ndim == 0 for arg in rest):
            return broadcast(mul_all(rest), x.shape) if rest else number(1, x.shape)
    if x.op is not MUL:
        return None
    at = [k for k, arg in enumerate(x.args) if _is_identity(arg)]
    others = [arg for k, arg in enumerate(x.args) if k not in at]
    if len(at) != 1 or not all(is_number(arg) or is_stretched_scalar(arg) for arg in others):
        return None
    return mul_all(others)


def _is_identity(x: Expr) -> bool:
    return x.op is EYE or (is_layout(x) and x.args[0].op is EYE and x.ndim == 2)


def scalar_and_rest(x: Expr) -> tuple[Expr, Expr | None]:
    """c and A of a product ``c*A`` of scalars and one array; None in the place of A for another product.

    Anything but a product is A itself.
    """
    if x.op is not MUL:
        return number(1), x
    scalars = [f for f in x.args if is_number(f) or is_stretched_scalar(f)]
    rest = [f for f in x.args if not (is_number(f) or is_stretched_scalar(f))]
    own = [number(f.params[0], (), f.params[3]) if is_number(f) else f.args[0] for f in scalars]
    return mul_all(own) if own else number(1), rest[0] if len(rest) == 1 else None


def minus(x: Expr) -> Expr:
    """``-x``."""
    return multiply(-1, x)


def check_matrix(x: Expr, who: str) -> Expr:
    """`x`, which must have two axes or more.

    Raises
    ------
    ShapeError
        If it has not.
    """
    if x.ndim < 2:
        raise ShapeError(
            f"{who} needs a matrix in the last two axes, got shape {show_shape(x.shape)};"
            " insert an axis with expand_dims, or stack vectors"
        )
    return x


def check_square(x: Expr, who: str) -> Expr:
    """`x`, whose last two extents must be equal.

    Raises
    ------
    ShapeError
        If they are not.
    """
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        way_out = (
            f"extents {x.shape[-2]} and {x.shape[-1]} differ; if they are equal give them one name,"
            " if not write pinv(A) for inv(A), A.T @ A or A @ A.T for A"
            if x.ndim > 1
            else "declare it with two equal extents, such as ('n', 'n')"
        )
        raise ShapeError(
            f"{who} needs a square matrix in the last two axes, got shape {show_shape(x.shape)}:"
            f" {way_out}"
        )
    return x
