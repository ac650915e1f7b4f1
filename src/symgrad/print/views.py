"""What a reader sees of a node: a sum, a product, a contraction, a stack, or a plain call.

Text and LaTeX are two drawings of the same views.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from symgrad.expr.dims import mul_dims
from symgrad.expr.leaves import CONST, is_number, number, value_of
from symgrad.expr.node import Expr
from symgrad.expr.op import Params
from symgrad.ops.arithmetic import ADD, MUL, POW
from symgrad.ops.einsum import EINSUM, is_stretched_scalar
from symgrad.ops.layout import CONCAT
from symgrad.ops.linalg import SOLVE
from symgrad.ops.named import NAMED
from symgrad.ops.reshaping import RESHAPE
from symgrad.ops.symmetry import Labels, joined_by
from symgrad.print.contraction import NotationStep, form_of
from symgrad.print.terms import MAX_SHOWN, Merges, Product, Sum, coefficient_of, product_of, sum_of


class Raised(NamedTuple):
    """A power whose exponent is no number; the children are base and exponent."""

    children: tuple[Expr, ...]


class Same(NamedTuple):
    """A node that reads as its one operand."""

    children: tuple[Expr, ...]


class ContractionView(NamedTuple):
    """An Einsum and its notation; `labels` are those of its operands and its own, where it has any."""

    children: tuple[Expr, ...]
    form: NotationStep
    labels: tuple[tuple[Labels, ...], Labels] | None = None


class JoinView(NamedTuple):
    """Operands joined along an axis: an old one, or (`stacked`) a new one."""

    children: tuple[Expr, ...]
    axis: int
    stacked: bool
    ndim: int
    hidden: int


class Blocks(NamedTuple):
    """A matrix of blocks, row by row, `width` in each."""

    children: tuple[Expr, ...]
    width: int


class CallView(NamedTuple):
    """The op of `node` over operands; `hidden` more are not shown. Leaves have no children."""

    children: tuple[Expr, ...]
    hidden: int
    node: Expr


View = Sum | Product | Raised | Same | ContractionView | JoinView | Blocks | CallView


def view_of(node: Expr, merges: Merges) -> View:
    """The view of `node`; operands for which `merges` is true may be written into it."""
    op, args = node.op, node.args
    if op is ADD:
        return sum_of(node, merges)
    if op is MUL or (op is POW and coefficient_of(args[1]) is not None):
        return product_of(node, merges)
    if op is POW:
        return Raised(args)
    if op is NAMED or is_stretched_scalar(node):
        return Same(args)
    if op is EINSUM and _is_vector_solve(node):
        matrix, column = args[0].args
        return CallView((matrix, _as_vector(column)), 0, args[0])
    if op is EINSUM and len(args) <= MAX_SHOWN:
        shown, params = _without_columns(args, node.params)
        return ContractionView(shown, form_of(shown, params), (params[0], params[1]))
    if op is CONCAT:
        return _blocks(node, merges) or _joined(node)
    if op is RESHAPE and (product := _kronecker(node)) is not None:
        return ContractionView(args[0].args, product)
    return CallView(args[:MAX_SHOWN], max(0, len(args) - MAX_SHOWN), node)


def _kronecker(node: Expr) -> NotationStep | None:
    """A reshaped Einsum as the Kronecker product of two matrices, ``A_ij B_kl -> C_ikjl``; or None."""
    (x,) = node.args
    if x.op is not EINSUM or x.ndim != 4 or x.params.spread:
        return None
    if node.shape != (mul_dims(*x.shape[:2]), mul_dims(*x.shape[2:])):
        return None
    inputs, out, _ = x.params
    sides = []
    for ends in (out[::2], out[1::2]):
        at = joined_by(inputs, ends)
        labels = [inputs[i] for i in at]
        if set(out) & {n for own in labels for n in own} != set(ends):
            return None
        sides.append(_at(form_of([x.args[i] for i in at], (tuple(labels), ends, ())), at))
    return NotationStep("kron", tuple(sides))


def _at(form: NotationStep, places: Sequence[int]) -> NotationStep:
    """A form over some of the operands, by their places among all."""
    if form.kind == "operand":
        return NotationStep("operand", data=places[form.data])
    return NotationStep(form.kind, tuple([_at(part, places) for part in form.parts]), form.data)


def _blocks(node: Expr, merges: Merges) -> Blocks | None:
    """Rows of blocks under each other, where all are cut at the same columns."""
    first = node.args[0]
    if node.params[0] != 0 or node.ndim != 2 or len(node.args) * len(first.args) > MAX_SHOWN:
        return None
    if not all(row.op is CONCAT and row.params[0] == 1 and merges(row) for row in node.args):
        return None
    widths = [arg.shape[1] for arg in first.args]
    if any([arg.shape[1] for arg in row.args] != widths for row in node.args):
        return None
    return Blocks(tuple([x for row in node.args for x in row.args]), len(widths))


def _joined(node: Expr) -> JoinView:
    (axis,) = node.params
    shown = node.args[:MAX_SHOWN]
    stacked = all(_adds_axis(arg, axis) for arg in node.args)
    if stacked:
        shown = tuple([_without_axis(arg, axis) for arg in shown])
    return JoinView(shown, axis, stacked, node.ndim, max(0, len(node.args) - MAX_SHOWN))


def _adds_axis(node: Expr, axis: int) -> bool:
    """Whether `node` is its operand with one new axis of extent 1 at `axis`, or a number there."""
    if node.op is CONST:
        return is_number(node) and bool(node.shape[axis] == 1)
    if node.op is not EINSUM or len(node.args) != 1 or node.shape[axis] != 1:
        return False
    (labels,), out, spread = node.params
    rest: Labels = (*out[:axis], *out[axis + 1 :])
    return len(spread) == 1 and bool(rest == labels)


def _without_axis(node: Expr, axis: int) -> Expr:
    if node.op is EINSUM:
        return node.args[0]
    return number(value_of(node), (*node.shape[:axis], *node.shape[axis + 1 :]), node.ty)


def _is_vector_solve(node: Expr) -> bool:
    """Whether `node` is the one column of ``solve(A, b[:, newaxis])``, so ``solve(A, b)``."""
    solution = node.args[0]
    if len(node.args) != 1 or solution.op is not SOLVE:
        return False
    (labels,), out, _ = node.params
    return _is_column(solution.args[1]) and bool(labels[:-1] == out)


def _is_column(x: Expr) -> bool:
    """Whether a matrix is a vector as its one column, or a solution for one."""
    while x.op is SOLVE:
        x = x.args[1]
    return x.op is EINSUM and _adds_axis(x, x.ndim - 1)


def _as_vector(column: Expr) -> Expr:
    """The one column of a matrix."""
    axes = tuple(range(column.ndim))
    return EINSUM.build((column,), ((axes,), axes[:-1], ()))


def _without_columns(args: tuple[Expr, ...], params: Params) -> tuple[tuple[Expr, ...], Params]:
    """Operands and labels of a product, solutions for one column as vectors."""
    inputs, out, spread = params
    if len(args) < 2 or not any(x.op is SOLVE and _is_column(x) for x in args):
        return args, params
    shown, labels = list(args), list(inputs)
    for k, (x, own) in enumerate(zip(args, inputs, strict=True)):
        if x.op is SOLVE and _is_column(x) and own[-1] not in out and own[-1] not in own[:-1]:
            shown[k], labels[k] = _as_vector(x), own[:-1]
    return tuple(shown), (tuple(labels), out, spread)
